"""What is drawn and not loaded: the names of the shapes, and the tables of logic functions. Knows no source."""

from __future__ import annotations

from collections.abc import Mapping

SHAPE_NAMES = ("circle", "square", "triangle", "star", "cross", "ring", "crescent", "heart", "arrow", "frame")

#: For each logic function the outputs for the rows 00, 01, 10, 11 (for ``not``: 0, 1).
TRUTH: Mapping[str, tuple[int, ...]] = {
    "and": (0, 0, 0, 1),
    "or": (0, 1, 1, 1),
    "not": (1, 0),
    "xor": (0, 1, 1, 0),
    "xnor": (1, 0, 0, 1),
    "nand": (1, 1, 1, 0),
    "nor": (1, 0, 0, 0),
}
