"""Checks of the drawing: is there one Input and one Output, do the wires make a network, do the sizes fit."""

from __future__ import annotations

from collections.abc import Iterator

from nnviz.errors import ParamError
from nnviz.project import registry
from nnviz.project.checks.diagnosis import Diagnostic, Fix, Look, allowed_value
from nnviz.project.checks.shape_fixes import odd_edge, shape_fixes
from nnviz.project.drawing.layout import CARD_WIDTH, GAP_X
from nnviz.project.edits import AddNodes, Disconnect, RemoveNodes, SetKind, new_id
from nnviz.project.graph.wiring import find_cycle, shortened
from nnviz.project.model import Edge, Node, ParamValue, PortRef
from nnviz.project.spec import LayerSpec

_STEP = CARD_WIDTH + GAP_X


def check_ends(look: Look) -> Iterator[Diagnostic]:
    """Reports a network that has not exactly one Input and one Output."""
    if not look.graph.nodes:
        yield Diagnostic("", "error", "The network is empty: it needs an Input and an Output.", (_begin(look),))
        return
    for kind, add in (("input", _add_input), ("output", _add_output)):
        title = registry.layer(kind).title
        found = look.of_kind(kind)
        if not found:
            yield Diagnostic("", "error", f"The network has no {title}.", (add(look),))
        for extra in found[1:]:
            fix = Fix(f"Remove {extra}", RemoveNodes((extra,)))
            yield Diagnostic(extra, "error", f"This is one {title} too many: {found[0]} is there already.", (fix,))


def _begin(look: Look) -> Fix:
    ends = (_input_node(look, 0.0, 0.0), _output_node(look, 2 * _STEP, 0.0))
    return Fix("Add Input and Output", AddNodes(ends))


def _input_node(look: Look, x: float, y: float) -> Node:
    params: dict[str, ParamValue] = {"shape": look.facts.input_shape} if look.facts else {}
    return Node(new_id(look.graph, "input"), "input", params, "", x, y)


def _output_node(look: Look, x: float, y: float) -> Node:
    task = look.facts.task if look.facts else "classes"
    fitting = [spec.kind for spec in registry.losses().values() if task in spec.tasks]
    params: dict[str, ParamValue] = {"loss": fitting[0]} if fitting else {}
    return Node(new_id(look.graph, "output"), "output", params, "", x, y)


def _add_input(look: Look) -> Fix:
    """In front of the first node that waits for a wire."""
    waiting = [node_id for node_id in look.open_inputs if not look.into[node_id]]
    first = look.graph.nodes[(waiting or list(look.graph.nodes))[0]]
    node = _input_node(look, *look.places.near(first.x - _STEP, first.y))
    edges = (Edge(PortRef(node.id), PortRef(waiting[0])),) if len(waiting) == 1 else ()
    return Fix("Add an Input", AddNodes((node,), edges))


def _add_output(look: Look) -> Fix:
    """Behind the one node that nothing takes the output of."""
    ends = [node_id for node_id in look.loose_ends if look.specs[node_id].kind != "input"]
    last = look.graph.nodes[(ends or list(look.graph.nodes))[-1]]
    node = _output_node(look, *look.places.near(last.x + _STEP, last.y))
    edges = (Edge(PortRef(ends[0]), PortRef(node.id)),) if len(ends) == 1 else ()
    return Fix("Add an Output", AddNodes((node,), edges))


def check_nodes(look: Look) -> Iterator[Diagnostic]:
    """Every node has a usable id, a known kind and allowed parameters."""
    odd, results = look.odd_ids, look.inference.results
    for node_id, node in look.graph.nodes.items():
        if node_id in results and node.id == node_id and node_id not in odd:
            continue  # As nearly all are: a node that has a result is of a known kind.
        problem = odd.get(node_id) or ("" if node.id == node_id else f"It calls itself '{shortened(node.id)}'.")
        if problem:
            yield Diagnostic(node_id, "error", problem)
        spec = look.specs.get(node_id)
        if spec is None:
            fix = Fix(f"Remove {node_id}", RemoveNodes((node_id,), rejoin=True))
            yield Diagnostic(node_id, "error", f"There is no layer '{shortened(node.kind)}'.", (fix,))
        elif node_id not in results and not look.inference.can_be_read(node, spec):
            # A node that has a result has had its parameters checked, as has one that had a result before.
            yield from _check_params(look, node, spec)


def _check_params(look: Look, node: Node, spec: LayerSpec) -> Iterator[Diagnostic]:
    for name, value in node.params.items():
        try:
            param = spec.param(name)
        except ParamError as error:
            # No edit can name a parameter that is not declared, so the kind is set anew without it.
            fix = Fix(f"Remove {shortened(name)}", SetKind(node.id, node.kind))
            yield Diagnostic(node.id, look.severity_at(node.id), error.message, (fix,))
            continue
        try:
            param.parse(value)
        except ParamError as error:
            cure = look.set_param(node.id, name, allowed_value(param, value))
            yield Diagnostic(node.id, look.severity_at(node.id), error.message, (cure,))


