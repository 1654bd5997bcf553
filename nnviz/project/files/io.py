"""Projects as files: versioned JSON that a person can read, compare and mend.

Reading goes in stages, each of which can trust the one before: bytes (size, UTF-8, depth) -> JSON (no NaN, no doubled
keys) -> version -> migrations -> schema (msgspec) -> every name, number and wire against the registry. Whatever is in
the file, the answer is a project or one sentence with the file and the field; nothing in it is ever executed.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from nnviz import paths
from nnviz.errors import InputError, ProjectError, StorageError
from nnviz.project.files import own_folder
from nnviz.project.files.atomic import write_atomically
from nnviz.project.files.file_schema import MIGRATIONS, VERSION, FileObject
from nnviz.project.files.reading import built
from nnviz.project.files.safe_json import LARGEST_FILE, parse_json, size_problem
from nnviz.project.files.writing import lines
from nnviz.project.graph.wiring import shortened
from nnviz.project.model import Project
from nnviz.project.text import run_name_problem
from nnviz.regular_files import open_regular

SUFFIX = ".nnviz"


# -- Reading ----------------------------------------------------------------------------------------------------------


def load(path: Path | str) -> Project:
    """The project in a file; a folder of the user's own is made absolute (see ``own_folder.py``).

    Raises:
        ProjectError: There is no such file, or it cannot be used; the sentence names the file and the field.
    """
    path = Path(path)
    try:
        with open_regular(path) as file:
            data = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = "There is no permission to read it." if isinstance(error, PermissionError) else paths.reason_of(error)
        raise ProjectError(reason, file=paths.shown(path)) from None
    return own_folder.of_project(loads(data, paths.shown(path)), path)


def load_run_name(path: Path | str) -> str:
    """What the file of a project calls the run that holds its weights; empty where it names none or is no project."""
    try:
        with open_regular(Path(path)) as file:
            named = _with_version(parse_json(file.read(LARGEST_FILE + 1))).get("run", "")
    except (OSError, ValueError, InputError):
        return ""
    return named if isinstance(named, str) and not run_name_problem(named) else ""


def loads(data: bytes, name: str = "") -> Project:
    """The project in the bytes of a file.

    Args:
        data: As :func:`dumps` gives them.
        name: Of the file, for the sentence when something is wrong.

    Raises:
        ProjectError: It cannot be used; the sentence names the file and the field.
    """
    try:
        raw = _migrated(_with_version(parse_json(data)))
        return built(raw)
    except InputError as error:
        raise ProjectError(error.message, field=error.field, file=name) from None


def _with_version(raw: object) -> FileObject:
    if not isinstance(raw, dict):
        raise ProjectError(f"This is not a project file: it holds {_noun(raw)} instead of an object.")
    if "nnviz" not in raw:
        raise ProjectError("This is not a project file: the format's version is missing.", field="nnviz")
    version = raw["nnviz"]
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ProjectError("The format's version must be a whole number from 1 on.", field="nnviz")
    if version > VERSION:
        raise ProjectError(
            f"This file was written by a newer nnviz (format {shortened(str(version))}, this one knows formats up to "
            f"{VERSION}): update nnviz to open it.",
            field="nnviz",
        )
    return raw


def _noun(value: object) -> str:
    names: Iterable[tuple[type, str]] = (
        (bool, "true or false"), (int, "a number"), (float, "a number"), (str, "text"), (list, "a list"),
    )  # fmt: skip
    return next((name for kind, name in names if isinstance(value, kind)), "nothing")


def _migrated(raw: FileObject) -> FileObject:
    """The JSON in the current version, one step at a time."""
    while (version := raw["nnviz"]) < VERSION:
        try:
            raw = {**MIGRATIONS[version](raw), "nnviz": version + 1}
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            raise ProjectError(f"This file of the older format {version} is damaged and cannot be read.") from None
    return raw


# -- Writing ----------------------------------------------------------------------------------------------------------


def dumps(project: Project, run: str = "") -> bytes:
    """The bytes of a file: JSON, a node and a wire a line, everything else a field a line, in a stable order.

    Args:
        project: What it holds.
        run: What it calls the run that holds the weights.

    Raises:
        ProjectError: It holds something that no file can (NaN, a text that is no text).
    """
    try:
        return "".join(lines(project, run)).encode()
    except ValueError as error:
        raise ProjectError(f"This project cannot be saved: {error}.") from None


def save(project: Project, path: Path | str, run: str = "") -> None:
    """Writes the project, and what it calls its run, to a file, wholly or not at all.

    Raises:
        StorageError: It could not be written; the old file is untouched.
    """
    data = dumps(own_folder.for_file(project, Path(path)), run)
    problem = size_problem(data)
    if problem:  # It could not be opened again.
        raise StorageError(f"{path} could not be saved: it {problem}. What was there before is untouched.")
    write_atomically(data, Path(path))
