"""With which settings the step that is shown was made, and which of the project's wait for a restart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Generic, TypeVar

from nnviz.project.model import Project, TrainConfig
from nnviz.record.seen import Seen
from nnviz.train.change import learning_rate_of, learning_rate_of_config

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class SettingSeen(Generic[_Value]):
    """One setting of the training, at the step that is shown.

    Attributes:
        value: What is shown: what the project says, or what an earlier step was made with.
        wanted: What the project says.
        in_use: What the network in training has, where that of the project waits for a restart; None where none waits.
        made: Whether an earlier step is shown, or one of a recorded run, that was made with ``value``.
    """

    value: _Value
    wanted: _Value
    in_use: _Value | None = None
    made: bool = False


def learning_rate_seen(project: Project, used: TrainConfig | None, seen: Seen) -> SettingSeen[float]:
    """The learning rate of the step that is shown.

    Args:
        project: What is on the screen.
        used: The settings of the network in training, where those of the project wait for a restart; otherwise None.
        seen: The step.
    """
    wanted = learning_rate_of(project)
    if not math.isnan(seen.learning_rate):
        return SettingSeen(seen.learning_rate, wanted, made=True)
    has = wanted if used is None else learning_rate_of_config(used)
    return SettingSeen(wanted, wanted, has if has != wanted else None)


def batch_size_seen(project: Project, used: TrainConfig | None, seen: Seen) -> SettingSeen[int]:
    """Examples in the batch of the step that is shown; the arguments are those of :func:`learning_rate_seen`."""
    wanted = project.training.batch_size
    if seen.batch_size:
        return SettingSeen(seen.batch_size, wanted, made=True)
    waits = used is not None and used.batch_size != wanted
    return SettingSeen(wanted, wanted, used.batch_size if used is not None and waits else None)


def optimizer_seen(
    project: Project, used: TrainConfig | None, opened: Project | None, *, earlier: bool
) -> SettingSeen[str]:
    """The kind of the optimizer that made the step that is shown.

    One rule is kept for the whole of a run; which settings wait is known only once the hand rests.

    Args:
        project: What is on the screen.
        used: The settings of the network in training, where those of the project wait for a restart; otherwise None.
        opened: With what the session was opened; None for none, and while a recorded run is shown.
        earlier: Whether the timeline shows an earlier step.
    """
    wanted = project.training.optimizer.kind
    has = wanted if opened is None else opened.training.optimizer.kind
    if earlier:
        return SettingSeen(has, wanted, made=has != wanted)
    return SettingSeen(wanted, wanted, has if used is not None and has != wanted else None)
