"""Values as text and back, and what one step up or down is. No widgets here."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from nnviz.errors import ParamError
from nnviz.project.model import ParamValue
from nnviz.project.spec import ParamSpec

_SEPARATORS = re.compile(r"[\s,;×x*]+")
_FRIENDLY = (1.0, 2.0, 5.0)


def number_text(value: float) -> str:
    """A number so that typing it again gives the same one: ``0.001``, ``1e-08``, ``3``."""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return str(value)
    text = f"{value:.10g}"
    text = text if float(text) == value else repr(value)
    return text.replace("e-0", "e-").replace("e+0", "e")


def to_text(spec: ParamSpec, value: ParamValue) -> str:
    """A value as its editor shows it: ``3 × 3``, ``0.001``; nothing for None."""
    if value is None:
        return ""
    if spec.type in {"pair", "shape"} and isinstance(value, tuple):
        return " × ".join(str(item) for item in value)
    if spec.type == "texts" and isinstance(value, tuple):
        return "\n".join(str(item) for item in value)
    if spec.type == "vector" and isinstance(value, tuple):
        return "  ".join(_item(item) for item in value)
    if spec.type == "matrix" and isinstance(value, tuple):
        rows = (row for row in value if isinstance(row, tuple))
        return "\n".join("  ".join(_item(item) for item in row) for row in rows)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number_text(value)
    return str(value)


def _item(value: ParamValue) -> str:
    return number_text(value) if isinstance(value, (int, float)) else str(value)


def from_text(spec: ParamSpec, text: str) -> ParamValue:
    """What was typed, checked.

    Raises:
        ParamError: It is no such value or not allowed; the sentence says what is.
    """
    if spec.type == "texts":
        return spec.parse([line for line in text.split("\n") if line.strip()])
    text = text.strip().replace("−", "-")
    if spec.type == "text":
        return spec.parse(text)
    if spec.type in {"vector", "matrix"} and not text:
        return spec.parse(None)
    try:
        if spec.type == "matrix":
            return spec.parse(tuple(_numbers(row) for row in text.splitlines() if row.strip()))
        if spec.type in {"pair", "shape"}:
            return spec.parse(tuple(_whole(part) for part in _parts(text)))
        if spec.type == "vector":
            return spec.parse(_numbers(text))
        number = _number(text)
    except ValueError:
        raise refusal(spec, text) from None
    return spec.parse(int(number) if spec.type == "int" and number.is_integer() else number)


def refusal(spec: ParamSpec, text: str) -> ParamError:
    """The error for something typed that is no value at all."""
    shown = text if len(text) <= 24 else text[:23] + "…"
    what = f"“{shown}” is not allowed" if text else "A value is needed"
    return ParamError(f"{what}: {spec.title} must be {spec.allowed()}.", field=spec.name)


def _parts(text: str) -> list[str]:
    return [part for part in _SEPARATORS.split(text.strip("()[] ")) if part]


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(_number(part) for part in re.split(r"[\s,;]+", text.strip("()[] ,;")) if part)


def _number(text: str) -> float:
    cleaned = text.replace("\u202f", "").replace("\u00a0", "").replace(" ", "")
    if "," in cleaned and "." not in cleaned:
        cleaned = cleaned.replace(",", ".")
    number = float(cleaned)
    if math.isnan(number):
        raise ValueError(text)
    return number


def _whole(text: str) -> int:
    number = _number(text)
    if not number.is_integer():
        raise ValueError(text)
    return int(number)


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
    """Whether they are all alike."""
    return all(value == values[0] for value in values)
