"""Whom a Workbench speaks to: the host that keeps its session, and the observer that shows what becomes of it."""

from __future__ import annotations

from typing import Protocol

from nnviz.project.model import Curated, DataConfig, Project
from nnviz.record.run import Run
from nnviz.train.live_settings import LiveSettings
from nnviz.train.start import Start


class Host(Protocol):
    """Whoever keeps at most one session: asked on the Workbench's thread, never waiting."""

    @property
    def state(self) -> str:
        """State of the session as it is known here: a value of ``SessionState``; ``idle`` without one."""

    def open(self, project: Project, run: Run, start: Start | None = None) -> None:
        """Close the session that is there and prepare one, which begins with ``start`` where that is given."""

    def close_session(self) -> None:
        """Close the session."""

    def play(self) -> None:
        """Train until paused or done."""

    def pause(self) -> None:
        """Rest after this batch."""

    def step(self, count: int = 1) -> None:
        """Train so many batches, then rest."""

    def epoch(self) -> None:
        """Train to the end of the present epoch, then rest."""

    def step_back(self) -> None:
        """Take the last batch back."""

    def go_back(self, step: int) -> None:
        """Return to an earlier step."""

    def set_learning_rate(self, value: float) -> None:
        """From the next batch on."""

    def set_epochs(self, count: int) -> None:
        """How far to train."""

    def train_on(self, epochs: int) -> None:
        """How far to train, although the project says fewer."""

    def take_on(self, settings: LiveSettings) -> None:
        """Other settings of optimizer and layers, other layers frozen, from the next batch on."""

    def curate(self, entries: tuple[Curated, ...]) -> None:
        """Other labels and weights for single examples, from the next epoch on."""

    def evaluate_test(self) -> None:
        """Measure on the test split."""


class Observer(Protocol):
    """Whoever shows a Workbench. Called on its thread."""

    def settle_soon(self, at_once: bool) -> None:
        """Call :meth:`Workbench.settled` later: when no more changes follow, or ``at_once`` after this event.

        Never from inside: the document is telling its listeners of a change.
        """

    def learn(self, config: DataConfig) -> None:
        """Find out what the data look like; answer with ``facts_learnt`` or ``facts_failed``, at once or later."""

    def show(self, run: Run | None) -> None:
        """This run is to be seen from now on."""

    def show_newest(self) -> None:
        """The newest values are to be seen, not those of an earlier step."""

    def changed(self) -> None:
        """Something that decides what can be asked for is another one."""

    def began(self, run: Run) -> None:
        """The run has left its start: it is worth keeping."""

    def ended(self, run: Run) -> None:
        """A run that began, or that was to be gone on with, will not be continued."""

    def data_known(self, sizes: tuple[int, ...]) -> None:
        """How many examples there are for training, validation and test; empty where that is not known."""

    def failed(self, sentence: str, details: str) -> None:
        """Something could not be done."""

    def recovered(self) -> None:
        """Earlier failures no longer hold."""
