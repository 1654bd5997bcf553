"""Layers that are left out, in torch: their output is exactly their first input, and the network still learns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from msgspec.structs import replace as changed

from nnviz.commands.summary import summary
from nnviz.network.network import Network
from nnviz.project.edits import Bypass
from nnviz.project.files import io
from nnviz.project.graph.bypass import effective, effective_graph
from nnviz.project.model import Edge, Graph, Node, PortRef, Project
from nnviz.project.samples.templates import sample
from nnviz.train.headless import train_to_file


def network_of(graph: Graph, *bypassed: str) -> Network:
    project = Bypass(dict.fromkeys(bypassed, True)).apply(Project(graph=graph))
    network = Network(effective_graph(project.graph), seed=3)
    network.train()
    return network


def mixed() -> Graph:
    """input -> conv -> dropout -> add (with a second convolution at its other input) -> pool -> flatten -> output"""
    same = {"out_channels": 2, "padding": (1, 1)}
    nodes = [
        Node("input", "input", {"shape": (2, 6, 6)}),
        Node("conv", "conv2d", same),
        Node("dropout", "dropout", {"probability": 0.5}),
        Node("other", "conv2d", same),
        Node("add", "add"),
        Node("flatten", "flatten"),
        Node("linear", "linear", {"out_features": 3}),
        Node("output", "output"),
    ]
    wires = [("input", "conv", 0), ("conv", "dropout", 0), ("dropout", "add", 0), ("input", "other", 0)]
    wires += [("other", "add", 1), ("add", "flatten", 0), ("flatten", "linear", 0), ("linear", "output", 0)]
    edges = tuple(Edge(PortRef(source), PortRef(target, port)) for source, target, port in wires)
    return Graph({node.id: node for node in nodes}, edges)


@pytest.mark.parametrize(("node", "first"), [("conv", "input"), ("dropout", "conv"), ("add", "dropout")])
def test_a_bypassed_layer_passes_on_its_first_input(node: str, first: str) -> None:
    network = network_of(mixed(), node)
    x = torch.randn(4, 2, 6, 6)
    values = network.forward_all(x)
    assert torch.equal(values[node], x if first == "input" else values[first])
    assert not list(network.module_of(node).parameters())


def test_weights_start_the_same_up_to_a_bypassed_layer_with_weights() -> None:
    """They are drawn one after the other: what would have drawn some changes those after it, all else nothing."""
    whole = network_of(mixed()).state_dict()
    without_dropout = network_of(mixed(), "dropout").state_dict()
    assert all(torch.equal(without_dropout[name], weight) for name, weight in whole.items())
    order = Network(mixed()).node_ids
    without_other = network_of(mixed(), "other").state_dict()
    earlier = order[: order.index("other")]
    names = [name for name in whole if name.split(".")[0] in earlier]
    assert names and all(torch.equal(without_other[name], whole[name]) for name in names)
    assert not torch.equal(without_other["linear.weight"], whole["linear.weight"])


def test_the_summary_says_which_layer_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.nnviz"
    io.save(Bypass({"conv2": True}).apply(sample("digits-cnn")), path)
    assert summary(str(path), as_json=False) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("conv2"))
    assert "(bypassed)" in line and line.split()[-2:] == ["0", "0"]
    assert summary(str(path), as_json=True) == 0
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)["layers"]}
    assert (rows["conv2"]["kind"], rows["conv2"]["bypassed"], rows["conv2"]["parameters"]) == ("conv2d", True, 0)
    assert rows["conv2"]["output_shape"] == rows["pool1"]["output_shape"] and not rows["conv1"]["bypassed"]


def test_a_network_with_a_bypassed_layer_is_trained(tmp_path: Path) -> None:
    project = sample("digits-cnn")
    project = changed(project, training=changed(project.training, epochs=1))
    project = Bypass({"conv2": True, "dropout1": True}).apply(project)
    assert io.loads(io.dumps(project)) == project
    seen = []
    outcome = train_to_file(project, tmp_path / "run.nnvizrun", on_epoch=seen.append)
    assert outcome is not None and len(seen) == 1
    assert effective(project).graph.nodes["conv2"].kind == "identity"
