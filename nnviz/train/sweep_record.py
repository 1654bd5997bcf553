"""What is known of a sweep: its plan, its trials and their runs; and the file that keeps it, plain JSON and no more.

Optuna's own storages are not used for it: they hold what their library unpickles or runs as SQL. Here a file is read as
data of fixed types, bounded, and every name in it is looked at before anything is opened by it.
"""

from __future__ import annotations

import itertools
import math
import os
import re
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from nnviz import paths
from nnviz.errors import InputError, StorageError
from nnviz.project import registry
from nnviz.project.files import io
from nnviz.project.files.atomic import write_atomically
from nnviz.project.text import LONGEST_NAME, name_problem
from nnviz.project.variations import varied_path
from nnviz.record.places import RUN_SUFFIX, runs_folder
from nnviz.regular_files import read_regular

#: How points are chosen, by the names of the command line.
SEARCHES = {
    "grid": "Every value with every other, in order",
    "random": "Points drawn at random",
    "tpe": "Where the trials so far promise most (Optuna's TPE)",
}
SUFFIX = ".nnvizsweep"
MOST_SEEDS, MOST_RUNS = 100, 10_000
#: Why a sweep ended that has nothing left to try.
EVERYTHING_TRIED = "Every combination was tried."
_LARGEST = 2**26
#: Letters of a file's name, and what ends that of one of several sweeps of the same name.
_LONGEST_SLUG = 60
_NUMBER = re.compile(r" \(\d{1,6}\)$")
_VERSION = 1

State = Literal["begun", "done", "pruned", "failed"]


class SweptRun(msgspec.Struct, frozen=True):
    """One run of a trial.

    Attributes:
        seed: Of the training.
        run: Name of its file in the folder of runs; empty where there is none.
        state: ``begun`` is under way, or was broken off and is gone on with; ``pruned`` was ended early because others
            were better by then.
        value: The best of the figure over its epochs; None where there is none.
        curve: The figure at the end of each epoch; None where it was no number.
        seconds: Of training.
        reason: Why it failed, as a sentence.
        complete: Whether its file holds all that was measured.
    """

    seed: int
    run: str = ""
    state: State = "begun"
    value: float | None = None
    curve: tuple[float | None, ...] = ()
    seconds: float = 0.0
    reason: str = ""
    complete: bool = True


class Trial(msgspec.Struct, frozen=True):
    """One point of the space, with a run for each seed.

    Attributes:
        number: From 0, in the order in which they were chosen.
        settings: Values by the paths of the settings.
        left_out: Those of them that there are not beside what else was chosen.
        runs: In the order of the seeds, as far as it came.
    """

    number: int
    settings: dict[str, str | int | float]
    left_out: tuple[str, ...] = ()
    runs: tuple[SweptRun, ...] = ()

    @property
    def values(self) -> list[float]:
        """The figures of the runs that were finished."""
        return [run.value for run in self.runs if run.state == "done" and run.value is not None]

    @property
    def mean(self) -> float:
        """Over the seeds; NaN before the first."""
        return statistics.fmean(self.values) if self.values else math.nan

    @property
    def spread(self) -> float:
        """The sample standard deviation over the seeds; NaN of fewer than two."""
        return statistics.stdev(self.values) if len(self.values) > 1 else math.nan

    @property
    def failed(self) -> bool:
        """Whether a run of it failed."""
        return any(run.state == "failed" for run in self.runs)

    @property
    def pruned(self) -> bool:
        """Whether it was ended early."""
        return any(run.state == "pruned" for run in self.runs)

    def ended(self, seeds: int) -> bool:
        """Whether nothing more is to be done for it."""
        if any(run.state == "begun" for run in self.runs):
            return False
        # A point that cannot be built, or that was ended early, fails for every seed alike.
        hopeless = any(run.state == "failed" and not run.run for run in self.runs)
        return len(self.runs) >= seeds or self.pruned or hopeless

    @property
    def in_force(self) -> dict[str, str | int | float]:
        """The settings that there are beside what else was chosen."""
        return {path: value for path, value in self.settings.items() if path not in self.left_out}

    @property
    def meant(self) -> tuple[tuple[str, str | int | float], ...]:
        """What decides what is computed: points that agree in it are the same."""
        return tuple(sorted(self.in_force.items()))


class Plan(msgspec.Struct, frozen=True):
    """What a sweep does.

    Attributes:
        name: What it is called; its runs are tagged ``sweep: NAME``.
        project: What is trained, as a project file holds it.
        vary: The settings and their values, as ``--vary`` takes them.
        search: One of :data:`SEARCHES`.
        seeds: Runs of each point, with the project's seed and those behind it.
        objective: A figure of the validation split, as ``registry.FIGURES`` names it.
        pruning: Runs that are worse than the median of the others at the same epoch are ended early.
        runs, minutes: The budget that it was given last; None for no limit.
    """

    name: str
    project: str
    vary: tuple[str, ...]
    search: str = "grid"
    seeds: int = 1
    objective: str = "loss"
    pruning: bool = False
    runs: int | None = None
    minutes: float | None = None

    @property
    def tag(self) -> str:
        """What all of its runs are tagged with."""
        return f"sweep: {self.name}"[:60]

    @property
    def paths(self) -> list[str]:
        """The paths of the settings that vary."""
        return [varied_path(text) for text in self.vary]

    @property
    def higher_is_better(self) -> bool:
        """Whether more of the figure is better."""
        return registry.FIGURES(self.objective).higher_is_better


