"""What a card says about its layer: everything on it that follows from the document.

A frozen value, so that comparing the old one with the new one shows whether the card has to be drawn again.

An edit near the input changes what hundreds of cards say, and few of them are in sight. So the scene makes a
:class:`CardSketch` of each: what the card needs in order to stand there, and what the rest follows from when somebody
asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from functools import cached_property
from typing import NamedTuple, TypeAlias

import msgspec

from nnviz.errors import ParamError
from nnviz.gui.canvas.geometry import (
    BAR_ROW,
    DECISION_PICTURE,
    FLAT_PICTURE,
    GROUP_PICTURE,
    TALL_PICTURE,
    CardLayout,
    card_layout,
)
from nnviz.project import registry
from nnviz.project.checks.ranges import output_ranges
from nnviz.project.checks.shapes import Inference, shape_text
from nnviz.project.checks.validate import Diagnostic
from nnviz.project.document import Document
from nnviz.project.model import Choice, DataFacts, Graph, Node, Shape
from nnviz.project.spec import LayerSpec, ShapeResult
from nnviz.record.quantities import GRADIENT_NORM, OUTPUT, PINNED_INPUT, PLANE, POINTS, QUANTITIES, badge_of
from nnviz.record.quantity import Quantity

#: More classes than this do not fit as rows; the five most likely are shown instead.
MOST_CLASS_ROWS = 10


#: What cards read of a run.
ON_CARDS: frozenset[Quantity] = frozenset(
    {OUTPUT, PLANE, PINNED_INPUT, POINTS, GRADIENT_NORM} | {one for one in QUANTITIES if one.badge is not None}
)


#: Ranges of numbers some of which are negative.
SIGNED = frozenset({"any", "symmetric"})
#: Vectors of no more numbers than this are written as numbers.
MOST_NUMBERS = 4
#: Where an answer is neither a class nor a yes or no, but numbers.
_NUMBERS_AS_ANSWERS = frozenset({"regression", "none"})


class Picture(Enum):
    """What fills the picture of a card."""

    IMAGE = "image"
    TILES = "tiles"
    LINES = "lines"
    STRIP = "strip"
    BARS = "bars"
    NUMBERS = "numbers"
    POINTS = "points"
    PLANES = "planes"
    DECISION = "decision"


class Status(Enum):
    """What the last line of a card says."""

    NONE = ""
    BADGE = "badge"
    NOTE = "note"


class CardFacts(msgspec.Struct, frozen=True, dict=True):
    """All that a card shows of the document.

    Attributes:
        subtitle: Output shape, or the loss on the Output card.
        shape: Shape of the output; None while it cannot be known.
        parameters: Their number; None while it cannot be known.
        has_parameters: Whether the card keeps room for them.
        signed: Values may be negative: diverging scale, zero in the middle.
        severity: ``error``, ``warning`` or empty: the frame of the card.
        reasons: The sentences of the diagnostics, for the tooltip.
        badge: The quantity whose value stands in the last line; None where there is none.
        bypassed: It is left out: what comes in goes out.
        frozen: It has parameters, and training leaves them as they are.
        shows: The node whose output is pictured; empty for the card's own.
        members: Of a collapsed group: the ids of all nodes in it.
    """

    node: str
    kind: str
    title: str
    subtitle: str
    family: str
    picture: Picture
    shape: Shape | None
    parameters: int | None
    has_parameters: bool
    status: Status
    note: str
    input_ports: int
    output_ports: int
    signed: bool
    loss: str = ""
    task: str = ""
    class_names: tuple[str, ...] = ()
    severity: str = ""
    reasons: tuple[str, ...] = ()
    badge: Quantity | None = None
    bypassed: bool = False
    frozen: bool = False
    shows: str = ""
    members: tuple[str, ...] = ()

    @cached_property
    def layout(self) -> CardLayout:
        """Places inside the card; they follow from kind and shape only."""
        picture = GROUP_PICTURE if self.members else TALL_PICTURE
        if self.picture is Picture.BARS:
            return _layout(self.picture, self.has_parameters, self.status, rows=self.bar_rows)
        return _layout(self.picture, self.has_parameters, self.status, tall=picture)

    @property
    def bar_rows(self) -> int:
        """Rows of class bars: one a class, five when there are too many."""
        return _bar_rows(self.task, self.shape, self.class_names)

    @property
    def pictured(self) -> str:
        """The node whose output is pictured."""
        return self.shows or self.node

    @property
    def series(self) -> tuple[str, ...]:
        """The series of a run that this card shows."""
        names = [OUTPUT.series(self.pictured)]
        if self.picture is Picture.IMAGE or self.kind == "input":
            names.append(PINNED_INPUT.series())
        if self.picture in (Picture.PLANES, Picture.DECISION):
            names.append(PLANE.series(self.pictured))
        if self.picture in (Picture.POINTS, Picture.DECISION):
            names.append(POINTS.series())
        if self.has_parameters:
            names += [GRADIENT_NORM.series(node) for node in self.members or (self.node,)]
        if self.badge is not None:
            names.append(self.badge.series(self.node))
            if self.badge.lately is not None:
                names.append(self.badge.lately.series(self.node))
        return tuple(names)


def is_plane(graph: Graph, inference: Inference, data: DataFacts | None = None) -> bool:
    """Whether the input is two features, so that every unit can be drawn over their plane."""
    if data is not None and data.input_shape == (2,) and not data.on_a_plane:
        return False
    inputs = [identity for identity, node in graph.nodes.items() if node.kind == "input"]
    result = inference.results.get(inputs[0]) if len(inputs) == 1 else None
    return result is not None and tuple(result.output) == (2,)


def picture_of(
    node: Node, shape: Shape | None, previous: Picture | None = None, *, plane: bool = False, task: str = ""
) -> Picture:
    """What fills the picture of the card of a node, from the shape of its output and what is asked of the network."""
    if plane and node.kind == "input":
        return Picture.POINTS
    if plane and (shape is None or len(shape) == 1):
        return Picture.DECISION if node.kind == "output" else Picture.PLANES
    if shape is not None and len(shape) == 1 and (node.kind != "output" or task in _NUMBERS_AS_ANSWERS):
        return Picture.NUMBERS if shape[0] <= MOST_NUMBERS else Picture.STRIP
    if node.kind == "output":
        if shape is None:
            return previous or Picture.BARS
        return Picture.BARS if len(shape) == 1 else Picture.TILES
    if shape is None:
        return previous or Picture.STRIP
    if len(shape) == 3 and shape[1] * shape[2] > 1:
        return Picture.IMAGE if node.kind == "input" and shape[0] in (1, 3) else Picture.TILES
    if len(shape) == 2 and shape[1] > 1:
        return Picture.LINES
    return Picture.STRIP


def _note(node: Node, spec: LayerSpec) -> str:
    if node.bypassed:
        return "bypassed"
    if not spec.card_note:
        return ""
    try:
        return spec.card_note.format_map(spec.values(node.params))
    except ParamError:
        return ""  # The problem is said elsewhere, with its cure.


def _status(badge: Quantity | None, note: str) -> Status:
    if badge is not None:
        return Status.BADGE
    return Status.NOTE if note else Status.NONE


class CardSource(NamedTuple):
    """All that the facts of a layer's card are made from: from equal ones follow equal facts.

    Attributes:
        result: What is known of its shape.
        diagnostics: Those about this node.
        data: What is known of the data set.
        signed: Whether its output may be negative.
        wired_inputs: Number of input ports up to the last one with a wire; a join offers one more.
        plane: The network's input is two features.
    """

    node: Node
    result: ShapeResult | None
    diagnostics: tuple[Diagnostic, ...]
    data: DataFacts | None
    signed: bool
    wired_inputs: int
    plane: bool


class CardSketch(NamedTuple):
    """What a card needs of its facts in order to stand in the scene, seen or not; :meth:`facts` finds out the rest.

    The attributes are those of the facts.
    """

    source: CardSource
    spec: LayerSpec
    shape: Shape | None
    picture: Picture
    has_parameters: bool
    status: Status
    note: str
    input_ports: int
    output_ports: int
    severity: str
    badge: Quantity | None
    layout: CardLayout

    @property
    def node(self) -> str:
        """The node's id."""
        return self.source.node.id

    @property
    def title(self) -> str:
        """The name it was given, or that of its kind."""
        return self.source.node.name or self.spec.title

    @property
    def family(self) -> str:
        """Which colour it has."""
        return self.spec.family

    @property
    def bypassed(self) -> bool:
        """Whether it is left out."""
        return self.source.node.bypassed

    @property
    def members(self) -> tuple[str, ...]:
        """A layer has none."""
        return ()

    def with_numbers(self, source: CardSource, shape: Shape | None) -> CardSketch:
        """The same card, which stands as it stands, of a layer whose shape is another one.

        Written out, for an edit near the input makes thousands of them.
        """
        return CardSketch(
            source, self.spec, shape, self.picture, self.has_parameters, self.status, self.note, self.input_ports,
            self.output_ports, self.severity, self.badge, self.layout,
        )  # fmt: skip

    def facts(self) -> CardFacts:
        """All that the card says."""
        source, spec = self.source, self.spec
        node, result, data = source.node, source.result, source.data
        ending = node.kind == "output"
        loss = _loss_key(node, spec) if ending else ""
        return CardFacts(
            node=node.id,
            kind=node.kind,
            title=self.title,
            subtitle=_loss_title(loss) if ending else shape_text(self.shape),
            family=spec.family,
            picture=self.picture,
            shape=self.shape,
            parameters=result.parameters if result is not None else None,
            has_parameters=self.has_parameters,
            status=self.status,
            note=self.note,
            input_ports=self.input_ports,
            output_ports=self.output_ports,
            signed=source.signed,
            loss=loss,
            task=data.task if data is not None and ending else "",
            class_names=data.class_names if data is not None and ending else (),
            severity=self.severity,
            reasons=tuple(item.text for item in source.diagnostics if item.severity in ("error", "warning")),
            badge=self.badge,
            bypassed=node.bypassed,
            frozen=node.frozen and self.has_parameters and not node.bypassed,
        )


