"""About 30 times a second: what is new in the run goes to the listeners that can be seen.

The feed pulls. Training appends to the run without any signal; at each tick the feed asks which series changed since
its cursor, remembers them for every listener, and calls those whose widget is visible. A hidden panel costs nothing
and gets everything it missed when it is shown. A tick stops after a few milliseconds and goes on with the next
listener at the next tick, so that many slow panels make each other slower but never the window.
"""

from __future__ import annotations

import sys
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from inspect import ismethod
from typing import TypeAlias

import shiboken6
from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QWidget

from nnviz.gui.parts.soon import soon
from nnviz.gui.runs.shown import Shown, empty_run
from nnviz.record.pinned import Followed
from nnviz.record.readings import ArrayReading
from nnviz.record.run import RunView

#: (what is shown, names of the series that changed in any of its runs)
Listener: TypeAlias = Callable[[Shown, frozenset[str]], None]

_INTERVAL = 33
_SHARE_OF_TICK = 0.012
_SHORTEST_PAUSE = 8
#: Of one processor, what the GUI thread may take while a run is growing: it shares the interpreter's lock with the
#: training. And the longest that a tick is put off for it, in milliseconds.
_SHARE_OF_PROCESSOR = 0.3
_LONGEST_PAUSE = 120
#: The same where the training computes on all cores: all of its threads wait for the one whose core is taken.
_SHARE_OF_FULL_CORES = 0.15
_LONGEST_PAUSE_ON_FULL_CORES = 250
#: Milliseconds between two ticks while a run is growing and something in front draws moment after moment by itself.
CALM_INTERVAL = 400


@dataclass(eq=False)
class Subscription:
    """One listener; ``close`` ends it. Deleting the widget ends it, too."""

    widget: QWidget
    _listener: Callable[[], Listener | None]
    _pending: set[str] = field(default_factory=set)
    _told: bool = False
    _reported: str = ""
    closed: bool = False

    def close(self) -> None:
        """Never call the listener again."""
        self.closed = True

    def _alive(self) -> bool:
        return not self.closed and shiboken6.isValid(self.widget) and self._listener() is not None

    def _visible(self, front: QWidget | None) -> bool:
        window = self.widget.window()
        return self.widget.isVisible() and not window.isMinimized() and not _covers(front, self.widget)


def _covers(front: QWidget | None, widget: QWidget) -> bool:
    """Whether something that covers its window stands in front of a widget."""
    return (
        front is not None
        and widget.window() is front.window()
        and widget is not front
        and not front.isAncestorOf(widget)
    )


