"""Which layers can follow an output or feed an input, the usual ones first, found by trying the shape rules.

A suggestion is one layer, or a Flatten with the layer that needs it. Nothing here looks at more than the layers at the
two ends of a wire, so that the list is there at once however large the network is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nnviz.errors import InputError
from nnviz.project import registry
from nnviz.project.checks.shapes import Inference
from nnviz.project.model import Graph, Params, PortRef, Shape
from nnviz.project.spec import LayerSpec, ShapeError

_FLATTEN = "flatten"
_INSERT_FLATTEN = "insert_flatten"
#: At most so many shapes of the network are tried as what a new layer may take in.
_MOST_SHAPES = 40


@dataclass(frozen=True)
class Suggestion:
    """A layer that could be added, with what it needs in front of it.

    Attributes:
        kinds: In the order in which the data flows through them; the last one is what was asked for.
        shape: What comes out of it, or None while that cannot be known.
        problem: Why it does not take what would come in; empty where it does.
    """

    kinds: tuple[str, ...]
    shape: Shape | None = None
    problem: str = ""

    @property
    def spec(self) -> LayerSpec:
        """The declaration of the layer that was asked for."""
        return registry.layer(self.kinds[-1])

    @property
    def title(self) -> str:
        """``Linear``, or ``Flatten + Linear``."""
        return " + ".join(registry.layer(kind).title for kind in self.kinds)


def after_shape(kind: str, shape: Shape | None) -> Suggestion:
    """A layer as it would stand, with its defaults, behind an output of a shape; behind nothing where that is None."""
    spec = registry.layer(kind)
    if spec.max_inputs == 0:
        return Suggestion((kind,), _output(spec, {}, ()))
    if shape is None:
        return Suggestion((kind,))
    try:
        output = spec.rule(spec.values({}), (shape,) * spec.min_inputs).output
    except ShapeError as error:
        return Suggestion((kind,), None, str(error))
    return Suggestion((kind,), output)


def followers(graph: Graph, source: PortRef, inference: Inference) -> tuple[Suggestion, ...]:
    """What can take an output, the usual layers first; those that need a Flatten come with it.

    Args:
        graph: The network.
        source: The output.
        inference: Shapes of the network. Where that of the output is unknown, every layer with an input is offered.
    """
    shape = inference.shape(source.node)
    usual = registry.layer(graph.nodes[source.node].kind).followers
    found: list[tuple[tuple[int, int, int], Suggestion]] = []
    for number, spec in enumerate(_joinable(graph)):
        if spec.max_inputs == 0:
            continue
        suggestion = after_shape(spec.kind, shape)
        if suggestion.problem:
            flat = _flattened(spec, shape)
            if flat is None:
                continue
            suggestion = flat
        place = usual.index(spec.kind) if spec.kind in usual else len(usual)
        # What is unusual and needs a Flatten as well comes last.
        found.append(((int(place == len(usual) and len(suggestion.kinds) > 1), place, number), suggestion))
    return tuple(suggestion for _, suggestion in sorted(found, key=lambda entry: entry[0]))


def feeders(graph: Graph, target: PortRef, inference: Inference) -> tuple[Suggestion, ...]:
    """What could feed an input, the usual layers first.

    A new layer that nothing feeds yet has no shape. It is offered where, for one of the shapes in this network or for
    an ordinary one, it puts out something that the layer at the target takes together with its other inputs.
    """
    kind = graph.nodes[target.node].kind
    shapes = _ordinary_shapes(inference)
    found: list[tuple[tuple[int, int], Suggestion]] = []
    for number, spec in enumerate(_joinable(graph)):
        if spec.outputs == 0:
            continue
        outputs = {_output(spec, {}, (shape,) * max(1, spec.min_inputs)) for shape in shapes}
        if spec.max_inputs == 0:
            outputs = {_output(spec, {}, ())}
        if not any(output is not None and _takes(graph, target, output, inference) for output in outputs):
            continue
        place = spec.followers.index(kind) if kind in spec.followers else len(spec.followers) + 100
        shape = _output(spec, {}, ()) if spec.max_inputs == 0 else None
        found.append(((place, number), Suggestion((spec.kind,), shape)))
    return tuple(suggestion for _, suggestion in sorted(found, key=lambda entry: entry[0]))


def every_layer(shape: Shape | None, recent: Iterable[str] = (), behind: str = "") -> tuple[Suggestion, ...]:
    """All layers, each as it would stand behind an output of this shape.

    Args:
        shape: What they would take in; None while that is not known.
        recent: Kinds that were used of late: they come first.
        behind: Kind of the layer in front: what usually follows it comes next, as far as it fits.
    """
    followers = registry.layer(behind).followers if behind in registry.layers() else ()
    usual = [kind for kind in followers if not after_shape(kind, shape).problem]
    first = [kind for kind in dict.fromkeys((*recent, *usual)) if kind in registry.layers()]
    rest = [kind for kind in registry.layers() if kind not in first]
    return tuple(after_shape(kind, shape) for kind in (*first, *rest))


def _joinable(graph: Graph) -> tuple[LayerSpec, ...]:
    """All layers but a second Input or Output: a network has one of each."""
    there = {node.kind for node in graph.nodes.values()}
    return tuple(
        spec
        for spec in registry.layers().values()
        if not ((spec.max_inputs == 0 or spec.outputs == 0) and spec.kind in there)
    )


def _flattened(spec: LayerSpec, shape: Shape | None) -> Suggestion | None:
    """The layer with a Flatten in front of it, where that is the cure that its rule names."""
    if shape is None:
        return None
    try:
        spec.rule(spec.values({}), (shape,))
    except ShapeError as error:
        if _INSERT_FLATTEN not in error.fixes:
            return None
    flat = after_shape(_FLATTEN, shape)
    behind = after_shape(spec.kind, flat.shape)
    return None if flat.problem or behind.problem else Suggestion((_FLATTEN, spec.kind), behind.shape)


def _output(spec: LayerSpec, params: Params, shapes: tuple[Shape, ...]) -> Shape | None:
    """What comes out, or None where the layer does not take this."""
    try:
        return spec.rule(spec.values(params), shapes).output
    except (ShapeError, InputError):
        return None


def _takes(graph: Graph, target: PortRef, shape: Shape, inference: Inference) -> bool:
    """Whether a layer would take this shape at one of its inputs beside what its other inputs get."""
    node = graph.nodes[target.node]
    spec = registry.layer(node.kind)
    wires = sorted((edge.target.port, edge.source.node) for edge in graph.edges if edge.target.node == target.node)
    inputs: list[tuple[int, Shape]] = [(target.port, shape)]
    for port, source in wires:
        other = inference.shape(source)
        if port != target.port and other is not None:
            inputs.append((port, other))
    ordered = [given for _, given in sorted(inputs)]
    ordered += [shape] * (spec.min_inputs - len(ordered))  # A join that waits for wires may get the like of it.
    return _output(spec, node.params, tuple(ordered)) is not None


def _ordinary_shapes(inference: Inference) -> list[Shape]:
    """Shapes that a new layer may take in: those of the network, and one image, sequence and row of each usual kind."""
    known = dict.fromkeys(result.output for result in inference.results.values())
    ordinary: tuple[Shape, ...] = ((3, 32, 32), (16, 14, 14), (32, 7, 7), (64, 1, 1), (8, 64), (64,), (10,), (2,))
    return [*list(known)[:_MOST_SHAPES], *ordinary]
