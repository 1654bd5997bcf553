"""Points in the plane and truth tables, drawn anew from a seed. numpy only.

The toys follow TensorFlow Playground (``dataset.ts``): the same radii, the same gaps, the same meaning of noise, with
class 1 where Playground says +1 (blue). All points lie roughly between -6 and 6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from nnviz.data.drawn import TRUTH

Points = NDArray[np.float32]
Labels = NDArray[np.int64]
#: (number of points, noise 0 to 0.5, source of randomness) -> (points [n, 2], labels [n])
Drawing = Callable[[int, float, np.random.Generator], tuple[NDArray[np.float64], NDArray[np.bool_]]]

_RADIUS = 5.0


def draw(kind: str, count: int, noise: float, seed: int) -> tuple[Points, Labels]:
    """``count`` points of one toy, in random order.

    Args:
        kind: ``circle``, ``xor``, ``gauss``, ``spiral``, ``moons``, ``credit`` or ``marbles``.
        count: Number of points; the classes differ by at most one where the toy draws them class by class.
        noise: 0 to 0.5, as the declaration of the data set says.
        seed: Fixes every number.

    Returns:
        Points float32[count, 2] and labels int64[count], 0 or 1.
    """
    random = np.random.default_rng(seed)
    points, labels = DRAWINGS[kind](count, noise, random)
    order = random.permutation(count)
    return points[order].astype(np.float32), labels[order].astype(np.int64)


def truth_table(function: str) -> tuple[Points, Labels]:
    """All rows of a logic function: inputs float32[rows, 1 or 2], outputs int64[rows]."""
    outputs = TRUTH[function]
    width = 1 if len(outputs) == 2 else 2
    rows = [[(row >> bit) & 1 for bit in reversed(range(width))] for row in range(len(outputs))]
    return np.array(rows, np.float32), np.array(outputs, np.int64)


def _halves(count: int) -> NDArray[np.bool_]:
    return np.arange(count) < count // 2


def _polar(radius: NDArray[np.float64], angle: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack((radius * np.sin(angle), radius * np.cos(angle)), axis=1)


def _circle(count: int, noise: float, random: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    inside = _halves(count)
    radius = np.where(inside, random.uniform(0.0, 0.5 * _RADIUS, count), random.uniform(0.7 * _RADIUS, _RADIUS, count))
    points = _polar(radius, random.uniform(0.0, 2.0 * np.pi, count))
    # As in Playground the noise moves the judgement, not the point: mislabelled points appear near the border.
    judged = points + random.uniform(-_RADIUS, _RADIUS, (count, 2)) * noise
    return points, np.hypot(judged[:, 0], judged[:, 1]) < 0.5 * _RADIUS if noise else inside


def _xor(count: int, noise: float, random: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    points = random.uniform(-5.0, 5.0, (count, 2))
    points += np.where(points > 0.0, 0.3, -0.3)  # a gap along both axes
    judged = points + random.uniform(-5.0, 5.0, (count, 2)) * noise
    return points, judged[:, 0] * judged[:, 1] >= 0.0


def _gauss(count: int, noise: float, random: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    variance = 0.5 + (4.0 - 0.5) * noise / 0.5
    labels = _halves(count)
    centres = np.where(labels, 2.0, -2.0)[:, None]
    return random.normal(centres, np.sqrt(variance), (count, 2)), labels


def _spiral(count: int, noise: float, random: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    labels = _halves(count)
    size = np.where(labels, count // 2, count - count // 2)
    # Half a step from the centre, where Playground puts a point of each class: no network could tell those apart.
    place = (np.concatenate((np.arange(count // 2), np.arange(count - count // 2))) + 0.5) / size
    angle = 1.75 * place * 2.0 * np.pi + np.where(labels, 0.0, np.pi)
    return _polar(place * _RADIUS, angle) + random.uniform(-1.0, 1.0, (count, 2)) * noise, labels


def _moons(count: int, noise: float, random: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    labels = _halves(count)
    angle = random.uniform(0.0, np.pi, count)
    across = np.where(labels, 1.0 - np.cos(angle), np.cos(angle))
    up = np.where(labels, 0.5 - np.sin(angle), np.sin(angle))
    points = np.stack((across, up), axis=1) + random.normal(0.0, 1.0, (count, 2)) * noise
    # Without noise the moons fill -1..2 × -0.5..1; brought to about -5..5 like the other toys.
    return (points - (0.5, 0.25)) * (10.0 / 3.0), labels


def _credit(count: int, noise: float, random: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    points = random.uniform(0.0, 10.0, (count, 2)).astype(np.float32).astype(np.float64)  # judged as they are stored
    return points, 2.0 * points[:, 0] + points[:, 1] - 10.0 > 0.0


def _marbles(count: int, noise: float, random: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    labels = _halves(count)
    # Two round heaps of radius 2.2 around (±2.5, ±1.5): any two marbles of different colour are at least 1.4 apart.
    radius = 2.2 * np.sqrt(random.uniform(0.0, 1.0, count))
    heap = np.where(labels, 1.0, -1.0)[:, None] * np.array((2.5, 1.5))
    return heap + _polar(radius, random.uniform(0.0, 2.0 * np.pi, count)), labels


DRAWINGS: Mapping[str, Drawing] = {
    "circle": _circle,
    "xor": _xor,
    "gauss": _gauss,
    "spiral": _spiral,
    "moons": _moons,
    "credit": _credit,
    "marbles": _marbles,
}
