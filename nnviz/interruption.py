"""Being asked to end, from outside: Ctrl-C, ``kill``, a terminal that is closed; all end in order, with status 130.

Who asks once is often heard twice: ``timeout`` sends the signal to the process and to its group, a terminal that is
closed sends one by itself and one by its shell. Such an echo is no second wish, which would break off in the middle.
"""

from __future__ import annotations

import atexit
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from nnviz.errors import Cancelled

#: What a program that was interrupted returns.
STATUS = 130
#: Seconds within which another signal is taken for an echo of the last one.
ECHO = 1.0


class _Ear:
    """What this process, to which signals come, has heard: when (seconds, ``monotonic``), and who listens."""

    heard = -math.inf
    listening = 0


def ending_signals() -> tuple[signal.Signals, ...]:
    """The signals that ask to end; not those that are ignored on purpose, as under ``nohup``."""
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    found = [signal.Signals[name] for name in names if hasattr(signal, name)]
    return tuple(one for one in found if one == signal.SIGINT or signal.getsignal(one) != signal.SIG_IGN)


@contextmanager
def handled_by(handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    """Within it, the signals that ask to end are this handler's, but for echoes.

    Other threads than the main one change nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def hear(number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if now - _Ear.heard >= ECHO:
            _Ear.heard = now
            handler(number, frame)

    if not _Ear.listening:
        _Ear.heard = -math.inf
    _Ear.listening += 1
    before = {number: signal.signal(number, hear) for number in ending_signals()}
    try:
        yield
    finally:
        _Ear.listening -= 1
        for number, old in before.items():
            signal.signal(number, old if old is not None else signal.SIG_DFL)


def end_with(status: int) -> None:
    """From here on a signal that nobody handles ends the process at once with this status, and not with one of its own.

    When the interpreter is taken down, the handlers of Python go first and a signal would kill it: it is ignored then.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    numbers = ending_signals()
    for number in numbers:
        signal.signal(number, lambda number, frame: os._exit(status))
    atexit.register(lambda: [signal.signal(number, signal.SIG_IGN) for number in numbers])


@contextmanager
def raised() -> Iterator[None]:
    """Within it, each of them raises KeyboardInterrupt, as Ctrl-C does by itself."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with handled_by(interrupt):
        yield


@contextmanager
def put_off(*, however_often: bool = False) -> Iterator[None]:
    """Within it, what was begun is brought to its end: the first signal waits for that, only a second breaks it off.

    One that came earlier in the same command, which is why the end is written, is the first.

    Args:
        however_often: Nor does a second: whoever sends them ends by force what takes too long.

    Raises:
        Cancelled: At the end, where there was a signal.
    """
    asked_before = _Ear.listening > 0 and _Ear.heard > -math.inf
    asked = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if (asked or asked_before) and not however_often:
            raise KeyboardInterrupt
        asked = True

    with handled_by(note):
        yield
    if asked:
        raise Cancelled("Interrupted while the end was written, which is kept.")
