"""The cards of all layers of one run, one below the other, with what the canvas has no room for: filters and numbers.

Two of them stand beside each other, row by row. Their pictures have one scale for both, so that what is brighter is
larger; the bars of gradients and shares have the same scale on every card anyway.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QMouseEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QScrollArea, QSizePolicy, QWidget

from nnviz.gui.canvas.cards.card_painter import CardLook, CardReadings, paint_bypass, paint_card, paint_plate
from nnviz.gui.canvas.cards.card_pictures import PictureCache, scale_of_reading, sharp, tile_rects
from nnviz.gui.canvas.cards.card_places import card_places
from nnviz.gui.canvas.cards.card_readings import card_readings
from nnviz.gui.canvas.cards.facts import CardFacts, Picture, all_card_facts
from nnviz.gui.canvas.cards.live import LiveValues
from nnviz.gui.canvas.geometry import CARD_MARGIN, CARD_WIDTH, level_of
from nnviz.gui.canvas.items.stage import card_canvas, card_pixmap
from nnviz.gui.look import theme
from nnviz.gui.look.age_mark import age_room, aged, paint_age_mark
from nnviz.gui.look.painting import Saved, answering, guarded
from nnviz.gui.look.scales import Scale, image_of
from nnviz.gui.panels.arrays import FilterStack
from nnviz.gui.panels.filters import stack_of
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import line_height
from nnviz.project.document import Document
from nnviz.record.quantities import ACTIVATION_DEVIATION, ACTIVATION_MEAN, GRADIENT_NORM, UPDATE_RATIO, WEIGHTS
from nnviz.record.quantity import Quantity
from nnviz.record.readings import ArrayReading, Scalar, count_in
from nnviz.record.run import RunView

#: Pictures whose array is not what the layer puts out.
_OF_A_PLANE = frozenset({Picture.POINTS, Picture.PLANES, Picture.DECISION})
#: From this width on cards are drawn larger.
_WIDE = 600
_ZOOM, _LARGER = 1.0, 1.3
#: Filters that are shown, and the narrowest room for them.
_MOST_FILTERS, _LEAST_FILTERS = 12, 56
#: Pixels between two rows, at the edges, and between what stands beside each other.
_GAP, _EDGE, _BESIDE = 14, 6, 12
#: Pixels of the letters beside a card, and of those beside a larger one.
_LETTERS, _LARGER_LETTERS = 12, 14
#: The longest that is written beside every card, so that the numbers of all stand below each other.
_COMMON_TITLES, _VALUE = ("filter colours", "gradient norm"), "−0.000 … 0.000"


class Number(NamedTuple):
    """One line beside a card.

    Attributes:
        title: What it is.
        text: The value as it is written.
        old: It was measured long before the step that is shown.
    """

    title: str
    text: str
    old: bool = False


@dataclass(frozen=True)
class Seen:
    """What is known of a layer at the step.

    Attributes:
        facts: Its card.
        picture: What flows out of it; None where nothing was recorded.
        scale: Of that picture alone; None where it has none.
        weights: As they were measured; None where they were not.
        stack: The same as pictures.
        filters: The scale of these alone.
        numbers: What is written beside the card, but for the scales.
    """

    facts: CardFacts
    picture: ArrayReading | None
    scale: Scale | None
    weights: ArrayReading | None
    stack: FilterStack | None
    filters: Scale | None
    numbers: tuple[Number, ...]


class CardColumn(QScrollArea):
    """A column of cards. Only those in sight are painted, and only where something on them is another.

    Signals:
        picked: A row was clicked: the layer's id.
        sight_changed: Other rows can be seen.
        resized: Rows may have another height in another width.
    """

    picked = Signal(str)
    sight_changed = Signal()
    resized = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("Cards of the run")
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.live = LiveValues()
        #: The column of the run that this one is compared with.
        self.beside: CardColumn | None = None
        self.rows: tuple[tuple[str, int], ...] = ()
        self.chosen = ""
        self._document: Document | None = None
        self._facts: Mapping[str, CardFacts] = {}
        self._run: RunView | None = None
        self._step: int | None = None
        self._pictures = PictureCache()
        #: What is known of layers since the run was read last.
        self._seen: dict[str, Seen] = {}
        #: The finished faces and what they show, by the layers' ids; and what was found out of weights.
        self._faces: dict[str, tuple[object, QPixmap]] = {}
        self._norms: dict[str, tuple[ArrayReading, float]] = {}
        self._stacks: dict[str, tuple[ArrayReading, FilterStack | None, Scale | None]] = {}
        self._filters: dict[str, tuple[object, QPixmap]] = {}
        self._inner = _Rows(self)
        self.setWidget(self._inner)
        self.verticalScrollBar().valueChanged.connect(lambda _value: self.sight_changed.emit())
        follow(theme.notifier.changed, self._on_theme)

    # ---- what stands here ----------------------------------------------------------------------------------------

    @property
    def nodes(self) -> tuple[str, ...]:
        """The layers of this network."""
        return tuple(self._facts)

    @property
    def zoom(self) -> float:
        """Of the cards."""
        return _LARGER if self.width() >= _WIDE else _ZOOM

    @property
    def letters(self) -> int:
        """Pixels of what is written beside a card."""
        return _LARGER_LETTERS if self.width() >= _WIDE else _LETTERS

    def set_document(self, document: Document | None) -> None:
        """The network of the run."""
        self._document = document
        self._facts = {} if document is None else all_card_facts(document)
        for kept in (self._seen, self._faces, self._norms, self._stacks, self._filters):
            kept.clear()
        self._pictures.clear()

    def height_of(self, node: str) -> int:
        """How high a row has to be for a layer; one line for a layer that this network has not."""
        facts = self._facts.get(node)
        if facts is None:
            return 2 * line_height(self.letters)
        card = round((facts.layout.height + 2 * CARD_MARGIN) * self.zoom)
        lines = 3 + 5 * facts.has_parameters + (facts.badge is not None)
        return max(card, lines * line_height(self.letters) + 2 * CARD_MARGIN_LINES)

    def lay(self, rows: Sequence[tuple[str, int]]) -> None:
        """Show these layers, from top to bottom, in rows of these heights."""
        rows = tuple(rows)
        if rows != self.rows:
            self.rows = rows
            self._inner.updateGeometry()
            self._inner.setMinimumHeight(self.top_of(len(rows)))
        self._inner.update()

    def top_of(self, index: int) -> int:
        """Where a row begins."""
        return sum(height + _GAP for _, height in self.rows[:index]) + _EDGE

    def refresh(self, run: RunView | None, step: int | None) -> None:
        """Show the run at a step; None is the newest."""
        self._run, self._step = run, step
        self._seen.clear()
        self.live.show(run, step)
        self.live.refresh_findings()
        self._inner.update()

    def choose(self, node: str) -> None:
        """Bring a layer into sight, and mark it."""
        self.chosen = node
        index = next((at for at, (name, _) in enumerate(self.rows) if name == node), None)
        if index is not None:
            top, height = self.top_of(index), self.rows[index][1]
            bar = self.verticalScrollBar()
            if not (bar.value() <= top and top + height <= bar.value() + self.viewport().height()):
                bar.setValue(top - _EDGE)
        self._inner.update()

    def in_sight(self) -> frozenset[str]:
        """The layers whose rows can be seen."""
        low = self.verticalScrollBar().value()
        high = low + self.viewport().height()
        seen: set[str] = set()
        top = _EDGE
        for node, height in self.rows:
            if top < high and top + height > low:
                seen.add(node)
            top += height + _GAP
        return frozenset(seen)

    def resizeEvent(self, event: object) -> None:
        """Cards and letters are larger where there is room."""
        super().resizeEvent(event)  # type: ignore[arg-type]  # Qt hands in the right one
        self._seen.clear()
        self.resized.emit()

    # ---- what is known -------------------------------------------------------------------------------------------

    def seen(self, node: str) -> Seen | None:
        """What is known of a layer; None where this network has none of that name, or the run is not open yet."""
        facts = self._facts.get(node)
        if facts is None or self._run is None:
            return None
        if (known := self._seen.get(node)) is not None:
            return known
        picture = self.live.picture(facts)
        scale = None if picture is None else scale_of_reading(facts, picture, level_of(self.zoom))
        weights, stack, filters = self._weights(node)
        numbers = tuple(self._numbers(facts, picture, weights))
        seen = self._seen[node] = Seen(facts, picture, scale, weights, stack, filters, numbers)
        return seen

    def numbers(self, node: str) -> tuple[Number, ...]:
        """What is written beside the card of a layer; empty where it has none here."""
        seen = self.seen(node)
        if seen is None:
            return ()
        maps, filters = self._common(node, seen)
        found = list(seen.numbers)
        if maps is not None:
            found.append(Number("map colours", replace(maps, missing="").range_words()))
        if filters is not None:
            found.append(Number("filter colours", replace(filters, missing="").range_words()))
        return tuple(found)

    def _common(self, node: str, seen: Seen) -> tuple[Scale | None, Scale | None]:
        """The scales of maps and filters, as far as both runs need them."""
        other = None if self.beside is None else self.beside.seen(node)
        maps, filters = seen.scale, seen.filters
        if other is not None and maps is not None:
            maps = maps.joined(other.scale)
        if other is not None and filters is not None:
            filters = filters.joined(other.filters)
        return maps, filters

    def _weights(self, node: str) -> tuple[ArrayReading | None, FilterStack | None, Scale | None]:
        reading = None if self._run is None else self._run.latest(WEIGHTS.series(node), self._step)
        if not isinstance(reading, ArrayReading) or self._document is None:
            return None, None, None
        known = self._stacks.get(node)
        if known is None or known[0].array is not reading.array:
            stack = stack_of(self._document, node, reading)
            filters = None if stack is None else Scale.signs(stack.values)
            known = self._stacks[node] = (reading, stack, filters)
        return (None, None, None) if known[1] is None else known

    def _numbers(self, facts: CardFacts, picture: ArrayReading | None, weights: ArrayReading | None) -> list[Number]:
        node, found = facts.node, list[Number]()

        def scalar(quantity: Quantity) -> Scalar | None:
            reading = None if self._run is None else self._run.latest(quantity.series(node), self._step)
            return reading if isinstance(reading, Scalar) else None

        def add(title: str, text: str, *readings: Scalar | ArrayReading) -> None:
            old = any(self.live.moment.is_old(one.step, one.series) for one in readings)
            found.append(Number(title, text, old))

        if (gradient := scalar(GRADIENT_NORM)) is not None:
            add("gradient norm", GRADIENT_NORM.text(gradient.value), gradient)
        if weights is not None and count_in(weights.meta, "of", len(weights.array)) == len(weights.array):
            add("weight norm", theme.format_number(self._norm(node, weights)), weights)
        if (ratio := scalar(UPDATE_RATIO)) is not None:
            add("update ratio", UPDATE_RATIO.text(ratio.value), ratio)
        if (badge := self.live.badge_reading(facts)) is not None and badge[0].badge is not None:
            add(badge[0].badge.word, badge[0].text(badge[1].value), badge[1])
        if picture is not None and picture.array.size and facts.picture not in _OF_A_PLANE:
            add("output", Scale.amounts(np.asarray(picture.array)).range_words(), picture)
        mean, deviation = scalar(ACTIVATION_MEAN), scalar(ACTIVATION_DEVIATION)
        if mean is not None and deviation is not None:
            add("mean", f"{ACTIVATION_MEAN.text(mean.value)} ± {ACTIVATION_DEVIATION.text(deviation.value)}", mean)
        return found

    def _norm(self, node: str, weights: ArrayReading) -> float:
        known = self._norms.get(node)
        if known is None or known[0].array is not weights.array:
            with np.errstate(over="ignore", invalid="ignore"):
                norm = float(np.linalg.norm(np.asarray(weights.array, np.float64)))
            known = self._norms[node] = (weights, norm)
        return known[1]

    # ---- painting ------------------------------------------------------------------------------------------------

    def paint_row(self, painter: QPainter, node: str, area: QRect) -> None:
        """One layer: its card, its filters, its numbers; or that this network has none of that name."""
        colours = theme.current()
        seen = self.seen(node)
        if seen is None:
            painter.setFont(theme.font(13))
            painter.setPen(colours.text_faint)
            words = "The run is being opened…" if self._run is None else f"This network has no layer {node}."
            painter.drawText(area.adjusted(_EDGE, 0, 0, 0), int(Qt.AlignmentFlag.AlignVCenter), words)
            return
        maps, filters = self._common(node, seen)
        face = self._face(node, seen, maps)
        painter.drawPixmap(QPointF(area.left(), area.top()), face)
        left = area.left() + round((CARD_WIDTH + 2 * CARD_MARGIN) * self.zoom) + _BESIDE
        metrics = QFontMetrics(theme.font(self.letters))
        mark = round(age_room(metrics.ascent()))
        numbers = self.numbers(node)
        strong = QFontMetrics(theme.font(self.letters, 600))
        value = max(strong.horizontalAdvance(text) for text in (_VALUE, *(one.text for one in numbers)))
        wide = titles_room(numbers, metrics) + mark + value + 2
        room = area.right() - left - wide - _BESIDE
        if seen.facts.has_parameters and room >= _LEAST_FILTERS:
            high = min(area.height() - 2 * CARD_MARGIN_LINES, round(1.2 * room))
            self._paint_filters(painter, node, seen, filters, QRect(left, area.top() + CARD_MARGIN_LINES, room, high))
        self._paint_numbers(painter, numbers, QRect(area.right() - wide, area.top(), wide, area.height()))

    def _face(self, node: str, seen: Seen, maps: Scale | None) -> QPixmap:
        facts, colours = seen.facts, theme.current()
        ratio = self.devicePixelRatioF()
        scale, level = self.zoom * ratio, level_of(self.zoom)
        readings, _shown = card_readings(self.live, facts, level)
        look = CardLook(selected=node == self.chosen, severity=self.live.severity(facts))
        label, dots = self.live.label(), self.live.dots(facts)
        picture = seen.picture
        key = (
            None if picture is None else (picture.step, id(picture.array)),
            readings, look, maps, scale, colours.name, label, dots.identity, theme.text_scale(),
        )  # fmt: skip
        known = self._faces.get(node)
        if known is not None and known[0] == key:
            return known[1]
        places = card_places(facts, self.zoom)
        image: QPixmap | None = None
        if picture is not None and places.picture is not None:
            place = places.picture.translated(CARD_MARGIN, CARD_MARGIN)
            left, top = round(place.left() * scale), round(place.top() * scale)
            size = QSize(max(1, round(place.right() * scale) - left), max(1, round(place.bottom() * scale) - top))
            image = self._pictures.picture(
                facts, picture, size, scale, level, colours, label, dots, places.letters, maps
            )
        face = card_pixmap(facts.layout.height, scale)
        painter = card_canvas(face, scale)
        paint_plate(painter, facts.layout.rect, facts.family, look, colours)
        paint_card(painter, facts, places, CardReadings() if facts.bypassed else readings, image, colours)
        if facts.bypassed:
            paint_bypass(painter, facts, places, colours)
        painter.end()
        face.setDevicePixelRatio(ratio)
        self._faces[node] = (key, face)
        return face

    def _paint_filters(self, painter: QPainter, node: str, seen: Seen, scale: Scale | None, area: QRect) -> None:
        stack, weights = seen.stack, seen.weights
        if stack is None or weights is None or scale is None or not stack.values.size:
            return
        ratio = self.devicePixelRatioF()
        key = (weights.step, id(weights.array), area.size(), ratio, scale, theme.current().name)
        known = self._filters.get(node)
        if known is None or known[0] != key:
            known = self._filters[node] = (key, filters_picture(stack, scale, area.size(), ratio))
        painter.drawPixmap(area.topLeft(), known[1])

    def _paint_numbers(self, painter: QPainter, numbers: Sequence[Number], area: QRect) -> None:
        colours, height = theme.current(), line_height(self.letters)
        painter.setFont(theme.font(self.letters))
        metrics = painter.fontMetrics()
        titles = titles_room(numbers, metrics)
        mark = round(age_room(metrics.ascent()))
        vertical = int(Qt.AlignmentFlag.AlignVCenter)
        for at, number in enumerate(numbers):
            line = QRect(area.left(), area.top() + CARD_MARGIN_LINES + at * height, area.width(), height)
            painter.setFont(theme.font(self.letters))
            painter.setPen(colours.text_muted)
            painter.drawText(line, vertical, number.title)
            if number.old:
                place = QPointF(line.left() + titles, line.center().y() + 0.5)
                paint_age_mark(painter, place, metrics.ascent(), colours.text_muted)
            painter.setFont(theme.font(self.letters, 600))
            painter.setPen(aged(QColor(colours.text), number.old, colours))
            painter.drawText(line.adjusted(titles + mark, 0, 0, 0), vertical, number.text)

    def _on_theme(self) -> None:
        self._faces.clear()
        self._filters.clear()
        self._pictures.clear()
        self._inner.update()


def titles_room(numbers: Sequence[Number], metrics: QFontMetrics) -> int:
    """Pixels from the beginning of the titles to where the mark of an old number may stand."""
    return max(metrics.horizontalAdvance(f"{one} ") for one in (*_COMMON_TITLES, *(each.title for each in numbers)))


#: Pixels above the first line beside a card, so that it stands level with the card's edge.
CARD_MARGIN_LINES = round(CARD_MARGIN)


def filters_picture(stack: FilterStack, scale: Scale, size: QSize, ratio: float) -> QPixmap:
    """The first filters of a layer in so much room: of three input channels as colours, else of the first one.

    Args:
        stack: The weights.
        scale: From their numbers to colours; zero-centred.
        size: Device-independent pixels.
        ratio: Device pixels for one of them.
    """
    picture = QPixmap(QSize(round(size.width() * ratio), round(size.height() * ratio)))
    picture.fill(Qt.GlobalColor.transparent)
    values = stack.values[:_MOST_FILTERS]
    composite = stack.channels == 3 and stack.noun == "filter"
    height, width = stack.size
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.scale(ratio, ratio)
    area = QRectF(0.0, 0.0, size.width(), size.height())
    # Pictures of large pixels need a wider gap to be seen as several.
    rects = tile_rects(area, len(values), width, height, gap=2.0 if size.width() < 2 * _LEAST_FILTERS else 5.0)
    # At the upper edge, level with the first line of numbers.
    above = min(rect.top() for rect in rects)
    for rect, one in zip(rects, values, strict=True):
        place = rect.translated(0.0, -above)
        if composite:
            with Saved(painter):
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, on=False)
                painter.drawImage(place, image_of(replace(scale, kind="grey").composite(one)))
        else:
            sharp(painter, place, scale.paint(one[0]), ratio)
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


class _Rows(QWidget):
    """Paints the rows of a column that can be seen."""

    def __init__(self, column: CardColumn) -> None:
        super().__init__(column)
        self._column = column
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """All rows."""
        return QSize(300, self._column.top_of(len(self._column.rows)))

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw them, with a thin line between two."""
        column, painter = self._column, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        top = _EDGE
        for node, height in column.rows:
            area = QRect(_EDGE, top, self.width() - 2 * _EDGE, height)
            if event.rect().intersects(area.adjusted(0, 0, 0, _GAP)):
                column.paint_row(painter, node, area)
                painter.setPen(theme.current().border)
                painter.drawLine(area.left(), area.bottom() + _GAP // 2, area.right(), area.bottom() + _GAP // 2)
            top += height + _GAP

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click chooses the layer."""
        top = _EDGE
        for node, height in self._column.rows:
            if top <= event.position().y() < top + height + _GAP:
                self._column.picked.emit(node)
                return
            top += height + _GAP
