"""The loss of every example over the epochs: against a slow second computation, and nothing is disturbed by it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional
from training_helpers import (
    CNN,
    CPU,
    MADE,
    MLP,
    advance,
    images,
    project_of,
    same,
    served,
    session_of,
    tables,
    weights,
)
from waiting import wait_for

from nnviz.data.tensors import Feeder, load
from nnviz.network.losses import LossFunction, loss_function
from nnviz.project import registry
from nnviz.project.model import Choice, DataFacts, Graph
from nnviz.project.samples import templates
from nnviz.project.samples.sketch import chain, features, linear, output, relu
from nnviz.record.quantities import EXAMPLE_FORGOTTEN, EXAMPLE_LOSS, EXAMPLE_MARGIN
from nnviz.record.readings import ArrayReading
from nnviz.record.run import Run
from nnviz.record.store import open_run
from nnviz.train import journal
from nnviz.train.checkpoint import Checkpoint, from_blobs, to_blobs
from nnviz.train.example_record import ExampleRecord, _finite_halves
from nnviz.train.headless import train_to_file
from nnviz.train.session import SessionState
from nnviz.train.training import Training


def recorded(graph: Graph = MLP, **more: Any) -> Training:
    data = images() if graph is CNN else tables()
    training = Training(project_of(graph, **more), data, CPU, record_examples=True)
    MADE.append(training)
    return training


def slow_record(training: Training, epochs: int) -> tuple[NDArray[Any], ...]:
    """Last losses, times forgotten and mean margins, one example at a time; trains as it goes, without a record."""
    count = len(training.data.train)
    right: list[list[bool]] = [[] for _ in range(count)]
    margins: list[list[float]] = [[] for _ in range(count)]
    losses = np.full(count, np.nan)
    for epoch in range(epochs):
        for batch in range(training.steps_per_epoch):
            numbers = training._batches.feeder.numbers(epoch, batch)
            seen: list[torch.Tensor] = []
            training.advance(lambda loss, outputs, targets, seen=seen: seen.append(outputs.clone()))
            for example, scores in zip(numbers, seen[0], strict=True):
                label = int(training.data.train.targets[example])
                losses[example] = float(-functional.log_softmax(scores, 0)[label])
                others = [float(score) for at, score in enumerate(scores) if at != label]
                margins[example].append(float(scores[label]) - max(others))
                right[example].append(int(scores.argmax()) == label)
        advance(training, 0)
        training.settle()
        training.finish_epoch(None)
    forgotten = [sum(a and not b for a, b in itertools.pairwise(one)) for one in right]
    return losses, np.array(forgotten), np.array([np.mean(one) for one in margins])


@pytest.mark.parametrize("graph", [MLP, CNN], ids=["chain", "cnn"])
def test_losses_margins_and_what_was_forgotten_are_those_of_a_slow_second_computation(graph: Graph) -> None:
    epochs = 6
    first, plain = recorded(graph, learning_rate=0.3), recorded(graph, learning_rate=0.3)
    plain.examples = None
    for _ in range(epochs):
        advance(first, first.steps_per_epoch)
    losses, forgotten, margins = slow_record(plain, epochs)
    assert first.examples is not None
    first.examples.mark(first.step)
    found = {reading.series: reading.array for reading in first.examples.take()}
    assert forgotten.sum() > 3  # the rate is so large that something is forgotten
    np.testing.assert_array_equal(found[EXAMPLE_FORGOTTEN.series()], forgotten)
    np.testing.assert_allclose(found[EXAMPLE_LOSS.series()], losses, rtol=2e-3, atol=1e-3)
    np.testing.assert_allclose(found[EXAMPLE_MARGIN.series()], margins, rtol=2e-3, atol=2e-3)
    # The weights are the same, bit for bit.
    assert same(weights(first.network), weights(plain.network))


@pytest.mark.parametrize("graph", [MLP, CNN], ids=["chain", "cnn"])
def test_epochs_worked_out_together_are_what_each_was_alone(graph: Graph) -> None:
    def trained(apart: bool) -> list[ArrayReading]:
        training, found = recorded(graph, learning_rate=0.3), list[ArrayReading]()
        for epoch in range(1, 12):
            # One epoch ends when its outputs have been worked through already; others are torn in two by that.
            for _ in range(training.steps_per_epoch):
                advance(training, 1)
                torn = (epoch, training.step % training.steps_per_epoch) in {(4, 1), (8, 2), (9, 0)}
                if torn and training.examples is not None:
                    training.examples.settle()
            assert training.examples is not None
            if epoch % 3:
                training.examples.mark(training.step)
                kept = training.examples.capture()
            if apart:
                found += training.examples.take()
        advance(training, 1)
        found += training.examples.take()
        assert not training.examples.has_marked and not training.examples.take()
        assert same(dict(kept), dict(training.examples.capture())) is False  # nor does what is kept move on
        return found

    each, together = trained(True), trained(False)
    assert [(one.series, one.step) for one in each] == [(one.series, one.step) for one in together]
    assert len({one.step for one in each}) == 8
    for one, other in zip(each, together, strict=True):
        np.testing.assert_array_equal(one.array, other.array)


def test_it_goes_on_from_a_checkpoint_and_back_to_an_earlier_step() -> None:
    whole, broken = recorded(learning_rate=0.3), recorded(learning_rate=0.3)
    advance(whole, 20)
    advance(broken, 9)  # in the middle of an epoch
    kept = broken.capture()
    advance(broken, 5)
    broken.go_back(kept, 11)
    advance(broken, 4)
    blobs = to_blobs(broken.capture())
    # Who knows nothing of it reads the same checkpoint.
    assert from_blobs({name: blob for name, blob in blobs.items() if name != "examples"}).weights.keys()
    third = recorded(learning_rate=0.3)
    third.restore(from_blobs(blobs))
    advance(third, 20 - third.step)
    assert whole.examples is not None and third.examples is not None
    assert same(whole.examples.capture(), third.examples.capture())
    # What is damaged or of other examples begins anew, and decides no weight.
    for examples in (b"nothing", to_blobs(of_other_examples(third, 7))["examples"]):
        other = recorded(learning_rate=0.3)
        other.restore(from_blobs({**blobs, "examples": examples}))
        assert other.examples is not None and int(other.examples.capture()["seen"].sum()) == 0


def of_other_examples(training: Training, count: int) -> Checkpoint:
    kept = training.capture()
    return replace(kept, examples={name: tensor[:count].clone() for name, tensor in kept.examples.items()})


LOSSES = [(kind, task) for kind, spec in registry.losses().items() for task in spec.tasks if task != "none"]


@pytest.mark.parametrize(("kind", "task"), LOSSES)
def test_the_losses_of_the_examples_have_the_loss_of_the_batch_as_their_mean(kind: str, task: str) -> None:
    generator = torch.Generator().manual_seed(3)
    units = {"classes": 4, "binary": 1, "regression": 2}[task]
    facts = DataFacts((6,), units, task, ("a", "b", "c", "d") if task == "classes" else ())
    graph = chain(features(6), relu(), linear(units), output(loss=kind))
    loss: LossFunction = loss_function(graph, facts)
    outputs = torch.rand(7, units, generator=generator)
    targets = (
        torch.rand(7, units, generator=generator)
        if task == "regression"
        else torch.randint(0, max(2, units), (7,), generator=generator)
    )
    each = loss.each(outputs, targets)
    assert each.shape == (7,)
    torch.testing.assert_close(each.mean(), loss(outputs, targets))
    one = loss(outputs[2:3], targets[2:3])
    torch.testing.assert_close(each[2], one)
    if loss.has_accuracy:
        right = loss.right(outputs, targets)
        assert right is not None
        assert torch.equal(loss.margins(outputs, targets) > 0, right)


def test_the_run_keeps_them_and_ever_fewer_epochs_of_them(tmp_path: Path) -> None:
    project = templates.sample("spiral")
    training = msgspec.structs.replace(project.training, epochs=3, optimizer=Choice("adam", {"learning_rate": 0.05}))
    project = msgspec.structs.replace(project, training=training)
    train_to_file(project, tmp_path / "a.nnvizrun")
    train_to_file(project, tmp_path / "b.nnvizrun", probes=())
    with open_run(tmp_path / "a.nnvizrun") as run, open_run(tmp_path / "b.nnvizrun") as bare:
        found = run.latest(EXAMPLE_LOSS.series())
        assert isinstance(found, ArrayReading) and found.array.shape == (320,) and np.isfinite(found.array).all()
        assert bare.latest(EXAMPLE_LOSS.series()) is None
        one, other = (from_blobs(each.load_checkpoint()) for each in (run, bare))
        assert same(dict(one.weights), dict(other.weights))
    feeder = Feeder(tables().train, tables().scaler, 10)
    for work, dense in ((1 << 40, 32), (1 << 20, 4)):
        record = ExampleRecord(feeder, recorded().loss_function, 3, work)
        kept = [epoch for epoch in range(1, 2001) if record.is_recorded(epoch)]
        assert kept[: 2 * dense] == list(range(1, 2 * dense + 1)) and len(kept) < 12 * dense


class _Store:
    """Notes what the run says of the examples when a checkpoint is handed over: nobody works that out again."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.saved: list[tuple[int, int | None]] = []

    def save_checkpoint(self, step: int, epoch: int, blobs: Mapping[str, bytes], tag: str) -> None:
        found = self._run.latest(EXAMPLE_LOSS.series())
        self.saved.append((step, None if found is None else found.step))


