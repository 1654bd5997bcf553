"""What the hands on a canvas work with, and the steps that they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtWidgets import QGraphicsView

from nnviz.gui.canvas.camera import Camera
from nnviz.gui.canvas.editing import Editing
from nnviz.gui.canvas.hands.navigation import outermost_in_order
from nnviz.gui.canvas.items.frame_item import FrameItem
from nnviz.gui.canvas.items.stage import Stage
from nnviz.gui.canvas.overlay import Overlay
from nnviz.gui.canvas.placement import NEW_CARD
from nnviz.gui.canvas.scene import CanvasScene


@dataclass(frozen=True)
class Desk:
    """All that a gesture, a key or a menu of the canvas may reach for; none of them knows the view itself.

    Attributes:
        surface: The widget on the screen: what floats over the canvas is a child of it, and it takes the keyboard.
        scene: Cards, wires, frames and notes, and which of them are selected.
        stage: What the cards share: live values, level of detail.
        camera: Zoom and pan.
        overlay: Ports, hint and gesture, drawn over the cards.
        editing: Edits of the document; one call is one step of its history.
        say: Takes a sentence for the status line.
        announce: Takes a sentence for those who listen instead of looking.
    """

    surface: QGraphicsView
    scene: CanvasScene
    stage: Stage
    camera: Camera
    overlay: Overlay
    editing: Editing
    say: Callable[[str], object]
    announce: Callable[[str], object]

    @property
    def selected(self) -> tuple[str, ...]:
        """Ids of what is selected, in the order in which it was selected."""
        return self.scene.selected

    @property
    def read_only(self) -> str:
        """Why the network cannot be changed, as a sentence; empty where it can."""
        return self.editing.read_only

    def refuses(self) -> bool:
        """Say why the network cannot be changed; whether that is so."""
        if self.read_only:
            self.say(self.read_only)
        return bool(self.read_only)

    def select_all(self) -> None:
        """Select every card, note and arrow."""
        self.scene.select(outermost_in_order(self.scene))

    def take_keyboard(self) -> None:
        """Give the keyboard to the canvas."""
        self.surface.setFocus()

    def handle_rect(self, identity: str) -> QRectF:
        """The part of the scene by which a card, a frame, a note or an arrow is held; empty where there is none."""
        item = self.scene.item(identity)
        if isinstance(item, FrameItem):
            return item.head_rect()
        return item.card_rect() if item is not None else QRectF()

    def make_visible(self, identity: str) -> None:
        """Scroll as little as needed to show a card, a note or the title of a frame."""
        self.camera.make_rect_visible(self.handle_rect(identity))

    def zoom_to_selection(self) -> None:
        """Show the selected cards as large as they fit; the whole network when none is selected."""
        if self.selected:
            self.camera.show_rect(self.scene.rect_around(self.selected), 2.0, glide=True)
        else:
            self.camera.fit(glide=True)

    def paste(self, middle: QPointF | None = None) -> None:
        """Add the layers on the clipboard, around ``middle`` or beside those that were copied, and show them."""
        self.editing.paste(middle)
        if self.selected:
            self.make_visible(self.selected[-1])

    def arrange(self) -> None:
        """Put all cards in order, and show them."""
        self.editing.arrange(self.camera.room)
        self.camera.fit(glide=True)

    def add_layer(self, kind: str, position: QPointF | tuple[float, float] | None = None) -> str | None:
        """Add a layer, behind the selected one or at ``position`` of the scene; its id, or None where it cannot be."""
        camera = self.camera
        if position is not None:
            place = position if isinstance(position, QPointF) else QPointF(*position)
            added = self.editing.add(kind, place, connect=False)
        elif self.scene.cards:
            added = self.editing.add(kind, camera.visible_rect().center() - NEW_CARD.center())
        else:
            margin = 60.0 / camera.zoom
            added = self.editing.add(kind, camera.visible_rect().topLeft() + QPointF(margin, margin))
        if added is not None:
            self.make_visible(added)
        return added
