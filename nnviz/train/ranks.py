"""Which of several processes of one training this one is, as torchrun says it. Without torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from nnviz.errors import InputError

#: What torchrun gives each process that it starts; a job scheduler alone gives some of them, which mean nothing here.
_GIVEN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Ranks:
    """One of several processes.

    Attributes:
        rank: Its number, from 0; the first one leads, and writes the run.
        size: How many there are.
        local_rank: Its number among those of this computer, which is that of its GPU.
    """

    rank: int
    size: int
    local_rank: int

    @property
    def leads(self) -> bool:
        """Whether it is the one that decides, measures and writes."""
        return self.rank == 0

    def part(self, count: int) -> slice:
        """Which rows of a batch are its own. A batch of fewer rows than processes is everybody's as a whole.

        The parts lie one behind the other and differ by one row at the most.
        """
        if count < self.size:
            return slice(0, count)
        return slice(self.rank * count // self.size, (self.rank + 1) * count // self.size)


def of_environment(environment: Mapping[str, str] | None = None) -> Ranks | None:
    """What torchrun says of this process; None where it is alone, which is where nothing at all is different.

    Raises:
        InputError: What the environment says is no number, or contradicts itself.
    """
    given = os.environ if environment is None else environment
    if any(name not in given for name in _GIVEN):
        return None
    try:
        rank, size, local_rank = (int(given[name]) for name in _GIVEN[:3])
    except ValueError:
        rank = size = local_rank = -1
    if not (0 <= rank < size and 0 <= local_rank < size):
        said = ", ".join(f"{name}={given[name]}" for name in _GIVEN[:3])
        raise InputError(f"The environment says of several processes what cannot be: {said}.")
    return None if size == 1 else Ranks(rank, size, local_rank)
