"""Where the parts of an input of one's own stand: beside each other, or in a narrow place below each other."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QBoxLayout, QGridLayout, QWidget

from nnviz.gui.look import theme

#: Pixels, at the usual size of letters: from this width on everything stands beside each other.
_BESIDE = 560
#: And from this height on the canvas has all of the width.
_TALL = 760
#: Rows, and columns, of the grid.
_LINES = 7
#: Of a canvas to draw on, at least.
_LEAST_CANVAS = 150


@dataclass(frozen=True)
class Parts:
    """What always has a place.

    Attributes:
        canvas, seen: A title and a field each: what is drawn, and what the network sees of it.
        right: What is right.
        bars: The answer.
        beside: The answer of a second network; hidden while there is none.
        options: What can be chosen about cards and networks.
        along: In which direction the options stand.
    """

    canvas: tuple[QWidget, QWidget]
    seen: tuple[QWidget, QWidget]
    right: QWidget
    bars: QWidget
    beside: QWidget
    options: QWidget
    along: QBoxLayout

    @property
    def all(self) -> tuple[QWidget, ...]:
        """Every one of them."""
        return (*self.canvas, *self.seen, self.right, self.bars, self.beside, self.options)


class OwnInputPlaces:
    """The grid of a view.

    Args:
        view: Gets the grid for its layout.
        parts: What always has a place in it.
    """

    def __init__(self, view: QWidget, parts: Parts) -> None:
        self._parts = parts
        self._placed: list[QWidget] = []
        #: Whether all stands below each other; and whether that is so high that the canvas has all of the width.
        self.upright = self._tall = False
        self._grid = QGridLayout(view)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(4)

    def fit(self, size: QSize) -> bool:
        """Choose by the size of the view; whether all has to be arranged anew for it."""
        scale = theme.text_scale()
        upright = size.width() < _BESIDE * scale
        tall = upright and size.height() >= _TALL * scale
        changed = (upright, tall) != (self.upright, self._tall)
        self.upright, self._tall = upright, tall
        return changed

    def let_go(self, part: QWidget) -> None:
        """It has no place any more."""
        self._placed.remove(part)
        self._grid.removeWidget(part)

    def arrange(self, tools: QWidget | None, *, numbers: bool) -> None:
        """Everything in its place.

        Args:
            tools: With which the input is changed: those of a picture, or the fields of numbers.
            numbers: Which of the two.
        """
        for part in self._placed:
            self._grid.removeWidget(part)
        for line in range(_LINES):
            self._grid.setRowStretch(line, 0)
            self._grid.setRowMinimumHeight(line, 0)
            self._grid.setColumnStretch(line, 0)
        directions = QBoxLayout.Direction
        self._parts.along.setDirection(directions.TopToBottom if self.upright else directions.LeftToRight)
        self._placed = [*self._parts.all, *([tools] if tools is not None else [])]
        if not self.upright:
            self._lie(tools, numbers)
        elif numbers and tools is not None:
            self._stack_numbers(tools)
        else:
            self._stack_picture(tools)

    @property
    def _two(self) -> bool:
        return not self._parts.beside.isHidden()

    def _lie(self, tools: QWidget | None, numbers: bool) -> None:
        """Beside each other: tools, canvas, what the network sees, and the answers."""
        grid, parts = self._grid, self._parts
        if tools is not None:
            grid.addWidget(tools, 0, 0, 2, 1)
            grid.setColumnStretch(0, 5 if numbers else 0)
        for column, (text, field) in enumerate((parts.canvas, parts.seen), 1):
            grid.addWidget(text, 0, column)
            grid.addWidget(field, 1, column)
            grid.setColumnStretch(column, 0 if numbers else 4)
        grid.addWidget(parts.right, 0, 3, Qt.AlignmentFlag.AlignLeft)
        grid.addWidget(parts.options, 0, 4, Qt.AlignmentFlag.AlignRight)
        grid.addWidget(parts.bars, 1, 3, 1, 1 if self._two else 2)
        if self._two:
            grid.addWidget(parts.beside, 1, 4)
        grid.setColumnStretch(3, 3)
        grid.setColumnStretch(4, 2)
        grid.setRowStretch(1, 1)

    def _stack_numbers(self, rows: QWidget) -> None:
        """Below each other: numbers, what is right, the answers."""
        parts = self._parts
        column = (rows, parts.right, parts.bars, parts.options, *((parts.beside,) if self._two else ()))
        for line, part in enumerate(column):
            self._grid.addWidget(part, line, 0, 1, 2)
        self._grid.setRowStretch(2, 1)
        self._grid.setRowStretch(4, 1)

    def _stack_picture(self, tools: QWidget | None) -> None:
        """Below each other: canvas and answer, what is right, tools, what the network sees."""
        grid, parts, two = self._grid, self._parts, self._two
        drawn_text, drawn = parts.canvas
        seen_text, seen = parts.seen
        grid.addWidget(drawn_text, 0, 0)
        grid.addWidget(drawn, 1, 0, 1, 2 if self._tall else 1)
        grid.addWidget(parts.right, 2, 0, 1, 2)
        if tools is not None:
            grid.addWidget(tools, 3, 0, 1, 2)
        if self._tall:
            grid.addWidget(seen_text, 4, 0)
            grid.addWidget(seen, 5, 0)
            grid.addWidget(parts.bars, 4, 1, 2, 1)
            grid.addWidget(parts.options, 6, 0, 1, 1 if two else 2, Qt.AlignmentFlag.AlignTop)
            if two:
                grid.addWidget(parts.beside, 6, 1)
            for column in (0, 1):
                grid.setColumnStretch(column, 1)
            grid.setRowStretch(1, 3)
            grid.setRowStretch(5, 2)
            grid.setRowStretch(6, 2 if two else 0)
            return
        grid.addWidget(parts.bars, 0, 1, 2, 1)
        grid.addWidget(seen_text, 4, 0)
        grid.addWidget(seen, 5, 0)
        # A second network answers beside what both see; what is chosen about it stands below then.
        grid.addWidget(parts.options, 6 if two else 5, 0 if two else 1, Qt.AlignmentFlag.AlignTop)
        if two:
            grid.addWidget(parts.beside, 4, 1, 2, 1)
        grid.setColumnStretch(0, 5)
        grid.setColumnStretch(1, 4)
        grid.setRowStretch(1, 3)
        grid.setRowStretch(5, 2)
        grid.setRowMinimumHeight(1, _LEAST_CANVAS)
