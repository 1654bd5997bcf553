"""Name and note of the project, edited in the window."""

from __future__ import annotations

from pathlib import Path

import torch  # noqa: F401 - not left to windows that live for a moment only
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from window_hands import CONTROL, Person
from window_kit import TIMEOUT, OpenWindow

from nnviz.gui.window.project_title import ProjectTitle
from nnviz.project.files import io


def test_a_click_on_the_name_edits_name_and_note_each_in_one_step(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window = open_window("and", ready=False)
    person, document = Person(window, qtbot), window.document
    first = document.project
    title = window.top_bar.findChild(ProjectTitle)
    assert title is not None
    person.click(title)
    details = window.overlays.details
    assert details.isVisible() and details.name.text() == first.name
    person.write("My [*] gate")
    person.keys(Qt.Key.Key_Tab)
    person.keys("A", CONTROL)
    person.write("one")
    person.keys(Qt.Key.Key_Return)
    person.write("two")
    person.keys(Qt.Key.Key_Return, CONTROL)
    assert not details.isVisible()
    assert (document.project.name, document.project.note) == ("My [*] gate", "one\ntwo")
    assert "My [*] gate" in title.accessibleName() and "two" in title.toolTip()
    assert window.windowTitle().startswith("My [*][*] gate[*]") and window.isWindowModified()
    assert [entry.title for entry in document.history.entries] == ["Rename project", "Change note"]
    path = tmp_path / "gate.nnviz"
    document.mark_saved(path)
    window.files.save()
    qtbot.waitUntil(path.exists, timeout=TIMEOUT)
    assert (io.load(path).name, io.load(path).note) == ("My [*] gate", "one\ntwo")
    assert "My" in window.windowTitle() and "gate.nnviz" in window.windowTitle()
    document.undo()
    assert document.project.note == first.note
    document.undo()
    assert document.project == first


def test_keys_open_it_and_escape_changes_nothing(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window("and", ready=False)
    person, first = Person(window, qtbot), window.document.project
    window.canvas.setFocus()
    person.keys(Qt.Key.Key_Return, Qt.KeyboardModifier.AltModifier)
    details = window.overlays.details
    assert details.isVisible() and details.name.hasFocus()
    person.write("something else")
    person.keys(Qt.Key.Key_Escape)
    assert not details.isVisible() and window.document.project == first and window.canvas.hasFocus()
    window.overlays.show_details()
    person.keys(Qt.Key.Key_Return)
    assert not details.isVisible() and not window.document.is_modified


def test_marks_in_a_name_are_words(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window("and", ready=False)
    window.overlays.show_details()
    window.overlays.details.name.setText("<b>bold</b>")
    window.overlays.details.accept.click()
    title = window.top_bar.findChild(ProjectTitle)
    assert title is not None and "&lt;b&gt;" in title.toolTip()
