"""Notes and arrows by hand: writes, draws and colours them, and finds their edges and ends under the mouse."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from PySide6.QtCore import QObject, QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent

from nnviz.gui.canvas.desk import Desk
from nnviz.gui.canvas.geometry import Level
from nnviz.gui.canvas.hands.gesture_host import GestureHost
from nnviz.gui.canvas.hands.gestures.annotate import ArrowEndGesture, DrawArrowGesture, ResizeNoteGesture, grip_cursor
from nnviz.gui.canvas.hands.modality import Modality
from nnviz.gui.canvas.hands.note_editor import NoteEditor
from nnviz.gui.canvas.items.arrow_item import ARROW_REACH, ArrowItem
from nnviz.gui.canvas.items.note_item import HANDLE_RADIUS, NoteItem
from nnviz.gui.canvas.items.note_text import fitting_height, grown_height
from nnviz.gui.look import theme
from nnviz.gui.parts.action import plain
from nnviz.gui.parts.following import follow
from nnviz.project.edits import Annotate
from nnviz.project.graph.wiring import new_id_of
from nnviz.project.model import Arrow, Graph, Note, Project

#: Distance in pixels at which the mouse is on the edge of a note, and on the end of an arrow.
_GRIP, _END = 5.0, 9.0
_NEW = Note("note")
#: Of notes and arrows: what each colour is called in menus, and its keys.
COLOURS: tuple[tuple[str, str, str], ...] = (
    ("plain", "&Plain", "Alt+5"),
    ("accent", "&Blue", "Alt+6"),
    ("good", "&Green", "Alt+7"),
    ("warning", "&Orange", "Alt+8"),
    ("bad", "Re&d", "Alt+9"),
)
COLOUR_WORDS = {colour: plain(words) for colour, words, _ in COLOURS}
_DRAW = "Drag from where the arrow begins to what it points at."


class CanvasNotes(QObject):
    """What can be done with notes and arrows; each change is one edit of the document.

    Args:
        desk: The canvas to work on.
        gestures: Hosts what is drawn and pulled at by mouse.
        modality: Where the mouse is.
    """

    def __init__(self, desk: Desk, gestures: GestureHost, modality: Modality) -> None:
        super().__init__(desk.surface)
        self._desk = desk
        self._gestures = gestures
        self._modality = modality
        self._scene = desk.scene
        self._editor: NoteEditor | None = None
        self._written: Note | None = None
        self._began = Graph()
        self._armed = False
        self._hovered = ""
        desk.camera.moved.connect(self._place_editor)
        desk.camera.zoom_changed.connect(self._place_editor)
        follow(self._scene.document.changed, self._on_changed)
        self._scene.root_changed.connect(self._on_root_changed)
        follow(theme.notifier.changed, self._on_theme_changed)

    @property
    def editor(self) -> NoteEditor | None:
        """The field in which a note is being written."""
        return self._editor

    @property
    def armed(self) -> bool:
        """Whether the next press of the mouse begins an arrow."""
        return self._armed

    # ---- writing

    def add(self, point: QPointF | None = None) -> None:
        """Begin a new note at a point of the scene, by default under the mouse or in the middle of the view."""
        if self._desk.refuses():
            return
        self._finish()
        self._gestures.cancel()
        camera, pointer = self._desk.camera, self._modality.pointer
        if point is None and pointer is not None:
            point = camera.to_scene(pointer)
        corner = point if point is not None else camera.visible_rect().center() - QPointF(_NEW.width, _NEW.height) / 2
        identity = new_id_of(self._scene.graph, "note")
        group = self._group_at(QRectF(corner.x(), corner.y(), _NEW.width, _NEW.height).center())
        note = replace(_NEW, id=identity, x=round(corner.x()), y=round(corner.y()), group=group)
        self._write(note)

    def edit(self, chosen: Sequence[str]) -> bool:
        """Edit the one chosen note in its place; whether a note or an arrow is what is chosen."""
        item = self._scene.annotations.get(chosen[0]) if len(chosen) == 1 else None
        if item is not None and self._desk.refuses():
            return True
        if isinstance(item, NoteItem):
            self._desk.make_visible(item.node)
            self._write(item.note)
        elif item is not None:
            self._desk.say("An arrow has no words: write a note beside it.")
        return item is not None

    def _write(self, note: Note) -> None:
        self._finish()
        self._written, self._began = note, self._scene.graph
        # One that is begun at the edge of the view is written in sight.
        self._desk.camera.make_rect_visible(QRectF(note.x, note.y, note.width, note.height))
        self._editor = NoteEditor(self._desk.surface, note.text, note.colour, self._on_written)
        self._blank(note.id, blank=True)
        self._place_editor()
        self._editor.show()
        self._editor.setFocus(Qt.FocusReason.OtherFocusReason)

    def _place_editor(self) -> None:
        if self._editor is not None and self._written is not None:
            note, zoom = self._written, self._desk.camera.zoom
            corner = self._desk.surface.viewportTransform().map(QPointF(note.x, note.y))
            self._editor.stand(QRectF(corner.x(), corner.y(), note.width * zoom, note.height * zoom), zoom)

    def _on_written(self, text: str | None) -> None:
        """Keep the text, as one step, however much was typed."""
        note, self._written, self._editor = self._written, None, None
        if note is None:
            return
        self._blank(note.id, blank=False)
        known = note.id in self._scene.graph.notes
        if text is not None and text != note.text and (known or text.strip()):
            height = grown_height(note, text) if known else fitting_height(text, note.width)
            written = replace(note, text=text, height=height)
            title = "Edit note" if known else "Add note"
            if self._desk.editing.apply(Annotate({note.id: written}, title=title)):
                self._scene.select([note.id])

    def _blank(self, identity: str, *, blank: bool) -> None:
        item = self._scene.annotations.notes.get(identity)
        if item is not None:
            item.set_edited(blank)

    def _on_root_changed(self, _: str) -> None:
        """Keep the text before another group is shown, unless another network has come under it."""
        if self._editor is not None and self._scene.graph is not self._began:
            self._editor.give_up()
        self._finish()

    def _finish(self) -> None:
        """Keep what is being written."""
        if self._editor is not None:
            self._editor.finish()

    def _on_changed(self, before: Project, after: Project, edit: object) -> None:
        """Give the text up where a change from elsewhere has taken the note, or written another text on it."""
        note = self._written
        if note is None or self._editor is None:
            return
        changed = after.graph.notes.get(note.id) != before.graph.notes.get(note.id)
        homeless = note.group != "" and note.group not in after.graph.groups
        if edit is None or changed or homeless:
            self._editor.give_up()

    def _on_theme_changed(self, _: object) -> None:
        if self._editor is not None:
            self._editor.restyle()

    # ---- arrows

    def arm(self) -> None:
        """Have the next press of the mouse begin an arrow."""
        if self._desk.refuses():
            return
        self._finish()
        self._gestures.cancel()
        self._armed = True
        self._desk.overlay.set_cursor(Qt.CursorShape.CrossCursor)
        self._desk.say(_DRAW)
        self._desk.announce(f"{_DRAW} Enter puts one into the middle of the view.")

    def _disarm(self) -> None:
        self._armed = False
        self._gestures.rest()

    def add_arrow(self, tail: QPointF, tip: QPointF) -> None:
        """Add an arrow and select it."""
        identity, way = new_id_of(self._scene.graph, "arrow"), tip - tail
        arrow = Arrow(identity, tail.x(), tail.y(), way.x(), way.y(), group=self._group_at(tail))
        if self._desk.editing.apply(Annotate(arrows={identity: arrow}, title="Add arrow")):
            self._scene.select([identity])

    def _group_at(self, point: QPointF) -> str:
        frame = self._scene.frames.at(point)
        return frame.node if frame is not None else self._scene.root

    # ---- colours

    def colour(self, colour: str) -> None:
        """Give the selected notes and arrows a colour."""
        graph, chosen = self._scene.graph, self._desk.selected
        notes = {item: replace(graph.notes[item], colour=colour) for item in chosen if item in graph.notes}
        arrows = {item: replace(graph.arrows[item], colour=colour) for item in chosen if item in graph.arrows}
        if notes or arrows:
            self._desk.editing.apply(Annotate(notes, arrows, title=f"Colour {COLOUR_WORDS[colour].lower()}"))
        else:
            self._desk.say("Select a note or an arrow first.")

    # ---- mouse and keys

    def at(self, point: QPointF) -> NoteItem | ArrowItem | None:
        """The note or arrow at a point; a wire that runs over a note comes first."""
        item = self._scene.annotations.at(point, max(ARROW_REACH, ARROW_REACH / self._desk.camera.zoom))
        return None if isinstance(item, NoteItem) and self._scene.wire_at(point) is not None else item

    def draw(self, point: QPointF) -> bool:
        """Begin the arrow that was asked for by :meth:`arm`; whether one was."""
        armed = self._armed
        if armed:
            self._disarm()
            self._scene.select(())
            self._gestures.begin(DrawArrowGesture(self._desk, point, self.add_arrow))
        return armed

    def pull(self, point: QPointF) -> bool:
        """Begin a change of the handle, the end or the edge at a point; whether there is one."""
        start = self._handle_at(point)
        if start is not None:
            self._gestures.begin(DrawArrowGesture(self._desk, start, self.add_arrow))
            return True
        if self._scene.card_at(point) is not None:
            return False
        arrow = self._end_at(point)
        if arrow is not None:
            item, tip = arrow
            self._scene.select([item.node])
            self._gestures.begin(ArrowEndGesture(self._desk, point, item, tip=tip))
            return True
        note, grip = self._grip_at(point)
        if note is not None:
            self._scene.select([note.node])
            self._gestures.begin(ResizeNoteGesture(self._desk, point, note, grip))
        return note is not None

    def hover(self, point: QPointF | None, free: bool) -> Qt.CursorShape | None:
        """Light up what is under the mouse; the shape of the pointer that it asks for.

        Args:
            point: Of the scene; None when the mouse has gone.
            free: No port, card or wire is there.
        """
        item = self.at(point) if point is not None and free else None
        identity = item.node if item is not None else ""
        if identity != self._hovered:
            old = self._scene.annotations.get(self._hovered)
            if old is not None:
                old.set_look(hovered=False)
            if item is not None:
                item.set_look(hovered=True)
            self._hovered = identity
        if point is None:
            return None
        if self._armed or self._handle_at(point) is not None:
            return Qt.CursorShape.CrossCursor
        if not free:
            return None
        if self._end_at(point) is not None:
            return Qt.CursorShape.CrossCursor
        note, grip = self._grip_at(point)
        return grip_cursor(grip) if note is not None else None

    def key(self, event: QKeyEvent) -> bool:
        """Do what a key means for notes and arrows; whether it means anything."""
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers() & ~_KEYPAD
        if self._armed and event.key() == Qt.Key.Key_Escape:
            self._disarm()
            return True
        if self._armed and enter:
            self._disarm()
            middle = self._desk.camera.visible_rect().center()
            self.add_arrow(middle - QPointF(50.0, 0.0), middle + QPointF(50.0, 0.0))
            return True
        chosen = self._desk.selected
        annotated = len(chosen) == 1 and self._scene.annotations.get(chosen[0]) is not None
        return annotated and enter and self.edit(chosen)

    def _grip_at(self, point: QPointF) -> tuple[NoteItem | None, tuple[int, int]]:
        """The note whose edge is at a point, and which edge: the one that lies on top."""
        reach = _GRIP / self._desk.camera.zoom
        area = QRectF(point.x() - reach, point.y() - reach, 2 * reach, 2 * reach)
        for item in self._scene.items(area):
            if isinstance(item, NoteItem):
                grip = item.grip_at(point, reach)
                if grip != (0, 0):
                    return item, grip
                if item.card_rect().contains(point):
                    break
        return None, (0, 0)

    def _end_at(self, point: QPointF) -> tuple[ArrowItem, bool] | None:
        """The arrow of which an end is at a point, and whether that is its tip."""
        reach = _END / self._desk.camera.zoom
        for item in self._scene.annotations.arrows.values():
            for end, tip in zip(item.ends, (False, True), strict=True):
                if (end - point).manhattanLength() <= reach:
                    return item, tip
        return None

    def _handle_at(self, point: QPointF) -> QPointF | None:
        """Where an arrow begins that is drawn from the handle at a point."""
        if self._desk.stage.level is Level.FAR:
            return None
        notes = (self._scene.annotations.notes.get(item) for item in self._desk.selected)
        handles = [handle for note in notes if note is not None for handle in note.handles()]
        return next((edge for at, edge in handles if (at - point).manhattanLength() <= 2 * HANDLE_RADIUS), None)


_KEYPAD = Qt.KeyboardModifier.KeypadModifier
