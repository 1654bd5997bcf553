"""The run that a command is about: a file, or one of the kept runs by its name."""

from __future__ import annotations

import os
from pathlib import Path

from nnviz import paths
from nnviz.record.comparison import find_run
from nnviz.record.places import runs_folder


def given_run(typed: Path, *, whole: bool = False) -> Path:
    """The file of the run that somebody named: a path, or of a kept run its name, its title or a part of either.

    Args:
        typed: As it was typed.
        whole: A part is not enough: the command writes to the run.

    Raises:
        InputError: There is none, or more than one; or what is there is no file.
    """
    if len(typed.parts) > 1 or os.path.lexists(typed):
        paths.check_file(typed, "RUN")
        return typed
    return find_run(str(typed), runs_folder(), "RUN", whole=whole)
