"""Finds resources/ from a checkout and from an installed wheel."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from nnviz.errors import StorageError


@cache
def resources_folder() -> Path:
    """The folder that holds icons, fonts, samples, help and screenshots.

    In a wheel it lies inside the package (``nnviz/resources``); in a checkout beside it.

    Raises:
        StorageError: Neither place has it, so the installation is damaged.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "resources", package.parent / "resources"):
        if folder.is_dir():
            return folder
    raise StorageError(
        f"The folder 'resources' is missing beside {package}. The installation is damaged: install nnviz again."
    )


def resource(*parts: str) -> Path:
    """The path of one resource, such as ``resource("icons", "play.svg")``.

    Raises:
        StorageError: There is no such file.
    """
    path = resources_folder().joinpath(*parts)
    if not path.exists():
        raise StorageError(f"The resource {'/'.join(parts)} is missing from {resources_folder()}: install nnviz again.")
    return path
