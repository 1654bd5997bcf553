"""Instruments at the foot: as many side by side as can be read, the others as tabs; torn off, they are windows."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QDockWidget, QMenu, QTabBar, QToolButton
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow

from nnviz.gui.panels.why import WhyPanel
from nnviz.gui.window.dock_row import SIDE_PANELS
from nnviz.gui.window.docks import Docks
from nnviz.gui.window.frame import row_height
from nnviz.gui.window.window import MainWindow


def docks_of(window: MainWindow) -> Docks:
    assert window.docks is not None
    return window.docks


def in_front(window: MainWindow) -> list[QDockWidget]:
    """The instruments that can be seen at the foot, left to right."""
    found = [dock for dock in docks_of(window).docks.values() if dock.isVisible() and not dock.isFloating()]
    seen = [dock for dock in found if not dock.visibleRegion().isEmpty() and dock.x() >= 0]
    return sorted(seen, key=lambda dock: dock.x())


def stand_apart(window: MainWindow) -> bool:
    """Nothing overlaps, and each has room."""
    row = in_front(window)
    apart = all(left.geometry().right() < right.geometry().left() for left, right in pairwise(row))
    whole = all(dock.width() >= 228 and dock.geometry().right() <= window.width() for dock in row)
    headers = all(
        panel.header.minimumSizeHint().width() <= panel.header.width()
        for panel in (docks_of(window).panels[key] for key, dock in docks_of(window).docks.items() if dock in row)
    )
    return apart and whole and headers


@pytest.mark.parametrize("size", [(1024, 600), (1366, 768), (1680, 1050)])
def test_eight_instruments_do_not_overlap_and_are_all_at_hand(
    qtbot: QtBot, open_window: OpenWindow, size: tuple[int, int]
) -> None:
    window = open_window("digits-cnn", ready=False)
    window.resize(*size)
    docks = docks_of(window)
    opened = [key for key in docks.docks if key not in SIDE_PANELS][:8]
    for key in opened:
        docks.show_panel(key)
        qtbot.waitUntil(lambda key=key: docks.docks[key] in in_front(window), timeout=TIMEOUT)  # type: ignore[misc]
    qtbot.waitUntil(lambda: stand_apart(window), timeout=TIMEOUT)
    tabs = [tabs for tabs in window.findChildren(QTabBar) if tabs.isVisible() and tabs.count() > 1]
    behind = {tabs.tabText(index) for tabs in tabs for index in range(tabs.count())}
    for key in opened:
        assert docks.docks[key] in in_front(window) or docks.docks[key].windowTitle() in behind, key
    assert all(tabs.elideMode() is Qt.TextElideMode.ElideNone for tabs in tabs)
    assert docks.docks["findings"] in in_front(window)


def tabs_of(window: MainWindow) -> list[set[str]]:
    """The titles on each bar of tabs that can be seen."""
    bars = [tabs for tabs in window.findChildren(QTabBar) if tabs.parent() is window and tabs.isVisible()]
    return [{tabs.tabText(index) for index in range(tabs.count())} for tabs in bars if tabs.count()]


def test_no_tabs_are_left_behind(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    window.resize(1280, 720)
    docks = docks_of(window)
    for _ in range(2):
        for key in ("why", "hard_examples"):
            docks.show_panel(key)
            qtbot.waitUntil(lambda: stand_apart(window), timeout=TIMEOUT)
            # One bar where several share a place, with their names.
            bars = tabs_of(window)
            assert {frozenset(own) for own in bars} == docks.row.tab_groups() and len(bars) == len(
                docks.row.tab_groups()
            ) > 0
        docks.row.arrange_as_new()
        qtbot.waitUntil(lambda: not tabs_of(window), timeout=TIMEOUT)
        assert not docks.row.tab_groups()
    docks.show_panel("evaluation")
    qtbot.waitUntil(lambda: stand_apart(window), timeout=TIMEOUT)
    for _ in range(4):  # Qt has made two bars for the same place: it is always the other one that goes
        docks.row.follow_width()
        for _ in range(5):
            QApplication.processEvents()
        assert len(tabs_of(window)) == len(docks.row.tab_groups()) == 1


def has_height(docks: Docks, height: int) -> bool:
    return docks.row.height() == height


def test_every_instrument_that_is_opened_has_its_place_and_gives_it_back(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    docks = docks_of(window)
    first = ["own_input", "evaluation", "hard_examples"]
    for size in ((1280, 720), (1024, 600)):
        window.resize(*size)
        docks.row.arrange_as_new()
        docks.row.keep_apart()
        qtbot.waitUntil(lambda: stand_apart(window), timeout=TIMEOUT)
        low = docks.row.height()
        for key in (*first, *(key for key in docks.docks if key not in (*first, "findings"))):
            dock = docks.docks[key]
            dock.toggleViewAction().trigger()
            # What stands at the left takes its width from the row; and what is asked for later is to be done, too.
            if key in SIDE_PANELS:
                qtbot.waitUntil(lambda: window.centralWidget().x() > 0, timeout=TIMEOUT)
            for _ in range(5):
                QApplication.processEvents()
            qtbot.waitUntil(lambda: stand_apart(window), timeout=TIMEOUT)
            if key in ("evaluation", "hard_examples"):
                qtbot.waitUntil(lambda: docks.row.height() >= 300, timeout=TIMEOUT)  # half of a low window
            dock.close()
            qtbot.waitUntil(partial(has_height, docks, low), timeout=TIMEOUT)


def test_a_row_that_was_empty_keeps_a_height_when_the_highest_in_it_goes(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("spiral", ready=False)
    docks = docks_of(window)
    for dock in docks.docks.values():
        dock.close()
    qtbot.waitUntil(partial(has_height, docks, 0), timeout=TIMEOUT)
    docks.row.settle()
    qtbot.waitUntil(lambda: docks.row._settled == 0, timeout=TIMEOUT)
    docks.show_panel("evaluation")
    docks.show_panel("history")
    qtbot.waitUntil(lambda: docks.row.height() >= 300 and docks.row._raised[1] >= 300, timeout=TIMEOUT)
    docks.docks["evaluation"].close()  # a warning of Qt's about a height of 0 fails the test
    qtbot.waitUntil(partial(has_height, docks, row_height(window)), timeout=TIMEOUT)


def test_a_window_made_narrow_puts_tabs_where_there_is_no_room(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    window.resize(1680, 800)
    qtbot.waitUntil(lambda: len(in_front(window)) == 4, timeout=TIMEOUT)
    window.resize(700, 800)
    qtbot.waitUntil(lambda: len(in_front(window)) == 2 and stand_apart(window), timeout=TIMEOUT)
    assert docks_of(window).docks["findings"] in in_front(window)


def test_problems_do_not_stand_in_front_of_findings(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    docks = docks_of(window).docks
    for width in (1024, 1680):
        window.resize(width, 700)
        window.action("problems").trigger()
        qtbot.waitUntil(lambda: {docks["problems"], docks["findings"]} <= set(in_front(window)), timeout=TIMEOUT)
    # An arrangement of an earlier version has them in one place.
    docks["problems"].hide()
    window.tabifyDockWidget(docks["findings"], docks["problems"])
    window.action("problems").trigger()
    qtbot.waitUntil(lambda: {docks["problems"], docks["findings"]} <= set(in_front(window)), timeout=TIMEOUT)


def test_its_key_brings_an_instrument_to_the_front_before_it_closes_it(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    window.resize(1272, 678)
    docks = docks_of(window)
    why, evaluation = docks.docks["why"], docks.docks["evaluation"]
    docks.show_panel("evaluation")
    window.tabifyDockWidget(evaluation, why)
    why.hide()
    evaluation.raise_()
    qtbot.waitUntil(lambda: evaluation in in_front(window), timeout=TIMEOUT)
    why.toggleViewAction().trigger()
    qtbot.waitUntil(lambda: why in in_front(window), timeout=20_000)
    evaluation.raise_()
    qtbot.waitUntil(lambda: "why" in docks._behind, timeout=TIMEOUT)
    why.toggleViewAction().trigger()  # it cannot be seen: that is no wish to close it
    qtbot.waitUntil(lambda: why in in_front(window), timeout=20_000)
    qtbot.waitUntil(lambda: "why" not in docks._behind, timeout=TIMEOUT)
    why.toggleViewAction().trigger()
    assert why.isHidden()


def test_a_panel_that_is_torn_off_is_a_window_with_title_and_frame(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    dock = docks_of(window).docks["loss"]
    dock.setFloating(True)
    qtbot.waitUntil(lambda: dock.windowType() is Qt.WindowType.Window and dock.isVisible(), timeout=TIMEOUT)
    assert not dock.windowFlags() & Qt.WindowType.FramelessWindowHint
    assert dock.windowTitle() and dock.parentWidget() is window
    dock.setFloating(False)
    QApplication.processEvents()
    assert not dock.isWindow() and dock.isVisible()
    assert window.dockWidgetArea(dock) == Qt.DockWidgetArea.BottomDockWidgetArea


def test_the_menu_explain_opens_what_explains_with_room_to_read_it(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    window.resize(1280, 720)
    docks = docks_of(window)

    def has_room(dock: QDockWidget, least: int) -> bool:
        """It is in front; the tabs below it take some of its height."""
        return dock in in_front(window) and dock.height() > least - 40

    menu = window.menu_bar.findChild(QMenu, "menu-Explain")
    assert menu is not None
    ways = {action.text().replace("&", "").partition("\t")[0]: action for action in menu.actions()}
    for words, key in (
        ("Draw or type an input", "own_input"),
        ("Valley of the loss", "landscape"),
        ("Curves of activations", "activation_curves"),
        ("What a unit wants", "why"),
    ):
        ways[words].trigger()
        qtbot.waitUntil(partial(has_room, docks.docks[key], docks.panels[key].least_height), timeout=TIMEOUT)
    why = docks.panels["why"]
    assert isinstance(why, WhyPanel) and why.switch.value == "unit"
    ways["Why this answer"].trigger()
    assert why.switch.value == "answer"
    # Torn off by its button it is large enough to be worked with, and over the window it came from.
    title = docks.docks["why"].titleBarWidget()
    assert title is not None
    tear = next(button for button in title.findChildren(QToolButton) if button.toolTip().startswith("Float"))
    tear.click()
    dock = docks.docks["why"]
    qtbot.waitUntil(lambda: dock.windowType() is Qt.WindowType.Window and dock.isVisible(), timeout=TIMEOUT)
    assert dock.width() >= 860 and dock.height() >= 500
    tear.click()
    assert not dock.isFloating()


def test_a_page_stays_in_front_of_the_docks_when_the_window_becomes_narrow(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    window = open_window("digits-cnn", ready=False)
    window.resize(1680, 1050)
    docks_of(window).show_panel("runs")
    qtbot.waitUntil(lambda: stand_apart(window), timeout=TIMEOUT)
    count = len(in_front(window))
    window.compare_room.show()
    page = window.compare_room.page
    assert page is not None

    def covered() -> bool:
        places = [QPoint(x * window.width() // 10, page.y() + 20 + y * (page.height() - 40) // 9)
                  for x in range(1, 10) for y in range(10)]  # fmt: skip
        found = [window.childAt(place) for place in places if not separated(place)]
        return all(one is page or (one is not None and page.isAncestorOf(one)) for one in found)

    def separated(place: QPoint) -> bool:  # Qt puts what is dragged between two docks over everything
        return (found := window.childAt(place)) is not None and found.objectName().startswith("qt_qmainwindow")

    assert covered()
    window.resize(1280, 720)
    qtbot.waitUntil(lambda: len(in_front(window)) < count and stand_apart(window), timeout=TIMEOUT)
    qtbot.wait(150)  # Qt brings to the front what it has laid out anew, a moment later
    assert covered()
