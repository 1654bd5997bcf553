"""How a measured number is written: in one way everywhere, so that two places that show it say the same."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext

import numpy as np

_NARROW_SPACE = "\u202f"
_MINUS = "\u2212"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
#: Relative error that a number has because it was a 32-bit float.
_FLOAT_ROUNDING = Decimal("1e-6")


def format_number(value: float, digits: int = 3) -> str:
    """A measured number with ``digits`` significant figures, of constant length in the usual range.

    ``0.0713``, ``12.3``, ``1 234``; under 0.001 and from 100,000 on as ``1.9e-4``; ``NaN`` and ``∞`` as what they are.
    """
    if math.isnan(value):
        return "NaN"
    sign = _MINUS if value < 0 else ""
    size = abs(value)
    if math.isinf(size):
        return sign + "∞"
    if size == 0:
        return "0"
    if 1e-3 <= size < 1e5:
        decimals = max(0, digits - 1 - math.floor(math.log10(size)))
        text = f"{size:.{decimals}f}" if decimals else f"{round(size):,}".replace(",", _NARROW_SPACE)
        return sign + text
    mantissa, exponent = f"{size:.{max(0, digits - 2)}e}".split("e")
    return f"{sign}{mantissa}e{int(exponent)}".replace("e-", "e" + _MINUS)


def written_number(value: float, digits: int = 4) -> str:
    """A number as one writes it by hand: ``7``, ``1.5``, ``0.0986``; zeros at the end only where they were measured.

    From 0.01 to 1 it has ``digits`` decimals, so that shares stand beside each other as in a book.
    """
    if 0.01 <= abs(value) < 1:
        digits = max(digits + math.floor(math.log10(abs(value))) + 1, 1)
    text = format_number(value, digits)
    if not math.isfinite(value) or "." not in text or "e" in text:
        return text
    shorter = text.rstrip("0").rstrip(".")
    exact = Decimal(shorter.replace(_MINUS, "-"))
    return shorter if abs(exact - Decimal(value)) <= _FLOAT_ROUNDING * abs(exact) else text


def exact_number(value: float) -> str:
    """A 32-bit float by the fewest digits that name it, to be typed again: ``0.12``, ``1.0``, ``1e-08``."""
    return str(np.float32(value))


def percent(share: float, decimals: int = 0) -> str:
    """A share in words: never 0 % for something above 0, never 100 % for something below 1.

    Args:
        share: 1 is all of it; more is possible where it is a ratio.
        decimals: Digits behind the point of what is 1 % or more; there is at least one of what is less.
    """
    if not math.isfinite(share):
        return "NaN" if math.isnan(share) else "∞ %" if share > 0 else "−∞ %"
    value = 100.0 * share
    if value == 0:
        return "0 %"
    if 0 < value < 0.95:
        digits = max(decimals, 1)
        least = 10.0**-digits
        return f"{value:.{digits}f} %" if value >= least / 2 else f"<{least:.{digits}f} %"
    text = f"{value:.{decimals}f}"
    if share < 1.0 <= float(text) / 100.0:
        text = f"{100.0 - 10.0**-decimals:.{decimals}f}"
    return f"{text} %"


def power_of_ten(exponent: int) -> str:
    """``10⁻³``, as an axis writes it."""
    return "10" + str(exponent).translate(_SUPERSCRIPTS)


def format_times(count: int) -> str:
    """How often something happened: ``once``, ``3 times``."""
    return "once" if count == 1 else f"{count} times"


def format_range(low: float, high: float, digits: int = 3) -> tuple[str, str]:
    """The two ends of a range as :func:`format_number` writes them, rounded outwards: everything lies between them.

    An end that is a written number but for the rounding of 32-bit floats is written as that number, so that a tanh runs
    to 1.00 and not to 1.01.
    """
    return _rounded(low, digits, ROUND_FLOOR), _rounded(high, digits, ROUND_CEILING)


def _rounded(value: float, digits: int, direction: str) -> str:
    if not math.isfinite(value) or value == 0:
        return format_number(value, digits)
    exponent = math.floor(math.log10(abs(value)))
    usual = 1e-3 <= abs(value) < 1e5
    place = min(0, exponent - digits + 1) if usual else exponent - max(0, digits - 2)
    exact, unit = Decimal(value), Decimal(1).scaleb(place)
    with localcontext() as context:
        # A large number with decimals has more digits than usual arithmetic keeps.
        context.prec = 400
        nearest = exact.quantize(unit)
        if abs(nearest - exact) > _FLOAT_ROUNDING * abs(exact):
            nearest = exact.quantize(unit, rounding=direction)
    return format_number(float(nearest), digits)
