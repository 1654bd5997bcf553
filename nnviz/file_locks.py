"""Locks on files that several processes look at: one way to take one.

The system takes a lock away from a process that ends, however it ends, so one that can be taken is nobody's, also where
its empty file was left behind.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from nnviz.regular_files import identity

if TYPE_CHECKING:
    from filelock import BaseFileLock

#: What a disk says that knows no locks.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, getattr(errno, "EOPNOTSUPP", errno.ENOSYS))
#: How often to try again where the file was just then removed by whoever held it before.
_ATTEMPTS = 20


def take_lock(path: Path) -> BaseFileLock | None:
    """Takes the lock of a file, which is made where there is none; does not wait. Any thread may release it.

    Whoever releases one may remove the file before: what is taken here is the lock of the file that others find there.

    Returns:
        The lock; None where somebody else holds it. Where the disk knows no locks it is none that ``is_locked``.

    Raises:
        OSError: The file cannot be made or opened.
    """
    from filelock import FileLock  # noqa: PLC0415 - takes 50 ms to import, and most of a session never needs it

    for _ in range(_ATTEMPTS):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644))
        before = identity(path)
        lock = FileLock(path, thread_local=False)
        if not _acquired(lock):
            return None
        if not lock.is_locked or (before is not None and before == identity(path)):
            return lock
        lock.release()
    return None


def _acquired(lock: BaseFileLock) -> bool:
    from filelock import Timeout  # noqa: PLC0415 - as above

    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    except NotImplementedError:
        return True
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True
