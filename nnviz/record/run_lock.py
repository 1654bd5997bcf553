"""One writer a run file: whoever writes one holds a lock beside it for as long as that takes.

The system takes the lock away from a process that ends, however it ends, so a lock that can be taken means that nobody
writes the file, also when its empty lock file was left behind by a ``kill -9``.
"""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from nnviz.errors import StorageError
from nnviz.file_locks import take_lock
from nnviz.record.places import RUN_SUFFIX

if TYPE_CHECKING:
    from filelock import BaseFileLock

_log = logging.getLogger(__name__)


class RunFileBusy(StorageError):
    """Another writer has the file."""


class RunLock:
    """The lock of the run file at a path; use :meth:`take`. Any thread may release it."""

    def __init__(self, path: Path, lock: BaseFileLock | None) -> None:
        self._path = path
        self._lock = lock

    @classmethod
    def take(cls, run: Path) -> RunLock:
        """The lock for writing the run file at this path, which need not exist; its folder must.

        Raises:
            RunFileBusy: Somebody else has it.
            OSError: The folder cannot be written.
        """
        path = run.with_name(f".{run.name}.lock")
        lock = take_lock(path)
        if lock is None:
            raise RunFileBusy(f"{run} is being written by another nnviz: wait for it, or name another file.")
        if not lock.is_locked:
            _log.warning("%s: this disk knows no locks", path)
            return cls(path, None)
        return cls(path, lock)

    def release(self) -> None:
        """Give it back and take the lock file away. May be called twice."""
        lock, self._lock = self._lock, None
        if lock is None:
            return
        # On Windows a file that is open cannot be removed, elsewhere it must go before another process takes it.
        if os.name != "nt":
            _remove(self._path)
        with contextlib.suppress(OSError):
            lock.release()
        if os.name == "nt":
            _remove(self._path)


def is_written(path: Path) -> bool:
    """Whether somebody writes this run now."""
    if not path.with_name(f".{path.name}.lock").exists():
        return False
    try:
        RunLock.take(path).release()
    except RunFileBusy:
        return True
    except OSError:
        return False
    return False


def clear_locks(folder: Path) -> None:
    """Take away the lock files in a folder that killed writers have left; those of living ones stay."""
    with contextlib.suppress(OSError):
        for path in folder.glob(f".*{RUN_SUFFIX}.lock"):
            with contextlib.suppress(OSError, RunFileBusy):
                RunLock.take(path.with_name(path.name.removeprefix(".").removesuffix(".lock"))).release()


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # an empty file that stays does no harm
        path.unlink()
