"""An explanation as text to be read, and as plain values for JSON. Knows no torch."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

from nnviz.explain.explanation import COMPUTED, OUTPUT, Explanation, Factor, Term, largest, place_name, place_words
from nnviz.record.number_text import format_number

#: Terms that are written in lines of their own; of what stands behind a factor, fewer.
MOST_LINES, MOST_BEHIND, MOST_STEPS = 12, 5, 12
#: Of the formula and of sentences.
WIDTH = 110


def lines_of(found: Explanation, most: int = MOST_LINES) -> list[str]:
    """It in lines: what it is, the formula, the terms with the largest first and their numbers in a column, the sum."""
    title = f"{title_of(found)} = {number(found.value)}"
    lines = [title, ""]
    for text in (found.formula, found.words):
        lines += textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ", break_long_words=False)
    lines.append("")
    terms = found.largest(most)
    values = [term.value for term in terms]
    decimals = _decimals([*values, found.value])
    # The sum of what was rounded to be read need not be the rounded sum; the terms themselves sum to the value.
    rows = [(term.source, fixed(term.value, decimals), product_of(term)) for term in terms]
    rows.append(("sum", fixed(found.total, decimals), ""))
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for source, value, product in rows:
        equals = f" = {product}" if product else ""
        lines.append(f"  {source.ljust(widths[0])}  {value.rjust(widths[1])}{equals}")
    steps = _written(steps_behind(terms))
    if steps:
        width = max(len(step[0]) for step in steps)
        lines += ["", "  where"]
        lines += [f"    {left.ljust(width)}  {right}" for left, right in steps]
    return lines


def title_of(found: Explanation) -> str:
    """What the number is, in words."""
    if found.part == OUTPUT:
        what = place_words(found.node, found.index)
    elif found.index:
        what = f"{place_name(found.part, found.index)} of {found.node}"
    else:
        what = "the loss of this example"
    words = {"value": what, "gradient": f"how the loss changes with {what}", "update": f"the next {what}"}
    text = words[found.quantity]
    return text[:1].upper() + text[1:]


def product_of(term: Term) -> str:
    """A term as a product of numbers with their names: ``0.31 (weight[0, 3]) · 1.2 (relu1[3])``."""
    return " · ".join(_named(factor) for factor in term.factors)


def number(value: float) -> str:
    """Six digits, and no more than it has: a weight of 1 is 1 here, so that a sum can be checked by hand."""
    if not math.isfinite(value):
        return format_number(value)
    return f"{value + 0.0:.6g}".replace("-", "−")  # a zero below zero is none to the reader


def fixed(value: float, decimals: int) -> str:
    """With so many decimals, so that points stand below points."""
    if not math.isfinite(value):
        return format_number(value)
    return f"{value + 0.0:.{decimals}f}".replace("-", "−")


def plain_values(found: Explanation) -> dict[str, Any]:
    """It as JSON holds it. What is not finite is null, which JSON has no number for.

    All terms that are kept one by one are in it, and the sum of the others as one: they sum to ``value``.
    """
    in_output = found.part == OUTPUT and bool(found.index)
    return {
        "node": found.node,
        "unit": found.index[0] if in_output else None,
        "position": list(found.index[1:]) if in_output and len(found.index) > 1 else None,
        "parameter": found.part if found.part != OUTPUT and found.index else None,
        "index": list(found.index),
        "quantity": found.quantity,
        "value": _finite(found.value),
        "formula": found.formula,
        "words": found.words,
        "terms": [_term(term) for term in sorted(found.terms, key=lambda one: (one.stands_for > 1, -_size(one.value)))],
    }


def _term(term: Term) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "source": term.source,
        "factors": [_factor(factor) for factor in term.factors],
        "value": _finite(term.value),
    }
    if term.stands_for > 1:
        plain["stands_for"] = term.stands_for
    return plain


def _factor(factor: Factor) -> dict[str, Any]:
    plain: dict[str, Any] = {"name": factor.name, "value": _finite(factor.value)}
    if factor.part != COMPUTED:
        plain |= {"node": factor.node, "part": factor.part, "index": list(factor.index)}
    if factor.made_of:
        plain["made_of"] = [_term(term) for term in factor.made_of]
    return plain


def is_called_by_value(factor: Factor) -> bool:
    """Whether its name says all of it, such as −1 or 1/4: its value need not be written beside it."""
    return factor.part == COMPUTED and not factor.made_of and set(factor.name) <= set("0123456789/−")


def _named(factor: Factor) -> str:
    if is_called_by_value(factor):
        return factor.name
    return f"{number(factor.value)} ({factor.name})"


def steps_of(found: Explanation, most: int = MOST_LINES) -> list[tuple[str, str]]:
    """Of the factors in its largest terms that were computed: each with its value, and what it is made of."""
    return _written(steps_behind(found.largest(most)))


def _written(steps: Sequence[tuple[Factor, Sequence[Term]]]) -> list[tuple[str, str]]:
    written = []
    for factor, shown in steps:
        parts = [product_of(term) if term.factors else f"{term.source} {number(term.value)}" for term in shown]
        written.append((f"{factor.name} = {number(factor.value)}", f"from {'; '.join(parts)}"))
    return written


def steps_behind(terms: Sequence[Term]) -> list[tuple[Factor, tuple[Term, ...]]]:
    """The computed factors of terms, each once with the largest of what it is made of, the nearest first."""
    found: list[tuple[Factor, tuple[Term, ...]]] = []
    pending = [factor for term in terms for factor in term.factors]
    told: set[tuple[str, float]] = set()
    while pending and len(told) < MOST_STEPS:
        factor = pending.pop(0)
        if not factor.made_of or (factor.name, factor.value) in told:
            continue
        told.add((factor.name, factor.value))
        shown = largest(factor.made_of, MOST_BEHIND)
        found.append((factor, tuple(shown)))
        pending += [further for term in shown for further in term.factors]
    return found


def _decimals(values: list[float]) -> int:
    """So many that the largest number has six digits."""
    sizes = [abs(value) for value in values if math.isfinite(value) and value]
    return min(12, max(0, 5 - math.floor(math.log10(max(sizes))))) if sizes else 1


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _size(value: float) -> float:
    return math.inf if math.isnan(value) else abs(value)
