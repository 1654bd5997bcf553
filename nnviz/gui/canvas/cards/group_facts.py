"""What the card of a collapsed group says: the block as a whole, and what flows out of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from nnviz.gui.canvas.cards.facts import CardFacts, Picture, Status, card_facts
from nnviz.gui.canvas.geometry import GROUP_PICTURE, card_layout
from nnviz.project.checks.shapes import Inference, shape_text
from nnviz.project.checks.validate import Diagnostic
from nnviz.project.drawing.layout import GROUP
from nnviz.project.graph.groups import GraphView, title_of
from nnviz.project.model import DataFacts, Graph, Group, PortRef, Shape
from nnviz.project.spec import Range

#: Height of such a card with a picture of two dimensions; a stack of plates stands out below.
GROUP_CARD_HEIGHT = card_layout(GROUP_PICTURE, parameters=True, status=True).height


@dataclass(frozen=True)
class GroupCards:
    """Makes what the cards of collapsed groups say.

    Attributes:
        graph: The whole graph.
        view: What is seen of it.
        members: Ids of all nodes in each group.
        inference: Shapes and parameter counts.
        data: What is known of the data set.
        plane: The network's input is two features.
    """

    graph: Graph
    view: GraphView
    members: Mapping[str, tuple[str, ...]]
    inference: Inference
    data: DataFacts | None = None
    plane: bool = False
    _feeders: dict[PortRef, PortRef] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        if self.view.cards:
            self._feeders.update({edge.target: edge.source for edge in self.graph.edges})

    def facts(
        self,
        group: Group,
        diagnostics: Mapping[str, Iterable[Diagnostic]],
        ranges: Mapping[str, Range],
        previous: CardFacts | None = None,
    ) -> CardFacts:
        """What the card of one collapsed group says.

        Args:
            group: The group.
            diagnostics: By node.
            ranges: What is known of the numbers that each node puts out.
            previous: What the card said before: while a shape is unknown the card keeps its size.
        """
        members, ports = self.members[group.id], self.view.ports[group.id]
        bypassed = sum(self.graph.nodes[node].bypassed for node in members)
        results = self.inference.results
        trained = [node for node in members if node in results and results[node].parameters]
        found = [
            item for node in members for item in diagnostics.get(node, ()) if item.severity in ("error", "warning")
        ]
        severity = ""
        if found:
            severity = "error" if any(item.severity == "error" for item in found) else "warning"
        parameters = parameters_of(members, self.inference)
        shows = self._shown(members, ports.outputs)
        signed = ranges.get(shows, "any") in {"any", "symmetric"}
        inner = self._inner(shows, previous, signed=signed) if shows else None
        return CardFacts(
            node=group.id,
            kind=GROUP,
            title=title_of(group),
            subtitle=shape_text(inner.shape if inner is not None else None),
            family=GROUP,
            picture=inner.picture if inner is not None else Picture.STRIP,
            shape=inner.shape if inner is not None else None,
            parameters=parameters,
            has_parameters=bool(parameters) if parameters is not None else True,
            status=Status.NOTE,
            note=contents_text(len(members), self._shape_in(ports.inputs), bypassed),
            input_ports=len(ports.inputs),
            output_ports=len(ports.outputs),
            signed=signed,
            loss=inner.loss if inner is not None else "",
            task=inner.task if inner is not None else "",
            class_names=inner.class_names if inner is not None else (),
            severity=severity,
            reasons=tuple(f"{item.node}: {item.text}" for item in found),
            bypassed=0 < len(members) == bypassed,
            frozen=bool(trained) and all(self.graph.nodes[node].frozen for node in trained),
            shows=shows,
            members=members,
        )

    def _shown(self, members: Iterable[str], outputs: tuple[PortRef, ...]) -> str:
        """The member whose output is pictured: what leaves the group first, else what the network says at its end."""
        if outputs:
            return outputs[0].node
        return next((node for node in members if self.graph.nodes[node].kind == "output"), "")

    def _inner(self, node: str, previous: CardFacts | None, *, signed: bool) -> CardFacts:
        """What the card of a member would say."""
        kept = previous if previous is not None and previous.shows == node else None
        return card_facts(
            self.graph.nodes[node],
            self.inference,
            (),
            self.data,
            signed=signed,
            wired_inputs=0,
            previous=kept,
            plane=self.plane,
        )

    def _shape_in(self, inputs: tuple[tuple[PortRef, ...], ...]) -> Shape | None:
        """The shape of what comes in at the first input port of the card."""
        feeders = (self._feeders.get(target) for target in (inputs[0] if inputs else ()))
        feeder = next((found for found in feeders if found is not None), None)
        return self.inference.shape(feeder.node) if feeder is not None else None


def parameters_of(members: Iterable[str], inference: Inference) -> int | None:
    """Trainable numbers of some nodes together; None while that of one is not known."""
    total = 0
    for node in members:
        result = inference.results.get(node)
        if result is None:
            return None
        total += result.parameters
    return total


def contents_text(count: int, shape: Shape | None = None, bypassed: int = 0) -> str:
    """``7 layers ← 64×56×56``: how many there are, and what comes in; or how many of them are bypassed."""
    text = f"{count} layer{'' if count == 1 else 's'}"
    if bypassed:
        return f"{text}, bypassed" if bypassed == count else f"{text}, {bypassed} bypassed"
    return f"{text} ← {shape_text(shape)}" if shape else text
