"""Everything that can be done with an instrument is an action with keys, in the menu bar and in the palette."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu
from pytestqt.qtbot import QtBot
from window_hands import Person
from window_kit import TIMEOUT, OpenWindow

from nnviz.gui.look import theme
from nnviz.gui.panels.curves import CurvesPanel
from nnviz.gui.panels.feature_maps import FeatureMapsPanel
from nnviz.gui.parts import keycaps
from nnviz.gui.parts.keycaps import keys_of
from nnviz.gui.window.command_entries import all_entries
from nnviz.gui.window.window import MainWindow
from nnviz.project.edits import RemoveNodes

Key = Qt.Key
CONTROL = Qt.KeyboardModifier.ControlModifier
CONTROL_ALT = CONTROL | Qt.KeyboardModifier.AltModifier


def chord(window: MainWindow, *letters: Key) -> None:
    focused = window.focusWidget() or window
    QTest.keyClick(focused, Key.Key_J, CONTROL)
    for letter in letters:
        QTest.keyClick(window.focusWidget() or window, letter)
    QApplication.processEvents()


def in_menu(menu: QMenu) -> list[QAction]:
    found: list[QAction] = []
    for action in menu.actions():
        below = action.menu()
        if isinstance(below, QMenu):
            found += in_menu(below)
        elif not action.isSeparator():
            found.append(action)
    return found


def test_every_instrument_is_shown_and_hidden_by_keys_that_nothing_else_has(open_window: OpenWindow) -> None:
    window = open_window(ready=False)
    assert window.docks is not None
    others = {key.toString() for action in window.actions_by_name.values() for key in action.shortcuts()}
    seen: set[str] = set()
    for action in window.docks.toggle_actions():
        keys = action.shortcut()
        assert keys != QKeySequence() and keys[0].key().name.startswith("Key_"), action.toolTip()
        assert keys.toString() not in others | seen, action.toolTip()
        assert action.toolTip().endswith(f"({keys.toString()})")
        seen.add(keys.toString())


def test_every_action_has_a_menu_a_shortcut_words_and_a_place_in_the_palette(open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    assert window.docks is not None
    barred = {
        action
        for top in window.menu_bar.actions()
        for action in in_menu(top.menu())  # type: ignore[arg-type]  # each has one
    }
    own = {*window.actions_by_name.values(), *window.looks.minimap_menu.actions(), *window.docks.toggle_actions()}
    for key, actions in window.docks.actions.items():
        assert len(actions.entries) >= 5
        assert {entry.action for entry in actions.entries} <= set(in_menu(window.docks.panels[key].menu)), key
        own |= {entry.action for entry in actions.entries}
    assert own <= barred
    # The rest are lists of things, not of deeds: kinds of layers, and files.
    entries = all_entries(window.findable)
    layers = {entry.title.removeprefix("Add ") for entry in entries if entry.category == "Layer"}
    explain = window.menu_bar.findChild(QMenu, "menu-Explain")
    assert explain is not None
    # And what one wants to have explained: each opens an instrument, whose own keys stand beside it.
    ways = [entry for entry in in_menu(explain) if entry not in own]
    assert all(entry.text() and entry.toolTip() for entry in ways) and len(ways) == 5
    assert {action.text() for action in barred - own - set(ways)} <= layers
    palette = {entry.shortcut for entry in entries}
    # The palette need not be found in itself; these are found by their actions in the menus View and File.
    elsewhere = {window.docks.docks[key].toggleViewAction() for key in ("outline", "problems", "runs")}
    elsewhere.add(window.action("command_palette"))
    for action in own:
        shown = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        assert shown, action.text()
        assert f"({shown})" in action.toolTip() and "&" not in action.toolTip(), action.text()
        assert action.statusTip() and re.search(r"&\w", action.text()), action.text()
        assert shown in palette or action in elsewhere, action.text()
    titles = [entry.title for entry in entries]
    assert "Loss: save as CSV (data)" in titles and "Feature maps: one colour scale for all maps" in titles
    assert len([title for title in titles if title in {"Problems", "Show Problems"}]) == 1
    assert not [entry for entry in entries if entry.category == "Panel"]


def test_no_keys_are_the_beginning_of_others(open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    found = [sequence for action in window.findChildren(QAction) for sequence in action.shortcuts()]
    found += [
        sequence
        for shortcut in window.findChildren(QShortcut)
        for sequence in shortcut.keys()  # noqa: SIM118 - no mapping
    ]
    keys = sorted(tuple(sequence[at].toCombined() for at in range(sequence.count())) for sequence in found)
    assert max(map(len, keys)) == 3
    for one, other in itertools.pairwise(keys):
        assert other[: len(one)] != one, (one, other)


def test_keys_pressed_one_after_the_other_are_drawn_as_single_keys() -> None:
    assert keys_of("Ctrl+J, L, D") == ["Ctrl", "J", "L", "D"]
    font = theme.font(13)
    assert keycaps.width(["Ctrl+J, L"], font) > keycaps.width(["Ctrl+J+L"], font)


def test_a_menu_of_an_instrument_has_no_letter_twice(open_window: OpenWindow) -> None:
    window = open_window(ready=False)
    assert window.docks is not None
    for panel in window.docks.panels.values():
        letters = [found[1].lower() for action in panel.menu.actions() if (found := re.search(r"&(\w)", action.text()))]
        assert len(set(letters)) == len(letters), (panel.title, sorted(letters))


def test_keys_reach_an_instrument_that_is_hidden(open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    assert window.docks is not None
    window.canvas.setFocus()
    dock, panel = window.docks.docks["feature_maps"], window.docks.panels["feature_maps"]
    assert dock.isHidden() and isinstance(panel, FeatureMapsPanel) and not panel.view.shared
    chord(window, Key.Key_M, Key.Key_O)
    assert not dock.isHidden() and panel.view.shared
    assert window.docks.actions["feature_maps"].action("scale=shared").isChecked()
    assert not window.docks.actions["feature_maps"].action("scale=own").isChecked()


def test_options_stay_over_a_lecture(open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    assert window.docks is not None
    window.canvas.setFocus()
    chord(window, Key.Key_L, Key.Key_E)
    chord(window, Key.Key_L, Key.Key_9)
    before = window.docks.panels["loss"]
    window.action("lecture").trigger()
    window.action("lecture").trigger()
    after = window.docks.panels["loss"]
    assert after is before and isinstance(after, CurvesPanel)
    assert (after.axis, after.smoothing) == ("epoch", 0.9)
    after.set_smoothing(0.42)
    actions = window.docks.actions["loss"]
    assert not any(entry.action.isChecked() for entry in actions.entries if entry.key.startswith("smoothing"))


def test_a_click_chooses_whose_picture_is_copied(
    qtbot: QtBot, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    window = open_window("digits-cnn", ready=False)
    docks = window.docks
    assert docks is not None and docks.current == "loss"
    heard: list[str] = []
    docks.message.connect(heard.append)
    panel, handle = docks.panels["gradients"], window.windowHandle()
    assert handle is not None
    QTest.mouseClick(handle, Qt.MouseButton.LeftButton, pos=panel.mapTo(window, panel.rect().center()))
    assert docks.current == "gradients"
    window.canvas.setFocus()
    QTest.keyClick(window.canvas, Key.Key_C, CONTROL_ALT)
    assert heard == ["Copied the picture of “Gradient magnitude”."]
    asked: list[str] = []

    def choose(_parent: object, _title: str, name: str, _filter: str) -> tuple[str, str]:
        asked.append(name)
        return str(tmp_path / name), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", choose)
    QTest.keyClick(window.canvas, Key.Key_D, CONTROL_ALT)
    QTest.keyClick(window.canvas, Key.Key_S, CONTROL_ALT)
    assert asked == ["gradients.csv", "gradients.png"]
    qtbot.waitUntil(lambda: all((tmp_path / name).exists() for name in asked), timeout=TIMEOUT)  # a worker writes them
    docks.docks["gradients"].close()
    assert docks.current == "loss"


def test_what_is_empty_says_what_to_do_next(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    assert window.docks is not None
    loss, findings = window.docks.panels["loss"], window.docks.panels["findings"]
    assert loss.hint == loss.empty
    graph = window.document.project.graph
    window.apply(RemoveNodes((next(node.id for node in graph.nodes.values() if node.kind == "flatten"),)))
    assert loss.hint.startswith("Mend the ") and "Problems (" in loss.hint
    assert findings.hint == findings.empty
    window.action("undo").trigger()
    assert loss.hint == loss.empty
    window.canvas.setFocus()
    Person(window, qtbot).keys("A", CONTROL)
    Person(window, qtbot).keys(Key.Key_Delete)
    assert not window.document.project.graph.nodes
    assert loss.hint.startswith("Draw a network first")
