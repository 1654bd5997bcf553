"""Points in the plane that carry a number, or lie above or below a curve, drawn from a seed. numpy only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnviz.data.formula import Formula, Piece
from nnviz.errors import DataError

#: Points lie from -SIDE to SIDE in both directions, like the other data in the plane.
SIDE = 6.0
#: How far from its middle the bump has fallen to exp(-1/2).
WIDTH = 2.0
#: Larger numbers than these are no sensible answers for a network.
_LARGEST = 1e6


def values_of(formula: Formula, **numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values of a formula at many points, float64[n]; NaN or infinite where it has none.

    Args:
        formula: Which.
        numbers: For each of its letters float64[n].
    """
    with np.errstate(all="ignore"):
        found = _value(formula.tree, numbers)
    return np.broadcast_to(found, next(iter(numbers.values())).shape).astype(np.float64)


def _value(piece: Piece, numbers: Mapping[str, NDArray[np.float64]]) -> Any:
    if piece.does:  # one of the few that the reader of formulas knows
        return getattr(np, piece.does)(*(_value(inner, numbers) for inner in piece.of))
    return numbers[piece.name] if piece.name else np.float64(piece.value)


def heights(kind: str, points: NDArray[np.float64], formula: Formula | None) -> NDArray[np.float64]:
    """The number of each point, float64[n], before any noise.

    Args:
        kind: ``tilted_plane`` ((x + y) / 10), ``bump`` (exp(-(x² + y²) / (2·2²))) or ``surface`` (the formula).
        points: float64[n, 2].
        formula: Of x and y, for ``surface``.

    Raises:
        DataError: The formula has no value at one of the points.
    """
    x, y = points[:, 0], points[:, 1]
    if kind == "tilted_plane":
        return (x + y) / 10.0
    if kind == "bump":
        return np.exp(-(x**2 + y**2) / (2.0 * WIDTH**2))
    assert formula is not None
    return _checked(formula, values_of(formula, x=x, y=y), points)


def draw_surface(
    kind: str, count: int, noise: float, seed: int, formula: Formula | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Points float32[count, 2], even over the square, and their numbers float32[count, 1].

    Args:
        kind: As of :func:`heights`.
        count: How many.
        noise: Standard deviation of what is added to the numbers.
        seed: Fixes every number.
        formula: As of :func:`heights`.

    Raises:
        DataError: Likewise.
    """
    random = np.random.default_rng(seed)
    points = random.uniform(-SIDE, SIDE, (count, 2)).astype(np.float32).astype(np.float64)  # judged as they are stored
    numbers = heights(kind, points, formula) + random.normal(0.0, 1.0, count) * noise
    return points.astype(np.float32), numbers.astype(np.float32)[:, None]


def draw_above_below(
    count: int, noise: float, seed: int, formula: Formula
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Points float32[count, 2], even over the square, and labels int64[count]: 1 where y > f(x).

    Args:
        count: How many.
        noise: Standard deviation of what points are moved up or down by, after they have been judged.
        seed: Fixes every number.
        formula: Of x.

    Raises:
        DataError: The formula has no value at one of the points, or all of them lie on one side of it.
    """
    random = np.random.default_rng(seed)
    points = random.uniform(-SIDE, SIDE, (count, 2)).astype(np.float32).astype(np.float64)
    curve = _checked(formula, values_of(formula, x=points[:, 0]), points)
    labels = (points[:, 1] > curve).astype(np.int64)
    if labels.min() == labels.max():
        side = "above" if labels[0] else "below"
        raise DataError(
            f"All {count:,} points lie {side} y = {formula.text}: the curve must pass between -{SIDE:g} and {SIDE:g}.",
            field="data.params.formula",
        )
    points[:, 1] += random.normal(0.0, 1.0, count) * noise
    return points.astype(np.float32), labels


def _checked(formula: Formula, values: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    bad = np.flatnonzero(~(np.abs(values) <= _LARGEST))  # NaN, too
    if len(bad):
        where = ", ".join(f"{name} = {points[bad[0], at]:.2f}" for at, name in enumerate(formula.letters))
        what = f"has no value, or one beyond {_LARGEST:,.0f},"
        raise DataError(
            f"{formula.text} {what} at {len(bad):,} of {len(values):,} points, such as {where}: points lie from "
            f"-{SIDE:g} to {SIDE:g}.",
            field="data.params.formula",
        )
    return values
