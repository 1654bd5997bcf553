"""A card on the canvas. It keeps its finished picture, so that moving and zooming the view copies pixels only."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from PySide6.QtCore import QPointF, QRectF, QSize
from PySide6.QtGui import QPainter, QPixmap, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from nnviz.gui.canvas.cards.card_numbers import CardNumber, number_in
from nnviz.gui.canvas.cards.card_painter import CardLook, CardReadings, paint_bypass, paint_card
from nnviz.gui.canvas.cards.card_places import CardPlaces, card_places
from nnviz.gui.canvas.cards.card_readings import card_readings
from nnviz.gui.canvas.cards.card_text import LETTERS, letters_at
from nnviz.gui.canvas.cards.facts import CardContent, CardFacts, CardSketch
from nnviz.gui.canvas.cards.lens import Lens
from nnviz.gui.canvas.cards.lens_pictures import paint_lens_picture
from nnviz.gui.canvas.geometry import CARD_MARGIN, CardLayout, Level, Standing, level_of
from nnviz.gui.canvas.items.stage import Stage, card_canvas
from nnviz.gui.look import theme
from nnviz.gui.look.painting import guarded
from nnviz.record.age import ReadingShown

#: How much is seen of what a bypassed layer would put out.
_FADED = 0.3


class NodeItem(QGraphicsItem):
    """Shows the card of one node; what happens on a click is decided by the gestures.

    It keeps its content as it was given, and finds out what follows for its facts when it is painted or asked for them.

    Attributes:
        place: Where it stands in the scene, as plain numbers.
        stands: The same with its height.
        far_key: Cards with the same key look the same from far; empty until it is made.
    """

    def __init__(self, content: CardContent, stage: Stage) -> None:
        super().__init__()
        self._content = content
        self._facts: CardFacts | None = None
        #: Whether its facts may be others than those it has.
        self._facts_due = True
        self._stage = stage
        self._look = CardLook(severity=stage.live.severity(content))
        self._face: QPixmap | None = None
        self._face_scale = 0.0
        self._face_level = Level.NORMAL
        self._stale = True
        self._shown: tuple[ReadingShown, ...] = ()
        self._rect = content.layout.rect
        self._bounds = self._outer()
        self._far: QGraphicsItem | None = None
        self.place = (0.0, 0.0)
        self.stands: Standing = (0.0, 0.0, content.layout.height)
        self.far_key = ""
        self.setZValue(1.0)

    @property
    def node(self) -> str:
        """The node's id."""
        return self._content.node

    @property
    def content(self) -> CardContent:
        """What was given last: enough for where the card stands, how large it is and which ports it has."""
        return self._content

    @property
    def facts(self) -> CardFacts:
        """What the card says."""
        facts = self._facts
        if facts is None or self._facts_due:
            self._facts_due = False
            content = self._content.facts() if isinstance(self._content, CardSketch) else self._content
            if content != facts:
                self._facts = facts = content
                self._stale = True
        return facts

    @property
    def look(self) -> CardLook:
        """Whether the card is selected, hovered or framed."""
        return self._look

    @property
    def layout(self) -> CardLayout:
        """The places inside the card."""
        return self._content.layout

    @property
    def stale(self) -> bool:
        """Whether values came in that it does not show yet."""
        return self._stale

    def card_rect(self) -> QRectF:
        """The card in the scene, without shadow and frame."""
        return self._rect.translated(*self.place)

    def put(self, x: float, y: float) -> None:
        """Put the card elsewhere in the scene."""
        self.place = (x, y)
        self.stands = (x, y, self._content.layout.height)
        self.setPos(x, y)

    def set_far(self, layer: QGraphicsItem | None) -> None:
        """Let the layer of far cards paint the card from now on, or have it paint itself again."""
        self._far = layer
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemHasNoContents, layer is not None)

    def set_content(self, content: CardContent) -> None:
        """Show what the card says now."""
        old, self._content = self._content, content
        self._facts_due = True
        resized = content.layout.height != self._rect.height()
        if resized:
            self.prepareGeometryChange()
            self._rect = content.layout.rect
            self._bounds = self._outer()
            self.stands = (*self.place, content.layout.height)
        self.refresh_severity()
        if self._far is None:
            # Not stale: its facts may turn out to be what they were.
            self.far_key = ""
            self.update()
        elif resized or (old.title, old.family, old.bypassed) != (content.title, content.family, content.bypassed):
            self.far_key = ""
            self.touch()

    def set_look(
        self,
        *,
        selected: bool | None = None,
        hovered: bool | None = None,
        target: bool | str | None = "",
        lit: bool | None = None,
    ) -> None:
        """Show the card as selected, hovered, a target or lit; what is not given stays."""
        old = self._look
        self._set_look(
            CardLook(
                old.selected if selected is None else selected,
                old.hovered if hovered is None else hovered,
                old.severity,
                old.target if isinstance(target, str) else target,
                old.lit if lit is None else lit,
            )
        )

    def refresh_severity(self) -> None:
        """Take the frame from the diagnostics and findings as they are now."""
        old, severity = self._look, self._stage.live.severity(self._content)
        if severity != old.severity:
            self._set_look(replace(old, severity=severity))

    def _set_look(self, look: CardLook) -> None:
        if look != self._look:
            self._look = look
            self.setZValue(2.0 if look.selected else 1.0)
            self.far_key = ""
            self.touch()

    def make_far_key(self) -> str:
        """Say in one text all that is seen of it from far; a text, because its hash is computed once only."""
        content = self._content
        self.far_key = f"{content.family} {content.layout.height} {self._look} {content.bypassed} {content.title}"
        return self.far_key

    def mark_stale(self) -> None:
        """Have new values read when the card is painted next."""
        self._stale = True

    def touch(self) -> None:
        """Have the card painted anew."""
        self._stale = True
        if self._far is not None:
            self._far.update(self._bounds.translated(*self.place))
        else:
            self.update()

    def drop_face(self) -> None:
        """Give the finished picture back; it is painted again when the card is seen."""
        self._face = None

    def reasons(self) -> list[str]:
        """Sentences about what is wrong, from the diagnostics and from the run."""
        nodes = self._content.members or (self.node,)
        findings = (finding.text for node in nodes for finding in self._stage.live.findings(node))
        return [*self.facts.reasons, *findings]

    def boundingRect(self) -> QRectF:
        """The part of the scene that the card takes, with shadow and frame."""
        return self._bounds

    def _outer(self) -> QRectF:
        return self._rect.adjusted(-CARD_MARGIN, -CARD_MARGIN, CARD_MARGIN, CARD_MARGIN)

    @guarded
    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Copy the finished picture to whole device pixels, painting it first where it is out of date."""
        stage, facts = self._stage, self.facts
        ratio = stage.ratio
        transform = painter.worldTransform()
        zoom = transform.m11()
        scale = zoom * ratio
        level = level_of(zoom)
        face = self._face
        blurred = abs(scale - self._face_scale) > 1e-6
        if face is None or self._stale or level is not self._face_level or (blurred and not stage.may_wait()):
            face = self._render(facts, scale, level)
        x = round((transform.dx() - CARD_MARGIN * zoom) * ratio) / ratio
        y = round((transform.dy() - CARD_MARGIN * zoom) * ratio) / ratio
        painter.setWorldTransform(QTransform.fromTranslate(x, y))
        if self._face_scale == scale:
            painter.drawPixmap(QPointF(), face)
        else:
            target = QRectF(0.0, 0.0, self._bounds.width() * zoom, self._bounds.height() * zoom)
            painter.drawPixmap(target, face, QRectF(face.rect()))

    def _render(self, facts: CardFacts, scale: float, level: Level) -> QPixmap:
        """Paint the card at ``scale`` device pixels for one scene unit."""
        stage = self._stage
        colours = theme.current()
        lens = stage.lens
        if lens is not None and (seen := lens.pictures.get(facts.pictured)) is not None and seen.sign:
            # What the numbers are stands in the place of their shape.
            near = letters_at(scale / stage.ratio) == LETTERS
            facts = msgspec.structs.replace(facts, subtitle=seen.sign if near else seen.short or seen.sign)
        places = card_places(facts, scale / stage.ratio)
        picture = self._picture(facts, places, scale, level, colours)
        readings = self._read(facts, level) if lens is None else self._read_through(lens, facts)
        face = QPixmap(stage.plate(facts.family, facts.layout.height, self._look, scale, colours))
        painter = card_canvas(face, scale)
        faint = facts.bypassed or (lens is not None and lens.fades and facts.pictured not in lens.pictures)
        painter.setOpacity(_FADED if faint else 1.0)
        paint_card(painter, facts, places, readings, picture, colours)
        if facts.bypassed:
            painter.setOpacity(1.0)
            paint_bypass(painter, facts, places, colours)
        painter.end()
        face.setDevicePixelRatio(stage.ratio)
        self._face, self._face_scale, self._face_level = face, scale, level
        self._stale = False
        stage.painted += 1
        stage.keep(self, face.width() * face.height() * 4)
        return face

    def number_at(self, point: QPointF) -> tuple[str, CardNumber] | None:
        """The node and the number in its picture at a point of the scene; None where there is none to be seen."""
        stage = self._stage
        place = card_places(self.facts, stage.zoom).picture
        if place is None or stage.level is Level.FAR:
            return None
        live = stage.live
        inside = point - QPointF(*self.place) - place.topLeft()
        picture = live.picture(self.facts)
        found = number_in(
            self.facts, picture, place.size(), stage.level, card_places(self.facts, stage.zoom).letters, inside
        )
        return (self.facts.pictured, found) if found is not None else None

    def readings_shown(self) -> tuple[ReadingShown, ...]:
        """The measured numbers that its face shows, each with the step it claims."""
        return self._shown

    def has_aged(self) -> bool:
        """Whether one of them has become old, or is new again, since it was painted."""
        moment = self._stage.live.moment
        return any(moment.is_old(one.step, one.series) is not one.old for one in self._shown)

    def _read(self, facts: CardFacts, level: Level) -> CardReadings:
        """The live numbers, and what of them is old."""
        readings, self._shown = card_readings(self._stage.live, facts, level)
        return readings

    def _read_through(self, lens: Lens, facts: CardFacts) -> CardReadings:
        """The numbers that a lens shows; what the run says of the last line stays."""
        readings = self._read(facts, Level.NORMAL)
        self._shown = tuple(one for one in self._shown if facts.badge is not None and facts.badge.owns(one.series))
        norm = lens.norm(facts.members or (facts.node,))
        return replace(readings, gradient=norm, sign=lens.norm_sign, old=readings.old & {"badge"}, own=False)

    def _picture(
        self, facts: CardFacts, places: CardPlaces, scale: float, level: Level, colours: theme.Theme
    ) -> QPixmap | None:
        stage, place = self._stage, places.picture
        seen = stage.lens.pictures.get(facts.pictured) if stage.lens is not None else None
        sample = stage.live.picture(facts) if stage.lens is None else None
        if (sample is None and seen is None) or place is None:
            return None
        left, top = round((place.left() + CARD_MARGIN) * scale), round((place.top() + CARD_MARGIN) * scale)
        right, bottom = round((place.right() + CARD_MARGIN) * scale), round((place.bottom() + CARD_MARGIN) * scale)
        size = QSize(max(1, right - left), max(1, bottom - top))
        if seen is not None:
            return paint_lens_picture(facts, seen, size, scale, level, colours, places.letters)
        if sample is None:
            return None
        live = stage.live
        label, dots = live.label(), live.dots(facts)
        return stage.pictures.picture(facts, sample, size, scale, level, colours, label, dots, places.letters)
