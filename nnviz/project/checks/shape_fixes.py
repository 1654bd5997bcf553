"""Cures for a layer that cannot take what comes in. Each is tried on the numbers before it is offered."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from nnviz.errors import ParamError
from nnviz.project import registry
from nnviz.project.checks.diagnosis import Fix, Look
from nnviz.project.checks.shapes import read_fix
from nnviz.project.edits import InsertOnEdge, RemoveNodes, SetKind
from nnviz.project.model import Edge, Params, ParamValue, Shape
from nnviz.project.spec import LayerSpec, ShapeError

#: A layer to be put in: its kind and its parameters.
Layer: TypeAlias = tuple[str, Params]

#: With more branches than this no guess at what was meant would be a good one.
_MOST_BRANCHES = 8


def shape_fixes(look: Look, node_id: str, problem: ShapeError) -> tuple[Fix, ...]:
    """What would make a layer's input fit, the likeliest cure first."""
    spec = look.specs[node_id]
    if spec.max_inputs > 1:
        fixes = [*_set_branch(look, node_id), *_adapters(look, node_id), *_named_fixes(look, node_id, problem)]
        other = spec.replacement
        if other and look.result(other, {}, look.inference.input_shapes(node_id)) is not None:
            fixes.append(Fix(f"Make it {registry.layer(other).title}", SetKind(node_id, other)))
        return tuple(fixes)
    fixes = [*_without_flatten(look, node_id), *_named_fixes(look, node_id, problem)]
    if spec.family == "pooling" and not any(_inserts(fix, "reshape") for fix in fixes):
        fixes.append(look.removal(node_id))  # What is small already need not be made smaller.
    return tuple(fixes)


def _inserts(fix: Fix, kind: str) -> bool:
    """Whether a cure puts one layer of this kind into a wire."""
    return isinstance(fix.edit, InsertOnEdge) and fix.edit.node.kind == kind


def _named_fixes(look: Look, node_id: str, problem: ShapeError) -> Iterator[Fix]:
    """The cures that the layer's rule names, as far as they hold."""
    spec, node = look.specs[node_id], look.graph.nodes[node_id]
    shapes = look.inference.input_shapes(node_id) or ()
    padded = False
    for cure in problem.fixes:
        action, name, value = read_fix(cure)
        if action == "insert" and look.into[node_id] and not (registry.layer(name).pads and padded):
            # What the cure names is the first parameter of the layer that is put in.
            params: Params = {} if value is None else {registry.layer(name).params[0].name: value}
            between = look.result(name, params, shapes)
            if between is not None and look.result(node.kind, node.params, (between.output,)) is not None:
                yield look.insert(look.into[node_id][0], (name, params))
        elif action == "set" and _takes(spec, name, value):
            if look.result(node.kind, {**node.params, name: value}, shapes) is not None:
                padded = padded or name == "padding"
                yield look.set_param(node_id, name, value)
        elif action == "replace":
            yield from _replaced(look, node_id, name)
    if spec.other_axes:
        yield from _replaced(look, node_id, spec.other_axes)


def _takes(spec: LayerSpec, name: str, value: ParamValue) -> bool:
    """Whether the value is in the range of the parameter: a rule only knows what would fit."""
    try:
        spec.param(name).parse(value)
    except ParamError:
        return False
    return True


def _replaced(look: Look, node_id: str, kind: str) -> Iterator[Fix]:
    edit = SetKind(node_id, kind)
    params = edit.apply(look.project).graph.nodes[node_id].params
    if look.result(kind, params, look.inference.input_shapes(node_id)) is not None:
        yield Fix(f"Make it {registry.layer(kind).title}", edit)


def _without_flatten(look: Look, node_id: str) -> Iterator[Fix]:
    """A Flatten in front of a layer that wants the image is one too many."""
    source = look.into[node_id][0].source.node if look.into[node_id] else ""
    if source and look.specs[source].flattens and len(look.out_of[source]) == 1:
        node, before = look.graph.nodes[node_id], look.inference.input_shapes(source)
        if look.result(node.kind, node.params, before) is not None:
            yield Fix(f"Remove {source}", RemoveNodes((source,), rejoin=True))


# ------------------------------------------------------------------------------------------------------------ branches


@dataclass(frozen=True)
class _Join:
    """The branches that come together at a node, and the shape that the others are to be brought to."""

    edges: tuple[Edge, ...]
    shapes: tuple[Shape, ...]
    target: Shape

    def wanted(self, shape: Shape, dimension: int | None) -> Shape:
        """What a branch has to become; along the dimension that is joined it may keep its size."""
        if dimension is None or len(shape) != len(self.target) or dimension >= len(shape):
            return self.target
        return (*self.target[:dimension], shape[dimension], *self.target[dimension + 1 :])


def odd_edge(look: Look, node_id: str) -> Edge | None:
    """The wire that a refusal is about: the only one, or the first branch of a join that differs from the rest."""
    edges = look.into[node_id]
    if len(edges) == 1:
        return edges[0]
    dimension = _dimension(look, node_id)
    for join in _joins(look, node_id)[:1]:
        for edge, shape in zip(join.edges, join.shapes, strict=True):
            if shape != join.wanted(shape, dimension):
                return edge
    return None


def _dimension(look: Look, node_id: str) -> int | None:
    name = look.specs[node_id].joins_along
    value = look.graph.nodes[node_id].params.get(name, 0)
    return None if not name else value if isinstance(value, int) else 0


