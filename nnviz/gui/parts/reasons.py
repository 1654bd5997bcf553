"""Why a file could not be opened or saved, as a sentence for the screen."""

from __future__ import annotations

from pathlib import Path

from nnviz.errors import NnvizError


def reason_of(error: BaseException, path: Path, verb: str) -> str:
    """An error as a sentence that names the file."""
    if isinstance(error, NnvizError):
        return str(error)
    if isinstance(error, OSError):
        return f"{path.name} could not be {verb}: {error.strerror or error}."
    return f"{path.name} could not be {verb}: {type(error).__name__}: {error}"
