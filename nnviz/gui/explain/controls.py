"""The buttons over a sheet: one step back, the direction, sliding by itself, large or small."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from nnviz.gui.explain.sheet import Sheet
from nnviz.gui.look import theme as themes
from nnviz.gui.look.icons import bind
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import Segments, refresh_fonts, set_font, set_icon_size

FORWARD, BACKWARD = "forward", "backward"
_NO_LIMIT = 16_777_215


class Controls(QWidget):
    """Belongs to one sheet.

    Args:
        sheet: What it acts on.
        enlarged: It stands over a page: its last button makes that small again.
        parent: Owner.
    """

    #: Make it large, or small again.
    size_requested = Signal()

    def __init__(self, sheet: Sheet, *, enlarged: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sheet = sheet
        self._letters = 0.0
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        self.back = self._button("chevron-left", "Back to where this came from (Backspace)")
        self.back.clicked.connect(sheet.walk.back)
        self.direction = Segments(
            (
                (FORWARD, "forward", "What made this number"),
                (BACKWARD, "backward", "What this number changes: how the loss changes with it"),
            ),
            self,
        )
        self.direction.chosen.connect(lambda key: sheet.walk.set_backward(key == BACKWARD))
        self.slide = self._button("play", "Let it slide over the map (Space)")
        self.slide.setCheckable(True)
        self.slide.clicked.connect(sheet.sliding.let)
        sheet.sliding.changed.connect(self._on_sliding)
        words = "Back into its place (Esc)" if enlarged else "Enlarge it over the canvas"
        self.size_button = self._button("close" if enlarged else "fit", words)
        self.size_button.clicked.connect(lambda _checked=False: self.size_requested.emit())
        if enlarged:
            self.slide.setText("let it slide")
            self.slide.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        for widget in (self.back, self.direction, self.slide):
            row.addWidget(widget)
        if enlarged:
            row.addStretch(1)
        row.addWidget(self.size_button)
        follow(sheet.walk.changed, self._on_changed)
        follow(themes.notifier.changed, self._restyle)
        self._on_changed()

    def set_letters(self, pixels: float) -> None:
        """Be as large as what stands below, for a hall: so many pixels, at least those of the interface."""
        self._letters = pixels
        pixels = max(pixels, 12.0 * themes.text_scale())
        for button in self.findChildren(QToolButton):
            set_font(button, round(pixels / themes.text_scale()), 500)
            side = round(1.9 * pixels)
            if button in (self.back, self.size_button):
                button.setFixedSize(side, side)
            elif button is self.slide:
                button.setMaximumWidth(_NO_LIMIT)
                button.setFixedHeight(side)
            button.setIconSize(QSize(round(1.1 * pixels), round(1.1 * pixels)))

    def _button(self, icon: str, words: str) -> QToolButton:
        button = QToolButton(self)
        bind(button, icon, "text_muted")
        button.setProperty("role", "flat")
        button.setToolTip(words)
        button.setAccessibleName(words)
        set_icon_size(button, 16, 26)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _on_changed(self) -> None:
        walk = self._sheet.walk
        place = walk.place
        self.back.setEnabled(len(walk.trail) > 1)
        self.direction.setEnabled(place is not None and place.part != "loss")
        self.direction.set_value(BACKWARD if place is not None and place.backward else FORWARD)
        self.slide.setEnabled(self._sheet.sliding.possible)

    def _on_sliding(self, on: bool) -> None:
        self.slide.setChecked(on)
        bind(self.slide, "pause" if on else "play", "text_muted")

    def _restyle(self) -> None:
        refresh_fonts(self)
        if self._letters:
            self.set_letters(self._letters)
