"""A run in one SQLite file, written behind by a thread of its own.

Nothing that appends to the run ever waits for the disk: readings are put into a small heap, curves packed at 16 bytes a
point, and twice a second a thread writes the heap in one transaction. A slow disk makes arrays rarer; curves are never
thinned. A full disk is reported once; what waits is kept and tried again, and training goes on; where it stays full,
the run goes on on another disk (:mod:`nnviz.record.other_disk`). Whenever the program dies, even by ``kill -9``, the
file opens and holds everything up to the last transaction.

A file has one writer (:mod:`nnviz.record.run_lock`). One that is removed, moved, replaced or overwritten meanwhile is
noticed before the next transaction, and the run is written anew beside it (:mod:`nnviz.record.anew`).

Reading is in :mod:`nnviz.record.stored`; :func:`open_run` is given here too.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, wait
from pathlib import Path
from threading import Condition, Thread

import msgspec

from nnviz.errors import StorageError
from nnviz.record.anew import Content, WrittenAnew, write_anew, write_copy, write_on_another_disk
from nnviz.record.opening import checked_connection
from nnviz.record.other_disk import Trouble
from nnviz.record.pending import Pending, PendingCheckpoint
from nnviz.record.places import new_run_paths, runs_folder
from nnviz.record.readings import Reading
from nnviz.record.run import Run
from nnviz.record.run_file import RunFile, RunFileExists, is_damage
from nnviz.record.run_lock import RunFileBusy, RunLock, clear_locks
from nnviz.record.stored import StoredRun, open_run

__all__ = ["RunFileBusy", "RunFileExists", "RunLock", "RunWriter", "StoredRun", "open_run", "write_among_kept"]

_log = logging.getLogger(__name__)

#: Seconds between two transactions, and before a failed one is tried again.
INTERVAL = 0.5
RETRY_INTERVAL = 5.0
#: Bytes of arrays written a second at most, on average. Where all cores train, what this thread takes is taken from
#: the training: on two cores 12 MiB a second cost 7 % of it.
ARRAY_RATE = 2 * 2**20
#: Points that may wait while the disk does not take them (16 bytes each); beyond, writing is given up.
MOST_POINTS_WAITING = 2**24
#: Seconds between two looks at whether the thread still lives that somebody waits for.
_LOOK_EVERY = 1.0
#: Bytes of the last checkpoint that are held, in case the file is lost; a larger one comes again soon enough.
CHECKPOINT_HELD = 64 * 2**20


def write_among_kept(run: Run, *, on_error: Callable[[StorageError], None] | None = None) -> RunWriter:
    """A writer into a new file in the folder of kept runs.

    Raises:
        StorageError: The file cannot be made.
    """
    clear_locks(runs_folder())
    for path in new_run_paths(run.info.title):
        try:
            return RunWriter(run, path, on_error=on_error)
        except (RunFileExists, RunFileBusy):  # another window was faster
            continue
    raise StorageError(f"{runs_folder()} has no name left for a run.")


class RunWriter:
    """Writes a run into a file while it grows.

    Args:
        run: What is written: all it holds now and all that comes.
        path: The file; it must not exist yet unless ``resume`` is given.
        on_error: Told on the writer's thread, each thing once, when the file cannot be written, and when it was lost,
            or its disk stays full, and the run is written anew elsewhere.
        resume: Go on with a run file. ``run`` must be what :meth:`StoredRun.to_run` made of it; what the file holds
            behind the run's last step is dropped.
        lock: The lock of ``path``, where it is held already; it is the writer's from now on.
        held: Write nothing before :meth:`begin`: what comes until then waits, and a file that is gone on with only
            afterwards is left as it is.
        interval: Seconds between two transactions.

    Attributes:
        path: The file that is written. Another one once that was lost, or its disk stayed full.
        error: Why it cannot be written at the moment.
        complete: After the end: whether the file holds all that the run was given.
        kept: After the end: the file that holds the run, or what could be kept of it; None where there is none.

    Raises:
        StorageError: The file cannot be made, or somebody else writes it.
        RunFileError: ``resume`` was asked for and the file is not a run.
    """

    def __init__(
        self,
        run: Run,
        path: Path | str,
        *,
        on_error: Callable[[StorageError], None] | None = None,
        resume: bool = False,
        lock: RunLock | None = None,
        held: bool = False,
        interval: float = INTERVAL,
    ) -> None:
        self.path = Path(path).absolute()
        if resume and self.path.is_symlink():  # the lock lies beside the file itself
            self.path = self.path.resolve()
        self.error: StorageError | None = None
        self.complete = False
        self.kept: Path | None = None
        self._run = run
        self._on_error = on_error
        self._interval = interval
        self._changed = Condition()
        self._pending = Pending()
        self._closing = self._discarding = False
        self._held = held
        self._asked = 0  # flushes asked for, and how many of them are done
        self._answered = 0
        self._failing = False
        self._busy = False  # a checkpoint is being written
        self._trouble = Trouble()
        self._allowance = float(ARRAY_RATE)
        self._told: set[str] = set()
        self._thinned = False
        self._checkpoint: PendingCheckpoint | None = None  # the last one, if it is small enough to be held
        self._checkpoint_missing = False
        self._had_checkpoint = resume
        #: Copies that somebody waits for, and whether the thread takes none any more.
        self._copies: list[tuple[Path, Future[bool]]] = []
        self._over = False
        self._file = _open(self.path, run, lock, resume)
        if resume:
            self._pending.rewind(run.last_step)
        self._thread = Thread(target=self._work, name="nnviz-run-writer", daemon=True)
        run.attach(self, with_past=not resume)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether it still has to do with the file."""
        return self._thread.is_alive()

    # -- from any thread ----------------------------------------------------------------------------------------------

    def append(self, readings: Iterable[Reading]) -> None:
        """Put readings in the heap; called by the run."""
        with self._changed:
            if not self._closing:
                self._pending.add(readings)

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
        checkpoint = PendingCheckpoint(step, epoch, tag, time.time(), dict(blobs))
        with self._changed:
            if not self._closing:
                if self._failing:  # only the newest waits for a disk that takes nothing: they are large
                    self._pending.checkpoints.clear()
                self._pending.add_checkpoint(checkpoint)
                self._changed.notify_all()

    def begin(self) -> None:
        """Write from now on; what waits comes first."""
        with self._changed:
            self._held = False
            self._changed.notify_all()

    @property
    def held(self) -> bool:
        """Whether nothing is written before :meth:`begin`."""
        with self._changed:
            return self._held

    @property
    def writing(self) -> bool:
        """Whether a checkpoint waits or is being written: another one would stand in memory beside it."""
        with self._changed:
            return self._busy or bool(self._pending.checkpoints)

    def withdraw_checkpoints(self) -> bool:
        """Let go of the checkpoints that wait and are not being written yet: a newer one is about to take their place.

        Returns:
            Whether there were any.
        """
        with self._changed:
            waited = bool(self._pending.checkpoints)
            self._pending.checkpoints.clear()
            return waited

    def flush(self, timeout: float = 30.0) -> bool:
        """Wait until everything is in the file; false when that did not happen in time."""
        with self._changed:
            self._asked += 1
            asked = self._asked
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._answered >= asked or not self._thread.is_alive(), timeout)
            return self._answered >= asked and not self._failing

    def copy_to(self, target: Path) -> bool:
        """Write all that the run holds by now into another file, also while the disk takes nothing for its own.

        It waits for the disks.

        Args:
            target: There is nothing there.

        Returns:
            False where its own file could not be read: what is in memory was written, where long curves and the older
            arrays are thinned.

        Raises:
            OSError, sqlite3.Error: The file could not be written.
            StorageError: The writing has ended, or is held: then its own file has everything.
        """
        done: Future[bool] = Future()
        with self._changed:
            if self._over or self._held:
                raise StorageError(f"{self.path} is not written {'any more' if self._over else 'yet'}.")
            self._copies.append((target, done))
            self._changed.notify_all()
        while self._thread.is_alive() and not wait([done], _LOOK_EVERY).done:
            pass
        if not done.done():  # the thread died of something in the middle of it
            raise StorageError(f"{self.path} is not written any more.")
        return done.result()

    def close(self, timeout: float | None = 30.0, *, discard: bool = False) -> bool:
        """Write the rest and leave a single file. May be called twice.

        Args:
            timeout: Seconds to wait for the disk; None waits as long as it takes.
            discard: The run is not wanted: leave no file.

        Returns:
            False when the file does not hold the whole run, or not yet.
        """
        self._run.detach(self)
        with self._changed:
            self._closing = True
            self._discarding = self._discarding or discard
            self._changed.notify_all()
        self._thread.join(timeout)
        return not self._thread.is_alive() and self.complete

    def __enter__(self) -> RunWriter:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # -- the writer's thread ------------------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            self._write_behind()
        finally:
            self._end_waiting()

    def _write_behind(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._held or self._closing)
            untouched = self._held
        if untouched:
            self._leave_untouched()
            return
        written_state = b""
        pause = self._interval
        refilled = time.monotonic()
        while True:
            with self._changed:
                self._changed.wait_for(self._is_urgent, pause)
                closing, asked = self._closing, self._asked
                now = time.monotonic()
                self._allowance = min(self._allowance + (now - refilled) * ARRAY_RATE, 2.0 * ARRAY_RATE)
                refilled = now
                batch, self._pending = self._pending, Pending()
                copies, self._copies = self._copies, []
                self._busy = bool(batch.checkpoints)
                # Where nobody waits, arrays get what the rate allows.
                if not (closing or copies) and asked == self._answered:
                    self._hold_back(batch)
            state = self._state()
            last = closing or batch.point_count > MOST_POINTS_WAITING
            try:
                written = self._write(batch, state, state != written_state, last)
                if written and closing and not self._discarding:
                    written = self._finish(state)
            except Exception as error:  # noqa: BLE001  # whatever it is must be told: a silent thread helps nobody
                self._report(error)
                written, last = False, last or not isinstance(error, MemoryError)  # there may be more a moment later
            self._copy(copies, Pending() if written else batch, state)
            if written:
                self._remember(batch)
                self._trouble.end()
                self.error = None
                written_state, pause = state, self._interval
                batch = Pending()  # A checkpoint is large: it must not stay until the next one comes.
                self._busy = False
            else:
                self._keep(batch)
                pause = RETRY_INTERVAL
            with self._changed:
                self._answered, self._failing = asked, not written
                self._changed.notify_all()
            if last and (closing or not written):
                break
        self._end(written)

    def _write(self, batch: Pending, state: bytes, state_changed: bool, last: bool) -> bool:
        """Whether everything is in the file, or in another one where that was lost."""
        file = self._file
        reason = file.lost()
        damage = file.damaged()
        if not reason and not damage:
            try:
                mended = file.mend()
                if mended:
                    self._tell(f"{file.path} {mended}.")
                if batch or state_changed:
                    file.write(batch, state)
                return True
            except (sqlite3.Error, OSError) as error:
                reason = file.lost()
                damage = "is damaged" if is_damage(error) else ""
                if not reason and not damage:
                    self._report(error)
                    if not last:
                        if self._trouble.add(error) and self._write_on_another_disk(error, batch, state):
                            return True
                        file.disconnect()
                        return False
                    file.note()
                    reason = f"cannot be written ({_reason(error)})"
        if self._discarding:
            return True  # nobody wants it, and there is nothing left to remove
        return self._write_anew(reason or damage, batch, state, trusted=not damage)

    def _content(self, batch: Pending, state: bytes) -> Content:
        return Content(self._file, self._run, batch, state, self._checkpoint)

    def _write_anew(self, reason: str, batch: Pending, state: bytes, *, trusted: bool) -> bool:
        old = self._file
        try:
            made = write_anew(self._content(batch, state), trusted=trusted)
        except (sqlite3.Error, OSError) as error:
            self._report(error, f"{old.path} {reason}, and the run can be written to no other file: {_reason(error)}.")
            return False
        self._file, self.path = made.file, made.file.path
        if old.lost() or not trusted:
            old.leave(keep_log=trusted)
        else:
            old.close()
        self._tell_moved(f"{old.path} {reason}: the run is written anew to {made.file.path}.", made, batch)
        return True

    def _write_on_another_disk(self, error: Exception, batch: Pending, state: bytes) -> bool:
        """Whether the run goes on in another file, since its disk has taken nothing for long; the old one is left."""
        old = self._file
        try:
            made = write_on_another_disk(self._content(batch, state))
        except (sqlite3.Error, OSError) as problem:
            _log.info("%s goes on on no other disk: %s", old.path, problem)
            self._trouble.put_off()
            return False
        self._file, self.path = made.file, made.file.path
        old.finish()  # it is read alone, if its disk takes that
        old.close()
        full = f"The disk of {old.path} is full"
        what = full if self._trouble.full else f"{old.path} cannot be written ({_reason(error)})"
        text = f"{what}: the run goes on in {made.file.path}."
        if made.file.path.parent != runs_folder():
            text += " The system may clear that folder: save the run elsewhere."
        self._tell_moved(text, made, batch)
        return True

    def _tell_moved(self, text: str, made: WrittenAnew, batch: Pending) -> None:
        """Say that the run is in another file, and what of it is."""
        if made.copied:
            text += " Nothing is missing."
        else:
            self._thinned = self._thinned or self._run.thinned
            self._checkpoint_missing = self._had_checkpoint and self._checkpoint is None and not batch.checkpoints
            text += " What was in it came from memory, where long curves and the older pictures are thinned."
            if self._checkpoint_missing:
                text += " It cannot be gone on with before the next checkpoint."
        self._tell(text)

    def _copy(self, copies: list[tuple[Path, Future[bool]]], rest: Pending, state: bytes) -> None:
        """Answer who waits for a copy; ``rest`` is what is not in the file."""
        content = self._content(rest, state)
        for target, done in copies:
            try:
                done.set_result(write_copy(target, content))
            except Exception as error:  # noqa: BLE001  # who waits for it is told, and the writing goes on
                done.set_exception(error)

    def _finish(self, state: bytes) -> bool:
        """Leave a single file, and make certain that it is there."""
        problem = self._file.finish()
        if problem:
            self._tell(f"{self._file.path} {problem}.")
        return self._write(Pending(), state, state_changed=False, last=True)

    def _end(self, written: bool) -> None:
        self._run.detach(self)
        file = self._file
        whole = written and not self._thinned and not self._checkpoint_missing
        usable = not file.lost() and not file.damaged()
        if self._discarding:
            file.close(remove=True)
            usable = False
        elif usable:
            file.close()
        else:
            file.leave(keep_log=not file.damaged())
        self.complete = whole and usable
        self.kept = file.path if usable else None
        if not self.complete and not self._discarding:
            where = f"{file.path} holds only a part of the run" if usable else "The run could not be kept in a file"
            self.error = self.error or StorageError(f"{where}.")
            self._tell(f"{where}.")

    def _end_waiting(self) -> None:
        """The thread does nothing more: whoever waits for it learns that."""
        with self._changed:
            self._closing = self._over = True
            self._pending = Pending()
            copies, self._copies = self._copies, []
            self._changed.notify_all()
        for _, done in copies:
            done.set_exception(StorageError(f"{self.path} is not written any more."))

    def _leave_untouched(self) -> None:
        """Nobody went on with the run: its file holds what it held."""
        self._run.detach(self)
        self._file.finish()
        self._file.close()
        self.complete, self.kept = True, self.path

    def _is_urgent(self) -> bool:
        if self._closing or self._asked > self._answered or self._copies:
            return True
        return bool(self._pending.checkpoints) and not self._failing

    def _hold_back(self, batch: Pending) -> None:
        """Leave the arrays that the rate does not allow waiting."""
        taken = batch.take_snapshots(self._allowance) if self._allowance > 0 else {}
        self._pending.snapshots, batch.snapshots = batch.snapshots, taken
        self._allowance -= sum(waiting.nbytes for waiting in taken.values())

    def _keep(self, batch: Pending) -> None:
        """Put back what could not be written."""
        with self._changed:
            batch.follow_with(self._pending)
            del batch.checkpoints[:-1]
            self._pending = batch

    def _remember(self, batch: Pending) -> None:
        """Hold the last checkpoint, as long as it is one of this run's past."""
        held = self._checkpoint
        if batch.rewound_to is not None and held is not None and held.step > batch.rewound_to:
            held = None
        if batch.checkpoints:
            self._had_checkpoint, self._checkpoint_missing = True, False
            newest = batch.checkpoints[-1]
            held = newest if sum(map(len, newest.blobs.values())) <= CHECKPOINT_HELD else None
        self._checkpoint = held

    def _state(self) -> bytes:
        run = self._run
        return msgspec.json.encode({"state": run.state, "finished": run.finished, "last_step": run.last_step})

    def _report(self, error: Exception, text: str = "") -> None:
        """It cannot be written at the moment."""
        self.error = StorageError(text) if text else _storage_error(self.path, error)
        self._tell(str(self.error))

    def _tell(self, text: str) -> None:
        """Each sentence once."""
        if text in self._told:
            return
        self._told.add(text)
        if self._on_error is None:
            _log.warning("%s", text)
        else:
            try:
                self._on_error(StorageError(text))
            except Exception:  # noqa: BLE001  # a listener's mistake must not end the writing
                _log.exception("a listener failed")


def _open(path: Path, run: Run, lock: RunLock | None, resume: bool) -> RunFile:
    """The file, made or opened for writing.

    Raises:
        StorageError: It cannot be written.
        RunFileError: It is not a run.
    """
    try:
        if resume:
            with checked_connection(path):  # refuses what is not a run before anything is written into it
                pass
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
        lock = lock or RunLock.take(path)
        return RunFile(path, lock) if resume else RunFile.new(path, run.info, lock)
    except (sqlite3.Error, OSError) as error:
        if lock is not None:
            lock.release()
        raise _storage_error(path, error) from error
    except BaseException:
        if lock is not None:
            lock.release()
        raise


def _storage_error(path: Path, error: Exception) -> StorageError:
    return StorageError(
        f"The run cannot be written to {path}: {_reason(error)}. Training goes on; the run is kept in memory meanwhile."
    )


def _reason(error: Exception) -> str:
    reason = (getattr(error, "strerror", None) or str(error)).rstrip(".") or type(error).__name__
    return "the disk is full" if "full" in reason or "No space" in reason else reason
