"""Averages of the weights over the steps. Declarations only; ``train/averaging.py`` computes them.

The training itself goes on with its own weights. Validation, test, the best weights and those at the end are the
average.
"""

from __future__ import annotations

from dataclasses import dataclass

from nnviz.project.spec import ParamSpec, Spec


@dataclass(frozen=True)
class AveragingSpec(Spec):
    """An average: a Spec with its formula.

    Attributes:
        averages: There is one at all.
        formula: As the help shows it; a is the average, w the weights, t the step.
    """

    averages: bool = True
    formula: str = ""


AVERAGING: tuple[AveragingSpec, ...] = (
    AveragingSpec("none", "None", "Validated and kept are the weights as they are.", averages=False),
    AveragingSpec(
        "ema",
        "Exponential (EMA)",
        "A running mean of the weights over the latest steps, in which each step counts less the longer it is ago. The "
        "noise of single batches cancels out. In the first steps the mean is short, so that it does not hold on to the "
        "start. Running statistics of BatchNorm are averaged along.",
        params=(
            ParamSpec(
                "decay",
                "decay",
                "Share of the average that each step keeps: 0.999 remembers about 1,000 steps.",
                "float",
                0.999,
                minimum=0,
                maximum=0.999999,
            ),
        ),
        formula="a ← d·a + (1 − d)·w after each step, d = min(decay, (1 + t)/(10 + t))",
    ),
    # Izmailov, Podoprikhin, Garipov, Vetrov, Wilson: Averaging Weights Leads to Wider Optima and Better Generalization
    # (2018), with a cycle of one epoch.
    AveragingSpec(
        "swa",
        "Stochastic (SWA)",
        "From an epoch on, the mean of the weights at the ends of all epochs: the middle of the wide valley around "
        "which training wanders. It suits a high, constant learning rate. Running statistics of BatchNorm are averaged "
        "along, not measured anew.",
        params=(
            ParamSpec(
                "from_epoch",
                "from epoch",
                "The first epoch whose weights are in the average; before it ends, the weights themselves are taken.",
                "int",
                5,
                1,
                100_000,
            ),
        ),
        formula="a = mean of w at the ends of the epochs since then",
    ),
)
