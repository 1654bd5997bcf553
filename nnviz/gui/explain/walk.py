"""The walk from number to number: what was asked, where one came from, and the answer that is on the screen."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from nnviz.errors import NnvizError
from nnviz.gui.look import theme
from nnviz.gui.runs.shown_network import Asked, ShownNetwork
from nnviz.project.model import Pinned

if TYPE_CHECKING:
    from nnviz import train
    from nnviz.explain.given_input import OwnInput
    from nnviz.explain.place import Place
    from nnviz.explain.taken_apart import TakenApart

#: Milliseconds between two looks at whether the weights are others than those of the answer.
_LOOK_EVERY = 500
#: What is asked again takes at most this share of the time of whoever answers.
_SHARE = 0.2
_MOST_STOPS = 64


@dataclass(frozen=True, slots=True)
class Stop:
    """One number on the way: its name, and what it was at which step."""

    place: Place
    name: str
    value: str = ""
    step: int = -1

    def label(self, step: int) -> str:
        """In the trail of a step; the number of another step is left out."""
        return f"{self.name} {self.value}" if self.value and self.step == step else self.name


class Walk(QObject):
    """Asks the shown network, keeps the trail, and asks again while somebody looks and the weights change.

    Lives on the GUI thread. One question is under way at a time; of those that come meanwhile the last one counts.

    Attributes:
        taken: The number on the screen; None before the first answer.
        failure: Why there is no other one, as a sentence; empty where nothing failed.
    """

    #: Another answer, another failure, or another trail.
    changed = Signal()

    def __init__(
        self,
        network: ShownNetwork,
        pinned: Callable[[], Pinned],
        parent: QObject | None = None,
        own: Callable[[], OwnInput | None] = lambda: None,
    ) -> None:
        super().__init__(parent)
        self._network = network
        self._pinned = pinned
        #: The input of one's own that stands on the cards in place of the pinned example.
        self._own = own
        self._trail: list[Stop] = []
        self.taken: TakenApart | None = None
        self.failure = ""
        self._wanted: Place | None = None
        self._trail_wanted: list[Stop] = []
        self._asked: Asked | None = None
        self._key: tuple[object, ...] = ()
        self._began = self._cost = self._ended = 0.0
        self._attended = False
        self._look = QTimer(self)
        self._look.setInterval(_LOOK_EVERY)
        self._look.timeout.connect(self._again)

    @property
    def trail(self) -> tuple[Stop, ...]:
        """Where one came from; the number on the screen is the last."""
        return tuple(self._trail)

    @property
    def place(self) -> Place | None:
        """The number that is asked about, answered or not."""
        return self._wanted or (self._trail[-1].place if self._trail else None)

    @property
    def waiting(self) -> bool:
        """Whether an answer is under way."""
        return self._asked is not None

    # ---- walking -------------------------------------------------------------------------------------------------

    def start(self, place: Place) -> None:
        """Begin at a number; the trail of before is left."""
        self._ask(place, [])

    def go(self, place: Place) -> None:
        """Walk on to where something came from, or to what it changes."""
        if self._trail and self._trail[-1].place == place:
            return
        self._ask(place, self._trail[-_MOST_STOPS:])

    def move(self, place: Place) -> None:
        """Stand at another number in place of this one, as when a window slides."""
        self._ask(place, self._trail[:-1])

    def back(self) -> bool:
        """Go one step back; False where one began here."""
        return self.go_to(len(self._trail) - 2)

    def go_to(self, stop: int) -> bool:
        """Go back to a stop of the trail."""
        if not 0 <= stop < len(self._trail) - 1:
            return False
        self._ask(self._trail[stop].place, self._trail[:stop])
        return True

    def set_backward(self, backward: bool) -> None:
        """Ask what the number changes, or what made it."""
        place = self.place
        if place is not None and place.backward != backward:
            self.move(replace(place, backward=backward))

    def slide(self, *by: int) -> None:
        """Go to a neighbour: of a map by rows and columns, of a vector by units."""
        place, taken = self.place, self.taken
        if place is None or taken is None or taken.output is None or place.index is None or place.part != "output":
            return
        sizes = taken.output.shape
        if place.node != taken.place.node or len(place.index) != len(sizes):
            return
        steps = (0,) * (len(sizes) - len(by)) + by[-len(sizes) :]
        index = tuple(
            min(max(at + step, 0), size - 1) for at, step, size in zip(place.index, steps, sizes, strict=True)
        )
        if index != place.index:
            self.move(replace(place, index=index))

    def forget_example(self) -> None:
        """Ask about the example that is pinned now, in place of the one before."""
        place = self.place
        if place is not None:
            self._ask(replace(place, example=None, near=None), [])

    def clear(self) -> None:
        """Stand nowhere."""
        if self._asked is not None:
            self._asked.cancel()
        self._asked = self._wanted = self.taken = None
        self._trail, self.failure = [], ""
        self.changed.emit()

    # ---- asking --------------------------------------------------------------------------------------------------

    def attend(self, on: bool) -> None:
        """Somebody looks, or nobody does: then nothing is asked."""
        if on == self._attended:
            return
        self._attended = on
        if on:
            self._look.start()
            self._again()
        else:
            self._look.stop()

    @property
    def attended(self) -> bool:
        """Whether somebody looks."""
        return self._attended

    def ask_anew(self) -> None:
        """A weight was set just now: ask once more, behind that."""
        place = self.place
        if self._attended and place is not None:
            self._ask(place, self._trail_wanted if self._wanted is not None else self._trail[:-1])

    def look_again(self) -> None:
        """Other weights are shown at rest, as after an edit: what is seen follows them now."""
        if self._attended:
            self._again()

    def _again(self) -> None:
        """Ask once more where other weights are shown, unless that would take too much time."""
        place = self.place
        if place is None or self._asked is not None or self._key == self._network.key:
            return
        if time.perf_counter() - self._ended < self._cost / _SHARE:
            return
        self._ask(place, self._trail[:-1])

    def _ask(self, place: Place, trail: list[Stop]) -> None:
        self._wanted, self._trail_wanted = place, list(trail)
        if self._asked is None:
            self._send()

    def _send(self) -> None:
        place, trail, pinned, own = self._wanted, self._trail_wanted, self._pinned(), self._own()
        assert place is not None
        self._key, self._began = self._network.key, time.perf_counter()

        def question(training: train.training.Training) -> TakenApart:
            from nnviz.explain.taken_apart import take_apart  # noqa: PLC0415 - torch belongs to that thread

            return take_apart(training, place, pinned=pinned, own=own)

        def done(taken: TakenApart) -> None:
            self._answered()
            if self._wanted is place:
                self._wanted = None
            # An answer between two wishes, as while a window slides, is shown as well.
            self.taken, self.failure = taken, ""
            self._trail = [*trail, stop_of(taken)]
            self.changed.emit()
            self._next()

        def failed(error: BaseException) -> None:
            self._answered()
            if self._wanted is place:
                self._wanted = None
                if not self._trail or self._trail[-1].place.node == place.node:
                    # What was on the screen is of a network that is no more, or stays a question.
                    self.taken, self._trail = None, [*trail, Stop(place, place.node)]
            self.failure = str(error) if isinstance(error, NnvizError) else "This number could not be taken apart."
            self.changed.emit()
            self._next()
            if not isinstance(error, NnvizError):
                raise error

        self._asked = self._network.ask(question, done, failed, self)

    def _answered(self) -> None:
        self._asked = None
        self._ended = time.perf_counter()
        self._cost = self._ended - self._began

    def _next(self) -> None:
        if self._wanted is not None and self._asked is None:
            self._send()


def stop_of(taken: TakenApart) -> Stop:
    """A stop of the trail: ``conv1 · map 6 (12, 10)``, 3.20."""
    return Stop(taken.place, place_label(taken), theme.format_number(taken.explanation.value), taken.step)


def place_label(taken: TakenApart) -> str:
    """Which number it is, in few words."""
    place, index = taken.place, taken.index
    if place.part == "loss":
        return "loss"
    sign = "∂L/∂ " if place.backward else ""
    if place.part != "output":
        return f"{sign}{place.node} · {place.part} ({', '.join(map(str, index))})"
    if taken.shares is not None and taken.shares.chosen >= 0:
        return f"{sign}{place.node} · “{taken.shares.names[taken.shares.chosen]}”"
    if len(index) == 1:
        return f"{sign}{place.node} · unit {index[0]}"
    return f"{sign}{place.node} · map {index[0]} ({', '.join(map(str, index[1:]))})"


def title_of(taken: TakenApart) -> str:
    """Which number it is, in a line: ``conv1 · map 6, row 12, column 10``."""
    place, index = taken.place, taken.index
    if place.part == "loss":
        return "The loss of this example"
    if place.part != "output":
        what = f"{place.node} · {place.part} [{', '.join(map(str, index))}]"
        return f"How the loss changes with {what}" if place.backward else f"{what}, and what the next step makes of it"
    if taken.shares is not None and taken.shares.chosen >= 0:
        what = f"{place.node} · class “{taken.shares.names[taken.shares.chosen]}”"
    elif len(index) == 1:
        what = f"{place.node} · unit {index[0]}"
    elif len(index) == 2:
        what = f"{place.node} · map {index[0]}, position {index[1]}"
    else:
        what = f"{place.node} · map {index[0]}, row {index[1]}, column {index[2]}"
    return f"How the loss changes with {what}" if place.backward else what
