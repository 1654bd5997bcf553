"""Many runs in a folder: what each one is, what the user calls it, copies, and a trash from which they come back.

Nothing about a run is ever removed unasked, and a run that is deleted only moves. What the user says about runs
(titles, tags, pins) stands in a small index beside them, never in their files. Every call reads or writes the disk: not
for the GUI thread.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import stat
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from nnviz.errors import StorageError
from nnviz.record import file_format as form
from nnviz.record.opening import BROKEN, checked_connection
from nnviz.record.places import COMPANIONS, RUN_SUFFIX, clear_companions, free_paths
from nnviz.record.run_file import is_damage
from nnviz.record.run_lock import RunLock
from nnviz.record.summary import Summary, fact, summary

_Result = TypeVar("_Result")

INDEX = "library.json"
TRASH = "trash"
_LARGEST_INDEX = 2**22


@dataclass(frozen=True)
class KeptRun:
    """A run's file in the folder, as the folder itself knows it."""

    path: Path
    modified: float
    size: int


class Label(msgspec.Struct, frozen=True):
    """What the user has written on a run: its name, its tags, whether it is pinned."""

    title: str = ""
    tags: tuple[str, ...] = ()
    pinned: bool = False


def kept_runs(folder: Path) -> tuple[KeptRun, ...]:
    """The run files of a folder, the newest first; what cannot be looked at, or is no file, is not among them."""
    found: list[KeptRun] = []
    with suppress(OSError):
        for path in folder.iterdir():
            if path.suffix.lower() != RUN_SUFFIX or path.name.startswith("."):
                continue
            with suppress(OSError):
                facts = path.stat()
                if stat.S_ISREG(facts.st_mode):
                    found.append(KeptRun(path, facts.st_mtime, facts.st_size))
    found.sort(key=lambda run: run.modified, reverse=True)
    return tuple(found)


def compare(first: Path, second: Path) -> list[tuple[str, object, object]]:
    """The settings in which two runs differ: path, value in the first, value in the second; None where there is none.

    Raises:
        RunFileError: One of them cannot be read.
    """
    one, other = (_flat("", _project(path)) for path in (first, second))
    return [
        (key, one.get(key), other.get(key))
        for key in sorted(one.keys() | other.keys())
        if one.get(key) != other.get(key)
    ]


def copy_run(source: Path, target: Path) -> None:
    """A consistent copy of a run's file, also while it grows; the target is replaced as a whole or not at all.

    Raises:
        StorageError: It could not be written.
    """
    if source.resolve() == target.resolve():
        return

    def write(beside: Path) -> None:
        address = f"{source.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as reader, closing(sqlite3.connect(beside)) as writer:
            reader.backup(writer)

    write_once(target, write)


def write_once(target: Path, write: Callable[[Path], _Result]) -> _Result:
    """Have a copy of a run written beside its place and put there as a whole. It has ended where it was taken.

    Args:
        target: Its place; what is there is replaced.
        write: Writes the file at the path that it is given.

    Returns:
        What ``write`` says of it.

    Raises:
        StorageError: It could not be written; what was there before is untouched.
    """
    beside = target.parent / f".{target.name[:100]}.{secrets.token_hex(8)}.tmp"
    try:
        lock = RunLock.take(target)  # a run that is just being written is not replaced
        try:
            result = write(beside)
            _end(beside)
            with beside.open("rb+") as file:
                os.fsync(file.fileno())
            beside.replace(target)
            # What an earlier run of this name left: beside another file it would be taken for part of that.
            clear_companions(target)
        finally:
            lock.release()
            with suppress(OSError):
                beside.unlink(missing_ok=True)
                clear_companions(beside)
    except sqlite3.Error as error:
        raise StorageError(f"{target} could not be saved: {error}. What was there before is untouched.") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StorageError(f"{target} could not be saved: {reason}. What was there before is untouched.") from error
    return result


def _end(copy: Path) -> None:
    """Nobody writes this file any further: whoever opens it must not wait for more. A damaged one stays as it is.

    Raises:
        sqlite3.Error: It could not be written, as on a full disk.
    """
    try:
        with suppress(msgspec.MsgspecError), closing(sqlite3.connect(copy)) as connection:
            row = connection.execute("SELECT value FROM facts WHERE name = 'state'").fetchone()
            state = None if row is None else msgspec.json.decode(row[0], type=dict[str, object])
            if state and not state.get("finished"):
                value = msgspec.json.encode({**state, "finished": True})
                connection.execute("UPDATE facts SET value = ? WHERE name = 'state'", (value,))
                connection.commit()
    except sqlite3.Error as error:
        if not is_damage(error):
            raise


