"""Where training stands, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import msgspec

from nnviz.project.choices import with_param
from nnviz.project.edits import SetTraining
from nnviz.project.model import Project
from nnviz.record.run import RunView
from nnviz.record.seen import Seen, seen_at

if TYPE_CHECKING:
    from nnviz.train.session import Position


class Racing(Protocol):
    """The race whose runs may be on the screen, as those know it who play and pause."""

    @property
    def running(self) -> bool:
        """Whether everyone trains just now."""

    @property
    def pace(self) -> float | None:
        """Steps a second of each at the most; None for as many as the computer makes."""

    def set_pace(self, steps_per_second: float | None) -> None:
        """So many steps a second."""

    def steps_of(self, run: RunView) -> int | None:
        """How many steps a run is to make that still races; None of all others."""

    def toggle(self) -> None:
        """Play or pause."""

    def step(self) -> None:
        """Everyone makes one step."""


@dataclass(frozen=True)
class Standing:
    """Where training stands, as the bars show it. Sizes are 0 while they are not known."""

    epoch: int = 0
    epochs: int = 0
    step: int = 0
    steps: int = 0
    samples_per_second: float = 0.0
    eta_seconds: float = float("nan")
    device: str = ""
    probe_cost: float = 0.0
    step_price: float = float("nan")
    train_count: int = 0
    validation_count: int = 0
    test_count: int = 0
    seen: Seen = field(default_factory=Seen)


def with_learning_rate(project: Project, value: float) -> SetTraining:
    """The edit that gives the project's optimizer another learning rate."""
    chosen = with_param(project.training.optimizer, "learning_rate", value)
    return SetTraining(msgspec.structs.replace(project.training, optimizer=chosen))


def standing_of(
    position: Position | None, project: Project, sizes: tuple[int, ...], run: RunView, step: int | None
) -> Standing:
    """Where a session stands; what is known without one while there is none.

    Args:
        position: Of the session.
        project: What is trained.
        sizes: Examples for training, validation and test, as far as they are known.
        run: What is shown.
        step: The step of it that the timeline shows; None is live.
    """
    if position is None:
        train, validation, test = sizes or (0, 0, 0)
        standing = Standing(
            epochs=project.training.epochs,
            train_count=train,
            validation_count=validation,
            test_count=test,
        )
    else:
        standing = Standing(
            epoch=position.epoch,
            epochs=position.epochs,
            step=position.step,
            steps=position.steps,
            samples_per_second=position.samples_per_second,
            eta_seconds=position.eta_seconds,
            device=position.device,
            probe_cost=position.probe_cost,
            step_price=position.step_price,
            train_count=position.train_count,
            validation_count=position.validation_count,
            test_count=position.test_count,
        )
    if step is None:
        seen = Seen(standing.step, standing.epoch, max(standing.epoch, standing.epochs))
    else:
        seen = seen_at(run, step, standing.epochs)
    return replace(standing, seen=seen)


def standing_of_replay(
    run: RunView, project: Project, sizes: tuple[int, ...], step: int | None, planned: int = 0
) -> Standing:
    """Where a recorded run stands at the step that is shown, or at its end.

    Args:
        run: What is shown.
        project: What it was made with.
        sizes: Examples for training, validation and test, as far as they are known.
        step: The step of it that the timeline shows; None is the newest.
        planned: How many steps it is to have, where it is still trained here.
    """
    train, validation, test = sizes or (0, 0, 0)
    steps = max(run.last_step, 0)
    seen = seen_at(run, steps if step is None else step, project.training.epochs)
    return Standing(
        epoch=seen.epoch,
        epochs=seen.epochs,
        step=seen.step,
        steps=max(steps, planned),
        device=run.info.device,
        train_count=train,
        validation_count=validation,
        test_count=test,
        seen=seen,
    )
