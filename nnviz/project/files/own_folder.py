"""A folder or a file of the user's own in a project's file: relative to that file, so that both can be moved together.

In a project that is open it is absolute, so that a run, a copy and a recovered project still find it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from nnviz.errors import InputError
from nnviz.paths import given_path
from nnviz.project.model import DataConfig, Project

#: The parameters of data sets that name a folder or a file of the user's own: declarations call them so.
PARAMS: Final = ("folder", "path")


def rooted(data: DataConfig, base: Path) -> DataConfig:
    """The same choice, a relative folder or file taken as one in ``base``, which is absolute. Asks no disk."""
    for param in PARAMS:
        named = data.params.get(param)
        if not isinstance(named, str) or not named:
            continue
        try:
            place = given_path(named)
        except InputError:  # what is wrong with it is said where it is looked at
            continue
        if not place.is_absolute():
            data = _with(data, param, str(base / place))
    return data


def of_project(project: Project, file: Path) -> Project:
    """The project as it was read from ``file``, with the folder that it means."""
    data = rooted(project.data, file.absolute().parent)
    return project if data is project.data else msgspec.structs.replace(project, data=data)


def for_file(project: Project, file: Path) -> Project:
    """The project as ``file`` shall hold it: what lies beside or below the file is relative to it."""
    data, base = project.data, file.absolute().parent
    for param in PARAMS:
        named = data.params.get(param)
        if not isinstance(named, str) or "\0" in named or not Path(named).is_absolute():
            continue
        if Path(named).is_relative_to(base):
            data = _with(data, param, Path(named).relative_to(base).as_posix())
    return project if data is project.data else msgspec.structs.replace(project, data=data)


def _with(data: DataConfig, param: str, place: str) -> DataConfig:
    return msgspec.structs.replace(data, params={**data.params, param: place})
