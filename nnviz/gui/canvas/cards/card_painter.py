"""Draws one card in scene units: plate, title, shape, picture, gradient bar, figures, pill, frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPixmap

from nnviz.gui.canvas.cards.card_places import CardPlaces
from nnviz.gui.canvas.cards.card_text import (
    CLOSEST,
    LETTERS,
    elided,
    far_title,
    letters_at,
    name_gap,
    squeeze_into,
    squeezed,
    text_width,
    title_letters,
)
from nnviz.gui.canvas.cards.facts import CardFacts, Status
from nnviz.gui.canvas.cards.shape_glyph import paint_shape
from nnviz.gui.canvas.geometry import CARD_MARGIN, CARD_RADIUS, CARD_WIDTH, EDGE_HEIGHT, INSET, PORT_Y
from nnviz.gui.look.age_mark import age_room, aged, paint_age_mark
from nnviz.gui.look.painting import Saved
from nnviz.gui.look.scales import paint_no_number
from nnviz.gui.look.theme import Theme, format_count, level_colour, mixed, scene_font
from nnviz.project import registry
from nnviz.record.quantities import GRADIENT_NORM
from nnviz.record.quantity import Quantity

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
#: Family of the cards of collapsed groups.
GROUP_FAMILY = "group"
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
#: The widest that a gradient's magnitude gets, so that nothing beside it moves.
_WIDEST = "0.00888"
#: The zoom from which on a card that is seen from far says its id, too; before, cards of one look share a picture.
NAMED_FROM = 0.3
#: What the Input card says while it shows an input of the user's own.
OWN_INPUT = "own input"
#: Share of the picture's width from which on it is shorter.
_MOST_COVERED = 0.6
#: Ends of the gradient bar's logarithmic scale, as exponents of ten.
GRADIENT_LOW, GRADIENT_HIGH = -6.0, 1.0


@dataclass(frozen=True)
class CardLook:
    """How a card stands at the moment, apart from what it says.

    Attributes:
        severity: ``error``, ``warning`` or empty: red or amber frame.
        target: While a wire is being drawn: the card can take it (True), cannot (False), or is not asked (None).
        lit: A number of it has to do with the one that is taken apart.
    """

    selected: bool = False
    hovered: bool = False
    severity: str = ""
    target: bool | None = None
    lit: bool = False


@dataclass(frozen=True)
class CardReadings:
    """The live numbers of a card; the picture is painted apart.

    Attributes:
        old: Which of ``gradient``, ``badge`` and ``picture`` were measured long before the step that is shown.
        own: The picture is that of an input of the user's own, not of the pinned example.
        sign: A letter for what ``gradient`` is the norm of.
    """

    gradient: float | None = None
    badge: float | None = None
    #: What the badge's value is of, where it is not the card's own quantity but what passes lately.
    quantity: Quantity | None = None
    old: frozenset[str] = frozenset()
    own: bool = False
    sign: str = "g"

    @property
    def gradient_text(self) -> str:
        """The gradient's magnitude as it is written."""
        return "" if self.gradient is None else GRADIENT_NORM.text(self.gradient)

    def badge_text(self, facts: CardFacts) -> str:
        """The badge's value as it is written."""
        quantity = self.quantity or facts.badge
        return "" if self.badge is None or quantity is None else quantity.text(self.badge)


#: Behind the number of parameters; of a frozen layer another word stands in its place.
_PARAMETERS, _FROZEN = "par.", "frozen"


def parameter_count(count: int) -> str:
    """``18 496 par.``, or ``37.8 M par.`` where the whole number would not fit."""
    return f"{format_count(count)} par." if count < 1_000_000 else f"{count / 1e6:.1f} M par."


def frame_colour(look: CardLook, theme: Theme) -> QColor | None:
    """The colour of the frame; None for the quiet one."""
    if look.target is True:
        return theme.good
    if look.severity == "error":
        return theme.danger
    if look.severity == "warning":
        return theme.warning
    return theme.accent if look.selected or look.lit else None


