"""The little arithmetic behind the drawings: smoothing, ticks, ranges that do not twitch, values at a step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Average:
    """A moving average that goes on where it stopped, so that a growing curve costs only what is new."""

    def __init__(self, weight: float, *, logarithmic: bool = False) -> None:
        self.weight = weight
        self.logarithmic = logarithmic
        self._last = 0.0
        self._count = 0

    def extend(self, values: Floats) -> Floats:
        """The average over the next values; see :func:`smooth`."""
        values = np.asarray(values, dtype=np.float64)
        if self.weight <= 0.0 or not len(values):
            return values
        if not self.logarithmic:
            return self._extend(values)
        # Piece by piece: what has no logarithm ends a line, and the next one begins with its own first value.
        placed = (values > 0) & np.isfinite(values)
        pieces = np.split(np.arange(len(values)), np.flatnonzero(np.diff(placed)) + 1)
        result = values.copy()
        for piece in pieces:
            if placed[piece[0]]:
                result[piece] = 10.0 ** self._extend(np.log10(values[piece]))
            else:
                self._last, self._count = 0.0, 0
        return result

    def _extend(self, values: Floats) -> Floats:
        finite = np.isfinite(values)
        known = values[finite]
        count = len(known)
        if not count:
            return values
        # In blocks: a triangular matrix does one block, the carry walks from block to block. A plain loop over 131,072
        # points would take 20 ms, this takes one.
        weight, block = self.weight, 64
        padded = np.zeros(-(-count // block) * block)
        padded[:count] = known
        powers = weight ** np.arange(block)
        lower = np.tril(powers[np.abs(np.subtract.outer(np.arange(block), np.arange(block)))]) * (1.0 - weight)
        inside = padded.reshape(-1, block) @ lower.T
        decay = weight ** np.arange(1, block + 1)
        carry = self._last
        for index in range(len(inside)):
            inside[index] += carry * decay
            carry = inside[index, -1]
        plain = inside.reshape(-1)[:count]
        averaged = plain / (1.0 - weight ** np.arange(self._count + 1, self._count + count + 1))
        self._last = float(plain[-1])
        self._count += count
        result = values.copy()
        result[finite] = averaged
        return result


def smooth(values: Floats, weight: float, *, logarithmic: bool = False) -> Floats:
    """Exponential moving average with the start corrected, as TensorBoard draws it.

    ``s_k = w * s_(k-1) + (1 - w) * x_k`` with ``s_(-1) = 0``, divided by ``1 - w**(k+1)``. Values that are not finite
    are left out of the average and stay as they are. On a logarithmic axis the logarithms are averaged, so that one
    value of 10¹¹ does not outweigh all that come after it; a value that is not above zero has none, stays as it is, and
    the average begins anew behind it.

    Args:
        values: The raw curve.
        weight: ``w``, 0 (the raw curve) up to but not including 1.
        logarithmic: Whether it is for a logarithmic axis.
    """
    return Average(weight, logarithmic=logarithmic).extend(values)


def nice_ticks(low: float, high: float, count: int) -> list[float]:
    """About ``count`` round numbers from ``low`` to ``high``, a step of 1, 2, 2.5 or 5 times a power of ten apart.

    None where the range is so narrow that floats have no room for steps in it, or wider than the largest float.
    """
    span = high - low
    grain = 2 * math.ulp(max(abs(low), abs(high)))
    rough = span / max(count, 1)
    if not math.isfinite(span) or rough <= grain:
        return []
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if power * factor >= rough * 0.999)
    # Far from zero a multiple of the step is rounded by more than a billionth of the range.
    slack = max(1e-9 * span, grain)
    ticks = [index * step for index in range(math.floor(low / step), math.ceil(high / step) + 1)]
    return [min(max(tick, low), high) for tick in ticks if low - slack <= tick <= high + slack]


def tick_text(value: float, step: float) -> str:
    """A tick with as many decimals as the step between ticks needs: 0, 0.5, 1.0; 2.5, 5.0; not 0, 0.500."""
    if value == 0 or abs(value) < step * 1e-6:
        return "0"
    if not 1e-4 <= step < 1e6:
        return _by_its_power(value)
    decimals = max(0, math.ceil(-math.log10(step) - 1e-9))
    if step < 10 and round(step * 10**decimals, 6) % 1:
        decimals += 1
    return f"{value:,.{decimals}f}".replace(",", "\u202f").replace("-", "−")


def tick_texts(ticks: Sequence[float], step: float, fits: Callable[[str], bool]) -> list[str]:
    """The texts of all ticks of an axis, as :func:`tick_text`; where one has no room, all by their power: 5e5.

    Args:
        ticks: Where they are.
        step: From one to the next.
        fits: Whether a text has room beside the axis.
    """
    texts = [tick_text(tick, step) for tick in ticks]
    if all(fits(text) for text in texts):
        return texts
    return ["0" if abs(tick) < step * 1e-6 else _by_its_power(tick) for tick in ticks]


def _by_its_power(value: float) -> str:
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}".replace("-", "−")


def decade_ticks(low: float, high: float, count: int) -> list[int]:
    """Whole powers of ten between two logarithms, thinned to at most ``count`` in even strides."""
    first, last = math.ceil(low - 1e-9), math.floor(high + 1e-9)
    stride = max(1, -(-(last - first + 1) // max(count, 1)))
    return [power for power in range(first, last + 1) if power % stride == 0]


#: An axis reaches no further: what lies beyond is off the picture, and no difference of two ends is infinite.
FURTHEST = 1e300
#: Ends of an axis that are nearer than this are one: floats have no steps to divide it.
_NEAREST = 1e-290


#: A stretch without a measurement that is this many times as long as they usually are is not drawn through.
_FAR = 20.0
#: Intervals that are looked at to know what is usual.
_LOOKED_AT = 256


def breaks(x: Floats) -> NDArray[np.int64]:
    """The places behind which a line is to be broken: nothing was measured there for far longer than usual.

    It is usual what half of the intervals are not longer than; of many, an even choice is looked at.

    Args:
        x: Where the values stand, ascending.

    Returns:
        Indices of the values after the break.
    """
    if len(x) < 4:
        return np.empty(0, np.int64)
    gaps = np.diff(x)
    usual = float(np.median(gaps[:: max(1, len(gaps) // _LOOKED_AT)]))
    return np.flatnonzero(gaps > _FAR * usual) + 1 if usual > 0 else np.empty(0, np.int64)


def alone(values: Floats) -> NDArray[np.bool_]:
    """Which of the values have a gap, or the end of the curve, on both sides: no line reaches them."""
    known = np.isfinite(values)
    beside = np.zeros(len(known) + 2, np.bool_)
    beside[1:-1] = known
    return known & ~beside[:-2] & ~beside[2:]


class SteadyRange:
    """The range of an axis that grows at once, shrinks only when it has become far too wide, and never twitches."""

    def __init__(self) -> None:
        self._range: tuple[float, float] | None = None

    def reset(self) -> None:
        """Starts again with no range, as for another run."""
        self._range = None

    def linear(self, low: float, high: float, *, from_zero: bool) -> tuple[float, float]:
        """The range to show for values from ``low`` to ``high``."""
        if not (math.isfinite(low) and math.isfinite(high)):
            return self._range or (0.0, 1.0)
        low, high = (min(max(end, -FURTHEST), FURTHEST) for end in (low, high))
        if from_zero and low >= 0:
            low = 0.0
        if high - low < max(1e-12 * max(abs(high), abs(low)), _NEAREST):
            spread = abs(high) if abs(high) > _NEAREST else 1.0
            low, high = (0.0 if from_zero and low >= 0 else low - spread * 0.5), high + spread * 0.5
        wanted_low, wanted_high = _round_down(low, high), _round_up(low, high + 0.03 * (high - low))
        if self._range is not None:
            old_low, old_high = self._range
            fits = old_low <= low and high <= old_high
            if fits and (high - low) > 0.45 * (old_high - old_low):
                return self._range
        self._range = (wanted_low, wanted_high)
        return self._range

    def decades(self, low: float, high: float) -> tuple[float, float]:
        """The same for logarithms: at least two decades, bounds on half decades, so that two numbers always show."""
        if not (math.isfinite(low) and math.isfinite(high)):
            return self._range or (-4.0, 0.0)
        wanted = (math.floor(low * 2 - 0.1) / 2, math.ceil(high * 2 + 0.1) / 2)
        while wanted[1] - wanted[0] < 2.0:
            wanted = (wanted[0] - 0.5, wanted[1] + 0.5)
        if self._range is not None:
            old_low, old_high = self._range
            if old_low <= low and high <= old_high and wanted[1] - wanted[0] > 0.5 * (old_high - old_low):
                return self._range
        self._range = wanted
        return wanted


def _round_up(low: float, high: float) -> float:
    step = _tenth(high - low)
    return math.ceil(high / step - 1e-9) * step


def _round_down(low: float, high: float) -> float:
    step = _tenth(high - low)
    return math.floor(low / step + 1e-9) * step


def _tenth(span: float) -> float:
    power: float = 10.0 ** math.floor(math.log10(span))
    return power / 4 if span / power < 2.5 else power / 2 if span / power < 5 else power


def value_at(steps: NDArray[np.int64], values: Floats, step: int | None) -> float:
    """The newest value at or before ``step`` (None: the newest of all); NaN where there is none yet."""
    if not len(steps):
        return math.nan
    if step is None:
        return float(values[-1])
    index = int(np.searchsorted(steps, step, side="right")) - 1
    return float(values[index]) if index >= 0 else math.nan


def step_at(steps: NDArray[np.int64], step: int | None) -> int:
    """The step of that value; -1 where there is none yet."""
    index = len(steps) if step is None else int(np.searchsorted(steps, step, side="right"))
    return int(steps[index - 1]) if index else -1


def epochs_of(steps: Floats, ends: NDArray[np.int64], epochs: Floats, steps_per_epoch: float) -> Floats:
    """Steps as fractions of epochs.

    Between two ends of an epoch it runs evenly; past the last one at the pace of the last whole epoch, or, before any
    has ended, at ``steps_per_epoch``.
    """
    known_steps = np.concatenate(([0.0], np.asarray(ends, dtype=np.float64)))
    known_epochs = np.concatenate(([0.0], np.asarray(epochs, dtype=np.float64)))
    pace = steps_per_epoch
    if len(known_steps) > 1 and known_epochs[-1] > known_epochs[-2]:
        pace = (known_steps[-1] - known_steps[-2]) / (known_epochs[-1] - known_epochs[-2])
    result = np.interp(steps, known_steps, known_epochs)
    if pace > 0:
        result = np.where(steps > known_steps[-1], known_epochs[-1] + (steps - known_steps[-1]) / pace, result)
    return np.asarray(result, dtype=np.float64)


def spread(wanted: Sequence[float], height: float, low: float, high: float) -> list[float]:
    """Positions as near as may be to the wanted ones, in the same order, ``height`` apart, from ``low`` to ``high``.

    Labels at the ends of curves are placed with it. More labels than fit are pressed evenly into the room.
    """
    count = len(wanted)
    if not count:
        return []
    if count * height > high - low:
        pitch = (high - low) / count
        order = sorted(range(count), key=lambda index: wanted[index])
        placed = [0.0] * count
        for rank, index in enumerate(order):
            placed[index] = low + pitch * (rank + 0.5)
        return placed
    # Blocks of touching labels, each at the mean of what its members want (pool adjacent violators).
    order = sorted(range(count), key=lambda index: wanted[index])
    blocks: list[list[int]] = []
    centres: list[float] = []

    def centre(members: list[int]) -> float:
        middle = sum(wanted[index] - height * rank for rank, index in enumerate(members)) / len(members)
        return min(max(middle, low + height / 2), high - height / 2 - height * (len(members) - 1))

    for index in order:
        blocks.append([index])
        centres.append(centre(blocks[-1]))
        while len(blocks) > 1 and centres[-2] + height * len(blocks[-2]) > centres[-1]:
            last = blocks.pop()
            centres.pop()
            blocks[-1] = blocks[-1] + last
            centres[-1] = centre(blocks[-1])
    placed = [0.0] * count
    for members, first in zip(blocks, centres, strict=True):
        for rank, index in enumerate(members):
            placed[index] = first + height * rank
    return placed
