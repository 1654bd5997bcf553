"""Runs beside each other are told apart with any colour vision: by colour, and where that comes again by line."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from nnviz.gui.look import theme
from nnviz.gui.look.run_colours import run_colour, run_line
from nnviz.gui.runs.kept_runs import MOST_COMPARED

Floats = NDArray[np.float64]
#: How linear sRGB looks without one of the three cones (Machado, Oliveira and Fernandes 2009, severity 1).
_SIGHTS = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def oklab(linear: Floats) -> Floats:
    """Lightness and two opponent colours, in which distances are about as they are seen (Ottosson 2020)."""
    cones = linear.clip(0, 1) @ np.array(
        [[0.4122214708, 0.2119034982, 0.0883024619], [0.5363325363, 0.6806995451, 0.2817188376],
         [0.0514459929, 0.1073969566, 0.6299787005]]
    )  # fmt: skip
    mixed: Floats = np.cbrt(cones) @ np.array(
        [[0.2104542553, 1.9779984951, 0.0259040371], [0.7936177850, -2.4285922050, 0.7827717662],
         [-0.0040720468, 0.4505937099, -0.8086757660]]
    )  # fmt: skip
    return mixed


@pytest.mark.parametrize("name", ["dark", "light"])
def test_no_two_runs_look_alike(qapp: object, name: str) -> None:
    before = theme.current().name
    theme.set_theme(name)
    try:
        places = range(MOST_COMPARED + 1)  # one of them may be on the screen, and keeps its place
        colours = np.array([run_colour(place).getRgbF()[:3] for place in places], np.float64)
        lines = [run_line(place) for place in places]
    finally:
        theme.set_theme(before)
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    seen = [oklab(linear @ np.array(sight).T) for sight in _SIGHTS.values()]
    for one, other in combinations(places, 2):
        apart = min(float(np.linalg.norm(look[one] - look[other])) for look in seen)
        assert apart >= 0.1 or lines[one] != lines[other], (one, other, apart)
