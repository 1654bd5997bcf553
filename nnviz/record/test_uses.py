"""How often the test set was looked at in a run, live or from its file."""

from __future__ import annotations

from nnviz.record.quantities import LOSS, TEST_USES
from nnviz.record.readings import Scalar
from nnviz.record.run import RunView


def uses_of(run: RunView) -> int:
    """How often the test set was looked at in a run, as far as the run knows."""
    counted = run.latest(TEST_USES.series())
    if isinstance(counted, Scalar) and 0 <= counted.value < 2**31:
        return int(counted.value)
    return len(run.scalars(LOSS.series("test"))[0])  # of a run from before it was counted
