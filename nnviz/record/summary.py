"""What a list of runs says of one: its name, its settings, how far it came and what it reached.

A live run says the same of itself (:func:`summary_of`), so that its row and that of its file cannot differ in meaning.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias, TypedDict

import msgspec
import numpy as np
from numpy.typing import NDArray

from nnviz.errors import NnvizError, RunFileError
from nnviz.record import file_format as form
from nnviz.record.opening import BROKEN, checked_connection
from nnviz.record.quantities import (
    ACCURACY,
    CHANGE,
    EDITED,
    EPOCH,
    EPOCHS_PLANNED,
    FINDING,
    LOSS,
    STEPS_PER_SECOND,
    SWITCHED,
    TRAINING_SECONDS,
)
from nnviz.record.readings import Finding, Reading
from nnviz.record.run import WARM_FROM, RunInfo, RunView, goal_of, sorted_events
from nnviz.record.run_lock import is_written

#: A setting as a list shows it.
SettingValue: TypeAlias = "str | int | float | bool | None"
#: Takes the bytes of a project apart into settings by their paths. Given by whoever knows what a project is.
Settings: TypeAlias = Callable[[bytes], Mapping[str, SettingValue]]
#: The points of a curve.
Curve: TypeAlias = tuple[NDArray[np.int64], NDArray[np.float64]]

#: Curves whose last value is listed.
_LOSSES = tuple(LOSS.series(split) for split in ("train", "validation", "test"))
#: Rows of one curve that are read, of 65,536 points at most each: the newest.
_MOST_ROWS = 64
#: Settings of one run that are kept, and letters of one of them.
MOST_SETTINGS, LONGEST_SETTING = 4096, 200
_LONGEST_TITLE, _LONGEST_DEVICE = 200, 40
#: Letters of a sentence about a file, whose path may be in it.
_LONGEST_DAMAGE = 8192
_MOST_PARAMETERS = 2**53
#: States of a session that was ended, or copied, before it came to its end.
_UNDER_WAY = frozenset({"ready", "running", "paused", "stopping"})
#: What the findings begin with that tell of numbers set by hand, and of units switched off or frozen.
_EDITS = (EDITED, *SWITCHED.values())
#: Changes by hand of one run that are kept, and rows of its file that are read for them.
_MOST_CHANGES, _MOST_CHANGE_ROWS = 100, 1000
#: The finding that says that early stopping ended a training, at the step of its end.
EARLY_STOPPING = FINDING.series("early_stopping")


@dataclass(frozen=True)
class Summary:
    """What a list of runs shows of one.

    Attributes:
        title: Of its project; the user's own title, if there is one, is in the label.
        created: Seconds since 1970, UTC; 0 where that is not known.
        last_step: The highest step; -1 before the first.
        losses: The last value of each loss that was recorded, by the name of its series.
        finished: It was brought to its end.
        running: Somebody is writing it.
        state: Of the session behind it when it last wrote, such as ``done`` or ``failed``.
        damage: Why it cannot be read, as a sentence; empty where it can.
        settings: Values by path, as ``Settings`` gives them; empty where nobody asked.
        epochs: Finished epochs.
        seconds: Time that its steps took, pauses left out: as it was recorded at the ends of epochs, and behind the
            last one (in older files everywhere) the steps over their recorded speed. NaN where neither was.
        best_step: Step with the lowest validation loss; -1 before the first, and ``best_epoch`` likewise.
        best_loss: That loss; NaN where there is none, as in all figures below.
        best_accuracy: The share of the validation split that was right at that step.
        accuracy: The same at the end, and ``test_accuracy`` of the test split where it was asked for.
        device: Where it was trained.
        seed: Of the training.
        parameters: Trainable numbers; 0 where that was not recorded.
        ended_early: Early stopping ended it where it stands.
        goal: To how many epochs it was to be trained in the end; 0 where its file does not say, as older ones do not.
        by_hand: What was changed while it trained, which its settings do not tell, change by change: ``step 120:
            Momentum: 0 → 0.9``. A file from before there were such events tells of the numbers of a layer, and of a
            unit that was switched off or frozen, what was done last.
        warm_from: What its first weights were of; empty where they were drawn.
    """

    title: str = ""
    created: float = 0.0
    last_step: int = -1
    losses: Mapping[str, float] = field(default_factory=dict)
    finished: bool = False
    running: bool = False
    damage: str = ""
    settings: Mapping[str, SettingValue] = field(default_factory=dict)
    epochs: int = 0
    seconds: float = math.nan
    best_step: int = -1
    best_epoch: int = -1
    best_loss: float = math.nan
    best_accuracy: float = math.nan
    accuracy: float = math.nan
    test_accuracy: float = math.nan
    device: str = ""
    seed: int = 0
    parameters: int = 0
    state: str = ""
    ended_early: bool = False
    goal: int = 0
    by_hand: tuple[str, ...] = ()
    warm_from: str = ""

    @property
    def planned(self) -> int | None:
        """Epochs that it was to have; None where that is not known, or where it has more.

        Of older files what their projects say: they do not tell that a run was given more since.
        """
        found = self.goal or self.settings.get("training.epochs")
        return found if isinstance(found, int) and found >= self.epochs else None

    @property
    def outcome(self) -> str:
        """How it stands or ended, in the word that every list, filter and sentence uses.

        ``running`` (somebody writes it, who is not through), ``damaged``, ``broken off`` (the program was killed),
        ``failed``, ``early stopping`` (which ended it), ``stopped`` (somebody ended it before its last epoch), else the
        state of its session: ``done``.
        """
        if self.damage:
            return "damaged"
        if self.running and self.state != "done":
            return "running"
        if not (self.finished or self.running):
            return "broken off"
        if self.state == "failed":
            return self.state
        if self.ended_early:
            return "early stopping"
        short = self.planned is not None and self.epochs < self.planned
        return "stopped" if short or self.state in _UNDER_WAY else self.state


class _State(msgspec.Struct):
    state: str = ""
    finished: bool = False
    last_step: int = -1


class _Info(msgspec.Struct):
    title: str = ""
    created: float = 0.0
    device: str = ""
    seed: int = 0
    facts: dict[str, str] = {}


def summary(path: Path, settings: Settings | None = None) -> Summary:
    """What the head of a run's file says; never raises: what is wrong is in ``damage``.

    Args:
        path: The run's file.
        settings: Takes its project apart; None leaves that out.
    """
    running = is_written(path)
    try:
        with checked_connection(path) as (connection, _file):
            info = msgspec.json.decode(fact(connection, "info"), type=_Info)
            state = msgspec.json.decode(fact(connection, "state"), type=_State)
            # Nobody has to believe a project that is damaged to believe the curves.
            found = _settings(fact(connection, "project"), settings) if settings is not None else {}
            return Summary(
                title=_line(info.title, _LONGEST_TITLE),
                created=info.created,
                last_step=state.last_step,
                finished=state.finished,
                running=running,
                state=_line(state.state, _LONGEST_DEVICE),
                settings=found,
                device=_line(info.device, _LONGEST_DEVICE),
                seed=info.seed,
                parameters=_parameters(info.facts),
                ended_early=_ended_early(connection, state.last_step),
                by_hand=_said(_changes(connection)),
                warm_from=_line(info.facts.get(WARM_FROM, ""), _LONGEST_TITLE),
                **_figures(lambda series, all_of_it: _curve(connection, series, all_of_it), state.last_step),
            )
    except NnvizError as error:
        return Summary(running=running, damage=str(error))
    except (*BROKEN, msgspec.MsgspecError, RecursionError, OSError):
        return Summary(running=running, damage="The run file is damaged.")


def summary_of(run: RunView, settings: Mapping[str, SettingValue]) -> Summary:
    """The same of a run in memory, live or opened from its file. Any thread may ask; it takes under a millisecond.

    Args:
        run: What is summed up.
        settings: Its project taken apart, which does not change while it runs.
    """
    info: RunInfo = run.info
    return Summary(
        title=_line(info.title, _LONGEST_TITLE),
        created=info.created,
        last_step=run.last_step,
        finished=run.finished,
        running=run.growing,
        state=run.state,
        settings=settings,
        device=_line(info.device, _LONGEST_DEVICE),
        seed=info.seed,
        parameters=_parameters(info.facts),
        ended_early=_holds_at_end(run.latest(EARLY_STOPPING), run.last_step),
        by_hand=_said([*run.events(), *_edits(run)]),
        warm_from=_line(info.facts.get(WARM_FROM, ""), _LONGEST_TITLE),
        **_figures(lambda series, _all: run.scalars(series), run.last_step),
    )


def cleaned(told: Summary) -> Summary:
    """The same, where it comes from elsewhere than :func:`summary`: its texts are as short, and of one line each."""
    return replace(
        told,
        title=_line(told.title, _LONGEST_TITLE),
        state=_line(told.state, _LONGEST_DEVICE),
        device=_line(told.device, _LONGEST_DEVICE),
        damage=_line(told.damage, _LONGEST_DAMAGE),
        by_hand=tuple(_line(text, LONGEST_SETTING) for text in told.by_hand[:_MOST_CHANGES]),
        warm_from=_line(told.warm_from, _LONGEST_TITLE),
        settings=_clean_settings(told.settings),
        losses={name: value for name, value in told.losses.items() if name in _LOSSES},
        parameters=max(0, min(told.parameters, _MOST_PARAMETERS)),
        goal=goal_of(told.goal),
    )


def fact(connection: sqlite3.Connection, name: str) -> bytes:
    """What a run's file says of itself under a name, as it stands there.

    Raises:
        RunFileError: Nothing, or more than may be.
    """
    row = connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
    if row is None or not isinstance(row[0], bytes) or len(row[0]) > form.MOST_PROJECT:
        raise form.damaged("what it says of itself")
    return row[0]


def best_of(values: NDArray[np.float64]) -> int:
    """Place of the lowest value that is a number; -1 where there is none."""
    finite = np.isfinite(values)
    return int(np.argmin(np.where(finite, values, np.inf))) if finite.any() else -1


def seconds_of(steps: NDArray[np.int64], rates: NDArray[np.float64], last_step: int, begin: int = 0) -> float:
    """How long the steps took, by the speed that was measured over the last moments before each of these steps.

    Args:
        steps: Where the speed was measured, ascending.
        rates: Steps a second.
        last_step: How far it came: what is behind the last measurement was as fast as that.
        begin: Steps until there took a time that is known already.

    Returns:
        Seconds; NaN where no speed was measured.
    """
    fine = np.isfinite(rates) & (rates > 0) & (steps > begin)
    steps, rates = steps[fine], rates[fine]
    if not len(steps):
        return math.nan
    ends = np.append(steps[:-1], max(int(steps[-1]), last_step))
    return float((np.diff(ends, prepend=begin) / rates).sum())


class _Figures(TypedDict):
    losses: Mapping[str, float]
    epochs: int
    seconds: float
    best_step: int
    best_epoch: int
    best_loss: float
    best_accuracy: float
    accuracy: float
    test_accuracy: float
    goal: int


def _seconds(curve: Callable[[str, bool], Curve], last_step: int) -> float:
    ends, seconds = curve(TRAINING_SECONDS.series(), False)
    rates = curve(STEPS_PER_SECOND.series(), True)
    if not len(ends):
        return seconds_of(*rates, last_step)
    behind = seconds_of(*rates, last_step, int(ends[-1])) if last_step > ends[-1] else 0.0
    return float(seconds[-1]) + (behind if math.isfinite(behind) else 0.0)


def _figures(curve: Callable[[str, bool], Curve], last_step: int) -> _Figures:
    """What it reached; ``curve`` gives a series, all of it or its last points only."""
    ends = {name: values[-1] for name in _LOSSES for values in [curve(name, False)[1]] if len(values)}
    steps, losses = curve(LOSS.series("validation"), True)
    epoch_steps, epochs = curve(EPOCH.series(), True)
    right_steps, right = curve(ACCURACY.series("validation"), True)
    _, tested = curve(ACCURACY.series("test"), False)
    _, goals = curve(EPOCHS_PLANNED.series(), False)
    best = best_of(losses)
    step = int(steps[best]) if best >= 0 else -1
    return _Figures(
        losses={name: float(value) for name, value in ends.items()},
        epochs=_whole(epochs[-1]) if len(epochs) else 0,
        seconds=_seconds(curve, last_step),
        best_step=step,
        best_epoch=_epoch_at(step, epoch_steps, epochs),
        best_loss=float(losses[best]) if best >= 0 else math.nan,
        best_accuracy=_at(step, right_steps, right),
        accuracy=float(right[-1]) if len(right) else math.nan,
        test_accuracy=float(tested[-1]) if len(tested) else math.nan,
        goal=goal_of(goals[-1]) if len(goals) else 0,
    )


def _at(step: int, steps: NDArray[np.int64], values: NDArray[np.float64]) -> float:
    place = int(np.searchsorted(steps, step))
    return float(values[place]) if place < len(steps) and steps[place] == step else math.nan


def _epoch_at(step: int, steps: NDArray[np.int64], epochs: NDArray[np.float64]) -> int:
    """The epoch that ended at a step, or the one in which it lies; 0 before the first, -1 where there is no step."""
    if step < 0:
        return -1
    place = int(np.searchsorted(steps, step, side="right")) - 1
    return _whole(epochs[place]) if place >= 0 else 0


def _whole(value: float) -> int:
    return int(value) if 0 <= value <= form.MOST_STEP else 0


def _curve(connection: sqlite3.Connection, series: str, all_of_it: bool) -> Curve:
    rows = connection.execute(
        "SELECT codec, count, data FROM scalars WHERE series = (SELECT id FROM series WHERE name = ?) "
        "ORDER BY first_step DESC LIMIT ?",
        (series, _MOST_ROWS if all_of_it else 1),
    ).fetchall()
    found = [form.unpack_scalars(*row) for row in reversed(rows)]
    if not found:
        return np.empty(0, np.int64), np.empty(0)
    if len(found) == 1:
        return found[0]
    steps = np.concatenate([one[0] for one in found])
    if (np.diff(steps) <= 0).any():
        raise form.damaged("a curve")
    return steps, np.concatenate([one[1] for one in found])


def _settings(project: bytes, settings: Settings) -> Mapping[str, SettingValue]:
    return _clean_settings(settings(project))


def _clean_settings(found: Mapping[str, SettingValue]) -> dict[str, SettingValue]:
    return {
        _line(path, LONGEST_SETTING): _line(value, LONGEST_SETTING) if isinstance(value, str) else value
        for path, value in itertools.islice(found.items(), MOST_SETTINGS)
    }


def _ended_early(connection: sqlite3.Connection, last_step: int) -> bool:
    """Whether early stopping ended it where it stands: who went on trained further than that was said."""
    row = connection.execute(
        "SELECT max(step) FROM findings WHERE series = (SELECT id FROM series WHERE name = ?)", (EARLY_STOPPING,)
    ).fetchone()
    return isinstance(row[0], int) and row[0] >= last_step


def _changes(connection: sqlite3.Connection) -> list[Finding]:
    """What was changed by hand."""
    found: list[list[Finding]] = []
    # Of events, which tell every change, the first; of findings, which are asked where there are no events, the newest.
    for prefix, order in ((CHANGE.prefix, 1), *((prefix, -1) for prefix in _EDITS)):
        rows = connection.execute(
            "SELECT series.name, findings.step, findings.content FROM findings "
            "JOIN series ON series.id = findings.series "
            "WHERE substr(series.name, 1, ?) = ? AND length(findings.content) <= ? "
            "ORDER BY findings.step * ? LIMIT ?",
            (len(prefix), prefix, form.MOST_TEXT, order, _MOST_CHANGE_ROWS),
        )
        found.append(list(_readable(rows))[::order])
    newest = {one.series: one for each in found for one in each}
    return [*sorted_events(found[:1]), *_without_event((one for each in found[1:] for one in each), newest)]


def _readable(rows: Iterable[tuple[str, int, object]]) -> Iterator[Finding]:
    """The findings of these rows, without what another version, or somebody else, wrote otherwise."""
    for row in rows:
        with contextlib.suppress(RunFileError):
            yield form.unpack_finding(*row)


def _edits(run: RunView) -> list[Finding]:
    """What was done last to the numbers of each layer, and to each unit."""
    found = (run.latest(name) for prefix in (*_EDITS, CHANGE.prefix) for name in run.names(prefix))
    newest = {one.series: one for one in found if isinstance(one, Finding)}
    return _without_event(newest.values(), newest)


def _without_event(found: Iterable[Finding], newest: Mapping[str, Finding]) -> list[Finding]:
    """The newest of these findings of which there are no events: of runs that are older than such events."""
    return [
        one
        for one in {one.series: one for one in found}.values()
        if not CHANGE.owns(one.series) and CHANGE.series(one.series.removeprefix(FINDING.prefix)) not in newest
    ]


def _said(found: Iterable[Finding]) -> tuple[str, ...]:
    """What was changed by hand in words, the earliest first; what tells of two layers at once tells it once."""
    texts = [
        one.text if not CHANGE.owns(one.series) else f"step {one.step:,}: {one.text}"
        for one in sorted(found, key=lambda one: (one.step, one.series))
    ]
    return tuple(_line(text, LONGEST_SETTING) for text in list(dict.fromkeys(texts))[:_MOST_CHANGES])


def _holds_at_end(found: Reading | None, last_step: int) -> bool:
    return isinstance(found, Finding) and found.step >= last_step


def _parameters(facts: Mapping[str, str]) -> int:
    text = facts.get("parameters", "")
    return min(int(text), _MOST_PARAMETERS) if text.isascii() and text.isdigit() and len(text) < 17 else 0


def _line(text: str, most: int) -> str:
    if len(text) <= most and text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else " " for letter in text[:most])
