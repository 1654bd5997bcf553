"""What is typed to find runs among many: words, and settings or results that are compared with values.

``mnist optimizer=adam accuracy>0.9 -failed "two words"``: every term must hold. A word is looked for in name, tags and
settings; a term with ``=``, ``!=``, ``<``, ``>``, ``<=``, ``>=`` or ``:`` compares. Keys are forgiving: ``lr``,
``learning rate`` and ``training.learning_rate`` are one setting, and a beginning is enough where it is the only one.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from nnviz.record.quantities import LOSS
from nnviz.record.summary import Summary

#: Letters that are looked at.
_LONGEST = 500
_TERM = re.compile(
    r"""(?P<minus>-?)(?:(?P<key>[A-Za-z][\w. ]*?)\s*(?P<op>!=|<=|>=|==|=|<|>|:)\s*)?"""
    r"""(?:"(?P<quoted>[^"]*)"?|(?P<plain>[^\s"]+))"""
)
_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
#: Other words for results and settings, as people type them.
_ALIASES = {
    "lr": "learning_rate",
    "rate": "learning_rate",
    "batch": "batch_size",
    "opt": "optimizer",
    "acc": "accuracy",
    "val_acc": "accuracy",
    "validation_accuracy": "accuracy",
    "val_loss": "loss",
    "validation_loss": "loss",
    "test": "test_accuracy",
    "time": "seconds",
    "duration": "seconds",
    "data": "dataset",
    "data_set": "dataset",
    "params": "parameters",
    "tags": "tag",
    "title": "name",
    "best": "best_epoch",
    "outcome": "state",
}
#: A term that lacks its value or its word, and what of a number stands there while the rest of it is not typed yet.
_UNFINISHED = re.compile(r".*[=<>!:]|-")
_BEGINNING = re.compile(r"[-+]?(?:(?:\d+[.,]?\d*|[.,]\d+)[eE][-+]?|[.,]?)|\d+:(?:\d\d?:)?\d?")
#: Times as they are written: 1:30, 2:03:09.
_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{2})")


@dataclass(frozen=True)
class Filterable:
    """What a filter may know of a run: how it is called, and what it says of itself."""

    name: str
    tags: tuple[str, ...]
    summary: Summary


@dataclass(frozen=True)
class RunFilter:
    """What was typed, understood.

    Attributes:
        holds: Whether a run is among those that were asked for.
        unknown: Keys that none of the runs has, which is why nothing is found.
        unfinished: Terms that lack their value or the rest of a number, each as a sentence: as they stand while they
            are being typed, which is why they are left out.
        no_numbers: Terms that compare with what is no number, each as a sentence, which is why nothing is found.
    """

    holds: Callable[[Filterable], bool]
    unknown: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    no_numbers: tuple[str, ...] = ()


def results(summary: Summary) -> dict[str, float]:
    """What a run reached, by the names that a filter and a column know; NaN where it is not known."""
    return {
        "accuracy": summary.best_accuracy,
        "loss": summary.best_loss,
        "test_accuracy": summary.test_accuracy,
        "test_loss": summary.losses.get(LOSS.series("test"), math.nan),
        "train_loss": summary.losses.get(LOSS.series("train"), math.nan),
        "epochs": float(summary.epochs),
        "best_epoch": float(summary.best_epoch) if summary.best_epoch >= 0 else math.nan,
        "steps": float(max(summary.last_step, 0)),
        "seconds": summary.seconds,
        "parameters": float(summary.parameters) if summary.parameters else math.nan,
    }


def parse_filter(text: str, runs: Iterable[Filterable]) -> RunFilter:
    """Understand what was typed; whatever it is, it is understood somehow.

    Args:
        text: As it was typed.
        runs: Those that are to be filtered, whose settings are the keys that there are.
    """
    paths = {path for run in runs for path in run.summary.settings}
    terms: list[Callable[[Filterable], bool]] = []
    unknown, unfinished, no_numbers = list[str](), list[str](), list[str]()
    for found in _TERM.finditer(text[:_LONGEST]):
        value = found["quoted"] if found["quoted"] is not None else found["plain"]
        typed = found.group().strip()
        if not value or (found["quoted"] is None and found["key"] is None and _UNFINISHED.fullmatch(value)):
            what = "number" if "<" in typed or ">" in typed else "value"
            unfinished.append(f"A {what} is missing behind {typed!r}.")
            continue  # a term that is just being typed
        words: list[str] = []
        key = found["key"]
        whole = True
        if found["op"] in _OPERATORS and _number(value) is None:
            whole = _BEGINNING.fullmatch(value) is None
            if whole:
                no_numbers.append(f"{value!r} is no number, and {typed!r} needs one.")
            else:
                unfinished.append(f"The number is not whole in {typed!r}.")
        if key is not None:
            # Words before a key that is several words long may be words of their own: "mnist optimizer=adam".
            words, read = _split_key(key, paths)
            if read is None:
                unknown.append(key)
                continue
            term = _comparison(read, found["op"], value)
        else:
            term = _word(value)
        terms += [_word(word) for word in words]
        if whole:
            terms.append(_negated(term) if found["minus"] else term)
    return RunFilter(lambda run: all(term(run) for term in terms), tuple(unknown), tuple(unfinished), tuple(no_numbers))


def _split_key(key: str, paths: set[str]) -> tuple[list[str], Callable[[Filterable], object] | None]:
    parts = key.split()
    for start in range(len(parts)):
        read = _reader("_".join(parts[start:]).lower(), paths)
        if read is not None:
            return parts[:start], read
    return [], None


def _reader(key: str, paths: set[str]) -> Callable[[Filterable], object] | None:
    """What a key stands for: the value of a run."""
    key = _ALIASES.get(key, key)
    if key == "name":
        return lambda run: run.name
    if key == "tag":
        return lambda run: run.tags
    if key == "state":
        return lambda run: run.summary.outcome
    if key == "device":
        return lambda run: run.summary.device or run.summary.settings.get("training.device")
    if key in results(Summary()):
        return lambda run: results(run.summary)[key]
    lowered = {path: path.lower() for path in paths}
    for fits in (
        lambda path: path == key,
        lambda path: path.rpartition(".")[2] == key,
        lambda path: path.rpartition(".")[2].startswith(key),
        lambda path: key in path,
    ):
        hits = frozenset(path for path, low in lowered.items() if fits(low))
        if hits:
            return lambda run: tuple(run.summary.settings[path] for path in hits if path in run.summary.settings)
    return None


def _comparison(read: Callable[[Filterable], object], op: str, value: str) -> Callable[[Filterable], bool]:
    wanted = _number(value)

    def one(found: object) -> bool:
        if op in _OPERATORS:
            number = _as_number(found)
            return number is not None and wanted is not None and _OPERATORS[op](number, wanted)
        number = _as_number(found)
        if number is not None and wanted is not None:
            return math.isclose(number, wanted, rel_tol=1e-6)
        text, typed = _plain(found), _plain(value)
        return typed in text if op == ":" else text == typed or (op != "==" and text.startswith(typed))

    def holds(run: Filterable) -> bool:
        found = read(run)
        values = found if isinstance(found, tuple) else (found,)
        return not any(map(one, values)) if op == "!=" else any(map(one, values))

    return holds


def _word(text: str) -> Callable[[Filterable], bool]:
    typed = text.lower()

    def holds(run: Filterable) -> bool:
        if typed in run.name.lower() or typed in run.summary.title.lower() or any(typed in t.lower() for t in run.tags):
            return True
        return any(isinstance(value, str) and typed in value.lower() for value in run.summary.settings.values())

    return holds


def _negated(term: Callable[[Filterable], bool]) -> Callable[[Filterable], bool]:
    return lambda run: not term(run)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    text = str(value).lower().strip()
    return {"true": "on", "yes": "on", "false": "off", "no": "off"}.get(text, text).replace("_", " ").replace("-", " ")


def _as_number(value: object) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        return _number(value)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _number(text: str) -> float | None:
    """A number, a percentage (``90%`` is 0.9) or a time (``1:30`` is 90)."""
    clock = _CLOCK.fullmatch(text.strip())
    if clock:
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return 3600.0 * hours + 60 * minutes + seconds
    share = text.strip().endswith("%")
    try:
        number = float(text.strip().rstrip("%").replace(",", "."))
    except ValueError:
        return None
    return None if not math.isfinite(number) else number / 100 if share else number