#: What is known of a card: of a group all at once, of a layer as much as it needs.
CardContent: TypeAlias = CardFacts | CardSketch


def sketch(source: CardSource, previous: CardContent | None = None) -> CardSketch:
    """What is known of a layer's card before anybody looks at it.

    Args:
        source: What it is made from.
        previous: What the card said before: while a shape is unknown the card keeps its size.
    """
    node, result, found, data, _, wired_inputs, plane = source
    shape = result.output if result is not None else None
    if result is not None:
        has_parameters = result.parameters > 0
    else:
        has_parameters = (
            previous.has_parameters if previous is not None else bool(registry.layer(node.kind).weight_view)
        )
    task = data.task if data is not None else ""
    picture = picture_of(node, shape, previous.picture if previous is not None else None, plane=plane, task=task)
    if isinstance(previous, CardSketch) and not found and picture is not Picture.BARS:
        before = previous.source
        same = previous.picture is picture and previous.has_parameters is has_parameters and not before.diagnostics
        if same and before.node is node and before.wired_inputs == wired_inputs:
            # Only numbers differ, as behind an edit: all that follows from the rest stands there already.
            return previous.with_numbers(source, shape)
    spec = registry.layer(node.kind)
    note = _note(node, spec)
    badge = None if node.bypassed else badge_of(spec)
    status = _status(badge, note)
    rows = 0
    if picture is Picture.BARS:
        rows = _bar_rows(data.task if data is not None else "", shape, data.class_names if data is not None else ())
    severity = ""
    if found:
        grave = {item.severity for item in found}
        severity = "error" if "error" in grave else "warning" if "warning" in grave else ""
    return CardSketch(
        source,
        spec,
        shape,
        picture,
        has_parameters,
        status,
        note,
        min(spec.max_inputs, max(spec.min_inputs, wired_inputs + (1 if spec.max_inputs > 1 else 0))),
        spec.outputs,
        severity,
        badge,
        _layout(picture, has_parameters, status, rows=rows),
    )