def _joins(look: Look, node_id: str) -> list[_Join]:
    """The shapes to which all branches could be brought: that of most; else of the longest way, not of its shortcut."""
    edges, shapes = look.into[node_id], look.inference.input_shapes(node_id) or ()
    if len(edges) != len(shapes):
        return []
    depth = {name: at for at, name in enumerate(look.inference.order)}
    counts = Counter(shapes)
    deepest = {shape: depth.get(edge.source.node, 0) for edge, shape in zip(edges, shapes, strict=True)}
    targets = sorted(counts, key=lambda shape: (-counts[shape], -deepest[shape]))
    return [_Join(tuple(edges), shapes, target) for target in targets]


def _set_branch(look: Look, node_id: str) -> Iterator[Fix]:
    """Where one branch only is too wide or too narrow, its own layer can put out as many numbers as the others."""
    node, dimension = look.graph.nodes[node_id], _dimension(look, node_id)
    for join in _joins(look, node_id)[:2]:
        odd = [at for at, shape in enumerate(join.shapes) if shape != join.wanted(shape, dimension)]
        source = join.edges[odd[0]].source.node if len(odd) == 1 else ""
        name = look.specs[source].width_param if source else ""
        if not name or len(look.out_of[source]) != 1:
            continue
        maker, wanted = look.graph.nodes[source], join.wanted(join.shapes[odd[0]], dimension)
        made = look.result(maker.kind, {**maker.params, name: wanted[0]}, look.inference.input_shapes(source))
        if made is None or made.output != wanted:
            continue
        after = [wanted if at == odd[0] else shape for at, shape in enumerate(join.shapes)]
        if look.result(node.kind, node.params, after) is not None:
            fix = look.set_param(source, name, wanted[0])
            yield Fix(f"Set {look.specs[source].param(name).title} of {source} to {wanted[0]}", fix.edit)


def _adapters(look: Look, node_id: str) -> Iterator[Fix]:
    """Layers put into the branches that differ, so that all come to the same shape."""
    node, dimension = look.graph.nodes[node_id], _dimension(look, node_id)
    for join in _joins(look, node_id)[:2]:
        if len(join.edges) > _MOST_BRANCHES:
            return
        parts: list[tuple[Edge, tuple[Layer, ...]]] = []
        after: list[Shape] = []
        for edge, shape in zip(join.edges, join.shapes, strict=True):
            wanted = join.wanted(shape, dimension)
            layers = () if shape == wanted else _path(shape, wanted, look.specs[node_id])
            made = look.output_of(layers, shape) if layers is not None else None
            if made is None:
                break
            after.append(made)
            if layers:
                parts.append((edge, layers))
        else:
            if parts and look.result(node.kind, node.params, after) is not None:
                yield look.insert_all(parts)


def _path(shape: Shape, wanted: Shape, join: LayerSpec) -> tuple[Layer, ...] | None:
    """Layers that bring one shape to another; None where nobody would do that."""
    if len(shape) == len(wanted) == 3:
        return _image_path(shape, wanted, learn=not join.joins_along or shape[0] != wanted[0])
    if len(shape) == len(wanted) == 2:
        return _sequence_path(shape, wanted, learn=not join.joins_along or shape[0] != wanted[0])
    if len(wanted) == 1:
        flat: tuple[Layer, ...] = (("flatten", {}),) if len(shape) > 1 else ()
        enough = bool(join.joins_along) or math.prod(shape) == wanted[0]
        return flat if enough else (*flat, ("linear", {"out_features": wanted[0]}))
    if len(shape) == 1 and len(wanted) == 3:
        places = wanted[1] * wanted[2]
        if join.stretches and shape[0] == wanted[0]:
            return (("reshape", {"shape": (wanted[0], 1, 1)}),)  # A gate: one number for each channel.
        if shape[0] == math.prod(wanted) or (join.joins_along and shape[0] % places == 0):
            return (("reshape", {"shape": (shape[0] // places, *wanted[1:])}),)
    return None


def _strides(shape: Shape, wanted: Shape) -> tuple[int, ...] | None:
    """Strides with which a 1×1 window takes every axis behind the channels to the wanted size."""
    strides = tuple(-(-size // goal) for size, goal in zip(shape[1:], wanted[1:], strict=True))
    fits = all(-(-size // step) == goal for size, goal, step in zip(shape[1:], wanted[1:], strides, strict=True))
    return strides if fits else None


def _image_path(shape: Shape, wanted: Shape, *, learn: bool) -> tuple[Layer, ...]:
    """A 1×1 convolution with stride where weights are meant to be, else pooling or enlarging alone."""
    conv: Layer = ("conv2d", {"out_channels": wanted[0], "kernel_size": (1, 1)})
    mixed = (conv,) if shape[0] != wanted[0] else ()
    if shape[1:] == wanted[1:]:
        return mixed
    strides = _strides(shape, wanted)
    if strides is not None and learn:
        return ((conv[0], {**conv[1], "stride": strides}),)
    if all(size % goal == 0 for size, goal in zip(shape[1:], wanted[1:], strict=True)):
        window = (shape[1] // wanted[1], shape[2] // wanted[2])
        return (("max_pool2d", {"kernel_size": window, "stride": window}), *mixed)
    factor, odd = divmod(wanted[1], shape[1])
    if factor > 1 and not odd and shape[2] * factor == wanted[2]:
        return (("upsample", {"scale_factor": factor}), *mixed)
    return (("adaptive_avg_pool2d", {"output_size": wanted[1:]}), *mixed)


def _sequence_path(shape: Shape, wanted: Shape, *, learn: bool) -> tuple[Layer, ...] | None:
    strides = _strides(shape, wanted)
    if learn and strides is not None:
        return (("conv1d", {"out_channels": wanted[0], "kernel_size": 1, "stride": strides[0]}),)
    if shape[1] % wanted[1] == 0 and shape[0] == wanted[0]:
        window = shape[1] // wanted[1]
        return (("max_pool1d", {"kernel_size": window, "stride": window}),)
    return None
