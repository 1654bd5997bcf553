"""Variations of a project: how they are written, what they change, what they are called."""

from __future__ import annotations

import pytest

from nnviz.errors import InputError
from nnviz.project.samples.templates import sample
from nnviz.project.variations import Variation, combinations, distinct_names, name_of, parse_variation, varied


def test_commas_in_brackets_and_quotes_belong_to_the_value() -> None:
    schedule = '{"kind": "step", "params": {"every": 5}}'
    assert parse_variation(f"training.schedule=constant, {schedule}").values == ("constant", schedule)
    assert parse_variation('name="a,b",c') == Variation("name", ('"a,b"', "c"))
    for wrong in ("training.optimizer", "=sgd", "training.optimizer=", "training.optimizer=sgd,,adam"):
        with pytest.raises(InputError):
            parse_variation(wrong)


def test_a_name_is_of_one_line_whatever_the_value_is() -> None:
    assert name_of([("data.label", "a\nb\x1b[31m")]) == "label a b [31m"


def test_every_value_meets_every_other() -> None:
    found = combinations([parse_variation("training.optimizer=sgd,adam"), parse_variation("training.seed=1,2")])
    assert [name_of(one) for one in found] == ["SGD, seed 1", "SGD, seed 2", "Adam, seed 1", "Adam, seed 2"]
    project = varied(sample("digits-cnn"), found[1])
    assert (project.training.optimizer.kind, project.training.seed) == ("sgd", 2)
    assert distinct_names(["a", "a", "b", "a"]) == ["a", "a (2)", "b", "a (3)"]


def test_activations_and_dropout_change_in_all_layers_but_the_last_word() -> None:
    cnn = varied(sample("digits-cnn"), [("activations", "tanh"), ("dropout", "0")])
    assert {node.kind for node in cnn.graph.nodes.values() if node.id.startswith("relu")} == {"tanh"}
    assert cnn.graph.nodes["dropout1"].params["probability"] == 0
    gates = sample("xnor-two-layer")
    last = {edge.source.node for edge in gates.graph.edges if gates.graph.nodes[edge.target.node].kind == "output"}
    after = varied(gates, [("activations", "relu")])
    assert all(after.graph.nodes[node] == gates.graph.nodes[node] for node in last)
    with pytest.raises(InputError, match="no dropout"):
        varied(gates, [("dropout", "0")])
    with pytest.raises(InputError, match="no such activation"):
        varied(gates, [("activations", "softmax")])
