"""The trials of a sweep as lines through parallel axes, and as points over one setting."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QToolTip, QWidget

from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import Saved, guarded
from nnviz.gui.look.scales import Scale, image_of
from nnviz.gui.panels.sweep_axis import Axis
from nnviz.project.flat_settings import words_of
from nnviz.train.sweep_record import SweepRecord, Trial
from nnviz.train.sweep_space import Dimension
from nnviz.train.sweep_text import figure, outcome, setting_text, with_spread

#: Pixels from a line or a point at which a click still means it, and a drag on an axis that is a brush.
_NEAR, _BRUSH = 9.0, 5.0
_RADIUS, _SEED_RADIUS = 5.5, 2.5
#: Pixels between two trials that have the same value.
_BESIDE = 18.0
_LEGEND_WIDTH, _LEGEND_HEIGHT = 90, 8
_CENTRE = Qt.AlignmentFlag.AlignCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def _legible(first: float, second: float) -> Scale:
    """From one figure to another, without the end of the colours that is as dark, or as bright, as what is behind."""
    low, high = min(first, second), max(first, second)
    # Of a single trial, and of those that came to the same, the colour has to be seen as well.
    span = high - low or max(abs(low), 1.0)
    return (
        Scale("sequential", low - 0.55 * span, high)
        if themes.current().dark
        else Scale("sequential", low, high + 0.3 * span)
    )


def words_about(record: SweepRecord, trial: Trial) -> str:
    """A trial in one line: its settings, what it reached, and what became of it."""
    settings = ", ".join(
        f"{words_of(path) if '.' in path else path} {setting_text(trial, path)}" for path in trial.settings
    )
    reached = "" if math.isnan(trial.mean) else f": {with_spread(record.plan.objective, trial)}"
    became = outcome(trial, record.plan.seeds)
    return f"Trial {trial.number + 1}, {settings}{reached}{f' ({became})' if became else ''}"


class SweepPicture(QWidget):
    """What both pictures have in common: the record, colours with their legend, what is chosen and what is hovered."""

    #: A trial was clicked: its number.
    picked = Signal(int)
    #: A trial was clicked twice.
    opened = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.record: SweepRecord | None = None
        self.axes: tuple[Axis, ...] = ()
        self.scale = Scale("sequential", math.nan, math.nan)
        self._ends = (math.nan, math.nan)
        #: -1 where the colours go from the largest figure to the smallest.
        self._sign = 1.0
        self.chosen = -1
        self.hovered = -1
        self.setMouseTracking(True)
        self.setMinimumSize(240, 130)

    def sizeHint(self) -> QSize:
        """As large as there is room."""
        return QSize(520, 260)

    def show_sweep(self, record: SweepRecord | None, dimensions: Sequence[Dimension]) -> None:
        """Draw another sweep, or the same with more in it."""
        before = [axis.path for axis in self.axes]
        self.record = record
        self.axes = () if record is None else (*(Axis.of(one) for one in dimensions), Axis.of_figure(record))
        means = [trial.mean for trial in self.trials if not math.isnan(trial.mean)]
        self._ends = (min(means), max(means)) if means else (math.nan, math.nan)
        # The better a figure, the more it stands out: bright on a dark ground, dark on a bright one.
        higher = record is not None and record.plan.higher_is_better
        self._sign = 1.0 if higher is themes.current().dark else -1.0
        self.scale = _legible(*(self._sign * end for end in self._ends))
        if before != [axis.path for axis in self.axes]:
            self.forget()
        self.update()

    def forget(self) -> None:
        """The axes are others: nothing of what was drawn on them holds."""
        self.hovered = -1

    def choose(self, number: int) -> None:
        """Draw a trial before the others; -1 for none."""
        if number != self.chosen:
            self.chosen = number
            self.update()

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Of the sweep that is shown."""
        return () if self.record is None else self.record.trials

    def trial_at(self, point: QPointF) -> int:
        """The number of the trial at a place; -1 where there is none."""
        raise NotImplementedError

    def colour_of(self, trial: Trial) -> QColor:
        """By the figure that it reached."""
        if math.isnan(trial.mean):
            return QColor(themes.current().text_faint)
        return self.scale.colour(self._sign * trial.mean)

    # ---- mouse -------------------------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """What is under the mouse stands out."""
        found = self.trial_at(event.position())
        if found != self.hovered:
            self.hovered = found
            self.setCursor(Qt.CursorShape.PointingHandCursor if found >= 0 else Qt.CursorShape.ArrowCursor)
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the mouse."""
        self.hovered = -1
        self.update()
        super().leaveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose what was clicked."""
        found = self.trial_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and found >= 0:
            self.picked.emit(found)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open what was clicked."""
        found = self.trial_at(event.position())
        if found >= 0:
            self.opened.emit(found)

    def event(self, event: QEvent) -> bool:
        """Say which trial it is."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent) and self.record is not None:
            found = self.trial_at(QPointF(event.pos()))
            words = words_about(self.record, self.trials[found]) if found >= 0 else ""
            QToolTip.showText(event.globalPos(), words, self)
            return True
        return super().event(event)

    # ---- legend ------------------------------------------------------------------------------------------------

    def paint_legend(self, painter: QPainter, right: float, top: float) -> None:
        """The colours with the figures at their ends, and which end is better."""
        record = self.record
        if record is None or not self.scale.known:
            return
        colours = themes.current()
        painter.setFont(themes.font(12))
        metrics = QFontMetrics(themes.font(12))
        better = "more is better" if record.plan.higher_is_better else "less is better"
        low, high = (figure(record.plan.objective, end) for end in self._ends)
        height = metrics.height()
        left = right
        for text in (f"{high}, {better}", "", f"{self.axes[-1].title} {low}"):
            width = metrics.horizontalAdvance(text) + 2 if text else _LEGEND_WIDTH
            left -= width
            if text:
                painter.setPen(colours.text_muted)
                painter.drawText(QRectF(left, top, width, height), int(_LEFT), text)
            else:
                bar = QRectF(left, top + (height - _LEGEND_HEIGHT) / 2, width, _LEGEND_HEIGHT)
                ramp = self.scale.paint(self._sign * np.linspace(*self._ends, width))
                painter.drawImage(bar, image_of(np.repeat(ramp[None, :], _LEGEND_HEIGHT, axis=0)))
            left -= 6

    def paint_words(self, painter: QPainter, words: str) -> None:
        """What stands there while there is nothing to draw."""
        painter.setFont(themes.font(13))
        painter.setPen(themes.current().text_muted)
        painter.drawText(QRectF(self.rect()), int(_CENTRE | Qt.TextFlag.TextWordWrap), words)


