"""The folder with data sets that ``--data-dir`` names."""

from __future__ import annotations

from pathlib import Path

from nnviz import paths


def check_data_folder(folder: Path | None) -> None:
    """Refuse what is no folder, before anything else is done.

    Raises:
        InputError: It is no folder, or cannot be read.
    """
    if folder is not None:
        paths.check_folder(folder, "--data-dir")
