"""The evaluation that is under way, and who waits for one: of a split, batch by batch between those of training."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any, NamedTuple

from nnviz.errors import DataError
from nnviz.record.evaluated import AnyEvaluated
from nnviz.train.evaluation import Collector
from nnviz.train.loop import Evaluation, EvaluationResult
from nnviz.train.training import Training

_SPLIT_WORDS = {"train": "training", "validation": "validation", "test": "test"}


class _Wanted(NamedTuple):
    """Somebody waits for an evaluation: of which split, and whether for all examples or for the means."""

    split: str
    answer: Future[Any]
    each: bool


class Ended(NamedTuple):
    """An evaluation that is done.

    Attributes:
        evaluation: Itself.
        split: Of which split.
        result: What it came to.
        asked_for: Whether somebody waits for it; else it is the one at the end of an epoch.
        collector: Kept each example; None where nothing is right or wrong, and at an epoch's end.
    """

    evaluation: Evaluation
    split: str
    result: EvaluationResult
    asked_for: bool
    collector: Collector | None


class Evaluations:
    """At most one goes on at a time. Belongs to the thread that owns the training.

    Args:
        training: Whose network is evaluated.

    Attributes:
        running: The one under way; written here alone, as all of these.
        split: Of which split it is; empty without one.
        wanted: Those who wait for one.
    """

    def __init__(self, training: Training) -> None:
        self._training = training
        self.running: Evaluation | None = None
        self.split = ""
        self._asked_for = False
        self._collector: Collector | None = None
        self.wanted: list[_Wanted] = []

    def want(self, split: str, answer: Future[Any], *, each: bool) -> None:
        """Somebody waits for one.

        Args:
            split: Of which split.
            answer: Gets what it comes to.
            each: Of every example, and not only the means.

        Raises:
            DataError: There are no such examples, or nobody knows what is right of them.
        """
        if len(self._training.data.split(split)) == 0:
            raise DataError(f"This data set has no {_SPLIT_WORDS[split]} examples.", field="data")
        if each:
            Collector(self._training.loss_function)  # refuses what has no right answers
        self.wanted.append(_Wanted(split, answer, each))

    def start_if_due(self, *, going_back: bool) -> bool:
        """Begins one that is wanted, or that of an epoch's end; False where there is none.

        Args:
            going_back: On the way back to an earlier step nobody gets an answer.
        """
        training, collector = self._training, None
        if self.wanted and not going_back:
            split = self.wanted[0].split
            if training.loss_function.has_answers:
                collector = Collector(training.loss_function)
            self._asked_for = True
        elif training.epoch_end_due:
            split = "validation"
            self._asked_for = False
        else:
            return False
        self.split = split
        self._collector = collector
        self.running = training.evaluation(split, None if collector is None else collector.add)
        return True

    def drop(self) -> None:
        """What is under way would come to nothing: it began with other weights. Who waits for it goes on waiting."""
        self.running = self._collector = None
        self.split = ""

    def end(self) -> Ended:
        """All batches are done."""
        assert self.running is not None
        ended = Ended(self.running, self.split, self.running.result(), self._asked_for, self._collector)
        self.drop()
        return ended

    def answer(self, split: str, result: EvaluationResult, evaluated: AnyEvaluated | None) -> None:
        """Everybody who waits for this split gets what it came to: the means, or every example."""
        answered = [one for one in self.wanted if one.split == split]
        self.wanted = [one for one in self.wanted if one.split != split]
        for one in answered:
            if one.answer.set_running_or_notify_cancel():
                one.answer.set_result(evaluated if one.each else result)

    def abandon(self, reason: Exception) -> None:
        """Nothing more will be done: whoever waits gets that as its answer."""
        for wanted in self.wanted:
            if not wanted.answer.done():
                wanted.answer.set_exception(reason)
        self.wanted.clear()
