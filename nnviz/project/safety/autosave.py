"""Writes unsaved work behind the person who works: soon after a change, and again and again while changes go on."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from nnviz.errors import NnvizError
from nnviz.project.safety import recovery
from nnviz.project.safety.recovery import Work
from nnviz.project.safety.window_lock import WindowLock

_log = logging.getLogger(__name__)
#: Seconds from a change to its writing, so that the moves of one drag are written once.
PAUSE = 0.4
#: Seconds from one writing to the next while changes go on.
INTERVAL = 1.0
#: Seconds after which what failed is tried again.
RETRY = 2.0


class Autosave:
    """Keeps the recovery file of one window in line with its document, on a thread of its own.

    All methods return at once, but for :meth:`close`; call them on one thread.

    Args:
        lock: Of the window; taken by the thread before the first file is written.
        on_written: Called, on the autosave's thread, each time the work stands on the disk.
        on_trouble: Called there with a sentence when writing begins to fail; it is tried again all the same.
        on_cured: Called there when writing works again.
    """

    def __init__(
        self,
        lock: WindowLock,
        on_written: Callable[[Work], object] | None = None,
        on_trouble: Callable[[str], object] | None = None,
        on_cured: Callable[[], object] | None = None,
    ) -> None:
        self._lock = lock
        self._file = recovery.recovery_file(lock.folder, lock.token)
        self._on_written = on_written
        self._on_trouble = on_trouble
        self._on_cured = on_cured
        self._condition = threading.Condition()
        self._work: Work | None = None
        self._changed = False
        self._due = 0.0
        self._written_at = float("-inf")
        self._closing = False
        self._keep = False
        self._troubled = False
        self._thread: threading.Thread | None = None

    def note(self, work: Work | None) -> None:
        """The work as it is now; None when there is nothing unsaved, so that nothing need be kept."""
        with self._condition:
            if self._closing or (work is None and self._work is None):
                return
            now = time.monotonic()
            if work is None:
                self._due = now
            elif not self._changed or self._work is None:
                self._due = max(now + PAUSE, self._written_at + INTERVAL)
            self._work = work
            self._changed = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="nnviz-autosave", daemon=True)
                self._thread.start()
            self._condition.notify()

    def close(self, *, keep: bool = False, patience: float = 3.0) -> None:
        """Ends the thread and the window's claim.

        Args:
            keep: Whether unsaved work stays for the next start; otherwise it was saved or is not wanted.
            patience: Seconds to wait for the disk.
        """
        with self._condition:
            self._closing = True
            self._keep = keep
            thread = self._thread
            self._condition.notify()
        if thread is not None:
            thread.join(patience)
        self._lock.release()

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._closing and not self._is_due():
                    self._condition.wait(self._due - time.monotonic() if self._changed else None)
                closing = self._closing
                work = self._work if self._keep or not closing else None
                if closing and self._keep and not self._changed:
                    return
                self._changed = False
            done = self._put(work)
            if closing:
                return
            if not done:
                with self._condition:
                    self._changed = True
                    self._due = time.monotonic() + RETRY

    def _is_due(self) -> bool:
        return self._changed and time.monotonic() >= self._due

    def _put(self, work: Work | None) -> bool:
        """Writes the work, or removes the file; False when that failed."""
        self._written_at = time.monotonic()
        try:
            if work is None:
                self._file.unlink(missing_ok=True)
            else:
                self._lock.hold()  # Its token is random: nobody else holds it for longer than a glimpse.
                recovery.write(work, self._file)
        except (NnvizError, OSError) as error:
            self._tell_trouble(str(error))
            return False
        except Exception:  # noqa: BLE001 - the thread must live on: the next state of the project may be one that can be written
            _log.exception("Unsaved work could not be kept.")
            self._tell_trouble("Something went wrong; the log has the details.")
            return False
        if self._troubled:
            self._troubled = False
            if self._on_cured is not None:
                self._on_cured()
        if work is not None and self._on_written is not None:
            self._on_written(work)
        return True

    def _tell_trouble(self, reason: str) -> None:
        if not self._troubled:
            self._troubled = True
            if self._on_trouble is not None:
                self._on_trouble(reason)
