"""Whether a network is a small chain of dense layers, whose every unit and weight can be drawn; and its layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nnviz.project import registry
from nnviz.project.model import Graph, Shape

#: Units that can be told apart in one picture, and in one column of it.
MOST_UNITS = 64
MOST_IN_A_LAYER = 24


@dataclass(frozen=True)
class UnitLayer:
    """Units that stand in one column: what comes in, or a dense layer with the activations behind it.

    Attributes:
        node: The input, or the dense layer that has the weights.
        output: The node whose output is what the units put out: the last activation, or the layer itself.
        units: How many.
        activations: Titles of the activations between the two, in order.
    """

    node: str
    output: str
    units: int
    activations: tuple[str, ...] = ()


@dataclass(frozen=True)
class DenseLayers:
    """A chain of dense layers.

    Attributes:
        layers: The input and every dense layer, in order.
        output: Id of the output.
    """

    layers: tuple[UnitLayer, ...]
    output: str

    @property
    def is_plane(self) -> bool:
        """Whether two features come in, so that every unit can be drawn over their plane."""
        return self.layers[0].units == 2

    @property
    def sizes(self) -> str:
        """``2 – 8 – 8 – 1``."""
        return " – ".join(str(layer.units) for layer in self.layers)

    @property
    def activations(self) -> str:
        """The activations that there are, each once: ``tanh``, ``ReLU, sigmoid``; empty without one."""
        return ", ".join(dict.fromkeys(title for layer in self.layers for title in layer.activations))


def dense_layers(graph: Graph, shapes: Mapping[str, Shape]) -> DenseLayers | str:
    """The layers of a small chain of dense layers, or a sentence that says why the network is none.

    Args:
        graph: As it is computed (see ``bypass.effective_graph``).
        shapes: The shape that each node puts out, for the nodes of which it is known.
    """
    inputs = [node for node in graph.nodes.values() if node.kind == "input"]
    if len(inputs) != 1:
        return "The neuron view needs a network with one input."
    node = inputs[0]
    shape = shapes.get(node.id)
    if shape is None:
        return "The shape of the input is not known yet."
    if len(shape) != 1:
        return "The neuron view shows inputs that are a few numbers; here an image or a sequence comes in."
    following: dict[str, list[str]] = {}
    for edge in graph.edges:
        following.setdefault(edge.source.node, []).append(edge.target.node)
    layers = [UnitLayer(node.id, node.id, shape[0])]
    seen = {node.id}
    while node.kind != "output":
        behind = following.get(node.id, [])
        title = node.name or node.id
        if len(behind) != 1 or behind[0] in seen:
            return f"The neuron view shows a chain of layers; behind {title} stands " + (
                "nothing." if not behind else "more than one layer."
            )
        node = graph.nodes[behind[0]]
        seen.add(node.id)
        title = node.name or node.id
        if node.kind == "output":
            break
        if node.kind not in registry.layers():
            return f"The neuron view does not know the layer {title}."
        spec, shape = registry.layer(node.kind), shapes.get(node.id)
        if shape is None:
            return f"The shape of {title} is not known yet."
        last = layers[-1]
        if spec.dense:
            layers.append(UnitLayer(node.id, node.id, shape[0]))
        elif spec.keeps_numbers and not spec.random and len(shape) == 1:
            layers[-1] = UnitLayer(last.node, node.id, last.units, last.activations)
        elif spec.family == "activation" and len(layers) > 1:
            layers[-1] = UnitLayer(last.node, node.id, last.units, (*last.activations, spec.title))
        else:
            return f"The neuron view shows dense layers and activations; {title} is a {spec.title}."
    if len(layers) == 1:
        return "The neuron view needs a dense layer: add a Linear."
    count = sum(layer.units for layer in layers)
    if count > MOST_UNITS:
        return f"The neuron view shows up to {MOST_UNITS} units; this network has {count:,}."
    widest = max(layers, key=lambda layer: layer.units)
    if widest.units > MOST_IN_A_LAYER:
        return f"The neuron view shows up to {MOST_IN_A_LAYER} units in a layer; {widest.node} has {widest.units}."
    return DenseLayers(tuple(layers), node.id)
