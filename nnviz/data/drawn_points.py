"""Points that somebody draws into the plane with the mouse: a frozen set of them, and what may be done with it.

It is kept in the project as the parameters of a data set, as rows that are typed in are (``typed_table.py``). Loads
neither numpy nor torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from nnviz.errors import DataError, ParamError
from nnviz.project.model import DataFacts, Params, ParamValue
from nnviz.project.spec import ParamSpec

#: Points lie from -SIDE to SIDE in both directions, like those of the other data in the plane.
SIDE: Final = 6.0
#: More than anybody draws; a file with more is refused.
MOST_POINTS, MOST_CLASSES = 2_000, 10

#: x1, x2 and the number of the class.
Point: TypeAlias = tuple[float, float, float]

POINTS = ParamSpec(
    "points",
    "points",
    f"A row for each point: where it lies (x1 and x2, from −{SIDE:g} to {SIDE:g}), and the number of its class, "
    "counted from 0.",
    "matrix",
    (
        (-3.0, 2.5, 0.0), (-2.2, 1.4, 0.0), (-3.8, 1.2, 0.0), (-2.6, 3.6, 0.0),
        (3.0, -2.5, 1.0), (2.2, -1.4, 1.0), (3.8, -1.2, 1.0), (2.6, -3.6, 1.0),
    ),
    minimum=-10.0,
    maximum=10.0,
)  # fmt: skip
PARAMS = (
    POINTS,
    ParamSpec("classes", "names of the classes", "From two to ten, in their order.", "texts", ("green", "violet")),
)


@dataclass(frozen=True)
class DrawnPoints:
    """What was drawn.

    Attributes:
        points: In the order in which they were drawn.
        classes: Names of the classes.
    """

    points: tuple[Point, ...]
    classes: tuple[str, ...]

    @classmethod
    def of(cls, params: Params) -> DrawnPoints:
        """The points in the parameters of the data set, all of them and parsed.

        Raises:
            DataError: They do not belong together, or there are too many; ``field`` says which is wrong.
        """
        names = params["classes"]
        classes = tuple(str(name) for name in names) if isinstance(names, tuple) else ()
        if not 2 <= len(classes) <= MOST_CLASSES:
            raise _wrong("classes", f"There are {len(classes)} classes, but from 2 to {MOST_CLASSES} are needed.")
        rows = params["points"]
        found: tuple[Point, ...] = rows if isinstance(rows, tuple) else ()  # type: ignore[assignment]  # see below
        if len(found) > MOST_POINTS:
            raise _wrong("points", f"There are {len(found):,} points; at most {MOST_POINTS:,} can be drawn.")
        for at, point in enumerate(found, 1):
            if len(point) != 3:
                raise _wrong("points", f"Point {at} has {len(point)} numbers, but needs three: x1, x2 and its class.")
            if max(abs(point[0]), abs(point[1])) > SIDE:
                raise _wrong("points", f"Point {at} lies outside the plane, which goes from −{SIDE:g} to {SIDE:g}.")
            if not (float(point[2]).is_integer() and 0 <= point[2] < len(classes)):
                last = len(classes) - 1
                raise _wrong(
                    "points",
                    f"The class of point {at} is {point[2]:g}, but must be a whole number from 0 ({classes[0]}) to "
                    f"{last} ({classes[last]}).",
                )
        return cls(found, classes)

    @property
    def params(self) -> dict[str, ParamValue]:
        """The parameters that say the same; without points they say None."""
        return {"points": self.points or None, "classes": self.classes}

    @property
    def facts(self) -> DataFacts:
        """What a graph has to know of it. Two classes are a yes or no."""
        count = len(self.classes)
        task, targets = ("binary", 1) if count == 2 else ("classes", count)
        return DataFacts((2,), targets, task, self.classes)

    def problem(self) -> str:
        """Why nothing can be learnt from them, as a sentence; empty where something can."""
        if not self.points:
            return "There are no points yet: draw some into the plane of the Data tab."
        there = {int(point[2]) for point in self.points}
        if len(there) < 2:
            return f"All points are {self.classes[there.pop()]}: draw some of another class, too."
        return ""

    def with_points(self, drawn: Iterable[tuple[float, float]], label: int) -> DrawnPoints:
        """With more points of one class, those outside the plane moved to its edge.

        Raises:
            ParamError: There would be too many.
        """
        more = tuple((_inside(x), _inside(y), float(label)) for x, y in drawn)
        if len(self.points) + len(more) > MOST_POINTS:
            raise ParamError(f"There are {len(self.points):,} points; at most {MOST_POINTS:,} can be drawn.")
        return replace(self, points=self.points + more)

    def without_near(self, x: float, y: float, radius: float) -> DrawnPoints:
        """Without the points nearer than ``radius`` to a place."""
        kept = tuple(point for point in self.points if math.hypot(point[0] - x, point[1] - y) >= radius)
        return self if len(kept) == len(self.points) else replace(self, points=kept)

    def cleared(self) -> DrawnPoints:
        """Without any points."""
        return replace(self, points=())

    def with_setting(self, name: str, value: ParamValue) -> DrawnPoints:
        """With other names of the classes; the points of a class that there is no more go.

        Raises:
            ParamError: The names are too many or too few.
        """
        names = tuple(str(item) for item in value) if isinstance(value, tuple) else ()
        if not 2 <= len(names) <= MOST_CLASSES:
            raise ParamError(f"From 2 to {MOST_CLASSES} classes are needed.", field=name)
        return replace(self, points=tuple(point for point in self.points if point[2] < len(names)), classes=names)


def _inside(value: float) -> float:
    return min(max(round(value, 2), -SIDE), SIDE)


def _wrong(name: str, sentence: str) -> DataError:
    return DataError(sentence, field=f"data.params.{name}")
