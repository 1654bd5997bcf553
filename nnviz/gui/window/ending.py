"""Signals that ask the program to end reach the window although Qt's event loop, and not Python, is waiting."""

from __future__ import annotations

import contextlib
import signal
import socket
from contextlib import ExitStack

from PySide6.QtCore import QObject, QSocketNotifier, Signal

from nnviz.interruption import handled_by


class EndingWatch(QObject):
    """Tells on the GUI thread that the program was asked to end; made on the main thread.

    Python answers a signal only when it runs; a byte in a socket wakes Qt's loop, which then runs Python.
    """

    asked = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reader, self._writer = socket.socketpair()
        for end in (self._reader, self._writer):
            end.setblocking(False)
        self._notifier = QSocketNotifier(self._reader.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._drain)
        self._before = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._stack = ExitStack()
        self._stack.enter_context(handled_by(lambda _number, _frame: self.asked.emit()))

    def close(self) -> None:
        """Puts everything back that was there before."""
        self._notifier.setEnabled(False)
        self._stack.close()
        signal.set_wakeup_fd(self._before)
        self._reader.close()
        self._writer.close()

    def _drain(self) -> None:
        with contextlib.suppress(OSError):
            self._reader.recv(4096)
