"""What is done to the numbers of the examples before the network sees them. Declarations only.

``data/preparation.py`` carries them out, in the order in which they stand. Means and deviations are taken from the
training examples only: per channel for images, per feature for tables.
"""

from __future__ import annotations

from collections.abc import Mapping

from nnviz.project.model import Choice
from nnviz.project.spec import ParamSpec, Spec

PREPARATIONS: tuple[Spec, ...] = (
    Spec(
        "scale",
        "0–255 to 0–1",
        "Divides the bytes of pictures by 255. The numbers of tables stay as they are.",
    ),
    Spec(
        "centre",
        "Mean 0",
        "Subtracts the mean of each channel or feature, taken from the training examples only.",
    ),
    Spec(
        "standardise",
        "Mean 0, variance 1",
        "Subtracts the mean of each channel or feature and divides by its standard deviation, both taken from the "
        "training examples only. What never changes is only centred.",
    ),
    Spec(
        "divide",
        "Divide",
        "Divides all numbers by the same one, such as 10 for points between -6 and 6.",
        params=(
            ParamSpec(
                "by",
                "by",
                "The number that all others are divided by.",
                "float",
                10.0,
                minimum=0,
                maximum=1e9,
                exclusive_minimum=True,
                logarithmic=True,
            ),
        ),
    ),
    Spec(
        "clip",
        "Clip",
        "Takes numbers that lie outside a range to its nearer end: max(low, min(x, high)). Behind “Mean 0, variance 1” "
        "it keeps a few outliers from deciding everything.",
        params=(
            ParamSpec("low", "low", "What is smaller becomes this number.", "float", -3.0, minimum=-1e9, maximum=1e9),
            ParamSpec(
                "high",
                "high",
                "What is larger becomes this number; it must lie above the other.",
                "float",
                3.0,
                minimum=-1e9,
                maximum=1e9,
            ),
        ),
    ),
)

#: What the older setting ``scaling`` stands for, of files of format 1 and 2 and on the command line.
BY_SCALING: Mapping[str, tuple[Choice, ...]] = {
    "none": (),
    "unit": (Choice("scale"),),
    "centre": (Choice("scale"), Choice("centre")),
    "standardise": (Choice("standardise"),),
}
