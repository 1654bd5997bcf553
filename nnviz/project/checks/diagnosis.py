"""What a diagnostic is, what the checks look at, and how their cures are built."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias, TypeVar

from msgspec.structs import replace

from nnviz.errors import ParamError, ProjectError
from nnviz.project import registry
from nnviz.project.checks.shapes import Inference, shape_text
from nnviz.project.drawing.layout import CARD_HEIGHT, CARD_WIDTH, GAP_X, GAP_Y
from nnviz.project.drawing.nearest import Nearest
from nnviz.project.edits import Connect, Edit, InsertOnEdge, RemoveNodes, SetParam, Several, can_connect, new_id
from nnviz.project.graph.wiring import id_problem
from nnviz.project.graph_edits import FARTHEST
from nnviz.project.model import Choice, DataFacts, Edge, Graph, Node, Params, ParamValue, PortRef, Project, Shape
from nnviz.project.spec import LayerSpec, ParamSpec, ShapeError, ShapeResult

#: Where there are more loose ends than this, no guess which of them to connect would be a good one.
MOST_PAIRS = 2000

_Key = TypeVar("_Key", int, str)

Severity: TypeAlias = Literal["error", "warning", "information"]


@dataclass(frozen=True)
class Fix:
    """A cure: the words on the button and the edit behind it."""

    title: str
    edit: Edit


@dataclass(frozen=True)
class Diagnostic:
    """Something to know about one node, or about the whole project where ``node`` is empty.

    Attributes:
        node: The node's id, or empty.
        severity: ``error`` stops training; ``warning`` is probably a mistake; ``information`` is worth knowing.
        text: A sentence with the real numbers.
        fixes: The likeliest cure first.
        edge: The wire it is about, where it is about one.
    """

    node: str
    severity: Severity
    text: str
    fixes: tuple[Fix, ...] = ()
    edge: Edge | None = None


class Places:
    """Free places among the cards, found through a coarse grid."""

    _CELL = 256.0
    _AIR = 16.0

    def __init__(self, graph: Graph) -> None:
        self._cells: dict[tuple[int, int], list[tuple[float, float]]] = defaultdict(list)
        self._right = 0.0
        cells, size = self._cells, self._CELL
        for node in graph.nodes.values():  # as take() does it, without two calls for each of thousands
            cells[int(node.x // size), int(node.y // size)].append((node.x, node.y))
        self._right = max(0.0, max((node.x for node in graph.nodes.values()), default=0.0))

    def take(self, x: float, y: float) -> None:
        """Marks the place of a card as taken, so that no cure puts another one there."""
        self._cells[self._cell(x, y)].append((x, y))
        self._right = max(self._right, x)

    def near(self, x: float, y: float) -> tuple[float, float]:
        """The free place for a card that is nearest to this one; to the right of all others where there is none."""
        step_x, step_y = (CARD_WIDTH + GAP_X) / 2, (CARD_HEIGHT + GAP_Y) / 2
        for across, down in _SPIRAL:
            place = x + across * step_x, y + down * step_y
            if self._is_free(*place):
                return place
        return min(self._right + CARD_WIDTH + GAP_X, FARTHEST), y

    def _cell(self, x: float, y: float) -> tuple[int, int]:
        return int(x // self._CELL), int(y // self._CELL)

    def copy(self) -> Places:
        """The same places, to be taken without these being taken."""
        other = Places(Graph())
        other._cells.update((cell, list(cards)) for cell, cards in self._cells.items())
        other._right = self._right
        return other

    def _is_free(self, x: float, y: float) -> bool:
        if abs(x) > FARTHEST or abs(y) > FARTHEST:
            return False
        # A thousand places are tried where cards stand close: by plain loops, over the cells within reach alone.
        wide, high = CARD_WIDTH + self._AIR, CARD_HEIGHT + self._AIR
        left, top = self._cell(x - wide, y - high)
        right, bottom = self._cell(x + wide, y + high)
        for column in range(left, right + 1):
            for row in range(top, bottom + 1):
                for other_x, other_y in self._cells.get((column, row), ()):
                    if -wide < other_x - x < wide and -high < other_y - y < high:
                        return False
        return True


#: Half card steps around a place, the nearest first; below before above, right before left.
_SPIRAL = sorted(
    ((across, down) for across in range(-16, 17) for down in range(-16, 17)),
    key=lambda step: (step[0] ** 2 * 0.7 + step[1] ** 2, -step[1], -step[0]),
)


@dataclass(frozen=True)
class Look:
    """A project as the checks see it: with everything at hand that several of them ask for."""

    project: Project
    facts: DataFacts | None
    inference: Inference
    memory_limit: int | None = None

    @property
    def graph(self) -> Graph:
        """The network as drawn."""
        return self.project.graph

    @cached_property
    def specs(self) -> dict[str, LayerSpec]:
        """The declaration of every node whose kind is known."""
        known: dict[str, LayerSpec | None] = {}
        for kind in {node.kind for node in self.graph.nodes.values()}:
            try:
                known[kind] = registry.layer(kind)
            except ProjectError:
                known[kind] = None  # A check of its own says so.
        pairs = ((node_id, known[node.kind]) for node_id, node in self.graph.nodes.items())
        return {node_id: spec for node_id, spec in pairs if spec is not None}

    @cached_property
    def into(self) -> dict[str, list[Edge]]:
        """The wires that end at each node, in port order; those from nowhere left out."""
        kept: dict[str, list[Edge]] = self._of_wires("into", self._into)
        return kept

    def _of_wires(self, name: str, find: Callable[[], Any]) -> Any:
        """What follows from ids and wires alone, kept as long as an edit leaves these as they were."""
        wired = self.inference.wired
        if name not in wired:
            wired[name] = find()
        return wired[name]

    @property
    def odd_ids(self) -> dict[str, str]:
        """Why an id cannot be one, for those that cannot."""
        kept: dict[str, str] = self._of_wires("odd ids", self._odd_ids)
        return kept

    def _odd_ids(self) -> dict[str, str]:
        return {node_id: problem for node_id in self.graph.nodes if (problem := id_problem(node_id))}

    @property
    def wires_are_sound(self) -> bool:
        """Whether every wire has two ends, and no input has two wires."""
        kept: bool = self._of_wires("sound", self._wires_are_sound)
        return kept

    def _wires_are_sound(self) -> bool:
        nodes, edges = self.graph.nodes, self.graph.edges
        ends = all(edge.source.node in nodes and edge.target.node in nodes for edge in edges)
        return ends and len({edge.target for edge in edges}) == len(edges)

    def _into(self) -> dict[str, list[Edge]]:
        wires: dict[str, list[Edge]] = {node_id: [] for node_id in self.graph.nodes}
        for edge in self.graph.edges:
            if edge.target.node in wires and edge.source.node in wires:
                wires[edge.target.node].append(edge)
        for edges in wires.values():
            if len(edges) > 1:
                edges.sort(key=lambda edge: edge.target.port)
        return wires

    @cached_property
    def _wires(self) -> tuple[list[Edge], Nearest[int]]:
        """The wires with two ends, by the node at which they end, and by the point midway between their cards."""
        nodes = self.graph.nodes
        edges = [edge for edges in self.into.values() for edge in edges]
        ends = [(nodes[edge.source.node], nodes[edge.target.node]) for edge in edges]
        middles = [((source.x + target.x) / 2, (source.y + target.y) / 2) for source, target in ends]
        return edges, Nearest((x, y, at) for at, (x, y) in enumerate(middles))

    @cached_property
    def out_of(self) -> dict[str, list[Edge]]:
        """The wires that start at each node; those to nowhere left out."""
        kept: dict[str, list[Edge]] = self._of_wires("out_of", self._out_of)
        return kept

    def _out_of(self) -> dict[str, list[Edge]]:
        wires: dict[str, list[Edge]] = {node_id: [] for node_id in self.graph.nodes}
        for edge in self.graph.edges:
            if edge.target.node in wires and edge.source.node in wires:
                wires[edge.source.node].append(edge)
        return wires

    def of_kind(self, kind: str) -> list[str]:
        """The nodes of a kind, in the order they were added."""
        wanted = registry.layer(kind)
        return [node_id for node_id, spec in self.specs.items() if spec is wanted]

    @cached_property
    def output(self) -> str:
        """The Output, when there is exactly one."""
        found = self.of_kind("output")
        return found[0] if len(found) == 1 else ""

    @cached_property
    def leading(self) -> frozenset[str]:
        """The nodes that lead to the Output; all of them while there is not exactly one."""
        kept: frozenset[str] = self._of_wires(f"leading to {self.output}", self._leading)
        return kept

    def _leading(self) -> frozenset[str]:
        if not self.output:
            return frozenset(self.graph.nodes)
        found, waiting = {self.output}, [self.output]
        while waiting:
            for edge in self.into[waiting.pop()]:
                if edge.source.node not in found:
                    found.add(edge.source.node)
                    waiting.append(edge.source.node)
        return frozenset(found)

    @cached_property
    def places(self) -> Places:
        """Finds free places on the canvas for the cards that cures add."""
        return Places(self.graph)

    @cached_property
    def loose_ends(self) -> list[str]:
        """Nodes with an output that nothing takes."""
        return [node_id for node_id, spec in self.specs.items() if spec.outputs and not self.out_of[node_id]]

    @cached_property
    def open_inputs(self) -> list[str]:
        """Nodes with fewer wires than they need."""
        return [node_id for node_id, spec in self.specs.items() if len(self.into[node_id]) < spec.min_inputs]

    def severity_at(self, node_id: str) -> Severity:
        """An error where the Output needs the node; a warning where it is left out of the network anyway."""
        return "error" if node_id in self.leading else "warning"

    # -- cures ---------------------------------------------------------------------------------------------------------

    def result(self, kind: str, params: Params, shapes: Sequence[Shape] | None) -> ShapeResult | None:
        """What a layer would make of these inputs; None where it could not take them, or not be trained on them."""
        spec = registry.layer(kind)
        if not shapes:
            return None
        try:
            values = spec.values(params)
            result = spec.rule(values, shapes)
        except (ShapeError, ParamError):
            return None
        if self.project.training.batch_size == 1 and spec.needs_several(result.output):
            return None
        return None if spec.normalises_nothing(values, result.output) else result

    def output_of(self, layers: Sequence[tuple[str, Params]], shape: Shape) -> Shape | None:
        """What comes out of some layers one behind the other; None where one of them could not take its input."""
        for kind, params in layers:
            made = self.result(kind, params, (shape,))
            if made is None:
                return None
            shape = made.output
        return shape

    def insert(self, edge: Edge, *layers: tuple[str, Params]) -> Fix:
        """Puts new layers, given as kind and parameters, into a wire one behind the other."""
        return self.insert_all([(edge, layers)])

    def insert_all(self, parts: Sequence[tuple[Edge, Sequence[tuple[str, Params]]]]) -> Fix:
        """Puts new layers into several wires at once."""
        edits: list[Edit] = []
        taken: list[str] = []
        titles: list[str] = []
        alone = sum(len(layers) for _, layers in parts) == 1
        places = self.places if alone else self.places.copy()
        for edge, layers in parts:
            source, target = self.graph.nodes[edge.source.node], self.graph.nodes[edge.target.node]
            shape = self.inference.shape(source.id)
            wire, texts = edge, []
            for at, (kind, params) in enumerate(layers, 1):
                share = at / (len(layers) + 1)
                x, y = places.near(
                    source.x + (target.x - source.x) * share,
                    source.y + (target.y - source.y) * share,
                )
                if not alone:
                    places.take(x, y)
                node = Node(new_id(self.graph, kind, taken), kind, params, "", x, y, group=target.group)
                taken.append(node.id)
                edits.append(InsertOnEdge(node, wire))
                wire = Edge(PortRef(node.id), edge.target)
                text, shape = layer_text(kind, params, shape)
                texts.append(text)
            titles.append(" and ".join(texts) + (f" after {source.id}" if len(self.into[target.id]) > 1 else ""))
        title = f"Insert {', '.join(titles)}"
        if len(titles) > 2:
            title = f"Insert {len(taken)} layers into {len(titles)} wires"
        return Fix(title, edits[0] if len(edits) == 1 else Several(tuple(edits), title))

    def removal(self, node_id: str) -> Fix:
        """Takes a layer out and joins its neighbours."""
        return Fix(f"Remove {self.specs[node_id].title}", RemoveNodes((node_id,), rejoin=True))

    def set_param(self, node_id: str, name: str, value: ParamValue) -> Fix:
        """Gives a parameter another value."""
        spec = self.specs[node_id].param(name)
        return Fix(f"Set {spec.title} to {value_text(spec, value)}", SetParam(node_id, name, value))

    def connect_from_nearest(self, target: str) -> tuple[Fix, ...]:
        """Draws a wire to a node from a near one of those with an output that nothing takes."""
        if len(self.loose_ends) - 1 > MOST_PAIRS:
            return ()
        return self.connect((source, target) for source in self._near(self._loose_places, target))

    def connect_to_nearest(self, source: str) -> tuple[Fix, ...]:
        """Draws a wire from a node to a near one of those that wait for a wire."""
        if len(self.open_inputs) > MOST_PAIRS:
            return ()
        return self.connect((source, target) for target in self._near(self._open_places, source))

    def connect_from_known(self, target: str) -> tuple[Fix, ...]:
        """Draws a wire to a node from a near one of which it is known what comes out."""
        known, places = self._known_places
        return self.connect((known[at], target) for at in self._near(places, target))

    @cached_property
    def _loose_places(self) -> Nearest[str]:
        return Nearest((node.x, node.y, key) for key in self.loose_ends for node in (self.graph.nodes[key],))

    @cached_property
    def _open_places(self) -> Nearest[str]:
        return Nearest((node.x, node.y, key) for key in self.open_inputs for node in (self.graph.nodes[key],))

    @cached_property
    def _known_places(self) -> tuple[list[str], Nearest[int]]:
        known = [key for key in self.inference.results if self.specs[key].outputs]
        nodes = [self.graph.nodes[key] for key in known]
        return known, Nearest((node.x, node.y, at) for at, node in enumerate(nodes))

    def _near(self, places: Nearest[_Key], node_id: str) -> Iterator[_Key]:
        """What is near a node, the nearest first."""
        node = self.graph.nodes[node_id]
        return places.to(node.x, node.y)

    def connect(self, pairs: Iterable[tuple[str, str]]) -> tuple[Fix, ...]:
        """Draws the first wire that is allowed of some that lead from node to node; best one that fits.

        Args:
            pairs: Sources and targets, the likeliest first; only some of them are looked at.
        """
        tried = itertools.islice(((source, target) for source, target in pairs if source != target), 8)
        allowed = [pair for pair in tried if self._may_connect(*pair)]
        fitting = [pair for pair in allowed if self._would_fit(*pair)]
        for source, target in (fitting or allowed)[:1]:
            used = {edge.target.port for edge in self.into[target]}
            port = next(port for port in range(len(used) + 1) if port not in used)
            edge = Edge(PortRef(source), PortRef(target, port))
            return (Fix(f"Connect {source} to {target}", Connect(edge)),)
        return ()

    def _may_connect(self, source: str, target: str) -> bool:
        """Whether a wire may be drawn; only wires that end at the target or lead on from it have a say in that."""
        edges = list(self.into[target])
        waiting, seen = [target], {target}
        while waiting:
            for edge in self.out_of[waiting.pop()]:
                edges.append(edge)
                if edge.target.node not in seen:
                    seen.add(edge.target.node)
                    waiting.append(edge.target.node)
        return not can_connect(replace(self.graph, edges=tuple(edges)), source, target)

    def _would_fit(self, source: str, target: str) -> bool:
        """Whether a layer could take one more wire, by the numbers."""
        node, shape = self.graph.nodes[target], self.inference.shape(source)
        there = [self.inference.shape(edge.source.node) for edge in self.into[target]]
        shapes = [known for known in (*there, shape) if known is not None]
        return len(shapes) == len(there) + 1 and self.result(node.kind, node.params, shapes) is not None

    def threading(self, node_id: str) -> tuple[Fix, ...]:
        """Puts a loose card into the nearest wire in which it fits, by the numbers."""
        node, nodes = self.graph.nodes[node_id], self.graph.nodes
        edges, places = self._wires
        for at in itertools.islice(self._near(places, node_id), 8):
            edge = edges[at]
            after, shape = nodes[edge.target.node], self.inference.shape(edge.source.node)
            made = self.result(node.kind, node.params, (shape,)) if shape is not None else None
            if made is None:
                continue
            behind = [
                made.output if other == edge else self.inference.shape(other.source.node)
                for other in self.into[after.id]
            ]
            known = [found for found in behind if found is not None]
            if len(known) == len(behind) and self.result(after.kind, after.params, known) is not None:
                title = f"Put {node_id} between {edge.source.node} and {edge.target.node}"
                return (Fix(title, InsertOnEdge(node, edge)),)
        return ()


def layer_text(kind: str, params: Params, shape: Shape | None) -> tuple[str, Shape | None]:
    """A layer as a button says it, with what it makes of a shape: ``Conv2d 64→128, 1×1, stride 2``; and that shape."""
    spec = registry.layer(kind)
    if shape is None:
        return spec.title, None
    try:
        values = spec.values(params)
        output = spec.rule(values, (shape,)).output
    except (ShapeError, ParamError):
        return spec.title, None
    if "kernel_size" in values and spec.weight_view:
        stride = _short(values["stride"])
        text = f"{spec.title} {shape[0]}→{output[0]}, {shape_text(_pair(values['kernel_size']))}"
        return text + (f", stride {stride}" if stride != "1" else ""), output
    if output == shape and not spec.weight_view:
        return spec.title, output
    return f"{spec.title} {shape_text(shape)}→{shape_text(output)}", output


def _pair(value: ParamValue) -> tuple[int, ...]:
    return tuple(item for item in value if isinstance(item, int)) if isinstance(value, tuple) else (int(str(value)),)


def _short(value: ParamValue) -> str:
    """``2`` for 2×2, ``2×1`` where the axes differ."""
    sizes = _pair(value)
    return str(sizes[0]) if len(set(sizes)) == 1 else shape_text(sizes)


def value_text(spec: ParamSpec, value: ParamValue) -> str:
    """A value as a button says it: ``5×5``, ``0.5``, the title of a choice."""
    if value is None:
        return "zeros"  # What a vector that is not given stands for.
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return "×".join(str(item) for item in value) if spec.type in ("pair", "shape") else "other values"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Choice):
        titles = {setting.name: setting.title for setting in spec.settings_of(value.kind)}
        given = ", ".join(f"{titles.get(name, name)} {value_text(spec, one)}" for name, one in value.params.items())
        return f"{dict(spec.choices).get(value.kind, value.kind)} ({given})"
    return dict(spec.choices).get(value, value) if isinstance(value, str) else str(value)


def allowed_value(spec: ParamSpec, value: object) -> ParamValue:
    """The allowed value that is nearest to one that is not; the default where there is no near one."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and spec.type in ("int", "float"):
        if isinstance(value, float) and math.isnan(value):
            return spec.default
        nearest = min(max(value, spec.minimum), spec.maximum)
        if spec.type == "int" and math.isfinite(nearest):
            nearest = round(nearest)
        if not (spec.exclusive_minimum and nearest == spec.minimum):
            return nearest
    if isinstance(value, Choice):
        settings = {setting.name: setting for setting in spec.settings_of(value.kind)}
        kept = {name: _kept(settings[name], one) for name, one in value.params.items() if name in settings}
        return Choice(value.kind, kept) if kept else spec.default
    if isinstance(value, (tuple, list)) and spec.type in ("pair", "shape") and value:
        items = [item for item in value if isinstance(item, int) and not isinstance(item, bool)]
        if len(items) == len(value):
            return tuple(int(min(max(item, spec.minimum), spec.maximum)) for item in items)
    return spec.default


def _kept(spec: ParamSpec, value: ParamValue) -> ParamValue:
    """The value itself where it is allowed."""
    try:
        return spec.parse(value)
    except ParamError:
        return allowed_value(spec, value)
