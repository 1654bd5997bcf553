"""Shapes, parameter counts and multiply-accumulates of a whole graph, in plain Python and without torch.

Each layer's rule stands beside its declaration (``layers/``). Here the rules are applied along the wires: all at once
(:func:`infer`) or only downstream of what changed (:func:`infer_from`). A graph may be broken in any way: what can be
computed is.

A large network repeats a few layers many times. So the answer of a rule is kept by parameters and incoming shapes, and
a layer's parameters are read once as long as the node keeps them.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias, cast

from nnviz.errors import InputError
from nnviz.project import registry
from nnviz.project.declared.layers.common import shape_text
from nnviz.project.model import Choice, Graph, Node, Params, ParamValue, Shape
from nnviz.project.spec import LayerSpec, ShapeError, ShapeResult, ShapeRule
from nnviz.project.values import same_params

__all__ = ["Inference", "infer", "infer_from", "inputs_of", "read_fix", "shape_text"]

_Inputs = Mapping[str, tuple[str, ...]]
_Outcome: TypeAlias = ShapeResult | ShapeError
#: Answers that are kept; some two kilobytes each.
_MOST_ANSWERS = 2048


class Reading(NamedTuple):
    """The parameters of one node, read once.

    Attributes:
        spec: The declaration of its kind and
        params: the very parameters that were read; both tell whether the reading still holds.
        names, values: All parameters in the order in which they are declared.
        problem: Why they cannot be read.
        repeatable: They are small enough to be looked up by.
    """

    spec: LayerSpec
    params: Params
    names: tuple[str, ...] = ()
    values: tuple[ParamValue, ...] = ()
    problem: ShapeError | None = None
    repeatable: bool = True

    def holds(self, node: Node, spec: LayerSpec) -> bool:
        """Whether it is what a node of that kind says now."""
        return self.params is node.params and self.spec is spec


@dataclass(frozen=True)
class Inference:
    """What is known of every node of a graph.

    A node stands in ``results`` or in ``problems``, or in neither when its wires are missing, too many, part of a
    cycle, or come from a node that has no result itself: then the cause stands at that other node.

    Attributes:
        results: Shape, parameters and MACs by node id.
        problems: Why a layer cannot take its input, by node id.
        order: Node ids so that every node comes after its inputs, otherwise as they were added. Nodes in a cycle, and
            behind one, are left out.
        inputs: The nodes that feed each node, in port order.
        parameters: Trainable numbers of all nodes together.
        macs: Multiply-accumulate operations of all nodes together, for one example.
        graph: The graph this was computed from.
        readings: The parameters of the nodes that a rule was asked about, for the next walk.
        found: What others found out of layers, shapes and wires alone, by a name of theirs: it goes along to the next
            inference where an edit left all of these as they were.
        wired: Likewise what follows from the ids and the wires alone, whatever the layers are.
    """

    results: Mapping[str, ShapeResult]
    problems: Mapping[str, ShapeError]
    order: tuple[str, ...]
    inputs: _Inputs
    parameters: int
    macs: int
    graph: Graph = field(repr=False)
    readings: Mapping[str, Reading] = field(default_factory=dict, repr=False, compare=False)
    found: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    wired: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def shape(self, node: str) -> Shape | None:
        """The output shape of a node, or None while it is unknown."""
        result = self.results.get(node)
        return None if result is None else result.output

    @property
    def is_of_all(self) -> bool:
        """Whether something is known of every node: else ``parameters`` and ``macs`` are those of a part."""
        return len(self.results) == len(self.graph.nodes)

    @property
    def network_input_shape(self) -> Shape | None:
        """What the network takes, whatever its data are; None where it has not one input alone."""
        inputs = [key for key, node in self.graph.nodes.items() if node.kind == "input"]
        return self.shape(inputs[0]) if len(inputs) == 1 else None

    def can_be_read(self, node: Node, spec: LayerSpec) -> bool:
        """Whether a node's parameters have been read and are allowed; False where nobody has read them yet."""
        reading = self.readings.get(node.id)
        return reading is not None and reading.holds(node, spec) and reading.problem is None

    def input_shapes(self, node: str) -> tuple[Shape, ...] | None:
        """The shapes that come in at a node in port order, or None while one of them is unknown."""
        found = [self.results[source].output for source in self.inputs.get(node, ()) if source in self.results]
        return tuple(found) if len(found) == len(self.inputs.get(node, ())) else None


def inputs_of(graph: Graph, node: str) -> list[str]:
    """The ids of the nodes that feed a node, in the order of its ports. Wires from nowhere are left out."""
    edges = [edge for edge in graph.edges if edge.target.node == node and edge.source.node in graph.nodes]
    return [edge.source.node for edge in sorted(edges, key=lambda edge: edge.target.port)]


