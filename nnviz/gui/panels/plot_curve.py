"""One curve of a plot: its data as the axis shows them, and the two lines that draw it, a strong and a faint one."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QColor, QPen

from nnviz.gui.look.run_colours import Pattern, patterned
from nnviz.gui.look.theme import mixed
from nnviz.gui.panels.numbers import FURTHEST, Floats, alone, breaks

#: What a linear axis can hold: beyond, the differences that ticks are made of are no numbers any more.
_LARGEST, _SMALLEST = 1e150, 1e-150


def place(values: Floats, *, logarithmic: bool) -> Floats:
    """Values on the vertical axis; those that have no place there become NaN, which is a gap in the line.

    Infinities have none, nor what lies further out than an axis reaches; on a logarithmic axis nor what is not above
    zero.
    """
    if logarithmic:
        placed = (values > 0) & (values <= FURTHEST)
        return np.where(placed, np.log10(np.where(placed, values, 1.0)), np.nan)
    sizes = np.abs(values)
    return np.where(sizes <= _LARGEST, np.where(sizes < _SMALLEST, 0.0, values), np.nan)


class Curve:
    """What one line of a plot shows.

    Args:
        key: Its name among the curves.
        logarithmic: Whether the vertical axis shows powers of ten.

    Attributes:
        x: Where the values stand.
        raw: What was measured.
        shown: The strong line: smoothed, or the same as ``raw``.
        placed: ``shown`` on the axis, so its logarithm on a logarithmic one.
        behind: ``raw`` on the axis, while it is drawn faintly behind the strong line.
        items: What draws it: the faint line, the strong one, and dots for values that no line reaches.
    """

    def __init__(self, key: str, *, logarithmic: bool) -> None:
        self.key = key
        self.title = ""
        self.colour = QColor()
        self.pattern: Pattern = ()
        self.markers = False
        self._logarithmic = logarithmic
        self.x: Floats = np.empty(0)
        self.raw: Floats = np.empty(0)
        self.shown: Floats = np.empty(0)
        self.placed: Floats = np.empty(0)
        self.behind: Floats = np.empty(0)
        # One pair of peaks a pixel is all that can be seen; smooth edges only for the strong line, and as single
        # pieces, because stroking one long path takes ten times as long.
        self._faint = pg.PlotDataItem(connect="finite", antialias=False, autoDownsampleFactor=1.0)
        self._line = pg.PlotDataItem(connect="finite", autoDownsampleFactor=1.0)
        self._line.curve.setSegmentedLineMode("on")
        # There are few dots; drawn from a kept picture they have steps where they are enlarged.
        self._line.scatter.opts["useCache"] = False
        self._faint.setZValue(5)
        self._dots = pg.ScatterPlotItem(size=5, pxMode=True, pen=None)
        self.items = (self._faint, self._line, self._dots)

    def set_look(self, title: str, colour: QColor, *, pattern: Pattern, markers: bool) -> bool:
        """Take another name or look; whether anything is new, so that it has to be painted again."""
        if (self.title, self.colour, self.pattern, self.markers) == (title, colour, pattern, markers):
            return False
        self.title, self.colour, self.pattern, self.markers = title, colour, pattern, markers
        # In single pieces every piece would begin its dashes anew: where they are short there would be no gaps.
        self._line.curve.setSegmentedLineMode("off" if pattern else "on")
        return True

    def follow(self, x: Floats, values: Floats, smoothed: Floats | None) -> None:
        """Take the newest state of the data; where they have only grown, only what is new is looked at.

        Args:
            x: Where the values stand.
            values: What was measured; drawn faintly behind ``smoothed`` when that is given.
            smoothed: The strong line, or None to draw the values themselves.
        """
        strong = values if smoothed is None else smoothed
        known = len(self.x)
        # Logarithms of long curves are dear.
        grown = (
            0 < known <= len(x)
            and self.x[-1] == x[known - 1]
            and self.raw[-1] == values[known - 1]
            and len(self.shown) == known
            and self.shown[-1] == strong[known - 1]
        )
        self.placed = self._extended(self.placed if grown else None, strong)
        self.x, self.raw, self.shown = x, values, strong
        _draw(self._line, x, self.placed, self._dots)
        if smoothed is None:
            self.behind = np.empty(0)
            self._faint.clear()
        else:
            self.behind = self._extended(self.behind if grown else None, values)
            _draw(self._faint, x, self.behind)

    def paint(self, ground: QColor, *, strong: bool, back: bool, weight: float = 1.0) -> None:
        """Choose pens and symbols on a ground: drawn strongly, drawn back, or neither; ``weight`` times as wide."""
        colour = mixed(ground, self.colour, 0.4) if back else self.colour
        pen = QPen(colour, weight * (2.6 if strong else 1.8))
        pen.setCosmetic(True)
        patterned(pen, self.pattern)
        faint = QPen(mixed(ground, self.colour, 0.18 if back else 0.34), weight)
        faint.setCosmetic(True)
        self._line.setPen(pen)
        self._faint.setPen(faint)
        self._dots.setBrush(colour)
        self._dots.setZValue(12 if strong else 10)
        self._line.setZValue(12 if strong else 10)
        if self.markers:
            self._line.setSymbol("o")
            self._line.setSymbolSize(5)
            self._line.setSymbolBrush(colour)
            self._line.setSymbolPen(None)

    def _extended(self, known: Floats | None, values: Floats) -> Floats:
        if known is None:
            return place(values, logarithmic=self._logarithmic)
        return np.concatenate([known, place(values[len(known) :], logarithmic=self._logarithmic)])


def _draw(line: pg.PlotDataItem, x: Floats, placed: Floats, dots: pg.ScatterPlotItem | None = None) -> None:
    """Give a line its data; with nothing but gaps it has none, and no extent that could be asked for.

    It is broken where nothing was measured for long; a value that stands alone then is a dot.
    """
    places = breaks(x)
    if len(places):
        x, placed = np.insert(x, places, x[places]), np.insert(placed, places, np.nan)
    if np.isfinite(placed).any():
        line.setData(x, placed)
    else:
        line.clear()
    if dots is not None:
        single = alone(placed)
        dots.setData(x[single], placed[single])
