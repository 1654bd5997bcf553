"""Examples as points of a plane: two columns against each other, principal components, or neighbours side by side."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QWidget

from nnviz.data.described import PlaneMap
from nnviz.data.viewing import ViewedData
from nnviz.gui.data.choosing import Answers
from nnviz.gui.data.row_values import number_words
from nnviz.gui.look import theme
from nnviz.gui.look.painting import Saved, guarded
from nnviz.gui.look.scales import class_colour
from nnviz.gui.parts.following import follow

_MARGIN = 18
#: Pixels within which a click means a point.
_NEAR = 14.0
#: A small picture is drawn at most this large on a map, and one for each field of this side.
_PICTURE = 34
#: Names of so many classes stand on the map.
_MOST_NAMES = 24


class PlanePoints(QWidget):
    """The points, in the colours of their classes; with pictures in place of points where these leave room.

    Signals:
        selected: A point was clicked: the number of the example.
    """

    selected = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data: ViewedData | None = None
        self._map: PlaneMap | None = None
        self._answers: Answers | None = None
        self._pictures: tuple[QImage, NDArray[np.int64]] | None = None
        self._picture_side = (1, 1)
        self._current = -1
        self._empty = ""
        #: What is in sight, in the numbers of the map.
        self._view = QRectF()
        self._held: QPointF | None = None
        self._moved = False
        self._layer: QImage | None = None
        self._layer_key: tuple[object, ...] = ()
        self.setMouseTracking(True)
        self.setMinimumSize(160, 140)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName("Map of the examples")
        follow(theme.notifier.changed, self._forget_layer)

    def show_map(self, data: ViewedData | None, shown: PlaneMap | None, empty: str) -> None:
        """Show a map, or why there is none."""
        self._data, self._map, self._empty = data, shown, empty
        self._pictures = None
        self._fit()
        self._forget_layer()

    def show_pictures(self, sheet: QImage | None, places: NDArray[np.int64], width: int, height: int) -> None:
        """Small pictures side by side, of the points at these places of the map; None for points alone."""
        self._pictures = None if sheet is None else (sheet, places)
        self._picture_side = (width, height)
        self._forget_layer()

    def select(self, number: int) -> None:
        """Mark an example; −1 for none."""
        self._current = number
        self.update()

    def spread(self, most: int = 400) -> NDArray[np.int64]:
        """Places of the map whose pictures would lie beside each other, not over each other, as it is seen now."""
        if self._map is None:
            return np.empty(0, np.int64)
        on_screen = self._on_screen()
        taken: set[tuple[int, int]] = set()
        found = []
        for place, (x, y) in enumerate(on_screen.tolist()):
            if math.isfinite(x) and math.isfinite(y) and 0 <= x < self.width() and 0 <= y < self.height():
                field = (round(x) // _PICTURE, round(y) // _PICTURE)
                if field not in taken:
                    taken.add(field)
                    found.append(place)
                    if len(found) == most:
                        break
        return np.array(found, np.int64)

    # ---- where things are ----------------------------------------------------------------------------------------

    def _fit(self) -> None:
        if self._map is None:
            return
        finite = self._map.points[np.isfinite(self._map.points).all(1)]
        if not len(finite):
            self._view = QRectF(0, 0, 1, 1)
            return
        low, high = finite.min(0), finite.max(0)
        span = np.where(high > low, high - low, 1.0)
        low, span = low - 0.03 * span - np.where(high > low, 0.0, 0.5), span * 1.06
        self._view = QRectF(float(low[0]), float(low[1]), float(span[0]), float(span[1]))

    @property
    def _area(self) -> QRectF:
        line = self.fontMetrics().height() + 8
        titled = self._map is not None and bool(self._map.titles[0])
        rest = line if titled else 0
        return QRectF(_MARGIN + rest, 10, self.width() - 2 * _MARGIN - rest, self.height() - 16 - rest - 4)

    def _on_screen(self) -> NDArray[np.float64]:
        assert self._map is not None
        area, view = self._area, self._view
        found = np.empty_like(self._map.points)
        found[:, 0] = area.left() + (self._map.points[:, 0] - view.left()) / view.width() * area.width()
        found[:, 1] = area.bottom() - (self._map.points[:, 1] - view.top()) / view.height() * area.height()
        return found

    def number_at(self, point: QPointF) -> int:
        """The example that is nearest to a point of the widget; −1 where none is near."""
        if self._map is None:
            return -1
        distance = np.hypot(*(self._on_screen() - (point.x(), point.y())).T)
        distance[~np.isfinite(distance)] = np.inf
        nearest = int(distance.argmin()) if len(distance) else -1
        near = _PICTURE * 0.7 if self._pictures is not None else _NEAR
        return int(self._map.numbers[nearest]) if nearest >= 0 and distance[nearest] <= near else -1

    def place_of(self, number: int) -> QPointF | None:
        """Where an example is drawn; None where it is not on the map."""
        if self._map is None:
            return None
        places = np.flatnonzero(self._map.numbers == number)
        if not len(places):
            return None
        x, y = self._on_screen()[int(places[0])].tolist()
        return QPointF(x, y) if math.isfinite(x) and math.isfinite(y) else None

    # ---- painting ------------------------------------------------------------------------------------------------

    def _forget_layer(self) -> None:
        self._layer = None
        self.update()

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """The points as they were drawn last, and a ring round the one that is chosen."""
        colours = theme.current()
        painter = QPainter(self)
        if self._map is None or self._data is None:
            painter.fillRect(self.rect(), colours.plot_background)
            painter.setFont(theme.font(14))
            painter.setPen(colours.text_muted)
            room = self.rect().adjusted(40, 20, -40, -20)
            painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap), self._empty)
            return
        ratio = self.devicePixelRatioF()
        key = (self.size().toTuple(), QRectF(self._view), ratio, id(self._map), id(self._pictures))
        if self._layer is None or key != self._layer_key:
            layer = QImage(self.size() * ratio, QImage.Format.Format_RGB32)
            layer.setDevicePixelRatio(ratio)
            layer.fill(colours.plot_background)
            on_layer = QPainter(layer)
            on_layer.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._draw(on_layer, self._map, self._data)
            on_layer.end()
            self._layer, self._layer_key = layer, key
        painter.drawImage(0, 0, self._layer)
        place = self.place_of(self._current)
        if place is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            size = 9.0 if self._pictures is None else _PICTURE * 0.6
            for colour, width in ((colours.plot_background, 6), (colours.accent, 3)):
                painter.setPen(QPen(colour, width))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawEllipse(place, size, size)

    def _draw(self, painter: QPainter, shown: PlaneMap, data: ViewedData) -> None:
        colours, area = theme.current(), self._area
        painter.setPen(QPen(colours.grid, 1))
        painter.drawRect(area)
        on_screen = self._on_screen()
        labels = data.label_of[shown.numbers]
        radius = 4.0 if len(labels) <= 600 else 3.0 if len(labels) <= 3000 else 2.2
        with Saved(painter):
            painter.setClipRect(area)
            if data.class_names:
                for label in range(len(data.class_names)):
                    points = on_screen[(labels == label) & np.isfinite(on_screen).all(1)]
                    self._draw_dots(painter, points, class_colour(label, colours), radius, hollow=label >= 7)
            else:
                self._draw_dots(painter, on_screen[np.isfinite(on_screen).all(1)], colours.accent, radius, hollow=False)
            if self._pictures is not None:
                self._draw_pictures(painter, on_screen, labels)
        if 1 < len(data.class_names) <= _MOST_NAMES and self._pictures is None:
            self._draw_names(painter, on_screen, labels, data.class_names)
        self._draw_axes(painter, shown)

    @staticmethod
    def _draw_dots(painter: QPainter, points: NDArray[np.float64], colour: QColor, radius: float, hollow: bool) -> None:
        fill = QColor(colour)
        fill.setAlphaF(0.8)
        painter.setPen(QPen(fill, 1.4) if hollow else Qt.PenStyle.NoPen)
        painter.setBrush(Qt.BrushStyle.NoBrush if hollow else fill)
        for x, y in points.tolist():
            painter.drawEllipse(QPointF(x, y), radius, radius)

    def _draw_pictures(self, painter: QPainter, on_screen: NDArray[np.float64], labels: NDArray[np.int64]) -> None:
        assert self._pictures is not None
        sheet, places = self._pictures
        width, height = self._picture_side
        scale = (_PICTURE - 4) / max(width, height)
        for at, place in enumerate(places.tolist()):
            x, y = on_screen[place].tolist()
            target = QRectF(x - width * scale / 2, y - height * scale / 2, width * scale, height * scale)
            painter.drawImage(target, sheet, QRectF(at * width, 0, width, height))
            if labels[place] >= 0:
                painter.setPen(QPen(class_colour(int(labels[place]), theme.current()), 1.6))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(target)

    def _draw_names(
        self, painter: QPainter, on_screen: NDArray[np.float64], labels: NDArray[np.int64], names: tuple[str, ...]
    ) -> None:
        """The name of each class at the one of its points that is nearest to the middle; none covers another."""
        colours, area = theme.current(), self._area
        painter.setFont(theme.font(13, 600))
        metrics = painter.fontMetrics()
        taken: list[QRectF] = []
        for label, name in enumerate(names):
            own = on_screen[(labels == label) & np.isfinite(on_screen).all(1)]
            if not len(own):
                continue
            x, y = own[np.hypot(*(own - np.median(own, 0)).T).argmin()].tolist()
            short = metrics.elidedText(name, Qt.TextElideMode.ElideRight, 150)
            box = QRectF(0, 0, metrics.horizontalAdvance(short) + 24, metrics.height() + 4)
            box.moveCenter(QPointF(x, y))
            box.moveLeft(min(max(box.left(), area.left() + 2), area.right() - box.width() - 2))
            box.moveTop(min(max(box.top(), area.top() + 2), area.bottom() - box.height() - 2))
            while any(box.intersects(other) for other in taken) and box.bottom() + box.height() < area.bottom():
                box.translate(0, box.height() + 1)
            taken.append(QRectF(box))
            ground = QColor(colours.panel)
            ground.setAlphaF(0.86)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ground)
            painter.drawRoundedRect(box, 4, 4)
            colour = class_colour(label, colours)
            painter.setPen(QPen(colour, 2) if label >= 7 else Qt.PenStyle.NoPen)
            painter.setBrush(Qt.BrushStyle.NoBrush if label >= 7 else colour)
            painter.drawEllipse(QPointF(box.left() + 10, box.center().y()), 4, 4)
            painter.setPen(colours.text)
            painter.drawText(box.adjusted(19, 0, 0, 0), int(Qt.AlignmentFlag.AlignVCenter), short)

    def _draw_axes(self, painter: QPainter, shown: PlaneMap) -> None:
        if not shown.titles[0]:
            return
        colours, area = theme.current(), self._area
        painter.setFont(theme.font(12))
        painter.setPen(colours.text_muted)
        high = painter.fontMetrics().height()
        view = self._view
        below = QRectF(area.left(), area.bottom() + 4, area.width(), high)
        painter.drawText(below, int(Qt.AlignmentFlag.AlignLeft), number_words(view.left(), 3))
        painter.drawText(below, int(Qt.AlignmentFlag.AlignRight), number_words(view.right(), 3))
        painter.drawText(below, int(Qt.AlignmentFlag.AlignHCenter), shown.titles[0])
        with Saved(painter):
            painter.translate(area.left() - 6, area.bottom())
            painter.rotate(-90)
            beside = QRectF(0, -high, area.height(), high)
            painter.drawText(beside, int(Qt.AlignmentFlag.AlignLeft), number_words(view.top(), 3))
            painter.drawText(beside, int(Qt.AlignmentFlag.AlignRight), number_words(view.bottom(), 3))
            painter.drawText(beside, int(Qt.AlignmentFlag.AlignHCenter), shown.titles[1])

    # ---- hands ---------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the map; a click without a move chooses the point there."""
        self._held, self._moved = event.position(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the map."""
        if self._held is None or self._map is None:
            return
        moved = event.position() - self._held
        if not self._moved and math.hypot(moved.x(), moved.y()) < 4:
            return
        self._moved = True
        self._held = event.position()
        area = self._area
        self._view.translate(
            -moved.x() / area.width() * self._view.width(), moved.y() / area.height() * self._view.height()
        )
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose what was clicked."""
        held, self._held = self._held, None
        if held is not None and not self._moved:
            number = self.number_at(event.position())
            if number >= 0:
                self.select(number)
                self.selected.emit(number)
        elif self._moved:
            self.moved()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """All of it again."""
        self._fit()
        self.update()
        self.moved()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Nearer or farther, at the mouse."""
        if self._map is None or not event.angleDelta().y():
            return
        factor = 0.9985 ** event.angleDelta().y()
        area, view, at = self._area, self._view, event.position()
        x = view.left() + (at.x() - area.left()) / area.width() * view.width()
        y = view.top() + (area.bottom() - at.y()) / area.height() * view.height()
        width, height = view.width() * factor, view.height() * factor
        self._view = QRectF(
            x - (x - view.left()) * factor, y - (y - view.top()) * factor, max(width, 1e-12), max(height, 1e-12)
        )
        self.update()
        self.moved()
        event.accept()

    #: Called when something else is in sight: other pictures may have room.
    moved: Callable[[], object] = staticmethod(lambda: None)
