"""Several runs side by side: the settings in which they differ, and what came out of each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from nnviz.errors import InputError
from nnviz.paths import shown
from nnviz.record.library import Label, Library, settings_of
from nnviz.record.places import RUN_SUFFIX
from nnviz.record.results import Results, results
from nnviz.record.stored import open_run

#: What is drawn or written beside a network and makes no difference to what is computed.
_WITHOUT_EFFECT = re.compile(r"nnviz|note|view(\..*)?|graph\.(notes|groups)(\..*)?|graph\.nodes\.[^.]+\.(x|y|id|name)")
_WIRE = re.compile(r"graph\.edges\.(\d+)\.(\w+)")
#: So many names are listed where one is looked for.
_MOST_NAMED = 6


@dataclass(frozen=True)
class Compared:
    """Runs side by side.

    Attributes:
        names: Of the runs, as they stand in the list of runs.
        settings: Path of a setting -> its value in each run, None where it has none; only where they differ.
        results: Of each run.
    """

    names: tuple[str, ...]
    settings: Mapping[str, tuple[object, ...]]
    results: tuple[Results, ...]


def compare_runs(paths: Sequence[Path]) -> Compared:
    """Compare the runs in these files.

    Raises:
        RunFileError: One of them cannot be read.
    """
    found: list[tuple[Mapping[str, object], Results]] = []
    for path in paths:
        with open_run(path) as run:
            found.append((_computed(run.info.project_json), results(run)))
    every = sorted({key for settings, _ in found for key in settings})
    beside = {key: tuple(settings.get(key) for settings, _ in found) for key in every}
    differing = {key: values for key, values in beside.items() if any(value != values[0] for value in values)}
    return Compared(tuple(path.stem for path in paths), differing, tuple(result for _, result in found))


def find_run(named: str, folder: Path, field: str = "") -> Path:
    """The run that somebody names: a file, or one of a folder by its name, its title or a part of either.

    Args:
        named: As it was typed.
        folder: Where runs are kept.
        field: The argument that it was given for, for the sentence.

    Raises:
        InputError: There is none, or more than one.
    """
    typed = Path(named).expanduser() if named and "\0" not in named else None
    if typed is not None:
        for path in (typed, typed.with_name(typed.name + RUN_SUFFIX) if typed.name else typed):
            if path.is_file():
                return path
    library = Library(folder)
    labels = library.labels()
    runs = [run.path for run in library.runs()]
    wanted = named.casefold().removesuffix(RUN_SUFFIX)
    exact = [path for path in runs if wanted in (path.stem.casefold(), _title(path, labels).casefold())]
    found = exact or [path for path in runs if wanted and wanted in f"{path.stem}\n{_title(path, labels)}".casefold()]
    if not found:
        raise InputError(
            f"There is no run of this name, neither as a file nor in {folder} (nnviz runs lists them).",
            file=shown(named),
            field=field,
        )
    if len(found) > 1:
        some = ", ".join(f"'{path.stem}'" for path in found[:_MOST_NAMED])
        more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
        raise InputError(f"Several runs have this in their name: {some}{more}.", file=shown(named), field=field)
    return found[0]


def _title(path: Path, labels: Mapping[str, Label]) -> str:
    label = labels.get(path.name)
    return "" if label is None else label.title


def _computed(project_json: bytes) -> Mapping[str, object]:
    """The settings that decide what is computed; a wire is a setting of its own, wherever it stands in the list."""
    try:
        flat = settings_of(project_json)
    except (msgspec.MsgspecError, RecursionError):
        return {}
    kept: dict[str, object] = {}
    wires: dict[str, dict[str, object]] = {}
    for key, value in flat.items():
        wire = _WIRE.fullmatch(key)
        if wire is not None:
            wires.setdefault(wire[1], {})[wire[2]] = value
        elif not _WITHOUT_EFFECT.fullmatch(key):
            kept[key] = value
    for wire_parts in wires.values():
        source, target = wire_parts.pop("source", "?"), wire_parts.pop("target", "?")
        kept[f"graph.edges.{source} → {target}"] = wire_parts or True
    return kept
