"""Being asked to end, from outside: Ctrl-C, ``kill``, a terminal that is closed; all end in order, with status 130."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

#: What a program that was interrupted returns.
STATUS = 130


def ending_signals() -> tuple[signal.Signals, ...]:
    """The signals that ask to end; not those that are ignored on purpose, as under ``nohup``."""
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    found = [signal.Signals[name] for name in names if hasattr(signal, name)]
    return tuple(one for one in found if one == signal.SIGINT or signal.getsignal(one) != signal.SIG_IGN)


@contextmanager
def handled_by(handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    """Within it, the signals that ask to end are this handler's; other threads than the main one change nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in ending_signals()}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old if old is not None else signal.SIG_DFL)


@contextmanager
def raised() -> Iterator[None]:
    """Within it, each of them raises KeyboardInterrupt, as Ctrl-C does by itself."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with handled_by(interrupt):
        yield
