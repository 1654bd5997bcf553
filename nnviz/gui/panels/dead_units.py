"""Units that never fire, and units that are stuck at their ends."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from pyqtgraph.functions import arrayToQPolygonF
from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from nnviz.gui.look import theme as themes
from nnviz.gui.look.age_mark import age_room, aged, paint_age_mark
from nnviz.gui.look.painting import answering, guarded
from nnviz.gui.look.scales import paint_no_number
from nnviz.gui.look.theme import level_colour, mixed
from nnviz.gui.panels.base import Cell, Panel
from nnviz.gui.panels.numbers import Floats, breaks, step_at, value_at
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.plain_text import plain_tip
from nnviz.gui.parts.widgets import line_height
from nnviz.gui.runs.run_events import EventMark, event_marks
from nnviz.project import registry
from nnviz.record.age import Moment, ReadingShown
from nnviz.record.number_text import percent
from nnviz.record.quantities import (
    ALIVE_UNTIL,
    CHANGE,
    DEAD_FRACTION,
    DEAD_SINCE,
    DEAD_UNITS,
    SATURATING,
    SATURATION,
    SILENT_FRACTION,
    badge_of,
)
from nnviz.record.quantity import Quantity
from nnviz.record.readings import ArrayReading, Scalar, count_in
from nnviz.record.run import RunView
from nnviz.record.since import since_words

#: Pixels from the mouse within which a mark tells what it is.
_NEAR = 5.0


def _clause(sentences: str) -> str:
    """A meaning in the middle of a line."""
    return sentences[:1].lower() + sentences[1:]


@dataclass(frozen=True)
class Row:
    """One layer: its share now, the whole course of it, and which units; ``passing`` is what was seen in between.

    ``measured`` is false where nothing was measured yet; a share that was and is NaN is what it is.
    """

    node: str
    quantity: Quantity
    share: float
    steps: NDArray[np.int64]
    shares: Floats
    note: str = ""
    passing_steps: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    passing: Floats = field(default_factory=lambda: np.empty(0))
    measured: bool = True
    #: At which step the share was measured, and whether that is long ago.
    step: int = 0
    old: bool = False

    @property
    def reading(self) -> ReadingShown | None:
        """The share as it is written; None where nothing was measured yet."""
        if not self.measured:
            return None
        return ReadingShown(self.quantity.series(self.node), self.text, self.step, self.old)

    @property
    def kind(self) -> str:
        """Dead or saturated, in the word that stands on the cards."""
        badge = self.quantity.badge
        return badge.word if badge is not None else self.quantity.title

    @property
    def text(self) -> str:
        """The share in words: NaN where the outputs are no numbers, a dash where nothing was measured yet."""
        return self.quantity.text(self.share) if self.measured else "–"


class SharesView(QWidget):
    """Horizontal bars with a percentage and a small course underneath, one row a layer."""

    picked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []
        self._moment = Moment()
        self._selection = ""
        self._step: int | None = None
        self._end = 1
        self._events: tuple[EventMark, ...] = ()
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self.setAccessibleName("Dead and saturated units by layer")
        follow(themes.notifier.changed, self.restyle)

    @property
    def rows(self) -> list[Row]:
        """What is shown, from top to bottom."""
        return self._rows

    def show_rows(
        self,
        rows: list[Row],
        selection: str,
        step: int | None,
        end: int,
        moment: Moment,
        events: tuple[EventMark, ...] = (),
    ) -> None:
        """Draws one bar for each of these layers.

        Args:
            rows: The layers.
            selection: The one whose name comes forward.
            step: Which step of the courses is marked; None for none.
            end: The step at which the courses end.
            moment: It says how old they are.
            events: What was changed by hand, marked in every course.
        """
        count = len(self._rows)
        self._moment, self._events = moment, events
        self._rows, self._selection, self._step, self._end = rows, selection, step, max(end, 1)
        changes = (mark.text.replace("\n", ", ") for mark in events)
        self.setAccessibleDescription("; ".join([", ".join(f"{row.node} {row.text}" for row in rows), *changes]))
        if len(rows) != count:
            self.updateGeometry()
        self.update()

    def show_ages(self, moment: Moment) -> None:
        """Mark what is old at this moment."""
        self._moment = moment
        self._rows = [replace(row, old=row.step >= 0 and moment.is_old(row.step)) for row in self._rows]
        self.update()

    def restyle(self) -> None:
        """Take the room that the theme's letters need."""
        self.updateGeometry()
        self.update()

    def _row_height(self) -> int:
        return line_height() + 26

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """All rows, each as high as its bar, its course and some air."""
        return QSize(200, self._row_height() * len(self._rows))

    def minimumSizeHint(self) -> QSize:
        """As :meth:`sizeHint`: the scroll area around it does the rest."""
        return QSize(120, self.sizeHint().height())

    def _name_width(self) -> int:
        metrics = self.fontMetrics()
        longest = max((metrics.horizontalAdvance(row.node) for row in self._rows), default=0)
        return min(max(longest, metrics.horizontalAdvance("relu1")) + 12, max(self.width() // 3, 40))

    def _values_width(self) -> int:
        metrics = self.fontMetrics()
        return metrics.horizontalAdvance("100 %") + 14 + round(age_room(metrics.ascent()))

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the rows."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.setFont(themes.font(12))
        height = self._row_height()
        mark = age_room(self.fontMetrics().ascent())
        names, values = self._name_width(), self._values_width()
        left, right = names, self.width() - values
        bar = line_height() + 1
        for index, row in enumerate(self._rows):
            top = index * height
            if not event.rect().intersects(QRect(0, top, self.width(), height)):
                continue
            colour = QColor(
                level_colour(themes.current(), row.quantity.bands.level(row.share))
                if row.measured
                else themes.current().text_faint
            )
            colour = aged(colour, row.old, themes.current())
            strong = row.node == self._selection
            painter.setFont(themes.font(12, 600 if strong else 400))
            painter.setPen(QColor(themes.current().text if strong else themes.current().text_muted))
            text = painter.fontMetrics().elidedText(row.node, Qt.TextElideMode.ElideMiddle, names - 10)
            vertical = int(Qt.AlignmentFlag.AlignVCenter)
            painter.drawText(QRect(0, top, names - 6, bar), vertical, text)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(themes.current().field if themes.current().dark else themes.current().grid))
            painter.drawRoundedRect(QRectF(left, top, right - left, bar), 2, 2)
            if row.measured and not math.isfinite(row.share):
                paint_no_number(painter, QRectF(left, top, right - left, bar))
            elif row.share > 0 and row.old:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(colour, 1))
                width = max((right - left) * min(row.share, 1.0), 2.0)
                painter.drawRoundedRect(QRectF(left + 0.5, top + 0.5, width - 1, bar - 1), 2, 2)
            elif row.share > 0:
                painter.setBrush(colour)
                width = max((right - left) * min(row.share, 1.0), 2.0)
                painter.drawRoundedRect(QRectF(left, top, width, bar), 2, 2)
            painter.setPen(aged(QColor(themes.current().text), row.old, themes.current()))
            painter.setFont(themes.font(12, 500))
            painter.drawText(QRect(right, top, values - 2, bar), int(Qt.AlignmentFlag.AlignRight) | vertical, row.text)
            if row.old:
                x = self.width() - 2 - painter.fontMetrics().horizontalAdvance(row.text) - mark - 2
                ascent = painter.fontMetrics().ascent()
                paint_age_mark(painter, QPointF(x, top + bar / 2), ascent, themes.current().text_muted)
            self._paint_course(painter, row, QRectF(left, top + bar + 4, right - left, 13), colour)

    def _paint_course(self, painter: QPainter, row: Row, area: QRectF, colour: QColor) -> None:
        """The share over the whole training, on a scale from 0 to the next rounder share.

        A line runs only through what was looked at all the time, the batches as they passed. The exact shares are dots
        where they were measured; between them nobody looked, so nothing joins them.
        """
        both = np.concatenate([row.shares, row.passing])
        known = both[np.isfinite(both)]
        if not len(known):
            return
        most = min(float(known.max()), 1.0)
        top = next(share for share in (0.05, 0.1, 0.25, 0.5, 1.0) if share >= most - 1e-9)

        def placed(steps: NDArray[np.int64], shares: Floats) -> QPolygonF:
            x = area.left() + area.width() * np.minimum(steps / self._end, 1.0)
            y = area.bottom() - area.height() * np.clip(shares, 0.0, 1.0) / top
            if len(x) > 2 * area.width():
                keep = np.linspace(0, len(x) - 1, int(area.width())).astype(int)
                x, y = x[keep], y[keep]
            known = np.isfinite(y)
            if not known.any():
                return QPolygonF()
            polygon: QPolygonF = arrayToQPolygonF(x[known], y[known])  # a point at a time takes as long as drawing
            return polygon

        self._paint_events(painter, area)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour, 1.4))
        gaps = breaks(row.passing_steps.astype(np.float64))
        for steps, shares in zip(np.split(row.passing_steps, gaps), np.split(row.passing, gaps), strict=True):
            painter.drawPolyline(placed(steps, shares))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        for point in placed(row.steps, row.shares).toList():
            painter.drawEllipse(point, 1.7, 1.7)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self._step is not None:
            place = area.left() + area.width() * min(self._step / self._end, 1)
            painter.setPen(QPen(QColor(themes.current().accent), 1))
            painter.drawLine(QPointF(place, area.top() - 2), QPointF(place, area.bottom() + 1))

    def _paint_events(self, painter: QPainter, area: QRectF) -> None:
        """A thin line with a small mark at its upper end, as in the large curves, behind the course."""
        painter.setPen(QPen(mixed(themes.current().panel, themes.current().text_muted, 0.55), 1))
        places = [area.left() + area.width() * min(mark.step / self._end, 1.0) for mark in self._events]
        painter.drawLines([QLineF(x, area.top() - 1, x, area.bottom() + 1) for x in places])
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(themes.current().text_muted)
        for x in places:
            top = area.top() - 2
            painter.drawPolygon(QPolygonF([QPointF(x - 2.5, top), QPointF(x + 2.5, top), QPointF(x, top + 4)]))

    def event_at(self, place: QPointF) -> str:
        """What was changed by hand where the mouse is in a course, in words; empty where nothing was."""
        bar = line_height() + 1
        if place.y() % self._row_height() < bar:
            return ""
        names = self._name_width()
        width = self.width() - self._values_width() - names
        nearest = min(
            self._events, key=lambda mark: abs(names + width * mark.step / self._end - place.x()), default=None
        )
        near = nearest is not None and abs(names + width * min(nearest.step / self._end, 1.0) - place.x()) <= _NEAR
        return nearest.text if near and nearest is not None else ""

    def row_at(self, y: float) -> Row | None:
        """The row at a height."""
        index = int(y // self._row_height())
        return self._rows[index] if 0 <= index < len(self._rows) else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Which units, as a tooltip."""
        row = self.row_at(event.position().y())
        tip = f"{row.node}: {row.note}" if row is not None and row.note else ""
        if row is not None and row.reading is not None:
            tip = f"{tip or row.node}\n{row.text} {self._moment.words(row.step)}"
        tip = self.event_at(event.position()) or tip
        if plain_tip(tip) != self.toolTip():
            self.setToolTip(plain_tip(tip))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click selects the layer."""
        row = self.row_at(event.position().y())
        if row is not None and event.button() == Qt.MouseButton.LeftButton:
            self.picked.emit(row.node)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and down walk through the layers."""
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if step is None or not self._rows:
            super().keyPressEvent(event)
            return
        names = [row.node for row in self._rows]
        index = names.index(self._selection) + step if self._selection in names else 0
        self.picked.emit(names[min(max(index, 0), len(names) - 1)])


#: What this panel draws of layers.
_COUNTED = (DEAD_FRACTION, SATURATION)
#: What stands there where nothing can be counted, whether it trains or not.
_NONE_TO_COUNT = "There is no ReLU, sigmoid or tanh in this network: no unit of it can die or saturate."


class DeadUnitsPanel(Panel):
    """Share of units that never fire (ReLU) and of outputs that are stuck (sigmoid, tanh), layer by layer."""

    key = "dead_units"
    title = DEAD_FRACTION.title
    letter = "D"
    _obstacle = ""
    needs_training = True
    empty = "Press Play to train: units that never fire are counted here, if the network has ReLU, sigmoid or tanh."
    quantities = (DEAD_FRACTION, DEAD_UNITS, DEAD_SINCE, ALIVE_UNTIL, SATURATION, SILENT_FRACTION, SATURATING, CHANGE)
    help = (
        "<p><b>What it shows.</b> A unit is a channel (over all positions) or a feature. It is <i>dead</i> when its "
        "output "
        "is not above zero for a single image of the probe set: it passes nothing on and, with ReLU, no gradient comes "
        "back, so it will hardly ever live again. Bars, and the dots below them, are these exact shares.</p>"
        f"<p><b>Saturation</b> (sigmoid, tanh). {SATURATION.meaning}</p>"
        f"<p><b>While it trains</b> the probe set is looked at only now and then. In between, the line below each bar, "
        "and the card, say what the training batches show as they pass. "
        f"<i>Silent</i>: {_clause(SILENT_FRACTION.meaning)} <i>Saturating</i>: {_clause(SATURATING.meaning)}</p>"
        "<p><b>Since when.</b> A unit died between two looks: after the one at which it was last seen alive, and not "
        "behind the first at which it was dead. These looks come at steps that the project fixes, so the same project "
        "and seed tell the same twice.</p>"
        f"<p><b>How to read it.</b> Up to {percent(DEAD_FRACTION.bands.warning.at)} of dead units (green) is common; "
        f"more (amber) is worth a look. From {percent(DEAD_FRACTION.bands.error)} (red) the layer wastes its room: "
        "usually the learning rate was too high or the initial weights too large. Try He initialisation, a lower "
        "learning rate, or leaky ReLU. "
        f"Of saturated outputs more than {percent(SATURATION.bands.warning.at)} (amber) and from "
        f"{percent(SATURATION.bands.error)} on (red) keep the layers before from learning.</p>"
        "<p>Point at a row for the units; click it to select the layer.</p>"
    )

    def set_obstacle(self, text: str) -> None:
        """What keeps the network from being trained; beside that, whether it has what is counted here."""
        self._obstacle = text
        super().set_obstacle(text or ("" if self._counted() else _NONE_TO_COUNT))

    def _counted(self) -> set[Quantity]:
        """What is counted of the network on the canvas, whether or not it was yet."""
        kinds = {node.kind for node in self.document.project.graph.nodes.values()}
        badges = (badge_of(registry.layer(kind)) for kind in kinds)
        return {badge for badge in badges if badge in _COUNTED}

    def build(self) -> None:
        """One scrolling list of bars."""
        self.follow_layers()
        self.view = SharesView()
        self.view.picked.connect(self.node_requested.emit)
        self.add_scrolling(self.view)
        self.body_layout.setContentsMargins(12, 8, 6, 8)
        self.set_obstacle(self._obstacle)

    def draw(self, run: RunView, changed: frozenset[str], step: int | None, *, fresh: bool) -> bool:
        """Read the shares and their courses."""
        rows: list[Row] = []
        images = 0
        order = {node: index for index, node in enumerate(self.document.inference.order)}
        nodes = self.document.project.graph.nodes
        found = [
            (order.get(node, len(order)), name, node, quantity)
            for quantity in _COUNTED
            for name in run.names(quantity.prefix)
            if (node := quantity.where(name) or "") in nodes  # Else it was taken off the canvas.
        ]
        for _, name, node, quantity in sorted(found, key=lambda one: one[:2]):
            steps, shares = run.scalars(name)
            share, at_step = value_at(steps, shares, step), step_at(steps, step)
            if quantity is DEAD_FRACTION:
                note, seen = self._which(run, node, step, at_step)
                images = images or seen
            else:
                note = f"{percent(share)} of the outputs lie where the derivative is under 5 % of its maximum."
            measured = at_step >= 0
            if measured and math.isnan(share):
                note = "its outputs are not a number (NaN)."
            passing_steps, passing = steps[:0], shares[:0]
            lately = quantity.lately
            if lately is not None:
                passing_steps, passing = run.scalars(lately.series(node))
                newest = run.latest(lately.series(node), step)
                exact = run.latest(name, step)
                outdone = isinstance(newest, Scalar) and exact is not None and self.moment.is_outdone(exact, newest)
                if isinstance(newest, Scalar) and lately.badge is not None and outdone:
                    at = themes.format_count(newest.step)
                    note = f"{note.rstrip('.')}. At step {at}: {lately.badge.word} {percent(newest.value)}."
            old = measured and self.moment.is_old(at_step, name)
            rows.append(Row(node, quantity, share, steps, shares, note, passing_steps, passing, measured, at_step, old))
        kinds = {row.quantity for row in rows} or self._counted()
        images_words = f"{themes.format_count(images)} examples" if images else "the probe set"
        probe = f"on {images_words}"
        title = (
            DEAD_FRACTION.title
            if kinds <= {DEAD_FRACTION}
            else "Saturated units"
            if kinds == {SATURATION}
            else "Dead and saturated units"
        )
        if title != self._title.text():
            self._title.setText(title)
            self.titled.emit(title)
        if kinds <= {DEAD_FRACTION}:
            self.set_subtitle(f"never fire {probe}", probe, images_words)
        elif kinds == {SATURATION}:
            self.set_subtitle("derivative under 5 % of its maximum", "derivative under 5 %", "slope under 5 %")
        else:
            self.set_subtitle(probe, images_words)
        if not rows:
            self.set_obstacle(self._obstacle)
        self.view.show_rows(rows, self.selection, step, int(run.last_step), self.moment, event_marks(run))
        return bool(rows)

    def readings_shown(self) -> tuple[ReadingShown, ...]:
        """The share of each layer."""
        return tuple(row.reading for row in self.view.rows if row.reading is not None)

    def show_ages(self) -> None:
        """Mark the old ones."""
        self.view.show_ages(self.moment)

    def on_selection(self) -> None:
        """The selected layer's name comes forward."""
        self.redraw()

    def rows(self) -> Iterator[Sequence[Cell]]:
        """Layer, quantity, step, share: the whole course of every row."""
        yield ("layer", "quantity", "step", "share")
        for row in self.view.rows:
            for step, share in zip(row.steps, row.shares, strict=True):
                yield (row.node, row.kind, int(step), float(share))

    def _which(self, run: RunView, node: str, step: int | None, measured: int) -> tuple[str, int]:
        """The dead units in words, and the number of images they were tried on.

        Of an earlier run fewer lists of units are kept than shares: one of another step than the share says so.
        """
        units = run.latest(DEAD_UNITS.series(node), step)
        if not isinstance(units, ArrayReading):
            return "", 0
        images = count_in(units.meta, "images", 0)
        dead = np.flatnonzero(units.array)
        at = "" if units.step == measured else f"at step {themes.format_count(units.step)} "
        if not len(dead):
            return f"{at}all {len(units.array)} units fire.", images
        since = run.latest(DEAD_SINCE.series(node), step)
        when = ""
        if isinstance(since, ArrayReading) and (since.step, len(since.array)) == (units.step, len(units.array)):
            until = run.latest(ALIVE_UNTIL.series(node), step)
            alive = until.array if isinstance(until, ArrayReading) and until.step == since.step else None
            if alive is not None and len(alive) != len(since.array):
                alive = None
            told = since_words(since.array[dead], None if alive is None else alive[dead])
            when = f" {told}" if told[:1].isalpha() else f" ({told})" if told else ""
        listed = ", ".join(str(unit) for unit in dead[:16]) + (" …" if len(dead) > 16 else "")
        return f"{at}{len(dead)} of {len(units.array)} units dead{when}: {listed}", images
