"""What all cards of a canvas share: zoom, live values, and finished pictures, kept as long as they are useful."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPixmap

from nnviz.gui.canvas.cards.card_painter import CardLook, paint_plate
from nnviz.gui.canvas.cards.card_pictures import PictureCache
from nnviz.gui.canvas.cards.lens import Lens
from nnviz.gui.canvas.cards.live import LiveValues
from nnviz.gui.canvas.geometry import CARD_MARGIN, CARD_WIDTH, Level, level_of

if TYPE_CHECKING:
    from nnviz.gui.look.theme import Theme

_FACE_BYTES = 96 * 2**20
_MOST_PLATES = 200


def card_pixmap(height: float, scale: float) -> QPixmap:
    """A transparent picture for a card of this height with its margins, at ``scale`` device pixels a scene unit."""
    wide, high = CARD_WIDTH + 2 * CARD_MARGIN, height + 2 * CARD_MARGIN
    pixmap = QPixmap(QSize(max(1, round(wide * scale)), max(1, round(high * scale))))
    pixmap.fill(Qt.GlobalColor.transparent)
    return pixmap


def card_canvas(pixmap: QPixmap, scale: float) -> QPainter:
    """A painter on such a picture, in scene units with the card's corner at the origin."""
    painter = QPainter(pixmap)
    painter.setRenderHints(
        QPainter.RenderHint.Antialiasing
        | QPainter.RenderHint.TextAntialiasing
        | QPainter.RenderHint.SmoothPixmapTransform
    )
    painter.scale(scale, scale)
    painter.translate(CARD_MARGIN, CARD_MARGIN)
    return painter


class Faced(Protocol):
    """A card that keeps its finished picture, and can do without it."""

    def drop_face(self) -> None:
        """Forget the picture: it is painted again when it is seen."""


class Stage:
    """Shared by the cards of one canvas; one view paints it.

    Attributes:
        live: Values of the run at the step that is shown.
        lens: What is shown in their place; None for them.
        pictures: Finished pictures of outputs.
        zoom: Device-independent pixels for one scene unit.
        ratio: Device pixels for one of those.
        deadline: Moment after which a card that only needs to be sharper waits for the next frame.
        waiting: A card was left waiting in this frame.
        painted: Number of cards painted so far, for measuring.
    """

    def __init__(self) -> None:
        self.live = LiveValues()
        self.lens: Lens | None = None
        self.pictures = PictureCache()
        self.zoom = 1.0
        self.ratio = 1.0
        self.deadline = float("inf")
        self.waiting = False
        self.painted = 0
        self._faces: OrderedDict[Faced, int] = OrderedDict()
        self._bytes = 0
        self._plates: dict[tuple[str, float, CardLook, float, str], QPixmap] = {}

    @property
    def level(self) -> Level:
        """How much the cards show."""
        return level_of(self.zoom)

    def may_wait(self) -> bool:
        """Whether this frame has no time left for pictures that could be sharper."""
        if time.perf_counter() <= self.deadline:
            return False
        self.waiting = True
        return True

    def plate(self, family: str, height: float, look: CardLook, scale: float, theme: Theme) -> QPixmap:
        """The empty card of a family and size, to draw on a copy of it."""
        key = (family, height, look, scale, theme.name)
        found = self._plates.get(key)
        if found is None:
            if len(self._plates) >= _MOST_PLATES:
                self._plates.clear()
            found = card_pixmap(height, scale)
            painter = card_canvas(found, scale)
            paint_plate(painter, QRectF(0.0, 0.0, CARD_WIDTH, height), family, look, theme)
            painter.end()
            self._plates[key] = found
        return found

    def keep(self, item: Faced, size: int) -> None:
        """Count the finished picture of a card; the oldest ones go when there are too many bytes."""
        self._bytes += size - self._faces.pop(item, 0)
        self._faces[item] = size
        while self._bytes > _FACE_BYTES and len(self._faces) > 1:
            old, freed = self._faces.popitem(last=False)
            self._bytes -= freed
            old.drop_face()

    def forget(self, item: Faced) -> None:
        """Forget the picture of a card that has gone."""
        self._bytes -= self._faces.pop(item, 0)

    def clear(self) -> None:
        """Forget all finished pictures: the theme has changed."""
        self._plates.clear()
        self.pictures.clear()
