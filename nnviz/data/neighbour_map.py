"""A process that makes a map of examples: float32 rows come in, float64 numbers go out; it can be ended at any moment.

``python -P neighbour_map.py KIND ROWS COLUMNS`` reads the rows from its input. ``pca`` writes the first two principal
components of each row, and then the share of the variance of both; ``tsne`` two numbers for each row. It needs nothing
else of nnviz.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SEED = 0
#: Principal components that t-SNE begins with, as its authors do.
_BEFORE_TSNE = 50


def principal_components(rows: NDArray[Any], count: int) -> tuple[NDArray[np.float64], list[float]]:
    """Coordinates of rows along their first principal components, and each one's share of the variance.

    Found by a seeded randomised SVD (Halko, Martinsson and Tropp 2011), as scikit-learn has it.
    """
    count = min(count, *rows.shape)
    if not len(rows) or float(np.ptp(rows, axis=0).max(initial=0)) == 0:
        return np.zeros((len(rows), count)), [0.0] * count
    from sklearn.decomposition import PCA  # noqa: PLC0415 - slow to import

    solver = "full" if min(rows.shape) < 32 else "randomized"
    found = PCA(count, svd_solver=solver, random_state=_SEED, iterated_power=4)
    points = found.fit_transform(rows)
    return points.astype(np.float64), [float(share) for share in found.explained_variance_ratio_]


def neighbours(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Two numbers for each row, so that neighbours lie side by side."""
    from sklearn.manifold import TSNE  # noqa: PLC0415 - slow to import

    before = np.ascontiguousarray(principal_components(rows, _BEFORE_TSNE)[0], np.float32)
    perplexity = min(30.0, (len(rows) - 1) / 3)
    found: NDArray[np.float64] = np.asarray(
        TSNE(2, perplexity=perplexity, init="pca", random_state=_SEED, max_iter=750, n_jobs=1).fit_transform(before),
        np.float64,
    )
    return found


def main() -> int:
    """Read, map, write."""
    if hasattr(os, "nice"):
        os.nice(10)  # the training and the window come first
    kind, count, columns = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rows = np.frombuffer(sys.stdin.buffer.read(), np.float32).reshape(count, columns)
    if kind == "pca":
        points, shares = principal_components(rows, 2)
        # Rows of a single column vary along that only.
        wide = np.zeros((count, 2))
        wide[:, : points.shape[1]] = points
        found = np.concatenate([wide.reshape(-1), [*shares, 0.0, 0.0][:2]])
    else:
        found = neighbours(rows).reshape(-1)
    sys.stdout.buffer.write(np.ascontiguousarray(found, np.float64).tobytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
