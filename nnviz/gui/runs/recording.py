"""Every training is kept in a file while it runs, in the user's data folder; any of them can be saved elsewhere."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from nnviz.errors import StorageError
from nnviz.gui.parts.background import Background
from nnviz.gui.parts.reasons import reason_of
from nnviz.record.library import KeptRun, copy_run, kept_runs, write_once
from nnviz.record.places import runs_folder
from nnviz.record.run import Run

if TYPE_CHECKING:
    from nnviz.project.model import Project
    from nnviz.record.store import RunWriter
    from nnviz.train.start import Continued

_log = logging.getLogger(__name__)
#: States in which a session still has a state to hand over, and seconds that this may take: a batch may be long.
_IN_TRAINING, _LAST_STATE = frozenset({"running", "paused", "stopping"}), 10.0
_LANE = "runs"
#: Bytes of a state that waits for the file of its run.
_MOST_WAITING = 64 * 2**20
#: Milliseconds after which a file that could not be made for a run is tried again.
BEGIN_AGAIN = 10_000
#: Seconds that the end of the program waits for the disk to take the end of a run.
_PATIENCE = 300.0


class RunStore:
    """Hands a session's checkpoints to the writer of its run, once there is one; any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._writer: RunWriter | None = None
        #: The last state that came before there was a file for it.
        self._waiting: tuple[int, int, Mapping[str, bytes], str] | None = None

    def use(self, writer: RunWriter | None) -> None:
        """From now on this writer takes the checkpoints."""
        with self._lock:
            self._writer = writer
            waiting, self._waiting = self._waiting, None
        if writer is not None and waiting is not None:
            writer.save_checkpoint(*waiting)

    def leave(self, writer: RunWriter) -> None:
        """This one takes none any more."""
        with self._lock:
            if self._writer is writer:
                self._writer = None

    def forget_start(self) -> None:
        """Another session begins: what waited for a file of the last one is gone, and so is its file."""
        with self._lock:
            self._waiting = self._writer = None

    def save_checkpoint(self, step: int, epoch: int, blobs: Mapping[str, bytes], tag: str) -> None:
        """Keep the blobs under the step. Where there is no file yet, what was edited or trained waits for it.

        A short training is through before its file has been made: nobody hands its last state over again.
        """
        with self._lock:
            writer = self._writer
            is_wanted = tag == "edit" or step > 0
            if writer is None and is_wanted and sum(map(len, blobs.values())) <= _MOST_WAITING:
                self._waiting = (step, epoch, blobs, tag)
        if writer is not None:
            writer.save_checkpoint(step, epoch, blobs, tag)

    @property
    def writing(self) -> bool:
        """Whether a checkpoint is not on the disk yet."""
        writer = self._current()
        return writer is not None and writer.writing

    def withdraw_checkpoints(self) -> bool:
        """Let go of the checkpoints that wait and are not being written yet; false where there were none."""
        writer = self._current()
        return writer is not None and writer.withdraw_checkpoints()

    def flush(self, timeout: float = 30.0) -> bool:
        """Wait until everything is on the disk; false when that did not happen in time."""
        writer = self._current()
        return writer is None or writer.flush(timeout)

    def _current(self) -> RunWriter | None:
        with self._lock:
            return self._writer