def test_what_waits_is_in_the_run_before_anybody_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # Nothing is due by the clock.
    monkeypatch.setattr(journal, "EXAMPLES_EVERY", math.inf)
    monkeypatch.setattr(journal, "_EXAMPLES_LATE", math.inf)
    run = Run()
    store = _Store(run)

    def recorded_steps() -> list[int]:
        snapshots = run._snapshots.get(EXAMPLE_MARGIN.series())
        return [] if snapshots is None else [reading.step for reading in snapshots.items]

    with served(session_of(run=run, probes=None, epochs=9, store=store)) as session:
        steps = session.training.steps_per_epoch
        for _ in range(3):
            session.epoch().result()
            wait_for(lambda: session.state is SessionState.PAUSED)
        session.step(steps * 2 + 1).result()
        wait_for(lambda: run.last_step == steps * 5 + 1 and recorded_steps()[-1:] == [steps * 5])
        assert recorded_steps() == [steps * epoch for epoch in range(1, 6)]
        session.go_back(steps * 4 + 1).result()
        wait_for(lambda: session.position.step == steps * 4 + 1 and session.state is SessionState.PAUSED)
        assert recorded_steps() == [steps * epoch for epoch in range(1, 5)]
        session.play().result()
        wait_for(lambda: session.state is SessionState.DONE)
        assert recorded_steps() == [steps * epoch for epoch in range(1, 10)]
    assert len(store.saved) > 3
    assert all(known == step // steps * steps for step, known in store.saved if step >= steps)


def test_many_short_epochs_are_joined_and_worked_out_as_each_alone_and_checkpoints_stay_small() -> None:
    def kept(apart: bool) -> tuple[list[Mapping[str, torch.Tensor]], list[ArrayReading]]:
        project = templates.sample("spiral")
        training = Training(project, load(project.data), CPU, record_examples=True)
        MADE.append(training)
        examples, found = training.examples, list[Mapping[str, torch.Tensor]]()
        assert examples is not None
        advance(training, training.steps_per_epoch)  # until then the losses are those of nobody
        for epoch in range(2, 68):  # more than are worked out at once
            if epoch == 67:  # a batch that is larger than was planned for
                training.take_on(replace(training.live_settings, batch_size=33))
            advance(training, training.steps_per_epoch - 3)
            found.append(examples.capture())
            advance(training, 3)
            examples.mark(training.step)
            if apart:
                examples.settle()
        held = {tensor.untyped_storage().data_ptr(): tensor for one in found if not apart for tensor in one._waiting}
        assert sum(tensor.untyped_storage().nbytes() for tensor in held.values()) < 1 << 18
        return found, examples.take()

    (each, alone), (together, joined) = kept(True), kept(False)
    for one, other in zip(each, together, strict=True):
        assert same(dict(one), dict(other))
    assert len(alone) == 3 * 66
    for one, other in zip(alone, joined, strict=True):
        np.testing.assert_array_equal(one.array, other.array)


def test_what_is_too_large_for_half_the_precision_is_recorded_as_its_largest_number() -> None:
    found = _finite_halves(torch.tensor([0.25, 1e6, -1e30, math.inf]))
    assert found.dtype == torch.float16 and found.tolist() == [0.25, 65504.0, -65504.0, 65504.0]
