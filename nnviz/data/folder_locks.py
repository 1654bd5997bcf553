"""Locks of the folders of the caches: who works in one, and who reads what lies in it, in whatever process.

The system takes a lock away from a process that ends, however it ends: one that can be had is nobody's, also where its
empty file was left behind.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock

#: Seconds between two looks at whether somebody who waits for another nnviz still wants to.
_LOOK_EVERY = 0.2
#: What a disk says that knows no locks.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, getattr(errno, "EOPNOTSUPP", errno.ENOSYS))
#: Who reads a folder has a file in it that is called so and holds its lock: several can, each with one of its own.
_USED = "used-*.lock"
#: How often to try again where somebody who clears up has just then taken the file.
_ATTEMPTS = 5


@contextlib.contextmanager
def locked(folder: Path, wait: Callable[[], None], *, leave: bool = True) -> Iterator[None]:
    """One nnviz at a time works in a folder.

    Args:
        folder: Which one.
        wait: Called now and then while another one does; what it raises ends the waiting.
        leave: The empty file of the lock stays behind.
    """
    lock = lock_of(folder)
    while not (_taken(lock, _LOOK_EVERY) if leave else _taken_there(lock)):
        wait()
    try:
        yield
    finally:
        if leave:
            _let_go(lock)
        else:
            _end_use(Path(lock.lock_file), lock)


def lock_of(folder: Path) -> BaseFileLock:
    """The lock beside a folder of the caches: who holds it works there."""
    return _lock_at(folder.with_name(f"{folder.name}.lock"))


def _lock_at(path: Path) -> BaseFileLock:
    from filelock import FileLock  # noqa: PLC0415 - takes 50 ms to import, and most data never need it

    return FileLock(path, thread_local=False)


def _taken(lock: BaseFileLock, seconds: float) -> bool:
    from filelock import Timeout  # noqa: PLC0415 - as above

    try:
        lock.acquire(timeout=seconds, poll_interval=0.05)
    except Timeout:
        return False
    except NotImplementedError:
        return True  # this disk knows no locks
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True


def _taken_there(lock: BaseFileLock) -> bool:
    """As :func:`_taken`, of a lock whose file goes with who has it: what was taken is what others will find there."""
    path = Path(lock.lock_file)
    end = time.monotonic() + _LOOK_EVERY
    while True:
        before = _identity(path, make=True)
        if _taken(lock, 0.0):
            if not lock.is_locked or (before is not None and before == _identity(path)):
                return True
            _let_go(lock)
        if time.monotonic() >= end:
            return False
        time.sleep(0.05)


def _identity(path: Path, *, make: bool = False) -> tuple[int, int] | None:
    if make:
        with contextlib.suppress(OSError):  # whoever takes it is told
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644))
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def is_held(held: contextlib.ExitStack, folder: Path) -> bool:
    """Whether the lock of a folder can be had; it is, then, until ``held`` ends."""
    lock = lock_of(folder)
    try:
        if not _taken(lock, 0.0):
            return False
    except OSError:  # somebody else's
        return False
    held.callback(_let_go, lock)
    return True


def begin_use(folder: Path) -> Callable[[], None]:
    """Says to every nnviz that a folder is in use.

    Returns:
        Ends that; so does the end of the process, however it ends. Nothing is said where the disk can only be read or
        knows no locks. For any thread.
    """
    for _ in range(_ATTEMPTS):
        path = folder / _USED.replace("*", secrets.token_hex(8))
        lock = _lock_at(path)
        try:
            if not _taken(lock, 0.0):
                continue
        except OSError:
            break
        if path.exists():
            return lambda: _end_use(path, lock)
        _let_go(lock)
    return lambda: None


def is_used(folder: Path) -> bool:
    """Whether any nnviz uses a folder, this one too; what killed ones left behind is cleared away."""
    try:
        marks = list(folder.glob(_USED))
    except OSError:
        return False
    for path in marks:
        lock = _lock_at(path)
        try:
            if not _taken(lock, 0.0):
                return True
        except OSError:  # somebody else's
            return True
        _end_use(path, lock)
    return False


def _end_use(path: Path, lock: BaseFileLock) -> None:
    """First the file, so that nobody takes one that goes; on Windows, which deletes none that is open, last."""
    with contextlib.suppress(OSError):
        path.unlink()
    _let_go(lock)
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _let_go(lock: BaseFileLock) -> None:
    with contextlib.suppress(OSError):
        lock.release()