def check_wires(look: Look) -> Iterator[Diagnostic]:
    """Every wire has two ends, every input one wire, nothing runs in a circle, every node has the wires it needs."""
    nodes = look.graph.nodes
    used: set[PortRef] = set()
    for edge in () if look.wires_are_sound else look.graph.edges:
        if edge.source.node in nodes and edge.target.node in nodes and edge.target not in used:
            used.add(edge.target)
            continue
        fix = Fix("Remove the wire", Disconnect(edge))
        missing = next((end.node for end in (edge.source, edge.target) if end.node not in nodes), None)
        if missing is not None:
            there = edge.target.node if edge.target.node in nodes else edge.source.node
            node_id = there if there in nodes else ""
            text = f"A wire leads to '{shortened(missing)}', which is not there."
            yield Diagnostic(node_id, "error", text, (fix,), edge)
        else:
            port = edge.target.port + 1
            text = f"Two wires end at input {port} of {edge.target.node}."
            yield Diagnostic(edge.target.node, "error", text, (fix,), edge)
        used.add(edge.target)
    # An order of all nodes is proof that there is no circle.
    circle = find_cycle(look.graph) if len(look.inference.order) < len(nodes) else ()
    if circle:
        wires = [edge for edge in look.graph.edges if edge.source.node in circle and edge.target.node in circle]
        last = wires[-1]
        fix = Fix(f"Disconnect {last.source.node} from {last.target.node}", Disconnect(last))
        shown = " → ".join((*circle[:6], "…" if len(circle) > 6 else circle[0]))
        yield Diagnostic(last.target.node, "error", f"The wires run in a circle: {shown}.", (fix,), last)
    into, out_of = look.into, look.out_of
    for node_id, spec in look.specs.items():
        wires = into[node_id]
        if (
            spec.min_inputs <= len(wires) <= spec.max_inputs
            and (not wires or wires[-1].target.port < spec.max_inputs)
            and (not spec.outputs or out_of[node_id])
        ):
            continue  # As nearly all are.
        yield from _check_arity(look, node_id, spec)


def _check_arity(look: Look, node_id: str, spec: LayerSpec) -> Iterator[Diagnostic]:
    wires = look.into[node_id]
    outside = [edge for edge in wires if edge.target.port >= spec.max_inputs]
    if len(wires) > spec.max_inputs or outside:
        last = (outside or wires)[-1]
        fix = Fix("Remove the wire", Disconnect(last))
        takes = "no wire" if spec.max_inputs == 0 else f"at most {spec.max_inputs}"
        text = f"{spec.title} takes {takes} and has {len(wires)}."
        yield Diagnostic(node_id, "error", text, (fix,), last)
    elif len(wires) < spec.min_inputs:
        fixes = look.connect_from_nearest(node_id)
        if spec.min_inputs > 1:
            text = f"{spec.title} joins at least {spec.min_inputs} wires and has {len(wires)}."
            if not fixes and len(wires) == 1:
                fixes = (Fix(f"Remove {node_id}", RemoveNodes((node_id,), rejoin=True)),)
        elif look.out_of[node_id] or spec.outputs == 0:
            text = f"Nothing is connected to the input of {spec.title}."
            fixes = fixes or look.connect_from_known(node_id)
        else:
            text = f"{spec.title} is not connected: it is left out."
            fixes = (*fixes, *look.threading(node_id), Fix(f"Remove {node_id}", RemoveNodes((node_id,))))
        yield Diagnostic(node_id, look.severity_at(node_id), text, fixes)
    elif spec.outputs and not look.out_of[node_id] and look.output and wires:
        fixes = look.connect_to_nearest(node_id)
        if not fixes and len(look.open_inputs) == 0:
            fixes = (Fix(f"Remove {node_id}", RemoveNodes((node_id,))),)
        yield Diagnostic(node_id, "warning", f"Nothing takes the output of {spec.title}, so it learns nothing.", fixes)


def check_shapes(look: Look) -> Iterator[Diagnostic]:
    """Reports layers that cannot take the shape that comes in, with cures."""
    for node_id, problem in look.inference.problems.items():
        spec = look.specs.get(node_id)
        if spec is None or _has_param_problem(look.graph.nodes[node_id], spec):
            continue  # check_nodes says it.
        severity, fixes = look.severity_at(node_id), shape_fixes(look, node_id, problem)
        yield Diagnostic(node_id, severity, str(problem), fixes, odd_edge(look, node_id))


def _has_param_problem(node: Node, spec: LayerSpec) -> bool:
    try:
        spec.values(node.params)
    except ParamError:
        return True
    return False