@dataclass(frozen=True)
class _Brush:
    """A part of an axis: only trials that pass it are drawn in full."""

    low: float
    high: float

    def holds(self, place: float | None) -> bool:
        return place is not None and self.low <= place <= self.high


class ParallelAxes(SweepPicture):
    """An axis a setting and one for the figure; a line a trial. A drag along an axis keeps the lines that pass there.

    Attributes:
        brushes: By the number of the axis.
    """

    #: The trials that pass all brushes are others.
    brushed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.brushes: dict[int, _Brush] = {}
        self._drag: tuple[int, float] | None = None
        self._moved = False
        self.setAccessibleName("Settings and figure of each trial as parallel axes")
        self.setToolTip("Drag along an axis to keep the lines that pass there; click the axis to keep all again.")

    def forget(self) -> None:
        """No brush is left."""
        super().forget()
        self.brushes.clear()

    def passes(self, trial: Trial) -> bool:
        """Whether a trial passes all brushes."""
        return all(brush.holds(self.axes[at].place_of(trial)) for at, brush in self.brushes.items())

    # ---- places ------------------------------------------------------------------------------------------------

    @property
    def _area(self) -> QRectF:
        """Where the axes stand: names over them, a line for what has no value and the legend under them."""
        line = QFontMetrics(themes.font(12)).height()
        top, bottom = line + 12, 2 * line + 20
        return QRectF(70, top, max(1, self.width() - 140), max(1, self.height() - top - bottom))

    def x_of(self, at: int) -> float:
        """Of an axis."""
        area = self._area
        return area.left() + (area.width() * at / (len(self.axes) - 1) if len(self.axes) > 1 else 0.0)

    def point_of(self, at: int, place: float | None) -> QPointF:
        """On an axis; below it for what has no value there."""
        area = self._area
        line = QFontMetrics(themes.font(12)).height()
        y = area.bottom() + line * 0.5 + 4 if place is None else area.bottom() - place * area.height()
        return QPointF(self.x_of(at), y)

    def line_of(self, trial: Trial) -> list[QPointF]:
        """Through all axes."""
        return [self.point_of(at, axis.place_of(trial)) for at, axis in enumerate(self.axes)]

    def trial_at(self, point: QPointF) -> int:
        """The nearest line."""
        if self._drag is not None and self._moved:
            return -1
        nearest, found = _NEAR, -1
        for trial in self.trials:
            if not self.passes(trial):
                continue
            line = self.line_of(trial)
            distance = min(_distance(point, one, other) for one, other in itertools.pairwise(line))
            if distance < nearest or (distance == nearest and trial.number == self.chosen):
                nearest, found = distance, trial.number
        return found

    def _axis_at(self, point: QPointF) -> int:
        area = self._area
        if not area.top() - 4 <= point.y() <= area.bottom() + 4:
            return -1
        return next((at for at in range(len(self.axes)) if abs(point.x() - self.x_of(at)) <= _NEAR), -1)

    # ---- brushes -----------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A drag may begin on an axis."""
        at = self._axis_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and at >= 0:
            self._drag, self._moved = (at, event.position().y()), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Draw the brush, or show what is under the mouse."""
        if self._drag is None:
            super().mouseMoveEvent(event)
            return
        at, began = self._drag
        if self._moved or abs(event.position().y() - began) > _BRUSH:
            self._moved = True
            area = self._area
            ends = sorted((area.bottom() - y) / area.height() for y in (began, event.position().y()))
            self.brushes[at] = _Brush(max(-0.01, ends[0]), min(1.01, ends[1]))
            self.brushed.emit()
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The brush stays; a click on an axis with one takes it away, any other chooses a line."""
        drag, self._drag = self._drag, None
        if drag is not None and self._moved:
            return
        if drag is not None and drag[0] in self.brushes:
            del self.brushes[drag[0]]
            self.brushed.emit()
            self.update()
            return
        super().mouseReleaseEvent(event)

    # ---- painting ----------------------------------------------------------------------------------------------

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Axes, then lines, those that stand out last."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self.trials:
            self.paint_words(painter, "Each trial becomes a line here, once its first run has ended.")
            painter.end()
            return
        for trial in sorted(self.trials, key=lambda one: (self.passes(one), not math.isnan(one.mean))):
            if trial.number not in (self.chosen, self.hovered):
                self._paint_line(painter, trial, 1.6)
        for number in dict.fromkeys((self.chosen, self.hovered)):
            if 0 <= number < len(self.trials):
                self._paint_line(painter, self.trials[number], 3.6)
        self._paint_axes(painter)
        line = QFontMetrics(themes.font(12)).height()
        self.paint_legend(painter, self.width() - 8, self.height() - line - 2)
        painter.end()

    def _paint_line(self, painter: QPainter, trial: Trial, width: float) -> None:
        colours = themes.current()
        colour = self.colour_of(trial)
        if not self.passes(trial):
            colour, width = themes.mixed(colours.panel, colours.text_faint, 0.25), 1.0
        dashed = math.isnan(trial.mean)
        pen = QPen(colour, width, Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        with Saved(painter):
            if width > 3:  # so that it stands out of its neighbours
                painter.setPen(QPen(colours.text, width + 2.4))
                painter.drawPolyline(QPolygonF(self.line_of(trial)))
            painter.setPen(pen)
            painter.drawPolyline(QPolygonF(self.line_of(trial)))

    def _paint_axes(self, painter: QPainter) -> None:
        colours = themes.current()
        area = self._area
        metrics = QFontMetrics(themes.font(12))
        room = area.width() / max(1, len(self.axes) - 1)
        for at, axis in enumerate(self.axes):
            x = self.x_of(at)
            painter.setPen(QPen(colours.text_muted, 1.2))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            if brush := self.brushes.get(at):
                top, bottom = (area.bottom() - place * area.height() for place in (brush.high, brush.low))
                ground = QColor(colours.accent)
                ground.setAlpha(90)
                painter.fillRect(QRectF(x - 6, top, 12, bottom - top), ground)
            painter.setFont(themes.font(12, 600))
            painter.setPen(colours.text)
            bold = QFontMetrics(themes.font(12, 600))
            width = min(room - 8, 260) if 0 < at < len(self.axes) - 1 else min(room / 2 + 62, 260)
            title = bold.elidedText(axis.title, Qt.TextElideMode.ElideRight, round(width))
            left = min(
                max(x - bold.horizontalAdvance(title) / 2, 4.0), self.width() - bold.horizontalAdvance(title) - 4
            )
            painter.drawText(
                QRectF(left, 2, bold.horizontalAdvance(title) + 4, metrics.height() + 2), int(_LEFT), title
            )
            self._paint_ticks(painter, axis, x, last=at == len(self.axes) - 1, room=room)
        painter.setFont(themes.font(12))
        painter.setPen(colours.text_muted)
        for area in self.none_areas():
            painter.drawText(area, int(_CENTRE), "none")

    def none_areas(self) -> list[QRectF]:
        """Where ``none`` is written: beside the axes on which a line has no value, and only there."""
        metrics = QFontMetrics(themes.font(12))
        wide, high = metrics.horizontalAdvance("none") + 4, metrics.height()
        areas = []
        for at, axis in enumerate(self.axes):
            if any(axis.place_of(trial) is None for trial in self.trials):
                end = self.point_of(at, None)
                left = end.x() + 5 if at == len(self.axes) - 1 else end.x() - 5 - wide
                areas.append(QRectF(left, end.y() - high / 2, wide, high))
        return areas

    def _paint_ticks(self, painter: QPainter, axis: Axis, x: float, *, last: bool, room: float) -> None:
        colours = themes.current()
        area = self._area
        metrics = QFontMetrics(themes.font(12))
        painter.setFont(themes.font(12))
        width = 60.0 if x < area.left() + 1 else min(room * 0.45, 110.0)
        for place, text in axis.ticks(max(3, int(area.height() / (1.6 * metrics.height())))):
            if not -0.001 <= place <= 1.001:
                continue
            y = area.bottom() - place * area.height()
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, round(width))
            wide = metrics.horizontalAdvance(shown)
            left = x + 7 if last else x - 7 - wide
            # Lines go through here: a ground of its own keeps the number readable.
            ground = QColor(colours.panel)
            ground.setAlpha(240)
            painter.fillRect(QRectF(left - 2, y - metrics.height() / 2, wide + 4, metrics.height()), ground)
            painter.setPen(QPen(colours.text_muted, 1.0))
            painter.drawLine(QPointF(x - 3, y), QPointF(x + 3, y))
            painter.setPen(colours.text_muted)
            painter.drawText(QRectF(left, y - metrics.height() / 2, wide + 2, metrics.height()), int(_LEFT), shown)


