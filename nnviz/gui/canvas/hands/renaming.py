"""The title of a card or a frame is edited in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF

from nnviz.gui.canvas.geometry import EDGE_HEIGHT
from nnviz.gui.canvas.items.frame_item import FrameItem
from nnviz.gui.canvas.items.node_item import NodeItem
from nnviz.gui.canvas.widgets import TitleEditor

if TYPE_CHECKING:
    from nnviz.gui.canvas.view import CanvasView

_HEIGHT = 28.0
_WIDEST = 320.0


class Renaming:
    """Opens a field over the title of what is selected and takes the name from it."""

    def __init__(self, canvas: CanvasView) -> None:
        self._canvas = canvas
        self._editor: TitleEditor | None = None

    @property
    def editor(self) -> TitleEditor | None:
        """The field, while it is open."""
        return self._editor

    def begin(self) -> None:
        """Edit the title of the one selected card or frame; that of a new group as a part of the step that made it."""
        canvas, scene = self._canvas, self._canvas.canvas_scene
        if canvas.refuses():
            return
        if canvas.notes.edit(canvas.selected):
            return
        item = scene.item(canvas.selected[0]) if len(canvas.selected) == 1 else None
        if not isinstance(item, NodeItem | FrameItem):
            canvas.message.emit("Select one layer or group to rename it.")
            return
        node, made_by = item.node, canvas.groups.making
        canvas.make_visible(node)
        rect = item.card_rect()
        head = QRectF(rect.left() + 4.0, rect.top() + EDGE_HEIGHT + 1.0, min(rect.width() - 8.0, _WIDEST), _HEIGHT)
        place = QRect(canvas.mapFromScene(head.topLeft()), canvas.mapFromScene(head.bottomRight()))

        def done(text: str | None) -> None:
            self._editor = None
            if text is not None and scene.item(node) is not None:
                canvas.editing.rename(node, text, made_by)

        self._editor = TitleEditor(canvas, item.facts.title, place, done)
