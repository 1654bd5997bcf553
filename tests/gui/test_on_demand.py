"""Instruments and tabs are made when they are shown first, and show at once what is true then."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow

from nnviz.gui.canvas.cards.card_numbers import CardNumber
from nnviz.gui.look import theme
from nnviz.gui.panels.explain import ExplainPanel
from nnviz.gui.panels.filters import FiltersPanel
from nnviz.gui.panels.own_input import OwnInputPanel
from nnviz.gui.parts.on_demand import OnDemand, take_turn_after
from nnviz.gui.window.command_entries import instrument_entries, panel_entries
from nnviz.gui.window.dock_row import DEFAULT_PANELS
from nnviz.gui.window.shortcut_table import shortcut_groups
from nnviz.gui.window.window import MainWindow


class _Part:
    def __init__(self) -> None:
        self.heard: list[str] = []


class _Other(_Part):
    pass


def test_a_part_is_made_once_and_hears_the_last_of_what_was_told_before() -> None:
    parts = OnDemand[_Part]({"a": _Part, "b": _Other}, lambda kind: kind())
    assert list(parts) == ["a", "b"] and len(parts) == 2 and "b" in parts and "c" not in parts
    assert not parts.made
    first = parts["a"]
    for word in ("one", "two"):
        parts.tell("number", lambda part, word=word: part.heard.append(word))
    parts.tell("colour", lambda part: part.heard.append("red"))
    assert first.heard == ["one", "two", "red"]
    assert parts.made == {"a": first}
    later = parts["b"]
    assert isinstance(later, _Other)
    assert later.heard == ["two", "red"]
    assert parts["b"] is later and parts["a"] is first


def test_tab_comes_to_what_is_made_late_in_its_turn(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    row = QHBoxLayout(window)
    holders = [QWidget(window) for _ in range(3)]
    fields = []
    for holder in holders:
        row.addWidget(holder)
        QHBoxLayout(holder)
    for number in (0, 2, 1):
        field = QLineEdit(holders[number])
        holders[number].layout().addWidget(field)
        fields.append(field)
    first, last, late = fields
    take_turn_after(holders[0], holders[1])
    chain, found = first.nextInFocusChain(), []
    while chain is not first:
        if chain.focusPolicy() & Qt.FocusPolicy.TabFocus:
            found.append(chain)
        chain = chain.nextInFocusChain()
    assert found == [late, last]


def _focusable(window: MainWindow, holder: QWidget) -> list[int]:
    """Where in the order of Tab the widgets of a part of the window stand."""
    chain, widget = [], window.nextInFocusChain()
    while widget is not window:
        chain.append(widget)
        widget = widget.nextInFocusChain()
    return [
        place
        for place, widget in enumerate(chain)
        if holder.isAncestorOf(widget) and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]


def test_only_what_is_seen_is_made(open_window: OpenWindow) -> None:
    window = open_window()
    docks, inspector = window.docks, window.inspector
    assert docks is not None and inspector is not None
    assert set(docks.made) == set(DEFAULT_PANELS)
    assert set(inspector.tabs.made) == {"layer"}
    assert all(panel.isVisible() for panel in docks.made.values())
    # Neither menus nor lists of what can be done need them.
    assert list(panel_entries(window.findable)) and list(instrument_entries(window.findable))
    assert shortcut_groups(window.findable)
    node = next(iter(window.document.project.graph.nodes))
    window.regions.set_selection([node], node)
    docks.set_obstacle("Something is missing.")
    docks.explain_backward(True)
    assert set(docks.made) == set(DEFAULT_PANELS)


def test_an_instrument_that_is_opened_late_knows_all_that_was_told(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window("digits-cnn")
    docks = window.docks
    assert docks is not None
    window.training.step()
    qtbot.waitUntil(lambda: (run := window.feed.run) is not None and run.last_step >= 0, timeout=TIMEOUT)
    convolution = [node.id for node in window.document.project.graph.nodes.values() if node.kind == "conv2d"][-1]
    window.canvas.reveal(convolution)
    theme.set_text_scale(1.4)
    docks.set_obstacle("Something is missing.")
    assert "filters" not in docks.made
    panel = docks.show_panel("filters")
    assert isinstance(panel, FiltersPanel) and panel.isVisible()
    assert panel.selection == convolution
    assert window.interests._of["filters"] == panel.interest
    qtbot.waitUntil(lambda: panel.node == convolution and not panel.is_empty, timeout=TIMEOUT)
    assert panel.run is window.feed.run
    assert panel.header.height() > 34  # large letters


def test_a_number_on_a_card_opens_what_takes_it_apart(open_window: OpenWindow) -> None:
    window = open_window()
    docks = window.docks
    assert docks is not None
    node = next(node.id for node in window.document.project.graph.nodes.values() if node.kind == "linear")
    assert "explain" not in docks.made and docks.explained is None and not docks.is_explained_large
    docks.explain_backward(True)
    window.canvas.number_requested.emit(node, CardNumber((0,)))
    panel = docks.made["explain"]
    assert isinstance(panel, ExplainPanel) and panel.isVisible()
    assert docks.explained is not None and docks.explained.node == node and docks.explained.backward
    # One that comes after it knows that a click on a number is for it.
    late = docks.panels["filters"]
    assert isinstance(late, FiltersPanel) and late.view.grid.picks


def test_what_is_restored_is_there(open_window: OpenWindow, tmp_path: Path) -> None:
    window = open_window()
    assert window.docks is not None
    window.docks.show_panel("own_input")
    window.docks.docks["gradients"].close()
    stored = window.saveState()
    other = open_window()
    assert other.docks is not None and "own_input" not in other.docks.made
    assert other.restoreState(stored)
    drawing = other.docks.made["own_input"]
    assert isinstance(drawing, OwnInputPanel) and drawing.isVisible()
    assert other.docks.docks["own_input"].titleBarWidget() is not None
    assert other.docks.docks["gradients"].isHidden()


def test_tab_goes_through_instruments_in_one_order(open_window: OpenWindow) -> None:
    window = open_window()
    docks, inspector = window.docks, window.inspector
    assert docks is not None and inspector is not None
    for key in ("why", "problems", "filters"):
        docks.show_panel(key)
    inspector.show_tab("training")
    order = [docks.docks[key] for key in docks.kinds if key in docks.made]
    places = [_focusable(window, dock.titleBarWidget()) for dock in order]
    assert all(places) and [found[0] for found in places] == sorted(found[0] for found in places)
    training = _focusable(window, inspector.training)
    assert training[0] < places[0][0]


def test_the_data_tab_asks_through_the_inspector(open_window: OpenWindow, qtbot: QtBot) -> None:
    inspector = open_window().inspector
    assert inspector is not None and "data" not in inspector.tabs.made
    with qtbot.waitSignals([inspector.download_requested, inspector.viewer_requested], timeout=TIMEOUT):
        inspector.data.download_requested.emit("digits")
        inspector.data.viewer_requested.emit()
