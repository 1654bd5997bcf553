"""Reads the IDX format of MNIST and its relatives, plain or packed, and trusts nothing in it. numpy only.

The format: two zero bytes, a byte for the type (8: unsigned byte, 12: four bytes with a sign), a byte for the number of
dimensions, then every dimension as four bytes, most significant first, then the values. torchvision's own reader gives
the same arrays (the tests compare them); this one needs no torchvision, which saves a second at the start, and names
what is wrong.
"""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnviz.errors import DataError
from nnviz.regular_files import is_regular, open_regular

#: Bytes that are read at a time.
_BLOCK = 8 << 20
#: The byte of a type -> what it is.
_TYPES = {8: ">u1", 12: ">i4"}


def read_idx(path: Path, shape: tuple[int, ...], cure: str, kind: int = 8) -> NDArray[Any]:
    """The numbers of an IDX file of exactly the expected shape; arguments and errors as of :func:`idx_blocks`."""
    found: NDArray[Any] = np.empty(shape, np.dtype(_TYPES[kind]).newbyteorder("="))
    done = 0
    for block in idx_blocks(path, shape, cure, kind):
        found[done : done + len(block)] = block
        done += len(block)
    return found


def idx_blocks(path: Path, shape: tuple[int, ...], cure: str, kind: int = 8) -> Iterator[NDArray[Any]]:
    """The same some rows at a time: uint8, or whole numbers of four bytes.

    Args:
        path: The plain file; where it is missing, ``<path>.gz`` is read.
        shape: What it must hold.
        cure: How to get a good one, for the message.
        kind: The type that it must have.

    Raises:
        DataError: It is missing, cut off, too long, of another type or shape.
    """
    stored = np.dtype(_TYPES[kind])
    row = math.prod(shape[1:]) * stored.itemsize
    expected = 4 + 4 * len(shape) + shape[0] * row
    packed = path.with_name(f"{path.name}.gz")
    if not is_regular(path) and is_regular(packed):
        path = packed
    try:
        with open_regular(path) as opened:
            file = gzip.GzipFile(fileobj=opened) if path is packed else opened
            _check_header(file.read(4 + 4 * len(shape)), path, shape, cure, kind)
            step = max(1, _BLOCK // row)
            for first in range(0, shape[0], step):
                content = file.read(min(step, shape[0] - first) * row)
                if len(content) != min(step, shape[0] - first) * row:
                    raise DataError(f"The file is cut off: {expected:,} bytes belong to it. {cure}", file=str(path))
                yield np.frombuffer(content, stored).reshape(-1, *shape[1:])
            if file.read(1):
                sentence = f"The file is longer than it says: {expected:,} bytes belong to it. {cure}"
                raise DataError(sentence, file=str(path))
    except FileNotFoundError:
        raise DataError(f"The file is missing. {cure}", file=str(path)) from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"The file cannot be read ({error}). {cure}", file=str(path)) from None


def _check_header(content: bytes, path: Path, shape: tuple[int, ...], cure: str, kind: int) -> None:
    header = 4 + 4 * len(shape)
    if len(content) < header or content[:2] != b"\0\0" or content[2] != kind or content[3] != len(shape):
        raise DataError(
            f"This is not an IDX file of {len(shape)} dimensions (wrong first bytes). {cure}", file=str(path)
        )
    found = tuple(int(size) for size in np.frombuffer(content, ">u4", len(shape), offset=4))
    if found != shape:
        raise DataError(
            f"It holds {' × '.join(map(str, found))} values, not {' × '.join(map(str, shape))}. {cure}", file=str(path)
        )


def image_file(folder: Path, prefix: str) -> Path:
    """The file of the pictures of a split.

    Args:
        folder: Where the files lie.
        prefix: What the names of its two files begin with, such as ``train`` or ``t10k``.
    """
    return folder / f"{prefix}-images-idx3-ubyte"


def read_labels(folder: Path, prefix: str, count: int, classes: int, cure: str, first: int = 0) -> NDArray[np.int64]:
    """Labels int64[count] of one split.

    Args:
        folder: As of :func:`image_file`.
        prefix: Likewise.
        count: Number of examples it must have.
        classes: Labels are so many.
        cure: How to get good ones.
        first: The smallest label that is in use; it becomes 0.

    Raises:
        DataError: As :func:`read_idx`; or a label is none of the classes.
    """
    label_path = folder / f"{prefix}-labels-idx1-ubyte"
    labels = read_idx(label_path, (count,), cure)
    found = labels.astype(np.int64) - first
    bad = np.flatnonzero((found < 0) | (found >= classes))
    if len(bad):
        label = labels[bad[0]]
        raise DataError(f"The label {label} is none of the {classes} classes. {cure}", file=str(label_path))
    return found


def upright(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pictures with rows and columns exchanged, uint8[n, 1, side, side]."""
    return np.ascontiguousarray(images.swapaxes(2, 3))


def qmnist_blocks(
    folder: Path, split: str, count: int, cure: str
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """Images uint8[n, 1, 28, 28] and labels int64[n] of a split of QMNIST, ``train`` or ``test``, some at a time.

    Its labels are eight numbers an example, of which the first is the digit.

    Raises:
        DataError: As :func:`read_idx`; or a label is no digit.
    """
    path = folder / f"qmnist-{split}-labels-idx2-int"
    labels = read_idx(path, (count, 8), cure, kind=12)[:, 0].astype(np.int64)
    if labels.min() < 0 or labels.max() > 9:
        raise DataError(f"A label is no digit. {cure}", file=str(path))
    done = 0
    for block in idx_blocks(image_file(folder, f"qmnist-{split}"), (count, 28, 28), cure):
        yield block[:, None], labels[done : done + len(block)]
        done += len(block)