class SweepRecord(msgspec.Struct, frozen=True):
    """A sweep as its file keeps it."""

    plan: Plan
    trials: tuple[Trial, ...] = ()
    version: int = _VERSION

    @property
    def runs(self) -> int:
        """Runs that have ended, one way or the other."""
        return sum(run.state != "begun" for trial in self.trials for run in trial.runs)

    def best_first(self) -> list[Trial]:
        """All trials: the best mean first, those of which a run failed behind them, those without any at the end."""
        sign = -1.0 if self.plan.higher_is_better else 1.0

        def key(trial: Trial) -> tuple[bool, bool, float, int, int]:
            unknown = math.isnan(trial.mean)
            return unknown, trial.failed, 0.0 if unknown else sign * trial.mean, -len(trial.values), trial.number

        return sorted(self.trials, key=key)


def sweeps_folder() -> Path:
    """Where the files of sweeps are; it may not exist yet."""
    return runs_folder() / "sweeps"


def path_of(name: str) -> Path:
    """The file of the sweep of that name, which need not exist."""
    return sweeps_folder() / f"{slug(name)}{SUFFIX}"


def check_name(name: str, field: str = "--name") -> None:
    """Refuses what no sweep can be called: the rule is that of every other name.

    Args:
        name: As it was typed.
        field: The option that it was given for, for the sentence.

    Raises:
        InputError: It is empty, too long, or holds what cannot be shown in a line.
    """
    if problem := _name_problem(name):
        raise InputError(problem, field=field)


def _name_problem(name: str) -> str:
    return name_problem(name) if name.strip() else "A sweep needs a name."


def free_name(name: str) -> str:
    """The name, or with a number behind it where there is such a sweep: no file has it yet."""
    endings = ("" if number == 1 else f" ({number})" for number in itertools.count(1))
    names = (f"{name[: LONGEST_NAME - len(ending)]}{ending}" for ending in endings)
    return next(one for one in names if not os.path.lexists(path_of(one)))


def slug(name: str) -> str:
    """The name made fit for a file's; a number behind a long one stays, by which it is told from others."""
    found = re.sub(r"[^\w.()-]+", " ", name).strip(" -.")
    behind = _NUMBER.search(found)
    number = "" if behind is None else behind.group()
    return found.removesuffix(number)[: _LONGEST_SLUG - len(number)] + number or "sweep"


def listed() -> list[Path]:
    """The files of all sweeps, the newest first."""
    try:
        found = [path for path in sweeps_folder().iterdir() if path.suffix == SUFFIX and not path.name.startswith(".")]
        return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)
    except OSError:
        return []


def save(record: SweepRecord, path: Path) -> None:
    """Writes it, as a whole or not at all.

    Raises:
        StorageError: It could not be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{path} could not be saved: {(error.strerror or str(error)).lower()}.") from error
    write_atomically(msgspec.json.format(msgspec.json.encode(record), indent=1), path)


def load(path: Path) -> SweepRecord:
    """What a file says.

    Raises:
        InputError: It cannot be read, or says what no sweep could; the sentence names the file and the field.
    """
    shown = paths.shown(path)
    try:
        data = read_regular(path, _LARGEST + 1)
    except OSError as error:
        raise InputError(f"The sweep cannot be read: {(error.strerror or str(error)).lower()}.", file=shown) from error
    if len(data) > _LARGEST:
        raise InputError("The file is too large to be a sweep's.", file=shown)
    try:
        record = msgspec.json.decode(data, type=SweepRecord)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise InputError(f"This is no sweep, or it is damaged: {error}.", file=shown) from None
    if record.version > _VERSION:
        raise InputError("The sweep was made by a newer nnviz.", file=shown, field="version")
    for field, problem in _problems(record):
        raise InputError(problem, file=shown, field=field)
    return record


def nth_seed(base: int, index: int) -> int:
    """The seed of a run of a trial, whose first one has the project's."""
    return (base + index) % 2**31


def _seed_of(plan: Plan, otherwise: int) -> int:
    """The project's seed; the other where the project cannot be read, with which a sweep is not gone on with anyway."""
    try:
        return io.loads(plan.project.encode(), plan.name).training.seed
    except InputError:
        return otherwise


def _problems(record: SweepRecord) -> Iterator[tuple[str, str]]:
    plan = record.plan
    if plan.search not in SEARCHES:
        yield "plan.search", f"There is no search {plan.search[:40]!r} (there are: {', '.join(SEARCHES)})."
    if plan.objective not in registry.FIGURES:
        yield "plan.objective", f"There is no figure {plan.objective[:40]!r}."
    if not 1 <= plan.seeds <= MOST_SEEDS:
        yield "plan.seeds", f"There are from 1 to {MOST_SEEDS} seeds."
    if problem := _name_problem(plan.name):
        yield "plan.name", problem
    seeds = [trial.runs[0].seed for trial in record.trials if trial.runs]
    base = _seed_of(plan, seeds[0]) if seeds else 0
    for at, trial in enumerate(record.trials):
        if trial.number != at:
            yield f"trials[{at}].number", "The trials are not in their order."
        if len(trial.runs) > plan.seeds:
            yield f"trials[{at}].runs", f"A trial has more runs than the sweep has seeds ({plan.seeds})."
        # The next run has the seed behind those there are: if one had it already, it would be made again without end.
        for index, run in enumerate(trial.runs):
            if run.seed != (meant := nth_seed(base, index)):
                yield f"trials[{at}].runs[{index}].seed", f"The seeds of a trial are in order: here {meant} is due."
        for run in trial.runs:
            # It is opened by this name: nothing but a run in the folder of runs may be meant.
            if run.run and (Path(run.run).name != run.run or not run.run.endswith(RUN_SUFFIX) or "\\" in run.run):
                yield f"trials[{at}].runs", "A run is named by its file in the folder of runs."
            if not 0 <= run.seed < 2**31:
                yield f"trials[{at}].runs", "A seed is not allowed."
            if run.state == "done" and run.value is None:
                yield f"trials[{at}].runs", "A run that was finished has no figure."
