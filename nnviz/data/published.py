"""Reads USPS, SVHN and STL10 as they are published; numpy only, scipy for SVHN's own format.

The first two are opened only when their MD5 sum is the one that torchvision knows: what reads their formats is built
for files that mean well. They are read whole: USPS is packed text that unpacks to a few megabytes, and in a file of
SVHN all pictures are one packed array in which each number stands beside those of the other pictures, so that the first
picture is there when all are (225 MB at most).
"""

from __future__ import annotations

import bz2
import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nnviz.errors import DataError
from nnviz.regular_files import open_regular, read_regular

#: USPS: 256 pixels a line; SVHN's larger file has 182 MB.
_USPS_SIDE, _MOST_USPS, _MOST_SVHN = 16, 16 << 20, 256 << 20
_STL10_SHAPE = (3, 96, 96)
#: Bytes that are read at a time.
_BLOCK = 8 << 20


def read_usps(path: Path, md5: str, count: int, cure: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images uint8[count, 1, 16, 16] and labels int64[count] of one of the two files.

    A line is a label from 1 to 10, then 256 pixels from -1 to 1 as ``number:value``.

    Raises:
        DataError: It is missing or not exactly the published file; it was not opened then.
    """
    lines = bz2.decompress(_true(path, md5, _MOST_USPS, "USPS", cure)).decode("ascii").splitlines()
    table = np.array([[float(cell.rpartition(":")[2]) for cell in line.split()] for line in lines if line], np.float32)
    pixels = (table[:, 1:] + 1.0) / 2.0 * 255.0
    images = pixels.astype(np.uint8).reshape(-1, 1, _USPS_SIDE, _USPS_SIDE)
    return _counted(images, table[:, 0].astype(np.int64) - 1, count, path, cure)


def read_svhn(path: Path, md5: str, count: int, cure: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images uint8[count, 3, 32, 32] and labels int64[count] of one of the two files of MATLAB; its 10 is a 0.

    Raises:
        DataError: As :func:`read_usps`.
    """
    content = _true(path, md5, _MOST_SVHN, "SVHN", cure)
    from scipy.io import loadmat  # noqa: PLC0415 - slow to import

    held = loadmat(io.BytesIO(content))
    labels = held["y"].astype(np.int64).reshape(-1) % 10
    return _counted(np.ascontiguousarray(held["X"].transpose(3, 2, 0, 1)), labels, count, path, cure)


def stl10_blocks(
    folder: Path, split: str, count: int, cure: str
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """Images uint8[n, 3, 96, 96] and labels int64[n] of ``train`` or ``test``, some at a time.

    The files are plain bytes, the pictures column by column.

    Raises:
        DataError: A file is missing, or has not exactly the size of the published one.
    """
    (labels,) = (block[:, 0].astype(np.int64) - 1 for block in _rows(folder / f"{split}_y.bin", count, 1, cure))
    if labels.min() < 0 or labels.max() > 9:
        raise DataError(f"A label is none of the 10 classes. {cure}", file=str(folder / f"{split}_y.bin"))
    done = 0
    for block in _rows(folder / f"{split}_X.bin", count, int(np.prod(_STL10_SHAPE)), cure):
        images = block.reshape(-1, *_STL10_SHAPE)
        yield np.ascontiguousarray(images.swapaxes(2, 3)), labels[done : done + len(images)]
        done += len(images)


def _rows(path: Path, count: int, row: int, cure: str) -> Iterator[NDArray[np.uint8]]:
    """uint8[n, row], all rows of a file of plain bytes, some at a time."""
    step = max(1, _BLOCK // row)
    with _told(path, cure), open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size != count * row:
            state = "cut off" if size < count * row else "too long"
            raise DataError(f"The file is {state}: the published one has {count * row:,} bytes. {cure}", file=str(path))
        for first in range(0, count, step):
            expected = min(step, count - first) * row
            content = file.read(expected)
            if len(content) != expected:
                raise DataError(f"The file was cut off while it was read. {cure}", file=str(path))
            yield np.frombuffer(content, np.uint8).reshape(-1, row)


def _true(path: Path, md5: str, most: int, title: str, cure: str) -> bytes:
    """The content of a file that is exactly the published one."""
    content = _read(path, most + 1, cure)
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
        raise DataError(
            f"This is not the published {title} file (its MD5 sum differs), so it was not opened. {cure}",
            file=str(path),
        )
    return content


def _read(path: Path, most: int, cure: str) -> bytes:
    with _told(path, cure):
        return read_regular(path, most)


@contextmanager
def _told(path: Path, cure: str) -> Iterator[None]:
    """What the system has against a file becomes a sentence."""
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"The file is missing. {cure}", file=str(path)) from None
    except OSError as error:
        raise DataError(f"The file cannot be read ({error}). {cure}", file=str(path)) from None


def _counted(
    images: NDArray[np.uint8], labels: NDArray[np.int64], count: int, path: Path, cure: str
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    if not len(images) == len(labels) == count or labels.min() < 0 or labels.max() > 9:
        raise DataError(f"It does not hold {count:,} examples of ten classes. {cure}", file=str(path))
    return images, labels
