"""A table as the network gets it: in memory, or made once and then read from the disk, with what was told about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from nnviz.data.findings import Findings
from nnviz.data.room_for_rows import together
from nnviz.data.row_blocks import RowBlocks
from nnviz.data.row_store import findings_of
from nnviz.data.sources.source import ReadInputs
from nnviz.data.table_columns import Understood
from nnviz.data.table_facts import TableFacts
from nnviz.data.table_of_file import Report


@dataclass(frozen=True, eq=False)
class Taken:
    """A table as the network gets it.

    Attributes:
        inputs: float32[n, features]; NaN where a number is missing.
        targets: int64[n] classes, or float32[n, 1].
        facts: All else that is known of it.
    """

    inputs: ReadInputs
    targets: NDArray[Any]
    facts: TableFacts

    @property
    def bytes(self) -> int:
        """Memory that the arrays take."""
        return int(self.targets.nbytes) + (self.inputs.nbytes if isinstance(self.inputs, np.ndarray) else 0)


class _About(msgspec.Struct, frozen=True):
    """What is known of a table on the disk without its file: all but the numbers."""

    rows: tuple[int, int]
    targets: tuple[tuple[int, ...], str]
    facts: TableFacts


def in_memory(found: Understood, report: Report) -> Taken:
    """The table with its numbers in memory.

    Args:
        found: How it was understood.
        report: Told (rows done, of how many); what it raises ends the work.
    """
    count = found.rows.shape[0]
    return Taken(found.rows.in_memory(lambda done: report(done, count)), found.targets, found.facts)


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
    facts = replace(found.facts, data=msgspec.structs.replace(found.facts.data, streamed=True))
    about = _About((rows.shape[0], rows.shape[1]), (targets.shape, targets.dtype.str), facts)
    _kept(state).put("about", msgspec.json.encode((rows.state, about)))
    return Taken(inputs, targets, facts)


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
    return Taken(inputs, targets[:], about.facts)


def _nothing(first: int) -> Iterator[NDArray[Any]]:
    return iter(())


def _of_targets(state: str) -> str:
    return f"targets of a table 1 {state}"


def _kept(state: str) -> Findings:
    return findings_of(f"table 1 {state}", state)
