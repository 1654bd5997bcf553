"""The hands and eyes of a person in front of the window: mouse and keys go to the window, as the desktop sends them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDrag, QDragEnterEvent, QDragMoveEvent, QDropEvent, QImage, QWindow
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QWidget
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT

from nnviz.gui.canvas import palette
from nnviz.gui.canvas.routing import Port
from nnviz.gui.inspector.editors import ChoiceEditor, TextEditor
from nnviz.gui.inspector.form import ParamForm
from nnviz.gui.panels.base import Panel
from nnviz.gui.window.window import MainWindow
from nnviz.project.model import PortRef

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def pixels(image: QImage) -> NDArray[np.uint32]:
    """Every pixel as a number."""
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    words = np.frombuffer(image.constBits(), np.uint32)
    return words.reshape(image.height(), image.bytesPerLine() // 4)[:, : image.width()].copy()


class HeldDrag(QDrag):
    """A drag whose end the test decides: without a desktop, Qt breaks every drag off."""

    target: ClassVar[QWidget]
    point: ClassVar[QPoint]

    def exec(self, *_actions: Qt.DropAction) -> Qt.DropAction:
        """Carry the layer over the target and let it go."""
        copy, data, kept = Qt.DropAction.CopyAction, self.mimeData(), QMimeData()
        for name in data.formats():
            kept.setData(name, data.data(name))
        for event in (
            QDragEnterEvent(self.point - QPoint(9, 9), copy, kept, LEFT, NONE),
            QDragMoveEvent(self.point - QPoint(4, 4), copy, kept, LEFT, NONE),
            QDragMoveEvent(self.point, copy, kept, LEFT, NONE),
            QDropEvent(QPointF(self.point), copy, kept, LEFT, NONE),
        ):
            QApplication.sendEvent(self.target, event)
        return copy


class Person:
    """Works with one window."""

    def __init__(self, window: MainWindow, qtbot: QtBot) -> None:
        self.window = window
        self.qtbot = qtbot
        window.activateWindow()
        self.until(window.isActiveWindow)

    @property
    def handle(self) -> QWindow:
        """The window as the desktop knows it."""
        handle = self.window.windowHandle()
        assert handle is not None
        return handle

    @property
    def nodes(self) -> list[str]:
        """Ids of the layers, in the order in which they were added."""
        return list(self.window.document.project.graph.nodes)

    @property
    def wires(self) -> set[tuple[str, str]]:
        """The wires from id to id."""
        return {(edge.source.node, edge.target.node) for edge in self.window.document.project.graph.edges}

    # ---- mouse

    def place(self, widget: QWidget, point: QPoint | None = None) -> QPoint:
        """Where a point of a widget is in the window; nothing may lie over it."""
        point = widget.rect().center() if point is None else point
        place = widget.mapTo(self.window, point)
        assert widget.isVisible() and self.window.rect().contains(place), widget
        hit = self.window.childAt(place)
        assert hit is widget or (hit is not None and (widget.isAncestorOf(hit) or hit.isAncestorOf(widget))), hit
        return place

    def click(self, widget: QWidget, point: QPoint | None = None) -> None:
        """Click into the middle of a widget, or at a point of it."""
        place = self.place(widget, point)
        QTest.mouseMove(self.handle, place)
        QTest.mouseClick(self.handle, LEFT, NONE, place)

    def drag(self, widget: QWidget, start: QPoint, end: QPoint) -> None:
        """Press, move, release."""
        first, last = self.place(widget, start), self.place(widget, end)
        QTest.mouseMove(self.handle, first)
        QTest.mousePress(self.handle, LEFT, NONE, first)
        for third in (1, 2, 3):
            QTest.mouseMove(self.handle, first + (last - first) * third / 3)
        QTest.mouseRelease(self.handle, LEFT, NONE, last)

    def drag_layer(self, title: str, goal: QPoint, monkeypatch: pytest.MonkeyPatch) -> str:
        """Drag a layer from the palette to a point of the canvas; the id that it got."""
        listed = self.window.palette_panel.list_widget
        item = next(listed.item(row) for row in range(listed.count()) if listed.item(row).text() == title)
        listed.scrollToItem(item)
        start = self.place(listed.viewport(), listed.visualItemRect(item).center())
        monkeypatch.setattr(palette, "QDrag", HeldDrag)
        HeldDrag.target, HeldDrag.point = self.window.canvas.viewport(), goal
        before = self.nodes
        QTest.mousePress(self.handle, LEFT, NONE, start)
        for distance in (4, 16, 40):
            QTest.mouseMove(self.handle, start + QPoint(distance, 0))
        QTest.mouseRelease(self.handle, LEFT, NONE, start + QPoint(40, 0))
        added = [node for node in self.nodes if node not in before]
        assert len(added) == 1, f"{title}: {added}"
        return added[0]

    def menu(self, title: str, entry: str) -> None:
        """Choose an entry of a menu by mouse."""
        bar = self.window.menu_bar
        action = next(found for found in bar.actions() if found.text().replace("&", "") == title)
        self.click(bar, bar.actionGeometry(action).center())
        opened = QApplication.activePopupWidget()
        assert isinstance(opened, QMenu), title
        wanted = next(found for found in opened.actions() if found.text().replace("&", "").startswith(entry))
        assert wanted.isEnabled(), entry
        QTest.mouseClick(opened, LEFT, NONE, opened.actionGeometry(wanted).center())

    # ---- canvas

    def on_canvas(self, node: str, part: str) -> QPoint:
        """A point of a card: its ``title``, ``output`` or ``input``."""
        scene, canvas = self.window.canvas.canvas_scene, self.window.canvas
        if part == "title":
            rect = scene.cards[node].card_rect()
            return canvas.mapFromScene(QPointF(rect.center().x(), rect.top() + 15.0))
        return canvas.mapFromScene(scene.port_place(Port(PortRef(node, 0), output=part == "output")))

    def wire(self, source: str, target: str) -> None:
        """Draw a wire from port to port."""
        viewport = self.window.canvas.viewport()
        self.drag(viewport, self.on_canvas(source, "output"), self.on_canvas(target, "input"))
        assert (source, target) in self.wires

    def select(self, node: str) -> None:
        """Click a card."""
        self.click(self.window.canvas.viewport(), self.on_canvas(node, "title"))
        assert self.window.canvas.selected == (node,)

    def picture(self, node: str) -> NDArray[np.uint32]:
        """What the card shows of what flows out of it, pixel by pixel."""
        canvas = self.window.canvas
        card = canvas.canvas_scene.cards[node]
        area = card.layout.picture.translated(card.pos())
        return pixels(canvas.viewport().grab(canvas.mapFromScene(area).boundingRect()).toImage())

    def pictures(self) -> dict[str, NDArray[np.uint32]]:
        """The pictures of all cards."""
        return {node: self.picture(node) for node in self.nodes}

    def at_rest(self) -> bool:
        """Whether all that is measured once training rests has been measured; what goes on is said by its name."""
        position = self.window.bridge.position
        return position is not None and not position.activity and self.window.training.state != "running"

    def pictured(self) -> bool:
        """Whether every card shows a picture, of the newest that was measured."""
        self.window.feed.poll(10.0)
        scene, live = self.window.canvas.canvas_scene, self.window.canvas.stage.live
        return all(live.picture(card.facts) is not None for card in scene.cards.values())

    def changed(self, before: dict[str, NDArray[np.uint32]]) -> set[str]:
        """The cards whose picture is another one now."""
        return {node for node, picture in before.items() if not np.array_equal(self.picture(node), picture)}

    # ---- inspector and panels

    def editor(self, form: ParamForm, name: str) -> TextEditor | ChoiceEditor:
        """The editor of a parameter, scrolled into view."""
        assert self.window.inspector is not None
        editor = form.editors[name]
        assert isinstance(editor, TextEditor | ChoiceEditor)
        tab = self.window.inspector.tabs[self.window.inspector.tab]
        tab.ensureWidgetVisible(editor)
        return editor

    def type_into(self, line: QLineEdit, text: str) -> None:
        """Click into a field, write over what stands there, Enter."""
        self.click(line)
        self.keys("A", CONTROL)
        self.write(text)
        self.keys(Qt.Key.Key_Return)

    def set_param(self, name: str, text: str) -> None:
        """Change a parameter of the selected layer by mouse and keys."""
        assert self.window.inspector is not None
        editor = self.editor(self.window.inspector.layer.form, name)
        assert isinstance(editor, TextEditor)
        self.type_into(editor.line, text)

    def panel(self, key: str) -> Panel:
        """An instrument."""
        assert self.window.docks is not None
        return self.window.docks.panels[key]

    # ---- keys

    def keys(self, key: Qt.Key | str, modifiers: Qt.KeyboardModifier = NONE) -> None:
        """A key for the window: shortcuts first, then whatever has the focus."""
        QTest.keyClick(self.handle, key, modifiers)

    def write(self, text: str) -> None:
        """Type a text as one word: on a busy machine a list would take a late letter for a new search."""
        usual = QApplication.keyboardInputInterval()
        QApplication.setKeyboardInputInterval(TIMEOUT)
        try:
            for letter in text:
                QTest.keyClick(self.handle, letter)
        finally:
            QApplication.setKeyboardInputInterval(usual)

    # ---- patience

    def until(self, condition: object) -> None:
        """Wait for something that training or the window brings about."""
        self.qtbot.waitUntil(condition, timeout=TIMEOUT)
