"""The name by which a project's file names the run that holds its weights.

A run among the kept ones is named by its file name behind ``kept:``; one that lies in the project's folder or below it
by the way to it from there, so that both can be moved together. Only a run that lies elsewhere is named by the way
that leads up and to it. No name tells where the user's folders are.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from nnviz.errors import InputError
from nnviz.record.library import TRASH
from nnviz.record.places import runs_folder

#: Stands before the file name of a run among the kept ones.
KEPT = "kept:"


def name_of(run: Path, file: Path) -> str:
    """What a project's file calls a run. Asks no disk.

    Args:
        run: The run's file, absolute.
        file: The project's file.
    """
    base = file.absolute().parent
    if run.parent == runs_folder():  # first: a project may lie in the home folder, which is above it
        return f"{KEPT}{run.name}"
    if run.is_relative_to(base):
        return run.relative_to(base).as_posix()
    try:
        return Path(os.path.relpath(run, base)).as_posix()
    except ValueError:  # another drive
        return run.name


def place_of(name: str, file: Path) -> Path:
    """Where the run would be that a project's file calls so. Asks no disk."""
    if name.startswith(KEPT):
        return runs_folder() / PurePosixPath(name.removeprefix(KEPT)).name
    return Path(os.path.normpath(file.absolute().parent / name))


def find(name: str, file: Path) -> Path:
    """The file of the run that a project's file calls so.

    One of the kept runs that was put beside the project is found there, and one that lay there among the kept runs.

    Raises:
        InputError: It is not there; the sentence says where it was looked for.
    """
    first = place_of(name, file)
    beside, kept = file.absolute().parent / first.name, runs_folder() / first.name
    for place in (first, beside, kept):
        if place.is_file():
            return place
    if (runs_folder() / TRASH / first.name).is_file():
        raise InputError(f"The run of this project, {first.name}, is in the trash of the runs: bring it back first.")
    raise InputError(
        f"The run of this project, {first.name}, is neither beside it nor among the kept runs, so its weights are not "
        "there."
    )


def carried(name: str, before: Path, after: Path) -> str:
    """What another file calls the run that one file calls so, as when a project is saved under another name."""
    if not name or before.absolute().parent == after.absolute().parent:
        return name
    return name_of(place_of(name, before), after)
