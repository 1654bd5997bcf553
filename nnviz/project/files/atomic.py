"""Writes a whole file or leaves the old one as it was; nothing in between, also on a full disk or a power cut."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path

from nnviz.errors import StorageError

_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your share of the disk is full",
    errno.EFBIG: "the file would be larger than is allowed here",
    errno.EACCES: "there is no permission to write there",
    errno.EPERM: "there is no permission to write there",
    errno.EROFS: "that disk can only be read",
    errno.ENOENT: "there is no such folder",
    errno.ENOTDIR: "there is no such folder",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ELOOP: "the links there lead in a circle",
    errno.EIO: "the disk reports an error",
}


def write_atomically(data: bytes, path: Path) -> None:
    """Puts the bytes into a file, in one step as seen by everybody else.

    They are written to a new file in the same folder and forced to the disk, which then takes the place of the old one.
    A link is followed, so what it points at is replaced; permission bits of an old file are kept.

    Raises:
        StorageError: It could not be written. The old file is untouched and nothing is left beside it.
    """
    try:
        target = Path(os.path.realpath(path))
        mode = _mode_of_old(target, path)
        beside = _write_beside(data, target, mode)
        try:
            os.replace(beside, target)  # noqa: PTH105 - one system call is meant
        except BaseException:
            _remove(beside)
            raise
        _settle_folder(target.parent)
    except OSError as error:
        raise StorageError(
            f"{path} could not be saved: {reason_of(error)}. What was there before is untouched."
        ) from error
    except ValueError as error:  # A NUL or half a character in the name.
        raise StorageError(f"{str(path)!r} could not be saved: that is no file name.") from error


def reason_of(error: OSError) -> str:
    """Why a file could not be written, in words that follow a colon."""
    return _REASONS.get(error.errno or 0) or (error.strerror or str(error)).lower()


def _mode_of_old(target: Path, path: Path) -> int | None:
    """Permission bits of the file that is there; None when there is none."""
    try:
        old = target.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(old.st_mode):
        raise StorageError(f"{path} could not be saved: it is a folder.")
    if not stat.S_ISREG(old.st_mode):
        raise StorageError(f"{path} could not be saved: it is a device or a pipe, not a file.")
    if not os.access(target, os.W_OK):
        raise StorageError(f"{path} could not be saved: it is write-protected. It is untouched.")
    return stat.S_IMODE(old.st_mode)


def _write_beside(data: bytes, target: Path, mode: int | None) -> Path:
    beside = target.parent / f".{target.name[:40]}.{secrets.token_hex(8)}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    file = os.open(beside, flags, 0o666)
    try:
        try:
            if mode is not None and hasattr(os, "fchmod"):
                os.fchmod(file, mode)
            rest = memoryview(data)
            while rest:
                written = os.write(file, rest)  # On a full disk it may take a part only, without an error.
                if written <= 0:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                rest = rest[written:]
            os.fsync(file)
        finally:
            os.close(file)
        if beside.stat().st_size != len(data):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
    except BaseException:  # An interruption too leaves nothing behind.
        _remove(beside)
        raise
    return beside


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # The first error is the one to report.
        path.unlink()


def _settle_folder(folder: Path) -> None:
    """Forces the new name to the disk as well; where that is not supported, the file is whole all the same."""
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
