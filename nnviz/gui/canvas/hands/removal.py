"""What a removal did to the wires, in a few words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from nnviz.project.checks.trial import bridges_of
from nnviz.project.graph.groups import contents, title_of
from nnviz.project.model import Edge, Graph

_MOST_NAMED = 3


def describe_removal(
    before: Graph,
    after: Graph,
    nodes: Sequence[str],
    wires: int,
    unfit: Mapping[Edge, str],
    groups: Sequence[str] = (),
) -> str:
    """What was removed, which neighbours were joined, and which were not and why.

    Args:
        before: The network with what was removed.
        after: The network without it.
        nodes: The removed nodes.
        wires: Number of wires that were removed by themselves.
        unfit: Wires that would have closed the gap but do not fit, with the reason.
        groups: Of the removed nodes, those in these groups went with them.
    """
    members = {group: contents(before, [group]).nodes for group in groups}
    inside = {node for held in members.values() for node in held}
    loose = [node for node in nodes if node not in inside]
    parts = [_counted(loose)] if loose or not groups else []
    parts += [f"{title_of(before.groups[group])} with {_counted(held)}" for group, held in members.items()]
    what = _listed(parts)
    if wires:
        counted = "a wire" if wires == 1 else f"{wires} wires"
        what = f"{what} and {counted}" if nodes else counted
    sentences = [f"Removed {what}."]
    joined = bridges_of(before, after)
    if 0 < len(joined) <= _MOST_NAMED:
        sentences.append(f"Now {_listed(f'{edge.source.node} feeds {edge.target.node}' for edge in joined)}.")
    elif joined:
        sentences.append(f"{len(joined)} wires close the gap.")
    sentences += [
        f"{edge.source.node} was not wired to {edge.target.node}: {reason}" for edge, reason in list(unfit.items())[:1]
    ]
    if not unfit:
        sentences += _left_open(before, after, nodes)
    return " ".join(sentences)


def _left_open(before: Graph, after: Graph, nodes: Sequence[str]) -> list[str]:
    """Layers that lost an input because what fed them had several, so that none of those stands for it."""
    gone = set(nodes)
    inputs: dict[str, int] = {}
    for edge in before.edges:
        inputs[edge.target.node] = inputs.get(edge.target.node, 0) + 1
    fed = {edge.target for edge in after.edges}
    lost = {
        edge.target.node: edge.source.node
        for edge in before.edges
        if edge.source.node in gone and edge.target.node not in gone and edge.target not in fed
    }
    joins = [node for node in dict.fromkeys(lost.values()) if inputs.get(node, 0) > 1]
    if not joins:
        return []
    node = joins[0]
    return [f"{node} had {inputs[node]} inputs, so {_listed(end for end in lost if lost[end] == node)} waits for one."]


def _counted(nodes: Sequence[str]) -> str:
    """A few layers by name, more by their number."""
    return _listed(nodes) if 0 < len(nodes) <= _MOST_NAMED else f"{len(nodes)} layers"


def _listed(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
