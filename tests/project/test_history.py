"""The stack of steps against a list of snapshots."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnviz.errors import ProjectError
from nnviz.project.document import Document
from nnviz.project.edits import AddNodes, Edit, Move, RemoveNodes, SetView, Several
from nnviz.project.history import History
from nnviz.project.model import Graph, Node, Project, View

PROJECT = Project(view=View(0))


def push(history: History, before: Project, edit: Edit) -> Project:
    history.push(edit, edit.invert(before))
    return edit.apply(before)


def look(at: int, gesture: str = "") -> SetView:
    return SetView(View(at), gesture=gesture)


def test_an_empty_history_has_nothing_to_do() -> None:
    history = History()
    assert history.next_undo is None
    assert history.next_redo is None
    assert history.is_clean
    with pytest.raises(IndexError):
        history.undone()
    with pytest.raises(IndexError):
        history.redone()
    with pytest.raises(ValueError, match="at least one"):
        History(limit=0)


def test_values_of_one_gesture_are_one_step_that_leads_back_to_the_start() -> None:
    history, project = History(), PROJECT
    for at in range(1, 50):
        project = push(history, project, look(at, "drag"))
    assert len(history) == 1
    entry = history.next_undo
    assert entry is not None
    assert entry.edit == look(49, "drag")
    assert entry.inverse.apply(project) == PROJECT


def test_a_drag_that_takes_in_more_cards_on_its_way_is_undone_wholly() -> None:
    nodes = {name: Node(name, "relu") for name in "ab"}
    start = Project(graph=Graph(nodes))
    history = History()
    project = push(history, start, Move({"a": (1.0, 1.0)}, gesture="drag"))
    project = push(history, project, Move({"a": (2.0, 2.0), "b": (3.0, 3.0)}, gesture="drag"))
    project = push(history, project, Move({"b": (4.0, 4.0)}, gesture="drag"))
    assert len(history) == 1
    entry = history.next_undo
    assert entry is not None
    assert entry.inverse.apply(project) == start
    assert entry.edit.apply(start) == project


def test_groups_of_a_gesture_merge_whatever_is_in_them() -> None:
    history, project = History(), PROJECT
    for at in range(1, 6):
        edits = (look(at), look(at + 100)) if at % 2 else (look(at),)
        project = push(history, project, Several(edits, "Group", gesture="drag"))
    assert len(history) == 1
    entry = history.next_undo
    assert entry is not None
    assert entry.inverse.apply(project) == PROJECT
    assert entry.edit.apply(PROJECT) == project


def test_another_gesture_and_an_undo_in_between_are_steps_of_their_own() -> None:
    history, project = History(), PROJECT
    project = push(history, project, look(1, "one"))
    project = push(history, project, look(2, "two"))
    assert len(history) == 2
    history.undone()
    push(history, look(1).apply(PROJECT), look(3, "one"))
    assert len(history) == 2


def test_saving_in_the_middle_of_a_gesture_keeps_the_saved_state_reachable() -> None:
    history = History()
    project = push(history, PROJECT, look(1, "drag"))
    history.mark_clean()
    push(history, project, look(2, "drag"))
    assert len(history) == 2
    assert not history.is_clean
    history.undone()
    assert history.is_clean


def test_the_saved_state_is_lost_with_the_branch_it_stood_on() -> None:
    history = History()
    project = push(history, PROJECT, look(1))
    history.mark_clean()
    history.undone()
    assert not history.is_clean
    push(history, PROJECT, look(2))
    assert not history.is_clean
    history.undone()
    assert not history.is_clean
    assert project != PROJECT


def test_only_so_many_steps_are_kept() -> None:
    history, project = History(limit=3), PROJECT
    for at in range(1, 8):
        project = push(history, project, look(at))
    assert len(history) == 3
    undone = 0
    while history.next_undo is not None:
        project = history.next_undo.inverse.apply(project)
        history.undone()
        undone += 1
    assert undone == 3
    assert project.view.pinned_sample == 4
    assert not history.is_clean  # The beginning was saved, and cannot be reached any more.
    assert history.clean_position is None
    assert history.forgotten == 4
    assert history.limit == 3


def test_a_step_knows_when_it_was_done_and_a_gesture_when_it_ended() -> None:
    times = iter([10.0, 20.0, 30.0])
    history = History(clock=lambda: next(times))
    project = push(history, PROJECT, look(1))
    project = push(history, project, look(2, "drag"))
    push(history, project, look(3, "drag"))
    assert [entry.time for entry in history.entries] == [10.0, 30.0]


@pytest.mark.parametrize("position", [-1, 3])
def test_there_is_no_way_to_a_position_that_is_not_there(position: int) -> None:
    history = History()
    push(history, push(history, PROJECT, look(1)), look(2))
    with pytest.raises(IndexError, match="no position"):
        history.way_to(position)
    with pytest.raises(IndexError, match="no position"):
        history.jumped(position)
    assert history.position == 2


#: What can be done to a history; a number is a jump to that position, counted round and round.
ACTIONS = st.sampled_from(["push", "drag", "undo", "redo", "save"]) | st.integers(0, 12)


@given(st.lists(ACTIONS, max_size=40), st.integers(1, 6))
def test_any_order_agrees_with_a_list_of_snapshots(actions: list[str | int], limit: int) -> None:
    """The slow twin keeps every state; the saved one is known by identity."""
    history, project, number = History(limit), PROJECT, 0
    states: list[Project] = [project]
    at, saved, open_drag = 0, project, False
    for action in actions:
        if action in ("push", "drag"):
            number += 1
            edit = look(number, "drag" if action == "drag" else "")
            merges = action == "drag" and open_drag and states[at] is not saved
            project = push(history, project, edit)
            del states[at + 1 :]
            if merges:
                states[at] = project
            else:
                states.append(project)
                at += 1
            if len(states) > limit + 1:
                del states[0]
                at -= 1
            open_drag = action == "drag"
        elif action == "undo" and history.next_undo is not None:
            project = history.next_undo.inverse.apply(project)
            history.undone()
            at, open_drag = at - 1, False
        elif action == "redo" and history.next_redo is not None:
            project = history.next_redo.edit.apply(project)
            history.redone()
            at, open_drag = at + 1, False
        elif action == "save":
            history.mark_clean()
            saved = states[at]
        elif isinstance(action, int):
            target = action % len(states)
            for step in history.way_to(target):
                project = step.apply(project)
            history.jumped(target)
            at, open_drag = target, False
        assert project == states[at]
        assert history.position == at
        assert len(history.entries) == len(history) == len(states) - 1
        assert history.clean_position == next((index for index, state in enumerate(states) if state is saved), None)
        assert (history.next_undo is not None) == (at > 0)
        assert (history.next_redo is not None) == (at < len(states) - 1)
        assert history.is_clean == (states[at] is saved)


@st.composite
def edits(draw: st.DrawFn) -> Edit:
    """Steps of different kinds, some of one gesture with the one before; not all of them fit."""
    gesture = draw(st.sampled_from(["", "drag"]))
    place = st.floats(-500, 500)
    return draw(
        st.one_of(
            st.integers(0, 5).map(lambda at: look(at, gesture)),
            st.tuples(st.sampled_from("abc"), place, place).map(
                lambda found: Move({found[0]: found[1:]}, gesture=gesture)
            ),
            st.sampled_from("abc").map(lambda name: AddNodes((Node(name, "relu"),))),
            st.sampled_from("abc").map(lambda name: RemoveNodes((name,))),
        )
    )


@given(st.lists(edits(), max_size=25), st.lists(st.integers(0, 30), max_size=12), st.data())
def test_a_jump_is_one_change_that_leads_to_just_what_was_there(
    steps: list[Edit], jumps: list[int], data: st.DataObject
) -> None:
    document = Document(PROJECT)
    states = [document.project]
    for step in steps:
        with suppress(ProjectError):
            document.apply(step)
        # A gesture puts another state in the place of its last one.
        states[document.history.position :] = [document.project]
    saved = data.draw(st.integers(0, len(states) - 1))
    document.jump(saved)
    document.mark_saved(Path("saved.nnviz"))
    told: list[tuple[Project, Project]] = []
    document.changed.connect(lambda before, after, edit: told.append((before, after)))
    for jump in jumps:
        target = jump % len(states)
        before, position = document.project, document.history.position
        told.clear()
        assert document.jump(target) == (target != position)
        assert document.project == states[target]
        assert document.inference == Document(states[target]).inference
        assert document.diagnostics == Document(states[target]).diagnostics
        assert told == ([(before, states[target])] if target != position else [])
        assert document.is_modified == (target != saved)
        assert document.history.clean_position == saved
        assert document.can_undo == (target > 0)
        assert document.can_redo == (target < len(states) - 1)
    document.undo()
    assert document.project == states[max(0, document.history.position)]


def test_a_jump_where_there_is_nothing_changes_nothing() -> None:
    document = Document(PROJECT)
    document.apply(look(1))
    with pytest.raises(IndexError):
        document.jump(2)
    assert document.history.position == 1
    assert document.project.view.pinned_sample == 1


def test_a_listener_cannot_jump() -> None:
    document = Document(PROJECT)
    document.apply(look(1))
    document.changed.connect(lambda before, after, edit: document.jump(0))
    with pytest.raises(RuntimeError, match="listener"):
        document.apply(look(2))


def test_a_step_after_a_jump_back_takes_the_place_of_what_was_undone() -> None:
    document = Document(PROJECT)
    for at in range(1, 6):
        document.apply(look(at))
    document.mark_saved(Path("saved.nnviz"))
    document.jump(2)
    document.apply(look(9))
    assert [entry.edit for entry in document.history.entries] == [look(1), look(2), look(9)]
    assert document.history.clean_position is None
    assert document.is_modified
