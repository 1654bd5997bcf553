"""Colours of notes and arrows have keys and stand in a menu, as everything that can be done."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from window_hands import CONTROL, Person
from window_kit import OpenWindow

ALT = Qt.KeyboardModifier.AltModifier


def test_notes_and_arrows_are_coloured_by_key_and_menu_in_one_step(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("xnor-two-layer", ready=False)
    person = Person(window, qtbot)
    window.canvas.setFocus()
    before = window.document.project
    window.canvas.select(["note1", "arrow1"])
    person.keys("9", ALT)
    graph = window.document.project.graph
    assert graph.notes["note1"].colour == graph.arrows["arrow1"].colour == "bad"
    person.keys("Z", CONTROL)
    assert window.document.project == before
    person.menu("Add", "Colour: green")
    graph = window.document.project.graph
    assert graph.notes["note1"].colour == graph.arrows["arrow1"].colour == "good"
    assert window.document.undo_title == "Colour green"


def test_without_a_note_it_is_said(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("xnor-two-layer", ready=False)
    person = Person(window, qtbot)
    window.canvas.setFocus()
    window.canvas.select(["linear1"])
    with qtbot.waitSignal(window.canvas.message) as said:
        person.keys("5", ALT)
    assert said.args == ["Select a note or an arrow first."]
    assert not window.document.can_undo


def test_a_text_without_any_layer_gets_a_sentence(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("xnor-two-layer", ready=False)
    person = Person(window, qtbot)
    window.canvas.setFocus()
    QApplication.clipboard().setText('{"nnviz_layers": 2}')
    with qtbot.waitSignal(window.canvas.message) as said:
        person.keys("V", CONTROL)
    assert said.args == ["The clipboard holds no layers."]
