"""Keeps examples on the disk as rows, so that a set larger than the memory is made once and then read in parts.

Each set has a folder of its own below the user's folder for caches, named after what it was made of and how. In it lie

* ``rows``: an array [n, *each] as it would lie in memory, each row at its own place,
* ``progress``: for each piece of it what became of it and its checksum, so that an import that was broken off, by
  whatever, goes on with what was left: a piece counts only if its checksum says that it is there. A picture is a piece;
  of small rows many are one,
* ``whole.json``: written last, in one step, after the rows have come to the disk. Without it nothing is ever read but
  to go on with the import; while one goes on with a set that was whole, it lies aside as ``leaving.json``,
* ``findings.json``: what was found out by reading all rows, see :mod:`nnviz.data.findings`.

Whatever gives examples in pieces is a user of this: pictures (``images.py``), and blocks of rows (``row_blocks.py``).

What lies there is bytes and numbers: nothing is executed, and what does not fit together is made anew. It may be
deleted at any time.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np
from numpy.typing import DTypeLike, NDArray

from nnviz import user_folders
from nnviz.data.findings import Findings
from nnviz.data.folder_locks import begin_use, is_used, locked
from nnviz.data.remembered import forget_all
from nnviz.data.room_for_rows import ASIDE, leave_some, make_room, was_used
from nnviz.data.stored_rows import StoredRows
from nnviz.errors import DataError, StorageError
from nnviz.project.checks.memory import bytes_text
from nnviz.project.files.atomic import reason_of, write_atomically
from nnviz.regular_files import is_regular, open_regular, read_regular

#: Another way to keep or to decode them is another version, and the old ones are not read.
_VERSION = 2
#: Bytes of pieces, and pieces, that are gathered before they are written: so many are lost where the process is killed.
_TOGETHER, _ROWS_TOGETHER = 4 << 20, 128
#: Pieces whose checksums are looked at when a whole set is opened, evenly taken.
_LOOKED_AT = 64
#: Bytes of the file that says that a set is whole: it names what was left out.
_LONGEST_HEADER = 512 << 20

_NOTHING, _DECODED, _DEEP = 0, 1, 2
_RECORD = np.dtype([("state", "u1"), ("checksum", "<u4")])
_Pair = tuple[float, float]
_NONE: Mapping[int, str] = {}


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is known of a whole set.

    Attributes:
        version: Of this kind of folder.
        shape: Of all rows.
        dtype: Of their numbers, as numpy writes it.
        changed: When the rows were written last, in nanoseconds: another time is another content.
        left_out: Which pictures could not be read, ascending, and why not.
        passing: Which of these could not be reached, whatever they hold.
        whole_levels, real_levels: What became black and white of pictures with more than 8 bits.
    """

    version: int
    shape: tuple[int, ...]
    dtype: str
    changed: int
    left_out: tuple[tuple[int, str], ...] = ()
    whole_levels: _Pair | None = None
    real_levels: _Pair | None = None
    passing: tuple[int, ...] = ()

    @property
    def numbers(self) -> NDArray[np.int64]:
        """Which files could be read, ascending."""
        read = np.ones(self.shape[0], bool)
        read[[number for number, _ in self.left_out]] = False
        return np.flatnonzero(read)


def root() -> Path:
    """The folder below which all sets lie; it may not exist yet."""
    return user_folders.cache_folder() / "streamed"


