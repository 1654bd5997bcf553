"""The window of a layer as it slides over the map that the layer puts out: by hand, by keys, or by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from nnviz.gui.explain.walk import Walk

if TYPE_CHECKING:
    from nnviz.explain.explanation import Index

#: Milliseconds between two places of a window that slides by itself.
_SLIDES_EVERY = 350


class Sliding(QObject):
    """Moves a walk to the neighbours of the number that it stands at.

    Args:
        walk: Stands at the number.
        sheet: Shows it; where nobody sees it, nothing slides by itself.
    """

    #: The window slides by itself, or not any more.
    changed = Signal(bool)

    def __init__(self, walk: Walk, sheet: QWidget) -> None:
        super().__init__(sheet)
        self._walk = walk
        self._sheet = sheet
        self._timer = QTimer(self)
        self._timer.setInterval(_SLIDES_EVERY)
        self._timer.timeout.connect(self._go_on)

    @property
    def possible(self) -> bool:
        """Whether there are neighbours to slide to."""
        taken = self._walk.taken
        return taken is not None and taken.output is not None and taken.place.part == "output"

    @property
    def active(self) -> bool:
        """Whether the window slides by itself."""
        return self._timer.isActive()

    def let(self, on: bool) -> None:
        """Have the window slide over the map by itself, row by row, or stop that."""
        on = on and self.possible
        if on == self._timer.isActive():
            return
        if on:
            self._timer.start()
        else:
            self._timer.stop()
        self.changed.emit(on)

    def _go_on(self) -> None:
        taken, place = self._walk.taken, self._walk.place
        if not self._sheet.isVisible() or taken is None or taken.output is None or place is None or place.index is None:
            self.let(False)
            return
        if self._walk.waiting:
            return
        index, sizes = list(place.index), taken.output.shape
        if len(index) != len(sizes):
            self.let(False)
            return
        for axis in reversed(range(1 if len(sizes) == 3 else 0, len(sizes))):
            index[axis] += 1
            if index[axis] < sizes[axis]:
                break
            index[axis] = 0
        self.to(tuple(index))

    def to(self, index: Index) -> None:
        """Put the window on this number."""
        place = self._walk.place
        if place is None or place.index == index:
            return
        self._walk.move(replace(place, index=index))

    def read_at(self, row: int, column: int, sizes: tuple[int, int]) -> None:
        """Put the window on this place, as nearly as it can."""
        taken = self._walk.taken
        if taken is None or taken.output is None:
            return
        out = taken.output.shape
        axes = len(out) - 1
        places = [
            min(round(one * max(size - 1, 0) / max(full - 1, 1)), size - 1)
            for one, size, full in zip((row, column)[-axes:], out[1:], sizes[-axes:], strict=True)
        ]
        self.to((taken.index[0], *places))
