"""Which point comes next, and whether a run is worth its time: asked of Optuna, which is imported when it is needed.

Nothing is kept between two questions. Each makes a study in memory out of the trials that have ended, with a sampler
whose seed follows from the number of the trial, so a sweep that was broken off goes on as it would have gone on.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

from nnviz.errors import InputError
from nnviz.train.sweep_record import Plan, Trial
from nnviz.train.sweep_space import Dimension, Point, Space, Value

#: Trials at random before TPE has something to go by, and before a run is ended early.
_FIRST = 5
_FIRST_FULL = 3
#: Points that were there already are drawn so often, until it is said that there are no others.
_PATIENCE = 50


def next_point(plan: Plan, space: Space, trials: Sequence[Trial]) -> Trial | None:
    """The next point that means something new; None where all were tried, or none is found.

    Raises:
        InputError: The grid is too large.
    """
    tried = {trial.meant for trial in trials}
    if plan.search == "grid":
        for point in space.grid():
            trial = _trial(space, len(trials), point)
            if trial.meant not in tried:
                return trial
        return None
    for attempt in range(_PATIENCE):
        point = _drawn(plan, space, trials, attempt)
        trial = _trial(space, len(trials), point)
        if trial.meant not in tried:
            return trial
    return None


def _trial(space: Space, number: int, point: Point) -> Trial:
    try:
        _, left_out = space.applied(point)
    except InputError:  # a result of its own, which is said where it is trained
        left_out = ()
    return Trial(number, dict(point), left_out)


def _drawn(plan: Plan, space: Space, trials: Sequence[Trial], attempt: int) -> Point:
    optuna = _optuna()
    seed = (len(trials) * _PATIENCE + attempt) % 2**32
    sampler: Any = (
        optuna.samplers.TPESampler(seed=seed, n_startup_trials=_FIRST)
        if plan.search == "tpe"
        else optuna.samplers.RandomSampler(seed=seed)
    )
    study = _study(plan, space, trials, sampler)
    asked = study.ask(_distributions(space))
    return {one.path: _readable(one, asked.params[one.path]) for one in space.dimensions}


def _readable(one: Dimension, value: Value) -> Value:
    """A number with as many digits as anybody can tell apart."""
    return min(max(float(f"{value:.5g}"), one.low), one.high) if isinstance(value, float) else value


class Judge:
    """Says at the end of each epoch whether a run is worse than the median of the others at that epoch.

    Args:
        plan: What is sought.
        space: Where.
        trials: Those that have ended.
        trial: The one that is under way.
    """

    def __init__(self, plan: Plan, space: Space, trials: Sequence[Trial], trial: Trial) -> None:
        study = _study(plan, space, trials, None)
        study.enqueue_trial(dict(trial.settings))
        self._asked = study.ask(_distributions(space))
        self._told = 0

    def gives_up(self, curve: Sequence[float | None]) -> bool:
        """Whether to end it, given the figure at the ends of its epochs so far."""
        for epoch in range(self._told + 1, len(curve) + 1):
            value = curve[epoch - 1]
            if value is not None:
                self._asked.report(value, epoch)
        self._told = len(curve)
        return bool(self._asked.should_prune())


def _study(plan: Plan, space: Space, trials: Sequence[Trial], sampler: Any) -> Any:
    optuna = _optuna()
    study = optuna.create_study(
        direction="maximize" if plan.higher_is_better else "minimize",
        sampler=sampler,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=_FIRST_FULL, n_warmup_steps=1),
    )
    distributions = _distributions(space)
    states = optuna.trial.TrialState
    for trial in trials:
        first = trial.runs[0].curve if trial.runs else ()
        state = states.PRUNED if trial.pruned else states.FAIL if trial.failed else states.COMPLETE
        value = None if math.isnan(trial.mean) else trial.mean
        if state == states.COMPLETE and value is None:
            continue
        try:
            study.add_trial(
                optuna.trial.create_trial(
                    state=state,
                    value=value if state == states.COMPLETE else None,
                    params=dict(trial.settings),
                    distributions=distributions,
                    intermediate_values={at: one for at, one in enumerate(first, 1) if one is not None},
                )
            )
        except ValueError as error:
            raise InputError(f"Trial {trial.number + 1} has values that this sweep does not vary: {error}.") from None
    return study


def _distributions(space: Space) -> dict[str, Any]:
    return {one.path: _distribution(one) for one in space.dimensions}


def _distribution(one: Dimension) -> Any:
    distributions = _optuna().distributions
    if one.values:
        return distributions.CategoricalDistribution(one.values)
    if one.whole:
        return distributions.IntDistribution(int(one.low), int(one.high), log=one.logarithmic)
    return distributions.FloatDistribution(one.low, one.high, log=one.logarithmic)


def _optuna() -> Any:
    import optuna  # noqa: PLC0415 - takes half a second, and only a sweep needs it

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna
