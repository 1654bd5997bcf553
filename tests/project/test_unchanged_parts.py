"""What an edit leaves as it was is not found out again; what is kept is what would be found."""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace

from nnviz.project.checks import diagnosis, wire_checks
from nnviz.project.checks.diagnosis import Look
from nnviz.project.checks.footprint import Line, highest, worst
from nnviz.project.checks.shapes import infer, infer_from
from nnviz.project.checks.validate import validate
from nnviz.project.drawing.grouping import group_edit
from nnviz.project.drawing.layout import CARD_HEIGHT, CARD_WIDTH
from nnviz.project.edits import Connect, Disconnect, Move, RemoveNodes, Rename, SetKind, SetParam
from nnviz.project.graph.groups import view_after, view_of
from nnviz.project.samples import templates

KINDS = ("conv2d", "relu")


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


def test_what_is_seen_after_an_edit_is_what_is_seen_of_the_graph() -> None:
    """Edits of layers leave the wires that are seen, edits of wires, groups and ids do not."""
    project = templates.sample("digits-cnn")
    seen = view_of(project.graph)
    conv, relu = (next(key for key, node in project.graph.nodes.items() if node.kind == kind) for kind in KINDS)
    for edit, kept in (
        (SetParam(conv, "kernel_size", (9, 9)), True),
        (Move({relu: (5.0, 7.0)}), True),
        (RemoveNodes((relu,), rejoin=True), False),
        (Rename(conv, "first"), True),
        (group_edit(project.graph, (conv,), "block", True), False),
        (SetParam(conv, "kernel_size", (3, 3)), False),
    ):
        before, project = project.graph, edit.apply(project)
        after = view_after(project.graph, seen, before)
        assert after == view_of(project.graph)
        assert (after.wires is seen.wires) is kept
        seen = after


def test_parameters_that_were_read_are_not_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a layer that cannot be nothing has a result; what was allowed there is still, and what is not is said."""
    checked: list[str] = []
    check = wire_checks._check_params
    monkeypatch.setattr(
        wire_checks, "_check_params", lambda look, node, spec: checked.append(node.id) or check(look, node, spec)
    )
    whole = templates.sample("digits-cnn")
    conv, relu = (next(key for key, node in whole.graph.nodes.items() if node.kind == kind) for kind in KINDS)
    broken = SetParam(conv, "kernel_size", (99, 99)).apply(whole)
    inference = infer_from(broken.graph, infer(whole.graph))
    assert relu not in inference.results
    found = validate(broken, None, inference)
    assert not checked
    assert found == validate(broken)
    nodes = {**broken.graph.nodes, conv: replace(broken.graph.nodes[conv], params={"kernel_size": (-1, 2)})}
    wrong = replace(broken, graph=replace(broken.graph, nodes=nodes))
    found = validate(wrong, None, infer_from(wrong.graph, inference))
    assert found == validate(wrong)
    assert any(one.node == conv and "-1" in one.text for one in found)


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
    other = together.copy()
    x, y = together.near(0.0, 0.0)
    other.take(x, y)
    assert other.near(x, y) != (x, y) == together.near(x, y)
    # The slow way: a place is free where no card lies on it, with some air around.
    wide, high = CARD_WIDTH + 16.0, CARD_HEIGHT + 16.0
    for x in range(-400, 4000, 190):
        for y in range(-300, 900, 130):
            taken = any(abs(x - node.x) < wide and abs(y - node.y) < high for node in graph.nodes.values())
            assert (together.near(x, y) == (x, y)) is not taken
