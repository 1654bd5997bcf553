"""Render the pictures in resources/screenshots: ``python3 scripts/screenshots.py [NAME …]``. Then look at them.

Each picture is the real window, offscreen, after real training on the data that come with nnviz.
"""

from __future__ import annotations

import sys

import environment


def main() -> None:
    """Set up, then become the program that renders."""
    interpreter = environment.ensure()
    environment.start(
        [interpreter, environment.ROOT / "scripts" / "pictures.py", *sys.argv[1:]], {"QT_QPA_PLATFORM": "offscreen"}
    )


if __name__ == "__main__":
    main()
