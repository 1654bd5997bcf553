"""Locks beside folders of the caches: who holds one works there, in whatever process."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock

#: Seconds between two looks at whether somebody who waits for another nnviz still wants to.
_LOOK_EVERY = 0.2


@contextlib.contextmanager
def locked(folder: Path, wait: Callable[[], None]) -> Iterator[None]:
    """One nnviz at a time works in a folder.

    Args:
        folder: Which one.
        wait: Called now and then while another one does; what it raises ends the waiting.
    """
    lock = lock_of(folder)
    held = False
    while not held:
        held = _taken(lock, _LOOK_EVERY)
        wait()
    try:
        yield
    finally:
        _let_go(lock)


def lock_of(folder: Path) -> BaseFileLock:
    """The lock beside a folder of the caches: who holds it works there."""
    from filelock import FileLock  # noqa: PLC0415 - takes 50 ms to import, and most data never need it

    return FileLock(folder.with_name(f"{folder.name}.lock"), thread_local=False)


def _taken(lock: BaseFileLock, seconds: float) -> bool:
    from filelock import Timeout  # noqa: PLC0415 - as above

    try:
        lock.acquire(timeout=seconds, poll_interval=0.05)
    except Timeout:
        return False
    except NotImplementedError:
        return True  # this disk knows no locks
    return True


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


def _let_go(lock: BaseFileLock) -> None:
    with contextlib.suppress(OSError):
        lock.release()
