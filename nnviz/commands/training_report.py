"""How a training goes, while ``nnviz train`` trains: a progress bar for people, JSON lines for programs."""

from __future__ import annotations

import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tqdm import tqdm

from nnviz import streams
from nnviz.commands.json_lines import JsonLines
from nnviz.errors import NnvizError, NotFiniteError
from nnviz.project.model import Project
from nnviz.record.number_text import percent
from nnviz.record.quantities import LOSS

if TYPE_CHECKING:
    from nnviz.train.paces import Duration
    from nnviz.train.position import EpochResult, Outcome
    from nnviz.train.session import TrainingSession
    from nnviz.train.training import Training

#: Seconds between two looks at the session's position.
_LOOK_EVERY = 0.2


def _counted(count: int, noun: str) -> str:
    """``1 epoch``, ``3 epochs``."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


class Report(Protocol):
    """Says on the command line how a training goes: as a bar for people, as JSON for programs."""

    def begin(self, session: TrainingSession) -> None:
        """It is about to start."""

    def prepared(self, training: Training) -> None:
        """It can begin."""

    def expected(self, duration: Duration) -> None:
        """What it is going to take, before the first step."""

    def epoch(self, result: EpochResult) -> None:
        """An epoch has ended."""

    def warning(self, text: str) -> None:
        """Something went wrong that does not end it; on any thread."""

    def end(self) -> None:
        """It has ended, well or not."""

    def failed(self, error: NnvizError, path: Path | None) -> None:
        """It has ended because of this; ``path`` is the file that holds what there is of the run, or None."""

    def interrupted(self, step: int, path: Path | None) -> None:
        """Somebody has ended it after so many steps; ``path`` likewise."""

    def finished(self, outcome: Outcome, path: Path | None, *, complete: bool) -> None:
        """It has ended well; ``path`` is the file that holds the run, as a whole or not, or None."""


class JsonReport:
    """One JSON object a line on standard output, see :class:`JsonLines`.

    ``seconds`` is training time since the start, pauses left out, in every event; ``epoch_seconds`` is that of the
    epoch alone. A run that is gone on with counts from where it went on; ``run_seconds`` counts all of it.
    """

    def __init__(self) -> None:
        self._lines = JsonLines()

    def begin(self, session: TrainingSession) -> None:
        """Nothing to say."""

    def prepared(self, training: Training) -> None:
        """Nothing to say."""

    def expected(self, duration: Duration) -> None:
        """Nothing to say: the events are of what has happened; ``nnviz summary --json`` tells it."""

    def epoch(self, result: EpochResult) -> None:
        """The epoch's event."""
        self._lines.print({"event": "epoch", **asdict(result)})

    def warning(self, text: str) -> None:
        """An event, and a line for people."""
        streams.complain(text)
        self._lines.print({"event": "warning", "text": text})

    def end(self) -> None:
        """Nothing to say."""

    def failed(self, error: NnvizError, path: Path | None) -> None:
        """The last event, where it could not go on; what is not known is null."""
        known = error if isinstance(error, NotFiniteError) else None
        self._lines.print(
            {
                "event": "failed",
                "reason": str(error),
                "node": None if known is None else known.node,
                "quantity": None if known is None else known.quantity,
                "step": None if known is None else known.step,
                "restored": None if known is None else known.restored,
                "run": None if path is None else str(path),
            }
        )

    def interrupted(self, step: int, path: Path | None) -> None:
        """The last event, where somebody ended it."""
        self._lines.print({"event": "interrupted", "step": step, "run": None if path is None else str(path)})

    def finished(self, outcome: Outcome, path: Path | None, *, complete: bool) -> None:
        """The last event."""
        self._lines.print(
            {
                "event": "finished",
                "test_loss": outcome.test_loss,
                "test_accuracy": outcome.test_accuracy,
                "run": None if path is None else str(path),
                "run_complete": complete,
                "seconds": outcome.seconds,
                "run_seconds": outcome.run_seconds,
            }
        )


