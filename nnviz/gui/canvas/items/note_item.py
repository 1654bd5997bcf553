"""A note on the canvas: paper behind the cards, with a text that is set once and painted from then on."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QAbstractTextDocumentLayout, QColor, QPainter, QPen, QTextDocument
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from nnviz.gui.canvas.cards.card_text import text_width
from nnviz.gui.canvas.geometry import Level, level_of
from nnviz.gui.canvas.items.note_text import PADDING, laid_out, note_title
from nnviz.gui.canvas.items.stand_in import StandIn
from nnviz.gui.canvas.items.tiny import TinyBox, is_readable, is_tiny, title_bar
from nnviz.gui.look import theme
from nnviz.gui.look.painting import Saved, answering, guarded
from nnviz.project.model import Note

_RADIUS = 5.0
_MARGIN = 4.0
#: Handles of a chosen note, from which arrows are drawn: how far from the paper, and how large, in scene units.
_HANDLE_GAP, HANDLE_RADIUS = 16.0, 5.0
#: The coloured edge at the left, which tells a note from a card.
_EDGE = 4.0
#: The largest letters of the title, as it is seen from far.
_FAR_TITLE = 40


def tone(colour: str, colours: theme.Theme) -> QColor:
    """The tone that a colour of a note or an arrow has in a theme."""
    return {
        "accent": colours.accent,
        "good": colours.good,
        "warning": colours.warning,
        "bad": colours.danger,
    }.get(colour, colours.text_muted)


def paper(colour: str, colours: theme.Theme) -> QColor:
    """The ground of a note of some colour: a breath of its tone, so that the text can be read on it."""
    share = 0.0 if colour == "plain" else 0.17 if colours.dark else 0.12
    return theme.mixed(colours.panel_raised, tone(colour, colours), share)


class NoteItem(QGraphicsItem):
    """Shows the paper of one note with its text; what a hand does to it is the gestures' business."""

    def __init__(self, note: Note) -> None:
        super().__init__()
        self._note = note
        self._rect = QRectF(0.0, 0.0, note.width, note.height)
        self._text: QTextDocument | None = None
        self._tiny: TinyBox | None = None
        self._far: StandIn | None = None
        self._selected = False
        self._hovered = False
        self._edited = False
        self.place = (note.x, note.y)
        self.setPos(note.x, note.y)
        self.setZValue(-2.0)

    @property
    def node(self) -> str:
        """The note's id, as a card has its node's."""
        return self._note.id

    @property
    def note(self) -> Note:
        """The note of the document."""
        return self._note

    @property
    def selected(self) -> bool:
        """Whether it is chosen."""
        return self._selected

    def card_rect(self) -> QRectF:
        """The paper in the scene, as a card has it."""
        return self._rect.translated(*self.place)

    def touches(self, area: QRectF) -> bool:
        """Whether the paper reaches into a part of the scene."""
        return self.card_rect().intersects(area)

    def set_far(self, layer: StandIn | None) -> None:
        """Let the layer of far boxes paint the note from now on, or have it paint itself again."""
        if layer is not self._far:
            self._far = layer
            self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemHasNoContents, layer is not None)
            if layer is not None:
                layer.cover(self.outline)

    def set_note(self, note: Note) -> bool:
        """Show the note as the document has it now; whether place or size are others."""
        old, self._note, self._tiny = self._note, note, None
        if (note.text, note.width, note.colour) != (old.text, old.width, old.colour):
            self.restyle()
        self._touch()
        return self.settle()

    def settle(self) -> bool:
        """Put the note where the document says; whether it was elsewhere."""
        note = self._note
        wanted = QRectF(note.x, note.y, note.width, note.height)
        moved = self.card_rect() != wanted
        if moved:
            self.set_rect(wanted)
        return moved

    def put(self, x: float, y: float) -> None:
        """Put the note elsewhere in the scene."""
        self.place = (x, y)
        self.setPos(x, y)
        if self._far is not None:
            self._far.cover(self.outline)

    def set_rect(self, rect: QRectF) -> None:
        """Give the paper another place and size, and set the text anew."""
        if rect.size() != self._rect.size():
            self.prepareGeometryChange()
            if rect.width() != self._rect.width():
                self._text = None
            self._rect, self._tiny = QRectF(0.0, 0.0, rect.width(), rect.height()), None
            self._touch()
        self.put(rect.x(), rect.y())

    def set_look(self, *, selected: bool | None = None, hovered: bool | None = None) -> None:
        """Show the note as chosen or as under the mouse; what is not given stays."""
        look = (
            self._selected if selected is None else selected,
            self._hovered if hovered is None else hovered,
        )
        if look != (self._selected, self._hovered):
            # Before the handles come or go: a scene removes an item from its index only where the index has it.
            self.prepareGeometryChange()
            self._selected, self._hovered = look
            self._tiny = None
            self.setZValue(-1.9 if self._selected else -2.0)
            self._touch()

    def set_edited(self, edited: bool) -> None:
        """Keep the paper blank while its text is being typed above it."""
        self._edited, self._tiny = edited, None
        self._touch()

    def restyle(self) -> None:
        """Take the colours from the theme."""
        self._text = None
        self._touch()

    def _touch(self) -> None:
        """Have the note painted anew."""
        if self._far is not None:
            self._far.changed()
        else:
            self.update()

    @answering(QRectF)
    def boundingRect(self) -> QRectF:
        """The part that the paper takes, with its line, and with its handles when it is chosen."""
        margin = _HANDLE_GAP + HANDLE_RADIUS + _MARGIN if self._selected else _MARGIN
        return self._rect.adjusted(-margin, -margin, margin, margin)

    @property
    def outline(self) -> QRectF:
        """What :meth:`boundingRect` gives, in the scene."""
        return self.boundingRect().translated(*self.place)

    def handles(self) -> list[tuple[QPointF, QPointF]]:
        """The handles in the scene, each with the point at the edge of the paper where an arrow from it begins."""
        if not self._selected or self._edited:
            return []
        rect = self.card_rect()
        edges = (
            (QPointF(rect.left(), rect.center().y()), QPointF(-_HANDLE_GAP, 0.0)),
            (QPointF(rect.right(), rect.center().y()), QPointF(_HANDLE_GAP, 0.0)),
            (QPointF(rect.center().x(), rect.top()), QPointF(0.0, -_HANDLE_GAP)),
            (QPointF(rect.center().x(), rect.bottom()), QPointF(0.0, _HANDLE_GAP)),
        )
        return [(edge + out, edge) for edge, out in edges]

    @guarded
    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw paper, edge and text; far out the title only, large enough to be read."""
        colours = theme.current()
        zoom = painter.worldTransform().m11()
        if is_tiny(zoom):
            self._paint_tiny(painter, zoom, colours)
            return
        colour = tone(self._note.colour, colours)
        far = level_of(zoom) is Level.FAR
        line, width = self._line(colours)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRoundedRect(self._rect, _RADIUS, _RADIUS)
        painter.setBrush(paper(self._note.colour, colours))
        painter.drawRoundedRect(self._rect.adjusted(_EDGE, 0.0, 0.0, 0.0), _RADIUS - 2.0, _RADIUS - 2.0)
        painter.setPen(QPen(line, width * (2.0 if far else 1.0)))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(self._rect, _RADIUS, _RADIUS)
        if not far:
            painter.setPen(QPen(colours.accent, 1.6))
            painter.setBrush(colours.window)
            for handle, _ in self.handles():
                painter.drawEllipse(handle - self.pos(), HANDLE_RADIUS, HANDLE_RADIUS)
        if self._edited or not self._note.text:
            return
        with Saved(painter):
            painter.setClipRect(self._rect.adjusted(_EDGE, 2.0, -2.0, -2.0))
            if far:
                self._paint_title(painter, colours)
            else:
                self._paint_text(painter, colours)

    def _line(self, colours: theme.Theme) -> tuple[QColor, float]:
        """The line around it and how wide that is."""
        if self._selected:
            return colours.accent, 2.0
        ground = paper(self._note.colour, colours)
        return theme.mixed(ground, tone(self._note.colour, colours), 0.7 if self._hovered else 0.42), 1.0

    def paint_tiny(self, painter: QPainter, zoom: float) -> None:
        """Draw the note in the scene from very far, and leave the painter without smooth edges."""
        painter.translate(*self.place)
        self._paint_tiny(painter, zoom, theme.current())
        painter.translate(-self.place[0], -self.place[1])

    def _paint_tiny(self, painter: QPainter, zoom: float, colours: theme.Theme) -> None:
        readable = is_readable(_FAR_TITLE, zoom)
        self._tiny_box(colours).paint(painter, zoom, titled=not readable)
        if readable and self._note.text and not self._edited:
            with Saved(painter):
                self._paint_title(painter, colours)

    def _tiny_box(self, colours: theme.Theme) -> TinyBox:
        """How it looks from very far: kept until it looks otherwise."""
        box = self._tiny
        if box is None or box.colours is not colours:
            row = self._rect.adjusted(PADDING, 0.0, -PADDING, 0.0)
            title = "" if self._edited else note_title(self._note.text)
            bar = title_bar(row, text_width(title, _FAR_TITLE, 600), _FAR_TITLE)
            box = self._tiny = TinyBox(
                colours, self._rect, paper(self._note.colour, colours), *self._line(colours), bar
            )
        return box

    def _paint_text(self, painter: QPainter, colours: theme.Theme) -> None:
        text = self.text
        painter.translate(PADDING, PADDING)
        context = QAbstractTextDocumentLayout.PaintContext()
        context.palette.setColor(context.palette.ColorRole.Text, colours.text)
        context.clip = QRectF(0.0, 0.0, self._rect.width() - PADDING, self._rect.height() - PADDING)
        text.documentLayout().draw(painter, context)
        if self.hides_text(far=False):
            # More is written than there is paper for.
            row = QRectF(0.0, self._rect.height() - PADDING - 20.0, self._rect.width() - 2 * PADDING, 20.0)
            painter.fillRect(row, paper(self._note.colour, colours))
            painter.setPen(colours.text_muted)
            painter.setFont(theme.scene_font(14, 600))
            painter.drawText(row, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, "more …")

    def _paint_title(self, painter: QPainter, colours: theme.Theme) -> None:
        zoom = max(0.05, painter.worldTransform().m11())
        size = round(min(_FAR_TITLE, max(16.0, 11.0 / zoom)))
        painter.setFont(theme.scene_font(size, 600))
        painter.setPen(colours.text)
        title, metrics = note_title(self._note.text), painter.fontMetrics()
        row = self._rect.adjusted(PADDING, 0.0, -PADDING / 2, 0.0)
        lines = int((row.height() - PADDING / 2) // metrics.lineSpacing())
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        if lines < 2:
            painter.drawText(row, flags, metrics.elidedText(title, Qt.TextElideMode.ElideRight, round(row.width())))
            return
        # Whole lines only: half a line cannot be read.
        row = QRectF(row.left(), PADDING / 2, row.width(), lines * metrics.lineSpacing())
        painter.setClipRect(row)
        painter.drawText(row, Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap, title)

    @property
    def text(self) -> QTextDocument:
        """Its text, laid out for the paper as it is now."""
        if self._text is None:
            colours = theme.current()
            ground = theme.mixed(paper(self._note.colour, colours), colours.text, 0.1)
            self._text = laid_out(self._note.text, self._rect.width(), colours.text, ground)
        return self._text

    def hides_text(self, *, far: bool) -> bool:
        """Whether some of its text cannot be read, because of the paper's size or because one is far away."""
        return bool(self._note.text) and (far or self.text.size().height() > self._rect.height() - PADDING)

    def grip_at(self, point: QPointF, reach: float) -> tuple[int, int]:
        """Which edges a point of the scene is on: -1, 0 or 1 across and down; (0, 0) inside or outside.

        Args:
            point: Of the scene.
            reach: Distance from the edge, at most a quarter of the paper inwards.
        """
        rect = self.card_rect()
        if not rect.adjusted(-reach, -reach, reach, reach).contains(point):
            return 0, 0
        across_reach, down_reach = min(reach, rect.width() / 4), min(reach, rect.height() / 4)
        across = -1 if point.x() < rect.left() + across_reach else 1 if point.x() > rect.right() - across_reach else 0
        down = -1 if point.y() < rect.top() + down_reach else 1 if point.y() > rect.bottom() - down_reach else 0
        return across, down