class SweepScatter(SweepPicture):
    """The figure over one setting: a large point a trial, its mean, with its spread as a bar; small ones its seeds.

    Attributes:
        path: Of the setting.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path = ""
        self.setAccessibleName("The figure over one setting")

    def show_setting(self, path: str) -> None:
        """Choose what stands below."""
        self.path = path
        self.update()

    @property
    def _axis(self) -> Axis | None:
        settings = [axis for axis in self.axes if axis.path]
        return next((axis for axis in settings if axis.path == self.path), settings[0] if settings else None)

    @property
    def _figures(self) -> Axis:
        """The vertical axis, with room for the spreads."""
        axis = self.axes[-1]
        ends = [trial.mean + sign * trial.spread for trial in self.trials for sign in (-1, 1)]
        known = [end for end in ends if math.isfinite(end) and (end > 0 or not axis.logarithmic)]
        low, high = min([axis.low, *known]), max([axis.high, *known])
        if not axis.logarithmic:  # so that the ends of a bar do not lie on the edge
            edge = 0.04 * (high - low)
            low, high = low - edge, high + edge
            low, high = (max(low, 0.0), min(high, 1.0)) if axis.share else (low, high)
        return Axis("", axis.title, (), low, high, axis.logarithmic, axis.share)

    @property
    def _area(self) -> QRectF:
        line = QFontMetrics(themes.font(12)).height()
        return QRectF(100, 2 * line + 8, max(1, self.width() - 150), max(1, self.height() - 4 * line - 18))

    def _points(self) -> Iterator[tuple[Trial, float]]:
        """Each trial with a mean, and where it stands from left to right; those of one value beside each other."""
        axis = self._axis
        if axis is None:
            return
        area = self._area
        known = [trial for trial in self.trials if not math.isnan(trial.mean)]
        groups: dict[float | None, list[Trial]] = {}
        for trial in known:
            groups.setdefault(axis.place_of(trial), []).append(trial)
        room = 0.7 * area.width() / max(1, len(axis.values)) if axis.values else _BESIDE * 8
        for place, group in groups.items():
            for at, trial in enumerate(group):
                x = area.left() - 20 if place is None else self._x(axis, place)
                shift = (at - (len(group) - 1) / 2) * min(_BESIDE, room / len(group))
                yield trial, x + shift

    def _x(self, axis: Axis, place: float) -> float:
        """Listed values stand in the middle of slots, the numbers of a range from edge to edge."""
        area = self._area
        if axis.values:
            count = len(axis.values)
            return area.left() + area.width() * (place * (count - 1) + 0.5) / count
        return area.left() + place * area.width()

    def _y(self, figures: Axis, value: float) -> float:
        area = self._area
        place = figures.place(value)
        return area.bottom() - (0.0 if place is None else place) * area.height()

    def trial_at(self, point: QPointF) -> int:
        """The nearest point."""
        if not self.axes:
            return -1
        figures, nearest, found = self._figures, _NEAR + 2, -1
        for trial, x in self._points():
            distance = math.hypot(point.x() - x, point.y() - self._y(figures, trial.mean))
            if distance < nearest:
                nearest, found = distance, trial.number
        return found

    def point_of(self, number: int) -> QPointF:
        """Where a trial is drawn."""
        figures = self._figures
        return next(
            (QPointF(x, self._y(figures, trial.mean)) for trial, x in self._points() if trial.number == number),
            QPointF(-1, -1),
        )

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Axes, bars, points."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        axis = self._axis
        if axis is None or not any(not math.isnan(trial.mean) for trial in self.trials):
            self.paint_words(painter, "Each trial becomes a point here, once its first run has ended.")
            painter.end()
            return
        figures = self._figures
        self._paint_axes(painter, axis, figures)
        standing = sorted(self._points(), key=lambda one: one[0].number in (self.chosen, self.hovered))
        for trial, x in standing:
            self._paint_trial(painter, figures, trial, x)
        line = QFontMetrics(themes.font(12)).height()
        self.paint_legend(painter, self.width() - 8, self.height() - line - 2)
        painter.end()

    def _paint_axes(self, painter: QPainter, axis: Axis, figures: Axis) -> None:
        colours, area = themes.current(), self._area
        metrics = QFontMetrics(themes.font(12))
        line = metrics.height()
        painter.setFont(themes.font(12, 600))
        painter.setPen(colours.text)
        painter.drawText(QRectF(8, 4, area.width(), line + 2), int(_LEFT), f"↑ {figures.title}")
        painter.drawText(QRectF(8, self.height() - line - 2, area.width(), line), int(_LEFT), f"→ {axis.title}")
        painter.setFont(themes.font(12))
        for place, text in figures.ticks(max(3, int(area.height() / (1.6 * line)))):
            y = area.bottom() - place * area.height()
            painter.setPen(QPen(colours.grid, 1.0))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(colours.text_muted)
            painter.drawText(QRectF(0, y - line / 2, area.left() - 32, line), int(_RIGHT), text)
        painter.setPen(QPen(colours.text_muted, 1.2))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        painter.setPen(colours.text_muted)
        room = area.width() / max(1, len(axis.values) or 4)
        for place, text in axis.ticks(max(2, int(area.width() / 90))):
            x = self._x(axis, place)
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, round(max(room - 6, 40)))
            painter.drawText(QRectF(x - room / 2, area.bottom() + 3, room, line), int(_CENTRE), shown)
        if any(axis.place_of(trial) is None for trial in self.trials):
            painter.drawText(QRectF(area.left() - 40, area.bottom() + 3, 44, line), int(_CENTRE), "none")

    def _paint_trial(self, painter: QPainter, figures: Axis, trial: Trial, x: float) -> None:
        colours = themes.current()
        strong = trial.number in (self.chosen, self.hovered)
        colour = self.colour_of(trial)
        if not math.isnan(trial.spread):
            painter.setPen(QPen(colours.text if strong else colours.text_muted, 2.2 if strong else 1.3))
            ends = [self._y(figures, trial.mean + sign * trial.spread) for sign in (-1, 1)]
            painter.drawLine(QPointF(x, ends[0]), QPointF(x, ends[1]))
            for y in ends:
                painter.drawLine(QPointF(x - 4, y), QPointF(x + 4, y))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.text_muted)
        for value in trial.values if len(trial.values) > 1 else ():
            painter.drawEllipse(QPointF(x + 7, self._y(figures, value)), _SEED_RADIUS, _SEED_RADIUS)
        painter.setPen(QPen(colours.text if strong else colours.panel, 2.4 if strong else 1.0))
        painter.setBrush(colour)
        radius = _RADIUS + 2 * strong
        painter.drawEllipse(QPointF(x, self._y(figures, trial.mean)), radius, radius)


def _distance(point: QPointF, one: QPointF, other: QPointF) -> float:
    """From a point to a line between two others."""
    along = other - one
    length = QPointF.dotProduct(along, along)
    share = 0.0 if length == 0 else min(1.0, max(0.0, QPointF.dotProduct(point - one, along) / length))
    gap = point - one - along * share
    return math.hypot(gap.x(), gap.y())
