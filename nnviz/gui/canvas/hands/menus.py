"""The menus of the canvas: what can be done to what is under the mouse."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QMenu

from nnviz.gui.canvas.hands.noting import COLOUR_WORDS
from nnviz.gui.canvas.hands.tools import Tools
from nnviz.gui.canvas.items.arrow_item import ArrowItem
from nnviz.gui.canvas.items.note_item import NoteItem, tone
from nnviz.gui.look import theme
from nnviz.gui.parts.action import Action
from nnviz.project.drawing.alignment import Alignment, Direction
from nnviz.project.drawing.grouping import whole
from nnviz.project.graph.bypass import bypass_problem
from nnviz.project.model import NOTE_COLOURS


class CanvasMenus:
    """Makes the menu for a point of the scene.

    Args:
        tools: What the entries do.
        offered: The actions of the canvas by name; the entries have their words and show their keys.
    """

    def __init__(self, tools: Tools, offered: Mapping[str, Action]) -> None:
        self._tools = tools
        self._desk = tools.desk
        self._offered = offered

    def point(self, pointer: QPointF) -> QPointF:
        """Where the menu goes that is asked for with a key: to what was selected last, else to the pointer."""
        selected = self._desk.selected
        return self._desk.handle_rect(selected[-1]).center() if selected else pointer

    def at(self, point: QPointF) -> QMenu:
        """Select what is at a point of the scene and make the menu for it."""
        scene, notes = self._desk.scene, self._tools.notes
        note = notes.at(point) if scene.card_at(point) is None else None
        card = scene.card_at(point) or scene.frames.head_at(point)
        wire = scene.wire_at(point) if card is None else None
        menu = QMenu(self._desk.surface)
        if note is not None:
            self._add_for_note(menu, note)
        elif card is not None:
            self._add_for_card(menu, card.node, point)
        elif wire is not None:
            scene.select((), [wire.edge])
            menu.addAction(self._words("quick_add", "Insert layer…"), partial(self._tools.quick_add.open, point))
            menu.addAction(self._words("delete", "Remove wire"), self._desk.editing.delete)
        else:
            self._add_for_ground(menu, point)
        return menu

    def _words(self, name: str, words: str = "") -> str:
        """What an entry says: the words of an action, or others in their place, and its key."""
        return self._offered[name].entry(words)

    def _add_for_card(self, menu: QMenu, card: str, point: QPointF) -> None:
        desk, scene = self._desk, self._desk.scene
        if card not in scene.selected:
            scene.select([card])
        menu.addAction(self._words("rename"), self._tools.rename)
        if card in scene.cards:
            menu.addAction(self._words("connect"), self._tools.connect_by_keys)
            menu.addAction(self._words("explain_number"), partial(self._tools.explain_at, point))
        self._add_groups(menu)
        menu.addSeparator()
        self._add_copying(menu)
        if len(desk.selected) > 1:
            self._add_aligning(menu.addMenu("Align and distribute"))
        menu.addSeparator()
        menu.addAction(self._words("delete"), desk.editing.delete)

    def _add_for_ground(self, menu: QMenu, point: QPointF) -> None:
        desk, notes = self._desk, self._tools.notes
        menu.addAction(self._words("quick_add", "Add layer here…"), partial(self._tools.quick_add.open, point))
        menu.addAction(self._words("note", "Write a note here"), partial(notes.add, point))
        menu.addAction(self._words("arrow", "Draw an arrow"), notes.arm)
        menu.addAction("Paste here", partial(desk.paste, point))
        menu.addSeparator()
        menu.addAction(self._words("select_all"), desk.select_all)
        menu.addAction(self._words("arrange"), desk.arrange)
        menu.addAction("Show everything\tF", lambda: desk.camera.fit(glide=True))

    def _add_for_note(self, menu: QMenu, item: NoteItem | ArrowItem) -> None:
        desk, notes = self._desk, self._tools.notes
        if item.node not in desk.selected:
            desk.scene.select([item.node])
        if isinstance(item, NoteItem):
            menu.addAction(self._words("rename", "Edit text"), partial(notes.edit, [item.node]))
        colours = menu.addMenu("Colour")
        now = item.note.colour if isinstance(item, NoteItem) else item.arrow.colour
        for colour in NOTE_COLOURS:
            words = self._words(f"colour_{colour}", COLOUR_WORDS[colour])
            entry = colours.addAction(_swatch(colour), words, partial(notes.colour, colour))
            entry.setCheckable(True)
            entry.setChecked(colour == now)
        menu.addAction(self._words("group"), self._tools.groups.group_selected)
        menu.addSeparator()
        self._add_copying(menu)
        menu.addSeparator()
        menu.addAction(self._words("delete"), desk.editing.delete)

    def _add_copying(self, menu: QMenu) -> None:
        editing = self._desk.editing
        menu.addAction(self._words("cut"), editing.cut)
        menu.addAction(self._words("copy"), editing.copy)
        menu.addAction(self._words("duplicate"), editing.duplicate)

    def _add_groups(self, menu: QMenu) -> None:
        graph, chosen, groups = self._desk.scene.graph, self._desk.selected, self._tools.groups
        blocks = [item for item in chosen if item in graph.groups]
        nodes = whole(graph, chosen).nodes
        out = bool(nodes) and all(graph.nodes[node].bypassed or bypass_problem(graph.nodes[node]) for node in nodes)
        menu.addAction(self._words("bypass", "Enable" if out else ""), groups.bypass_selected)
        if able := groups.with_parameters():
            frozen = all(graph.nodes[node].frozen for node in able)
            menu.addAction(self._words("freeze", "Train again" if frozen else ""), groups.freeze_selected)
        menu.addSeparator()
        menu.addAction(self._words("group"), groups.group_selected)
        if blocks:
            fold = "Unfold" if graph.groups[blocks[0]].collapsed else "Fold"
            menu.addAction(self._words("fold", fold), groups.toggle_selected)
            menu.addAction(self._words("enter_group"), groups.enter_selected)
            menu.addAction(self._words("ungroup"), groups.ungroup_selected)

    def _add_aligning(self, menu: QMenu) -> None:
        editing, count = self._desk.editing, len(self._desk.selected)
        for alignment in Alignment:
            menu.addAction(self._words(f"align_{alignment.value}"), partial(editing.align, alignment))
        menu.addSeparator()
        for direction in Direction:
            words = self._words(f"distribute_{direction.value}")
            menu.addAction(words, partial(editing.distribute, direction)).setEnabled(count >= 3)


def _swatch(colour: str) -> QIcon:
    """A dot in a colour, for a menu."""
    picture = QPixmap(32, 32)
    picture.setDevicePixelRatio(2.0)
    picture.fill(QColor(0, 0, 0, 0))
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(tone(colour, theme.current()))
    painter.drawEllipse(QRectF(3.0, 3.0, 10.0, 10.0))
    painter.end()
    return QIcon(picture)
