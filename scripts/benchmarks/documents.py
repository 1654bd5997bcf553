"""The document: an edit in a large graph until its badges are known."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from rows import Row, Settings, milliseconds, seconds

from nnviz.project.checks.shapes import infer
from nnviz.project.document import Document
from nnviz.project.edits import SetParam
from nnviz.project.model import Edge, Graph, Node, Params, PortRef, Project


def large_graph(count: int) -> Graph:
    """A chain of convolutions and rectifiers with a skip over every second pair, ``count`` nodes in all."""
    nodes = {"input": Node("input", "input", {"shape": (16, 32, 32)})}
    edges: list[Edge] = []
    last = "input"

    def add(node_id: str, kind: str, params: Params, *sources: str) -> str:
        position = len(nodes)
        nodes[node_id] = Node(
            node_id,
            kind,
            params,
            x=195.0 * (position % 25),
            y=230.0 * (position // 25),
        )
        edges.extend(Edge(PortRef(source), PortRef(node_id, port)) for port, source in enumerate(sources))
        return node_id

    index = 0
    while len(nodes) < count - 1:
        index += 1
        before = last
        last = add(f"conv{index}", "conv2d", {"out_channels": 16, "kernel_size": (3, 3), "padding": (1, 1)}, last)
        last = add(f"relu{index}", "relu", {}, last)
        if index % 2 == 0:
            last = add(f"add{index}", "add", {}, before, last)
    add("output", "output", {"loss": "mse"}, last)
    return Graph(nodes, tuple(edges))


def measure(settings: Settings) -> Iterator[Row]:
    """Rows of this file."""
    graph = large_graph(500)
    document = Document(Project(graph=graph))
    kernel = iter(range(10**6))

    def edit() -> None:
        side = 3 + 2 * (next(kernel) % 2)
        params = {"kernel_size": (side, side), "padding": (side // 2, side // 2)}
        for name, value in params.items():
            document.apply(SetParam("conv2", name, value))

    taken = [each / 2 for each in seconds(edit, settings.rounds(30))]
    yield Row(
        f"edit near the input → badges, {len(graph.nodes)}-node graph",
        milliseconds(taken),
        "limit 30 ms",
        statistics.median(taken) < 0.030,
    )
    taken = seconds(lambda: infer(graph), settings.rounds(30))
    yield Row(
        "shapes of the whole 500-node graph from nothing",
        milliseconds(taken),
        "limit 60 ms",
        statistics.median(taken) < 0.060,
    )
