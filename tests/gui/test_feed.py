from __future__ import annotations

import math
import sys
import time

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from nnviz.gui.runs.run_feed import CALM_INTERVAL, RunFeed
from nnviz.gui.runs.shown import Shown
from nnviz.record.readings import Scalar
from nnviz.record.run import Run, RunView


class Listener:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[RunView, frozenset[str], int | None]] = []

    def __call__(self, shown: Shown, changed: frozenset[str]) -> None:
        self.calls.append((shown.run, changed, shown.step))

    def take(self, shown: Shown, changed: frozenset[str]) -> None:
        self(shown, changed)


@pytest.fixture
def feed(qtbot: QtBot) -> RunFeed:
    feed = RunFeed()
    feed.stop()  # the tests tick by hand
    return feed


@pytest.fixture
def widget(qtbot: QtBot) -> QWidget:
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.show()
    return widget


def test_a_visible_listener_hears_only_what_changed(feed: RunFeed, widget: QWidget) -> None:
    run, listener = Run(), Listener()
    run.append([Scalar("loss/train", 0, 2.0), Scalar("epoch", 0, 0.0)])
    feed.subscribe(listener, widget)
    feed.set_run(run)
    feed.poll()
    assert listener.calls == [(run, frozenset({"loss/train", "epoch"}), None)]
    feed.poll()
    assert len(listener.calls) == 1
    run.append([Scalar("loss/train", 1, 1.0)])
    feed.poll()
    assert listener.calls[1:] == [(run, frozenset({"loss/train"}), None)]


def test_a_hidden_listener_costs_nothing_and_catches_up(feed: RunFeed, widget: QWidget) -> None:
    run, listener = Run(), Listener()
    feed.subscribe(listener, widget)
    feed.set_run(run)
    feed.poll()
    listener.calls.clear()
    widget.hide()
    for step in range(50):
        run.append([Scalar("loss/train", step, 1.0)])
        run.append([Scalar(f"gradient_norm/conv{step % 3}", step, 1.0)])
        feed.poll()
    assert listener.calls == []
    widget.show()
    feed.poll()
    names = {"loss/train", "gradient_norm/conv0", "gradient_norm/conv1", "gradient_norm/conv2"}
    assert listener.calls == [(run, frozenset(names), None)]


def test_another_run_and_another_step_tell_everything_again(feed: RunFeed, widget: QWidget) -> None:
    first, second, listener = Run(), Run(), Listener()
    first.append([Scalar("a", 3, 1.0)])
    second.append([Scalar("b", 3, 1.0)])
    feed.subscribe(listener, widget)
    feed.set_run(first)
    feed.poll()
    feed.set_step(2)
    feed.poll()
    feed.set_step(2)
    feed.poll()
    feed.set_run(second)
    feed.poll()
    assert listener.calls == [
        (first, frozenset({"a"}), None),
        (first, frozenset({"a"}), 2),
        (second, frozenset({"b"}), None),
    ]
    assert feed.live


def test_without_a_run_listeners_get_an_empty_one(feed: RunFeed, widget: QWidget) -> None:
    run, listener = Run(), Listener()
    run.append([Scalar("a", 3, 1.0)])
    feed.subscribe(listener, widget)
    feed.set_run(run)
    feed.poll()
    feed.set_run(None)
    feed.poll()
    empty, changed, step = listener.calls[-1]
    assert changed == frozenset() and step is None and list(empty.names()) == []
    assert empty.finished and empty.latest("a") is None


def test_one_broken_listener_blinds_no_other_and_is_reported_once(
    feed: RunFeed, widget: QWidget, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[str] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: reported.append(str(error)))
    run, listener = Run(), Listener()

    def broken(shown: Shown, changed: frozenset[str]) -> None:
        raise ValueError("planted")

    feed.subscribe(broken, widget)
    feed.subscribe(listener, widget)
    feed.set_run(run)
    for step in range(5):
        run.append([Scalar("a", step, 1.0)])
        feed.poll()
    assert reported == ["planted"]
    assert len(listener.calls) == 5


def test_slow_listeners_take_turns(feed: RunFeed, widget: QWidget) -> None:
    run = Run()
    called: list[int] = []

    def slow(number: int) -> object:
        def listen(shown: Shown, changed: frozenset[str]) -> None:
            called.append(number)
            time.sleep(0.003)

        return listen

    for number in range(4):
        feed.subscribe(slow(number), widget)
    feed.set_run(run)
    for step in range(8):
        run.append([Scalar("a", step, 1.0)])
        feed.poll(budget=0.001)
    assert called == [0, 1, 2, 3, 0, 1, 2, 3]


def test_subscriptions_end_with_close_widget_and_owner(feed: RunFeed, qtbot: QtBot, widget: QWidget) -> None:
    run = Run()
    kept, closed, owner = Listener(), Listener(), Listener()
    feed.subscribe(kept, widget)
    feed.subscribe(closed, widget).close()
    feed.subscribe(owner.take, widget)
    calls = owner.calls
    gone = QWidget()
    gone.show()
    lost = Listener()
    feed.subscribe(lost, gone)
    feed.set_run(run)
    del owner
    gone.deleteLater()
    QCoreApplication.sendPostedEvents(gone, QEvent.Type.DeferredDelete)
    run.append([Scalar("a", 0, 1.0)])
    feed.poll()
    assert len(kept.calls) == 1
    assert closed.calls == [] and calls == [] and lost.calls == []
    assert len(feed._subscriptions) == 1


