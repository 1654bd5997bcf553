"""What a unit wants, painted: the input made to excite it, and the examples that excite it most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSizeF
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from nnviz.gui.explain.example_pictures import example_pixels, paint_frame, pixmap
from nnviz.gui.explain.found_picture import FoundPicture
from nnviz.gui.look import theme as themes
from nnviz.gui.look.age_mark import age_room, aged, paint_age_mark
from nnviz.gui.look.painting import guarded
from nnviz.gui.look.scales import Scale
from nnviz.gui.look.written_line import write_line
from nnviz.gui.parts.widgets import line_height
from nnviz.record.age import Moment, ReadingShown

if TYPE_CHECKING:
    from nnviz.explain.unit_wishes import TopExample, TopExamples, Wish

_GAP = 12
#: The part of the width for the input that was made.
_MADE = 0.34
_FEATURES = 6
#: Pixels of the smallest picture of an example.
_LEAST = 44


class UnitPicture(FoundPicture):
    """Shows what was found of one unit."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("What this unit wants", parent)
        self.wish: Wish | None = None
        self.top: TopExamples | None = None
        self.unit_words = ""
        self._moment = Moment()

    def show_found(self, unit_words: str, wish: Wish | None, top: TopExamples | None, moment: Moment) -> None:
        """Shows what is known until now; ``unit_words`` names the unit."""
        self.unit_words, self.wish, self.top, self._moment = unit_words, wish, top, moment
        self.setAccessibleDescription(". ".join(self.lines()))
        self.update()

    def set_moment(self, moment: Moment) -> None:
        """Training went on: what is shown may be old."""
        before, self._moment = self.old, moment
        if before is not self.old:
            self.update()

    @property
    def step(self) -> int | None:
        """Whose weights it is of."""
        found = self.wish or self.top
        return None if found is None else found.step

    @property
    def old(self) -> bool:
        """Whether it is of weights that have changed much since."""
        step = self.step
        return step is not None and self._moment.is_old(step)

    def readings_shown(self) -> tuple[ReadingShown, ...]:
        """The numbers of the unit, with the step whose weights they are of."""
        step = self.step
        if step is None:
            return ()
        texts = [] if self.wish is None else [themes.format_number(self.wish.value)]
        texts += [] if self.top is None else [themes.format_number(one.value) for one in self.top.examples]
        return tuple(ReadingShown("wish", text, step, self.old) for text in texts)

    def lines(self) -> tuple[str, ...]:
        """What it says in words."""
        found = []
        if self.wish is not None:
            values = [themes.format_number(one) for one in (self.wish.began_value, self.wish.value)]
            found.append(f"Made for {self.unit_words}: {values[0]} → {values[1]}")
        if self.top is not None:
            top = self.top
            share = f"{themes.format_count(top.firing)} of {themes.format_count(top.seen)}"
            rest = "" if top.seen == top.total else f" (of {themes.format_count(top.total)} until now)"
            found.append(f"Fires for {share} examples{rest}")
        return tuple(found)

    def captions(self) -> tuple[str, ...]:
        """Below each of the top examples."""
        return () if self.top is None else tuple(self._caption(one) for one in self.top.examples)

    @staticmethod
    def _caption(example: TopExample) -> str:
        return f"“{example.label}”  {themes.format_number(example.value)}"

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """The made one at the left, the examples at the right; below each other where it is narrow."""
        if self.wish is None and self.top is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width, height = float(self.width()), float(self.height())
        foot = line_height(12) + 4
        upright = height > 1.1 * width
        square = max(height - foot - 2 * line_height(13), 100.0)
        beside = min(_MADE * width, square) if not self._framed else min(1.3 * _MADE * width, 2 * square)
        beside = max(beside, 150.0)
        made = QRectF(0, 0, width, 0.42 * height) if upright else QRectF(0, 0, beside, height - foot)
        rest = (
            QRectF(0, made.bottom() + _GAP, width, height - made.height() - _GAP - foot)
            if upright
            else QRectF(made.right() + _GAP, 0, width - made.width() - _GAP, height - foot)
        )
        self._paint_made(painter, made)
        self._paint_top(painter, rest)
        self._paint_foot(painter, QRectF(0, height - foot + 4, width, foot - 4))

    @property
    def _framed(self) -> bool:
        """Whether the unit looks at a part of an image, which is shown by itself, too."""
        wish = self.wish
        return wish is not None and wish.image.ndim == 3 and not _whole(wish.field, wish.image.shape[1:])

    def _paint_made(self, painter: QPainter, area: QRectF) -> None:
        colours, wish, line = themes.current(), self.wish, line_height(13)
        write_line(painter, QRectF(area.left(), area.top(), area.width(), line), "Made to excite it", 13, 600)
        below = area.adjusted(0, line + 4, 0, 0)
        if wish is None:
            write_line(painter, QRectF(below.left(), below.top(), below.width(), line), "…", 13)
            return
        number = QRectF(area.left(), 0, area.width(), line)
        if wish.image.ndim == 3:
            framed = self._framed
            side = min((below.width() - 6) / 2 if framed else below.width(), below.height() - line - 8)
            pixels, ratio = example_pixels(wish.image, Scale.picture(wish.image)), self.devicePixelRatioF()
            picture = pixmap(pixels, QSizeF(side, side), ratio)
            size = picture.deviceIndependentSize()
            place = QRectF(below.topLeft(), size)
            painter.drawPixmap(place.topLeft(), picture)
            if framed:
                paint_frame(painter, place, wish.field, wish.image.shape[1:])
                (first, last), (left, right) = wish.field
                crop = pixmap(pixels[first : last + 1, left : right + 1].copy(), size, ratio)
                painter.drawPixmap(QPointF(place.right() + 6, place.top()), crop)
            number.moveTop(place.bottom() + 4)
        else:
            for place_number, value in enumerate(wish.image.reshape(-1)[:_FEATURES]):
                row = QRectF(below.left(), below.top() + place_number * (line + 6), below.width(), line + 4)
                write_line(painter, row, f"x{place_number + 1} = {themes.format_number(float(value))}", 15, 500)
                number.moveTop(row.bottom() + 6)
        words = f"from {themes.format_number(wish.began_value)} to {themes.format_number(wish.value)}"
        write_line(painter, number, words, 14, 600, aged(QColor(colours.text), self.old, colours))

    def _paint_top(self, painter: QPainter, area: QRectF) -> None:
        top, line, colours = self.top, line_height(13), themes.current()
        write_line(
            painter, QRectF(area.left(), area.top(), area.width(), line), "Examples that excite it most", 13, 600
        )
        below = area.adjusted(0, line + 4, 0, 0)
        if top is None or not top.examples:
            write_line(painter, QRectF(below.left(), below.top(), below.width(), line), "…" if top is None else "–", 13)
            return
        if top.examples[0].example.ndim != 3:
            self._paint_rows(painter, below)
            return
        sizes = top.examples[0].example.shape[1:]
        crops = not all(_whole(one.field, sizes) for one in top.examples)
        # Where nothing could be seen on nine of them, fewer are shown.
        for count in range(len(top.examples), 0, -1):
            columns, side = self._grid(below, count, 2 if crops else 1)
            if side >= _LEAST:
                break
        ratio = self.devicePixelRatioF()
        across = side * (2 if crops else 1) + (4 if crops else 0) + _GAP
        down = side + line_height(12) + 8
        for number, example in enumerate(top.examples[:count]):
            row, column = divmod(number, columns)
            corner = QPointF(below.left() + column * across, below.top() + row * down)
            if corner.y() + down > below.bottom() + 6:
                break
            look = Scale.picture(example.example)
            pixels = example_pixels(example.example, look)
            picture = pixmap(pixels, QSizeF(side, side), ratio)
            size = picture.deviceIndependentSize()
            place = QRectF(corner, size)
            painter.drawPixmap(place.topLeft(), picture)
            if crops and len(example.field) == 2:
                paint_frame(painter, place, example.field, sizes)
                (first, last), (left, right) = example.field
                crop = pixmap(pixels[first : last + 1, left : right + 1].copy(), size, ratio)
                painter.drawPixmap(QPointF(place.right() + 4, place.top()), crop)
            caption = QRectF(place.left(), place.bottom() + 1, across - _GAP, line_height(12) + 2)
            write_line(painter, caption, self._caption(example), 12, 500, aged(QColor(colours.text), self.old, colours))

    def _grid(self, area: QRectF, count: int, wide: int) -> tuple[int, float]:
        """Columns, and the side of each picture, so that they are as large as they can be."""
        best = (1, 20.0)
        for columns in range(1, count + 1):
            rows = -(-count // columns)
            side = min(
                (area.width() - (columns - 1) * _GAP) / columns / wide - (4 if wide > 1 else 0),
                area.height() / rows - line_height(12) - 8,
            )
            if side > best[1]:
                best = (columns, side)
        return best

    def _paint_rows(self, painter: QPainter, area: QRectF) -> None:
        """Examples of a table, a line each."""
        assert self.top is not None
        line, colours = line_height(14) + 6, themes.current()
        for number, example in enumerate(self.top.examples):
            top = area.top() + number * line
            if top + line > area.bottom() + 4:
                break
            named = min(0.4 * area.width(), 220.0)
            write_line(painter, QRectF(area.left(), top, named - 8, line), self._caption(example), 14, 600)
            values = example.example.reshape(-1)
            words = ",  ".join(
                f"x{k + 1} {themes.format_number(float(one))}" for k, one in enumerate(values[:_FEATURES])
            )
            more = " …" if len(values) > _FEATURES else ""
            place = QRectF(area.left() + named, top, area.width() - named, line)
            write_line(painter, place, words + more, 13, 400, colours.text_muted)

    def _paint_foot(self, painter: QPainter, area: QRectF) -> None:
        colours, step = themes.current(), self.step
        painter.setFont(themes.font(12))
        mark = age_room(painter.fontMetrics().ascent()) if self.old else 0.0
        if self.old:
            ascent = painter.fontMetrics().ascent()
            paint_age_mark(painter, QPointF(area.left(), area.center().y()), ascent, colours.text_muted)
        words = [self.unit_words, f"step {themes.format_count(step or 0)}"]
        if self.old:
            words[-1] += f", now {themes.format_count(self._moment.step)}"
        words += [line for line in self.lines() if line.startswith("Fires")]
        write_line(painter, area.adjusted(mark, 0, 0, 0), " · ".join(words), 12, 400, colours.text_muted)


def _whole(spans: tuple[tuple[int, int], ...], sizes: tuple[int, ...]) -> bool:
    """Whether a receptive field is the whole image, or none is known."""
    return not spans or all(first == 0 and last == size - 1 for (first, last), size in zip(spans, sizes, strict=False))
