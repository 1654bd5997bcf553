"""Keeps pictures decoded on the disk, so that a set larger than the memory is decoded once and then read in parts.

Each set has a folder of its own below the user's folder for caches, named after what was decoded and how. In it lie

* ``pixels``: uint8[n, channels, size, size], a row a file of the set, at its own place,
* ``progress``: for each of them what became of it and the checksum of its row, so that an import that was broken off,
  by whatever, goes on with what was left: a row counts only if its checksum says that it is there,
* ``whole.json``: written last, in one step, after the rows have come to the disk. Without it nothing is ever read but
  to go on with the import.

What lies there is bytes and numbers: nothing is executed, and what does not fit together is made anew. It may be
deleted at any time.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import zlib
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from nnviz import user_folders
from nnviz.data.stored_pictures import StoredPictures
from nnviz.errors import StorageError
from nnviz.project.files.atomic import reason_of, write_atomically
from nnviz.regular_files import is_regular, read_regular

if TYPE_CHECKING:
    from filelock import BaseFileLock

#: Another way to keep or to decode them is another version, and the old ones are not read.
_VERSION = 1
#: Bytes that all sets together may take; where more is wanted, those go that were not used for longest.
MOST_BYTES = 64 << 30
#: Bytes of the disk that are left to others.
_LEFT_FREE = 256 << 20
#: Bytes of rows, and rows, that are gathered before they are written: so many are lost where the process is killed.
_TOGETHER, _ROWS_TOGETHER = 4 << 20, 128
#: Rows whose checksums are looked at when a whole set is opened, evenly taken.
_LOOKED_AT = 64
#: Bytes of the file that says that a set is whole: it names what was left out.
_LONGEST_HEADER = 512 << 20
#: Seconds between two looks at whether somebody who waits for another nnviz still wants to.
_LOOK_EVERY = 0.2

_NOTHING, _DECODED, _DEEP = 0, 1, 2
_RECORD = np.dtype([("state", "u1"), ("checksum", "<u4")])
_Pair = tuple[float, float]


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of a whole set.

    Attributes:
        version: Of this kind of folder.
        shape: Of all rows.
        changed: When the rows were written last, in nanoseconds: another time is another content.
        left_out: Which files could not be read, ascending, and why not.
        whole_levels, real_levels: What became black and white of pictures with more than 8 bits.
    """

    version: int
    shape: tuple[int, int, int, int]
    changed: int
    left_out: tuple[tuple[int, str], ...] = ()
    whole_levels: _Pair | None = None
    real_levels: _Pair | None = None

    @property
    def numbers(self) -> NDArray[np.int64]:
        """Which files could be read, ascending."""
        read = np.ones(self.shape[0], bool)
        read[[number for number, _ in self.left_out]] = False
        return np.flatnonzero(read)


def root() -> Path:
    """The folder below which all sets lie; it may not exist yet."""
    return user_folders.cache_folder() / "pictures"


