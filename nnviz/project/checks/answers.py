"""What a network is asked for at its Output layer: the loss, and how many classes it tells apart."""

from __future__ import annotations

from nnviz.project import registry
from nnviz.project.checks.shapes import Inference
from nnviz.project.declared.losses import LossSpec
from nnviz.project.model import Choice, DataFacts, Graph, Node


def output_of(graph: Graph) -> Node | None:
    """The Output layer; None where there is none yet."""
    return next((node for node in graph.nodes.values() if node.kind == "output"), None)


def loss_of(graph: Graph) -> LossSpec | None:
    """The loss at the Output layer; None where there is none, or one that nobody knows."""
    node = output_of(graph)
    if node is None:
        return None
    usual = registry.layer(node.kind).param("loss").default
    return registry.losses().get(Choice.of(node.params.get("loss", usual)).kind)


def count_of_classes(graph: Graph, inference: Inference, facts: DataFacts | None) -> int:
    """How many classes the network tells apart; 0 where it does something else, or nobody knows.

    Args:
        graph: The network.
        inference: Its shapes.
        facts: What is known of its data: some losses are for classes and for numbers alike.
    """
    if facts is not None and facts.task != "classes":
        return 0
    node, loss = output_of(graph), loss_of(graph)
    shape = None if node is None or loss is None or "classes" not in loss.tasks else inference.shape(node.id)
    return int(shape[0]) if shape else 0
