"""Examples that stand in more than one split: what is measured on them says nothing of new ones. numpy only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from nnviz.data.streamed import StreamedArray

_Inputs: TypeAlias = "NDArray[Any] | StreamedArray"
#: Examples that are looked at together.
_TOGETHER = 1024


@dataclass(frozen=True)
class Leaks:
    """How many examples of the splits that measure have the very content of one in another split.

    Attributes:
        validation: Validation examples that are trained on as well, and how many validation examples there are.
        test: Test examples that are also in the training or the validation split, likewise.
    """

    validation: tuple[int, int] = (0, 0)
    test: tuple[int, int] = (0, 0)

    def __bool__(self) -> bool:
        return bool(self.validation[0] or self.test[0])

    def describe(self) -> str:
        """The sentence about them; empty where there are none."""
        parts = []
        for name, (found, total), where in (
            ("validation", self.validation, "trained on as well"),
            ("test", self.test, "also in another split"),
        ):
            if found:
                parts.append(f"{found:,} of {total:,} {name} examples {'is' if found == 1 else 'are'} {where}")
        return f"{', and '.join(parts)}: they are equal to the last bit." if parts else ""


def leaks(train: _Inputs, validation: _Inputs, test: _Inputs) -> Leaks:
    """Counts the examples that are equal to one of another split, by their content (targets aside).

    Args:
        train: Inputs [n, …]; the others of the same type.
        validation: Likewise.
        test: Likewise.
    """
    trained, held_back, tested = (
        np.fromiter(_contents(inputs), np.int64, len(inputs)) for inputs in (train, validation, test)
    )
    found = int(np.isin(held_back, trained).sum())
    tested_too = int(np.isin(tested, np.concatenate([trained, held_back])).sum())
    return Leaks((found, len(validation)), (tested_too, len(test)))


def _contents(inputs: _Inputs) -> Iterator[int]:
    """A number of 64 bits for the content of each example; different ones share it once in 10^19 pairs."""
    for first in range(0, len(inputs), _TOGETHER):
        part = np.ascontiguousarray(inputs[first : first + _TOGETHER])
        rows = part.reshape(len(part), -1)
        if rows.dtype.kind == "f":
            rows = rows + 0.0  # −0 equals 0
        yield from (hash(row.tobytes()) for row in rows)
