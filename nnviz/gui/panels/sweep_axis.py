"""An axis of a sweep: where a value stands on it, from 0 at the bottom or left to 1, and what is written beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from nnviz.gui.panels.numbers import decade_ticks, nice_ticks, tick_text
from nnviz.project import registry
from nnviz.project.flat_settings import words_of
from nnviz.project.value_text import number_text
from nnviz.record.number_text import percent
from nnviz.train.sweep_record import SweepRecord, Trial
from nnviz.train.sweep_space import Dimension

#: Beside a logarithmic axis stand powers of ten; of a range shorter than this many of them, the ends too.
_FEW_DECADES = 2


@dataclass(frozen=True)
class Axis:
    """Of a setting, or of the figure that is sought.

    Attributes:
        path: Of the setting; empty for the figure.
        title: What is written over it.
        values: The values that it may have, where they are listed; they stand evenly apart.
        low, high: The ends of a range.
        logarithmic: Equal factors are equally far apart.
        share: Its numbers are shares, written in percent.
    """

    path: str
    title: str
    values: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0
    logarithmic: bool = False
    share: bool = False

    @classmethod
    def of(cls, dimension: Dimension) -> Axis:
        """The axis of a setting."""
        title = words_of(dimension.path) if "." in dimension.path else dimension.path
        return cls(dimension.path, title, dimension.values, dimension.low, dimension.high, dimension.logarithmic)

    @classmethod
    def of_figure(cls, record: SweepRecord) -> Axis:
        """The axis of the figure that is sought, over all that the runs reached."""
        figure = registry.FIGURES(record.plan.objective)
        known = [value for trial in record.trials for value in trial.values]
        low, high = (min(known), max(known)) if known else (0.0, 1.0)
        logarithmic = figure.kind == "loss" and low > 0 and high / low > 30
        if low == high:
            # As much on both sides, but no tick where no figure can be.
            beside = 0.01 * (abs(low) or 1.0)
            least = 0.0 if low >= 0 else -math.inf
            most = 1.0 if figure.kind != "loss" and high <= 1 else math.inf
            low, high = max(low - beside, least), min(high + beside, most)
        title = f"validation {figure.title[:1].lower()}{figure.title[1:]}"
        return cls("", title, (), low, high, logarithmic, figure.kind != "loss")

    def place(self, value: object) -> float | None:
        """Where a value stands; None where it has no place."""
        if self.values:
            if value not in self.values:
                return None
            return self.values.index(str(value)) / (len(self.values) - 1) if len(self.values) > 1 else 0.5
        if not isinstance(value, int | float) or not math.isfinite(value):
            return None
        if self.logarithmic:
            if value <= 0:
                return None
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def place_of(self, trial: Trial) -> float | None:
        """Where a trial stands; None where it has no such value."""
        if not self.path:
            return self.place(trial.mean)
        return None if self.path in trial.left_out else self.place(trial.settings.get(self.path))

    def ticks(self, count: int) -> list[tuple[float, str]]:
        """Places and what is written there, about so many; of more listed values some, evenly apart."""
        if self.values:
            stride = max(1, math.ceil(len(self.values) / max(count, 2)))
            return [(self.place(value) or 0.0, value) for value in self.values[::stride]]
        if self.logarithmic:
            powers = decade_ticks(math.log10(self.low), math.log10(self.high), count)
            if len(powers) > _FEW_DECADES:
                return self._at([10.0**power for power in powers])
            middle = math.sqrt(self.low * self.high)
            return self._at([self.low, float(f"{middle:.2g}"), self.high])
        ticks = nice_ticks(self.low, self.high, count)
        step = ticks[1] - ticks[0] if len(ticks) > 1 else abs(self.high - self.low)
        if self.share:
            return [(self.place(tick) or 0.0, percent(tick, 0 if step >= 0.01 else 1)) for tick in ticks]
        return [(self.place(tick) or 0.0, tick_text(tick, step)) for tick in ticks]

    def _at(self, values: Sequence[float]) -> list[tuple[float, str]]:
        return [(self.place(value) or 0.0, number_text(float(f"{value:.3g}"))) for value in values]
