"""Jobs beside the GUI thread: in order within a lane, answered on it, harmless when nobody waits any more."""

from __future__ import annotations

import threading

import pytest
import shiboken6
from PySide6.QtCore import QThread
from pytestqt.qtbot import QtBot

from nnviz.gui.parts.background import Background, _Answer, _Job


def test_answers_come_on_the_gui_thread_in_the_order_of_their_lane(qtbot: QtBot) -> None:
    background = Background()
    here = QThread.currentThread()
    told: list[int] = []
    threads: list[QThread] = []

    def done(value: int) -> None:
        told.append(value)
        threads.append(QThread.currentThread())

    for value in range(20):
        background.start(lambda value=value: value, done, pytest.fail)
    assert background.busy
    qtbot.waitUntil(lambda: len(told) == 20)
    assert told == list(range(20))
    assert set(threads) == {here}
    assert not background.busy


def test_a_failure_is_handed_over(qtbot: QtBot) -> None:
    background = Background()
    told: list[BaseException] = []
    background.start(lambda: 1 // 0, pytest.fail, told.append)
    qtbot.waitUntil(lambda: bool(told))
    assert isinstance(told[0], ZeroDivisionError)


def test_a_job_that_outlives_its_window_tells_nobody(qtbot: QtBot, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(20):
        background = Background()
        begun, may_end = threading.Event(), threading.Event()
        told: list[object] = []

        def work(begun: threading.Event = begun, may_end: threading.Event = may_end) -> int:
            begun.set()
            may_end.wait(10)
            return 1

        background.start(work, told.append, told.append)
        assert begun.wait(10)
        ending = threading.Timer(0.005, may_end.set)
        ending.start()
        shiboken6.delete(background)  # Waits for the job, as Qt's pools do.
        ending.join()
        qtbot.wait(10)
        assert told == []
    assert not caplog.records, "nothing was lost"


def test_a_job_that_outlives_qt_says_nothing(qapp: object) -> None:
    """At the end of the program its objects may go before the job does; nobody waits for the answer any more."""
    answer = _Answer()
    job = _Job(lambda: 1, answer)
    shiboken6.delete(answer)
    job.run()
    assert not shiboken6.isValid(answer)


def test_answers_that_come_after_the_end_are_given_to_nobody_and_only_failures_are_logged(
    qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    """A window that is closed as soon as it is open: what it looked up at the start is answered too late."""
    background = Background()
    told: list[object] = []
    background.start(lambda: 1, told.append, told.append)
    assert background.close(10)
    assert not background.busy
    shiboken6.delete(background)
    qtbot.wait(10)
    assert told == [] and caplog.records == []
    background = Background()
    background.start(lambda: 1 // 0, told.append, told.append)
    assert background.close(10)
    qtbot.wait(10)
    assert told == []
    (record,) = caplog.records
    assert record.exc_info is not None and record.exc_info[0] is ZeroDivisionError