def infer(graph: Graph) -> Inference:
    """Shapes, parameters and problems of every node of a graph, computed anew."""
    return _walk(graph, None, frozenset())


def infer_from(graph: Graph, previous: Inference, changed: Set[str] = frozenset()) -> Inference:
    """The same as ``infer(graph)``, with all results of ``previous`` kept that are not touched.

    Args:
        graph: The graph as it is now.
        previous: What was known of the graph before the edit.
        changed: Nodes to recompute in any case. Nodes whose kind, parameters or wires differ are found without it.
    """
    return _walk(graph, previous, changed)


def _walk(graph: Graph, previous: Inference | None, changed: Set[str]) -> Inference:
    inputs = _all_inputs(graph, previous)
    same_wires = previous is not None and inputs is previous.inputs
    order = previous.order if previous is not None and same_wires else _order(graph, inputs)
    if previous is not None and same_wires:
        quick = _walk_from(graph, previous, changed)
        if quick is not None:
            return quick
    results: dict[str, ShapeResult] = {}
    problems: dict[str, ShapeError] = {}
    # Readings of nodes that are gone are left behind.
    known = previous.readings if previous is not None else {}
    readings = {node_id: reading for node_id, reading in known.items() if node_id in graph.nodes}
    moved: set[str] = set()  # nodes whose output is not what it was
    for node_id in order:
        node = graph.nodes[node_id]
        sources = inputs[node_id]
        if previous is not None and node_id not in changed and moved.isdisjoint(sources):
            before = previous.graph.nodes.get(node_id)
            if before is not None and _same_layer(node, before) and previous.inputs.get(node_id) == sources:
                _keep(node_id, previous, results, problems)
                continue
        outcome = _apply(node, sources, results, readings)
        if isinstance(outcome, ShapeResult):
            results[node_id] = outcome
        elif outcome is not None:
            problems[node_id] = outcome
        if previous is None or previous.shape(node_id) != (
            outcome.output if isinstance(outcome, ShapeResult) else None
        ):
            moved.add(node_id)
    return Inference(
        results,
        problems,
        order,
        inputs,
        sum(result.parameters for result in results.values()),
        sum(result.macs for result in results.values()),
        graph,
        readings,
        wired=previous.wired if previous is not None and same_wires else {},
    )


def _walk_from(graph: Graph, previous: Inference, changed: Set[str]) -> Inference | None:
    """The same with the same wires, looking only at nodes that are others now, and on from those.

    None where a node's shape is known that was not, or the other way round: then the order in which they are held is
    another one too.
    """
    nodes, old, inputs = graph.nodes, previous.graph.nodes, previous.inputs
    asked = {node_id for node_id, node in nodes.items() if node is not old[node_id]} | (changed & nodes.keys())
    if not changed and all(_same_layer(nodes[node_id], old[node_id]) for node_id in asked):
        return replace(previous, graph=graph)
    results, problems, readings = dict(previous.results), dict(previous.problems), dict(previous.readings)
    parameters, macs = previous.parameters, previous.macs
    moved: set[str] = set()  # nodes whose output is not what it was
    for node_id in previous.order if asked else ():
        sources = inputs[node_id]
        if node_id in asked:
            if node_id not in changed and moved.isdisjoint(sources) and _same_layer(nodes[node_id], old[node_id]):
                continue
        elif not moved or moved.isdisjoint(sources):
            continue
        outcome = _apply(nodes[node_id], sources, results, readings)
        if isinstance(outcome, ShapeResult):
            before = results.get(node_id)
            if before is None:
                return None
            results[node_id] = outcome
            parameters += outcome.parameters - before.parameters
            macs += outcome.macs - before.macs
            if before.output != outcome.output:
                moved.add(node_id)
        elif outcome is not None and node_id in problems:
            problems[node_id] = outcome
        elif outcome is not None or node_id in results or node_id in problems:
            return None
    return Inference(results, problems, previous.order, inputs, parameters, macs, graph, readings, wired=previous.wired)


def _same_layer(node: Node, before: Node) -> bool:
    return node is before or (node.kind == before.kind and same_params(node.params, before.params))


def _keep(node_id: str, previous: Inference, results: dict[str, ShapeResult], problems: dict[str, ShapeError]) -> None:
    if node_id in previous.results:
        results[node_id] = previous.results[node_id]
    elif node_id in previous.problems:
        problems[node_id] = previous.problems[node_id]


