"""Figures of the validation split by which epochs are compared. Declarations only; ``train/validated.py`` reads them.

Another figure is one more entry here and one more there.
"""

from __future__ import annotations

from dataclasses import dataclass

from nnviz.project.spec import Spec


@dataclass(frozen=True)
class FigureSpec(Spec):
    """A figure of a split: a Spec with what is good.

    Attributes:
        higher_is_better: Of two epochs the better one has the higher figure; else the lower one.
    """

    higher_is_better: bool = False


FIGURES: tuple[FigureSpec, ...] = (
    FigureSpec("loss", "Loss", "The mean loss of the validation examples: the lower, the better."),
    FigureSpec(
        "accuracy",
        "Accuracy",
        "The share of right answers among the validation examples: the higher, the better. Where no answer is right or "
        "wrong, the loss decides.",
        higher_is_better=True,
    ),
    FigureSpec(
        "top5",
        "Top-5 accuracy",
        "The share of the validation examples whose class was among the five likeliest: the higher, the better. With "
        "fewer than six classes, the loss decides.",
        higher_is_better=True,
    ),
    FigureSpec(
        "f1",
        "Macro F1",
        "The mean of F1 over the classes, which counts rare classes as much as common ones: the higher, the better. "
        "Where there are no classes, the loss decides.",
        higher_is_better=True,
    ),
)

#: As the choices of a setting.
TITLES: tuple[tuple[str, str], ...] = tuple((spec.kind, spec.title) for spec in FIGURES)
