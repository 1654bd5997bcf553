"""Where training stands, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from nnviz.project.choices import with_param
from nnviz.project.edits import SetTraining
from nnviz.project.model import Project
from nnviz.record.quantities import EPOCH
from nnviz.record.run import RunView

if TYPE_CHECKING:
    from nnviz.train.session import Position


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


def with_learning_rate(project: Project, value: float) -> SetTraining:
    """The edit that gives the project's optimizer another learning rate."""
    chosen = with_param(project.training.optimizer, "learning_rate", value)
    return SetTraining(msgspec.structs.replace(project.training, optimizer=chosen))


def standing_of(position: Position | None, project: Project, sizes: tuple[int, ...]) -> Standing:
    """Where a session stands; what is known without one while there is none."""
    if position is None:
        train, validation, test = sizes or (0, 0, 0)
        return Standing(epochs=project.training.epochs, train_count=train, validation_count=validation, test_count=test)
    return Standing(
        epoch=position.epoch,
        epochs=position.epochs,
        step=position.step,
        steps=position.steps_per_epoch * position.epochs,
        samples_per_second=position.samples_per_second,
        eta_seconds=position.eta_seconds,
        device=position.device,
        probe_cost=position.probe_cost,
        step_price=position.step_price,
        train_count=position.train_count,
        validation_count=position.validation_count,
        test_count=position.test_count,
    )


def standing_of_replay(run: RunView, project: Project, sizes: tuple[int, ...]) -> Standing:
    """Where a recorded run stands at its end."""
    train, validation, test = sizes or (0, 0, 0)
    epochs_done = getattr(run.latest(EPOCH.series()), "value", 0.0)
    steps = max(run.last_step, 0)
    return Standing(
        # A file may say anything, also that no number of epochs has ended.
        epoch=int(epochs_done) if 0.0 <= epochs_done <= run.last_step else 0,
        epochs=project.training.epochs,
        step=steps,
        steps=steps,
        device=run.info.device,
        train_count=train,
        validation_count=validation,
        test_count=test,
    )
