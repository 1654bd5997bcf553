"""The small tables that come with scikit-learn. Its files are read directly.

``import sklearn.datasets`` would bring scipy and pandas support along and costs seconds at the start of the program,
reading a file 0.1 s at most.
"""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nnviz.errors import DataError


def bundled_table(name: str, columns: int, skipped_lines: int = 0, separator: str = ",") -> NDArray[np.float64]:
    """The numbers of a file of separated values, packed where its name ends in ``.gz``: float64[rows, columns].

    Raises:
        DataError: scikit-learn is not installed, or its file is missing or damaged.
    """
    package = importlib.util.find_spec("sklearn")
    if package is None or not package.submodule_search_locations:
        raise DataError("These data come with scikit-learn, which is not installed: pip install scikit-learn.")
    path = Path(package.submodule_search_locations[0], "datasets", "data", name)
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if name.endswith(".gz") else content).decode("ascii")
        lines = text.splitlines()[skipped_lines:]
        table = np.array([line.split(separator) for line in lines if line], np.float64)
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"The file cannot be read ({error}): install scikit-learn again.", file=str(path)) from None
    if table.ndim != 2 or table.shape[1] != columns or not np.isfinite(table).all():
        raise damaged(path)
    return table


def damaged(path: Path | str) -> DataError:
    """The error for a file that does not hold what it should."""
    return DataError("The file is damaged: install scikit-learn again.", file=str(path))
