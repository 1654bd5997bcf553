"""What it costs to keep the loss of every example: with it and without, in turn, and by the clock around it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

import torch
from rows import Row, Settings, in_turn, ratios_of

from nnviz.data.tensors import load
from nnviz.project.samples import templates
from nnviz.train.example_record import ExampleRecord
from nnviz.train.journal import EXAMPLES_EVERY
from nnviz.train.training import Training

#: Epochs of a piece.
EPOCHS = 32
#: Outputs that are set aside, to see what that takes.
ADDED = 10_000


def measure(settings: Settings) -> Iterator[Row]:
    """Rows of this file: spiral with its own settings, whose steps are the shortest of all samples."""
    project = templates.sample("spiral")
    data, device = load(project.data), torch.device("cpu")
    without, kept, timed = (Training(project, data, device, record_examples=on) for on in (False, True, True))
    steps = EPOCHS * without.steps_per_epoch
    alone, beside = in_turn([lambda: epochs(without), lambda: epochs(kept)], settings.rounds(15))
    found = sorted(ratios_of(beside, alone))
    low, high = found[len(found) // 4], found[-1 - len(found) // 4]
    yield Row(
        "spiral: a step with the loss of every example kept",
        f"{statistics.median(alone) / steps * 1e6:.0f} µs, {statistics.median(found):.3f} times ({low:.3f}–{high:.3f})",
        "middle half of the pairs",
    )
    record = timed.examples
    assert record is not None
    clock = Clock()
    for name in ("settle", "mark", "take", "capture"):
        setattr(record, name, clock.around(getattr(record, name)))
    rounds = settings.rounds(9)
    began = time.thread_time()
    for _ in range(rounds):
        epochs(timed)
    record.take()  # what still waits is work, too
    whole = time.thread_time() - began
    # What each step calls is too short for a clock around it, and whoever keeps an output for a while spares the step
    # to throw it away: so many steps that do nothing else, with it and without.
    dropped, told = (min(many(record, tell) for _ in range(5)) for tell in (False, True))
    adding = (told - dropped) * rounds * steps
    share = (clock.taken + adding) / (whole - clock.taken - adding)
    yield Row("the same by the processor's clock, of the rest", f"{share:.2%}", "limit 1 %", share < 0.01)


def many(record: ExampleRecord, tell: bool) -> float:
    """Seconds that a step takes, of many in which a batch has outputs, and whoever keeps them is told or not."""
    settle, record.settle = record.settle, record._forget_waiting  # type: ignore[method-assign]  # measured above
    given, loss = torch.zeros(10, 1), torch.zeros(())
    began = time.thread_time()
    for step in range(ADDED):
        outputs = given.clone()
        if tell:
            record.hear(loss, outputs, given)
            record.add_heard(step)
    taken = (time.thread_time() - began) / ADDED
    record.settle = settle  # type: ignore[method-assign]
    return taken


class Clock:
    """Processor time of this thread in some calls; in those that call each other once."""

    def __init__(self) -> None:
        self.taken = 0.0
        self._inside = False

    def around(self, work: Callable[..., object]) -> Callable[..., object]:
        """The same, measured."""

        def measured(*given: object, **named: object) -> object:
            if self._inside:
                return work(*given, **named)
            self._inside = True
            began = time.thread_time()
            try:
                return work(*given, **named)
            finally:
                self.taken += time.thread_time() - began
                self._inside = False

        return measured


def epochs(training: Training) -> None:
    """Train for some epochs, as a session does: what is recorded is read, and each epoch is kept to go back to.

    What is recorded of several short epochs is worked out at once, as the runner does.
    """
    taken = time.perf_counter()
    for _ in range(EPOCHS):
        for _ in range(training.steps_per_epoch):
            training.advance()
        training.finish_epoch(None)
        examples = training.examples
        if examples is not None:
            if examples.is_recorded(training.epoch):
                examples.mark(training.step)
            if examples.has_marked and time.perf_counter() - taken >= EXAMPLES_EVERY:
                examples.take()
                taken = time.perf_counter()
        training.capture()
