"""What the window and the command line write of a sweep: figures, settings, what became of a trial."""

from __future__ import annotations

import math

from nnviz.project.value_text import number_text
from nnviz.record.number_text import format_number, percent
from nnviz.train.sweep_record import Trial

_NOTHING = "–"


def figure(objective: str, value: float) -> str:
    """A figure of the validation split as text."""
    if math.isnan(value):
        return _NOTHING
    return format_number(value) if objective == "loss" else percent(value, 2)


def with_spread(objective: str, trial: Trial) -> str:
    """Mean and spread as text: ``97.20 % ± 0.31``."""
    if math.isnan(trial.spread):
        return figure(objective, trial.mean)
    spread = format_number(trial.spread) if objective == "loss" else f"{100 * trial.spread:.2f}"
    return f"{figure(objective, trial.mean)} ± {spread}"


def outcome(trial: Trial, seeds: int) -> str:
    """What became of a trial, in a few words; nothing where it went as planned."""
    failed = [run for run in trial.runs if run.state == "failed"]
    if failed:
        return f"failed: {failed[0].reason}"
    if trial.pruned:
        return "ended early"
    if not trial.ended(seeds):
        return "unfinished"
    return "" if all(run.complete for run in trial.runs) else "not kept as a whole"


def setting_text(trial: Trial, path: str) -> str:
    """A value of a trial; a dash where there is no such setting beside what else was chosen."""
    value = trial.settings.get(path)
    if value is None or path in trial.left_out:
        return _NOTHING
    return value if isinstance(value, str) else number_text(value)
