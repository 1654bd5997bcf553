"""How the learning rate changes while the training goes on. Declarations only; ``train/recipe.py`` computes the rate.

A schedule gives a multiple of the optimizer's learning rate for every step. It is a pure function of the step, so that
a training that goes back, is resumed or is drawn as a curve before its start has the same rates.
"""

from __future__ import annotations

from dataclasses import dataclass

from nnviz.project.spec import ParamSpec, Spec


@dataclass(frozen=True)
class ScheduleSpec(Spec):
    """A schedule: a Spec with its formula.

    Attributes:
        varies: The rate changes with the step.
        formula: The multiple m at epoch e (a fraction inside an epoch) of E in all, as the help shows it.
    """

    varies: bool = True
    formula: str = ""


_FINAL_SHARE = ParamSpec(
    "final_share",
    "final share",
    "The learning rate at the end, as a share of the one it starts with.",
    "float",
    0.0,
    minimum=0,
    maximum=1,
)

SCHEDULES: tuple[ScheduleSpec, ...] = (
    ScheduleSpec("constant", "Constant", "The learning rate stays as it is set.", varies=False, formula="m = 1"),
    ScheduleSpec(
        "step",
        "Step",
        "Every so many epochs the learning rate is multiplied by a factor: long runs at one rate, each finer than the "
        "last.",
        params=(
            ParamSpec("every", "every", "Epochs between two changes.", "int", 10, 1, 100_000, unit="epochs"),
            ParamSpec(
                "factor",
                "factor",
                "What the learning rate is multiplied by at each change; 0.1 is usual.",
                "float",
                0.1,
                minimum=0,
                maximum=1,
                exclusive_minimum=True,
            ),
        ),
        formula="m = factor^⌊e / every⌋",
    ),
    ScheduleSpec(
        "cosine",
        "Cosine",
        "From the full learning rate along half a wave of the cosine down to a share of it: slowly at first, fast in "
        "the middle, slowly at the end.",
        params=(_FINAL_SHARE,),
        formula="m = share + (1 − share)·(1 + cos(π·e/E)) / 2",
    ),
    ScheduleSpec(
        "exponential",
        "Exponential",
        "Each epoch the learning rate is multiplied by a factor, a little at every step: it falls quickly at first and "
        "ever more slowly.",
        params=(
            ParamSpec(
                "factor",
                "factor",
                "What the learning rate is multiplied by over one epoch.",
                "float",
                0.9,
                minimum=0,
                maximum=1,
                exclusive_minimum=True,
            ),
        ),
        formula="m = factor^e",
    ),
)
