"""The pinned examples as a strip of small pictures above the Input card; a click shows one of them on the cards."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from nnviz.gui.canvas.items.node_item import NodeItem
from nnviz.gui.look import theme
from nnviz.gui.look.painting import Saved, guarded
from nnviz.gui.look.pictures import sample_picture
from nnviz.gui.runs.pinning import PinnedExample
from nnviz.project.model import Pin

_TILE, _GAP, _MARGIN, _ABOVE = 38.0, 6.0, 8.0, 10.0
_LETTERS = 11
#: Rank of an example that is a picture.
_PICTURE = 3


class PinStrip(QGraphicsItem):
    """Stands above the card of the Input, where there is one and something is pinned.

    Args:
        card: Gives the card of the Input; None while there is none.
    """

    def __init__(self, card: Callable[[], NodeItem | None]) -> None:
        super().__init__()
        self._card = card
        self._examples: tuple[PinnedExample, ...] = ()
        self._pictures: dict[int, tuple[object, QImage]] = {}
        self._bounds = QRectF()
        self._far = False
        self.setZValue(1.2)
        self.setVisible(False)

    @property
    def examples(self) -> tuple[PinnedExample, ...]:
        """What it shows."""
        return self._examples

    def show_examples(self, examples: Sequence[PinnedExample]) -> None:
        """Show these from now on."""
        self._examples = tuple(examples)
        pictures: dict[int, tuple[object, QImage]] = {}
        for place, one in enumerate(self._examples):
            reading = one.reading
            if reading is None or reading.array.ndim != _PICTURE:
                continue
            kept = self._pictures.get(place)
            same = kept is not None and kept[0] is reading
            pictures[place] = kept if same and kept is not None else (reading, sample_picture(reading.array))
        self._pictures = pictures
        self.follow()
        self.update()

    def set_far(self, far: bool) -> None:
        """From far no card shows values, and so does the strip."""
        self._far = far
        self.follow()

    def follow(self) -> None:
        """Stand above the card, wherever that stands now."""
        card = self._card() if self._examples else None
        bounds = QRectF()
        if card is not None:
            whole = card.card_rect()
            width, height = len(self._examples) * (_TILE + _GAP) - _GAP + 2 * _MARGIN, _TILE + 2 * _MARGIN
            bounds = QRectF(whole.left(), whole.top() - _ABOVE - height, width, height)
        if bounds != self._bounds:
            self.prepareGeometryChange()
            self._bounds = bounds
        self.setVisible(card is not None and not self._far)

    def boundingRect(self) -> QRectF:
        """The strip in the scene, with the frame of the example that is shown."""
        return self._bounds.adjusted(-2.0, -2.0, 2.0, 2.0) if self._bounds.isValid() else QRectF()

    def tile(self, place: int) -> QRectF:
        """Where an example stands, in the scene."""
        corner = self._bounds.topLeft() + QPointF(_MARGIN + place * (_TILE + _GAP), _MARGIN)
        return QRectF(corner.x(), corner.y(), _TILE, _TILE)

    def example_at(self, point: QPointF) -> PinnedExample | None:
        """The example at a point of the scene."""
        if not self.isVisible() or not self._bounds.contains(point):
            return None
        return next((one for at, one in enumerate(self._examples) if self.tile(at).contains(point)), None)

    def pin_at(self, point: QPointF) -> Pin | None:
        """The same, as the document names it."""
        found = self.example_at(point)
        return None if found is None else found.pin

    @guarded
    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """A plate with a picture for each; of examples that are no pictures their number."""
        colours = theme.current()
        painter.setPen(QPen(colours.border, 1.0))
        painter.setBrush(colours.panel)
        painter.drawRoundedRect(self._bounds, 7.0, 7.0)
        painter.setFont(theme.scene_font(_LETTERS, 600))
        for place, one in enumerate(self._examples):
            tile = self.tile(place)
            picture = self._pictures.get(place)
            with Saved(painter):
                if picture is not None:
                    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
                    size = picture[1].size().toSizeF().scaled(tile.size(), Qt.AspectRatioMode.KeepAspectRatio)
                    inner = QRectF(QPointF(), size)
                    inner.moveCenter(tile.center())
                    painter.drawImage(inner, picture[1])
                else:
                    painter.setBrush(colours.window)
                    painter.drawRoundedRect(tile, 4.0, 4.0)
                    painter.setPen(colours.text)
                    painter.drawText(tile, Qt.AlignmentFlag.AlignCenter, f"#{one.pin.index}")
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colours.accent, 3.0) if one.shown else QPen(colours.border, 1.0))
            painter.drawRoundedRect(tile.adjusted(-1.5, -1.5, 1.5, 1.5) if one.shown else tile, 4.0, 4.0)
            painter.setPen(QPen(colours.border, 1.0))