def card_facts(
    node: Node,
    inference: Inference,
    diagnostics: Iterable[Diagnostic],
    data: DataFacts | None,
    *,
    signed: bool,
    wired_inputs: int,
    previous: CardContent | None = None,
    plane: bool = False,
) -> CardFacts:
    """What the card of one node says, all at once; the arguments are those of a source and of its sketch."""
    result = inference.results.get(node.id)
    return sketch(CardSource(node, result, tuple(diagnostics), data, signed, wired_inputs, plane), previous).facts()


def all_card_facts(document: Document) -> dict[str, CardFacts]:
    """What the cards of all layers say where nothing but the network is known, in the order in which the data flows."""
    inference, graph = document.inference, document.project.graph
    ranges, wired = output_ranges(inference.graph, inference), wired_ports(graph)
    plane = is_plane(graph, inference, document.facts)
    return {
        node: card_facts(
            graph.nodes[node],
            inference,
            (),
            document.facts,
            signed=ranges.get(node, "any") in SIGNED,
            wired_inputs=wired.get(node, 0),
            plane=plane,
        )
        for node in inference.order
    }


def _bar_rows(task: str, shape: Shape | None, class_names: tuple[str, ...]) -> int:
    if task == "binary":
        return 1
    count = shape[0] if shape else len(class_names)
    return count if count <= MOST_CLASS_ROWS else 5


def _layout(
    picture: Picture, has_parameters: bool, status: Status, *, rows: int = 0, tall: float = TALL_PICTURE
) -> CardLayout:
    height = tall
    if picture in (Picture.STRIP, Picture.NUMBERS):
        height = FLAT_PICTURE
    elif picture is Picture.BARS:
        height = FLAT_PICTURE if rows <= 2 else max(TALL_PICTURE, rows * BAR_ROW)
    elif picture is Picture.DECISION:
        height = DECISION_PICTURE
    return card_layout(height, parameters=has_parameters, status=status is not Status.NONE)


def _loss_key(node: Node, spec: LayerSpec) -> str:
    return Choice.of(node.params.get("loss", spec.param("loss").default)).kind


def _loss_title(key: str) -> str:
    if key not in registry.losses():
        return key
    spec = registry.loss(key)
    return spec.short or spec.title[:1].lower() + spec.title[1:]


def wired_ports(graph: Graph) -> Mapping[str, int]:
    """For each node the number of input ports up to the last one with a wire."""
    wired: dict[str, int] = {}
    for edge in graph.edges:
        target = edge.target
        ports = target.port + 1
        if ports > wired.get(target.node, 0):
            wired[target.node] = ports
    return wired
