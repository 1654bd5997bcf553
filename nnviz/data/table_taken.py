"""A table as the network gets it: in memory, or made once and then read from the disk, with what was told about it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from nnviz.data.findings import Findings
from nnviz.data.row_blocks import RowBlocks
from nnviz.data.row_store import root, together
from nnviz.data.sources.source import ColumnFacts, ReadInputs
from nnviz.data.table_columns import Understood
from nnviz.data.table_recipe import Recipe
from nnviz.project.model import DataFacts

#: (what has been done, of how much): may raise Cancelled.
Report: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Taken:
    """A table as the network gets it.

    Attributes:
        inputs: float32[n, features]; NaN where a number is missing.
        targets: int64[n] classes, or float32[n, 1].
        data: Shape, targets, classes, names of the features.
        columns: What was made of every column of the file.
        notes, warnings: As in ``SourceFacts``.
        recipes: Of each column that comes in, in the order of its features.
        decimal: As in ``FileTable``.
    """

    inputs: ReadInputs
    targets: NDArray[Any]
    data: DataFacts
    columns: tuple[ColumnFacts, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    recipes: tuple[Recipe, ...] = ()
    decimal: str = "point"

    @property
    def bytes(self) -> int:
        """Memory that the arrays take."""
        return int(self.targets.nbytes) + (self.inputs.nbytes if isinstance(self.inputs, np.ndarray) else 0)


class _About(msgspec.Struct, frozen=True):
    """What is known of a table on the disk without its file: all but the numbers."""

    rows: tuple[int, int]
    targets: tuple[tuple[int, ...], str]
    data: DataFacts
    columns: tuple[ColumnFacts, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    recipes: tuple[Recipe, ...]
    decimal: str


def in_memory(found: Understood, report: Report) -> Taken:
    """The table with its numbers in memory.

    Args:
        found: How it was understood.
        report: Told (rows done, of how many); what it raises ends the work.
    """
    count = found.rows.shape[0]
    return _taken(found, found.rows.in_memory(lambda done: report(done, count)), found.targets)


def on_disk(found: Understood, state: str, report: Report) -> Taken:
    """The table with its inputs on the disk: made once, and from then on only :func:`opened`.

    Args:
        found: How it was understood.
        state: Says which file it is, in which state, and how it is read and taken.
        report: As of :func:`in_memory`; what is broken off by it goes on next time with what was left.

    Raises:
        StorageError: The disk has no room for it, or cannot be written.
    """
    rows, targets = found.rows, found.targets
    with together():
        inputs = rows.on_disk(lambda done: report(done, rows.shape[0]))
        RowBlocks.of(_of_targets(state), targets).on_disk(lambda done: report(rows.shape[0], rows.shape[0]))
    data = msgspec.structs.replace(found.data, streamed=True)
    about = _About((rows.shape[0], rows.shape[1]), (targets.shape, targets.dtype.str), data, found.columns, found.notes,
                   found.warnings, found.recipes, found.decimal)  # fmt: skip
    _kept(state).put("about", msgspec.json.encode((rows.state, about)))
    return _taken(found, inputs, targets, data)


def opened(state: str) -> Taken | None:
    """A table that was brought to the disk, without a look into its file; None where it was not, or is not whole.

    Args:
        state: As of :func:`on_disk`.
    """
    kept = _kept(state).get("about")
    try:
        if kept is None:
            return None
        key, about = msgspec.json.decode(kept, type=tuple[str, _About])
        shape, kind = about.targets
        if kind not in ("<f4", "<i8") or not 1 <= len(shape) <= 2 or min(*shape, *about.rows) < 1:
            return None
    except msgspec.MsgspecError:  # it is not what was kept
        return None
    inputs = RowBlocks(key, about.rows, np.dtype(np.float32), _nothing).opened()
    targets = RowBlocks(_of_targets(state), shape, np.dtype(kind), _nothing).opened()
    if inputs is None or targets is None:
        return None
    return _taken(about, inputs, targets[:])


def _taken(
    found: Understood | _About, inputs: ReadInputs, targets: NDArray[Any], data: DataFacts | None = None
) -> Taken:
    return Taken(
        inputs, targets, data or found.data, found.columns, found.notes, found.warnings, found.recipes, found.decimal
    )


def _nothing(first: int) -> Iterator[NDArray[Any]]:
    return iter(())


def _of_targets(state: str) -> str:
    return f"targets of a table 1 {state}"


def _kept(state: str) -> Findings:
    name = hashlib.sha256(f"table 1 {state}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return Findings(root() / f"{name}.json", state)
