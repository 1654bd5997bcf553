"""Whether a window is still alive, as the operating system knows it.

Each window holds a lock on a file of its own for as long as it lives. The system takes the lock away from a process
that ends, however it ends, so a window whose lock can be taken is gone; no process number is trusted, since numbers are
given out again.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from nnviz import user_folders
from nnviz.errors import StorageError

if TYPE_CHECKING:
    from filelock import BaseFileLock

_TOKEN = re.compile(r"[0-9]{1,10}-[0-9]{1,12}-[0-9a-f]{8}")
_LOCK_SUFFIX = ".lock"
#: Seconds; others hold the lock for an instant only, to see whether the window lives.
_PATIENCE = 1.0
_GLIMPSE = 0.1


def state_folder() -> Path:
    """Where the program keeps what outlives a window but is nobody's document; it may not exist yet."""
    return user_folders.state_folder()


def is_token(text: str) -> bool:
    """Whether this can be the token of a window."""
    return _TOKEN.fullmatch(text) is not None


class WindowLock:
    """The lock of one window; any thread.

    Args:
        folder: The state folder; the user's own by default.
        token: Of a window that is perhaps gone, to claim what it left; a new one by default: process, time and a random
            number.
    """

    def __init__(self, folder: Path | None = None, token: str = "") -> None:
        self.folder = state_folder() if folder is None else folder
        self.token = token or f"{os.getpid()}-{int(time.time())}-{secrets.token_hex(4)}"
        self._mutex = threading.Lock()
        self._lock: BaseFileLock | None = None

    @property
    def path(self) -> Path:
        """The locked file."""
        return windows_folder(self.folder) / f"{self.token}{_LOCK_SUFFIX}"

    def hold(self, patience: float = _PATIENCE) -> bool:
        """Takes the lock, if it is not held already; False when another process or window has it.

        Args:
            patience: Seconds to wait for it.

        Raises:
            StorageError: The folder cannot be written, or its disk knows no locks.
        """
        from filelock import FileLock, Timeout  # noqa: PLC0415 - takes 50 ms to import, which a start can do without

        with self._mutex:
            if self._lock is not None:
                return True
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                lock = FileLock(self.path, timeout=patience, thread_local=False)
                lock.acquire(poll_interval=0.01)
            except Timeout:
                return False
            except (OSError, NotImplementedError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                raise StorageError(f"{self.path.parent} cannot be used: {reason.lower()}.") from error
            self._lock = lock
            return True

    def release(self) -> None:
        """Gives the lock back and removes its file; without it the window counts as gone."""
        with self._mutex:
            if self._lock is None:
                return
            # On Windows a file that is open cannot be removed, elsewhere it must go before another window takes it.
            if os.name != "nt":
                _remove(self.path)
            with contextlib.suppress(OSError):
                self._lock.release()
            if os.name == "nt":
                _remove(self.path)
            self._lock = None


def is_alive(folder: Path, token: str) -> bool:
    """Whether the window with this token is there; also when that is not known, so that nothing is taken from it."""
    lock = WindowLock(folder, token)
    if not lock.path.exists():
        return False
    try:
        gone = lock.hold(_GLIMPSE)
    except StorageError:
        return True
    lock.release()
    return not gone


def claim(folder: Path, token: str) -> WindowLock | None:
    """The lock of a window that is gone, taken so that no other window claims what it left; None when it lives."""
    lock = WindowLock(folder, token)
    try:
        return lock if lock.hold(_GLIMPSE) else None
    except StorageError:
        return None


def windows_folder(folder: Path) -> Path:
    """The folder in which running windows hold their locks."""
    return folder / "windows"


def tokens(folder: Path) -> list[str]:
    """The tokens of all windows that have, or left, a lock."""
    try:
        names = [path.stem for path in windows_folder(folder).iterdir() if path.suffix == _LOCK_SUFFIX]
    except OSError:
        return []
    return [name for name in names if is_token(name)]


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # An empty file that stays does no harm.
        path.unlink()
