"""A folder of the user's own in a project's file: relative to that file, so that both can be moved together.

In a project that is open it is absolute, so that a run, a copy and a recovered project still find it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from nnviz.errors import InputError
from nnviz.paths import given_path
from nnviz.project.model import DataConfig, Project

#: The parameter of a data set that names a folder of the user's own: every declaration that has one calls it so.
PARAM: Final = "folder"


def rooted(data: DataConfig, base: Path) -> DataConfig:
    """The same choice, a relative folder taken as one in ``base``, which is absolute. Asks no disk."""
    named = data.params.get(PARAM)
    if not isinstance(named, str) or not named:
        return data
    try:
        folder = given_path(named)
    except InputError:  # what is wrong with it is said where it is looked at
        return data
    return data if folder.is_absolute() else _with(data, str(base / folder))


def of_project(project: Project, file: Path) -> Project:
    """The project as it was read from ``file``, with the folder that it means."""
    data = rooted(project.data, file.absolute().parent)
    return project if data is project.data else msgspec.structs.replace(project, data=data)


def for_file(project: Project, file: Path) -> Project:
    """The project as ``file`` shall hold it: a folder beside or below the file is relative to it."""
    named = project.data.params.get(PARAM)
    if not isinstance(named, str) or "\0" in named or not Path(named).is_absolute():
        return project
    base = file.absolute().parent
    if not Path(named).is_relative_to(base):
        return project
    return msgspec.structs.replace(project, data=_with(project.data, Path(named).relative_to(base).as_posix()))


def _with(data: DataConfig, folder: str) -> DataConfig:
    return msgspec.structs.replace(data, params={**data.params, PARAM: folder})
