"""The neuron view: a small dense network unit by unit and weight by weight, live, with the decision beside it."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QEvent, QPoint, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSizePolicy, QVBoxLayout, QWidget

from nnviz.errors import NnvizError, ParamError
from nnviz.gui.explain.answer_bars import AnswerBars
from nnviz.gui.explain.neuron_picture import NeuronPicture
from nnviz.gui.explain.neuron_places import BiasPlace, LinePlace, UnitPlace
from nnviz.gui.explain.neuron_words import answer_sentence, unit_name, unit_sentence
from nnviz.gui.explain.plane_plot import PlaneLegend, PlanePlot
from nnviz.gui.explain.weight_editing import WeightEditing
from nnviz.gui.look import theme
from nnviz.gui.look.theme import format_number
from nnviz.gui.parts.action import literal
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.reasons import sentence_of
from nnviz.gui.parts.widgets import ElidedLabel, FittedText, SegmentButton, Segments, refresh_fonts, set_font
from nnviz.gui.runs.pace import PACES, pace_of
from nnviz.gui.runs.shown_network import Asked
from nnviz.gui.runs.workspace import Workspace
from nnviz.project.model import usual_split
from nnviz.train.weight_edits import Place, WeightChange, as_float32

if TYPE_CHECKING:
    from nnviz.explain.neurons import NeuronAnswers, NeuronNumbers
    from nnviz.explain.values import Example
    from nnviz.train.training import Training
    from nnviz.train.unit_switches import UnitSwitches

#: Milliseconds between two looks at whether there is something new to ask at rest, and where the last answer was not
#: drawn yet; and seconds between two questions while it trains: less than a thirtieth, as waking takes its time, too.
_TICK, _SHORT_TICK, _FRAME = 30, 4, 0.031
#: A question takes at most one part in this many of the time that training has.
_SHARE = 5
#: Cells of the decision in each direction while it trains, and at rest.
_COARSE, _FINE = 100, 200
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
        self._network, self._training = workspace.network, workspace.training
        self._numbers: NeuronNumbers | None = None
        self._answers: NeuronAnswers | None = None
        self._asked: Asked | None = None
        self._asked_for: tuple[object, ...] = ()
        self._asked_at = 0.0
        self._next = 0.0
        self._answered: tuple[object, ...] = ()
        #: How often the picture had been painted when the last answer came; -1 where none waits to be drawn.
        self._undrawn = -1
        #: Whether the last answer came without the decision.
        self._decision_left_out = True
        self._enlarged: UnitPlace | None = None
        #: (split, number) of the example whose way is shown; None for none.
        self._chosen: tuple[str, int] | None = None
        self._chosen_by_hand = False
        #: A number that a hand wants to stand somewhere, as soon as the one before is there.
        self._waiting: tuple[LinePlace | BiasPlace, float, bool] | None = None
        #: What was done here and can be undone: "weights", or the switches before.
        self._done: list[str | UnitSwitches] = []
        self._editing = WeightEditing(workspace.training, workspace.say)
        self._said_at = 0.0
        self.setObjectName("NeuronView")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAutoFillBackground(True)
        self.setAccessibleName("Neurons")
        self._build()
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._network.changed.connect(self._soon)
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
        self.picture = NeuronPicture(self._type_in, self)
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
        self.picture.set_requested.connect(self._on_set)
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
        return self._numbers

    def showEvent(self, event: QShowEvent) -> None:
        """It is looked at: it asks."""
        super().showEvent(event)
        self._workspace.feed.set_calm(True)
        self._timer.start(_TICK)
        self._soon()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks: it asks nothing."""
        super().hideEvent(event)
        self._workspace.feed.set_calm(False)
        self._timer.stop()
        self._waiting = None
        if self._asked is not None:
            self._asked.cancel()
            self._asked = None

    def _soon(self) -> None:
        self._answered = ()

    def _on_training(self) -> None:
        self.paces.set_value(pace_of(self._training.pace).key)
        self._soon()

    def _wanted(self) -> tuple[object, ...]:
        running = self._training.running and self._network.is_live
        return (self._network.key, running, self._enlarged, self._chosen)

    def _tick(self) -> None:
        """Ask, where there is something new, the last answer has been drawn, and the training has had its time."""
        if self._timer.interval() != _TICK:
            self._timer.start(_TICK)
        if self._asked is not None:
            return
        if self.picture.painted == self._undrawn:
            self._timer.start(_SHORT_TICK)
            return
        wanted = self._wanted()
        running = bool(wanted[1])
        if wanted == self._answered and not running:
            return
        if running and time.perf_counter() < self._next:
            self._look_again()
            return
        self._ask(wanted, running)

    def _look_again(self) -> None:
        """While it trains, the next look is when the next question is due: each takes the interpreter from it."""
        left = math.ceil(1000 * (self._next - time.perf_counter()))
        self._timer.start(max(_SHORT_TICK, min(left, _TICK)))

    def _ask(self, wanted: tuple[object, ...], running: bool) -> None:
        enlarged, chosen = self._enlarged, self._chosen
        # While it trains every second answer brings the decision, which takes as long as all the rest.
        decision = self._decision_left_out or not running
        self._decision_left_out = not decision

        def question(training: Training) -> NeuronNumbers:
            from nnviz.explain.neurons import NeuronAnswers, NeuronQuestion  # noqa: PLC0415 - torch is that thread's
            from nnviz.explain.values import Example  # noqa: PLC0415 - likewise

            if self._answers is None:
                self._answers = NeuronAnswers()
            return self._answers(
                training,
                NeuronQuestion(
                    side=_COARSE if running else _FINE,
                    example=None if chosen is None else Example(*chosen),
                    enlarged=enlarged,
                    gradients="last" if running else "next",
                    decision=decision,
                ),
            )

        self._asked_for, self._asked_at = wanted, time.perf_counter()
        self._asked = self._network.ask(question, self._on_answer, self._on_failure)

    def _on_answer(self, numbers: NeuronNumbers) -> None:
        self._asked = None
        self._answered = self._asked_for
        self._next = self._asked_at + max(_FRAME, _SHARE * numbers.seconds)
        if self._asked_for[1] and self.isVisible():
            self._look_again()
        if self._waiting is not None:
            place, value, more = self._waiting
            self._waiting = None
            self._send(place, value, more)
            self._put(numbers, place, value)
        self._show(numbers)

    @staticmethod
    def _put(numbers: NeuronNumbers, place: LinePlace | BiasPlace, value: float) -> None:
        """What a hand drags stays under the hand although the answer is older."""
        layer = numbers.layers[place.layer]
        if isinstance(place, LinePlace) and layer.weights is not None:
            layer.weights[place.unit, place.source] = value
        elif isinstance(place, BiasPlace) and layer.biases is not None:
            layer.biases[place.unit] = value

    def _on_failure(self, error: BaseException) -> None:
        self._asked = None
        self._answered = self._asked_for
        self._waiting = None
        self._undrawn = -1
        sentence = sentence_of(error) if isinstance(error, NnvizError) else f"It could not be drawn: {error}"
        self._numbers = None
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
            self._numbers is None or self._numbers.points is not numbers.points or self._numbers.chain != numbers.chain
        )
        self._numbers = numbers
        if self._nothing.isVisible() or not self.picture.isVisible():
            self._show_nothing("")
        if fresh:
            self._on_another(numbers)
        self.picture.hurried = self._asked_for[1:2] == (True,)
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
        self._undrawn = self.picture.painted

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
        self._done.clear()
        self._enlarged = None
        few = plane and sum(len(points.indices) for points in numbers.points.values()) <= 2 * _FEW
        if not plane or few:
            self._choose_pinned()
        elif not self._chosen_by_hand:
            self._chosen = None
        self._soon()

    def _choose_pinned(self) -> None:
        numbers = self._numbers
        if numbers is not None and numbers.edges is not None:
            held_back = "validation" in numbers.points
        else:
            held_back = self._training.standing.validation_count > 0
        split = self._pinned.split if self._pinned.split != "validation" or held_back else ""
        self._chosen = (split or usual_split(held_back), self._pinned.index)
        self._chosen_by_hand = False

    def _say_what_is_shown(self) -> None:
        numbers = self._numbers
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

    # ---- what a hand does ----------------------------------------------------------------------------------------

    def _on_pointed(self, place: object) -> None:
        chosen = place if isinstance(place, UnitPlace) else self.picture.chosen
        self._enlarged = chosen if isinstance(chosen, UnitPlace) else None
        self._say_what_is_shown()

    def _on_point(self, split: str, index: int) -> None:
        self._chosen = (split, index) if split else None
        self._chosen_by_hand = bool(split)

    def choose_example(self, split: str, index: int) -> None:
        """Show the way of an example through the network."""
        self._on_point(split, index)

    def _on_set(self, place: LinePlace | BiasPlace, value: float, more: bool) -> None:
        reason = self._training.cannot_edit_weights()
        if reason:
            self._workspace.say(reason)
            self._soon()
            return
        if self._asked is not None and more:
            self._waiting = (place, value, True)  # The newest is enough, once the question is answered.
            return
        self._send(place, value, more)

    def _type_in(self, place: LinePlace | BiasPlace, value: float) -> str:
        """Sets a number that was typed; why not, where it cannot be set."""
        reason = self._training.cannot_edit_weights()
        if reason or self._numbers is None:
            return reason or "There is no network."
        try:
            self._send(place, as_float32(self._place_in_network(place), value), False)
        except ParamError as error:
            return error.message
        return ""

    def _place_in_network(self, place: LinePlace | BiasPlace) -> Place:
        assert self._numbers is not None
        node = self._numbers.layers[place.layer].layer.node
        if isinstance(place, LinePlace):
            return Place(node, "weight", (place.unit, place.source))
        return Place(node, "bias", (place.unit,))

    def _send(self, place: LinePlace | BiasPlace, value: float, more: bool) -> None:
        if self._numbers is None:
            return
        at = self._place_in_network(place)
        change = WeightChange(at.node, at.parameter, at.index, value)
        reason = self._training.edit_weights([change], more=more)
        if reason:
            self._workspace.say(reason)
        elif not more:
            self._done.append("weights")
        self._soon()
        if self._asked is None:  # Asked behind the edit, it is answered with what follows from it.
            wanted = self._wanted()
            self._ask(wanted, bool(wanted[1]))

    def menu_of(self, place: UnitPlace) -> QMenu:
        """What can be done to a unit; owned by the view."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        numbers = self._numbers
        if numbers is None:
            return menu
        title = menu.addAction(
            f"{unit_name(numbers, *place)} of {numbers.layers[place.layer].layer.output}".replace("&", "&&")
        )
        title.setEnabled(False)
        reason = self._training.cannot_edit_weights()
        hidden = place.layer > 0
        off, frozen = self.is_off(place), self.is_frozen(place)
        if hidden:
            layer, word = numbers.layers[place.layer].layer, unit_name(numbers, *place)
            explain = menu.addAction(f"Explain the sum of {word}".replace("&", "&&"))
            explain.triggered.connect(lambda: self._explain(layer.node, place.unit))
            if layer.output != layer.node:
                explain = menu.addAction(f"Explain what {word} puts out".replace("&", "&&"))
                explain.triggered.connect(lambda: self._explain(layer.output, place.unit))
            menu.addSeparator()
            entries: list[tuple[str, str, Callable[[], object]]] = [
                ("Switch on" if off else "Switch off", "O", lambda: self.switch(place, "off")),
                ("Let it train again" if frozen else "Freeze", "F", lambda: self.switch(place, "frozen")),
                ("Begin anew with untrained weights", "R", lambda: self.begin_anew(place)),
            ]
            if numbers.layers[place.layer].biases is not None:
                entries.insert(0, ("Set the bias…", "", lambda: self.picture.edit(BiasPlace(*place))))
            for entry, key, do in entries:
                action = menu.addAction(f"{entry}\t{key}" if key else entry)
                action.setEnabled(not reason)
                action.setToolTip(reason)
                action.triggered.connect(lambda _checked=False, do=do: do())
            menu.insertMenu(menu.actions()[-3], self._weights_menu(place, menu, reason))
            menu.addSeparator()
        undo = menu.addAction("Undo the last change here\tCtrl+Z")
        undo.setEnabled(bool(self._done) and not reason)
        undo.triggered.connect(lambda _checked=False: self.undo())
        return menu

    def _explain(self, node: str, unit: int) -> None:
        """Of the point that is followed, take a number apart."""
        from nnviz.explain.place import Place  # noqa: PLC0415 - as above

        self.number_requested.emit(Place(node, index=(unit,), example=self.followed()))

    def followed(self) -> Example | None:
        """The example whose way through the network is shown; None for none."""
        from nnviz.explain.values import Example  # noqa: PLC0415 - torch: who asks has it already

        return None if self._chosen is None else Example(*self._chosen)

    def _weights_menu(self, place: UnitPlace, parent: QMenu, reason: str) -> QMenu:
        """The weights of a unit, for those who work by keys."""
        menu = QMenu("Set a weight", parent)
        numbers = self._numbers
        weights = None if numbers is None else numbers.layers[place.layer].weights
        if numbers is None or weights is None:
            return menu
        for source, weight in enumerate(weights[place.unit].tolist()):
            words = f"from {unit_name(numbers, place.layer - 1, source)}: {format_number(weight)}"
            action = menu.addAction(literal(words))
            action.setEnabled(not reason)
            line = LinePlace(place.layer, place.unit, source)
            action.triggered.connect(lambda _checked=False, line=line: self.picture.edit(line))
        return menu

    def _show_menu(self, place: UnitPlace, point: QPoint) -> None:
        self.menu_of(place).popup(point)

    def _on_key(self, letter: str, place: UnitPlace) -> None:
        if place.layer == 0:
            return
        {"O": lambda: self.switch(place, "off"), "F": lambda: self.switch(place, "frozen")}.get(
            letter, lambda: self.begin_anew(place)
        )()

    def is_off(self, place: UnitPlace) -> bool:
        """Whether a unit is switched off."""
        numbers = self._numbers
        return numbers is not None and (numbers.layers[place.layer].layer.output, place.unit) in numbers.switches.off

    def is_frozen(self, place: UnitPlace) -> bool:
        """Whether what leads to a unit is not trained."""
        numbers = self._numbers
        return numbers is not None and (numbers.layers[place.layer].layer.node, place.unit) in numbers.switches.frozen

    def switch(self, place: UnitPlace, what: str) -> None:
        """Switch a unit off or on (``off``), or freeze it or let it train again (``frozen``)."""
        from nnviz.train.unit_switches import Unit  # noqa: PLC0415 - the session's thread has imported it

        if self._numbers is None:
            return
        layer, before = self._numbers.layers[place.layer].layer, self._numbers.switches
        unit = Unit(layer.output if what == "off" else layer.node, place.unit)
        switched = frozenset({unit})
        now = (
            replace(before, off=before.off ^ switched)
            if what == "off"
            else replace(before, frozen=before.frozen ^ switched)
        )
        self._use(now, before)

    def _use(self, switches: UnitSwitches, before: UnitSwitches | None) -> None:
        reason = self._training.switch_units(switches)
        if reason:
            self._workspace.say(reason)
            return
        if before is not None:
            self._done.append(before)
        if self._numbers is not None:  # Two quick keys mean two switches.
            self._numbers = replace(self._numbers, switches=switches)
        self._soon()

    def begin_anew(self, place: UnitPlace) -> None:
        """Give a unit untrained weights and an untrained bias, drawn as those of its layer were."""
        if self._numbers is None or self._training.cannot_edit_weights():
            self._workspace.say(self._training.cannot_edit_weights())
            return
        node, seed = self._numbers.layers[place.layer].layer.node, random.getrandbits(31)

        def question(training: Training) -> tuple[list[float], float | None]:
            from nnviz.explain.neurons import fresh_numbers  # noqa: PLC0415 - torch belongs to this thread

            return fresh_numbers(training, node, place.unit, seed)

        def done(fresh: tuple[list[float], float | None]) -> None:
            weights, bias = fresh
            changes = [WeightChange(node, "weight", (place.unit, i), value) for i, value in enumerate(weights)]
            if bias is not None:
                changes.append(WeightChange(node, "bias", (place.unit,), bias))
            reason = self._training.edit_weights(changes)
            if reason:
                self._workspace.say(reason)
            else:
                self._done.append("weights")
            self._soon()

        def failed(error: BaseException) -> None:
            self._workspace.say(sentence_of(error))

        self._network.ask(question, done, failed)

    def undo(self) -> bool:
        """Take the last change back that was made here; False where there is none."""
        if not self._done:
            return False
        last = self._done.pop()
        if isinstance(last, str):
            reason = self._training.undo_edit()
            if reason:
                self._workspace.say(reason)
        else:
            self._use(last, None)
        self._soon()
        return True

    # ---- keys ----------------------------------------------------------------------------------------------------

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Ctrl+Z takes back what was done here, before it reaches the document; Space plays and pauses."""
        kind = event.type()
        if kind in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress):
            key = cast(QKeyEvent, event)
            undo = key.key() == Qt.Key.Key_Z and key.modifiers() == Qt.KeyboardModifier.ControlModifier
            if undo and self._done:
                if kind == QEvent.Type.KeyPress:
                    self.undo()
                event.accept()
                return True
            if not self._done and self._editing.wants(key):
                if kind == QEvent.Type.KeyPress:
                    self._editing.take(key)
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
        if self._numbers is not None:
            self._title.setText(self._workspace.document.project.name or "The network")

    def _on_theme(self) -> None:
        refresh_fonts(self)
        palette = self.palette()
        palette.setColor(self.backgroundRole(), theme.current().window)
        self.setPalette(palette)
        self._resize_right()
        if self._numbers is not None:
            self.picture.show_numbers(self._numbers)
            self.plot.remake()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The plot is a square that takes what height and width allow."""
        super().resizeEvent(event)
        self._resize_right()
        if self._numbers is not None:
            self._say_what_is_shown()

    def _resize_right(self) -> None:
        lines = self.words.fontMetrics().lineSpacing()
        rows = 3 if self.height() < 520 else 4
        self.words.setFixedHeight(rows * lines + 2)
        around = rows * lines + self.legend.sizeHint().height() + 90
        side = min(max(200, self.height() - around), round(0.46 * self.width()))
        narrow = min(300, round(0.4 * self.width()))
        plane = self._numbers is None or self._numbers.edges is not None
        width = max(side, narrow) if plane else max(narrow, round(0.27 * self.width()))
        self._right.setFixedWidth(width)
        for split, title, _ in _SPLITS:
            self.splits[split].setText(title)
        needed = sum(one.sizeHint().width() + 2 for one in (*self.splits.values(), self.edges))
        if needed > width:  # The marks alone say it, too.
            for split, title, _ in _SPLITS:
                self.splits[split].setText(title[0])


__all__ = ["NeuronView"]
