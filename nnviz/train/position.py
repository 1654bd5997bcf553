"""Plain values that say where a training stands; made by its owner, read by any thread."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class SessionState(StrEnum):
    """What a session is doing.

    IDLE: made, not started. PREPARING: loading data, building, measuring step 0. READY: at step 0, or at the step
    where a run is resumed. RUNNING, PAUSED. STOPPING: asked to end. DONE: all epochs finished, or stopped.
    FAILED: see ``TrainingSession.error``.
    """

    IDLE = "idle"
    PREPARING = "preparing"
    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Position:
    """A snapshot, replaced as a whole.

    Attributes:
        epoch: Finished epochs.
        step: Updates made.
        steps_per_epoch, epochs, batch_size: The plan; steps and batches of the present epoch.
        steps: Of all epochs together.
        samples_per_second: Lately; 0 while nothing runs.
        eta_seconds: Until all epochs are done; NaN while that is not known.
        device: As torch names it: ``cpu``, ``cuda:0``.
        probe_cost: Seconds of measuring for a second of training, lately; 0 in the first two seconds.
        step_price: How many times as long as training alone a step takes lately, everything included: instruments,
            drawing, waiting for each other. NaN while that is not known, and on a GPU.
        train_count, validation_count, test_count: Examples in the splits.
        test_uses: How often the test set was looked at.
        learning_rate: Of the next step.
        edits: How often numbers of the network were set by hand or others put in, and training went back: the same step
            with another count, other weights.
        switches: How often units were switched off or frozen, or back: another count, other answers.
        undoable_edit, redoable_edit: Where an undo and a redo of such an edit would write, in words; empty where there
            is none.
        activity: What takes long just now, such as ``validation``, or ``measuring`` (the pass over the probe set, at
            rest); empty when it is training or resting.
        fills_cores: Whether a step is computed on all cores, so that whoever draws beside it takes one away.
    """

    epoch: int = 0
    step: int = 0
    steps_per_epoch: int = 0
    epochs: int = 0
    steps: int = 0
    batch_size: int = 0
    samples_per_second: float = 0.0
    eta_seconds: float = math.nan
    device: str = ""
    probe_cost: float = 0.0
    step_price: float = math.nan
    train_count: int = 0
    validation_count: int = 0
    test_count: int = 0
    test_uses: int = 0
    learning_rate: float = 0.0
    edits: int = 0
    switches: int = 0
    undoable_edit: str = ""
    redoable_edit: str = ""
    activity: str = ""
    fills_cores: bool = False


@dataclass(frozen=True, slots=True)
class EpochResult:
    """How an epoch ended.

    Attributes:
        epoch: Its number, from 1.
        step: Updates made by then.
        train_loss: Mean over the examples of their losses while it ran, as each batch saw them.
        validation_loss, validation_accuracy: Of the validation split afterwards; None where there is none.
        seconds: Training time since the session began to train, pauses left out.
        epoch_seconds: The part of it since the epoch before ended: of this epoch with its validation, or of as much of
            it as this session trained where a run is gone on with in the middle of one.
        run_seconds: Training time of the whole run, with the sessions before this one where it is gone on with.
    """

    epoch: int
    step: int
    train_loss: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float
    epoch_seconds: float
    run_seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a training ended.

    Attributes:
        test_loss, test_accuracy: Of the test split with the final weights; None where there is none.
        epochs, steps: Made altogether.
        seconds: Training time of this session, pauses left out.
        run_seconds: That of the whole run, as its file tells it: the sessions before this one included.
        best_epoch: The best one by the validation split, from 1; 0 where there was no validation.
        ended_early: Early stopping ended it before its last epoch.
    """

    test_loss: float | None
    test_accuracy: float | None
    epochs: int
    steps: int
    seconds: float
    run_seconds: float
    best_epoch: int
    ended_early: bool = False


class Speedometer:
    """Examples a second over the last moments, and the time spent training altogether.

    Args:
        clock: Seconds that go forwards; tests hand in their own.
        memory: Seconds after which a moment weighs only a third.

    Attributes:
        earlier: Seconds spent on the same run before, where it is gone on with.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter, memory: float = 2.0) -> None:
        self._clock = clock
        self._memory = memory
        self._since: float | None = None
        self._last = 0.0
        self._samples = 0
        self._weighted_samples = 0.0
        self._weighted_seconds = 0.0
        self._before = 0.0
        self.earlier = 0.0

    @property
    def seconds(self) -> float:
        """Time spent running."""
        return self._before + (self._clock() - self._since if self._since is not None else 0.0)

    @property
    def running(self) -> bool:
        """Whether it counts."""
        return self._since is not None

    def start(self) -> None:
        """Training goes on."""
        if self._since is None:
            self._since = self._last = self._clock()
            self._samples = 0
            self._weighted_samples = self._weighted_seconds = 0.0

    def stop(self) -> None:
        """Training rests."""
        self._before = self.seconds
        self._since = None

    def count(self, examples: int) -> None:
        """A batch is done."""
        self._samples += examples

    @property
    def rate(self) -> float:
        """Examples a second; 0 while nothing is known."""
        if self._since is None:
            return 0.0
        now = self._clock()
        elapsed = now - self._last
        if elapsed > 0 and self._samples:
            keep = math.exp(-elapsed / self._memory)
            self._weighted_samples = self._weighted_samples * keep + self._samples
            self._weighted_seconds = self._weighted_seconds * keep + elapsed
            self._last, self._samples = now, 0
        return self._weighted_samples / self._weighted_seconds if self._weighted_seconds else 0.0
