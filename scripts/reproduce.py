"""Train the networks of the source articles and compare: ``python3 scripts/reproduce.py [NAME …] [--data-dir DIR]``.

Prints one row a figure: what the article says, what comes out here, and the difference; by the article's own recipe
(pixels 0–255 as they are, the test set in the place of a validation set, Keras' start) where that is known, and by the
sample's. About a quarter of an hour on two cores. ``--keep FILE.json`` remembers what is done, so that it can be
interrupted; ``--readme`` puts the table into README.md.
"""

from __future__ import annotations

import sys

import environment


def main() -> None:
    """Set up, then become the comparison."""
    interpreter = environment.ensure("test")
    environment.start(
        [interpreter, environment.ROOT / "scripts" / "reproduction" / "table.py", *sys.argv[1:]],
        {"QT_QPA_PLATFORM": "offscreen"},
    )


if __name__ == "__main__":
    main()