def paint_card(
    painter: QPainter,
    facts: CardFacts,
    places: CardPlaces,
    readings: CardReadings,
    picture: QPixmap | None,
    theme: Theme,
) -> None:
    """Draw what stands on the plate of a card, whose top left corner is at the origin."""
    _paint_header(painter, facts, places, theme)
    if places.picture is not None:
        _paint_picture(painter, facts, places.picture, picture, theme)
        if picture is not None and "picture" in readings.old:
            _paint_old_picture(painter, facts.layout.rect, places.letters, theme)
        elif picture is not None and readings.own:
            _paint_own(painter, places.picture, places.letters, theme, said=facts.kind == "input")
    if places.gradient_bar is not None:
        _paint_gradient(painter, places.gradient_bar, readings, theme)
    if places.figures is not None:
        _paint_figures(painter, places.figures, facts, places.letters, readings, theme)
    elif facts.frozen and places.picture is not None:
        _paint_frozen(painter, places.picture, places.letters, theme)
    if places.status is not None:
        _paint_status(painter, places.status, facts, places.letters, readings, theme)
    if places.share_bar is not None and readings.badge is not None and facts.badge is not None:
        colour = level_colour(theme, facts.badge.bands.level(readings.badge))
        fraction = readings.badge if facts.badge.unit == "share" or not math.isfinite(readings.badge) else 1.0
        _paint_bar(painter, places.share_bar, fraction, colour, theme, old="badge" in readings.old)


def _paint_picture(painter: QPainter, facts: CardFacts, place: QRectF, picture: QPixmap | None, theme: Theme) -> None:
    """The picture that was painted, a drawing of the shape, or a question mark."""
    painter.setPen(QPen(theme.border, 1.0) if not theme.dark else Qt.PenStyle.NoPen)
    painter.setBrush(theme.plot_background)
    painter.drawRoundedRect(place, 3.0, 3.0)
    if facts.shape is None:
        # What was measured belongs to a network that is no more.
        painter.setFont(scene_font(min(22.0, 0.85 * place.height()), 600))
        painter.setPen(mixed(theme.text_faint, theme.plot_background, 0.35))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, "?")
    elif picture is None:
        paint_shape(painter, place, facts.shape, theme.family(facts.family), theme)
    else:
        # On whole device pixels, so that its letters and pixel edges stay sharp; as a brush, which rounds its corners.
        with Saved(painter):
            transform = painter.worldTransform()
            corner = transform.map(place.topLeft()).toPoint()
            radius = 3.0 * transform.m11()
            painter.resetTransform()
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QBrush(picture))
            painter.setBrushOrigin(corner)
            painter.drawRoundedRect(QRect(corner, picture.size()), radius, radius)


def _paint_frozen(painter: QPainter, area: QRectF, letters: int, theme: Theme) -> None:
    """From so far that its figures have no room a frozen layer says so in a corner of its picture."""
    width, height = text_width(_FROZEN, letters, 600) + 0.8 * letters, 1.3 * letters
    plate = QRectF(area.right() - width - 1.0, area.bottom() - height - 1.0, width, height)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.panel_raised)
    painter.drawRoundedRect(plate, 0.3 * height, 0.3 * height)
    painter.setFont(scene_font(letters, 600))
    painter.setPen(theme.information)
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip, _FROZEN)


