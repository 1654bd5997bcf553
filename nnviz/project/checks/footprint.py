"""What a batch takes on its way through a network and back, in closed form from the shapes.

Each layer declares what torch keeps of it and what it lays out beside that while it computes
(:class:`~nnviz.project.spec.Footprint`). Two walks add it up, with the way back and without (:func:`ways`). Each gives
the places where much is held at once as lines over the batch size, of which the highest counts.

The workspaces are those of torch on the CPU, measured layer by layer (torch 2.13 with oneDNN and MKL). An accelerator
needs others, of the same order.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nnviz.project import registry
from nnviz.project.checks.shapes import Inference
from nnviz.project.model import Graph, Shape
from nnviz.project.spec import Footprint, LayerSpec

BYTES_PER_NUMBER = 4
#: Channels that oneDNN lays out side by side; a layer with fewer is filled up to as many.
_BLOCK = 16
#: With so few channels a convolution reads the picture as it lies.
_PLAIN_CHANNELS = 3


#: Copies of the answers that a loss makes beside their gradient: logarithms, what is right as numbers.
_LOSS_COPIES = 2


@dataclass(frozen=True)
class Line:
    """Bytes at one place of the way: ``fixed + each * batch``, and ``slack`` on top; ``node`` is where."""

    node: str
    fixed: int
    each: int
    slack: int = 0

    def at(self, batch: int) -> int:
        """The memory that this line of the estimate takes for a batch of a size, in bytes."""
        return self.fixed + self.each * batch + self.slack


def highest(lines: Iterable[Line], batch: int) -> Line:
    """The place where a batch of this size takes most."""
    return max(lines, key=lambda line: line.at(batch), default=Line("", 0, 0))


def worst(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The lines that can be the highest for some size of a batch, of equal ones the first: a few of thousands.

    Where one line takes more at once and more for each example than another, the other is never the highest; nor is one
    that lies below two others where these cross.

    Args:
        lines: Without slack.
    """
    kept: list[Line] = []
    order = sorted(range(len(lines)), key=lambda index: (-lines[index].fixed, -lines[index].each, index))
    for index in order:
        line = lines[index]
        if not kept or line.each > kept[-1].each:
            while len(kept) > 1 and _lies_below(kept[-1], kept[-2], line):
                kept.pop()
            kept.append(line)
    # In the order in which they came, so that of equal ones the first is still the first.
    chosen = {id(line) for line in kept}
    return tuple(line for line in lines if id(line) in chosen)


def _lies_below(line: Line, flat: Line, steep: Line) -> bool:
    """Whether a line between two others in steepness lies below them even where they cross."""
    return (flat.fixed - line.fixed) * (steep.each - flat.each) > (line.each - flat.each) * (flat.fixed - steep.fixed)


@dataclass(frozen=True)
class _Layer:
    """A layer that puts out memory of its own; sizes are bytes of one example."""

    node: str
    of: Footprint
    sources: tuple[int, ...]  # which layers made what comes in
    size: int
    parameters: int
    into: int  # what comes in, brought into blocks
    out: int  # what it puts out, brought into blocks
    trains: bool  # whether it or anything before it has parameters


def ways(graph: Graph, inference: Inference) -> tuple[list[Line], list[Line]]:
    """What a step of the training holds at each place, and what a batch does when nothing is kept for the way back."""
    layers, answer, dense = _layers(graph, inference)
    if not layers:
        return [], []
    return _training(layers, answer, dense), _forward(layers, answer, {})[0]


def _training(layers: list[_Layer], answer: int, dense: bool) -> list[Line]:
    """Forwards and backwards, gradients of parameters that are done included."""
    saved = {index: index for index in range(len(layers))} if dense else _first_savers(layers)
    lines, held = _forward(layers, answer, saved)
    pending = {answer: layers[answer].size}
    waiting, gradients = layers[answer].size, 0
    held += _LOSS_COPIES * layers[answer].size
    released: dict[int, int] = {}
    for value, saver in saved.items():
        if value not in (0, answer):
            released[saver] = released.get(saver, 0) + layers[value].size
    for index in range(len(layers) - 1, 0, -1):
        layer = layers[index]
        if layer.trains and index in pending:
            gradients += layer.parameters
            wanted = [source for source in dict.fromkeys(layer.sources) if layers[source].trains]
            mine = pending.pop(index)
            new = 0
            for source in wanted:
                if source not in pending:
                    pending[source] = 0 if layer.of.shares_gradient and new else layers[source].size
                    new += pending[source]
            handed_on = mine if layer.of.shares_gradient else 0
            work = layer.of.back * layer.size // BYTES_PER_NUMBER + _work_back(layer, bool(wanted))
            workspace = layer.parameters if layer.of.blocked else 0
            lines.append(Line(layer.node, gradients + workspace, held + waiting + max(0, new - handed_on) + work))
            waiting += new - mine
        held -= released.get(index, 0) + layer.of.beside * layer.size // BYTES_PER_NUMBER
    return lines


