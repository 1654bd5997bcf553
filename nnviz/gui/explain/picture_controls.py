"""The tools beside a canvas: pen and eraser, where a picture comes from, and what is done to it."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLabel, QSlider, QToolButton, QWidget

from nnviz.data.own_picture import FITTINGS, Treatment
from nnviz.gui.look.icons import bind
from nnviz.gui.parts.chooser import Chooser
from nnviz.gui.parts.widgets import Segments, set_font, set_icon_size

#: Colours of the pen on a picture of three channels.
_INKS = {
    "white": (1.0, 1.0, 1.0),
    "black": (0.0, 0.0, 0.0),
    "red": (0.9, 0.1, 0.1),
    "green": (0.1, 0.7, 0.2),
    "blue": (0.15, 0.3, 0.95),
    "yellow": (0.95, 0.85, 0.1),
}
#: Pixels that it needs.
_WIDTH = 250
_NO_LIMIT = 16_777_215


class PictureControls(QWidget):
    """Tools and settings of a picture of one's own.

    Attributes:
        asked: Signal: what is to be done: ``example``, ``open``, ``paste``, ``clear`` or ``undo``.
        pen_changed: Signal: the tool, its width or its colour is another one.
        treated: Signal: the :class:`Treatment` is another one.
    """

    asked = Signal(str)
    pen_changed = Signal()
    treated = Signal(object)

    def __init__(self, side: int, channels: int, parent: QWidget) -> None:
        super().__init__(parent)
        self._treatment = Treatment()
        self._values: dict[int, QLabel] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(2)
        self.tool = Segments(
            (("pen", "Pen", "Draw (left button)"), ("eraser", "Eraser", "Rub out (right button)")), self
        )
        self.tool.chosen.connect(lambda _key: self.pen_changed.emit())
        self.width_slider = self._slider("Stroke width", 5, max(20, round(side * 3)), round(side * 0.9))
        self.width_slider.valueChanged.connect(lambda _at: self.pen_changed.emit())
        first = QHBoxLayout()
        first.setSpacing(6)
        first.addWidget(self.tool)
        first.addWidget(self.width_slider, 1)
        self.inks = Chooser(self)
        self.inks.addItems(list(_INKS))
        self.inks.setAccessibleName("Colour of the pen")
        self.inks.setVisible(channels == 3)
        self.inks.activated.connect(lambda _index: self.pen_changed.emit())
        first.addWidget(self.inks)
        grid.addLayout(first, 0, 0, 1, 3)
        buttons = QHBoxLayout()
        buttons.setSpacing(2)
        for key, icon, tip in (
            ("example", "pin", "Begin with the pinned example (Ctrl+[ and Ctrl+] pin others)"),
            ("open", "folder-open", "Read a picture from a file; it can be dropped on the canvas, too"),
            ("paste", "paste", "Take the picture from the clipboard (Ctrl+V)"),
            ("undo", "undo", "Take the last stroke or change back (Ctrl+Z)"),
            ("redo", "redo", "Make it again (Ctrl+Shift+Z)"),
            ("clear", "trash", "An empty canvas (Del)"),
        ):
            button = self._button("Example" if key == "example" else "", tip, key)
            if button.text():  # the others are no wider than their icons, so that its word has room
                button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            bind(button, icon, "text")
            set_icon_size(button, 15)
            buttons.addWidget(button)
        buttons.addStretch(1)
        grid.addLayout(buttons, 1, 0, 1, 3)
        self.fit = self._check("", "")
        self.fit.toggled.connect(lambda on: self._set(fitted=self._fitting if on else ""))
        self.offer_fitting("mnist")
        self.inverted = self._check("Invert", "Dark ink on light paper becomes light on dark")
        self.inverted.toggled.connect(lambda on: self._set(inverted=on))
        checks = QHBoxLayout()
        checks.setSpacing(10)
        checks.addWidget(self.fit)
        checks.addWidget(self.inverted)
        checks.addStretch(1)
        grid.addLayout(checks, 2, 0, 1, 3)
        self.angle = self._row(grid, 3, "Turn", -180, 180, 0)
        self.scale = self._row(grid, 4, "Size", 25, 200, 100)
        self.noise = self._row(grid, 5, "Noise", 0, 60, 0)
        #: How often a slider was taken hold of.
        self._drags = 0
        for slider in (self.angle, self.scale, self.noise):
            slider.sliderPressed.connect(self._on_pressed)
        self.angle.valueChanged.connect(lambda at: self._set(angle=float(at)))
        self.scale.valueChanged.connect(lambda at: self._set(scale=at / 100))
        self.noise.valueChanged.connect(lambda at: self._set(noise=at / 100))
        shift = QHBoxLayout()
        shift.setSpacing(2)
        for icon, words, down, right in (
            ("chevron-left", "left", 0, -1),
            ("chevron-right", "right", 0, 1),
            ("chevron-up", "up", -1, 0),
            ("chevron-down", "down", 1, 0),
        ):
            shift.addWidget(self._arrow(icon, words, down, right))
        self._shift_text = QLabel("", self)
        set_font(self._shift_text, 12)
        shift.addWidget(self._shift_text, 1)
        reset = self._button("", "Take everything back that is done to what was drawn", "")
        bind(reset, "reset", "text")
        reset.clicked.connect(self.reset)
        shift.addWidget(reset)
        label = QLabel("Shift", self)
        set_font(label, 12)
        grid.addWidget(label, 6, 0)
        grid.addLayout(shift, 6, 1, 1, 2)
        grid.setColumnStretch(1, 1)
        grid.setRowStretch(7, 1)
        self.set_wide(False)
        self._show()

    def set_wide(self, wide: bool) -> None:
        """Take all the width that there is, or as little as it needs."""
        self.setMinimumWidth(_WIDTH)
        self.setMaximumWidth(_NO_LIMIT if wide else _WIDTH)

    def offer_fitting(self, key: str) -> None:
        """Offer this one of the ways to fit what is drawn, see :data:`FITTINGS`."""
        self._fitting = key
        self.fit.setText(FITTINGS[key].title)
        self.fit.setToolTip(FITTINGS[key].help)

    @property
    def treatment(self) -> Treatment:
        """What is done to what was drawn."""
        return self._treatment

    @property
    def pen(self) -> float:
        """Width of the pen, in pixels of what the network sees."""
        return self.width_slider.value() / 10

    @property
    def ink(self) -> tuple[float, ...] | None:
        """A value for each channel; None rubs out."""
        return None if self.tool.value == "eraser" else _INKS[self.inks.currentText()]

    def show_treatment(self, treatment: Treatment) -> None:
        """Show this, without a signal."""
        self._treatment = treatment
        self._show()

    @property
    def gesture(self) -> str:
        """Names the slider that is dragged, and which drag of it that is; empty without one."""
        for slider in (self.angle, self.scale, self.noise):
            if slider.isSliderDown():
                return f"{slider.accessibleName()} {self._drags}"
        return ""

    def _on_pressed(self) -> None:
        self._drags += 1

    def shift(self, down: int, right: int) -> None:
        """Move it by so many pixels further."""
        before = self._treatment.shift
        self._set(shift=(before[0] + down, before[1] + right))

    def reset(self) -> None:
        """Nothing is done to what was drawn."""
        before = self._treatment
        self._treatment = Treatment(before.inverted, before.fitted)
        self._show()
        self.treated.emit(self._treatment)

    def _set(self, **changes: object) -> None:
        self._treatment = replace(self._treatment, **changes)  # type: ignore[arg-type]  # one of its fields each
        self._show()
        self.treated.emit(self._treatment)

    def _show(self) -> None:
        one = self._treatment
        parts = (self.fit, self.inverted, self.angle, self.scale, self.noise)
        blockers = [QSignalBlocker(part) for part in parts]
        self.fit.setChecked(bool(one.fitted))
        self.inverted.setChecked(one.inverted)
        self.angle.setValue(round(one.angle))
        self.scale.setValue(round(100 * one.scale))
        self.noise.setValue(round(100 * one.noise))
        del blockers
        self._values[3].setText(f"{one.angle:.0f}°")
        self._values[4].setText(f"{one.scale:.2f} ×")
        self._values[5].setText(f"{one.noise:.2f}")
        down, right = one.shift
        self._shift_text.setText(f" {_signed(down)}, {_signed(right)}")
        self._shift_text.setToolTip("Pixels down, pixels to the right")

    def _row(self, grid: QGridLayout, row: int, title: str, low: int, high: int, value: int) -> QSlider:
        label = QLabel(title, self)
        set_font(label, 12)
        slider = self._slider(title, low, high, value)
        number = QLabel("", self)
        set_font(number, 12)
        number.setFixedWidth(52)
        number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._values[row] = number
        grid.addWidget(label, row, 0)
        grid.addWidget(slider, row, 1)
        grid.addWidget(number, row, 2)
        return slider

    def _slider(self, name: str, low: int, high: int, value: int) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal, self)
        slider.setRange(low, high)
        slider.setValue(value)
        slider.setAccessibleName(name)
        slider.setToolTip(name)
        return slider

    def _check(self, title: str, tip: str) -> QCheckBox:
        check = QCheckBox(title, self)
        check.setToolTip(tip)
        set_font(check, 12)
        return check

    def _button(self, title: str, tip: str, key: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(title)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setProperty("role", "flat")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        set_font(button, 12, 500)
        if key:
            button.clicked.connect(lambda: self.asked.emit(key))
        return button

    def _arrow(self, icon: str, words: str, down: int, right: int) -> QToolButton:
        button = self._button("", f"Shift one pixel {words} (arrow keys; four with Shift)", "")
        bind(button, icon, "text")
        set_icon_size(button, 14, 24, 22)
        button.setAutoRepeat(True)
        button.clicked.connect(lambda: self.shift(down, right))
        return button


def _signed(value: int) -> str:
    """``+3``, ``−2`` or ``0``."""
    return f"{value:+d}".replace("-", "−") if value else "0"
