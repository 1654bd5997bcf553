"""How the learning rate changes while the training goes on. Declarations only; ``train/recipe.py`` computes the rate.

A schedule gives a multiple of the optimizer's learning rate for every step. It is a pure function of the step, and of
the losses at the ends of the epochs before it, so that a training that goes back or is resumed has the same rates;
before its start it is drawn as a curve.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from nnviz.project.spec import ParamSpec, Spec


@dataclass(frozen=True)
class ScheduleSpec(Spec):
    """A schedule: a Spec with its formula.

    Attributes:
        varies: The rate changes with the step.
        follows_losses: It depends on the losses of the validation split so far, and changes only at the ends of epochs.
        spans_all: It depends on how many epochs there are in all: with more of them it is stretched.
        formula: The multiple m at epoch e (a fraction inside an epoch) of E in all, as the help shows it.
    """

    varies: bool = True
    follows_losses: bool = False
    spans_all: bool = False
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
    ScheduleSpec("constant", "Constant", "The learning rate stays as it is set.", varies=False),
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
        spans_all=True,
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
    # Smith, Topin: Super-Convergence (2018), in the shape of fast.ai's and PyTorch's OneCycleLR.
    ScheduleSpec(
        "one_cycle",
        "One cycle",
        "From a small part of the learning rate up to all of it, then down to nearly nothing, each along half a wave "
        "of the cosine. The learning rate that is set is the highest; it can be several times as high as without the "
        "cycle. The momentum stays as it is.",
        params=(
            ParamSpec(
                "rising_share",
                "rising share",
                "Share of the whole training in which the learning rate rises.",
                "float",
                0.3,
                minimum=0,
                maximum=0.9,
            ),
            ParamSpec(
                "start_divisor",
                "start divisor",
                "The learning rate starts at this part of the highest.",
                "float",
                25.0,
                minimum=1,
                maximum=1e6,
                logarithmic=True,
            ),
            ParamSpec(
                "end_divisor",
                "end divisor",
                "It ends at this part of the one that it starts with.",
                "float",
                1e4,
                minimum=1,
                maximum=1e9,
                logarithmic=True,
                advanced=True,
            ),
        ),
        formula="m rises from 1/start to 1 until e = share·E, then falls to 1/(start·end), by (1 − cos) / 2",
        spans_all=True,
    ),
    ScheduleSpec(
        "warm_up",
        "Warm-up",
        "The learning rate rises in a straight line over the first epochs, so that the first batches, of which an "
        "optimizer knows little, cannot throw the weights far; then it stays, or falls.",
        params=(
            ParamSpec(
                "rising_epochs",
                "warm-up",
                "Epochs in which the learning rate rises; parts of an epoch as well.",
                "float",
                1.0,
                minimum=0,
                maximum=100_000,
                exclusive_minimum=True,
                unit="epochs",
            ),
            ParamSpec(
                "start_share",
                "start share",
                "The learning rate at the first step, as a share of the full one.",
                "float",
                0.01,
                minimum=0,
                maximum=1,
            ),
            ParamSpec(
                "then",
                "then",
                "What follows the warm-up: the full learning rate to the end, or a cosine down from it.",
                "choice",
                "constant",
                choices=(("constant", "Constant"), ("cosine", "Cosine")),
            ),
            replace(_FINAL_SHARE, shown_when=("then", ("cosine",))),
        ),
        formula="m = start + (1 − start)·e/W up to epoch W; then 1, or the cosine over the epochs that are left",
        spans_all=True,
    ),
    ScheduleSpec(
        "plateau",
        "Plateau",
        "Each time the validation loss has brought nothing better for some epochs, the learning rate is multiplied by "
        "a factor. Without a validation split the loss while training is looked at. Where it falls is known only once "
        "it has happened, so the curve before the start is flat.",
        params=(
            ParamSpec(
                "factor",
                "factor",
                "What the learning rate is multiplied by each time; 0.1 to 0.5 is usual.",
                "float",
                0.5,
                minimum=0,
                maximum=1,
                exclusive_minimum=True,
            ),
            ParamSpec(
                "patience",
                "patience",
                "Epochs in a row without anything better, after which the learning rate falls.",
                "int",
                3,
                1,
                100_000,
                unit="epochs",
            ),
            ParamSpec(
                "least_improvement",
                "least improvement",
                "Better is a loss that is lower than the best so far by this share of it.",
                "float",
                1e-4,
                minimum=0,
                maximum=0.5,
                advanced=True,
            ),
            ParamSpec(
                "lowest_share",
                "lowest share",
                "The learning rate falls no further than to this share of the one it starts with.",
                "float",
                0.0,
                minimum=0,
                maximum=1,
                advanced=True,
            ),
        ),
        follows_losses=True,
        formula="m ← max(lowest, factor·m) after each patience of epochs with loss ≥ (1 − least)·best",
    ),
)
