"""A run in one SQLite file, written behind by a thread of its own.

Nothing that appends to the run ever waits for the disk: samples are put into a small heap, curves packed at 16 bytes a
point, and twice a second a thread writes the heap in one transaction. A slow disk makes arrays rarer; curves are never
thinned. A full disk is reported once; what waits is kept and tried again, and training goes on. Whenever the program
dies, even by ``kill -9``, the file opens and holds everything up to the last transaction.

Reading is in :mod:`nnviz.record.stored`; :func:`open_run` is given here too.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from threading import Condition, Thread

import msgspec

from nnviz.errors import StorageError
from nnviz.record import file_format as form
from nnviz.record.opening import checked_connection
from nnviz.record.pending import Pending, PendingCheckpoint
from nnviz.record.run import Run
from nnviz.record.samples import Sample
from nnviz.record.stored import StoredRun, open_run
from nnviz.record.tables import Tables

__all__ = ["RunWriter", "StoredRun", "open_run"]

_log = logging.getLogger(__name__)

#: Seconds between two transactions, and before a failed one is tried again.
INTERVAL = 0.5
RETRY_INTERVAL = 5.0
#: Bytes of arrays written a second at most, on average. Where all cores train, what this thread takes is taken from
#: the training: on two cores 12 MiB a second cost 7 % of it.
ARRAY_RATE = 2 * 2**20
#: Points that may wait while the disk does not take them (16 bytes each); beyond, writing is given up.
MOST_POINTS_WAITING = 2**24


class RunWriter:
    """Writes a run into a file while it grows.

    Args:
        run: What is written: all it holds now and all that comes.
        path: The file; it must not exist yet unless ``resume`` is given.
        on_error: Told once, on the writer's thread, when the file can no longer be written.
        resume: Go on with a run file. ``run`` must be what :meth:`StoredRun.to_run` made of it; what the file holds
            behind the run's last step is dropped.
        interval: Seconds between two transactions.

    Raises:
        StorageError: The file cannot be made.
        RunFileError: ``resume`` was asked for and the file is not a run.
    """

    def __init__(
        self,
        run: Run,
        path: Path | str,
        *,
        on_error: Callable[[StorageError], None] | None = None,
        resume: bool = False,
        interval: float = INTERVAL,
    ) -> None:
        self.path = Path(path).absolute()
        self.error: StorageError | None = None
        self._run = run
        self._on_error = on_error
        self._interval = interval
        self._changed = Condition()
        self._pending = Pending()
        self._closing = False
        self._asked = 0  # flushes asked for, and how many of them are done
        self._answered = 0
        self._failing = False
        self._busy = False  # a checkpoint is being written
        self._allowance = float(ARRAY_RATE)
        if resume:
            with checked_connection(self.path):  # refuses what is not a run before anything is written into it
                pass
            self._pending.rewind(run.last_step)
        else:
            _create(self.path, run)
        self._thread = Thread(target=self._work, name="nnviz-run-writer", daemon=True)
        run.attach(self, with_past=not resume)
        self._thread.start()

    # -- from any thread ----------------------------------------------------------------------------------------------

    def append(self, samples: Iterable[Sample]) -> None:
        """Put samples in the heap; called by the run."""
        with self._changed:
            if not self._closing:
                self._pending.add(samples)

    def rewind(self, step: int) -> None:
        """Training goes on from an earlier step; called by the run."""
        with self._changed:
            self._pending.rewind(step)

    def save_checkpoint(self, step: int, epoch: int, blobs: Mapping[str, bytes], tag: str = "") -> None:
        """Put a checkpoint in the queue.

        Args:
            step: Finished updates.
            epoch: Finished epochs.
            blobs: Bytes by name, such as safetensors of the weights. They are not copied: do not change them.
            tag: Such as ``best`` or ``last``; a later checkpoint of the same tag replaces it in the file.
        """
        with self._changed:
            if not self._closing and self.error is None:
                self._pending.add_checkpoint(PendingCheckpoint(step, epoch, tag, time.time(), dict(blobs)))
                self._changed.notify_all()

    @property
    def writing(self) -> bool:
        """Whether a checkpoint waits or is being written: another one would stand in memory beside it."""
        with self._changed:
            return self._busy or bool(self._pending.checkpoints)

    def flush(self, timeout: float = 30.0) -> bool:
        """Wait until everything is in the file; false when that did not happen in time."""
        with self._changed:
            self._asked += 1
            asked = self._asked
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._answered >= asked or not self._thread.is_alive(), timeout)
            return self._answered >= asked and not self._failing

    def close(self, timeout: float = 30.0) -> bool:
        """Write the rest and leave a single file; false when that could not be done in time. May be called twice."""
        self._run.detach(self)
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout)
        return not self._thread.is_alive() and self.error is None

    def __enter__(self) -> RunWriter:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # -- the writer's thread ------------------------------------------------------------------------------------------

    def _work(self) -> None:
        connection: sqlite3.Connection | None = None
        tables: Tables | None = None
        written_state = b""
        wait = self._interval
        refilled = time.monotonic()
        while True:
            with self._changed:
                self._changed.wait_for(self._is_urgent, wait)
                closing, asked = self._closing, self._asked
                now = time.monotonic()
                self._allowance = min(self._allowance + (now - refilled) * ARRAY_RATE, 2.0 * ARRAY_RATE)
                refilled = now
                batch, self._pending = self._pending, Pending()
                self._busy = bool(batch.checkpoints)
                if not closing and asked == self._answered:  # nobody waits: arrays get what the rate allows
                    self._hold_back(batch)
            state = self._state()
            failed = False
            try:
                if connection is None or tables is None:
                    connection = _connect(self.path)
                    tables = Tables(connection)
                if batch or state != written_state:
                    tables.write(batch, state)
                written_state, wait = state, self._interval
                batch = Pending()  # A checkpoint is large: it must not stay until the next one comes.
                self._busy = False
            except Exception as error:  # noqa: BLE001  # whatever it is must be told: a silent thread helps nobody
                failed = True
                self._report(error)
                if connection is not None:
                    connection.close()
                connection = tables = None
                wait = RETRY_INTERVAL
                give_up = (
                    closing or not isinstance(error, (sqlite3.Error, OSError, MemoryError)) or not self._keep(batch)
                )
                if give_up:
                    break
            with self._changed:
                self._answered, self._failing = asked, failed
                self._changed.notify_all()
            if closing:
                break
        self._run.detach(self)
        if connection is not None:
            _finish(connection)
        with self._changed:
            self._closing = True
            self._pending = Pending()
            self._changed.notify_all()

    def _is_urgent(self) -> bool:
        if self._closing or self._asked > self._answered:
            return True
        return bool(self._pending.checkpoints) and self.error is None

    def _hold_back(self, batch: Pending) -> None:
        """Leave the arrays that the rate does not allow waiting."""
        taken = batch.take_snapshots(self._allowance) if self._allowance > 0 else {}
        self._pending.snapshots, batch.snapshots = batch.snapshots, taken
        self._allowance -= sum(waiting.nbytes for waiting in taken.values())

    def _keep(self, batch: Pending) -> bool:
        """Put back what could not be written; false when too much waits by now."""
        with self._changed:
            batch.follow_with(self._pending)
            self._pending = batch
            return batch.point_count <= MOST_POINTS_WAITING

    def _state(self) -> bytes:
        run = self._run
        return msgspec.json.encode({"state": run.state, "finished": run.finished, "last_step": run.last_step})

    def _report(self, error: Exception) -> None:
        if self.error is not None:
            return
        self.error = _storage_error(self.path, error)
        _log.warning("%s", self.error)
        if self._on_error is not None:
            try:
                self._on_error(self.error)
            except Exception:  # noqa: BLE001  # a listener's mistake must not end the writing
                _log.exception("a listener failed")


def _create(path: Path, run: Run) -> None:
    """Make the file whole under another name and put it in place: it is never seen half made."""
    if path.exists():
        raise StorageError(f"{path} exists already: choose another name for the run, or remove it.")
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.unlink(missing_ok=True)
        connection = sqlite3.connect(beside, isolation_level=None)
        try:
            connection.execute("PRAGMA page_size = 8192")
            connection.execute(f"PRAGMA application_id = {form.APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {form.VERSION}")
            connection.execute("BEGIN")
            for statement in form.SCHEMA:
                connection.execute(statement)
            info = msgspec.structs.replace(run.info, project_json=b"")
            facts = {
                "info": msgspec.json.encode(info),
                "project": run.info.project_json,
                "state": b"{}",
                "rewinds": b"0",
            }
            connection.executemany("INSERT INTO facts VALUES (?, ?)", facts.items())
            connection.execute("COMMIT")
        finally:
            connection.close()
        beside.replace(path)
    except (sqlite3.Error, OSError) as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise _storage_error(path, error) from error


def _connect(path: Path) -> sqlite3.Connection:
    if not path.exists():
        raise FileNotFoundError(f"{path} was moved or removed")
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _finish(connection: sqlite3.Connection) -> None:
    """One file is left. Not while somebody still reads it: then the log stays beside it, and nothing is lost."""
    with contextlib.suppress(sqlite3.Error):
        connection.execute("PRAGMA busy_timeout = 500")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()


def _storage_error(path: Path, error: Exception) -> StorageError:
    reason = str(error).rstrip(".") or type(error).__name__
    if "full" in reason:
        reason = "the disk is full"
    return StorageError(f"The run cannot be written to {path}: {reason}. Training goes on; it is kept in memory.")
