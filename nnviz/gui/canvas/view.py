"""The canvas as a widget: hands mouse, keys and drops to gestures; paints; follows document, run and theme."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QContextMenuEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from nnviz.gui.canvas.actions import canvas_actions
from nnviz.gui.canvas.cards.describe import selection_told, tooltip
from nnviz.gui.canvas.editing import Editing
from nnviz.gui.canvas.following import RunFollower
from nnviz.gui.canvas.gesture_view import GestureView
from nnviz.gui.canvas.hands.dropping import CanvasDrops
from nnviz.gui.canvas.hands.gestures import ConnectByKeys, Gesture, begin_by_keys
from nnviz.gui.canvas.hands.grouping import CanvasGroups
from nnviz.gui.canvas.hands.keyboard import CanvasKeys
from nnviz.gui.canvas.hands.mouse import CanvasMouse
from nnviz.gui.canvas.hands.navigation import outermost_in_order, tab_order
from nnviz.gui.canvas.hands.noting import CanvasNotes
from nnviz.gui.canvas.hands.quick_add import QuickAdd
from nnviz.gui.canvas.hands.renaming import Renaming
from nnviz.gui.canvas.items.backdrop import Backdrop
from nnviz.gui.canvas.items.stage import Stage
from nnviz.gui.canvas.minimap import Minimap
from nnviz.gui.canvas.placement import NEW_CARD
from nnviz.gui.canvas.rearranging import Rearranging
from nnviz.gui.canvas.scene import CanvasScene
from nnviz.gui.canvas.widgets import EmptyLabel, TitleEditor
from nnviz.gui.look import theme
from nnviz.gui.look.painting import guarded
from nnviz.gui.parts.action import Action
from nnviz.gui.parts.following import follow
from nnviz.gui.runs.run_feed import RunFeed
from nnviz.project.document import Document
from nnviz.project.model import Project

#: While the wheel turns, a frame spends at most this many seconds on making cards sharper.
_FRAME_SHARE = 0.005
#: The wheel rests after this many milliseconds without a turn.
_REST = 160


class CanvasView(GestureView):
    """Shows a document's network with live cards, and lets the user change it.

    Signals:
        selection_changed: Ids of the selected nodes.
        node_activated: A card was double-clicked, or Enter was pressed on it.
        message: A sentence for the status line.
        search_requested: ``/`` was pressed: the palette's search wants the focus.
        visible_changed: Ids of the nodes that can be seen and show values, as a frozenset.
    """

    selection_changed = Signal(list)
    node_activated = Signal(str)
    message = Signal(str)
    search_requested = Signal()
    visible_changed = Signal(object)

    def __init__(
        self,
        document: Document,
        feed: RunFeed | None = None,
        parent: QWidget | None = None,
    ) -> None:
        self._stage = Stage()
        self._scene = CanvasScene(document, self._stage)
        super().__init__(self._scene, parent)
        self._scene.setParent(self)
        self._document = document
        self._editing = Editing(document, self._scene, self.message.emit)
        self._keys = CanvasKeys(self)
        self._mouse = CanvasMouse(self)
        self._quick_add = QuickAdd(self)
        self._drops = CanvasDrops(self)
        self._follower = RunFollower(self)
        self._backdrop = Backdrop()
        self._renaming = Renaming(self)
        self._empty = EmptyLabel(self)
        self.setMouseTracking(True)
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Network canvas")
        self._navigating = self._timer(_REST, self.viewport().update)
        self._hurried = False
        self.zoom_changed.connect(self._on_zoom_changed)
        self.camera_moved.connect(self._follower.look_later)
        self._follower.visible_changed.connect(self.visible_changed)
        self._scene.selection_changed.connect(self._on_selection_changed)
        self._scene.refreshed.connect(self._on_scene_refreshed)
        follow(document.changed, self._on_document_changed)
        follow(theme.notifier.changed, self._on_theme_changed)
        follow(theme.notifier.mode_changed, self._on_mode_changed)
        self.set_legible_zoom(theme.mode().legible_zoom)
        if feed is not None:
            feed.subscribe(self._follower.take, self)
        self._groups = CanvasGroups(self)
        self._notes = CanvasNotes(self)
        self._rearranging = Rearranging(self)
        self._minimap = Minimap(self)
        self._rearranging.settled.connect(self._minimap.redraw)
        #: What the canvas contributes to the window's actions; and those that context menus read, by name.
        self.offers = canvas_actions(self)
        self.offered = {offer.name: offer for offer in self.offers if isinstance(offer, Action)}
        self._on_scene_refreshed()

    def _timer(self, interval: int, slot: Callable[[], object]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(interval)
        timer.timeout.connect(slot)
        return timer

    # What it consists of

    @property
    def canvas_scene(self) -> CanvasScene:
        """Cards and wires."""
        return self._scene

    @property
    def editing(self) -> Editing:
        """What can be done to the network."""
        return self._editing

    @property
    def stage(self) -> Stage:
        """What the cards share: live values, finished pictures."""
        return self._stage

    @property
    def mouse(self) -> CanvasMouse:
        """What the mouse does."""
        return self._mouse

    @property
    def gesture(self) -> Gesture | None:
        """The gesture that is going on: of the mouse, of the keys, or a layer held over the canvas."""
        return self._gesture or self._drops.gesture or self._quick_add.gesture

    @property
    def groups(self) -> CanvasGroups:
        """What can be done with groups, and which of them is looked into."""
        return self._groups

    @property
    def notes(self) -> CanvasNotes:
        """What can be done with notes and arrows."""
        return self._notes

    @property
    def quick_add(self) -> QuickAdd:
        """The search for a layer at the mouse."""
        return self._quick_add

    @property
    def minimap(self) -> Minimap:
        """The small map of the whole network."""
        return self._minimap

    def rest_cursor(self) -> Qt.CursorShape:
        """The shape of the pointer while no gesture goes on."""
        return self._mouse.cursor()

    @property
    def title_editor(self) -> TitleEditor | None:
        """The field in which a title is being edited."""
        return self._renaming.editor

    @property
    def selected(self) -> tuple[str, ...]:
        """Ids of the selected nodes."""
        return self._scene.selected

    def content_rect(self) -> QRectF:
        """The smallest rectangle around all cards, where they will stand once they have come to rest."""
        goal = self._rearranging.goal
        return goal if goal is not None else self._scene.content_rect()

    # What the window calls

    def select(self, ids: Iterable[str]) -> None:
        """Select these nodes and nothing else."""
        self._scene.select(ids)

    def select_all(self) -> None:
        """Select every card, note and arrow."""
        self._scene.select(outermost_in_order(self._scene))

    def delete_selection(self) -> None:
        """Remove what is selected."""
        self._editing.delete()

    def cut(self) -> None:
        """Copy the selected layers, then remove them."""
        self._editing.cut()

    def copy(self) -> None:
        """Put the selected layers on the clipboard."""
        self._editing.copy()

    def paste(self, middle: QPointF | None = None) -> None:
        """Add the layers on the clipboard, around ``middle`` or beside those that were copied."""
        self._editing.paste(middle)
        if self.selected:
            self.make_visible(self.selected[-1])

    def duplicate(self) -> None:
        """Add copies of the selected layers."""
        self._editing.duplicate()

    def arrange(self) -> None:
        """Put all cards in order, and show them."""
        self._editing.arrange((self.viewport().width(), self.viewport().height()))
        self.fit(glide=True)

    def zoom_to_selection(self) -> None:
        """Show the selected cards as large as they fit; the whole network when none is selected."""
        if self.selected:
            self.show_rect(self._scene.rect_around(self.selected), 2.0, glide=True)
        else:
            self.fit(glide=True)

    def hold_still(self) -> None:
        """End what glides: cards are where they belong, the view stays where it is."""
        self._rearranging.finish()
        self.stop_glide()

    def make_visible(self, node: str) -> None:
        """Scroll as little as needed to show a card, a note or the title of a frame."""
        self.make_rect_visible(self._mouse.handle_rect(node))

    def reveal(self, node: str) -> None:
        """Select a node or a group and show it, wherever it is hidden; nothing where there is none of that id."""
        if self._groups.reveal(node):
            self.select([node])
            self.zoom_to_selection()

    def add_node(self, kind: str, position: QPointF | tuple[float, float] | None = None) -> str | None:
        """Add a layer, behind the selected one or at ``position`` of the scene; its id, or None where it cannot be."""
        if position is not None:
            place = position if isinstance(position, QPointF) else QPointF(*position)
            added = self._editing.add(kind, place, connect=False)
        elif self._scene.cards:
            added = self._editing.add(kind, self.visible_rect().center() - NEW_CARD.center())
        else:
            margin = 60.0 / self.zoom
            added = self._editing.add(kind, self.visible_rect().topLeft() + QPointF(margin, margin))
        if added is not None:
            self.make_visible(added)
        return added

    def start_wire_by_keyboard(self) -> None:
        """Begin a wire at the one selected node; Tab and arrows choose its end."""
        begin_by_keys(self)

    def rename_selected(self) -> None:
        """Edit the title of the one selected card in its place."""
        self._renaming.begin()

    def tab_order(self) -> list[str]:
        """All nodes in the order in which Tab goes through them."""
        return tab_order(self._scene)

    def visible_nodes(self) -> frozenset[str]:
        """Ids of the nodes whose card can be seen and shows values."""
        return self._follower.visible_nodes()

    def announce(self, text: str) -> None:
        """Say something to those who listen instead of looking."""
        self.setAccessibleDescription(text)
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))

    # Mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin the gesture that fits what is under the mouse."""
        event.accept()
        self.hold_still()
        self._mouse.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The gesture goes on, or what is under the mouse lights up."""
        event.accept()
        if self._gesture is not None and not isinstance(self._gesture, ConnectByKeys):
            self.move_gesture(event.position(), event.modifiers())
        elif self._gesture is None:
            self._mouse.hover(self.to_scene(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The gesture is complete."""
        event.accept()
        self._mouse.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """A card is opened; on free ground a layer is looked for."""
        event.accept()
        self._mouse.double_click(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """What can be done to what is under the mouse, or to what is selected when the key was pressed."""
        point = self.mapToScene(event.pos())
        if event.reason() is QContextMenuEvent.Reason.Keyboard:
            point = self._mouse.menu_point(point)
        menu = self._mouse.menu(point)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.viewport().mapToGlobal(self.mapFromScene(point)))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """A wheel zooms at the mouse, two fingers on a touch pad move the view; Shift with the wheel moves it, too."""
        event.accept()
        pixels, angle = event.pixelDelta(), event.angleDelta()
        modifiers = event.modifiers()
        touch = event.phase() is not Qt.ScrollPhase.NoScrollPhase and not pixels.isNull()
        if modifiers & Qt.KeyboardModifier.ShiftModifier:
            self.pan_by(angle.y() + angle.x(), 0.0)
        elif touch and not modifiers & Qt.KeyboardModifier.ControlModifier:
            self.pan_by(pixels.x(), pixels.y())
        elif angle.y():
            self._hurry()
            self.set_zoom(self.zoom * 1.2 ** (angle.y() / 120.0), event.position())
        elif angle.x():
            self.pan_by(angle.x(), 0.0)
        if self._gesture is not None:
            self.move_gesture(event.position(), modifiers)
        self.update_overlay()

    def viewportEvent(self, event: QEvent) -> bool:
        """Tooltips, pinching, and the mouse that leaves."""
        if event.type() is QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            text = tooltip(self._scene, self._stage, self.mapToScene(event.pos()))
            if text and self._gesture is None:
                QToolTip.showText(event.globalPos(), text, self)
            else:
                QToolTip.hideText()
            return True
        if (
            event.type() is QEvent.Type.NativeGesture
            and isinstance(event, QNativeGestureEvent)
            and event.gestureType() is Qt.NativeGestureType.ZoomNativeGesture
        ):
            self._hurry()
            self.set_zoom(self.zoom * (1.0 + event.value()), event.position())
            return True
        if event.type() is QEvent.Type.Leave and self._gesture is None:
            self._mouse.hover(None)
        return super().viewportEvent(event)

    # Keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The gesture first, then what the canvas knows; the rest goes on to the window."""
        if event.key() == Qt.Key.Key_Escape and self._gesture is not None:
            self.cancel_gesture()
        elif self._gesture is not None and self._gesture.key(event):
            self.update_overlay()
        elif event.key() == Qt.Key.Key_Space and self._gesture is None:
            self._mouse.panning = True
            self.viewport().setCursor(self.rest_cursor())
        elif not self._keys.press(event):
            event.ignore()
            return
        event.accept()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Space no longer turns the mouse into a hand."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._mouse.panning = False
            if self._gesture is None:
                self.viewport().setCursor(self.rest_cursor())
        else:
            super().keyReleaseEvent(event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab walks over the cards and leaves the canvas; it looks for a layer or chooses a wire's end."""
        if isinstance(self._gesture, ConnectByKeys):
            self._gesture.step(forward=forward)
            self.update_overlay()
            return True
        if forward and self._quick_add.wanted:
            self._quick_add.open()
            return True
        return self._keys.tab(forward=forward) or super().focusNextPrevChild(forward)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Without the keyboard there is no held key and no wire by keyboard."""
        self._mouse.panning = False
        if isinstance(self._gesture, ConnectByKeys):
            self.cancel_gesture()
        super().focusOutEvent(event)

    # Drops from the palette

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """A layer comes over the canvas."""
        self._drops.enter(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """A layer dragged from the palette is over the canvas: show where it would be added."""
        self._drops.move(event)
        self.update_overlay()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """It goes elsewhere."""
        self._drops.leave(event)
        self.update_overlay()

    def dropEvent(self, event: QDropEvent) -> None:
        """A layer dragged from the palette is let go: add it there."""
        self._drops.drop(event)
        self.update_overlay()

    # Painting

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """While the wheel turns, cards that only need to be sharper wait for a frame with time to spare."""
        stage = self._stage
        stage.ratio = self.devicePixelRatioF()
        stage.waiting = False
        stage.deadline = time.perf_counter() + _FRAME_SHARE if self._hurried else float("inf")
        super().paintEvent(event)
        if self._hurried and not self._navigating.isActive():
            self._hurried = stage.waiting
            if stage.waiting:
                self._navigating.start(0)

    def _hurry(self) -> None:
        """The wheel turns: frames must be quick. When it rests, what was left blurred is painted sharp bit by bit."""
        self._hurried = True
        self._navigating.start(_REST)

    @guarded
    def drawBackground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        """The dotted ground."""
        self._backdrop.paint(painter, QRectF(rect), self.devicePixelRatioF())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A fitted network stays fitted."""
        super().resizeEvent(event)
        self._place_empty()
        self.refit()
        self._follower.look_later()

    def showEvent(self, event: QShowEvent) -> None:
        """The first time, show the whole network."""
        super().showEvent(event)
        self.refit()

    def _place_empty(self) -> None:
        self._empty.setVisible(self._scene.content_rect().isEmpty())
        self._empty.move((self.width() - self._empty.width()) // 2, (self.height() - self._empty.height()) // 2)

    # Following

    def _on_zoom_changed(self, zoom: float) -> None:
        before, self._stage.zoom = self._stage.level, zoom
        if self._stage.level is not before:
            self._scene.set_level(self._stage.level)

    def _on_selection_changed(self, nodes: list[str]) -> None:
        self.selection_changed.emit(nodes)
        self.announce(selection_told(self._scene, self._stage.live, nodes))

    def _on_scene_refreshed(self) -> None:
        self._place_empty()
        if self._gesture is None:
            known = {port: look for port, look in self._ports.shown.items() if port.ref.node in self._scene.cards}
            self.show_ports({port: (self._scene.port_place(port), look[1]) for port, look in known.items()})
        self._follower.look_later()

    def _on_document_changed(self, before: Project, after: Project, edit: object) -> None:
        """A change from elsewhere pulls the ground from under a gesture; another project is shown whole."""
        if self._gesture is not None:
            self.cancel_gesture()
        if edit is None:
            self._scene.select(())
            self._scene.enter("")
            self.fit()

    def _on_theme_changed(self) -> None:
        self._backdrop.clear()
        self._hint.restyle()
        self._groups.breadcrumb.restyle()
        self._empty.restyle()
        self._place_empty()
        self.viewport().update()

    def _on_mode_changed(self) -> None:
        """In a lecture everything is shown only as far away as it can be read."""
        self.set_legible_zoom(theme.mode().legible_zoom)
        QTimer.singleShot(0, self, self.fit)  # when what stands around it has made room
