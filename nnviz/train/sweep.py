"""Sweeps: one project trained again and again, with other settings and seeds, and what came of it, mean and spread.

Each training is a run among the kept ones like any other. What is known of the sweep is written after each, so that
whatever ends it, it can be gone on with: finished runs are not made again, and one that was broken off goes on from its
last checkpoint. A run that fails is a result and ends nothing. The test split is never looked at: settings are chosen
by it nowhere.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from nnviz.data import datasets as data_sets
from nnviz.data.examples import LoadedData
from nnviz.errors import Cancelled, DataError, InputError, NnvizError, StorageError, is_out_of_memory
from nnviz.paths import shown
from nnviz.probes.base import Probe
from nnviz.project import registry
from nnviz.project.checks.validate import problems_that_stop, validate
from nnviz.project.files import io
from nnviz.project.model import Project
from nnviz.project.starts import with_one_start
from nnviz.record.library import Label, Library
from nnviz.record.places import new_run_paths, runs_folder
from nnviz.record.quantities import EPOCH, QUANTITIES
from nnviz.record.run import RunView
from nnviz.record.run_lock import RunFileBusy, RunLock
from nnviz.train import sweep_record
from nnviz.train.headless import Kept, train_to_file
from nnviz.train.position import EpochResult
from nnviz.train.session import TrainingSession
from nnviz.train.sweep_record import (
    EVERYTHING_TRIED,
    MOST_RUNS,
    MOST_SEEDS,
    SEARCHES,
    Plan,
    SweepRecord,
    SweptRun,
    Trial,
    nth_seed,
)
from nnviz.train.sweep_search import Judge, next_point
from nnviz.train.sweep_space import Space


@dataclass(frozen=True)
class Budget:
    """How much may be trained; whatever is reached first ends the sweep.

    Attributes:
        runs: In the whole sweep, those from before it was gone on with included; None for no limit.
        minutes: Of this sitting: no run is begun behind them, nor one that would end behind them if it took as long as
            those before; the first is always made.
    """

    runs: int | None = None
    minutes: float | None = None


@dataclass(frozen=True)
class Progress:
    """Where a sweep stands; replaced as a whole, for any thread.

    Attributes:
        trial: Number of the trial under way, from 0; -1 for none.
        seed: Of the run under way.
        epoch, epochs: Finished and planned epochs of it.
        runs: Runs that have ended in the whole sweep.
        planned: Runs that it will have at most; None where only time ends it.
        seconds: Since this sitting began.
        run_seconds: How long a run took on average in this sitting; NaN before the first.
        resting: It waits until it may go on.
        ended: Why it ended, as a sentence; empty while it goes on.
    """

    trial: int = -1
    seed: int = 0
    epoch: int = 0
    epochs: int = 0
    runs: int = 0
    planned: int | None = None
    seconds: float = 0.0
    run_seconds: float = math.nan
    resting: bool = False
    ended: str = ""

    @property
    def left_seconds(self) -> float:
        """How long it will still take; NaN while that is not known."""
        if self.planned is None or math.isnan(self.run_seconds):
            return math.nan
        done = self.runs + (self.epoch / self.epochs if self.epochs and self.trial >= 0 else 0.0)
        return max(0.0, (self.planned - done) * self.run_seconds)


class Sweep:
    """A sweep that goes on on the thread that calls :meth:`run`; everything else is for any thread.

    Args:
        record: What is known of it so far; a new one has no trials.
        path: The file that keeps it.
        budget: When it ends.
        data_dir: Where to look for the data set first.
        label: Tags a run's file; the default writes it into the library of runs.
        on_change: Called on the sweep's thread after each epoch and each run.
        on_warning: Called, on any thread, with what does not end it, as a sentence: a file that cannot be written.
        probes: The instruments of its runs; None is all of them, () is none.

    Attributes:
        record: What is known of it; replaced as a whole.
        progress: Where it stands; replaced as a whole.

    Raises:
        InputError: It varies what cannot be varied, or nothing limits it.
    """

    def __init__(
        self,
        record: SweepRecord,
        path: Path,
        budget: Budget,
        *,
        data_dir: Path | None = None,
        label: Callable[[Path, Label], None] | None = None,
        on_change: Callable[[], None] | None = None,
        on_warning: Callable[[str], None] | None = None,
        probes: Sequence[Probe] | None = None,
    ) -> None:
        self.record = record
        self.path = path
        self._budget = budget
        self._data_dir = data_dir
        self._label = label or _label
        self._on_change = on_change or (lambda: None)
        self._on_warning = on_warning
        self._probes = probes
        plan = record.plan
        self._project = io.loads(plan.project.encode(), plan.name)
        params = {kind: spec.params for kind, spec in data_sets.datasets().items()}
        self.space = Space.of(plan.vary, self._project, params)
        _refuse(plan, budget)
        if plan.search == "grid":
            next(self.space.grid(), None)  # says that it is too large
        quantities = {one.name: one for one in QUANTITIES}
        self._series = quantities[plan.objective].series("validation")
        self.progress = Progress(runs=record.runs, planned=self._planned())
        self._session: TrainingSession | None = None
        self._judge: Judge | None = None
        #: Where the run under way is, once it has ended.
        self._kept: Kept | None = None
        self._data: LoadedData | None = None
        self._stopping = threading.Event()
        self._awake = threading.Event()
        self._awake.set()
        #: What the session was told last is what is so, and no change of the progress is lost between two threads.
        self._lock = threading.RLock()
        self._given_up = False
        self._refused: InputError | None = None
        self._began = time.monotonic()
        self._took: list[float] = []

    @classmethod
    def begin(cls, plan: Plan, budget: Budget, **others: object) -> Sweep:
        """A new sweep, in a file that nothing has yet; see the class.

        Raises:
            InputError: It cannot be done like this, or cannot be kept here.
        """
        sweep_record.check_name(plan.name)
        plan = msgspec.structs.replace(plan, name=sweep_record.free_name(plan.name), project=_trained(plan))
        plan = _within(budget, plan)
        sweep = cls(SweepRecord(plan), sweep_record.path_of(plan.name), budget, **others)  # type: ignore[arg-type]  # of __init__
        try:
            sweep_record.save(sweep.record, sweep.path)
        except StorageError as error:
            reason = getattr(error.__cause__, "strerror", None) or str(error)
            raise InputError(f"The sweep cannot be kept here: {reason.rstrip('.')}.", file=shown(sweep.path)) from error
        return sweep

    @classmethod
    def reopen(cls, path: Path, budget: Budget, **others: object) -> Sweep:
        """A sweep that was made before, to go on with; see the class.

        Raises:
            InputError: The file cannot be read, or says what cannot be done.
        """
        record = sweep_record.load(path)
        record = msgspec.structs.replace(record, plan=_within(budget, record.plan))
        sweep = cls(record, path, budget, **others)  # type: ignore[arg-type]  # of __init__
        sweep._refuse_other_trials(sweep.record)
        return sweep

    def _refuse_other_trials(self, record: SweepRecord) -> None:
        paths = {one.path: one for one in self.space.dimensions}
        for at, trial in enumerate(record.trials):
            if trial.settings.keys() != paths.keys() or not all(
                paths[key].allows(value) for key, value in trial.settings.items()
            ):
                raise InputError(
                    "A trial has values that this sweep does not vary.",
                    file=str(self.path),
                    field=f"trials[{at}].settings",
                )

    # -- any thread ---------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """End after the batch that is under way; what there is is kept."""
        with self._lock:
            self._stopping.set()
            self._awake.set()
            self._know(resting=False)
        if (session := self._session) is not None:
            session.close()

    def rest(self) -> None:
        """Train no further until :meth:`go_on`; said again, it reaches a run that was just about to begin."""
        with self._lock:
            if self._stopping.is_set():
                return
            self._awake.clear()
            self._know(resting=True)
            if (session := self._session) is not None:
                session.pause()

    def go_on(self) -> None:
        """Train on."""
        with self._lock:
            self._awake.set()
            self._know(resting=False)
            if (session := self._session) is not None:
                session.play()

    # -- its own thread -----------------------------------------------------------------------------------------------

    def run(self) -> str:
        """Train until the budget is used, everything was tried, or somebody stops it; why it ended, as a sentence.

        Nobody else may make runs of the same sweep meanwhile. What may pass ends it without ending the run under way,
        which is gone on with or begun anew next time.

        Raises:
            InputError: Somebody else makes its runs; or the data cannot be used, or have no such figure; or the file of
                a run cannot be written now.
            StorageError: What is known cannot be written.
            Cancelled: It was interrupted from outside.
        """
        self._began = time.monotonic()
        ended = "It was broken off."
        try:
            lock = self._locked()
            try:
                self._look_anew()
                ended = self._run()
            finally:
                lock.release()
        except NnvizError as error:
            ended = str(error)
            raise
        finally:
            self._tell(trial=-1, epoch=0, epochs=0, resting=False, ended=ended)
        return ended

    def _locked(self) -> RunLock:
        try:
            return RunLock.take(self.path)
        except RunFileBusy:
            raise InputError(
                "Another nnviz is making the runs of this sweep: wait for it, or stop it there.", file=str(self.path)
            ) from None
        except OSError as error:
            raise StorageError(f"The sweep cannot be kept in {self.path}: {error.strerror or error}.") from error

    def _look_anew(self) -> None:
        """What others have made of it since it was opened."""
        if not self.path.exists():
            return
        found = sweep_record.load(self.path)
        found = msgspec.structs.replace(found, plan=_within(self._budget, found.plan))
        if found == self.record:
            return
        if found.plan != self.record.plan:
            raise InputError("Another sweep was put in the place of this one: open it anew.", file=str(self.path))
        self._refuse_other_trials(found)
        self.record = found
        self._tell(runs=found.runs)

    def _run(self) -> str:
        while True:
            self._awake.wait()
            if self._stopping.is_set():
                return "Stopped; it can be gone on with."
            if over := self._why_over():
                return over
            trial = self._open_trial() or next_point(self.record.plan, self.space, self.record.trials)
            if trial is None:
                return EVERYTHING_TRIED
            self._go_on_with(trial)

    def _planned(self) -> int | None:
        plan, runs = self.record.plan, self._budget.runs
        if plan.search != "grid":
            return runs
        whole = self.space.grid_size * plan.seeds
        return whole if runs is None else min(whole, runs)

    def _why_over(self) -> str:
        runs, minutes = self._budget.runs, self._budget.minutes
        if self.record.runs >= (MOST_RUNS if runs is None else runs):
            return f"The budget of {MOST_RUNS if runs is None else runs:,} runs is used."
        if minutes is not None:
            passed = time.monotonic() - self._began
            usual = sum(self._took) / len(self._took) if self._took else 0.0
            if passed + usual > 60 * minutes and (self._took or passed > 60 * minutes):
                return f"The budget of {minutes:g} minutes is used."
        return ""

    def _open_trial(self) -> Trial | None:
        return next((trial for trial in self.record.trials if not trial.ended(self.record.plan.seeds)), None)

    def _go_on_with(self, trial: Trial) -> None:
        """Make one run of a trial: the one that was begun, or that of the next seed."""
        begun = next((run for run in trial.runs if run.state == "begun"), None)
        seed = nth_seed(self._project.training.seed, len(trial.runs)) if begun is None else begun.seed
        try:
            project = self._project_of(trial, seed)
        except DataError:
            raise
        except InputError as error:
            self._keep(trial, SweptRun(seed, state="failed", reason=str(error)))
            return
        began = time.monotonic()
        path = None if begun is None or not begun.run else runs_folder() / begun.run
        resume = path is not None and path.exists()
        if path is None or not resume:
            path = next(new_run_paths(project.name))
        trial = self._keep(trial, SweptRun(seed, path.name))
        self._tell(trial=trial.number, seed=seed, epoch=0, epochs=project.training.epochs)
        ended = [one for one in self.record.trials if one.ended(self.record.plan.seeds)]
        first = len(trial.runs) == 1
        self._judge = Judge(self.record.plan, self.space, ended, trial) if self.record.plan.pruning and first else None
        self._given_up, self._kept = False, None
        try:
            state, reason = self._train(project, path, resume)
        except NnvizError as error:
            if _may_pass(error) and self._session is None and not resume:
                with suppress(StorageError):  # the file of that name is somebody else's, or none
                    self._keep(trial, SweptRun(seed))
            raise
        if self._refused is not None:
            raise self._refused
        curve, seconds = self._result()
        if state == "begun":
            self._keep(trial, SweptRun(seed, path.name, curve=curve, seconds=seconds))
            return
        known = [value for value in curve if value is not None]
        best = (max if self.record.plan.higher_is_better else min)(known) if known else None
        if state == "done" and best is None:
            state, reason = "failed", "Its figure was never a number."
        name, complete = self._where(path)
        self._keep(trial, SweptRun(seed, name, state, best, curve, seconds, reason, complete))
        self._took.append(time.monotonic() - began)
        self._tell(run_seconds=sum(self._took) / len(self._took))

    def _where(self, path: Path) -> tuple[str, bool]:
        """The file of the run that has ended, and whether it holds all of it; it may have been written elsewhere."""
        kept = self._kept
        if kept is None:  # nothing was measured
            return path.name, True
        if kept.path is None:
            return path.name, False
        beside = kept.path.absolute().parent == path.absolute().parent
        return (kept.path.name if beside else path.name), kept.complete and beside

    def _note(self, kept: Kept) -> None:
        self._kept = kept

    def _train(self, project: Project, path: Path, resume: bool) -> tuple[sweep_record.State, str]:
        """How the run ended: ``begun`` is one that was broken off and can be gone on with."""
        same = self._data is not None and self._data.config == project.data
        try:
            train_to_file(
                project,
                path,
                data_dir=self._data_dir,
                data=self._data if same else None,
                resume=resume,
                on_session=lambda session: self._on_session(session, path),
                on_epoch=self._on_epoch,
                on_warning=self._on_warning,
                on_kept=self._note,
                probes=self._probes,
                test=False,
            )
        except Cancelled:
            if self._given_up:
                return "pruned", "Ended early: worse than the median at this epoch."
            if self._stopping.is_set() or self._refused is not None:
                return "begun", ""
            raise  # from outside: the file says that it was begun
        except DataError:
            raise
        except (NnvizError, OSError, MemoryError, RuntimeError) as error:
            if _may_pass(error) or not (isinstance(error, NnvizError) or is_out_of_memory(error)):
                raise
            return "failed", str(error)
        finally:
            if self._session is not None:
                self._data = self._session.data
        return "done", ""

    def _on_session(self, session: TrainingSession, path: Path) -> None:
        self._session = session
        with suppress(StorageError):  # a run without its tag is a run
            self._label(path, Label(tags=(self.record.plan.tag,)))
        # A session plays once it is prepared, and a pause from before does not hold it.
        session.on_prepared = lambda _training: self._wait_to_be_awake()
        self._awake.wait()
        if self._stopping.is_set():
            session.close()

    def _wait_to_be_awake(self) -> None:
        self._awake.wait()

    def _on_epoch(self, result: EpochResult) -> None:
        session = self._session
        assert session is not None
        curve = self._curve(session.run)
        self._tell(epoch=result.epoch)
        if not len(session.run.scalars(self._series)[0]):
            self._refused = self._why_no_figure(session.position.validation_count)
            session.close()
        elif self._judge is not None and result.epoch < session.position.epochs and self._judge.gives_up(curve):
            self._given_up = True
            session.close()

    def _why_no_figure(self, held_back: int) -> InputError:
        if not held_back:
            field, why = "data.validation_fraction", "Nothing is held back for validation, by which runs are compared."
        else:
            title = registry.FIGURES(self.record.plan.objective).title.lower()
            field, why = "--objective", f"This training has no {title} of the validation split: choose another figure."
        return InputError(why, field=field)

    def _result(self) -> tuple[tuple[float | None, ...], float]:
        session, self._session = self._session, None
        if session is None:
            return (), 0.0
        return self._curve(session.run), session.position.step and _seconds(session.run)

    def _curve(self, run: RunView) -> tuple[float | None, ...]:
        """The figure at the end of each epoch; what is no number, or is too much for one, is None."""
        steps, values = run.scalars(self._series)
        known = dict(zip(steps.tolist(), values.tolist(), strict=True))
        found = [known.get(step, math.nan) for step in run.scalars(EPOCH.series())[0].tolist()]
        return tuple(value if math.isfinite(value) else None for value in found)

    def _project_of(self, trial: Trial, seed: int) -> Project:
        project, _ = self.space.applied(trial.settings)
        training = msgspec.structs.replace(project.training, seed=seed)
        project = msgspec.structs.replace(project, training=training)
        if problems := problems_that_stop(validate(project, data_sets.facts(project.data))):
            raise InputError(problems[0].text, field=problems[0].node or "")
        return project

    def _keep(self, trial: Trial, run: SweptRun) -> Trial:
        """What is known of a run of a trial, in memory and in the file."""
        others = [one for one in trial.runs if one.seed != run.seed]
        at = next((at for at, one in enumerate(trial.runs) if one.seed == run.seed), len(others))
        trial = msgspec.structs.replace(trial, runs=(*others[:at], run, *others[at:]))
        trials = list(self.record.trials)
        trials[trial.number : trial.number + 1] = [trial]
        self.record = msgspec.structs.replace(self.record, trials=tuple(trials))
        sweep_record.save(self.record, self.path)
        self._tell(runs=self.record.runs)
        return trial

    def _tell(self, **changed: object) -> None:
        self._know(seconds=time.monotonic() - self._began, **changed)
        self._on_change()

    def _know(self, **changed: object) -> None:
        with self._lock:
            self.progress = replace(self.progress, **changed)  # type: ignore[arg-type]  # fields of Progress


def _trained(plan: Plan) -> str:
    """The project of a plan as its runs take it: where the start of the weights varies, all layers follow it."""
    project = io.loads(plan.project.encode(), plan.name)
    after = with_one_start(project, plan.paths)
    return plan.project if after == project else io.dumps(after).decode()


def _may_pass(error: BaseException) -> bool:
    """Whether it says nothing of the run: its file could not be written now, or somebody else was at it."""
    return isinstance(error, StorageError) or isinstance(error.__cause__, StorageError)


def _seconds(run: RunView) -> float:
    from nnviz.record.summary import summary_of  # noqa: PLC0415 - of one run that has ended

    found = summary_of(run, {}).seconds
    return found if math.isfinite(found) else 0.0


def _label(path: Path, label: Label) -> None:
    Library(path.parent).label(path, label)


def _within(budget: Budget, plan: Plan) -> Plan:
    """The plan, with the budget that it has now."""
    return msgspec.structs.replace(plan, runs=budget.runs, minutes=budget.minutes)


def _refuse(plan: Plan, budget: Budget) -> None:
    """Say what cannot be done."""
    if plan.search not in SEARCHES:
        raise InputError(f"There is no such search (there are: {', '.join(SEARCHES)}).", field="--search")
    if plan.objective not in registry.FIGURES:
        known = ", ".join(f"validation_{name}" for name in registry.FIGURES.all)
        raise InputError(f"There is no such figure (there are: {known}).", field="--objective")
    if not 1 <= plan.seeds <= MOST_SEEDS:
        raise InputError(f"There may be 1 to {MOST_SEEDS} seeds.", field="--seeds")
    if budget.runs is not None and not 1 <= budget.runs <= MOST_RUNS:
        raise InputError(f"There may be 1 to {MOST_RUNS:,} runs.", field="--runs")
    if budget.minutes is not None and not 0 < budget.minutes <= 100_000:
        raise InputError("There may be up to 100,000 minutes.", field="--minutes")
    if plan.search != "grid" and budget.runs is None and budget.minutes is None:
        raise InputError("A search that is no grid needs a budget: runs or minutes.", field="--runs")
