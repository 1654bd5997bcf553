"""A race: variations of one project from the same start and with the same batches, trained in turn on one thread.

All take the same number of steps, so that all move together on the screen; each is a training like any other, with a
run and a file of its own, and its weights are those that it would have had alone. One that fails ends alone.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path

import numpy as np

from nnviz import __version__, interruption
from nnviz.data import datasets
from nnviz.data.tensors import LoadedData, Progress
from nnviz.errors import Cancelled, InputError, NnvizError, TooLargeError, TrainingError, is_out_of_memory
from nnviz.network.memory import available_bytes
from nnviz.probes.base import Probe
from nnviz.project.checks.memory import BATCH, Estimate, Examples, bytes_text
from nnviz.project.checks.shapes import infer
from nnviz.project.checks.validate import problems_that_stop, validate
from nnviz.project.entrants import Entrant, checked
from nnviz.project.files import io
from nnviz.project.graph.bypass import effective
from nnviz.project.model import Project
from nnviz.record.interest import EVERYTHING, NOTHING, Interest
from nnviz.record.quantities import ACCURACY, EPOCH, LOSS
from nnviz.record.readings import Scalar
from nnviz.record.run import MEMORY_LIMIT, Run, RunInfo
from nnviz.record.store import RunWriter
from nnviz.train import devices
from nnviz.train.position import EpochResult, SessionState
from nnviz.train.race_files import RaceFiles
from nnviz.train.session import TrainingSession
from nnviz.train.step_times import StepTimes

_log = logging.getLogger(__name__)

#: Seconds that a round of all may take: ten rounds a second look like one movement.
_ROUND = 0.1
#: Steps of each in one round, at most: beyond that changing over costs nothing any more.
_MOST_STEPS = 64
#: Weight of the past in the loss of the batches: in the first steps, where a longer memory tells too late, and then.
_SHORT_MEMORY, _EARLY, _MEMORY = 0.6, 100, 0.9
#: Batches of which it is made: those before have less than a millionth in it.
_LATELY = 200
#: Seconds between two looks at a race that nobody asks anything of.
_LOOK_EVERY = 30.0
#: What the tag of its runs begins with.
TAG = "race: "


class RaceState(StrEnum):
    """What a race is doing: PREPARING, READY at step 0, RUNNING, PAUSED, DONE (also stopped), FAILED as a whole."""

    PREPARING = "preparing"
    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an entrant stands: plain values, for any thread.

    Attributes:
        name: Its name.
        step, epoch: Steps made, epochs that ended.
        epochs: How many it is to have.
        steps: How many steps these are together; 0 before it is known.
        start: Mean loss over the validation split before the first step; NaN where there is none.
        batch_loss: Moving average of the loss of the batches, by :func:`memory_of`: where its curve ends.
        loss, accuracy: Of the validation split after the last epoch; NaN before the first, or where there is none.
        rank: From 1 for the lowest validation loss (before the first epoch, loss of the batches); 0 for those that
            failed.
        done: It has ended well.
        failure: Why it ended, as a sentence; empty where it did not fail.
    """

    name: str
    step: int = 0
    epoch: int = 0
    epochs: int = 0
    steps: int = 0
    start: float = math.nan
    batch_loss: float = math.nan
    loss: float = math.nan
    accuracy: float = math.nan
    rank: int = 0
    done: bool = False
    failure: str = ""


