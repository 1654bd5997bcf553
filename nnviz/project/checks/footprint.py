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
from functools import lru_cache

import msgspec

from nnviz.project import registry
from nnviz.project.checks.shapes import Inference
from nnviz.project.model import Graph, Shape
from nnviz.project.spec import Footprint, LayerSpec

BYTES_PER_NUMBER = 4
#: Channels that oneDNN lays out side by side; a layer with fewer is filled up to as many.
_BLOCK = 16
#: With so few channels a convolution reads the picture as it lies.
_PLAIN_CHANNELS = 3
#: Shapes whose size is remembered.
_MOST_SHAPES = 4096
#: Copies of the answers that a loss makes beside their gradient: logarithms, what is right as numbers.
_LOSS_COPIES = 2


class Line(msgspec.Struct, frozen=True):
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
    if not lines:
        return ()
    # What takes less for each example than the steepest line, and no more at once, is soon said; that is most of them.
    steepest = max(lines, key=_steepness)
    least = steepest.fixed
    higher = [line for line in lines if line.fixed > least]
    kept: list[Line] = []
    for line in (*sorted(higher, key=lambda line: (-line.fixed, -line.each)), steepest):
        if not kept or line.each > kept[-1].each:
            while len(kept) > 1 and _lies_below(kept[-1], kept[-2], line):
                kept.pop()
            kept.append(line)
    # In the order in which they came, so that of equal ones the first is still the first.
    chosen = {id(line) for line in kept}
    return tuple(line for line in lines if id(line) in chosen)


def _lies_below(line: Line, flat: Line, steep: Line) -> bool:
    """Whether a line between two others in steepness lies below them even where they cross.

    One that runs through the crossing is as high as they are there, which counts where that is a whole batch.
    """
    down, up = flat.fixed - line.fixed, line.each - flat.each
    left, right = down * (steep.each - flat.each), up * (flat.fixed - steep.fixed)
    return left > right or (left == right and down % up != 0)


def _steepness(line: Line) -> tuple[int, int]:
    return line.each, line.fixed


class _Sizes(msgspec.Struct, frozen=True):
    """What a layer takes, in bytes of one example but for its parameters; layers that are alike share it.

    Attributes:
        of: What torch keeps of it.
        size: Its output.
        parameters: Of all of them.
        workspace: A copy of the parameters, laid out for computing.
        beside: What is kept beside its output for the way back.
        forward: What it takes while it computes: its output, and what stands beside that.
        back, back_alone: What stands beside the gradients while they are computed: where what came in wants one too,
            and where it does not.
    """

    of: Footprint
    size: int
    parameters: int
    workspace: int
    beside: int
    forward: int
    back: int
    back_alone: int

    @classmethod
    def made(cls, of: Footprint, output: Shape, parameters: int, shapes: tuple[Shape, ...]) -> _Sizes:
        """Of a layer with so many parameters that makes an output of what comes in."""
        # What comes in and what is put out are brought into blocks.
        size, into, out = _bytes(output), sum(map(_blocked_input, shapes)), _blocked(output)
        forward, back, back_alone = size, 0, 0
        if of.blocked == "yes":
            forward, back, back_alone = out + max(into, size), into + max(into, out), into + out
        elif of.blocked:
            forward, back, back_alone = size + 2 * out, into + out, into + out
        beside, work = of.beside * size // BYTES_PER_NUMBER, of.back * size // BYTES_PER_NUMBER
        workspace = parameters if of.blocked else 0
        return cls(of, size, parameters, workspace, beside, beside + forward, work + back, work + back_alone)


