"""What a network made of every example of a split: plain arrays, which a run keeps as one reading."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from nnviz.record.quantities import EVALUATION
from nnviz.record.readings import ArrayReading, count_in
from nnviz.record.run import RunView

#: Numbers that one reading may hold, as the instruments do; a larger evaluation is not kept example by example.
MOST_NUMBERS = 2**22
#: Letters of the name of a class, and of all together; classes beyond that are called by their numbers.
_LONGEST_NAME, _MOST_LETTERS = 40, 30_000
#: Classes that a file may claim: a table of all pairs is made of them.
_MOST_CLASSES = 2**11
#: Numbers from here on lie too close together in a float32 to be told apart.
_EXACT = 2**24


@dataclass(frozen=True, eq=False)
class Evaluated:
    """What both kinds have in common.

    Attributes:
        split: ``train``, ``validation`` or ``test``.
        step: At which step of the training it was made.
        weights_of: The step whose weights were asked; an earlier one where the best ones had been put back.
        loss: Mean over the split.
        names: Of the classes, or of the numbers that are asked for.
        outdated: Numbers or units were changed by hand, or other weights put in, at this very step after it was made.
    """

    split: str
    step: int
    weights_of: int
    loss: float
    names: tuple[str, ...]
    outdated: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, eq=False)
class EvaluatedClasses(Evaluated):
    """Of a network that tells classes apart.

    Attributes:
        predicted: int64[n], the class that each example was taken for; −1 where there was no answer: the output was no
            number, or lay exactly on the threshold of a loss that goes by signs.
        probability: float32[n], what the network gave that class; NaN where its outputs are no probabilities.
        target: int64[n], the right class.
        rank: int64[n], how many classes came before the right one: 0 where the answer is right.
    """

    predicted: NDArray[np.int64]
    probability: NDArray[np.float32]
    target: NDArray[np.int64]
    rank: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.target)


@dataclass(frozen=True, eq=False)
class EvaluatedNumbers(Evaluated):
    """Of a regression, in the units of the data.

    Attributes:
        predicted: float64[n, k].
        target: float64[n, k], what is right.
    """

    predicted: NDArray[np.float64]
    target: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.target)


AnyEvaluated: TypeAlias = EvaluatedClasses | EvaluatedNumbers


def to_reading(evaluated: AnyEvaluated) -> ArrayReading | None:
    """The reading that a run keeps; None where there are too many examples to keep each of them."""
    columns: tuple[NDArray[Any], ...]
    meta: dict[str, str | int | float] = {"weights_of": evaluated.weights_of, "classes": 0}
    if math.isfinite(evaluated.loss):
        meta["loss"] = evaluated.loss
    if isinstance(evaluated, EvaluatedClasses):
        columns = (evaluated.predicted, evaluated.probability, evaluated.target, evaluated.rank)
        meta["classes"] = len(evaluated.names)
    else:
        columns = (*evaluated.predicted.T, *evaluated.target.T)
    if evaluated.outdated:
        meta["outdated"] = 1
    meta["names"] = _packed(evaluated.names)
    array = np.stack(columns, 1).astype(np.float32)
    if array.size > MOST_NUMBERS:
        return None
    array.flags.writeable = False
    return ArrayReading(EVALUATION.series(evaluated.split), evaluated.step, array, meta)


def from_reading(reading: object) -> AnyEvaluated | None:
    """What a run kept; None for anything else: a file may claim what it likes."""
    if not isinstance(reading, ArrayReading) or reading.array.ndim != 2 or reading.array.dtype != np.float32:
        return None
    split = EVALUATION.where(reading.series)
    if split is None:
        return None
    table, meta = reading.array, reading.meta
    classes = count_in(meta, "classes", 0)
    loss = meta.get("loss", math.nan)
    width = table.shape[1]
    if classes:
        if not 2 <= classes <= _MOST_CLASSES or width != 4:
            return None
    elif width == 0 or width % 2:
        return None
    common = (
        split,
        reading.step,
        count_in(meta, "weights_of", reading.step),
        float(loss) if isinstance(loss, (int, float)) else math.nan,
        _names(meta, classes or width // 2),
    )
    outdated = bool(count_in(meta, "outdated", 0))
    if not classes:
        numbers = table.astype(np.float64)
        return EvaluatedNumbers(*common, numbers[:, : width // 2], numbers[:, width // 2 :], outdated=outdated)
    whole = table[:, (0, 2, 3)]
    if not (np.isfinite(whole).all() and (whole == np.rint(whole)).all() and (np.abs(whole) < _EXACT).all()):
        return None
    predicted, target, rank = whole.astype(np.int64).T
    fits = ((predicted >= -1) & (predicted < classes) & (target >= 0) & (target < classes)).all()
    if not fits or not ((rank >= 0) & (rank <= classes)).all():
        return None
    return EvaluatedClasses(*common, predicted, table[:, 1], target, rank, outdated=outdated)


def same_answers(first: AnyEvaluated, second: AnyEvaluated) -> bool:
    """Whether two are of the same answers, where one may be marked as outdated."""
    if type(first) is not type(second):
        return False
    pairs = ((getattr(first, one.name), getattr(second, one.name)) for one in fields(first) if one.name != "outdated")
    return all(one == other if isinstance(one, (str, tuple)) else _same(one, other) for one, other in pairs)


def _same(one: NDArray[Any] | float, other: NDArray[Any] | float) -> bool:
    return np.array_equal(one, other, equal_nan=True)


def outdated(run: RunView, step: int) -> list[ArrayReading]:
    """The network becomes another one at this step: the evaluations of it that are kept, to say that of themselves."""
    found = (run.latest(name) for name in run.names(EVALUATION.prefix))
    return [
        replace(one, meta={**one.meta, "outdated": 1})
        for one in found
        if isinstance(one, ArrayReading) and one.step == step and not one.meta.get("outdated")
    ]


def numbered(names: Sequence[str], count: int) -> tuple[str, ...]:
    """``count`` names: those that are known, then numbers."""
    return (*names[:count], *(str(number) for number in range(len(names), count)))


def _packed(names: Sequence[str]) -> str:
    """As many of the names as there is room for."""
    kept = [name[:_LONGEST_NAME] for name in names]
    while len(text := msgspec.json.encode(kept).decode()) > _MOST_LETTERS:
        kept = kept[: len(kept) // 2]
    return text


def _names(meta: Mapping[str, str | int | float], count: int) -> tuple[str, ...]:
    try:
        found = msgspec.json.decode(str(meta.get("names", "")), type=list[str])
    except msgspec.MsgspecError:
        found = []
    cleaned = ["".join(letter if letter.isprintable() else " " for letter in name[:_LONGEST_NAME]) for name in found]
    return numbered(cleaned, count)
