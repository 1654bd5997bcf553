"""Dead and saturated units while a session trains: the live share follows, the exact one comes, its story is one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from training_helpers import CNN, MLP, images, same, session_of, tables, weights

from nnviz.data.tensors import load
from nnviz.network.network import Network
from nnviz.probes.live_units import LiveUnits
from nnviz.project.model import Graph
from nnviz.project.samples.sketch import chain, features, linear, output, plain
from nnviz.project.samples.templates import sample
from nnviz.record.quantities import (
    ALIVE_UNTIL,
    DEAD_FRACTION,
    DEAD_SINCE,
    DEAD_UNITS,
    SATURATING,
    SATURATION,
    SILENT_FRACTION,
)
from nnviz.record.readings import ArrayReading, Scalar
from nnviz.record.run import Run
from nnviz.train.runner import Runner
from nnviz.train.session import TrainingSession

SIGMOIDS = chain(features(6), linear(12), plain("sigmoid"), linear(8), plain("tanh"), linear(3), output())
#: At this step, of every training here, something is done to the network.
AT = 37


@pytest.fixture(autouse=True)
def _near_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fixed steps of networks as small as these would be a thousand steps apart."""
    monkeypatch.setattr("nnviz.probes.fixed_steps._PASS_SECONDS", 0.0)


def prepared(session: TrainingSession) -> Runner:
    session.begin()
    return session.runner


def trained(runner: Runner, steps: int, at: int = -1, done: Callable[[Network], None] | None = None) -> None:
    """Steps with all that belongs to them; behind one of them something is done to the network."""
    training = runner.training
    goal = training.step + steps
    while training.step < goal or training.epoch_end_due:
        if training.step == at and done is not None and not training.epoch_end_due:
            with torch.no_grad():
                done(training.network)
            done = None
        runner.advance()


def at_rest(runner: Runner) -> None:
    runner.rest()
    while runner.instruments.busy:
        runner.measure_on()


def until(condition: Callable[[], bool], runner: Runner) -> None:
    for _ in range(20_000):
        if condition():
            return
        runner.advance()
    pytest.fail("it was not seen")


def kill(node: str, units: list[int]) -> Callable[[Network], None]:
    def done(network: Network) -> None:
        network.module_of(node).bias[units] = -1e4  # type: ignore[operator, union-attr]  # a tensor on the module

    return done


def intervals(run: Run, node: str) -> tuple[list[int], list[int]]:
    since, until = run.latest(DEAD_SINCE.series(node)), run.latest(ALIVE_UNTIL.series(node))
    assert isinstance(since, ArrayReading) and isinstance(until, ArrayReading)
    assert since.step == until.step
    return until.array.tolist(), since.array.tolist()


def value(run: Run, series: str) -> float:
    found = run.latest(series)
    assert isinstance(found, Scalar)
    return found.value


def test_a_planted_death_lies_between_two_looks() -> None:
    run = Run()
    runner = prepared(session_of(MLP, run=run, probes=None, epochs=1000, learning_rate=1e-4))
    trained(runner, 90, AT, kill("linear1", [3, 5]))
    at_rest(runner)
    dead = run.latest(DEAD_UNITS.series("relu1"))
    assert isinstance(dead, ArrayReading) and dead.array[[3, 5]].all()
    until, since = intervals(run, "relu1")
    for unit in (3, 5):
        assert until[unit] <= AT < since[unit]
        assert since[unit] - until[unit] < 40


@pytest.mark.parametrize("graph", [CNN, MLP], ids=["cnn", "mlp"])
def test_the_same_project_and_seed_tell_the_same_story(graph: Graph) -> None:
    """However fast it trains, wherever it rests, and whether it went back in between."""
    stories = []
    for rests, budget, back in (((), 0.1, 0), ((11, 44, 77), 5.0, 0), ((3,), 0.001, 52)):
        run = Run()
        data = images() if graph is CNN else tables()
        session = session_of(graph, data, run, probes=None, epochs=1000, learning_rate=0.3, budget=budget)
        runner = prepared(session)
        for rest in (*rests, 100):
            trained(runner, rest - runner.training.step)
            if rest in rests:
                at_rest(runner)
        if back:
            runner.go_back(back)
            while runner.has_errand:
                runner.advance()
            at_rest(runner)
            trained(runner, 100 - back)
        # The next fixed step behind all that may have died.
        trained(runner, runner.instruments._fixed_after(100) - 100)
        at_rest(runner)
        stories.append([intervals(run, node) for node in runner.training.network.node_ids if "relu" in node])
    assert any(step >= 0 for _, since in stories[0] for step in since), "some have died"
    assert stories[0] == stories[1] == stories[2]


