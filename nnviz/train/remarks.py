"""What the training itself has to say beside its numbers, as findings of the run."""

from __future__ import annotations

from nnviz.record.samples import Cure, Finding, Sample, Scalar
from nnviz.train.loop import EvaluationResult
from nnviz.train.training import Training


def scores(split: str, step: int, result: EvaluationResult) -> list[Sample]:
    """Loss and, where there is one, accuracy of a whole split."""
    samples: list[Sample] = [Scalar(f"loss/{split}", step, result.loss)]
    if result.accuracy is not None:
        samples.append(Scalar(f"accuracy/{split}", step, result.accuracy))
    return samples


def test_used(training: Training) -> Finding:
    """The test set was looked at, and how often."""
    times = "once" if training.test_uses == 1 else f"{training.test_uses} times"
    return Finding(
        "finding/test_used",
        training.step,
        "information",
        f"The test set was used {times}.",
        "Each look at it makes it a little more part of the training: choose by the validation set.",
    )


def best_put_back(training: Training) -> Finding:
    """The weights are no longer those of the last step."""
    return Finding(
        "finding/best_weights",
        training.step,
        "information",
        f"The weights of epoch {training.best_epoch} were put back.",
        f"Its validation loss, {training.best_loss:.4g}, was the lowest.",
    )


def left_out(step: int, sentence: str) -> Finding:
    """There was no room for a copy that the training can do without."""
    name = sentence.partition(":")[0].lower().replace(" ", "_")
    return Finding(f"finding/left_out/{name}", step, "information", sentence)


def not_finite(training: Training) -> Finding:
    """The loss is NaN or infinite; said here where no instrument watches the loss."""
    slower = f"{training.learning_rate / 10:.1g}"
    return Finding(
        "finding/not_finite",
        training.step,
        "error",
        f"The loss is no longer a finite number (noticed at step {training.step}).",
        f"The learning rate is {training.learning_rate:g}; too large a one is the usual cause.",
        cures=(Cure(f"Try {slower}", "set_learning_rate", slower),),
    )
