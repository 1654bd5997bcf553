"""One writer a run file: whoever writes one holds a lock beside it for as long as that takes.

The system takes the lock away from a process that ends, however it ends, so a lock that can be taken means that nobody
writes the file, also when its empty lock file was left behind by a ``kill -9``.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from nnviz.errors import StorageError
from nnviz.record.places import RUN_SUFFIX

if TYPE_CHECKING:
    from filelock import BaseFileLock

_log = logging.getLogger(__name__)
#: What a disk says that knows no locks.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, getattr(errno, "EOPNOTSUPP", errno.ENOSYS))
#: How often to try again where the lock file was just then removed by whoever held it before.
_ATTEMPTS = 20


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
        from filelock import FileLock, Timeout  # noqa: PLC0415 - takes 50 ms to import, which reading can do without

        path = run.with_name(f".{run.name}.lock")
        for _ in range(_ATTEMPTS):
            before = _identity(path, make=True)
            lock = FileLock(path, thread_local=False)
            try:
                lock.acquire(blocking=False)
            except Timeout:
                raise RunFileBusy(
                    f"{run} is being written by another nnviz: wait for it, or name another file."
                ) from None
            except (OSError, NotImplementedError) as error:
                if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
                    raise
                _log.warning("%s: this disk knows no locks (%s)", path, error)
                return cls(path, None)
            # Whoever held it removes the file: what was locked must be the file that others will find here.
            if before is not None and before == _identity(path):
                return cls(path, lock)
            lock.release()
        raise RunFileBusy(f"{run} is being written by another nnviz: wait for it, or name another file.")

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


def clear_locks(folder: Path) -> None:
    """Take away the lock files in a folder that killed writers have left; those of living ones stay."""
    with contextlib.suppress(OSError):
        for path in folder.glob(f".*{RUN_SUFFIX}.lock"):
            with contextlib.suppress(OSError, RunFileBusy):
                RunLock.take(path.with_name(path.name.removeprefix(".").removesuffix(".lock"))).release()


def _identity(path: Path, *, make: bool = False) -> tuple[int, int] | None:
    if make:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644))
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # an empty file that stays does no harm
        path.unlink()
