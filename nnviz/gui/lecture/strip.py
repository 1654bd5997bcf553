"""The network as one row of large tiles, in the order in which data flow: whole ones, and what is before and behind.

Where not all of them fit, the row shows those around the chosen one. How many are out of sight stands at its ends, and
a line below it shows the whole network small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import msgspec
import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from nnviz.gui.canvas.cards.card_pictures import Numbers
from nnviz.gui.canvas.cards.card_text import TITLE_LETTERS, halves
from nnviz.gui.canvas.cards.facts import CardFacts, Picture
from nnviz.gui.canvas.cards.lens_pictures import paint_lens_picture
from nnviz.gui.canvas.cards.shape_glyph import paint_shape
from nnviz.gui.canvas.geometry import Level
from nnviz.gui.canvas.hands.navigation import tab_order
from nnviz.gui.canvas.items.stage import Stage
from nnviz.gui.canvas.scene import CanvasScene
from nnviz.gui.lecture.measure import LETTERS, Measure
from nnviz.gui.look import theme
from nnviz.gui.look.painting import Saved, answering, guarded
from nnviz.gui.look.planes import Dots, probabilities, sureness

#: On the page: a tile's height, the coloured edge above it, the room round what stands on it, and between two tiles.
_HEIGHT, _EDGE, _INSET, _GAP = 128, 5, 10, 30
#: Width of a picture at least, of that of the answer, and of a title on one line at most.
_PICTURE, _ANSWER, _TITLE = 92, 132, 190
#: Below the tiles: lanes of wires that lead past others, and the line of the whole network.
_LANES, _LANE, _LINE = 3, 9, 7
#: At the ends: how many are out of sight.
_END = 58
#: The title of a tile.
_TITLE_LETTERS = 24


@dataclass(frozen=True)
class Tile:
    """One card of the network in the row.

    Attributes:
        node: Id of the layer or of the folded group.
        lines: Its title, on one line or two.
        width: In pixels.
    """

    node: str
    lines: tuple[str, ...]
    width: int


def window_of(widths: Sequence[int], chosen: int, first: int, room: int, gap: int, end: int) -> tuple[int, int]:
    """Which tiles are shown: from the first of them to one behind the last, with the neighbours of the chosen one.

    Args:
        widths: Of all tiles.
        chosen: Which has to be seen.
        first: Which was the first before: nothing moves without need.
        room: Width there is.
        gap: Between two tiles.
        end: What an end takes where tiles are out of sight behind it.
    """
    count = len(widths)
    edges = [0, *accumulate(width + gap for width in widths)]

    def needed(start: int, stop: int) -> int:
        return edges[stop] - edges[start] - gap + (end if start else 0) + (end if stop < count else 0)

    def filled(start: int) -> int:
        stop = start + 1
        while stop < count and needed(start, stop + 1) <= room:
            stop += 1
        return stop

    if needed(0, count) <= room:
        return 0, count
    start = min(first, max(chosen - 1, 0))
    stop = filled(start)
    while stop <= min(chosen + 1, count - 1) and start < chosen:
        start += 1
        stop = filled(start)
    while start and needed(start - 1, stop) <= room:
        start -= 1
    return start, stop


class Strip(QWidget):
    """Paints the tiles of a scene.

    Args:
        scene: Which cards there are, and what they say.
        stage: Their values.

    Signals:
        picked: A tile was clicked: its id.
        entered: A tile was double-clicked.
        seen_changed: Other tiles are in sight.
    """

    picked = Signal(str)
    entered = Signal(str)
    seen_changed = Signal()

    def __init__(self, scene: CanvasScene, stage: Stage, parent: QWidget) -> None:
        super().__init__(parent)
        self._scene = scene
        self._stage = stage
        self._measure = Measure()
        self._order: list[str] = []
        self._tiles: list[Tile] = []
        self._chosen = ""
        self._lanes = 0
        self._first, self._stop = 0, 0
        self._places: dict[str, QRectF] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setAccessibleName("The network, layer by layer")

    @property
    def order(self) -> list[str]:
        """Ids of all cards, as data flow."""
        return self._order

    @property
    def chosen(self) -> str:
        """Id of the card that is talked about; empty in an empty network."""
        return self._chosen

    @property
    def seen(self) -> tuple[str, ...]:
        """Ids of the cards in sight."""
        return tuple(tile.node for tile in self._tiles[self._first : self._stop])

    @property
    def places(self) -> dict[str, QRectF]:
        """Where the tiles in sight stand."""
        return dict(self._places)

    @property
    def hidden(self) -> tuple[int, int]:
        """How many cards are out of sight before and after those that are seen."""
        return self._first, len(self._tiles) - self._stop

    def set_measure(self, measure: Measure) -> None:
        """Have another size."""
        self._measure = measure
        self.follow()

    def set_width(self, width: int) -> None:
        """Be so wide: which tiles fit says how high it is, at once, also where it is not on the screen yet."""
        self.resize(width, self.height())
        self._arrange()

    def follow(self) -> None:
        """Take the cards of the scene as they are now."""
        self._order = tab_order(self._scene)
        if self._chosen not in self._scene.cards:
            self._chosen = self._order[0] if self._order else ""
        self._tiles = [self._tile(node) for node in self._order]
        self._lanes = min(_LANES, max((lane + 1 for *_, lane in self._past()), default=0))
        self.updateGeometry()
        self._arrange()

    def choose(self, node: str) -> None:
        """Talk about this card."""
        if node in self._scene.cards and node != self._chosen:
            self._chosen = node
            self._arrange()

    def neighbour(self, by: int) -> str:
        """The card so many places on; the last one where there are no more."""
        if not self._order:
            return ""
        at = self._order.index(self._chosen)
        return self._order[min(max(at + by, 0), len(self._order) - 1)]

    def _tile(self, node: str) -> Tile:
        facts, measure = self._scene.cards[node].facts, self._measure
        lines: tuple[str, ...] = (facts.title,)
        wide = measure.width(facts.title, _TITLE_LETTERS, 600)
        if wide > measure.px(_TITLE):
            lines = halves(facts.title, _TITLE_LETTERS)
            wide = min(
                max(measure.width(line, _TITLE_LETTERS, 600) for line in lines), float(measure.px(_TITLE * 1.25))
            )
        least = measure.px(_ANSWER if facts.picture is Picture.BARS else _PICTURE)
        return Tile(node, lines, round(max(wide, least)) + 2 * measure.px(_INSET))

    def _arrange(self) -> None:
        measure = self._measure
        before = self.seen
        gap, end = measure.px(_GAP), measure.px(_END)
        widths = [tile.width for tile in self._tiles]
        self._places = {}
        self._first = self._stop = 0
        if widths:
            chosen = self._order.index(self._chosen)
            old = self._order.index(before[0]) if before and before[0] in self._order else 0
            self._first, self._stop = window_of(widths, chosen, old, self.width(), gap, end)
        shown = self._tiles[self._first : self._stop]
        total = sum(tile.width for tile in shown) + gap * (len(shown) - 1)
        before_them, behind_them = self.hidden
        left = end if before_them else 0
        room = self.width() - left - (end if behind_them else 0)
        # A short network stands in the middle, with some more air between its tiles.
        air = min(max(0, room - total) // max(1, len(shown) - 1), measure.px(26)) if len(shown) > 1 else 0
        x = left + (room - total - air * (len(shown) - 1)) / 2
        for tile in shown:
            self._places[tile.node] = QRectF(x, 1.0, tile.width, measure.px(_HEIGHT))
            x += tile.width + gap + air
        self.update()
        if self.seen != before:
            self.seen_changed.emit()

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """Tiles, lanes and line."""
        below = max(8 + self._lanes * _LANE if self._lanes else 0, 9) + (3 + _LINE if any(self.hidden) else 0)
        return QSize(self._measure.px(400), self._measure.px(_HEIGHT + below) + 4)

    # Mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose what is under the mouse; at an end, walk there."""
        event.accept()
        point = event.position()
        found = next((node for node, place in self._places.items() if place.contains(point)), "")
        if not found and self._places:
            before, behind = self.hidden
            if before and point.x() < self._measure.px(_END):
                found = self._order[self._first - 1]
            elif behind and point.x() > self.width() - self._measure.px(_END):
                found = self._order[self._stop]
        if found:
            self.picked.emit(found)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Look inside."""
        event.accept()
        found = next((node for node, place in self._places.items() if place.contains(event.position())), "")
        if found:
            self.entered.emit(found)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """More or fewer tiles fit."""
        super().resizeEvent(event)
        self._arrange()

    # Painting

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Wires, tiles, ends, line."""
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        self._paint_wires(painter, colours)
        for tile in self._tiles[self._first : self._stop]:
            self._paint_tile(painter, tile, self._places[tile.node], colours)
        self._paint_ends(painter, colours)
        self._paint_line(painter, colours)
        painter.end()

    def _paint_tile(self, painter: QPainter, tile: Tile, place: QRectF, colours: theme.Theme) -> None:
        measure, facts = self._measure, self._scene.cards[tile.node].facts
        chosen = tile.node == self._chosen
        severity = self._stage.live.severity(facts)
        family = colours.family(facts.family)
        radius = measure.px(8)
        if facts.members:
            # A stack: there is more in it.
            for offset, share in ((8, 0.3), (4, 0.5)):
                painter.setPen(QPen(theme.mixed(colours.border, family, share), max(1.0, measure.unit)))
                painter.setBrush(theme.mixed(colours.panel, family, 0.12))
                by = offset * measure.unit
                painter.drawRoundedRect(place.adjusted(by, by, -by, by), radius, radius)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(family)
        painter.drawRoundedRect(place, radius, radius)
        painter.setBrush(theme.mixed(colours.panel_raised, colours.accent, 0.14) if chosen else colours.panel_raised)
        with Saved(painter):
            painter.setClipRect(place.adjusted(0.0, measure.px(_EDGE), 0.0, 0.0))
            painter.drawRoundedRect(place, radius, radius)
        frame = {"error": colours.danger, "warning": colours.warning}.get(severity)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        inner = 0.0
        # The chosen one has the accent outside; what is wrong with a card frames it inside of that.
        for colour, width in ((colours.accent if chosen else None, 4.0), (frame, 2.5)):
            if colour is not None:
                wide = width * measure.unit
                by = inner + wide / 2
                painter.setPen(QPen(colour, wide))
                painter.drawRoundedRect(place.adjusted(by, by, -by, -by), radius, radius)
                inner += wide
        if not inner:
            painter.setPen(QPen(colours.border, 1.0))
            with Saved(painter):
                painter.setClipRect(place.adjusted(0.0, measure.px(_EDGE), 1.0, 1.0))
                painter.drawRoundedRect(place.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
        inset, line = measure.px(_INSET), measure.line(_TITLE_LETTERS)
        font = measure.font(_TITLE_LETTERS, 600)
        painter.setFont(font)
        metrics = painter.fontMetrics()
        painter.setPen(colours.text_muted if facts.bypassed else colours.text)
        y = place.top() + measure.px(_EDGE + 5)
        for text in tile.lines:
            row = QRectF(place.left() + inset, y, place.width() - 2 * inset, line)
            cut = metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(row.width()) + 2)
            painter.drawText(row, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip, cut)
            y += line
        y += measure.px(4)
        room = QRectF(place.left() + inset, y, place.width() - 2 * inset, place.bottom() - y - measure.px(9))
        if room.height() >= measure.px(18):
            self._paint_picture(painter, facts, room, colours)

    def _paint_picture(self, painter: QPainter, facts: CardFacts, room: QRectF, colours: theme.Theme) -> None:
        live, ratio = self._stage.live, self.devicePixelRatioF()
        sample, lens = live.picture(facts), self._stage.lens
        if facts.bypassed:
            painter.setPen(QPen(colours.accent, 2.0 * self._measure.unit, Qt.PenStyle.DashLine))
            middle = room.center().y()
            painter.drawLine(QPointF(room.left(), middle), QPointF(room.right(), middle))
            return
        if lens is not None and facts.shape is not None:
            seen = lens.pictures.get(facts.pictured)
            if seen is not None:
                size = QSize(max(1, round(room.width() * ratio)), max(1, round(room.height() * ratio)))
                glass = self._measure.glass * ratio
                # In other letters than those of the cards, so that no line with the range takes room from the picture.
                painted = paint_lens_picture(facts, seen, size, glass, Level.FAR, colours, TITLE_LETTERS)
                painter.drawPixmap(room, painted, QRectF(painted.rect()))
            return
        if sample is None or facts.shape is None:
            if facts.shape is not None:
                paint_shape(painter, room, facts.shape, colours.family(facts.family), colours)
            return
        if facts.picture is Picture.BARS and sample.array.ndim == 1 and facts.task in {"binary", "classes"}:
            self._paint_answer(painter, facts, sample.array, live.label(), room, colours)
            return
        dots, label = live.dots(facts), live.label()
        if facts.picture in (Picture.POINTS, Picture.DECISION):
            side = min(room.width(), room.height())
            square = QRectF(0.0, 0.0, side, side)
            square.moveCenter(room.center())
            room = square
            # What it says of the pinned example stands beside the row: here there is no room for words.
            facts, dots = _without_words(facts), Dots(dots.points, dots.pinned)
        elif facts.picture in (Picture.STRIP, Picture.NUMBERS):
            middle = room.center().y()
            high = min(room.height(), self._measure.px(44))
            room = QRectF(room.left(), middle - high / 2, room.width(), high)
        size = QSize(max(1, round(room.width() * ratio)), max(1, round(room.height() * ratio)))
        picture = self._stage.pictures.picture(
            facts, sample, size, self._measure.glass * ratio, Level.NORMAL, colours, label, dots
        )
        painter.drawPixmap(room, picture, QRectF(picture.rect()))

    def _paint_answer(
        self, painter: QPainter, facts: CardFacts, values: Numbers, label: str, room: QRectF, colours: theme.Theme
    ) -> None:
        """What the network says: the likeliest class, and how likely it is."""
        measure = self._measure
        shares = probabilities(facts.loss, values).reshape(-1)
        if not np.isfinite(shares).all():
            painter.setFont(measure.font(LETTERS, 600))
            painter.setPen(colours.danger)
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter, "NaN")
            return
        if shares.size == 1 and facts.task == "binary":
            shares = np.array([1.0 - shares[0], shares[0]])
        names = facts.class_names if len(facts.class_names) == shares.size else tuple(map(str, range(shares.size)))
        winner, sure = int(np.argmax(shares)), sureness(facts.loss, shares, values)
        wrong = label in names and names[winner] != label
        painter.setPen(colours.danger if wrong else colours.text)
        lines = ((names[winner], 600), (sure, 400))
        high = room.height() / 2
        for at, (text, weight) in enumerate(lines):
            painter.setFont(measure.font(LETTERS, weight))
            place = QRectF(room.left(), room.top() + at * high, room.width(), high)
            cut = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(room.width()))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip, cut)

    def _paint_wires(self, painter: QPainter, colours: theme.Theme) -> None:
        """Between neighbours a short line; past others in a lane below, out of sight where one end is."""
        measure = self._measure
        ink = theme.mixed(colours.text_faint, colours.window, 0.15 if colours.dark else 0.0)
        pen = QPen(ink, 2.2 * measure.unit)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen)
        y = 1.0 + measure.px(_HEIGHT) / 2
        at = {node: index for index, node in enumerate(self._order)}
        for wire in self._scene.wires:
            source, target = at.get(wire.source.node, -1), at.get(wire.target.node, -1)
            start, end = self._places.get(wire.source.node), self._places.get(wire.target.node)
            if target != source + 1:
                continue
            # To what is out of sight leads only the beginning of a wire, from there only the end of one.
            short = float(measure.px(14))
            if start is not None and end is not None:
                self._arrow(painter, QPointF(start.right(), y), QPointF(end.left(), y))
            elif start is not None:
                painter.drawLine(QPointF(start.right(), y), QPointF(start.right() + short, y))
            elif end is not None:
                self._arrow(painter, QPointF(end.left() - short, y), QPointF(end.left(), y))
        for source, target, lane in self._past():
            self._paint_past(painter, source, target, min(lane, _LANES - 1))

    def _past(self) -> list[tuple[int, int, int]]:
        """The wires that lead past other cards: places in the order where each begins and ends, and its lane."""
        at = {node: index for index, node in enumerate(self._order)}
        ends = [(at.get(wire.source.node, -1), at.get(wire.target.node, -1)) for wire in self._scene.wires]
        past = [(source, target) for source, target in ends if min(source, target) >= 0 and target != source + 1]
        lanes: list[int] = []
        found: list[tuple[int, int, int]] = []
        for source, target in sorted(past, key=lambda ends: (min(ends), -max(ends))):
            low, high = sorted((source, target))
            lane = next((index for index, taken in enumerate(lanes) if taken <= low), len(lanes))
            if lane == len(lanes):
                lanes.append(high)
            else:
                lanes[lane] = high
            found.append((source, target, lane))
        return found

    def _arrow(self, painter: QPainter, start: QPointF, end: QPointF) -> None:
        """From left to right; where gradients are shown, which flow back, the other way round."""
        lens = self._stage.lens
        if lens is not None and lens.backward:
            start, end = end, start
        way = 1.0 if end.x() > start.x() else -1.0
        head = 6.0 * self._measure.unit
        tip = end - QPointF(way * 1.5, 0.0)
        painter.drawLine(start, tip)
        path = QPainterPath(tip - QPointF(way * head, head))
        path.lineTo(tip)
        path.lineTo(tip - QPointF(way * head, -head))
        painter.drawPath(path)

    def _paint_past(self, painter: QPainter, source: int, target: int, lane: int) -> None:
        """A wire below the tiles; out of sight on the side where its end is."""
        measure = self._measure
        if max(source, target) < self._first or min(source, target) >= self._stop:
            return
        bottom = 1.0 + measure.px(_HEIGHT)
        y = bottom + measure.px(9 + lane * _LANE)
        start, end = self._places.get(self._order[source]), self._places.get(self._order[target])
        beyond = {True: 0.0, False: float(self.width())}
        left = start.center().x() + measure.px(16) if start is not None else beyond[source < self._first]
        right = end.center().x() - measure.px(16) if end is not None else beyond[target < self._first]
        path = QPainterPath(QPointF(left, bottom if start is not None else y))
        path.lineTo(left, y)
        path.lineTo(right, y)
        if end is not None:
            path.lineTo(right, bottom + 2.0)
        painter.drawPath(path)
        if end is not None:
            head = 6.0 * measure.unit
            tip = QPainterPath(QPointF(right - head, bottom + head + 2.0))
            tip.lineTo(right, bottom + 2.0)
            tip.lineTo(right + head, bottom + head + 2.0)
            painter.drawPath(tip)

    def _paint_ends(self, painter: QPainter, colours: theme.Theme) -> None:
        measure = self._measure
        before, behind = self.hidden
        end, high = measure.px(_END), measure.px(_HEIGHT)
        painter.setFont(measure.font(LETTERS, 500))
        painter.setPen(colours.text_muted)
        if before:
            painter.drawText(QRectF(0, 1, end - measure.px(8), high), Qt.AlignmentFlag.AlignCenter, f"‹ {before}")
        if behind:
            place = QRectF(self.width() - end + measure.px(8), 1, end - measure.px(8), high)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, f"{behind} ›")

    def _paint_line(self, painter: QPainter, colours: theme.Theme) -> None:
        """The whole network small, where not all of it is in sight: a plate a card, those in sight marked."""
        if not any(self.hidden):
            return
        measure, count = self._measure, len(self._tiles)
        high = measure.px(_LINE)
        y = self.height() - high - 1.0
        cell = min(measure.px(44), self.width() / count)
        left = (self.width() - cell * count) / 2
        gap = min(2.0 * measure.unit, cell * 0.3)
        painter.setPen(Qt.PenStyle.NoPen)
        for index, tile in enumerate(self._tiles):
            colour = QColor(colours.family(self._scene.cards[tile.node].content.family))
            inside = self._first <= index < self._stop
            colour = colour if inside else theme.mixed(colour, colours.window, 0.68)
            painter.setBrush(colours.accent if tile.node == self._chosen else colour)
            grown = measure.px(2) if tile.node == self._chosen else 0
            painter.drawRect(QRectF(left + index * cell, y - grown, cell - gap, high + grown))


def _without_words(facts: CardFacts) -> CardFacts:
    """The same card without the answer in words below its picture."""
    return msgspec.structs.replace(facts, task="" if facts.task == "binary" else facts.task)
