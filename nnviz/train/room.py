"""Copies beyond the first are made only where there is room for them, and it is said when one is left out."""

from __future__ import annotations

from collections.abc import Callable

import torch

from nnviz.network.memory import available_bytes
from nnviz.project.checks.memory import bytes_text

#: Copies smaller than this are made without asking: asking takes longer than they do.
_NOT_WORTH_ASKING = 2**20


class Room:
    """Room for what a training can do without: states to go back to, best weights, copies for the instruments.

    The system is asked whenever such a copy is to be made, for others take memory too. What the next step and the next
    checkpoint need is left free. Belongs to the thread that owns the training.

    Args:
        device: Where the copies are made.
        reserve: Bytes to leave free.
        available: Bytes that may still be had on a device; tests hand in their own.

    Attributes:
        tell: Called with a sentence the first time that something is left out.
    """

    def __init__(
        self, device: torch.device, reserve: int, available: Callable[[torch.device], int] | None = None
    ) -> None:
        self._device = device
        self._reserve = reserve
        self._available = available or available_bytes
        #: What was left out and has been said.
        self._said: set[str] = set()
        self.tell: Callable[[str], None] = lambda sentence: None

    def allows(self, nbytes: int, left_out: str) -> bool:
        """Whether there is room for a copy.

        Args:
            nbytes: Its size.
            left_out: What it means when there is none, as the beginning of a sentence: ``Going back is limited``.
        """
        if nbytes < _NOT_WORTH_ASKING:
            return True
        free = self._available(self._device)
        if nbytes + self._reserve <= free:
            return True
        if left_out not in self._said:
            self._said.add(left_out)
            self.tell(
                f"{left_out}: it would take {bytes_text(nbytes)} of memory, {bytes_text(free)} are free, and training "
                f"itself may need {bytes_text(self._reserve)} of them."
            )
        return False
