"""The large picture over the plane of two inputs: what the network decides, or what one unit does; and the examples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from nnviz.gui.look import theme
from nnviz.gui.look.painting import Saved, answering, guarded
from nnviz.gui.look.planes import Edges, class_mix, decision, decision_scale, probabilities
from nnviz.gui.look.scales import NOT_A_NUMBER, Numbers, Scale, class_colour, image_of

if TYPE_CHECKING:
    from nnviz.explain.neurons import NeuronNumbers, SplitPoints

#: Pixels from an example at which it is still meant.
_REACH = 10.0
#: Cells in each direction of a picture with hard edges.
_FINE = 400
_WORDS = {"train": "training", "validation": "validation", "test": "test"}


class PlanePlot(QWidget):
    """A square picture; examples can be clicked.

    Signals:
        point_clicked: (split, number in it) of the example that was clicked; ("", -1) for a click beside all of them.
    """

    point_clicked = Signal(str, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self.setAccessibleName("What the network decides over the plane of its two inputs")
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        #: Splits whose examples are drawn.
        self.splits: tuple[str, ...] = ("train", "validation")
        #: Whether the decision has hard edges.
        self.discretised = False
        self._numbers: NeuronNumbers | None = None
        self._image: QImage | None = None
        self._scale: Scale | None = None
        self._layer: tuple[tuple[object, ...], QPixmap] | None = None
        self._hovered: tuple[str, int] | None = None

    def show_numbers(self, numbers: NeuronNumbers | None) -> None:
        """Another moment of the network."""
        self._numbers = numbers
        self.remake()

    @property
    def scale(self) -> Scale | None:
        """What the colours mean; None where each class has its own."""
        return self._scale

    @property
    def image(self) -> QImage | None:
        """The picture without the examples, a pixel a cell."""
        return self._image

    def remake(self) -> None:
        """Paint the cells anew: other numbers, other colours, or other edges."""
        numbers = self._numbers
        self._image = self._scale = None
        if numbers is not None and numbers.enlarged_map is not None:
            self._scale = Scale.signs(numbers.enlarged_map)
            self._image = image_of(self._scale.paint(numbers.enlarged_map))
        elif numbers is not None and numbers.surface is not None:
            self._scale = decision_scale(numbers.task, numbers.surface, numbers.loss_kind)
            self._image = image_of(self._decision(numbers, numbers.surface))
        self.update()

    def _decision(self, numbers: NeuronNumbers, surface: Numbers) -> NDArray[np.uint32]:
        colours = theme.current()
        if not self.discretised:
            if len(surface) > 1 and numbers.task != "regression":
                return class_mix(numbers.loss_kind, surface, colours)
            return decision(numbers.loss_kind, numbers.task, surface, colours)
        fine = np.stack([_refined(one) for one in surface])
        if numbers.task == "regression":
            scale = Scale.signs(surface[0])
            return scale.paint(np.where(fine[0] > 0, scale.high, scale.low))
        shares = probabilities(numbers.loss_kind, fine)
        if len(fine) == 1:
            known = np.isfinite(shares[0])
            return Scale.decision(shares).paint(np.where(known, (shares[0] > 0.5).astype(np.float64), np.nan))
        known = np.isfinite(shares).all(axis=0)
        table = np.array([class_colour(index, colours).rgba() for index in range(len(fine))], dtype=np.uint32)
        winner: NDArray[np.uint32] = table[np.where(known, shares, 0.0).argmax(axis=0)]
        return np.where(known, winner, np.uint32(NOT_A_NUMBER)).astype(np.uint32)

    # ---- places --------------------------------------------------------------------------------------------------

    def area(self) -> QRectF:
        """The square."""
        side = max(min(self.width(), self.height()) - 2, 10)
        return QRectF((self.width() - side) / 2, 1, side, side)

    def edges(self) -> Edges | None:
        """The range of both inputs."""
        numbers = self._numbers
        return None if numbers is None or numbers.edges is None else Edges(*numbers.edges)

    def place_of(self, split: str, number: int) -> QPointF | None:
        """Where an example lies, in pixels of the widget."""
        edges, numbers = self.edges(), self._numbers
        if edges is None or numbers is None or split not in numbers.points:
            return None
        found = np.flatnonzero(numbers.points[split].indices == number)
        if not len(found):
            return None
        x1, x2, _ = numbers.points[split].points[int(found[0])].tolist()
        return edges.place(self.area(), x1, x2)

    def example_at(self, point: QPointF) -> tuple[str, int] | None:
        """The nearest example that is drawn, if it is near."""
        edges, numbers = self.edges(), self._numbers
        best, found = _REACH, None
        if edges is None or numbers is None:
            return None
        for split in self.splits:
            points = numbers.points.get(split)
            if points is None:
                continue
            x, y = _pixels(points, edges, self.area())
            distances = np.hypot(x - point.x(), y - point.y())
            nearest = int(np.nanargmin(distances)) if np.isfinite(distances).any() else 0
            if distances[nearest] < best:
                best, found = float(distances[nearest]), (split, int(points.indices[nearest]))
        return found

    # ---- mouse ---------------------------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Ring the example that a click would choose."""
        hovered = self.example_at(event.position())
        if hovered != self._hovered:
            self._hovered = hovered
            self.setCursor(Qt.CursorShape.PointingHandCursor if hovered else Qt.CursorShape.ArrowCursor)
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose an example, or none."""
        if event.button() == Qt.MouseButton.LeftButton:
            found = self.example_at(event.position())
            self.point_clicked.emit(*(found or ("", -1)))

    def leaveEvent(self, event: object) -> None:
        """Nothing is pointed at any more."""
        self._hovered = None
        self.update()

    # ---- painting ------------------------------------------------------------------------------------------------

    @answering(QSize)
    def minimumSizeHint(self) -> QSize:
        """Small enough for a laptop."""
        return QSize(150, 150)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Cells, examples, rings."""
        painter = QPainter(self)
        colours, area = theme.current(), self.area()
        painter.fillRect(self.rect(), colours.window)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QPainterPath()
        frame.addRoundedRect(area, 8, 8)
        painter.fillPath(frame, colours.plot_background)
        numbers, edges = self._numbers, self.edges()
        if self._image is None or numbers is None or edges is None:
            return
        with Saved(painter):
            painter.setClipPath(frame)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(area, self._image)
            painter.drawPixmap(QPointF(0, 0), self._points_layer(numbers, edges, area))
            example = numbers.example
            rings = [(self._hovered, 1.6), ((example.split, example.index) if example else None, 2.6)]
            for ringed, width in rings:
                place = self.place_of(*ringed) if ringed is not None else None
                if place is not None:
                    painter.setBrush(Qt.BrushStyle.NoBrush)
                    painter.setPen(QPen(colours.window, width + 2.4))
                    painter.drawEllipse(place, 9.5, 9.5)
                    painter.setPen(QPen(colours.text, width))
                    painter.drawEllipse(place, 9.5, 9.5)

    def _points_layer(self, numbers: NeuronNumbers, edges: Edges, area: QRectF) -> QPixmap:
        """The examples, drawn once for each size: they stay where they are while all else moves."""
        ratio = self.devicePixelRatioF()
        key = (id(numbers.points), edges, self.splits, self.width(), self.height(), ratio, theme.current().name)
        if self._layer is None or self._layer[0] != key:
            layer = QPixmap(self.size() * ratio)
            layer.setDevicePixelRatio(ratio)
            layer.fill(Qt.GlobalColor.transparent)
            painter = QPainter(layer)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for split in ("test", "validation", "train"):
                points = numbers.points.get(split)
                if split in self.splits and points is not None:
                    draw_examples(painter, points, edges, area, split, numbers.task)
            painter.end()
            self._layer = (key, layer)
        return self._layer[1]


