"""Draws one card in scene units: plate, title, shape, picture, gradient bar, figures, pill, frame."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPen, QPixmap

from nnviz.gui.canvas.card_pictures import percent
from nnviz.gui.canvas.facts import CardFacts, Status
from nnviz.gui.canvas.geometry import CARD_RADIUS, CARD_WIDTH, EDGE_HEIGHT, INSET, PORT_Y
from nnviz.gui.canvas.shape_glyph import paint_shape
from nnviz.gui.theme import Theme, format_count, mixed, scene_font

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_HEADER_GAP = 5.0
#: Letters never stand closer than this share of their usual distance.
_CLOSEST = 0.87
#: Family of the cards of collapsed groups.
GROUP_FAMILY = "group"
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
#: Ends of the gradient bar's logarithmic scale, as exponents of ten.
GRADIENT_LOW, GRADIENT_HIGH = -6.0, 1.0
#: Above these shares the pill turns amber, then red.
_DEAD_LIMITS = (0.10, 0.25)
_SATURATED_LIMITS = (0.25, 0.50)


@dataclass(frozen=True)
class CardLook:
    """How a card stands at the moment, apart from what it says.

    Attributes:
        severity: ``error``, ``warning`` or empty: red or amber frame.
        target: While a wire is being drawn: the card can take it (True), cannot (False), or is not asked (None).
    """

    selected: bool = False
    hovered: bool = False
    severity: str = ""
    target: bool | None = None


@dataclass(frozen=True)
class CardReadings:
    """The live numbers of a card; the picture is painted apart."""

    gradient: float | None = None
    share: float | None = None


@lru_cache(maxsize=4096)
def elided(text: str, pixel_size: int, weight: int, width: int) -> str:
    """The text cut to a width in scene units."""
    metrics = QFontMetricsF(scene_font(pixel_size, weight))
    return metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)


@lru_cache(maxsize=4096)
def text_width(text: str, pixel_size: int, weight: int) -> float:
    """Width of a text in scene units."""
    return QFontMetricsF(scene_font(pixel_size, weight)).horizontalAdvance(text)


def magnitude(value: float) -> str:
    """A gradient's magnitude, always as long: ``8.1e-3``, ``1.4e+0``."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞"
    if value == 0.0:
        return "0"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent):+d}"


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
    return theme.accent if look.selected else None


def paint_card(
    painter: QPainter, facts: CardFacts, readings: CardReadings, picture: QPixmap | None, theme: Theme
) -> None:
    """Draw what stands on the plate of a card, whose top left corner is at the origin."""
    layout = facts.layout
    _paint_header(painter, facts, theme)
    painter.setPen(QPen(theme.border, 1.0) if not theme.dark else Qt.PenStyle.NoPen)
    painter.setBrush(theme.plot_background)
    painter.drawRoundedRect(layout.picture, 3.0, 3.0)
    if facts.shape is None:
        # What was measured belongs to a network that is no more.
        painter.setFont(scene_font(22, 600))
        painter.setPen(mixed(theme.text_faint, theme.plot_background, 0.35))
        painter.drawText(layout.picture, Qt.AlignmentFlag.AlignCenter, "?")
    elif picture is None:
        paint_shape(painter, layout.picture, facts.shape, theme.family(facts.family), theme)
    else:
        # On whole device pixels, so that its letters and pixel edges stay sharp; as a brush, which rounds its corners.
        painter.save()
        transform = painter.worldTransform()
        corner = transform.map(layout.picture.topLeft()).toPoint()
        radius = 3.0 * transform.m11()
        painter.resetTransform()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QBrush(picture))
        painter.setBrushOrigin(corner)
        painter.drawRoundedRect(QRect(corner, picture.size()), radius, radius)
        painter.restore()
    if layout.gradient_bar is not None and layout.figures is not None:
        _paint_gradient(painter, layout.gradient_bar, readings.gradient, theme)
        _paint_figures(painter, layout.figures, facts, readings.gradient, theme)
    if layout.status is not None:
        _paint_status(painter, layout.status, facts, readings.share, theme)


def paint_bypass(painter: QPainter, facts: CardFacts, theme: Theme) -> None:
    """Over the faded card its words, to be read, and a line from side to side: what comes in goes out."""
    _paint_header(painter, facts, theme)
    if facts.layout.status is not None:
        _paint_status(painter, facts.layout.status, facts, None, theme)
    painter.setPen(QPen(theme.accent, 2.0, Qt.PenStyle.DashLine))
    rect = facts.layout.rect
    y = min(PORT_Y, rect.height() - 8.0)
    painter.drawLine(QPointF(rect.left(), y), QPointF(rect.right(), y))


