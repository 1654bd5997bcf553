"""Kills trainings with ``kill -9`` at forty random moments: ``python3 scripts/check_kills.py [--kills N] [--seed N]``.

Every run must be readable afterwards, and what goes on from it must end bit for bit as the undisturbed training does:
half of them a chain of dense layers, half a recipe with averaging, accumulated batches, a plateau and dropout. Exit
status 1 where one does not.
"""

from __future__ import annotations

import sys

import environment


def main() -> None:
    """Set up, then become the test."""
    interpreter = environment.ensure("test")
    environment.start(
        [interpreter, environment.ROOT / "tests" / "safety" / "killed_trainings.py", *sys.argv[1:]],
        {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(environment.ROOT)},
    )


if __name__ == "__main__":
    main()
