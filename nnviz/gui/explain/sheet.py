"""The sheet on which one number is taken apart: trail, title, the view that fits, and hands for mouse and keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QApplication, QSizePolicy, QToolTip, QWidget

from nnviz.gui.explain.curve_view import paint_curve
from nnviz.gui.explain.ink import Ink, Spot
from nnviz.gui.explain.maps_view import has_map, paint_map, paint_strip
from nnviz.gui.explain.onward_view import height_of_onward, paint_onward
from nnviz.gui.explain.shares_view import paint_shares
from nnviz.gui.explain.terms_view import number, paint_terms
from nnviz.gui.explain.walk import Walk, title_of
from nnviz.gui.explain.weight_editing import WeightEditing
from nnviz.gui.explain.window_view import WindowHands, paint_convolution, paint_pooling, paint_readers, window_shown
from nnviz.gui.look import theme as themes
from nnviz.gui.look.age_mark import age_room, paint_age_mark
from nnviz.gui.look.painting import guarded
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.plain_text import plain_tip
from nnviz.record.age import Moment
from nnviz.train.weight_edits import Place as WeightPlace

if TYPE_CHECKING:
    from nnviz.explain.explanation import Index
    from nnviz.explain.taken_apart import TakenApart

#: Milliseconds between two places of a window that slides by itself.
_SLIDES_EVERY = 350
_ARROWS = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}
#: The keyboard brought the focus.
_BY_KEYS = frozenset({Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason})
#: The zone in which the arrow keys slide, instead of going from spot to spot.
_MAP = "map"

#: Its name where nothing is taken apart.
_NOTHING = "A number taken apart"


class Sheet(QWidget):
    """Shows where a walk stands. What is painted can be clicked; Tab, arrows, Enter and Backspace do the same.

    Args:
        walk: The walk that is shown; several sheets may show one.
        moment: The moment that is shown, against which the answer is old or not.
        parent: Owner.
    """

    #: The window slides by itself, or not any more.
    sliding_changed = Signal(bool)

    def __init__(self, walk: Walk, moment: Callable[[], Moment], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._walk = walk
        self._moment = moment
        self._letters = 0.0
        self._channel = 0
        self._channel_of = ("", False)
        self._old = False
        #: What was painted last; None where that is of another number or another size.
        self._written: tuple[tuple[str, ...], tuple[Spot, ...]] | None = None
        #: What is written, as pixels, and of which size and looks.
        self._kept: tuple[tuple[object, ...], QPixmap] | None = None
        self._hovered: QPointF | None = None
        self._pressed: Spot | None = None
        self._zone, self._at = _MAP, 0
        #: The keyboard was used last: its cursor is shown.
        self._by_keys = False
        #: Lets the numbers of weights be typed; None where they cannot.
        self.editing: WeightEditing | None = None
        #: A weight that was clicked: a second click edits it, else it is walked to.
        self._clicked: Spot | None = None
        self._second_click = QTimer(self)
        self._second_click.setSingleShot(True)
        self._second_click.timeout.connect(self._walk_to_clicked)
        self._slide = QTimer(self)
        self._slide.setInterval(_SLIDES_EVERY)
        self._slide.timeout.connect(self._slide_on)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(_NOTHING)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(80, 40)
        follow(walk.changed, self._on_changed)
        follow(themes.notifier.changed, self._on_changed)

    # ---- what is shown -------------------------------------------------------------------------------------------

    @property
    def walk(self) -> Walk:
        """The walk that is shown."""
        return self._walk

    @property
    def letters(self) -> float:
        """Size of a usual line, in pixels."""
        if self._letters:
            return self._letters
        return max(12.0, 12.0 * themes.text_scale())

    def set_letters(self, pixels: float) -> None:
        """Take letters of this size; 0 takes those of the interface."""
        self._letters = pixels
        self.update()

    @property
    def texts(self) -> tuple[str, ...]:
        """What is written on it, in order."""
        return self._painted()[0]

    @property
    def spots(self) -> tuple[Spot, ...]:
        """What can be pointed at."""
        return self._painted()[1]

    @property
    def is_painted(self) -> bool:
        """Whether what the walk has found was painted."""
        return self._written is not None

    @property
    def channel(self) -> int:
        """Which of the channels that come in is shown."""
        return self._channel

    @property
    def shows_old(self) -> bool:
        """Whether the step is marked as old."""
        return self._old

    def place_at(self, point: QPointF) -> tuple[str, str, Index] | None:
        """The number of a parameter that is drawn at a point: its layer, the parameter, and where in it."""
        found = (spot.number for spot in reversed(self.spots) if spot.number is not None and spot.rect.contains(point))
        return next(found, None)

    def rect_of(self, node: str, parameter: str, index: Index) -> QRectF | None:
        """Where a number of a parameter is drawn; None where it is not."""
        wanted = (node, parameter, index)
        return next((spot.rect for spot in self.spots if spot.number == wanted), None)

    @property
    def can_slide(self) -> bool:
        """Whether there are neighbours to slide to."""
        taken = self._walk.taken
        return taken is not None and taken.output is not None and taken.place.part == "output"

    @property
    def sliding(self) -> bool:
        """Whether the window slides by itself."""
        return self._slide.isActive()

    def let_slide(self, on: bool) -> None:
        """Have the window slide over the map by itself, row by row, or stop that."""
        on = on and self.can_slide
        if on == self._slide.isActive():
            return
        if on:
            self._slide.start()
        else:
            self._slide.stop()
        self.sliding_changed.emit(on)

    def _slide_on(self) -> None:
        taken, place = self._walk.taken, self._walk.place
        if not self.isVisible() or taken is None or taken.output is None or place is None or place.index is None:
            self.let_slide(False)
            return
        if self._walk.waiting:
            return
        index, sizes = list(place.index), taken.output.shape
        if len(index) != len(sizes):
            self.let_slide(False)
            return
        for axis in reversed(range(1 if len(sizes) == 3 else 0, len(sizes))):
            index[axis] += 1
            if index[axis] < sizes[axis]:
                break
            index[axis] = 0
        self._slide_to(tuple(index))

    def _slide_to(self, index: Index) -> None:
        place = self._walk.place
        if place is None or place.index == index:
            return
        self._walk.move(replace(place, index=index))

    def _read_at(self, row: int, column: int, sizes: tuple[int, int]) -> None:
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
        self._slide_to((taken.index[0], *places))

    def _choose_channel(self, channel: int) -> None:
        self._channel = channel
        self.update()

    def _on_changed(self) -> None:
        taken = self._walk.taken
        if taken is None:
            self.setAccessibleName(_NOTHING)
            self.setAccessibleDescription("")
        else:
            value = number(taken.explanation.value)
            self.setAccessibleName(f"{title_of(taken)} = {value}. {taken.explanation.words}")
            of = (taken.place.node, taken.place.backward)
            window = window_shown(taken)
            if window is not None and of != self._channel_of:
                # Of several channels the one that contributes most is looked at first.
                self._channel_of = of
                sums = abs(window.sums)
                self._channel = int(sums.argmax()) if len(sums) else 0
        if self._slide.isActive() and not self.can_slide:
            self.let_slide(False)
        self._written = None
        self.update()

    # ---- painting ------------------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """A panel."""
        return QSize(420, 240)

    def _painted(self) -> tuple[tuple[str, ...], tuple[Spot, ...]]:
        """What is painted, where it was not since it changed after painting it."""
        if self._written is None:
            self.grab()
        return self._written or ((), ())

    def update(self, *place: Any) -> None:
        """What is asked for by name is painted anew; where Qt asks, as something in front has gone, it is the same."""
        self._kept = None
        super().update(*place)

    def _light_up(self) -> None:
        """Something else is pointed at; what is written stays."""
        super().update()

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Everything; where only what is pointed at differs, with the picture that is kept."""
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        ratio = self.devicePixelRatioF()
        if painter.deviceTransform().m11() == ratio:
            painter.drawPixmap(0, 0, self._picture(ratio))
        else:  # rendered larger, by whoever wants it sharp
            self._paint_written(painter)
        self._paint_pointed(Ink(painter, self.letters))
        painter.end()

    def _picture(self, ratio: float) -> QPixmap:
        """What is written, as pixels."""
        key = (self.size(), ratio, themes.current().name, themes.text_scale(), self.letters)
        if self._kept is None or self._kept[0] != key or self._written is None:
            pixmap = QPixmap(self.size() * ratio)
            pixmap.setDevicePixelRatio(ratio)
            pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixmap)
            painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
            try:
                self._paint_written(painter)
            finally:
                painter.end()
            self._kept = (key, pixmap)
        return self._kept[1]

    def _paint_written(self, painter: QPainter) -> None:
        ink = Ink(painter, self.letters)
        taken = self._walk.taken
        room = QRectF(self.rect()).adjusted(1, 0, -1, -1)
        room = self._paint_trail(ink, room)
        if self._walk.failure:
            line = QRectF(room.left(), room.top(), room.width(), 3.2 * ink.letters)
            ink.text(line, self._walk.failure, 1.0, 500, colour=ink.theme.danger, wrap=True)
            room.setTop(line.bottom())
        if taken is not None:
            room = self._paint_title(ink, room, taken)
            self._paint_view(ink, room, taken)
        self._written = tuple(ink.texts), tuple(ink.spots)

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

    def _paint_title(self, ink: Ink, room: QRectF, taken: TakenApart) -> QRectF:
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
            top = (
                self.rect().top()
                if roomy and len(self._walk.trail) < 2
                else room.top() - (2.2 * letters if roomy else 0)
            )
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
        old = self._old = moment.is_old(taken.step)
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
        hands = WindowHands(self._channel, self._choose_channel, self._slide_to, self._read_at)
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
                paint_strip(ink, QRectF(room.left(), room.top(), room.width(), 1.7 * letters), taken, self._slide_to)
                room = room.adjusted(0, 2.3 * letters, 0, 0)
        elif has_map(taken) and wide and room.height() > 6 * letters:
            side = min(room.height(), (0.24 if taken.curve is not None else 0.3) * room.width())
            place = paint_map(ink, QRectF(room.left(), room.top(), side, room.height()), taken, self._slide_to)
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

    # ---- pointing ------------------------------------------------------------------------------------------------

    def spot_at(self, point: QPointF) -> Spot | None:
        """What is pointed at: the innermost of what leads somewhere, else of what says something."""
        found = [spot for spot in self.spots if spot.rect.contains(point)]
        leading = [spot for spot in found if spot.leads]
        return leading[-1] if leading else found[-1] if found else None

    def _zones(self) -> list[str]:
        return list(dict.fromkeys(spot.zone for spot in self.spots if spot.leads))

    def _in_zone(self) -> list[Spot]:
        return [spot for spot in self.spots if spot.leads and spot.zone == self._zone]

    @property
    def pointed(self) -> Spot | None:
        """What is under the keyboard's cursor."""
        spots = self._in_zone()
        return spots[min(self._at, len(spots) - 1)] if spots else None

    def _paint_pointed(self, ink: Ink) -> None:
        """Light up what is under the mouse, and with the keyboard what is under its cursor."""
        painter = ink.painter
        painter.setBrush(Qt.BrushStyle.NoBrush)
        under = self.spot_at(self._hovered) if self._hovered is not None else None
        if under is not None and under.leads and under.zone not in {_MAP, "input"}:
            painter.setPen(QPen(ink.theme.accent, 1.5))
            painter.drawRoundedRect(under.rect.adjusted(-1, -1, 1, 1), 3, 3)
        if self.hasFocus() and self._by_keys:
            if self._zone not in self._zones():
                self._zone, self._at = (_MAP if _MAP in self._zones() else next(iter(self._zones()), _MAP)), 0
            spot = self.pointed
            if spot is not None:
                pen = QPen(ink.theme.accent, 2.5)
                painter.setPen(pen)
                painter.drawRoundedRect(spot.rect.adjusted(-2, -2, 2, 2), 4, 4)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what is under the mouse; drag the window."""
        self._hovered = event.position()
        if self._pressed is not None and self._pressed.drags and self._pressed.press is not None:
            self._pressed.press(event.position())
            return
        spot = self.spot_at(event.position())
        leads = spot is not None and spot.leads
        self.setCursor(Qt.CursorShape.PointingHandCursor if leads else Qt.CursorShape.ArrowCursor)
        self._light_up()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the window, or walk to what is clicked."""
        self._by_keys = False
        if event.button() is Qt.MouseButton.BackButton:
            self._walk.back()
            return
        if event.button() is not Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)
            return
        spot = self.spot_at(event.position())
        if spot is None:
            return
        self._pressed = spot
        self.let_slide(False)
        if spot.leads:
            self._zone = spot.zone
            self._at = self._in_zone().index(spot)
        editing = self.editing if spot.number is not None and spot.target is not None else None
        if editing is not None and not editing.why_not():
            self._clicked = spot
            self._second_click.start(QApplication.doubleClickInterval())
            return
        self._follow(spot, event.position())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Type another number in the place of a weight."""
        spot = self._clicked if self._second_click.isActive() else self.spot_at(event.position())
        self._second_click.stop()
        if event.button() is Qt.MouseButton.LeftButton and spot is not None and self._can_be_typed(spot):
            self._type_in(spot)
        else:
            self.mousePressEvent(event)

    def _can_be_typed(self, spot: Spot) -> bool:
        return self.editing is not None and spot.number is not None

    def _type_in(self, spot: Spot) -> None:
        assert self.editing is not None and spot.number is not None
        self._clicked = None
        self.editing.open(self, spot.rect.toRect(), WeightPlace(*spot.number), spot.value)

    def _walk_to_clicked(self) -> None:
        spot, self._clicked = self._clicked, None
        if spot is not None and spot.target is not None:
            self._walk.go(spot.target)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self._pressed = None

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the mouse any more."""
        self._hovered = None
        self._light_up()

    def event(self, event: QEvent) -> bool:
        """The tooltip says in words what is under the mouse; undo is that of the numbers that were typed here."""
        is_asked = event.type() == QEvent.Type.ShortcutOverride
        if is_asked and isinstance(event, QKeyEvent) and self.editing is not None and self.editing.wants(event):
            event.accept()
            return True
        if event.type() is QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            spot = self.spot_at(QPointF(event.pos()))
            if spot is not None:
                words = spot.words
                if self._can_be_typed(spot):
                    words = f"{words}\nDouble-click, or F2: type a number"
                QToolTip.showText(event.globalPos(), plain_tip(words), self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def _follow(self, spot: Spot, point: QPointF) -> None:
        if spot.press is not None:
            spot.press(point)
        elif spot.target is not None:
            self._walk.go(spot.target)

    # ---- keyboard ------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows slide on a map and walk elsewhere, Enter follows, F2 types, Backspace goes back, Space slides."""
        key = Qt.Key(event.key())
        if self.editing is not None and self.editing.take(event):
            return
        self._by_keys = True
        if key in _ARROWS:
            self._arrow(*_ARROWS[key])
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            spot = self.pointed
            if spot is not None and spot.zone != _MAP:
                self._follow(spot, spot.rect.center())
        elif key == Qt.Key.Key_F2:
            spot = self.pointed
            if spot is not None and self._can_be_typed(spot):
                self._type_in(spot)
        elif key == Qt.Key.Key_Backspace:
            self._walk.back()
        elif key in {Qt.Key.Key_PageUp, Qt.Key.Key_PageDown}:
            by = 1 if key == Qt.Key.Key_PageDown else -1
            taken = self._walk.taken
            if taken is not None and taken.output is not None and taken.output.ndim == 3:
                self._walk.slide(by, 0, 0)
        elif key == Qt.Key.Key_Space and self.can_slide:
            self.let_slide(not self.sliding)
        else:
            super().keyPressEvent(event)

    def _arrow(self, down: int, across: int) -> None:
        self.let_slide(False)
        if self._zone == _MAP or self._zone not in self._zones():
            taken = self._walk.taken
            if taken is not None and taken.output is not None:
                if taken.output.ndim == 1:
                    self._walk.slide(down or across)
                else:
                    self._walk.slide(down, across)
            return
        spots = self._in_zone()
        here = self.pointed
        if here is None:
            return
        centre = here.rect.center()

        def along(spot: Spot) -> float:
            way = spot.rect.center() - centre
            return way.x() * across + way.y() * down

        def aside(spot: Spot) -> float:
            way = spot.rect.center() - centre
            return abs(way.x() * down) + abs(way.y() * across)

        ahead = [spot for spot in spots if along(spot) > 1]
        if ahead:
            best = min(ahead, key=lambda spot: along(spot) + 3 * aside(spot))
            self._at = spots.index(best)
            self._say()

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes from zone to zone, and at the end out of the sheet."""
        zones = self._zones()
        at = zones.index(self._zone) if self._zone in zones else -1
        after = at + (1 if forward else -1)
        if not self.hasFocus() or not 0 <= after < len(zones):
            return super().focusNextPrevChild(forward)
        self._zone, self._at, self._by_keys = zones[after], 0, True
        self._say()
        return True

    def _say(self) -> None:
        """Say what is under the cursor to those who listen."""
        spot = self.pointed
        if spot is not None:
            self.setAccessibleDescription(spot.words)
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))
        self._light_up()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the cursor."""
        super().focusInEvent(event)
        self._by_keys = event.reason() in _BY_KEYS
        self._say()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide it."""
        super().focusOutEvent(event)
        self._light_up()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """All is laid out anew."""
        super().resizeEvent(event)
        self._written = None
