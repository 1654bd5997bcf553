"""What the ends of the epochs have shown, for whatever goes by it: schedules, early stopping, the best epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping

from nnviz.project import registry
from nnviz.project.model import TrainConfig
from nnviz.record.quantities import MACRO_F1, TOP5_ACCURACY
from nnviz.train.loop import EvaluationResult

#: Every figure that is declared has exactly one entry here (a test compares); NaN where a result has none.
FIGURES: Mapping[str, Callable[[EvaluationResult], float]] = {
    "loss": lambda result: result.loss,
    "accuracy": lambda result: math.nan if result.accuracy is None else result.accuracy,
    "top5": lambda result: result.figures.get(TOP5_ACCURACY.name, math.nan),
    "f1": lambda result: result.figures.get(MACRO_F1.name, math.nan),
}

#: The figure that everything has.
LOSS = "loss"


class Validated:
    """Figures at the ends of the epochs so far, the first epoch first; NaN where one is not known.

    Args:
        wanted: Which figures are recorded; none records nothing.
    """

    def __init__(self, wanted: Collection[str] = ()) -> None:
        self._figures: dict[str, list[float]] = {name: [] for name in FIGURES if name in wanted}
        self._epochs = 0

    @classmethod
    def of(cls, config: TrainConfig) -> Validated:
        """What the recipe of a training goes by."""
        wanted = set()
        if registry.SCHEDULES(config.schedule.kind).follows_losses:
            wanted.add(LOSS)
        watched = registry.EARLY_STOPPING(config.early_stopping.kind).values(config.early_stopping.params).get("figure")
        if isinstance(watched, str):
            wanted |= {LOSS, watched}
        return cls(wanted)

    def __getitem__(self, name: str) -> list[float]:
        """One figure, an entry an epoch."""
        return self._figures.get(name, [])

    def add(self, epoch: int, result: EvaluationResult) -> None:
        """An epoch, from 1, has ended. What was known of it and of those behind it is forgotten."""
        self.cut(epoch - 1)
        for name, figures in self._figures.items():
            figures.append(FIGURES[name](result))
        self._epochs = epoch

    def cut(self, epochs: int) -> None:
        """Forgets what lies behind so many epochs; where fewer are known, the first of them are not."""
        for name, figures in self._figures.items():
            known = figures[:epochs]
            self._figures[name] = [math.nan] * (epochs - len(known)) + known
        self._epochs = epochs

    @property
    def stored(self) -> dict[str, list[str]]:
        """For a checkpoint, with every bit."""
        return {name: [figure.hex() for figure in figures] for name, figures in self._figures.items()}

    def restore(self, stored: Mapping[str, Iterable[str]], epochs: int) -> None:
        """What a checkpoint kept after so many epochs; of a figure that it does not have nothing is known."""
        for name in self._figures:
            self._figures[name] = [float.fromhex(figure) for figure in stored.get(name, ())]
        self.cut(epochs)


def better(name: str, figure: float, than: float, by: float = 0.0) -> bool:
    """Whether a figure is better than another, by more than a margin; what is no number is never better."""
    gained = figure - than if registry.FIGURES(name).higher_is_better else than - figure
    return gained > by


def worst(name: str) -> float:
    """Than which every number is better."""
    return -math.inf if registry.FIGURES(name).higher_is_better else math.inf