def _paint_own(painter: QPainter, area: QRectF, letters: int, theme: Theme, *, said: bool) -> None:
    """A frame around what an input of one's own makes; the Input card says what it means."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme.accent, 2.0))
    painter.drawRect(area.adjusted(1.0, 1.0, -1.0, -1.0))
    if not said:
        return
    font = scene_font(letters, 600)
    painter.setFont(font)
    words, metrics = OWN_INPUT, painter.fontMetrics()
    if metrics.horizontalAdvance(words) > _MOST_COVERED * area.width():  # the picture is to be seen
        words = words.partition(" ")[0]
    plate = QRectF(0.0, 0.0, metrics.horizontalAdvance(words) + 10.0, 1.35 * letters)
    plate.moveTopLeft(area.topLeft())
    painter.fillRect(plate, theme.accent)
    painter.setPen(theme.accent_text)
    painter.drawText(plate, int(Qt.AlignmentFlag.AlignCenter), words)


def old_picture_mark(card: QRectF, letters: int) -> QRectF:
    """Where the clock of an old picture stands: on the corner of the card, where nothing else does at any zoom."""
    side = min(age_room(letters), INSET + CARD_MARGIN - 1.5)
    # Beside the header, which ends before the corner, and above the ports, half of it outside.
    outside = side - (INSET - 1.5)
    return QRectF(card.right() + outside - side, card.top() - outside, side, side)


def _paint_old_picture(painter: QPainter, card: QRectF, letters: int, theme: Theme) -> None:
    """A clock on a plate."""
    plate = old_picture_mark(card, letters)
    painter.setPen(QPen(theme.border, 1.0))
    painter.setBrush(theme.panel_raised)
    painter.drawRoundedRect(plate, 3.0, 3.0)
    side = plate.width()
    paint_age_mark(
        painter, QPointF(plate.left() + 0.5 * (side - 0.72 * side) - 0.5, plate.center().y()), side, theme.text
    )


def paint_bypass(painter: QPainter, facts: CardFacts, places: CardPlaces, theme: Theme) -> None:
    """Over the faded card its words, to be read, and a line from side to side: what comes in goes out."""
    _paint_header(painter, facts, places, theme)
    if places.status is not None:
        _paint_status(painter, places.status, facts, places.letters, CardReadings(), theme)
    painter.setPen(QPen(theme.accent, 2.0, Qt.PenStyle.DashLine))
    rect = facts.layout.rect
    y = min(PORT_Y, rect.height() - 8.0)
    painter.drawLine(QPointF(rect.left(), y), QPointF(rect.right(), y))


def paint_far_card(painter: QPainter, facts: CardFacts, look: CardLook, theme: Theme, zoom: float) -> None:
    """Draw a card as it is seen from far at this zoom: a plate in the family's colour with its title."""
    rect = facts.layout.rect
    colour = theme.family(facts.family)
    frame = frame_colour(look, theme)
    stroke = Qt.PenStyle.DashLine if facts.bypassed else Qt.PenStyle.SolidLine
    painter.setPen(QPen(frame, 7.0) if frame is not None else QPen(colour, 2.0, stroke))
    share = 0.34 if theme.dark else 0.22
    painter.setBrush(mixed(theme.panel_raised, colour, share / 4 if facts.bypassed else share))
    painter.drawRoundedRect(rect.adjusted(1.0, 1.0, -1.0, -1.0), CARD_RADIUS, CARD_RADIUS)
    lines, size = far_title(facts.title, letters_at(zoom), rect.height())
    painter.setFont(scene_font(size, 600))
    painter.setPen(theme.text_muted if facts.bypassed else theme.text)
    height = min(size * 1.1, (rect.height() - 4.0) / len(lines))
    letters = letters_at(zoom)
    low = 1.2 * letters
    name = "" if facts.members or facts.title.lower() == facts.node.lower() else facts.node
    if (
        zoom < NAMED_FROM
        or height * len(lines) + low > rect.height() - 6.0
        or text_width(name, letters, 400) > rect.width() - 8.0
    ):
        if name and zoom >= NAMED_FROM and facts.title == registry.layer(facts.kind).title:
            # Of ``LeakyReLU`` and ``relu3`` the second says more, where there is no room for both.
            named = far_title(name, letters, rect.height())
            if named[1] >= letters:
                lines, size = named
                painter.setFont(scene_font(size, 600))
                height = min(size * 1.1, (rect.height() - 4.0) / len(lines))
        name = ""
    top = rect.center().y() - (height * len(lines) + (low if name else 0.0)) / 2
    if name:
        painter.setFont(scene_font(letters))
        under = QRectF(rect.left(), top + height * len(lines), rect.width(), low)
        painter.drawText(under, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip, name)
        painter.setFont(scene_font(size, 600))
    for number, line in enumerate(lines):
        row = QRectF(rect.left(), top + number * height, rect.width(), height)
        # What hangs below the line may hang out of its row.
        painter.drawText(row, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip, line)


def paint_plate(painter: QPainter, rect: QRectF, family: str, look: CardLook, theme: Theme) -> None:
    """Draw the empty card: shadow, plate, coloured edge and frame. Cards of one family and size share it."""
    painter.setPen(Qt.PenStyle.NoPen)
    shadow = QColor(0, 0, 0)
    shadow.setAlphaF(0.075 if theme.dark else 0.022)
    painter.setBrush(shadow)
    if family == GROUP_FAMILY:
        _paint_stack(painter, rect, look, theme)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(shadow)
    for spread in (5.0, 3.5, 2.0, 0.8):
        painter.drawRoundedRect(
            rect.adjusted(-spread, 2.5 - spread, spread, 2.5 + spread), CARD_RADIUS + spread, CARD_RADIUS + spread
        )
    frame = frame_colour(look, theme)
    if look.selected or look.lit:
        glow = QColor(theme.accent)
        glow.setAlphaF(0.30)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(glow, 3.5))
        painter.drawRoundedRect(rect.adjusted(-2.0, -2.0, 2.0, 2.0), CARD_RADIUS + 2.0, CARD_RADIUS + 2.0)
    border = frame or (mixed(theme.border, theme.text_muted, 0.5) if look.hovered else theme.border)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.panel_raised)
    painter.drawRoundedRect(rect, CARD_RADIUS, CARD_RADIUS)
    with Saved(painter):
        painter.setClipRect(QRectF(0.0, 0.0, CARD_WIDTH, EDGE_HEIGHT))
        painter.setBrush(theme.family(family))
        painter.drawRoundedRect(rect, CARD_RADIUS, CARD_RADIUS)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if frame is None:
        # The quiet border leaves the coloured edge at the top alone.
        with Saved(painter):
            painter.setClipRect(QRectF(-2.0, EDGE_HEIGHT, CARD_WIDTH + 4.0, rect.height()))
            painter.setPen(QPen(border, 1.0))
            painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), CARD_RADIUS, CARD_RADIUS)
    else:
        painter.setPen(QPen(border, 1.6))
        painter.drawRoundedRect(rect.adjusted(0.3, 0.3, -0.3, -0.3), CARD_RADIUS, CARD_RADIUS)


