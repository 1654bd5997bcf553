"""Opening a large table of the user's own: what its columns are, and then its examples."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from rows import Row, Settings, seconds

from nnviz.data import datasets, tensors
from nnviz.project.model import DataConfig

ROWS, COLUMNS = 1_000_000, 20


def measure(settings: Settings) -> Iterator[Row]:
    """Rows of this file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        _write(path)
        config = DataConfig("table_file", {"path": str(path)})

        def look() -> None:
            tensors.clear_cache()
            datasets.inspect(config)

        def load() -> None:
            tensors.clear_cache()
            tensors.load(config)

        size = f"CSV of {ROWS:,} rows × {COLUMNS} columns, {path.stat().st_size / 1e6:.0f} MB"
        for what, work, limit in ((f"{size}: opened", look, 5.0), ("the same, loaded and divided", load, None)):
            taken = seconds(work, settings.rounds(3))
            middle = statistics.median(taken)
            yield Row(
                what,
                f"{middle:.1f} s ({min(taken):.1f}–{max(taken):.1f})",
                "" if limit is None else f"limit {limit:g} s",
                None if limit is None else middle < limit,
            )


def _write(path: Path) -> None:
    """Numbers, a category and two classes, drawn by a seed."""
    draw = np.random.default_rng(0)
    numbers = {f"x{at}": draw.normal(size=ROWS).round(5) for at in range(COLUMNS - 2)}
    colours = pl.Series("colour", np.array(["red", "white", "blue"])[draw.integers(0, 3, ROWS)])
    classes = pl.Series("kind", np.array(["a", "b"])[draw.integers(0, 2, ROWS)])
    pl.DataFrame(numbers).with_columns(colours, classes).write_csv(path)