@dataclass(eq=False)
class Lane:
    """An entrant with all that is its own.

    Attributes:
        entrant: Its name and what is changed.
        project: What it trains.
        run: What it measures; for any thread.
        path: Its file; None where none is written. Set before it is READY; at the end it may be another.
        complete: After the end: whether the file holds all that was measured, where one was to be written.
        start, steps: See :class:`Standing`.
        failure: Why it ended, as a sentence.
        session: The owner's.
        writer: The owner's.
    """

    entrant: Entrant
    project: Project
    run: Run
    path: Path | None = None
    complete: bool = True
    start: float = math.nan
    steps: int = 0
    failure: str = ""
    done: bool = False
    session: TrainingSession | None = None
    writer: RunWriter | None = None

    @property
    def standing(self) -> Standing:
        """Where it stands, without its rank; on any thread."""
        epoch = _latest(self.run, EPOCH.series())
        return Standing(
            self.entrant.name,
            step=max(0, self.run.last_step),
            epoch=0 if math.isnan(epoch) else int(epoch),
            epochs=self.project.training.epochs,
            steps=self.steps,
            start=self.start,
            batch_loss=self._batch_loss(),
            loss=_latest(self.run, LOSS.series("validation")),
            accuracy=_latest(self.run, ACCURACY.series("validation")),
            done=self.done,
            failure=self.failure,
        )

    def _batch_loss(self) -> float:
        _, values = self.run.scalars(LOSS.series("train"))
        last = values[-_LATELY:]
        if not len(last) or not math.isfinite(last[-1]):
            return float(last[-1]) if len(last) else math.nan
        last = last[np.isfinite(last)]
        weights = memory_of(max(0, self.run.last_step)) ** np.arange(len(last) - 1, -1, -1)
        return float(np.average(last, weights=weights))