class StoredSet:
    """One set of decoded pictures, whole or begun. Of one thread.

    Args:
        key: Says which pictures, in which state of their files, and how they are decoded; for the same text the same
            pixels.
        shape: (files, channels, height, width).
    """

    def __init__(self, key: str, shape: tuple[int, int, int, int]) -> None:
        name = hashlib.sha256(f"{_VERSION} {shape} {key}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
        self.folder = root() / name
        self._shape = shape
        self._size = int(np.prod(shape[1:]))
        self._pixels, self._progress, self._whole = (
            self.folder / name for name in ("pixels", "progress", "whole.json")
        )

    @property
    def nbytes(self) -> int:
        """What the whole set takes on the disk."""
        return self._shape[0] * self._size

    def opened(self) -> tuple[Header, StoredPictures] | None:
        """The set, all rows of it; None where it is not whole, or not what it was when it was finished."""
        try:
            header = msgspec.json.decode(read_regular(self._whole, _LONGEST_HEADER), type=Header)
            facts = self._pixels.stat()
            if not is_regular(self._pixels) or not self._fits(header, facts):
                return None
            found = StoredPictures(self._pixels, self._shape)
            records = self._records()
            for number in header.numbers[:: max(1, len(header.numbers) // _LOOKED_AT)].tolist():
                if zlib.crc32(found[number].tobytes()) != records["checksum"][number]:
                    return None
            os.utime(self._whole)  # it was used
        except (OSError, ValueError, msgspec.MsgspecError):
            return None
        return header, found

    def _fits(self, header: Header, facts: os.stat_result) -> bool:
        numbers = [number for number, _ in header.left_out]
        ascending = all(one < other for one, other in pairwise(numbers))
        inside = not numbers or (numbers[0] >= 0 and numbers[-1] < self._shape[0])
        same = (header.version, header.shape, header.changed) == (_VERSION, self._shape, facts.st_mtime_ns)
        return same and facts.st_size == self.nbytes and ascending and inside

    def _records(self) -> NDArray[Any]:
        content = read_regular(self._progress, self._shape[0] * _RECORD.itemsize)
        records = np.zeros(self._shape[0], _RECORD)
        known = np.frombuffer(content[: len(content) // _RECORD.itemsize * _RECORD.itemsize], _RECORD)
        records[: len(known)] = known
        return records

    @contextlib.contextmanager
    def import_of(self, wait: Callable[[], None]) -> Iterator[Import]:
        """Begins or goes on with the import; one nnviz at a time.

        Args:
            wait: Called now and then while another nnviz imports the same pictures, and while it is looked at what
                there is already; what it raises ends the waiting.

        Raises:
            StorageError: The disk has no room for it, or cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with _locked(self.folder, wait):
                if self.opened() is not None:  # by another nnviz meanwhile
                    yield Import(self, None, None, np.ones(self._shape[0], bool))
                    return
                with contextlib.suppress(FileNotFoundError):
                    self._whole.unlink()
                records = self._checked(wait)
                done = records["state"] == _DECODED
                _make_room(self.folder, (self._shape[0] - int(done.sum())) * self._size, self._shape[0])
                with (
                    _opened_to_change(self._pixels) as pixels,
                    _opened_to_change(self._progress) as progress,
                ):
                    importing = Import(self, pixels, progress, done)
                    try:
                        yield importing
                    finally:
                        importing.flush()
        except OSError as error:
            raise _not_kept(self.folder, self._shape[0], self.nbytes, error) from error

    def _checked(self, wait: Callable[[], None]) -> NDArray[Any]:
        """What is there already, by the checksums of its rows."""
        records = np.zeros(self._shape[0], _RECORD)
        with contextlib.suppress(OSError):
            records = self._records()
            there = min(self._pixels.stat().st_size // self._size, self._shape[0])
            records["state"][there:] = _NOTHING
            # What pictures of more than 8 bits became depends on all of them: they are read again.
            records["state"][records["state"] != _DECODED] = _NOTHING
            if there:
                rows = StoredPictures(self._pixels, (there, *self._shape[1:]))
                for place, number in enumerate(np.flatnonzero(records["state"]).tolist()):
                    if place % 256 == 0:
                        wait()
                    if zlib.crc32(rows[number].tobytes()) != records["checksum"][number]:
                        records["state"][number] = _NOTHING
        return records

    def finish(self, left_out: dict[int, str], levels: tuple[_Pair | None, _Pair | None]) -> None:
        """Says that the set is whole, once that is true whatever happens next.

        Raises:
            StorageError: It cannot be written.
        """
        changed = self._pixels.stat().st_mtime_ns
        header = Header(_VERSION, self._shape, changed, tuple(sorted(left_out.items())), *levels)
        write_atomically(msgspec.json.encode(header), self._whole)


class Import:
    """Takes rows as they are decoded, in any order; see :meth:`StoredSet.import_of`.

    Attributes:
        done: bool[n], which rows are there already.
        whole: There is nothing left to do.
    """

    def __init__(
        self, kept: StoredSet, pixels: IO[bytes] | None, progress: IO[bytes] | None, done: NDArray[np.bool_]
    ) -> None:
        self._kept = kept
        self._files = None if pixels is None or progress is None else (pixels, progress)
        self._waiting: list[tuple[int, bytes, int]] = []
        self._bytes = 0
        self.done = done
        self.whole = self._files is None

    def put(self, number: int, pixels: NDArray[np.uint8], *, deep: bool = False) -> None:
        """A row, of a file that is or is not of more than 8 bits.

        Raises:
            OSError: The disk is full, or cannot be written.
        """
        self._waiting.append((number, pixels.tobytes(), _DEEP if deep else _DECODED))
        self._bytes += pixels.nbytes
        if self._bytes >= _TOGETHER or len(self._waiting) >= _ROWS_TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Writes what was put: first the rows, then that they are there.

        Raises:
            OSError: The disk is full, or cannot be written.
        """
        if self._files is None:
            return
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        pixels, progress = self._files
        for first, run in _runs(waiting):
            _write(pixels, first * self._kept._size, b"".join(content for _, content, _ in run))
        for first, run in _runs(waiting):
            records = np.array([(state, zlib.crc32(content)) for _, content, state in run], _RECORD)
            _write(progress, first * _RECORD.itemsize, records.tobytes())

    def finish(self, left_out: dict[int, str], levels: tuple[_Pair | None, _Pair | None]) -> None:
        """All that can be read is put: the set is whole.

        Args:
            left_out: Which files cannot be read, and why not.
            levels: What became black and white of pictures with more than 8 bits: of whole and of real numbers.

        Raises:
            OSError: The disk is full, or cannot be written.
            StorageError: Likewise.
        """
        assert self._files is not None
        self.flush()
        for file, size in zip(self._files, (self._kept._size, _RECORD.itemsize), strict=True):
            file.truncate(self._kept._shape[0] * size)  # files that are left out have a row of zeros
            os.fsync(file.fileno())
        self._kept.finish(left_out, levels)


def _runs(waiting: list[tuple[int, bytes, int]]) -> Iterator[tuple[int, list[tuple[int, bytes, int]]]]:
    """Rows that follow each other, with the number of the first."""
    begin = 0
    for end in range(1, len(waiting) + 1):
        if end == len(waiting) or waiting[end][0] != waiting[end - 1][0] + 1:
            yield waiting[begin][0], waiting[begin:end]
            begin = end


def _write(file: IO[bytes], place: int, content: bytes) -> None:
    file.seek(place)
    rest = memoryview(content)
    while rest:
        written = file.write(rest)  # on a full disk it may take a part only, without an error
        if written <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        rest = rest[written:]


@contextlib.contextmanager
def _opened_to_change(path: Path) -> Iterator[IO[bytes]]:
    """A file of this folder, made where there is none; never what a link or something else there leads to."""
    if path.is_symlink() or (path.exists() and not is_regular(path)):
        path.unlink()
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o600), "r+b", buffering=0) as file:
        yield file


@contextlib.contextmanager
def _locked(folder: Path, wait: Callable[[], None]) -> Iterator[None]:
    """One nnviz at a time works on a set."""
    lock = _lock(folder)
    held = False
    while not held:
        held = _taken(lock, _LOOK_EVERY)
        wait()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            lock.release()


def _lock(folder: Path) -> BaseFileLock:
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


def _make_room(folder: Path, needed: int, count: int) -> None:
    """Lets the sets go that were not used for longest, until this one has room.

    Raises:
        StorageError: It has none even then.
    """
    others = sorted((one for one in folder.parent.iterdir() if one.is_dir() and one != folder), key=_used)
    taken = {one: _bytes_in(one) for one in (*others, folder)}
    while sum(taken.values()) + needed > MOST_BYTES or _free(folder) < needed + _LEFT_FREE:
        if not others:
            break
        oldest = others.pop(0)
        lock = _lock(oldest)
        if _taken(lock, 0.0):  # else another nnviz is importing it
            try:
                shutil.rmtree(oldest, ignore_errors=True)
            finally:
                lock.release()
        taken[oldest] = _bytes_in(oldest)
    room = min(MOST_BYTES - sum(taken.values()), _free(folder) - _LEFT_FREE)
    if needed > room:
        raise StorageError(
            f"Decoded, {count:,} pictures take {needed / 1e9:,.2f} GB on the disk, but {folder.parent} has room for "
            f"{max(room, 0) / 1e9:,.2f} GB: choose a smaller size, or make room there."
        )


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _used(folder: Path) -> float:
    """When a set was used last: opened, or worked on."""
    found = 0.0
    for name in ("whole.json", "progress", "pixels"):
        with contextlib.suppress(OSError):
            found = max(found, (folder / name).stat().st_mtime)
    return found


def _bytes_in(folder: Path) -> int:
    found = 0
    with contextlib.suppress(OSError):
        for file in folder.iterdir():
            with contextlib.suppress(OSError):
                facts = file.lstat()
                found += min(facts.st_size, getattr(facts, "st_blocks", facts.st_size) * 512)
    return found


def _not_kept(folder: Path, count: int, nbytes: int, error: OSError) -> StorageError:
    return StorageError(
        f"The decoded pictures could not be kept in {folder.parent}: {reason_of(error)}. All {count:,} take "
        f"{nbytes / 1e9:,.2f} GB there; the next import goes on from where this one stopped."
    )