def draw_examples(painter: QPainter, points: SplitPoints, edges: Edges, area: QRectF, split: str, task: str) -> None:
    """Training examples as discs in the colours of their classes; the others as rings, those of the test as squares."""
    colours = theme.current()
    few = len(points.points) <= 12
    radius = 7.0 if few else max(2.6, min(4.2, 0.0105 * area.width()))
    rim = colours.window if colours.dark else QColor("#ffffff")
    x, y = _pixels(points, edges, area)
    labels = points.points[:, 2]
    limit = float(np.abs(labels).max()) or 1.0
    for across, down, label in zip(x.tolist(), y.tolist(), labels.tolist(), strict=True):
        if not (math.isfinite(across) and math.isfinite(down)):
            continue
        if task == "regression":
            colour = Scale("diverging", -limit, limit).colour(label)
        else:
            colour = class_colour(max(0, int(label)), colours)
        middle = QPointF(across, down)
        if split == "train":
            painter.setPen(QPen(rim, 1.3))
            painter.setBrush(colour)
            painter.drawEllipse(middle, radius, radius)
            continue
        painter.setPen(QPen(colours.text, 1.4))
        painter.setBrush(colour)
        if split == "test":
            painter.drawRect(QRectF(across - radius, down - radius, 2 * radius, 2 * radius))
        else:
            reach = 1.5 * radius
            steps = ((0.0, -reach), (reach, 0.0), (0.0, reach), (-reach, 0.0))
            painter.drawPolygon([middle + QPointF(*step) for step in steps])