class Race:
    """Several entrants that train beside each other.

    One thread owns it and does all its work: :meth:`serve` until :meth:`close`, or :meth:`train` to the end. What is
    asked on any other thread is done between two rounds, when all stand at the same step.

    Args:
        project: What all of them are variations of.
        entrants: From 2 to :data:`nnviz.project.entrants.MOST`, each by another name.
        data_dir: Where else to look for the data.
        keep: Write a file for each among the kept runs.
        probes: Makes the instruments of one; None is all of them. Where nobody looks at one, it measures its losses.
        interest: What is measured of each that is not looked at.
        progress: Called with how loading goes, on the owner's thread.
        on_epoch: Called at the end of each epoch with whose it was, on the owner's thread.
        on_warning: Called with a sentence where a file cannot be written; on any thread.

    Attributes:
        title: What the race is called: its project.
        lanes: Everyone, in order; the list never changes. Their runs and standings are for any thread.

    Raises:
        InputError: One of them cannot be trained; the sentence names it.
    """

    def __init__(
        self,
        project: Project,
        entrants: Sequence[Entrant],
        *,
        data_dir: Path | None = None,
        keep: bool = True,
        probes: Callable[[], Sequence[Probe]] | None = None,
        interest: Interest = EVERYTHING,
        progress: Progress | None = None,
        on_epoch: Callable[[str, EpochResult], None] | None = None,
        on_warning: Callable[[str], None] | None = None,
    ) -> None:
        self.title = project.name
        self._data_dir = data_dir
        self._keep = keep
        self._probes = probes
        self._usual = interest
        self._progress = progress
        self._on_epoch = on_epoch
        self._on_warning = on_warning or (lambda text: None)
        params = {kind: spec.params for kind, spec in datasets.datasets().items()}
        self.lanes = tuple(_lane(entrant, project, params) for entrant in checked(entrants))
        self._changed = threading.Condition()
        self._state = RaceState.PREPARING
        self._failure = ""
        #: What any thread wants: whether it is to train, how many single steps, whether it is to end.
        self._wants_run = False
        self._wants_steps = 0
        self._closing = threading.Event()
        self._files = RaceFiles(self.tag, self._on_warning)
        #: Who is looked at, and what is measured of it.
        self._looked: tuple[int, Interest] | None = None
        self._looked_before: tuple[int, Interest] | None = None
        #: Steps of each in a round.
        self._steps = 1
        #: When the next round may begin, where they are given time; touched with the lock alone.
        self._round_times = StepTimes()

    # -- readable on any thread ----------------------------------------------------------------------------------------

    @property
    def state(self) -> RaceState:
        """What it is doing."""
        return self._state

    @property
    def failure(self) -> str:
        """Why it FAILED as a whole, as a sentence."""
        return self._failure

    @property
    def standings(self) -> tuple[Standing, ...]:
        """Where everyone stands, in the order of the lanes."""
        return ranked([lane.standing for lane in self.lanes])

    @property
    def tag(self) -> str:
        """The tag that its runs get."""
        return f"{TAG}{self.title}"[:60].strip()

    # -- asked on any thread -------------------------------------------------------------------------------------------

    def play(self) -> None:
        """All train until paused or done."""
        with self._changed:
            self._wants_run, self._wants_steps = True, 0
            self._changed.notify_all()

    def pause(self) -> None:
        """All rest after this round, at the same step."""
        with self._changed:
            self._wants_run, self._wants_steps = False, 0
            self._changed.notify_all()

    def step(self) -> None:
        """Everyone makes one step, then all rest."""
        with self._changed:
            self._wants_run = False
            self._wants_steps += 1
            self._changed.notify_all()

    def set_pace(self, steps_per_second: float | None) -> None:
        """So many steps a second of each at the most, one round at a time, so that each can be looked at.

        Args:
            steps_per_second: None for as many as the computer makes.

        Raises:
            ParamError: That is no speed.
        """
        with self._changed:
            self._round_times.set(steps_per_second)
            self._changed.notify_all()

    def look(self, lane: int | None, interest: Interest = NOTHING) -> None:
        """Somebody looks at one of them: all that is wanted is measured of it, of the others their losses."""
        with self._changed:
            self._looked = None if lane is None else (lane, interest)
            self._changed.notify_all()

    def close(self) -> None:
        """End it here; the runs so far are kept. While it is prepared there are none yet: then no file is left."""
        with self._changed:
            self._closing.set()
            self._changed.notify_all()

    # -- the owner's thread --------------------------------------------------------------------------------------------

    def serve(self) -> None:
        """Prepares, does what is asked, ends when all are done or with :meth:`close`. Never raises an NnvizError."""
        try:
            self._prepare()
            while not (self._closing.is_set() or self._over):
                self._turn()
        except Cancelled:
            pass
        except BaseException as error:
            if not isinstance(error, Exception) and not is_out_of_memory(error):
                raise
            _log.debug("The race failed.", exc_info=True)
            self._failure = str(error) if isinstance(error, NnvizError) else f"The race failed: {error}"
        finally:
            self._end()

    def train(self) -> tuple[Standing, ...]:
        """Trains all of them to their last epoch on this thread. Ctrl-C ends it after this round.

        Raises:
            NnvizError: It could not be prepared.
            Cancelled: It was interrupted; the runs so far are kept, of a race that had not begun nothing is.
        """
        self.play()
        interrupted = False

        def interrupt(number: int, frame: object) -> None:
            nonlocal interrupted
            if interrupted:
                raise KeyboardInterrupt
            interrupted = True
            self._closing.set()

        try:
            with interruption.handled_by(interrupt):
                self._prepare()
                while not (self._closing.is_set() or self._over):
                    self._turn()
        finally:
            with interruption.put_off():
                self._end()
        if interrupted:
            raise Cancelled("The race was interrupted; what was recorded until then is kept.")
        return self.standings

    # -- inside --------------------------------------------------------------------------------------------------------

    @property
    def _racing(self) -> list[Lane]:
        return [lane for lane in self.lanes if lane.session is not None]

    @property
    def _over(self) -> bool:
        return self._state is not RaceState.PREPARING and not self._racing

    def _enter(self, state: RaceState) -> None:
        with self._changed:
            self._state = state
            self._changed.notify_all()

    def _prepare(self) -> None:
        """All stand at the start, with their files; one that cannot begin is out."""
        data: LoadedData | None = None
        self._refuse_too_large()
        for lane in self.lanes:
            self._refuse_closed()
            if self._keep:
                self._open_file(lane)
            same = data is not None and data.config == lane.project.data
            lane.session = TrainingSession(
                lane.project,
                lane.run,
                data=data if same else None,
                data_dir=self._data_dir,
                probes=None if self._probes is None else self._probes(),
                store=lane.writer,
                progress=self._progress,
                on_epoch=None if self._on_epoch is None else partial(self._on_epoch, lane.entrant.name),
            )
            lane.session.refused.connect(lambda text, lane=lane: self._on_warning(f"{lane.entrant.name}: {text}"))
            if self._usual is not EVERYTHING:
                lane.session.look(self._usual)
            lane.session.begin()
            if lane.session.state is SessionState.FAILED:
                self._take_out(lane)
                continue
            data = data or lane.session.data
            lane.steps = lane.session.position.steps
            lane.session.take_turn(0)  # what is looked at
            self._measure_start(lane)
            lane.session.end_turn()
        if not self._racing:
            raise TrainingError(self.lanes[0].failure)
        self._refuse_closed()  # also while the last one was prepared
        self._enter(RaceState.READY)

    def _refuse_closed(self) -> None:
        """Whoever closes a race that is being prepared wants nothing of it.

        Raises:
            Cancelled: It was closed.
        """
        if self._closing.is_set():
            raise Cancelled("The race was closed before it began: nothing of it is kept.")

    def _refuse_too_large(self) -> None:
        """All of them stay in memory, while one of them computes a batch.

        Raises:
            TooLargeError: With both numbers, before anything is built.
        """
        together: dict[str, int] = {}
        batch: dict[str, int] = {}
        config, known = None, None
        for lane in self.lanes:
            device = devices.resolve(lane.project.training.device)
            project = effective(lane.project)
            if known is None or project.data != config:
                config = project.data
                known = Examples.of(datasets.counted(datasets.facts(config), config))
            estimate = Estimate(project, infer(project.graph), known, accelerator=device.type != "cpu")
            parts = dict(estimate.needs().parts)
            shared = parts.pop("the data", 0) + parts.pop("the running program", 0)
            once = parts.pop(BATCH, 0)
            key = str(device)
            together[key] = together.get(key, 0) + sum(parts.values())
            batch[key] = max(batch.get(key, 0), once + shared)
        for key, own in together.items():
            device = devices.resolve(key)
            needed = own + batch[key]
            available = available_bytes(device)
            if needed > available:
                place = "the memory" if device.type == "cpu" else f"the memory of {device}"
                raise TooLargeError(
                    f"A race of {len(self.lanes)} needs about {bytes_text(needed)}, but {place} has "
                    f"{bytes_text(available)} left: race fewer of them, or take smaller batches."
                )

    def _open_file(self, lane: Lane) -> None:
        lane.writer = self._files.open(lane.run, lane.entrant.name)
        lane.complete = lane.writer is not None
        lane.path = None if lane.writer is None else lane.writer.path

    def _measure_start(self, lane: Lane) -> None:
        """The loss before the first step, over the whole validation split: where all begin at the same place."""
        assert lane.session is not None
        training = lane.session.training
        if not len(training.data.validation):
            return
        evaluation = training.evaluation("validation")
        while evaluation.advance():
            if self._closing.is_set():
                return
        lane.start = evaluation.result().loss

    def _turn(self) -> None:
        """A round, or a wait."""
        with self._changed:
            run, steps, looked = self._wants_run, self._wants_steps, self._looked
            in_time = self._round_times.are_given
            self._wants_steps = max(0, steps - 1)
        if looked != self._looked_before:
            self._tell_interest(looked)
        if run:
            if self._state is not RaceState.RUNNING:
                for lane in self._racing:
                    _session(lane).play()
                self._enter(RaceState.RUNNING)
            if not in_time:
                self._round(self._steps)
            elif self._is_due():
                self._round(1)
        elif steps:
            for lane in self._racing:
                _session(lane).step()
            self._round(0)
            self._enter(RaceState.PAUSED)
        elif self._state is RaceState.RUNNING:
            for lane in self._racing:
                _session(lane).pause()
            self._round(0)
            self._enter(RaceState.PAUSED)
        elif not self._settle():
            with self._changed:
                asked = (self._wants_run, self._wants_steps, self._looked)
                if asked == (run, 0, looked) and not self._closing.is_set():
                    self._changed.wait(_LOOK_EVERY)

    def _is_due(self) -> bool:
        """Whether the next round of one step may begin by now; else it waits for that, or until something is asked."""
        with self._changed:
            early = self._round_times.too_early()
            asked = (self._wants_run, self._wants_steps, self._looked is self._looked_before)
            if early and asked == (True, 0, True) and not self._closing.is_set():
                self._changed.wait(early)
        return not early

    def _round(self, steps: int) -> None:
        """Everyone makes so many steps, with what falls due on the way; 0 does only what was asked of each."""
        racing = self._racing
        began, validated = time.perf_counter(), False
        goal = max((_session(lane).training.step for lane in racing), default=0) + steps
        for lane in racing:
            session = _session(lane)
            self._use_threads(session)
            epochs = lane.run.latest(EPOCH.series())
            while session.take_turn(goal) and not self._closing.is_set():
                if not steps and not session.has_errand:
                    break  # at rest: what is left is measuring, which waits until nobody asks for anything
            session.end_turn()
            validated = validated or lane.run.latest(EPOCH.series()) is not epochs
            if session.state is SessionState.FAILED:
                self._take_out(lane)
            elif session.state is SessionState.DONE:
                lane.done = True
                self._take_out(lane)
        if steps and not validated:
            seconds = time.perf_counter() - began
            self._steps = max(1, min(_MOST_STEPS, 2 * steps, int(steps * _ROUND / max(seconds, 1e-6))))

    def _settle(self) -> bool:
        """At rest: a piece of what is measured then, of the first that has something left; False where none has."""
        for lane in self._racing:
            session = _session(lane)
            self._use_threads(session)
            if session.take_turn(0):
                return True
            session.end_turn()
        return False

    def _use_threads(self, session: TrainingSession) -> None:
        """As many threads as it would have alone: so many also decide in which order is added."""
        if session.state is not SessionState.FAILED:
            devices.fit_threads(session.training.work)

    def _tell_interest(self, looked: tuple[int, Interest] | None) -> None:
        self._looked_before = looked
        for at, lane in enumerate(self.lanes):
            if lane.session is not None:
                lane.session.look(self._usual if looked is None or looked[0] != at else looked[1])

    def _take_out(self, lane: Lane) -> None:
        """It has ended: its run is finished, its memory is given back, the others go on."""
        session, lane.session = lane.session, None
        if session is not None:
            session.end()
            if session.error is not None:
                lane.failure = str(session.error)
        self._close_file(lane)

    def _close_file(self, lane: Lane) -> None:
        writer, lane.writer = lane.writer, None
        if writer is None:
            return
        # What is measured before all stand at the start is no training.
        discard = self._state is RaceState.PREPARING or lane.run.last_step < 0
        lane.complete, lane.path = self._files.close(writer, discard=discard)

    def _end(self) -> None:
        for lane in self.lanes:
            self._take_out(lane)
            lane.run.finished = True
        self._enter(RaceState.FAILED if self._failure else RaceState.DONE)


