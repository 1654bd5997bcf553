"""How old a number is: in steps only, against the step that is shown, and old beyond a second of training."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnviz.record.age import LEAST_STEPS, Moment, moment_of
from nnviz.record.quantities import (
    BATCH_SIZE,
    CHANGE,
    DEAD_FRACTION,
    EPOCH,
    EPOCHS_PLANNED,
    FINDING,
    LEARNING_RATE,
    LOSS,
    PINNED_INPUT,
    POINTS,
    QUANTITIES,
    STEPS_PER_SECOND,
    TEST_USES,
    TRAINING_SECONDS,
)
from nnviz.record.readings import Scalar
from nnviz.record.run import Run

DEAD = DEAD_FRACTION.series("relu1")


def run_with(steps: int, *speeds: tuple[int, float]) -> Run:
    run = Run()
    run.append([Scalar(LOSS.series("train"), steps, 1.0)])
    run.append([Scalar(STEPS_PER_SECOND.series(), step, speed) for step, speed in speeds])
    return run


def test_a_second_of_training_or_twenty_steps_whichever_is_longer() -> None:
    assert moment_of(run_with(500)) == Moment(500, 20)
    assert moment_of(run_with(500, (480, 3.0))) == Moment(500, 20)
    assert moment_of(run_with(500, (480, 99.5))) == Moment(500, 100)
    fast = moment_of(run_with(500, (480, 100.0)))
    assert not fast.is_old(400, DEAD) and fast.is_old(399, DEAD)
    slow = moment_of(run_with(500, (480, 1.5)))
    assert not slow.is_old(480, DEAD) and slow.is_old(479, DEAD)


def test_at_an_earlier_step_twenty_steps_are_old_however_fast_it_was() -> None:
    run = run_with(9_000, (100, 2_000.0), (8_000, 2_000.0))
    assert moment_of(run).limit == 2_000
    assert moment_of(run, 150) == Moment(150, LEAST_STEPS)
    assert moment_of(run, 150).is_old(129, DEAD) and not moment_of(run, 150).is_old(130, DEAD)


def test_nothing_ages_while_no_step_is_made() -> None:
    run = run_with(300, (290, 50.0))
    before = moment_of(run)
    run.state = "paused"
    assert moment_of(run) == before and not before.is_old(300, DEAD)
    run.append([Scalar(DEAD, 300, 0.5)])
    assert moment_of(run) == before


def test_what_is_recorded_when_it_changes_never_ages() -> None:
    far = Moment(10**6, 20)
    holding = {quantity for quantity in QUANTITIES if quantity.holds}
    assert holding == {
        LEARNING_RATE, BATCH_SIZE, EPOCH, EPOCHS_PLANNED, TRAINING_SECONDS, TEST_USES, PINNED_INPUT, POINTS, FINDING,
        CHANGE,
    }  # fmt: skip
    for quantity in QUANTITIES:
        series = quantity.series("" if quantity.per == "run" else "here")
        assert far.is_old(0, series) is not quantity.holds
    assert far.is_old(0) and far.is_old(0, "nobody/knows")


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        (460, "measured at step 460"),
        (459, "measured at step 459, 1 step ago"),
        (120, "measured at step 120, 340 steps ago"),
        (470, "measured at step 470"),
    ],
)
def test_the_age_in_words(measured: int, words: str) -> None:
    assert Moment(460, 20).words(measured) == words
    assert Moment(123_456, 20).words(1_456) == "measured at step 1\u202f456, 122\u202f000 steps ago"


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.floats(allow_nan=True, allow_infinity=True))
def test_whatever_a_file_says_of_its_speed(last: int, measured: int, speed: float) -> None:
    moment = moment_of(run_with(last, (0, speed)))
    assert moment.limit >= LEAST_STEPS and moment.step == last
    assert moment.age(measured) == max(last - measured, 0)
    if moment.is_old(measured, DEAD):
        assert last - measured > LEAST_STEPS
        if math.isfinite(speed) and speed < 2**53:
            assert last - measured > speed


def test_an_empty_run_has_a_moment() -> None:
    assert moment_of(Run()) == Moment(0, LEAST_STEPS)
