"""Random hands on the real window: whatever is pressed in whatever order, nothing breaks and all can be taken back."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QWheelEvent, QWindow
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from pytestqt.qtbot import QtBot
from window_hands import CONTROL, LEFT, NONE, SHIFT
from window_kit import OpenWindow

from nnviz.gui.window.window import MainWindow
from nnviz.project.files import io

#: Actions that take another project, ask the desktop, write files, or train: others test those.
KEPT_AWAY = frozenset((
    "new", "samples", "open", "save", "save_as", "save_run", "quit", "full_screen", "play", "step", "step_back",
    "reset", "evaluate_test", "command_palette", "log", "about",
))  # fmt: skip
KEYS: tuple[tuple[Qt.Key, Qt.KeyboardModifier], ...] = (
    *((key, NONE) for key in (
        Qt.Key.Key_Delete, Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Tab, Qt.Key.Key_Left, Qt.Key.Key_Right,
        Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_C, Qt.Key.Key_B, Qt.Key.Key_F, Qt.Key.Key_N, Qt.Key.Key_F2,
        Qt.Key.Key_Home, Qt.Key.Key_Slash, Qt.Key.Key_Plus, Qt.Key.Key_Minus, Qt.Key.Key_3, Qt.Key.Key_Menu,
    )),
    *((key, CONTROL) for key in (
        Qt.Key.Key_A, Qt.Key.Key_C, Qt.Key.Key_V, Qt.Key.Key_X, Qt.Key.Key_D, Qt.Key.Key_G, Qt.Key.Key_Z,
        Qt.Key.Key_Period, Qt.Key.Key_Return, Qt.Key.Key_M,
    )),
    *((key, CONTROL | SHIFT) for key in (Qt.Key.Key_A, Qt.Key.Key_G, Qt.Key.Key_Z)),
    (Qt.Key.Key_A, SHIFT), (Qt.Key.Key_Tab, SHIFT),
)  # fmt: skip


def close_popup() -> None:
    """Put away a menu or a list that is open."""
    popup = QApplication.activePopupWidget()
    if popup is not None:
        popup.close()


class Monkey:
    """Does what comes to its mind, the same for the same seed."""

    def __init__(self, window: MainWindow, seed: int) -> None:
        self.window = window
        self.random = random.Random(seed)
        self.done: list[str] = []

    def handle(self) -> QWindow:
        """The window as the desktop knows it, which may be another one after the window has changed its state."""
        handle = self.window.windowHandle()
        assert handle is not None
        return handle

    def act(self) -> None:
        """One thing."""
        popup = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        if popup is not None:
            self.act_on(popup)
            return
        deeds: list[tuple[int, Callable[[], None]]] = [
            (5, self.click), (6, self.drag), (2, self.double_click), (2, self.right_click), (2, self.wheel),
            (6, self.key), (3, self.trigger), (2, self.add),
        ]  # fmt: skip
        deed = self.random.choices([what for _, what in deeds], [often for often, _ in deeds])[0]
        deed()

    def act_on(self, popup: QWidget) -> None:
        """Something in a menu or a list that is open, or away with it."""
        self.note(f"in {type(popup).__name__}")
        choice = self.random.random()
        if choice < 0.4:
            QTest.keyClick(popup, Qt.Key.Key_Escape)
        elif choice < 0.7:
            QTest.keyClick(popup, Qt.Key.Key_Down)
            if popup is QApplication.activePopupWidget():
                QTest.keyClick(popup.focusWidget() or popup, Qt.Key.Key_Return)
        else:
            QTest.mouseClick(popup, LEFT, NONE, self.inside(popup))
        if popup is (QApplication.activePopupWidget() or QApplication.activeModalWidget()):
            popup.close()

    def note(self, what: str) -> None:
        self.done.append(what)

    def inside(self, widget: QWidget) -> QPoint:
        return QPoint(self.random.randrange(max(1, widget.width())), self.random.randrange(max(1, widget.height())))

    def somewhere(self) -> QPoint:
        """A place in the window: on a card or a port, on the canvas, or in the inspector."""
        canvas, scene = self.window.canvas, self.window.canvas.canvas_scene
        viewport = canvas.viewport()
        choice = self.random.random()
        cards = list(scene.cards)
        point = self.inside(viewport)
        if choice < 0.6 and cards:
            card = self.random.choice(cards)
            ports = scene.ports_of(card)
            if ports and self.random.random() < 0.5:
                point = canvas.mapFromScene(self.random.choice(ports)[1])
            else:
                rect = scene.cards[card].card_rect()
                point = canvas.mapFromScene(QPointF(rect.center().x(), rect.top() + 15.0))
        elif choice < 0.7 and scene.frames.items:
            frame = self.random.choice(list(scene.frames.items.values()))
            point = canvas.mapFromScene(self.random.choice((frame.head_rect(), frame.sign_rect())).center())
        elif choice < 0.8 and self.window.inspector is not None:
            inspector = self.window.inspector
            return inspector.mapTo(self.window, self.inside(inspector))
        inside = viewport.rect()
        x = min(max(point.x(), 0), inside.right())
        y = min(max(point.y(), 0), inside.bottom())
        return viewport.mapTo(self.window, QPoint(x, y))

    def modifiers(self) -> Qt.KeyboardModifier:
        return self.random.choices([NONE, SHIFT, CONTROL, Qt.KeyboardModifier.AltModifier], [8, 1, 1, 1])[0]

    def click(self) -> None:
        place = self.somewhere()
        self.note(f"click {place.toTuple()}")  # type: ignore[attr-defined]  # missing from the stubs
        QTest.mouseMove(self.handle(), place)
        QTest.mouseClick(self.handle(), LEFT, self.modifiers(), place)

    def double_click(self) -> None:
        place = self.somewhere()
        self.note(f"double click {place.toTuple()}")  # type: ignore[attr-defined]
        QTest.mouseClick(self.handle(), LEFT, NONE, place)
        QTest.mouseDClick(self.handle(), LEFT, NONE, place)

    def right_click(self) -> None:
        place = self.somewhere()
        self.note(f"right click {place.toTuple()}")  # type: ignore[attr-defined]
        # Menus of text fields hold the program until they are closed.
        QTimer.singleShot(500, close_popup)
        QTest.mouseClick(self.handle(), Qt.MouseButton.RightButton, NONE, place)

    def drag(self) -> None:
        """From somewhere to elsewhere, sometimes with a key or the wheel in between."""
        start, end, keys = self.somewhere(), self.somewhere(), self.modifiers()
        button = self.random.choices([LEFT, Qt.MouseButton.MiddleButton], [6, 1])[0]
        self.note(f"drag {start.toTuple()} to {end.toTuple()}")  # type: ignore[attr-defined]
        QTest.mouseMove(self.handle(), start)
        QTest.mousePress(self.handle(), button, keys, start)
        for third in (1, 2, 3):
            QTest.mouseMove(self.handle(), start + (end - start) * third / 3)
            if self.random.random() < 0.05:
                self.key()
            if self.random.random() < 0.05:
                self.wheel()
        QTest.mouseRelease(self.handle(), button, keys, end)

    def wheel(self) -> None:
        place = self.somewhere()
        self.note(f"wheel {place.toTuple()}")  # type: ignore[attr-defined]
        angle = QPoint(0, self.random.choice((120, -120)))
        event = QWheelEvent(
            QPointF(place), QPointF(self.window.mapToGlobal(place)), QPoint(), angle, Qt.MouseButton.NoButton,
            self.modifiers(), Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(self.handle(), event)

    def key(self) -> None:
        key, modifiers = self.random.choice(KEYS)
        self.note(f"key {key.name} {modifiers}")
        QTest.keyClick(self.handle(), key, modifiers)

    def trigger(self) -> None:
        """An action of the menus, where it can be had."""
        names = sorted(set(self.window.actions_by_name) - KEPT_AWAY)
        name = self.random.choice(names)
        self.note(f"action {name}")
        self.window.actions_by_name[name].trigger()

    def add(self) -> None:
        """A layer of the palette, as by a double click."""
        kinds = self.window.palette_panel.kinds()
        if kinds:
            kind = self.random.choice(kinds)
            self.note(f"add {kind}")
            self.window.palette_panel.add_requested.emit(kind)


def torment(window: MainWindow, seed: int, events: int) -> None:
    """So many events, with the window's own ones handled in between; then everything back and forth."""
    document = window.document
    first = document.project
    monkey = Monkey(window, seed)
    for index in range(events):
        monkey.act()
        QApplication.processEvents()
        if index % 20 == 0:
            project = document.project
            assert io.loads(io.dumps(project)) == project, monkey.done[-20:]
    for _ in range(20):
        popup = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        if popup is None:
            break
        popup.close()
        QApplication.processEvents()
    assert window.statusBar().isAncestorOf(window.timeline)
    window.canvas.gestures.cancel()
    last = document.project
    assert io.loads(io.dumps(last)) == last
    scene = window.canvas.canvas_scene
    assert set(scene.cards) == set(scene.seen.nodes) | set(scene.seen.cards)
    position = document.history.position
    document.jump(0)
    assert document.project == first
    document.jump(position)
    QApplication.processEvents()
    assert document.project == last


@pytest.mark.parametrize("seed", [11])
def test_random_hands_break_nothing(
    seed: int, qtbot: QtBot, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception in an event is caught by pytest-qt and fails the test."""
    for name in ("getOpenFileName", "getSaveFileName"):
        monkeypatch.setattr(QFileDialog, name, lambda *args, **more: ("", ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args, **more: "")
    window = open_window("xnor-two-layer")
    monkeypatch.setattr(window.guidance, "download", lambda: None)
    try:
        torment(window, seed, 250)
    finally:
        QGuiApplication.clipboard().clear()
