"""What is changed while it trains: it acts, it is recorded, and going back makes every step as it was made."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
import training_helpers
from torch import nn
from training_helpers import CNN, CPU, images

from nnviz.errors import ParamError, RunFileError
from nnviz.network.builders import LIVE
from nnviz.project import registry
from nnviz.project.edits import Freeze, SetParam, SetTraining
from nnviz.project.model import Choice, Curated, Project, TrainConfig
from nnviz.project.samples import templates
from nnviz.project.samples.sketch import chain, dropout, flatten, image, linear, output
from nnviz.record.run import Run
from nnviz.record.stored import open_run
from nnviz.train.checkpoint import Checkpoint, from_blobs, to_blobs
from nnviz.train.headless import train_to_file
from nnviz.train.live_settings import LiveSettings
from nnviz.train.optimizers import OPTIMIZERS
from nnviz.train.session import SessionState, TrainingSession
from nnviz.train.training import Training

#: Of each optimizer a setting that is changed, and to what.
OTHER = {
    "sgd": ("momentum", 0.9),
    "rmsprop": ("momentum", 0.8),
    "adagrad": ("weight_decay", 0.1),
    "adadelta": ("rho", 0.5),
    "adam": ("beta1", 0.5),
    "adamw": ("weight_decay", 0.3),
    "nadam": ("beta2", 0.9),
    "lion": ("beta1", 0.5),
}
TWO: dict[str, Any] = {"batch_size": 50, "accumulation": 2}
DATA = images(train=600)


def project(optimizer: str = "sgd", **changes: Any) -> Project:
    """Dropout, batch normalisation and a convolution; six steps an epoch."""
    config = TrainConfig(optimizer=Choice(optimizer, {"learning_rate": 0.01}), batch_size=100, epochs=9)
    return Project(graph=CNN, training=msgspec.structs.replace(config, **changes))


def made(of: Project) -> Training:
    training = Training(of, DATA, CPU, record_examples=True)
    training_helpers.MADE.append(training)
    return training


def other(training: Training, kind: str, **more: Any) -> LiveSettings:
    name, value = OTHER[kind]
    has = training.live_settings
    changed = tuple((key, value if key == name else old) for key, old in has.optimizer)
    return replace(has, optimizer=changed, **more)


def bits(training: Training) -> list[bytes]:
    state = training.network.state_dict().values()
    average = () if training.average is None else training.average.network.state_dict().values()
    examples = {} if training.examples is None else dict(training.examples.capture())
    return [tensor.numpy().tobytes() for tensor in (*state, *average, *examples.values())]


def advance(training: Training, steps: int) -> None:
    """With the validation where an epoch ends."""
    for _ in range(steps):
        training.advance()
        end_epoch(training)


def end_epoch(training: Training) -> None:
    if training.epoch_end_due:
        evaluation = training.evaluation("validation")
        while evaluation.advance():
            pass
        training.finish_epoch(evaluation.result())


def go_back(training: Training, checkpoint: Checkpoint, step: int) -> None:
    training.go_back(checkpoint, step)
    while training.replaying or training.epoch_end_due:
        if training.epoch_end_due:
            end_epoch(training)
        else:
            training.advance()


def changing(training: Training, kind: str) -> None:
    """Ten steps over the end of an epoch, with changes of all kinds in between, some of them taken back at once."""
    usual = training.live_settings
    advance(training, 2)
    training.take_on(other(training, kind))
    training.take_on(usual)
    training.take_on(other(training, kind))
    advance(training, 2)
    training.take_on(replace(training.live_settings, frozen=frozenset({"conv1"}), batch_size=35))
    training.learning_rate = 0.02
    advance(training, 3)
    dropped = tuple(one._replace(value=0.1) for one in training.live_settings.layers)
    training.take_on(replace(usual, layers=dropped, batch_size=35))
    training.take_on(replace(other(training, kind), layers=dropped, batch_size=35))
    training.take_on(replace(usual, layers=dropped, batch_size=35))
    advance(training, 3)


def test_a_process_that_follows_makes_steps_again_with_the_settings_of_then() -> None:
    first, follower = made(project()), made(project())
    start, usual = first.capture(), first.live_settings
    advance(first, 2)
    changed = other(first, "sgd", frozen=frozenset({"conv1"}))
    first.take_on(changed)
    advance(first, 2)
    first.go_back(start, 3)
    for step, then in enumerate((usual, usual, changed, changed)):
        follower.following.take(from_blobs(first._state.for_the_others()))
        assert (first.step, follower.step, follower.live_settings) == (step, step, then)
        advance(first, 1)


@pytest.mark.parametrize("kind", sorted(OPTIMIZERS))
def test_ten_steps_with_changes_and_back_and_on_again_are_the_same_bits(kind: str) -> None:
    averaging = Choice("swa", {"from_epoch": 1}) if kind == "sgd" else Choice("ema")
    training = made(project(kind, averaging=averaging, schedule=Choice("plateau"), **TWO))
    start = training.capture()
    changing(training, kind)
    end, changes = bits(training), [training.changes_at(step) for step in range(10)]
    middle = training.capture()
    assert [len(one) for one in changes] == [0, 0, 1, 0, 3, 0, 0, 3, 0, 0]
    assert training.epoch_plan.sizes == ((0, 100), (1, 70))
    go_back(training, start, 10)
    assert bits(training) == end and [training.changes_at(step) for step in range(10)] == changes
    go_back(training, start, 6)
    advance(training, 2)
    resumed = made(project(kind, averaging=averaging, schedule=Choice("plateau"), **TWO))
    resumed.restore(from_blobs(to_blobs(middle)))
    training.restore(middle)
    advance(training, 2)
    advance(resumed, 2)
    assert bits(training) == bits(resumed) and training.live_settings == resumed.live_settings


def test_another_batch_size_holds_from_the_next_epoch_on_and_every_example_is_seen_once() -> None:
    training = made(project(averaging=Choice("swa"), schedule=Choice("step", {"every": 1, "factor": 0.5})))
    seen: list[list[int]] = []
    rates: list[float] = []
    for step in range(17):
        if step in (2, 3, 8):
            training.take_on(replace(training.live_settings, batch_size={2: 7, 3: 300, 8: 150}[step]))
        numbers = training.coming.peek_numbers()
        inputs, targets = training.coming.peek()
        assert len(numbers) == len(inputs) == len(targets)
        assert torch.equal(targets, DATA.train.targets[numbers])
        seen.append(numbers)
        rates.append(training.learning_rate)
        advance(training, 1)
    assert [len(one) for one in seen] == [100] * 6 + [300] * 2 + [150] * 9
    for epoch, (first, last) in enumerate([(0, 6), (6, 8), (8, 12), (12, 16)]):
        numbers = [number for one in seen[first:last] for number in one]
        order = np.random.Generator(np.random.PCG64([0, epoch])).permutation(600)
        assert numbers == order.tolist(), "the order of an epoch is that of its seed, whatever the size of its batches"
        assert rates[first:last] == [0.01 * 0.5**epoch] * (last - first)
    assert (training.epoch, training.evaluated_epochs, training.epoch_plan.step_of(4)) == (4, 4, 16)
    training.take_on(replace(training.live_settings, batch_size=7))
    training.take_on(replace(training.live_settings, batch_size=150))
    assert training.epoch_plan.sizes == ((0, 100), (1, 300), (2, 150)), "put back before it came to that"


def test_every_live_setting_has_its_function() -> None:
    live = {(kind, one.name) for kind, spec in registry.layers().items() for one in spec.params if one.live}
    assert live == set(LIVE)
    assert OTHER.keys() == OPTIMIZERS.keys()


def test_momentum_acts_from_the_next_step_on_as_the_formula_says() -> None:
    training = made(project())
    weights = training.network.module_of("linear1").weight
    seen: list[torch.Tensor] = []
    moved: list[torch.Tensor] = []
    for step in range(6):
        if step in (2, 4):
            training.take_on(other(training, "sgd") if step == 2 else LiveSettings.of(project()))
        before = weights.detach().clone()
        training.advance(lambda loss, outputs, targets: seen.append(weights.grad.clone()))
        moved.append((before - weights.detach()) / 0.01)
    gathered = torch.zeros_like(weights)
    for step, gradient in enumerate(seen):
        on = step in (2, 3)
        expected = (0.9 if on else 0.0) * gathered + gradient
        assert torch.allclose(moved[step], expected, atol=2e-4), step
        gathered = expected if on else torch.zeros_like(weights)
    assert not training.optimizer.state[weights], "what was gathered is forgotten with it"  # type: ignore[union-attr]


def test_dropout_drops_as_much_as_it_is_told_to() -> None:
    training = made(project())
    passed: list[torch.Tensor] = []
    shares: list[float] = []
    # What was 0 before stays 0 whatever dropout does, and tells nothing: 0/0.
    training.network.module_of("dropout1").register_forward_hook(lambda module, x, y: passed.append(y / x[0]))
    for value in (0.5, 0.0, 0.9):
        has = training.live_settings
        training.take_on(replace(has, layers=tuple(one._replace(value=value) for one in has.layers)))
        training.advance()
        kept = passed.pop()
        shares.append(float((kept == 0).sum() / torch.isfinite(kept).sum()))
    assert shares == pytest.approx([0.5, 0.0, 0.9], abs=0.02)


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_what_is_frozen_stays_to_the_bit_and_shows_its_gradient(kind: str) -> None:
    recipe: dict[str, Any] = {"regularisers": (Choice("l2"),), "clipping": Choice("norm")}
    training, from_the_start = (
        made(project(kind, **recipe)),
        made(Freeze({"conv1": True}).apply(project(kind, **recipe))),
    )
    held = [parameter.detach().clone() for parameter in training.network.module_of("conv1").parameters()]
    training.take_on(replace(other(training, kind), frozen=frozenset({"conv1"})))
    norms: list[float] = []
    for _ in range(3):
        training.advance(lambda *_: norms.append(float(training.network.module_of("conv1").weight.grad.norm())))
        from_the_start.advance()
    for one in (training, from_the_start):
        now = list(one.network.module_of("conv1").parameters())
        assert all(torch.equal(before, after) for before, after in zip(held, now, strict=True))
    assert min(norms) > 0
    training.take_on(replace(training.live_settings, frozen=frozenset()))
    training.advance()
    assert not torch.equal(held[0], training.network.module_of("conv1").weight)


def test_a_frozen_layer_takes_nothing_from_the_others() -> None:
    """As if plain SGD had been given the parameters of all other layers alone."""
    training, alone = made(Freeze({"conv1": True}).apply(project())), made(project())
    others = [p for n in alone.network.node_ids if n != "conv1" for p in alone.network.module_of(n).parameters()]
    optimizer = torch.optim.SGD(others, lr=0.01)
    for inputs, targets in islice(alone.coming.again().batches(0), 3):
        alone.network.zero_grad()
        with alone.random:
            nn.functional.cross_entropy(alone.network(inputs), targets).backward()
        optimizer.step()
        training.advance()
    for one, two in zip(training.network.parameters(), alone.network.parameters(), strict=True):
        assert torch.allclose(one, two, atol=1e-6)


def test_settings_that_cannot_be_are_refused_and_change_nothing() -> None:
    training = made(project())
    before = training.live_settings
    for wrong in (
        replace(before, optimizer=(("momentum", 7.0), *before.optimizer[1:])),
        replace(before, optimizer=before.optimizer[:1]),
        replace(before, layers=(before.layers[0]._replace(value=2.0),)),
        replace(before, layers=(before.layers[0]._replace(name="shape"),)),
    ):
        with pytest.raises(ParamError):
            training.take_on(wrong)
        assert training.live_settings == before
        kept = replace(training.capture(), live=wrong)
        with pytest.raises(RunFileError):
            made(project()).restore(from_blobs(to_blobs(kept)))


@pytest.fixture
def session() -> Iterator[TrainingSession]:
    made_session = TrainingSession(project(), Run(), data=DATA, probes=())
    thread = threading.Thread(target=made_session.serve, daemon=True)
    thread.start()
    yield made_session
    made_session.close()
    thread.join(20)


def test_each_change_is_an_event_of_the_run_and_goes_back_with_it(session: TrainingSession) -> None:
    def events() -> list[tuple[int, str]]:
        return [(event.step, event.text) for event in session.run.events()]

    def settled() -> LiveSettings:
        return session.ask(lambda: session.training.live_settings).result(20)

    def step(count: int) -> None:
        goal = session.position.step + count
        session.step(count).result(20)
        while session.position.step < goal:
            settled()

    step(3)
    usual = settled()
    for momentum in (0.3, 0.6):  # a hand that drags: one event
        session.take_on(replace(usual, optimizer=(("momentum", momentum), *usual.optimizer[1:]))).result(20)
    session.set_learning_rate(0.05).result(20)
    step(2)
    session.take_on(replace(settled(), frozen=frozenset({"conv1"}))).result(20)
    session.take_on(replace(settled(), frozen=frozenset())).result(20)
    session.set_epochs(7).result(20)
    settled()
    first = {(3, "Momentum: 0 → 0.6"), (3, "Learning rate: 0.01 → 0.05"), (5, "Epochs: 9 → 7")}
    assert set(events()) == first and len(events()) == 3
    assert not any("Momentum" in found.text for found in session.run.findings()), "it is no finding"
    session.go_back(1).result(20)
    settled()  # the settings of now hold from there on
    assert set(events()) == {(1, "Momentum: 0 → 0.6"), (1, "Learning rate: 0.01 → 0.05"), (1, "Epochs: 9 → 7")}


def test_one_epoch_is_trained_to_its_end_and_no_further(session: TrainingSession) -> None:
    rested = threading.Event()
    session.state_changed.connect(lambda state: rested.set() if state is SessionState.PAUSED else None)
    session.step(2).result(20)
    each = session.position.steps_per_epoch
    for epoch in (1, 2):
        rested.clear()
        session.epoch().result(20)
        assert rested.wait(20)
        assert session.ask(lambda: (session.training.step, session.training.evaluated_epochs)).result(20) == (
            epoch * each,
            epoch,
        )


def test_a_run_is_gone_on_with_the_settings_that_were_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "run.nnvizrun"
    graph = chain(image(1, 28, 28), flatten(), linear(8), dropout(0.2), linear(10), output())
    digits = Project(graph=graph, data=templates.sample("digits-cnn").data)
    short = SetTraining(msgspec.structs.replace(project().training, batch_size=500, epochs=1)).apply(digits)
    train_to_file(short, path, probes=())
    with closing(open_run(path)) as run:
        step, before = run.last_step, from_blobs(run.load_checkpoint()).weights["linear1.weight"]
    after = SetParam("dropout1", "probability", 0.4).apply(Freeze({"linear1": True}).apply(short))
    after = SetTraining(msgspec.structs.replace(after.training, epochs=2)).apply(after)
    train_to_file(after, path, resume=True, probes=())
    with closing(open_run(path)) as run:
        last = from_blobs(run.load_checkpoint())
        assert [(event.step, event.text) for event in run.events()] == [
            (step, "Probability of dropout1: 0.2 → 0.4"),
            (step, "linear1: frozen"),
        ]
    assert last.progress.step == 2 * step and torch.equal(last.weights["linear1.weight"], before)
    assert last.live == LiveSettings.of(after)


def test_a_process_that_follows_goes_on_by_what_was_changed_while_it_trained() -> None:
    """Batches of another size, a frozen layer and labels to the end of the epoch are no part of the project."""
    graph = chain(image(1, 8, 8), flatten(), linear(8), linear(3), output())
    layer = next(node for node in graph.nodes if node.startswith("linear"))
    plain = msgspec.structs.replace(project(optimizer="sgd"), graph=graph)
    before, leads, follows = made(plain), made(plain), Training(plain, DATA, CPU)
    training_helpers.MADE.append(follows)
    before.coming.curate([Curated(number, label="c") for number in range(300)])
    before.take_on(other(before, "sgd", batch_size=35, frozen=frozenset({layer})))
    advance(before, 20)
    checkpoint = from_blobs(to_blobs(before.capture()))
    leads.restore(checkpoint)
    follows.following.take(from_blobs(to_blobs(leads.capture())))
    for _ in range(18):  # over the end of the epoch
        follows.following.step(leads.step, leads.learning_rate)
        advance(leads, 1)
        assert bits(follows)[: len(follows.network.state_dict())] == bits(leads)[: len(follows.network.state_dict())]
    assert not leads.between_epochs and leads.epoch == 2
    refusing = made(plain)
    sizes = refusing.epoch_plan.sizes
    with pytest.raises(RunFileError, match="average"):
        refusing.restore(replace(checkpoint, average=checkpoint.weights))
    assert refusing.step == 0 and refusing.epoch_plan.sizes == sizes
