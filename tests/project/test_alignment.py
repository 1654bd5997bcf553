"""Aligned cards stand on one line, distributed ones at equal distances, and none lies on another."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nnviz.errors import ProjectError
from nnviz.project.drawing.alignment import AIR, Alignment, Direction, Places, align, distribute
from nnviz.project.drawing.frames import Rect

SIZES = st.integers(20, 200).map(float)
PLACES = st.integers(-600, 600).map(float)
BOXES = st.builds(Rect, PLACES, PLACES, SIZES, SIZES)


@st.composite
def layouts(draw: st.DrawFn, fewest: int = 2) -> tuple[dict[str, Rect], list[str]]:
    """Cards none of which lies on another, and some of them chosen."""
    boxes: dict[str, Rect] = {}
    for box in draw(st.lists(BOXES, min_size=fewest, max_size=10)):
        if not any(box.touches(other) for other in boxes.values()):
            boxes[f"n{len(boxes)}"] = box
    chosen = draw(st.lists(st.sampled_from(sorted(boxes)), unique=True, min_size=min(len(boxes), fewest)))
    return boxes, chosen


def moved(boxes: dict[str, Rect], places: Places) -> dict[str, Rect]:
    return {node: Rect(*places[node], box.width, box.height) if node in places else box for node, box in boxes.items()}


def overlapping(boxes: dict[str, Rect]) -> list[tuple[str, str]]:
    """Every pair that shares ground, by the area they share."""
    found = []
    for (a, p), (b, q) in combinations(boxes.items(), 2):
        across = min(p.x + p.width, q.x + q.width) - max(p.x, q.x)
        down = min(p.y + p.height, q.y + q.height) - max(p.y, q.y)
        if across > 1e-6 and down > 1e-6:
            found.append((a, b))
    return found


LINES = {
    Alignment.LEFT: lambda box: box.x,
    Alignment.CENTRE: lambda box: box.x + box.width / 2,
    Alignment.RIGHT: lambda box: box.x + box.width,
    Alignment.TOP: lambda box: box.y,
    Alignment.MIDDLE: lambda box: box.y + box.height / 2,
    Alignment.BOTTOM: lambda box: box.y + box.height,
}


@given(layouts(), st.sampled_from(list(Alignment)))
def test_aligned_cards_share_a_line_and_lie_on_nothing(
    layout: tuple[dict[str, Rect], list[str]], alignment: Alignment
) -> None:
    boxes, chosen = layout
    places = align(boxes, chosen, alignment)
    assert set(places) == set(chosen)
    after = moved(boxes, places)
    lines = {round(LINES[alignment](after[node]), 6) for node in chosen}
    assert len(lines) <= 1
    assert not overlapping(after)


@given(layouts(), st.sampled_from(list(Alignment)))
def test_what_is_aligned_already_stays(layout: tuple[dict[str, Rect], list[str]], alignment: Alignment) -> None:
    boxes, chosen = layout
    once = moved(boxes, align(boxes, chosen, alignment))
    again = moved(once, align(once, chosen, alignment))
    for node in boxes:
        assert (again[node].x, again[node].y) == pytest.approx((once[node].x, once[node].y))


def test_the_line_is_that_of_the_outermost_card() -> None:
    boxes = {"a": Rect(0, 0, 100, 50), "b": Rect(40, 200, 100, 90), "c": Rect(300, 400, 60, 50)}
    assert align(boxes, "abc", Alignment.LEFT) == {"a": (0, 0), "b": (0, 200), "c": (0, 400)}
    assert align(boxes, "abc", Alignment.RIGHT) == {"a": (260, 0), "b": (260, 200), "c": (300, 400)}
    assert align(boxes, "abc", Alignment.CENTRE) == {"a": (130, 0), "b": (130, 200), "c": (150, 400)}
    assert align(boxes, "ab", Alignment.BOTTOM) == {"a": (0, 240), "b": (124, 200)}


def test_a_row_aligned_upright_becomes_a_column() -> None:
    boxes = {"a": Rect(0, 0, 100, 50), "b": Rect(200, 0, 100, 50), "stays": Rect(-20, 100, 200, 20)}
    assert align(boxes, ["a", "b"], Alignment.LEFT) == {"a": (0, 0), "b": (0, 120 + AIR)}


def _along(box: Rect, upright: bool) -> tuple[float, float, float]:
    """Twice the middle, the begin and the length along one axis."""
    begin, length = (box.y, box.height) if upright else (box.x, box.width)
    return 2 * begin + length, begin, length


#: Two narrow cards above the end of a wide one: there is less room than they need, and they lie on nothing.
_ABOVE_A_WIDE_ONE = {
    "n0": Rect(0.0, 20.0, 142.0, 20.0),
    "n1": Rect(62.0, 0.0, 20.0, 20.0),
    "n2": Rect(82.0, 0.0, 20.0, 20.0),
}


@example((_ABOVE_A_WIDE_ONE, ["n0", "n1", "n2"]), Direction.HORIZONTAL)
@given(layouts(3), st.sampled_from(list(Direction)))
def test_distributed_cards_have_equal_gaps_or_it_says_why_not(
    layout: tuple[dict[str, Rect], list[str]], direction: Direction
) -> None:
    boxes, chosen = layout
    try:
        places = distribute(boxes, chosen, direction)
    except ProjectError as error:
        assert "would come to lie on" in str(error)
        return
    after = moved(boxes, places)
    assert not overlapping(after)
    if len(chosen) < 3:
        assert after == boxes
        return
    upright = direction is Direction.VERTICAL
    along = {node: _along(box, upright) for node, box in after.items()}
    order = sorted(chosen, key=lambda node: (_along(boxes[node], upright)[0], boxes[node][not upright], node))
    middles = [along[node][0] for node in order]
    assert all(second > first - 1e-6 for first, second in pairwise(middles))  # None changes places.
    spans = [along[node] for node in order]
    gaps = [second[1] - first[1] - first[2] for first, second in pairwise(spans)]
    assert gaps == pytest.approx([gaps[0]] * len(gaps), abs=1e-6)
    across = {node: (box.x if upright else box.y) for node, box in after.items()}
    assert across == {node: (box.x if upright else box.y) for node, box in boxes.items()}


def test_the_outermost_cards_stay_where_there_is_room() -> None:
    boxes = {"a": Rect(0, 0, 100, 50), "b": Rect(120, 30, 100, 50), "c": Rect(600, 0, 100, 50)}
    assert distribute(boxes, "abc", Direction.HORIZONTAL) == {"a": (0, 0), "b": (300, 30), "c": (600, 0)}


def test_a_card_in_the_way_is_named() -> None:
    boxes = {
        "a": Rect(0, 0, 100, 50),
        "b": Rect(110, 0, 100, 50),
        "c": Rect(600, 0, 100, 50),
        "d": Rect(350, 0, 90, 50),
    }
    with pytest.raises(ProjectError, match="b would come to lie on d"):
        distribute(boxes, "abc", Direction.HORIZONTAL)
