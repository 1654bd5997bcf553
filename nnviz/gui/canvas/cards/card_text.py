"""Words on cards: how wide they are, how large their letters must be, and how a title and a shape share the rows above.

Seen from farther away, letters grow inside their card, so that on the screen they never are smaller than
``LEAST_PIXELS``; what no longer fits moves to a row of its own, then goes. A title is never cut for anything else.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QFontMetricsF

from nnviz.gui.canvas.geometry import CARD_WIDTH, INSET
from nnviz.gui.look.theme import scene_font

#: Letters on a card and those of its title, in scene units, seen from near.
LETTERS, TITLE_LETTERS = 12, 13
#: Letters have at least so many pixels on the screen; up to the second number they are left as they are.
LEAST_PIXELS, NEARLY_LEAST = 12.0, 11.5
#: Width of the rows above the picture.
HEADER_WIDTH = CARD_WIDTH - 2 * INSET + 2.0
#: Between a title and what stands beside it, from near, and as a multiple of larger letters.
_HEADER_GAP, _LARGE_GAP = 5.0, 0.6
#: Letters never stand closer than this share of their usual distance.
CLOSEST = 0.87
#: Sizes of a title seen from so far that it is all there is on a card.
_LARGEST_FAR, _SMALLEST_FAR = 34, 15


class HeaderRow(NamedTuple):
    """What stands in one row above the picture.

    Attributes:
        title: At the left, in the letters of titles.
        shape: The output's shape or the loss: at the right of a title, at the left where it has a row of its own.
        squeeze: How much closer the letters stand, so that all fit.
        name: The id by which findings and instruments call the layer: behind the title, or at the left of the shape.
    """

    title: str
    shape: str
    squeeze: float
    name: str = ""


@lru_cache(maxsize=4096)
def elided(text: str, pixel_size: int, weight: int, width: int) -> str:
    """The text cut to a width in scene units."""
    metrics = QFontMetricsF(scene_font(pixel_size, weight))
    return metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)


@lru_cache(maxsize=4096)
def text_width(text: str, pixel_size: int, weight: int) -> float:
    """Width of a text in scene units."""
    return QFontMetricsF(scene_font(pixel_size, weight)).horizontalAdvance(text)


@lru_cache(maxsize=256)
def squeezed(pixel_size: int, weight: int, squeeze: float) -> QFont:
    """The font with its letters closer together, so that a text takes ``squeeze`` of its usual width."""
    font = QFont(scene_font(pixel_size, weight))
    if squeeze < 1.0:
        font.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, -(1.0 - squeeze) * 0.56 * pixel_size)
    return font


def squeeze_into(needed: float, room: float) -> float:
    """How much closer letters must stand to fit into a room; under ``CLOSEST`` they do not fit."""
    return min(1.0, room / max(1.0, needed))


def letters_at(zoom: float) -> int:
    """Size of the letters on a card, in scene units, that can be read at this zoom."""
    if zoom * LETTERS >= NEARLY_LEAST:
        return LETTERS
    return math.ceil(LEAST_PIXELS / zoom - 1e-6)


def title_letters(letters: int) -> int:
    """Size of a title's letters beside those of other words."""
    return max(TITLE_LETTERS, letters)


@lru_cache(maxsize=4096)
def header_rows(title: str, shape: str, letters: int, most: int, most_titles: int) -> tuple[HeaderRow, ...]:
    """The rows above the picture.

    Args:
        title: Of the card.
        shape: Of its output, or the loss; never cut, since a number with its end missing is another number.
        letters: Their size, in scene units.
        most: So many rows there may be for all of this.
        most_titles: And so many where the title would have to be cut otherwise.
    """
    size = title_letters(letters)
    wide, shape_wide = text_width(title, size, 600), text_width(shape, letters, 400)
    room = HEADER_WIDTH - (_HEADER_GAP if letters == LETTERS else _LARGE_GAP * letters)
    both = squeeze_into(wide + shape_wide, room)
    if both >= CLOSEST:
        return (HeaderRow(title, shape, both),)
    own = HeaderRow("", shape, max(CLOSEST, squeeze_into(shape_wide, HEADER_WIDTH)))
    alone = squeeze_into(wide, HEADER_WIDTH)
    if alone >= CLOSEST:
        return (HeaderRow(title, "", alone), own)[: max(1, most)]
    parts = halves(title, size)
    fits = [squeeze_into(text_width(part, size, 600), HEADER_WIDTH) for part in parts]
    if len(parts) == 2 and most_titles >= 2 and min(fits) >= CLOSEST:
        first = HeaderRow(parts[0], "", fits[0])
        beside = squeeze_into(text_width(parts[1], size, 600) + shape_wide, room)
        if beside >= CLOSEST:
            return first, HeaderRow(parts[1], shape, beside)
        if most >= 3 or letters > LETTERS:
            return (first, HeaderRow(parts[1], "", fits[1]), own)[: max(2, most)]
    cut = elided(title, size, 600, int(HEADER_WIDTH / CLOSEST))
    return (HeaderRow(cut, "", CLOSEST), own)[: max(1, most)]


