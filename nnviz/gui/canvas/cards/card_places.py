"""Where things stand on a card as it is seen: letters grow with the distance, and what matters least makes room.

From near these are the places of the card's layout. From farther away the title comes first, then as much of the live
picture as it can have, the gradient as a bar, the shape, the dead or saturated share, and last the figures. Where they
stand follows from the document and the zoom only, never from a measured value.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import QRectF

from nnviz.gui.canvas.cards.card_text import HEADER_WIDTH, LETTERS, HeaderRow, header_rows, letters_at, named
from nnviz.gui.canvas.cards.facts import CardFacts, Status
from nnviz.gui.canvas.geometry import EDGE_HEIGHT, INSET, PICTURE_TOP, PICTURE_WIDTH
from nnviz.project import registry

#: Shares of its usual height that the picture keeps when the shape gets a row, the dead share, a note, the figures.
_FOR_SHAPE, _FOR_SHARE, _FOR_NOTE, _FOR_FIGURES = 0.5, 0.5, 0.6, 0.9
#: Below this height a picture shows nothing.
_LEAST_PICTURE = 5.0
#: Height of a row and of the bars, as multiples of the letters.
_ROW, _BAR = 1.3, 0.33
_BOTTOM = 7.0
_GAP = 4.0


@dataclass(frozen=True)
class CardPlaces:
    """The places on a card at one zoom, relative to its top left corner.

    Attributes:
        letters: Size of the letters, in scene units.
        header: The rows above the picture, each with its place.
        picture: Of what flows out; None where there is no room for it.
        gradient_bar: Only on layers with parameters, as is ``figures``.
        figures: Number of parameters, and the gradient's magnitude.
        status: The dead or saturated share in words, or a note.
        share_bar: The share as a bar, where there is no room for words.
    """

    letters: int
    header: tuple[tuple[HeaderRow, QRectF], ...]
    picture: QRectF | None
    gradient_bar: QRectF | None = None
    figures: QRectF | None = None
    status: QRectF | None = None
    share_bar: QRectF | None = None


def card_places(facts: CardFacts, zoom: float) -> CardPlaces:
    """Where things stand on this card at this zoom."""
    layout = facts.layout
    name = "" if facts.members else facts.node
    # Who has named a layer finds it by that name everywhere.
    instead = bool(name) and facts.title == registry.layer(facts.kind).title
    key = facts.title, name, instead, facts.subtitle, layout.height, layout.picture.height()
    letters = letters_at(zoom)
    if letters == LETTERS:
        header, top = _near_header(*key)
        picture = layout.picture.adjusted(0.0, top - PICTURE_TOP, 0.0, 0.0)
        return CardPlaces(letters, header, picture, layout.gradient_bar, layout.figures, layout.status)
    parameters, own_row = layout.figures is not None, facts.kind != "output"
    return _far_places(*key, own_row, parameters, facts.status, letters)


def _rows(rows: tuple[HeaderRow, ...], top: float, height: float) -> tuple[tuple[HeaderRow, QRectF], ...]:
    places = (QRectF(INSET - 1.0, top + at * height, HEADER_WIDTH, height) for at in range(len(rows)))
    return tuple(zip(rows, places, strict=True))


@lru_cache(maxsize=2048)
def _near_header(
    title: str, name: str, instead: bool, subtitle: str, height: float, picture: float
) -> tuple[tuple[tuple[HeaderRow, QRectF], ...], float]:
    """The header from near, and where the picture begins below it."""
    most = 3 if picture > height / 2 else 2
    rows = named(header_rows(title, subtitle, LETTERS, most, 2), name, LETTERS, picture > height / 2, instead)
    if len(rows) == 1:
        return _rows(rows, EDGE_HEIGHT + 4.0, 24.0), PICTURE_TOP
    line = 15.0
    return _rows(rows, EDGE_HEIGHT + 3.0, line), EDGE_HEIGHT + 3.0 + line * len(rows) + 3.0


@lru_cache(maxsize=8192)
def _far_places(
    title: str,
    name: str,
    instead: bool,
    subtitle: str,
    height: float,
    usual: float,
    own_row: bool,
    parameters: bool,
    status: Status,
    letters: int,
) -> CardPlaces:
    """The places at a size of letters that is larger than usual.

    Args:
        title: Of the card.
        name: Its id.
        instead: Whether that may stand in place of the title.
        subtitle: The output's shape, or the loss.
        height: Of the card.
        usual: Height of its picture from near.
        own_row: Whether the subtitle may have a row of its own.
        parameters: It has a gradient and figures.
        status: Whether it has a share or a note.
        letters: Their size.
    """
    line, bar = round(_ROW * letters), round(_BAR * letters)
    top = EDGE_HEIGHT + 2.0
    room = height - top - _GAP / 2 - _BOTTOM - (bar + _GAP if parameters else 0.0)
    most = int((room - _FOR_SHAPE * usual) / line) if own_row else 1
    rows = header_rows(title, subtitle, letters, most, int((height - top - 3.0) / line))
    rows = named(rows, name, letters, most >= 2 and usual > height / 2, instead)
    room -= len(rows) * line
    share = share_bar = figures = False
    if status is not Status.NONE:
        kept = _FOR_NOTE if status is Status.NOTE else _FOR_SHARE
        share = room - line - _GAP / 2 >= kept * usual
        share_bar = not share and status is not Status.NOTE and room - bar - _GAP >= _FOR_SHARE * usual
        room -= line + _GAP / 2 if share else bar + _GAP if share_bar else 0.0
    if parameters:
        figures = room - line - _GAP / 2 >= _FOR_FIGURES * usual
        room -= line + _GAP / 2 if figures else 0.0
    y = top + len(rows) * line + _GAP / 2
    picture = QRectF(INSET, y, PICTURE_WIDTH, room) if room >= _LEAST_PICTURE else None
    y += max(0.0, room)

    def below(wanted: bool, gap: float, high: float) -> QRectF | None:
        nonlocal y
        if not wanted:
            return None
        place = QRectF(INSET, y + gap, PICTURE_WIDTH, high)
        y = place.bottom()
        return place

    gradient = below(parameters, _GAP, bar)
    numbers = below(figures, _GAP / 2, line)
    words = below(share, _GAP / 2, line)
    return CardPlaces(letters, _rows(rows, top, line), picture, gradient, numbers, words, below(share_bar, _GAP, bar))