class Recorder(QObject):
    """Writes live runs behind their training, and copies them on request."""

    #: A sentence: a run cannot be written, or is written to another file from now on, or could not be saved.
    failed = Signal(str)
    message = Signal(str)
    #: A sentence of :attr:`failed` that does not hold any more: the run is written after all.
    mended = Signal(str)
    #: The list of kept runs has changed.
    changed = Signal()
    #: A live run is written from now on: the Run and its file.
    begun = Signal(object, object)

    def __init__(self, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._writers: dict[Run, RunWriter] = {}
        #: Runs whose file is being made.
        self._beginning: dict[Run, Future[None]] = {}
        #: Runs that go on and have no file yet: where none can be made, that is tried again.
        self._without_file: set[Run] = set()
        #: What was said of runs that have no file.
        self._said: dict[Run, str] = {}
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.timeout.connect(self._begin_again)
        #: Runs that were to be written, also those that have ended.
        self._begun: weakref.WeakSet[Run] = weakref.WeakSet()
        self._ended: weakref.WeakSet[Run] = weakref.WeakSet()
        self._kept: tuple[KeptRun, ...] = ()
        self.store = RunStore()

    @property
    def kept(self) -> tuple[KeptRun, ...]:
        """The runs in the folder, the newest first, as of the last look."""
        return self._kept

    def path_of(self, run: Run) -> Path | None:
        """The file of a live run, as of now: one that is lost is written anew elsewhere."""
        writer = self._writers.get(run)
        return None if writer is None else writer.path

    def finder(self, run: Run) -> Callable[[], Path | None]:
        """A search for the file of a live run that holds something, for another thread.

        It waits while one that just began gets its file.
        """
        if run not in self._begun and run not in self._writers:
            self.begin(run)  # its first step is in it, and the word that it began is still under way
        beginning = self._beginning.get(run)

        def find() -> Path | None:
            if beginning is not None:
                wait((beginning,), _LAST_STATE)
            return self.path_of(run)

        return find

    def look(self) -> None:
        """See which runs there are. None is ever removed: they are the user's."""

        def done(kept: tuple[KeptRun, ...]) -> None:
            if kept != self._kept:
                self._kept = kept
                self.changed.emit()

        self._background.start(lambda: kept_runs(runs_folder()), done, self._tell, lane=_LANE)

    def take(
        self,
        find: Callable[[], Path | None],
        project: Project | None,
        done: Callable[[Continued | None], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Read a recorded run, to be gone on with; nobody else may until :meth:`end`.

        Its file stays as it is until :meth:`begin`.

        Args:
            find: Where it is; called on another thread. None is nowhere.
            project: What it is to be continued with; None is its own.
            done: Called with it.
            failed: Called with the reason why not.
        """

        def work() -> Continued | None:
            from nnviz.record.store import RunWriter  # noqa: PLC0415 - sqlite is only needed for a run
            from nnviz.train.start import take  # noqa: PLC0415 - as above

            path = find()
            if path is None:
                return None
            taken = take(path, project)
            self._writers[taken.run] = RunWriter(
                taken.run,
                taken.path,
                on_error=lambda error: self.failed.emit(str(error)),
                resume=True,
                lock=taken.lock,
                held=True,
            )
            return taken

        self._background.start(work, done, failed, lane=_LANE)

    def begin(self, run: Run) -> None:
        """Write this run from now on: into a new file (what is in it already comes first), or its own, gone on with."""
        self._begun.add(run)
        continued = self._writers.get(run)
        if continued is not None:
            continued.begin()
            self.store.use(continued)
            self.begun.emit(run, continued.path)
            self.look()
            return

        if run not in self._without_file:
            self._without_file.add(run)
            self._begin_new(run)

    def _begin_new(self, run: Run) -> None:
        beginning = self._beginning[run] = Future()

        def work() -> RunWriter:
            try:
                writer = self._make(run)
                if run not in self._ended:  # else another one's states are handed over by now
                    self.store.use(writer)  # and not with the answer: the window may be closed before that arrives
                return writer
            finally:
                beginning.set_result(None)

        def failed(error: BaseException) -> None:
            self._beginning.pop(run, None)
            if run not in self._said:
                self._tell(error)
                self._said[run] = _sentence(error)
            if run in self._without_file:
                self._again.start(BEGIN_AGAIN)

        def done(writer: RunWriter) -> None:
            self._beginning.pop(run, None)
            self._without_file.discard(run)
            if run in self._writers:
                self.begun.emit(run, writer.path)
            self._take_back(run, writer.path)
            self.look()

        self._background.start(work, done, failed, lane=_LANE)

    def _make(self, run: Run) -> RunWriter:
        """A file for this run, and its writer.

        Raises:
            StorageError: None can be made.
        """
        from nnviz.record.store import write_among_kept  # noqa: PLC0415 - sqlite is only needed once training begins

        writer = write_among_kept(run, on_error=lambda error: self.failed.emit(str(error)))
        # Kept here and not with the answer: the window may be closed before that arrives.
        self._writers[run] = writer
        return writer

    def _begin_again(self) -> None:
        for run in self._without_file - self._beginning.keys():
            self._begin_new(run)

    def _take_back(self, run: Run, path: Path) -> None:
        """What was said of a run without a file does not hold any more."""
        said = self._said.pop(run, "")
        if said:
            if said not in self._said.values():
                self.mended.emit(said)
            self.message.emit(f"The run is kept now, in {path.name}")

    def end(self, run: Run) -> None:
        """The run will not be continued: finish its file, once its session has handed over its last state."""
        self._ended.add(run)
        without_file = run in self._without_file
        self._without_file.discard(run)

        def work() -> Path | None:
            until = time.monotonic() + _LAST_STATE
            while run.state in _IN_TRAINING and not run.finished and time.monotonic() < until:
                time.sleep(0.01)
            writer = self._writers.get(run)
            if writer is None and without_file:
                writer = self._make_at_last(run)
            if writer is None:
                return None
            # Whoever opens the file later must not wait for more.
            run.finished = True
            self.store.leave(writer)
            writer.close()
            self._writers.pop(run, None)
            return writer.path

        def done(path: Path | None) -> None:
            if path is not None:
                self._take_back(run, path)
            self._said.pop(run, None)
            self.look()

        self._background.start(work, done, self._tell, lane=_LANE)

    def _make_at_last(self, run: Run) -> RunWriter | None:
        """The last try to make a file for a run that goes: None where that fails, as was said before."""
        try:
            return self._make(run)
        except (StorageError, OSError) as error:
            _log.warning("A run was not kept: %s", error)
            return None

    def save_as(self, run: Run | None, source: Path | None, target: Path) -> None:
        """Copy a run into a file of the user's choice: a live one, or one that was opened from ``source``.

        A live one is saved whole also where the disk of its own file is full.
        """

        def work() -> bool:
            from nnviz.record.store import RunWriter  # noqa: PLC0415 - as above

            origin = source
            if run is not None:
                writer = self._writers.get(run)
                if writer is None:
                    write_once(target, lambda beside: _written(RunWriter(run, beside)))
                    return not run.thinned
                # One that is held back has nothing to write yet; one that has ended says whether all of it is there.
                if not (writer.held or writer.flush() or writer.complete):
                    if not writer.busy:  # it was given up
                        write_once(target, lambda beside: _written(RunWriter(run, beside)))
                        return not run.thinned
                    if writer.error is None:  # it takes long, and nobody says why
                        raise StorageError(
                            f"{target.name} was not saved: the disk has not taken the end of the run in {writer.path} "
                            "yet."
                        )
                    return write_once(target, writer.copy_to)
                origin = writer.path
            if origin is None:
                raise StorageError("There is no run to save yet: train first.")
            copy_run(origin, target)
            return True

        def done(whole: bool) -> None:
            thinned = "" if whole else " from memory, where long curves and the older pictures are thinned"
            self.message.emit(f"Saved {target.name}{thinned}")

        def failed(error: BaseException) -> None:
            self.failed.emit(reason_of(error, target, "saved"))

        self._background.start(work, done, failed, lane=_LANE)

    def close(self) -> None:
        """Finish all files, before the window goes; waits as long as the disk needs."""
        self._again.stop()
        for run in self._without_file:
            beginning = self._beginning.get(run)
            if beginning is not None:
                wait((beginning,), _LAST_STATE)
            if run not in self._writers and (beginning is None or beginning.done()):
                writer = self._make_at_last(run)
                if writer is not None:
                    self.store.use(writer)  # its last state waits for it
        self._without_file.clear()
        self.store.use(None)
        for run, writer in list(self._writers.items()):
            run.finished = True
            if not writer.close(_PATIENCE):
                _log.warning("The run in %s could not be finished: %s", writer.path, writer.error or "the disk hangs")
        self._writers.clear()

    def _tell(self, error: BaseException) -> None:
        self.failed.emit(_sentence(error))


def _sentence(error: BaseException) -> str:
    return str(error) if isinstance(error, StorageError) else f"The run could not be kept: {error}"


def _written(writer: RunWriter) -> None:
    if not writer.close():
        raise writer.error or StorageError(f"The run cannot be written to {writer.path}.")
