"""Where cards, notes and the frames of expanded groups lie: rectangles, and which of them lie on each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

from nnviz.project.drawing.layout import CARD_HEIGHT, CARD_WIDTH, GAP_Y
from nnviz.project.graph.groups import GraphView
from nnviz.project.model import Group, Node

#: Room between a frame and what stands in it, and the height of the bar with its title, in scene units.
FRAME_PADDING = 18.0
FRAME_HEAD = 34.0
#: Rectangles that share less than this do not lie on each other: sums of places are not exact.
SLACK = 1e-6

#: Distance of what had to give way from what it would have lain on.
_GAP = GAP_Y / 2

#: (width, height) by id; what is not named has the size of a usual card.
Sizes: TypeAlias = Mapping[str, tuple[float, float]]
Places: TypeAlias = Mapping[str, tuple[float, float]]


class Rect(NamedTuple):
    """A rectangle in scene units."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.y + self.height

    @property
    def turned(self) -> Rect:
        """The same rectangle with x and y exchanged, so that one rule serves both directions."""
        return Rect(self.y, self.x, self.height, self.width)

    def united(self, other: Rect) -> Rect:
        """The smallest rectangle round both."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        return Rect(x, y, max(self.right, other.right) - x, max(self.bottom, other.bottom) - y)

    def framed(self) -> Rect:
        """The frame round it."""
        return Rect(
            self.x - FRAME_PADDING,
            self.y - FRAME_PADDING - FRAME_HEAD,
            self.width + 2 * FRAME_PADDING,
            self.height + 2 * FRAME_PADDING + FRAME_HEAD,
        )

    def distance(self, other: Rect) -> float:
        """How far it is from another, as the square of it; 0 where they touch."""
        across = max(0.0, other.x - self.right, self.x - other.right)
        down = max(0.0, other.y - self.bottom, self.y - other.bottom)
        return across * across + down * down

    def shifted(self, across: float, down: float) -> Rect:
        """The rectangle moved by some units to the right and down."""
        return self._replace(x=self.x + across, y=self.y + down)

    def touches(self, other: Rect) -> bool:
        """Whether two rectangles overlap."""
        return (
            self.x < other.right - SLACK
            and other.x < self.right - SLACK
            and self.y < other.bottom - SLACK
            and other.y < self.bottom - SLACK
        )


def size_of(identity: str, sizes: Sizes | None) -> tuple[float, float]:
    """The size of a card."""
    return (sizes or {}).get(identity, (CARD_WIDTH, CARD_HEIGHT))


def card_rects(view: GraphView, sizes: Sizes | None = None, places: Places | None = None) -> dict[str, Rect]:
    """The rectangle of every card and note that is seen, by id.

    Args:
        view: What is seen.
        sizes: Of cards, also of those of groups. A note has its own size unless it is named here.
        places: Top left corners that differ from those in the view, as while something is dragged.
    """
    moved = places or {}
    rects: dict[str, Rect] = {}
    cards: list[Node | Group] = [*view.nodes.values(), *view.cards.values()]
    for item in cards:
        rects[item.id] = Rect(*moved.get(item.id, (item.x, item.y)), *size_of(item.id, sizes))
    for note in view.notes.values():
        size = (sizes or {}).get(note.id, (note.width, note.height))
        rects[note.id] = Rect(*moved.get(note.id, (note.x, note.y)), *size)
    return rects


def containers(view: GraphView) -> dict[str, str]:
    """For every card, note and frame that is seen the id of the group it stands in."""
    return {
        **{node.id: node.group for node in view.nodes.values()},
        **{note.id: note.group for note in view.notes.values()},
        **{item.id: item.parent for item in (*view.cards.values(), *view.frames.values())},
    }


def frame_rects(view: GraphView, sizes: Sizes | None = None, places: Places | None = None) -> dict[str, Rect]:
    """The rectangle (x, y, width, height) of every frame: the smallest round all that stands in it, with its edge.

    An empty frame is as large as a card and stands at its group's place.

    Args:
        view: What is seen.
        sizes: Of cards, see :func:`card_rects`.
        places: Top left corners that differ from those in the view.

    Returns:
        By id of the group, outer frames before those inside them.
    """
    hulls: dict[str, Rect] = {}
    within = containers(view)

    def put(identity: str, rect: Rect) -> None:
        frame = within[identity]
        hulls[frame] = rect.united(hulls[frame]) if frame in hulls else rect

    for identity, rect in card_rects(view, sizes, places).items():
        put(identity, rect)
    found: dict[str, Rect] = {}
    for group in reversed(tuple(view.frames.values())):
        if group.id in hulls:
            rect = hulls[group.id].framed()
        else:
            x, y = (places or {}).get(group.id, (group.x, group.y))
            rect = Rect(x, y, *size_of(group.id, sizes))
        found[group.id] = rect
        put(group.id, rect)
    return {group: found[group] for group in view.frames}


def clashes(view: GraphView, sizes: Sizes | None = None, places: Places | None = None) -> set[tuple[str, str]]:
    """Pairs of cards, notes and frames that stand in one group and lie on each other; the smaller id first."""
    within = containers(view)
    beside: dict[str, dict[str, Rect]] = {}
    for identity, rect in {**card_rects(view, sizes, places), **frame_rects(view, sizes, places)}.items():
        beside.setdefault(within[identity], {})[identity] = rect
    return {pair for rects in beside.values() for pair in clashing(rects)}


def clashing(rects: Mapping[str, Rect]) -> set[tuple[str, str]]:
    """Pairs of rectangles that lie on each other; the smaller id first."""
    found: set[tuple[str, str]] = set()
    open_ones: list[tuple[str, Rect]] = []
    for identity, rect in sorted(rects.items(), key=lambda pair: pair[1].x):
        # What ends further left touches none of those that come.
        open_ones = [other for other in open_ones if other[1].right - SLACK > rect.x]
        for other, there in open_ones:
            if rect.touches(there):
                found.add((min(identity, other), max(identity, other)))
        open_ones.append((identity, rect))
    return found


def free_place(rect: Rect, taken: Iterable[Rect]) -> Rect:
    """The rectangle, put up or down as little as possible so that it lies on none of the others."""
    column = [other for other in taken if other.x < rect.right and rect.x < other.right]
    if not any(rect.touches(other) for other in column):
        return rect
    below = above = rect
    for other in sorted(column, key=lambda other: other.y):
        if other.y < below.bottom + _GAP and below.y < other.bottom + _GAP:
            below = below._replace(y=other.bottom + _GAP)
    for other in sorted(column, key=lambda other: -other.bottom):
        if other.y < above.bottom + _GAP and above.y < other.bottom + _GAP:
            above = above._replace(y=other.y - _GAP - above.height)
    return below if below.y - rect.y <= rect.y - above.y else above
