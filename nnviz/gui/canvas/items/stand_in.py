"""What a frame, a note or a wire must know of the item that paints it while the network is seen from far."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QRectF


class StandIn(Protocol):
    """Paints many items in their place."""

    def cover(self, bounds: QRectF) -> None:
        """Take at least the part of the scene that one of the items has come to take."""

    def changed(self) -> None:
        """Repaint one of the items, which looks different now."""
