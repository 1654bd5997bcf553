"""What is nearest is found as by looking at everything, and without looking at everything."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnviz.project.drawing import nearest
from nnviz.project.drawing.nearest import Nearest

PLACES = st.lists(st.tuples(st.integers(-6, 6), st.integers(-6, 6)), max_size=60)


@given(PLACES, st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=1, max_size=4))
def test_the_nearest_come_first_and_of_two_the_lesser_key(
    places: list[tuple[int, int]], asked: list[tuple[int, int]]
) -> None:
    points = [(float(x), float(y), f"p{at}") for at, (x, y) in enumerate(places)]
    found = Nearest(points)
    for x, y in asked:
        by_all = sorted(points, key=lambda point: (abs(point[0] - x) + abs(point[1] - y), point[2]))
        assert list(found.to(x, y)) == [name for _, _, name in by_all]


@pytest.mark.parametrize(
    "points",
    [
        pytest.param([(float(at % 70), float(at // 70), at) for at in range(4900)], id="spread"),
        pytest.param([(0.0, 0.0, at) for at in range(4900)], id="all at one place"),
        pytest.param([(float(at) if at else 1e6, 0.0, at) for at in range(4900)], id="one far away"),
    ],
)
@pytest.mark.parametrize("place", [(0.0, 0.0), (35.5, 20.5), (-4000.0, 9000.0)])
def test_a_question_looks_at_few_points(
    monkeypatch: pytest.MonkeyPatch, points: list[tuple[float, float, int]], place: tuple[float, float]
) -> None:
    looked: list[int] = []
    distance = nearest._Part.distance

    def watched(part: nearest._Part[int], x: float, y: float) -> float:
        looked.append(len(part.points))
        return distance(part, x, y)

    monkeypatch.setattr(nearest._Part, "distance", watched)
    assert len(list(islice(Nearest(points).to(*place), 8))) == 8
    assert len(looked) < 200


def test_there_may_be_nothing() -> None:
    assert list(Nearest[int]([]).to(0.0, 0.0)) == []
