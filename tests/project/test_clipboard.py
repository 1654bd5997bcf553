"""Copied layers as text: what comes from elsewhere is never trusted, and never keeps the window waiting."""

from __future__ import annotations

import json

import pytest

from nnviz.errors import InputError
from nnviz.project.files.clipboard import MOST_NODES, from_text, paste_edit, to_text
from nnviz.project.model import Graph, Node, Note, Project


def text_of(**parts: object) -> str:
    return json.dumps({"nnviz_layers": 2, **parts})


@pytest.mark.parametrize("depth", [5, 300, 600, 900])
def test_lists_deep_in_each_other_are_refused_in_a_sentence(depth: int) -> None:
    value = "[" * depth + "]" * depth
    text = text_of(nodes=[{"id": "a", "kind": "relu", "params": {"x": 0}}]).replace('"x": 0', f'"x": {value}')
    with pytest.raises(InputError, match="damaged"):
        from_text(text, Graph())


def test_as_many_layers_and_notes_as_may_be_get_ids_one_behind_the_other() -> None:
    half = MOST_NODES // 2
    nodes = [{"id": f"a{at}", "kind": "relu"} for at in range(half)]
    notes = [{"id": f"b{at}", "text": "x"} for at in range(half)]
    graph = Graph({"relu2": Node("relu2", "relu")}, (), {}, {"note1": Note("note1")})
    pasted = from_text(text_of(nodes=nodes, notes=notes), graph)
    numbers = [at for at in range(1, half + 2) if at != 2]
    assert list(pasted.nodes) == [f"relu{at}" for at in numbers]
    assert list(pasted.notes) == [f"note{at}" for at in range(2, half + 2)]


def test_one_more_than_may_be_is_refused() -> None:
    notes = [{"id": f"n{at}", "text": "x"} for at in range(MOST_NODES + 1)]
    with pytest.raises(InputError, match="at most"):
        from_text(text_of(notes=notes), Graph())


def test_an_input_among_others_keeps_its_name_without_a_number() -> None:
    first, second = Node("input", "input"), Node("input2", "input")
    text = to_text(Graph({"input": first, "input2": second}), ["input", "input2"])
    assert list(from_text(text, Graph()).nodes) == ["input", "input2"]
    assert list(from_text(text, Graph({"input": first})).nodes) == ["input2", "input3"]


def test_what_is_pasted_and_copied_again_is_the_same() -> None:
    graph = Graph({"relu1": Node("relu1", "relu", name="Mine")}, (), {}, {"note1": Note("note1", text="why")})
    text = to_text(graph, [*graph.nodes, *graph.notes])
    after = paste_edit(from_text(text, Graph()), 0.0, 0.0).apply(Project()).graph
    assert to_text(after, [*after.nodes, *after.notes]) == text
