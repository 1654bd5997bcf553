"""A process that makes a t-SNE map: float32 rows come in, float64 points go out; it can be ended at any moment.

``python -P neighbour_map.py ROWS COLUMNS`` reads the rows from its input and writes two numbers for each. It needs
nothing else of nnviz.
"""

from __future__ import annotations

import os
import sys

import numpy as np


def main() -> int:
    """Read, map, write."""
    if hasattr(os, "nice"):
        os.nice(10)  # the training and the window come first
    count, columns = int(sys.argv[1]), int(sys.argv[2])
    rows = np.frombuffer(sys.stdin.buffer.read(), np.float32).reshape(count, columns)
    from sklearn.manifold import TSNE  # noqa: PLC0415 - slow to import

    perplexity = min(30.0, (count - 1) / 3)
    points = TSNE(2, perplexity=perplexity, init="pca", random_state=0, max_iter=750, n_jobs=1).fit_transform(rows)
    sys.stdout.buffer.write(np.ascontiguousarray(points, np.float64).tobytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
