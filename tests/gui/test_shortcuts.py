from __future__ import annotations

import inspect
import re

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from window_hands import CONTROL, Person
from window_kit import OpenWindow

from nnviz.gui.canvas.hands import keyboard
from nnviz.gui.canvas.hands.keyboard import CanvasKeys
from nnviz.gui.canvas.hands.keys import CANVAS_KEYS
from nnviz.gui.look import theme
from nnviz.gui.parts.action import Action, actions_by_menu, plain
from nnviz.gui.parts.key_use import KeyUse, arrows
from nnviz.gui.parts.keycaps import keys_of
from nnviz.gui.window.shortcut_sheet import ShortcutSheet, shares
from nnviz.gui.window.shortcut_table import ShortcutGroup
from nnviz.gui.window.window import MainWindow
from nnviz.project.edits import Rename, Several

Key = Qt.Key


def opened(person: Person) -> ShortcutSheet:
    person.keys(Key.Key_F1)
    sheet = person.window.overlays.sheet
    assert sheet.isVisible()
    return sheet


def words(sheet: ShortcutSheet) -> set[str]:
    return {row.use.words for row in sheet.rows()}


# ---- the sheet -----------------------------------------------------------------------------------------------------


def test_it_opens_and_closes_with_its_keys(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    person = Person(window, qtbot)
    window.canvas.setFocus()
    sheet = opened(person)
    person.keys(Key.Key_Escape)
    assert sheet.isHidden() and window.focusWidget() is window.canvas
    person.keys(Key.Key_Slash, CONTROL)
    assert sheet.isVisible()
    person.keys(Key.Key_Slash, CONTROL)
    assert sheet.isHidden()
    person.keys("K", CONTROL)
    person.keys(Key.Key_F1)
    assert sheet.isVisible() and window.overlays.palette.isHidden()
    person.keys(Key.Key_Escape)
    person.menu("Help", "Keyboard shortcuts")
    assert sheet.isVisible()


def test_it_shows_every_action_and_every_key_of_the_canvas(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    sheet = opened(Person(window, qtbot))
    shown = words(sheet)
    assert {plain(offer.text) for offer in window.offered if isinstance(offer, Action)} <= shown
    assert {use.words for use in CANVAS_KEYS} <= shown
    assert {"Save as CSV (data)", "Smoothing: weak", "Return to live", "Explain"} <= shown
    assert all(row.accessibleName().startswith(f"{row.use.words}: ") for row in sheet.rows())


def test_a_few_letters_or_a_key_leave_what_fits(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    person = Person(window, qtbot)
    sheet = opened(person)
    everything = len(sheet.rows())
    person.write("theme")
    assert "Theme of the system" in words(sheet) and len(sheet.rows()) < everything
    person.keys("A", CONTROL)
    person.write("f10")
    assert {"Step", "Step back"} <= words(sheet)
    person.keys("A", CONTROL)
    person.write("qqzzqq")
    assert sheet.rows() == []
    person.keys("A", CONTROL)
    person.keys(Key.Key_Backspace)
    assert len(sheet.rows()) == everything


def test_tab_stays_inside(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    person = Person(window, qtbot)
    sheet = opened(person)
    for _ in range(5):
        person.keys(Key.Key_Tab)
        focused = window.focusWidget()
        assert focused is not None and sheet.isAncestorOf(focused)


def test_no_key_is_cut_off(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    person = Person(window, qtbot)
    for name in ("dark", "light"):
        theme.set_theme(name)
        for size in ((1680, 1050), (1280, 720), (1000, 600)):
            window.resize(*size)
            sheet = opened(person)
            QApplication.processEvents()
            assert window.rect().contains(sheet.card.geometry()), (name, size)
            columns = {row.x() for row in sheet.rows()}
            assert 2 <= len(columns) <= 3, (name, size)
            for row in sheet.rows():
                case = (name, size, row.use.words)
                assert row.width() >= row.minimumSizeHint().width(), case
                assert row.mapTo(sheet.card, row.rect().bottomRight()).x() <= sheet.card.width(), case
            person.keys(Key.Key_Escape)
            assert not sheet.isVisible()


def test_large_letters_have_fewer_columns(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    window.resize(1680, 1050)
    person = Person(window, qtbot)
    height = opened(person).rows()[0].height()
    person.keys(Key.Key_Escape)
    theme.set_text_scale(32 / 13)
    sheet = opened(person)
    QApplication.processEvents()
    assert sheet.rows()[0].height() > 2 * height
    assert len({row.x() for row in sheet.rows()}) <= 2


def test_columns_are_as_even_as_their_groups_allow() -> None:
    def group(count: int) -> ShortcutGroup:
        return ShortcutGroup(str(count), tuple(KeyUse(str(n), ("A",)) for n in range(count)))

    groups = [group(count) for count in (10, 2, 2, 9, 1, 9)]
    assert [[len(part.uses) for part in column] for column in shares(groups, 3)] == [[10, 2], [2, 9], [1, 9]]
    assert shares(groups[:1], 3) == [groups[:1]]
    assert shares([], 3) == [[]]


def test_keys_are_written_as_on_the_keyboard() -> None:
    assert KeyUse("", arrows("Alt")).shown == ("Alt+← ↑ → ↓",)
    assert KeyUse("", arrows()).shown == ("← ↑ → ↓",)
    assert KeyUse("", ("Return", "Enter")).shown == ("Enter",)
    assert keys_of("Ctrl++") == ["Ctrl", "+"] and keys_of("Ctrl+Shift+P") == ["Ctrl", "Shift", "P"]


# ---- the one table of the canvas's keys ----------------------------------------------------------------------------


def presses(window: MainWindow, name: str) -> bool:
    """Whether the canvas uses a key, as one event."""
    combination = QKeySequence(name)[0]
    canvas = window.canvas
    if combination.key() in (Key.Key_Tab, Key.Key_Backtab):
        canvas.select([])
        return canvas.focusNextPrevChild(not combination.keyboardModifiers())
    event = QKeyEvent(QEvent.Type.KeyPress, combination.key(), combination.keyboardModifiers())
    event.ignore()
    canvas.keyPressEvent(event)
    return event.isAccepted()


def test_every_key_that_the_table_names_does_something(open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    window.canvas.setFocus()
    for use in CANVAS_KEYS:
        for name in use.keys:
            window.canvas.select(["conv2"])
            assert presses(window, name), f"{name}: {use.words}"


def test_every_key_that_the_canvas_knows_is_in_the_table_or_in_a_menu(open_window: OpenWindow) -> None:
    """Who adds a key to keyboard.py declares it in canvas/keys.py (or as an action), and the sheet shows it."""
    window = open_window("and", ready=False)
    source = inspect.getsource(keyboard)
    known = {QKeySequence(name)[0].key() for use in CANVAS_KEYS for name in use.keys}
    known |= {
        sequence[0].key() for action in window.actions_by_name.values() for sequence in action.shortcuts() if sequence
    }
    used = {Key[name] for name in re.findall(r"Qt\.Key\.(Key_\w+)", source)}
    assert used <= known, used - known
    assert all(use.words in str(CanvasKeys.__doc__) for use in CANVAS_KEYS)


# ---- every action --------------------------------------------------------------------------------------------------


def test_no_two_actions_share_a_shortcut(open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    seen: dict[str, str] = {}
    for action in window.findChildren(QAction):
        for sequence in action.shortcuts():
            key = sequence.toString()
            words = plain(action.text())
            assert key not in seen, f"{key}: {seen.get(key)} and {words}"
            seen[key] = words
    for shortcut in window.findChildren(QShortcut):
        for sequence in shortcut.keys():  # noqa: SIM118 - no mapping
            assert sequence.toString() not in seen, sequence.toString()
            seen[sequence.toString()] = "a shortcut"
    for use in CANVAS_KEYS:
        for name in use.keys:
            key = QKeySequence(name).toString()
            assert key not in seen, f"{key}: {seen.get(key)} and {use.words}"


def test_every_action_is_in_a_menu_with_words_and_a_tooltip(open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    top = [entry.menu() for entry in window.menu_bar.actions()]
    menus = [*top, *(entry.menu() for menu in top for entry in menu.actions() if entry.menu() is not None)]
    in_menus = {entry for menu in menus for entry in menu.actions()}
    for _, specs in actions_by_menu(window.offered):
        for spec in specs:
            action = window.action(spec.name)
            assert action in in_menus, spec.name
            assert action.shortcuts() and action.shortcut().toString() in action.toolTip(), spec.name
            assert action.statusTip() and "&" not in action.toolTip(), spec.name
            assert plain(action.text()) and "…" not in plain(action.text()), spec.name
            assert action.iconText().replace("…", "") == plain(action.text()), spec.name
            assert re.search(r"&\w", spec.text), spec.name
    for menu in menus:
        letters = [found[1].lower() for action in menu.actions() if (found := re.search(r"&(\w)", action.text()))]
        # The families of layers are many, and letters are few.
        assert len(set(letters)) == len(letters) or plain(menu.title()) == "Add", (menu.title(), sorted(letters))


def test_actions_of_the_canvas_wait_for_the_canvas(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    canvas_only = [offer.name for offer in window.offered if isinstance(offer, Action) and offer.canvas_only]
    assert {"cut", "group", "note", "colour_bad", "align_left"} <= set(canvas_only)
    for name in canvas_only:
        assert window.action(name).shortcutContext() == Qt.ShortcutContext.WidgetWithChildrenShortcut, name
    person = Person(window, qtbot)
    node = person.nodes[1]
    window.canvas.setFocus()
    window.canvas.select([node])
    person.keys(Key.Key_F2)
    assert window.canvas.renaming.editor is not None
    person.keys(Key.Key_Escape)
    assert window.canvas.renaming.editor is None


def test_what_is_off_says_why(open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    for name in ("undo", "redo", "save_run", "live", "step_back"):
        action = window.action(name)
        assert not action.isEnabled() and str(action.property("reason")).endswith("."), name


def test_a_name_with_an_ampersand_stands_in_the_menu_as_it_was_written(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("xnor-two-layer")
    node = next(iter(window.document.project.graph.nodes))
    window.apply(Several((Rename(node, "Other"),), "Rename Salt & Pepper"))
    assert window.actions_by_name["undo"].text() == "&Undo Rename Salt && Pepper"
    assert plain(window.actions_by_name["undo"].text()) == "Undo Rename Salt & Pepper"
