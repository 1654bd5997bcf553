"""The own document, or another one in front of it: the views are told, the own one never learns of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import edits, projects

from nnviz.errors import ProjectError
from nnviz.project.document import Document
from nnviz.project.edits import Edit, Rename, SetProject
from nnviz.project.model import DataFacts, Project
from nnviz.project.samples import templates
from nnviz.project.shown_document import ShownDocument

WHY = "It is a replay."


def started() -> tuple[Document, ShownDocument]:
    own = Document(templates.sample("spiral"), Path("mine.nnviz"))
    return own, ShownDocument(own)


def test_what_is_asked_of_the_screen_is_answered_by_the_own_document_until_another_is_in_front() -> None:
    own, shown = started()
    shown.apply(SetProject(name="changed"))
    assert own.project.name == "changed" and shown.project is own.project and shown.is_modified
    assert shown.undo_title == own.undo_title and shown.history is own.history and shown.path == own.path
    shown.undo()
    assert not own.can_undo and shown.can_redo and shown.redo_title == own.redo_title
    shown.redo()
    shown.jump(0)
    assert own.project.name != "changed" and own.diagnostics is shown.diagnostics and own.inference is shown.inference
    shown.set_facts(DataFacts((2,), 2, "classes"))
    assert own.facts == shown.facts is not None


def test_everything_that_would_change_a_read_only_document_is_refused_in_one_sentence() -> None:
    document = Document(templates.sample("and"), Path("a.nnviz"), read_only=WHY)
    before = document.project
    asked: list[Callable[[], object]] = [
        lambda: document.apply(SetProject(name="changed")),
        document.undo,
        document.redo,
        lambda: document.jump(0),
        lambda: document.replace(Project()),
        lambda: document.restore(Project()),
        document.mark_unsaved,
        lambda: document.mark_saved(Path("b.nnviz")),
        document.detach,
    ]
    for ask in asked:
        with pytest.raises(ProjectError, match=f"^{WHY}$"):
            ask()
    assert document.project is before and document.path == Path("a.nnviz") and not document.is_modified
    document.set_facts(DataFacts((2,), 2, "classes"))  # what is known of its data is no change of it
    document.try_fixes()


def test_the_own_document_is_untouched_by_what_is_in_front_of_it() -> None:
    own, shown = started()
    own.apply(SetProject(name="mine"))
    before, history, diagnostics = own.project, own.history, own.diagnostics
    heard: list[object] = []
    own.changed.connect(lambda *values: heard.append(values))
    told: list[tuple[Project, Project, object]] = []
    shown.changed.connect(lambda before, after, edit: told.append((before, after, edit)))
    other = templates.sample("digits-cnn")
    shown.show(other, WHY)
    assert shown.project is other and shown.read_only == WHY and not shown.shows_own
    assert not shown.can_undo and not shown.is_modified and shown.path is None
    with pytest.raises(ProjectError, match=WHY):
        shown.apply(SetProject(name="theirs"))
    assert (own.project, own.history, own.diagnostics, heard) == (before, history, diagnostics, [])
    assert own.is_modified and own.read_only == "" and shown.own is own
    third = templates.sample("and")
    shown.show(third, WHY)
    shown.show_own()
    shown.show_own()
    assert told == [(before, other, None), (other, third, None), (third, before, None)]
    assert shown.project is before and shown.can_undo and shown.undo() and own.project.name != "mine"


def test_what_happens_to_the_own_document_behind_another_one_is_not_told_as_if_it_were_seen() -> None:
    own, shown = started()
    shown.show(templates.sample("and"), WHY)
    told: list[object] = []
    for signal in (shown.changed, shown.diagnostics_changed, shown.saved):
        signal.connect(lambda *values: told.append(values))
    own.apply(SetProject(name="behind"))
    own.mark_saved(Path("other.nnviz"))
    own.set_facts(DataFacts((7,), 3, "classes"))
    assert told == []
    shown.show_own()
    assert shown.project.name == "behind" and shown.path == Path("other.nnviz")
    told.clear()
    own.mark_unsaved()
    assert told == [(Path("other.nnviz"),)]


def test_listeners_of_the_own_document_are_told_before_the_views() -> None:
    own, shown = started()
    order: list[str] = []
    shown.changed.connect(lambda *_: order.append("view"))
    own.changed.connect(lambda *_: order.append("own"))
    own.apply(SetProject(name="x"))
    assert order == ["own", "view"]
    shown.show(Project(), WHY)
    shown.show_own()
    order.clear()
    shown.apply(SetProject(name="y"))
    assert order == ["own", "view"]


def test_a_view_that_writes_while_it_is_told_is_refused_and_its_error_is_its_own() -> None:
    own, shown = started()
    asked: list[Callable[[], object]] = [
        lambda: shown.apply(Rename("nothing", "x")),
        lambda: shown.show(Project(), WHY),
        shown.show_own,
    ]
    shown.show(Project(), WHY)
    for ask in asked[1:]:
        shown.changed.connect(ask)
        with pytest.raises(RuntimeError, match="listener"):
            shown.show(templates.sample("and"), WHY)
        shown.changed.disconnect(ask)
    shown.show_own()
    shown.changed.connect(asked[0])
    with pytest.raises(RuntimeError, match="listener"):
        own.apply(SetProject(name="x"))
    with pytest.raises(ValueError, match="reason"):
        shown.show(Project(), "")


@given(st.data(), projects(), st.lists(projects(), min_size=1, max_size=3))
def test_any_sequence_of_showing_going_back_and_editing(
    data: st.DataObject, start: Project, others: list[Project]
) -> None:
    """Against a model: a document that was never covered is given only the edits that were made while it was shown."""
    own, model = Document(start), Document(start)
    shown = ShownDocument(own)
    seen: list[Project] = [start]

    def see(before: Project, after: Project, edit: object) -> None:
        assert before is seen[-1]
        seen.append(after)

    shown.changed.connect(see)
    covered: Project | None = None
    for move in data.draw(st.lists(st.sampled_from(("edit", "undo", "redo", "show", "back", "save")), max_size=12)):
        if move == "show":
            covered = data.draw(st.sampled_from(others))
            shown.show(covered, WHY)
        elif move == "back":
            covered = None
            shown.show_own()
        elif move == "save":  # a save that was under way ends when it ends
            own.mark_saved(Path("x.nnviz"))
            model.mark_saved(Path("x.nnviz"))
        elif covered is not None:
            with pytest.raises(ProjectError, match=WHY):
                shown.apply(SetProject(name="refused")) if move == "edit" else getattr(shown, move)()
        elif move == "edit":
            edit: Edit = data.draw(edits(model.project))
            model.apply(edit)
            shown.apply(edit)
        else:
            assert getattr(shown, move)() == getattr(model, move)()
        assert own.project == model.project and own.diagnostics == model.diagnostics
        assert (own.path, own.is_modified) == (model.path, model.is_modified)
        assert (len(own.history), own.history.position) == (len(model.history), model.history.position)
        assert shown.project is (own.project if covered is None else covered)
        assert seen[-1] is shown.project
