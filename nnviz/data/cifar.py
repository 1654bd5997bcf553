"""Reads CIFAR-10's own batches. They are pickles, which can run anything: so only the true ones are opened at all.

A batch is read into memory once, its MD5 sum is compared with the one torchvision knows, and only then these same bytes
are unpickled, by an unpickler that knows how to make numpy arrays and nothing else.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnviz.errors import DataError
from nnviz.regular_files import read_regular

#: A batch has 31 MB; whatever is longer than this is none.
_MOST_BYTES = 64 << 20
_ROWS, _SHAPE = 10_000, (3, 32, 32)
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


def unpickle_arrays(content: bytes) -> object:
    """Unpickles plain values and numpy arrays.

    Raises:
        pickle.UnpicklingError: It asks for anything else.
    """
    return _ArrayUnpickler(io.BytesIO(content), encoding="latin1").load()


def read_batch(path: Path, md5: str, cure: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images uint8[10000, 3, 32, 32] and labels int64[10000] of one batch.

    Args:
        path: The file.
        md5: What its sum must be.
        cure: How to get a good one.

    Raises:
        DataError: It is missing, or not exactly the published file; it was not opened then.
    """
    try:
        content = read_regular(path, _MOST_BYTES + 1)
    except FileNotFoundError:
        raise DataError(f"The file is missing. {cure}", file=str(path)) from None
    except OSError as error:
        raise DataError(f"The file cannot be read ({error}). {cure}", file=str(path)) from None
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
        raise DataError(
            f"This is not the published CIFAR-10 file (its MD5 sum differs), so it was not opened. {cure}",
            file=str(path),
        )
    batch = unpickle_arrays(content)
    assert isinstance(batch, Mapping)  # the sum was right: this is the published file
    return batch["data"].reshape(_ROWS, *_SHAPE), np.asarray(batch["labels"], np.int64)


def read_cifar10(
    folder: Path, files: tuple[str, ...], sums: Mapping[str, str], cure: str
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Reads several batch files of CIFAR-10 into one array of images and one of labels.

    Raises:
        DataError: As :func:`read_batch`.
    """
    images = np.empty((len(files) * _ROWS, *_SHAPE), np.uint8)
    labels = np.empty(len(files) * _ROWS, np.int64)
    for number, name in enumerate(files):
        part = slice(number * _ROWS, (number + 1) * _ROWS)
        images[part], labels[part] = read_batch(folder / name, sums[name], cure)
    return images, labels