def memory_of(step: int) -> float:
    """Weight of the past in the moving average of the loss of the batches, as number and as curve."""
    return _SHORT_MEMORY if step < _EARLY else _MEMORY


def ranked(standings: Sequence[Standing]) -> tuple[Standing, ...]:
    """The same with their ranks: the lowest validation loss first; that of the batches until all have one.

    Who has the same loss has the same rank: after the first step all of them, as they began alike.
    """
    by_validation = all(math.isfinite(one.loss) for one in standings if not one.failure)

    def key(standing: Standing) -> float:
        value = standing.loss if by_validation else standing.batch_loss
        return value if math.isfinite(value) else math.inf

    values = sorted(key(one) for one in standings if not one.failure)
    return tuple(replace(one, rank=0 if one.failure else 1 + values.index(key(one))) for one in standings)


def _lane(entrant: Entrant, project: Project, params: Mapping[str, tuple[object, ...]]) -> Lane:
    try:
        own = entrant.project(project, params)  # type: ignore[arg-type]
    except InputError as error:
        raise type(error)(f"{entrant.name}: {error.message}", field=error.field) from None
    problems = problems_that_stop(validate(own, None, infer(effective(own).graph), try_fixes=False))
    if problems:
        raise InputError(f"{entrant.name} cannot be trained: {problems[0].text}")
    info = RunInfo(
        project_json=io.dumps(own),
        nnviz_version=__version__,
        seed=own.training.seed,
        device=own.training.device,
        title=f"{project.name}, {entrant.name}",
        facts={"race": project.name},
    )
    return Lane(entrant, own, Run(info, memory_limit=MEMORY_LIMIT // 2))


def _session(lane: Lane) -> TrainingSession:
    assert lane.session is not None
    return lane.session


def _latest(run: Run, series: str) -> float:
    found = run.latest(series)
    return found.value if isinstance(found, Scalar) else math.nan
