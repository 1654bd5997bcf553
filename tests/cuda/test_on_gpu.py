"""Training on a GPU: the same as on the processor within float error, whole sessions, what goes wrong, two devices.

``python3 scripts/check_gpu.py`` runs these and measures; without a GPU each is left out, with the reason.
"""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import torch
from torch import Tensor
from training_helpers import CPU, MADE, advance, images, project_of, tables, weights

from nnviz.data.tensors import LoadedData
from nnviz.errors import NotFiniteError, TooLargeError
from nnviz.project.model import Choice, Graph, Project
from nnviz.project.samples.sketch import (
    Layer,
    Sketch,
    chain,
    conv,
    features,
    flatten,
    image,
    linear,
    output,
    plain,
    pool,
    relu,
)  # fmt: skip
from nnviz.record.run import Run
from nnviz.record.store import open_run
from nnviz.train import paces, timing
from nnviz.train.checkpoint import from_blobs, to_blobs
from nnviz.train.instruments import Instruments
from nnviz.train.runner import Runner
from nnviz.train.session import TrainingSession
from nnviz.train.training import Training

pytestmark = pytest.mark.cuda

#: Without dropout, whose random numbers are the device's own, and without normalisation before a bias.
CNN = chain(image(1, 8, 8), conv(8, 3), relu(), pool(), conv(8, 3, padding=1), relu(), flatten(), linear(3), output())
MLP = chain(features(6), linear(32), plain("tanh"), linear(3), output())
#: What comes from two sides is added, and its gradient goes both ways.
BRANCHES = Sketch()
BRANCHES.run([image(1, 8, 8), conv(8, 3, padding=1), relu()])
BRANCHES.add(conv(8, 3, padding=1), BRANCHES.last, called="aside")
BRANCHES.run([Layer("add", {}), flatten(), linear(3), output()], "aside", "relu1")
BRANCHED = BRANCHES.graph()
SQUARED = chain(features(6), linear(16), linear(3), output("mse"))


#: A sum in another order leaves a gradient that is nearly 0 with another sign, and these optimizers make as much of it
#: as of any other, unless their epsilon is larger than such a difference: by the usual one two orders of the sums on
#: one processor, too, end at other weights.
_EPSILON = {"adam": {"epsilon": 1e-3}, "rmsprop": {"epsilon": 1e-3}}


def planned(graph: Graph, optimizer: str = "adam", rate: float = 0.01, **changes: object) -> Project:
    project = project_of(graph, optimizer=optimizer, learning_rate=rate, **_EPSILON.get(optimizer, {}))
    return msgspec.structs.replace(project, training=msgspec.structs.replace(project.training, **changes))


def data_of(graph: Graph) -> LoadedData:
    return tables() if graph in (MLP, SQUARED) else images()


def made(graph: Graph, device: torch.device, **more: object) -> Training:
    training = Training(planned(graph, **more), data_of(graph), device)  # type: ignore[arg-type]
    MADE.append(training)
    return training


def near(one: dict[str, Tensor], other: dict[str, Tensor], within: float = 1e-3) -> None:
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        assert torch.allclose(tensor.cpu(), other[name].cpu(), rtol=within, atol=within), name


@pytest.mark.parametrize("graph", [CNN, MLP, BRANCHED])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
@pytest.mark.parametrize("accumulation", [1, 3])
def test_the_weights_are_those_of_the_processor(
    graph: Graph, optimizer: str, accumulation: int, device: torch.device
) -> None:
    changes = {"optimizer": optimizer, "accumulation": accumulation, "clipping": Choice("norm", {"limit": 1.0})}
    gpu, cpu = made(graph, device, **changes), made(graph, CPU, **changes)
    near(weights(gpu.network), weights(cpu.network), 0.0)  # the same at the start, bit for bit
    for training in (gpu, cpu):
        advance(training, 9)
        training.settle()
    near(weights(gpu.network), weights(cpu.network))
    assert gpu.epoch_loss == pytest.approx(cpu.epoch_loss, rel=1e-3)
    assert gpu.best_loss == pytest.approx(cpu.best_loss, rel=1e-3)


def test_channels_last_are_the_same_within_float_error(device: torch.device) -> None:
    usual, last = made(CNN, device), made(CNN, device, channels_last="always")
    for training in (usual, last):
        advance(training, 12)
    near(weights(last.network), weights(usual.network))


