"""When values of parameters are the same: in Python ``True``, ``1`` and ``1.0`` are equal, for a layer they are not."""

from __future__ import annotations

from nnviz.project.model import Choice, Graph, Params, ParamValue


def same_value(one: ParamValue, other: ParamValue) -> bool:
    """Whether two values are equal and of the same types, all the way down."""
    if type(one) is not type(other) or one != other:
        return False
    if isinstance(one, tuple) and isinstance(other, tuple):
        return one is other or all(map(same_value, one, other))
    if isinstance(one, Choice) and isinstance(other, Choice):
        return same_params(one.params, other.params)
    return True


def same_params(one: Params, other: Params) -> bool:
    """Whether two nodes of one kind have the same parameters."""
    if one is other:
        return True
    return one.keys() == other.keys() and all(same_value(value, other[name]) for name, value in one.items())


def same_in_all(one: Graph, other: Graph) -> bool:
    """Whether the nodes of two graphs that are equal have parameters of the same types, too."""
    return one is other or all(same_params(node.params, other.nodes[key].params) for key, node in one.nodes.items())
