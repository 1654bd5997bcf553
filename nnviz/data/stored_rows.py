"""Examples that lie in a file of the disk, a row each: only those are read that are asked for. numpy only."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import threading
import weakref
from collections.abc import Callable
from itertools import repeat
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from nnviz.data.findings import Findings
from nnviz.errors import DataError
from nnviz.regular_files import open_regular

#: What chooses among rows: one, a run of them, some by their numbers, or those where it is true.
Rows: TypeAlias = "int | np.integer[Any] | slice | NDArray[Any]"
#: Bytes between two rows that are rather read along than left out: to ask once more takes as long.
_READ_ALONG = 4096
#: Bytes that are read before they are brought into the order that is asked for.
_TOGETHER = 32 << 20


class StoredRows:
    """An array [n, *each] in a file, and which of its rows are meant. For any thread.

    Asked for its shape or a part it is as an array; but parts are copies, and :meth:`only` chooses without reading
    anything. They are read, each at its place, and not copied out of a mapped file: that takes the program with it when
    somebody shortens it, and of a set larger than the memory it reads some thirty times what is asked for. Who wants
    many rows asks for them at once. The system keeps in memory what it has room for, and takes it back when it wants.

    Args:
        path: The file, whole; it may be deleted meanwhile.
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
        self.findings = findings

    def when_let_go(self, call: Callable[[], None]) -> None:
        """Calls it once, when nobody holds any rows of the file any more, or at the end of the program."""
        weakref.finalize(self._file, call)

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
        found._numbers = self._numbers_of(chosen)
        return found

    def __getitem__(self, chosen: Rows) -> NDArray[Any]:
        """One row, or several of them; copied.

        Raises:
            DataError: The file is shorter than it was, or cannot be read any more; it is named.
        """
        if isinstance(chosen, (int, np.integer)):
            number = range(len(self))[int(chosen)]
            place = number if self._numbers is None else int(self._numbers[number])
            row: NDArray[Any] = self._read(np.array([place], dtype=np.int64))[0]
            return row
        if self._numbers is None and isinstance(chosen, slice):
            first, last, step = chosen.indices(len(self))
            if step == 1:
                return self._read_run(first, max(last - first, 0))
        return self._read(self._numbers_of(chosen))

    def _numbers_of(self, chosen: slice | NDArray[Any]) -> NDArray[np.int64]:
        """Which rows of the file are chosen among those that are meant."""
        if self._numbers is not None:
            own: NDArray[np.int64] = self._numbers[chosen]
            return own
        if isinstance(chosen, slice):
            return np.arange(*chosen.indices(len(self)), dtype=np.int64)
        numbers: NDArray[np.int64]
        if chosen.dtype == bool:
            numbers = np.arange(len(self), dtype=np.int64)[chosen]
            return numbers
        numbers = chosen.astype(np.int64)
        numbers[numbers < 0] += len(self)
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < len(self):
            raise IndexError(f"There are {len(self):,} rows.")
        return numbers

    def _read_run(self, first: int, count: int) -> NDArray[Any]:
        found: NDArray[Any] = np.empty((count, *self._each), self.dtype)
        if found.size:
            self._file.read_into(first * self._size, _bytes_of(found))
        return found

    def _read(self, numbers: NDArray[np.int64]) -> NDArray[Any]:
        found: NDArray[Any] = np.empty((len(numbers), *self._each), self.dtype)
        if not found.size:
            return found
        together = max(1, _TOGETHER // (self._size + _READ_ALONG))
        for first in range(0, len(numbers), together):
            self._fill(found[first : first + together], numbers[first : first + together])
        return found

    def _fill(self, found: NDArray[Any], numbers: NDArray[np.int64]) -> None:
        """Reads in the order of the file, and what lies near together at once."""
        order = np.argsort(numbers)
        ascending = numbers[order]
        begins = np.append(0, np.flatnonzero(np.diff(ascending) > 1 + _READ_ALONG // self._size) + 1)
        if 2 * len(begins) > len(numbers):
            places, starts = ascending * self._size, order * self._size
            self._file.read_parts(places, starts, starts + self._size, _bytes_of(found))
            return
        ends = np.append(begins[1:], len(numbers))
        first = ascending[begins]
        counts = ascending[ends - 1] + 1 - first
        before = np.cumsum(counts) - counts
        run: NDArray[Any] = np.empty((int(counts.sum()), *self._each), self.dtype)
        self._file.read_parts(first * self._size, before * self._size, (before + counts) * self._size, _bytes_of(run))
        wanted = np.empty_like(ascending)
        wanted[order] = ascending - np.repeat(first - before, ends - begins)
        np.take(run, wanted, axis=0, out=found)


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
        #: What lets it read only what is in memory already; 0 where that cannot be asked for.
        self._at_hand = getattr(os, "RWF_NOWAIT", 0)
        weakref.finalize(self, self._file.close)

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

    def read_parts(
        self, places: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64], content: memoryview
    ) -> None:
        """Fills each part of ``content``, from its start to its end, from its place of the file on.

        What is not in memory is asked of the disk at once, so that it need not wait for one part after the other.

        Raises:
            DataError: As :meth:`read_into`.
        """
        parts = list(zip(places.tolist(), starts.tolist(), ends.tolist(), strict=True))
        if _AT_ONCE:
            parts = self._not_at_hand(parts, content)
        if len(parts) > 1 and hasattr(os, "posix_fadvise"):
            with contextlib.suppress(OSError):
                for place, start, end in parts:
                    os.posix_fadvise(self._number, place, end - start, os.POSIX_FADV_WILLNEED)
        for place, start, end in parts:
            self.read_into(place, content[start:end])

    def _not_at_hand(self, parts: list[tuple[int, int, int]], content: memoryview) -> list[tuple[int, int, int]]:
        """Fills what can be had without waiting, and says which parts cannot."""
        buffers = zip([content[start:end] for _, start, end in parts])
        places = [place for place, _, _ in parts]
        lengths: list[int] = []
        try:  # a row each: every call counts
            lengths.extend(map(os.preadv, repeat(self._number), buffers, places, repeat(self._at_hand)))
        except BlockingIOError:
            pass  # nor, then, do those behind it have to be tried
        except (OSError, NotImplementedError) as error:
            if isinstance(error, OSError) and (not self._at_hand or error.errno not in _NOT_ASKED):
                raise self._broken(error.strerror or str(error)) from None
            self._at_hand = 0
            return self._not_at_hand(parts, content)
        short = [part for part, length in zip(parts, lengths, strict=False) if length < part[2] - part[1]]
        return short + parts[len(lengths) :]

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


#: What a disk says that does not tell whether something is in memory.
_NOT_ASKED = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)
#: Whether the system reads at a place without moving there first.
_AT_ONCE = hasattr(os, "preadv")
