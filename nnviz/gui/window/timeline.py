"""The foot of the window: the whole run as one line. Drag it, and every card and panel shows that step."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Collection
from functools import cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QFontMetrics, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QToolTip, QWidget

from nnviz.gui.look import icons, theme
from nnviz.gui.look.painting import answering, guarded
from nnviz.gui.look.theme import format_bytes, format_count
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.in_place import text_width
from nnviz.gui.parts.key_use import KeyUse
from nnviz.gui.parts.plain_text import plain_tip
from nnviz.gui.runs.run_events import EventMark, event_marks
from nnviz.gui.runs.run_feed import RunFeed
from nnviz.gui.runs.standing import Standing
from nnviz.gui.runs.training import Training
from nnviz.record.quantities import CHANGE, COST, EPOCH
from nnviz.record.run import RunView

if TYPE_CHECKING:
    import psutil

#: What the keys do while the timeline has the keyboard; the shortcut sheet shows it, too.
TIMELINE_KEYS: tuple[KeyUse, ...] = (
    KeyUse("One step back or on", ("Left", "Right")),
    KeyUse("One epoch back or on", ("PgUp", "PgDown")),
    KeyUse("The first step", ("Home",)),
    KeyUse("Return to live", ("End",)),
)
_MEMORY_INTERVAL = 1000
#: Milliseconds until the first look: importing psutil takes some 15 ms, which the first painting need not wait for.
_MEMORY_DELAY = 100
_MOST_MARKS = 200
#: Pixels between two marks, at least, and of how many epochs then one is marked.
_MARK_GAP = 9
#: Pixels from the mouse within which a mark tells what it is.
_NEAR = 6.0
_STRIDES = (1, 2, 5, 10, 20, 50, 100)
#: The figures at the right, and what each has room for, so that nothing moves while they count.
_FIGURES = {
    "_where": "race paused, step 00 000 of 00 000",
    "_cost": "a step takes 00.00 × bare · instruments 00.0 %",
    "_memory": "memory 0.00 GB",
}


@cache
def _process() -> psutil.Process:
    """This process, to ask for its memory; psutil is imported when the window stands, not before."""
    import psutil  # noqa: PLC0415 - see above

    return psutil.Process()


def price_text(standing: Standing) -> str:
    """What everything beside the training costs now, in a few words; empty while nothing is known."""
    words = []
    if not math.isnan(standing.step_price):
        words.append(f"a step takes {standing.step_price:.2f} × bare")
    if standing.probe_cost > 0:
        words.append(f"instruments {COST.text(standing.probe_cost)}")
    return " · ".join(words)


def price_help(standing: Standing) -> str:
    """The same in whole sentences, for those who point at it."""
    budget = "Measuring has a budget of 10 % of the training time; for moments it takes more."
    if math.isnan(standing.step_price):
        return f"What the instruments cost. {budget}"
    beside = max(0.0, standing.step_price - 1.0 - standing.probe_cost)
    return (
        f"A step takes {standing.step_price:.2f} times as long as training alone: {COST.text(standing.probe_cost)} of "
        f"it for the instruments, {COST.text(beside)} for drawing, writing, and waiting for each other. The median of "
        f"the last seconds, against the time that the training itself was computing; what other programs take is left "
        f"out where it can be told. {budget}"
    )


class Track(QWidget):
    """The line itself: from step 0 to the last, epochs as ticks, the handle at the step that is shown."""

    #: A step was chosen; None is live.
    sought = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._last = 0
        self._planned = 0
        self._step: int | None = None
        self._against: int | None = None
        self._marks: tuple[int, ...] = ()
        self._events: tuple[EventMark, ...] = ()
        self._hover: int | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Timeline")
        self.setToolTip(
            "Drag to show an earlier step on every card and panel; double-click returns to live.\n"
            + "; ".join(f"{use.words}: {' '.join(use.shown)}" for use in TIMELINE_KEYS)
        )

    @property
    def step(self) -> int | None:
        """The step that is shown; None is live."""
        return self._step

    def set_range(self, last: int, planned: int, marks: tuple[int, ...]) -> None:
        """Steps measured so far, steps planned, and where epochs ended."""
        if (last, planned, marks) != (self._last, self._planned, self._marks):
            self._last, self._planned, self._marks = max(0, last), max(planned, last), marks
            self.update()

    def set_step(self, step: int | None) -> None:
        """Put the handle on a step, without telling."""
        if step != self._step:
            self._step = step
            self.update()

    def set_against(self, step: int | None) -> None:
        """Mark a step that is shown beside the other; None takes the mark away."""
        if step != self._against:
            self._against = step
            self.update()

    @property
    def events(self) -> tuple[EventMark, ...]:
        """What is marked as changed by hand."""
        return self._events

    def set_events(self, events: tuple[EventMark, ...]) -> None:
        """Mark where something was changed by hand."""
        if events != self._events:
            self._events = events
            self.setAccessibleDescription("; ".join(mark.text.replace("\n", ", ") for mark in events))
            self.update()

    def event_at(self, x: float) -> str:
        """What was changed at a place of the line, in words; empty where nothing was."""
        nearest = min(self._events, key=lambda mark: abs(self.position_of(mark.step) - x), default=None)
        near = nearest is not None and abs(self.position_of(nearest.step) - x) <= _NEAR
        return nearest.text if near and nearest is not None else ""

    @property
    def against(self) -> int | None:
        """The marked step."""
        return self._against

    def position_of(self, step: int) -> float:
        """Where a step lies on the line."""
        left, right = 8.0, self.width() - 8.0
        return left + (right - left) * (step / self._planned if self._planned else 0.0)

    def step_at(self, x: float) -> int:
        """The measured step nearest to an x."""
        left, right = 8.0, self.width() - 8.0
        share = (x - left) / max(1.0, right - left)
        return min(self._last, max(0, round(share * self._planned)))

    def shown_marks(self) -> tuple[int, ...]:
        """Where epochs ended; of every second, fifth, tenth … epoch only where they would lie too close together."""
        room = self.width() / (len(self._marks) * _MARK_GAP) * (self._last / self._planned) if self._marks else 1.0
        stride = next((one for one in _STRIDES if one * room >= 1), _STRIDES[-1])
        return self._marks[stride - 1 :: stride]

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws planned, done, marks and handle."""
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        middle = self.height() / 2
        line = QRectF(8, middle - 2.5, self.width() - 16, 5)
        painter.setBrush(colours.border)
        painter.drawRoundedRect(line, 2.5, 2.5)
        shown = self._last if self._step is None else self._step
        end = self.position_of(self._last)
        painter.setBrush(theme.mixed(colours.accent, colours.panel, 0.55))
        painter.drawRoundedRect(QRectF(8, middle - 2.5, max(0.0, end - 8), 5), 2.5, 2.5)
        painter.setBrush(colours.accent)
        painter.drawRoundedRect(QRectF(8, middle - 2.5, max(0.0, self.position_of(shown) - 8), 5), 2.5, 2.5)
        painter.setPen(QPen(colours.warning, 1.5))
        painter.drawLines([QLineF(x, middle - 6, x, middle + 6) for x in map(self.position_of, self.shown_marks())])
        self._paint_events(painter, middle)
        if self._against is not None:
            painter.setPen(QPen(colours.text_muted, 2))
            painter.setBrush(colours.panel)
            painter.drawEllipse(QPointF(self.position_of(min(self._against, self._last)), middle), 6, 6)
        handle = QPointF(self.position_of(shown), middle)
        painter.setPen(QPen(colours.accent if self.hasFocus() else colours.panel, 2))
        painter.setBrush(colours.text if self._step is None else colours.warning)
        painter.drawEllipse(handle, 7, 7)
        if self._hover is not None and self._last:
            painter.setPen(QPen(colours.text_muted, 1))
            x = self.position_of(self._hover)
            painter.drawLine(QPointF(x, middle - 8), QPointF(x, middle + 8))
        painter.end()

    def _paint_events(self, painter: QPainter, middle: float) -> None:
        """A thin line across, and a mark above it that epochs do not have."""
        colours = theme.current()
        for mark in self._events:
            x = self.position_of(min(mark.step, self._planned))
            painter.setPen(QPen(colours.text, 1.0))
            painter.drawLine(QPointF(x, 4), QPointF(x, middle + 8))
            painter.setPen(QPen(colours.panel, 1.0))
            painter.setBrush(colours.text)
            painter.drawPolygon([QPointF(x - 5, 0.5), QPointF(x + 5, 0.5), QPointF(x, 7)])

    def event(self, event: QEvent) -> bool:
        """Pointed at a mark, the tip says what was changed there; elsewhere what the line is for."""
        if isinstance(event, QHelpEvent) and (text := self.event_at(event.pos().x())):
            QToolTip.showText(event.globalPos(), plain_tip(text), self)
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go there."""
        if event.button() == Qt.MouseButton.LeftButton and self._last:
            self._seek(self.step_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the handle, or show where a click would go."""
        step = self.step_at(event.position().x())
        if event.buttons() & Qt.MouseButton.LeftButton and self._last:
            self._seek(step)
        self._hover = step
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Return to live."""
        self._seek(None)

    def leaveEvent(self, event: object) -> None:
        """No hover line without the mouse."""
        self._hover = None
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Steps and epochs by keys."""
        shown = self._last if self._step is None else self._step
        marks = (0, *self._marks, self._last)
        before = [mark for mark in marks if mark < shown]
        after = [mark for mark in marks if mark > shown]
        moves = {
            Qt.Key.Key_Left: max(0, shown - 1),
            Qt.Key.Key_Right: min(self._last, shown + 1),
            Qt.Key.Key_PageUp: before[-1] if before else 0,
            Qt.Key.Key_PageDown: after[0] if after else self._last,
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: None,
        }
        key = Qt.Key(event.key())
        if key in moves and self._last:
            self._seek(moves[key])
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The handle shows the focus."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The handle shows the focus."""
        super().focusOutEvent(event)
        self.update()

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """A line high."""
        return QSize(400, 24)

    def _seek(self, step: int | None) -> None:
        if step != self._step:
            self.set_step(step)
            self.sought.emit(step)


