"""One example, enlarged: what it is, where it comes from, what the network makes of it, and its numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import shiboken6
from numpy.typing import NDArray
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from nnviz.data.described import CHANNELS
from nnviz.data.viewing import SPLIT_TITLES, ViewedData
from nnviz.gui.data.choosing import Answers
from nnviz.gui.data.pixel_numbers import PixelNumbers
from nnviz.gui.data.row_values import RowValues
from nnviz.gui.look import icons, theme
from nnviz.gui.parts.background import Background
from nnviz.gui.parts.reasons import sentence_of
from nnviz.gui.parts.widgets import ElidedLabel, Segments, set_font

#: Milliseconds after which it is said that an example is being read; most are there before.
_SOON = 300
_HINT = "Wheel: nearer · drag: move · double-click: read the numbers"


class ExamplePanel(QWidget):
    """Signals: an example shall be pinned to the canvas (its number), or fill the page, or no longer.

    Args:
        background: Reads an example of a set that is streamed.
        parent: Owner.
    """

    pin_requested = Signal(int)
    enlarge_requested = Signal()

    def __init__(self, background: Background, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._background = background
        #: Which example's numbers are shown, or are being read.
        self._read: tuple[ViewedData, int] | None = None
        self._data: ViewedData | None = None
        self._number = -1
        self._ends: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 10)
        column.setSpacing(5)
        row = QHBoxLayout()
        row.setSpacing(6)
        self.title = ElidedLabel("", self)
        set_font(self.title, 16, 600)
        row.addWidget(self.title, 1)
        self.pin = QPushButton("Pin to the canvas", self)
        icons.bind(self.pin, "pin")
        set_font(self.pin, 12, 500)
        self.pin.clicked.connect(lambda: self.pin_requested.emit(self._number))
        row.addWidget(self.pin)
        self.decide = QToolButton(self)
        self.decide.setText("Change…")
        self.decide.setToolTip("Relabel it, weigh it, leave it out: the training goes on with that from the next epoch")
        self.decide.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        set_font(self.decide, 12, 500)
        self.decisions = QMenu(self.decide)
        self.decide.setMenu(self.decisions)
        row.addWidget(self.decide)
        self.enlarge = QPushButton("Enlarge", self)
        icons.bind(self.enlarge, "zoom-in")
        set_font(self.enlarge, 12, 500)
        self.enlarge.clicked.connect(self.enlarge_requested)
        row.addWidget(self.enlarge)
        column.addLayout(row)
        self.place = ElidedLabel("", self)
        self.answer = ElidedLabel("", self)
        self.decided = ElidedLabel("", self)
        for label in (self.place, self.answer, self.decided):
            set_font(label, 13)
            column.addWidget(label)
        self.place.setProperty("role", "muted")
        self._channels = QHBoxLayout()
        self.channels: Segments | None = None
        column.addLayout(self._channels)
        self.stack = QStackedWidget(self)
        self.pixels = PixelNumbers(self.stack)
        self.row_values = RowValues(self.stack)
        self.nothing = QLabel("Choose an example: it appears here with its numbers.", self.stack)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setWordWrap(True)
        self.nothing.setProperty("role", "muted")
        set_font(self.nothing, 14)
        self.waiting = QLabel("", self.stack)
        self.waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.waiting.setWordWrap(True)
        self.waiting.setProperty("role", "muted")
        set_font(self.waiting, 14)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(_SOON)
        self._patience.timeout.connect(lambda: self.waiting.setText("Being read from the disk…"))
        for widget in (self.nothing, self.waiting, self.pixels, self.row_values):
            self.stack.addWidget(widget)
        column.addWidget(self.stack, 1)
        self.hint = ElidedLabel(_HINT, self)
        self.hint.setProperty("role", "muted")
        set_font(self.hint, 12)
        column.addWidget(self.hint)
        self.pixels.pointed.connect(lambda words: self.hint.set_whole(words or _HINT))
        self.show_example(None, -1, None, "", False)

    @property
    def number(self) -> int:
        """The example that is shown; −1 for none."""
        return self._number

    def show_data(self, data: ViewedData | None) -> None:
        """Another data set: its channels, the ends of its columns."""
        self._data, self._ends = data, None
        if self.channels is not None:
            self.channels.hide()
            self.channels.deleteLater()
            self.channels = None
        self.pixels.show_channel(-1)
        if data is None or not data.is_images or data.inputs[0].shape[1] == 1:
            return
        count = data.inputs[0].shape[1]
        titles = CHANNELS.get(count) or tuple(str(at + 1) for at in range(min(count, 8)))
        choices = [("-1", "all", "All channels together")] if count == 3 else []
        choices += [(str(at), title, f"Only {title}") for at, title in enumerate(titles)]
        self.channels = Segments(choices, self)
        self.channels.chosen.connect(lambda key: self.pixels.show_channel(int(key)))
        self._channels.addWidget(self.channels, 0, Qt.AlignmentFlag.AlignLeft)
        if count != 3:
            self.pixels.show_channel(0)

    def show_example(
        self,
        data: ViewedData | None,
        number: int,
        answers: Answers | None,
        pin_not: str,
        pinned: bool,
        age: str = "",
        decided: str = "",
    ) -> None:
        """Show one.

        Args:
            data: What it belongs to.
            number: Which; −1 for none.
            answers: What the network made of all, if it was asked.
            pin_not: Why it cannot be pinned; empty where it can.
            pinned: It is one of the pinned ones.
            age: Of which weights the answers are, in words.
            decided: What was decided about it, in words; empty for nothing.
        """
        self._data, self._number = data, number
        there = data is not None and number >= 0
        for widget in (self.pin, self.enlarge, self.decide, self.place, self.hint):
            widget.setVisible(there)
        self.answer.setVisible(there and answers is not None)
        self.decided.setVisible(there and bool(decided))
        self.decided.set_whole(decided)
        if self.channels is not None:
            self.channels.setVisible(there)
        if data is None or number < 0:
            self._read = None
            self._patience.stop()
            self.title.setText("")
            self.stack.setCurrentWidget(self.nothing)
            return
        split, index = data.place(number)
        self.title.set_whole(data.label(number))
        words = (
            f"{SPLIT_TITLES[split]} #{theme.format_count(index)} of {theme.format_count(len(data.inputs_in(split)))}"
        )
        self.place.set_whole(f"{words} · {data.files[number]}" if data.files else words)
        self.answer.set_whole("" if answers is None else _answer(data, number, answers, age))
        self.answer.setProperty("role", "danger" if answers is not None and answers.right[number] == 0 else "")
        self.answer.style().polish(self.answer)
        self.pin.setEnabled(not pin_not)
        self.pin.setText("Unpin from the canvas" if pinned else "Pin to the canvas")
        able = "Take it from the strip above the Input" if pinned else "The cards show what each layer makes of it"
        self.pin.setToolTip(pin_not or able)
        if not data.is_streamed:
            self._show_numbers(data, data.input_of(number))
        elif self._read != (data, number):
            self._have_read(data, number)

    def _have_read(self, data: ViewedData, number: int) -> None:
        """Its numbers come from the disk: another thread reads them, and until then none are shown."""
        wanted = self._read = data, number
        self.waiting.setText("")
        self.stack.setCurrentWidget(self.waiting)
        self._patience.start()

        def work() -> NDArray[Any] | None:
            return data.input_of(number) if self._read == wanted else None  # of those that are passed over none

        def done(raw: NDArray[Any] | None) -> None:
            if raw is not None and shiboken6.isValid(self) and self._read == wanted:
                self._patience.stop()
                self._show_numbers(data, raw)

        def failed(error: BaseException) -> None:
            if shiboken6.isValid(self) and self._read == wanted:
                self._patience.stop()
                self.waiting.setText(sentence_of(error))

        self._background.start(work, done, failed, "example")

    def _show_numbers(self, data: ViewedData, raw: NDArray[Any]) -> None:
        if data.is_images:
            self.pixels.show_numbers(raw)
            self.stack.setCurrentWidget(self.pixels)
            return
        self.hint.hide()
        if self._ends is None and data.ends is not None:
            self._ends = data.ends
        if self._ends is None:
            inputs = np.asarray(data.inputs[0][:]).reshape(len(data.inputs[0]), -1)
            known = inputs if len(inputs) else np.zeros((1, inputs.shape[1]), np.float32)
            self._ends = np.nanmin(known, 0), np.nanmax(known, 0)
        self.row_values.show_row(data.columns, raw.reshape(-1), *self._ends)
        self.stack.setCurrentWidget(self.row_values)

    def set_enlarged(self, enlarged: bool) -> None:
        """It fills the page: near enough to read; or stands beside the wall."""
        self.enlarge.setText("Back to the wall" if enlarged else "Enlarge")
        icons.bind(self.enlarge, "chevron-left" if enlarged else "zoom-in")
        if not enlarged:
            self.pixels.set_zoom(0.0)


def _answer(data: ViewedData, number: int, answers: Answers, age: str) -> str:
    loss = float(answers.losses[number])
    if np.isnan(loss):
        return "The network was not asked about it." if data.place(number)[0] == "test" else f"Loss: no number{age}"
    words = f"loss {theme.format_number(loss)}"
    taken = int(answers.answers[number])
    if data.class_names and 0 <= taken < len(data.class_names):
        right = answers.right[number]
        verdict = {1: "right", 0: "wrong"}.get(int(right), "")
        words = f"taken for “{data.class_names[taken]}”" + (f", {verdict}" if verdict else "") + f" · {words}"
    return words + age
