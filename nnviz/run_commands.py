"""What the command line says of runs that are there: it lists, compares and exports them; without torch."""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from nnviz import paths
from nnviz.errors import InputError, RunFileError
from nnviz.record.comparison import compare_runs, find_run
from nnviz.record.library import Label, Library, summary
from nnviz.record.number_text import format_number
from nnviz.record.orders import ORDERS
from nnviz.record.places import runs_folder
from nnviz.record.quantities import percent
from nnviz.record.results import Results, results
from nnviz.record.stored import open_run
from nnviz.reports import print_table

_NOTHING = "–"


@dataclass(frozen=True)
class ListedRun:
    """A run in the list.

    Attributes:
        path: Its file.
        name: By which it can be named: its file without the suffix.
        title: The user's own, else that of its project.
        tags, pinned: What the user says of it.
        created: Seconds since 1970, UTC.
        state: ``running`` (somebody writes it), ``done``, ``failed``, ``broken off`` (killed) or ``damaged``.
        results: What came out of it; None where it cannot be read.
        damage: Why it cannot be read, as a sentence; empty where it can.
    """

    path: Path
    name: str
    title: str
    tags: tuple[str, ...]
    pinned: bool
    created: float
    state: str
    results: Results | None
    damage: str = ""

    def has(self, text: str) -> bool:
        """Whether its name, title or tags contain a text."""
        return text.casefold() in "\n".join((self.name, self.title, *self.tags)).casefold()


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
        found = {field.name: getattr(options, field.name) for field in fields(cls)}
        return cls(**{**found, "text": tuple(options.text), "tag": tuple(options.tag)})


def runs(options: RunsOptions) -> int:
    """List the runs of a folder, one a line, or as JSON."""
    folder = _folder(options.folder)
    library = Library(folder)
    labels = library.labels()
    found = [listed(kept.path, kept.modified, labels.get(kept.path.name, Label())) for kept in library.runs()]
    tags = {tag.casefold() for tag in options.tag}
    found = [
        run
        for run in found
        if all(run.has(text) for text in options.text) and tags <= {tag.casefold() for tag in run.tags}
    ]
    found = in_order(found, options.sort, reverse=options.reverse)[: options.limit]
    if options.json:
        print(json.dumps([_plain(run) for run in found], indent=1, ensure_ascii=False))
        return 0
    if not found:
        print(f"nnviz: there is no {'such ' if options.text or tags else ''}run in {folder}", file=sys.stderr)
        return 0
    head = (
        "run",
        "date",
        "state",
        "epochs",
        "best validation loss",
        "accuracy there",
        "test loss",
        "test accuracy",
        "time",
    )
    print_table(head, [_row(run) for run in found], right={3, 4, 5, 6, 7, 8})
    for run in found:
        if run.damage:
            print(f"nnviz: {run.name}: {run.damage}", file=sys.stderr)
    return 0


def listed(path: Path, modified: float, label: Label) -> ListedRun:
    """What a list says of the run in a file; never raises for what is in it."""
    head = summary(path)
    found: Results | None = None
    state, damage = "", head.damage
    if not damage:
        try:
            with open_run(path) as run:
                found, state = results(run), run.state
        except RunFileError as error:
            damage = error.message
    if damage:
        state = "damaged"
    elif head.running:
        state = "running"
    elif not head.finished:
        state = "broken off"
    return ListedRun(
        path,
        path.stem,
        label.title or head.title,
        label.tags,
        label.pinned,
        head.created or modified,
        state,
        found,
        damage,
    )


def in_order(found: Sequence[ListedRun], order: str, *, reverse: bool = False) -> list[ListedRun]:
    """The runs sorted; those of which that is not known come last, either way round."""
    of: Mapping[str, Callable[[ListedRun], object]] = {
        "date": lambda run: run.created,
        "name": lambda run: run.name.casefold(),
        "epochs": lambda run: run.results and run.results.epochs,
        "loss": lambda run: run.results and run.results.best_loss,
        "accuracy": lambda run: run.results and run.results.best_accuracy,
        "test": lambda run: run.results and _test_score(run.results),
        "time": lambda run: run.results and run.results.seconds,
    }
    key = of[order]
    known = [run for run in found if key(run) is not None]
    known.sort(key=key, reverse=ORDERS[order] != reverse)  # type: ignore[arg-type]  # each key gives one type that has an order
    return known + [run for run in found if key(run) is None]