def findings_of(what: str, state: str) -> Findings:
    """What is known of ``what`` beside all sets, before its rows are there; forgotten with another ``state``."""
    name = hashlib.sha256(what.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    path = root() / f"{name}.json"
    with contextlib.suppress(OSError):
        os.utime(path)  # it is used, and goes with the sets that are not
    return Findings(path, state)


class StoredSet:
    """One set of rows, whole or begun. Of one thread.

    Args:
        key: Says which examples, in which state of their files, and how they are made; for the same text the same rows.
        shape: Of all rows.
        dtype: Of their numbers.
        together: So many rows are a piece, the last one may be shorter.
        what: What a row is called, in the plural.
        cure: What makes the set smaller, as half a sentence.
    """

    def __init__(
        self,
        key: str,
        shape: tuple[int, ...],
        dtype: DTypeLike = np.uint8,
        together: int = 1,
        what: str = "pictures",
        cure: str = "choose a smaller size",
    ) -> None:
        self._dtype = np.dtype(dtype)
        text = f"{_VERSION} {shape} {self._dtype.str} {together} {key}"
        name = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        self.folder = root() / name
        self._shape = shape
        self._row = int(np.prod(shape[1:], dtype=np.int64)) * self._dtype.itemsize
        #: Pieces, and the bytes of each but the last.
        self.pieces, self._size = -(-shape[0] // together), self._row * together
        self.together = together
        self.what, self.cure = what, cure
        self._rows, self._progress, self._whole = (self.folder / name for name in ("rows", "progress", "whole.json"))
        self._aside = self.folder / ASIDE

    @property
    def count(self) -> int:
        """Its rows."""
        return self._shape[0]

    @property
    def nbytes(self) -> int:
        """What the whole set takes on the disk."""
        return self._shape[0] * self._row

    def opened(self) -> tuple[Header, StoredRows] | None:
        """The set, all rows of it; None where it is not whole, or not what it was when it was finished.

        It is in use, for every nnviz, as long as somebody holds its rows.
        """
        # Said before it is looked at: who makes room takes the header away and then looks whether it is in use.
        end_use = begin_use(self.folder) if is_regular(self._whole) else lambda: None
        opened = self._opened(end_use)
        if opened is None:
            end_use()
        return opened

    def _opened(self, end_use: Callable[[], None]) -> tuple[Header, StoredRows] | None:
        try:
            header = msgspec.json.decode(read_regular(self._whole, _LONGEST_HEADER), type=Header)
            facts = self._rows.stat()
            if not is_regular(self._rows) or not self._fits(header, facts):
                return None
            known = Findings(self.folder / "findings.json", f"{self.folder.name} {header.changed}")
            found = StoredRows(self._rows, self._shape, None, self._dtype, known)
            records = self._records()
            pieces = header.numbers if header.left_out else np.arange(self.pieces)
            for piece in pieces[:: max(1, len(pieces) // _LOOKED_AT)].tolist():
                if self._checksum(found, piece) != records["checksum"][piece]:
                    return None
        except (OSError, ValueError, DataError, msgspec.MsgspecError):
            return None
        with contextlib.suppress(OSError):  # where it cannot be written, nobody deletes it either
            os.utime(self._whole)  # it was used
        was_used(self.folder)
        found.when_let_go(end_use)
        return header, found

    def _fits(self, header: Header, facts: os.stat_result) -> bool:
        numbers = [number for number, _ in header.left_out]
        ascending = all(one < other for one, other in pairwise(numbers))
        inside = not numbers or (numbers[0] >= 0 and numbers[-1] < self._shape[0] and self.together == 1)
        known = (header.version, header.shape, header.dtype, header.changed)
        same = known == (_VERSION, self._shape, self._dtype.str, facts.st_mtime_ns)
        return same and facts.st_size == self.nbytes and ascending and inside and set(header.passing) <= set(numbers)

    def _checksum(self, rows: StoredRows, piece: int) -> int:
        first = piece * self.together
        return zlib.crc32(rows[first : first + self.together].tobytes())

    def _records(self) -> NDArray[Any]:
        content = read_regular(self._progress, self.pieces * _RECORD.itemsize)
        records = np.zeros(self.pieces, _RECORD)
        known = np.frombuffer(content[: len(content) // _RECORD.itemsize * _RECORD.itemsize], _RECORD)
        records[: len(known)] = known
        return records

    def made(
        self,
        make: Callable[[Import], None],
        wait: Callable[[int], None],
        outdated: Callable[[Header], bool] = lambda header: False,
    ) -> tuple[Header, StoredRows]:
        """The set, all rows of it: opened where it is whole, else made, or gone on with where that was broken off.

        Args:
            make: Puts what is not done yet, and finishes.
            wait: As of :meth:`import_of`.
            outdated: Whether there is more to be had by now than when a set was made: then it is gone on with.

        Raises:
            StorageError: The disk has no room for it, or cannot be written.
            DataError: It was changed by another program while it was made.
        """
        if (opened := self.opened()) is not None and not outdated(opened[0]):
            return opened
        del opened  # it would count as in use
        try:
            with self.import_of(wait, outdated) as importing:
                if not importing.whole:
                    make(importing)
                opened = self.opened()  # before anybody else lets it go
        except StorageError:
            if (opened := self.opened()) is None:  # else it is as it was before it was to be gone on with
                raise
        if opened is None:
            raise DataError(
                f"The {self.what} in {self.folder} were changed while they were written: try again.", field="data"
            )
        return opened

    @contextlib.contextmanager
    def import_of(
        self, wait: Callable[[int], None], outdated: Callable[[Header], bool] = lambda header: False
    ) -> Iterator[Import]:
        """Begins or goes on with the import; one nnviz at a time.

        Args:
            wait: Told now and then while another nnviz imports the same examples, and while it is looked at what there
                is already, about how many pieces are there; what it raises ends the waiting.
            outdated: As of :meth:`made`.

        Raises:
            StorageError: The disk has no room for it, or cannot be written.
        """
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            with locked(self.folder, lambda: wait(self._about_there())):
                self.folder.mkdir(exist_ok=True)  # only now is nobody making room there
                if not self._whole.exists():
                    with contextlib.suppress(OSError):  # of one that was killed before it had changed anything
                        self._aside.replace(self._whole)
                before = self._header()
                # By another nnviz meanwhile; or it has to stay as it is, where no file that is open can be replaced.
                if before is not None and (not outdated(before) or (os.name == "nt" and self._is_used())):
                    yield Import(self, None, None, np.ones(self.pieces, bool))
                    return
                records = self._checked(wait)
                done = records["state"] == _DECODED
                needed = max(self.nbytes - int(done.sum()) * self._size, 0)
                make_room(self.folder, needed, self._taking(needed), self.cure)
                with self._not_whole(before):
                    self._leave_to_users(wait)
                    with (
                        _opened_to_change(self._rows) as rows,
                        _opened_to_change(self._progress) as progress,
                    ):
                        importing = Import(self, rows, progress, done)
                        try:
                            yield importing
                        except BaseException:  # also that it is to stop: what it was put is kept where that can be
                            with contextlib.suppress(OSError):
                                if before is None or self._is_changed(before):
                                    importing.flush()
                            raise
                        importing.flush()
        except OSError as error:
            raise _not_kept(self, error) from error

    def _header(self) -> Header | None:
        """What is known of the set where it is whole; nobody is then using it for that."""
        opened = self.opened()
        return None if opened is None else opened[0]

    def _is_changed(self, header: Header) -> bool:
        return self._rows.stat().st_mtime_ns != header.changed

    def _is_used(self) -> bool:
        """Whether anybody really uses it, rather than only remembers it."""
        if not is_used(self.folder):
            return False
        forget_all()
        return is_used(self.folder)

    @contextlib.contextmanager
    def _not_whole(self, before: Header | None) -> Iterator[None]:
        """Nobody takes it for a whole one meanwhile; where nothing was changed in the end, it is again what it was."""
        with contextlib.suppress(FileNotFoundError):
            self._whole.replace(self._aside)
        try:
            yield
        except BaseException:
            with contextlib.suppress(OSError):
                if before is not None and not self._is_changed(before):
                    self._aside.replace(self._whole)
            raise
        finally:
            with contextlib.suppress(OSError):
                self._aside.unlink(missing_ok=True)

    def _leave_to_users(self, wait: Callable[[int], None]) -> None:
        """Who uses the rows keeps them as they are: the import then goes on in a copy of them, in their place.

        Raises:
            OSError: The disk has no room for it, or cannot be written, or replaces no file that is open.
        """
        if not is_regular(self._rows) or self._rows.is_symlink() or not self._is_used():
            return
        copy = self.folder / "rows.part"
        try:
            with open_regular(self._rows) as source, _opened_to_change(copy) as target:
                facts = os.fstat(source.fileno())
                target.truncate(0)
                place = 0
                while content := source.read(_TOGETHER):
                    wait(place // self._size)
                    leave_some(self.folder, len(content))
                    _write(target, place, content)
                    place += len(content)
            os.utime(copy, ns=(facts.st_atime_ns, facts.st_mtime_ns))  # it is not another content yet
            copy.replace(self._rows)
        finally:
            with contextlib.suppress(OSError):
                copy.unlink(missing_ok=True)

    def _taking(self, needed: int) -> str:
        """What it takes, as the beginning of a sentence."""
        words = f"Streamed, {self.count:,} {self.what} take {bytes_text(self.nbytes)} on the disk"
        return words if needed == self.nbytes else f"{words}, {bytes_text(needed)} of it not there yet"

    def _about_there(self) -> int:
        """How many pieces another nnviz has brought here: most are in their order, so that the last one says it."""
        try:
            return min(self._progress.stat().st_size // _RECORD.itemsize, self.pieces)
        except OSError:
            return 0

    def _checked(self, wait: Callable[[int], None]) -> NDArray[Any]:
        """What is there already, by the checksums of its pieces: nothing where the rows cannot be read."""
        try:
            records = self._records()
            there = min(self._rows.stat().st_size // self._row, self._shape[0])
            records["state"][there // self.together + (there == self._shape[0] and there % self.together > 0) :] = (
                _NOTHING
            )
            # What pictures of more than 8 bits became depends on all of them: they are read again.
            records["state"][records["state"] != _DECODED] = _NOTHING
            if there:
                rows = StoredRows(self._rows, (there, *self._shape[1:]), dtype=self._dtype)
                for place, piece in enumerate(np.flatnonzero(records["state"]).tolist()):
                    if place % 256 == 0:
                        wait(place)
                    if self._checksum(rows, piece) != records["checksum"][piece]:
                        records["state"][piece] = _NOTHING
        except OSError:
            return np.zeros(self.pieces, _RECORD)
        return records

    def finish(
        self, left_out: Mapping[int, str], levels: tuple[_Pair | None, _Pair | None], passing: Iterable[int]
    ) -> None:
        """Says that the set is whole, once that is true whatever happens next.

        Raises:
            StorageError: It cannot be written.
        """
        changed = self._rows.stat().st_mtime_ns
        named = tuple(sorted(left_out.items()))
        header = Header(_VERSION, self._shape, self._dtype.str, changed, named, *levels, tuple(sorted(passing)))
        write_atomically(msgspec.json.encode(header), self._whole)


class Import:
    """Takes pieces as they are made, in any order; see :meth:`StoredSet.import_of`.

    Attributes:
        done: bool[pieces], which are there already.
        whole: There is nothing left to do.
    """

    def __init__(
        self, kept: StoredSet, rows: IO[bytes] | None, progress: IO[bytes] | None, done: NDArray[np.bool_]
    ) -> None:
        self._kept = kept
        self._files = None if rows is None or progress is None else (rows, progress)
        self._waiting: list[tuple[int, bytes, int]] = []
        self._bytes = 0
        self.done = done
        self.whole = self._files is None

    def put(self, piece: int, rows: NDArray[Any], *, deep: bool = False) -> None:
        """The rows of a piece: all of them; of a picture that is or is not of more than 8 bits.

        Raises:
            OSError: The disk is full, or cannot be written.
        """
        self._waiting.append((piece, rows.tobytes(), _DEEP if deep else _DECODED))
        self._bytes += rows.nbytes
        if self._bytes >= _TOGETHER or len(self._waiting) >= _ROWS_TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Writes what was put: first the pieces, then that they are there.

        Raises:
            OSError: The disk is full, or cannot be written.
        """
        if self._files is None:
            return
        waiting, self._waiting, size, self._bytes = self._waiting, [], self._bytes, 0
        rows, progress = self._files
        if waiting:
            leave_some(self._kept.folder, size)
        for first, run in _runs(waiting):
            _write(rows, first * self._kept._size, b"".join(content for _, content, _ in run))
        for first, run in _runs(waiting):
            records = np.array([(state, zlib.crc32(content)) for _, content, state in run], _RECORD)
            _write(progress, first * _RECORD.itemsize, records.tobytes())

    def finish(
        self,
        left_out: Mapping[int, str] = _NONE,
        levels: tuple[_Pair | None, _Pair | None] = (None, None),
        passing: Iterable[int] = (),
    ) -> None:
        """All that there is is put: the set is whole.

        Args:
            left_out: Which pictures cannot be read, and why not.
            levels: What became black and white of pictures with more than 8 bits: of whole and of real numbers.
            passing: Which of those left out could not be reached, whatever they hold.

        Raises:
            OSError: The disk is full, or cannot be written.
            StorageError: Likewise.
        """
        assert self._files is not None
        self.flush()
        sizes = self._kept.nbytes, self._kept.pieces * _RECORD.itemsize
        for file, size in zip(self._files, sizes, strict=True):
            file.truncate(size)  # pictures that are left out have a row of zeros
            os.fsync(file.fileno())
        self._kept.finish(left_out, levels, passing)


def _runs(waiting: list[tuple[int, bytes, int]]) -> Iterator[tuple[int, list[tuple[int, bytes, int]]]]:
    """Pieces that follow each other, with the number of the first."""
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


def _not_kept(kept: StoredSet, error: OSError) -> StorageError:
    return StorageError(
        f"The {kept.what} could not be kept in {kept.folder.parent}: {reason_of(error)}. All {kept.count:,} take "
        f"{bytes_text(kept.nbytes)} there; the next import goes on from where this one stopped."
    )
