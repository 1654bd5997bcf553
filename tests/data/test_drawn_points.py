"""Points that somebody draws: what may be done with them, how they are kept, and what is refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnviz.data import datasets
from nnviz.data.drawn_points import MOST_POINTS, DrawnPoints
from nnviz.data.tensors import load
from nnviz.errors import DataError, ParamError
from nnviz.project.files import io
from nnviz.project.model import DataConfig, Project

DRAWN = DrawnPoints((), ("red", "blue")).with_points([(1.0, 2.0), (-9.0, 0.123456)], 0).with_points([(3.0, 3.0)], 1)


def config(points: DrawnPoints) -> DataConfig:
    return DataConfig("drawn_points", points.params, preparation=())  # type: ignore[arg-type]


def test_all_splits_are_the_points_as_they_were_drawn(tmp_path: Path) -> None:
    found = load(config(DRAWN))
    assert found.train.inputs.tolist() == [[1, 2], [-6, pytest.approx(0.12)], [3, 3]]
    assert found.train.targets.tolist() == [0, 0, 1] and found.test is found.train and found.validation is found.train
    assert (found.facts.task, found.facts.class_names, found.facts.on_a_plane) == ("binary", ("red", "blue"), True)
    three = DRAWN.with_setting("classes", ("a", "b", "c")).with_points([(0, 0)], 2)
    assert load(config(three)).facts.targets == 3 and load(config(three)).train.targets.tolist() == [0, 0, 1, 2]
    assert three.with_setting("classes", ("a", "b")).points == DRAWN.points
    file = tmp_path / "drawn.nnviz"
    io.save(Project(data=config(three)), file)
    assert io.load(file).data == config(three)


def test_taking_away() -> None:
    assert [point[0] for point in DRAWN.without_near(1.1, 2.1, 0.2).points] == [-6, 3]
    assert DRAWN.without_near(0, -5, 1) is DRAWN and DRAWN.cleared().points == ()


@pytest.mark.parametrize(
    ("params", "field", "said"),
    [
        ({"points": None}, "points", "There are no points yet: draw some"),
        ({"points": [[1, 1, 1]]}, "points", "All points are violet: draw some of another class"),
        ({"points": [[1, 1]]}, "points", "Point 1 has 2 numbers, but needs three"),
        ({"points": [[1, 1, 0], [7, 1, 0]]}, "points", "Point 2 lies outside the plane, which goes from −6 to 6"),
        ({"points": [[1, 1, 2]]}, "points", r"The class of point 1 is 2, but must be a whole number from 0 \(green\)"),
        ({"points": [[1, 1, 0.5]]}, "points", "The class of point 1 is 0.5"),
        ({"points": [[1, 1, 0]] * (MOST_POINTS + 1)}, "points", "There are 2,001 points; at most 2,000"),
        ({"points": [[1, 1, 99]]}, "points", "number"),
        ({"classes": ["one"]}, "classes", "There are 1 classes, but from 2 to 10"),
    ],
)
def test_what_does_not_fit_is_refused(params: dict[str, object], field: str, said: str) -> None:
    with pytest.raises(DataError, match=said) as caught:
        load(DataConfig("drawn_points", params))  # type: ignore[arg-type]
    assert caught.value.field == f"data.params.{field}"
    with pytest.raises(ParamError, match="at most 2,000 can be drawn"):
        DRAWN.with_points([(0.0, 0.0)] * MOST_POINTS, 0)


def test_an_empty_plane_has_a_shape() -> None:
    empty = config(DRAWN.cleared())
    assert datasets.facts(empty).input_shape == (2,) and datasets.split_sizes(empty) == (0, 0, 0)
