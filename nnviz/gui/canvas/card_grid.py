"""Which cards stand in a part of the scene, answered from a coarse grid.

Qt's own index is built anew after every wire that is laid, so that asking it once for each wire takes time with the
square of their number: minutes for 10,000 layers.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF

from nnviz.gui.canvas.geometry import CARD_WIDTH

_CELL = 512.0


class CardGrid:
    """Cards by the cells of a grid that they touch."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, int], set[str]] = {}
        self._where: dict[str, tuple[int, int, int, int]] = {}

    def put(self, card: str, x: float, y: float, height: float) -> None:
        """Take note of where a card stands from now on."""
        area = _cells_of(x, y, x + CARD_WIDTH, y + height)
        if self._where.get(card) == area:
            return
        self.drop(card)
        self._where[card] = area
        left, top, right, bottom = area
        for column in range(left, right + 1):
            for row in range(top, bottom + 1):
                self._cells.setdefault((column, row), set()).add(card)

    def drop(self, card: str) -> None:
        """Forget a card that has gone."""
        area = self._where.pop(card, None)
        if area is None:
            return
        left, top, right, bottom = area
        for column in range(left, right + 1):
            for row in range(top, bottom + 1):
                held = self._cells[column, row]
                held.discard(card)
                if not held:
                    del self._cells[column, row]

    def near(self, rect: QRectF) -> set[str]:
        """The cards in all cells that a rectangle touches: those in it, and some beside it."""
        left, top, right, bottom = _cells_of(rect.left(), rect.top(), rect.right(), rect.bottom())
        if (right - left + 1) * (bottom - top + 1) > len(self._cells):
            return set(self._where)
        found: set[str] = set()
        for column in range(left, right + 1):
            for row in range(top, bottom + 1):
                found |= self._cells.get((column, row), _NONE)
        return found


_NONE: frozenset[str] = frozenset()


def _cells_of(left: float, top: float, right: float, bottom: float) -> tuple[int, int, int, int]:
    return int(left // _CELL), int(top // _CELL), int(right // _CELL), int(bottom // _CELL)
