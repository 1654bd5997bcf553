"""Draws examples with scikit-learn's generators, whose import takes a second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Radius of the outer circle and side of what blobs lie in: as large as the other data in the plane.
_RADIUS, _SIDE = 5.0, 5.0


def draw(kind: str, values: Mapping[str, Any]) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """Inputs float32[n, features], and labels int64[n] or numbers float32[n, 1].

    Args:
        kind: ``circles``, ``blobs``, ``classification`` or ``regression``.
        values: The parameters that its declaration names, all of them.
    """
    from sklearn import datasets  # noqa: PLC0415 - takes a second to import

    count, seed = values["count"], values["seed"]
    if kind == "circles":
        points, labels = datasets.make_circles(count, noise=values["noise"], factor=values["factor"], random_state=seed)
        points = points * _RADIUS
    elif kind == "blobs":
        points, labels = datasets.make_blobs(
            count,
            values["features"],
            centers=values["classes"],
            cluster_std=values["spread"],
            center_box=(-_SIDE, _SIDE),
            random_state=seed,
        )
    elif kind == "classification":
        points, labels = datasets.make_classification(
            count,
            values["features"],
            n_informative=values["informative"],
            n_redundant=0,
            n_classes=values["classes"],
            n_clusters_per_class=1,
            class_sep=values["separation"],
            flip_y=values["wrong"],
            random_state=seed,
        )
    else:
        points, numbers, weights = datasets.make_regression(
            count, values["features"], n_informative=values["informative"], coef=True, random_state=seed
        )
        # Features have deviation 1 and are independent, so the sum's deviation is the length of its weights.
        noise = np.random.default_rng(seed).normal(0.0, 1.0, count) * values["noise"]
        numbers = numbers / np.linalg.norm(weights) + noise
        return points.astype(np.float32), numbers.astype(np.float32)[:, None]
    return points.astype(np.float32), labels.astype(np.int64)
