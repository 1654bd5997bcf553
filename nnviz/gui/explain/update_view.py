"""The update of one weight written out: what the optimizer made of its gradient and of what it had kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from nnviz.gui.explain.lenses import as_picture
from nnviz.gui.explain.written_update import WrittenUpdate
from nnviz.gui.look import theme
from nnviz.gui.look.painting import answering, guarded
from nnviz.gui.look.scales import Scale
from nnviz.gui.look.scales import image_of as image
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import Segments

if TYPE_CHECKING:
    from nnviz.explain.explanation import Explanation

_SIDE = 132
#: And at the least.
_LEAST_SIDE = 60
_MOST_TERMS = 5
#: Letters of what stands below the numbers.
_SMALL = 12
_MOST_STEPS = 4
#: A picture of weights has at most so many cells on a side: more cannot be told apart.
_MOST_CELLS = 132


class _Weights(QWidget):
    """What was added to each weight of a parameter; a click chooses one.

    Signals:
        chosen: The index of a weight.
    """

    chosen = Signal(tuple)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFixedSize(_SIDE, _SIDE)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("What was added to each weight; click one")
        self.setToolTip("What was added to each weight; click one to see its update written out")
        self._shape: tuple[int, ...] = ()
        self._table: NDArray[Any] = np.zeros((0, 0), dtype=np.float32)
        self._order: NDArray[np.intp] = np.zeros((0, 0), dtype=np.intp)
        self._index: tuple[int, ...] = ()

    def show_numbers(self, numbers: NDArray[Any], index: tuple[int, ...]) -> None:
        """Lay the numbers out in a table, filters side by side, and mark one."""
        self._shape, self._index = numbers.shape, index
        places = _laid_out(np.arange(numbers.size, dtype=np.intp).reshape(numbers.shape))
        places = places[:_MOST_CELLS, :_MOST_CELLS]
        self._order = places
        flat = numbers.reshape(-1)
        self._table = np.where(places >= 0, flat[np.maximum(places, 0)], 0.0).astype(np.float32)
        self.update()

    def _cells(self) -> tuple[QRectF, float]:
        rows, columns = self._table.shape
        side = min(self.width() / max(columns, 1), self.height() / max(rows, 1), 24.0)
        area = QRectF(0.0, 0.0, side * columns, side * rows)
        area.moveCenter(QPointF(self.width() / 2, self.height() / 2))
        return area, side

    def place_of(self, index: tuple[int, ...]) -> QRectF:
        """Where a weight stands; nowhere where it is not shown."""
        number = int(np.ravel_multi_index(index, self._shape)) if index else 0
        found = np.argwhere(self._order == number)
        area, side = self._cells()
        if not len(found):
            return QRectF()
        row, column = (int(at) for at in found[0])
        return QRectF(area.left() + column * side, area.top() + row * side, side, side)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """In the colours of signs, as on the card."""
        if not self._table.size:
            return
        painter = QPainter(self)
        area, _side = self._cells()
        pixels = Scale.signs(self._table).paint(self._table)
        pixels = np.where(self._order >= 0, pixels, np.uint32(theme.current().panel_raised.rgba()))
        painter.drawImage(area, image(pixels.astype(np.uint32)))
        mark = self.place_of(self._index)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.current().text, 2.0))
        painter.drawRect(mark.adjusted(-1.0, -1.0, 1.0, 1.0).intersected(QRectF(self.rect()).adjusted(1, 1, -1, -1)))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the weight under the mouse."""
        area, side = self._cells()
        point = event.position() - area.topLeft()
        row, column = int(point.y() // side), int(point.x() // side)
        rows, columns = self._order.shape
        if 0 <= row < rows and 0 <= column < columns and self._order[row, column] >= 0:
            self.chosen.emit(tuple(int(at) for at in np.unravel_index(self._order[row, column], self._shape)))


def _laid_out(places: NDArray[np.intp]) -> NDArray[np.intp]:
    """The places of a parameter's numbers in a table as square as can be; −1 where none is."""
    maps = as_picture(places)
    if maps.ndim <= 1:
        flat = maps.reshape(-1)
        columns = min(len(flat), 8) if len(flat) > 8 else max(len(flat), 1)
        rows = -(-len(flat) // columns)
        filled = np.full(rows * columns, -1, dtype=np.intp)
        filled[: len(flat)] = flat
        return filled.reshape(rows, columns)
    if maps.ndim == 2:
        return maps
    count, high, wide = maps.shape
    columns = max(1, round((count * (high + 1) / (wide + 1)) ** 0.5))
    rows = -(-count // columns)
    table = np.full((rows * (high + 1) - 1, columns * (wide + 1) - 1), -1, dtype=np.intp)
    for at in range(count):
        row, column = divmod(at, columns)
        table[row * (high + 1) :][:high, column * (wide + 1) :][:, :wide] = maps[at]
    return table


class UpdateView(QFrame):
    """One weight of a layer: its update as a sum, and all the others to click.

    Signals:
        wanted: The layer, its parameter, the index: this update is to be written out.
    """

    wanted = Signal(str, str, tuple)
    #: An update was written out: another height may suit it.
    written_out = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("updateView")
        self.setAccessibleName("The update of one weight")
        self._added: Mapping[str, NDArray[Any]] = {}
        self._after: Mapping[str, NDArray[Any]] = {}
        self._node = self._name = ""
        self._index: tuple[int, ...] = ()
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 9, 10, 9)
        row.setSpacing(14)
        left = QVBoxLayout()
        left.setSpacing(5)
        self._names = QHBoxLayout()
        self._segments: Segments | None = None
        left.addLayout(self._names)
        self.weights = _Weights(self)
        self.weights.chosen.connect(self._choose)
        left.addWidget(self.weights, 0, Qt.AlignmentFlag.AlignHCenter)
        left.addStretch(1)
        row.addLayout(left)
        self.written = WrittenUpdate(self)
        row.addWidget(self.written, 1)
        self.hide()
        self._restyle()
        follow(theme.notifier.changed, self._restyle)

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """As high as its picture."""
        return QSize(640, round((_SIDE + 92) * theme.text_scale()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The picture takes what there is of height."""
        super().resizeEvent(event)
        side = max(_LEAST_SIDE, min(_SIDE, self.height() - round(54 * theme.text_scale())))
        self.weights.setFixedSize(_SIDE, side)

    @property
    def shown(self) -> tuple[str, str, tuple[int, ...]]:
        """The layer, its parameter and the index of the weight."""
        return self._node, self._name, self._index

    @property
    def words(self) -> str:
        """Title, formula and terms as they are read."""
        return self.written.words

    def height_at(self, width: int, *, low: bool = False) -> int:
        """How high it has to be at a width, so that nothing of it is scrolled.

        Args:
            width: Pixels.
            low: There is little room: the picture of the weights takes no more than what is written needs.
        """
        aside = max(self.weights.width(), self._names.sizeHint().width()) + 12 + 14 + 10
        picture = round((_LEAST_SIDE + 54) * theme.text_scale()) if low else self.sizeHint().height()
        return max(picture, self.written.height_at(width - aside) + 18)

    def show_layer(self, node: str, added: Mapping[str, NDArray[Any]], after: Mapping[str, NDArray[Any]]) -> None:
        """Show the weight of a layer's first parameter that the step moved most.

        Args:
            node: Its id.
            added: What the step has added to its parameters.
            after: These parameters as they are now.
        """
        self._node, self._added, self._after = node, added, after
        if self._segments is not None:
            self._names.removeWidget(self._segments)
            self._segments.hide()  # at once: it is deleted a moment later
            self._segments.deleteLater()
        choices = [(name, name, f"The {name} of {node}") for name in added]
        self._segments = Segments(choices, self)
        self._segments.chosen.connect(self._choose_name)
        self._names.addWidget(self._segments)
        self._choose_name(next(iter(added)))

    def show_explanation(self, found: Explanation) -> None:
        """Write the update out, if it is still the one that is wanted."""
        if (found.node, found.part, found.index) == self.shown:
            self.written.show_update(found, float(self._after[self._name][found.index]))
            self.written_out.emit()

    def show_failure(self, sentence: str) -> None:
        """Say why it cannot be written out."""
        self.written.show_failure(sentence)

    def _choose_name(self, name: str) -> None:
        """The weight that the step moved most: of one that it hardly moved there is little to see."""
        self._name = name
        moved = np.nan_to_num(np.abs(self._added[name]), nan=-1.0)
        self._choose(tuple(int(at) for at in np.unravel_index(int(moved.argmax()), moved.shape)))

    def _choose(self, index: tuple[int, ...]) -> None:
        self._index = index
        self.weights.show_numbers(self._added[self._name], index)
        self.written.begin(f"{self._node} · {self._name}{list(index) if index else ''}")
        self.wanted.emit(self._node, self._name, index)

    def _restyle(self) -> None:
        colours = theme.current()
        line = theme.mixed(colours.accent, colours.panel, 0.35).name()
        self.setStyleSheet(
            f"#updateView {{ background: {colours.panel.name()}; border: 1px solid {line}; border-radius: 7px; }}"
        )
