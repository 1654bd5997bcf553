"""The canvas as a widget: makes its parts, hands them mouse, keys and drops, paints, follows document and theme."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QMarginsF, QPointF, QRect, QRectF, Qt, QTimer, Signal
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
from PySide6.QtWidgets import QGraphicsView, QToolTip, QWidget

from nnviz.gui.canvas.actions import canvas_actions
from nnviz.gui.canvas.camera import Camera
from nnviz.gui.canvas.cards.describe import describe_selection, tooltip
from nnviz.gui.canvas.desk import Desk
from nnviz.gui.canvas.editing import Editing
from nnviz.gui.canvas.following import RunFollower
from nnviz.gui.canvas.geometry import PORT_REACH, Level
from nnviz.gui.canvas.hands.dropping import CanvasDrops
from nnviz.gui.canvas.hands.gesture_host import GestureHost
from nnviz.gui.canvas.hands.gestures import ConnectByKeys
from nnviz.gui.canvas.hands.grouping import CanvasGroups
from nnviz.gui.canvas.hands.keyboard import CanvasKeys
from nnviz.gui.canvas.hands.menus import CanvasMenus
from nnviz.gui.canvas.hands.modality import Modality
from nnviz.gui.canvas.hands.mouse import CanvasMouse
from nnviz.gui.canvas.hands.noting import CanvasNotes
from nnviz.gui.canvas.hands.quick_add import QuickAdd
from nnviz.gui.canvas.hands.renaming import Renaming
from nnviz.gui.canvas.hands.tools import Tools
from nnviz.gui.canvas.items.backdrop import Backdrop
from nnviz.gui.canvas.items.stage import Stage
from nnviz.gui.canvas.minimap import Minimap
from nnviz.gui.canvas.overlay import Overlay
from nnviz.gui.canvas.rearranging import Rearranging
from nnviz.gui.canvas.scene import CanvasScene
from nnviz.gui.canvas.widgets import EmptyLabel
from nnviz.gui.look import theme
from nnviz.gui.look.painting import guarded
from nnviz.gui.parts.action import Action
from nnviz.gui.parts.following import follow
from nnviz.gui.runs.run_feed import RunFeed
from nnviz.project.document import Document
from nnviz.project.model import Edge, Project

#: While the wheel turns, a frame spends at most this many seconds on making cards sharper.
_FRAME_SHARE = 0.005
#: The wheel rests after this many milliseconds without a turn.
_REST = 160
#: Half a port stands out beyond its card.
_PORT_MARGIN = QMarginsF(PORT_REACH, PORT_REACH, PORT_REACH, PORT_REACH)


@dataclass(frozen=True)
class Outlook:
    """What was selected and seen of a network.

    Attributes:
        root: The group that was looked into; empty for the whole network.
        selected: Ids of cards, frames, notes and arrows, in the order in which they were selected.
        wires: The selected wires.
        zoom: Pixels for one unit of the scene.
        centre: The point of the scene in the middle of the view; None where the whole network was fitted into it.
    """

    root: str
    selected: tuple[str, ...]
    wires: tuple[Edge, ...]
    zoom: float
    centre: QPointF | None


class CanvasView(QGraphicsView):
    """Shows a document's network with live cards, and lets the user change it.

    It puts the parts of the canvas together, hands them the events of Qt and paints. What each part needs it is given
    when it is made; no part knows the view.

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
    #: A layer (empty for none) and one of its numbers, a CardNumber or None, that is to be taken apart.
    number_requested = Signal(str, object)
    #: The same, where one in the picture of a card was clicked.
    number_clicked = Signal(str, object)
    #: Another part of the upper edge is left to somebody else.
    corner_reserved = Signal()

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
        self._reserved_corner = 0
        self._camera = Camera(self, self._content_rect, self._is_taken, self._hurry)
        self._desk = Desk(
            surface=self,
            scene=self._scene,
            stage=self._stage,
            camera=self._camera,
            overlay=Overlay(self),
            editing=Editing(document, self._scene, self.message.emit),
            say=self.message.emit,
            announce=self._announce,
        )
        self._gestures = GestureHost(self._desk, self._rest_cursor)
        modality = Modality(self)
        self._drops = CanvasDrops(self._desk, self._gestures)
        quick_add = QuickAdd(self._desk, self._gestures, modality)
        self._follower = RunFollower(self._scene, self._stage, self._camera, self)
        self._backdrop = Backdrop()
        self._empty = EmptyLabel(self)
        self.setMouseTracking(True)
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Network canvas")
        self._navigating = self._timer(_REST, self._repaint)
        self._hurried = False
        self._camera.zoom_changed.connect(self._on_zoom_changed)
        self._camera.moved.connect(self._follower.look_later)
        self._follower.visible_changed.connect(self.visible_changed)
        self._scene.selection_changed.connect(self._on_selection_changed)
        self._scene.refreshed.connect(self._on_scene_refreshed)
        self._edges: object = None
        self.overlay.show_open(self._open_places)
        follow(document.changed, self._on_document_changed)
        follow(theme.notifier.changed, self._on_theme_changed)
        if feed is not None:
            feed.subscribe(self._follower.take, self)
        renaming = Renaming(self._desk)
        self._tools = Tools(
            desk=self._desk,
            gestures=self._gestures,
            quick_add=quick_add,
            renaming=renaming,
            groups=CanvasGroups(self._desk, renaming),
            notes=CanvasNotes(self._desk, self._gestures, modality),
            explain=self.number_requested.emit,
            clicked=self.number_clicked.emit,
        )
        self._mouse = CanvasMouse(self._tools, self.node_activated.emit)
        self._keys = CanvasKeys(self._tools, self.node_activated.emit, self.search_requested.emit)
        self._rearranging = Rearranging(self._scene, self._camera, self)
        self._minimap = Minimap(self, self._scene, self._camera, self.hold_still)
        self._rearranging.settled.connect(self._minimap.redraw)
        #: What the canvas contributes to the window's actions; and those that context menus read, by name.
        self.offers = canvas_actions(self._tools)
        self.offered = {offer.name: offer for offer in self.offers if isinstance(offer, Action)}
        self._menus = CanvasMenus(self._tools, self.offered)
        self._on_scene_refreshed()

    def _repaint(self) -> None:
        self.viewport().update()  # asked for anew: PySide may take a kept one for deleted

    def _timer(self, interval: int, slot: Callable[[], object]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(interval)
        timer.timeout.connect(slot)
        return timer

    # What it consists of

    @property
    def canvas_scene(self) -> CanvasScene:
        """Cards and wires, and which of them are selected."""
        return self._scene

    @property
    def reserved_corner(self) -> int:
        """Pixels at the right end of the upper edge over which something stands that is not the canvas' own."""
        return self._reserved_corner

    def reserve_corner(self, width: int) -> None:
        """Leave so much of the upper edge, from its right end, to somebody else."""
        if width != self._reserved_corner:
            self._reserved_corner = width
            self.corner_reserved.emit()

    @property
    def camera(self) -> Camera:
        """Zoom and pan: which part of the scene is shown."""
        return self._camera

    @property
    def desk(self) -> Desk:
        """What the hands work with, and the steps that they share."""
        return self._desk

    @property
    def editing(self) -> Editing:
        """What can be done to the network."""
        return self._desk.editing

    @property
    def stage(self) -> Stage:
        """What the cards share: live values, finished pictures."""
        return self._stage

    @property
    def overlay(self) -> Overlay:
        """What is drawn over the cards while a hand works."""
        return self._desk.overlay

    @property
    def gestures(self) -> GestureHost:
        """The gesture that has the mouse."""
        return self._gestures

    @property
    def menus(self) -> CanvasMenus:
        """What can be done to what is under the mouse."""
        return self._menus

    @property
    def groups(self) -> CanvasGroups:
        """What can be done with groups, and which of them is looked into."""
        return self._tools.groups

    @property
    def notes(self) -> CanvasNotes:
        """What can be done with notes and arrows."""
        return self._tools.notes

    @property
    def quick_add(self) -> QuickAdd:
        """The search for a layer at the mouse."""
        return self._tools.quick_add

    @property
    def renaming(self) -> Renaming:
        """The field in which a title is edited."""
        return self._tools.renaming

    @property
    def minimap(self) -> Minimap:
        """The small map of the whole network."""
        return self._minimap

    # What the window and its panels call

    @property
    def selected(self) -> tuple[str, ...]:
        """Ids of the selected nodes."""
        return self._scene.selected

    @property
    def outlook(self) -> Outlook:
        """What is selected and what is seen of the network, to come back to."""
        scene, camera = self._scene, self._camera
        centre = None if camera.fitted else camera.to_scene(QPointF(self.viewport().rect().center()))
        return Outlook(scene.root, scene.selected, scene.selected_wires, camera.zoom, centre)

    def look_as(self, outlook: Outlook) -> None:
        """Look into the same group, select the same and see the same part, as far as it is there."""
        self._scene.enter(outlook.root)
        self._scene.select(outlook.selected, outlook.wires)
        if outlook.centre is None:
            self._camera.fit()
        else:
            self._camera.set_zoom(outlook.zoom)
            self._camera.look_at(outlook.centre)

    def select(self, ids: Iterable[str]) -> None:
        """Select these nodes and nothing else."""
        self._scene.select(ids)

    def reveal(self, node: str) -> None:
        """Select a node or a group and show it, wherever it is hidden; nothing where there is none of that id."""
        if self.groups.reveal(node):
            self.select([node])
            self._desk.zoom_to_selection()

    def hold_still(self) -> None:
        """End what glides: cards are where they belong, the view stays where it is."""
        self._rearranging.finish()
        self._camera.stop_glide()

    def visible_nodes(self) -> frozenset[str]:
        """Ids of the nodes whose card can be seen and shows values."""
        return self._follower.visible_nodes()

    def _is_taken(self, rect: QRectF) -> bool:
        """Whether a card stands in a part of the scene."""
        cards, near = self._scene.cards, self._scene.grid.near(rect)
        return any(node in cards and cards[node].card_rect().intersects(rect) for node in near)

    def _content_rect(self) -> QRectF:
        """The smallest rectangle around all cards, where they will stand once they have come to rest."""
        goal = self._rearranging.goal
        return goal if goal is not None else self._scene.content_rect()

    def _rest_cursor(self) -> Qt.CursorShape:
        """The shape of the pointer while no gesture goes on."""
        return self._mouse.cursor()

    def _announce(self, text: str) -> None:
        """Say something to those who listen instead of looking."""
        self.setAccessibleDescription(text)
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))

    # Mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin the gesture that fits what is under the mouse."""
        event.accept()
        self.hold_still()
        self._gestures.press(self._camera.to_scene(event.position()))
        self._mouse.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with the gesture, or light up what is under the mouse."""
        event.accept()
        if self._gestures.gesture is not None and not isinstance(self._gestures.gesture, ConnectByKeys):
            self._gestures.move(event.position(), event.modifiers())
        elif self._gestures.gesture is None:
            self._mouse.hover(self._camera.to_scene(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Complete the gesture."""
        event.accept()
        self._mouse.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open a card; on free ground look for a layer."""
        event.accept()
        self._mouse.double_click(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Show the menu for what is under the mouse, or for what is selected when the key was pressed."""
        point = self.mapToScene(event.pos())
        if event.reason() is QContextMenuEvent.Reason.Keyboard:
            point = self._menus.point(point)
        menu = self._menus.at(point)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.viewport().mapToGlobal(self.mapFromScene(point)))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the mouse by a wheel; move the view by two fingers on a touch pad, or by the wheel with Shift."""
        event.accept()
        pixels, angle = event.pixelDelta(), event.angleDelta()
        modifiers = event.modifiers()
        touch = event.phase() is not Qt.ScrollPhase.NoScrollPhase and not pixels.isNull()
        if modifiers & Qt.KeyboardModifier.ShiftModifier:
            self._camera.pan_by(angle.y() + angle.x(), 0.0)
        elif touch and not modifiers & Qt.KeyboardModifier.ControlModifier:
            self._camera.pan_by(pixels.x(), pixels.y())
        elif angle.y():
            self._hurry()
            self._camera.set_zoom(self._camera.zoom * 1.2 ** (angle.y() / 120.0), event.position())
        elif angle.x():
            self._camera.pan_by(angle.x(), 0.0)
        if self._gestures.gesture is not None:
            self._gestures.move(event.position(), modifiers)
        self.overlay.update()

    def viewportEvent(self, event: QEvent) -> bool:
        """Show tooltips, zoom by pinching, and take note of the mouse that leaves."""
        if event.type() is QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            text = tooltip(self._scene, self._stage, self.mapToScene(event.pos()))
            if text and self._gestures.gesture is None:
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
            self._camera.set_zoom(self._camera.zoom * (1.0 + event.value()), event.position())
            return True
        if event.type() is QEvent.Type.Leave and self._gestures.gesture is None:
            self._mouse.hover(None)
        return super().viewportEvent(event)

    # Keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Give a key to the gesture first, then to the canvas; leave the rest to the window."""
        if event.key() == Qt.Key.Key_Escape and self._gestures.gesture is not None:
            self._gestures.cancel()
        elif self._gestures.gesture is not None and self._gestures.gesture.key(event):
            self.overlay.update()
        elif event.key() == Qt.Key.Key_Space and self._gestures.gesture is None:
            self._mouse.panning = True
            self._gestures.rest()
        elif not self._keys.press(event):
            event.ignore()
            return
        event.accept()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Stop moving the view by mouse when Space is let go."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._mouse.panning = False
            if self._gestures.gesture is None:
                self._gestures.rest()
        else:
            super().keyReleaseEvent(event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Walk over the cards by Tab and leave the canvas; or look for a layer, or choose the end of a wire."""
        if isinstance(self._gestures.gesture, ConnectByKeys):
            self._gestures.gesture.step(forward=forward)
            self.overlay.update()
            return True
        if forward and self.quick_add.wanted:
            self.quick_add.open()
            return True
        return self._keys.tab(forward=forward) or super().focusNextPrevChild(forward)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Forget the held key and the wire by keyboard: the keyboard has gone elsewhere."""
        self._mouse.panning = False
        if isinstance(self._gestures.gesture, ConnectByKeys):
            self._gestures.cancel()
        super().focusOutEvent(event)

    # Drops from the palette

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take a layer that is dragged over the canvas."""
        self._drops.enter(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Show where a layer that is dragged over the canvas would be added."""
        self._drops.move(event)
        self.overlay.update()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Forget a layer that is dragged elsewhere."""
        self._drops.leave(event)
        self.overlay.update()

    def dropEvent(self, event: QDropEvent) -> None:
        """Add a layer where it is let go."""
        self._drops.drop(event)
        self.overlay.update()

    # Painting

    @guarded
    def drawForeground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        """Draw ports, and what the gesture shows."""
        self.overlay.paint(painter)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint a frame; while the wheel turns, cards that only need to be sharper wait for one with time to spare."""
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
        """Keep frames quick while the wheel turns; when it rests, what was left blurred is painted sharp bit by bit."""
        self._hurried = True
        self._navigating.start(_REST)

    @guarded
    def drawBackground(self, painter: QPainter, rect: QRectF | QRect) -> None:
        """Draw the dotted ground."""
        self._backdrop.paint(painter, QRectF(rect), self.devicePixelRatioF())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep a fitted network fitted."""
        super().resizeEvent(event)
        self._place_empty()
        self._camera.refit()
        self._follower.look_later()

    def showEvent(self, event: QShowEvent) -> None:
        """Show the whole network the first time."""
        super().showEvent(event)
        self._camera.refit()

    def _place_empty(self) -> None:
        self._empty.setVisible(not self._scene.cards and self._scene.content_rect().isEmpty())
        self._empty.move((self.width() - self._empty.width()) // 2, (self.height() - self._empty.height()) // 2)

    # Following

    def _on_zoom_changed(self, zoom: float) -> None:
        before, self._stage.zoom = self._stage.level, zoom
        if self._stage.level is not before:
            self._scene.set_level(self._stage.level)

    def _on_selection_changed(self, nodes: list[str]) -> None:
        self.selection_changed.emit(nodes)
        self._announce(describe_selection(self._scene, self._stage.live, nodes))

    def _open_places(self) -> list[QPointF]:
        """Where the ports without a wire are, of cards in sight; none while cards are too small to show them."""
        if self._stage.level is Level.FAR:
            return []
        # Each frame asks: of a thousand cards only those in sight cost something.
        near = self._camera.visible_rect().marginsAdded(_PORT_MARGIN)
        return [self._scene.port_place(port) for port in self._scene.open_ports(near)]

    def _on_scene_refreshed(self) -> None:
        if self._scene.graph.edges is not self._edges:
            self._edges = self._scene.graph.edges
            self.viewport().update()  # ports may have lost their wire, or have one now
        self._place_empty()
        if self._gestures.gesture is None:
            known = {
                port: look for port, look in self.overlay.ports.shown.items() if port.ref.node in self._scene.cards
            }
            self.overlay.show_ports({port: (self._scene.port_place(port), look[1]) for port, look in known.items()})
        self._follower.look_later()

    def _on_document_changed(self, before: Project, after: Project, edit: object) -> None:
        """End the gesture that a change from elsewhere has made meaningless; show another project whole."""
        if self._gestures.gesture is not None:
            self._gestures.cancel()
        if edit is None:
            self._scene.select(())
            self._scene.enter("")
            self._camera.fit()

    def _on_theme_changed(self) -> None:
        self._backdrop.clear()
        self.overlay.restyle()
        self.groups.breadcrumb.restyle()
        self._empty.restyle()
        self._place_empty()
        self.viewport().update()
