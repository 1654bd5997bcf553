"""What is written on a sheet: where one came from, what the number is, and the view that fits it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF

from nnviz.gui.explain.convolution_view import paint_convolution
from nnviz.gui.explain.curve_view import paint_curve
from nnviz.gui.explain.ink import Ink
from nnviz.gui.explain.maps_view import has_map, paint_map, paint_strip
from nnviz.gui.explain.onward_view import height_of_onward, paint_onward
from nnviz.gui.explain.pooling_view import paint_pooling, paint_readers
from nnviz.gui.explain.shares_view import paint_shares
from nnviz.gui.explain.sliding import Sliding
from nnviz.gui.explain.terms_view import number, paint_terms
from nnviz.gui.explain.walk import Walk, title_of
from nnviz.gui.explain.window_view import WindowHands, window_shown
from nnviz.gui.look.age_mark import age_room, paint_age_mark
from nnviz.record.age import Moment

if TYPE_CHECKING:
    from nnviz.explain.taken_apart import TakenApart


class SheetWriter:
    """Writes down where a walk stands; nothing of it depends on what is pointed at.

    Args:
        walk: The walk that is shown.
        moment: The moment that is shown, against which the answer is old or not.
        sliding: Moves the window where its map is pressed.
        anew: Called when something else is to be written.

    Attributes:
        channel: Which of the channels that come in is shown.
        shows_old: Whether the step was marked as old.
    """

    def __init__(self, walk: Walk, moment: Callable[[], Moment], sliding: Sliding, anew: Callable[[], object]) -> None:
        self._walk = walk
        self._moment = moment
        self._sliding = sliding
        self._anew = anew
        self.channel = 0
        self._channel_of = ("", False)
        self.shows_old = False

    def attend(self, taken: TakenApart) -> None:
        """Another number was taken apart: of several channels the one that contributes most is looked at first."""
        of = (taken.place.node, taken.place.backward)
        window = window_shown(taken)
        if window is not None and of != self._channel_of:
            self._channel_of = of
            sums = abs(window.sums)
            self.channel = int(sums.argmax()) if len(sums) else 0

    def _choose_channel(self, channel: int) -> None:
        self.channel = channel
        self._anew()

    def write(self, ink: Ink, page: QRectF) -> None:
        """Write all of it on a page."""
        taken = self._walk.taken
        room = page.adjusted(1, 0, -1, -1)
        room = self._paint_trail(ink, room)
        if self._walk.failure:
            line = QRectF(room.left(), room.top(), room.width(), 3.2 * ink.letters)
            ink.text(line, self._walk.failure, 1.0, 500, colour=ink.theme.danger, wrap=True)
            room.setTop(line.bottom())
        if taken is not None:
            room = self._paint_title(ink, room, taken, page.top())
            self._paint_view(ink, room, taken)

    def _paint_trail(self, ink: Ink, room: QRectF) -> QRectF:
        """Where one came from, back to the first number; the last stops where not all have room."""
        trail, taken = self._walk.trail, self._walk.taken
        if len(trail) < 2:
            return room
        high, step = 1.8 * ink.letters, taken.step if taken is not None else -1
        labels = [stop.label(step) for stop in trail]
        lead = "Where it came from  "
        widths = [ink.width(label, 1.0, 600) + ink.width(" ‹ ") for label in labels]
        first, space = len(labels) - 1, room.width() - ink.width(lead) - ink.width("… ‹ ") - widths[-1]
        while first > 0 and widths[first - 1] <= space:
            first -= 1
            space -= widths[first]
        x = room.left() + ink.text(
            QRectF(room.left(), room.top(), room.width(), high), lead, colour=ink.theme.text_muted
        )
        if first:
            x += ink.text(QRectF(x, room.top(), 99, high), "… ‹ ", colour=ink.theme.text_muted)
        for stop in range(first, len(labels)):
            last = stop == len(labels) - 1
            place = QRectF(x, room.top(), room.right() - x, high)
            wide = ink.text(place, labels[stop], 1.0, 600 if last else 400, colour=ink.link(not last))
            if not last:
                ink.spot(
                    QRectF(x, room.top(), wide, high), f"Back to {labels[stop]}", zone="trail",
                    press=lambda _point, stop=stop: self._walk.go_to(stop),
                )  # fmt: skip
                wide += ink.text(QRectF(x + wide, room.top(), 99, high), " ‹ ", colour=ink.theme.text_muted)
            x += wide
        return room.adjusted(0, high + 0.3 * ink.letters, 0, 0)

    def _paint_title(self, ink: Ink, room: QRectF, taken: TakenApart, top_of_page: float) -> QRectF:
        """What the number is, its value, the formula; at the right the step and the example."""
        letters, quiet = ink.letters, ink.theme.text_muted
        roomy = room.height() > 17 * letters
        big = 1.5 if roomy else 1.1
        high = (2.2 if roomy else 1.7) * letters
        step = self._step_words(taken)
        wide = ink.width(step, 0.92) + age_room(letters)
        narrow = room.width() < 36 * letters
        right = room.right() - (0 if narrow else wide)
        title, value = f"{title_of(taken)} = ", number(taken.explanation.value)
        # A number that is cut says another one: the letters are smaller instead, and at last the step gives way.
        needed = ink.width(title, big, 600) + ink.width(value, big, 700) + letters
        if needed > right - room.left() and roomy and not narrow:
            big = max(1.1, 0.97 * big * (right - room.left()) / needed)
            needed = ink.width(title, big, 600) + ink.width(value, big, 700) + letters
        if needed > right - room.left():
            narrow, right = True, room.right()
            big = max(0.85, min(big, big * (right - room.left()) / needed))
        x = ink.run(
            room.left(), room.top(), high,
            [(title, ink.theme.text, 600, big), (value, ink.theme.text, 700, big)], right,
        )  # fmt: skip
        if roomy or narrow:
            room = room.adjusted(0, high, 0, 0)
            line = QRectF(room.left(), room.top(), room.width(), 1.6 * letters)
            if narrow:
                self._paint_step(ink, line, step, taken)
            else:
                kind = f"{taken.kind}:  " if taken.kind and taken.explanation.quantity == "value" else ""
                ink.text(line, f"{kind}{taken.explanation.formula}", 1.0, colour=quiet)
            high = 1.9 * letters
        else:
            ink.text(
                QRectF(x + letters, room.top(), right - x - letters, high), taken.explanation.formula, colour=quiet
            )
        if not narrow:
            top = top_of_page if roomy and len(self._walk.trail) < 2 else room.top() - (2.2 * letters if roomy else 0)
            self._paint_step(ink, QRectF(right, top, wide, 2.2 * letters if roomy else high), step, taken)
        if taken.trained is not None:
            room = self._paint_trained(ink, room.adjusted(0, high, 0, 0), taken)
            high = 0.0
        return room.adjusted(0, high + 0.4 * letters, 0, 0)

    def _step_words(self, taken: TakenApart) -> str:
        if taken.in_batch:
            return f"at step {taken.step}, the batch that comes next"
        shown = f", a “{taken.right}”" if taken.right and taken.example is not None else ""
        of = ""
        if taken.example is not None and taken.example.own is not None:
            of = f" · your own input{shown}"
        elif taken.example is not None:
            kind = (
                ""
                if taken.example.split == "validation"
                else "training "
                if taken.example.split == "train"
                else "test "
            )
            of = f" · {kind}example {taken.example.index}{shown}"
        return f"at step {taken.step}{of}"

    def _paint_step(self, ink: Ink, line: QRectF, words: str, taken: TakenApart) -> None:
        moment = self._moment()
        old = self.shows_old = moment.is_old(taken.step)
        room = age_room(ink.letters)
        if old:
            place = QPointF(line.left(), line.center().y())
            paint_age_mark(ink.painter, place, ink.letters, ink.theme.text_muted)
        ink.text(
            line.adjusted(room, 0, 0, 0), words, 0.92, colour=ink.theme.text_faint if old else ink.theme.text_muted
        )
        ink.spot(line, moment.words(taken.step), zone="step")

    def _paint_trained(self, ink: Ink, room: QRectF, taken: TakenApart) -> QRectF:
        """What trains the number, in a line."""
        trained = taken.trained
        assert trained is not None
        line = QRectF(room.left(), room.top(), room.width(), 1.7 * ink.letters)
        sizes = " × ".join(map(str, trained.shape))
        place, quiet = taken.place, ink.theme.text_muted
        x = line.left() + ink.text(line, f"one of {sizes}; now ", colour=quiet)
        wide = ink.text(QRectF(x, line.top(), line.right() - x, line.height()), number(trained.value), 1.0, 700)
        spot = QRectF(x, line.top(), wide, line.height())
        words = f"{place.part} of {place.node} now: {number(trained.value)}"
        ink.spot(spot, words, zone="now", number=(place.node, place.part, taken.index), value=trained.value)
        if trained.optimizer:
            words = f"; {trained.optimizer}, learning rate {number(trained.learning_rate)}"
            ink.text(QRectF(x + wide, line.top(), line.right() - x - wide, line.height()), words, colour=quiet)
        return room.adjusted(0, 1.9 * ink.letters, 0, 0)

    def _paint_view(self, ink: Ink, room: QRectF, taken: TakenApart) -> None:
        """The view that fits what is known of the number."""
        letters = ink.letters
        hands = WindowHands(self.channel, self._choose_channel, self._sliding.to, self._sliding.read_at)
        high = height_of_onward(ink, room, taken)
        below = QRectF(room.left(), room.bottom() - high, room.width(), high)
        if high:
            room = room.adjusted(0, 0, 0, -high - (0.7 * letters if high > 3 * letters else 0.0))
        words = taken.explanation.words if taken.back is None else ""  # its picture says it in better words
        if room.height() > 20 * letters and words:
            lines = 1 if ink.width(words, 0.92) < room.width() else 2
            tall = 1.35 * lines * letters
            line = QRectF(room.left(), room.bottom() - tall, room.width(), tall)
            ink.text(line, words, 0.92, colour=ink.theme.text_muted, wrap=True)
            ink.spot(line, words, zone="words")
            room = room.adjusted(0, 0, 0, -tall - 0.6 * letters)
        back = taken.place.backward
        window = taken.window
        if window is not None and window.points is not None and not back:
            paint_convolution(ink, room, taken, hands)
        elif back and taken.back is not None:
            paint = paint_convolution if taken.back.window is not None else paint_readers
            paint(ink, room, taken, hands)
        elif window is not None and window.points is None:
            paint_pooling(ink, room, taken, hands)
        elif taken.shares is not None:
            paint_shares(ink, room, taken)
        else:
            self._paint_general(ink, room, taken)
        if high:
            paint_onward(ink, below, taken)

    def _paint_general(self, ink: Ink, room: QRectF, taken: TakenApart) -> None:
        """The map or the vector in which it stands, the curve where there is one, and the terms."""
        letters, gap = ink.letters, 1.6 * ink.letters
        wide = room.width() > 34 * letters
        if taken.output is not None and taken.output.ndim == 1 and taken.place.part == "output":
            if room.height() > 8 * letters and len(taken.output) > 1:
                paint_strip(ink, QRectF(room.left(), room.top(), room.width(), 1.7 * letters), taken, self._sliding.to)
                room = room.adjusted(0, 2.3 * letters, 0, 0)
        elif has_map(taken) and wide and room.height() > 6 * letters:
            side = min(room.height(), (0.24 if taken.curve is not None else 0.3) * room.width())
            place = paint_map(ink, QRectF(room.left(), room.top(), side, room.height()), taken, self._sliding.to)
            room = room.adjusted(max(place.width(), 0.6 * side) + gap, 0, 0, 0)
        if taken.curve is not None and room.height() > 6 * letters:
            if wide:
                share = 0.52
                paint_curve(ink, QRectF(room.left(), room.top(), share * room.width() - gap, room.height()), taken)
                room = room.adjusted(share * room.width(), 0, 0, 0)
            else:
                paint_curve(ink, room, taken)
                return
        paint_terms(ink, room, taken)
