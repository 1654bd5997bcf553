"""Finds a layer by its name and adds it where the hand is: at the mouse, into a wire, or at the loose end of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect

from nnviz.gui.canvas.desk import Desk
from nnviz.gui.canvas.geometry import CARD_WIDTH, PORT_Y
from nnviz.gui.canvas.hands.gesture_host import GestureHost
from nnviz.gui.canvas.hands.gestures import Gesture
from nnviz.gui.canvas.hands.modality import Modality
from nnviz.gui.canvas.hands.quick_add_popup import QuickAddPopup
from nnviz.gui.canvas.routing import Port
from nnviz.gui.parts.following import follow
from nnviz.project import registry
from nnviz.project.checks.shapes import shape_text
from nnviz.project.checks.suggestions import Suggestion, every_layer, feeders, followers
from nnviz.project.model import Edge, PortRef, Project

#: So many of the layers that were added last stand at the top of the list.
_MOST_RECENT = 3


@dataclass(frozen=True)
class _Spot:
    """Where the chosen layer goes.

    Attributes:
        corner: Top left corner of its card.
        edge: The wire that it goes into.
        source, target: What it is wired to otherwise.
    """

    corner: QPointF
    edge: Edge | None = None
    source: PortRef | None = None
    target: PortRef | None = None


class QuickAdd:
    """Opens the list of layers on a canvas and adds the one that is chosen.

    Args:
        desk: The canvas to work on.
        gestures: The gesture of mouse or keys, which ends when the list is opened.
        modality: Whether the hand was on the mouse last, and where that is.

    Attributes:
        gesture: The wire whose loose end waits for the choice; it stays in sight meanwhile.
    """

    def __init__(self, desk: Desk, gestures: GestureHost, modality: Modality) -> None:
        self._desk = desk
        self._gestures = gestures
        self._modality = modality
        self._popup: QuickAddPopup | None = None
        self._spot = _Spot(QPointF())
        self.gesture: Gesture | None = None
        follow(desk.scene.document.changed, self._on_changed, desk.surface)
        desk.overlay.draw_from(lambda: self.gesture)

    @property
    def popup(self) -> QuickAddPopup | None:
        """The list, while it is open."""
        return self._popup if self._popup is not None and self._popup.isVisible() else None

    @property
    def pointer(self) -> QPointF | None:
        """Where the mouse is, in the scene; None while it is elsewhere."""
        pointer = self._modality.pointer
        return self._desk.camera.to_scene(pointer) if pointer is not None else None

    @property
    def wanted(self) -> bool:
        """Whether Tab means to look for a layer: the hand was on the mouse last, and the mouse over the canvas."""
        return self._modality.by_mouse and self._desk.overlay.gesture is None and self.popup is None

    def open(self, point: QPointF | None = None) -> None:
        """Look for a layer that goes into the wire at a point, behind the one selected card, or stands alone.

        Args:
            point: Of the scene; by default that under the mouse, or the middle of the view.
        """
        desk, scene = self._desk, self._desk.scene
        self._gestures.cancel()
        if desk.refuses():
            return
        if point is None:
            pointer = self.pointer
            point = pointer if pointer is not None else desk.camera.visible_rect().center()
        corner = QPointF(round(point.x() - CARD_WIDTH / 2), round(point.y() - PORT_Y))
        wire = scene.wire_at(point) if scene.card_at(point) is None else None
        edge = wire.edge if wire is not None else None
        if edge is None and not scene.selected and len(scene.selected_wires) == 1:
            edge = scene.selected_wires[0]
        shapes, recent = scene.document.inference, desk.editing.recent[:_MOST_RECENT]
        if edge is not None and edge in scene.seen.wires:
            real = scene.seen.wires[edge][0]
            front = scene.graph.nodes[real.source.node].kind
            through = [
                entry
                for entry in every_layer(shapes.shape(real.source.node), recent, front)
                if entry.spec.max_inputs and entry.spec.outputs
            ]
            heading = f"Into the wire from {real.source.node} to {real.target.node}"
            self._offer(heading, through, point, _Spot(corner, edge=edge))
            return
        node = scene.selected[0] if len(scene.selected) == 1 else ""
        if node in scene.cards:
            node = scene.cards[node].facts.pictured
        if node in scene.graph.nodes and registry.layer(scene.graph.nodes[node].kind).outputs:
            shape = shapes.shape(node)
            known = f", which puts out {shape_text(shape)}" if shape else ""
            heading, spot = f"Behind {node}{known}", _Spot(corner, source=PortRef(node))
            self._offer(heading, every_layer(shape, recent, scene.graph.nodes[node].kind), point, spot)
        else:
            self._offer("A new layer", every_layer(None, recent), point, _Spot(corner))

    def open_at_end(self, port: Port, point: QPointF, gesture: Gesture) -> None:
        """Look for what fits the loose end of a wire.

        Args:
            port: Where the wire is plugged in.
            point: Of the scene, where its loose end is.
            gesture: Shows the wire as long as the list is open.
        """
        scene = self._desk.scene
        graph, inference = scene.graph, scene.document.inference
        ref = scene.seen.source(port.ref) if port.output else scene.seen.targets(port.ref)[0]
        if ref.node not in graph.nodes:
            return
        self.gesture = gesture
        if port.output:
            shape = inference.shape(ref.node)
            heading = f"What takes {shape_text(shape)} from {ref.node}" if shape else f"What follows {ref.node}"
            corner = QPointF(round(point.x()), round(point.y() - PORT_Y))
            self._offer(heading, followers(graph, ref, inference), point, _Spot(corner, source=ref))
        else:
            corner = QPointF(round(point.x() - CARD_WIDTH), round(point.y() - PORT_Y))
            self._offer(f"What feeds {ref.node}", feeders(graph, ref, inference), point, _Spot(corner, target=port.ref))

    def close(self) -> None:
        """Put the list away: nothing is added."""
        if self._popup is not None:
            self._popup.hide()

    def _offer(self, heading: str, suggestions: Sequence[Suggestion], point: QPointF, spot: _Spot) -> None:
        surface = self._desk.surface
        self._spot = spot
        if self._popup is None:
            self._popup = QuickAddPopup(surface)
            self._popup.chosen.connect(self._add)
            self._popup.closed.connect(self._on_closed)
        window = surface.window()
        within = QRect(window.mapToGlobal(window.rect().topLeft()), window.size()).intersected(
            surface.screen().availableGeometry()
        )
        place = surface.viewport().mapToGlobal(surface.mapFromScene(point))
        self._popup.offer(heading, suggestions, place, within)
        self._desk.overlay.update()

    def _add(self, suggestion: Suggestion) -> None:
        desk, spot = self._desk, self._spot
        if spot.edge is not None:
            added = desk.editing.insert_new(suggestion.kinds[-1], spot.edge)
        else:
            added = desk.editing.add_row(suggestion.kinds, spot.corner, source=spot.source, target=spot.target)
        desk.take_keyboard()
        if added is not None:
            desk.make_visible(added)

    def _on_closed(self) -> None:
        self.gesture = None
        self._desk.overlay.update()

    def _on_changed(self, before: Project, after: Project, edit: object) -> None:
        """Put the list away: it was made for the network as it was."""
        self.close()
