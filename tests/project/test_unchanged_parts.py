"""What an edit leaves as it was is not found out again; what is kept is what would be found."""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace

from nnviz.project.checks import diagnosis
from nnviz.project.checks.diagnosis import Look
from nnviz.project.checks.footprint import Line, highest, worst
from nnviz.project.checks.shapes import infer, infer_from
from nnviz.project.checks.validate import validate
from nnviz.project.edits import Connect, Disconnect, SetKind, SetParam
from nnviz.project.samples import templates


def test_the_worst_lines_are_the_highest_for_every_batch() -> None:
    """Of thousands of places a few are kept, and for every size the very place is found that a look at all finds."""
    draw = random.Random(3)
    for count in (1, 2, 3, 50, 400):
        lines = [Line(f"n{at}", draw.randrange(40), draw.randrange(12)) for at in range(count)]
        kept = worst(lines)
        assert [line for line in lines if line in kept] == list(kept)  # in their order, each as it was
        for batch in (*range(1, 60), 1 << 20):
            assert highest(kept, batch) is highest(lines, batch)
    # What is held grows backwards while what waits shrinks: a bow, of which no line is above another in both.
    bow = [Line(f"n{at}", at * at, 2 * (1000 - at) * 1000 - at * at) for at in range(1000)]
    straight = [Line(f"n{at}", at, 1000 - at) for at in range(1000)]
    assert len(worst([*bow, *straight])) < 1000


def test_what_follows_from_the_wires_is_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Edits of layers leave it, edits of wires do not; the diagnoses are those of a project that is looked at anew."""
    calls: list[str] = []
    for name in ("_into", "_out_of", "_leading", "_odd_ids", "_wires_are_sound"):
        found = getattr(Look, name)
        monkeypatch.setattr(Look, name, lambda look, found=found, name=name: calls.append(name) or found(look))
    project = templates.sample("digits-cnn")
    inference = infer(project.graph)
    validate(project, None, inference)
    once = len(calls)
    assert 0 < once <= 5
    conv = next(node.id for node in project.graph.nodes.values() if node.kind == "conv2d")
    relu = next(node.id for node in project.graph.nodes.values() if node.kind == "relu")
    for edit in (
        SetParam(conv, "kernel_size", (5, 5)),
        SetKind(relu, "sigmoid"),
        SetParam(conv, "kernel_size", (9, 9)),
    ):
        project = edit.apply(project)
        inference = infer_from(project.graph, inference)
        assert validate(project, None, inference) == validate(project)
        # The second of them looks at a project of which nothing is known.
        del calls[once : once + 5]
        assert len(calls) == once
    wire = project.graph.edges[2]
    before = inference
    project = Disconnect(wire).apply(project)
    inference = infer_from(project.graph, before)
    assert inference.wired is not before.wired
    assert validate(project, None, inference) == validate(project)
    project = Connect(wire).apply(project)
    assert validate(project, None, infer_from(project.graph, inference)) == validate(project)


def test_a_changed_kind_of_the_output_is_another_output() -> None:
    """Which nodes lead to the output is kept for that output alone."""
    project = templates.sample("digits-cnn")
    inference = infer(project.graph)
    output = Look(project, None, inference).output
    assert Look(project, None, inference).leading == frozenset(project.graph.nodes)
    nodes = dict(project.graph.nodes)
    nodes[output] = replace(nodes[output], kind="relu")
    other = replace(project, graph=replace(project.graph, nodes=nodes))
    known = infer_from(other.graph, inference)
    assert validate(other, None, known) == validate(other)


def test_free_places_are_those_that_were_taken_one_by_one() -> None:
    """The cards of a project are entered together, as if each had been taken."""
    graph = templates.sample("resnet18").graph
    together, single = diagnosis.Places(graph), diagnosis.Places(replace(graph, nodes={}))
    for node in graph.nodes.values():
        single.take(node.x, node.y)
    for node in list(graph.nodes.values())[::5]:
        assert together.near(node.x, node.y) == single.near(node.x, node.y)
    assert together.near(1e9, 0.0) == single.near(1e9, 0.0)
