"""What a sweep varies: settings with the values that they may take, and the points that these span. No torch, no Qt."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from nnviz.errors import InputError
from nnviz.project import choices
from nnviz.project.flat_settings import flat_settings
from nnviz.project.model import Project
from nnviz.project.settable import Settable, settable
from nnviz.project.spec import ParamSpec, brief
from nnviz.project.value_text import number_text
from nnviz.project.variations import NUMBER, parse_variation, varied, varied_path

#: A value of a setting: a text as one types it, or a number out of a range.
Value: TypeAlias = "str | int | float"
#: The values of a point by the paths of their settings.
Point: TypeAlias = "dict[str, Value]"
#: Parameters of every data set, by its key.
DatasetParams: TypeAlias = "Mapping[str, tuple[ParamSpec, ...]]"

#: Values of a range on a grid, where nobody says how many.
USUAL_COUNT = 5
#: Settings of one sweep, and points of one grid: more are a slip.
MOST_DIMENSIONS, MOST_POINTS = 16, 10_000
_MOST_COUNT = 1000
_STEPS = re.compile("log|linear")
_RANGE = re.compile(rf"\s*({NUMBER})\s*\.\.\s*({NUMBER})\s*((?::\s*\w+\s*)*)")


@dataclass(frozen=True)
class Dimension:
    """A setting and what it may be: one of several values, or a number of a range.

    Attributes:
        path: As ``--set`` takes it.
        values: Those that are listed, as texts; none where it is a range.
        low, high: The ends of the range, which belong to it.
        logarithmic: Steps of a range are factors rather than differences.
        whole: A range of whole numbers.
        count: Values of the range on a grid.
    """

    path: str
    values: tuple[str, ...] = ()
    low: float = math.nan
    high: float = math.nan
    logarithmic: bool = False
    whole: bool = False
    count: int = USUAL_COUNT

    @property
    def text(self) -> str:
        """As it is typed behind ``--vary``; reading it gives the same dimension."""
        if self.values:
            return f"{self.path}={','.join(self.values)}"
        ends = "..".join(number_text(int(end) if self.whole else end) for end in (self.low, self.high))
        return f"{self.path}={ends}:{'log' if self.logarithmic else 'linear'}:{self.count}"

    @property
    def ends(self) -> tuple[Value, Value]:
        """The lowest and the highest value of a range."""
        return (int(self.low), int(self.high)) if self.whole else (self.low, self.high)

    def on_grid(self) -> tuple[Value, ...]:
        """Its values on a grid, those of a range evenly apart, in differences or in factors."""
        if self.values:
            return self.values
        if self.count == 1:
            return self.ends[:1]
        shares = [at / (self.count - 1) for at in range(self.count)]
        if self.logarithmic:
            low, high = math.log(self.low), math.log(self.high)
            inner = [math.exp(low + share * (high - low)) for share in shares[1:-1]]
        else:
            inner = [self.low + share * (self.high - self.low) for share in shares[1:-1]]
        # Six digits say the same and can be read.
        found = [self.low, *(float(f"{value:.6g}") for value in inner), self.high]
        return tuple(dict.fromkeys(round(value) if self.whole else value for value in found))

    def allows(self, value: object) -> bool:
        """Whether a value is one of its own."""
        if self.values:
            return value in self.values
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            return False
        return not self.whole or isinstance(value, int)


def parse_dimension(text: str, known: Mapping[str, Settable]) -> Dimension:
    """What ``PATH=A,B,C`` or ``PATH=LOW..HIGH[:log|:linear][:COUNT]`` says.

    Args:
        text: As typed.
        known: The settings of the project: whether a range is of whole numbers, and logarithmic where nobody says so.

    Raises:
        InputError: It says no such thing.
    """
    path = varied_path(text)
    _, equals, rest = text.partition("=")
    field = path[:120]
    if path == "training.seed":
        raise InputError("The seed is varied by a number of seeds (--seeds 3).", field=field)
    found = _RANGE.fullmatch(rest) if equals and path else None
    if found is None:
        if equals and ".." in rest and "," not in rest:
            raise InputError(f"{brief(rest)} is no range such as 1e-4..1e-1:log or 0..0.5:linear:6.", field=field)
        one = parse_variation(text)
        return Dimension(one.path, tuple(dict.fromkeys(one.values)))
    typed = [found[1].replace("−", "-"), found[2].replace("−", "-")]
    low, high = map(float, typed)
    spec = known[path].spec if path in known else None
    words = [word.strip() for word in found[3].split(":") if word.strip()]
    logarithmic, count = spec is not None and spec.logarithmic and low > 0, USUAL_COUNT
    for word in words:
        if _STEPS.fullmatch(word):
            logarithmic = word == "log"
        elif word.isascii() and word.isdigit() and 1 <= int(word[:9]) <= _MOST_COUNT:
            count = int(word)
        else:
            raise InputError(f"{brief(word)} is neither log, linear nor a count from 1 to {_MOST_COUNT}.", field=field)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError("A range goes from a lower number to a higher one.", field=field)
    if logarithmic and low <= 0:
        raise InputError("A logarithmic range begins above 0.", field=field)
    whole = spec.type == "int" if spec is not None else all(re.fullmatch(r"[-+]?\d+", end) for end in typed)
    if whole and not (low.is_integer() and high.is_integer()):
        raise InputError("The ends of this range must be whole numbers.", field=field)
    if spec is not None and spec.type not in ("int", "float"):
        raise InputError(f"There is no range of it: it is {spec.allowed()}. List values, with commas.", field=field)
    return Dimension(path, (), low, high, logarithmic, whole, count)


@dataclass(frozen=True)
class Space:
    """The settings that are varied together.

    Attributes:
        dimensions: At least one, each path once.
        project: What everything else is taken from.
        dataset_params: Parameters of every known data set.
    """

    dimensions: tuple[Dimension, ...]
    project: Project
    dataset_params: DatasetParams

    @classmethod
    def of(cls, texts: Sequence[str], project: Project, dataset_params: DatasetParams) -> Space:
        """What several ``--vary`` say together.

        Raises:
            InputError: One says nothing that can be done, there is none, or a setting stands there twice.
        """
        known = settable(project, dataset_params)
        dimensions = tuple(parse_dimension(text, known) for text in texts)
        if not dimensions:
            raise InputError("Nothing is varied: choose a setting and its values.", field="--vary")
        if len(dimensions) > MOST_DIMENSIONS:
            raise InputError(f"At most {MOST_DIMENSIONS} settings are varied together.", field="--vary")
        for at, one in enumerate(dimensions):
            if any(one.path == other.path for other in dimensions[:at]):
                raise InputError("This setting is varied twice.", field=one.path[:120])
        space = cls(dimensions, project, dataset_params)
        space.check()
        return space

    @property
    def grid_size(self) -> int:
        """Points of the grid, those that mean the same counted as often as they come."""
        return math.prod(len(one.on_grid()) for one in self.dimensions)

    def grid(self) -> Iterator[Point]:
        """Every value of each with every value of the others; the last one changes fastest.

        Raises:
            InputError: There are too many.
        """
        if self.grid_size > MOST_POINTS:
            raise InputError(
                f"This grid has {self.grid_size:,} points; at most {MOST_POINTS:,} are allowed. "
                "Vary less, or search at random."
            )
        paths = [one.path for one in self.dimensions]
        for values in itertools.product(*(one.on_grid() for one in self.dimensions)):
            yield dict(zip(paths, values, strict=True))

    def applied(self, point: Mapping[str, Value]) -> tuple[Project, tuple[str, ...]]:
        """The project of a point, and the settings of it that there are not beside what else was chosen.

        What is chosen (an optimizer, a loss) comes before its settings: momentum means something to SGD, and nothing
        to Adam.

        Raises:
            InputError: A value is not allowed.
        """
        project, left_out = self.project, []
        for path, value in sorted(point.items(), key=lambda item: not _is_choice(item[0])):
            try:
                project = varied(project, [(path, value)], self.dataset_params)
            except InputError:
                if path in flat_settings(project) or not path.startswith(("training.", "data.")):
                    raise
                left_out.append(path)
        return project, tuple(left_out)

    def check(self) -> None:
        """Every value must be allowed somewhere, so that a slip is said before the first run.

        Raises:
            InputError: One is not.
        """
        chosen = [one for one in self.dimensions if _is_choice(one.path)]
        for dimension in self.dimensions:
            others = [one for one in chosen if one is not dimension]
            for value in dimension.values or dimension.ends:
                refused: InputError | None = None
                for combined in itertools.islice(itertools.product(*(one.values for one in others)), MOST_POINTS):
                    point = dict(zip((one.path for one in others), combined, strict=True))
                    try:
                        project, _ = self.applied(point)
                        varied(project, [(dimension.path, value)], self.dataset_params)
                    except InputError as error:
                        refused = error
                    else:
                        break
                else:
                    raise refused or InputError("This value is not allowed.", field=dimension.path[:120])


def _is_choice(path: str) -> bool:
    place, _, field = path.partition(".")
    return place in ("training", "data") and choices.slot(field) is not None
