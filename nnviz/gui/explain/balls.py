"""Which optimizers roll a ball down a landscape, and the bar with which they are let go."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from nnviz.gui.explain.landscape_work import Ball
from nnviz.gui.look import theme as themes
from nnviz.gui.look.icons import bind
from nnviz.gui.look.painting import answering, guarded
from nnviz.gui.parts.chooser import Chooser
from nnviz.gui.parts.widgets import set_font, set_icon_size
from nnviz.project import registry
from nnviz.project.model import Choice

#: Balls at a time: more would only lie on each other.
MOST = 6
_MOMENTUM = 0.9
#: Milliseconds between two steps, and steps of a way.
_EVERY, STEPS = 90, 60


def kinds() -> dict[str, tuple[str, Mapping[str, float]]]:
    """What a ball can be: title -> the optimizer's key and settings; those that can also with momentum."""
    found: dict[str, tuple[str, Mapping[str, float]]] = {}
    for kind, spec in registry.optimizers().items():
        found[spec.title] = (kind, {})
        if any(param.name == "momentum" for param in spec.params):
            found[f"{spec.title}, momentum {_MOMENTUM}"] = (kind, {"momentum": _MOMENTUM})
    return found


def proposed(title: str) -> Choice:
    """A ball of this title, whose learning rate follows from the landscape."""
    kind, settings = kinds()[title]
    return Choice(kind, dict(settings))


def title_of(choice: Choice) -> str:
    """As it is called in the list."""
    momentum = choice.params.get("momentum", 0.0)
    return next(
        (
            title
            for title, (kind, more) in kinds().items()
            if kind == choice.kind and more.get("momentum", 0) == momentum
        ),
        choice.kind,
    )


def _rate_text(choice: Choice) -> str:
    rate = choice.params.get("learning_rate")
    return f"{rate:g}" if isinstance(rate, (int, float)) else ""


def colour_of(number: int) -> QColor:
    """Of the ball with this number."""
    series = themes.current().series
    return series[number % len(series)]


