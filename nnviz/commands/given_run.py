"""The run that a command is about: a file, or one of the kept runs by its name."""

from __future__ import annotations

import os
from pathlib import Path

from nnviz import paths
from nnviz.project.files import io
from nnviz.record.comparison import find_run
from nnviz.record.places import RUN_SUFFIX, runs_folder


def given_run(typed: Path, *, whole: bool = False, or_project: bool = False) -> Path:
    """The file of the run that somebody named: a path, or of a kept run its name, its title or a part of either.

    Args:
        typed: As it was typed.
        whole: A part is not enough: the command writes to the run.
        or_project: A project could have been named as well.

    Raises:
        InputError: There is none, or more than one; or what is there is no file.
    """
    if len(typed.parts) > 1 and not paths.is_file(typed.with_name(typed.name + RUN_SUFFIX)):
        paths.check_file(typed, "RUN")  # a place is said by its name
        return typed
    return find_run(str(typed), runs_folder(), "RUN", whole=whole, or_project=or_project)


def run_in_place_of_project(typed: str, *, whole: bool = False) -> Path | None:
    """The file of the run that was named where a project may be named as well; None where that is a project.

    A project is named by its file or as ``sample:NAME``.

    Args:
        typed: As it was typed.
        whole: As in :func:`given_run`.

    Raises:
        InputError: It is neither, or the run is one of several of this name.
    """
    if typed.startswith("sample:"):
        return None
    path = paths.given_path(typed)
    ending = path.suffix.lower()
    if ending == io.SUFFIX or (ending != RUN_SUFFIX and (len(path.parts) > 1 or os.path.lexists(path))):
        return None
    return given_run(path, whole=whole, or_project=True)