def outputs_bytes(inference: Inference) -> int:
    """Bytes of the outputs of all layers together, for one example; views of others count nothing."""
    nodes, results = inference.graph.nodes, inference.results
    kinds = {nodes[node].kind for node in results}
    views = {kind for kind in kinds if registry.layer(kind).footprint.view}
    own = (result.output for node, result in results.items() if nodes[node].kind not in views)
    return sum(map(_bytes, own))


def _forward(layers: list[_Layer], answer: int, saved: Mapping[int, int]) -> tuple[list[Line], int]:
    """The places of the way forward, and what is held at its end; the batch itself (0) and the answer always are."""
    last_use = {source: index for index, layer in enumerate(layers) for source in layer.sources}
    held = layers[0].size
    lines = []
    for index, layer in enumerate(layers[1:], 1):
        beside = layer.of.beside * layer.size // BYTES_PER_NUMBER
        workspace = layer.parameters if layer.of.blocked else 0
        lines.append(Line(layer.node, workspace, held + beside + _work_forward(layer)))
        held += layer.size + (beside if saved else 0)
        for source in dict.fromkeys(layer.sources):
            if last_use[source] == index and source not in saved and source not in (0, answer):
                held -= layers[source].size
    return lines, held


def _work_forward(layer: _Layer) -> int:
    """The output, and what stands beside it while it is computed."""
    if layer.of.blocked == "yes":
        return layer.out + max(layer.into, layer.size)
    return layer.size + (2 * layer.out if layer.of.blocked else 0)


def _work_back(layer: _Layer, further: bool) -> int:
    """What stands beside the gradients while they are computed; ``further``: what came in wants one too."""
    if not layer.of.blocked:
        return 0
    if not further:
        return layer.into + layer.out
    return layer.into + max(layer.into, layer.out) if layer.of.blocked == "yes" else layer.into + layer.out


def _layers(graph: Graph, inference: Inference) -> tuple[list[_Layer], int, bool]:
    """The layers that lead to the output, the one that makes the answer, and whether they are a dense chain."""
    results, inputs = inference.results, inference.inputs
    needed = {node for node in inference.order if graph.nodes[node].kind == "output" and node in results}
    for node in reversed(inference.order):
        if node in needed:
            needed.update(inputs[node])
    order = [node for node in inference.order if node in results and (node in needed or not needed)]
    place: dict[str, int] = {}
    specs: dict[str, LayerSpec] = {}
    layers: list[_Layer] = []
    dense, some = True, False
    answer = 0
    for node in order:
        kind, result = graph.nodes[node].kind, results[node]
        spec = specs.get(kind)
        if spec is None:
            spec = specs[kind] = registry.layer(kind)
        of = spec.footprint
        sources = tuple(place[source] for source in inputs[node] if source in place)
        at_an_end = spec.max_inputs == 0 or spec.outputs == 0
        dense = dense and (of.in_chain or at_an_end) and len(inputs[node]) <= 1
        some = some or spec.dense
        if of.view and sources:
            place[node] = sources[0]
        else:
            place[node] = len(layers)
            shapes = [results[source].output for source in inputs[node] if source in results]
            parameters = BYTES_PER_NUMBER * result.parameters
            layers.append(
                _Layer(
                    node,
                    of,
                    sources,
                    _bytes(result.output),
                    parameters,
                    sum(map(_blocked_input, shapes)),
                    _blocked(result.output),
                    bool(parameters) or any(layers[source].trains for source in sources),
                )
            )
        answer = place[node]
    return layers, answer, dense and some and all(b.sources in ((a,), ()) for a, b in enumerate(layers[1:]))


def _first_savers(layers: list[_Layer]) -> dict[int, int]:
    """Whose output is kept for the way back, and behind which layer's way back it can go."""
    saved: dict[int, int] = {}
    for index, layer in enumerate(layers):
        if not layer.trains:
            continue  # Nothing is recorded where nothing is trained.
        if layer.of.inputs:
            for source in layer.sources:
                saved.setdefault(source, index)
        if layer.of.output:
            saved[index] = index
    return saved


def _bytes(shape: Shape) -> int:
    return BYTES_PER_NUMBER * math.prod(shape)


def _blocked(shape: Shape) -> int:
    """Bytes with the channels filled up to whole blocks."""
    return BYTES_PER_NUMBER * -(-shape[0] // _BLOCK) * _BLOCK * math.prod(shape[1:]) if shape else BYTES_PER_NUMBER


def _blocked_input(shape: Shape) -> int:
    if not shape or shape[0] <= _PLAIN_CHANNELS:
        return 0
    return _blocked(shape) if shape[0] >= _BLOCK else _bytes(shape)
