"""Reads the batches of CIFAR-10 and CIFAR-100. They are pickles, which can run anything: only true ones are opened.

A batch is read into memory once, its MD5 sum is compared with the one torchvision knows, and only then these same bytes
are unpickled, by an unpickler that knows how to make numpy arrays and nothing else.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnviz.errors import DataError
from nnviz.regular_files import read_regular

_SHAPE = (3, 32, 32)
#: All that a batch needs: the pieces of a pickled array, under numpy's old and new names.
_ALLOWED = {(f"{package}.multiarray", "_reconstruct") for package in ("numpy.core", "numpy._core")} | {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}


class _ArrayUnpickler(pickle.Unpickler):
    """An unpickler that makes numpy arrays, texts, numbers, lists and dicts."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


@dataclass(frozen=True)
class Batch:
    """What a batch file of one of the sets holds.

    Attributes:
        labels: Its entry with the labels.
        most: Bytes; whatever is longer than this is none.
    """

    title: str
    labels: str
    most: int


#: Batches of 31 MB, and of 155 MB.
TEN, HUNDRED = Batch("CIFAR-10", "labels", 64 << 20), Batch("CIFAR-100", "fine_labels", 256 << 20)


def unpickle_arrays(content: bytes) -> object:
    """Unpickles plain values and numpy arrays.

    Raises:
        pickle.UnpicklingError: It asks for anything else.
    """
    return _ArrayUnpickler(io.BytesIO(content), encoding="latin1").load()


def read_batch(path: Path, md5: str, cure: str, batch: Batch = TEN) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images uint8[n, 3, 32, 32] and labels int64[n] of one batch file.

    Args:
        path: The file.
        md5: What its sum must be.
        cure: How to get a good one.
        batch: Of which set.

    Raises:
        DataError: It is missing, or not exactly the published file; it was not opened then.
    """
    try:
        content = read_regular(path, batch.most + 1)
    except FileNotFoundError:
        raise DataError(f"The file is missing. {cure}", file=str(path)) from None
    except OSError as error:
        raise DataError(f"The file cannot be read ({error}). {cure}", file=str(path)) from None
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
        raise DataError(
            f"This is not the published {batch.title} file (its MD5 sum differs), so it was not opened. {cure}",
            file=str(path),
        )
    held = unpickle_arrays(content)
    assert isinstance(held, Mapping)  # the sum was right: this is the published file
    return held["data"].reshape(-1, *_SHAPE), np.asarray(held[batch.labels], np.int64)
