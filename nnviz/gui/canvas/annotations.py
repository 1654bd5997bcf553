"""The notes and arrows of a scene: made and changed as the document says, put elsewhere while a hand holds them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtWidgets import QGraphicsScene

from nnviz.gui.canvas.items.arrow_item import ArrowItem
from nnviz.gui.canvas.items.note_item import NoteItem
from nnviz.project.graph.groups import GraphView


class Annotations:
    """Holds notes and arrows by id, and keeps them as the document says."""

    def __init__(self, scene: QGraphicsScene) -> None:
        self._scene = scene
        self._notes: dict[str, NoteItem] = {}
        self._arrows: dict[str, ArrowItem] = {}

    @property
    def notes(self) -> Mapping[str, NoteItem]:
        """The notes that are shown."""
        return self._notes

    @property
    def arrows(self) -> Mapping[str, ArrowItem]:
        """The arrows that are shown."""
        return self._arrows

    @property
    def items(self) -> Mapping[str, NoteItem | ArrowItem]:
        """Notes and arrows together."""
        return {**self._notes, **self._arrows}

    def get(self, identity: str) -> NoteItem | ArrowItem | None:
        """The note or arrow of that id."""
        return self._notes.get(identity) or self._arrows.get(identity)

    def at(self, point: QPointF, reach: float) -> NoteItem | ArrowItem | None:
        """What is under the mouse: an arrow within reach, else the note that lies on top."""
        near = min(self._arrows.values(), key=lambda arrow: arrow.distance(point), default=None)
        if near is not None and near.distance(point) <= reach:
            return near
        found = [item for item in self._scene.items(point) if isinstance(item, NoteItem)]
        return next((note for note in found if note.card_rect().contains(point)), None)

    def in_order(self) -> list[str]:
        """Ids as one reads: notes before arrows, from top to bottom and left to right."""
        items: tuple[Mapping[str, NoteItem | ArrowItem], ...] = (self._notes, self._arrows)
        return [key for some in items for key in sorted(some, key=lambda key: (some[key].y(), some[key].x()))]

    def grouped(self, apart: Collection[str] = ()) -> list[tuple[QRectF, str]]:
        """The rectangle of every note with the group in which it stands, but for some."""
        return [(item.card_rect(), item.note.group) for key, item in self._notes.items() if key not in apart]

    def follow(self, view: GraphView) -> bool:
        """Bring notes and arrows up to the document; whether one came, went or lies elsewhere."""
        changed = False
        for key in [key for key in self._notes if key not in view.notes]:
            self._scene.removeItem(self._notes.pop(key))
            changed = True
        for key in [key for key in self._arrows if key not in view.arrows]:
            self._scene.removeItem(self._arrows.pop(key))
            changed = True
        for key, note in view.notes.items():
            paper = self._notes.get(key)
            if paper is None:
                paper = self._notes[key] = NoteItem(note)
                self._scene.addItem(paper)
                changed = True
            elif paper.note is not note:
                changed = paper.set_note(note) or changed
        for key, arrow in view.arrows.items():
            line = self._arrows.get(key)
            if line is None:
                line = self._arrows[key] = ArrowItem(arrow)
                self._scene.addItem(line)
                changed = True
            elif line.arrow is not arrow:
                changed = line.set_arrow(arrow) or changed
        return changed

    def preview(self, places: Mapping[str, QPointF]) -> None:
        """Show some of them at other places, without changing the document."""
        for key, place in places.items():
            item = self.get(key)
            if item is not None:
                item.put(place.x(), place.y())

    def settle(self) -> bool:
        """Put each note and arrow where the document says; whether one was elsewhere."""
        moved = [item.settle() for item in self.items.values()]
        return any(moved)

    def restyle(self) -> None:
        """Take the colours from the theme."""
        for item in self.items.values():
            item.restyle()