def test_it_ticks_by_itself(qtbot: QtBot, widget: QWidget) -> None:
    feed, run, listener = RunFeed(), Run(), Listener()
    feed.subscribe(listener, widget)
    feed.set_run(run)
    qtbot.waitUntil(lambda: len(listener.calls) == 1)
    run.append([Scalar("a", 0, 1.0)])
    with qtbot.waitSignal(feed.ticked) as ticked:
        pass
    assert ticked.args == [frozenset({"a"})]
    qtbot.waitUntil(lambda: len(listener.calls) == 2)
    feed.stop()


class Times:
    """A clock, and the processor time of the thread, both moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.used = 100.0, 5.0
        monkeypatch.setattr(time, "thread_time", lambda: self.used)

    def pass_by(self, seconds: float, used: float) -> None:
        self.now += seconds
        self.used += used


def test_ticks_are_put_off_while_showing_takes_more_than_its_share(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = Times(monkeypatch)
    feed = RunFeed(clock=lambda: times.now)
    feed.stop()
    run = Run()
    run.state = "running"
    feed.set_run(run)
    times.pass_by(0.040, 0.008)  # a fifth of the time
    assert feed._rest() == 0
    times.pass_by(0.040, 0.024)  # twice the share
    assert feed._rest() == 40
    times.pass_by(0.040, 0.0)
    assert feed._rest() == 0, "the debt is paid"
    times.pass_by(1.0, 1.0)
    assert feed._rest() == 120, "never longer: it must still be seen to move"
    run.state = "paused"
    times.pass_by(0.040, 0.040)
    assert feed._rest() == 0, "nothing trains that would have to wait"


def test_other_runs_are_followed_beside_the_shown_one(feed: RunFeed, widget: QWidget) -> None:
    run, other, listener = Run(), Run(), Listener()
    run.append([Scalar("a", 1, 1.0)])
    other.append([Scalar("b", 1, 1.0)])
    feed.subscribe(listener, widget)
    feed.set_run(run)
    feed.set_others([other, run, other])
    assert feed.shown.others == (other,)  # never the run itself, nothing twice
    feed.poll()
    assert listener.calls == [(run, frozenset({"a", "b"}), None)]
    other.append([Scalar("b", 2, 1.0)])
    feed.poll()
    assert listener.calls[1:] == [(run, frozenset({"b"}), None)]
    feed.set_others([other])
    feed.poll()
    assert len(listener.calls) == 2
    feed.set_others([])
    feed.poll()
    assert listener.calls[2:] == [(run, frozenset({"a"}), None)]
    other.append([Scalar("b", 3, 1.0)])
    feed.poll()
    assert len(listener.calls) == 3


def test_a_step_beside_the_shown_one_goes_with_its_run_and_other_runs_stay(feed: RunFeed, widget: QWidget) -> None:
    run, other, told = Run(), Run(), []
    feed.shown_changed.connect(told.append)
    feed.set_run(run)
    feed.set_others([other])
    feed.set_step(3)
    feed.set_against(5)
    feed.set_against(5)
    assert feed.shown.steps == (3, 5) and len(told) == 4 and told[-1] is feed.shown
    kept = feed.shown
    feed.set_run(Run())
    assert feed.shown.steps == (None, None) and feed.shown.others == (other,)
    feed.show(kept)
    assert feed.shown is kept and feed.run is run and feed.current_step == 3


def test_another_run_is_told_with_its_step_also_where_the_number_is_the_same(feed: RunFeed) -> None:
    runs: list[object] = []
    steps: list[object] = []
    feed.run_changed.connect(runs.append)
    feed.step_changed.connect(steps.append)
    first, second = Run(), Run()
    feed.set_run(first)
    feed.set_run(second)
    feed.set_step(4)
    feed.set_others([first])
    assert runs == [first, second] and steps == [None, None, 4]


def test_beside_a_front_that_draws_by_itself_it_ticks_less_often_and_at_rest_as_ever(
    qtbot: QtBot, widget: QWidget
) -> None:
    seconds = iter(range(0, 10**6, 100))
    feed = RunFeed(clock=lambda: float(next(seconds)))  # so much time passes that no work is owed
    run, listener = Run(), Listener()
    feed.set_run(run)
    run.state = "running"
    assert feed._rest() == 0
    feed.set_calm(True)
    assert feed.calm and feed._rest() == CALM_INTERVAL
    # Who was left out of a tick does not wait for the next one; nor does anybody once it rests.
    feed.subscribe(listener, widget)
    feed.subscribe(listener.take, widget)
    feed.poll(budget=0.0)
    assert len(listener.calls) == 1 and feed._rest() == 0
    feed.poll(budget=math.inf)
    assert len(listener.calls) == 2 and feed._rest() == CALM_INTERVAL
    run.state = "paused"
    run.append([Scalar("a", 1, 1.0)])
    assert feed._rest() == 0
    feed._timer.start(CALM_INTERVAL)
    feed.soon()
    assert feed._timer.interval() == 0
    feed.stop()
    feed.soon()
    assert not feed._timer.isActive()
    # A page that covers the window is what is looked at then.
    run.state = "running"
    feed.set_front(widget)
    assert not feed.calm and feed._rest() == 0
