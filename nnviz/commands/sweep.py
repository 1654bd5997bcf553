"""``nnviz sweep``: a project trained again and again with other settings and seeds, and a table of what came of it."""

from __future__ import annotations

import argparse
import math
import shlex
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from nnviz import paths, streams
from nnviz.commands.given_project import fetch, open_project
from nnviz.commands.json_lines import JsonLines, ended_by
from nnviz.commands.parsed_options import options_of
from nnviz.commands.tables import print_table
from nnviz.commands.train import TrainOptions, checked
from nnviz.errors import InputError
from nnviz.project import registry
from nnviz.project.files import io
from nnviz.project.flat_settings import words_of
from nnviz.project.model import Project
from nnviz.project.starts import as_varied, one_start_note
from nnviz.record.places import runs_folder
from nnviz.train.change import Difference, differences
from nnviz.train.sweep_record import (
    EVERYTHING_TRIED,
    Plan,
    SweepRecord,
    SweptRun,
    Trial,
    check_name,
    load,
    path_of,
)
from nnviz.train.sweep_text import figure, outcome, setting_text, with_spread

if TYPE_CHECKING:
    from nnviz.train.sweep import Progress, Sweep

_PREFIX = "validation_"
#: Seconds between two paintings of the bar.
_EVERY = 0.1
#: Letters of the reason of a failure in a table.
_LONGEST = 60


@dataclass(frozen=True)
class SweepOptions:
    """What ``nnviz sweep`` was asked for."""

    project: str
    vary: tuple[str, ...]
    seeds: int | None
    runs: int | None
    minutes: float | None
    search: str | None
    objective: str | None
    prune: bool
    name: str | None
    resume: bool
    data: str | None
    data_dir: Path | None
    epochs: int | None
    seed: int | None
    device: str | None
    settings: tuple[tuple[str, str], ...]
    skip_bad: bool
    json: bool
    download: bool = False

    @classmethod
    def of(cls, options: argparse.Namespace) -> SweepOptions:
        """From the parsed command line."""
        return options_of(cls, options)


def sweep(options: SweepOptions) -> int:
    """Make the runs, on this thread, and print what came of them, the best first."""
    from nnviz.train import share_cores  # noqa: PLC0415 - only for a training
    from nnviz.train.cores import CoreWatch  # noqa: PLC0415 - as above

    if options.name is not None:
        check_name(options.name)
    cores = CoreWatch()
    as_trained = TrainOptions(
        options.project,
        options.data,
        options.data_dir,
        options.epochs,
        options.seed,
        options.device,
        options.settings,
        run=None,
        resume=False,
        json=options.json,
        skip_bad=options.skip_bad,
        download=options.download,
    )
    before = _known(options) if options.resume else None
    project, found = checked(as_trained, None if before is None else before.project)
    said = _Said(as_json=options.json)
    for warning in found.warnings:
        said.warning(warning)
    if options.download:
        fetch(project, options.data_dir)
    share_cores(cores, watched=True)
    from nnviz.train.sweep import Budget, Sweep  # noqa: PLC0415 - brings torch, which takes seconds to import

    budget = Budget(options.runs, options.minutes)
    if before is not None and budget == Budget():
        budget = Budget(before.plan.runs, before.plan.minutes)
    others: dict[str, Any] = {"data_dir": options.data_dir, "on_change": said.look, "on_warning": said.warning}
    try:
        if before is not None:
            made = Sweep.reopen(before.path, budget, **others)
            _compare(before, options, project)
        else:
            made = Sweep.begin(_plan(options, project), budget, **others)
    except InputError as error:
        raise error.at(field="--vary") from None
    if not options.resume and (note := one_start_note(project, made.record.plan.paths)):
        said.warning(note)
    said.begin(made)
    ended: BaseException | None = None
    try:
        made.run()
    except BaseException as error:
        ended = error
        raise
    finally:
        with streams.perhaps_unread():
            said.end(made, ended_by(ended))
    lost = [run.run for _, run in _ended(made.record) if not run.complete]
    if lost:  # said again where it is seen: below the table
        streams.complain(f"Not kept, or not as a whole: {', '.join(map(paths.shown, lost))}.")
    nothing = bool(made.record.trials) and all(math.isnan(trial.mean) for trial in made.record.trials)
    return int(nothing or bool(lost))


