"""Writes batches of readings into the tables of a run's file. Used by one thread, the writer's."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nnviz.record import file_format as form
from nnviz.record.pending import Pending, PendingCheckpoint
from nnviz.record.readings import ArrayReading, Finding, Histogram
from nnviz.record.series import Snapshots, thin_to

_log = logging.getLogger(__name__)

#: Points after which the small rows of a curve are joined into one.
SEALED_POINTS = 1024
#: Snapshots kept of one array series in the file, and the bytes that all arrays may take there.
FILE_SNAPSHOTS = 256
FILE_BYTES = 512 * 2**20


@dataclass(slots=True)
class _Tail:
    """The end of a curve that is not sealed yet: its small rows and their points."""

    rows: list[int] = field(default_factory=list)
    steps: list[NDArray[np.int64]] = field(default_factory=list)
    values: list[NDArray[np.float64]] = field(default_factory=list)
    last_step: int = -(2**62)

    @property
    def count(self) -> int:
        return sum(map(len, self.steps))


class Tables:
    """What the writer has to remember of the file. After an error it must be made anew.

    Args:
        connection: Without a transaction of its own (``isolation_level=None``).
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._series: dict[str, int] = {}
        self._tails: dict[int, _Tail] = {}
        self._snapshots: dict[int, Snapshots[int]] = {}
        #: Parts of checkpoints that the run keeps once, by name, as far as they were looked for.
        self._kept_once: dict[str, bytes | None] = {}
        for name, number in connection.execute("SELECT name, id FROM series"):
            self._series[name] = number
        self._load()

    def write(self, batch: Pending, state: bytes) -> None:
        """Write everything that waits, or nothing.

        Raises:
            sqlite3.Error: It could not be written.
        """
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            if batch.rewound_to is not None:
                self._rewind(batch.rewound_to)
            for name, points in batch.points.items():
                if points.steps:
                    self._write_points(name, *points.arrays())
            for name, waiting in batch.snapshots.items():
                self._write_snapshots(name, waiting.items)
            self._thin()
            for finding in batch.findings:
                self._write_finding(finding)
            for checkpoint in batch.checkpoints:
                self._write_checkpoint(checkpoint)
            execute("UPDATE facts SET value = ? WHERE name = 'state' AND value <> ?", (state, state))
            execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                execute("ROLLBACK")
            raise

    # -- curves -------------------------------------------------------------------------------------------------------

    def _write_points(self, name: str, steps: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        series = self._number(name, form.SCALAR)
        tail = self._tails.setdefault(series, _Tail())
        if steps[0] <= tail.last_step:
            self._cut_curve(series, int(steps[0]) - 1)
            self._count_rewind()
            tail = self._tails[series]
        tail.steps.append(steps)
        tail.values.append(values)
        tail.last_step = int(steps[-1])
        if tail.count < SEALED_POINTS:
            tail.rows.append(self._insert_points(series, steps, values))
            return
        all_steps, all_values = np.concatenate(tail.steps), np.concatenate(tail.values)
        for start in range(0, len(all_steps), form.MOST_POINTS):
            part = slice(start, start + form.MOST_POINTS)
            self._insert_points(series, all_steps[part], all_values[part])
        # Only now: a row that replaces others always has a higher number, so a reader that follows sees it as new.
        self._connection.executemany("DELETE FROM scalars WHERE id = ?", [(row,) for row in tail.rows])
        self._tails[series] = _Tail(last_step=tail.last_step)

    def _insert_points(self, series: int, steps: NDArray[np.int64], values: NDArray[np.float64]) -> int:
        codec, data = form.pack_scalars(steps, values)
        cursor = self._connection.execute(
            "INSERT INTO scalars(series, first_step, last_step, count, codec, data) VALUES (?, ?, ?, ?, ?, ?)",
            (series, int(steps[0]), int(steps[-1]), len(steps), codec, data),
        )
        return int(cursor.lastrowid or 0)

    def _cut_curve(self, series: int, step: int) -> None:
        """Drop the points of a curve behind a step."""
        rows = self._connection.execute(
            "SELECT id, codec, count, data FROM scalars WHERE series = ? AND last_step > ? ORDER BY first_step",
            (series, step),
        ).fetchall()
        kept = []
        for row, codec, count, data in rows:
            steps, values = form.unpack_scalars(codec, count, data)
            keep = int(np.searchsorted(steps, step, side="right"))
            self._connection.execute("DELETE FROM scalars WHERE id = ?", (row,))
            if keep:
                kept.append((steps[:keep], values[:keep]))
        for steps, values in kept:
            self._insert_points(series, steps, values)
        self._tails[series] = self._loaded_tail(series)

    # -- arrays -------------------------------------------------------------------------------------------------------

    def _write_snapshots(self, name: str, readings: Sequence[ArrayReading | Histogram]) -> None:
        series = self._number(name, form.SNAPSHOT)
        kept = self._snapshots.setdefault(series, Snapshots(FILE_SNAPSHOTS))
        for reading in readings:
            try:
                codec, dtype, shape, meta, data = form.pack_reading(reading)
            except ValueError as error:  # one odd reading must not cost the others
                _log.warning("%s", error)
                continue
            row = self._connection.execute(
                "INSERT INTO arrays(series, step, size, codec, dtype, shape, meta, data) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (series, reading.step, len(data), codec, dtype, shape, meta, data),
            ).lastrowid
            self._drop(kept.add(reading.step, int(row or 0), len(data)))

    def _thin(self) -> None:
        before = {series: set(kept.items) for series, kept in self._snapshots.items()} if self._too_large() else {}
        if before:
            thin_to(FILE_BYTES, self._snapshots.values())
            for series, rows in before.items():
                self._drop(list(rows - set(self._snapshots[series].items)))

    def _too_large(self) -> bool:
        return sum(kept.nbytes for kept in self._snapshots.values()) > FILE_BYTES

    def _drop(self, rows: list[int]) -> None:
        self._connection.executemany("DELETE FROM arrays WHERE id = ?", [(row,) for row in rows])

    # -- the rest -----------------------------------------------------------------------------------------------------

    def _write_finding(self, finding: Finding) -> None:
        series = self._number(finding.series, form.FINDING)
        self._connection.execute("DELETE FROM findings WHERE series = ? AND step >= ?", (series, finding.step))
        self._connection.execute(
            "INSERT INTO findings(series, step, content) VALUES (?, ?, ?)",
            (series, finding.step, form.pack_finding(finding)),
        )

    def _write_checkpoint(self, checkpoint: PendingCheckpoint) -> None:
        execute = self._connection.execute
        if checkpoint.tag:
            execute(
                "DELETE FROM blobs WHERE checkpoint IN (SELECT id FROM checkpoints WHERE tag = ?)", (checkpoint.tag,)
            )
            execute("DELETE FROM checkpoints WHERE tag = ?", (checkpoint.tag,))
        number = execute(
            "INSERT INTO checkpoints(step, epoch, tag, created) VALUES (?, ?, ?, ?)",
            (checkpoint.step, checkpoint.epoch, checkpoint.tag, checkpoint.created),
        ).lastrowid
        for name, blob in checkpoint.blobs.items():
            if name not in form.KEPT_ONCE or not self._is_kept_once(name, blob):
                self._write_blob(int(number or 0), name, blob)

    def _write_blob(self, checkpoint: int, name: str, blob: bytes) -> None:
        for part, start in enumerate(range(0, max(len(blob), 1), form.PART_BYTES)):
            self._connection.execute(
                "INSERT INTO blobs(checkpoint, name, part, data) VALUES (?, ?, ?, ?)",
                (checkpoint, name, part, memoryview(blob)[start : start + form.PART_BYTES]),
            )

    def _is_kept_once(self, name: str, blob: bytes) -> bool:
        """Whether the run keeps this very part, by now; where it keeps another, each checkpoint has its own."""
        if name not in self._kept_once:
            found = self._connection.execute(
                "SELECT data FROM blobs WHERE checkpoint = ? AND name = ? ORDER BY part LIMIT 2",
                (form.OF_THE_RUN, name),
            ).fetchall()
            if not found and len(blob) <= form.MOST_KEPT_ONCE:
                self._write_blob(form.OF_THE_RUN, name, blob)
                found = [(blob,)]
            self._kept_once[name] = found[0][0] if len(found) == 1 else None
        return self._kept_once[name] == blob

    def _rewind(self, step: int) -> None:
        execute = self._connection.execute
        behind = [row[0] for row in execute("SELECT DISTINCT series FROM scalars WHERE last_step > ?", (step,))]
        for series in behind:
            self._cut_curve(series, step)
        execute("DELETE FROM arrays WHERE step > ?", (step,))
        execute("DELETE FROM findings WHERE step > ?", (step,))
        execute("DELETE FROM blobs WHERE checkpoint IN (SELECT id FROM checkpoints WHERE step > ?)", (step,))
        execute("DELETE FROM checkpoints WHERE step > ?", (step,))
        for kept in self._snapshots.values():
            kept.cut(step)
        self._count_rewind()

    def _count_rewind(self) -> None:
        """Tells readers that what they know may no longer hold."""
        self._connection.execute(
            "UPDATE facts SET value = CAST(CAST(value AS TEXT) + 1 AS BLOB) WHERE name = 'rewinds'"
        )

    def _number(self, name: str, kind: str) -> int:
        number = self._series.get(name)
        if number is None:
            row = self._connection.execute("INSERT INTO series(name, kind) VALUES (?, ?)", (name, kind)).lastrowid
            number = self._series[name] = int(row or 0)
        return number

    def _load(self) -> None:
        for (series,) in self._connection.execute("SELECT DISTINCT series FROM scalars").fetchall():
            self._tails[series] = self._loaded_tail(series)
        rows = self._connection.execute("SELECT series, step, id, size FROM arrays ORDER BY series, step")
        for series, step, row, size in rows:
            self._snapshots.setdefault(series, Snapshots(FILE_SNAPSHOTS)).add(step, row, size)

    def _loaded_tail(self, series: int) -> _Tail:
        """The small rows at the end of a curve."""
        tail = _Tail()
        rows = self._connection.execute(
            "SELECT id, last_step, codec, count, data FROM scalars WHERE series = ? ORDER BY first_step DESC", (series,)
        )
        for row, last_step, codec, count, data in rows:
            tail.last_step = max(tail.last_step, last_step)
            if count >= SEALED_POINTS or tail.count + count > 2 * SEALED_POINTS:
                break
            steps, values = form.unpack_scalars(codec, count, data)
            tail.rows.append(row)
            tail.steps.insert(0, steps)
            tail.values.insert(0, values)
        return tail
