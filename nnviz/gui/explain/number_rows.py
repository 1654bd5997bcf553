"""An input that is a few numbers: a slider and a field for each; of many numbers one line to type them into."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QLineEdit, QSlider, QVBoxLayout, QWidget

from nnviz.data.past import Past
from nnviz.errors import ParamError
from nnviz.gui.parts.widgets import set_font
from nnviz.project.spec import ParamSpec
from nnviz.project.value_text import parse_text
from nnviz.record.number_text import exact_number, format_number

#: Sliders that are shown; an input of more numbers is one line of text.
MOST_SLIDERS = 16
_STEPS = 1000
#: Changes that can be taken back.
_MOST_UNDO = 100
#: A slider reaches beyond what there is in training by this share of it, on either side.
_BEYOND = 0.25
#: The numbers, what is right, and whether somebody said that.
_State: TypeAlias = tuple[NDArray[np.float32], str, bool]


class NumberRows(QWidget):
    """The numbers of one input, to be typed or drawn along.

    Attributes:
        changed: Signal: a number is another one.
        refused: Signal: a sentence about what was typed.
        label: What is right for these numbers, where that is known. What an example is goes with its first changed
            number, what somebody said stays; both come back with :meth:`undo`.
    """

    changed = Signal()
    refused = Signal(str)

    def __init__(self, low: NDArray[np.float32], high: NDArray[np.float32], parent: QWidget) -> None:
        super().__init__(parent)
        count = len(low)
        span = np.where(high > low, high - low, 1.0)
        self._low, self._span = low - _BEYOND * span, span * (1 + 2 * _BEYOND)
        self._values = np.asarray((low + high) / 2, np.float32)
        self.sliders: list[QSlider] = []
        self.fields: list[QLineEdit] = []
        self._written = [""] * count
        self.label = ""
        #: Somebody said what is right.
        self._said = False
        self._past: Past[_State] = Past(_MOST_UNDO)
        #: How often a slider was taken hold of: each drag is one step to take back.
        self._drags = 0
        if count <= MOST_SLIDERS:
            grid = QGridLayout(self)
            grid.setContentsMargins(0, 0, 0, 0)
            grid.setVerticalSpacing(3)
            columns = 1 if count <= 8 else 2
            rows = -(-count // columns)
            for index in range(count):
                row, column = index % rows, 4 * (index // rows)
                name = f"x{index + 1}"
                label = QLabel(name, self)
                set_font(label, 13, 600)
                slider = QSlider(Qt.Orientation.Horizontal, self)
                slider.setRange(0, _STEPS)
                slider.setAccessibleName(name)
                slider.setMinimumWidth(90)
                ends = f"{format_number(float(low[index]))} to {format_number(float(high[index]))}"
                slider.setToolTip(f"{name}: {ends} in training")
                field = QLineEdit(self)
                field.setAccessibleName(f"Value of {name}")
                field.setFixedWidth(76)
                set_font(field, 13)
                slider.sliderPressed.connect(self._on_pressed)
                slider.valueChanged.connect(lambda at, index=index: self._slide(index, at))
                field.editingFinished.connect(lambda index=index: self._type(index))
                grid.addWidget(label, row, column)
                grid.addWidget(slider, row, column + 1)
                grid.addWidget(field, row, column + 2)
                self.sliders.append(slider)
                self.fields.append(field)
            grid.setRowStretch(rows, 1)
        else:
            column_layout = QVBoxLayout(self)
            column_layout.setContentsMargins(0, 0, 0, 0)
            label = QLabel(f"{count} numbers, one behind the other:", self)
            set_font(label, 12)
            line = QLineEdit(self)
            line.setAccessibleName(f"{count} numbers")
            set_font(line, 13)
            line.editingFinished.connect(self._type_all)
            column_layout.addWidget(label)
            column_layout.addWidget(line)
            column_layout.addStretch(1)
            self.fields.append(line)
        self.set_values(self._values)

    @property
    def values(self) -> NDArray[np.float32]:
        """The numbers."""
        return self._values.copy()

    def set_values(self, values: NDArray[np.float32]) -> None:
        """Show these, without a signal."""
        self._values = np.asarray(values, np.float32).reshape(-1).copy()
        if not self.sliders:
            self.fields[0].setText("  ".join(exact_number(float(one)) for one in self._values))
            return
        for index in range(len(self.sliders)):
            self._show(index)

    def take(self, values: NDArray[np.float32], label: str) -> None:
        """Show those of an example, without a signal, and what is right for it."""
        self.label, self._said = label, False
        self.set_values(values)

    def say(self, label: str) -> None:
        """This is right for these numbers, and for those that they are changed into; empty where that is unknown."""
        if label != self.label:
            self.remember()
            self.label, self._said = label, bool(label)
            self.changed.emit()

    def remember(self, gesture: str = "") -> None:
        """These numbers can be returned to; see ``Past``."""
        self._past.remember(self._state(), gesture)

    def undo(self) -> bool:
        """The numbers before the last change; false where there was none."""
        return self._stand(self._past.back(self._state()))

    def redo(self) -> bool:
        """What was taken back last; false where there is nothing."""
        return self._stand(self._past.forward(self._state()))

    def _state(self) -> _State:
        return self.values, self.label, self._said

    def _forget_example(self) -> None:
        """The numbers are no example's any more."""
        if not self._said:
            self.label = ""

    def _stand(self, state: _State | None) -> bool:
        if state is None:
            return False
        values, self.label, self._said = state
        self.set_values(values)
        self.changed.emit()
        return True

    def _on_pressed(self) -> None:
        self._drags += 1

    def _show(self, index: int) -> None:
        value = float(self._values[index])
        slider = self.sliders[index]
        with QSignalBlocker(slider):
            slider.setValue(round(_STEPS * (value - float(self._low[index])) / float(self._span[index])))
        self._write(index)

    def _write(self, index: int) -> None:
        """A few digits of it are read better than all; typed over, they are all that counts."""
        text = f"{float(self._values[index]):.5g}".replace("e-0", "e-")
        self._written[index] = text
        self.fields[index].setText(text)

    def _slide(self, index: int, at: int) -> None:
        value = float(self._low[index]) + float(self._span[index]) * at / _STEPS
        slider = self.sliders[index]
        self.remember(f"{index} {self._drags}" if slider.isSliderDown() else "")
        self._values[index] = float(f"{value:.3g}")
        self._forget_example()
        self._write(index)
        self.changed.emit()

    def _type(self, index: int) -> None:
        if self.fields[index].text() == self._written[index]:
            return
        spec = ParamSpec("value", f"x{index + 1}", "", "float", 0.0)
        try:
            value = parse_text(spec, self.fields[index].text())
        except ParamError as error:
            self.refused.emit(error.message)
            self._show(index)
            return
        assert isinstance(value, float)
        if np.float32(value) != self._values[index]:
            self.remember()
            self._values[index] = value
            self._forget_example()
            self._show(index)
            self.changed.emit()

    def _type_all(self) -> None:
        spec = ParamSpec("values", "the input", "", "vector", None)
        try:
            values = parse_text(spec, self.fields[0].text())
        except ParamError as error:
            self.refused.emit(error.message)
            return
        if not isinstance(values, tuple) or len(values) != len(self._values):
            given = len(values) if isinstance(values, tuple) else 0
            self.refused.emit(f"The input is {len(self._values)} numbers, not {given}.")
            return
        found = np.asarray(values, np.float32)
        if not np.array_equal(found, self._values):
            self.remember()
            self._values = found
            self._forget_example()
            self.changed.emit()
