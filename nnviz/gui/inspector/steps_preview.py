"""Some examples before and after the steps of the Data tab: computed off the GUI thread, then painted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import shiboken6
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from nnviz.errors import Cancelled
from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import guarded
from nnviz.gui.look.scales import Numbers, image_of
from nnviz.gui.parts.background import Background
from nnviz.gui.parts.reasons import sentence_of
from nnviz.project import registry
from nnviz.project.model import DataConfig

if TYPE_CHECKING:
    from nnviz.data.step_preview import StepPreview

#: Examples that are shown, one a row.
EXAMPLES = 3
_GAP = 6
_HEAD = 22
_LARGEST = 76


@dataclass(frozen=True)
class _Wish:
    config: DataConfig
    choice: int


def changes_pictures(config: DataConfig) -> bool:
    """Whether there is a step that can be seen: another size, other colours, augmentation."""
    known = registry.PREPARATIONS
    return bool(config.augmentation) or any(one.kind in known and known(one.kind).shapes for one in config.preparation)


class StepsPreview(QWidget):
    """A row an example: as it is read, then what the steps make of it, drawn some times.

    At most one job is under way; what is wished meanwhile is computed when it has ended, and only the latest of it.

    Args:
        background: Runs the jobs, in a lane of their own.
        data_dir: Asked for the folder in which data sets are looked for first.
        parent: Owner.
    """

    def __init__(self, background: Background, data_dir: Callable[[], Path | None], parent: QWidget) -> None:
        super().__init__(parent)
        self._background = background
        self._data_dir = data_dir
        self._wish: _Wish | None = None
        self._under_way = False
        self._images: list[list[QImage]] = []
        self._names: tuple[str, ...] = ()
        self.hint = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def images(self) -> list[list[QImage]]:
        """For each example its pictures, a pixel a number: as it is read first."""
        return self._images

    def show_steps(self, config: DataConfig, choice: int) -> None:
        """Show what the steps of a choice of data make of some examples, as soon as it is known."""
        wish = _Wish(config, choice)
        if wish == self._wish:
            return
        self._wish = wish
        if not self._images:
            self._say("looking…")
        if not self._under_way:
            self._start(wish)

    def _start(self, wish: _Wish) -> None:
        folder = self._data_dir()
        self._under_way = True

        def work() -> StepPreview:
            from nnviz.data.step_preview import preview_of_steps  # noqa: PLC0415 - torch comes with it, here only

            return preview_of_steps(wish.config, folder, EXAMPLES, wish.choice)

        def ended(answer: StepPreview | BaseException) -> None:
            if not shiboken6.isValid(self):
                return
            self._under_way = False
            if self._wish is not None and self._wish != wish:
                self._start(self._wish)
            elif isinstance(answer, BaseException):
                self._images = []
                self._say("" if isinstance(answer, Cancelled) else sentence_of(answer))
            else:
                self._show(answer)

        self._background.start(work, ended, ended, lane="preview of steps")

    def _show(self, preview: StepPreview) -> None:
        rows = zip(preview.before, preview.after, strict=True)
        self._images = [[_image(before), *map(_image, after)] for before, after in rows]
        self._names = preview.names
        self._say("")
        self.setAccessibleName(f"Examples before and after the steps: {', '.join(self._names)}")

    def _say(self, hint: str) -> None:
        self.hint = hint
        if hint:
            self.setAccessibleName(hint)
        self._fit()
        self.update()

    def _cell(self) -> int:
        columns = max((len(row) for row in self._images), default=4)
        return max(16, min(_LARGEST, (self.width() - (columns - 1) * _GAP) // columns))

    def _fit(self) -> None:
        rows = len(self._images)
        self.setFixedHeight(_HEAD + rows * self._cell() + (rows - 1) * _GAP if rows else 60)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Pictures as wide as there is room."""
        super().resizeEvent(event)
        self._fit()

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """The head and the pictures, or why there are none."""
        theme, painter = themes.current(), QPainter(self)
        painter.setFont(themes.font(12))
        painter.setPen(QColor(theme.text_muted))
        if not self._images:
            flags = int(Qt.AlignmentFlag.AlignVCenter) | int(Qt.TextFlag.TextWordWrap)
            painter.drawText(self.rect(), flags, self.hint)
            return
        cell, ratio = self._cell(), self.devicePixelRatioF()
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRect(0, 0, cell + _GAP, _HEAD), left, "as read")
        drawn = len(self._images[0]) - 1
        words = "as trained on" if drawn == 1 else "as trained on, drawn anew each time"
        painter.drawText(QRect(cell + _GAP, 0, self.width() - cell - _GAP, _HEAD), left, words)
        for row, images in enumerate(self._images):
            for column, image in enumerate(images):
                x, y = column * (cell + _GAP), _HEAD + row * (cell + _GAP)
                # As large as there is room: here pixels need not be of one size, but each picture of the others.
                size = image.size().scaled(cell, cell, Qt.AspectRatioMode.KeepAspectRatio)
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, image.width() > cell * ratio)
                place = QRect(
                    x + (cell - size.width()) // 2, y + (cell - size.height()) // 2, size.width(), size.height()
                )
                painter.drawImage(place, image)


def _image(picture: Numbers) -> QImage:
    """Bytes [1 or 3, height, width] as they are."""
    red, green, blue = np.broadcast_to(picture, (3, *picture.shape[1:])).astype(np.uint32)
    return image_of(np.uint32(0xFF000000) | red << 16 | green << 8 | blue)