class _Dot(QWidget):
    """The colour of a ball."""

    def __init__(self, number: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._number = number
        self.setFixedSize(14, 14)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """A disc."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour_of(self._number))
        painter.drawEllipse(1, 1, 12, 12)


class _Row(QWidget):
    """One ball: its optimizer, its learning rate, and a button that takes it away."""

    def __init__(self, number: int, choice: Choice, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.choice = choice
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(5)
        row.addWidget(_Dot(number, self))
        self.kind = Chooser(self)
        self.kind.addItems(list(kinds()))
        self.kind.setCurrentText(title_of(choice))
        self.kind.setAccessibleName(f"Optimizer of ball {number + 1}")
        self.kind.setToolTip("Which optimizer rolls this ball")
        self.kind.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.kind.setMinimumContentsLength(6)
        self.kind.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.rate = QLineEdit(_rate_text(choice), self)
        self.rate.setAccessibleName(f"Learning rate of ball {number + 1}")
        self.rate.setToolTip("Its learning rate; where nothing is typed, one with which its steps can be seen")
        self.rate.setFixedWidth(62)
        self.remove = QToolButton(self)
        bind(self.remove, "close", "text_muted")
        self.remove.setProperty("role", "flat")
        self.remove.setToolTip("Take this ball away")
        self.remove.setAccessibleName(f"Take ball {number + 1} away")
        set_icon_size(self.remove, 12)
        for widget in (self.kind, self.rate):
            set_font(widget, 12)
        row.addWidget(self.kind, 1)
        row.addWidget(self.rate)
        row.addWidget(self.remove)


class BallList(QWidget):
    """The balls, one a row, and a button for one more."""

    #: Other balls, or other settings: a tuple of Choice.
    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choices: tuple[Choice, ...] = ()
        self.rows: list[_Row] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self.add = QToolButton(self)
        self.add.setText("One more ball")
        self.add.setProperty("role", "link")
        set_font(self.add, 12)
        self.add.setToolTip("Compare with another optimizer or another learning rate")
        self.add.clicked.connect(self._on_add)
        self._column.addWidget(self.add)

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The balls."""
        return self._choices

    def set_choices(self, choices: Sequence[Choice]) -> None:
        """Show these; nothing is emitted."""
        self._choices = tuple(choices)
        for row in self.rows:
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = [_Row(number, choice, self) for number, choice in enumerate(self._choices)]
        for number, row in enumerate(self.rows):
            self._column.insertWidget(number, row)
            row.kind.textActivated.connect(lambda title, number=number: self._on_kind(number, title))
            row.rate.editingFinished.connect(lambda number=number: self._on_rate(number))
            row.remove.clicked.connect(lambda _checked=False, number=number: self._on_remove(number))
        self.add.setVisible(len(self._choices) < MOST)

    def show_rates(self, balls: Sequence[Ball]) -> None:
        """Say which learning rates were found for those that have none of their own."""
        for row, ball in zip(self.rows, balls, strict=False):
            row.rate.setPlaceholderText(_rate_text(ball.choice))

    def _use(self, choices: Sequence[Choice]) -> None:
        self.set_choices(choices)
        self.changed.emit(self._choices)

    def _on_add(self) -> None:
        titles = list(kinds())
        taken = {title_of(choice) for choice in self._choices}
        self._use([*self._choices, proposed(next((title for title in titles if title not in taken), titles[0]))])

    def _on_kind(self, number: int, title: str) -> None:
        if title != title_of(self._choices[number]):
            self._use([proposed(title) if at == number else one for at, one in enumerate(self._choices)])

    def _on_rate(self, number: int) -> None:
        row, before = self.rows[number], self._choices[number]
        others = {name: value for name, value in before.params.items() if name != "learning_rate"}
        text = row.rate.text().strip().replace(",", ".")
        try:
            rate = float(text) if text else None
        except ValueError:
            rate = math.nan
        if rate is not None and not 0 < rate <= 1000:
            row.rate.setText(_rate_text(before))
        elif rate != before.params.get("learning_rate"):
            changed = Choice(before.kind, others if rate is None else {**others, "learning_rate": rate})
            self._use([changed if at == number else one for at, one in enumerate(self._choices)])

    def _on_remove(self, number: int) -> None:
        self._use([one for at, one in enumerate(self._choices) if at != number])


class BallLegend(QWidget):
    """What each ball is, and where it stands now: colour, optimizer, loss; one a line, or side by side."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        #: Title, and what may stand behind it, the longest first.
        self._entries: list[tuple[str, tuple[str, ...]]] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        set_font(self, 13, 500)

    @property
    def texts(self) -> list[str]:
        """What is written, one text a ball."""
        return [f"{title} {values[0]}" for title, values in self._entries]

    def show_balls(self, balls: Sequence[Ball], step: int) -> None:
        """Write where they are after so many steps."""
        entries = []
        for ball in balls:
            last = min(step, len(ball.losses) - 1)
            values = [f"loss {themes.format_number(float(ball.losses[last]), 3)}"]
            if ball.places.shape[1] == 1:
                place, slope = float(ball.places[last, 0]), float(ball.slopes[last, 0])
                more = f"w {themes.format_number(place, 3)}  slope {themes.format_number(slope, 3)}"
                values.insert(0, f"{values[0]}  {more}")
            title = f"{title_of(ball.choice)}, rate {_rate_text(ball.choice)}:"
            entries.append((title, tuple(values)))
        lines = len(entries) != len(self._entries)
        self._entries = entries
        self.setAccessibleName("; ".join(self.texts))
        if lines:
            self.updateGeometry()
        self.update()

    def set_letters(self, size: int) -> None:
        """Write as large as the plot does."""
        set_font(self, size, 500)
        self.updateGeometry()

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """A line a ball."""
        return QSize(120, len(self._entries) * (self.fontMetrics().height() + 2))

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """A line a ball; the values stand below each other."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics, colours = self.fontMetrics(), themes.current()
        height = metrics.height() + 2
        widest = max((metrics.horizontalAdvance(title) for title, _ in self._entries), default=0)
        room = self.width() - 20 - widest - 8
        for line, (title, values) in enumerate(self._entries):
            value = next((one for one in values if metrics.horizontalAdvance(one) <= room), values[-1])
            base = line * height + metrics.ascent()
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour_of(line))  # of the theme of now, as the balls themselves
            painter.drawEllipse(2, line * height + (height - 11) // 2, 11, 11)
            painter.setPen(colours.text_muted)
            painter.drawText(20, base, title)
            painter.setPen(colours.text)
            painter.drawText(20 + widest + 8, base, value)


class BallBar(QWidget):
    """Play, step and reset, and a slider over the steps."""

    #: Another step is shown.
    moved = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        self.play, self.step, self.reset = QToolButton(self), QToolButton(self), QToolButton(self)
        for button, icon, tip in (
            (self.play, "play", "Let the balls roll"),
            (self.step, "step", "One step of each ball"),
            (self.reset, "reset", "Back to the start"),
        ):
            bind(button, icon, "text")
            button.setToolTip(tip)
            button.setAccessibleName(tip)
            set_icon_size(button, 16)
            row.addWidget(button)
        self.play.setCheckable(True)
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setRange(0, STEPS)
        self.slider.setAccessibleName("Step of the balls")
        self.slider.setToolTip("Steps that the balls have made")
        row.addWidget(self.slider, 1)
        self.label = QLabel("", self)
        set_font(self.label, 13)
        self.label.setMinimumWidth(self.label.fontMetrics().horizontalAdvance("step 000"))
        row.addWidget(self.label)
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY)
        self._timer.timeout.connect(self._advance)
        self.play.toggled.connect(self._on_play)
        self.step.clicked.connect(self._on_step)
        self.reset.clicked.connect(self._on_reset)
        self.slider.valueChanged.connect(self._on_moved)
        self._on_moved(0)

    @property
    def value(self) -> int:
        """The step that is shown."""
        return self.slider.value()

    def set_value(self, step: int) -> None:
        """Show this step."""
        self.slider.setValue(step)

    def stop(self) -> None:
        """Stand still."""
        self.play.setChecked(False)

    def _advance(self) -> None:
        if self.value < STEPS:
            self.set_value(self.value + 1)
        else:
            self.stop()

    def _on_play(self, on: bool) -> None:
        if on and self.value >= STEPS:
            self.set_value(0)
        bind(self.play, "pause" if on else "play", "text")
        (self._timer.start if on else self._timer.stop)()

    def _on_step(self) -> None:
        self.stop()
        self.set_value(self.value + 1)

    def _on_reset(self) -> None:
        self.stop()
        self.set_value(0)

    def _on_moved(self, step: int) -> None:
        self.label.setText(f"step {step}")
        self.moved.emit(step)
