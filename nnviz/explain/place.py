"""Which number of a network is asked about. Knows no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnviz.explain.explanation import OUTPUT, Index

if TYPE_CHECKING:
    from nnviz.explain.values import Example

#: What the loss is called where a node is asked for.
LOSS = "loss"


@dataclass(frozen=True, slots=True)
class Place:
    """Which number is asked about.

    Attributes:
        node: Id of the layer, or ``loss``.
        part: ``output``, the name of a parameter, or ``loss``.
        index: Where in it, without the batch; None for the middle of an output.
        backward: How the loss changes with it, instead of what it is made of.
        example: Which example; None for the pinned one. Of no meaning for what the next step makes of a parameter.
        near: Of data in the plane: the example nearest to this point, in the numbers that the network sees.
        batch: Which one of the batch that comes next, in training mode; None for an example of a split.
    """

    node: str
    part: str = OUTPUT
    index: Index | None = None
    backward: bool = False
    example: Example | None = None
    near: tuple[float, float] | None = None
    batch: int | None = None
