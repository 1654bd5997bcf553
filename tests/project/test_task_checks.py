"""What is said about the last layer and its loss."""

from __future__ import annotations

import msgspec
import pytest

from nnviz.data import datasets
from nnviz.project import registry
from nnviz.project.checks.answers import count_of_classes, loss_of
from nnviz.project.checks.shapes import infer
from nnviz.project.checks.validate import Diagnostic, validate
from nnviz.project.samples.sketch import chain, features, image, linear, output, plain
from nnviz.project.samples.templates import sample


def said(*kinds: str, loss: str) -> list[Diagnostic]:
    project = sample("credit-learned")
    graph = chain(features(2), linear(1), *(plain(kind) for kind in kinds), output(loss))
    return list(validate(msgspec.structs.replace(project, graph=graph), datasets.facts(project.data)))


@pytest.mark.parametrize("kind", ["sigmoid", "relu"])
def test_the_perceptron_cannot_say_no_after_a_layer_that_gives_nothing_below_zero(kind: str) -> None:
    found = [item for item in said(kind, loss="perceptron") if "sign" in item.text]
    assert len(found) == 1 and found[0].severity == "warning" and found[0].fixes


def test_the_perceptron_has_nothing_to_say_against_a_plain_sum_or_tanh() -> None:
    assert said(loss="perceptron") == []
    assert said("tanh", loss="perceptron") == []


def test_the_perceptron_is_not_offered_for_classes() -> None:
    project = sample("digits-cnn")
    nodes = dict(project.graph.nodes)
    nodes["output"] = msgspec.structs.replace(nodes["output"], params={"loss": "perceptron"})
    graph = msgspec.structs.replace(project.graph, nodes=nodes)
    found = validate(msgspec.structs.replace(project, graph=graph), datasets.facts(project.data))
    assert any(item.severity == "error" and "Perceptron does not fit" in item.text for item in found)


def test_how_many_classes_a_network_tells_apart_is_known_of_classes_alone() -> None:
    found = {}
    for name in ("digits-cnn", "spiral", "one-weight"):
        project = sample(name)
        facts = datasets.facts(project.data)
        found[name] = count_of_classes(project.graph, infer(project.graph), facts)
    assert found == {"digits-cnn": 10, "spiral": 0, "one-weight": 0}
    assert loss_of(sample("digits-cnn").graph) is registry.loss("cross_entropy")


def test_an_input_that_does_not_match_the_data_is_mended_before_what_follows_from_it() -> None:
    project = sample("spiral")
    graph = chain(image(1, 8, 8), linear(8), plain("relu"), linear(3), output())
    found = validate(msgspec.structs.replace(project, graph=graph), datasets.facts(project.data))
    assert [fix.title for fix in found[0].fixes] == ["Set Input to 2"]
    assert any("Linear expects a flat input" in item.text for item in found[1:])
