"""Whatever is asked of a session in whatever order, from whichever thread: it ends, and everybody gets an answer."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TookTooLong
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from training_helpers import MLP, served, session_of
from waiting import wait_for

from nnviz.errors import Cancelled, NnvizError
from nnviz.train.session import SessionState, TrainingSession

#: Far more than any of it takes; a test that comes near has found a call that never returns.
LONG = 30.0

ASKED = ("play", "pause", "step", "step_back", "stop", "evaluate_test", "restore_best", "go_back", "set_epochs")


def ask(session: TrainingSession, what: str) -> Future[Any]:
    match what:
        case "go_back":
            return session.go_back(0)
        case "set_epochs":
            return session.set_epochs(2)
        case _:
            answer: Future[Any] = getattr(session, what)()
            return answer


def in_a_thread(work: Any) -> list[BaseException | None]:
    """Does it on a thread of its own, and fails where that takes for ever; what it raised."""
    ended: list[BaseException | None] = []

    def go() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test is told
            ended.append(error)
        else:
            ended.append(None)

    thread = threading.Thread(target=go, name="test-caller", daemon=True)
    thread.start()
    thread.join(LONG)
    assert ended, "it never returned"
    return ended


def answered(answers: list[Future[Any]]) -> None:
    for answer in answers:
        try:
            error = answer.exception(LONG)
        except TookTooLong:
            raise AssertionError("a question was never answered") from None
        assert error is None or isinstance(error, NnvizError), error


def test_training_after_a_stop_returns() -> None:
    session = session_of(MLP, epochs=50)
    stopped = session.stop()
    (error,) = in_a_thread(session.train)
    assert isinstance(error, Cancelled)
    assert stopped.result(LONG) is None
    assert session.state is SessionState.DONE


def test_training_while_somebody_stops_it_returns() -> None:
    session = session_of(MLP, epochs=100_000)
    stopper = threading.Thread(
        target=lambda: (wait_for(lambda: session.position.step > 20), session.stop()), name="test-stopper"
    )
    stopper.start()
    (error,) = in_a_thread(session.train)
    stopper.join(LONG)
    assert isinstance(error, Cancelled)


def test_a_session_lives_once() -> None:
    session = session_of(MLP, epochs=1)
    session.train()
    for again in range(2):
        (error,) = in_a_thread(session.train)
        assert isinstance(error, Cancelled), again
        assert in_a_thread(session.serve) == [None]
    assert session.state is SessionState.DONE


@settings(max_examples=60)
@given(
    before=st.lists(st.sampled_from((*ASKED, "close")), max_size=5),
    during=st.lists(st.sampled_from((*ASKED, "close")), max_size=5),
)
def test_train_returns_whatever_was_asked_before_and_is_asked_meanwhile(before: list[str], during: list[str]) -> None:
    session = session_of(MLP, epochs=3)
    answers = [answer for what in before if (answer := asked_or_closed(session, what)) is not None]
    started = threading.Event()

    def meddle() -> None:
        started.wait(LONG)
        for what in during:
            answer = asked_or_closed(session, what)
            if answer is not None:
                answers.append(answer)
        # A pause that nobody ends is the one thing that may last: whoever paused it closes it.
        session.close()

    meddler = threading.Thread(target=meddle, name="test-meddler", daemon=True)
    meddler.start()
    session.state_changed.connect(lambda state: started.set() if state is SessionState.RUNNING else None)
    (error,) = in_a_thread(session.train)
    started.set()
    meddler.join(LONG)
    assert not meddler.is_alive()
    assert error is None or isinstance(error, NnvizError), error
    assert session.state in (SessionState.DONE, SessionState.FAILED)
    assert session.state is not SessionState.FAILED, session.error
    answered(answers)
    assert session.run.finished


def asked_or_closed(session: TrainingSession, what: str) -> Future[Any] | None:
    if what == "close":
        session.close()
        return None
    return ask(session, what)


@settings(max_examples=40)
@given(asked=st.lists(st.sampled_from(ASKED), max_size=8), gone=st.sampled_from(["stop", "close"]))
def test_a_served_session_answers_everything(asked: list[str], gone: str) -> None:
    with served(session_of(MLP, epochs=3)) as session:
        answers = [ask(session, what) for what in asked]
        if gone == "stop":
            answers.append(session.stop())
        answered(answers)
    assert session.state is SessionState.DONE, session.error


@pytest.mark.parametrize("what", ASKED)
def test_what_is_asked_after_the_end_is_refused_at_once(what: str) -> None:
    session = session_of(MLP, epochs=1)
    session.train()
    error = ask(session, what).exception(LONG)
    assert isinstance(error, Cancelled)
