"""Requests from other threads, carried out by the owner of the network between two batches."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from nnviz.errors import NnvizError

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class _Command:
    """One request, with where its answer goes."""

    do: Callable[[], Any]
    future: Future[Any]
    quiet: bool
    settled: bool


class CommandQueue:
    """A queue of callables with answers. Any thread puts; only the owner runs and waits.

    Args:
        refused: Called, on the owner's thread, with a sentence for the user when a command could not be carried out.
        unsettled: Called on the owner's thread: whether the owner is on its way to somewhere, so that what waits for
            rest is left for later.
    """

    def __init__(
        self,
        refused: Callable[[NnvizError], None] | None = None,
        unsettled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._commands: deque[_Command] = deque()
        #: What was left for later, in the order in which it was asked; moved by the owner.
        self._later: deque[_Command] = deque()
        self._unsettled = unsettled
        self._changed = threading.Condition()
        self._closed: BaseException | None = None
        self._refused = refused

    @property
    def pending(self) -> bool:
        """Whether anything can be done; costs next to nothing, so it can be asked after every batch."""
        return bool(self._commands) or (bool(self._later) and not self._unsettled())

    def put(self, command: Callable[[], _Result], *, quiet: bool = False, settled: bool = False) -> Future[_Result]:
        """Asks for something; the answer, or the error, comes with the future.

        Args:
            command: Called on the owner's thread.
            quiet: Whoever asks looks at the future; neither a refusal nor a fault is reported beside it.
            settled: It is carried out while the owner is where it is to be, not on the way there.
        """
        future: Future[_Result] = Future()
        with self._changed:
            if self._closed is None:
                self._commands.append(_Command(command, future, quiet, settled))
                self._changed.notify()
                return future
            reason = self._closed
        future.set_exception(reason)
        return future

    def run(self) -> None:
        """Carries out all that waits, in order, but for what is left for later. A command that fails fails alone."""
        if self._later and not self._unsettled():
            with self._changed:
                self._commands.extendleft(reversed(self._later))
                self._later.clear()
        while self._commands:
            command = self._commands.popleft()
            future, quiet = command.future, command.quiet
            if command.settled and self._unsettled():
                self._later.append(command)
                continue
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = command.do()
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
            waiting = [*self._later, *self._commands]
            self._later.clear()
            self._commands.clear()
        for command in waiting:
            if command.future.set_running_or_notify_cancel():
                command.future.set_exception(reason)