def paint_far_card(painter: QPainter, facts: CardFacts, look: CardLook, theme: Theme) -> None:
    """Draw a card as it is seen from far: a plate in the family's colour with its title."""
    rect = facts.layout.rect
    colour = theme.family(facts.family)
    frame = frame_colour(look, theme)
    stroke = Qt.PenStyle.DashLine if facts.bypassed else Qt.PenStyle.SolidLine
    painter.setPen(QPen(frame, 7.0) if frame is not None else QPen(colour, 2.0, stroke))
    share = 0.34 if theme.dark else 0.22
    painter.setBrush(mixed(theme.panel_raised, colour, share / 4 if facts.bypassed else share))
    painter.drawRoundedRect(rect.adjusted(1.0, 1.0, -1.0, -1.0), CARD_RADIUS, CARD_RADIUS)
    lines, size = far_title(facts.title)
    painter.setFont(scene_font(size, 600))
    painter.setPen(theme.text_muted if facts.bypassed else theme.text)
    height = size * 1.1
    top = rect.center().y() - height * len(lines) / 2
    for number, line in enumerate(lines):
        row = QRectF(rect.left(), top + number * height, rect.width(), height)
        painter.drawText(row, Qt.AlignmentFlag.AlignCenter, line)


@lru_cache(maxsize=1024)
def far_title(title: str) -> tuple[tuple[str, ...], int]:
    """A title as large as it can be read from far: on two lines where one would be too small; and its size."""
    room = CARD_WIDTH - 14.0
    one = _fitting_size(title, room)
    breaks = [place.start() for place in re.finditer(r"(?<=[a-z])[A-Z]|(?<= )\S", title)]
    if breaks:
        middle = min(breaks, key=lambda at: abs(at - len(title) / 2))
        parts = title[:middle].rstrip(), title[middle:]
        two = min(_fitting_size(part, room) for part in parts)
        if two > one + 4:
            return parts, two
    return (elided(title, one, 600, int(room)),), one


def _fitting_size(text: str, room: float) -> int:
    """The largest size of letters at which a text fits."""
    return next((size for size in range(34, 15, -1) if text_width(text, size, 600) <= room), 15)


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
    if look.selected:
        glow = QColor(theme.accent)
        glow.setAlphaF(0.30)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(glow, 3.5))
        painter.drawRoundedRect(rect.adjusted(-2.0, -2.0, 2.0, 2.0), CARD_RADIUS + 2.0, CARD_RADIUS + 2.0)
    border = frame or (mixed(theme.border, theme.text_muted, 0.5) if look.hovered else theme.border)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.panel_raised)
    painter.drawRoundedRect(rect, CARD_RADIUS, CARD_RADIUS)
    painter.save()
    painter.setClipRect(QRectF(0.0, 0.0, CARD_WIDTH, EDGE_HEIGHT))
    painter.setBrush(theme.family(family))
    painter.drawRoundedRect(rect, CARD_RADIUS, CARD_RADIUS)
    painter.restore()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if frame is None:
        # The quiet border leaves the coloured edge at the top alone.
        painter.save()
        painter.setClipRect(QRectF(-2.0, EDGE_HEIGHT, CARD_WIDTH + 4.0, rect.height()))
        painter.setPen(QPen(border, 1.0))
        painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), CARD_RADIUS, CARD_RADIUS)
        painter.restore()
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


def _paint_header(painter: QPainter, facts: CardFacts, theme: Theme) -> None:
    row = QRectF(INSET - 1.0, EDGE_HEIGHT + 4.0, CARD_WIDTH - 2 * INSET + 2.0, 24.0)
    title, squeeze = header_text(facts.title, facts.subtitle, row.width(), shape=facts.kind != "output")
    painter.setFont(_squeezed(13, 600, squeeze))
    painter.setPen(theme.text)
    painter.drawText(row, _LEFT, title)
    painter.setFont(_squeezed(12, 400, squeeze))
    painter.setPen(theme.text_faint if facts.subtitle == "?" else theme.text_muted)
    room = row.width() - text_width(title, 13, 600) * squeeze - _HEADER_GAP
    subtitle = facts.subtitle
    if text_width(subtitle, 12, 400) * squeeze > room + 1.0:
        subtitle = elided(subtitle, 12, 400, int(room / squeeze))
    painter.drawText(row, _RIGHT, subtitle)


