"""A run from a file for those who show it: what cannot be read is missing and named, and nothing is raised.

Curves and arrays are read from the file when they are looked at, which may be in the middle of painting; the file may
be damaged in one place only, or be cut off or written over while it is followed. Here that becomes a state of the one
series: it is empty, and :attr:`TolerantRun.damaged` says so. All other series are as they are in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from nnviz.errors import RunFileError
from nnviz.record.quantities import CHANGE
from nnviz.record.readings import Finding, Reading
from nnviz.record.run import Changes, RunInfo, sorted_findings
from nnviz.record.stored import StoredRun, open_run

_Answer = TypeVar("_Answer")


def open_tolerantly(path: Path | str) -> TolerantRun:
    """Open a run file to show it.

    Raises:
        RunFileError: It is missing, is not a run, cannot be read at all, or comes from a newer nnviz.
    """
    stored = open_run(path)
    return TolerantRun(stored, growing=stored.growing)


class TolerantRun:
    """The reading half of a run, from its file, that never raises. Any thread may read.

    Args:
        stored: What is read; it is closed with this one.
        growing: Whether somebody writes it.

    Attributes:
        growing: The same, as of the last :meth:`refresh`. What was not brought to its end need not grow.
    """

    def __init__(self, stored: StoredRun, *, growing: bool) -> None:
        self._stored = stored
        self.growing = growing
        # Replaced, never changed: other threads read them. What failed is not tried again thirty times a second; a
        # curve that was loaded before its file broke is still there when its single points cannot be read any more.
        self._damaged: Mapping[str, str] = dict(stored.damaged)
        self._failed: frozenset[tuple[str, str]] = frozenset()

    @property
    def path(self) -> Path:
        """The file."""
        return self._stored.path

    @property
    def damaged(self) -> Mapping[str, str]:
        """Series that turned out to be damaged, and why; the others may not have been looked at yet."""
        return self._damaged

    @property
    def info(self) -> RunInfo:
        """What it is a run of."""
        return self._stored.info

    @property
    def state(self) -> str:
        """State of the session behind it when it last wrote."""
        return self._stored.state

    @property
    def finished(self) -> bool:
        """Whether the run was brought to its end."""
        return self._stored.finished

    @property
    def last_step(self) -> int:
        """The highest step of any reading; -1 before the first."""
        return self._stored.last_step

    def read_since(self, cursor: int) -> Changes:
        """Which series changed since the cursor, as far as :meth:`refresh` took it in."""
        return self._stored.read_since(cursor)

    def names(self, prefix: str = "") -> list[str]:
        """Names of the series that begin so, in the order in which they appeared; damaged ones are among them."""
        return self._stored.names(prefix)

    def scalars(self, series: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Steps and values of a curve; empty where it is damaged."""
        nothing = np.empty(0, np.int64), np.empty(0, np.float64)
        return self._read("curve", series, lambda: self._stored.scalars(series), nothing)

    def latest(self, series: str, step: int | None = None) -> Reading | None:
        """The newest reading of a series, or the newest that is not behind the step; None where it is damaged."""
        return self._read("reading", series, lambda: self._stored.latest(series, step), None)

    def at(self, step: int) -> Mapping[str, Reading]:
        """What every series showed at a step."""
        found = ((name, self.latest(name, step)) for name in self.names())
        return {name: reading for name, reading in found if reading is not None}

    def findings(self, step: int | None = None) -> tuple[Finding, ...]:
        """What holds (or held at that step), the worst first; damaged ones are left out."""
        try:
            return self._stored.findings(step)
        except RunFileError:
            found = (self.latest(name, step) for name in self._stored.finding_names())
            return sorted_findings(one for one in found if isinstance(one, Finding))

    def events(self) -> tuple[Finding, ...]:
        """What was changed by hand while it trained; nothing where that is damaged."""
        return self._read("events", CHANGE.prefix, self._stored.events, ())

    def refresh(self) -> bool:
        """Take in what was written since; true if anything was.

        Raises:
            RunFileError: It cannot be read now, or the file was removed or replaced; what was read before is kept.
        """
        grown = self._stored.refresh()
        if grown:
            # What was damaged may have been written anew.
            self._damaged, self._failed = dict(self._stored.damaged), frozenset()
        self.growing = not self.finished and (grown or self._stored.growing)
        return grown

    def close(self) -> None:
        """Let go of the file, once nobody reads in it: for a thread that may wait."""
        self._stored.close()

    def _read(self, what: str, series: str, read: Callable[[], _Answer], otherwise: _Answer) -> _Answer:
        if (what, series) in self._failed:
            return otherwise
        try:
            return read()
        except RunFileError as error:
            self._failed |= {(what, series)}
            self._damaged = {**self._damaged, series: error.message}
            return otherwise
