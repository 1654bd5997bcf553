"""``nnviz runs``, ``compare`` and ``export-tensorboard``: about runs that are there already; without torch."""

from __future__ import annotations

import argparse
import json
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nnviz import paths, streams
from nnviz.commands.json_text import json_text
from nnviz.commands.parsed_options import options_of
from nnviz.commands.tables import print_table
from nnviz.errors import InputError, on_one_line
from nnviz.project.files import io
from nnviz.project.flat_settings import Flat, setting, settings_in
from nnviz.record.comparison import compare_runs, find_run
from nnviz.record.library import Label, Library
from nnviz.record.number_text import format_number, percent
from nnviz.record.orders import ORDERS
from nnviz.record.places import runs_folder
from nnviz.record.quantities import LOSS
from nnviz.record.readings import Finding
from nnviz.record.run_filter import Filterable, parse_filter
from nnviz.record.stored import open_run
from nnviz.record.summaries import Summaries
from nnviz.record.summary import Summary

_NOTHING = "–"


@dataclass(frozen=True)
class ListedRun:
    """A run in the list.

    Attributes:
        path: Its file; without the suffix that is the name by which it is named.
        label: What the user says of it.
        summary: What it says of itself.
        created: Seconds since 1970, UTC; of its file, where the run does not say it.
    """

    path: Path
    label: Label
    summary: Summary
    created: float

    @property
    def title(self) -> str:
        """The user's own, else that of its project."""
        return self.label.title or self.summary.title


@dataclass(frozen=True)
class RunsOptions:
    """What ``nnviz runs`` was asked for."""

    text: tuple[str, ...]
    tag: tuple[str, ...]
    sort: str
    reverse: bool
    limit: int | None
    folder: Path | None
    json: bool

    @classmethod
    def of(cls, options: argparse.Namespace) -> RunsOptions:
        """From the parsed command line."""
        return options_of(cls, options)


def runs(options: RunsOptions) -> int:
    """List the runs of a folder, one a line, or as JSON."""
    folder = _folder(options.folder)
    found = listed(folder)
    names = {run.path: Filterable(_filtered_name(run), run.label.tags, run.summary) for run in found}
    wanted = parse_filter(" ".join(options.text), names.values())
    for problem in (*wanted.unfinished, *wanted.no_numbers):
        raise InputError(problem, field="TEXT")
    for key in wanted.unknown:
        streams.complain(f"none of the runs has a setting or a result called {key!r}")
    tags = {tag.casefold() for tag in options.tag}
    found = [
        run
        for run in found
        if wanted.holds(names[run.path]) and tags <= {tag.casefold() for tag in run.label.tags} and not wanted.unknown
    ]
    found = in_order(found, options.sort, reverse=options.reverse)[: options.limit]
    if options.json:
        print(json_text([_plain(run) for run in found], indent=1))
        return 0
    if not found:
        streams.complain(f"there is no {'such ' if options.text or tags else ''}run in {folder}")
        return 0
    best = ("best validation", "accuracy there")
    head = ("run", "date", "state", "epochs", *best, "test loss", "test accuracy", "time")
    print_table(head, [_row(run) for run in found], right={3, 4, 5, 6, 7, 8})
    for run in found:
        if run.summary.damage:
            streams.complain(f"{run.path.stem}: {run.summary.damage}")
    return 0


def listed(folder: Path) -> list[ListedRun]:
    """What a list says of the runs in a folder, the newest file first; what is known of them is kept beside them."""
    library = Library(folder)
    labels, kept = library.labels(), library.runs()
    summaries = Summaries(folder, settings_in)
    known, _ = summaries.of(kept)
    summaries.keep(kept)
    return [
        ListedRun(run.path, labels.get(run.path.name, Label()), found, found.created or run.modified)
        for run in kept
        for found in [known[run.path]]
    ]


def in_order(found: Sequence[ListedRun], order: str, *, reverse: bool = False) -> list[ListedRun]:
    """The runs sorted; those of which that is not known come last, either way round."""
    of: Mapping[str, Callable[[ListedRun], str | float]] = {
        "date": lambda run: run.created,
        "name": lambda run: run.path.stem.casefold(),
        "epochs": lambda run: run.summary.epochs,
        "loss": lambda run: run.summary.best_loss,
        "accuracy": lambda run: run.summary.best_accuracy,
        "test": lambda run: _test_score(run.summary),
        "time": lambda run: run.summary.seconds,
    }
    key = of[order]
    known = [
        run for run in found if not _is_missing(key(run)) and (order in ("date", "name") or not run.summary.damage)
    ]
    rest = [run for run in found if run not in known]
    known.sort(key=key, reverse=ORDERS[order] != reverse)
    return known + rest


def compare(named: Sequence[str], *, folder: Path | None, as_json: bool) -> int:
    """Print where the settings of runs differ, and what came out of each, side by side."""
    if len(named) < 2:
        raise InputError("Name two runs or more to compare them.", field="RUN")
    place = _folder(folder)
    files = [find_run(name, place, "RUN") for name in named]
    for file, times in Counter(file.resolve() for file in files).items():
        if times > 1:
            streams.complain(f"{file.stem} is named more than once: its columns are alike")
    found = compare_runs(files, computed, setting)
    changes = [_changes(file) for file in files]
    if as_json:
        plain = {
            "runs": list(found.names),
            "settings": {key: list(values) for key, values in found.settings.items()},
            "results": [_plain_results(one) for one in found.summaries],
            "changes": [[{"step": one.step, "text": one.text} for one in each] for each in changes],
        }
        print(json_text(plain, indent=1))
        return 0
    rows = [(key, *map(_setting_text, values)) for key, values in found.settings.items()]
    print_table(("setting", *found.names), rows or [("(all the same)", *[""] * len(found.names))])
    print()
    columns = [_result_texts(one) for one in found.summaries]
    print_table(("result", *found.names), [(name, *(column[name] for column in columns)) for name in columns[0]])
    of_runs = zip(found.names, changes, strict=True)
    if changed := [(name, f"{one.step:,}", one.text) for name, each in of_runs for one in each]:
        print()
        print_table(("run", "step", "changed while it trained"), changed, right={1})
    return 0