def test_putting_the_best_weights_back_leaves_the_story_alone() -> None:
    run = Run()
    runner = prepared(session_of(MLP, run=run, probes=None, epochs=1000, learning_rate=1e-4))
    trained(runner, 60, 20, kill("linear1", [2]))
    at_rest(runner)
    best = runner.training.best_epoch * runner.training.steps_per_epoch
    assert 20 < best <= 60
    before = intervals(run, "relu1")
    trained(runner, 60, 80, kill("linear1", [7]))
    runner.training._state.best.epoch, runner.training._state.best.weights = (
        best // 6,
        {**weights(runner.training.network)},
    )
    with torch.no_grad():
        runner.training._state.best.weights["linear1.bias"][7] = 1.0
    at_rest(runner)
    assert intervals(run, "relu1")[1][7] > 80
    earlier = len(run.scalars(DEAD_FRACTION.series("relu1"))[0])
    runner.use_best()
    at_rest(runner)
    assert len(run.scalars(DEAD_FRACTION.series("relu1"))[0]) == earlier
    until, since = intervals(run, "relu1")
    assert (until[2], since[2]) == (before[0][2], before[1][2])
    assert since[7] == -1, "it is alive in these weights"
    trained(runner, 60, 140, kill("linear1", [7]))
    at_rest(runner)
    until, since = intervals(run, "relu1")
    assert (until[2], since[2]) == (before[0][2], before[1][2])
    assert 120 <= until[7] <= 140 < since[7]


def test_the_live_share_follows_within_twenty_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    # Every batch is looked at, as in a network whose steps take long; in a fast one it is a second at most.
    monkeypatch.setattr("nnviz.train.instruments._LOOK_EVERY", 0.0)
    monkeypatch.setattr(LiveUnits, "promised_interval", 0.0)
    project = sample("digits-cnn")
    run = Run()
    session = TrainingSession(project, run, data=load(project.data), device="cpu", budget=5.0)
    runner = prepared(session)
    trained(runner, 40)
    jump = runner.training.step
    relus = [node for node, layer in runner.training.network.graph.nodes.items() if layer.kind == "relu"]
    runner.training.learning_rate = 0.5
    trained(runner, 24)
    network = runner.training.network
    followed = []
    for node in relus:
        steps, shares = run.scalars(SILENT_FRACTION.series(node))
        assert len(steps) and steps[-1] > jump
        followed.append(shares[steps <= jump + 20][-1])
    # What is so, by a forward pass of the newest batch alone.
    inputs, _ = runner.training.coming.peek()
    with torch.no_grad():
        outputs = network.forward_all(inputs, set(relus))
    so = [
        float(
            (outputs[node].flatten(2) if outputs[node].dim() > 2 else outputs[node][..., None])
            .amax((0, 2))
            .le(0)
            .float()
            .mean()
        )
        for node in relus
    ]
    assert max(so) > 0.6, "it has gone wrong"
    assert np.abs(np.array(followed) - so).max() < 0.15
    # And the exact one did not wait for a pause.
    trained(runner, 80)
    steps, shares = run.scalars(DEAD_FRACTION.series(relus[int(np.argmax(so))]))
    assert steps[-1] > jump and shares[-1] > 0.5
    at_rest(runner)


def test_saturation_that_is_planted_is_seen_at_once() -> None:
    run = Run()
    runner = prepared(session_of(SIGMOIDS, run=run, probes=None, epochs=1000, learning_rate=1e-4, budget=5.0))

    def saturate(network: Network) -> None:
        network.module_of("linear1").weight.mul_(1000)  # type: ignore[operator, union-attr]  # a tensor on the module

    # Steps of a quarter of a millisecond: a window of 26 batches that are looked at lasts longer than as many steps.
    until(lambda: run.latest(SATURATING.series("sigmoid1")) is not None, runner)
    assert value(run, SATURATING.series("sigmoid1")) < 0.2
    with torch.no_grad():
        runner.training.network.module_of("linear1").weight.mul_(1000)  # type: ignore[operator, union-attr]  # a tensor
    at = runner.training.step
    until(lambda: value(run, SATURATING.series("sigmoid1")) > 0.9, runner)
    until(lambda: run.scalars(SATURATION.series("sigmoid1"))[0][-1] > at, runner)
    assert value(run, SATURATION.series("sigmoid1")) > 0.9
    at_rest(runner)


@pytest.mark.parametrize("graph", [CNN, MLP, SIGMOIDS], ids=["cnn", "mlp", "sigmoids"])
def test_looking_leaves_the_weights_alone(graph: Graph) -> None:
    results = []
    for probes in ((), None):
        runner = prepared(session_of(graph, probes=probes, epochs=1000, budget=5.0))
        trained(runner, 70)
        results.append(weights(runner.training.network))
        runner.training.random.release()
    assert same(*results)
