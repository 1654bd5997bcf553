"""Mixed precision and channels last: what is computed in which numbers, kept, gone on with, and refused."""

from __future__ import annotations

import copy
import math
from typing import Any

import msgspec
import pytest
import torch
from torch import nn
from training_helpers import CNN, CPU, MADE, MLP, advance, images, made_training, project_of, same, tables, weights

from nnviz.errors import NotFiniteError, ProjectError
from nnviz.network.builders import build_layer
from nnviz.project import registry
from nnviz.project.files import io
from nnviz.project.model import Choice, Graph, Project, TrainConfig
from nnviz.project.samples.sketch import chain, conv, features, flatten, image, linear, output, relu
from nnviz.project.settings import with_setting
from nnviz.project.spec import ShapeError
from nnviz.record.run import Run
from nnviz.train import precision
from nnviz.train.change import difference
from nnviz.train.checkpoint import from_blobs, to_blobs
from nnviz.train.narrow_products import keep_no_copies
from nnviz.train.session import TrainingSession
from nnviz.train.training import Training

#: Without batch normalisation, before which a bias follows nothing but errors of rounding.
PICTURES = chain(image(1, 8, 8), conv(4, 3), relu(), conv(8, 3), relu(), flatten(), linear(3), output())
PLAIN = chain(features(6), linear(16), relu(), linear(3), output())


def planned(graph: Graph = CNN, **changes: object) -> Project:
    project = project_of(graph)
    return msgspec.structs.replace(project, training=msgspec.structs.replace(project.training, **changes))


def made(graph: Graph = CNN, **changes: object) -> Training:
    training = Training(planned(graph, **changes), images() if graph in (CNN, PICTURES) else tables(), CPU)
    MADE.append(training)
    return training


