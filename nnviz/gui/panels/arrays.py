"""Weights and outputs as stacks of small pictures: which axis is what, for every kind of layer. No widgets here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnviz.gui.look.scales import single
from nnviz.project import registry
from nnviz.project.document import Document
from nnviz.project.model import Shape

Numbers = NDArray[np.float32]

#: Layers that hand the numbers of an image on in the same order, so that a dense layer behind them still sees it.
RGB = -1
#: In the place of an input channel: what is added to each output.
BIAS = -2
#: Pictures of one layer that are shown, the first ones, and input channels that can be chosen: each has a name, a
#: colour scale and a place to be found. Of a plain vector, whose cells are dots, there may be more.
MOST_TILES = 2**12
MOST_CELLS = 2**14


@dataclass(frozen=True)
class FilterStack:
    """A layer's weights as pictures.

    Attributes:
        values: float32[filters, input channels, height, width].
        noun: What one picture is: ``filter``, ``unit`` or ``weights``.
        channel_noun: What one input channel is called.
        total: Number of filters in the layer; more than ``len(values)`` where only the first were recorded.
    """

    values: Numbers
    noun: str
    channel_noun: str
    total: int

    @property
    def channels(self) -> int:
        """Number of input channels each filter has."""
        return int(self.values.shape[1])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of one picture."""
        return int(self.values.shape[2]), int(self.values.shape[3])


def image_before(document: Document, node: str) -> Shape | None:
    """The shape of the image or of the feature maps whose numbers come in at a dense layer, or None."""
    inference = document.inference
    for _ in range(len(inference.order)):
        sources = inference.inputs.get(node, ())
        if len(sources) != 1:
            return None
        node = sources[0]
        shape = inference.shape(node)
        if shape is not None and len(shape) == 3:
            return shape
        found = document.project.graph.nodes.get(node)
        if found is None or not registry.layer(found.kind).keeps_numbers:
            return None
    return None


def filter_stack(
    kind: str, weights: NDArray[Any], image: Shape | None = None, groups: int = 1, total: int = 0
) -> FilterStack | None:
    """The weights of a layer as pictures, or None where it has none that can be looked at.

    Args:
        kind: Kind of the layer.
        weights: Its ``weight`` in torch's layout.
        image: For a dense layer, what :func:`image_before` found.
        groups: Of a convolution.
        total: Number of filters in the layer if only the first were recorded; 0 for all.
    """
    weights = single(weights)
    spec = registry.layer(kind)
    view = spec.weight_view
    if view == "filters" and spec.inputs_first and weights.ndim == 4:
        inputs, outputs, height, width = weights.shape
        if inputs % groups:
            groups = 1
        grouped = weights.reshape(groups, inputs // groups, outputs, height, width).transpose(0, 2, 1, 3, 4)
        weights = grouped.reshape(groups * outputs, inputs // groups, height, width)
    elif view == "filters" and weights.ndim == 3:
        # A filter over a line is one small picture: its input channels below each other.
        weights = weights[:, None]
    elif view == "matrix" and weights.ndim == 2:
        if image is not None and int(np.prod(image)) == weights.shape[1]:
            stack = weights[:MOST_TILES].reshape(-1, *image)
            return FilterStack(stack, "unit", "channel", max(total, len(weights)))
        return FilterStack(weights[None, None], "weights", "channel", 1)
    if view != "filters" or weights.ndim != 4:
        return None
    return FilterStack(weights[:MOST_TILES, :MOST_TILES], "filter", "in-channel", max(total, len(weights)))


def weight_index(
    kind: str, shape: Shape, image: Shape | None, groups: int, cell: tuple[int, int, int, int]
) -> tuple[int, ...]:
    """Where a number of a :func:`filter_stack` stands in the ``weight``.

    Args:
        kind: As of the stack.
        shape: Of the weight, as far as it was recorded.
        image: As of the stack.
        groups: As of the stack.
        cell: Filter, input channel, row and column.
    """
    # The same way as the weights themselves; there are never so many that 32-bit floats could not count them.
    places = filter_stack(kind, np.arange(int(np.prod(shape))).reshape(shape), image, groups)
    assert places is not None
    return tuple(int(one) for one in np.unravel_index(int(places.values[cell]), shape))


def map_stack(output: NDArray[Any]) -> Numbers:
    """A node's output for one sample as float32[maps, height, width].

    Feature maps stay what they are; a sequence is one strip a channel; a vector is one cell a feature. Of very many the
    first are taken.
    """
    if output.ndim == 3:
        return single(output[:MOST_TILES])
    if output.ndim == 2:
        return single(output[:MOST_TILES, None, :])
    return single(output.reshape(-1, 1, 1)[:MOST_CELLS])


def with_filters(document: Document) -> list[str]:
    """The nodes whose weights can be looked at, in the order data flow through them."""
    nodes = document.project.graph.nodes
    return [node for node in document.inference.order if registry.layer(nodes[node].kind).weight_view]


def with_maps(document: Document) -> list[str]:
    """The nodes that put something out, in the order data flow through them."""
    return list(document.inference.order)
