"""The whole network in the real window: map, arrangement, notices and lecture mode."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from window_kit import OpenWindow

from nnviz.gui.look import motion
from nnviz.gui.panels.history import HistoryPanel
from nnviz.gui.window.looks import Looks
from nnviz.gui.window.window import MainWindow
from nnviz.project.edits import Move, Rename

CONTROL = Qt.KeyboardModifier.ControlModifier


def choices(window: MainWindow) -> dict[str, bool]:
    """What stands in the menu of the map."""
    return {str(action.data()): action.isChecked() for action in window.looks.minimap_menu.actions()}


def test_when_the_map_is_shown_is_chosen_in_the_menu_and_remembered(open_window: OpenWindow) -> None:
    window = open_window()
    minimap = window.canvas.minimap
    window.canvas.camera.fit()
    assert minimap.isHidden()
    assert choices(window) == {"automatic": True, "always": False, "never": False}
    next(action for action in window.looks.minimap_menu.actions() if action.data() == "always").trigger()
    assert minimap.isVisible()
    assert choices(window) == {"automatic": False, "always": True, "never": False}
    assert window.settings.minimap == "always"
    minimap.set_mode("automatic")
    Looks(window.settings, window.canvas.minimap, window)  # as at the next start
    assert minimap.mode == "always"


def test_one_key_shows_and_hides_the_map(open_window: OpenWindow) -> None:
    window = open_window()
    window.canvas.camera.fit()
    window.canvas.setFocus()
    QTest.keyClick(window.canvas, Qt.Key.Key_M, CONTROL)
    assert window.canvas.minimap.isVisible()
    QTest.keyClick(window.canvas, Qt.Key.Key_M, CONTROL)
    assert window.canvas.minimap.isHidden()
    assert choices(window)["never"]


def test_gliding_is_switched_off_in_the_menu_and_remembered(open_window: OpenWindow) -> None:
    window = open_window()
    assert window.action("motion").isChecked()
    window.action("motion").trigger()
    assert window.settings.motion == "never"
    motion.choose("always")
    Looks(window.settings, window.canvas.minimap, window)  # as at the next start
    assert motion.choice() == "never"
    window.action("motion").trigger()
    assert motion.choice() == "system"


def test_menu_canvas_and_keys_arrange_alike(open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    document = window.document
    window.canvas.desk.arrange()
    arranged = document.project.graph
    steps = len(document.history)
    for arrange in (window.action("arrange").trigger, window.canvas.desk.arrange):
        document.apply(Move({"conv2": (900.0, 900.0)}))
        arrange()
        assert document.project.graph == arranged
        assert document.undo_title == "Arrange"
        document.undo()
        document.undo()
    assert document.history.position == steps


def test_a_notice_hides_no_card_of_a_fitted_network(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window("digits-cnn")
    canvas = window.canvas
    canvas.camera.fit()
    before = canvas.camera.zoom
    text = "Something that takes many words to say, " * 6
    window.notices.show_notice("test", text, "warning")
    notice = window.notices.notice("test")
    assert notice is not None
    lowest = window.notices.geometry().bottom()
    assert notice.height() > 60  # a long text wraps
    assert canvas.mapFromScene(canvas.camera.content_rect().topLeft()).y() > lowest
    assert canvas.rect().contains(canvas.mapFromScene(canvas.camera.content_rect().bottomRight()))
    window.notices.dismiss("test")
    assert canvas.camera.zoom == before


def test_the_history_dock_leads_back(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window("digits-cnn")
    assert window.docks is not None
    panel = window.docks.show_panel("history")
    assert isinstance(panel, HistoryPanel)
    start = window.document.project
    for number in range(5):
        window.document.apply(Rename("conv2", f"Name {number}"))
    qtbot.waitUntil(panel.isVisible)
    qtbot.waitUntil(lambda: not panel.list.visualRect(panel.model.index(0)).isEmpty())
    panel.list.scrollToTop()
    place = panel.list.visualRect(panel.model.index(0)).center()
    QTest.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    assert window.document.project == start
    assert window.action("redo").isEnabled()
    assert not window.action("undo").isEnabled()
    window.action("lecture").trigger()
    QApplication.processEvents()
    window.document.jump(5)
    window.action("lecture").trigger()
    window.document.jump(2)
