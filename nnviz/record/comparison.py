"""Several runs side by side: the settings in which they differ, and what came out of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from nnviz.errors import InputError, RunFileError
from nnviz.paths import is_file, shown
from nnviz.record.library import Label, Library
from nnviz.record.places import RUN_SUFFIX
from nnviz.record.summary import Settings, SettingValue, Summary, summary

#: (settings of a run, path) -> the value there, or the default.
ValueOf: TypeAlias = Callable[[Mapping[str, SettingValue], str], object]
#: So many names are listed where one is looked for.
_MOST_NAMED = 6


@dataclass(frozen=True)
class Compared:
    """Runs side by side.

    Attributes:
        names: Of the runs, as they stand in the list of runs.
        settings: Path of a setting -> its value in each run, None where it has none; only where they differ.
        summaries: Of each run, with all its settings.
    """

    names: tuple[str, ...]
    settings: Mapping[str, tuple[object, ...]]
    summaries: tuple[Summary, ...]


def differing(all_settings: Sequence[Mapping[str, SettingValue]], value: ValueOf) -> list[str]:
    """The paths whose values are not the same in all of these, in the order of the first that has them.

    Args:
        all_settings: Those of each run.
        value: That of a path, also where it is a default that nobody has written down; None where there is none.
    """
    paths: dict[str, None] = {}
    for settings in all_settings:
        paths.update(dict.fromkeys(settings))
    return [path for path in paths if differs(all_settings, path, value)]


def differs(all_settings: Sequence[Mapping[str, SettingValue]], path: str, value: ValueOf) -> bool:
    """Whether a setting has not the same value in all of these; the arguments are those of :func:`differing`."""
    values: set[tuple[bool, object]] = set()
    for settings in all_settings:
        # Read as it stands where it stands: there may be hundreds of runs with a hundred settings each.
        found = settings[path] if path in settings else value(settings, path)
        values.add((isinstance(found, bool), found))  # 1 and 1.0 are the same, what is on is not
        if len(values) > 1:
            return True
    return False


def compare_runs(paths: Sequence[Path], settings: Settings, value: ValueOf) -> Compared:
    """Compare the runs in these files.

    Args:
        paths: Two or more.
        settings: Every setting of a project by its path, of the project as its file holds it.
        value: That of a path, also where it is a default that nobody has written down; None where there is none.

    Raises:
        RunFileError: One of them cannot be read.
    """
    found = []
    for path in paths:
        one = summary(path, settings)
        if one.damage:
            raise RunFileError(one.damage, file="" if path.name in one.damage else shown(path))
        found.append(one)
    paths_that_differ = sorted(differing([one.settings for one in found], value))
    beside = {key: tuple(value(one.settings, key) for one in found) for key in paths_that_differ}
    return Compared(tuple(path.stem for path in paths), beside, tuple(found))


def find_run(named: str, folder: Path, field: str = "", *, whole: bool = False, or_project: bool = False) -> Path:
    """The run that somebody names: a file, or one of a folder by its name, its title or a part of either.

    Who types the name of a file, with its ending, means that one alone.

    Args:
        named: As it was typed.
        folder: Where runs are kept.
        field: The argument that it was given for, for the sentence.
        whole: A part of a name is not enough, as where the run is written to: those that have it are listed.
        or_project: The file of a project could have been named as well, and there is none: for the sentence.

    Raises:
        InputError: There is none, or more than one.
    """
    typed = Path(named).expanduser() if named and "\0" not in named else None
    if typed is not None:
        for path in (typed, typed.with_name(typed.name + RUN_SUFFIX) if typed.name else typed):
            if is_file(path):
                return path
    library = Library(folder)
    labels = library.labels()
    runs = [run.path for run in library.runs()]
    wanted = named.casefold().removesuffix(RUN_SUFFIX)
    exact = [path for path in runs if wanted in (path.stem.casefold(), _title(path, labels).casefold())]
    is_whole = not wanted or named.casefold().endswith(RUN_SUFFIX)
    found = exact or [path for path in runs if not is_whole and wanted in _names(path, labels).casefold()]
    if not found:
        raise InputError(
            f"There is no run of this name, neither as a file nor in {folder} (nnviz runs lists them)"
            f"{', and no file of a project' if or_project else ''}.",
            file=shown(named),
            field=field,
        )
    if len(found) > 1 or (whole and not exact):
        some = ", ".join(f"'{path.stem}'" for path in found[:_MOST_NAMED])
        more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
        what = "Several runs have this in their" if len(found) > 1 else "A run has this in its"
        cure = " Name the one that is meant as a whole." if whole and not exact else ""
        raise InputError(f"{what} name: {some}{more}.{cure}", file=shown(named), field=field)
    return found[0]


def _names(path: Path, labels: Mapping[str, Label]) -> str:
    return f"{path.stem}\n{_title(path, labels)}"


def _title(path: Path, labels: Mapping[str, Label]) -> str:
    label = labels.get(path.name)
    return "" if label is None else label.title
