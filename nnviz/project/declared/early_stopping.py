"""When a training ends before its last epoch. Declarations only; ``train/validated.py`` decides.

What is looked at are the figures at the ends of the epochs so far, so that a training that goes back or is resumed ends
where it would have ended.
"""

from __future__ import annotations

from nnviz.project.declared.figures import TITLES
from nnviz.project.spec import ParamSpec, Spec

EARLY_STOPPING: tuple[Spec, ...] = (
    Spec("none", "None", "All epochs are trained."),
    Spec(
        "patience",
        "By patience",
        "The training ends when so many epochs in a row have brought nothing better than the best before them. Beside "
        "it, keep the best weights: those of the last epoch are past their best. Without a validation split, the loss "
        "while training is looked at.",
        params=(
            ParamSpec(
                "figure",
                "by",
                "Which figure of the validation split is to get better.",
                "choice",
                TITLES[0][0],
                choices=TITLES,
            ),
            ParamSpec(
                "patience", "patience", "Epochs that may pass without anything better.", "int", 5, 1, 100_000,
                unit="epochs",
            ),
            ParamSpec(
                "least_improvement",
                "least improvement",
                "By how much a figure has to be better than the best so far to count; an accuracy is a share of 1.",
                "float",
                0.0,
                minimum=0,
                maximum=1e6,
            ),
        ),
    ),
)  # fmt: skip
