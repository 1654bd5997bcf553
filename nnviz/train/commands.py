"""Requests from other threads, carried out by the owner of the network between two batches."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from nnviz.errors import NnvizError

_Result = TypeVar("_Result")


class CommandQueue:
    """A queue of callables with answers. Any thread puts; only the owner runs and waits.

    Args:
        refused: Called, on the owner's thread, with a sentence for the user when a command could not be carried out.
    """

    def __init__(self, refused: Callable[[NnvizError], None] | None = None) -> None:
        self._commands: deque[tuple[Callable[[], Any], Future[Any], bool]] = deque()
        self._changed = threading.Condition()
        self._closed: BaseException | None = None
        self._refused = refused

    @property
    def pending(self) -> bool:
        """Whether anything waits; costs next to nothing, so it can be asked after every batch."""
        return bool(self._commands)

    def put(self, command: Callable[[], _Result], *, quiet: bool = False) -> Future[_Result]:
        """Asks for something; the answer, or the error, comes with the future.

        Args:
            command: Called on the owner's thread.
            quiet: Whoever asks looks at the future; neither a refusal nor a fault is reported beside it.
        """
        future: Future[_Result] = Future()
        with self._changed:
            if self._closed is None:
                self._commands.append((command, future, quiet))
                self._changed.notify()
                return future
            reason = self._closed
        future.set_exception(reason)
        return future

    def run(self) -> None:
        """Carries out all that waits, in order. A command that fails fails alone."""
        while self._commands:
            command, future, quiet = self._commands.popleft()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = command()
            except NnvizError as error:
                future.set_exception(error)
                if self._refused is not None and not quiet:
                    self._refused(error)
            except Exception as error:
                future.set_exception(error)
                if not quiet:
                    raise  # A fault of the program: the owner's thread reports it.
            else:
                future.set_result(result)

    def wait(self, timeout: float | None = None) -> bool:
        """Sleeps until something waits; False when the time is over first."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self._commands), timeout)

    def close(self, reason: BaseException) -> None:
        """Answers everything that waits, and all that comes later, with this error."""
        with self._changed:
            self._closed = reason
            waiting = list(self._commands)
            self._commands.clear()
        for _, future, _ in waiting:
            if future.set_running_or_notify_cancel():
                future.set_exception(reason)
