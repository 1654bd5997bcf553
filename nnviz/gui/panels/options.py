"""What several panels have in their own menu: how much a curve is smoothed."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSlider, QWidget, QWidgetAction

from nnviz.gui.parts.widgets import set_font


class SmoothingSlider(QWidget):
    """A slider from 0 (raw) to 0.99 with its value beside it."""

    def __init__(self, value: float, changed: Callable[[float], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._changed = changed
        row = QHBoxLayout(self)
        row.setContentsMargins(22, 4, 16, 6)
        row.setSpacing(8)
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setRange(0, 99)
        self.slider.setValue(round(value * 100))
        self.slider.setMinimumWidth(130)
        self.slider.setAccessibleName("Smoothing")
        self.slider.setToolTip("Weight of the past in the moving average; 0 shows the raw values only")
        self._label = QLabel(self)
        set_font(self._label, 12)
        self._label.setMinimumWidth(self._label.fontMetrics().horizontalAdvance("0.00") + 4)
        row.addWidget(self.slider, 1)
        row.addWidget(self._label)
        self.slider.valueChanged.connect(self._on_value)
        self._label.setText(f"{value:.2f}")

    def _on_value(self, value: int) -> None:
        self._label.setText(f"{value / 100:.2f}")
        self._changed(value / 100)


def add_smoothing(menu: QMenu, value: float, changed: Callable[[float], None]) -> SmoothingSlider:
    """The smoothing slider, inside a menu."""
    action = QWidgetAction(menu)
    slider = SmoothingSlider(value, changed, menu)
    action.setDefaultWidget(slider)
    menu.addAction(action)
    return slider