def _paint_stack(painter: QPainter, rect: QRectF, look: CardLook, theme: Theme) -> None:
    """Two more plates behind the card of a group: there is more in it."""
    colour = theme.family(GROUP_FAMILY)
    for offset, share in ((7.0, 0.22), (3.5, 0.40)):
        painter.setBrush(mixed(theme.panel, colour, share * 0.4))
        painter.setPen(QPen(mixed(theme.border, colour, share + (0.2 if look.hovered else 0.0)), 1.0))
        # Out below only: wires come in and go out at the sides.
        painter.drawRoundedRect(rect.adjusted(1.5 * offset, offset, -1.5 * offset, offset), CARD_RADIUS, CARD_RADIUS)


def _paint_header(painter: QPainter, facts: CardFacts, places: CardPlaces, theme: Theme) -> None:
    size = title_letters(places.letters)
    for row, place in places.header:
        painter.setFont(squeezed(size, 600, row.squeeze))
        painter.setPen(theme.text)
        painter.drawText(place, _LEFT, row.title)
        if row.shape:
            painter.setFont(squeezed(places.letters, 400, row.squeeze))
            painter.setPen(theme.text_faint if row.shape == "?" else theme.text_muted)
            painter.drawText(place, _RIGHT if row.title or row.name else _LEFT, row.shape)
        if row.name:
            painter.setFont(squeezed(places.letters, 400, row.squeeze))
            painter.setPen(theme.text_muted)
            behind = text_width(row.title, size, 600) * row.squeeze + name_gap(places.letters) if row.title else 0.0
            painter.drawText(place.adjusted(behind, 0.0, 0.0, 0.0), _LEFT, row.name)


def _paint_gradient(painter: QPainter, bar: QRectF, readings: CardReadings, theme: Theme) -> None:
    value = readings.gradient
    fraction, colour = 0.0, theme.good
    if value is None or not math.isfinite(value):
        fraction = 0.0 if value is None else value
    elif value > 0.0:  # a file may say that a norm is negative
        exponent = math.log10(value)
        fraction = min(max((exponent - GRADIENT_LOW) / (GRADIENT_HIGH - GRADIENT_LOW), 0.0), 1.0)
        colour = theme.good if GRADIENT_LOW < exponent < GRADIENT_HIGH else theme.warning
    _paint_bar(painter, bar, fraction, colour, theme, old="gradient" in readings.old)


