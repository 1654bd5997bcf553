"""Which run a project's file was trained in last, as long as the file itself names another one, or none.

A file names its run when it is saved. A training that begins after that changes nothing in the document, so nobody is
asked to save: an entry in the user's state folder remembers it until the next save, and the run is offered when the
file is opened again, however the program ended.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from nnviz import user_folders
from nnviz.errors import StorageError
from nnviz.project.files.atomic import write_atomically
from nnviz.project.safety.open_files import key_of

#: Bytes of the longest path that is read.
_LONGEST = 16_384


def note(file: Path, run: Path) -> None:
    """The project in this file is trained in this run from now on. Where it cannot be written, it is not offered.

    Args:
        file: The project's.
        run: The run's, absolute.
    """
    entry = _entry(file)
    with contextlib.suppress(OSError, StorageError):
        entry.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(os.fsencode(run), entry)


def forget(file: Path) -> None:
    """The file names its run itself now."""
    with contextlib.suppress(OSError):
        _entry(file).unlink(missing_ok=True)


def run_of(file: Path) -> Path | None:
    """The file of the run in which the project was trained last and which it may not name; None where there is none."""
    try:
        with _entry(file).open("rb") as entry:
            run = Path(os.fsdecode(entry.read(_LONGEST)))
        return run if run.is_absolute() and run.is_file() else None
    except (OSError, ValueError):
        return None


def _entry(file: Path) -> Path:
    return user_folders.state_folder() / "trained" / key_of(file)
