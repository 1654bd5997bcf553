"""What a training asks of whoever keeps its checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable


class CheckpointStore(Protocol):
    """Where checkpoints are kept: the run's file."""

    def save_checkpoint(self, step: int, epoch: int, blobs: Mapping[str, bytes], tag: str) -> object:
        """Keep blobs under the step; ``tag`` is ``epoch`` (see ``Way``), ``pause``, ``edit``, ``stop`` and others."""


@runtime_checkable
class WritesBehind(Protocol):
    """A store that takes checkpoints at once and writes them when the disk has time."""

    @property
    def writing(self) -> bool:
        """Whether a checkpoint is not on the disk yet."""

    def withdraw_checkpoints(self) -> bool:
        """Lets go of what waits and is not being written yet: a newer one takes its place. False where none waited."""

    def flush(self, timeout: float = 30.0) -> bool:
        """Waits, seconds at most, until everything is on the disk."""


@runtime_checkable
class WaitsForFile(Protocol):
    """A store that holds what was edited before the first step until there is a file."""

    def forget_start(self) -> None:
        """Another session begins: let go of it."""