@lru_cache(maxsize=4096)
def header_text(title: str, subtitle: str, width: float, *, shape: bool) -> tuple[str, float]:
    """The title, cut where it must be, and how much closer the letters stand so that both fit into the row.

    A shape is never cut, since a number with its end missing is another number; other words are cut before the title.
    """
    title_width, subtitle_width = text_width(title, 13, 600), text_width(subtitle, 12, 400)
    room = width - _HEADER_GAP
    squeeze = max(_CLOSEST, min(1.0, room / max(1.0, title_width + subtitle_width)))
    left = room - subtitle_width * squeeze if shape else room
    if title_width * squeeze > left + 0.5:
        title = elided(title, 13, 600, max(24, int(left / squeeze)))
    return title, squeeze


@lru_cache(maxsize=256)
def _squeezed(pixel_size: int, weight: int, squeeze: float) -> QFont:
    """The font with its letters closer together, so that a text takes ``squeeze`` of its usual width."""
    font = QFont(scene_font(pixel_size, weight))
    if squeeze < 1.0:
        font.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, -(1.0 - squeeze) * 0.56 * pixel_size)
    return font


def _paint_gradient(painter: QPainter, bar: QRectF, value: float | None, theme: Theme) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(mixed(theme.panel_raised, theme.text_faint, 0.22))
    painter.drawRoundedRect(bar, 2.0, 2.0)
    if value is None or value == 0.0:
        return
    if not math.isfinite(value):
        fraction, colour = 1.0, theme.danger
    else:
        exponent = math.log10(value)
        fraction = min(max((exponent - GRADIENT_LOW) / (GRADIENT_HIGH - GRADIENT_LOW), 0.0), 1.0)
        colour = theme.good if GRADIENT_LOW < exponent < GRADIENT_HIGH else theme.warning
    if fraction > 0.0:
        painter.setBrush(colour)
        painter.drawRoundedRect(QRectF(bar.left(), bar.top(), max(4.0, bar.width() * fraction), bar.height()), 2.0, 2.0)


def _paint_figures(painter: QPainter, row: QRectF, facts: CardFacts, gradient: float | None, theme: Theme) -> None:
    count = parameter_count(facts.parameters) if facts.parameters is not None else "? par."
    number_width, letter = text_width("8.8e+8", 12, 400), text_width("g", 12, 400)
    sign_width = letter + 12.5
    needed = text_width(count, 12, 400) + number_width + sign_width + 8.0
    squeeze = min(1.0, max(_CLOSEST, (row.width() - sign_width - 8.0) / (needed - sign_width - 8.0)))
    painter.setFont(_squeezed(12, 400, squeeze))
    painter.setPen(theme.text_muted)
    painter.drawText(row, _LEFT, count)
    if gradient is None:
        return
    painter.setPen(theme.text_muted if math.isfinite(gradient) else theme.danger)
    painter.drawText(row, _RIGHT, magnitude(gradient))
    # The sign for "norm" is drawn: two bars on either side of the letter, alike in every font.
    painter.setFont(scene_font(12))
    painter.setPen(theme.text_muted)
    right = row.right() - number_width * squeeze - 4.0
    painter.drawText(QPointF(right - 4.0 - letter, row.center().y() + 4.0), "g")
    painter.setPen(QPen(theme.text_muted, 0.9))
    top, bottom = row.center().y() - 4.6, row.center().y() + 5.4
    for x in (right, right - 2.0, right - 6.4 - letter, right - 8.4 - letter):
        painter.drawLine(QPointF(x, top), QPointF(x, bottom))


def share_colour(status: Status, share: float, theme: Theme) -> QColor:
    """Green, amber or red, by how much of a layer is dead or saturated."""
    amber, red = _DEAD_LIMITS if status is Status.DEAD else _SATURATED_LIMITS
    if not math.isfinite(share) or share >= red:
        return theme.danger
    return theme.warning if share >= amber else theme.good


def _paint_status(painter: QPainter, row: QRectF, facts: CardFacts, share: float | None, theme: Theme) -> None:
    painter.setFont(scene_font(12))
    painter.setPen(theme.text_muted)
    text = facts.note if facts.status is Status.NOTE else facts.status.value
    squeeze = max(_CLOSEST, min(1.0, row.width() / max(1.0, text_width(text, 12, 400))))
    painter.setFont(_squeezed(12, 400, squeeze))
    painter.drawText(row, _LEFT, elided(text, 12, 400, int(row.width() / squeeze) + 1))
    if share is None or facts.status is Status.NOTE:
        return
    colour = share_colour(facts.status, share, theme)
    pill = QRectF(row.right() - 44.0, row.top() + 0.5, 44.0, row.height() - 1.0)
    back = QColor(colour)
    back.setAlphaF(0.20 if theme.dark else 0.14)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(back)
    painter.drawRoundedRect(pill, 5.0, 5.0)
    painter.setFont(scene_font(12, 600))
    painter.setPen(mixed(colour, QColor("#ffffff"), 0.25) if theme.dark else colour)
    painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, percent(share))
