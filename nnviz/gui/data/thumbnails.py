"""Small pictures of many examples, made on a worker by the sheet; the wall only paints what is ready.

The rows of a table that lies on the disk are brought in the same way: a sheet is then so many rows of numbers.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
import shiboken6
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QRect, QSize, Signal
from PySide6.QtGui import QImage

from nnviz.data.viewing import ViewedData
from nnviz.gui.look.scales import image_of
from nnviz.gui.parts.background import Background

#: Examples on a sheet, bytes of sheets that are kept, and sheets that are being made at a time.
ON_SHEET = 64
_MOST_BYTES = 160 << 20
_AT_ONCE = 2
_LANE = "thumbnails"
#: About so wide is a small picture, in pixels.
_WIDTH = 60


@dataclass(frozen=True)
class ThumbnailSize:
    """How pictures of a data set become small ones: ``shrink`` pixels become one, which is drawn ``factor`` wide."""

    width: int
    height: int
    shrink: int
    factor: int

    @classmethod
    def of(cls, height: int, width: int, wanted: int = _WIDTH) -> ThumbnailSize:
        """In whole multiples of the pixels where they are few, in whole parts where they are many."""
        side = max(height, width)
        shrink = max(1, round(side / wanted))
        factor = max(1, round(wanted * shrink / side)) if shrink == 1 else 1
        rows, columns = max(1, height // shrink), max(1, width // shrink)
        return cls(columns * factor, rows * factor, shrink, factor)

    @property
    def size(self) -> QSize:
        """Of a small picture."""
        return QSize(self.width, self.height)


def sheet(pictures: NDArray[np.uint8], size: ThumbnailSize) -> QImage:
    """Pictures uint8[n, channels, height, width] side by side, each as large as ``size`` says. For any thread."""
    small: NDArray[Any] = pictures
    if size.shrink > 1:
        by = size.shrink
        rows, columns = size.height, size.width
        cut = pictures[:, :, : rows * by, : columns * by]
        if cut.shape[2] == rows * by and cut.shape[3] == columns * by:
            small = cut.reshape(len(cut), cut.shape[1], rows, by, columns, by).mean((3, 5)).astype(np.uint8)
        else:  # a side shorter than what becomes one pixel
            small = pictures[:, :, ::by, ::by][:, :, :rows, :columns]
    wide: NDArray[np.uint32] = small.astype(np.uint32)
    red, green, blue = (wide[:, at if small.shape[1] == 3 else 0] for at in range(3))
    pixels = (np.uint32(0xFF000000) | red << 16 | green << 8 | blue).astype(np.uint32)
    if size.factor > 1:
        pixels = pixels.repeat(size.factor, axis=1).repeat(size.factor, axis=2)
    made = image_of(pixels.transpose(1, 0, 2).reshape(pixels.shape[1], -1))
    made.reinterpretAsFormat(QImage.Format.Format_RGB32)  # nothing shines through: it is copied, not blended
    return made


class Thumbnails(QObject):
    """Sheets of a list of examples, made when they are wanted; those used longest ago are let go of.

    Args:
        background: Where they are made.
        parent: Owner.

    Signals:
        arrived: More of them can be painted.
    """

    arrived = Signal()

    def __init__(self, background: Background, parent: QObject) -> None:
        super().__init__(parent)
        self._background = background
        self._data: ViewedData | None = None
        self._numbers: NDArray[np.int64] = np.empty(0, np.int64)
        self.size = ThumbnailSize(_WIDTH, _WIDTH, 1, 1)
        self._kept: OrderedDict[int, QImage | NDArray[Any]] = OrderedDict()
        self._bytes = 0
        self._making: set[int] = set()
        self._wanted: list[int] = []
        #: Another list: what is under way for the one before is not wanted any more.
        self._generation = 0

    def show(self, data: ViewedData | None, numbers: NDArray[np.int64]) -> None:
        """The list of examples whose pictures are wanted from now on."""
        self._data, self._numbers = data, numbers
        self._generation += 1
        self._kept.clear()
        self._making.clear()
        self._wanted = []
        self._bytes = 0
        if data is not None and data.is_images:
            self.size = ThumbnailSize.of(*data.inputs[0].shape[-2:])

    def picture(self, position: int) -> tuple[QImage, QRect] | None:
        """The sheet with the example at a place of the list, and where on it; None while it is not there."""
        number, place = divmod(position, ON_SHEET)
        found = self._kept.get(number)
        if not isinstance(found, QImage):
            return None
        return found, QRect(place * self.size.width, 0, self.size.width, self.size.height)

    def found(self, position: int) -> tuple[QImage | None, int]:
        """As :meth:`picture`, in numbers: the sheet, or None, and where on it the example begins."""
        number, place = divmod(position, ON_SHEET)
        found = self._kept.get(number)
        return found if isinstance(found, QImage) else None, place * self.size.width

    def row(self, position: int) -> NDArray[Any] | None:
        """The numbers of the example of a table at a place of the list; None while they are not there."""
        number, place = divmod(position, ON_SHEET)
        found = self._kept.get(number)
        return found[place] if isinstance(found, np.ndarray) else None

    def want(self, first: int, last: int) -> None:
        """The examples from ``first`` to before ``last`` are in sight: their sheets, then those beside them."""
        if self._data is None or not len(self._numbers):
            return
        sheets = -(-len(self._numbers) // ON_SHEET)
        begin, end = first // ON_SHEET, min(sheets, -(-max(last, first + 1) // ON_SHEET))
        for number in range(begin, end):
            if number in self._kept:
                self._kept.move_to_end(number)
        beside = [*range(end, min(sheets, end + 2)), *range(begin - 1, max(-1, begin - 3), -1)]
        self._wanted = [one for one in (*range(begin, end), *beside) if one not in self._kept]
        self._start()

    @property
    def bytes(self) -> int:
        """Memory that the sheets take."""
        return self._bytes

    def _start(self) -> None:
        while self._wanted and len(self._making) < _AT_ONCE:
            number = self._wanted.pop(0)
            if number not in self._making:
                self._make(number)

    def _make(self, number: int) -> None:
        data, generation, size = self._data, self._generation, self.size
        assert data is not None
        chosen = self._numbers[number * ON_SHEET : (number + 1) * ON_SHEET]
        self._making.add(number)

        def make() -> QImage | NDArray[Any]:
            inputs = data.inputs_of(chosen)
            return sheet(inputs, size) if data.is_images else inputs

        def done(made: QImage | NDArray[Any] | None) -> None:
            if not shiboken6.isValid(self) or generation != self._generation:
                return
            self._making.discard(number)
            if made is not None:
                self._keep(number, made)
                self.arrived.emit()
            self._start()

        self._background.start(make, done, lambda _error: done(None), _LANE)

    def _keep(self, number: int, made: QImage | NDArray[Any]) -> None:
        self._kept[number] = made
        self._bytes += _size(made)
        while self._bytes > _MOST_BYTES and len(self._kept) > 1:
            self._bytes -= _size(self._kept.popitem(last=False)[1])


def _size(made: QImage | NDArray[Any]) -> int:
    """Bytes of a sheet."""
    return made.sizeInBytes() if isinstance(made, QImage) else made.nbytes
