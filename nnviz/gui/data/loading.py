"""The loading of all examples, as its thread and the page know it."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, Signal

#: Seconds between two words on how far the loading is.
_BETWEEN = 0.1


class Loading(QObject):
    """The loading under way: its thread tells how far it is and asks whether it is wanted.

    Signals:
        progressed: What is read, how many of it, and of how many; on the thread that loads.
    """

    progressed = Signal(str, int, int)

    def __init__(self) -> None:
        super().__init__()
        self.cancelled = False
        self._next = 0.0

    def tell(self, what: str, done: int, total: int) -> None:
        """How far it is, ten times a second at most."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _BETWEEN
            self.progressed.emit(what, done, total)
