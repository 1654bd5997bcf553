"""Chooses one weight of the network: by layer, parameter and index, or by clicking it in a picture of them all."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from nnviz.gui.explain.landscape_work import Catalogue, Place
from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import answering, guarded
from nnviz.gui.look.scales import Scale, image_of
from nnviz.gui.parts.chooser import Chooser
from nnviz.gui.parts.widgets import set_font

_HEIGHT = 92


class _Picture(QWidget):
    """All numbers of a parameter, one row a filter or unit; one of them is framed."""

    clicked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._numbers: NDArray[Any] = np.zeros((1, 1))
        self._shape: tuple[int, ...] = (1, 1)
        self._index: tuple[int, ...] = (0, 0)
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip("The numbers of this parameter, one row a filter or unit: click the one to walk along")
        self.setAccessibleName("Numbers of the parameter")

    def show_numbers(self, numbers: NDArray[Any], index: tuple[int, ...]) -> None:
        """Show these, with one of them framed."""
        self._shape, self._index = numbers.shape, index
        self._numbers = numbers.reshape(len(numbers) if numbers.ndim > 1 else 1, -1) if numbers.size else numbers
        self.update()

    def area(self) -> QRectF:
        """Where the picture lies."""
        rows, columns = self._numbers.shape
        cell = min(self.width() / columns, self.height() / rows, 26.0)
        # Few rows of many numbers, or the other way round, still have to be hit by the mouse.
        width = cell * columns if cell >= 4 else min(self.width(), 26.0 * columns)
        height = cell * rows if cell >= 4 else min(self.height(), 26.0 * rows)
        return QRectF(0.5, 0.5, width - 1, height - 1)

    def place_of(self, index: tuple[int, ...]) -> QPointF:
        """The middle of the cell of one number."""
        rows, columns = self._numbers.shape
        row, column = divmod(int(np.ravel_multi_index(index, self._shape)), columns)
        area = self.area()
        return QPointF(
            area.left() + (column + 0.5) / columns * area.width(), area.top() + (row + 0.5) / rows * area.height()
        )

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the number under the mouse."""
        area, (rows, columns) = self.area(), self._numbers.shape
        if area.contains(event.position()):
            row = min(int((event.position().y() - area.top()) / area.height() * rows), rows - 1)
            column = min(int((event.position().x() - area.left()) / area.width() * columns), columns - 1)
            self.clicked.emit(tuple(int(at) for at in np.unravel_index(row * columns + column, self._shape)))

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(180, _HEIGHT)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """The numbers in the colours of signs."""
        painter = QPainter(self)
        area, (rows, columns) = self.area(), self._numbers.shape
        painter.drawImage(area, image_of(Scale.signs(self._numbers).paint(self._numbers)))
        colours = themes.current()
        painter.setPen(QPen(colours.border, 1))
        painter.drawRect(area)
        wide, high = area.width() / columns, area.height() / rows
        frame = QRectF(0, 0, max(wide, 5.0), max(high, 5.0))
        frame.moveCenter(self.place_of(self._index))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for colour, width in ((QColor(colours.panel), 4.0), (QColor(colours.text), 2.0)):
            painter.setPen(QPen(colour, width))
            painter.drawRect(frame)


class WeightChooser(QWidget):
    """Layer, parameter and index of one weight."""

    #: Another weight was chosen: a :class:`Place`.
    chosen = Signal(object)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._catalogue = Catalogue({}, {})
        self._place: Place | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self.title = QLabel(title, self)
        self.title.setProperty("role", "caption")
        set_font(self.title, 12, 600)
        column.addWidget(self.title)
        self.nodes, self.parameters = Chooser(self), Chooser(self)
        self.index = QLineEdit(self)
        for box, name in ((self.nodes, "Layer"), (self.parameters, "Parameter")):
            box.setAccessibleName(f"{title}: {name}")
            box.setToolTip(f"{name} of the weight")
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(3)
            box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            set_font(box, 12)
        self.index.setAccessibleName(f"{title}: index")
        self.index.setToolTip("Where the weight stands in the parameter, counted from 0: 0, 2")
        self.index.setFixedWidth(74)
        set_font(self.index, 12)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.nodes, 1)
        row.addWidget(self.parameters, 1)
        row.addWidget(self.index)
        column.addLayout(row)
        self.picture = _Picture(self)
        column.addWidget(self.picture)
        self.nodes.activated.connect(self._on_node)
        self.parameters.activated.connect(self._on_parameter)
        self.index.editingFinished.connect(self._on_index)
        self.picture.clicked.connect(self._on_clicked)

    @property
    def place(self) -> Place | None:
        """The weight that is chosen."""
        return self._place

    def show_place(self, catalogue: Catalogue, place: Place | None) -> None:
        """Show what there is, and which of it is chosen; nothing is emitted."""
        self._catalogue, self._place = catalogue, place
        _fill(self.nodes, list(catalogue.shapes), "" if place is None else place.node)
        if place is None:
            self.index.clear()
            self.picture.hide()
            return
        _fill(self.parameters, list(catalogue.shapes[place.node]), place.parameter)
        self.index.setText(", ".join(map(str, place.index)))
        self._mark("")
        numbers = catalogue.numbers.get((place.node, place.parameter))
        self.picture.setVisible(numbers is not None and math.prod(numbers.shape) > 1)
        if numbers is not None:
            self.picture.show_numbers(numbers, place.index)

    def _on_node(self, index: int) -> None:
        self._choose(self._catalogue.first(self.nodes.itemText(index)))

    def _on_parameter(self, index: int) -> None:
        if self._place is not None:
            parameter = self.parameters.itemText(index)
            sizes = self._catalogue.shapes[self._place.node][parameter]
            self._choose(Place(self._place.node, parameter, tuple(0 for _ in sizes)))

    def _on_index(self) -> None:
        if self._place is None:
            return
        sizes = self._catalogue.shapes[self._place.node][self._place.parameter]
        parts = self.index.text().replace(",", " ").split()
        if len(parts) == len(sizes) and all(
            part.isdecimal() and int(part) < size for part, size in zip(parts, sizes, strict=True)
        ):
            self._choose(Place(self._place.node, self._place.parameter, tuple(map(int, parts))))
        else:
            self._mark(f"The sizes are {' × '.join(map(str, sizes)) or 'none'}, counted from 0")

    def _on_clicked(self, index: tuple[int, ...]) -> None:
        if self._place is not None:
            self._choose(Place(self._place.node, self._place.parameter, index))

    def _choose(self, place: Place | None) -> None:
        if place is not None and place != self._place:
            self.show_place(self._catalogue, place)
            self.chosen.emit(place)

    def _mark(self, problem: str) -> None:
        if bool(self.index.property("invalid")) != bool(problem):
            self.index.setProperty("invalid", bool(problem))
            self.index.style().unpolish(self.index)
            self.index.style().polish(self.index)
        self.index.setToolTip(problem or "Where the weight stands in the parameter, counted from 0: 0, 2")


def _fill(box: QComboBox, texts: list[str], chosen: str) -> None:
    if [box.itemText(index) for index in range(box.count())] != texts:
        box.clear()
        box.addItems(texts)
    box.setCurrentIndex(texts.index(chosen) if chosen in texts else -1)