def halves(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a GPU without brain floats: half floats and a scale, which torch has for the processor as well."""
    monkeypatch.setattr("nnviz.train.step_ways.mixed_type", lambda config, network, device: torch.float16)


def test_a_step_is_that_of_a_script_with_autocast() -> None:
    """Torch's own optimizer, autocast around the forward pass, cross-entropy of 32-bit outputs."""
    training, plain = made(PLAIN, precision="mixed"), made(PLAIN)
    network = plain.network
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01, fused=True)
    for _ in range(7):
        inputs, targets = training.coming.peek()
        training.advance()
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            outputs = network(inputs)
        assert outputs.dtype is torch.bfloat16
        loss = nn.functional.cross_entropy(outputs.float(), targets)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if training.epoch_end_due:
            training.finish_epoch(None)
    assert same(weights(training.network), weights(network))
    assert {tensor.dtype for tensor in weights(training.network).values()} == {torch.float32}
    single = made_training(PLAIN)
    advance(single, 7)
    apart = max(
        float((a - b).detach().abs().max())
        for a, b in zip(network.parameters(), single.network.parameters(), strict=True)
    )
    assert 0 < apart < 0.05, "other in the third digit"


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("accumulation", [1, 3])
@pytest.mark.parametrize("channels_last", ["never", "always"])
def test_a_resumed_one_is_bit_for_bit_the_uninterrupted_one(
    scaled: bool, accumulation: int, channels_last: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if scaled:
        halves(monkeypatch)
    changes: dict[str, Any] = {"accumulation": accumulation, "channels_last": channels_last, "precision": "mixed"}
    changes |= {"clipping": Choice("norm", {"limit": 0.4}), "averaging": Choice("ema"), "schedule": Choice("plateau")}
    whole, first, second = (made(**changes) for _ in range(3))
    for training in (whole, first, second):
        if training._ways.mixed is not None and training._ways.mixed._scaler is not None:
            training._ways.mixed.scale = 2.0**22, 0  # which overflows at first
    advance(whole, 9)
    advance(first, 5)
    second.restore(from_blobs(to_blobs(first.capture())))
    advance(second, 4)
    assert same(weights(whole.network), weights(second.network))
    start = first.capture()
    advance(first, 4)
    first.go_back(start, 7)
    while first.replaying:
        advance(first, 1)
    advance(first, 2)
    assert same(weights(whole.network), weights(first.network))
    if scaled:
        assert whole._ways.mixed is not None and 0 < whole._ways.mixed.scale[0] < 2.0**22
        assert second._ways.mixed is not None and second._ways.mixed.scale == whole._ways.mixed.scale


def test_updates_that_were_left_out_in_half_floats_stay_so_where_there_are_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Gone on with twice on a device without half floats, and then on one that has them."""
    with monkeypatch.context() as patch:
        halves(patch)
        first = made(PLAIN, precision="mixed")
        assert first._ways.mixed is not None
        first._ways.mixed.scale = 2.0**127, 0
        advance(first, 5)
        assert first._ways.mixed.scale[0] < 2.0**127
    for _ in range(2):
        then = made(PLAIN, precision="mixed")
        then.restore(from_blobs(to_blobs(first.capture())))
        advance(then, 1)
        assert then.capture().progress.loss_scale == first.capture().progress.loss_scale
        first = then
    halves(monkeypatch)
    last = made(PLAIN, precision="mixed")
    last.restore(from_blobs(to_blobs(first.capture())))
    assert last._ways.mixed is not None and last._ways.mixed.scale[0].hex() == first.capture().progress.loss_scale


def test_what_looks_at_gradients_sees_them_without_the_scale_and_an_overflow_changes_no_weight(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    halves(monkeypatch)
    training, single = made(PLAIN, precision="mixed"), made_training(PLAIN)
    for one in (training, single):
        one.advance()
    for mine, theirs in zip(training.network.parameters(), single.network.parameters(), strict=True):
        assert mine.grad is not None and theirs.grad is not None
        assert torch.allclose(mine.grad, theirs.grad, rtol=0.02, atol=2e-3)
    assert training._ways.mixed is not None
    training._ways.mixed.scale = 2.0**127, 0
    before = weights(training.network)
    training.advance()
    assert same(before, weights(training.network)) and training.step == 2
    assert training._ways.mixed.scale == (2.0**126, 0)
    with torch.no_grad():
        for parameter in training.network.parameters():
            parameter.fill_(1e4)
    for _ in range(2):  # and again: what was left out is no longer in the way
        with pytest.raises(NotFiniteError):
            training.advance()
    assert training._ways.mixed.scale == (2.0**126, 0)


def test_convolutions_with_their_channels_last_are_the_same_within_float_error() -> None:
    usual, last = made(PICTURES), made(PICTURES, channels_last="always")
    convolution = next(module for module in last.network.modules() if isinstance(module, nn.Conv2d))
    assert convolution.weight.is_contiguous(memory_format=torch.channels_last)
    for training in (usual, last):
        advance(training, 8)
    for name, tensor in weights(usual.network).items():
        assert torch.allclose(tensor.float(), weights(last.network)[name].float(), rtol=1e-3, atol=1e-4), name


@pytest.mark.parametrize("graph", [CNN, MLP])
def test_a_whole_session_with_every_instrument(graph: Graph) -> None:
    run = Run()
    project = planned(graph, precision="mixed", channels_last="always", epochs=2, keep_best=True)
    data = images() if graph in (CNN, PICTURES) else tables()
    outcome = TrainingSession(project, run, data=data, device="cpu").train()
    assert math.isfinite(outcome.test_loss or math.nan)
    assert not [finding for finding in run.findings() if finding.severity == "error"]


def test_auto_takes_what_was_measured_to_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    auto = TrainConfig(precision="auto", channels_last="auto")
    cnn, mlp = made().network, made(PLAIN).network
    monkeypatch.setattr(precision, "multiplies_brain_floats", lambda: True)
    assert precision.mixed_type(auto, cnn, CPU) is torch.bfloat16
    assert precision.mixed_type(auto, mlp, CPU) is None
    assert precision.mixed_type(auto, cnn, torch.device("cuda")) is None
    monkeypatch.setattr(precision, "multiplies_brain_floats", lambda: False)
    assert precision.mixed_type(auto, cnn, CPU) is None
    assert precision.puts_channels_last(auto, cnn, CPU) and not precision.puts_channels_last(auto, mlp, CPU)
    with pytest.raises(ProjectError, match="never tried on mps: choose single precision"):
        precision.mixed_type(TrainConfig(precision="mixed"), cnn, torch.device("mps"))


def test_a_document_is_unchanged_by_default_and_a_run_is_gone_on_with_as_it_was() -> None:
    usual, mixed = planned(), with_setting(planned(), "training.precision", "mixed")
    assert b"precision" not in io.dumps(usual) and b"channels_last" not in io.dumps(usual)
    assert io.loads(io.dumps(mixed)).training.precision == "mixed"
    found = difference(usual, mixed)
    assert found is not None and found.field == "training.precision"


@pytest.mark.filterwarnings("ignore:dropout2d")
def test_every_layer_computes_forwards_and_backwards_with_brain_floats() -> None:
    seen = set()
    for kind in registry.layers():
        spec = registry.layer(kind)
        for shape in ((4, 8, 8), (4, 12), (12,)):
            shapes = [shape] * spec.min_inputs
            try:
                spec.rule(spec.values({}), shapes)
            except ShapeError:
                continue
            inputs = [torch.randn(4, *shape, requires_grad=True) for shape in shapes]
            if not inputs:
                continue
            module = build_layer(kind, spec.values({}), shapes)
            with torch.autocast("cpu", torch.bfloat16):
                outputs = module(*(one.to(torch.bfloat16) for one in inputs))
            torch.autograd.backward(outputs.float().sum())
            assert all(one.grad is not None and bool(torch.isfinite(one.grad).all()) for one in inputs), kind
            seen.add(kind)
    assert len(seen) >= 35


@pytest.mark.parametrize(
    ("layer", "form"),
    [(nn.Linear(6, 4), (3, 6)), (nn.Conv2d(2, 4, 3), (3, 2, 5, 5)), (nn.Conv1d(2, 4, 3, stride=2), (3, 2, 9))],
    ids=lambda one: type(one).__name__,
)
def test_products_that_keep_no_copy_of_their_weights_are_those_of_torch(
    layer: nn.Module, form: tuple[int, ...]
) -> None:
    """Bit for bit, forwards and back; what the way back needs of the weights is made when it is asked for."""
    inputs = torch.randn(form, generator=torch.Generator().manual_seed(0))
    lean = copy.deepcopy(layer)
    keep_no_copies(lean)
    found = []
    for module in (layer, lean):
        given = inputs.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16):
            outputs = module(given)
        outputs.float().square().sum().backward()
        found.append([outputs, given.grad, *(parameter.grad for parameter in module.parameters())])
        with torch.autocast("cpu", torch.bfloat16):
            kept = module(given).grad_fn
        name = "_saved_mat2" if form == (3, 6) else "_saved_weight"
        first, second = getattr(kept, name), getattr(kept, name)
        assert (first.data_ptr() == second.data_ptr()) is (module is layer)
        assert torch.equal(module(inputs), layer(inputs))  # in 32 bits
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))