class _Layer(msgspec.Struct, frozen=True):
    """A layer that puts out memory of its own.

    Attributes:
        sources: Which layers made what comes in, each once.
        trains: Whether it or anything before it has parameters.
    """

    node: str
    sizes: _Sizes
    sources: tuple[int, ...]
    trains: bool


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
    pending = {answer: layers[answer].sizes.size}
    waiting, gradients = layers[answer].sizes.size, 0
    held += _LOSS_COPIES * layers[answer].sizes.size
    released: dict[int, int] = {}
    for value, saver in saved.items():
        if value not in (0, answer):
            released[saver] = released.get(saver, 0) + layers[value].sizes.size
    for index in range(len(layers) - 1, 0, -1):
        layer = layers[index]
        sizes = layer.sizes
        if layer.trains and index in pending:
            gradients += sizes.parameters
            mine = pending.pop(index)
            new, further = 0, False
            for source in layer.sources:
                if layers[source].trains:
                    further = True
                    if source not in pending:
                        wants = 0 if sizes.of.shares_gradient and new else layers[source].sizes.size
                        pending[source] = wants
                        new += wants
            handed_on = mine if sizes.of.shares_gradient else 0
            held_on = new - handed_on if new > handed_on else 0
            work = sizes.back if further else sizes.back_alone
            lines.append(Line(layer.node, gradients + sizes.workspace, held + waiting + held_on + work))
            waiting += new - mine
        held -= released.get(index, 0) + sizes.beside
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
    held = layers[0].sizes.size
    lines = []
    for index, layer in enumerate(layers[1:], 1):
        sizes = layer.sizes
        lines.append(Line(layer.node, sizes.workspace, held + sizes.forward))
        held += sizes.size + (sizes.beside if saved else 0)
        for source in layer.sources:
            if last_use[source] == index and source not in saved and source not in (0, answer):
                held -= layers[source].sizes.size
    return lines, held


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
    alike: dict[tuple[str, Shape, int, tuple[Shape, ...]], _Sizes] = {}
    layers: list[_Layer] = []
    dense, some = True, False
    answer = 0
    for node in order:
        kind, result, before = graph.nodes[node].kind, results[node], inputs[node]
        spec = specs.get(kind)
        if spec is None:
            spec = specs[kind] = registry.layer(kind)
            some = some or spec.dense
        of = spec.footprint
        sources = tuple([place[source] for source in before if source in place])
        if dense:
            at_an_end = spec.max_inputs == 0 or spec.outputs == 0
            dense = (of.in_chain or at_an_end) and len(before) <= 1
        if of.view and sources:
            answer = place[node] = sources[0]
            continue
        shapes = tuple([results[source].output for source in before if source in results])
        key = (kind, result.output, result.parameters, shapes)
        sizes = alike.get(key)
        if sizes is None:
            sizes = alike[key] = _Sizes.made(of, result.output, BYTES_PER_NUMBER * result.parameters, shapes)
        if len(sources) > 1:
            sources = tuple(dict.fromkeys(sources))
        trains = result.parameters > 0 or any(layers[source].trains for source in sources)
        answer = place[node] = len(layers)
        layers.append(_Layer(node, sizes, sources, trains))
    return layers, answer, dense and some and all(b.sources in ((a,), ()) for a, b in enumerate(layers[1:]))


def _first_savers(layers: list[_Layer]) -> dict[int, int]:
    """Whose output is kept for the way back, and behind which layer's way back it can go."""
    saved: dict[int, int] = {}
    for index, layer in enumerate(layers):
        if not layer.trains:
            continue  # Nothing is recorded where nothing is trained.
        of = layer.sizes.of
        if of.inputs:
            for source in layer.sources:
                saved.setdefault(source, index)
        if of.output:
            saved[index] = index
    return saved


# A large network has few shapes: each is reckoned once.


@lru_cache(_MOST_SHAPES)
def _bytes(shape: Shape) -> int:
    return BYTES_PER_NUMBER * math.prod(shape)


@lru_cache(_MOST_SHAPES)
def _blocked(shape: Shape) -> int:
    """Bytes with the channels filled up to whole blocks."""
    return BYTES_PER_NUMBER * -(-shape[0] // _BLOCK) * _BLOCK * math.prod(shape[1:]) if shape else BYTES_PER_NUMBER


@lru_cache(_MOST_SHAPES)
def _blocked_input(shape: Shape) -> int:
    if not shape or shape[0] <= _PLAIN_CHANNELS:
        return 0
    return _blocked(shape) if shape[0] >= _BLOCK else _bytes(shape)
