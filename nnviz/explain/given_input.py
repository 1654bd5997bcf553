"""An input of one's own, in the place of an example. Knows no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: The split of an input that stands in none: one's own.
OWN = "own"


@dataclass(frozen=True, slots=True, eq=False)
class OwnInput:
    """An input that somebody drew, loaded or typed, in place of an example.

    Attributes:
        numbers: As the network sees it, prepared, without the batch.
        label: What is right for it, in words; empty where nobody said.
    """

    numbers: NDArray[np.float32]
    label: str = ""
