"""What a run kept of each of its training examples."""

from __future__ import annotations

import numpy as np

from nnviz.gui.data.choosing import Kept
from nnviz.record.quantities import EXAMPLE_FORGOTTEN, EXAMPLE_LOSS, EXAMPLE_MARGIN
from nnviz.record.quantity import Quantity
from nnviz.record.readings import ArrayReading
from nnviz.record.run import RunView

#: Series that allow another order, or change it, once there is more of them.
BY_RECORD_SERIES = frozenset({EXAMPLE_FORGOTTEN.series(), EXAMPLE_MARGIN.series()})


def kept_of_examples(run: RunView, step: int | None, count: int) -> Kept:
    """What was recorded at a step or before, None for the newest, of so many training examples; of others nothing."""

    def found(quantity: Quantity) -> ArrayReading | None:
        reading = run.latest(quantity.series(), step)
        fits = isinstance(reading, ArrayReading) and reading.array.shape == (count,)
        return reading if fits and isinstance(reading, ArrayReading) else None

    forgotten, margins, losses = found(EXAMPLE_FORGOTTEN), found(EXAMPLE_MARGIN), found(EXAMPLE_LOSS)
    return Kept(
        None if forgotten is None else np.asarray(forgotten.array),
        None if margins is None else np.asarray(margins.array),
        None if losses is None else np.asarray(losses.array),
        max((one.step for one in (forgotten, margins) if one is not None), default=-1),
    )
