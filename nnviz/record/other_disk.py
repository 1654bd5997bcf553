"""A disk that takes nothing of a run for long: when the run goes on on another one, and where that is.

What waits in memory for a full disk is lost with the program, so a long training does not wait to its end.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from nnviz.record.places import runs_folder
from nnviz.record.run_file import is_full, is_locked

#: Failed tries in a row, and the seconds that they take at least, before the run goes elsewhere: what is full for a
#: moment heals by itself.
TRIES = 3
SECONDS = 9.0
#: Seconds until another place is looked for once more, where there was none, or it did not take the run either.
LOOK_AGAIN = 60.0
#: Bytes that are to be free there beyond what the run takes by now: it grows, and others want room, too.
LEFT_FREE = 2**26


class Trouble:
    """How long the disk of a run has taken nothing. Of one thread, the writer's.

    Attributes:
        full: Whether it said that it is full; a full disk has other answers, too, once the file was closed.
    """

    def __init__(self) -> None:
        self.full = False
        self._tries = 0
        self._look_at = 0.0

    def add(self, error: Exception) -> bool:
        """The disk has failed once more: whether it is time to go elsewhere."""
        if isinstance(error, sqlite3.Error) and is_locked(error):
            return False  # somebody has it open, and the disk is well
        self.full = self.full or is_full(error)
        now = time.monotonic()
        if not self._tries:
            self._look_at = now + SECONDS
        self._tries += 1
        return self._tries >= TRIES and now >= self._look_at

    def put_off(self) -> None:
        """There was no place: look again later."""
        self._look_at = time.monotonic() + LOOK_AGAIN

    def end(self) -> None:
        """The disk has taken something."""
        self.full, self._tries = False, 0


def folders(path: Path, needed: int) -> Iterator[Path]:
    """Folders on another disk than a file's that have room, the best first: where runs are kept, and for a while.

    Args:
        path: The file whose disk takes nothing.
        needed: Bytes of the run by now.
    """
    for folder in (runs_folder(), Path(tempfile.gettempdir())):
        with suppress(OSError):
            if device_of(folder) != device_of(path.parent) and free_bytes(folder) >= needed + LEFT_FREE:
                yield folder


def device_of(folder: Path) -> int:
    """The number of the disk that a folder lies on, or will lie on where it is not there yet.

    Raises:
        OSError: It cannot be asked.
    """
    return _existing(folder).stat().st_dev


def free_bytes(folder: Path) -> int:
    """What its disk has room for.

    Raises:
        OSError: It cannot be asked.
    """
    return shutil.disk_usage(_existing(folder)).free


def _existing(folder: Path) -> Path:
    return next((one for one in (folder, *folder.parents) if one.exists()), folder)
