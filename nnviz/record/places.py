"""Where runs are kept, and which places a user may name for one."""

from __future__ import annotations

import itertools
import os
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from nnviz import user_folders
from nnviz.errors import InputError
from nnviz.paths import shown

RUN_SUFFIX = ".nnvizrun"
#: What SQLite puts beside a file while it is written; never to be separated from a file that is in use.
COMPANIONS = ("-wal", "-shm", "-journal")


def runs_folder() -> Path:
    """The folder of kept runs in the user's data folder; it may not exist yet."""
    return user_folders.data_folder() / "runs"


def new_run_paths(title: str) -> Iterator[Path]:
    """Paths in :func:`runs_folder` that nothing has yet: date, time and the title, made fit for a file name.

    Somebody else may take one before it is used: then the next one is for you. It does not end.
    """
    slug = re.sub(r"[^\w.-]+", "-", title).strip("-.")[:60] or "run"
    yield from free_paths(runs_folder() / f"{time.strftime('%Y-%m-%d %H.%M.%S')} {slug}{RUN_SUFFIX}")


def free_paths(path: Path, first: int = 1) -> Iterator[Path]:
    """This path and ``name (2)``, ``name (3)`` … beside it, without those that are taken. It does not end.

    Args:
        path: Whose name is numbered.
        first: 2 leaves out the path itself.
    """
    for number in itertools.count(first):
        other = path if number == 1 else path.with_name(f"{path.stem} ({number}){path.suffix}")
        if not os.path.lexists(other):
            yield other


def clear_companions(path: Path) -> None:
    """Remove what SQLite keeps beside a file that is not there, or is not that one any more.

    Raises:
        OSError: It cannot be removed.
    """
    for suffix in COMPANIONS:
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def run_place(given: Path | str, *, resume: bool = False, field: str = "") -> Path:
    """The path that a user named for a run, once it is certain that it can be one; touches nothing.

    A name without the suffix of runs gets it, because only with it the file can be opened again; with ``resume`` a
    file of exactly the given name goes first.

    Args:
        given: What the user wrote.
        resume: The run is there already and is gone on with.
        field: The option that it was given for, for the sentence.

    Raises:
        InputError: Nothing can be kept there, or there is nothing to go on with; one sentence that names the path.
    """
    try:
        return _run_place(Path(given), resume)
    except InputError as error:
        raise InputError(error.message, file=shown(error.file), field=field) from None
    except (OSError, ValueError, RuntimeError) as error:  # too long, a NUL in it, a circle of links
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"No run can be kept here: {reason.lower()}.", file=shown(given), field=field) from None


def _run_place(path: Path, resume: bool) -> Path:
    found = _mode(path)
    nothing = found is None and not path.is_symlink()
    if path.suffix.lower() != RUN_SUFFIX and (nothing or (found and stat.S_ISREG(found) and not resume)):
        path = path.with_name(path.name + RUN_SUFFIX)
        found = _mode(path)
    if found is None and path.is_symlink():
        raise InputError("This is a link to a file that does not exist.", file=str(path))
    if found is not None:
        _refuse_existing(path, found, resume)
    elif resume:
        raise InputError("There is no such run file.", file=str(path))
    _refuse_folder(path)
    return path


def _mode(path: Path) -> int | None:
    """What is there, behind all links; None where nothing is."""
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None


def _refuse_existing(path: Path, mode: int, resume: bool) -> None:
    if stat.S_ISDIR(mode):
        raise InputError("This is a folder: name a file in it.", file=str(path))
    if not stat.S_ISREG(mode):
        raise InputError("This is a device or a pipe, not a file that can hold a run.", file=str(path))
    if not resume:
        raise InputError("This file exists already: name another, or go on with it by --resume.", file=str(path))
    if not os.access(path, os.R_OK | os.W_OK):
        raise InputError("This run may not be written, so it cannot be gone on with.", file=str(path))


def _refuse_folder(path: Path) -> None:
    folder = path.parent
    mode = _mode(folder)
    if mode is None:
        raise InputError(f"There is no folder {folder}: make it first.", file=str(path))
    if not stat.S_ISDIR(mode):
        raise InputError(f"{folder} is not a folder.", file=str(path))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"Nothing may be written into the folder {folder}.", file=str(path))
