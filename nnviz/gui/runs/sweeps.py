"""The sweep that the window makes, on a thread of its own, and those that were made before.

Nothing comes from that thread by itself: a timer looks at where it stands a few times a second. While the network of
the document is trained, the sweep rests: both would take the processor from each other.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from nnviz.errors import Cancelled
from nnviz.gui.parts.background import Background
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.reasons import sentence_of
from nnviz.record.places import runs_folder
from nnviz.train.sweep_record import Plan, SweepRecord
from nnviz.train.sweep_space import Dimension, Space

if TYPE_CHECKING:
    from nnviz.gui.runs.training import Training
    from nnviz.record.library import Label
    from nnviz.train.sweep import Budget, Progress, Sweep

#: Milliseconds between two looks.
_LOOK = 300
#: Seconds that a run may take to end with the window.
_PATIENCE = 3.0
_LANE, _FILES = "sweep", "sweep files"


class Sweeps(QObject):
    """At most one sweep at a time, and the record of the one that is shown.

    Args:
        training: Rests while a sweep begins; a sweep rests while it trains.
        background: Where the sweep goes on, and its files are read.
        label: Writes what is said about a run; called on this thread.
        found: Called when there are other runs.
    """

    #: Another record, or it stands elsewhere.
    changed = Signal()
    #: It could not begin, was ended by this, or a run of it cannot be kept: a sentence.
    failed = Signal(str)
    _warned = Signal(str)
    _labelled = Signal(object, object)

    def __init__(
        self,
        training: Training,
        background: Background,
        label: Callable[[Path, Label], None],
        found: Callable[[], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._training = training
        self._background = background
        #: Others wait until nothing is under way behind the window; a sweep is for a long time.
        self._own = Background(self)
        self._found = found
        self._sweep: Sweep | None = None
        self._running = self._stopping = False
        self._record: SweepRecord | None = None
        self._dimensions: tuple[Dimension, ...] = ()
        self._path: Path | None = None
        self._progress: Progress | None = None
        self._ended = self._hindrance = ""
        self._names: tuple[Path, ...] = ()
        self._labelled.connect(label)
        self._warned.connect(self.failed)  # which comes from the threads that write
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK)
        self._timer.timeout.connect(self._look)
        follow(training.changed, self._on_training)

    # ---- what is so ----------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether a sweep goes on, or is about to."""
        return self._running

    @property
    def stopping(self) -> bool:
        """Whether it was asked to end and has not yet."""
        return self._running and self._stopping

    @property
    def record(self) -> SweepRecord | None:
        """The sweep that is shown: the one that goes on, or one from before; None where none is."""
        return self._record

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """What it varies."""
        return self._dimensions

    @property
    def path(self) -> Path | None:
        """Its file."""
        return self._path

    @property
    def progress(self) -> Progress | None:
        """Where the sweep stands that goes on; None before it has begun."""
        return self._progress if self._running else None

    @property
    def ended(self) -> str:
        """Why the last one ended, as a sentence."""
        return self._ended

    @property
    def known(self) -> tuple[Path, ...]:
        """The files of all sweeps, the newest first, as they were found last."""
        return self._names

    def why_not_go(self) -> str:
        """What else trains, so that no sweep can begin or go on now, as a sentence; empty for nothing."""
        return self._hindrance

    # ---- what can be asked ---------------------------------------------------------------------------------------

    def look(self) -> None:
        """See which sweeps there are."""

        def work() -> tuple[Path, ...]:
            from nnviz.train import sweep_record  # noqa: PLC0415 - read where the disk is

            return tuple(sweep_record.listed())

        def done(found: tuple[Path, ...]) -> None:
            if found != self._names:
                self._names = found
                self.changed.emit()

        self._background.start(work, done, lambda _error: None, lane=_FILES)

    def show(self, path: Path) -> None:
        """Show a sweep from before; not while one goes on."""
        if self._running:
            return

        def work() -> tuple[SweepRecord, tuple[Dimension, ...]]:
            from nnviz.train import sweep_record  # noqa: PLC0415 - as above

            record = sweep_record.load(path)
            return record, dimensions_of(record)

        def done(found: tuple[SweepRecord, tuple[Dimension, ...]]) -> None:
            if not self._running:
                self._record, self._dimensions = found
                self._path, self._ended = path, ""
                self.changed.emit()

        self._background.start(work, done, lambda error: self.failed.emit(sentence_of(error)), lane=_FILES)

    def hinder(self, reason: str) -> None:
        """Begin none while this is so: two that train at once draw from the same random numbers.

        Args:
            reason: What else trains, as a sentence; empty for nothing any more.
        """
        if reason != self._hindrance:
            self._hindrance = reason
            self.changed.emit()

    def start(self, plan: Plan, runs: int | None, minutes: float | None) -> None:
        """Begin a sweep; the training of the document rests from now on."""
        self._go(lambda budget, others: _begin(plan, budget, others), runs, minutes)

    def go_on(self, runs: int | None, minutes: float | None) -> None:
        """Go on with the sweep that is shown."""
        path = self._path
        if path is not None:
            self._go(lambda budget, others: _reopen(path, budget, others), runs, minutes)

    def stop(self) -> None:
        """End it after the batch that is under way; it can be gone on with."""
        self._stopping = True
        if self._sweep is not None:
            self._sweep.stop()
        self.changed.emit()

    def end(self) -> None:
        """The window ends."""
        self._timer.stop()
        self._stopping = True
        if self._sweep is not None:
            self._sweep.stop()
        self._own.close(_PATIENCE)

    # ---- how it goes ---------------------------------------------------------------------------------------------

    def _go(self, make: Callable[[Budget, dict[str, object]], Sweep], runs: int | None, minutes: float | None) -> None:
        if self._running:
            return
        if self._hindrance:
            self.failed.emit(self._hindrance)
            return
        self._running, self._stopping, self._ended, self._progress = True, False, "", None
        if self._training.bridge.state == "running":  # also behind a run from a file that is on the screen
            self._training.workbench.pause()
        data_dir = self._training.data_dir

        def work() -> str:
            from nnviz.train import give_way  # noqa: PLC0415 - as below
            from nnviz.train.sweep import Budget  # noqa: PLC0415 - torch belongs to that thread

            give_way()
            others: dict[str, object] = {
                "data_dir": data_dir,
                "label": self._labelled.emit,
                "on_warning": self._warned.emit,
            }
            sweep = self._sweep = make(Budget(runs, minutes), others)
            if self._stopping:
                sweep.stop()
            return sweep.run()

        self._own.start(work, self._on_done, self._on_failed, lane=_LANE)
        self._timer.start()
        self.changed.emit()

    def _look(self) -> None:
        sweep = self._sweep
        if sweep is None:
            return
        if self._running:
            self._on_training()
        told = (self._record, self._progress)
        runs = -1 if self._record is None else self._record.runs
        self._record, self._path, self._progress = sweep.record, sweep.path, sweep.progress
        self._dimensions = sweep.space.dimensions
        if told != (self._record, self._progress):
            self.changed.emit()
        if self._record.runs != runs:
            self._found()

    def _on_done(self, ended: str) -> None:
        self._settle(ended)

    def _on_failed(self, error: BaseException) -> None:
        self._settle("" if isinstance(error, Cancelled) else sentence_of(error))
        if not isinstance(error, Cancelled):
            self.failed.emit(self._ended)

    def _settle(self, ended: str) -> None:
        self._look()
        self._timer.stop()
        self._sweep, self._running, self._stopping, self._ended = None, False, False, ended
        self.changed.emit()
        self._found()
        self.look()

    def _on_training(self) -> None:
        """Whoever plays wants to see it go: the sweep waits."""
        if self._sweep is None:
            return
        if self._training.bridge.state == "running":
            self._sweep.rest()
        elif self._sweep.progress.resting:
            self._sweep.go_on()


def dimensions_of(record: SweepRecord) -> tuple[Dimension, ...]:
    """What a sweep varies, as its plan says it.

    Raises:
        InputError: It says what cannot be varied.
    """
    from nnviz.data import datasets  # noqa: PLC0415 - for a worker
    from nnviz.project.files import io  # noqa: PLC0415 - as above

    params = {kind: spec.params for kind, spec in datasets.datasets().items()}
    project = io.loads(record.plan.project.encode(), record.plan.name)
    return Space.of(record.plan.vary, project, params).dimensions


def paths_of(record: SweepRecord, number: int) -> list[Path]:
    """The files of the runs of a trial, the finished ones first."""
    runs = sorted(record.trials[number].runs, key=lambda run: run.state != "done")
    return [runs_folder() / run.run for run in runs if run.run]


def _begin(plan: Plan, budget: Budget, others: dict[str, object]) -> Sweep:
    from nnviz.train.sweep import Sweep  # noqa: PLC0415 - torch belongs to that thread

    return Sweep.begin(plan, budget, **others)


def _reopen(path: Path, budget: Budget, others: dict[str, object]) -> Sweep:
    from nnviz.train.sweep import Sweep  # noqa: PLC0415 - as above

    return Sweep.reopen(path, budget, **others)
