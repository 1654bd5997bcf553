"""Zoom and pan: which part of the scene is shown, and how large."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import QObject, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QTransform
from PySide6.QtWidgets import QFrame, QGraphicsView

from nnviz.gui.canvas.glide import Glide
from nnviz.gui.look import motion

MINIMUM_ZOOM, MAXIMUM_ZOOM = 0.05, 4.0
#: Largest zoom that "fit" chooses by itself.
_FIT_ZOOM = 1.15
#: Room left around the content when all of it is shown: little in a small window, where letters need it more.
_FIT_MARGIN, _LEAST_FIT_MARGIN = 36, 14
_ZOOM_STEP = 1.25
_GLIDE_MILLISECONDS = 180
#: What lies over the upper edge takes at most this share of the height away from a fitted network.
_MOST_INSET = 0.55
#: Half the width of the world, in scene units.
_WORLD = 60_000.0


class Camera(QObject):
    """Zooms and pans a view: at the mouse, smoothly where things may move, and never away from the content.

    Args:
        view: What shows the scene. The camera takes care of its scroll bars and of what it repaints.
        content: The smallest rectangle around everything there is; empty when there is nothing.
        taken: Whether a card stands in a part of the scene.
        hurry: Called before each frame of a glide that changes the zoom: it must be painted quickly.

    Signals:
        zoom_changed: The new zoom.
        moved: Another part of the scene is to be seen, or the same at another zoom.
        covered: Something covers another part of the view's edges.
    """

    zoom_changed = Signal(float)
    moved = Signal()
    covered = Signal()

    def __init__(
        self,
        view: QGraphicsView,
        content: Callable[[], QRectF],
        taken: Callable[[QRectF], bool] = lambda _rect: False,
        hurry: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(view)
        self._view = view
        self._content = content
        self._taken = taken
        self._hurry = hurry
        self._fitted = True
        self._fitted_to = QRectF()
        self._inset = 0
        self._foot = 0
        self._corner = QSize(0, 0)
        self._glide = Glide(self)
        view.setSceneRect(-_WORLD, -_WORLD, 2 * _WORLD, 2 * _WORLD)
        view.setFrameShape(QFrame.Shape.NoFrame)
        view.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        view.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        view.setResizeAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # The background fills every pixel, so that scrolling may move what is painted already.
        view.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        view.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.SmartViewportUpdate)

    def content_rect(self) -> QRectF:
        """The smallest rectangle around all cards, where they will stand once they have come to rest."""
        return self._content()

    @property
    def zoom(self) -> float:
        """Device-independent pixels for one scene unit."""
        return self._view.transform().m11()

    @property
    def room(self) -> tuple[float, float]:
        """Width and height of the view in device-independent pixels."""
        return self._view.viewport().width(), self._view.viewport().height()

    @property
    def fitted(self) -> bool:
        """Whether the content was fitted into the view and the user has neither zoomed nor panned since."""
        return self._fitted

    @property
    def inset(self) -> int:
        """Pixels that something covers at the upper edge."""
        return self._inset

    @property
    def foot(self) -> int:
        """Pixels that something covers at the lower edge."""
        return self._foot

    @property
    def gliding(self) -> bool:
        """Whether the view is on its way to what it will show."""
        return self._glide.active

    def visible_rect(self) -> QRectF:
        """The part of the scene that can be seen."""
        return self._view.mapToScene(self._view.viewport().rect()).boundingRect()

    def to_scene(self, point: QPointF) -> QPointF:
        """A point of the viewport in the scene, finer than whole pixels."""
        inverted, _ = self._view.viewportTransform().inverted()
        return inverted.map(point)

    def set_zoom(self, zoom: float, anchor: QPointF | None = None) -> None:
        """Zoom; the point of the viewport at ``anchor`` (its middle if none is given) stays where it is."""
        self.stop_glide()
        zoom = _allowed(zoom)
        if zoom == self.zoom:
            return
        anchor = QPointF(self._view.viewport().rect().center()) if anchor is None else anchor
        before = self.to_scene(anchor)
        self._view.setTransform(QTransform.fromScale(zoom, zoom))
        after = self.to_scene(anchor)
        self._scroll_by((before.x() - after.x()) * zoom, (before.y() - after.y()) * zoom)
        self._clamp()
        self._fitted = False
        self.zoom_changed.emit(zoom)
        self.moved.emit()

    def pan_by(self, across: float, down: float) -> None:
        """Move what is shown by so many device-independent pixels."""
        self.stop_glide()
        self._scroll_by(-across, -down)
        self._clamp()
        self._fitted = False
        self.moved.emit()

    def zoom_in(self) -> None:
        """Zoom in by one step."""
        self.set_zoom(self.zoom * _ZOOM_STEP)

    def zoom_out(self) -> None:
        """Zoom out by one step."""
        self.set_zoom(self.zoom / _ZOOM_STEP)

    def zoom_reset(self) -> None:
        """Zoom to where one scene unit is one pixel."""
        self.set_zoom(1.0)

    def look_at(self, point: QPointF) -> None:
        """Bring a point of the scene to the middle of the view."""
        middle = self.to_scene(QPointF(self._view.viewport().rect().center()))
        self.pan_by((middle.x() - point.x()) * self.zoom, (middle.y() - point.y()) * self.zoom)

    def fit(self, *, glide: bool = False) -> None:
        """Show everything; it stays fitted when the view changes its size, until the user zooms or pans.

        Args:
            glide: Go there smoothly, where things may move.
        """
        self._fitted_to = self._content()
        self._show(self._fitted_to, _FIT_ZOOM, glide=glide)
        self._fitted = True

    def refit(self) -> None:
        """Fit again what was fitted, because the view has another size."""
        if self._fitted:
            self.fit()

    @property
    def corner(self) -> QSize:
        """How much of the upper right corner is covered."""
        return self._corner

    def set_corner(self, size: QSize) -> None:
        """Say how much of the upper right corner is covered: where cards would lie below it, they are fitted lower."""
        if size == self._corner:
            return
        self._corner = size
        self.covered.emit()
        if self._fitted and self._content() == self._fitted_to:
            self.fit(glide=True)

    def set_foot(self, bottom: int) -> None:
        """The same for the lower edge."""
        if bottom == self._foot:
            return
        self._foot = bottom
        self.covered.emit()
        if self._fitted and self._content() == self._fitted_to:
            self.fit(glide=True)

    def set_inset(self, top: int) -> None:
        """Say how many pixels something covers at the upper edge: what is fitted stands below it.

        Nothing moves once cards were added or moved by hand: the next one would land where nobody meant it to.
        """
        if top == self._inset:
            return
        self._inset = top
        self.covered.emit()
        if self._fitted and self._content() == self._fitted_to:
            self.fit(glide=True)

    def show_rect(self, rect: QRectF, most: float, *, glide: bool = False, below_corner: bool = True) -> None:
        """Show a part of the scene as large as it fits, at most at the zoom ``most``.

        Args:
            rect: The part.
            most: The largest zoom.
            glide: Go there, instead of being there.
            below_corner: What would lie under the switches in the corner is shown below them; else who asks minds them.
        """
        self._show(rect, most, glide=glide, below_corner=below_corner)
        self._fitted = False

    def stop_glide(self) -> None:
        """End a glide where the view is now."""
        if self._glide.active:
            self._glide.cancel()
            self._fitted = False

    def _show(self, rect: QRectF, most: float, *, glide: bool = False, below_corner: bool = True) -> None:
        zoom, centre = self._target(rect, most) if below_corner else self._fitting(rect, most, 0)
        if not (glide and motion.allowed() and self._view.isVisible()):
            self._glide.cancel()
            self._look(zoom, centre)
            return
        first, start = (
            self.zoom,
            self.to_scene(QPointF(self._view.viewport().width() / 2, self._view.viewport().height() / 2)),
        )

        def frame(share: float) -> None:
            if share >= 1.0:
                self._look(zoom, centre)
                return
            now = first * (zoom / first) ** share
            # One point of the scene stands still while the zoom changes; without a change of zoom, a straight line.
            way = share if math.isclose(zoom, first) else (1.0 / first - 1.0 / now) / (1.0 / first - 1.0 / zoom)
            self._hurry()
            self._look(now, start + (centre - start) * way)

        self._glide.start(_GLIDE_MILLISECONDS, frame)

    def _target(self, rect: QRectF, most: float) -> tuple[float, QPointF]:
        """The zoom at which a part of the scene fits, and the point that is in the middle of the view then."""
        if rect.isEmpty():
            return 1.0, QPointF()
        zoom, centre = self._fitting(rect, most, self._inset)
        wide, high = self._view.viewport().width(), self._view.viewport().height()
        if self._corner.height() > self._inset:
            corner = QRectF(wide - self._corner.width(), 0.0, self._corner.width(), self._corner.height())
            corner.translate(-wide / 2, -high / 2)
            below = QRectF(corner.topLeft() / zoom + centre, corner.size() / zoom)
            if self._taken(below):
                # Below it, or beside it: where it is larger, as a network in many rows is beside it.
                ways = (
                    self._fitting(rect, most, self._corner.height()),
                    self._fitting(rect, most, self._inset, self._corner.width()),
                )
                return max(ways, key=lambda way: way[0])
        return zoom, centre

    def _fitting(self, rect: QRectF, most: float, inset: int, right: int = 0) -> tuple[float, QPointF]:
        """The same with so many pixels covered at the upper edge, and at the right one."""
        wide, high = self._view.viewport().width(), self._view.viewport().height()
        right = min(right, round(_MOST_INSET * wide))
        inset = min(inset, round(_MOST_INSET * high))
        margin = min(max(_LEAST_FIT_MARGIN, round(0.05 * min(wide, high) - 10)), _FIT_MARGIN)
        foot = min(self._foot, round(_MOST_INSET * high) - inset)
        wide, high = max(1, wide - right - 2 * margin), max(1, high - inset - foot - 2 * margin)
        zoom = min(wide / rect.width(), high / rect.height(), most)
        if 1.0 <= zoom < 1.06:
            zoom = 1.0
        zoom = _allowed(zoom)
        # What does not fit is shown from its beginning: the first cards of the first row.
        across = min(rect.width() / 2, wide / zoom / 2)
        down = min(rect.height() / 2, high / zoom / 2)
        middle = QPointF(rect.left() + across, rect.top() + down)
        return zoom, middle + QPointF(right / zoom / 2, -(inset - foot) / zoom / 2)

    def _look(self, zoom: float, centre: QPointF) -> None:
        """Show the scene at this zoom with this point in the middle."""
        changed = zoom != self.zoom
        if changed:
            self._view.setTransform(QTransform.fromScale(zoom, zoom))
        self._view.centerOn(centre)
        if changed:
            self.zoom_changed.emit(zoom)
        self.moved.emit()

    def height_for(self, zoom: float, covered: int | None = None) -> int:
        """Pixels of height that the view needs so that everything, fitted, is shown at this zoom at least.

        Args:
            zoom: Pixels a unit of the scene.
            covered: Pixels at the upper edge that cannot be seen; as many as now where nothing is said.
        """
        if covered is None:
            covered = max(self._inset, self._corner.height())
        return math.ceil(zoom * self._content().height()) + covered + self._foot + 2 * _FIT_MARGIN

    def make_rect_visible(self, rect: QRectF) -> None:
        """Scroll as little as needed to show a part of the scene; an empty one needs nothing."""
        if rect.isEmpty():
            return
        margin = 20.0 / self.zoom
        visible = self.visible_rect().adjusted(margin, margin, -margin, -margin)
        across = max(0.0, rect.right() - visible.right()) - max(0.0, visible.left() - rect.left())
        down = max(0.0, rect.bottom() - visible.bottom()) - max(0.0, visible.top() - rect.top())
        if across or down:
            self.pan_by(-across * self.zoom, -down * self.zoom)

    def _scroll_by(self, across: float, down: float) -> None:
        horizontal, vertical = self._view.horizontalScrollBar(), self._view.verticalScrollBar()
        horizontal.setValue(horizontal.value() + round(across))
        vertical.setValue(vertical.value() + round(down))

    def _clamp(self) -> None:
        """Never lose the content: some of it, or of where it would begin, stays in sight."""
        content = self._content()
        if content.isEmpty():
            content = QRectF(-200.0, -200.0, 400.0, 400.0)
        visible = self.visible_rect()
        keep = 60.0 / self.zoom
        across = max(0.0, content.left() + keep - visible.right()) - max(0.0, visible.left() + keep - content.right())
        down = max(0.0, content.top() + keep - visible.bottom()) - max(0.0, visible.top() + keep - content.bottom())
        if across or down:
            self._scroll_by(across * self.zoom, down * self.zoom)


def _allowed(zoom: float) -> float:
    return min(max(zoom, MINIMUM_ZOOM), MAXIMUM_ZOOM)