def _paint_bar(
    painter: QPainter, bar: QRectF, fraction: float, colour: QColor, theme: Theme, *, old: bool = False
) -> None:
    """A groove, filled from the left; hatched where there is no number; what is old is drawn as an outline."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(mixed(theme.panel_raised, theme.text_faint, 0.22))
    painter.drawRoundedRect(bar, 2.0, 2.0)
    if not math.isfinite(fraction):
        paint_no_number(painter, bar)
    elif fraction > 0.0:
        filled = QRectF(bar.left(), bar.top(), max(4.0, bar.width() * fraction), bar.height())
        if old:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(aged(colour, True, theme), 1.0))
            filled.adjust(0.5, 0.5, -0.5, -0.5)
        else:
            painter.setBrush(colour)
        painter.drawRoundedRect(filled, 2.0, 2.0)


def _paint_figures(
    painter: QPainter, row: QRectF, facts: CardFacts, letters: int, readings: CardReadings, theme: Theme
) -> None:
    """The number of parameters, and where both fit the gradient's magnitude; before it there is room for its mark."""
    gradient, old = readings.gradient, "gradient" in readings.old
    unit = letters / LETTERS
    count = parameter_count(facts.parameters) if facts.parameters is not None else "? par."
    if facts.frozen:
        count = f"{count.removesuffix(_PARAMETERS)}{_FROZEN}"
    count_width = text_width(count, letters, 400)
    number_width, letter = text_width(_WIDEST, letters, 400), text_width(readings.sign, letters, 400)
    near = letters == LETTERS
    sign_width = letter + 12.5 * unit + (age_room(letters) if near else 0.0)
    both = squeeze_into(count_width + number_width, row.width() - sign_width - 8.0 * unit)
    # From near both are always shown: nearly fitting is good enough there.
    together = both >= CLOSEST or near
    squeeze = max(CLOSEST, both if together else squeeze_into(count_width, row.width()))
    painter.setFont(squeezed(letters, 400, squeeze))
    painter.setPen(theme.information if facts.frozen else theme.text_muted)
    painter.drawText(row, _LEFT, count)
    if gradient is None or not together:
        return
    painter.setPen(aged(theme.text_muted if math.isfinite(gradient) else theme.danger, old, theme))
    painter.drawText(row, _RIGHT, readings.gradient_text)
    # The sign for "norm" is drawn: two bars on either side of the letter, alike in every font.
    painter.setFont(scene_font(letters))
    painter.setPen(theme.text_muted)
    right = row.right() - number_width * squeeze - 4.0 * unit
    if old:
        # From far there is no room for both: the clock stands in the place of the sign.
        left = right - 9.4 * unit - letter - (age_room(letters) if near else 0.0)
        paint_age_mark(painter, QPointF(left, row.center().y() + 0.5 * unit), letters, theme.text_muted)
        if not near:
            return
    painter.drawText(QPointF(right - 4.0 * unit - letter, row.center().y() + 4.0 * unit), readings.sign)
    painter.setPen(QPen(theme.text_muted, 0.9 * unit))
    top, bottom = row.center().y() - 4.6 * unit, row.center().y() + 5.4 * unit
    for x in (right, right - 2.0 * unit, right - 6.4 * unit - letter, right - 8.4 * unit - letter):
        painter.drawLine(QPointF(x, top), QPointF(x, bottom))


def _paint_status(
    painter: QPainter, row: QRectF, facts: CardFacts, letters: int, readings: CardReadings, theme: Theme
) -> None:
    """A note; or a badge: the value of a quantity, whose word goes before its number has to."""
    unit = letters / LETTERS
    noted = facts.status is Status.NOTE
    value, quantity = readings.badge, readings.quantity or facts.badge
    word = quantity.badge.word if quantity is not None and quantity.badge is not None else ""
    text = facts.note if noted else word
    wide = text_width(text, letters, 400)
    pill_width = 44.0 if letters == LETTERS else 38.0 * unit
    old = value is not None and "badge" in readings.old
    mark = age_room(letters) if letters == LETTERS or old else 0.0
    if old and letters != LETTERS:
        # From far both stand closely, so that the word can stay; where it cannot, the clock has its place.
        mark = 0.76 * letters
        free = row.width() - CLOSEST * wide - mark - 2.0
        pill_width = max(text_width(readings.badge_text(facts), letters, 600) + 0.2 * letters, min(pill_width, free))
    room = row.width() if noted or value is None else row.width() - pill_width - mark - 2.0
    if noted and squeeze_into(wide, room) < CLOSEST:
        # Of a group: what comes in goes before the number of its layers.
        text = text.partition(" ← ")[0]
        wide = text_width(text, letters, 400)
    squeeze = max(CLOSEST, squeeze_into(wide, room))
    if noted or letters == LETTERS or wide * squeeze <= room + 0.5:
        painter.setFont(squeezed(letters, 400, squeeze))
        painter.setPen(theme.text_muted)
        painter.drawText(row, _LEFT, elided(text, letters, 400, int(row.width() / squeeze) + 1))
    if value is None or quantity is None:
        return
    colour = aged(level_colour(theme, quantity.bands.level(value)), old, theme)
    pill = QRectF(row.right() - pill_width, row.top() + 0.5, pill_width, row.height() - 1.0)
    back = QColor(colour)
    back.setAlphaF(0.20 if theme.dark else 0.14)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(back)
    painter.drawRoundedRect(pill, 5.0, 5.0)
    painter.setFont(scene_font(letters, 600))
    painter.setPen(mixed(colour, QColor("#ffffff"), 0.25) if theme.dark else colour)
    painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, readings.badge_text(facts))
    if old:
        place = QPointF(pill.left() - mark, row.center().y())
        paint_age_mark(painter, place, letters, theme.text_muted)
