"""Groups as they are drawn: what stands in which, and the graph that is seen when some of them are one card.

The network is the flat graph of nodes and wires, whatever is grouped; a group is a way to look at it. :func:`view_of`
gives what is to be seen: the nodes that no collapsed group hides, a card for each such group, and the wires between
these. A card of a group has an input port for each output outside that feeds it (a shortcut that goes to two members is
one wire to the eye) and for each input inside that has no wire; an output port for each output inside that is used
outside, or nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from nnviz.project import registry
from nnviz.project.model import Arrow, Edge, Graph, Group, Node, Note, PortRef


@dataclass(frozen=True)
class GroupPorts:
    """The ports of a collapsed group's card and what they stand for.

    Attributes:
        inputs: For each input port the inputs of members that it feeds. They are fed by one output, or have no wire.
        outputs: For each output port the output of a member.
    """

    inputs: tuple[tuple[PortRef, ...], ...] = ()
    outputs: tuple[PortRef, ...] = ()


@dataclass(frozen=True)
class GraphView:
    """What is seen of a graph.

    Attributes:
        root: The group that is looked into; empty for the whole network.
        nodes: Those with a card of their own.
        cards: Collapsed groups, drawn as a card each.
        frames: Expanded groups, drawn around their members; outer ones first.
        edges: Wires between cards, in the order of the graph; the ids of their ends may be those of groups.
        wires: For each of ``edges`` the wires of the graph that it stands for.
        ports: The ports of each of ``cards``.
        owner: For each node inside the root the id of the card that shows it: its own or a group's.
        crossing: Wires of the graph with one end inside the root and one outside.
        notes, arrows: Those that no collapsed group hides.

    The network runs in no circle, but what is seen may: a wire from a member of a group to a node outside and one from
    there back to another member are, with the group as a card, a circle of two cards.
    """

    root: str
    nodes: Mapping[str, Node]
    cards: Mapping[str, Group]
    frames: Mapping[str, Group]
    edges: tuple[Edge, ...]
    wires: Mapping[Edge, tuple[Edge, ...]]
    ports: Mapping[str, GroupPorts]
    owner: Mapping[str, str]
    crossing: tuple[Edge, ...] = ()
    notes: Mapping[str, Note] = field(default_factory=dict)
    arrows: Mapping[str, Arrow] = field(default_factory=dict)

    def source(self, end: PortRef) -> PortRef:
        """The output of a node for which an output port of a card stands."""
        return self.ports[end.node].outputs[end.port] if end.node in self.cards else end

    def targets(self, end: PortRef) -> tuple[PortRef, ...]:
        """The inputs of nodes for which an input port of a card stands."""
        return self.ports[end.node].inputs[end.port] if end.node in self.cards else (end,)

    def between(self, edge: Edge) -> tuple[Edge, ...]:
        """The wires of the graph that a wire between two ports of cards would be, whether it is there or not."""
        source = self.source(edge.source)
        return tuple(Edge(source, target) for target in self.targets(edge.target))


def title_of(group: Group) -> str:
    """The title that a group's card or frame shows."""
    return group.name or "Group"


def trail(graph: Graph, group: str) -> tuple[str, ...]:
    """A group and the groups it stands in, the outermost first; nothing for the top."""
    found: list[str] = []
    while group in graph.groups and group not in found:
        found.append(group)
        group = graph.groups[group].parent
    return tuple(reversed(found))


@dataclass(frozen=True)
class Contents:
    """All that stands in a group, however deep.

    Attributes:
        nodes, groups, notes, arrows: Ids; ``groups`` without the group itself.
    """

    nodes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    arrows: tuple[str, ...] = ()


def contents(graph: Graph, groups: Iterable[str]) -> Contents:
    """All that stands in some groups, however deep; the groups themselves are not among it unless one holds another."""
    wanted = set(groups)
    if not wanted:
        return Contents()
    inside = {group: not wanted.isdisjoint(trail(graph, group)) for group in graph.groups}
    deeper = {group for group in graph.groups if not wanted.isdisjoint(trail(graph, graph.groups[group].parent))}

    def held(items: Mapping[str, Node]) -> tuple[str, ...]:
        return tuple(key for key, item in items.items() if inside.get(item.group, False))

    return Contents(
        held(graph.nodes),
        tuple(group for group in graph.groups if group in deeper),
        tuple(key for key, note in graph.notes.items() if inside.get(note.group, False)),
        tuple(key for key, arrow in graph.arrows.items() if inside.get(arrow.group, False)),
    )


def members_by_group(graph: Graph) -> dict[str, tuple[str, ...]]:
    """For every group the ids of all nodes in it, however deep, in the order of the graph."""
    if not graph.groups:
        return {}
    ways = {group: trail(graph, group) for group in graph.groups}
    found: dict[str, list[str]] = {group: [] for group in graph.groups}
    for identity, node in graph.nodes.items():
        for group in ways.get(node.group, ()):
            found[group].append(identity)
    return {group: tuple(members) for group, members in found.items()}


def shown_by(graph: Graph, group: str, root: str = "") -> str | None:
    """What shows the members of a group: the id of the outermost collapsed group on the way down from the root.

    Returns:
        Empty when nothing hides them: they have cards of their own. None when they stand outside the root.
    """
    way = trail(graph, group)
    if root:
        if root not in way:
            return None
        way = way[way.index(root) + 1 :]
    return next((step for step in way if graph.groups[step].collapsed), "")


