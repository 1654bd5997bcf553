"""Opens files that a person or another file named, so that nothing that lies there can make the program wait.

A path may lead to anything: to a named pipe or a terminal, where opening or reading waits until somebody writes; to a
tape, which winds; to a socket or a folder. Here only a regular file is opened, and every other outcome is an OSError
whose text can stand in a sentence: also for a name that no file can have, for which Python itself raises ValueError.
"""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

#: Flags that not every system has: no waiting for the other end, no terminal that takes over, bytes as they are.
_CAREFUL = sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY", "O_NOINHERIT"))
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class NotRegularError(OSError):
    """What lies there is no regular file; the text says what it is.

    Attributes:
        kind: ``a folder``, ``a named pipe``, ``a socket``, ``a device`` or ``something else``.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(f"it is {kind}, not a file")
        self.kind = kind


def open_regular(path: Path | str) -> io.BufferedReader:
    """Opens a regular file for reading bytes, and nothing else; never waits.

    Links are followed, as everywhere. What the path leads to is looked at before it is opened (opening alone can wake
    a device) and again when it is open (it may have been changed in between). From any thread.

    Raises:
        NotRegularError: It is a folder, a pipe, a socket or a device.
        OSError: It is missing or cannot be read, or no file can have this name.
    """
    return os.fdopen(_descriptor(path, os.O_RDONLY), "rb")


def open_regular_to_write(path: Path | str, *, append: bool = False) -> io.BufferedWriter:
    """Opens a regular file for writing bytes, made where there is none; never waits for somebody to read.

    Args:
        path: Where.
        append: Write behind what is there, rather than in its place.

    Raises:
        NotRegularError: A folder, a pipe, a socket or a device lies there.
        OSError: It cannot be written, or no file can have this name.
    """
    descriptor = _descriptor(path, os.O_WRONLY | os.O_CREAT | (os.O_APPEND if append else 0))
    if not append:
        os.ftruncate(descriptor, 0)  # only now is it known to be a file
    return os.fdopen(descriptor, "ab" if append else "wb")


def read_regular(path: Path | str, most: int) -> bytes:
    """The content of a regular file, no more than its first ``most`` bytes.

    Raises:
        OSError: As :func:`open_regular`.
    """
    with open_regular(path) as file:
        return file.read(most)


def is_regular(path: Path | str) -> bool:
    """Whether a path leads to a regular file; whatever is wrong with it, the answer is no."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116 - also for names that Path does not take
    except (OSError, ValueError):
        return False


def identity(path: Path) -> tuple[int, int] | None:
    """Which file lies at a path, whatever it is called: its disk and its number there; None where none can be seen."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _descriptor(path: Path | str, flags: int) -> int:
    try:
        try:
            check_regular(os.stat(path).st_mode)  # noqa: PTH116 - the twin of fstat below
        except FileNotFoundError:
            if not flags & os.O_CREAT:
                raise
        descriptor = os.open(path, flags | _CAREFUL, 0o666)
    except ValueError:  # a null character, or half of a surrogate pair
        raise OSError("no file can have this name") from None
    try:
        check_regular(os.fstat(descriptor).st_mode)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def check_regular(mode: int) -> None:
    """Refuses the mode, as ``os.stat`` gives it, of whatever is no regular file.

    Raises:
        NotRegularError: It is a folder, a pipe, a socket or a device.
    """
    if not stat.S_ISREG(mode):
        kind = next((name for test, name in _KINDS if test(mode)), "something else")
        raise NotRegularError(kind)
