"""Why an answer, painted: the example, the map over it, the check with its tenth covered, and words beside them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QToolTip, QWidget

from nnviz.explain.methods import BY_KEY, Method
from nnviz.gui.explain.example_pictures import example_pixels, laid_over, paint_legend, pixmap, place_in
from nnviz.gui.explain.found_picture import FoundPicture
from nnviz.gui.look import theme as themes
from nnviz.gui.look.age_mark import age_room, aged, paint_age_mark
from nnviz.gui.look.painting import guarded
from nnviz.gui.look.planes import probabilities, sureness
from nnviz.gui.look.scales import Numbers, Scale, sign_colour
from nnviz.gui.look.written_line import write_line
from nnviz.gui.parts.widgets import line_height
from nnviz.record.age import Moment, ReadingShown
from nnviz.record.number_text import percent

if TYPE_CHECKING:
    from nnviz.explain.why import WhyAnswer

#: Between two pictures, and the narrowest column of words beside them.
_GAP, _WORDS = 16, 250
#: Behind the step where the network on the canvas is another one, which may not be one that answers.
OF_OTHER, _OF_OTHER_SHORT = " of the network in training, not of the one on the canvas", ", of another network"
_WORD_WRAP = int(Qt.TextFlag.TextWordWrap)
#: The part of the height that pictures take where the words stand below them.
_ABOVE = 0.62
#: Pictures smaller than this are worth more than the words beside them.
_SMALL = 84
#: Letters of the verdict, of the scores, and of the rest, from large to small: the largest with which all has room.
_LETTERS = ((22, 18, 16), (19, 16, 15), (17, 15, 14), (15, 13, 13), (14, 13, 12))


def map_scale(method: Method, numbers: Numbers) -> Scale:
    """Signs where they mean something, else amounts from zero."""
    return Scale.signs(numbers) if method.signed else Scale.amounts(numbers, from_zero=True)


class WhyPicture(FoundPicture):
    """Shows one answer; large where there is room."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Why this answer", parent)
        self._answer: WhyAnswer | None = None
        self._classes: tuple[str, ...] = ()
        self._moment = Moment()
        self._of_other = False
        self._strength = 0.75
        self._places: tuple[QRectF, ...] = ()

    # ---- what is shown

    @property
    def answer(self) -> WhyAnswer | None:
        """What is shown."""
        return self._answer

    @property
    def strength(self) -> float:
        """How much of the map lies over the example, 0 to 1."""
        return self._strength

    def show_answer(self, answer: WhyAnswer | None, classes: tuple[str, ...], moment: Moment) -> None:
        """Shows one; ``classes`` are the names of the classes."""
        self._answer, self._classes, self._moment = answer, classes, moment
        self._describe()
        self.update()

    def set_moment(self, moment: Moment) -> None:
        """Training went on: what is shown may be old."""
        if self.old is not (self._answer is not None and moment.is_old(self._answer.step)):
            self.update()
        self._moment = moment

    def set_of_other(self, of_other: bool) -> None:
        """Whether the network that answers is another one than the one on the canvas."""
        if of_other is not self._of_other:
            self._of_other = of_other
            self._describe()
            self.update()

    def _describe(self) -> None:
        words = ". ".join(self.lines()) + (OF_OTHER if self._of_other else "")
        self.setAccessibleDescription(words if self._answer is not None else "")

    def set_strength(self, strength: float) -> None:
        """How much of the map lies over the example, 0 to 1."""
        self._strength = strength
        self.update()

    @property
    def old(self) -> bool:
        """Whether it is of weights that have changed much since."""
        return self._answer is not None and self._moment.is_old(self._answer.step)

    def readings_shown(self) -> tuple[ReadingShown, ...]:
        """The scores, with the step whose weights they are of."""
        if self._answer is None:
            return ()
        step, old = self._answer.step, self.old
        return tuple(ReadingShown("why", text, step, old) for text in (*self.scores(), self.step_words()))

    def scale(self) -> Scale | None:
        """Of the map, and of its legend."""
        return None if self._answer is None else map_scale(self.method, self._answer.map)

    @property
    def method(self) -> Method:
        """How it was found."""
        return BY_KEY[self._answer.question.method if self._answer is not None else "saliency"]

    # ---- words

    def name(self, index: int) -> str:
        """Of a class, or of a number that is asked for."""
        return f"“{self._classes[index]}”" if index < len(self._classes) else f"number {index}"

    def goal_words(self) -> str:
        """What the score is of."""
        answer = self._answer
        assert answer is not None
        if answer.target is not None:
            return self.name(answer.target)
        if self._of_maps:
            return f"{answer.goal.node}, channel {answer.goal.unit} where it is largest"
        return f"{answer.goal.node}, unit {answer.goal.unit}"

    @property
    def _of_maps(self) -> bool:
        answer = self._answer
        return answer is not None and answer.channel

    def verdict(self) -> str:
        """What the network says of the example."""
        answer = self._answer
        assert answer is not None
        if answer.task == "regression":
            numbers = ", ".join(themes.format_number(float(one)) for one in answer.outputs.reshape(-1)[:4])
            return f"The network says {numbers}" + (f"; right is {answer.right}" if answer.right else "")
        shares = np.asarray(probabilities(answer.loss, answer.outputs.reshape(-1)))
        if answer.task == "binary" and len(shares) == 1:
            share = float(shares[0]) if answer.answer else 1 - float(shares[0])
        else:
            share = float(shares[answer.answer])
            if math.isfinite(share):
                sure = sureness(answer.loss, shares[[answer.answer]], answer.outputs.reshape(-1)[[answer.answer]])
                return f"The network says {self.name(answer.answer)} with {sure}"
        sure = f" with {percent(share)}" if math.isfinite(share) else ""
        return f"The network says {self.name(answer.answer)}{sure}"

    def is_right(self) -> bool | None:
        """Whether what it says is so; None where there is no right or wrong."""
        answer = self._answer
        if answer is None or answer.task == "regression" or answer.answer >= len(self._classes) or not answer.right:
            return None
        return self._classes[answer.answer] == answer.right

    def misleads(self) -> bool:
        """Whether covering what did most for the score, as the map has it, does not make the score fall."""
        answer = self._answer
        return answer is not None and bool(answer.covered.any()) and answer.covered_score >= answer.score

    def covered_words(self) -> str:
        """What is covered for the check."""
        answer = self._answer
        assert answer is not None
        if answer.example.ndim == 3:
            return "the 10 % of pixels covered that did most for it"
        places = np.flatnonzero(answer.covered)
        if not len(places):
            return "nothing covered, since nothing spoke for it"
        names = ", ".join(f"x{place + 1}" for place in places[:3]) + (" …" if len(places) > 3 else "")
        return f"{names} covered, which did most for it"

    def scores(self) -> tuple[str, str]:
        """The score of the example, and of the one with the tenth covered."""
        answer = self._answer
        assert answer is not None
        return themes.format_number(answer.score), themes.format_number(answer.covered_score)

    def step_words(self) -> str:
        """Whose weights it is of."""
        return "" if self._answer is None else f"step {themes.format_count(self._answer.step)}"

    def lines(self) -> tuple[str, ...]:
        """What stands beside the pictures, from top to bottom."""
        answer = self._answer
        if answer is None:
            return ()
        before, after = self.scores()
        right = self.is_right()
        truth = "" if right is None else " It is right." if right else f" It is a “{answer.right}”."
        found = [
            f"{self.verdict()}.{truth}".replace(" %", "\u00a0%"),  # no number stands apart from its unit
            f"Score of {self.goal_words()}: {before}. With {self.covered_words()}: {after}."
            + (" It did not fall: here the map misleads." if self.misleads() else ""),
            f"{self.method.title}: {self.method.formula}.",
            self.method.meaning,
        ]
        if self.method.key == "integrated_gradients":
            difference = answer.score - answer.baseline_score
            found.append(
                f"All together {themes.format_number(answer.total)}; the scores differ by "
                f"{before} − {_bracketed(answer.baseline_score)} = {themes.format_number(difference)}."
            )
        if self.method.key == "grad_cam" and answer.coarse is not None:
            found.append(f"Maps of {answer.layer}, {answer.coarse.shape[0]} × {answer.coarse.shape[1]}, made larger.")
        if self.method.key == "occlusion":
            found.append(f"Patches of {answer.patch} × {answer.patch}, every {answer.stride}.")
        return tuple(found)

    # ---- painting

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Pictures and words, beside or below each other, whichever makes the pictures larger."""
        if self._answer is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._answer.example.ndim == 3:
            self._paint_images(painter)
        else:
            self._paint_bars(painter)

    def layout_of(self) -> tuple[float, QRectF]:
        """The side of each of the three pictures, and where the words stand: beside, below, or one line of them."""
        width, height = float(self.width()), float(self.height())
        captions = 2 * line_height(13) + 8
        beside = min((width - _WORDS - 3 * _GAP) / 3, height - captions)
        below = min((width - 2 * _GAP) / 3, _ABOVE * height - captions)
        alone = min((width - 2 * _GAP) / 3, height - captions - line_height(12) - 4)
        side = max(beside, below)
        if side < _SMALL and alone > 1.3 * side:
            side = max(alone, 24.0)
            top = side + captions
            return side, QRectF(0, top, width, height - top)
        side = max(side, 24.0)
        if beside >= below:
            left = 3 * (side + _GAP) + 4
            return side, QRectF(left, 0, width - left, height)
        top = side + captions + 8
        return side, QRectF(0, top, width, height - top)

    def _paint_images(self, painter: QPainter) -> None:
        answer, scale = self._answer, self.scale()
        assert answer is not None and scale is not None
        side, words = self.layout_of()
        line, ratio = line_height(13), self.devicePixelRatioF()
        look = Scale.picture(answer.example)
        pictures = (
            example_pixels(answer.example, look),
            laid_over(answer.example, scale.paint(answer.map), self._strength),
            example_pixels(answer.covered_example, look),
        )
        own = answer.question.own is not None
        captions = (
            ("own input",) if own else ("the example", "example"),
            (self.method.title, "the map", "map"),
            ("top 10 % of it covered", "top 10 % covered", "10 % covered", "covered"),
        )
        scores = self.scores()
        places = []
        for number, pixels in enumerate(pictures):
            left = number * (side + _GAP)
            picture = pixmap(pixels, QSizeF(side, side), ratio)
            place = place_in(picture, QRectF(left, line + 2, side, side))
            place.moveTop(line + 2)
            painter.drawPixmap(place.topLeft(), picture)
            places.append(place)
            heading = QRectF(left, 0, side + _GAP - 2, line)
            write_line(painter, heading, self._longest(captions[number], heading.width()), 13, 500)
            foot = QRectF(left, place.bottom() + 4, place.width(), line + 2)
            if number == 1:
                paint_legend(painter, foot, scale)
            else:
                self._write_score(painter, foot, "score " if side > 76 else "", scores[number // 2])
        self._places = tuple(places)
        self._paint_words(painter, words)

    @staticmethod
    def _longest(words: tuple[str, ...], width: float) -> str:
        """The first that has room as a heading, none of which is cut; else the last."""
        letters = QFontMetricsF(themes.font(13, 500))
        return next((each for each in words if letters.horizontalAdvance(each) <= width), words[-1])

    def _write_score(self, painter: QPainter, place: QRectF, before: str, number: str) -> None:
        colours = themes.current()
        painter.setFont(themes.font(13))
        painter.setPen(colours.text_muted)
        painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter), before)
        room = painter.fontMetrics().horizontalAdvance(before)
        painter.setFont(themes.font(14, 600))
        painter.setPen(aged(QColor(colours.text), self.old, colours))
        painter.drawText(place.adjusted(room, 0, 40, 0), int(Qt.AlignmentFlag.AlignVCenter), number)

    def _paint_words(self, painter: QPainter, area: QRectF) -> None:
        """In the largest letters with which all lines have room, else as many lines as have; the step in any case."""
        colours, lines = themes.current(), self.lines()
        foot = QRectF(area.left(), area.bottom() - line_height(12), area.width(), line_height(12))
        if area.height() < 2.5 * line_height(13):
            # One line: what it says, and the step behind it.
            self._paint_step(painter, foot, f"{lines[0]}  ")
            return
        for letters in _LETTERS:
            fonts = [themes.font(letters[min(number, 2)], 600 if number == 0 else 400) for number in range(len(lines))]
            heights = [_height(font, text, area.width()) for font, text in zip(fonts, lines, strict=True)]
            if area.top() + sum(heights) + 6 * len(heights) <= foot.top():
                break
        right, y = self.is_right(), area.top()
        for number, (font, text, height) in enumerate(zip(fonts, lines, heights, strict=True)):
            if y + height > foot.top() and number:
                break
            painter.setFont(font)
            strong = colours.warning if right is False and number == 0 else colours.text
            painter.setPen(strong if number < 2 else colours.text_muted)
            painter.drawText(QRectF(area.left(), y, area.width(), height), _WORD_WRAP, text)
            y += height + 6
        self._paint_step(painter, foot)

    def _paint_step(self, painter: QPainter, place: QRectF, before: str = "") -> None:
        colours = themes.current()
        words = self.step_words() + (f", now {themes.format_count(self._moment.step)}" if self.old else "")
        painter.setFont(themes.font(12))
        metrics = painter.fontMetrics()
        if self._of_other:
            wide = place.width() - age_room(metrics.ascent())
            whole = metrics.horizontalAdvance(words + OF_OTHER) <= wide
            words += OF_OTHER if whole else _OF_OTHER_SHORT
        room = place.width() - metrics.horizontalAdvance(words) - age_room(metrics.ascent())
        shown = metrics.elidedText(before, Qt.TextElideMode.ElideRight, max(0, int(room)))
        x = place.left() + (metrics.horizontalAdvance(shown + " ") if before else 0)
        painter.setPen(colours.text)
        painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter), shown)
        if self.old:
            paint_age_mark(painter, QPointF(x, place.center().y()), metrics.ascent(), colours.text_muted)
            x += age_room(metrics.ascent())
        painter.setPen(colours.text_muted)
        painter.drawText(place.adjusted(x - place.left(), 0, 0, 0), int(Qt.AlignmentFlag.AlignVCenter), words)

    def bars(self) -> tuple[tuple[str, float, float], ...]:
        """Of a vector: the feature, its number as the network sees it, and what the map says of it; largest first."""
        answer = self._answer
        if answer is None or answer.example.ndim != 1:
            return ()
        order = np.argsort(-np.abs(np.nan_to_num(answer.map)), kind="stable")
        return tuple((f"x{place + 1}", float(answer.example[place]), float(answer.map[place])) for place in order)

    def _paint_bars(self, painter: QPainter) -> None:
        colours, scale, bars = themes.current(), self.scale(), self.bars()
        assert scale is not None
        line = line_height(13) + 8
        wide = self.width() > 2 * _WORDS
        beside = max(_WORDS, 0.4 * self.width())
        room = self.width() - (beside + _GAP if wide else 0)
        shown = max(1, min(len(bars), int((self.height() * (1 if wide else 0.55)) // line) - 2))
        limit = max((abs(one[2]) for one in bars if math.isfinite(one[2])), default=0.0) or 1.0
        heads = ((0.0, "feature"), (0.16, "value"), (0.34, self.method.title))
        for share, text in heads:
            place = QRectF(share * room, 0, (0.18 if share < 0.3 else 0.66) * room - 6, line)
            write_line(painter, place, text, 12, 400, colours.text_muted)
        middle = 0.34 * room + (0.25 * room if self.method.signed else 0)
        reach = (0.25 if self.method.signed else 0.5) * room
        for number, (name, value, did) in enumerate(bars[:shown]):
            top = (number + 1) * line
            write_line(painter, QRectF(0, top, 0.16 * room, line), name, 14, 600)
            write_line(painter, QRectF(0.16 * room, top, 0.18 * room - 6, line), themes.format_number(value), 14)
            length = reach * did / limit if math.isfinite(did) else 0.0
            bar = QRectF(middle, top + 5, length, line - 10).normalized()
            painter.fillRect(bar, scale.colour(did))
            painter.fillRect(QRectF(middle - 0.5, top, 1, line), colours.border)
            place = QRectF(0.86 * room, top, 0.14 * room, line)
            colour = sign_colour(did, colours) if self.method.signed else None
            write_line(painter, place, themes.format_number(did), 14, 600, colour)
        if shown < len(bars):
            rest = sum(one[2] for one in bars[shown:])
            words = f"and {len(bars) - shown} more: {themes.format_number(rest)}"
            write_line(painter, QRectF(0, (shown + 1) * line, room, line), words, 12, 400, colours.text_muted)
        top = (shown + 2) * line
        area = QRectF(0, top, self.width(), self.height() - top)
        self._paint_words(painter, QRectF(room + _GAP, 0, beside, self.height()) if wide else area)

    # ---- pointing

    def number_at(self, point: QPointF) -> str:
        """What is under the mouse, in words; empty where nothing is."""
        answer = self._answer
        if answer is None or answer.example.ndim != 3:
            return ""
        for place in self._places:
            if place.contains(point):
                height, width = answer.example.shape[1:]
                row = min(int((point.y() - place.top()) / place.height() * height), height - 1)
                column = min(int((point.x() - place.left()) / place.width() * width), width - 1)
                pixel = ", ".join(themes.format_number(float(one)) for one in answer.example[:, row, column])
                did = themes.format_number(float(answer.map[row, column]))
                covered = ", in the tenth that is covered" if answer.covered[row, column] else ""
                return f"row {row}, column {column}: pixel {pixel}, {self.method.title} {did}{covered}"
        return ""

    def event(self, event: QEvent) -> bool:
        """The numbers under the mouse as a tooltip."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.number_at(QPointF(event.pos())), self)
            return True
        return super().event(event)


def _height(font: QFont, text: str, width: float) -> float:
    return QFontMetricsF(font).boundingRect(QRectF(0, 0, width, 1e4), _WORD_WRAP, text).height() + 1


def _bracketed(number: float) -> str:
    text = themes.format_number(number)
    return f"({text})" if number < 0 else text