class RunFeed(QObject):
    """Hands what is shown to the visible listeners: a run, live or at the step chosen on the timeline, and others.

    Attributes:
        cores_are_full: Whether the training that goes on computes on all cores; then it takes less of them.
    """

    #: The run that is shown has been replaced: a RunView.
    run_changed = Signal(object)
    #: The step that is shown: an int, or None for live.
    step_changed = Signal(object)
    #: Anything of it is another: the :class:`Shown`. After the two above.
    shown_changed = Signal(object)
    #: What stands on the cards in place of the pinned example is another: read ``shown.instead``.
    instead_changed = Signal()
    #: Something else covers a window, or nothing does any more: ask :meth:`covers`.
    front_changed = Signal()
    #: After every tick in which something changed: a frozenset of series names.
    ticked = Signal(object)

    def __init__(self, parent: QObject | None = None, clock: Callable[[], float] = time.perf_counter) -> None:
        super().__init__(parent)
        self._clock = clock
        self._shown = Shown(empty_run())
        #: How far each of the shown runs was read.
        self._cursors = [0]
        self._subscriptions: list[Subscription] = []
        self._front: QWidget | None = None
        self._calm = False
        self.cores_are_full = False
        self._next = 0
        #: Whether the last tick ended before everyone was told.
        self._cut_short = False
        self._looked, self._used, self._debt = clock(), time.thread_time(), 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_timeout)
        self._timer.start(_INTERVAL)

    @property
    def shown(self) -> Shown:
        """What is shown now."""
        return self._shown

    @property
    def run(self) -> RunView:
        """The run that is shown; an empty one while there is none."""
        return self._shown.run

    @property
    def current_step(self) -> int | None:
        """The step chosen on the timeline; None shows the newest of everything."""
        return self._shown.step

    @property
    def live(self) -> bool:
        """Whether the newest values are shown."""
        return self._shown.step is None

    def show(self, shown: Shown) -> None:
        """Show this from now on, whatever was shown before; every listener is called with all series."""
        before, self._shown = self._shown, shown
        if not shown.same_runs(before):
            self._cursors = [0] * len(shown.runs)
        self._everyone()
        if shown.run is not before.run:
            self.run_changed.emit(shown.run)
        if shown.step != before.step or shown.run is not before.run:  # the same number is a step of another run
            self.step_changed.emit(shown.step)
        self.shown_changed.emit(shown)

    def set_run(self, run: RunView | None) -> None:
        """Show another run from now on, live; the runs beside it stay, a step to compare with was one of the old run.

        Every listener is called with all its series.
        """
        run = empty_run() if run is None else run
        self.show(Shown(run, self._shown.others))

    def set_step(self, step: int | None) -> None:
        """Show the values of ``step``; None returns to live."""
        if step != self._shown.step:
            self.show(self._shown.at(step))

    def set_others(self, others: Sequence[RunView]) -> None:
        """Draw these runs beside the shown one; the shown one itself is left out."""
        shown = replace(self._shown, others=tuple(others))
        if not shown.same_runs(self._shown):
            self.show(shown)

    def set_against(self, step: int | None) -> None:
        """Show another step beside the shown one; None takes it away."""
        if step != self._shown.against:
            self.show(replace(self._shown, against=step))

    def set_example(self, example: Followed | None) -> None:
        """Show another of the examples that the run followed; None is the one that the cards showed then."""
        if example != self._shown.example:
            self.show(replace(self._shown, example=example))

    def set_instead(self, readings: Iterable[ArrayReading]) -> None:
        """Show these on the cards in place of what was measured for the pinned example; none takes them away.

        Another run that is shown takes them away, too.
        """
        instead = {reading.series: reading for reading in readings}
        names = frozenset(instead.keys() | self._shown.instead.keys())
        if not names:
            return
        self._shown = replace(self._shown, instead=instead)
        for one in self._subscriptions:
            if one._told:
                one._pending |= names
        self.instead_changed.emit()
        soon(self.poll)  # a hand that draws does not wait for the next tick

    def subscribe(self, listener: Listener, widget: QWidget) -> Subscription:
        """Call ``listener(shown, changed)`` when something changed and ``widget`` can be seen.

        A bound method is held weakly; the subscription ends with its object or with the widget.
        """
        if ismethod(listener):
            reference: Callable[[], Listener | None] = weakref.WeakMethod(listener)
        else:

            def reference() -> Listener | None:
                return listener

        subscription = Subscription(widget, reference)
        self._subscriptions.append(subscription)
        return subscription

    def set_front(self, widget: QWidget | None) -> None:
        """Say what covers its window: listeners behind it cannot be seen until it has gone. None covers nothing."""
        if widget is not self._front:
            self._front = widget
            self.front_changed.emit()

    def covers(self, widget: QWidget) -> bool:
        """Whether a widget cannot be seen because of what covers its window."""
        return _covers(self._front, widget)

    @property
    def calm(self) -> bool:
        """Whether what is beside the front is brought up to date a few times a second only, while it trains."""
        return self._calm and self._front is None

    def set_calm(self, calm: bool) -> None:
        """Something in front draws moment after moment by itself: what stands beside it follows less often.

        All of it takes the interpreter's lock from the training. At rest everything is brought up to date as ever.
        """
        self._calm = calm

    @property
    def holds_up_training(self) -> bool:
        """Whether a training goes on that computes on all cores: all its threads wait for whatever is drawn."""
        return self.cores_are_full and self._is_growing

    @property
    def _is_growing(self) -> bool:
        return any(run.state == "running" for run in self._shown.runs)

    def soon(self) -> None:
        """Tick as soon as the present event is over: training has begun or come to rest."""
        if self._timer.isActive():
            self._timer.start(0)

    def refresh(self) -> None:
        """Tell every listener everything again, as after a change of theme."""
        self._everyone()

    def poll(self, budget: float = _SHARE_OF_TICK) -> None:
        """One tick: collect what changed and call visible listeners until ``budget`` seconds are spent."""
        began = self._clock()
        names: frozenset[str] = frozenset()
        for index, run in enumerate(self._shown.runs):
            changes = run.read_since(self._cursors[index])
            self._cursors[index] = changes.cursor
            names |= changes.series
        if self._shown.example is not None:
            # What was measured of another example takes the place of what was measured of the one that was shown.
            names |= {name.partition("#")[0] for name in names if "#" in name}
        self._subscriptions = [one for one in self._subscriptions if one._alive()]
        if names:
            for one in self._subscriptions:
                if one._told:
                    one._pending |= names
        count = len(self._subscriptions)
        self._cut_short = False
        for offset in range(count):
            index = (self._next + offset) % count
            subscription = self._subscriptions[index]
            if (subscription._told and not subscription._pending) or not subscription._visible(self._front):
                continue
            self._call(subscription)
            if self._clock() - began > budget:
                self._next = index + 1
                self._cut_short = offset + 1 < count
                break
        if names:
            self.ticked.emit(names)

    def stop(self) -> None:
        """End the ticking, before the window goes."""
        self._timer.stop()

    def _everyone(self) -> None:
        for one in self._subscriptions:
            one._told = False
            one._pending.clear()

    def _call(self, subscription: Subscription) -> None:
        listener = subscription._listener()
        if listener is None:
            return
        changed = frozenset(subscription._pending) if subscription._told else self._shown.names
        subscription._pending.clear()
        subscription._told = True
        try:
            listener(self._shown, changed)
        except Exception as error:  # noqa: BLE001 - reported through the window's hook
            # One broken panel must not blind the others; the same failure is reported once, not 30 times a second.
            text = f"{type(error).__name__}: {error}"
            if text != subscription._reported:
                subscription._reported = text
                sys.excepthook(type(error), error, error.__traceback__)

    def _on_timeout(self) -> None:
        began = self._clock()
        try:
            self.poll()
        finally:
            spent = (self._clock() - began) * 1000
            self._timer.start(max(_SHORTEST_PAUSE, round(_INTERVAL - spent), self._rest()))

    def _rest(self) -> int:
        """Milliseconds to wait, so that drawing what the last ticks brought stays within its share.

        Most of the work is done after a tick, when Qt paints; only the processor time of the thread knows of it.
        """
        now, used = self._clock(), time.thread_time()
        seconds, work = now - self._looked, used - self._used
        self._looked, self._used = now, used
        # It is paid back over the next ticks, and never more than the longest pause of it.
        full = self.cores_are_full
        share = _SHARE_OF_FULL_CORES if full else _SHARE_OF_PROCESSOR
        longest = (_LONGEST_PAUSE_ON_FULL_CORES if full else _LONGEST_PAUSE) / 1000
        self._debt = min(max(0.0, self._debt + work / share - seconds), longest)
        if not self._is_growing:
            return 0
        return max(round(1000 * self._debt), CALM_INTERVAL if self.calm and not self._cut_short else 0)
