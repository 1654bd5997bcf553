"""What is talked about, as large as there is room for: the chosen card's title, shape, picture and figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from nnviz.gui.canvas.cards.facts import CardFacts, Picture
from nnviz.gui.canvas.cards.lens import CHANGE, Lens
from nnviz.gui.canvas.cards.shape_glyph import paint_shape
from nnviz.gui.canvas.items.stage import Stage
from nnviz.gui.canvas.scene import CanvasScene
from nnviz.gui.lecture.large_pictures import LargePicture, large_filters, large_lens_picture, large_picture
from nnviz.gui.lecture.measure import LETTERS, Measure
from nnviz.gui.look import theme
from nnviz.gui.look.age_mark import age_room, aged, paint_age_mark
from nnviz.gui.look.painting import guarded
from nnviz.gui.panels.filters import stack_of
from nnviz.project import registry
from nnviz.project.checks.shapes import shape_text
from nnviz.project.document import Document
from nnviz.record.age import ReadingShown
from nnviz.record.quantities import GRADIENT_NORM, WEIGHTS
from nnviz.record.readings import ArrayReading, Scalar
from nnviz.record.run import RunView

#: Letters of the title, of the shape beside it, and of the figures.
_TITLE, _SHAPE, _FIGURE = 36, 28, 36
_MARGIN, _GAP = 22, 16
#: Width of the figures where they stand beside the picture.
_BESIDE = 236
#: What the norm is of that a lens shows beside a layer, by the lens' sign for it.
_NORMS = {"g": "gradient", CHANGE: "change"}
_WORDS = int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap)
_ELIDED = Qt.TextElideMode.ElideRight
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip


@dataclass(frozen=True)
class Figure:
    """One quantity of the card.

    Attributes:
        text: Its value.
        words: What it is, and the step at which it was measured, where that is not the one that is shown.
        level: ``good``, ``warning`` or ``error``; empty where nothing is said about it.
        reading: What was measured, with its age; None where nothing was.
    """

    text: str
    words: tuple[str, ...]
    level: str = ""
    reading: ReadingShown | None = None

    @property
    def old(self) -> bool:
        """Whether it is drawn as old."""
        return self.reading is not None and self.reading.old


def figures_of(facts: CardFacts, stage: Stage) -> list[Figure]:
    """The quantities of a card, each with the step it was measured at and its age."""
    found: list[Figure] = []
    moment = stage.live.moment

    def measured(reading: Scalar, text: str, word: str, level: str = "", of: str = "") -> Figure:
        shown = ReadingShown(reading.series, text, reading.step, moment.is_old(reading.step, reading.series), of)
        return Figure(text, (word, f"step {theme.format_count(reading.step)}"), level, shown)

    own = facts.kind == "input" and stage.live.is_own(stage.live.picture(facts))
    if own:
        found.append(Figure("own input", ()))
    if facts.kind == "input" and stage.live.label():
        found.append(Figure(stage.live.label(), ("right answer",)))
    badge = stage.live.badge_reading(facts)
    if badge is not None:
        quantity, reading = badge
        word = next((one.badge.word for one in (quantity, facts.badge) if one is not None and one.badge), "")
        found.append(measured(reading, quantity.text(reading.value), word, quantity.bands.level(reading.value)))
    if facts.has_parameters:
        gradient = stage.live.gradient_reading(facts)
        if gradient is not None:
            of = "members" if facts.members else ""
            found.append(measured(gradient, GRADIENT_NORM.text(gradient.value), "‖gradient‖", of=of))
        if facts.parameters:
            found.append(Figure(short_count(facts.parameters), ("parameters",)))
    return found


def figures_through(lens: Lens, facts: CardFacts) -> list[Figure]:
    """The quantities that a lens shows of a card."""
    norm = lens.norm(facts.members or (facts.node,))
    word = _NORMS.get(lens.norm_sign, lens.norm_sign)
    return [] if norm is None else [Figure(theme.format_number(norm), (f"‖{word}‖", "of its weights"))]


def short_count(count: int) -> str:
    """``18 496``, or ``37.8 M`` from a million on."""
    return theme.format_count(count) if count < 1_000_000 else f"{count / 1e6:.1f} M"


class Spotlight(QWidget):
    """Paints the chosen card of a scene large.

    Signals:
        entered: It was double-clicked.
    """

    entered = Signal()

    def __init__(self, scene: CanvasScene, stage: Stage, document: Document, parent: QWidget) -> None:
        super().__init__(parent)
        self._document = document
        #: Whether weights are pictured wherever there are some.
        self._filters = False
        self._figures: list[Figure] = []
        self._scene = scene
        self._stage = stage
        self._measure = Measure()
        self._node = ""
        self._run: RunView | None = None
        self._step: int | None = None
        #: The pictures that were made last, with what they show.
        self._cache: dict[int, tuple[object, LargePicture | None, object]] = {}
        self._sides: tuple[object, int] | None = None
        self._picture_place = QRectF()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self.setAccessibleName("The chosen layer")

    @property
    def node(self) -> str:
        """Id of the card that is shown."""
        return self._node

    @property
    def picture_place(self) -> QRectF:
        """Where the picture was painted last."""
        return self._picture_place

    def set_measure(self, measure: Measure) -> None:
        """Have another size."""
        self._measure = measure
        self.update()

    def show_node(self, node: str) -> None:
        """Show another card."""
        self._node = node
        self.update()

    def show_run(self, run: RunView, step: int | None) -> None:
        """Read from this run, at this step."""
        self._run, self._step = run, step

    @property
    def has_filters(self) -> bool:
        """Whether the layer that is shown has weights that can be looked at."""
        node = self._document.project.graph.nodes.get(self._node)
        return node is not None and bool(registry.layer(node.kind).weight_view)

    @property
    def shows_filters(self) -> bool:
        """Whether the weights of the layer are pictured, and not what it puts out."""
        return self._filters and self.has_filters

    def switch_filters(self) -> bool:
        """Picture the weights instead of what the layer puts out, or that again; False where it has none."""
        if not self.has_filters:
            return False
        self._filters = not self._filters
        self.update()
        return True

    def readings_shown(self) -> tuple[ReadingShown, ...]:
        """The measured numbers that were painted last, each with the step it claims."""
        return tuple(figure.reading for figure in self._figures if figure.reading is not None)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Look inside."""
        event.accept()
        self.entered.emit()

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Plate, title, picture, figures."""
        colours, measure = theme.current(), self._measure
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.panel)
        painter.drawRoundedRect(QRectF(self.rect()), measure.px(10), measure.px(10))
        card = self._scene.cards.get(self._node)
        if card is None:
            painter.setFont(measure.font(_SHAPE))
            painter.setPen(colours.text_muted)
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "An empty network")
            painter.end()
            return
        facts = card.facts
        margin = measure.px(_MARGIN)
        room = QRectF(self.rect()).adjusted(margin, measure.px(8), -margin, -measure.px(10))
        top = self._paint_head(painter, facts, room, colours)
        room.setTop(top)
        self._paint_body(painter, facts, room, colours)
        painter.end()

    def _paint_head(self, painter: QPainter, facts: CardFacts, room: QRectF, colours: theme.Theme) -> float:
        """Title, and behind it the shape or the loss; what is wrong, where something is. The end of it."""
        measure = self._measure
        line = float(measure.line(_TITLE))
        painter.setFont(measure.font(_TITLE, 600))
        metrics = painter.fontMetrics()
        title = metrics.elidedText(facts.title, Qt.TextElideMode.ElideRight, int(room.width()))
        painter.setPen(colours.text)
        row = QRectF(room.left(), room.top(), room.width(), line)
        painter.drawText(row, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, title)
        x = room.left() + metrics.horizontalAdvance(title) + measure.px(16)
        # The id by which findings and instruments call it, then the shape or the loss.
        name = "" if facts.members or facts.node.lower() == facts.title.lower() else facts.node
        painter.setFont(measure.font(_SHAPE))
        painter.setPen(colours.text_muted)
        for words in (name, facts.subtitle if facts.subtitle else shape_text(facts.shape)):
            wide = measure.width(words, _SHAPE)
            if words and x + wide <= room.right():
                place = QRectF(x, room.top() + measure.px(4), room.right() - x, line - measure.px(4))
                painter.drawText(place, _LEFT, words)
                x += wide + measure.px(18)
        note = "bypassed" if facts.bypassed else facts.note.partition(" ← ")[0]
        if note and x + measure.width(note) <= room.right():
            painter.setFont(measure.font(LETTERS))
            place = QRectF(x, room.top() + measure.px(4), room.right() - x, line - measure.px(4))
            painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, note)
        bottom = room.top() + line + measure.px(7)
        reasons = self._scene.cards[self._node].reasons()
        if reasons:
            # The gravest comes first; what has no room on two lines stands in the findings.
            severity = self._stage.live.severity(facts)
            painter.setFont(measure.font(LETTERS, 500))
            painter.setPen(colours.danger if severity == "error" else colours.warning)
            text = lines_of(reasons[0], 2, lambda words: measure.width(words, LETTERS, 500), room.width())
            for words in text:
                place = QRectF(room.left(), bottom - measure.px(4), room.width(), measure.line())
                painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, words)
                bottom += measure.line()
        return bottom

    def _paint_body(self, painter: QPainter, facts: CardFacts, room: QRectF, colours: theme.Theme) -> None:
        """The picture, with its range below, and the figures beside or below that: where the picture is larger."""
        measure, gap = self._measure, self._measure.px(_GAP)
        lens = self._stage.lens
        figures = self._figures = figures_of(facts, self._stage) if lens is None else figures_through(lens, facts)
        captioned = lens is not None or self.shows_filters or facts.picture not in (Picture.BARS, Picture.DECISION)
        caption_line = float(measure.line()) if captioned else 0.0
        below = float(measure.line(_FIGURE) + measure.line()) if figures else 0.0
        beside = float(measure.px(_BESIDE)) if figures else 0.0
        one = QSizeF(room.width() - beside - (gap if beside else 0), room.height() - caption_line)
        two = QSizeF(room.width(), room.height() - caption_line - below - (gap if below else 0))
        at = self._side(facts, one, two, colours) if figures else 1
        size = (one, two)[at]
        picture = self._picture(facts, size, colours, at)
        place = QRectF(room.topLeft(), size)
        if picture is not None:
            shown = picture.size
            # In the middle of its room, but never further from its title than it is high.
            corner = QPointF(place.left(), place.top())
            spare = QSizeF(place.width() - shown.width(), place.height() - shown.height())
            if at == 1:
                corner += QPointF(spare.width() / 2, spare.height() / 2)
            elif spare.height() > 0:
                corner += QPointF(min(spare.width() / 2, 0.0), spare.height() / 2)
            ratio = self.devicePixelRatioF()
            corner = QPointF(round(corner.x() * ratio) / ratio, round(corner.y() * ratio) / ratio)
            painter.drawPixmap(corner, picture.pixmap)
            self._picture_place = QRectF(corner, shown)
            if picture.caption and caption_line:
                painter.setFont(measure.font())
                painter.setPen(colours.text_muted)
                y = corner.y() + shown.height() + measure.px(3)
                row = QRectF(corner.x(), y, place.right() - corner.x(), caption_line)
                self._paint_caption(painter, facts, picture.caption, row, colours)
        else:
            self._picture_place = place
            if lens is not None and lens.norm_sign == CHANGE:
                painter.setFont(measure.font())
                painter.setPen(colours.text_muted)
                painter.drawText(place, _WORDS, "It has no weights: the step changes nothing here.")
            elif facts.shape is not None:
                paint_shape(painter, place, facts.shape, colours.family(facts.family), colours)
        if figures and at == 0:
            left = place.right() + gap
            self._paint_column(painter, figures, QRectF(left, room.top(), room.right() - left, room.height()), colours)
        elif figures:
            self._paint_row(painter, figures, QRectF(room.left(), room.bottom() - below, room.width(), below), colours)

    def _paint_caption(
        self, painter: QPainter, facts: CardFacts, caption: str, row: QRectF, colours: theme.Theme
    ) -> None:
        """What the picture shows; where that is old, the clock and the step, which are worth more than the rest."""
        sample = self._reading(facts) if self._stage.lens is None else None
        if sample is not None and self._stage.live.moment.is_old(sample.step, sample.series):
            caption = f"step {theme.format_count(sample.step)},  {caption}"
            ascent = painter.fontMetrics().ascent()
            paint_age_mark(painter, QPointF(row.left(), row.center().y()), ascent, colours.text_muted)
            row = row.adjusted(age_room(ascent), 0, 0, 0)
        painter.drawText(row, _LEFT, painter.fontMetrics().elidedText(caption, _ELIDED, int(row.width())))

    def _side(self, facts: CardFacts, one: QSizeF, two: QSizeF, colours: theme.Theme) -> int:
        """Which of two rooms holds the larger picture; looked at once for each card and size."""
        lens = self._stage.lens
        known = self._reading(facts) is not None if lens is None else facts.pictured in lens.pictures
        key = (
            lens is None,
            self.shows_filters,
            facts.node,
            facts.picture,
            facts.shape,
            one.toTuple(),
            two.toTuple(),
            known,
        )
        if self._sides is None or self._sides[0] != key:
            pictures = [self._picture(facts, size, colours, slot) for slot, size in enumerate((one, two))]
            areas = [0.0 if found is None else found.size.width() * found.size.height() for found in pictures]
            self._sides = key, 0 if areas[0] >= areas[1] else 1
        return self._sides[1]

    def _reading(self, facts: CardFacts) -> ArrayReading | None:
        """What is pictured."""
        if not self.shows_filters:
            return self._stage.live.picture(facts)
        sample = self._run.latest(WEIGHTS.series(facts.node), self._step) if self._run is not None else None
        return sample if isinstance(sample, ArrayReading) else None

    def _picture(self, facts: CardFacts, size: QSizeF, colours: theme.Theme, slot: int) -> LargePicture | None:
        live, lens = self._stage.live, self._stage.lens
        if lens is not None:
            return self._picture_through(lens, facts, size, colours, slot)
        sample = self._reading(facts)
        if sample is None:
            return None
        dots, label = live.dots(facts), live.label()
        key = (
            id(sample.array), sample.step, self.shows_filters, facts, size.width(), size.height(), colours.name, label,
            dots.identity,
            self.devicePixelRatioF(), self._measure,
        )  # fmt: skip
        found = self._cache.get(slot)
        if found is not None and found[0] == key:
            return found[1]
        ratio = self.devicePixelRatioF()
        if self.shows_filters:
            stack = stack_of(self._document, facts.node, sample)
            made = large_filters(stack, size, ratio, self._measure) if stack is not None else None
        else:
            made = large_picture(facts, sample, size, ratio, colours, label, dots, self._measure)
        # The arrays are kept beside the picture, so that no other one can get their identity.
        self._cache[slot] = (key, made, (sample, dots))
        return made

    def _picture_through(
        self, lens: Lens, facts: CardFacts, size: QSizeF, colours: theme.Theme, slot: int
    ) -> LargePicture | None:
        seen = lens.pictures.get(facts.pictured)
        if seen is None:
            return None
        ratio = self.devicePixelRatioF()
        key = (id(seen), facts, size.width(), size.height(), colours.name, ratio, self._measure)
        found = self._cache.get(slot)
        if found is not None and found[0] == key:
            return found[1]
        made = large_lens_picture(facts, seen, size, ratio, colours, self._measure)
        self._cache[slot] = (key, made, seen)
        return made

    def _paint_column(self, painter: QPainter, figures: list[Figure], room: QRectF, colours: theme.Theme) -> None:
        measure = self._measure
        y = room.top() + measure.px(2)
        for figure in figures:
            lines = [words for words in figure.words if words]
            self._paint_value(painter, figure, QRectF(room.left(), y, room.width(), measure.line(_FIGURE)), colours)
            y += measure.line(_FIGURE)
            painter.setFont(measure.font())
            painter.setPen(colours.text_muted)
            for words in lines:
                painter.drawText(QRectF(room.left(), y, room.width(), measure.line()), _LEFT, words)
                y += measure.line()
            y += measure.px(16)

    def _paint_row(self, painter: QPainter, figures: list[Figure], room: QRectF, colours: theme.Theme) -> None:
        measure = self._measure
        texts = [" · ".join(words for words in figure.words if words) for figure in figures]
        widths = [
            max(measure.width(text), self._value_width(figure)) for text, figure in zip(texts, figures, strict=True)
        ]
        gap = float(measure.px(34))
        while len(widths) > 1 and sum(widths) + gap * (len(widths) - 1) > room.width():
            # Rather without its step than smaller, rather without the last one than cut.
            longer = [at for at, figure in enumerate(figures) if texts[at] != figure.words[0]]
            if longer:
                at = longer[-1]
                texts[at] = figures[at].words[0]
                widths[at] = max(measure.width(texts[at]), self._value_width(figures[at]))
            else:
                figures, texts, widths = figures[:-1], texts[:-1], widths[:-1]
        x = room.left()
        for figure, text, width in zip(figures, texts, widths, strict=True):
            self._paint_value(painter, figure, QRectF(x, room.top(), width + 4, measure.line(_FIGURE)), colours)
            painter.setFont(measure.font())
            painter.setPen(colours.text_muted)
            place = QRectF(x, room.top() + measure.line(_FIGURE), width + 4, measure.line())
            painter.drawText(place, _LEFT, text)
            x += width + gap

    def _value_width(self, figure: Figure) -> float:
        """With room for a clock, so that nothing moves when it gets old."""
        mark = age_room(self._measure.font(LETTERS).pixelSize()) + self._measure.px(8) if figure.reading else 0.0
        return self._measure.width(figure.text, _FIGURE, 700) + mark

    def _paint_value(self, painter: QPainter, figure: Figure, place: QRectF, colours: theme.Theme) -> None:
        painter.setFont(self._measure.font(_FIGURE, 700))
        colour = QColor(colours.text)
        if figure.level:
            colour = {"good": colours.good, "warning": colours.warning}.get(figure.level, colours.danger)
        painter.setPen(aged(colour, figure.old, colours))
        painter.drawText(place, _LEFT, figure.text)
        if figure.old:
            left = place.left() + painter.fontMetrics().horizontalAdvance(figure.text) + self._measure.px(8)
            ascent = self._measure.font(LETTERS).pixelSize()
            paint_age_mark(painter, QPointF(left, place.center().y()), ascent, colours.text_muted)


def lines_of(text: str, most: int, width: Callable[[str], float], room: float) -> list[str]:
    """A sentence on so many lines at most, in whole words; what does not fit is left out behind three dots."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width(longer) <= room:
            lines[-1] = longer
        elif len(lines) < most:
            lines.append(word)
        else:
            while " " in lines[-1] and width(f"{lines[-1]} …") > room:
                lines[-1] = lines[-1].rpartition(" ")[0]
            lines[-1] += " …"
            break
    return lines
