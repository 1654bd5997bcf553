"""Axes with curves, a picture and marks, in the look of the program: what views of explanations draw into.

pyqtgraph does the axes, the zoom and the drawing of long curves; colours, letters, numbers and the reading under the
mouse are ours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPen, QResizeEvent
from PySide6.QtWidgets import QWidget

from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import guard_class
from nnviz.gui.parts.following import follow

pg.setConfigOptions(imageAxisOrder="row-major", antialias=True)
_PAINTED = (pg.AxisItem, pg.InfiniteLine, pg.PlotCurveItem, pg.ScatterPlotItem, pg.TextItem, pg.ImageItem)
for _kind in (*_PAINTED, pg.PlotDataItem, pg.ViewBox, pg.GraphicsView):
    guard_class(_kind)

Floats = NDArray[np.float64]
#: What an axis can hold; beyond, the differences that ticks are made of are no numbers any more.
_FURTHEST = 1e100
#: Pixels of height below which the horizontal axis has no title.
_LOW = 110
#: Letters, and the width and height of a plot from which on they are as large.
_LETTERS = ((17, 800, 480), (15, 330, 360), (13, 260, 240))


class _Axis(pg.AxisItem):  # type: ignore[misc]  # pyqtgraph has no types
    """An axis whose numbers are written as everywhere in the program."""

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        """As many decimals as the step between ticks needs, with a minus that is one; powers of ten as such."""
        if self.logMode:
            return [themes.format_number(10.0**value, 1) for value in values]
        strings: list[str] = super().tickStrings(values, scale, spacing)
        return [text.replace("-", "\u2212") for text in strings]


class Chart(pg.PlotWidget):  # type: ignore[misc]  # pyqtgraph has no types
    """One plot.

    Attributes:
        hovered: Signal: the place under the mouse (x, y), or None when it has gone.
        clicked: Signal: a place (x, y) that was clicked.
    """

    hovered = Signal(object)
    clicked = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        axes = {"left": _Axis("left"), "bottom": _Axis("bottom")}
        super().__init__(parent=parent, axisItems=axes, enableMenu=False)
        self.setFrameShape(self.Shape.NoFrame)
        self._item = self.getPlotItem()
        self._item.hideButtons()
        self._box = self._item.getViewBox()
        self._box.setDefaultPadding(0.0)
        self._item.disableAutoRange()
        for name in ("left", "bottom"):
            axis = self._item.getAxis(name)
            axis.enableAutoSIPrefix(False)
            axis.setStyle(tickLength=-4, tickTextOffset=5)
        self._titles = ("", "")
        self._letters = 12
        self._whole: tuple[tuple[float, float], tuple[float, float]] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMinimumSize(120, 90)
        self.scene().sigMouseMoved.connect(self._on_moved)
        self.scene().sigMouseClicked.connect(self._on_clicked)
        self.restyle()
        follow(themes.notifier.changed, self.restyle)

    # ------------------------------------------------------------------ what stands in it

    def add(self, item: object, z: float = 0.0) -> None:
        """Put a thing of pyqtgraph into the plot; it does not change the range."""
        item.setZValue(z)  # type: ignore[attr-defined]  # any graphics item
        self._item.addItem(item, ignoreBounds=True)

    def set_titles(self, bottom: str, left: str) -> None:
        """Name the axes."""
        if (bottom, left) != self._titles:
            self._titles = (bottom, left)
            self._style_titles()

    def set_logarithmic(self, on: bool) -> None:
        """Whether the numbers of the vertical axis are powers of ten."""
        self._item.getAxis("left").setLogMode(y=on)

    def show_range(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        """Show this part; the same part again leaves the zoom as it is."""
        x, y = _some(*x), _some(*y)
        if (x, y) != self._whole:
            self._whole = (x, y)
            self.show_all()

    def show_all(self) -> None:
        """Back from a zoom."""
        if self._whole is not None:
            self._box.setRange(xRange=self._whole[0], yRange=self._whole[1], padding=0.0, disableAutoRange=True)

    def place_on_screen(self, x: float, y: float) -> QPointF:
        """Where a place of the plot lies in this widget."""
        return QPointF(self.mapFromScene(self._box.mapViewToScene(QPointF(x, y))))

    # ------------------------------------------------------------------ the mouse

    def _place(self, position: QPointF) -> tuple[float, float] | None:
        if not self._box.sceneBoundingRect().contains(position):
            return None
        point = self._box.mapSceneToView(position)
        return float(point.x()), float(point.y())

    def _on_moved(self, position: QPointF) -> None:
        self.hovered.emit(self._place(position))

    def _on_clicked(self, event: object) -> None:
        if event.double():  # type: ignore[attr-defined]  # pyqtgraph has no types
            self.show_all()
            return
        place = self._place(event.scenePos())  # type: ignore[attr-defined]
        if place is not None and event.button() == Qt.MouseButton.LeftButton:  # type: ignore[attr-defined]
            self.clicked.emit(*place)

    def leaveEvent(self, event: object) -> None:
        """The reading goes with the mouse."""
        self.hovered.emit(None)

    # ------------------------------------------------------------------ looks

    @property
    def letters(self) -> int:
        """The size of its letters, in pixels before the text scale."""
        return self._letters

    def set_letters(self, size: int) -> None:
        """Letters of another size: larger where there is room, see :func:`letters_for`.

        Whoever owns the plot says so, by a size that does not depend on the letters: else the two would follow each
        other round in a circle.
        """
        if size != self._letters:
            self._letters = size
            self.restyle()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Titles that have no room any more go."""
        super().resizeEvent(event)
        if event is not None:  # pyqtgraph's own call, while it is being made
            self._style_titles()

    def restyle(self) -> None:
        """Take the colours and the letters of the theme."""
        theme = themes.current()
        self.setBackground(QColor(theme.panel))
        font = themes.font(self._letters)
        # Half a line above, for the number at the top of the axis.
        self._item.setContentsMargins(0, QFontMetrics(font).height() // 2 + 1, 8, 0)
        for name in ("left", "bottom"):
            axis = self._item.getAxis(name)
            axis.setTickFont(font)
            axis.setTextPen(QColor(theme.text_muted))
            axis.setPen(QPen(QColor(theme.border), 1))
            axis.setTickPen(QPen(QColor(theme.border), 1))
        self._style_titles()

    def _style_titles(self) -> None:
        metrics = QFontMetrics(themes.font(self._letters + 1))
        for name, title, room in zip(("bottom", "left"), self._titles, (self.width(), self.height()), strict=True):
            # Half a title would say less than none, and a low plot has no room for one at its foot.
            fits = metrics.horizontalAdvance(title) <= room - 60 and (name == "left" or self.height() >= _LOW)
            self._item.getAxis(name).setLabel(
                (title if fits else "") or None,
                color=QColor(themes.current().text_muted).name(),
                **{"font-size": f"{themes.font(self._letters + 1).pixelSize()}px"},
            )


def letters_for(width: int, height: int) -> int:
    """How large the letters of a plot of this size are, in pixels before the text scale."""
    return next((letters for letters, wide, high in _LETTERS if width >= wide and height >= high), 12)


def pen(colour: QColor, width: float, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    """A line that is so many pixels wide at any zoom."""
    made = QPen(colour, width, style, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    made.setCosmetic(True)
    return made


def usable(values: Floats) -> Floats:
    """Numbers that an axis has room for; the others become gaps."""
    return np.where(np.abs(values) <= _FURTHEST, values, np.nan)


def image_numbers(image: QImage) -> NDArray[np.uint8]:
    """A QImage as pyqtgraph takes pictures: uint8[height, width, 4], red first."""
    rgba = image.convertToFormat(QImage.Format.Format_RGBA8888)
    whole = np.frombuffer(rgba.constBits(), dtype=np.uint8).reshape(rgba.height(), rgba.bytesPerLine() // 4, 4)
    return whole[:, : rgba.width()].copy()  # the memory is Qt's, and goes with the picture


def _some(low: float, high: float) -> tuple[float, float]:
    """A range that is one, whatever came in."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return -1.0, 1.0
    if high - low > 1e-12 * max(abs(low), abs(high), 1e-300):
        return low, high
    room = max(abs(low), 1.0) * 0.5
    return low - room, high + room
