"""The axis of the figure of a sweep ends where the figure can end."""

from __future__ import annotations

import pytest

from nnviz.gui.panels.sweep_axis import Axis
from nnviz.project.files import io
from nnviz.project.samples import templates
from nnviz.train.sweep_record import Plan, SweepRecord, SweptRun, Trial


def axis_of(objective: str, *values: float) -> Axis:
    plan = Plan(
        "tried", io.dumps(templates.sample("spiral")).decode(), ("training.learning_rate=0.1,0.2",), objective=objective
    )
    trials = tuple(
        Trial(number, {}, (), (SweptRun(0, "a.nnvizrun", "done", value),)) for number, value in enumerate(values)
    )
    return Axis.of_figure(SweepRecord(plan, trials))


@pytest.mark.parametrize(
    ("objective", "value", "ends"),
    [
        ("accuracy", 0.0, (0.0, 0.01)),
        ("accuracy", 1.0, (0.99, 1.0)),
        ("accuracy", 0.5, (0.495, 0.505)),
        ("loss", 0.0, (0.0, 0.01)),
        ("loss", 1.0, (0.99, 1.01)),
        ("loss", -2.0, (-2.02, -1.98)),
    ],
)
def test_equal_figures_stand_on_an_axis_that_holds_only_what_there_can_be(
    objective: str, value: float, ends: tuple[float, float]
) -> None:
    axis = axis_of(objective, value, value)
    assert (axis.low, axis.high) == pytest.approx(ends)
    assert axis.place(value) is not None


def test_different_figures_are_the_ends_of_their_axis() -> None:
    axis = axis_of("accuracy", 0.25, 0.75)
    assert (axis.low, axis.high) == (0.25, 0.75)
