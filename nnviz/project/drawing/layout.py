"""Automatic arrangement of the cards: columns by depth, branches side by side, long networks wrapped into rows.

A plain chain winds to and fro like the path through a garden, so that its wires stay short: the next row begins right
below the end of the last one. A graph with branches is read from left to right in every row, because wires that meet
can be followed only in one direction. Rows are broken where a block ends (before a convolution or a dense layer, and
where few wires cross), and they are so long that the whole has about the proportions of the canvas.

Cards never overlap: every card has a cell (row, lane, column) of its own, and cells are as large as their largest card.
Takes time in proportion to nodes and wires; nothing recurses.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate

from nnviz.project import registry
from nnviz.project.graph.columns import Cells, Wires, cells_of, order_of, parts_of
from nnviz.project.model import Graph

#: Size of a card and the distance to the next one, in scene units.
CARD_WIDTH = 156.0
CARD_HEIGHT = 165.0
GAP_X = 39.0
GAP_Y = 41.0

#: Width through height of the canvas in the usual window, and of what stands in a group: groups stand in rows, too.
_ASPECT = 1.6
_ASPECT_INSIDE = 4.0
_FEWEST_COLUMNS = 5
_ONE_ROW = 6
_ONE_ROW_INSIDE = 12
#: Networks of so many nodes are tried with rows of every length, to be as large as can be in the room there is.
_MOST_TRIED = 24
#: Cards are not shown larger than this, so that more room than that is no gain.
_LARGEST = 1.0
#: Rows of another length than usual have to make the cards so much larger, so that a small gain tears no block apart.
_WORTH = 1.08
#: Cards wider than this are blocks with a network of their own in them; see ``_arranged_blocks``.
_BLOCK = 1.5 * CARD_WIDTH
#: So many lengths of rows are tried for blocks.
_TRIES = 9
#: What a break of a row costs where it parts layers that belong together; what it costs where it tears wires is said in
#: ``columns.py``. A row that is full costs nothing, an empty one five for each column.
_WITHIN_BLOCK = 4.0
_BETWEEN_BLOCKS = 1.5
_BLOCK_FAMILIES = frozenset({"convolution", "dense", "group"})
#: Kind and family of the card that stands for a whole group; no layer may be called so.
GROUP = "group"


def arrange(
    graph: Graph,
    card_sizes: Mapping[str, tuple[float, float]] | None = None,
    room: tuple[float, float] | None = None,
    lines: Mapping[str, float] | None = None,
    *,
    inside: bool = False,
) -> dict[str, tuple[float, float]]:
    """The top left corner of every card.

    Args:
        graph: Any graph; broken ones, even with cycles, are arranged as well as they can be.
        card_sizes: (width, height) of cards that are larger or smaller than usual, in scene units.
        room: (width, height) of the view, in pixels. The rows of a small network get the length with which it can be
            shown largest there; without a room, and in larger networks, the one that suits the usual window.
        lines: How far below the top of a card its wires run, by id; cards beside each other are put so that these
            lines meet. Usually 0.
        inside: The graph is what stands in a group: it is read from left to right, and its rows are longer, because
            the groups around it are broken into rows too.

    Returns:
        Positions in scene units by node id for every node of the graph; the uppermost is 0, the leftmost is 0.
    """
    sizes = card_sizes or {}
    if lines or any(sizes[name][0] > _BLOCK for name in graph.nodes if name in sizes):
        suits = room if room is not None and len(graph.nodes) <= _MOST_TRIED else None
        return _arranged_blocks(graph, sizes, lines or {}, suits or ((_ASPECT_INSIDE if inside else _ASPECT), 1.0))
    usual = _arranged(graph, sizes, None, inside)
    if room is None or not 1 < len(usual) <= _MOST_TRIED:
        return usual
    best, largest = usual, _zoom(usual, sizes, room) * _WORTH
    for length in range(len(usual), 1, -1):
        places = _arranged(graph, sizes, length)
        zoom = _zoom(places, sizes, room)
        if zoom > largest:
            best, largest = places, zoom
    return best


def _zoom(
    places: Mapping[str, tuple[float, float]], sizes: Mapping[str, tuple[float, float]], room: tuple[float, float]
) -> float:
    """The zoom at which all cards fit into the room."""
    size = [sizes.get(name, (CARD_WIDTH, CARD_HEIGHT)) for name in places]
    width = max(x + size[index][0] for index, (x, _) in enumerate(places.values()))
    height = max(y + size[index][1] for index, (_, y) in enumerate(places.values()))
    return min(room[0] / width, room[1] / height, _LARGEST)


def _arranged(
    graph: Graph, sizes: Mapping[str, tuple[float, float]], length: int | None, inside: bool = False
) -> dict[str, tuple[float, float]]:
    """The places with rows of at most ``length`` columns; None is the usual length."""
    wires = Wires.of(graph)
    positions: dict[str, tuple[float, float]] = {}
    top = 0.0
    alone: list[int] = []
    for part in parts_of(wires):
        if len(part) == 1:
            alone.extend(part)
            continue
        rows = _rows_of_part(graph, wires, part, length, inside)
        top = _place(wires.names, rows, sizes, top, positions)
    if alone:
        _place(wires.names, _rows_of_strangers(alone), sizes, top, positions)
    return positions


def _arranged_blocks(
    graph: Graph,
    sizes: Mapping[str, tuple[float, float]],
    lines: Mapping[str, float],
    room: tuple[float, float],
) -> dict[str, tuple[float, float]]:
    """The places where some cards are much wider than others: every row has columns of its own.

    Rows are read from left to right as the networks inside the blocks are. How long they may be is tried out: the whole
    is to be seen as large as possible.
    """
    wires = Wires.of(graph)
    parts = parts_of(wires)
    alone = [part[0] for part in parts if len(part) == 1]
    laid = [(part, cells_of(wires, order_of(wires, part))) for part in parts if len(part) > 1]
    weights = [[_weight(wires.names, column, sizes) for column in cells.columns] for _, cells in laid]
    weights.append([_weight(wires.names, [node], sizes) for node in alone])
    width, height = room
    area = sum(
        (w + GAP_X) * (h + GAP_Y) for w, h in (sizes.get(name, (CARD_WIDTH, CARD_HEIGHT)) for name in graph.nodes)
    )
    square = math.sqrt(area * width / height) / (CARD_WIDTH + GAP_X)  # As long as rows would be without any gaps.
    shortest = max(max((max(part, default=0.0) for part in weights), default=0.0), square / 2)
    longest = max(shortest, min(max((sum(part) for part in weights), default=0.0), square * 2.5))
    best: dict[str, tuple[float, float]] = {}
    smallest = math.inf
    for step in range(_TRIES):
        length = longest * (shortest / longest) ** (step / (_TRIES - 1)) if longest else 0.0
        places: dict[str, tuple[float, float]] = {}
        top = 0.0
        for (_, cells), part_weights in zip(laid, weights, strict=False):
            cuts = _cuts(graph, wires, cells, length, part_weights)
            for row in _straight(cells, cuts):
                top = _place(wires.names, [row], sizes, top, places, lines)
        for row in _filled(alone, weights[-1], length):
            top = _place(wires.names, [row], sizes, top, places, lines)
        right = max((x + sizes.get(name, (CARD_WIDTH, CARD_HEIGHT))[0] for name, (x, _) in places.items()), default=0.0)
        extent = max(right / width, (top - GAP_Y) / height)
        if extent < smallest:
            best, smallest = places, extent
    return best


def _weight(names: Sequence[str], column: Sequence[int], sizes: Mapping[str, tuple[float, float]]) -> float:
    """How many usual columns a column is wide."""
    widest = max(sizes.get(names[node], (CARD_WIDTH, CARD_HEIGHT))[0] for node in column)
    return (max(widest, CARD_WIDTH) + GAP_X) / (CARD_WIDTH + GAP_X)


def _filled(alone: Sequence[int], weights: Sequence[float], longest: float) -> list[_Row]:
    """Cards without wires in rows, each as full as it can be."""
    rows: list[_Row] = []
    left = 0.0
    for node, weight in zip(alone, weights, strict=True):
        if not rows or weight > left:
            rows.append([])
            left = longest
        rows[-1].append((node, len(rows[-1]), 0))
        left -= weight
    return rows


# ---------------------------------------------------------------------------------------------------- rows and places

#: One row: the cells (node, column, lane) in it.
_Row = list[tuple[int, int, int]]


def _rows_of_part(graph: Graph, wires: Wires, part: Sequence[int], length: int | None, inside: bool) -> list[_Row]:
    order = order_of(wires, part)
    cells = cells_of(wires, order)
    lanes = max(cells.lane.values()) + 1
    cuts = _cuts(graph, wires, cells, length or _length(len(cells.columns), lanes, inside))
    # What is in a group has its first card on the left and its last one on the right; so has the way through groups.
    if lanes == 1 and not inside and not any(graph.nodes[wires.names[node]].kind == GROUP for node in part):
        return _winding(cells, cuts)
    return _straight(cells, cuts)


def _straight(cells: Cells, cuts: Sequence[tuple[int, int]]) -> list[_Row]:
    """Rows that are all read from left to right."""
    return [
        [(node, column - start, cells.lane[node]) for column in range(start, end) for node in cells.columns[column]]
        for start, end in cuts
    ]


def _length(columns: int, lanes: int, inside: bool) -> int:
    """How many columns a row may have, so that the whole is about as wide as the canvas is for its height."""
    one_row = _ONE_ROW_INSIDE if inside else _ONE_ROW
    if columns <= one_row:
        return one_row
    pitch_x, pitch_y = CARD_WIDTH + GAP_X, CARD_HEIGHT + GAP_Y
    return max(_FEWEST_COLUMNS, round(math.sqrt(_ASPECT * columns * lanes * pitch_y / pitch_x)))


def _cuts(
    graph: Graph, wires: Wires, cells: Cells, longest: float, weights: Sequence[float] | None = None
) -> list[tuple[int, int]]:
    """Where the rows begin and end: few rows, of like length, broken between blocks rather than within them.

    ``weights`` is how many usual columns each column is wide; without them all are one.
    """
    count = len(cells.columns)
    reach = [0.0, *accumulate(weights or [1.0] * count)]
    if reach[count] <= longest:
        return [(0, count)]
    price = [*cells.price, 0.0]
    for column in range(1, count):
        price[column] = cells.price[column] + min(_torn_block(graph, wires, node) for node in cells.columns[column])
    best = [0.0] + [math.inf] * count
    came_from = [0] * (count + 1)
    first = 0
    for end in range(1, count + 1):
        while first < end - 1 and reach[end] - reach[first] > longest:
            first += 1
        for start in range(first, end):
            unused = max(0.0, longest - (reach[end] - reach[start]))
            cost = best[start] + longest * 2.0 + unused * unused * 5.0 / longest + price[end]
            if cost < best[end]:
                best[end], came_from[end] = cost, start
    cuts: list[tuple[int, int]] = []
    end = count
    while end > 0:
        cuts.append((came_from[end], end))
        end = came_from[end]
    return cuts[::-1]


def _torn_block(graph: Graph, wires: Wires, node: int) -> float:
    """The price of a break before this node. A block is a convolution or dense layer with what follows up to a pooling.

    A Linear stays in the row of the Flatten that was put there for it.
    """
    if _family(graph, wires.names[node]) not in _BLOCK_FAMILIES:
        return _WITHIN_BLOCK
    before = [wires.names[source] for source in wires.sources[node]]
    if any(_flattens(graph, name) for name in before):
        return _WITHIN_BLOCK
    return 0.0 if all(_family(graph, name) in ("pooling", "group") for name in before) else _BETWEEN_BLOCKS


def _flattens(graph: Graph, name: str) -> bool:
    spec = registry.layers().get(graph.nodes[name].kind)
    return spec is not None and spec.flattens


def _family(graph: Graph, name: str) -> str:
    kind = graph.nodes[name].kind
    if kind == GROUP:
        return "group"
    return registry.layers()[kind].family if kind in registry.layers() else ""


def _winding(cells: Cells, cuts: Sequence[tuple[int, int]]) -> list[_Row]:
    """A chain to and fro: each row begins below the end of the last one and runs the other way."""
    rows: list[_Row] = []
    at, direction = 0, 1
    for start, end in cuts:
        row: _Row = []
        for column in range(start, end):
            row.extend((node, at, 0) for node in cells.columns[column])
            at += direction
        at -= direction
        direction = -direction
        rows.append(row)
    left = min(column for row in rows for _, column, _ in row)
    return [[(node, column - left, lane) for node, column, lane in row] for row in rows]


def _rows_of_strangers(alone: Sequence[int]) -> list[_Row]:
    """Cards without wires, in rows below everything else."""
    length = max(_ONE_ROW, round(math.sqrt(_ASPECT * len(alone))))
    return [
        [(node, column, 0) for column, node in enumerate(alone[start : start + length])]
        for start in range(0, len(alone), length)
    ]


def _place(
    names: Sequence[str],
    rows: Sequence[_Row],
    sizes: Mapping[str, tuple[float, float]],
    top: float,
    positions: dict[str, tuple[float, float]],
    lines: Mapping[str, float] | None = None,
) -> float:
    """Turns cells into positions, beginning at the height ``top``; returns the height at which the next part begins."""
    widths: dict[int, float] = {}
    for row in rows:
        for node, column, _ in row:
            width = sizes.get(names[node], (CARD_WIDTH, CARD_HEIGHT))[0]
            widths[column] = max(widths.get(column, CARD_WIDTH), width)
    left, x = {}, 0.0
    for column in range(max(widths) + 1):
        left[column] = x
        x += widths.get(column, CARD_WIDTH) + GAP_X
    for row in rows:
        lowered = _lowered(names, row, lines or {})
        heights: dict[int, float] = {}
        for node, _, lane in row:
            height = sizes.get(names[node], (CARD_WIDTH, CARD_HEIGHT))[1] + lowered[node]
            heights[lane] = max(heights.get(lane, 0.0), height)
        first = min(heights)
        y: dict[int, float] = {}
        for lane in range(first, max(heights) + 1):
            y[lane] = top
            # A lane in which only wires pass needs no room for a card.
            top += heights[lane] + GAP_Y if lane in heights else GAP_Y
        for node, column, lane in row:
            positions[names[node]] = (left[column], y[lane] + lowered[node])
    return top


def _lowered(names: Sequence[str], row: _Row, lines: Mapping[str, float]) -> dict[int, float]:
    """How far below the top of its lane each card stands, so that the lines of all cards in the lane meet."""
    lowest: dict[int, float] = {}
    for node, _, lane in row:
        lowest[lane] = max(lowest.get(lane, 0.0), lines.get(names[node], 0.0))
    return {node: lowest[lane] - lines.get(names[node], 0.0) for node, _, lane in row}
