"""Unsaved work in the user's state folder: one file a window, offered again when the window is gone.

A file has two parts: a line of JSON that says what it is, and the project exactly as a saved file would hold it, so
that a person can also get at it with a text editor. Whoever offers the work holds the lock of the window that left it,
so that two windows never offer the same.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

import msgspec

from nnviz.errors import NnvizError, ProjectError, StorageError
from nnviz.project.files import io
from nnviz.project.files.atomic import write_atomically
from nnviz.project.files.safe_json import LARGEST_FILE, parse_json
from nnviz.project.model import Project
from nnviz.project.safety.open_files import forget
from nnviz.project.safety.window_lock import WindowLock, claim, is_token, tokens

VERSION = 1
#: Work that is read and offered at once; older files wait for the next start.
MOST_OFFERED = 20
_SUFFIX = f".recovery{io.SUFFIX}"
_LONGEST_HEADER = 65_536


class Work(msgspec.Struct, frozen=True):
    """A project with unsaved changes.

    Attributes:
        project: As it is now.
        path: The file that it belongs to; None when it was never saved.
        fingerprint: Of that file when it was opened or saved last, see :mod:`nnviz.project.safety.disk_state`.
    """

    project: Project
    path: Path | None = None
    fingerprint: str = ""


class _Header(msgspec.Struct):
    recovery: int
    name: str
    time: float
    path: str = ""
    fingerprint: str = ""


@dataclass(frozen=True)
class LeftWork:
    """Work of a window that is gone, claimed by this one until it is discarded or put back.

    Attributes:
        work: What was being worked on.
        time: When it was written, in seconds since 1970.
    """

    work: Work
    time: float
    _file: Path
    _claim: WindowLock

    @property
    def name(self) -> str:
        """Of the file that it belongs to, or of the project."""
        return self.work.path.name if self.work.path is not None else self.work.project.name or "untitled"

    def discard(self) -> None:
        """It is not wanted any more, or is kept elsewhere by now."""
        with contextlib.suppress(OSError):  # Then it is offered once more.
            self._file.unlink(missing_ok=True)
        self._claim.release()

    def put_back(self) -> None:
        """Keeps the work where it is, to be offered again at the next start."""
        self._claim.release()


@dataclass(frozen=True)
class Found:
    """Unsaved work of windows that ended without closing it.

    Attributes:
        work: What can be restored, the newest first.
        damaged: Why files could not be used, a sentence each; they are kept in :func:`aside_folder`.
    """

    work: tuple[LeftWork, ...] = ()
    damaged: tuple[str, ...] = ()


def recovery_folder(folder: Path) -> Path:
    """Where unsaved work is kept."""
    return folder / "recovery"


def aside_folder(folder: Path) -> Path:
    """Where files are put that could not be used."""
    return recovery_folder(folder) / "unreadable"


def recovery_file(folder: Path, token: str) -> Path:
    """The file of one window."""
    return recovery_folder(folder) / f"{token}{_SUFFIX}"


def write(work: Work, file: Path) -> None:
    """Writes the work, wholly or not at all.

    Raises:
        StorageError: It could not be written; what was kept before is untouched.
        ProjectError: It holds something that no file can.
    """
    header = {
        "recovery": VERSION,
        "name": work.project.name,
        "time": time.time(),
        "path": "" if work.path is None else quote_from_bytes(os.fsencode(work.path.absolute()), safe="/\\: "),
        "fingerprint": work.fingerprint,
    }
    data = json.dumps(header).encode() + b"\n" + io.dumps(work.project)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{file.parent} cannot be used: {(error.strerror or str(error)).lower()}.") from error
    write_atomically(data, file)


def read(file: Path) -> tuple[Work, float]:
    """The work in a file and when it was written.

    Raises:
        ProjectError: The file cannot be used; the sentence names it.
    """
    try:
        if not file.is_file() or file.is_symlink():
            raise ProjectError("This is no file.", file=str(file))
        with file.open("rb") as opened:
            data = opened.read(LARGEST_FILE + _LONGEST_HEADER + 1)
    except OSError as error:
        raise ProjectError(f"This file cannot be read: {error.strerror or error}.", file=str(file)) from None
    line, _, project = data.partition(b"\n")
    try:
        header = _header(line)
    except ProjectError as error:
        raise error.at(file=str(file)) from None
    path = Path(os.fsdecode(unquote_to_bytes(header.path))) if header.path else None
    return Work(io.loads(project, str(file)), path, header.fingerprint), header.time


def _header(line: bytes) -> _Header:
    if len(line) > _LONGEST_HEADER:
        raise ProjectError("This is not unsaved work of nnviz: its first line is too long.")
    raw = parse_json(line)
    version = raw.get("recovery") if isinstance(raw, dict) else None
    if isinstance(version, int) and version > VERSION:
        raise ProjectError("This was kept by a newer nnviz: update nnviz to restore it.")
    try:
        header = msgspec.convert(raw, _Header)
    except msgspec.ValidationError:
        raise ProjectError("This is not unsaved work of nnviz.") from None
    if header.recovery != VERSION or not 0 <= header.time < 1e11:
        raise ProjectError("This is not unsaved work of nnviz.")
    if header.path and (b"\0" in unquote_to_bytes(header.path) or not Path(header.path).is_absolute()):
        raise ProjectError("This is not the path of a file.", field="path")
    return header


def find(folder: Path) -> Found:
    """Claims and reads what windows that are gone have left, and clears away their traces; never work of a live one."""
    found: list[LeftWork] = []
    damaged: list[str] = []
    files = list(_files(folder))
    for token, file in files[:MOST_OFFERED]:
        lock = claim(folder, token)
        if lock is None:
            continue
        forget(folder, token)
        if not file.exists():  # Another window has dealt with it in the meantime.
            lock.release()
            continue
        try:
            work, when = read(file)
        except (NnvizError, OSError, ValueError) as error:
            damaged.append(str(error))
            _put_aside(file, aside_folder(folder))
            lock.release()
        else:
            found.append(LeftWork(work, when, file, lock))
    _clear(folder, {token for token, _ in files})
    found.sort(key=lambda left: left.time, reverse=True)
    return Found(tuple(found), tuple(damaged))


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """The tokens and files of kept work, the newest first."""
    try:
        paths = [path for path in recovery_folder(folder).iterdir() if path.name.endswith(_SUFFIX)]
    except OSError:
        return
    for path in sorted(paths, key=_written_at, reverse=True):
        token = path.name.removesuffix(_SUFFIX)
        if is_token(token):
            yield token, path


def _written_at(path: Path) -> float:
    """When a file was written; 0 where another window has taken it away since it was listed."""
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0


def _put_aside(file: Path, folder: Path) -> None:
    with contextlib.suppress(OSError):  # Then its sentence is said at the next start as well.
        folder.mkdir(parents=True, exist_ok=True)
        file.replace(folder / file.name)


def _clear(folder: Path, kept: set[str]) -> None:
    """Removes the locks of windows that are gone and left nothing."""
    for token in tokens(folder):
        if token not in kept:
            lock = claim(folder, token)
            if lock is not None:
                lock.release()