def named(
    rows: tuple[HeaderRow, ...], name: str, letters: int, split: bool, instead: bool = False
) -> tuple[HeaderRow, ...]:
    """The rows with the layer's id where there is room for it; nothing is cut for it.

    Args:
        rows: As :func:`header_rows` gives them.
        name: The id; empty, or the title itself, where there is nothing to add.
        letters: Size of all but the title, in scene units.
        split: Whether a single row may become two, so that it has room.
        instead: Whether it stands in place of the title where there is no room for both: of ``ReLU`` and ``relu3`` the
            second says more. It is elided rather than left out, and the shape beside it left out before that.
    """
    if not name or any(row.title.lower() == name.lower() for row in rows):
        return rows
    gap = name_gap(letters)
    wide, room = text_width(name, letters, 400), HEADER_WIDTH + 0.5

    def fitting(row: HeaderRow) -> HeaderRow | None:
        title, shape = text_width(row.title, title_letters(letters), 600), text_width(row.shape, letters, 400)
        gaps = gap * ((title > 0) + (shape > 0))
        squeeze = min(row.squeeze, squeeze_into(title + wide + shape, room - gaps))
        return row._replace(name=name, squeeze=squeeze) if squeeze >= CLOSEST else None

    # Beside the shape in its own row first; else behind the title.
    for at in sorted(range(len(rows)), key=lambda at: bool(rows[at].title)):
        if (row := fitting(rows[at])) is not None:
            return (*rows[:at], row, *rows[at + 1 :])
    if split and len(rows) == 1 and rows[0].title and rows[0].shape:
        own = fitting(HeaderRow("", rows[0].shape, 1.0))
        if own is not None:
            return (HeaderRow(rows[0].title, "", 1.0), own)
    if not instead or not rows:
        return rows
    size, shape = title_letters(letters), text_width(rows[0].shape, letters, 400)
    space = HEADER_WIDTH - (shape + (_HEADER_GAP if letters == LETTERS else _LARGE_GAP * letters) if shape else 0.0)
    squeeze = squeeze_into(text_width(name, size, 600), space)
    alone = squeeze_into(text_width(name, size, 600), HEADER_WIDTH)
    if squeeze < CLOSEST <= alone:
        return (HeaderRow(name, "", alone), *rows[1:])
    if squeeze < CLOSEST:
        return (HeaderRow(elided(name, size, 600, int(space)), rows[0].shape, 1.0), *rows[1:])
    return (HeaderRow(name, rows[0].shape, squeeze), *rows[1:])


def name_gap(letters: int) -> float:
    """Between a title or a shape and the id beside it."""
    return 5.0 if letters == LETTERS else 0.45 * letters


@lru_cache(maxsize=1024)
def halves(title: str, size: int) -> tuple[str, ...]:
    """A title on two lines, as equally long as its words allow; on one where it has a single word."""
    breaks = [place.start() for place in re.finditer(r"(?<=[a-z])[A-Z]|(?<= )\S|(?<=[-_])\w", title)]
    if not breaks:
        return (title,)
    splits = [(title[:at].rstrip(), title[at:]) for at in breaks]
    return min(splits, key=lambda parts: max(text_width(part, size, 600) for part in parts))


@lru_cache(maxsize=1024)
def far_title(title: str, least: int, height: float) -> tuple[tuple[str, ...], int]:
    """A title as large as it can be read from far: on two lines where one would be too small; and its size.

    Args:
        title: Of the card.
        least: Smallest size that can be read, in scene units; a title is rather cut than smaller.
        height: Of the card.
    """
    room = CARD_WIDTH - 10.0
    # From where nothing can be read any more, whole words are a better sign of their card than cut ones.
    least = _SMALLEST_FAR if least > _LARGEST_FAR else max(least, _SMALLEST_FAR)
    one = _fitting_size(title, room)
    parts = halves(title, least)
    if len(parts) == 2:
        two = min(*(_fitting_size(part, room) for part in parts), int((height - 4.0) / 2))
        if two > one + 4 or text_width(title, one, 600) > room:
            return tuple(elided(part, max(two, least), 600, int(room)) for part in parts), max(two, least)
    size = max(one, least)
    return (elided(title, size, 600, int(room)),), size


def _fitting_size(text: str, room: float) -> int:
    """The largest size of letters at which a text fits."""
    sizes = range(_LARGEST_FAR, _SMALLEST_FAR, -1)
    return next((size for size in sizes if text_width(text, size, 600) <= room), _SMALLEST_FAR)