class Timeline(QWidget):
    """The track, the step in words, and what the instruments and the program cost."""

    #: The number of problems was pressed.
    problems_requested = Signal()

    def __init__(self, training: Training, feed: RunFeed, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._training = training
        self._feed = feed
        self._errors: bool | None = None
        #: The run whose changes are marked.
        self._events_of: RunView | None = None
        self.setObjectName("Timeline")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 0)
        row.setSpacing(12)
        self._caption = caption = QLabel("Timeline", self)
        caption.setProperty("role", "muted")
        row.addWidget(caption)
        self.track = Track(self)
        row.addWidget(self.track, 1)
        self._live = QToolButton(self)
        self._live.setText("Live")
        self._live.setProperty("role", "flat")
        self._live.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._live.setToolTip("Return to the newest values (End)")
        self._live.setAccessibleName("Return to live")
        icons.bind(self._live, "live", "warning")
        self._live.clicked.connect(lambda: feed.set_step(None))
        row.addWidget(self._live)
        self._problems = QToolButton(self)
        self._problems.setProperty("role", "flat")
        self._problems.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._problems.setToolTip("Show what is wrong with the network, with cures (Ctrl+Shift+B)")
        self._problems.clicked.connect(self.problems_requested)
        row.addWidget(self._problems)
        self._where = self._figure()
        self._cost = self._figure()
        self._memory = self._figure()
        for label in (self._where, self._cost, self._memory):
            row.addWidget(label)
        self._memory.setToolTip("Memory of the whole program.")
        self.track.sought.connect(feed.set_step)
        feed.step_changed.connect(self._on_step)
        feed.run_changed.connect(self._on_run)
        feed.shown_changed.connect(lambda shown: self.track.set_against(shown.against))
        feed.ticked.connect(self._update)
        training.moved.connect(self._on_moved)
        training.changed.connect(self._update)
        self._timer = QTimer(self)
        self._timer.setInterval(_MEMORY_INTERVAL)
        self._timer.timeout.connect(self._measure_memory)
        self._timer.start()
        # Also of another theme alone: its stylesheet gives letters back that were chosen before.
        follow(theme.notifier.changed, self._refit)
        QTimer.singleShot(_MEMORY_DELAY, self, self._measure_memory)
        self._refit()
        self._update()

    def _refit(self) -> None:
        """Take the letters of the present text scale. In large ones, what is asked for least gives way."""
        large = theme.text_scale() > 1.0
        self.setFixedHeight(max(38, QFontMetrics(theme.font(12)).height() + 14))
        self._caption.setFont(theme.font(12))
        for label, widest in _FIGURES.items():
            figure: QLabel = getattr(self, label)
            figure.setFont(theme.font(12))
            figure.setFixedWidth(text_width(widest, theme.font(12)) + 2)
        for part in (self._caption, self._cost, self._memory):
            part.setVisible(not large)
        side = round(14 * theme.text_scale())
        for button, weight in ((self._live, 400), (self._problems, 500)):
            button.setFont(theme.font(12, weight))
            button.setIconSize(QSize(side, side))
        policy = self._live.sizePolicy()
        policy.setRetainSizeWhenHidden(not large)
        self._live.setSizePolicy(policy)

    def _figure(self) -> QLabel:
        label = QLabel(self)
        label.setProperty("role", "muted")
        label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return label

    def _on_run(self, _run: RunView) -> None:
        self._update()

    def _on_step(self, step: int | None) -> None:
        self.track.set_step(step)
        self._update()

    def _on_moved(self, standing: Standing) -> None:
        self._cost.setText(price_text(standing))
        self._cost.setToolTip(price_help(standing))
        self._update()

    def _update(self, changed: Collection[str] = ()) -> None:
        run, standing = self._feed.run, self._training.standing
        last = max(run.last_step, 0)
        race = self._training.race
        planned = max(standing.steps, last) if self._training.state != "replay" or race is not None else last
        self.track.set_range(last, planned, self._epoch_marks(run))
        if self._events_of is not run or any(map(CHANGE.owns, changed)):
            self._events_of = run
            self.track.set_events(event_marks(run))
        step = self._feed.current_step
        # The very number that the top bar shows: what the run was given lies a moment behind it while it trains.
        shown = standing.seen.step
        words = "live" if step is None and self._training.running else self._training.status()
        if race is not None:
            of = f" of {format_count(planned)}" if step is None else " · earlier"
            self._where.setText(f"{words}, step {format_count(shown)}{of}")
        else:
            self._where.setText(f"step {format_count(shown)} · {words if step is None else 'earlier'}")
        self._live.setVisible(step is not None)
        self._count_problems()

    def _count_problems(self) -> None:
        """How much is wrong with the network on the canvas; nothing where nothing is."""
        wrong = [one for one in self._training.shown_document.diagnostics if one.severity != "information"]
        errors = any(one.severity == "error" for one in wrong)
        words = f"{len(wrong)} problem{'s' * (len(wrong) != 1)}"
        self._problems.setVisible(bool(wrong))
        if words != self._problems.text() or errors != self._errors:
            self._errors = errors
            self._problems.setText(words)
            self._problems.setAccessibleName(words)
            icons.bind(self._problems, "error" if errors else "warning", "danger" if errors else "warning")

    @staticmethod
    def _epoch_marks(run: RunView) -> tuple[int, ...]:
        steps, _ = run.scalars(EPOCH.series())
        count = int(steps.size)
        every = max(1, count // _MOST_MARKS)
        marks = [int(step) for step in steps[every - 1 :: every] if step > 0]
        return tuple(marks[: bisect_left(marks, run.last_step + 1)])

    def _measure_memory(self) -> None:
        self._memory.setText(f"memory {format_bytes(_process().memory_info().rss)}")
