"""What the keys do on the canvas. The keyboard alone can build a network. What can be pressed stands in ``keys.py``."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QKeySequence

from nnviz.gui.canvas.geometry import GRID
from nnviz.gui.canvas.hands.keys import documentation
from nnviz.gui.canvas.hands.navigation import ARROWS, all_in_order, tab_order, toward
from nnviz.gui.canvas.hands.tools import Tools

_PAN = 60
_Standard = QKeySequence.StandardKey
_NO_KEYS = Qt.KeyboardModifier.NoModifier


class CanvasKeys:
    """Turns key presses on the canvas into what it can do."""

    def __init__(self, tools: Tools, open_card: Callable[[str], object], search_layers: Callable[[], object]) -> None:
        self._tools = tools
        self._desk = tools.desk
        self._open_card = open_card
        self._search_layers = search_layers

    def press(self, event: QKeyEvent) -> bool:
        """Do what a key means on the canvas; whether it means anything."""
        return self._tools.notes.key(event) or self._standard(event) or self._plain(event) or self._arrows(event)

    def _standard(self, event: QKeyEvent) -> bool:
        """Do what a shortcut means that is the same in every program; whether this is one."""
        desk, camera, editing = self._desk, self._desk.camera, self._desk.editing
        control = event.modifiers() == Qt.KeyboardModifier.ControlModifier
        if control and event.key() == Qt.Key.Key_D:
            # First, because some desktops have Ctrl+D among their keys for "delete".
            editing.duplicate()
            return True
        actions = (
            (_Standard.SelectAll, desk.select_all),
            (_Standard.Copy, editing.copy),
            (_Standard.Cut, editing.cut),
            (_Standard.Paste, desk.paste),
            (_Standard.Delete, editing.delete),
            (_Standard.ZoomIn, camera.zoom_in),
            (_Standard.ZoomOut, camera.zoom_out),
        )
        for key, action in actions:
            if event.matches(key):
                action()
                return True
        if control and event.key() in (Qt.Key.Key_Equal, Qt.Key.Key_0):
            (camera.zoom_in if event.key() == Qt.Key.Key_Equal else camera.zoom_reset)()
            return True
        return False

    def _plain(self, event: QKeyEvent) -> bool:
        """Do what a single key means, without Ctrl or Alt; whether it means anything."""
        tools, desk = self._tools, self._desk
        if event.modifiers() & ~(Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ShiftModifier):
            return False
        code = event.key()
        selected = desk.selected
        if code == Qt.Key.Key_Slash:
            self._search_layers()
        elif code == Qt.Key.Key_Backspace:
            desk.editing.delete()
        elif code == Qt.Key.Key_C and event.modifiers() == _NO_KEYS:
            tools.connect_by_keys()
        elif code == Qt.Key.Key_A and event.modifiers() == Qt.KeyboardModifier.ShiftModifier:
            tools.quick_add.open()
        elif code == Qt.Key.Key_F2:
            tools.rename()
        elif code in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and len(selected) == 1:
            self._open_card(selected[0])
        elif code == Qt.Key.Key_Escape:
            if selected or desk.scene.selected_wires:
                desk.scene.select([])
            else:
                tools.groups.leave()
        elif code == Qt.Key.Key_F:
            desk.camera.fit(glide=True)
        elif code == Qt.Key.Key_Home:
            self._select(tab_order(desk.scene)[:1])
        elif code == Qt.Key.Key_End:
            self._select(tab_order(desk.scene)[-1:])
        else:
            return False
        return True

    def _arrows(self, event: QKeyEvent) -> bool:
        """Move the selected cards by arrows, or the view where none is selected; with Alt walk from card to card."""
        desk = self._desk
        side = ARROWS.get(event.key())
        if side is None:
            return False
        out = side.outwards
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        shift = bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
        if modifiers & Qt.KeyboardModifier.AltModifier:
            self._walk(event, extend=shift)
        elif modifiers & Qt.KeyboardModifier.ControlModifier or not desk.selected:
            desk.camera.pan_by(round(-out.x() * _PAN), round(-out.y() * _PAN))
        else:
            step = 1.0 if shift else GRID
            desk.editing.nudge(out.x() * step, out.y() * step)
            if desk.selected:
                desk.make_visible(desk.selected[-1])
        return True

    def _walk(self, event: QKeyEvent, *, extend: bool) -> None:
        scene = self._desk.scene
        if not scene.selected:
            self._select(tab_order(scene)[:1])
            return
        found = toward(scene, scene.selected[-1], ARROWS[event.key()])
        if found is not None:
            kept = [node for node in scene.selected if node != found] if extend else []
            self._select([*kept, found])

    def tab(self, *, forward: bool) -> bool:
        """Select the next card as the data flows, then notes and arrows.

        Returns:
            False at the end, where Tab leaves the canvas.
        """
        scene = self._desk.scene
        order = all_in_order(scene)
        if not order:
            return False
        if not scene.selected or scene.selected[-1] not in order:
            self._select(order[:1] if forward else order[-1:])
            return True
        index = order.index(scene.selected[-1]) + (1 if forward else -1)
        if not 0 <= index < len(order):
            return False
        self._select([order[index]])
        return True

    def _select(self, nodes: list[str]) -> None:
        self._desk.scene.select(nodes)
        if nodes:
            self._desk.make_visible(nodes[-1])


CanvasKeys.__doc__ = f"{CanvasKeys.__doc__}\n\n{documentation()}"
