"""Cards in line and at equal distances, never one on another: plain geometry."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from enum import Enum
from itertools import pairwise

from nnviz.errors import ProjectError
from nnviz.project.drawing.frames import SLACK, Rect

#: Free ground that is left between cards that have to make way for each other.
AIR = 24.0


class Alignment(Enum):
    """The edge or middle line of the selected cards to which all of them are moved."""

    LEFT = "left"
    CENTRE = "centre"
    RIGHT = "right"
    TOP = "top"
    MIDDLE = "middle"
    BOTTOM = "bottom"

    @property
    def upright(self) -> bool:
        """Whether the line is vertical, so that cards move to the side."""
        return self in (Alignment.LEFT, Alignment.CENTRE, Alignment.RIGHT)


class Direction(Enum):
    """Along which cards are put at equal distances."""

    HORIZONTAL = "horizontal"
    VERTICAL = "vertical"


Places = dict[str, tuple[float, float]]


def align(boxes: Mapping[str, Rect], chosen: Collection[str], alignment: Alignment) -> Places:
    """New top left corners that put the chosen cards on one line.

    Along the line the cards keep their order, and their places as far as there is room: one that would come to lie on
    another card moves on until the ground is free.

    Args:
        boxes: All cards by id.
        chosen: Ids of those to align.
        alignment: The line.
    """
    if not alignment.upright:
        turned = {node: box.turned for node, box in boxes.items()}
        return {node: (x, y) for node, (y, x) in align(turned, chosen, _TURNED[alignment]).items()}
    picked = {node: boxes[node] for node in boxes if node in chosen}
    if not picked:
        return {}
    standing = sorted((box for node, box in boxes.items() if node not in picked), key=lambda box: box.y)
    left = min(box.x for box in picked.values())
    right = max(box.x + box.width for box in picked.values())
    at: dict[Alignment, Callable[[Rect], float]] = {
        Alignment.LEFT: lambda box: left,
        Alignment.CENTRE: lambda box: (left + right - box.width) / 2,
        Alignment.RIGHT: lambda box: right - box.width,
    }
    places: Places = {}
    end = float("-inf")
    for node, box in sorted(picked.items(), key=lambda entry: (entry[1].y, entry[1].x, entry[0])):
        # Cards on one line share ground across it, so that each has to stand behind the one before.
        y = box.y if box.y >= end else end + AIR
        placed = _clear(box._replace(x=at[alignment](box), y=y), standing)
        end = placed.y + placed.height
        places[node] = (placed.x, placed.y)
    return places


_TURNED = {Alignment.TOP: Alignment.LEFT, Alignment.MIDDLE: Alignment.CENTRE, Alignment.BOTTOM: Alignment.RIGHT}


def _clear(box: Rect, standing: list[Rect]) -> Rect:
    """The box, moved down until it lies on none of these, which come from top to bottom: one pass is enough."""
    for other in standing:
        if other.y >= box.y + box.height:
            break
        if box.touches(other):
            box = box._replace(y=other.y + other.height + AIR)
    return box


def distribute(boxes: Mapping[str, Rect], chosen: Collection[str], direction: Direction) -> Places:
    """New top left corners with equal gaps between the chosen cards along one direction.

    The first and the last card stay; where the cards do not fit between them, the row grows at its end.

    Raises:
        ProjectError: A card would come to lie on one that is not chosen.
    """
    if direction is Direction.VERTICAL:
        turned = {node: box.turned for node, box in boxes.items()}
        return {node: (x, y) for node, (y, x) in distribute(turned, chosen, Direction.HORIZONTAL).items()}
    picked = {node: boxes[node] for node in boxes if node in chosen}
    if len(picked) < 3:
        return {node: (box.x, box.y) for node, box in picked.items()}
    row = sorted(picked.items(), key=lambda entry: (_middle(entry[1]), entry[1].y, entry[0]))
    end = row[-1][1].x + row[-1][1].width
    gap = (end - row[0][1].x - sum(box.width for _, box in row)) / (len(row) - 1)
    placed = _in_a_row(row, gap)
    if _any_meet(list(placed.values())) or _change_places(list(placed.values())):
        placed = _in_a_row(row, max(gap, AIR))
    for node, box in placed.items():
        for other, standing in boxes.items():
            if other not in picked and box.touches(standing) and not boxes[node].touches(standing):
                raise ProjectError(f"{node} would come to lie on {other}: make room first.")
    return {node: (box.x, box.y) for node, box in placed.items()}


def _middle(box: Rect) -> float:
    """Twice the place of its middle, which is exact."""
    return 2 * box.x + box.width


def _in_a_row(row: list[tuple[str, Rect]], gap: float) -> dict[str, Rect]:
    x = row[0][1].x
    placed: dict[str, Rect] = {}
    for node, box in row:
        placed[node] = box._replace(x=x)
        x += box.width + gap
    return placed


def _change_places(row: list[Rect]) -> bool:
    """Whether one stands before the one it followed: a narrow card beside a wide one, with a gap below zero."""
    return any(_middle(second) < _middle(first) - SLACK for first, second in pairwise(row))


def _any_meet(boxes: list[Rect]) -> bool:
    return any(box.touches(other) for index, box in enumerate(boxes) for other in boxes[:index])
