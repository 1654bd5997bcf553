"""What nobody looks at is not measured; what the findings need is; and the weights never know."""

from __future__ import annotations

import torch
from training_helpers import CNN, images, served, session_of
from waiting import wait_for

from nnviz.record.interest import EVERYTHING, NOTHING, Interest
from nnviz.record.quantities import (
    ACTIVATION_HISTOGRAM,
    ACTIVATION_MEAN,
    DEAD_FRACTION,
    GRADIENT_NORM,
    OUTPUT,
    PINNED_INPUT,
    SATURATION,
    UPDATE_RATIO,
    WEIGHTS,
)
from nnviz.record.readings import ArrayReading, Scalar
from nnviz.record.run import Run
from nnviz.train.session import TrainingSession


def last(run: Run, series: str) -> int:
    found = run.latest(series)
    return found.step if found is not None else -1


def played(session: TrainingSession, run: Run, series: str, beyond: int) -> None:
    """Train until something was measured behind a step, then rest."""
    session.play()
    wait_for(lambda: last(run, series) > beyond)
    session.pause().result(20)


def test_closed_panels_cost_nothing_and_findings_go_on() -> None:
    run = Run()
    with served(session_of(CNN, run=run, probes=None, epochs=100_000, budget=5.0)) as session:
        assert last(run, OUTPUT.series("relu1")) == 0
        session.look(NOTHING).result(20)
        wait_for(lambda: last(run, DEAD_FRACTION.series("relu1")) == 0)
        assert last(run, ACTIVATION_MEAN.series("relu1")) == 0, "everything is measured before anybody says otherwise"
        played(session, run, DEAD_FRACTION.series("relu1"), 5)
        played(session, run, UPDATE_RATIO.series("conv1"), 5)
        wait_for(lambda: not session.ask(lambda: session.runner.instruments.busy).result(20))
        assert last(run, DEAD_FRACTION.series("relu1")) > 5
        assert last(run, GRADIENT_NORM.series("conv1")) > 5 and last(run, UPDATE_RATIO.series("conv1")) > 5
        assert last(run, "loss/train") > 5
        for series in (OUTPUT.series("relu1"), ACTIVATION_MEAN.series("relu1"), ACTIVATION_HISTOGRAM.series("conv1")):
            assert last(run, series) == 0, series


def test_a_panel_that_is_opened_at_rest_is_filled_at_once() -> None:
    run = Run()
    with served(session_of(CNN, run=run, probes=None, epochs=100_000, budget=5.0)) as session:
        session.look(NOTHING).result(20)
        wait_for(lambda: last(run, ACTIVATION_MEAN.series("relu1")) == 0)
        played(session, run, "loss/train", 5)
        step = run.last_step
        wait_for(lambda: not session.ask(lambda: session.runner.instruments.busy).result(20))
        assert last(run, ACTIVATION_MEAN.series("relu1")) == 0
        session.look(Interest(frozenset({ACTIVATION_MEAN}), frozenset())).result(20)
        wait_for(lambda: last(run, ACTIVATION_MEAN.series("relu1")) == step)
        session.look(Interest(frozenset({OUTPUT}), frozenset({"relu1"}))).result(20)
        assert last(run, OUTPUT.series("relu1")) == step
        assert last(run, OUTPUT.series("conv1")) == 0
        assert last(run, WEIGHTS.series("conv1")) <= step


def test_weights_do_not_depend_on_what_is_looked_at() -> None:
    states = []
    looks = Interest(frozenset({OUTPUT, SATURATION}), frozenset({"conv1"}), units=frozenset({("conv1", 2)}))
    for interest in (EVERYTHING, NOTHING, looks):
        run = Run()
        with served(session_of(CNN, images(), run=run, probes=None, epochs=3)) as session:
            session.look(interest).result(20)
            session.play()
            wait_for(lambda session=session: session.state.value == "done")
            states.append(session.ask(lambda session=session: session.training.capture()).result(20).weights)
    for other in states[1:]:
        assert all(torch.equal(states[0][name], other[name]) for name in states[0])


def test_a_scalar_at_rest_is_not_measured_twice_by_looking_elsewhere() -> None:
    run = Run()
    with served(session_of(CNN, run=run, probes=None, epochs=100_000, budget=5.0)) as session:
        wait_for(lambda: isinstance(run.latest(DEAD_FRACTION.series("relu1")), Scalar))
        before = len(run.scalars(DEAD_FRACTION.series("relu1"))[0])
        session.look(Interest(frozenset({OUTPUT}), frozenset({"conv1"}))).result(20)
        session.look(Interest(frozenset({OUTPUT, WEIGHTS}), frozenset({"conv1"}))).result(20)
        session.ask(lambda: None).result(20)
        assert len(run.scalars(DEAD_FRACTION.series("relu1"))[0]) == before


def test_the_cards_keep_the_pinned_example_whoever_looks_at_others() -> None:
    run, data = Run(), images()

    def shown(series: str) -> object:
        found = run.latest(series)
        return found.meta["sample"] if isinstance(found, ArrayReading) else None

    with served(session_of(CNN, data, run=run, probes=None)) as session:
        output = OUTPUT.series("relu1")
        for looked_at, pinned, others in (
            ({3}, 3, set()),
            ({3, 1}, 3, {1}),  # another one is compared with it
            ({1, 8}, 8, {1}),  # another one is pinned meanwhile
            ({1}, 1, set()),  # the one that was compared is pinned
            (set(), 0, set()),  # nobody says: what the project pins
        ):
            session.look(Interest(examples=frozenset(looked_at))).result(20)
            assert shown(PINNED_INPUT.series()) == shown(output) == pinned
            step = run.last_step
            for other in others:
                further = run.latest(f"{output}#{other}")
                assert isinstance(further, ArrayReading) and (further.step, further.meta["sample"]) == (step, other)
