"""The only mutator: one signal a change, everything up to date when it comes, listeners that cannot write."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from strategies import edits, projects

from nnviz.errors import InputError, ProjectError
from nnviz.project.checks.shapes import infer
from nnviz.project.checks.validate import Diagnostic, validate
from nnviz.project.document import Document
from nnviz.project.edits import AddNodes, Edit, Move, RemoveNodes, Rename, SetParam, SetProject, SetView
from nnviz.project.graph.bypass import effective_graph
from nnviz.project.model import DataFacts, Node, Project, View
from nnviz.project.samples import templates

DIGITS = DataFacts((1, 28, 28), 10, "classes")


def cnn() -> Document:
    return Document(templates.sample("cnn-25"))


def first(document: Document, kind: str) -> str:
    return next(node.id for node in document.project.graph.nodes.values() if node.kind == kind)


def test_a_new_document_is_empty_and_unmodified() -> None:
    document = Document()
    assert document.project == Project()
    assert document.path is None
    assert not document.is_modified
    assert not document.can_undo
    assert not document.can_redo
    assert (document.undo_title, document.redo_title) == ("", "")
    assert document.undo() is False
    assert document.redo() is False
    assert document.diagnostics


def test_a_change_is_told_once_with_everything_up_to_date() -> None:
    document = cnn()
    conv = first(document, "conv2d")
    told: list[tuple[Project, Project, object]] = []

    def listen(before: Project, after: Project, edit: object) -> None:
        assert document.project is after
        assert document.inference.results[conv].output[0] == 7
        assert document.undo_title == f"Set out channels of {conv}"
        told.append((before, after, edit))

    document.changed.connect(listen)
    edit = SetParam(conv, "out_channels", 7)
    start = document.project
    document.apply(edit)
    assert told == [(start, document.project, edit)]


def test_undo_and_redo_walk_along_the_same_road() -> None:
    document = cnn()
    states = [document.project]
    for at in range(1, 5):
        document.apply(SetView(View(at)))
        states.append(document.project)
    told: list[Edit] = []
    document.changed.connect(lambda before, after, edit: told.append(edit))
    for state in reversed(states[:-1]):
        assert document.undo()
        assert document.project == state
    assert told == [SetView(View(at)) for at in (3, 2, 1, 0)]
    assert document.redo_title == "Choose sample"
    for state in states[1:]:
        assert document.redo()
        assert document.project == state
    assert not document.can_redo


def test_an_edit_that_changes_nothing_leaves_no_trace() -> None:
    document = cnn()
    document.changed.connect(lambda *_: pytest.fail("nothing changed"))
    document.apply(SetProject(name=document.project.name))
    node = next(iter(document.project.graph.nodes.values()))
    document.apply(Move({node.id: (node.x, node.y)}))
    assert not document.is_modified
    assert not document.can_undo


def test_an_edit_that_is_refused_leaves_everything_as_it_was() -> None:
    document = cnn()
    before = document.project
    document.apply(SetView(View(3)))
    document.undo()
    with pytest.raises(InputError, match="out channels"):
        document.apply(SetParam(first(document, "conv2d"), "out_channels", 0))
    with pytest.raises(ProjectError):
        document.apply(RemoveNodes(("ghost",)))
    assert document.project is not None
    assert document.project == before
    assert document.can_redo  # Not even the redo was forgotten.


def test_listeners_must_not_write() -> None:
    document = cnn()
    document.changed.connect(lambda before, after, edit: document.apply(SetView(View(9))))
    with pytest.raises(RuntimeError, match="listener"):
        document.apply(SetView(View(1)))
    assert document.project.view.pinned_sample == 1
    document.changed.disconnect()
    document.apply(SetView(View(2)))  # And afterwards it works as before.
    assert document.project.view.pinned_sample == 2


@pytest.mark.parametrize("write", ["undo", "redo", "replace", "mark_saved", "set_facts"])
def test_no_other_way_to_write_from_a_listener(write: str, tmp_path: Path) -> None:
    document = cnn()
    document.apply(SetView(View(1)))
    arguments = {"replace": (Project(),), "mark_saved": (tmp_path / "a.nnviz",), "set_facts": (DIGITS,)}
    document.changed.connect(lambda *_: getattr(document, write)(*arguments.get(write, ())))
    with pytest.raises(RuntimeError, match="listener"):
        document.apply(SetView(View(2)))


def test_the_error_of_a_listener_comes_through_as_it_is() -> None:
    document = cnn()

    def fail(*_: object) -> None:
        raise ZeroDivisionError("mine")

    document.changed.connect(fail)
    with pytest.raises(ZeroDivisionError, match="mine"):
        document.apply(SetView(View(1)))
    assert document.project.view.pinned_sample == 1
    assert document.can_undo


def test_the_unsaved_mark_follows_saving_undo_and_redo(tmp_path: Path) -> None:
    document = cnn()
    saved: list[Path] = []
    document.saved.connect(saved.append)
    document.apply(SetView(View(1)))
    assert document.is_modified
    document.mark_saved(tmp_path / "a.nnviz")
    assert saved == [tmp_path / "a.nnviz"]
    assert document.path == tmp_path / "a.nnviz"
    assert not document.is_modified
    document.undo()
    assert document.is_modified
    document.redo()
    assert not document.is_modified


def test_another_project_takes_the_place_with_all_that_belongs_to_it(tmp_path: Path) -> None:
    document = cnn()
    document.set_facts(DIGITS)
    document.apply(SetView(View(1)))
    told: list[object] = []
    document.changed.connect(lambda before, after, edit: told.append(edit))
    other = templates.sample("and")
    document.replace(other, tmp_path / "b.nnviz")
    assert told == [None]
    assert document.project is other
    assert document.inference.order == infer(other.graph).order
    assert document.facts is None
    assert not document.can_undo
    assert not document.is_modified
    assert document.path == tmp_path / "b.nnviz"


def test_facts_and_memory_change_the_diagnostics_only() -> None:
    document = cnn()
    document.changed.connect(lambda *_: pytest.fail("the project did not change"))
    told: list[tuple[object, ...]] = []
    document.diagnostics_changed.connect(told.append)
    assert document.diagnostics == ()
    document.set_facts(DataFacts((3, 32, 32), 10, "classes"))
    document.set_facts(DataFacts((3, 32, 32), 10, "classes"))
    assert len(told) == 1
    assert "3×32×32" in document.diagnostics[0].text
    document.set_facts(DIGITS)
    assert document.diagnostics == ()
    document.set_memory_limit(1_000_000)
    assert "1.0 MB" in document.diagnostics[0].text
    document.set_memory_limit(None)
    assert len(told) == 4


def test_fixes_of_the_diagnostics_are_ordinary_edits() -> None:
    document = cnn()
    document.set_facts(DataFacts((1, 28, 28), 7, "classes"))
    (diagnostic,) = document.diagnostics
    document.apply(diagnostic.fixes[0].edit)
    assert document.diagnostics == ()
    document.undo()
    assert document.diagnostics == (diagnostic,)


def test_a_drag_is_one_step() -> None:
    document = cnn()
    start = document.project
    node = first(document, "conv2d")
    for at in range(30):
        document.apply(Move({node: (float(at), 1.0)}, gesture="drag-1"))
    document.apply(Rename(node, "Edges"))
    assert document.undo()
    assert document.undo()
    assert document.project == start
    assert not document.can_undo


@hypothesis_settings(max_examples=60)
@given(st.data())
def test_what_is_kept_up_to_date_equals_what_is_computed_anew(data: st.DataObject) -> None:
    document = Document(data.draw(projects(6)))
    document.set_facts(data.draw(st.sampled_from([None, DIGITS, DataFacts((2,), 1, "binary")])))
    for _ in range(data.draw(st.integers(1, 6))):
        action = data.draw(st.sampled_from(["edit", "edit", "undo", "redo"]))
        if action == "edit":
            document.apply(data.draw(edits(document.project)))
        else:
            getattr(document, action)()
        anew = infer(effective_graph(document.project.graph))
        assert document.inference.order == anew.order
        assert document.inference.results == anew.results
        assert {at: str(problem) for at, problem in document.inference.problems.items()} == {
            at: str(problem) for at, problem in anew.problems.items()
        }
        assert document.inference.parameters == anew.parameters
        found = validate(document.project, document.facts, anew, try_fixes=False)
        assert [(one.node, one.text) for one in document.diagnostics] == [(one.node, one.text) for one in found]
        if data.draw(st.booleans()):
            document.try_fixes()
            assert document.diagnostics == validate(document.project, document.facts, anew)
    document.try_fixes()
    assert document.diagnostics == validate(document.project, document.facts)


def test_an_error_that_stays_as_it_was_keeps_its_tried_cures() -> None:
    document = Document(RemoveNodes(("flatten1",)).apply(templates.sample("digits-cnn")))
    document.try_fixes()
    told: list[tuple[Diagnostic, ...]] = []
    document.diagnostics_changed.connect(told.append)
    tried = document.diagnostics
    document.apply(Rename("conv1", "Edges"))
    document.apply(SetParam("dropout1", "probability", 0.3))
    assert document.diagnostics == tried
    document.try_fixes()
    assert told == [], "nothing flickers"
    document.undo()
    document.apply(SetParam("conv2", "kernel_size", (5, 5)))
    document.try_fixes()
    (error,) = [one for one in document.diagnostics if one.node == "linear1"]
    assert "512" in error.fixes[0].title, "what has changed is tried anew"


def test_cures_are_tried_once_after_each_change_and_whoever_listens_is_told() -> None:
    document = Document(RemoveNodes(("flatten1",)).apply(templates.sample("digits-cnn")))
    told: list[tuple[Diagnostic, ...]] = []
    document.diagnostics_changed.connect(told.append)
    assert [one.fixes[0].title for one in document.diagnostics if one.node == "linear1"] == ["Connect pool2 to linear1"]
    document.try_fixes()
    assert told == [document.diagnostics]
    assert [one.fixes[0].title for one in document.diagnostics if one.node == "linear1"] == [
        "Connect pool2 to linear1 and insert Flatten 32×5×5→800"
    ]
    document.try_fixes()
    assert len(told) == 1
    document.apply(Rename("linear1", "Classifier"))
    document.try_fixes()
    assert document.diagnostics == validate(document.project)


def test_adding_to_an_empty_document() -> None:
    document = Document()
    document.apply(AddNodes((Node("input", "input"),)))
    assert document.undo_title == "Add input"
    assert document.inference.shape("input") == (1, 28, 28)
