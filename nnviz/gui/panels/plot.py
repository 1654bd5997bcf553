"""Curves over steps or epochs: the one pyqtgraph set-up that all plotting panels share.

Colours, ticks, ranges, the cursor of the timeline, the reading under the mouse and the labels at the ends of the lines
are done here, once. A curve's data are handed over only when they have changed; drawing costs no more than the
screen's width, because pyqtgraph keeps the peaks of what falls on one pixel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QCursor, QFontMetrics, QPen, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QToolTip, QWidget

from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import guard_class
from nnviz.gui.look.run_colours import Pattern
from nnviz.gui.look.theme import mixed
from nnviz.gui.panels.numbers import Floats, SteadyRange, decade_ticks, nice_ticks, tick_text, tick_texts
from nnviz.gui.panels.plot_curve import Curve, place
from nnviz.gui.panels.plot_labels import AxisTitle, EndLabel, EndLabels
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.plain_text import plain_tip
from nnviz.gui.parts.widgets import set_font
from nnviz.record.number_text import power_of_ten

pg.setConfigOptions(imageAxisOrder="row-major", antialias=True)
_PAINTED = (pg.AxisItem, pg.InfiniteLine, pg.LinearRegionItem, pg.PlotCurveItem, pg.PlotDataItem, pg.ScatterPlotItem)
for _kind in (*_PAINTED, pg.ViewBox, pg.GraphicsView):
    guard_class(_kind)

#: Numbers beside the vertical axis have the room of this; wider ones are written by their power.
_WIDEST_TICK, _WIDEST_SHARE = "2.5e−5", "100.00 %"
#: Length of the horizontal axis from which it has no fractions: half an epoch beside whole ones says nothing.
_WHOLE_FROM = 2.0
#: Pixels from the mouse within which a mark tells what it is.
_NEAR = 6.0


class CurvePlot(QWidget):
    """Curves with a horizontal axis of steps or epochs and a linear or logarithmic vertical one.

    On a logarithmic axis values that are not above zero have no place and leave a gap.
    """

    hovered = Signal(object)
    picked = Signal(str)

    def __init__(
        self,
        *,
        logarithmic: bool = False,
        end_labels: bool = False,
        from_zero: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._logarithmic = logarithmic
        self._from_zero = from_zero
        self._curves: dict[str, Curve] = {}
        self._emphasis = ""
        self._weight = 1.0
        self._values: dict[str, str] = {}
        self._old_values: frozenset[str] = frozenset()
        self._y_range = SteadyRange()
        self._bounds: tuple[float, float] | None = None
        self._share = False
        self._auto = True
        self._x_end = 1.0
        self._whole_x = True
        self._y_title = ""
        self._event_told = ""

        # Without a menu from the start: pyqtgraph would make one, which takes half as long again, and throw it away.
        self._view = pg.PlotWidget(parent=self, enableMenu=False)
        self._view.setFrameShape(self._view.Shape.NoFrame)
        self._item = self._view.getPlotItem()
        self._item.hideButtons()
        self._item.setDownsampling(auto=True, mode="peak")
        self._item.setClipToView(True)
        self._item.getViewBox().setDefaultPadding(0.0)
        self._item.setContentsMargins(0, 6, 2, 0)
        self._item.disableAutoRange()
        for name in ("left", "bottom"):
            axis = self._item.getAxis(name)
            axis.enableAutoSIPrefix(False)
            axis.setStyle(tickLength=0, tickTextOffset=5, autoExpandTextSpace=False, hideOverlappingLabels=False)
        self._cursor = pg.InfiniteLine(angle=90, movable=False)
        self._pointer = pg.InfiniteLine(angle=90, movable=False)
        for line in (self._cursor, self._pointer):
            line.setVisible(False)
            line.setZValue(20)
            self._item.addItem(line, ignoreBounds=True)
        self._marker = pg.ScatterPlotItem(size=9, pxMode=True, useCache=False)
        self._marker.setZValue(30)
        self._item.addItem(self._marker, ignoreBounds=True)
        # The axis could draw the grid itself, but then it drops the numbers at its two ends.
        self._grid = pg.PlotCurveItem(connect="pairs", antialias=False)
        self._grid.setZValue(-20)
        self._item.addItem(self._grid, ignoreBounds=True)
        #: What was changed by hand: a thin line from top to bottom, and a mark at its upper end.
        self._events: tuple[tuple[float, str], ...] = ()
        self._event_lines = pg.PlotCurveItem(connect="pairs", antialias=False)
        self._event_marks = pg.ScatterPlotItem(size=9, pxMode=True, symbol="t", useCache=False)
        for item, height in ((self._event_lines, -5), (self._event_marks, 15)):
            item.setZValue(height)
            self._item.addItem(item, ignoreBounds=True)
        self._bands: list[object] = []
        self._band_specs: list[tuple[float, float, str]] = []

        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._view, 1)
        self._labels: EndLabels | None = None
        if end_labels:
            self._labels = EndLabels(self)
            self._labels.picked.connect(self.picked.emit)
            row.addWidget(self._labels)
        self._fit_button = QToolButton(self)
        self._fit_button.setText("Show all")
        self._fit_button.setToolTip("Show the whole curve again (double-click)")
        set_font(self._fit_button, 12, 500)
        self._fit_button.clicked.connect(self.fit)
        self._fit_button.hide()
        self._axis_title = AxisTitle(self)
        #: Why there is no curve.
        self._words = QLabel("", self)
        self._words.setProperty("role", "muted")
        self._words.setWordWrap(True)
        self._words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._words.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        set_font(self._words, 13)
        self._words.hide()

        self._item.getViewBox().sigRangeChangedManually.connect(self._on_zoomed)
        self._item.getViewBox().sigRangeChanged.connect(self._on_range_changed)
        self._item.getViewBox().sigResized.connect(self._on_resized)
        self._view.scene().sigMouseMoved.connect(self._on_mouse_moved)
        self._view.scene().sigMouseClicked.connect(self._on_mouse_clicked)
        self._view.viewport().installEventFilter(self)
        self._view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.restyle()
        follow(themes.notifier.changed, self.restyle)

    # ------------------------------------------------------------------ what is shown

    @property
    def curves(self) -> dict[str, Curve]:
        """The curves by key, in the order they were added."""
        return self._curves

    @property
    def logarithmic(self) -> bool:
        """Whether the vertical axis shows powers of ten."""
        return self._logarithmic

    def set_axis(self, x_title: str, y_title: str = "", *, whole_x: bool = True) -> None:
        """Name the axes; ``whole_x`` keeps fractions off the horizontal one also where it is not two long."""
        self._whole_x = whole_x
        self._axis_title.set_text(x_title)
        self._y_title = y_title
        self._size_text()
        self._style_labels()

    def set_share(self, *, whole: bool = True) -> None:
        """The vertical axis is a share, written in percent as legend and cards write it.

        Args:
            whole: It runs from 0 to 1 whatever the curves are; else as far as they do, so that close ones come apart.
        """
        self._share = True
        self.set_bounds((0.0, 1.0) if whole else None)
        self._size_text()

    def set_bounds(self, bounds: tuple[float, float] | None) -> None:
        """Fix the vertical range (shares run from 0 to 1); None lets it follow the curves."""
        self._bounds = bounds

    @property
    def words(self) -> str:
        """What is written in place of curves; empty while there are some."""
        return self._words.text()

    def set_words(self, text: str) -> None:
        """Write this where curves would be: an empty plot says why it is empty."""
        if text != self._words.text():
            self._words.setText(text)
            self._words.setVisible(bool(text))
            self._on_range_changed()

    def set_curve(
        self,
        key: str,
        title: str,
        colour: QColor,
        x: Floats,
        values: Floats,
        shown: Floats | None = None,
        *,
        pattern: Pattern = (),
        markers: bool = False,
    ) -> None:
        """Add a curve or give it new data.

        Args:
            key: Its name among the curves.
            title: What its label says; there is none where it is empty.
            colour: Its colour.
            x: Where the values stand.
            values: What was measured; drawn faintly behind ``shown`` when that is given.
            shown: The smoothed curve, or None to draw the values themselves.
            pattern: Its lines and gaps: tells apart curves that have to share a colour.
            markers: Draw a dot at each value (few points, such as one an epoch).
        """
        curve = self._curves.get(key)
        if curve is None:
            curve = self._curves[key] = Curve(key, logarithmic=self._logarithmic)
            for item in curve.items:
                self._item.addItem(item, ignoreBounds=True)
        if curve.set_look(title, colour, pattern=pattern, markers=markers):
            self._style_curve(curve)
        curve.follow(x, values, shown)

    def keep_only(self, keys: set[str]) -> None:
        """Remove the curves that are not among these."""
        for key in [key for key in self._curves if key not in keys]:
            curve = self._curves.pop(key)
            for item in curve.items:
                self._item.removeItem(item)

    def clear(self) -> None:
        """Remove everything and forget the ranges."""
        self.keep_only(set())
        self.set_events(())
        self._marker.clear()
        self._y_range.reset()
        self._auto = True
        self._fit_button.hide()
        self.set_cursor(None)

    def set_marker(self, x: float, value: float, colour: QColor) -> None:
        """Put one dot on the plot; NaN takes it away."""
        place = float(self._place(np.array([value]))[0])
        if math.isfinite(x) and math.isfinite(place):
            edge = pg.mkPen(QColor(themes.current().panel), width=2 * self._weight)  # cosmetic, unlike Qt's own
            self._marker.setData([x], [place], brush=colour, pen=edge)
        else:
            self._marker.clear()

    def set_cursor(self, x: float | None) -> None:
        """Show the step of the timeline as a line; None takes it away."""
        self._cursor.setVisible(x is not None)
        if x is not None:
            self._cursor.setPos(x)

    @property
    def events(self) -> tuple[tuple[float, str], ...]:
        """What is marked as changed by hand."""
        return self._events

    def set_events(self, events: Sequence[tuple[float, str]]) -> None:
        """Mark where something was changed by hand: (place on the horizontal axis, what it was, in words)."""
        if tuple(events) != self._events:
            self._events = tuple(events)
            self.setAccessibleDescription("; ".join(text.replace("\n", ", ") for _, text in self._events))
            self._place_events()

    def event_at(self, x: float) -> str:
        """What was changed where the mouse is, in words; empty where nothing was."""
        box = self._item.getViewBox()
        low, high = box.viewRange()[0]
        reach = _NEAR * (high - low) / max(box.width(), 1.0)
        nearest = min(self._events, key=lambda event: abs(event[0] - x), default=None)
        return nearest[1] if nearest is not None and abs(nearest[0] - x) <= reach else ""

    def _place_events(self) -> None:
        """The lines reach from the lower edge of what is seen to the upper one, however it is zoomed."""
        low, high = self._item.getViewBox().viewRange()[1]
        places = np.array([place for place, _ in self._events], dtype=np.float64)
        self._event_lines.setData(np.repeat(places, 2), np.tile([low, high], len(places)))
        top = high - (high - low) * 5.0 / max(self._item.getViewBox().height(), 1.0)
        self._event_marks.setData(places, np.full(len(places), top))

    def set_weight(self, weight: float) -> None:
        """Draw lines so many times as wide: enlarged on a screen, they keep their width in its pixels."""
        if weight != self._weight:
            self._weight = weight
            for curve in self._curves.values():
                self._style_curve(curve)

    def set_emphasis(self, key: str) -> None:
        """Draw one curve strongly and the others back; an empty or unknown key draws all alike."""
        key = key if key in self._curves else ""
        if key != self._emphasis:
            self._emphasis = key
            for curve in self._curves.values():
                self._style_curve(curve)
            self._update_labels()

    def set_values(self, values: dict[str, str], old: frozenset[str] = frozenset()) -> None:
        """Write these beside the names at the ends of the lines: what they are at the step that is pointed at.

        Args:
            values: By the keys of the curves.
            old: The keys of those that were measured long before that step.
        """
        if values != self._values or old != self._old_values:
            self._values, self._old_values = values, old
            self._update_labels()

    def set_bands(self, bands: list[tuple[float, float, str]]) -> None:
        """Shade ranges of values: (from, to, name of a theme colour)."""
        for item in self._bands:
            self._item.removeItem(item)
        self._bands = []
        self._band_specs = list(bands)
        for low, high, name in bands:
            colour = QColor(getattr(themes.current(), name))
            colour.setAlphaF(0.10 if themes.current().dark else 0.13)
            placed = self._place(np.array([low, high]))
            item = pg.LinearRegionItem(
                tuple(float(value) for value in placed), orientation="horizontal", movable=False, brush=colour
            )
            for line in item.lines:
                line.setPen(pg.mkPen(None))
            item.setZValue(-10)
            self._item.addItem(item, ignoreBounds=True)
            self._bands.append(item)

    def update_ranges(self, x_end: float) -> None:
        """Let the axes follow the curves, unless the user has zoomed in."""
        self._x_end = max(x_end, 1e-9)
        if self._auto:
            self._show_all()
        self._update_labels()
        # Left to the painting, what follows from the new range would make all of it be painted once more.
        self._item.scene().prepareForPaint()

    def fit(self) -> None:
        """Show everything and follow the curves again."""
        self._auto = True
        self._y_range.reset()
        self._fit_button.hide()
        self._show_all()
        self._update_labels()

    # ------------------------------------------------------------------ ranges and ticks

    def _place(self, values: Floats) -> Floats:
        return place(values, logarithmic=self._logarithmic)

    def _show_all(self) -> None:
        box = self._item.getViewBox()
        low, high = self._vertical()
        if self._share or self._bounds is not None:  # likewise over what cannot be more
            high += (high - low) * 4.0 / max(box.height(), 40.0)
        # A few pixels behind the newest point, so that its dot is whole.
        end = self._x_end * (1.0 + 7.0 / max(box.width(), 60.0))
        box.setRange(xRange=(0.0, end), yRange=(low, high), padding=0.0, disableAutoRange=True)

    def _vertical(self) -> tuple[float, float]:
        if self._bounds is not None:
            return self._bounds
        low, high = math.inf, -math.inf
        for curve in self._curves.values():
            finite = curve.placed[np.isfinite(curve.placed)]
            if not len(finite):
                continue
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
            raw = self._place(curve.raw[:: max(1, len(curve.raw) // 4096)])
            raw = raw[np.isfinite(raw)]
            if len(raw):
                # A few wild batches may leave the picture; the smooth curve never does.
                low = min(low, float(np.quantile(raw, 0.005)))
                high = max(high, float(np.quantile(raw, 0.995)))
        if self._logarithmic:
            return self._y_range.decades(low, high)
        low, high = self._y_range.linear(low, high, from_zero=self._from_zero)
        return (max(low, 0.0), min(high, 1.0)) if self._share else (low, high)

    def _on_resized(self, *_: object) -> None:
        """What was drawn before there was a size has the margin of a plot without one."""
        if self._auto and self._curves:
            self._show_all()
        self._on_range_changed()
        self._place_corners()

    def _on_range_changed(self, *_: object) -> None:
        box = self._item.getViewBox()
        (x_low, x_high), (y_low, y_high) = box.viewRange()
        width, height = max(box.width(), 1.0), max(box.height(), 1.0)
        left, bottom = self._item.getAxis("left"), self._item.getAxis("bottom")
        if self.words:  # numbers and lines of a range that nothing has would only be in the way of the words
            left.setTicks([[]])
            bottom.setTicks([[]])
            self._grid.setData([], [])
            return
        if self._logarithmic:
            powers = decade_ticks(y_low, y_high, max(2, int(height // 24)))
            lines = [float(power) for power in powers]
            left.setTicks([[(float(power), power_of_ten(power)) for power in powers]])
        else:
            ticks = nice_ticks(y_low, y_high, max(2, int(height // 34)))
            lines = ticks
            step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
            if self._share:
                texts = [self._share_text(tick, step) for tick in ticks]
            else:
                metrics = QFontMetrics(themes.font(12))
                room = metrics.horizontalAdvance(_WIDEST_TICK)
                texts = tick_texts(ticks, step, lambda text: metrics.horizontalAdvance(text) <= room)
            left.setTicks([list(zip(ticks, texts, strict=True))])
        self._grid.setData(np.tile([x_low, x_high], len(lines)), np.repeat(lines, 2))
        bottom.setTicks([self._ticks_along(x_low, x_high, width)])
        if self._events:
            self._place_events()
        self._update_labels()

    def _ticks_along(self, low: float, high: float, width: float) -> list[tuple[float, str]]:
        """Numbers of the horizontal axis, at least two where they have room: a single one would not tell the scale."""
        # Numbers under the title of the axis, or cut off by the edge, would only confuse.
        end = high - (high - low) * (self._axis_title.width() + 18) / width
        metrics = QFontMetrics(themes.font(12))
        few: list[tuple[float, str]] = []
        first = max(2, int(width // 70))
        whole = self._whole_x or high - low >= _WHOLE_FROM
        for count in range(first, first + 4):
            places = nice_ticks(low, high, count)
            if whole:
                places = [place for place in places if float(place).is_integer()]
            texts = [themes.format_count(int(place)) if whole else f"{place:g}" for place in places]
            ticks = [(place, text) for place, text in zip(places, texts, strict=True) if place < end]
            if len(ticks) >= 2:
                apart = (ticks[1][0] - ticks[0][0]) / max(high - low, 1e-300) * width
                if few and apart < max(metrics.horizontalAdvance(text) for _, text in ticks) + 10:
                    return few
                return ticks
            few = few or ticks
        return few

    @staticmethod
    def _share_text(tick: float, step: float) -> str:
        return f"{tick_text(100.0 * tick, 100.0 * step)} %"

    def _on_zoomed(self, *_: object) -> None:
        self._auto = False
        self._fit_button.show()
        self._fit_button.raise_()

    # ------------------------------------------------------------------ the mouse

    def _on_mouse_moved(self, position: QPointF) -> None:
        box = self._item.getViewBox()
        if not self._curves or not box.sceneBoundingRect().contains(position):
            self.leave()
            return
        x = float(box.mapSceneToView(position).x())
        self._pointer.setVisible(True)
        self._pointer.setPos(x)
        self.hovered.emit(x)
        text = self.event_at(x)
        if text != self._event_told:
            self._event_told = text
            QToolTip.showText(QCursor.pos(), plain_tip(text) if text else "", self)

    def leave(self) -> None:
        """The mouse has gone: no reading any more."""
        self._event_told = ""
        if self._pointer.isVisible():
            self._pointer.setVisible(False)
            self.hovered.emit(None)

    def leaveEvent(self, event: object) -> None:
        """Take the reading away with the mouse."""
        self.leave()

    def _on_mouse_clicked(self, event: object) -> None:
        if event.double():  # type: ignore[attr-defined] # pyqtgraph has no types
            self.fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the title of the axis and the button in their corners."""
        super().resizeEvent(event)
        if event.size().height() != event.oldSize().height():
            self._style_labels()
        if self._labels is not None and event.size().width() != event.oldSize().width():
            self._labels.fit(self.width())
        self._place_corners()

    def _place_corners(self) -> None:
        """At the end of the axis, wherever the names beside the lines let that be."""
        right = self._view.geometry().right()
        left = round(self._item.getAxis("left").width())
        self._words.setGeometry(left + 8, 0, max(right - left - 16, 0), self.height())
        self._axis_title.move(right - self._axis_title.width(), self.height() - self._axis_title.height() - 2)
        self._fit_button.adjustSize()
        self._fit_button.move(right - self._fit_button.width() - 4, 8)

    # ------------------------------------------------------------------ looks

    def restyle(self) -> None:
        """Take the colours of the theme and the size of its letters; the owner gives the curves theirs again."""
        theme = themes.current()
        self._view.setBackground(QColor(theme.panel))
        self._size_text()
        for name in ("left", "bottom"):
            axis = self._item.getAxis(name)
            axis.setTextPen(QColor(theme.text_muted))
            axis.setPen(QPen(QColor(theme.grid), 1))
            axis.setTickPen(QPen(QColor(theme.grid), 1))
        self._grid.setPen(pg.mkPen(QColor(theme.grid), width=1))
        self._item.getAxis("left").setPen(QPen(Qt.PenStyle.NoPen))
        self._cursor.setPen(pg.mkPen(QColor(theme.accent), width=1.5))
        self._event_lines.setPen(pg.mkPen(QColor(theme.text_faint), width=1))
        self._event_marks.setPen(pg.mkPen(QColor(theme.panel), width=1))
        self._event_marks.setBrush(QColor(theme.text))
        self._pointer.setPen(pg.mkPen(QColor(theme.text_faint), width=1, style=Qt.PenStyle.DashLine))
        self.set_bands(self._band_specs)
        for curve in self._curves.values():
            self._style_curve(curve)
        self._style_labels()
        self._update_labels()

    def _size_text(self) -> None:
        """Room for the numbers beside the axes: fixed, so that the plot stays where it is whatever the numbers."""
        text = themes.font(12)
        metrics = QFontMetrics(text)
        for name in ("left", "bottom"):
            self._item.getAxis(name).setTickFont(text)
        self._item.setContentsMargins(0, max(6, metrics.height() // 2), 2, 0)
        widest = _WIDEST_SHARE if self._share and self._bounds is None else _WIDEST_TICK
        width = metrics.horizontalAdvance(widest) + 10
        self._item.getAxis("left").setWidth(width + (metrics.height() + 2 if self._y_title else 0))
        self._item.getAxis("bottom").setHeight(metrics.height() + 7)
        self._axis_title.resize_for_text()
        if self._labels is not None:
            self._labels.fit(self.width())

    def _style_labels(self) -> None:
        axis = self._item.getAxis("left")
        # Half a word beside the axis would tell less than the title of the panel does.
        room = self.height() - self._item.getAxis("bottom").height() - 8
        fits = QFontMetrics(themes.font(12)).horizontalAdvance(self._y_title) <= room
        axis.setLabel(
            (self._y_title if fits else "") or None,
            color=QColor(themes.current().text_muted).name(),
            **{"font-size": f"{themes.font(12).pixelSize()}px"},
        )
        axis.resizeEvent()  # pyqtgraph centres a title only then: a longer one would hang where the last one was

    def _style_curve(self, curve: Curve) -> None:
        strong = curve.key == self._emphasis
        curve.paint(
            QColor(themes.current().panel), strong=strong, back=bool(self._emphasis) and not strong, weight=self._weight
        )

    def _update_labels(self) -> None:
        if self._labels is None:
            return
        box = self._item.getViewBox()
        labels: list[EndLabel] = []
        for curve in self._curves.values():
            known = np.flatnonzero(np.isfinite(curve.placed[-256:]))
            if not len(known) or not curve.title:  # of another run: its legend says which
                continue
            last = float(curve.placed[-256:][known[-1]])
            point = box.mapViewToScene(QPointF(self._x_end, last))
            y = float(self._view.mapFromScene(point).y())
            back = bool(self._emphasis) and curve.key != self._emphasis
            colour = mixed(QColor(themes.current().panel), curve.colour, 0.55) if back else curve.colour
            value, old = self._values.get(curve.key, ""), curve.key in self._old_values
            labels.append(EndLabel(curve.key, curve.title, value, colour, y, curve.key == self._emphasis, old))
        area = box.sceneBoundingRect()
        self._labels.set_labels(labels, float(area.top()), float(area.bottom()))