class BarReport:
    """A progress bar on standard error and a line for every epoch.

    A thread of its own looks at the session now and then, so that training never waits for a terminal.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._bar: tqdm[None] | None = None
        #: Whether a part of the run was there before.
        self._went_on = False

    def begin(self, session: TrainingSession) -> None:
        """Show the bar."""
        if sys.stderr is None or not sys.stderr.isatty():  # in a log, the lines of the epochs are enough
            return
        self._bar = tqdm(total=None, unit=" steps", desc="preparing", dynamic_ncols=True, leave=False)
        self._thread = threading.Thread(target=self._follow, args=(session,), name="nnviz-progress", daemon=True)
        self._thread.start()

    def prepared(self, training: Training) -> None:
        """A line that stays: what is trained, a run that is gone on with as it is by now."""
        self._went_on = training.step > 0
        config, size = training.config, training.batch_size_at(training.step)
        self._say(
            f"{self._project.name}: {self._project.data.dataset}, {config.optimizer.kind}, batch {size}, "
            f"{_counted(training.epochs, 'epoch')}, seed {config.seed}"
        )

    def expected(self, duration: Duration) -> None:
        """A line that stays."""
        self._say(f"{duration.text[:1].upper()}{duration.text[1:]}")

    def epoch(self, result: EpochResult) -> None:
        """Writes the numbers of an epoch on a line above the bar, where it stays."""
        parts = [f"epoch {result.epoch:>3}", f"mean train loss {_loss(result.train_loss)}"]
        if result.validation_loss is not None:
            parts.append(f"validation loss {_loss(result.validation_loss)}")
        if result.validation_accuracy is not None:
            parts.append(f"accuracy {percent(result.validation_accuracy, 2)}")
        parts.append(f"{result.epoch_seconds:.1f} s, {result.run_seconds:.1f} s in all")
        self._say("   ".join(parts))

    def warning(self, text: str) -> None:
        """A line that stays."""
        self._say(f"nnviz: {text}")

    def end(self) -> None:
        """Take the bar away."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(2)
        if self._bar is not None:
            self._bar.close()

    def failed(self, error: NnvizError, path: Path | None) -> None:
        """Nothing to say here: the command line prints every error."""

    def interrupted(self, step: int, path: Path | None) -> None:
        """Nothing to say here either."""

    def finished(self, outcome: Outcome, path: Path | None, *, complete: bool) -> None:
        """How it ended."""
        made = f"{_counted(outcome.epochs, 'epoch')}, {_counted(outcome.steps, 'step')}"
        took = f"in {outcome.run_seconds:.1f} s"
        if self._went_on:
            took += f", {outcome.seconds:.1f} s of them now"
        parts = [f"{made} {took}{' (early stopping)' * outcome.ended_early}"]
        if outcome.best_epoch:
            parts.append(f"best epoch {outcome.best_epoch}")
        if outcome.test_loss is not None:
            parts.append(f"test loss {_loss(outcome.test_loss)}")
        if outcome.test_accuracy is not None:
            parts.append(f"test accuracy {percent(outcome.test_accuracy, 2)}")
        streams.tell("   ".join(parts))

    def _say(self, text: str) -> None:
        streams.tell(text, above=self._bar)

    def _follow(self, session: TrainingSession) -> None:
        bar = self._bar
        assert bar is not None
        begun = False
        while not self._over.wait(_LOOK_EVERY):
            position = session.position
            if position.steps_per_epoch == 0:
                continue
            if not begun:  # what is loaded, and where a run is gone on with, are no part of the speed
                begun = True
                bar.reset()
                bar.initial = position.step
            bar.total = position.steps
            bar.n = position.step
            epoch = min(position.epoch + 1, position.epochs)
            bar.set_description(f"epoch {epoch}/{position.epochs} on {position.device}", refresh=False)
            loss = session.run.latest(LOSS.series("train"))
            value = getattr(loss, "value", None)  # numpy is not loaded for the class of it
            known = "" if value is None else f"loss {_loss(value)}, "
            bar.set_postfix_str(f"{known}{position.samples_per_second:,.0f} samples/s", refresh=False)
            bar.refresh()


def _loss(value: float) -> str:
    """A loss under the one before it: of four decimals, and where that would be many figures, of a few."""
    return f"{value:.4f}" if abs(value) < 1e5 else f"{value:.3e}"