def _plan(options: SweepOptions, project: Project) -> Plan:
    return Plan(
        options.name or project.name or "sweep",
        io.dumps(project).decode(),
        options.vary,
        options.search or "grid",
        options.seeds or 1,
        _objective(options) or project.training.best_by,
        options.prune,
    )


def _objective(options: SweepOptions) -> str:
    return (options.objective or "").removeprefix(_PREFIX)


@dataclass(frozen=True)
class _Known:
    """A sweep that is gone on with: its file, what it does, and what was trained in it."""

    path: Path
    plan: Plan
    project: Project


def _known(options: SweepOptions) -> _Known:
    """The sweep of the name that was given: in place of the project, or by --name; else it is called as the project.

    Raises:
        InputError: There is none, or the project that was given is not what was trained in it.
    """
    named = options.project.startswith("sample:") or options.project.lower().endswith(io.SUFFIX)
    asked = open_project(options.project) if named or options.name else None
    name = options.name or (options.project if asked is None else asked.name or "sweep")
    check_name(name, "PROJECT")  # one that was given by --name was looked at before
    path = path_of(name)
    if not path.exists():
        raise InputError(f"There is no sweep {name!r} to go on with.", field="--resume")
    plan = load(path).plan
    before = io.loads(plan.project.encode(), name)
    for other in () if asked is None else differences(before, as_varied(asked, before, plan.paths)):
        if not other.field.startswith(("data.", "training.")):  # those are as the options of then said
            raise _begun_otherwise(other, name)
    return _Known(path, plan, before)


def _compare(known: _Known, options: SweepOptions, project: Project) -> None:
    """Say where what was asked for now is not what the sweep was begun with."""
    plan, before = known.plan, known.project
    if (other := next(differences(before, as_varied(project, before, plan.paths)), None)) is not None:
        raise _begun_otherwise(other, plan.name)
    asked: tuple[tuple[str, object, object], ...] = (
        ("--vary", plan.vary, options.vary or plan.vary),
        ("--seeds", plan.seeds, options.seeds or plan.seeds),
        ("--search", plan.search, options.search or plan.search),
        ("--objective", plan.objective, _objective(options) or plan.objective),
        ("--prune", plan.pruning, options.prune or plan.pruning),
    )
    for field, then, now in asked:
        if then != now:
            raise InputError(
                "The sweep was begun with another; give it another --name, or leave this out.", field=field
            )


def _begun_otherwise(other: Difference, name: str) -> InputError:
    return InputError(
        f"What is asked for is not what the sweep was begun with ({other.told('in the sweep', 'asked for')}): take "
        f"another --name, or leave this out and go on with it as it was made (nnviz sweep {shlex.quote(name)} "
        "--resume).",
        field=other.field,
    )


