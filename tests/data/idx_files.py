"""Writes IDX files for the tests, byte by byte after the format's description."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np


def idx_bytes(values: np.ndarray) -> bytes:
    """An IDX file of unsigned bytes."""
    return struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape) + values.astype(np.uint8).tobytes()


def write_set(folder: Path, training: int, test: int, value: int = 0) -> None:
    """The four files of a set like MNIST whose pixels all have one value, labels 0 to 9 in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    for prefix, count in (("train", training), ("t10k", test)):
        images = np.full((count, 28, 28), value, np.uint8)
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(idx_bytes(images))
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(idx_bytes(np.arange(count) % 10))
