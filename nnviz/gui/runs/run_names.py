"""What runs are called where several are named: those of one name are told apart by what differs between them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from nnviz.gui.runs.run_row import RunRow
from nnviz.project.flat_settings import Flat, setting, title_of, words_of
from nnviz.record.comparison import differing
from nnviz.record.number_text import written_number
from nnviz.record.summary import Summary

#: Settings that tell two runs of one name apart, at most.
_MOST = 2


def distinct_names(rows: Sequence[RunRow]) -> list[str]:
    """A name for each, no two alike as far as anything differs."""
    counts = Counter(row.name for row in rows)
    names: list[str] = []
    for row in rows:
        if counts[row.name] == 1:
            names.append(row.name)
            continue
        alike = [one for one in rows if one.name == row.name]
        names.append(f"{row.name} · {_what_differs(row, alike)}")
    return names


def said(value: Flat) -> str:
    """A setting in a cell."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "–"
    if isinstance(value, int | float):
        return written_number(float(value))
    return value.replace("_", " ") if value else "–"


def ending_of(found: Summary) -> str:
    """How a run ended that did not train all its epochs, as a sentence; empty for one that did, or still trains."""
    began = {
        "stopped": "It was stopped",
        "early stopping": "Early stopping ended it",
        "failed": "It failed",
        "broken off": "It was broken off",
    }.get(found.outcome)
    of = "" if found.planned is None else f" of {found.planned:,}"
    return "" if began is None else f"{began} after epoch {found.epochs:,}{of}."


def date_of(seconds: float, *, exact: bool = False) -> str:
    """When a run began, in local time: ``28 Nov 17:05``; a dash where that is not known.

    Args:
        seconds: Since 1970.
        exact: With its second.
    """
    form = "%d %b %H:%M:%S" if exact else "%d %b %H:%M"
    try:
        return time.strftime(form, time.localtime(seconds)) if seconds > 0 else "–"
    except (ValueError, OverflowError, OSError):  # not a time of this calendar
        return "–"


def _what_differs(row: RunRow, alike: Sequence[RunRow]) -> str:
    paths = differing([one.summary.settings for one in alike], setting)
    told = [path for path in paths if path != "training.epochs"][:_MOST] or paths[:_MOST]
    words = []
    for path in told:
        value = title_of(row.summary.settings, path)
        text = said(value)
        words.append(text if isinstance(value, str) and not text[:1].isdigit() else f"{words_of(path)} {text}")
    mine = ", ".join(words)
    twins = [one for one in alike if all(_same(one, row, path) for path in told)]
    if len(twins) == 1:
        return mine
    began = date_of(row.created)
    one_of_several = sum(date_of(one.created) == began for one in twins) > 1
    return ", ".join(filter(None, (mine, date_of(row.created, exact=one_of_several))))


def _same(one: RunRow, other: RunRow, path: str) -> bool:
    return setting(one.summary.settings, path) == setting(other.summary.settings, path)