@pytest.mark.parametrize("scaled", [False, True])
def test_mixed_precision_learns_and_is_gone_on_with(
    scaled: bool, device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With brain floats, and with half floats and a scale, as a GPU from before 2020 takes them."""
    narrow = torch.float16 if scaled else torch.bfloat16
    monkeypatch.setattr(
        "nnviz.train.step_ways.mixed_type",
        lambda config, network, device: narrow if config.precision == "mixed" else None,
    )
    whole, first, second = (made(CNN, device, precision="mixed", channels_last="always") for _ in range(3))
    single = made(CNN, device)
    for training in (whole, single):
        advance(training, 18)
    assert whole.best_loss == pytest.approx(single.best_loss, rel=0.1)
    assert {tensor.dtype for tensor in weights(whole.network).values()} == {torch.float32}
    advance(first, 9)
    second.restore(from_blobs(to_blobs(first.capture())))
    advance(second, 9)
    near(weights(second.network), weights(whole.network), 0.02)
    if scaled:
        assert second._ways.mixed is not None and second._ways.mixed.scale[0] > 0


@pytest.mark.parametrize("graph", [CNN, MLP])
def test_a_whole_session_with_every_instrument(graph: Graph, device: torch.device) -> None:
    run = Run()
    session = TrainingSession(planned(graph, epochs=3, keep_best=True), run, data=data_of(graph), device=str(device))
    outcome = session.train()
    assert outcome.test_loss is not None and math.isfinite(outcome.test_loss) and outcome.epochs == 3
    assert not [finding for finding in run.findings() if finding.severity == "error"]


def test_a_checkpoint_goes_from_one_device_to_the_other_and_back(device: torch.device) -> None:
    cpu, gpu = made(CNN, CPU), made(CNN, device)
    advance(cpu, 5)
    gpu.restore(from_blobs(to_blobs(cpu.capture())))
    near(weights(gpu.network), weights(cpu.network), 0.0)
    for training in (cpu, gpu):
        advance(training, 4)
    near(weights(gpu.network), weights(cpu.network))
    cpu.restore(from_blobs(to_blobs(gpu.capture())))
    near(weights(cpu.network), weights(gpu.network), 0.0)


def test_what_is_not_finite_is_named_and_the_state_before_it_is_put_back(device: torch.device) -> None:
    training = made(SQUARED, device, optimizer="sgd", rate=0.1)
    training.learning_rate = 5.0
    run = Run()
    runner = Runner(training, Instruments(training, run, (), 0.1), run, epochs=100)
    runner.begin()
    for _ in range(2000):
        runner.advance()
        if runner.trouble is not None:
            break
    assert isinstance(runner.trouble, NotFiniteError) and runner.trouble.node in training.network.graph.nodes
    assert training.step == runner.trouble.step - 1 and training.is_finite


def test_memory_that_runs_out_ends_in_a_sentence_and_the_next_training_finds_it_free(device: torch.device) -> None:
    large = chain(image(1, 8, 8), *(layer for _ in range(6) for layer in (conv(256, 3, padding=1), relu())),
                  flatten(), linear(3), output())  # fmt: skip
    data = images(train=4096)
    torch.cuda.empty_cache()
    held = torch.cuda.memory_allocated(device)
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, (held + 300e6) / total), device)
    try:
        session = TrainingSession(planned(large, batch_size=4096), Run(), data=data, device=str(device), probes=())
        with pytest.raises(TooLargeError, match="memory"):
            session.train()
        del session
        small = made(CNN, device)
        advance(small, 3)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)
        torch.cuda.empty_cache()


def test_the_time_is_measured_where_the_work_is_done(device: torch.device) -> None:
    training = made(CNN, device)
    pace = timing.pace_of(planned(CNN), training)
    assert pace is not None and pace.is_usable and pace.source == paces.TIMED


def test_the_second_gpu_trains_what_the_first_does(device: torch.device) -> None:
    if torch.cuda.device_count() < 2:
        pytest.skip("needs two GPUs")
    first, second = (made(CNN, torch.device("cuda", index)) for index in (0, 1))
    for training in (first, second):
        advance(training, 8)
        training.random.release()
    near(weights(second.network), weights(first.network))
    assert {parameter.device.index for parameter in second.network.parameters()} == {1}


def test_two_gpus_train_together_what_one_trains(device: torch.device, tmp_path: Path) -> None:
    """NCCL; the gradients of three batches are exchanged once an update, or each GPU holds a half of the network."""
    if torch.cuda.device_count() < 2:
        pytest.skip("needs two GPUs")
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    train = ["-m", "nnviz", "train", "sample:spiral", "--epochs", "2", "--device", "cuda"]
    train += ["--set", "training.accumulation=3", "--set", "training.averaging=ema"]
    runs = [tmp_path / f"{name}.nnvizrun" for name in ("one", "two", "divided")]
    commands = (train, [*torchrun, *train], [*torchrun, *train, "--shard"])
    for command, run in zip(commands, runs, strict=True):
        done = subprocess.run(
            [sys.executable, *command, "--run-file", str(run)], capture_output=True, text=True, timeout=100, check=False
        )
        assert done.returncode == 0, done.stderr
    for run in runs[1:]:
        with open_run(runs[0]) as one, open_run(run) as two:
            assert two.info.facts["processes"] == "2"
            for series in ("loss/train", "loss/validation", "loss/test"):
                assert two.scalars(series)[1] == pytest.approx(one.scalars(series)[1], rel=1e-3), series
