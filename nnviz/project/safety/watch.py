"""Looks again and again at one open file: who else has it open, and what the disk holds by now.

A thread of its own looks, so that a disk that hangs holds up nobody; it asks no system for notifications, which network
drives and synchronised folders do not send.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nnviz.project.safety.disk_state import fingerprint
from nnviz.project.safety.open_files import OpenFile, OtherWindow
from nnviz.project.safety.window_lock import WindowLock

_log = logging.getLogger(__name__)
#: Seconds from one look to the next.
INTERVAL = 1.0


@dataclass(frozen=True)
class Seen:
    """What one look at a watched file on the disk has shown.

    Attributes:
        path: The file.
        others: Live windows that have it open as well, the first one first.
        fingerprint: Of what the disk holds, see :mod:`nnviz.project.safety.disk_state`.
    """

    path: Path
    others: tuple[OtherWindow, ...]
    fingerprint: str


class FileWatch:
    """Keeps a window's entry among the open files, and tells when something about its file is different.

    All methods return at once, but for :meth:`close`; call them on one thread.

    Args:
        lock: Of the window.
        on_seen: Called, on the watch's thread, with what was seen first and whenever that has changed.
        interval: Seconds from one look to the next.
    """

    def __init__(self, lock: WindowLock, on_seen: Callable[[Seen], object], interval: float = INTERVAL) -> None:
        self._open_file = OpenFile(lock)
        self._on_seen = on_seen
        self._interval = interval
        self._condition = threading.Condition()
        self._path: Path | None = None
        self._asked = False
        self._closing = False
        self._thread: threading.Thread | None = None

    def follow(self, path: Path | None) -> None:
        """Watch this file from now on, and none of before."""
        with self._condition:
            if self._closing or path == self._path:
                return
            self._path = path
            self._asked = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="nnviz-file-watch", daemon=True)
                self._thread.start()
            self._condition.notify()

    def close(self, patience: float = 3.0) -> None:
        """Ends the thread and removes the window's entry.

        Args:
            patience: Seconds to wait for the disk.
        """
        with self._condition:
            self._closing = True
            thread = self._thread
            self._condition.notify()
        if thread is not None:
            thread.join(patience)

    def _run(self) -> None:
        told: Seen | None = None
        stamp: tuple[int, ...] | None = None
        while True:
            with self._condition:
                if not self._asked and not self._closing:
                    self._condition.wait(self._interval if self._path is not None else None)
                closing, path = self._closing, self._path
                if self._asked:
                    told = stamp = None
                self._asked = False
            if closing:
                self._open_file.leave()
                return
            try:
                others = self._open_file.enter(path)
                if path is None:
                    continue
                now = _stamp(path)
                same = told is not None and now == stamp
                # A file that is being replaced may be missing for a moment: it is called gone the second time.
                if not same and not now and told is not None and stamp:
                    stamp = now
                    continue
                seen = Seen(path, others, told.fingerprint if told is not None and same and now else fingerprint(path))
            except Exception:  # noqa: BLE001 - the next look may show more, and the window needs none to work
                _log.exception("The open file could not be looked at.")
                continue
            stamp = now
            if seen != told:
                told = seen
                self._on_seen(seen)


def _stamp(path: Path) -> tuple[int, ...]:
    """What is different after every way to write a file, without reading it; empty when there is none."""
    try:
        facts = path.stat()
    except (OSError, ValueError):
        return ()
    return facts.st_mtime_ns, facts.st_size, facts.st_ino
