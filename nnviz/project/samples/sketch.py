"""A short way to write networks down in code: layers in sequence, branches where they are needed.

``chain(image(1, 28, 28), flatten(), linear(10), output())`` is a whole network with ids, wires and positions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from msgspec.structs import replace

from nnviz.project.drawing.group_layout import arrange_view
from nnviz.project.model import (
    Arrow,
    Choice,
    DataConfig,
    Edge,
    Graph,
    Group,
    Node,
    Note,
    Params,
    ParamValue,
    PortRef,
    Project,
    TrainConfig,
    View,
)
from nnviz.project.registry import free_id, layer


@dataclass(frozen=True)
class Layer:
    """One layer that has no place in a network yet."""

    kind: str
    params: Params = field(default_factory=dict)
    name: str = ""


class Sketch:
    """A graph that grows layer by layer; each new layer is wired to the last one unless its sources are named."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._edges: list[Edge] = []
        self._groups: dict[str, Group] = {}
        self._inside = ""
        self._last = ""

    def add(self, new: Layer, *sources: str, called: str = "") -> str:
        """Puts a layer behind the named ones (or the last one) and returns its id, ``called`` where that is given.

        Raises:
            ParamError: A parameter is unknown or not allowed.
        """
        spec = layer(new.kind)
        values = spec.values(new.params)
        changed = {name: values[name] for name in new.params if values[name] != spec.param(name).default}
        node_id = called or free_id(new.kind, self._nodes | self._groups)
        self._nodes[node_id] = Node(node_id, new.kind, changed, new.name, group=self._inside)
        for port, source in enumerate(sources or ((self._last,) if self._last else ())):
            self._edges.append(Edge(PortRef(source), PortRef(node_id, port)))
        self._last = node_id
        return node_id

    @property
    def last(self) -> str:
        """The id of the layer that was added last."""
        return self._last

    def run(self, layers: Sequence[Layer], *sources: str) -> str:
        """Puts layers in sequence behind the named ones (or the last one) and returns the last id."""
        for index, new in enumerate(layers):
            self.add(new, *(sources if index == 0 else ()))
        return self._last

    @contextmanager
    def group(self, name: str) -> Iterator[str]:
        """A block: the layers and blocks that are added inside the ``with`` stand in it. It begins as one card.

        Args:
            name: Its title; the id is made of it.
        """
        identity = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        if not identity or identity in self._nodes or identity in self._groups:
            raise ValueError(f"'{name}' gives no id that is free.")
        outside, self._inside = self._inside, identity
        self._groups[identity] = Group(identity, name, outside)
        yield identity
        self._inside = outside

    def graph(self) -> Graph:
        """The graph so far, laid out."""
        graph = Graph(self._nodes, tuple(self._edges), dict(sorted(self._groups.items())))
        places = arrange_view(graph)
        nodes, groups = dict(graph.nodes), dict(graph.groups)
        for item, (x, y) in places.items():
            if item in nodes:
                nodes[item] = replace(nodes[item], x=x, y=y)
            else:
                groups[item] = replace(groups[item], x=x, y=y)
        return replace(graph, nodes=nodes, groups=groups)


def chain(*layers: Layer) -> Graph:
    """A network without branches."""
    sketch = Sketch()
    sketch.run(layers)
    return sketch.graph()


def annotated(graph: Graph, *items: Note | Arrow) -> Graph:
    """The network with notes and arrows beside its cards."""
    notes = {item.id: item for item in items if isinstance(item, Note)}
    arrows = {item.id: item for item in items if isinstance(item, Arrow)}
    return replace(graph, notes=notes, arrows=arrows)


@dataclass(frozen=True)
class Recipe:
    """A sample before it is drawn. ``build`` runs when the sample is asked for, so that listing them costs nothing."""

    name: str
    title: str
    note: str
    build: Callable[[], Graph]
    data: DataConfig
    training: TrainConfig
    pinned: int = 0

    def project(self) -> Project:
        """The sample as a project."""
        return Project(self.name, self.note, self.build(), self.data, self.training, View(self.pinned))


# ------------------------------------------------------------------------------------------------------------- layers


def plain(kind: str, **params: ParamValue) -> Layer:
    """Any layer by its kind."""
    return Layer(kind, params)


def image(channels: int, height: int, width: int) -> Layer:
    """An Input for images."""
    return plain("input", shape=(channels, height, width))


def features(count: int) -> Layer:
    """An Input for tables."""
    return plain("input", shape=(count,))


def output(loss: str = "cross_entropy") -> Layer:
    """The Output with its loss."""
    return plain("output", loss=loss)


def linear(count: int, **params: ParamValue) -> Layer:
    """A dense layer."""
    return plain("linear", out_features=count, **params)


def neurons(weights: Sequence[Sequence[float]], biases: Sequence[float], name: str = "") -> Layer:
    """A dense layer with weights written down by hand, one row a neuron."""
    return Layer(
        "linear",
        {
            "out_features": len(weights),
            "weight_initialisation": "given",
            "weight_values": tuple(tuple(float(weight) for weight in row) for row in weights),
            "bias_values": tuple(float(bias) for bias in biases),
        },
        name,
    )


def conv(channels: int, kernel: int, stride: int = 1, padding: int = 0, **params: ParamValue) -> Layer:
    """A convolution over an image."""
    return plain("conv2d", out_channels=channels, kernel_size=kernel, stride=stride, padding=padding, **params)


def pool(kernel: int = 2, stride: int | None = None, **params: ParamValue) -> Layer:
    """A max pooling; the stride is as large as the window unless given."""
    return plain("max_pool2d", kernel_size=kernel, stride=kernel if stride is None else stride, **params)


def relu() -> Layer:
    """A ReLU."""
    return plain("relu")


def sigmoid() -> Layer:
    """A Sigmoid."""
    return plain("sigmoid")


def tanh() -> Layer:
    """A Tanh."""
    return plain("tanh")


def step() -> Layer:
    """A Step."""
    return plain("step")


def flatten() -> Layer:
    """A Flatten."""
    return plain("flatten")


def dropout(probability: float) -> Layer:
    """A Dropout."""
    return plain("dropout", probability=probability)


def training(
    optimizer: str, learning_rate: float, batch_size: int, epochs: int, *, keep_best: bool = False, **params: ParamValue
) -> TrainConfig:
    """How a sample is trained."""
    chosen = Choice(optimizer, {"learning_rate": learning_rate, **params})
    return TrainConfig(chosen, batch_size, epochs, keep_best=keep_best)
