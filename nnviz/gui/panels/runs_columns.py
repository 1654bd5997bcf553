"""The columns of the list of runs: what each shows of a run, by what it is ordered, and what it is called."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from nnviz.gui.look.theme import format_bytes, format_count, format_duration, format_number
from nnviz.gui.runs.run_names import date_of, said
from nnviz.gui.runs.run_row import RunRow
from nnviz.project.flat_settings import Flat, setting, title_of, words_of
from nnviz.record.comparison import differing, differs
from nnviz.record.quantities import ACCURACY, LOSS

#: What rows are ordered by; None is last, whichever way.
SortValue: TypeAlias = "float | str | None"
#: Settings of which columns are shown unasked where they differ, the first so many of them.
_UNASKED = (
    "data.dataset",
    "training.optimizer",
    "training.learning_rate",
    "training.batch_size",
    "training.schedule",
    "training.seed",
)
_MOST_UNASKED = 3
#: The results that stand before them.
_BEFORE = 3
#: Seconds up to which a time is written in seconds.
_SHORT = 10
_SETTING = "setting:"
NAME = "name"


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        key: Stays the same from start to start.
        title: In the header.
        help: What it shows, in one sentence.
        text: What stands in the cell of a run.
        value: What runs are ordered by.
        number: It stands at the right.
        best: Whether ``least`` or ``greatest`` of its values is the best; empty where neither is.
    """

    key: str
    title: str
    help: str
    text: Callable[[RunRow], str]
    value: Callable[[RunRow], SortValue]
    number: bool = True
    best: str = ""


def _figure(
    key: str, title: str, help: str, number: Callable[[RunRow], float], text: Callable[[float], str], best: str = ""
) -> Column:
    def value(row: RunRow) -> SortValue:
        found = number(row)
        return found if math.isfinite(found) else None

    def shown(row: RunRow) -> str:
        found = number(row)
        return "–" if math.isnan(found) else text(found)

    return Column(key, title, help, shown, value, best=best)


def _taken(seconds: float) -> str:
    """Short ones in seconds: ``0:00`` would tell nothing."""
    return f"{format_number(seconds, 2)} s" if seconds < _SHORT else format_duration(seconds)


def _counted(number: float) -> str:
    return format_count(round(number))


FIXED: tuple[Column, ...] = (
    Column(
        NAME,
        "Run",
        "What you call it, or the name of its project; tick it to draw its curves beside those on the screen",
        lambda row: row.name,
        lambda row: row.name.casefold(),
        number=False,
    ),
    _figure(
        "loss",
        "Val. loss",
        "The lowest loss on the validation split",
        lambda row: row.summary.best_loss,
        LOSS.text,
        "least",
    ),
    _figure(
        "accuracy",
        "Val. acc.",
        "The share of the validation split that was right when its loss was lowest",
        lambda row: row.summary.best_accuracy,
        ACCURACY.text,
        "greatest",
    ),
    _figure(
        "test_accuracy",
        "Test acc.",
        "The share of the test split that was right, where that was asked for",
        lambda row: row.summary.test_accuracy,
        ACCURACY.text,
        "greatest",
    ),
    _figure(
        "best_epoch",
        "Best epoch",
        "The epoch with the lowest validation loss",
        lambda row: row.summary.best_epoch if row.summary.best_epoch >= 0 else math.nan,
        _counted,
    ),
    Column(
        "state",
        "State",
        "Whether it trained all its epochs: done, stopped before that, ended by early stopping, failed or broken off",
        lambda row: row.summary.outcome,
        lambda row: row.summary.outcome,
        number=False,
    ),
    _figure("epochs", "Epochs", "How many epochs it finished", lambda row: row.summary.epochs, _counted),
    _figure(
        "seconds",
        "Time",
        "How long its steps took, pauses left out",
        lambda row: row.summary.seconds,
        _taken,
    ),
    _figure("created", "Began", "When it was begun", lambda row: row.created, date_of),
    Column(
        "project",
        "Project",
        "The name of its project",
        lambda row: row.summary.title or "–",
        lambda row: row.summary.title.casefold(),
        number=False,
    ),
    _figure("steps", "Steps", "How many batches it trained", lambda row: max(row.summary.last_step, 0), _counted),
    _figure(
        "parameters",
        "Parameters",
        "Trainable numbers, where the run says how many",
        lambda row: row.summary.parameters or math.nan,
        _counted,
    ),
    Column(
        "device",
        "Device",
        "Where it was trained",
        lambda row: row.summary.device or "–",
        lambda row: row.summary.device,
        number=False,
    ),
    _figure("seed", "Seed", "The seed of its training", lambda row: row.summary.seed, _counted),
    _figure("size", "Size", "How large its file is", lambda row: row.size, format_bytes),
)
BY_KEY = {column.key: column for column in FIXED}
#: What a new list shows, in order; settings that differ stand behind the first results.
USUAL = (NAME, "loss", "accuracy", "test_accuracy", "epochs", "seconds", "created")


def setting_column(path: str) -> Column:
    """The column of a setting."""

    def value(row: RunRow) -> SortValue:
        found: Flat = setting(row.summary.settings, path)
        if isinstance(found, bool):
            return float(found)
        return float(found) if isinstance(found, int | float) else found

    def text(row: RunRow) -> str:
        return said(title_of(row.summary.settings, path))

    words = words_of(path)
    return Column(f"{_SETTING}{path}", words[:1].upper() + words[1:], f"The setting {path}", text, value, number=False)


def setting_of(key: str) -> str:
    """The path of the setting that a column shows; empty where it shows none."""
    return key.removeprefix(_SETTING) if key.startswith(_SETTING) else ""


def columns_of(rows: Sequence[RunRow], chosen: Sequence[str]) -> tuple[Column, ...]:
    """The columns to show: those that were chosen, or the usual ones and the settings that differ."""
    if chosen:
        keys = [key for key in chosen if key != NAME]
        known = [setting_column(setting_of(key)) if setting_of(key) else BY_KEY.get(key) for key in keys]
        return (BY_KEY[NAME], *(column for column in known if column is not None))
    usual = tuple(BY_KEY[key] for key in USUAL)
    return (*usual[:_BEFORE], *map(setting_column, settings_unasked(rows)), *usual[_BEFORE:])


def settings_unasked(rows: Sequence[RunRow]) -> list[str]:
    """Settings of training and data that differ among these runs: the first few."""
    known = [row.summary.settings for row in rows if row.summary.settings]
    return [path for path in _UNASKED if differs(known, path, setting)][:_MOST_UNASKED]


def settings_that_differ(rows: Sequence[RunRow]) -> list[str]:
    """All settings that differ among these runs; nothing of runs whose projects cannot be read."""
    return differing([row.summary.settings for row in rows if row.summary.settings], setting)


def in_order(rows: Sequence[RunRow], column: Column, *, descending: bool) -> list[RunRow]:
    """Pinned runs first, then by a column; what has no value there is last, whichever way."""

    def key(row: RunRow) -> tuple[bool, float, str]:
        value = column.value(row)
        return (isinstance(value, str), value, "") if isinstance(value, float | int) else (True, 0.0, value or "")

    known = sorted((row for row in rows if column.value(row) is not None), key=key, reverse=descending)
    ordered = [*known, *(row for row in rows if column.value(row) is None)]
    return [row for row in ordered if row.label.pinned] + [row for row in ordered if not row.label.pinned]
