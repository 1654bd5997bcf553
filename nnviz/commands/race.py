"""``nnviz race``: variations of one project trained beside each other from the same start, and a table at the end."""

from __future__ import annotations

import argparse
import math
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from nnviz import paths, streams
from nnviz.commands.data_folder import check_data_folder
from nnviz.commands.given_project import asked_settings, data_to_train, fetch, open_project, with_choices
from nnviz.commands.json_lines import JsonLines, ended_by
from nnviz.commands.parsed_options import options_of
from nnviz.commands.tables import print_table
from nnviz.errors import InputError
from nnviz.project.entrants import Entrant, entrants_of, presets
from nnviz.project.model import Project
from nnviz.project.spec import brief
from nnviz.project.starts import one_start_note
from nnviz.project.variations import is_range, parse_variation, varied_path
from nnviz.record.number_text import format_number, percent

if TYPE_CHECKING:
    from nnviz.train.position import EpochResult
    from nnviz.train.race import Lane, Race, Standing

_NOTHING = "–"


@dataclass(frozen=True)
class RaceOptions:
    """What ``nnviz race`` was asked for."""

    project: str
    vary: tuple[str, ...]
    preset: str | None
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
    def of(cls, options: argparse.Namespace) -> RaceOptions:
        """From the parsed command line."""
        return options_of(cls, options)

    @property
    def given(self) -> list[tuple[str, object]]:
        """Settings of all of them, those with options of their own last."""
        return asked_settings(self.settings, epochs=self.epochs, seed=self.seed, device=self.device)

    def entrants(self, project: Project) -> tuple[Entrant, ...]:
        """Who races.

        Raises:
            InputError: Nothing is varied, or what is varied makes no race.
        """
        if (self.preset is None) == (not self.vary):
            raise InputError("Say what differs: --vary PATH=VALUE,VALUE (once or more), or --preset NAME.")
        if self.preset is None:
            if ranged := next(filter(is_range, self.vary), ""):
                raise InputError(
                    f"{brief(ranged)} is a range, which nnviz sweep takes: a race takes values with commas between "
                    f"them, such as {varied_path(ranged)[:120]}=1,2,3.",
                    field="--vary",
                )
            try:
                return entrants_of([parse_variation(text) for text in self.vary], project)
            except InputError as error:
                raise error.at(field="--vary") from None
        known = {preset.key: preset for preset in presets(project)}
        found = known.get(self.preset)
        if found is None:
            raise InputError(f"There is no such list (there are: {', '.join(known)}).", field="--preset")
        if found.why_not:
            raise InputError(found.why_not, field="--preset")
        return found.entrants


def race(options: RaceOptions) -> int:
    """Run a race to its end and print the table."""
    project = with_choices(open_project(options.project), options.data, options.given)
    check_data_folder(options.data_dir)
    found = data_to_train(
        project, options.project, skip_bad=options.skip_bad, data_dir=options.data_dir, download=options.download
    )
    entrants = options.entrants(project)
    from nnviz.train import share_cores  # noqa: PLC0415 - goes before the next
    from nnviz.train.cores import CoreWatch  # noqa: PLC0415 - as above

    cores = CoreWatch()
    if options.download:
        fetch(project, options.data_dir)
    share_cores(cores, watched=True)
    from nnviz.train.race import Race  # noqa: PLC0415 - brings torch, which takes seconds to import

    report = _Report(as_json=options.json)
    for warning in found.warnings:
        report.warning(warning)
    if note := one_start_note(project, [*map(varied_path, options.vary)]):
        report.warning(note)
    made = Race(project, entrants, data_dir=options.data_dir, on_epoch=report.epoch, on_warning=report.warning)
    ended: BaseException | None = None
    try:
        report.begin(made)
        made.train()
    except BaseException as error:
        ended = error
        raise
    finally:
        report.end()
        with streams.perhaps_unread():
            report.finished(made, ended_by(ended))
    lost = [lane.entrant.name for lane in made.lanes if not lane.complete]
    if lost:  # said again where it is seen: below the table
        streams.complain(f"Not kept, or not as a whole: the run{'s' * (len(lost) > 1)} of {', '.join(lost)}.")
    return 0 if any(one.done for one in made.standings) and not lost else 1


