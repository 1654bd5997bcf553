"""The update of one weight written out: what the optimizer made of its gradient and of what it had kept."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from nnviz.gui.explain.lenses import as_picture
from nnviz.gui.look import theme
from nnviz.gui.look.painting import answering, guarded
from nnviz.gui.look.scales import Scale
from nnviz.gui.look.scales import image_of as image
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import Segments, set_font

if TYPE_CHECKING:
    from nnviz.explain.explanation import Explanation, Factor, Term

_SIDE = 132
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


def _digits(value: float) -> str:
    """Five digits: what is multiplied here has to fit into a row."""
    return f"{value + 0.0:.5g}".replace("-", "−") if math.isfinite(value) else theme.format_number(value)


class UpdateView(QFrame):
    """One weight of a layer: its update as a sum, and all the others to click.

    Signals:
        wanted: The layer, its parameter, the index: this update is to be written out.
    """

    wanted = Signal(str, str, tuple)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("updateView")
        self.setAccessibleName("The update of one weight")
        self._added: Mapping[str, NDArray[Any]] = {}
        self._after: Mapping[str, NDArray[Any]] = {}
        self._node = self._name = ""
        self._index: tuple[int, ...] = ()
        self._found: Explanation | None = None
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
        column = QVBoxLayout()
        column.setSpacing(2)
        self._title = QLabel(self)
        set_font(self._title, 16, 700)
        self._title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._formula = QLabel(self)
        set_font(self._formula, 14)
        for label in (self._title, self._formula):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            column.addWidget(label)
        self._terms = QLabel(self)
        self._terms.setTextFormat(Qt.TextFormat.RichText)
        self._terms.setWordWrap(True)
        self._terms.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        set_font(self._terms, 13)
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self._terms)
        scroll.setObjectName("updateTerms")
        scroll.viewport().setAutoFillBackground(False)
        self._formula.setWordWrap(True)
        column.addWidget(scroll, 1)
        row.addLayout(column, 1)
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
        side = max(60, min(_SIDE, self.height() - round(54 * theme.text_scale())))
        self.weights.setFixedSize(_SIDE, side)

    @property
    def shown(self) -> tuple[str, str, tuple[int, ...]]:
        """The layer, its parameter and the index of the weight."""
        return self._node, self._name, self._index

    @property
    def words(self) -> str:
        """Title, formula and terms as they are read."""
        return "\n".join((self._title.text(), self._formula.text(), self._terms.text()))

    def show_layer(self, node: str, added: Mapping[str, NDArray[Any]], after: Mapping[str, NDArray[Any]]) -> None:
        """Show the first weight of a layer.

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
            self._found = found
            self._write()

    def show_failure(self, sentence: str) -> None:
        """Say why it cannot be written out."""
        self._found = None
        self._formula.setText("")
        self._terms.setText(escape(sentence))

    def _choose_name(self, name: str) -> None:
        self._name = name
        self._choose((0,) * self._added[name].ndim)

    def _choose(self, index: tuple[int, ...]) -> None:
        self._index, self._found = index, None
        self.weights.show_numbers(self._added[self._name], index)
        self._title.setText(f"{self._node} · {self._name}{list(index) if index else ''}")
        self.wanted.emit(self._node, self._name, index)

    def _write(self) -> None:
        found, colours = self._found, theme.current()
        if found is None:
            return
        from nnviz.explain.text import number, steps_behind  # noqa: PLC0415 - the window opens without them

        faint = colours.text_muted.name()
        before = found.terms[0].value if found.terms else 0.0
        after = float(self._after[self._name][found.index])
        self._title.setText(
            f"{self._node} · {self._name}{list(found.index) if found.index else ''}:"
            f"  {number(before)} → {number(after)}"
        )
        rule, _, further = found.formula.partition(", ")
        values = [term.value for term in found.largest(_MOST_TERMS)]
        added = "".join(f" {'−' if value < 0 else '+'} {number(abs(value))}" for value in values)
        # The sum begins without a plus.
        self._formula.setText(f"{rule} = {added.removeprefix(' + ').strip()} = {number(found.total)}")
        shown = found.largest(_MOST_TERMS)
        columns = max(len(term.factors) for term in shown) if shown else 0
        rows = "".join(self._rows_of(term, columns, faint) for term in shown)
        said = [found.words] if len(found.terms) == 1 else []
        lines = [self._step(*step) for step in steps_behind(shown)[:_MOST_STEPS]]
        lines = [*said, *lines, further] if further else [*said, *lines]
        steps = "".join(f"<div style='color:{faint}; font-size:{_SMALL}px'>{escape(line)}</div>" for line in lines)
        self._terms.setText(f"<table cellspacing='0' cellpadding='0'>{rows}</table>{steps}")

    def _rows_of(self, term: Term, columns: int, faint: str) -> str:
        """A term as numbers in a row, and below each what it is; the weight before needs one row only."""
        number = f"<td align='right'><b>{_digits(term.value)}</b>&nbsp;&nbsp;</td>"
        source = f"<td align='right' style='color:{faint}; font-size:{_SMALL}px'>{escape(term.source)}&nbsp;&nbsp;</td>"
        if len(term.factors) < 2:
            return f"<tr>{number}<td colspan='{columns}' style='color:{faint}'>{escape(term.source)}</td></tr>"
        times = ["="] + ["·"] * (len(term.factors) - 1)
        values = "".join(
            f"<td>{sign}&nbsp;{_digits(factor.value)}&nbsp;</td>"
            for sign, factor in zip(times, term.factors, strict=True)
        )
        names = "".join(
            f"<td style='color:{faint}; font-size:{_SMALL}px'>&nbsp;&nbsp;{escape(self._short(factor.name))}&nbsp;</td>"
            for factor in term.factors
        )
        return f"<tr>{number}{values}</tr><tr>{source}{names}</tr>"

    def _step(self, factor: Factor, parts: Sequence[Term]) -> str:
        """What a computed factor is made of, in one line."""
        sides = []
        for term in parts:
            counted: dict[tuple[str, float], int] = {}
            for one in term.factors:
                key = (self._short(one.name), one.value)
                counted[key] = counted.get(key, 0) + 1
            products = [
                f"{_digits(value)} ({name})" if count == 1 else f"({_digits(value)})² ({name}²)"
                for (name, value), count in counted.items()
            ]
            sides.append(" · ".join(products) if products else f"{term.source} {_digits(term.value)}")
        return f"{factor.name} = {_digits(factor.value)}  from  {' + '.join(sides)}"

    def _short(self, name: str) -> str:
        """The name of a factor without the place that the title names."""
        place = str(list(self._index)) if self._index else ""
        bare = name.removesuffix(place)
        if bare.startswith("dL/d"):
            return "g"
        return f"{bare} before" if place and bare not in (name, "w") else bare

    def _restyle(self) -> None:
        colours = theme.current()
        line = theme.mixed(colours.accent, colours.panel, 0.35).name()
        self.setStyleSheet(
            f"#updateView {{ background: {colours.panel.name()}; border: 1px solid {line}; border-radius: 7px; }}"
            f"#updateView QLabel {{ color: {colours.text.name()}; background: transparent; }}"
            "#updateTerms { background: transparent; }"
        )
        self._write()
