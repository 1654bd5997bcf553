"""What is done to a gradient before the update and to a weight after it: penalties, clipping, constraints."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Doubles: TypeAlias = NDArray[np.float64]
#: Settings of one of them.
Settings: TypeAlias = Mapping[str, float]

#: (settings, weights) -> what is added to their gradients
PENALTIES: Mapping[str, Callable[[Settings, Doubles], Doubles]] = {
    "l1": lambda settings, weights: settings["strength"] * np.sign(weights),
    "l2": lambda settings, weights: settings["strength"] * weights,
}


def _by_norm(settings: Settings, gradients: list[Doubles], present: Doubles) -> Doubles:
    norm = math.sqrt(math.fsum(float((gradient**2).sum()) for gradient in gradients))
    return present * min(1.0, settings["limit"] / (norm + 1e-6))  # torch's own guard against a norm of 0


#: (settings, all gradients, those of one parameter) -> the latter as they are clipped
CLIPPINGS: Mapping[str, Callable[[Settings, list[Doubles], Doubles], Doubles] | None] = {
    "none": None,
    "norm": _by_norm,
    "value": lambda settings, gradients, present: np.clip(present, -settings["limit"], settings["limit"]),
}

#: (settings, the new weights of a unit or filter) -> what each of them is multiplied by after the update
CONSTRAINTS: Mapping[str, Callable[[Settings, Doubles], float]] = {
    "max_norm": lambda settings, weights: min(1.0, settings["limit"] / max(math.sqrt((weights**2).sum()), 1e-12)),
}
