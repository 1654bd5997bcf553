"""Locks of the folders of the caches: who works in one, and who reads what lies in it, in whatever process.

The system takes a lock away from a process that ends, however it ends: one that can be had is nobody's, also where its
empty file was left behind.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nnviz.file_locks import take_lock

if TYPE_CHECKING:
    from filelock import BaseFileLock

#: Seconds between two looks at whether somebody who waits for another nnviz still wants to.
_LOOK_EVERY = 0.2
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
    path = lock_path(folder)
    while (lock := _taken_soon(path)) is None:
        wait()
    try:
        yield
    finally:
        if leave:
            _let_go(lock)
        else:
            _end_use(path, lock)


def lock_path(folder: Path) -> Path:
    """The file beside a folder of the caches whose lock is that of the folder: who holds it works there."""
    return folder.with_name(f"{folder.name}.lock")


def _taken_soon(path: Path) -> BaseFileLock | None:
    """A lock that may be somebody else's for a moment; None where it is for longer."""
    end = time.monotonic() + _LOOK_EVERY
    while (lock := take_lock(path)) is None and time.monotonic() < end:
        time.sleep(0.05)
    return lock


def is_held(held: contextlib.ExitStack, folder: Path) -> bool:
    """Whether the lock of a folder can be had; it is, then, until ``held`` ends."""
    try:
        lock = take_lock(lock_path(folder))
    except OSError:  # somebody else's
        return False
    if lock is None:
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
        try:
            lock = take_lock(path)
        except OSError:
            break
        if lock is not None:
            return partial(_end_use, path, lock)
    return lambda: None


def is_used(folder: Path) -> bool:
    """Whether any nnviz uses a folder, this one too; what killed ones left behind is cleared away."""
    try:
        marks = list(folder.glob(_USED))
    except OSError:
        return False
    for path in marks:
        try:
            lock = take_lock(path)
        except OSError:  # somebody else's
            return True
        if lock is None:
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
