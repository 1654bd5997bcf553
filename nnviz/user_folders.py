"""Where the program keeps what is the user's: runs and data sets, settings, and what outlives a window.

An account may have no home: a container that runs under a bare number, a service. Then a folder for temporary files
takes its place, which each program that starts has for itself; who starts a window is told so.
"""

from __future__ import annotations

import atexit
import contextlib
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import platformdirs


def data_folder() -> Path:
    """For runs and downloaded data sets; it may not exist yet."""
    return _own(platformdirs.user_data_path) or _substitute() / "data"


def state_folder() -> Path:
    """For what outlives a window but is nobody's document: locks, unsaved work, the log; it may not exist yet."""
    return _own(platformdirs.user_state_path) or _substitute() / "state"


def cache_folder() -> Path:
    """For what can be made again and may be deleted at any time; it may not exist yet."""
    return _own(platformdirs.user_cache_path) or _substitute() / "cache"


def settings_folder() -> Path:
    """For the settings; it may not exist yet."""
    return _own(platformdirs.user_config_path) or _substitute() / "settings"


def home() -> Path:
    """The user's home; the folder that takes its place where there is none."""
    try:
        return Path.home()
    except (RuntimeError, KeyError):
        return _substitute()


def substitute() -> Path | None:
    """The folder in use because the account has no place of its own; None when it has."""
    kinds = (platformdirs.user_data_path, platformdirs.user_state_path, platformdirs.user_config_path)
    return None if all(map(_own, kinds)) else _substitute()


def _own(kind: Callable[..., Path]) -> Path | None:
    try:
        folder = kind("nnviz", appauthor=False)
    except (RuntimeError, KeyError):
        return None
    # In older platformdirs '~' stays as it is, and would become a folder of that name in whatever folder one is.
    return folder if folder.is_absolute() else None


@cache
def _substitute() -> Path:
    """Made for this process, with a name that nobody can foresee and for this account alone."""
    folder = Path(tempfile.mkdtemp(prefix="nnviz-"))
    atexit.register(_remove_if_empty, folder)
    return folder


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()
