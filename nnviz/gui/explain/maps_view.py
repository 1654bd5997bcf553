"""The map in which a number stands, with a mark on it: press, drag or use the arrow keys to go to another number."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from nnviz.gui.explain.ink import Ink, Numbers
from nnviz.gui.look.scales import Scale, image_of
from nnviz.record.number_text import format_number

if TYPE_CHECKING:
    from nnviz.explain.explanation import Index
    from nnviz.explain.taken_apart import TakenApart


def as_maps(values: Numbers) -> Numbers:
    """What a layer puts out as [channels, rows, columns]: a sequence has one row, a vector one row and channel."""
    if values.ndim == 3:
        return values
    return values[:, None, :] if values.ndim == 2 else values.reshape(1, 1, -1)


def map_scale(maps: Numbers, channel: int, *, picture: bool = False, signs: bool = False) -> Scale:
    """The colours of one map."""
    if picture:
        return Scale.picture(maps)
    return Scale.signs(maps[channel]) if signs else Scale.amounts(maps[channel])


def range_words(ink: Ink, scale: Scale, room: float) -> str:
    """From where to where the colours of a picture go; with fewer words where there is less room."""
    words = scale.range_words()
    if ink.width(words, 0.82) > room and scale.known and scale.low == -scale.high:
        return f"± {format_number(scale.high, 2)}"
    return words


def has_map(taken: TakenApart) -> bool:
    """Whether the number stands in a map that can be drawn."""
    return taken.output is not None and taken.output.ndim >= 2 and taken.place.part == "output"


def paint_map(ink: Ink, area: QRectF, taken: TakenApart, slide_to: Callable[[Index], object]) -> QRectF:
    """The map of the number that is taken apart, or of the gradients there; where the picture lies."""
    back = taken.place.backward and taken.gradient is not None
    values = taken.gradient if back else taken.output
    assert values is not None
    caption, index = 1.5 * ink.letters, taken.index
    flat = values.ndim == 2  # the channels of a sequence, one below the other
    maps = values[None] if flat else values
    channel = 0 if flat else index[0]
    picture: Numbers = maps[channel]
    whole = taken.shows_picture and not taken.sources
    scale = map_scale(maps, channel, picture=whole and not back, signs=back)
    if whole and len(maps) == 3 and not back:
        picture = maps
    rows, columns = maps.shape[1:]
    name = "all maps" if flat else f"map {index[0]}"
    of = f"{'∂L/∂ ' if back else ''}{taken.place.node}"
    words = f"{'gradients of ' if back else ''}{taken.place.node} · {name}, {rows} × {columns}"
    room = QRectF(area.left(), area.top(), area.width(), caption)
    short = "all" if flat else str(index[0])
    tried = (f"{of} · {name}, {rows} × {columns}", f"{of} · {name}", f"{of} · {short}", of)
    ink.caption(room, next((text for text in tried if ink.width(text, 0.82, 500) <= room.width()), of))
    place = ink.picture(area.adjusted(0, caption, 0, -1.3 * ink.letters), picture, scale)
    row, column = (index[0], index[1]) if flat else (index[1], index[2])
    down, across = place.height() / rows, place.width() / columns
    ink.frame(QRectF(place.left() + column * across, place.top() + row * down, across, down), strong=False)
    below = QRectF(area.left(), place.bottom() + 3, area.width(), 1.3 * ink.letters)
    ink.text(below, range_words(ink, scale, below.width()), 0.82, colour=ink.theme.text_muted)

    def press(point: QPointF) -> None:
        at = int(np.clip((point.y() - place.top()) / down, 0, rows - 1))
        over = int(np.clip((point.x() - place.left()) / across, 0, columns - 1))
        slide_to((at, over) if flat else (index[0], at, over))

    ink.spot(place, f"{words}: press or drag to take another number", zone="map", press=press, drags=True)
    return place


def paint_strip(ink: Ink, area: QRectF, taken: TakenApart, slide_to: Callable[[Index], object]) -> None:
    """A vector as a row of cells, with a mark on the number that is taken apart."""
    back = taken.place.backward and taken.gradient is not None
    values = taken.gradient if back else taken.output
    assert values is not None
    signed = back or bool((values < 0).any())
    scale = Scale.signs(values) if signed else Scale.amounts(values, from_zero=True)
    wide = min(area.width() / len(values), 4 * ink.letters)
    cells = QRectF(area.left(), area.top(), wide * len(values), area.height())
    if wide >= 2:
        colours = ink.colours(values[None, :], scale)[0]
        for unit, value in enumerate(values.tolist()):
            ink.cell(QRectF(cells.left() + unit * wide, cells.top(), wide, cells.height()), value, colours[unit])
    else:
        painted = scale.paint(values[None, :])
        ink.painter.drawImage(cells, image_of(painted))
    unit = taken.index[0]
    ink.frame(QRectF(cells.left() + unit * wide, cells.top(), max(wide - 1, 2), cells.height() - 1), strong=False)

    def press(point: QPointF) -> None:
        slide_to((int(np.clip((point.x() - cells.left()) / wide, 0, len(values) - 1)),))

    words = f"all {len(values)} units of {taken.place.node}: press or drag to take another one"
    ink.spot(cells, words, zone="map", press=press, drags=True)