class _Report:
    """Says how a race goes: a bar and a table for people, JSON lines for programs."""

    def __init__(self, *, as_json: bool) -> None:
        self._lines = JsonLines() if as_json else None
        self._bar: tqdm[None] | None = None

    def begin(self, race: Race) -> None:
        names = ", ".join(lane.entrant.name for lane in race.lanes)
        if self._lines is not None:
            return
        streams.tell(f"{race.title}: {names}")
        if sys.stderr.isatty():
            total = sum(lane.project.training.epochs for lane in race.lanes)
            self._bar = tqdm(total=total, unit=" epochs", desc="race", dynamic_ncols=True, leave=False)

    def epoch(self, name: str, result: EpochResult) -> None:
        if self._lines is not None:
            self._lines.print(
                {
                    "event": "epoch",
                    "entrant": name,
                    "epoch": result.epoch,
                    "step": result.step,
                    "train_loss": result.train_loss,
                    "validation_loss": result.validation_loss,
                    "validation_accuracy": result.validation_accuracy,
                    "seconds": result.seconds,
                }
            )
        elif self._bar is not None:
            self._bar.update()

    def warning(self, text: str) -> None:
        if self._lines is not None:
            self._lines.print({"event": "warning", "text": text})
        streams.complain(text, above=self._bar)

    def end(self) -> None:
        if self._bar is not None:
            self._bar.close()

    def finished(self, race: Race, event: str) -> None:
        """The table, also of what was interrupted (for people none where it never began), and what is kept."""
        found = race.standings
        lanes = {lane.entrant.name: lane for lane in race.lanes}
        order = sorted(found, key=lambda one: one.rank or len(found) + 1)
        if self._lines is not None:
            entrants = [_plain(one, lanes[one.name]) for one in order]
            self._lines.print({"event": event, "entrants": entrants, **_plain_kept(race, event)})
            return
        if any(one.step or one.failure for one in found):
            self._print(order, lanes)
        if kept := _kept(race, event):
            streams.tell(kept)

    def _print(self, order: Sequence[Standing], lanes: Mapping[str, Lane]) -> None:
        print_table(
            ("rank", "entrant", "epochs", "steps", "start loss", "validation loss", "accuracy", "run"),
            [_row(one, lanes[one.name].path) for one in order],
            right={0, 2, 3, 4, 5, 6},
        )
        for one in order:
            if one.failure:
                streams.complain(f"{one.name}: {one.failure}")


def _kept(race: Race, event: str) -> str:
    """Where the runs are found again, as a sentence; empty where none could be kept, which is said otherwise."""
    count = sum(lane.path is not None for lane in race.lanes)
    if not count:
        return "Nothing had been trained yet: no run is kept." if event == "interrupted" else ""
    runs = "1 run is" if count == 1 else f"{count} runs are"
    lists = f"nnviz runs --tag {paths.shown(shlex.quote(race.tag))} lists {'it' if count == 1 else 'them'}"
    goes_on = "" if event == "finished" else ", nnviz train RUN --resume goes on with one"
    return f"{runs} kept with the tag {paths.shown(race.tag)!r}: {lists}{goes_on}."


def _plain_kept(race: Race, event: str) -> dict[str, object]:
    kept = any(lane.path is not None for lane in race.lanes)
    return {"tag": race.tag if kept else None, "kept": _kept(race, event) or None}


def _row(one: Standing, path: Path | None) -> tuple[str, ...]:
    def number(value: float) -> str:
        return _NOTHING if math.isnan(value) else format_number(value)

    return (
        str(one.rank) if one.rank else "failed",
        one.name,
        f"{one.epoch}" if one.epoch == one.epochs else f"{one.epoch} of {one.epochs}",
        f"{one.step:,}",
        number(one.start),
        number(one.loss),
        _NOTHING if math.isnan(one.accuracy) else percent(one.accuracy, 2),
        _NOTHING if path is None else paths.shown(path.stem),
    )


def _plain(one: Standing, lane: Lane) -> dict[str, object]:
    return {
        "name": one.name,
        "rank": one.rank or None,
        "done": one.done,
        "failure": one.failure or None,
        "epochs": one.epoch,
        "steps": one.step,
        "start_loss": one.start,
        "train_loss": one.batch_loss,
        "validation_loss": one.loss,
        "validation_accuracy": one.accuracy,
        "run": None if lane.path is None else str(lane.path),
        "run_complete": lane.complete,
    }
