"""The neuron view: a small dense network unit by unit and weight by weight, live, with the decision beside it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QEvent, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from nnviz.errors import NnvizError
from nnviz.gui.explain.answer_bars import AnswerBars
from nnviz.gui.explain.neuron_asking import NeuronAsking
from nnviz.gui.explain.neuron_hand import NeuronHand
from nnviz.gui.explain.neuron_menu import NeuronMenu
from nnviz.gui.explain.neuron_picture import NeuronPicture
from nnviz.gui.explain.neuron_places import UnitPlace
from nnviz.gui.explain.neuron_words import answer_sentence, unit_name, unit_sentence
from nnviz.gui.explain.plane_plot import PlaneLegend, PlanePlot
from nnviz.gui.look import theme
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.reasons import sentence_of
from nnviz.gui.parts.widgets import ElidedLabel, FittedText, SegmentButton, Segments, refresh_fonts, set_font
from nnviz.gui.runs.pace import PACES, pace_of
from nnviz.gui.runs.workspace import Workspace
from nnviz.project.model import usual_split

if TYPE_CHECKING:
    from nnviz.explain.neurons import NeuronNumbers
    from nnviz.explain.values import Example

#: Data sets of at most so many examples show the pinned one from the start.
_FEW = 12
#: Milliseconds between two changes of a sentence that follows the training.
_READING = 0.2
#: Key of a split, its button, and what that does.
_SPLITS = (
    ("train", "● train", "Show the training examples, as discs"),
    ("validation", "◆ val.", "Show the validation examples, as diamonds"),
    ("test", "■ test", "Show the test examples, as squares"),
)
_SHORT_HINT = "Click a point, a line or a unit."
_HINT = (
    "Click a point to follow it through the network. Drag a line or a dot to change its number, click it to type. "
    "Click a unit for more."
)
_HINT_OF_VALUES = (
    "Every unit shows its value for the pinned example. Drag a line or a dot to change its number, click it to type. "
    "Click a unit for more."
)


class NeuronView(QWidget):
    """Shows the network of the workspace, as far as it is small and dense, and lets a hand change its numbers.

    Signals:
        tapped: The space bar was pressed: play or pause.
        number_requested: A number of a unit is to be taken apart: a Place.
    """

    tapped = Signal()
    number_requested = Signal(object)

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._training = workspace.training
        #: When the network is asked.
        self._asking = NeuronAsking(workspace, lambda: self.picture.painted, self)
        #: What is done to numbers and units.
        self.hand = NeuronHand(workspace, self._asking)
        self._chosen_by_hand = False
        self._said_at = 0.0
        self.setObjectName("NeuronView")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAutoFillBackground(True)
        self.setAccessibleName("Neurons")
        self._build()
        #: What can be done to a unit.
        self.menu = NeuronMenu(self.hand, self.picture.edit, self._explain, self)
        self._asking.answered.connect(self._on_answer)
        self._asking.failed.connect(self._on_failure)
        self._training.changed.connect(self._on_training)
        follow(theme.notifier.changed, self._on_theme, self)
        follow(workspace.document.changed, self._on_document, self)
        self._pinned = workspace.document.project.view.shown
        self._on_theme()

    # ---- building ------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 8, 14, 10)
        column.setSpacing(4)
        head = QHBoxLayout()
        head.setSpacing(8)
        self._title, self._sizes = QLabel(self), ElidedLabel("", self)
        set_font(self._title, 17, 600)
        set_font(self._sizes, 15)
        self._title.setTextFormat(Qt.TextFormat.PlainText)
        self._sizes.setProperty("role", "muted")
        head.addWidget(self._title)
        head.addWidget(self._sizes, 1)
        self._speed = QLabel("Speed", self)
        self._speed.setProperty("role", "muted")
        set_font(self._speed, 13)
        self.paces = Segments([(pace.key, pace.title, f"Train at {pace.words}") for pace in PACES], self)
        self.paces.set_value(pace_of(self._training.pace).key)
        self.paces.chosen.connect(self._on_pace)
        head.addWidget(self._speed)
        head.addWidget(self.paces)
        #: What stands in the corner of the canvas, the switch between cards and neurons, needs so much room.
        self._corner = QWidget(self)
        self._corner.setFixedWidth(0)
        head.addWidget(self._corner)
        column.addLayout(head)
        row = QHBoxLayout()
        row.setSpacing(10)
        column.addLayout(row, 1)
        self.picture = NeuronPicture(self.hand.type_in, self)
        row.addWidget(self.picture, 1)
        self._right = QWidget(self)
        right = QVBoxLayout(self._right)
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(6)
        self.legend = PlaneLegend(self._right)
        right.addWidget(self.legend)
        self.plot = PlanePlot(self._right)
        right.addWidget(self.plot, 1)
        self.bars = AnswerBars(self._right)
        right.addWidget(self.bars, 1)
        self._build_switches(right)
        self.words = QLabel(_HINT, self._right)
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        set_font(self.words, 14)
        right.addWidget(self.words)
        right.addStretch(0)
        row.addWidget(self._right)
        self._nothing = FittedText("", self)
        column.addWidget(self._nothing, 1)
        self._nothing.hide()
        self.setFocusProxy(self.picture)
        self.picture.pointed.connect(self._on_pointed)
        self.picture.set_requested.connect(self.hand.set)
        self.picture.menu_requested.connect(self._show_menu)
        self.picture.key_pressed.connect(self._on_key)
        self.plot.point_clicked.connect(self._on_point)
        self.picture.installEventFilter(self)

    def _build_switches(self, right: QVBoxLayout) -> None:
        self._switches = QWidget(self._right)
        row = QHBoxLayout(self._switches)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        self.splits: dict[str, SegmentButton] = {}
        for split, title, tip in _SPLITS:
            button = self.splits[split] = SegmentButton(self._switches)
            button.setText(title)
            button.setToolTip(tip)
            button.setAccessibleName(tip)
            button.setCheckable(True)
            button.setChecked(split != "test")
            button.setProperty("role", "flat")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            set_font(button, 12, 500)
            button.toggled.connect(self._on_splits)
            row.addWidget(button)
        row.addStretch(1)
        self.edges = Segments(
            [
                ("smooth", "Smooth", "How sure it is, by shades"),
                ("hard", "Discrete", "What it decides, with hard edges"),
            ],
            self._switches,
        )
        self.edges.chosen.connect(self._on_edges)
        row.addWidget(self.edges)
        right.addWidget(self._switches)

    def reserve_corner(self, width: int, covered: int = 0) -> None:
        """Leave pixels free at the right end of the first line, and all of the upper edge that something covers."""
        self._corner.setFixedWidth(width)
        layout = self.layout()
        if layout is not None:
            layout.setContentsMargins(14, 8 + covered, 14, 10)

    # ---- asking --------------------------------------------------------------------------------------------------

    @property
    def numbers(self) -> NeuronNumbers | None:
        """What is drawn."""
        return self.hand.numbers

    def showEvent(self, event: QShowEvent) -> None:
        """It is looked at: it asks."""
        super().showEvent(event)
        self._workspace.feed.set_calm(True)
        self._asking.begin()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks: it asks nothing."""
        super().hideEvent(event)
        self._workspace.feed.set_calm(False)
        self._asking.end()
        self.hand.let_go()

    def _on_training(self) -> None:
        self.paces.set_value(pace_of(self._training.pace).key)
        self._asking.soon()

    def _on_answer(self, numbers: NeuronNumbers) -> None:
        self.hand.take_up(numbers)
        self._show(numbers)

    def _on_failure(self, error: BaseException) -> None:
        self.hand.let_go()
        sentence = sentence_of(error) if isinstance(error, NnvizError) else f"It could not be drawn: {error}"
        self.hand.numbers = None
        self.picture.show_numbers(None)
        self.plot.show_numbers(None)
        self._show_nothing(sentence)

    def _show_nothing(self, sentence: str) -> None:
        if sentence:  # the network that was shown before is not the one of which this is said
            self._sizes.set_wordings("")
        self._nothing.say(sentence)
        self._nothing.setVisible(bool(sentence))
        self.picture.setVisible(not sentence)
        self._right.setVisible(not sentence)

    # ---- showing -------------------------------------------------------------------------------------------------

    def _show(self, numbers: NeuronNumbers) -> None:
        fresh = (
            self.hand.numbers is None
            or self.hand.numbers.points is not numbers.points
            or self.hand.numbers.chain != numbers.chain
        )
        self.hand.numbers = numbers
        if self._nothing.isVisible() or not self.picture.isVisible():
            self._show_nothing("")
        if fresh:
            self._on_another(numbers)
        self.picture.hurried = self._asking.hurried
        self.picture.show_numbers(numbers)
        if numbers.edges is not None and numbers.surface is None and not fresh:
            pass  # The decision stays as it was an answer ago.
        elif numbers.edges is not None:
            self.plot.show_numbers(numbers)
            enlarged = numbers.enlarged
            title = "Output" if numbers.task == "regression" else "Decision"
            if enlarged is not None:
                title = unit_name(numbers, *enlarged)
                title = title if enlarged[0] == 0 else f"{title} of {numbers.layers[enlarged[0]].layer.output}"
            self.legend.show_legend(title, self.plot.scale, numbers.class_names)
        else:
            self.bars.show_numbers(numbers)
            self.legend.show_legend("Output", None, ())
        now = time.perf_counter()
        if now - self._said_at > _READING or not self._training.running:
            self._said_at = now
            self._say_what_is_shown()
        self._asking.shown()

    def _on_another(self, numbers: NeuronNumbers) -> None:
        """Another network, or other data."""
        name = self._workspace.document.project.name or "The network"
        activations = numbers.chain.activations
        self._title.setText(name)
        sizes = numbers.chain.sizes + (f", {activations}" if activations else "")
        what = (
            "every unit is its own picture over the plane" if numbers.chain.is_plane else "every unit shows its value"
        )
        self._sizes.set_wordings(f"{sizes} · {what}", sizes)
        plane = numbers.edges is not None
        self.plot.setVisible(plane)
        self._switches.setVisible(plane)
        self.bars.setVisible(not plane)
        self._resize_right()
        for split, button in self.splits.items():
            button.setVisible(split in numbers.points)
        self.hand.forget()
        self._asking.enlarged = None
        few = plane and sum(len(points.indices) for points in numbers.points.values()) <= 2 * _FEW
        if not plane or few:
            self._choose_pinned()
        elif not self._chosen_by_hand:
            self._asking.example = None
        self._asking.soon()

    def _choose_pinned(self) -> None:
        numbers = self.hand.numbers
        if numbers is not None and numbers.edges is not None:
            held_back = "validation" in numbers.points
        else:
            held_back = self._training.standing.validation_count > 0
        split = self._pinned.split if self._pinned.split != "validation" or held_back else ""
        self._asking.example = (split or usual_split(held_back), self._pinned.index)
        self._chosen_by_hand = False

    def _say_what_is_shown(self) -> None:
        numbers = self.hand.numbers
        if numbers is None:
            return
        place = self.picture.place or self.picture.chosen
        if isinstance(place, UnitPlace) and place.layer < len(numbers.layers):
            text = unit_sentence(numbers, place)
        else:
            hint = _HINT if numbers.edges is not None else _HINT_OF_VALUES
            text = answer_sentence(numbers) or (hint if self._has_room(hint) else _SHORT_HINT)
        if text != self.words.text():
            self.words.setText(text)
            self.picture.setAccessibleDescription(text)

    def _has_room(self, text: str) -> bool:
        """Whether a text can be read whole below the plot."""
        width = self._right.minimumWidth()  # which it has once it is laid out
        flags = int(Qt.TextFlag.TextWordWrap)
        needed = self.words.fontMetrics().boundingRect(QRect(0, 0, width, 4000), flags, text).height()
        return needed <= self.words.minimumHeight()

    # ---- what is pointed at --------------------------------------------------------------------------------------

    def _on_pointed(self, place: object) -> None:
        chosen = place if isinstance(place, UnitPlace) else self.picture.chosen
        self._asking.enlarged = chosen if isinstance(chosen, UnitPlace) else None
        self._say_what_is_shown()

    def _on_point(self, split: str, index: int) -> None:
        self._asking.example = (split, index) if split else None
        self._chosen_by_hand = bool(split)

    def choose_example(self, split: str, index: int) -> None:
        """Show the way of an example through the network."""
        self._on_point(split, index)

    def _explain(self, node: str, unit: int) -> None:
        """Of the point that is followed, take a number apart."""
        from nnviz.explain.place import Place  # noqa: PLC0415 - torch: who explains has it already

        self.number_requested.emit(Place(node, index=(unit,), example=self.followed()))

    def followed(self) -> Example | None:
        """The example whose way through the network is shown; None for none."""
        from nnviz.explain.values import Example  # noqa: PLC0415 - torch: who asks has it already

        return None if self._asking.example is None else Example(*self._asking.example)

    def _show_menu(self, place: UnitPlace, point: QPoint) -> None:
        self.menu.of(place).popup(point)

    def _on_key(self, letter: str, place: UnitPlace) -> None:
        if place.layer == 0:
            return
        {"O": lambda: self.hand.switch(place, "off"), "F": lambda: self.hand.switch(place, "frozen")}.get(
            letter, lambda: self.hand.begin_anew(place)
        )()

    # ---- keys ----------------------------------------------------------------------------------------------------

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Ctrl+Z takes back what was done here, before it reaches the document; Space plays and pauses."""
        kind = event.type()
        if kind in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress):
            key = cast(QKeyEvent, event)
            if self.hand.takes(key, pressed=kind == QEvent.Type.KeyPress):
                event.accept()
                return True
            space = key.key() == Qt.Key.Key_Space and key.modifiers() == Qt.KeyboardModifier.NoModifier
            if space and kind == QEvent.Type.KeyPress and not key.isAutoRepeat():
                self.tapped.emit()
                return True
        return False

    # ---- following -----------------------------------------------------------------------------------------------

    def _on_pace(self, key: str) -> None:
        self._training.set_pace(next(pace.steps_per_second for pace in PACES if pace.key == key))

    def _on_splits(self) -> None:
        self.plot.splits = tuple(split for split, button in self.splits.items() if button.isChecked())
        self.plot.update()

    def _on_edges(self, key: str) -> None:
        self.plot.discretised = key == "hard"
        self.plot.remake()

    def _on_document(self, before: object, after: object, edit: object) -> None:
        pinned = self._workspace.document.project.view.shown
        if pinned != self._pinned:
            self._pinned = pinned
            self._choose_pinned()
        if self.hand.numbers is not None:
            self._title.setText(self._workspace.document.project.name or "The network")

    def _on_theme(self) -> None:
        refresh_fonts(self)
        palette = self.palette()
        palette.setColor(self.backgroundRole(), theme.current().window)
        self.setPalette(palette)
        self._resize_right()
        if self.hand.numbers is not None:
            self.picture.show_numbers(self.hand.numbers)
            self.plot.remake()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The plot is a square that takes what height and width allow."""
        super().resizeEvent(event)
        self._resize_right()
        if self.hand.numbers is not None:
            self._say_what_is_shown()

    def _resize_right(self) -> None:
        lines = self.words.fontMetrics().lineSpacing()
        rows = 3 if self.height() < 520 else 4
        self.words.setFixedHeight(rows * lines + 2)
        around = rows * lines + self.legend.sizeHint().height() + 90
        side = min(max(200, self.height() - around), round(0.46 * self.width()))
        narrow = min(300, round(0.4 * self.width()))
        plane = self.hand.numbers is None or self.hand.numbers.edges is not None
        width = max(side, narrow) if plane else max(narrow, round(0.27 * self.width()))
        self._right.setFixedWidth(width)
        for split, title, _ in _SPLITS:
            self.splits[split].setText(title)
        needed = sum(one.sizeHint().width() + 2 for one in (*self.splits.values(), self.edges))
        if needed > width:  # The marks alone say it, too.
            for split, title, _ in _SPLITS:
                self.splits[split].setText(title[0])


__all__ = ["NeuronView"]
