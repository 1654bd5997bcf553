"""The window that a number is computed from: which part of the maps that come in, times what. Knows no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnviz.explain.explanation import Index, Term

#: The place of what lies beyond the edge.
PADDING = -1


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """What one number of a convolution or of a pooling layer is made of.

    The way back through a filter is a window, too: ``values`` are then the gradients of what a number went into,
    ``channels`` are those that go out, ``outgoing`` is the one that came in, and what lies beyond the edge is a place
    at which no window stood.

    Attributes:
        axes: 1 on sequences, whose only row is row 0; 2 on images.
        channels: Of what comes in, those that count.
        rows: Where the rows of the window lie in what comes in; ``PADDING`` beyond its edge.
        columns: Likewise.
        values: float64[channels, rows, columns], what comes in there: 0 in the padding.
        shares: float64[channels, rows, columns], what each is multiplied by.
        points: Which rows and which columns of the filter these are; None where there is no filter.
        outgoing: The channel that the number is in.
        inputs_first: The weights of a transposed convolution begin with the channel that comes in.
        per_group: Channels of one group, on the side that the second index of a weight counts.
        bias: What is added in the end; None where nothing is.
        largest: Where the largest is, as (row, column) of the window, of a layer that takes that; None of all others.
    """

    axes: int
    channels: tuple[int, ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    values: NDArray[np.float64]
    shares: NDArray[np.float64]
    points: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    outgoing: int = 0
    inputs_first: bool = False
    per_group: int = 1
    bias: float | None = None
    largest: tuple[int, int] | None = None

    @property
    def is_turned(self) -> bool:
        """Whether the filter lies on its head: its last row and column come first."""
        return self.points is not None and any(axis[0] > axis[-1] for axis in self.points if axis)

    @property
    def products(self) -> NDArray[np.float64]:
        """What each place of the window contributes."""
        with np.errstate(all="ignore"):
            found: NDArray[np.float64] = self.values * self.shares
        return found

    @property
    def sums(self) -> NDArray[np.float64]:
        """What each channel contributes."""
        with np.errstate(all="ignore"):
            found: NDArray[np.float64] = self.products.sum(axis=(1, 2))
        return found

    def input_index(self, channel: int, row: int, column: int) -> Index | None:
        """Where a place of the window (numbers of its channel, row and column) stands in what comes in."""
        place = (self.rows[row], self.columns[column])
        if PADDING in place:
            return None
        return (self.channels[channel], *place[2 - self.axes :])

    def weight_index(self, channel: int, row: int, column: int) -> Index | None:
        """Where the weight at a place of the window stands; None where there are none."""
        if self.points is None:
            return None
        point = (self.points[0][row], self.points[1][column])[2 - self.axes :]
        incoming = self.channels[channel]
        if self.inputs_first:
            return (incoming, self.outgoing % self.per_group, *point)
        return (self.outgoing, incoming % self.per_group, *point)


def window_of_terms(terms: Sequence[Term], *, takes_largest: bool) -> Window | None:
    """The window of a pooling layer: each of its terms is a share times a number that comes in."""
    places = [term.factors[-1].index for term in terms]
    if not places or any(len(place) not in (2, 3) for place in places):
        return None
    axes = len(places[0]) - 1
    spots = [(0, *place[1:]) if axes == 1 else place[1:] for place in places]
    rows = tuple(sorted({spot[0] for spot in spots}))
    columns = tuple(sorted({spot[1] for spot in spots}))
    values, shares = np.zeros((1, len(rows), len(columns))), np.zeros((1, len(rows), len(columns)))
    largest = None
    for term, spot in zip(terms, spots, strict=True):
        at = (rows.index(spot[0]), columns.index(spot[1]))
        values[0, *at], shares[0, *at] = term.factors[-1].value, term.factors[0].value
        if takes_largest and term.factors[0].value:
            largest = at
    return Window(axes, (places[0][0],), rows, columns, values, shares, largest=largest)
