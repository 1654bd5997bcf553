"""``nnviz`` and ``nnviz screenshot``: the window, on the screen or in a file."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

from nnviz import paths
from nnviz.commands.data_folder import check_data_folder
from nnviz.commands.given_run import run_in_place_of_project
from nnviz.errors import InputError, on_one_line


def window(target: str | None, data_dir: Path | None) -> int:
    """Open the window; returns when it is closed."""
    check_data_folder(data_dir)
    return int(_gui().main(None if target is None else _to_open(target), data_dir))


def screenshot(target: str, out: Path, size: tuple[int, int], theme: str, data_dir: Path | None) -> int:
    """Render the window to a PNG without a display."""
    paths.check_new_file(out, "--out")
    paths.check_folder_of(out, "--out")
    check_data_folder(data_dir)
    opened = _to_open(target)
    _gui().render(opened, out, size=size, theme_name=theme, data_dir=data_dir)
    print(on_one_line(str(out)))
    return 0


def _to_open(target: str) -> str:
    """What was typed, a kept run by its file."""
    run = run_in_place_of_project(target)
    return target if run is None else str(run)


def _gui() -> ModuleType:
    """The room that knows Qt.

    Raises:
        InputError: A library that Qt needs is missing on this computer.
    """
    try:
        return import_module("nnviz.gui.app")
    except ImportError as error:
        if error.name is not None and not error.name.startswith(("PySide6", "shiboken6")):
            raise
        raise InputError(f"Qt cannot be loaded, so there is no window: {error}.") from error
