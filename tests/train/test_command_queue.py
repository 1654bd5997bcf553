"""Requests are carried out in order, on the owner's thread, and every one is answered."""

from __future__ import annotations

import threading

import pytest

from nnviz.errors import Cancelled, NnvizError, TrainingError
from nnviz.train.commands import CommandQueue


def fail(error: Exception) -> None:
    raise error


def test_answers_come_in_order() -> None:
    queue, order = CommandQueue(), []
    futures = [queue.put(lambda n=n: order.append(n) or n * n) for n in range(5)]  # type: ignore[misc, func-returns-value]  # a default binds n
    assert queue.pending
    queue.run()
    assert order == [0, 1, 2, 3, 4]
    assert [future.result(0) for future in futures] == [0, 1, 4, 9, 16]
    assert not queue.pending


def test_a_refusal_goes_to_the_asker_and_is_reported_and_the_next_is_served() -> None:
    told: list[NnvizError] = []
    queue = CommandQueue(told.append)
    refused = queue.put(lambda: fail(TrainingError("no")))
    quiet = queue.put(lambda: fail(TrainingError("hush")), quiet=True)
    served = queue.put(lambda: "yes")
    queue.run()
    assert [str(error) for error in told] == ["no"]
    assert str(refused.exception(0)) == "no"
    assert str(quiet.exception(0)) == "hush"
    assert served.result(0) == "yes"


def test_a_fault_of_the_program_is_not_swallowed() -> None:
    queue = CommandQueue()
    future = queue.put(lambda: fail(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        queue.run()
    assert isinstance(future.exception(0), ZeroDivisionError)


def test_a_fault_in_a_quiet_question_is_the_askers_alone() -> None:
    queue = CommandQueue()
    future = queue.put(lambda: fail(ZeroDivisionError()), quiet=True)
    queue.run()
    assert isinstance(future.exception(0), ZeroDivisionError)


def test_a_cancelled_request_is_left_out() -> None:
    queue, done = CommandQueue(), []
    future = queue.put(lambda: done.append(1))
    assert future.cancel()
    queue.run()
    assert done == []


def test_the_owner_sleeps_until_something_is_asked() -> None:
    queue = CommandQueue()
    assert not queue.wait(0.01)
    timer = threading.Timer(0.02, lambda: queue.put(lambda: None))
    timer.start()
    assert queue.wait(10)
    timer.join()


def test_after_closing_everything_is_answered_with_the_reason() -> None:
    queue = CommandQueue()
    waiting = queue.put(lambda: 1)
    queue.close(Cancelled("closed"))
    later = queue.put(lambda: 2)
    assert str(waiting.exception(0)) == str(later.exception(0)) == "closed"
    queue.run()


def test_many_threads_may_ask() -> None:
    queue, counted = CommandQueue(), []
    threads = [
        threading.Thread(target=lambda: [queue.put(lambda: counted.append(1)) for _ in range(100)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads) or queue.pending:
        queue.run()
    assert len(counted) == 800
