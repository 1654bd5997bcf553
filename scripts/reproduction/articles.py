"""The figures of the source articles, and how each is made here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

#: ``own``: the sample's training. ``article``: pixels as they are, the test set for validation, Keras' start.
Recipe = Literal["own", "article"]


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Attributes:
        sample: Which network.
        recipe: How it is trained.
        source: The article's test accuracy; None where it only compares.
        words: What the article says, in its own terms.
        epochs: Another goal than the sample's.
        seeds: How many trainings: the spread is printed where there are several.
        figure: Which of the accuracies is compared: of the weights that are kept, or of the best epoch, as the article
            looks at the test set after each.
        settings: What else is set otherwise than in the sample, as ``--set`` takes it.
    """

    sample: str
    recipe: Recipe = "own"
    source: float | None = None
    words: str = ""
    epochs: int | None = None
    seeds: int = 1
    figure: Literal["kept", "best", "untrained"] = "kept"
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Tells it from the others."""
        changed = ",".join(f"{path}={value}" for path, value in self.settings.items())
        return f"{self.sample}:{self.recipe}:{self.epochs or ''}:{changed}"


#: What a training that ends after a known number of epochs gains most by: steps become small towards the end.
FALLING_RATE = {"training.schedule": "cosine", "training.best_by": "accuracy"}

#: For two epochs alone: the rate rises and falls once, and nearly all examples are trained on.
ONE_CYCLE = {
    "training.schedule": "one_cycle",
    "training.best_by": "accuracy",
    "data.validation_fraction": "0.05",
}

CASES: tuple[Case, ...] = (
    Case("softmax-regression", words="no figure"),
    Case("mlp-50", words="the baseline"),
    Case("mlp-500", words="wide: better"),
    Case("mlp-5x50", words="deep: worse"),
    Case("mlp-5x50-dropout", words="after 5 epochs: behind", epochs=5),
    Case("mlp-5x50-dropout", words="after 50 epochs: recovers"),
    Case("mlp-5x500-dropout", words="the best MLP"),
    Case("cnn-25", words="better than every MLP"),
    Case("mlp-512-dropout", source=0.0955, words="untrained", figure="untrained"),
    Case("mlp-512-dropout", source=0.9807, words="best weights kept"),
    Case("mlp-512-dropout", source=0.9807, words="best weights kept", settings=FALLING_RATE),
    Case("mlp-784-800-sigmoid", "article", 0.9451, "5 epochs", seeds=10, figure="best"),
    Case("mlp-784-800-sigmoid", words="with scaled pixels: 97 %", source=0.97),
    Case("cnn-32-64", "article", 0.9910, "2 epochs", figure="best"),
    Case("cnn-32-64", source=0.9910, words="2 epochs", settings=ONE_CYCLE),
    Case("cnn-numpy", source=0.90, words="past 90 %"),
    Case("cifar-10-10", source=0.15, words="about 15 %"),
)
