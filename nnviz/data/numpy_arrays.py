"""Opens ``.npy`` and ``.npz`` files: headers first, contents piece by piece, nothing but plain numbers and texts.

Arrays of Python objects are pickles, which can run anything: they are refused by their header and never opened. What a
header promises is held against the size of the file before any memory is taken for it.
"""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from nnviz.errors import DataError
from nnviz.regular_files import is_regular, open_regular

#: Members of an archive; more belong to no data set.
MOST_ARRAYS = 1_000
#: Bytes of a piece, of a header, and of a text.
_PIECE, _MOST_HEADER, _MOST_TEXT = 8 << 20, 10_000, 400
#: Truths, whole numbers, numbers, texts.
_KINDS = "buifUS"
_REFUSED = {
    "O": "Python objects, which could run anything when they are opened, so they never are: save it as numbers",
    "V": "records of several fields: save each field as an array of its own",
    "c": "complex numbers, which no network here can take",
    "M": "dates: save them as numbers",
    "m": "times: save them as numbers",
}


@dataclass(frozen=True)
class FileArray:
    """An array in a file, of which the header has been read.

    Attributes:
        name: Its name in the archive, or that of its file without the ending.
        file: The file.
        shape: As stored.
        dtype: Of numbers, truths or texts.
        member: Its name in the archive as it stands there; empty where the file is the array.
        offset: Where its numbers begin behind the beginning of the file or the member.
        fortran: The first index runs fastest.
    """

    name: str
    file: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    member: str = ""
    offset: int = 0
    fortran: bool = False

    @property
    def nbytes(self) -> int:
        """What its numbers take in memory, as they are stored."""
        return math.prod(self.shape) * self.dtype.itemsize

    def pieces(self, first: int = 0) -> Iterator[NDArray[Any]]:
        """Its examples from one on in order, some at a time: arrays of all of its dimensions.

        Raises:
            DataError: The file is damaged or has gone.
        """
        count = self.shape[0]
        row = max(self.nbytes // max(count, 1), 1)
        step = max(_PIECE // row, 1)
        try:
            with open_regular(self.file) as file:
                if not self.member:
                    file.seek(self.offset + (0 if self.fortran else first * (self.nbytes // count)))
                    yield from self._read(file, step, first)
                    return
                with zipfile.ZipFile(file) as archive, archive.open(self.member) as member:
                    _exactly(member, self.offset)
                    if not self.fortran:
                        _passed_over(member, first * (self.nbytes // count))
                    yield from self._read(member, step, first)
                    member.read(1)  # so that the check sum of the archive is compared
        except _DAMAGE as error:
            raise damaged(self.file, self.name if self.member else "", error) from None

    def whole(self) -> NDArray[Any]:
        """All of it; only for what is small.

        Raises:
            DataError: As :meth:`pieces`.
        """
        found = list(self.pieces())
        return np.concatenate(found) if found else np.empty(self.shape, self.dtype)

    def _read(self, file: IO[bytes], step: int, first: int) -> Iterator[NDArray[Any]]:
        """Read and not mapped into memory: a mapped file that somebody shortens meanwhile takes the program with it."""
        if self.fortran:  # stored column by column: no example is whole before the end
            yield np.frombuffer(_exactly(file, self.nbytes), self.dtype).reshape(self.shape, order="F")[first:]
            return
        row = self.nbytes // self.shape[0]
        for begin in range(first, self.shape[0], step):
            rows = min(step, self.shape[0] - begin)
            yield np.frombuffer(_exactly(file, rows * row), self.dtype).reshape(rows, *self.shape[1:])


#: What reading a damaged file raises.
_DAMAGE = (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, KeyError)


def open_npy(path: Path) -> FileArray:
    """The array of a ``.npy`` file.

    Raises:
        DataError: It cannot be read, is damaged, or holds what is refused.
    """
    try:
        with open_regular(path) as file:
            shape, fortran, dtype = _header(file, path, "")
            offset = file.tell()
            there = path.stat().st_size - offset
    except _DAMAGE as error:
        raise damaged(path, "", error) from None
    found = FileArray(path.stem, path, shape, dtype, offset=offset, fortran=fortran)
    if there < found.nbytes:
        raise DataError(
            f"The file is cut off: it promises {found.nbytes:,} bytes of numbers and holds {there:,}.", file=str(path)
        )
    return found


def open_npz(path: Path) -> tuple[dict[str, FileArray], dict[str, DataError]]:
    """The arrays of a ``.npz`` file by name, in its order; and why others are refused, unless all are.

    Raises:
        DataError: It cannot be read, is damaged, or holds nothing that can be used.
    """
    found: dict[str, FileArray] = {}
    refused: dict[str, DataError] = {}
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
            if len(members) > MOST_ARRAYS:
                sentence = f"There are {len(members):,} arrays in it; at most {MOST_ARRAYS:,} can be."
                raise DataError(sentence, file=str(path))
            for info in members:
                name = info.filename.removesuffix(".npy")
                if info.flag_bits & 1:
                    raise DataError("The archive is locked with a password.", file=str(path))
                with archive.open(info) as member:
                    try:
                        shape, fortran, dtype = _header(member, path, name)
                    except DataError as error:
                        refused[name] = error
                        continue
                    offset = member.tell()
                one = FileArray(name, path, shape, dtype, info.filename, offset, fortran)
                if info.file_size - offset < one.nbytes:
                    raise DataError(
                        f"The array '{shown(name)}' is cut off: it promises {one.nbytes:,} bytes of numbers and holds "
                        f"{max(info.file_size - offset, 0):,}.",
                        file=str(path),
                    )
                found[name] = one
    except _DAMAGE as error:
        raise damaged(path, "", error) from None
    if not found:
        raise next(iter(refused.values()), DataError("There is no array in it.", file=str(path)))
    return found, refused


def beside(path: Path, stem: str) -> FileArray | None:
    """The array of a ``.npy`` file of another name in the same folder, and in no other; None where there is none.

    Raises:
        DataError: As :func:`open_npy`.
    """
    if Path(stem).name != stem:
        return None
    other = path.with_name(f"{stem}{path.suffix}")
    return open_npy(other) if other != path and is_regular(other) else None


def shown(name: str) -> str:
    """The name of an array for a sentence."""
    text = "".join(letter if letter.isprintable() else "�" for letter in name)
    return text if len(text) <= 40 else text[:39] + "…"


def damaged(path: Path, name: str, error: BaseException) -> DataError:
    """The error for a file that cannot be read."""
    if isinstance(error, FileNotFoundError):
        return DataError("There is no such file.", file=str(path), field="data.params.path")
    what = f"The array '{shown(name)}' in it" if name else "The file"
    reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
    reason = shown(reason.split("\n")[0].rstrip(".")) or type(error).__name__
    return DataError(f"{what} is damaged or no array of NumPy ({reason}).", file=str(path))


def _header(file: Any, path: Path, name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy.read_magic(file)
    if version == (1, 0):
        shape, fortran, dtype = npy.read_array_header_1_0(file, _MOST_HEADER)
    elif version == (2, 0):
        shape, fortran, dtype = npy.read_array_header_2_0(file, _MOST_HEADER)
    else:  # only records have headers of later versions
        raise ValueError(f"version {version[0]}.{version[1]} of the format")
    what = f"The array '{shown(name)}'" if name else "The array"
    if dtype.hasobject or dtype.kind not in _KINDS:
        reason = _REFUSED["O" if dtype.hasobject else dtype.kind]
        raise DataError(f"{what} holds {reason}.", file=str(path))
    if dtype.kind in "US" and dtype.itemsize > _MOST_TEXT * (4 if dtype.kind == "U" else 1):
        raise DataError(f"{what} holds texts of more than {_MOST_TEXT} letters.", file=str(path))
    if not 1 <= len(shape) <= 32 or any(size < 1 for size in shape):
        sizes = " × ".join(map(str, shape)) or "a single number"
        raise DataError(f"{what} is empty: its shape is {sizes}.", file=str(path))
    return shape, fortran, dtype


def _passed_over(file: IO[bytes], count: int) -> None:
    while count:
        count -= len(_exactly(file, min(count, _PIECE)))


def _exactly(file: IO[bytes], count: int) -> bytes:
    """So many bytes; nothing is taken for what does not come."""
    pieces = []
    while count:
        piece = file.read(min(count, _PIECE))
        if not piece:
            raise EOFError("it ends too early")
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)
