"""Room beside a card that grows or shrinks: who gives way, and by how much.

Along the rows of cards only those give way that stand in the way: the ones to the right at the same height, and whom
they would push. Rows below move as a whole, and only by what the row above has become higher. So what did not lie on
anything else does not afterwards, and a row is not torn.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeAlias

from nnviz.project.drawing.frames import SLACK, Rect, clashing, free_place
from nnviz.project.drawing.layout import GAP_X, GAP_Y

#: How far each thing moves, (across, down); what is not named stays.
Offsets: TypeAlias = dict[str, tuple[float, float]]


def made_room(others: Mapping[str, Rect], notes: Collection[str], before: Rect, after: Rect) -> Offsets:
    """By how much the cards beside one that grows move out of its way.

    Args:
        others: What stands beside it, by id.
        notes: Which of these are notes: they do not make a row higher.
        before: The card's rectangle.
        after: The larger one, with the same top left corner.
    """
    below = [item for item, rect in others.items() if rect.y >= before.bottom - SLACK]
    down = max(0.0, after.bottom - _bottom_of_row(others, notes, before))
    if any(others[item].y + down < after.bottom - SLACK and _share_columns(others[item], after) for item in below):
        down = max(0.0, after.bottom - before.bottom)  # The rows are not clear of each other.
    lowered = moved(others, dict.fromkeys(below, (0.0, down)))
    across = max(0.0, after.right - before.right)
    pushed = _pushed(lowered, Rect(before.x, before.y, before.width, after.height)) if across else set()
    return _offsets(others, pushed, across, below, down)


def room_taken_back(
    others: Mapping[str, Rect], notes: Collection[str], before: Rect, after: Rect, *, centred: bool = False
) -> tuple[Offsets, Rect]:
    """Who moves when a card takes the place of a frame, which is larger as a rule; along each axis by itself.

    Args:
        others: What stands beside it, by id.
        notes: Which of these are notes.
        before: The frame's rectangle, or the one round the members of a new group.
        after: The card's, with the same top left corner.
        centred: See :func:`_closed_up`.

    Returns:
        How far the others move, and where the card stands.
    """
    larger = before._replace(width=max(before.width, after.width), height=max(before.height, after.height))
    if centred:
        return _closed_up(others, notes, larger, after, centred)
    if not any(rect.touches(larger) and not rect.touches(before) for rect in others.values()):
        back = _way_back(others, notes, larger, after)
        return (back, after) if back is not None else _closed_up(others, notes, larger, after, centred)
    first = made_room(others, notes, before, larger)
    second, card = _closed_up(moved(others, first), notes, larger, after, centred)
    still = (0.0, 0.0)
    both = {item: (first.get(item, still), second.get(item, still)) for item in {**first, **second}}
    return {item: (one[0] + two[0], one[1] + two[1]) for item, (one, two) in both.items()}, card


def _way_back(others: Mapping[str, Rect], notes: Collection[str], before: Rect, after: Rect) -> Offsets | None:
    """How far the others move to where :func:`made_room` would bring them here from; None where there is no such place.

    Who stood below the card and who was pushed follows from where they stand now. How far they were lowered cannot
    where something stood between the card and the bottom of its row: what is lowered by as much as the card grows, and
    what is lowered by as much as the row grows, may end up in one place. Notes stand there, cards keep a distance.
    """
    below = [item for item, rect in others.items() if rect.y >= after.bottom - SLACK]
    across = max(0.0, before.right - after.right)
    pushed = _pushed(others, before) if across else set()
    row = _bottom_of_row(others, notes, after)
    known = clashing({**others, "": before})
    for bottom in dict.fromkeys((after.bottom, row)):
        down = max(0.0, before.bottom - bottom)
        offsets = _offsets(others, pushed, -across, below, -down)
        there = moved(others, offsets)
        if bottom < row and any(there[item].y < row + GAP_Y - SLACK for item in below if item not in notes):
            continue
        again = moved(there, made_room(there, notes, after, before))
        same = all(_near(rect, others[item]) for item, rect in again.items())
        if same and clashing({**there, "": after}) <= known:
            return offsets
    return None


def _near(one: Rect, other: Rect) -> bool:
    return abs(one.x - other.x) < SLACK and abs(one.y - other.y) < SLACK


def _closed_up(
    others: Mapping[str, Rect], notes: Collection[str], before: Rect, after: Rect, centred: bool
) -> tuple[Offsets, Rect]:
    """Who moves up when a card shrinks: the reverse of :func:`made_room`, along each axis as far as there is nothing in
    the way.

    Args:
        others: What stands beside it, by id.
        notes: Which of these are notes.
        before: The card's rectangle.
        after: The smaller one.
        centred: Where the others do not move up, the card goes to the middle of ``before`` along that axis, or to the
            nearest free place above or below that.

    Returns:
        How far the others move, and where the card stands.
    """
    across = max(0.0, before.right - after.right)
    if any(
        _share_rows(rect, before) and after.right - SLACK <= rect.x < before.right - SLACK for rect in others.values()
    ):
        across = 0.0
    pushed = _pushed(others, before) if across else set()
    below = [item for item, rect in others.items() if rect.y >= before.bottom - SLACK]
    down = max(0.0, before.bottom - _bottom_of_row(others, notes, before, after.bottom))
    # What lay among the members of a new group may lie beside its card, but not on it.
    known = clashing(others if centred else {**others, "": before})
    for right, lower in dict.fromkeys(((across, down), (across, 0.0), (0.0, down), (0.0, 0.0))):
        offsets = _offsets(others, pushed, -right, below, -lower)
        card = after
        if centred:
            card = card._replace(
                x=card.x if right else before.x + (before.width - card.width) / 2,
                y=card.y if lower else before.y + (before.height - card.height) / 2,
            )
        if clashing({**moved(others, offsets), "": card}) <= known:
            return offsets, card
    return {}, free_place(card, others.values()) if centred else after


def gathered(rects: Mapping[str, Rect]) -> Offsets:
    """Who moves left and up so that no gap is wider than that between two neighbours.

    Only gaps that nothing reaches into are closed, so what does not lie on anything else does not afterwards.
    """
    across = _closing({item: (rect.x, rect.right) for item, rect in rects.items()}, GAP_X)
    down = _closing({item: (rect.y, rect.bottom) for item, rect in rects.items()}, GAP_Y)
    found = {item: (across[item], down[item]) for item in rects}
    return {item: offset for item, offset in found.items() if offset != (0.0, 0.0)}


def _closing(spans: Mapping[str, tuple[float, float]], gap: float) -> dict[str, float]:
    """How far each thing moves along one axis, given where it begins and ends there."""
    found: dict[str, float] = {}
    offset, reached = 0.0, min((start for start, _ in spans.values()), default=0.0)
    for item, (start, end) in sorted(spans.items(), key=lambda pair: pair[1]):
        offset -= max(0.0, start - reached - gap)
        found[item] = offset
        reached = max(reached, end)
    return found


def moved(rects: Mapping[str, Rect], offsets: Mapping[str, tuple[float, float]]) -> dict[str, Rect]:
    """The rectangles in their new places."""
    still = (0.0, 0.0)
    return {item: rect.shifted(*offsets.get(item, still)) for item, rect in rects.items()}


def _bottom_of_row(others: Mapping[str, Rect], notes: Collection[str], card: Rect, least: float | None = None) -> float:
    """How far down those reach that do not begin below a card, the card itself or its new lower edge included."""
    beside = (rect.bottom for item, rect in others.items() if item not in notes and rect.y < card.bottom - SLACK)
    return max((card.bottom if least is None else least, *beside))


def _pushed(others: Mapping[str, Rect], card: Rect) -> set[str]:
    """Who stands right of a card at its height, and right of those at theirs."""
    pushed: set[str] = set()
    heights = [(card.y, card.bottom)]
    for item, rect in sorted(others.items(), key=lambda pair: pair[1].x):
        if rect.x < card.right - SLACK:
            continue
        met = [span for span in heights if rect.y < span[1] - SLACK and span[0] < rect.bottom - SLACK]
        if met:
            pushed.add(item)
            heights = [span for span in heights if span not in met]
            heights.append((min(rect.y, *(low for low, _ in met)), max(rect.bottom, *(high for _, high in met))))
    return pushed


def _offsets(
    others: Mapping[str, Rect], pushed: Collection[str], across: float, below: Collection[str], down: float
) -> Offsets:
    lower = set(below)
    found = {item: (across if item in pushed else 0.0, down if item in lower else 0.0) for item in others}
    return {item: offset for item, offset in found.items() if offset != (0.0, 0.0)}


def _share_rows(one: Rect, other: Rect) -> bool:
    return one.y < other.bottom - SLACK and other.y < one.bottom - SLACK


def _share_columns(one: Rect, other: Rect) -> bool:
    return one.x < other.right - SLACK and other.x < one.right - SLACK
