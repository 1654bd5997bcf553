"""What is drawn over the cards while a hand works: ports, the gesture that goes on, and a sentence beside the mouse."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGraphicsView

from nnviz.gui.canvas.items.ports import PortsOverlay, PortState, paint_ports
from nnviz.gui.canvas.routing import Port
from nnviz.gui.canvas.widgets import HintLabel


class Drawn(Protocol):
    """Something that paints itself over the scene, in its units: a gesture."""

    def paint(self, painter: QPainter) -> None:
        """Draw over the scene."""

    def area(self) -> QRectF:
        """The part of the scene that :meth:`paint` draws on."""


class Overlay:
    """Draws over the scene of a view, and repaints no more of it than has changed.

    Args:
        view: What shows the scene; the hint is a child of it.
    """

    def __init__(self, view: QGraphicsView) -> None:
        self._view = view
        self._ports = PortsOverlay()
        self._open: Callable[[], Sequence[QPointF]] = tuple
        self._hint = HintLabel(view)
        self._sources: list[Callable[[], Drawn | None]] = []
        self._painted = QRectF()

    def draw_from(self, source: Callable[[], Drawn | None]) -> None:
        """Also draw what a source holds, where those that were named before hold nothing."""
        self._sources.append(source)

    @property
    def gesture(self) -> Drawn | None:
        """The gesture that is going on: of the mouse, of the keys, or a layer held over the canvas."""
        return next((drawn for source in self._sources if (drawn := source()) is not None), None)

    @property
    def ports(self) -> PortsOverlay:
        """The ports that are shown over the cards."""
        return self._ports

    @property
    def hint(self) -> str:
        """The sentence beside the mouse, as long as it is shown."""
        return self._hint.text() if self._hint.isVisibleTo(self._view) else ""

    @property
    def hint_tone(self) -> str:
        """``warning`` where the sentence beside the mouse warns, else empty."""
        return self._hint.tone

    def show_ports(self, ports: Mapping[Port, tuple[QPointF, PortState]]) -> None:
        """Show these ports over the cards, and no others."""
        if ports != self._ports.shown:
            self._ports.shown = dict(ports)
            self.update()

    def show_open(self, places: Callable[[], Sequence[QPointF]]) -> None:
        """Always draw the ports that have no wire: without them nobody sees where one may begin or end.

        Args:
            places: Where they are at the moment; none while the cards are too small.
        """
        self._open = places

    def show_hint(self, text: str, point: QPointF | None = None, tone: str = "") -> None:
        """Show a sentence beside a point of the scene; an empty one hides it. The tone may be ``warning``."""
        self._hint.say(text, self._view.mapFromScene(point) if point is not None else QPoint(), tone)

    def set_cursor(self, shape: Qt.CursorShape) -> None:
        """Give the mouse pointer a shape over the canvas."""
        self._view.viewport().setCursor(shape)

    def update(self) -> None:
        """Repaint where ports and gestures are drawn, and where they were."""
        area, gesture = self._ports.area(), self.gesture
        if gesture is not None:
            area = area.united(gesture.area())
        both = area.united(self._painted)
        self._painted = area
        if not both.isEmpty():
            self._view.viewport().update(self._view.mapFromScene(both).boundingRect().adjusted(-4, -4, 4, 4))

    def paint(self, painter: QPainter) -> None:
        """Draw the ports, and over them the gesture."""
        paint_ports(painter, self._open())
        self._ports.paint(painter)
        gesture = self.gesture
        if gesture is not None:
            gesture.paint(painter)

    def restyle(self) -> None:
        """Take the colours of the hint from the theme."""
        self._hint.restyle()
