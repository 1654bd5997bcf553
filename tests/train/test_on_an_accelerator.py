"""A whole session with every instrument, where nothing may lie in the wrong place; no GPU is needed for it."""

from __future__ import annotations

import math

import pytest
import torch
from msgspec.structs import replace
from pretended import Pretended, accelerator
from training_helpers import CNN, MADE, advance, images, project_of

from nnviz.errors import TooLargeError, TrainingError, is_out_of_memory
from nnviz.network import memory
from nnviz.project.model import Choice
from nnviz.record.run import Run
from nnviz.train import devices, failures, paces, precision, timing
from nnviz.train.connection import is_of_connection
from nnviz.train.session import TrainingSession
from nnviz.train.training import Training

PROJECT = project_of(CNN, keep_best=True, epochs=2)
PROJECT = replace(
    PROJECT,
    training=replace(
        PROJECT.training,
        accumulation=2,
        averaging=Choice("ema"),
        clipping=Choice("norm", {"limit": 1.0}),
        regularisers=(Choice("l2"), Choice("max_norm")),
    ),
)


def test_every_instrument_measures_where_the_network_is(monkeypatch: pytest.MonkeyPatch) -> None:
    plenty = lambda device: 2**34  # noqa: E731 - a function for one line helps nobody
    monkeypatch.setattr("nnviz.network.memory.available_bytes", plenty)
    monkeypatch.setattr("nnviz.train.room.available_bytes", plenty)
    # On a busy machine the training below takes so long that its pace would be remembered, and none timed.
    monkeypatch.setattr("nnviz.train.session_work._LONG_ENOUGH", math.inf)
    here = Run()
    alone = TrainingSession(replace(PROJECT, training=replace(PROJECT.training, device="cpu")), here, data=images())
    expected = alone.train()
    with accelerator() as device:
        with pytest.raises(RuntimeError, match="on the same device"):
            torch.ones(2, device=device) + torch.ones(2)
        monkeypatch.setattr(devices, "resolve", lambda name="auto": device)
        run = Run()
        outcome = TrainingSession(PROJECT, run, data=images()).train()
        training = Training(PROJECT, images(), device)
        MADE.append(training)
        pace = timing.pace_of(PROJECT, training)  # a few steps are handed over at once there
        assert pace is not None and pace.source == paces.TIMED and pace.steps % timing._HANDED_OVER == 0
        advance(training, 1)
        kept = training.capture()
        assert all(isinstance(tensor, Pretended) for tensor in kept.weights.values())
    assert outcome.test_loss == pytest.approx(expected.test_loss, rel=0.05)
    assert set(here.names()) - set(run.names()) <= {"price/step"}
    assert not [finding for finding in run.findings() if finding.severity == "error"]


class OutOfMemoryError(RuntimeError):
    """As torch's own is called."""


@pytest.mark.parametrize(
    "error",
    [
        OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. Of the allocated memory 1 GiB is in NCCL."),
        torch.AcceleratorError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
        torch.distributed.DistBackendError("NCCL error: unhandled cuda error: Cuda failure 2 'out of memory'"),
    ],
)
def test_what_a_gpu_calls_too_little_memory_is_said_so_and_not_blamed_on_another_process(error: RuntimeError) -> None:
    assert is_out_of_memory(error) and not is_of_connection(error)
    found = failures.readable(error, device="cuda:0", step=3, batch_size=64)
    assert isinstance(found, TooLargeError) and "The memory of cuda:0 was not enough" in str(found)


def test_a_fault_of_the_device_itself_is_no_lost_connection() -> None:
    error = torch.AcceleratorError("CUDA error: peer access is not supported between these two devices")
    assert not is_of_connection(error)
    found = failures.readable(error, device="cuda:1", step=3, batch_size=64)
    assert isinstance(found, TrainingError) and "Start the program again" in str(found)
    error = torch.AcceleratorError("CUDA error: no kernel image is available for execution on the device")
    found = failures.readable(error, device="cuda:1", step=0, batch_size=64)
    assert "was not built for cuda:1: choose the device cpu" in str(found)
    assert is_of_connection(torch.distributed.DistBackendError("NCCL error: remote process exited"))


def test_each_device_is_asked_what_it_can_do_and_none_is_touched_that_nobody_uses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second of two GPUs is older than the first; looking at one with a question for its free memory takes some."""
    asked: list[object] = []
    sizes = [24 * 2**30, 80 * 2**30]
    capability = [(8, 0), (7, 5)]
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability[torch.device(device).index])
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "mem_get_info", asked.append)

    class Properties:
        def __init__(self, device: object) -> None:
            self.total_memory = sizes[torch.device(device).index]  # type: ignore[arg-type]

    monkeypatch.setattr(torch.cuda, "get_device_properties", Properties)
    assert memory.roomiest_bytes() == sizes[1] and not asked
    config = replace(PROJECT.training, precision="mixed")
    network = torch.nn.Linear(2, 2)
    first, second = (precision.mixed_type(config, network, torch.device("cuda", index)) for index in (0, 1))
    assert (first, second) == (torch.bfloat16, torch.float16)
