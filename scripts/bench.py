"""Measure what HOUSE calls the numbers to hold: ``python3 scripts/bench.py [NAME …] [--data-dir DIR] [--quick]``.

Each row prints the measured figure with its limit, or with the peer that was measured in turn with it in the same
run. Figures are medians; ratios are medians of pairs. Nothing here judges: machines are noisy, so read the rows
together and repeat them. ``--quick`` takes fewer rounds.
"""

from __future__ import annotations

import sys

import environment


def main() -> None:
    """Set up, then become the benchmark."""
    interpreter = environment.ensure("test")
    environment.start(
        [interpreter, environment.ROOT / "scripts" / "benchmarks" / "main.py", *sys.argv[1:]],
        {"QT_QPA_PLATFORM": "offscreen"},
    )


if __name__ == "__main__":
    main()
