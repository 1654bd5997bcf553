"""Which window has which file open: an entry a window and file in the user's state folder, never beside the file."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from nnviz.errors import NnvizError
from nnviz.project.files.atomic import write_atomically
from nnviz.project.safety.window_lock import WindowLock, is_alive, is_token

_MOST_BYTES = 100


@dataclass(frozen=True)
class OtherWindow:
    """A live window that has the same file open, and since when (seconds since 1970)."""

    token: str
    since: float


def open_folder(folder: Path) -> Path:
    """The folder in which windows write down the files that they have open."""
    return folder / "open"


def key_of(path: Path) -> str:
    """The same for every way to name one file: links are followed, and case is folded where the system folds it."""
    name = os.path.normcase(os.path.realpath(path))
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:32]


class OpenFile:
    """What one window has open; one thread at a time, and not the one that draws.

    Args:
        lock: Of the window.
    """

    def __init__(self, lock: WindowLock) -> None:
        self._lock = lock
        self._entry: Path | None = None

    def enter(self, path: Path | None) -> tuple[OtherWindow, ...]:
        """This window has this file open from now on, and none of before; the others that have it, the first one first.

        Where the folder cannot be written, nothing is noticed; that is no reason not to open a file.
        """
        entry = None
        if path is not None:
            entry = open_folder(self._lock.folder) / f"{key_of(path)}.{self._lock.token}"
        if entry != self._entry:
            self.leave()
        if entry is None:
            return ()
        if self._entry is None:
            with contextlib.suppress(NnvizError, OSError):
                self._lock.hold()
                entry.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(f"{time.time():.0f}".encode(), entry)
                self._entry = entry
        return self._others(entry)

    def leave(self) -> None:
        """Takes the window's entry away: it has no file open any more."""
        if self._entry is not None:
            with contextlib.suppress(OSError):
                self._entry.unlink()
            self._entry = None

    def _others(self, entry: Path) -> tuple[OtherWindow, ...]:
        found: list[OtherWindow] = []
        try:
            entries = list(entry.parent.glob(f"{entry.stem}.*"))
        except OSError:
            return ()
        for other in entries:
            token = other.suffix.removeprefix(".")
            if token == self._lock.token or not is_token(token):
                continue
            if is_alive(self._lock.folder, token):
                found.append(OtherWindow(token, _since(other)))
            else:
                with contextlib.suppress(OSError):
                    other.unlink()
        return tuple(sorted(found, key=lambda window: window.since))


def forget(folder: Path, token: str) -> None:
    """Removes what a window that is gone has left, so that whoever claims its work is not taken for that window."""
    with contextlib.suppress(OSError):
        for entry in open_folder(folder).glob(f"*.{token}"):
            entry.unlink()


def _since(entry: Path) -> float:
    try:
        with entry.open("rb") as file:
            since = float(file.read(_MOST_BYTES))
        return since if 0 <= since < 1e11 else entry.stat().st_mtime
    except (OSError, ValueError):
        return 0.0