def view_of(graph: Graph, root: str = "") -> GraphView:
    """What is seen of a graph when one looks into the group ``root``, or at the whole network.

    Takes time in proportion to nodes and wires.
    """
    root = root if root in graph.groups else ""
    if not graph.groups:
        edges = tuple(
            edge for edge in graph.edges if edge.source.node in graph.nodes and edge.target.node in graph.nodes
        )
        wires = {edge: (edge,) for edge in edges}
        owner = {identity: identity for identity in graph.nodes}
        return GraphView("", graph.nodes, {}, {}, edges, wires, {}, owner, notes=graph.notes, arrows=graph.arrows)
    hiding: dict[str, str | None] = {"": shown_by(graph, "", root)}
    for group in graph.groups:
        hiding[group] = shown_by(graph, group, root)
    owner = {}
    nodes: dict[str, Node] = {}
    for identity, node in graph.nodes.items():
        hidden = hiding.get(node.group, "")
        if hidden is None:
            continue
        owner[identity] = hidden or identity
        if not hidden:
            nodes[identity] = node
    cards: dict[str, Group] = {}
    frames: dict[str, Group] = {}
    for item in sorted(graph.groups.values(), key=lambda item: (len(trail(graph, item.id)), item.id)):
        if item.id != root and hiding.get(item.parent, "") == "":
            (cards if item.collapsed else frames)[item.id] = item
    builder = _Wires(graph, owner, cards)
    return GraphView(
        root,
        nodes,
        cards,
        frames,
        tuple(builder.wires),
        {edge: tuple(real) for edge, real in builder.wires.items()},
        builder.ports(),
        owner,
        tuple(builder.crossing),
        {note.id: note for note in graph.notes.values() if hiding.get(note.group, "") == ""},
        {arrow.id: arrow for arrow in graph.arrows.values() if hiding.get(arrow.group, "") == ""},
    )


def view_after(graph: Graph, seen: GraphView, before: Graph) -> GraphView:
    """The same as ``view_of(graph, seen.root)``, with what an edit has left as it was.

    Args:
        graph: The graph as it is now.
        seen: What was seen
        before: of the graph as it was.
    """
    grouped = graph.groups or before.groups or seen.root
    if grouped or graph.edges is not before.edges or tuple(graph.nodes) != tuple(before.nodes):
        return view_of(graph, seen.root)
    return replace(seen, nodes=graph.nodes, notes=graph.notes, arrows=graph.arrows)


@dataclass
class _Wires:
    """Goes through the wires once and finds ports and visible wires."""

    graph: Graph
    owner: Mapping[str, str]
    cards: Mapping[str, Group]
    wires: dict[Edge, list[Edge]] = field(default_factory=dict)
    crossing: list[Edge] = field(default_factory=list)

    def __post_init__(self) -> None:
        graph, owner = self.graph, self.owner
        self._inputs: dict[str, dict[PortRef, list[PortRef]]] = {card: {} for card in self.cards}
        self._outputs: dict[str, dict[PortRef, int]] = {card: {} for card in self.cards}
        within: list[tuple[Edge, str, str]] = []
        for edge in graph.edges:
            source, target = owner.get(edge.source.node), owner.get(edge.target.node)
            if source is None and target is None:
                continue
            if source == target and source in self.cards:
                continue
            if target is not None and target in self.cards:
                self._inputs[target].setdefault(edge.source, []).append(edge.target)
            if source is not None and source in self.cards:
                self._outputs[source].setdefault(edge.source, len(self._outputs[source]))
            if source is None or target is None:
                self.crossing.append(edge)
            else:
                within.append((edge, source, target))
        ports = {card: {feeder: port for port, feeder in enumerate(inputs)} for card, inputs in self._inputs.items()}
        for edge, source, target in within:
            start, end = edge.source, edge.target
            if source in self.cards:
                start = PortRef(source, self._outputs[source][edge.source])
            if target in self.cards:
                end = PortRef(target, ports[target][edge.source])
            self.wires.setdefault(Edge(start, end), []).append(edge)

    def ports(self) -> dict[str, GroupPorts]:
        """The ports of every card of a group; ends without a wire come last."""
        used_inputs = {edge.target for edge in self.graph.edges}
        used_outputs = {edge.source for edge in self.graph.edges}
        loose_inputs: dict[str, list[tuple[PortRef, ...]]] = {card: [] for card in self.cards}
        loose_outputs: dict[str, list[PortRef]] = {card: [] for card in self.cards}
        for identity, card in self.owner.items():
            node = self.graph.nodes[identity]
            if card not in self.cards or node.kind not in registry.layers():
                continue
            spec = registry.layer(node.kind)
            for port in range(spec.min_inputs):
                if PortRef(identity, port) not in used_inputs:
                    loose_inputs[card].append((PortRef(identity, port),))
            if spec.outputs and PortRef(identity) not in used_outputs:
                loose_outputs[card].append(PortRef(identity))
        return {
            card: GroupPorts(
                (*(tuple(targets) for targets in self._inputs[card].values()), *loose_inputs[card]),
                (*self._outputs[card], *loose_outputs[card]),
            )
            for card in self.cards
        }