class Library:
    """The runs of one folder, with what the user says about them.

    Args:
        folder: Need not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def runs(self) -> tuple[KeptRun, ...]:
        """Its run files, the newest first."""
        return kept_runs(self.folder)

    def labels(self) -> Mapping[str, Label]:
        """What the user says, by file name; nothing where the index cannot be read."""
        try:
            return self._read()
        except (OSError, msgspec.MsgspecError, RecursionError):
            return {}

    def _read(self) -> dict[str, Label]:
        with (self.folder / INDEX).open("rb") as file:
            return msgspec.json.decode(file.read(_LARGEST_INDEX), type=dict[str, Label])

    def _for_change(self) -> dict[str, Label]:
        """What the index holds; one that is damaged is put aside, so that nothing in it is lost for good."""
        try:
            return self._read()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise StorageError(f"{self.folder / INDEX} cannot be read: {error.strerror or error}.") from error
        except (msgspec.MsgspecError, RecursionError):
            with suppress(OSError):
                (self.folder / INDEX).rename(next(free_paths(self.folder / f"damaged {INDEX}")))
            return {}

    def label(self, path: Path, label: Label) -> None:
        """Keep what the user says about a run.

        Raises:
            StorageError: It could not be written.
        """
        self.label_all({path: label})

    def label_all(self, labels: Mapping[Path, Label]) -> None:
        """Keep what the user says about several runs at once.

        Raises:
            StorageError: It could not be written; then nothing of it is kept.
        """
        self._keep({**self._for_change(), **{path.name: label for path, label in labels.items()}})

    def unlabel(self, path: Path) -> None:
        """Forget what was said about a run that is not there any more.

        Raises:
            StorageError: It could not be written.
        """
        labels = self._for_change()
        if labels.pop(path.name, None) is not None:
            self._keep(labels)

    def delete(self, path: Path) -> Path:
        """Move a run into the trash; where it is now.

        Raises:
            RunFileBusy: It is being written.
            StorageError: It could not be moved.
        """
        return self._move(path, self.folder / TRASH)

    def restore(self, path: Path) -> Path:
        """Move a run out of the trash; where it is now.

        Raises:
            StorageError: It could not be moved.
        """
        return self._move(path, self.folder)

    def trashed(self) -> tuple[KeptRun, ...]:
        """The runs in the trash."""
        return kept_runs(self.folder / TRASH)

    def _move(self, path: Path, folder: Path) -> Path:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = RunLock.take(path)
            try:
                target = next(free_paths(folder / path.name))
                moved: list[tuple[Path, Path]] = []
                try:
                    for suffix in ("", *COMPANIONS):  # what SQLite left beside it belongs to it
                        there = Path(f"{path}{suffix}")
                        if not suffix or there.exists():
                            there.rename(f"{target}{suffix}")
                            moved.append((Path(f"{target}{suffix}"), there))
                except OSError:
                    for now, before in moved:
                        now.rename(before)
                    raise
            finally:
                lock.release()
        except OSError as error:
            raise StorageError(f"{path} could not be moved: {(error.strerror or str(error)).lower()}.") from error
        labels = self._for_change()
        if target.name != path.name and path.name in labels:
            self._keep({**labels, target.name: labels[path.name]})
        return target

    def _keep(self, labels: Mapping[str, Label]) -> None:
        target = self.folder / INDEX
        beside = self.folder / f".{INDEX}.{secrets.token_hex(8)}.tmp"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with beside.open("xb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(labels), indent=2))
                file.flush()
                os.fsync(file.fileno())
            beside.replace(target)
        except OSError as error:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            raise StorageError(f"{target} could not be saved: {(error.strerror or str(error)).lower()}.") from error


def _project(path: Path) -> Any:
    with checked_connection(path) as (connection, _file):
        try:
            return msgspec.json.decode(fact(connection, "project"))
        except (*BROKEN, msgspec.MsgspecError, RecursionError):
            raise form.damaged("its project") from None


def _flat(path: str, value: Any) -> dict[str, object]:
    """Every value by its path; items of a list that have an id by that, others by their number."""
    if isinstance(value, dict):
        items = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        named = all(isinstance(item, dict) and isinstance(item.get("id"), str) for item in value)
        items = [(item["id"] if named else str(at), item) for at, item in enumerate(value)]
    else:
        return {path: value}
    return {
        key: found for name, item in items for key, found in _flat(f"{path}.{name}" if path else name, item).items()
    }


__all__ = [
    "INDEX",
    "TRASH",
    "KeptRun",
    "Label",
    "Library",
    "Summary",
    "compare",
    "copy_run",
    "kept_runs",
    "summary",
    "write_once",
]
