"""Examples that lie in a file of the disk, a row each: only those are read that are asked for. numpy only."""

from __future__ import annotations

import hashlib
import mmap
import os
import threading
import weakref
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from nnviz.data.findings import Findings
from nnviz.errors import DataError
from nnviz.regular_files import open_regular

#: What chooses among rows: one, a run of them, some by their numbers, or those where it is true.
Rows: TypeAlias = "int | np.integer[Any] | slice | NDArray[Any]"


class StoredRows:
    """An array [n, *each] in a file, and which of its rows are meant. For any thread.

    Asked for its shape or a part it is as an array; but parts are copies, and :meth:`only` chooses without reading
    anything. Rows are copied out of the mapped file where the system can do that: reading them one by one made an epoch
    an eighth longer, as each read gives the interpreter's lock away. A mapped file that somebody shortens takes the
    program with it, so its size is looked at before each copy. The system keeps in memory what it has room for, and
    takes it back when it wants.

    Args:
        path: The file, whole; it may be deleted meanwhile, but not be cut.
        shape: Of all rows in the file.
        numbers: int64[n], which of them are meant, in what order; None is all.
        dtype: Of their numbers.
        findings: What is known of them from other times; None of rows that nobody imported.

    Raises:
        OSError: It cannot be opened.
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, ...],
        numbers: NDArray[np.int64] | None = None,
        dtype: DTypeLike = np.uint8,
        findings: Findings | None = None,
    ) -> None:
        self._each = tuple(shape[1:])
        self._count = shape[0]
        self._numbers = numbers
        self.dtype = np.dtype(dtype)
        self._size = int(np.prod(self._each, dtype=np.int64)) * self.dtype.itemsize
        self._file = _File(path)
        self._mapped: NDArray[Any] | None = self._file.mapped(shape, self.dtype)
        self.findings = findings

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    @property
    def identity(self) -> str:
        """Says which rows of which state of the file are meant, in what order."""
        state = "" if self.findings is None else self.findings.state
        if self._numbers is None:
            return state
        return f"{state} {hashlib.sha256(np.ascontiguousarray(self._numbers).data).hexdigest()}"

    def __len__(self) -> int:
        return self._count if self._numbers is None else len(self._numbers)

    @property
    def shape(self) -> tuple[int, ...]:
        """As of an array."""
        return (len(self), *self._each)

    @property
    def ndim(self) -> int:
        """As of an array."""
        return 1 + len(self._each)

    @property
    def nbytes(self) -> int:
        """Bytes on the disk of those that are meant; memory they take none that is not free for others."""
        return len(self) * self._size

    def only(self, chosen: slice | NDArray[Any]) -> StoredRows:
        """Some of them, in that order; nothing is read."""
        found = object.__new__(StoredRows)
        found.__dict__.update(self.__dict__)
        found._numbers = (np.arange(len(self)) if self._numbers is None else self._numbers)[chosen]
        return found

    def __getitem__(self, chosen: Rows) -> NDArray[Any]:
        """One row, or several of them; copied.

        Raises:
            DataError: The file is shorter than it was, or cannot be read any more; it is named.
        """
        if isinstance(chosen, (int, np.integer)):
            number = range(len(self))[int(chosen)]
            row: NDArray[Any] = self._read(np.array([number if self._numbers is None else self._numbers[number]]))[0]
            return row
        if self._numbers is not None:
            return self._read(self._numbers[chosen])
        if isinstance(chosen, slice):
            first, last, step = chosen.indices(len(self))
            if step == 1:
                return self._read_run(first, max(last - first, 0))
        return self._read(np.arange(len(self))[chosen])

    def _read_run(self, first: int, count: int) -> NDArray[Any]:
        if self._mapped is not None and self._file.is_whole:
            return self._mapped[first : first + count].copy()
        found: NDArray[Any] = np.empty((count, *self._each), self.dtype)
        if found.size:
            self._file.read_into(first * self._size, _bytes_of(found))
        return found

    def _read(self, numbers: NDArray[np.int64]) -> NDArray[Any]:
        if self._mapped is not None and self._file.is_whole:
            taken: NDArray[Any] = np.take(self._mapped, numbers, axis=0)
            return taken
        found: NDArray[Any] = np.empty((len(numbers), *self._each), self.dtype)
        if not found.size:
            return found
        content = _bytes_of(found)
        # Rows that follow each other come at once.
        begins = np.concatenate([[0], np.flatnonzero(np.diff(numbers) != 1) + 1])
        places, starts = (numbers[begins] * self._size).tolist(), (begins * self._size).tolist()
        self._file.read_parts(places, starts, [*starts[1:], len(content)], content)
        return found


def _bytes_of(array: NDArray[Any]) -> memoryview:
    """The memory of an array, to be written to."""
    content: memoryview = array.reshape(-1).view(np.uint8).data
    return content


class _File:
    """An open file that several threads read at once, each at its own place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = open_regular(path).detach()  # what is read here is never read again from here
        self._lock = threading.Lock()
        self._number = self._file.fileno()
        self._whole = os.fstat(self._number).st_size
        weakref.finalize(self, self._file.close)

    def mapped(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any] | None:
        """The file as an array; None where it has less than that, or where a mapped file could not be deleted."""
        wanted = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        if not _AT_ONCE or not 0 < wanted <= self._whole:
            return None
        try:
            content = mmap.mmap(self._number, wanted, access=mmap.ACCESS_READ)
        except (OSError, ValueError):  # file systems that do not map; no address space left
            return None
        found: NDArray[Any] = np.frombuffer(content, dtype).reshape(shape)
        return found

    @property
    def is_whole(self) -> bool:
        """Whether the file is as long as when it was opened: what is cut is read, and then says so."""
        return os.fstat(self._number).st_size >= self._whole

    def read_into(self, place: int, content: memoryview) -> None:
        """Fills ``content`` from a place of the file on.

        Raises:
            DataError: The file ends before that, or cannot be read.
        """
        try:
            read = self._some(place, content)
            while read < len(content):
                more = self._some(place + read, content[read:])
                if not more:
                    raise self._broken("it was cut by another program")
                read += more
        except OSError as error:
            raise self._broken(error.strerror or str(error)) from None

    def read_parts(self, places: list[int], starts: list[int], ends: list[int], content: memoryview) -> None:
        """Fills each part of ``content``, from its start to its end, from its place of the file on.

        Raises:
            DataError: As :meth:`read_into`.
        """
        if not _AT_ONCE:
            for place, start, end in zip(places, starts, ends, strict=True):
                self.read_into(place, content[start:end])
            return
        read, number = os.preadv, self._number
        try:
            for place, start, end in zip(places, starts, ends, strict=True):  # a row each: every call counts
                if read(number, (content[start:end],), place) != end - start:
                    self.read_into(place, content[start:end])
        except OSError as error:
            raise self._broken(error.strerror or str(error)) from None

    def _some(self, place: int, content: memoryview) -> int:
        if _AT_ONCE:
            return os.preadv(self._number, [content], place)
        with self._lock:  # one place for all threads, where the system knows no other way
            self._file.seek(place)
            return int(self._file.readinto(content))

    def _broken(self, reason: str) -> DataError:
        return DataError(
            f"The examples cannot be read from the disk any more: {reason}. Start again: they are then brought there "
            "anew.",
            file=str(self.path),
        )


#: Whether the system reads at a place without moving there first.
_AT_ONCE = hasattr(os, "preadv")
