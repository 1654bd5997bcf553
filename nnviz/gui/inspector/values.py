"""What one step up or down of a value is. No widgets here; values as text are read in ``project/value_text.py``."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from nnviz.project.model import ParamValue
from nnviz.project.spec import ParamSpec

_FRIENDLY = (1.0, 2.0, 5.0)


def stepped(
    spec: ParamSpec, value: ParamValue, steps: int, part: int | None = None, *, fine: bool = False
) -> ParamValue:
    """The value some steps up or down, kept within the range.

    Args:
        spec: Its declaration: a logarithmic float goes through 1, 2, 5, 10 …, a logarithmic int doubles and halves.
        value: The present one.
        steps: Number of steps, negative for down.
        part: Of a pair or a shape, the place that changes; None changes all of a pair.
        fine: In small steps where the usual ones are factors: an int by one, a float by a tenth of its power of ten.
    """
    if isinstance(value, bool) or value is None or not steps:
        return value
    if isinstance(value, tuple):
        places = range(len(value)) if part is None else [min(part, len(value) - 1)]
        return tuple(
            _step_whole(spec, item, steps, fine) if index in places and isinstance(item, int) else item
            for index, item in enumerate(value)
        )
    if isinstance(value, int):
        return _step_whole(spec, value, steps, fine)
    if isinstance(value, float):
        return _step_float(spec, value, steps, fine)
    return value


def _step_whole(spec: ParamSpec, value: int, steps: int, fine: bool) -> int:
    wanted = value
    if spec.logarithmic and not fine:
        for _ in range(abs(steps)):
            # To the next power of two, so that 100 goes to 128 and 64.
            power = max(wanted, 1).bit_length() - 1
            exact = wanted == 1 << power
            wanted = (1 << (power + 1)) if steps > 0 else (1 << (power - 1 if exact and power else power))
    else:
        wanted += steps
    low = -(2**63) if math.isinf(spec.minimum) else math.ceil(spec.minimum)
    high = 2**63 if math.isinf(spec.maximum) else math.floor(spec.maximum)
    if spec.exclusive_minimum and low == spec.minimum:
        low += 1
    return int(min(max(wanted, low), high))


def _step_float(spec: ParamSpec, value: float, steps: int, fine: bool) -> float:
    if spec.logarithmic and value > 0 and not fine:
        wanted = value
        for _ in range(abs(steps)):
            wanted = _friendly_above(wanted) if steps > 0 else _friendly_below(wanted)
    else:
        size = step_size(spec, value)
        wanted = round((value + steps * size) / size) * size
        wanted = float(f"{wanted:.12g}")
    wanted = min(max(wanted, spec.minimum), spec.maximum)
    if spec.exclusive_minimum and wanted <= spec.minimum:
        return value
    return wanted


def step_size(spec: ParamSpec, value: float) -> float:
    """One step of a number that is not logarithmic: 0.05 in a short range, else a tenth of its power of ten."""
    span = spec.maximum - spec.minimum
    if math.isfinite(span) and span <= 1.0:
        return 0.05 if span > 0.3 else 10.0 ** math.floor(math.log10(span) - 1)
    if value:
        return 10.0 ** (math.floor(math.log10(abs(value)) + 1e-9) - 1)
    return 0.1


def _friendly_above(value: float) -> float:
    power = math.floor(math.log10(value) + 1e-9)
    for factor in (*_FRIENDLY, 10.0):
        candidate = float(f"{factor}e{power}")
        if candidate > value * (1 + 1e-9):
            return candidate
    return float(f"1e{power + 1}")


def _friendly_below(value: float) -> float:
    power = math.floor(math.log10(value) - 1e-9)
    for factor in reversed(_FRIENDLY):
        candidate = float(f"{factor}e{power}")
        if candidate < value * (1 - 1e-9):
            return candidate
    return float(f"5e{power - 1}")


def part_at(text: str, cursor: int) -> int:
    """Which part of ``3 × 3`` the cursor stands in."""
    return len(re.findall(r"[×x,;*]", text[:cursor]))


def same(values: Sequence[ParamValue]) -> bool:
    """Whether all values are equal, so that one field can show them for several layers."""
    return all(value == values[0] for value in values)