class PlaneLegend(QWidget):
    """What the colours of the plot mean: the scale with its ends, or the classes; and what the marks are."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = ""
        self._scale: Scale | None = None
        self._classes: tuple[str, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_legend(self, title: str, scale: Scale | None, classes: Sequence[str]) -> None:
        """Show another one; repaints only where it differs."""
        if (title, scale, tuple(classes)) != (self._title, self._scale, self._classes):
            self._title, self._scale, self._classes = title, scale, tuple(classes)
            self.setAccessibleName(title)
            self.update()

    @property
    def title(self) -> str:
        """What the picture is of."""
        return self._title

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(200, round(QFontMetricsF(theme.font(14)).height()) + 6)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """The title at the left, the colours at the right."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = theme.current()
        font = theme.font(13)
        metrics = QFontMetricsF(font)
        right, middle = float(self.width()), self.height() / 2
        base = middle + metrics.ascent() / 2 - 1
        painter.setFont(font)
        if self._scale is not None and self._scale.kind == "diverging":
            low, high = self._scale.words()
            right -= metrics.horizontalAdvance(high)
            painter.setPen(colours.text_muted)
            painter.drawText(QPointF(right, base), high)
            painter.drawImage(QPointF(right - 66, middle - 5), self._scale.bar(60, 10))
            right -= 72 + metrics.horizontalAdvance(low)
            painter.drawText(QPointF(right, base), low)
        else:
            for index in range(len(self._classes) - 1, -1, -1):
                name = self._classes[index]
                width = metrics.horizontalAdvance(name)
                if right - width - 20 < 0.3 * self.width():
                    break
                right -= width
                painter.setPen(colours.text_muted)
                painter.drawText(QPointF(right, base), name)
                right -= 15
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(class_colour(index, colours))
                painter.drawEllipse(QPointF(right + 6, middle), 5, 5)
                right -= 10
        painter.setFont(theme.font(14, 600))
        painter.setPen(colours.text)
        room = QRectF(0, 0, max(right - 8, 0.0), self.height())
        shown = QFontMetricsF(painter.font()).elidedText(self._title, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), shown)


def _pixels(points: SplitPoints, edges: Edges, area: QRectF) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows = points.points.astype(np.float64)
    x = area.left() + (rows[:, 0] - edges.x1_low) / (edges.x1_high - edges.x1_low) * area.width()
    y = area.bottom() - (rows[:, 1] - edges.x2_low) / (edges.x2_high - edges.x2_low) * area.height()
    return x, y


def _refined(values: Numbers) -> Numbers:
    """Numbers between the middles of the cells, by straight lines, so that an edge is a line and no staircase."""
    rows, columns = values.shape
    with np.errstate(invalid="ignore"):
        refined: Numbers = _between(rows) @ values.astype(np.float32) @ _between(columns).T
    return refined


@lru_cache(maxsize=4)
def _between(count: int) -> NDArray[np.float32]:
    """[_FINE, count]: what each fine cell takes of each cell."""
    at = np.clip((np.arange(_FINE) + 0.5) / _FINE * count - 0.5, 0, count - 1)
    low = np.minimum(np.floor(at).astype(int), count - 2)
    weights = np.zeros((_FINE, count), dtype=np.float32)
    weights[np.arange(_FINE), low] = 1 - (at - low)
    weights[np.arange(_FINE), low + 1] = at - low
    return weights
