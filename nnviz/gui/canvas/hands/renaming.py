"""Edits the title of a card or a frame in its place."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF

from nnviz.gui.canvas.desk import Desk
from nnviz.gui.canvas.geometry import EDGE_HEIGHT
from nnviz.gui.canvas.items.frame_item import FrameItem
from nnviz.gui.canvas.items.node_item import NodeItem
from nnviz.gui.canvas.widgets import TitleEditor
from nnviz.project.edits import Several

_HEIGHT = 28.0
_WIDEST = 320.0


class Renaming:
    """Opens a field over the title of what is selected and takes the name from it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._editor: TitleEditor | None = None

    @property
    def editor(self) -> TitleEditor | None:
        """The field, while it is open."""
        return self._editor

    def begin(self, made_by: Several | None = None) -> None:
        """Edit the title of the one selected card or frame.

        Args:
            made_by: The step that has just made the group: its name becomes a part of that step.
        """
        desk, scene = self._desk, self._desk.scene
        if desk.refuses():
            return
        item = scene.item(desk.selected[0]) if len(desk.selected) == 1 else None
        if not isinstance(item, NodeItem | FrameItem):
            desk.say("Select one layer or group to rename it.")
            return
        node = item.node
        desk.make_visible(node)
        rect = item.card_rect()
        head = QRectF(rect.left() + 4.0, rect.top() + EDGE_HEIGHT + 1.0, min(rect.width() - 8.0, _WIDEST), _HEIGHT)
        place = QRect(desk.surface.mapFromScene(head.topLeft()), desk.surface.mapFromScene(head.bottomRight()))

        def done(text: str | None) -> None:
            self._editor = None
            if text is not None and scene.item(node) is not None:
                desk.editing.rename(node, text, made_by)

        self._editor = TitleEditor(desk.surface, item.facts.title, place, done)