class _Said:
    """Says how a sweep goes: a bar for people, JSON for programs."""

    def __init__(self, *, as_json: bool) -> None:
        self._lines = JsonLines() if as_json else None
        self._sweep: Sweep | None = None
        self._bar: Any = None
        self._next = 0.0
        self._told: set[tuple[int, int]] = set()

    def begin(self, sweep: Sweep) -> None:
        """It is about to start; what was made before needs no telling."""
        self._sweep = sweep
        self._told = {(trial.number, run.seed) for trial, run in _ended(sweep.record)}
        if self._lines is None and sys.stderr is not None and sys.stderr.isatty():  # else a line a run is enough
            self._bar = tqdm(
                total=sweep.progress.planned,
                initial=sweep.progress.runs,
                unit="run",
                file=sys.stderr,
                dynamic_ncols=True,
            )

    def look(self) -> None:
        """Something has changed."""
        sweep = self._sweep
        if sweep is None:
            return
        for trial, run in _ended(sweep.record):
            if (trial.number, run.seed) in self._told:
                continue
            self._told.add((trial.number, run.seed))
            if self._lines is not None:
                self._lines.print({"event": "run", **_plain_run(trial, run)})
            elif self._bar is None:
                streams.tell(_line(sweep.record, trial, run))
        if self._bar is not None:
            self._show(sweep.record, sweep.progress)

    def warning(self, text: str) -> None:
        """What does not end it, on any thread."""
        if self._lines is not None:
            self._lines.print({"event": "warning", "text": text})
        streams.complain(text, above=self._bar)

    def _show(self, record: SweepRecord, progress: Progress) -> None:
        best = next(iter(record.best_first()), None)
        words = f"epoch {progress.epoch} of {progress.epochs}" if progress.trial >= 0 else ""
        if best is not None and not math.isnan(best.mean):
            words += f", best {figure(record.plan.objective, best.mean)}"
        self._bar.set_postfix_str(words.strip(", "), refresh=False)
        self._bar.n = progress.runs
        if time.monotonic() >= self._next:  # an epoch may last a few milliseconds
            self._next = time.monotonic() + _EVERY
            self._bar.refresh()

    def end(self, sweep: Sweep, event: str) -> None:
        """It has ended, one way or the other: what came of it."""
        if self._bar is not None:
            self._bar.close()
        record = sweep.record
        if self._lines is not None:
            self._lines.print({"event": event, **_plain(record), "ended": sweep.progress.ended})
            return
        _print(record)
        streams.tell(f"{sweep.progress.ended} The sweep is kept as {record.plan.name!r}{_how_on(sweep)}.")


def _line(record: SweepRecord, trial: Trial, run: SweptRun) -> str:
    settings = ", ".join(f"{words_of(path)} {setting_text(trial, path)}" for path in trial.settings)
    value = figure(record.plan.objective, math.nan if run.value is None else run.value)
    return f"run {record.runs:>3}   {settings}, seed {run.seed}   {value if run.state == 'done' else run.reason}"


def _how_on(sweep: Sweep) -> str:
    """What goes on with it, behind where it is kept; nothing where all of it was tried."""
    plan = sweep.record.plan
    if sweep.progress.ended == EVERYTHING_TRIED:
        return ""
    used = plan.runs is not None and sweep.record.runs >= plan.runs
    return f"; nnviz sweep {shlex.quote(plan.name)} --resume{' --runs N goes on to N runs' if used else ' goes on'}"


def _ended(record: SweepRecord) -> list[tuple[Trial, SweptRun]]:
    return [(trial, run) for trial in record.trials for run in trial.runs if run.state != "begun"]


def _print(record: SweepRecord) -> None:
    plan = record.plan
    varied = list(record.trials[0].settings) if record.trials else []
    title = f"validation {registry.FIGURES(plan.objective).title.lower()}"
    head = ("trial", *(words_of(path) for path in varied), title, "runs", "")
    rows = [
        (
            str(trial.number + 1),
            *(setting_text(trial, path) for path in varied),
            with_spread(plan.objective, trial),
            f"{len(trial.values)} of {plan.seeds}",
            _short(outcome(trial, plan.seeds)),
        )
        for trial in record.best_first()
    ]
    print_table(head, rows, right={0, len(varied) + 2})
    streams.tell(
        f"mean ± standard deviation over {plan.seeds} seed{'s' * (plan.seeds != 1)}; the runs are in {runs_folder()}"
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _plain_run(trial: Trial, run: SweptRun) -> dict[str, object]:
    return {
        "trial": trial.number + 1,
        "settings": trial.in_force,
        "seed": run.seed,
        "state": run.state,
        "value": run.value,
        "reason": run.reason,
        "run": str(runs_folder() / run.run) if run.run else None,
        "run_complete": run.complete,
        "seconds": run.seconds,
    }


def _plain(record: SweepRecord) -> dict[str, object]:
    return {
        "name": record.plan.name,
        "objective": f"{_PREFIX}{record.plan.objective}",
        "trials": [
            {
                "trial": trial.number + 1,
                "settings": trial.in_force,
                "mean": trial.mean,
                "spread": trial.spread,
                "values": trial.values,
                "outcome": outcome(trial, record.plan.seeds),
                "runs": [_plain_run(trial, run) for run in trial.runs],
            }
            for trial in record.best_first()
        ],
    }
