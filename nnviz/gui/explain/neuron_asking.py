"""When the neuron view asks the network: as often as something is new, and so that training keeps its time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from nnviz.gui.explain.neuron_places import UnitPlace
from nnviz.gui.runs.shown_network import Asked
from nnviz.gui.runs.workspace import Workspace

if TYPE_CHECKING:
    from nnviz.explain.neurons import NeuronAnswers, NeuronNumbers
    from nnviz.train.training import Training

#: Milliseconds between two looks at whether there is something new to ask at rest, and where the last answer was not
#: drawn yet; and seconds between two questions while it trains: less than a thirtieth, as waking takes its time, too.
_TICK, _SHORT_TICK, _FRAME = 30, 4, 0.031
#: After so many looks at a picture that is not painted something lies over it; then milliseconds between two looks.
_LOOKS, _COVERED_TICK = 25, 250
#: A question takes at most one part in this many of the time that training has.
_SHARE = 5
#: Cells of the decision in each direction while it trains, and at rest.
_COARSE, _FINE = 100, 200


class NeuronAsking(QObject):
    """Asks one question after the other while somebody looks: the next once the last answer was drawn.

    Args:
        workspace: Of the network that is asked.
        painted: How often the picture has been painted.
        parent: Owner.

    Attributes:
        enlarged: The unit whose picture is shown large; None for none.
        example: (split, number) of the example whose way is shown; None for none.

    Signals:
        answered: What the network answers: NeuronNumbers.
        failed: It cannot: the error.
    """

    answered = Signal(object)
    failed = Signal(object)

    def __init__(self, workspace: Workspace, painted: Callable[[], int], parent: QObject) -> None:
        super().__init__(parent)
        self._network, self._training = workspace.network, workspace.training
        self._painted = painted
        self.enlarged: UnitPlace | None = None
        self.example: tuple[str, int] | None = None
        self._answers: NeuronAnswers | None = None
        self._asked: Asked | None = None
        self._asked_for: tuple[object, ...] = ()
        self._asked_at = 0.0
        self._next = 0.0
        self._answered: tuple[object, ...] = ()
        #: How often the picture had been painted when the last answer came; -1 where none waits to be drawn.
        self._undrawn = -1
        #: How often it was not painted yet.
        self._looks = 0
        #: Whether the last answer came without the decision.
        self._decision_left_out = True
        self._looked_at = False
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._network.changed.connect(self.soon)

    def begin(self) -> None:
        """Somebody looks: it asks."""
        self._looked_at = True
        self._timer.start(_TICK)
        self.soon()

    def end(self) -> None:
        """Nobody looks: it asks nothing."""
        self._looked_at = False
        self._timer.stop()
        if self._asked is not None:
            self._asked.cancel()
            self._asked = None

    def soon(self) -> None:
        """There is something new to ask."""
        self._answered = ()

    @property
    def waits(self) -> bool:
        """Whether a question is not answered yet."""
        return self._asked is not None

    @property
    def hurried(self) -> bool:
        """Whether the last question was asked while it trains, so that another answer follows soon."""
        return self._asked_for[1:2] == (True,)

    def shown(self) -> None:
        """The last answer was handed to the picture: the next question is asked once that is painted."""
        self._undrawn, self._looks = self._painted(), 0

    def ask_behind(self) -> None:
        """Something was just set: asked behind it, a question is answered with what follows from it."""
        if self._asked is None:
            wanted = self._wanted()
            self._ask(wanted, bool(wanted[1]))

    def _wanted(self) -> tuple[object, ...]:
        running = self._training.running and self._network.is_live
        return (self._network.key, running, self.enlarged, self.example)

    def _tick(self) -> None:
        """Ask, where there is something new, the last answer has been drawn, and the training has had its time."""
        if self._timer.interval() != _TICK:
            self._timer.start(_TICK)
        if self._asked is not None:
            return
        if self._painted() == self._undrawn:
            self._looks += 1
            self._timer.start(_SHORT_TICK if self._looks < _LOOKS else _COVERED_TICK)
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
        enlarged, chosen = self.enlarged, self.example
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
        if self._asked_for[1] and self._looked_at:
            self._look_again()
        self.answered.emit(numbers)

    def _on_failure(self, error: BaseException) -> None:
        self._asked = None
        self._answered = self._asked_for
        self._undrawn = -1
        self.failed.emit(error)
