"""One step of training in five parts, for whoever wants to see what happens in it. Knows neither torch nor Qt."""

from __future__ import annotations

from enum import StrEnum


class SubStep(StrEnum):
    """What a step does, in order.

    BATCH: it takes the batch that comes next. FORWARD: the batch flows through the network. LOSS: it is judged.
    BACKWARD: how the loss changes with every number. UPDATE: every parameter is changed, and the step is made.
    """

    BATCH = "batch"
    FORWARD = "forward"
    LOSS = "loss"
    BACKWARD = "backward"
    UPDATE = "update"

    @property
    def following(self) -> SubStep:
        """The part after this one; after the last comes the first of the next step."""
        parts = tuple(SubStep)
        return parts[(parts.index(self) + 1) % len(parts)]
