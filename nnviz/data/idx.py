"""Reads the IDX format of MNIST and its relatives, plain or packed, and trusts nothing in it. numpy only.

The format: two zero bytes, a byte for the type (8: unsigned byte), a byte for the number of dimensions, then every
dimension as four bytes, most significant first, then the values. torchvision's own reader gives the same arrays (the
tests compare them); this one needs no torchvision, which saves a second at the start, and names what is wrong.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nnviz.errors import DataError
from nnviz.paths import open_file


def read_idx(path: Path, shape: tuple[int, ...], cure: str) -> NDArray[np.uint8]:
    """The bytes of an IDX file of exactly the expected shape.

    Args:
        path: The plain file; where it is missing, ``<path>.gz`` is read.
        shape: What it must hold.
        cure: How to get a good one, for the message.

    Raises:
        DataError: It is missing, cut off, too long, of another type or shape.
    """
    header = 4 + 4 * len(shape)
    expected = header + math.prod(shape)
    packed = path.with_name(f"{path.name}.gz")
    if not path.is_file() and packed.is_file():
        path = packed
    try:
        if path is packed:
            with open_file(path) as raw, gzip.open(raw) as file:
                content = file.read(expected + 1)
        else:
            with open_file(path) as file:
                content = file.read(expected + 1)
    except FileNotFoundError:
        raise DataError(f"The file is missing. {cure}", file=str(path)) from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"The file cannot be read ({error}). {cure}", file=str(path)) from None
    if len(content) < header or content[:2] != b"\0\0" or content[2] != 8 or content[3] != len(shape):
        raise DataError(
            f"This is not an IDX file of {len(shape)} dimensions (wrong first bytes). {cure}", file=str(path)
        )
    found = tuple(int(size) for size in np.frombuffer(content, ">u4", len(shape), offset=4))
    if found != shape:
        raise DataError(
            f"It holds {' × '.join(map(str, found))} values, not {' × '.join(map(str, shape))}. {cure}", file=str(path)
        )
    if len(content) != expected:
        state = "cut off" if len(content) < expected else "longer than it says"
        raise DataError(f"The file is {state}: {expected:,} bytes belong to it. {cure}", file=str(path))
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape).copy()


def read_split(
    folder: Path, prefix: str, count: int, side: int, classes: int, cure: str
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images uint8[count, 1, side, side] and labels int64[count] of one split.

    Args:
        folder: Where the files lie.
        prefix: ``train`` or ``t10k``.
        count: Number of examples it must have.
        side: Width and height that the images must have.
        classes: Labels must be below.
        cure: How to get good ones.

    Raises:
        DataError: As :func:`read_idx`; or a label is none of the classes.
    """
    images = read_idx(folder / f"{prefix}-images-idx3-ubyte", (count, side, side), cure)
    label_path = folder / f"{prefix}-labels-idx1-ubyte"
    labels = read_idx(label_path, (count,), cure)
    if labels.max(initial=0) >= classes:
        raise DataError(f"The label {labels.max()} is none of the {classes} classes. {cure}", file=str(label_path))
    return images[:, None], labels.astype(np.int64)