def _changes(file: Path) -> tuple[Finding, ...]:
    """What was changed by hand while a run was trained, the earliest first."""
    with open_run(file) as run:
        return run.events()


def export_tensorboard(named: str, folder: Path) -> int:
    """Write the curves and settings of a run as an event file of TensorBoard."""
    from nnviz.record.event_files import EventFiles  # noqa: PLC0415 - only here

    path = find_run(named, runs_folder(), "RUN")
    paths.check_folder(folder, "DIR")
    with open_run(path) as run:
        written = EventFiles(folder, run, computed(run.info.project_json))
        try:
            written.write_new(live=False)
        finally:
            written.close()
    print(on_one_line(f"{folder}: {written.count:,} values of {path.stem}"))
    return 0


def computed(project_json: bytes) -> dict[str, Flat]:
    """Every setting that decides what is computed, by its path; a wire is a setting of its own."""
    found = settings_in(project_json)
    if found:
        wires = (f"{edge.source.node} → {edge.target.node}" for edge in io.loads(project_json).graph.edges)
        found.update({f"wire {wire}": True for wire in wires})
    return found


def _folder(given: Path | None) -> Path:
    if given is None:
        return runs_folder()
    paths.check_folder(given, "--folder")
    if not given.exists():
        raise InputError("There is no such folder.", file=paths.shown(given), field="--folder")
    return given


def _filtered_name(run: ListedRun) -> str:
    return f"{run.path.stem} {run.label.title}".strip()


def _is_missing(value: str | float) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _test_loss(found: Summary) -> float:
    return found.losses.get(LOSS.series("test"), math.nan)


def _test_score(found: Summary) -> float:
    """The accuracy over the test split; where there is none, the lower loss is the better score."""
    return -_test_loss(found) if math.isnan(found.test_accuracy) else found.test_accuracy


def _row(run: ListedRun) -> tuple[str, ...]:
    found = run.summary
    name = f"{'* ' if run.label.pinned else ''}{run.path.stem}"
    if run.title and run.title not in name:
        name += f"  {run.title}"
    if run.label.tags:
        name += f"  [{', '.join(run.label.tags)}]"
    date = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created)) if run.created else _NOTHING
    if found.damage:
        return (name, date, found.outcome, *[_NOTHING] * 6)
    best = _number(found.best_loss)
    return (
        name,
        date,
        found.outcome,
        str(found.epochs) if found.planned in (None, found.epochs) else f"{found.epochs} of {found.planned}",
        best if found.best_epoch < 0 else f"{best} (epoch {found.best_epoch})",
        _share(found.best_accuracy),
        _number(_test_loss(found)),
        _share(found.test_accuracy),
        _seconds(found.seconds),
    )


def _result_texts(found: Summary) -> Mapping[str, str]:
    return {
        "epochs": str(found.epochs),
        "steps": f"{max(found.last_step, 0):,}",
        "best epoch": _NOTHING if found.best_epoch < 0 else str(found.best_epoch),
        "best validation loss": _number(found.best_loss),
        "its validation accuracy": _share(found.best_accuracy),
        "last validation loss": _number(found.losses.get(LOSS.series("validation"), math.nan)),
        "last validation accuracy": _share(found.accuracy),
        "last batch's train loss": _number(found.losses.get(LOSS.series("train"), math.nan)),
        "test loss": _number(_test_loss(found)),
        "test accuracy": _share(found.test_accuracy),
        "training time": _seconds(found.seconds),
    }


def _number(value: float) -> str:
    return _NOTHING if math.isnan(value) else format_number(value)


def _share(value: float) -> str:
    return _NOTHING if math.isnan(value) else percent(value, 2)


def _seconds(value: float) -> str:
    if not math.isfinite(value):
        return _NOTHING
    if value < 60:
        return f"{value:.1f} s"
    minutes, seconds = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02} min"


def _setting_text(value: object) -> str:
    if value is None:
        return _NOTHING
    if value is True:
        return "yes"
    return "no" if value is False else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _plain(run: ListedRun) -> dict[str, object]:
    return {
        "path": str(run.path),
        "name": run.path.stem,
        "title": run.title,
        "tags": list(run.label.tags),
        "pinned": run.label.pinned,
        "created": run.created,
        "state": run.summary.outcome,
        "planned_epochs": run.summary.planned,
        "damage": run.summary.damage,
        "results": None if run.summary.damage else _plain_results(run.summary),
    }


def _plain_results(found: Summary) -> dict[str, object]:
    """What is not there is null, or no number, of which JSON makes the same."""
    return {
        "epochs": found.epochs,
        "steps": max(found.last_step, 0),
        "train_loss": found.losses.get(LOSS.series("train"), math.nan),
        "best_epoch": found.best_epoch if found.best_epoch >= 0 else None,
        "best_loss": found.best_loss,
        "best_accuracy": found.best_accuracy,
        "validation_loss": found.losses.get(LOSS.series("validation"), math.nan),
        "validation_accuracy": found.accuracy,
        "test_loss": _test_loss(found),
        "test_accuracy": found.test_accuracy,
        "seconds": found.seconds,
    }