def _apply(
    node: Node, sources: tuple[str, ...], results: Mapping[str, ShapeResult], readings: dict[str, Reading]
) -> _Outcome | None:
    """The result of one node; an error when the layer refuses; None when its inputs are not known."""
    try:
        spec = registry.layer(node.kind)
    except InputError as error:
        return ShapeError(error.message)
    if not spec.min_inputs <= len(sources) <= spec.max_inputs:
        return None
    shapes = tuple(results[source].output for source in sources if source in results)
    if len(shapes) != len(sources):
        return None
    reading = readings.get(node.id)
    if reading is None or reading.params is not node.params or reading.spec is not spec:
        reading = readings[node.id] = _read(node, spec)
    if reading.problem is not None:
        return reading.problem
    answer = _answer if reading.repeatable else _ask
    return answer(spec.rule, reading.names, reading.values, shapes)


def _read(node: Node, spec: LayerSpec) -> Reading:
    try:
        values = spec.values(node.params)
    except InputError as error:
        return Reading(spec, node.params, problem=ShapeError(error.message))
    # Weights that were written down may be many, and hardly any other layer has the same; settings of a Choice neither.
    written = any(
        (param.type in ("matrix", "vector") and values[param.name] is not None)
        or isinstance(values[param.name], Choice)
        for param in spec.params
    )
    return Reading(spec, node.params, tuple(values), tuple(values.values()), repeatable=not written)


def _ask(
    rule: ShapeRule, names: tuple[str, ...], values: tuple[ParamValue, ...], shapes: tuple[Shape, ...]
) -> _Outcome:
    """What a rule says to the parameters and to what comes in."""
    try:
        return rule(dict(zip(names, values, strict=True)), shapes)
    except ShapeError as error:
        # It is kept; what its traceback holds on to is not wanted.
        return error.with_traceback(None)
    except InputError as error:
        return ShapeError(error.message)


#: Of values in their normal form those that are equal are the same, so equal layers may share one answer.
_answer = lru_cache(_MOST_ANSWERS)(_ask)


def _all_inputs(graph: Graph, previous: Inference | None) -> _Inputs:
    """The sources of every node in port order.

    Unchanged wires between nodes that were added in the same order keep the mapping itself, which saves the order too.
    """
    if (
        previous is not None
        and (graph.edges is previous.graph.edges or graph.edges == previous.graph.edges)
        and tuple(graph.nodes) == tuple(previous.graph.nodes)
    ):
        return previous.inputs
    ports: dict[str, list[tuple[int, str]]] = {node_id: [] for node_id in graph.nodes}
    for edge in graph.edges:
        if edge.target.node in ports and edge.source.node in ports:
            ports[edge.target.node].append((edge.target.port, edge.source.node))
    return {
        node_id: tuple(source for _, source in sorted(wires, key=lambda wire: wire[0]))
        for node_id, wires in ports.items()
    }


def _order(graph: Graph, inputs: _Inputs) -> tuple[str, ...]:
    """Kahn's algorithm; among the nodes that are ready, the one that was added first comes first."""
    names = list(graph.nodes)
    place = {node_id: index for index, node_id in enumerate(names)}
    waiting = [len(inputs[node_id]) for node_id in names]
    readers: list[list[int]] = [[] for _ in names]
    for index, node_id in enumerate(names):
        for source in inputs[node_id]:
            readers[place[source]].append(index)
    ready = [index for index, count in enumerate(waiting) if count == 0]
    order: list[str] = []
    while ready:
        index = heapq.heappop(ready)
        order.append(names[index])
        for reader in readers[index]:
            waiting[reader] -= 1
            if waiting[reader] == 0:
                heapq.heappush(ready, reader)
    return tuple(order)


def read_fix(fix: str) -> tuple[str, str, ParamValue]:
    """Takes a cure of a ShapeError apart into (action, name, value).

    ==============================  =========================================  ======================================
    fix                             gives                                      means
    ==============================  =========================================  ======================================
    ``insert_flatten``              ``("insert", "flatten", None)``            a Flatten in front of the node
    ``insert_reshape:[1, 28, 28]``  ``("insert", "reshape", (1, 28, 28))``     a Reshape to that shape in front of it
    ``set:kernel_size:[5, 5]``      ``("set", "kernel_size", (5, 5))``         that parameter gets that value
    ``replace:batch_norm2d``        ``("replace", "batch_norm2d", None)``      the node becomes that kind
    ==============================  =========================================  ======================================
    """
    action, _, rest = fix.partition(":")
    if action == "set":
        name, _, value = rest.partition(":")
        return "set", name, _tuples(json.loads(value))
    if action == "replace":
        return "replace", rest, None
    return "insert", action.removeprefix("insert_"), _tuples(json.loads(rest)) if rest else None


def _tuples(value: object) -> ParamValue:
    """JSON's lists as the tuples that parameters are made of."""
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    return cast(ParamValue, value)
