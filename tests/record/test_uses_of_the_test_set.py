"""How often the test set was looked at is read alike by whoever asks, whatever a file says."""

from __future__ import annotations

import math

import pytest

from nnviz.record.number_text import format_times
from nnviz.record.readings import Scalar
from nnviz.record.run import Run, RunInfo
from nnviz.record.test_uses import uses_of


@pytest.mark.parametrize(
    ("counted", "looks", "uses"),
    [
        ((), 0, 0),
        ((3.0,), 0, 3),
        ((1.0, 2.0), 1, 2),  # the newest counts, not what was measured
        ((), 2, 2),  # of a run from before it was counted
        ((math.nan,), 2, 2),
        ((-4.0,), 1, 1),
        ((1e300,), 0, 0),
    ],
)
def test_uses(counted: tuple[float, ...], looks: int, uses: int) -> None:
    run = Run(RunInfo(title="planted"))
    run.append([Scalar("loss/test", step, 0.5) for step in range(looks)])
    run.append([Scalar("test_uses", step, value) for step, value in enumerate(counted)])
    assert uses_of(run) == uses


def test_times() -> None:
    assert [format_times(count) for count in (1, 2, 30)] == ["once", "2 times", "30 times"]
