"""Which state of a run is gone on from, where the newest cannot be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from nnviz.errors import DamagedRun, RunFileError
from nnviz.record import file_format as form
from nnviz.record.readings import Scalar
from nnviz.record.run import Run, RunInfo
from nnviz.record.store import RunWriter
from nnviz.record.stored import StoredRun
from nnviz.train.newest_state import newest_state


class Failing(StoredRun):
    """Says this of the parts of the newest checkpoint."""

    error: Exception | None = None

    def _rows(
        self, statement: str, types: Sequence[type], values: Sequence[int | str] = (), most: int = 10**8
    ) -> Iterator[tuple[Any, ...]]:
        if statement.startswith("SELECT name, part") and self.error is not None:
            error, self.error = self.error, None
            raise error
        return super()._rows(statement, types, values, most)


def told_by_sqlite(kind: type[sqlite3.Error], code: int) -> sqlite3.Error:
    error = kind("told by SQLite")
    error.sqlite_errorcode = code
    return error


DAMAGE = (
    told_by_sqlite(sqlite3.DatabaseError, sqlite3.SQLITE_CORRUPT),
    told_by_sqlite(sqlite3.DatabaseError, sqlite3.SQLITE_NOTADB),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no text"),
    form.damaged("a table"),
)
NOT_NOW = (
    told_by_sqlite(sqlite3.OperationalError, sqlite3.SQLITE_IOERR),
    told_by_sqlite(sqlite3.OperationalError, sqlite3.SQLITE_BUSY),
    sqlite3.ProgrammingError("Cannot operate on a closed database."),
    MemoryError(),
    RunFileError("The run file was removed or replaced since it was opened."),
)


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Failing]:
    run, path = Run(RunInfo()), tmp_path / "run.nnvizrun"
    with RunWriter(run, path) as writer:
        for step in (1, 2):
            run.append([Scalar("loss/train", step, 1.0)])
            # Of a later version, of which only that can be said.
            header = b'{"version":99,"progress":{"step":%d}}' % step
            writer.save_checkpoint(step, step, {"header": header}, f"epoch {step}")
            writer.flush()
    with Failing(path) as opened:
        yield opened


def test_one_that_is_damaged_is_passed_over_and_one_that_cannot_be_read_now_is_not(stored: Failing) -> None:
    for damage in DAMAGE:
        stored.error = damage
        found = newest_state(stored)
        assert found is not None and (found.step, found.damaged) == (1, (2,)), damage
    for error in NOT_NOW:
        stored.error = error
        with pytest.raises(RunFileError) as raised:
            newest_state(stored)
        assert not isinstance(raised.value, DamagedRun) and raised.value.file == str(stored.path), error
    assert (found := newest_state(stored)) is not None and found.step == 2
