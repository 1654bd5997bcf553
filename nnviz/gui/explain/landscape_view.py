"""A landscape of the loss: a curve over one axis, a heat map with lines of equal loss over two.

On it stand the present weights, the way of the run, and balls that optimizers roll.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from nnviz.gui.explain.chart import Chart, image_numbers, pen, usable
from nnviz.gui.explain.landscape_work import Ball, Landscape, heights
from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import answering, guarded
from nnviz.gui.look.scales import Scale, image_of
from nnviz.gui.parts.following import follow
from nnviz.record.number_text import percent

Floats = NDArray[np.float64]

#: Cells of the picture for one that was measured, where all of them are.
_FINER = 4
#: Share of the height of a curve that is left free above and below it.
_AIR = 0.08
#: How far two words have to be from each other, in letters.
_APART = 12
#: Lines and rings on the heat map, whose colours are the same in both themes.
_LIGHT, _DARK = QColor(255, 255, 255), QColor(16, 20, 26)


class HeightLegend(QWidget):
    """The colours of a heat map from the highest loss down to the lowest, with the lines of equal loss on it."""

    _BAR, _GAP = 14, 7

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scale: Scale | None = None
        self._logarithmic = False
        self._levels: tuple[float, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)

    def show_scale(self, scale: Scale | None, levels: Sequence[float], *, logarithmic: bool) -> None:
        """Explain this scale; ``levels`` are losses, the scale is of their powers of ten where ``logarithmic``."""
        self._scale, self._levels, self._logarithmic = scale, tuple(levels), logarithmic
        self.setAccessibleName(f"Loss from {' to '.join(self.ends())}" if scale is not None else "")
        self.updateGeometry()
        self.update()

    def ends(self) -> tuple[str, str]:
        """The lowest and the highest loss as they are written."""
        if self._scale is None or not self._scale.known:
            return "", ""
        low, high = self._scale.low, self._scale.high
        if self._logarithmic:
            low, high = 10.0**low, 10.0**high
        return themes.format_range(low, high, self._digits())

    def _digits(self) -> int:
        """As few as tell the lines of equal loss apart."""
        for digits in (2, 3, 4):
            if len({themes.format_number(level, digits) for level in self._levels}) == len(self._levels):
                return digits
        return 5

    def _words(self) -> list[str]:
        digits = self._digits()
        return [themes.format_number(level, digits) for level in self._levels]

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """The bar and the widest number."""
        metrics = self.fontMetrics()
        texts = ["loss", "0.0000", *self.ends(), *self._words()]
        widest = max(metrics.horizontalAdvance(text) for text in texts)
        return QSize(self._BAR + self._GAP + widest + 8, 60)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """The bar, its ends, and as many lines as have room for their numbers."""
        scale = self._scale
        if scale is None or not scale.known:
            return
        painter = QPainter(self)
        colours, metrics = themes.current(), self.fontMetrics()
        height = metrics.height()
        area = QRect(4, height + height // 2 + 4, self._BAR, self.height() - 2 * height - 14)
        if area.height() < height:
            return
        ramp = np.linspace(scale.high, scale.low, area.height())
        painter.drawImage(area, image_of(np.repeat(scale.paint(ramp)[:, None], area.width(), axis=1)))
        painter.setPen(QPen(colours.border, 1))
        painter.drawRect(area)
        left = area.right() + self._GAP
        painter.setPen(colours.text_muted)
        painter.drawText(QRect(0, 0, self.width(), height), int(Qt.AlignmentFlag.AlignLeft), "loss")
        low, high = self.ends()
        flags = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        painter.setPen(colours.text)
        taken = []
        for y, text in ((area.top(), high), (area.bottom(), low)):
            painter.drawText(QRect(left, y - height // 2, self.width() - left, height), flags, text)
            taken.append(y)
        painter.setPen(colours.text_muted)
        span = scale.high - scale.low
        for level, text in zip(self._levels, self._words(), strict=True):
            placed = math.log10(level) if self._logarithmic else level
            y = round(area.bottom() - (placed - scale.low) / span * area.height()) if span else area.bottom()
            painter.fillRect(QRect(area.left(), y, area.width(), 1), _line_colour(scale, placed))
            if all(abs(y - other) >= height for other in taken):
                painter.drawText(QRect(left, y - height // 2, self.width() - left, height), flags, text)
                taken.append(y)


class LandscapeView(QWidget):
    """Draws a :class:`Landscape` and the balls on it."""

    #: What is under the mouse, in words; empty when it has gone.
    read = Signal(str)
    #: A place was clicked: its coordinates, a tuple as long as there are axes.
    picked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._landscape: Landscape | None = None
        self._balls: tuple[Ball, ...] = ()
        self._ball_step = 0
        self._old = False
        self.chart = Chart(self)
        self.legend = HeightLegend(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self.chart, 1)
        row.addWidget(self.legend)
        self._picture = pg.ImageItem()
        self._curve = pg.PlotCurveItem(connect="finite")
        self._dark_lines, self._light_lines = (pg.PlotCurveItem(connect="pairs") for _ in range(2))
        self._casing, self._way = pg.PlotCurveItem(), pg.PlotCurveItem()
        self._states = pg.ScatterPlotItem(pxMode=True, useCache=False)
        self._here_line = pg.InfiniteLine(angle=90, movable=False)
        self._here = pg.ScatterPlotItem(pxMode=True, useCache=False)
        self._balls_items = pg.ScatterPlotItem(pxMode=True, useCache=False)
        self._texts = [pg.TextItem(anchor=(0, 1)) for _ in range(2)]
        for z, item in enumerate(
            (
                self._picture,
                self._dark_lines,
                self._light_lines,
                self._curve,
                self._here_line,
                self._casing,
                self._way,
                self._states,
                self._here,
                *self._texts,
            )
        ):
            self.chart.add(item, float(z))
        self.chart.add(self._balls_items, 60.0)
        self._trails: list[tuple[pg.PlotCurveItem, pg.ScatterPlotItem]] = []
        self.chart.hovered.connect(self._on_hovered)
        self.chart.clicked.connect(self._on_clicked)
        self.restyle()
        follow(themes.notifier.changed, self.restyle)

    # ------------------------------------------------------------------ what is shown

    @property
    def landscape(self) -> Landscape | None:
        """What is drawn."""
        return self._landscape

    def set_old(self, old: bool) -> None:
        """Whether the weights have moved on since."""
        if old is not self._old:
            self._old = old
            self.show_landscape(self._landscape)

    def show_landscape(self, landscape: Landscape | None) -> None:
        """Draw another one, or more of it."""
        self._landscape = landscape
        flat = landscape is not None and len(landscape.picture.axes) == 2
        self.legend.setVisible(flat)
        for item in (self._picture, self._dark_lines, self._light_lines, self._casing, self._way):
            item.setVisible(flat)
        for item in (self._curve, self._here_line):
            item.setVisible(landscape is not None and not flat)
        for item in (self._states, self._here, *self._texts):
            item.setVisible(landscape is not None)
        if landscape is None:
            return
        if flat:
            self._draw_map(landscape)
        else:
            self._draw_curve(landscape)
        self._draw_way(landscape, flat=flat)
        self.show_balls(self._balls, self._ball_step)

    def _draw_curve(self, landscape: Landscape) -> None:
        (x,), losses = landscape.picture.axes, usable(landscape.picture.losses)
        self._curve.setData(x, losses)
        finite = losses[np.isfinite(losses)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        room = _AIR * (high - low) or 0.1
        self.chart.set_titles(landscape.titles[0], "loss")
        self.chart.show_range((float(x[0]), float(x[-1])), (low - room, high + room))
        self._here_line.setPos(landscape.here[0])

    def _draw_map(self, landscape: Landscape) -> None:
        picture, logarithmic = landscape.picture, landscape.logarithmic
        height = heights(picture.losses, logarithmic=logarithmic)
        scale = Scale.amounts(height)
        if picture.whole and np.isfinite(height).all():
            pixels = scale.paint(_finer(height))
        else:
            pixels = np.where(picture.reached, scale.paint(height), np.uint32(0))
        self._picture.setImage(image_numbers(image_of(pixels)), autoLevels=False, levels=None)
        x, y = picture.axes
        across, up = (x[-1] - x[0]) / (len(x) - 1) / 2, (y[-1] - y[0]) / (len(y) - 1) / 2
        whole = QRectF(x[0] - across, y[0] - up, x[-1] - x[0] + 2 * across, y[-1] - y[0] + 2 * up)
        self._picture.setRect(whole)
        self.chart.set_titles(*(_title(landscape, axis) for axis in range(2)))
        self.chart.show_range((whole.left(), whole.right()), (whole.top(), whole.bottom()))
        self.legend.show_scale(scale, [level for level, _ in landscape.lines], logarithmic=logarithmic)
        for item, light in ((self._dark_lines, False), (self._light_lines, True)):
            pieces = [
                piece
                for level, piece in landscape.lines
                if (_line_colour(scale, math.log10(level) if logarithmic else level) == _LIGHT) is light
            ]
            points = np.concatenate(pieces).reshape(-1, 2) if pieces else np.empty((0, 2))
            item.setData(points[:, 0], points[:, 1])

    def _draw_way(self, landscape: Landscape, *, flat: bool) -> None:
        theme = themes.current()
        way = landscape.way
        if flat:
            places = way.places if way is not None else np.empty((0, 2))
            self._casing.setData(places[:, 0], places[:, 1])
            self._way.setData(places[:, 0], places[:, 1])
            edge, here = pen(_DARK, 1.5), landscape.here
            self._states.setData(places[:-1, 0], places[:-1, 1], size=8, pen=edge, brush=pg.mkBrush(_LIGHT), symbol="o")
            self._here.setData(
                [here[0]], [here[1]], size=17, pen=pen(_DARK, 2), brush=pg.mkBrush(_LIGHT), symbol="star"
            )
        else:
            (x,), losses = landscape.picture.axes, landscape.picture.losses
            places = way.places[:, 0] if way is not None else np.empty(0)
            # Where this weight has been: marks at the foot, because the others were not what they are now.
            foot = self.chart.getPlotItem().getViewBox().viewRange()[1][0]
            shades = [pg.mkBrush(theme.text_faint)] * max(len(places) - 1, 0)
            self._states.setData(
                places[:-1], np.full(max(len(places) - 1, 0), foot), size=13, pen=None, brush=shades, symbol="t1"
            )
            height = float(np.interp(landscape.here[0], x, losses))
            here = (landscape.here[0], height if math.isfinite(height) else foot)
            self._here.setData([here[0]], [here[1]], size=13, pen=pen(theme.text, 2), brush=pg.mkBrush(theme.panel))
        first, now = self._texts
        # The word stands where there is room: away from the way, and inside the picture.
        (left, right), (bottom, top) = self.chart.getPlotItem().getViewBox().viewRange()
        aside = 1.15 if here[0] > (left + right) / 2 else -0.15
        when = "earlier" if self._old else "now"
        # Over one weight the word stands at the head of the line, where no ball rolls.
        now.setAnchor((aside, (1.1 if here[1] < (bottom + top) / 2 else -0.1) if flat else 0.0))
        place = here if flat else (here[0], top)
        _write(now, f"{when}, step {themes.format_count(landscape.step)}", place)
        shown = flat and way is not None and len(way.steps) > 1
        if shown and way is not None:
            between = self.chart.place_on_screen(*way.places[0].tolist()) - self.chart.place_on_screen(*here[:2])
            shown = abs(between.x()) > _APART * self.chart.letters or abs(between.y()) > 3 * self.chart.letters
        first.setVisible(bool(shown))
        if shown and way is not None:
            x0, y0 = way.places[0]
            first.setAnchor((1.1 if x0 > (left + right) / 2 else -0.1, 1.1 if y0 < (bottom + top) / 2 else -0.1))
            _write(first, f"step {themes.format_count(way.steps[0])}", (float(x0), float(y0)))

    def show_balls(self, balls: Sequence[Ball], step: int) -> None:
        """Draw balls where they are after so many steps, with the way that each has come."""
        self._balls, self._ball_step = tuple(balls), step
        landscape = self._landscape
        while len(self._trails) < len(self._balls):
            pair = (pg.PlotCurveItem(connect="finite"), pg.ScatterPlotItem(pxMode=True, useCache=False))
            for item in pair:
                self.chart.add(item, 50.0)
            self._trails.append(pair)
        spots = []
        directions = len(landscape.picture.axes) if landscape is not None else 0
        flat = directions == 2
        for number, (trail, dots) in enumerate(self._trails):
            # Balls that rolled over one weight have no place over two.
            there = number < len(self._balls) and self._balls[number].places.shape[1] == directions
            # Over one weight it would be the curve itself.
            trail.setVisible(there and flat)
            dots.setVisible(there)
            if landscape is None or not there:
                continue
            ball, colour = self._balls[number], themes.current().series[number % len(themes.current().series)]
            last = min(step, len(ball.losses) - 1)
            x = usable(ball.places[: last + 1, 0])
            y = usable(ball.places[: last + 1, 1] if flat else ball.losses[: last + 1])
            trail.setData(x, y, pen=pen(colour, 2.4))
            known = np.isfinite(x) & np.isfinite(y)
            edge = pen(_DARK, 1) if flat else None
            dots.setData(x[known], y[known], size=6 if flat else 9, pen=edge, brush=pg.mkBrush(colour))
            spots.append(self._spot(float(x[-1]), float(y[-1]), colour))
        self._balls_items.setData(spots)

    def _spot(self, x: float, y: float, colour: QColor) -> dict[str, object]:
        """A ball, or an arrow at the edge that says where it has gone."""
        (left, right), (bottom, top) = self.chart.getPlotItem().getViewBox().viewRange()
        edge = pen(_DARK if themes.current().dark else _LIGHT, 2)
        spot = {"size": 20, "pen": edge, "brush": pg.mkBrush(colour), "symbol": "o"}
        if not (math.isfinite(x) and math.isfinite(y)):
            return {**spot, "pos": (right, top), "symbol": "x"}
        outside = "t3" if x < left else "t2" if x > right else "t1" if y > top else "t" if y < bottom else "o"
        return {**spot, "pos": (min(max(x, left), right), min(max(y, bottom), top)), "symbol": outside}

    # ------------------------------------------------------------------ the mouse

    def words_at(self, place: tuple[float, float]) -> str:
        """What stands at a place, nearest measured number first; empty outside."""
        landscape = self._landscape
        if landscape is None:
            return ""
        picture = landscape.picture
        spots = [int(np.abs(axis - at).argmin()) for axis, at in zip(picture.axes, place, strict=False)]
        for axis, at in zip(picture.axes, place, strict=False):
            half = (axis[-1] - axis[0]) / (len(axis) - 1) / 2
            if not axis[0] - half <= at <= axis[-1] + half:
                return ""
        index = tuple(reversed(spots))
        if not picture.reached[index]:
            return ""
        words = [
            f"{title} {themes.format_number(float(axis[at]), 3)}"
            for title, axis, at in zip(landscape.titles, picture.axes, spots, strict=True)
        ]
        words.append(f"loss {themes.format_number(float(picture.losses[index]), 3)}")
        state = self._state_at(place)
        return " · ".join([*words, *([f"the run at step {themes.format_count(state)}"] if state is not None else [])])

    def _state_at(self, place: tuple[float, float]) -> int | None:
        """The step of the state of the run that is under the mouse."""
        landscape = self._landscape
        if landscape is None or landscape.way is None or len(landscape.picture.axes) != 2:
            return None
        point = self.chart.place_on_screen(*place)
        nearest, step = 9.0, None
        for at, (x, y) in zip(landscape.way.steps, landscape.way.places.tolist(), strict=True):
            there = self.chart.place_on_screen(x, y)
            distance = math.hypot(there.x() - point.x(), there.y() - point.y())
            if distance < nearest:
                nearest, step = distance, at
        return step

    def _on_hovered(self, place: tuple[float, float] | None) -> None:
        self.read.emit("" if place is None else self.words_at(place))

    def _on_clicked(self, x: float, y: float) -> None:
        if self._landscape is not None:
            self.picked.emit((x, y)[: len(self._landscape.picture.axes)])

    # ------------------------------------------------------------------ looks

    def set_letters(self, size: int) -> None:
        """Letters of another size, in pixels before the text scale."""
        if size != self.chart.letters:
            self.chart.set_letters(size)
            self.restyle()

    def restyle(self) -> None:
        """Take the colours and letters of the theme."""
        theme = themes.current()
        self.legend.setFont(themes.font(self.chart.letters))
        self.legend.updateGeometry()
        self._curve.setPen(pen(theme.text_muted, 3.0))
        self._here_line.setPen(pen(theme.text_faint, 1.0, Qt.PenStyle.DashLine))
        self._casing.setPen(pen(_DARK, 5.0))
        self._way.setPen(pen(_LIGHT, 2.4))
        for item, colour, alpha in ((self._dark_lines, _DARK, 0.55), (self._light_lines, _LIGHT, 0.5)):
            faint = QColor(colour)
            faint.setAlphaF(alpha)
            item.setPen(pen(faint, 1.2))
        for text in self._texts:
            text.setFont(themes.font(self.chart.letters + 1, 600))
            text.setColor(theme.text)
            ground = QColor(theme.panel)
            ground.setAlphaF(0.85)
            text.fill = pg.mkBrush(ground)
        self.show_landscape(self._landscape)


def _write(item: pg.TextItem, text: str, place: tuple[float, ...]) -> None:
    item.setText(text)
    item.setPos(*place[:2])


def _title(landscape: Landscape, axis: int) -> str:
    way = landscape.way
    if way is not None and axis < len(way.shares):
        return f"{landscape.titles[axis]}, {percent(way.shares[axis])} of the way"
    return landscape.titles[axis]


def _line_colour(scale: Scale, height: float) -> QColor:
    """Of a line of equal loss: what can be seen on its ground."""
    return _LIGHT if scale.colour(height).lightnessF() < 0.42 else _DARK


def _finer(height: Floats) -> Floats:
    """The same surface with more cells, linear between those that were measured."""
    for _ in range(2):
        rows = len(height)
        places = (np.arange(rows * _FINER) + 0.5) / _FINER - 0.5
        low = np.clip(np.floor(places).astype(int), 0, rows - 1)
        high = np.clip(low + 1, 0, rows - 1)
        share = np.clip(places - low, 0.0, 1.0)[:, None]
        height = (height[low] * (1 - share) + height[high] * share).T
    return height
