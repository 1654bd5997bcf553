"""How the weights of a network start, judged before anything is trained: all alike, too large, too small, far off.

A start is judged by its strength: how many times larger a layer makes a signal whose numbers have deviation 1, which is
the deviation of its weights times √n for n inputs. He normal has √2, Xavier normal 1, PyTorch's own 1/√3.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from nnviz.project import registry
from nnviz.project.checks.shapes import Inference, infer, inputs_of
from nnviz.project.model import Choice, Graph, Node, ParamValue, Project

#: The setting of a layer that says how its weights start.
PARAM: Final = "weight_initialisation"
#: The path of the setting that all layers follow that do not say so themselves.
USUAL: Final = "training.initialisation"
#: Layers that are named in one sentence.
_NAMED: Final = 4
#: Of the strength: beyond them, a few layers make the signal overflow or vanish.
_STRONGEST, _WEAKEST = 3.0, 0.3
#: Times the strength of its weights by which a unit's bias may lie below zero before hardly an input wakes it.
_FAR_BELOW = 3.0


@dataclass(frozen=True)
class Start:
    """How the weights of one layer start.

    Attributes:
        node: The layer.
        choice: Its initialiser; where the layer follows what the network is set to, that.
        follows: It does so.
        alike: All its units start with the same weights.
        strength: See above; NaN where it is as usual or not known.
        far_below: The biases keep most units from ever answering.
    """

    node: str
    choice: Choice
    follows: bool
    alike: bool = False
    strength: float = math.nan
    far_below: bool = False

    @property
    def strong(self) -> bool:
        """Whether it makes the signal so large that a few such layers let it overflow or saturate."""
        return self.strength > _STRONGEST

    @property
    def weak(self) -> bool:
        """Whether hardly anything gets through a few such layers."""
        return self.strength < _WEAKEST

    @property
    def odd(self) -> bool:
        """Whether the usual start would serve better."""
        return self.alike or self.strong or self.weak or self.far_below


def starts_of(graph: Graph, usual: Choice) -> dict[str, Start]:
    """Of all layers whose start can be chosen, from the input on.

    Args:
        graph: The network.
        usual: What it is set to: how a layer starts that says nothing.
    """
    inference = infer(graph)
    return {node.id: _start_of(graph, node, usual, inference) for node in _weighted(graph, inference)}


def with_own_start(graph: Graph) -> tuple[Node, ...]:
    """The layers that do not follow what the network is set to, because their own start is chosen."""
    known = registry.initialisers()
    chosen = {
        key: known.get(Choice.of(node.params[PARAM]).kind) for key, node in graph.nodes.items() if PARAM in node.params
    }
    return tuple(graph.nodes[key] for key, spec in chosen.items() if spec is not None and not spec.follows)


def with_one_start(project: Project, varied: Sequence[str]) -> Project:
    """The project in which all layers start as the training says, where that is what is varied.

    Else those whose own start is chosen would start alike in all variations, and be compared with themselves.

    Args:
        project: Any.
        varied: The paths of all settings that are varied; layers whose own start is among them keep it.
    """
    nodes, follows = dict(project.graph.nodes), _following()
    for node in not_asked(project, varied):
        nodes[node.id] = msgspec.structs.replace(node, params={**node.params, PARAM: follows})
    return msgspec.structs.replace(project, graph=msgspec.structs.replace(project.graph, nodes=nodes))


def following_changes(project: Project, varied: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """What :func:`with_one_start` does, as settings by their paths."""
    return tuple((f"{node.id}.{PARAM}", _following()) for node in not_asked(project, varied))


def _following() -> str:
    """The initialiser of a layer that follows what the network is set to."""
    return next(kind for kind, spec in registry.initialisers().items() if spec.follows)


def as_varied(project: Project, before: Project, varied: Sequence[str]) -> Project:
    """The project, with one start for all layers if what is varied was begun so with the project of then.

    Args:
        project: Any.
        before: What it was begun with.
        varied: As in :func:`with_one_start`.
    """
    return project if not_asked(before, varied) else with_one_start(project, varied)


def not_asked(project: Project, varied: Sequence[str]) -> tuple[Node, ...]:
    """The layers whose own start gives way to what is varied; none where that is something else."""
    if USUAL not in varied:
        return ()
    own = {path.split(".")[0] for path in varied if path.split(".")[1:2] == [PARAM]}
    return tuple(node for node in with_own_start(project.graph) if node.id not in own)


def one_start_note(project: Project, varied: Sequence[str]) -> str:
    """That some layers do not start as was chosen for them, as a sentence; empty where all do."""
    names = [node.name or node.id for node in not_asked(project, varied)]
    if not names:
        return ""
    listed = ", ".join(names[:_NAMED])
    more = len(names) - _NAMED
    rest = f" and {more} more" if more > 0 else ""
    return f"The initialisation varies in all layers, also in those with one of their own: {listed}{rest}."


def usual_kinds(graph: Graph, nodes: Iterable[str]) -> dict[str, str]:
    """He where the first activation behind a layer lets large numbers pass, and Xavier everywhere else."""
    targets: dict[str, list[str]] = {}
    for edge in graph.edges:
        targets.setdefault(edge.source.node, []).append(edge.target.node)
    return {node: usual_before(passes=_lets_pass(graph, targets, node)) for node in nodes}


def usual_before(*, passes: bool) -> str:
    """The initialiser that is usual before an activation that lets large numbers pass, or before any other."""
    wanted = "pass" if passes else "other"
    return next(kind for kind, spec in registry.initialisers().items() if spec.usual_before == wanted)


def _lets_pass(graph: Graph, targets: Mapping[str, list[str]], node: str) -> bool:
    seen, ahead = {node}, [node]
    while ahead:
        for target in targets.get(ahead.pop(), ()):
            kind = graph.nodes[target].kind if target in graph.nodes else ""
            if target in seen or kind not in registry.layers() or registry.layer(kind).weight_view:
                continue
            seen.add(target)
            spec = registry.layer(kind)
            if spec.function is None:
                ahead.append(target)
            elif spec.output_range not in ("unit", "symmetric"):
                return True
    return False


def with_usual_starts(project: Project, also: frozenset[str] = frozenset()) -> Project:
    """The same project in which every layer that starts oddly starts as is usual.

    Args:
        project: Any.
        also: Layers that are to start so however they start now.
    """
    graph, training = project.graph, project.training
    nodes, followers = dict(graph.nodes), set[str]()
    found = starts_of(graph, training.initialisation)
    for key, kind in usual_kinds(graph, (key for key, start in found.items() if start.odd or key in also)).items():
        if found[key].follows and key not in also:
            followers.add(kind)
        else:
            node = nodes[key]
            nodes[key] = msgspec.structs.replace(node, params={**node.params, PARAM: kind})
    if followers:
        usual = Choice(usual_before(passes=usual_before(passes=True) in followers))
        training = msgspec.structs.replace(training, initialisation=usual)
    return msgspec.structs.replace(project, graph=msgspec.structs.replace(graph, nodes=nodes), training=training)


def _weighted(graph: Graph, inference: Inference) -> Iterator[Node]:
    for key in inference.order:
        node = graph.nodes[key]
        if key in inference.results and node.kind in registry.layers():
            spec = registry.layer(node.kind)
            if spec.weight_view and any(param.name == PARAM for param in spec.params):
                yield node


def _start_of(graph: Graph, node: Node, usual: Choice, inference: Inference) -> Start:
    choice = Choice.of(node.params.get(PARAM, "default"))
    follows = choice.kind in registry.initialisers() and registry.initialiser(choice.kind).follows
    if follows:
        choice = usual
    if choice.kind not in registry.initialisers():
        return Start(node.id, choice, follows)
    spec = registry.initialiser(choice.kind)
    if spec.written:
        return _given(node, choice)
    if spec.alike or not spec.spread:
        return Start(node.id, choice, follows, alike=spec.alike)
    number = next((float(one) for one in spec.values(choice.params).values() if isinstance(one, (int, float))), 0.0)
    return Start(node.id, choice, follows, strength=spec.spread * number * math.sqrt(_inputs(graph, node, inference)))


def _given(node: Node, choice: Choice) -> Start:
    rows = [_numbers(row) for row in _tuple(node.params.get("weight_values"))]
    biases = _numbers(node.params.get("bias_values"))
    alike = len(rows) > 1 and all(row == rows[0] for row in rows) and len(set(biases)) <= 1
    strength = math.sqrt(sum(number * number for row in rows for number in row) / max(len(rows), 1))
    below = sum(bias < -_FAR_BELOW * strength for bias in biases)
    return Start(node.id, choice, False, alike, strength, below > len(biases) / 2)


def _tuple(value: ParamValue) -> tuple[ParamValue, ...]:
    return value if isinstance(value, tuple) else ()


def _numbers(value: ParamValue) -> list[float]:
    return [float(one) for one in _tuple(value) if isinstance(one, (int, float))]


def _inputs(graph: Graph, node: Node, inference: Inference) -> float:
    """Over how many numbers one output number is a sum; on average, where each input is spread over several."""
    result = inference.results[node.id]
    values = registry.layer(node.kind).values(node.params)
    outputs = values.get("out_features", values.get("out_channels"))
    outputs = outputs if isinstance(outputs, int) and outputs > 0 else 1
    of_one = result.parameters / outputs - (1 if values.get("bias") is True else 0)
    source = next((one for one in inputs_of(graph, node.id) if one in inference.results), "")
    before = math.prod(inference.results[source].output[1:]) if source else 0
    larger = math.prod(result.output[1:]) / before if before else 1.0
    return max(of_one / max(larger, 1.0), 0.0)