def compare(named: Sequence[str], *, folder: Path | None, as_json: bool) -> int:
    """Print where the settings of runs differ, and what came out of each, side by side."""
    if len(named) < 2:
        raise InputError("Name two runs or more to compare them.", field="RUN")
    place = _folder(folder)
    found = compare_runs([find_run(name, place, "RUN") for name in named])
    if as_json:
        plain = {
            "runs": list(found.names),
            "settings": {key: list(values) for key, values in found.settings.items()},
            "results": [_plain_results(one) for one in found.results],
        }
        print(json.dumps(plain, indent=1, ensure_ascii=False, default=str))
        return 0
    rows = [(key, *map(_setting_text, values)) for key, values in found.settings.items()]
    print_table(("setting", *found.names), rows or [("(all the same)", *[""] * len(found.names))])
    print()
    columns = [_result_texts(one) for one in found.results]
    print_table(("result", *found.names), [(name, *(column[name] for column in columns)) for name in columns[0]])
    return 0


def export_tensorboard(named: str, folder: Path) -> int:
    """Write the curves and settings of a run as an event file of TensorBoard."""
    from nnviz.record.event_files import EventFiles  # noqa: PLC0415 - only here

    path = find_run(named, runs_folder(), "RUN")
    paths.check_folder(folder, "DIR")
    with open_run(path) as run:
        written = EventFiles(folder, run)
        try:
            written.write_new(live=False)
        finally:
            written.close()
    print(f"{folder}: {written.count:,} values of {path.stem}")
    return 0


def _folder(given: Path | None) -> Path:
    if given is None:
        return runs_folder()
    paths.check_folder(given, "--folder")
    if not given.exists():
        raise InputError("There is no such folder.", file=paths.shown(given), field="--folder")
    return given


def _test_score(found: Results) -> float | None:
    """The accuracy over the test split; where there is none, the lower loss is the better score."""
    if found.test_accuracy is not None or found.test_loss is None:
        return found.test_accuracy
    return -found.test_loss


def _row(run: ListedRun) -> tuple[str, ...]:
    found = run.results
    name = f"{'* ' if run.pinned else ''}{run.name}"
    if run.title and run.title not in run.name:
        name += f"  {run.title}"
    if run.tags:
        name += f"  [{', '.join(run.tags)}]"
    name = "".join(letter if letter.isprintable() else "?" for letter in name)  # a file may be called anything
    date = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created)) if run.created else _NOTHING
    if found is None:
        return (name, date, run.state, *[_NOTHING] * 6)
    best = _number(found.best_loss)
    return (
        name,
        date,
        run.state,
        str(found.epochs),
        best if found.best_epoch is None else f"{best} (epoch {found.best_epoch})",
        _share(found.best_accuracy),
        _number(found.test_loss),
        _share(found.test_accuracy),
        _seconds(found.seconds),
    )


def _result_texts(found: Results) -> Mapping[str, str]:
    return {
        "epochs": str(found.epochs),
        "steps": f"{found.steps:,}",
        "train loss of the last batch": _number(found.train_loss),
        "best epoch": _NOTHING if found.best_epoch is None else str(found.best_epoch),
        "best validation loss": _number(found.best_loss),
        "its validation accuracy": _share(found.best_accuracy),
        "last validation loss": _number(found.validation_loss),
        "last validation accuracy": _share(found.validation_accuracy),
        "test loss": _number(found.test_loss),
        "test accuracy": _share(found.test_accuracy),
        "training time": _seconds(found.seconds),
    }


def _number(value: float | None) -> str:
    return _NOTHING if value is None else format_number(value)


def _share(value: float | None) -> str:
    return _NOTHING if value is None else percent(value, 2)


def _seconds(value: float | None) -> str:
    if value is None or not math.isfinite(value):
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
    plain = {**asdict(run), "path": str(run.path), "tags": list(run.tags)}
    plain["results"] = None if run.results is None else _plain_results(run.results)
    return plain


def _plain_results(found: Results) -> dict[str, object]:
    """Numbers that JSON does not know become null."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in asdict(found).items()
    }
