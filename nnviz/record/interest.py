"""What is being looked at, as one value: from whoever shows something to the session that measures it.

Panels that can be seen name the quantities they read, cards the nodes in sight, an inspector the node it looks at
closely, the document the example that is pinned. Their interests are merged (``|``) and handed to the session as a
whole; what nobody looks at is not measured, but for what the findings and the course of the loss need.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import TypeVar

from nnviz.record.quantity import Quantity

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Interest:
    """What is looked at; without arguments, everything.

    Merging never takes anything away: what one of two wants, both together want. It may want more, since the
    quantities of one and the nodes of the other are then wanted, too.

    Attributes:
        quantities: What is to be measured; None is all of it.
        nodes: Of which nodes, where a quantity is measured node by node at a cost; None is all of them.
        closely: Nodes of which all units are wanted, as many as there is room for, not only the first.
        units: Single units (node, number of the channel or feature) that are wanted wherever they lie.
        examples: The examples whose way through the network is shown, by their numbers in the validation split (in the
            training split where that is empty), or by a split and the number in that. Where nobody names one, it is the
            one that the project pins.
        first: The one of them that the cards show; None leaves that to who measures.
    """

    quantities: frozenset[Quantity] | None = None
    nodes: frozenset[str] | None = None
    closely: frozenset[str] = frozenset()
    units: frozenset[tuple[str, int]] = frozenset()
    examples: frozenset[int | tuple[str, int]] = frozenset()
    first: int | tuple[str, int] | None = None

    def __or__(self, other: Interest) -> Interest:
        """What both of them look at."""
        return Interest(
            _either(self.quantities, other.quantities),
            _either(self.nodes, other.nodes),
            self.closely | other.closely,
            self.units | other.units,
            self.examples | other.examples,
            other.first if self.first is None else self.first,
        )

    def wants(self, *quantities: Quantity) -> bool:
        """Whether any of these quantities is looked at."""
        return self.quantities is None or not self.quantities.isdisjoint(quantities)

    def looks_at(self, node: str) -> bool:
        """Whether a node is looked at, or one of its units."""
        return (
            self.nodes is None
            or node in self.nodes
            or node in self.closely
            or any(owner == node for owner, _ in self.units)
        )

    def units_of(self, node: str) -> tuple[int, ...]:
        """The single units of a node that are looked at, ascending."""
        return tuple(sorted(unit for owner, unit in self.units if owner == node))


#: What a training without a window measures.
EVERYTHING = Interest()
NOTHING = Interest(frozenset(), frozenset())


def merged(interests: Iterable[Interest]) -> Interest:
    """What all of them together look at; nothing where there is none."""
    return reduce(Interest.__or__, interests, NOTHING)


def _either(one: frozenset[_Item] | None, other: frozenset[_Item] | None) -> frozenset[_Item] | None:
    return None if one is None or other is None else one | other
