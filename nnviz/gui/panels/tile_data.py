"""What a grid of small pictures holds, how the tiles are laid out, and how they are put into words. No widgets here."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect

from nnviz.gui.look import theme as themes
from nnviz.gui.look.planes import Edges
from nnviz.gui.look.scales import OwnScales, Scale, missing_in


@dataclass(frozen=True, eq=False)
class TileData:
    """What a grid shows.

    Attributes:
        colours: 0xAARRGGBB[count, height, width].
        values: The numbers behind it, float32[count, height, width] or [count, 3, height, width].
        names: What each tile is called, one a tile.
        marked: Tiles with a red frame.
        mark: What the red frame means.
        edges: Each tile is the plane of two features, from here to there.
        scales: What the tiles are painted with: one for all of them, or one each.
    """

    colours: NDArray[np.uint32]
    values: NDArray[np.float32]
    names: tuple[str, ...]
    marked: frozenset[int] = frozenset()
    mark: str = ""
    edges: Edges | None = None
    scales: tuple[Scale, ...] = ()

    @classmethod
    def painted(
        cls,
        values: NDArray[np.float32],
        scales: tuple[Scale, ...],
        names: tuple[str, ...],
        marked: frozenset[int] = frozenset(),
        mark: str = "",
        edges: Edges | None = None,
    ) -> TileData:
        """Paint the numbers with one scale, or each tile with its own; see the attributes."""
        if len(scales) == 1:
            colours = scales[0].composite(values) if values.ndim == 4 else scales[0].paint(values)
        else:
            colours = np.stack(
                [
                    scale.composite(one) if values.ndim == 4 else scale.paint(one)
                    for scale, one in zip(scales, values, strict=True)
                ]
            )
        return cls(colours, values, names, marked, mark, edges, scales)

    def scale(self, index: int) -> Scale | None:
        """What a tile is painted with."""
        if not self.scales:
            return None
        return self.scales[0] if len(self.scales) == 1 else self.scales[index]

    def legend(self, index: int = -1) -> Scale | OwnScales | None:
        """What explains the colours: of one tile, or of all of them for -1."""
        if len(self.scales) <= 1 or 0 <= index < len(self):
            return self.scale(max(index, 0))
        return OwnScales(self.scales[0].kind, missing_in(self.values))

    def __len__(self) -> int:
        return len(self.colours)

    @property
    def tile(self) -> tuple[int, int]:
        """Height and width of one tile, in numbers."""
        return int(self.colours.shape[1]), int(self.colours.shape[2])


@dataclass(frozen=True)
class Layout:
    """How the tiles lie, in device pixels: whole multiples where they fit, smaller otherwise."""

    columns: int
    rows: int
    width: int
    height: int
    gap: int

    @property
    def total_height(self) -> int:
        """Of the whole grid."""
        return self.rows * (self.height + self.gap) - self.gap

    def place(self, index: int) -> QRect:
        """Where a tile lies."""
        row, column = divmod(index, self.columns)
        return QRect(column * (self.width + self.gap), row * (self.height + self.gap), self.width, self.height)


def arrange(count: int, tile: tuple[int, int], width: int, height: int, least: int, most: int) -> Layout:
    """The largest tiles with which all fit; at least ``least`` device pixels on the longer side, even if they do not.

    Args:
        count: Number of tiles.
        tile: Height and width of one, in numbers.
        width: Room, in device pixels.
        height: Room, in device pixels; the grid may be higher, it scrolls then.
        least: Length of a tile's longer side under which nothing can be seen.
        most: Length of a tile's longer side over which nothing is gained.
    """
    tile_height, tile_width = tile
    longer = max(tile)
    gap = 2 if longer > 2 else 1

    def whole(side: float) -> tuple[int, int]:
        """Width and height of a tile whose longer side is at most this long."""
        scale = side / longer
        # Whole multiples, unless that would leave a third of the side empty: a picture nobody can see helps nobody.
        if scale >= 1 and math.floor(scale) >= 0.67 * scale:
            scale = math.floor(scale)
        return max(1, round(tile_width * scale)), max(1, round(tile_height * scale))

    best: Layout | None = None
    for columns in range(1, count + 1):
        rows = -(-count // columns)
        by_width = (width - gap * (columns - 1)) / columns * longer / tile_width
        by_height = (height - gap * (rows - 1)) / rows * longer / tile_height
        if by_width < least and columns > 1:
            break
        side = min(by_width, by_height, most)
        if side < min(least, by_width):
            continue
        tiles = whole(side)
        # Of equally large tiles the widest grid: it fills the row and leaves the height to others.
        if best is None or tiles[0] * tiles[1] >= best.width * best.height:
            best = Layout(columns, rows, *tiles, gap)
    if best is not None:
        return best
    one_width, one_height = whole(max(min(least, width * longer / tile_width), 1))
    columns = max(1, min(count, (width + gap) // (one_width + gap)))
    # What is left of the row goes to the tiles, where a larger whole multiple fits.
    wider = whole(min(most, (width - gap * (columns - 1)) / columns * longer / tile_width))
    if wider[0] * columns + gap * (columns - 1) <= width and wider[0] >= one_width:
        one_width, one_height = wider
    return Layout(columns, -(-count // columns), one_width, one_height, gap)


def range_words(values: NDArray[np.float32]) -> str:
    """``−0.31 … 0.28``, the range of the numbers of a picture, and what else there is."""
    return Scale.amounts(values).range_words(3)


def tile_words(data: TileData, index: int, row: int = -1, column: int = -1) -> str:
    """A tile and its range, or one number in it."""
    values = data.values[index]
    name = data.names[index]
    mark = f" · {data.mark}" if data.mark and index in data.marked else ""
    if row < 0 or column < 0:
        return f"{name}: {range_words(values)}{mark}"
    if values.ndim == 3:
        numbers = "  ".join(themes.format_number(float(value)) for value in values[:, row, column])
        return f"{name} [{row}, {column}] RGB {numbers}{mark}"
    number = themes.format_number(float(values[row, column]))
    if data.edges is not None:
        x1, x2 = data.edges.middle(row, column, *values.shape)
        return f"{name} at ({themes.format_number(x1, 2)}, {themes.format_number(x2, 2)}) = {number}{mark}"
    if values.shape == (1, 1):
        return f"{name} = {number}{mark}"
    place = f"{column}" if values.shape[0] == 1 else f"{row}, {column}"
    return f"{name} [{place}] = {number}{mark}"
