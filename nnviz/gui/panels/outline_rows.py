"""What the rows of the outline say, and what stands under what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nnviz.gui.canvas.cards.group_facts import parameters_of
from nnviz.gui.look import theme as themes
from nnviz.project import registry
from nnviz.project.checks.shapes import shape_text
from nnviz.project.checks.validate import Diagnostic
from nnviz.project.document import Document
from nnviz.project.drawing.layout import GROUP
from nnviz.project.graph.groups import title_of, trail
from nnviz.project.model import Graph, Group, Node, PortRef

#: So much of a note is its title.
_LONGEST_NOTE = 60


@dataclass(frozen=True)
class RowFacts:
    """Everything that the row of one layer or group shows.

    Attributes:
        title: Of the card; the first line of a note.
        name: The id, where the title does not say which one it is; empty for groups and notes.
        family: Of the layer, for its colour; empty for notes.
        shape: Of the output as text; empty where there is none, ``?`` while it is not known.
        parameters: Trainable numbers; None while they are not known.
        severity: ``error``, ``warning`` or empty.
        reasons: The sentences behind it.
        bypassed: The layer is left out for the time being.
        frozen: The layer has parameters, and training leaves them as they are.
        folded: The group is one card on the canvas.
        count: ``7 layers``, of a group.
    """

    title: str
    name: str = ""
    family: str = ""
    shape: str = ""
    parameters: int | None = 0
    severity: str = ""
    reasons: tuple[str, ...] = ()
    bypassed: bool = False
    frozen: bool = False
    folded: bool = False
    count: str = ""

    @property
    def states(self) -> list[str]:
        """What else has to be said, in words."""
        said = ("bypassed" * self.bypassed, "frozen" * self.frozen, "folded up" * self.folded, self.count)
        return [state for state in said if state]


def outline_of(graph: Graph, order: Iterable[str]) -> dict[str, list[str]]:
    """The tree of the outline: which layers and groups stand under which group.

    Args:
        graph: Nodes, groups and notes.
        order: Nodes as the data flows; those that are missing come behind them.

    Returns:
        For each group, and for the top under an empty id, the ids of what stands in it: nodes and groups by their first
        node, then the notes.
    """
    nodes, groups = graph.nodes, graph.groups
    children: dict[str, list[str]] = {"": [], **{group: [] for group in groups}}
    placed: set[str] = set()

    def place(item: str, holder: str) -> None:
        while item not in placed:
            placed.add(item)
            holder = holder if holder in groups else ""
            children[holder].append(item)
            if not holder:
                return
            item, holder = holder, groups[holder].parent

    for identity in order:
        if identity in nodes:
            place(identity, nodes[identity].group)
    for identity, node in nodes.items():
        place(identity, node.group)
    for identity, group in groups.items():
        place(identity, group.parent)
    for identity, note in graph.notes.items():
        place(identity, note.group)
    return children


def group_outputs(graph: Graph) -> dict[str, tuple[PortRef, ...]]:
    """For each group the outputs in it that something outside uses, or nothing at all."""
    ways = {group: frozenset(trail(graph, group)) for group in graph.groups}
    nothing: frozenset[str] = frozenset()
    found: dict[str, dict[PortRef, None]] = {group: {} for group in graph.groups}
    used: set[str] = set()
    for edge in graph.edges:
        source, target = graph.nodes.get(edge.source.node), graph.nodes.get(edge.target.node)
        if source is None or target is None:
            continue
        used.add(source.id)
        for group in ways.get(source.group, nothing) - ways.get(target.group, nothing):
            found[group][edge.source] = None
    layers = registry.layers()
    for identity, node in graph.nodes.items():
        if node.group and identity not in used and node.kind in layers and layers[node.kind].outputs:
            for group in ways.get(node.group, nothing):
                found[group][PortRef(identity)] = None
    return {group: tuple(outputs) for group, outputs in found.items()}


class OutlineWords:
    """What each row of a document's network says, worked out when it is first wanted.

    Attributes:
        graph: The graph that is spoken of; ids of something that is not in it say no more than the id.
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        self.graph = Graph()
        self._facts: dict[str, RowFacts] = {}
        self._problems: dict[str, list[Diagnostic]] = {}
        self._members: dict[str, list[str]] | None = None
        self._outputs: dict[str, tuple[PortRef, ...]] | None = None
        self._neighbours: tuple[dict[str, list[str]], dict[str, list[str]]] | None = None

    def follow(self) -> dict[str, RowFacts]:
        """Speak of the document as it is now; what had been said of rows before."""
        self._problems = {}
        for one in self._document.diagnostics:
            if one.node and one.severity != "information":
                self._problems.setdefault(one.node, []).append(one)
        if self._document.project.graph is not self.graph:
            self.graph = self._document.project.graph
            self._members = self._outputs = self._neighbours = None
        before, self._facts = self._facts, {}
        return before

    def facts(self, item: str) -> RowFacts:
        """What a row shows."""
        found = self._facts.get(item)
        if found is None:
            found = self._facts[item] = self._worked_out(item)
        return found

    def members(self, group: str) -> list[str]:
        """The nodes in a group, however deep."""
        if self._members is None:
            self._members = {}
            ways = {group: trail(self.graph, group) for group in self.graph.groups}
            for identity, node in self.graph.nodes.items():
                for around in ways.get(node.group, ()):
                    self._members.setdefault(around, []).append(identity)
        return self._members.get(group, [])

    def outputs(self, item: str) -> tuple[PortRef, ...]:
        """Where a wire from this row can begin: the output of a node, or those of a group that others use."""
        if item in self.graph.groups:
            if self._outputs is None:
                self._outputs = group_outputs(self.graph)
            return self._outputs[item]
        node = self.graph.nodes.get(item)
        spec = registry.layers().get(node.kind) if node is not None else None
        return (PortRef(item),) if spec is not None and spec.outputs else ()

    def text(self, item: str) -> str:
        """Title and id."""
        facts = self.facts(item)
        return " ".join(part for part in (facts.title, facts.name) if part)

    def parameters(self, item: str) -> str:
        """Trainable numbers; nothing where there are none."""
        count = self.facts(item).parameters
        if count is None:
            return "?"
        return themes.format_count(count) if count else ""

    def tip(self, item: str) -> str:
        """Title, states and what is wrong, a line each."""
        if item in self.graph.notes:
            return self.graph.notes[item].text
        facts = self.facts(item)
        return "\n".join([", ".join([self.text(item), *facts.states]), *facts.reasons])

    def sentence(self, item: str) -> str:
        """All of a row in words: what it is, what comes out, what it is wired to, what is wrong."""
        if item in self.graph.notes:
            return f"Note: {self.graph.notes[item].text}"
        facts = self.facts(item)
        unnamed = facts.title.casefold() == GROUP
        parts = [f"Group {facts.title}" if item in self.graph.groups and not unnamed else self.text(item)]
        parts += facts.states
        if facts.shape:
            parts.append("output unknown" if facts.shape == "?" else f"output {facts.shape}")
        if facts.parameters:
            parts.append(f"{themes.format_count(facts.parameters)} parameters")
        parts += self._wires_told(item)
        parts += [f"{facts.severity}: {reason.rstrip('.')}" for reason in facts.reasons]
        return ", ".join(parts) + "."

    def _wires_told(self, item: str) -> list[str]:
        """``from pool1 to relu2``, and which wires are missing."""
        node = self.graph.nodes.get(item)
        if node is None:
            return []
        if self._neighbours is None:
            into: dict[str, list[str]] = {}
            out: dict[str, list[str]] = {}
            for edge in sorted(self.graph.edges, key=lambda edge: edge.target):
                into.setdefault(edge.target.node, []).append(edge.source.node)
                out.setdefault(edge.source.node, []).append(edge.target.node)
            self._neighbours = into, out
        sources, targets = (found.get(item, []) for found in self._neighbours)
        spec = registry.layers().get(node.kind)
        ends = [f"from {_listed(sources)}"] if sources else []
        ends += [f"to {_listed(targets)}"] if targets else []
        told = [" ".join(ends)] if ends else []
        if not sources and (spec is None or spec.max_inputs):
            told.append("no input wire")
        if not targets and (spec is None or spec.outputs):
            told.append("no output wire")
        return told

    def _worked_out(self, item: str) -> RowFacts:
        graph = self.graph
        if item in graph.nodes:
            return self._of_node(graph.nodes[item])
        if item in graph.groups:
            return self._of_group(graph.groups[item])
        if item in graph.notes:
            lines = graph.notes[item].text.strip().splitlines() or ["Empty note"]
            cut = len(lines) > 1 or len(lines[0]) > _LONGEST_NOTE
            return RowFacts(lines[0][:_LONGEST_NOTE] + ("…" if cut else ""))
        return RowFacts(item)

    def _of_node(self, node: Node) -> RowFacts:
        spec = registry.layers().get(node.kind)
        result = self._document.inference.results.get(node.id)
        return RowFacts(
            node.name or (spec.title if spec is not None else node.kind),
            name=node.id,
            family=spec.family if spec is not None else "",
            shape=shape_text(result.output if result is not None else None),
            parameters=result.parameters if result is not None else None,
            severity=self._severity((node.id,)),
            reasons=tuple(one.text for one in self._problems.get(node.id, ())),
            bypassed=node.bypassed,
            frozen=node.frozen and not node.bypassed and result is not None and result.parameters > 0,
        )

    def _of_group(self, group: Group) -> RowFacts:
        inference, members, outputs = self._document.inference, self.members(group.id), self.outputs(group.id)
        return RowFacts(
            title_of(group),
            family=GROUP,
            shape=shape_text(inference.shape(outputs[0].node)) if outputs else "",
            parameters=parameters_of(members, inference),
            severity=self._severity(members),
            reasons=tuple(f"{one.node}: {one.text}" for node in members for one in self._problems.get(node, ())),
            folded=group.collapsed,
            count=f"{len(members)} layer{'' if len(members) == 1 else 's'}",
        )

    def _severity(self, nodes: Iterable[str]) -> str:
        found = {one.severity for node in nodes for one in self._problems.get(node, ())}
        return "error" if "error" in found else "warning" if found else ""


def _listed(names: Sequence[str]) -> str:
    *first, last = dict.fromkeys(names)
    return f"{', '.join(first)} and {last}" if first else last
