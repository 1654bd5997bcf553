"""Learning rates are tried on a copy of the network before they are offered.

What a trial does is what a person would do who takes the cure: go back to a state that is kept, set the rate, and train
some steps on the batches that came then. The copy, its optimizer, its batches and its random numbers are its own, so
the training goes on bit for bit as it would have without; a piece of a trial is one batch, done between two steps
and paid for out of the instruments' budget.
"""

from __future__ import annotations

import copy
import itertools
import math
import time
from collections.abc import Callable, Generator, Iterator

import torch
from torch import Tensor

from nnviz.data.tensors import Feeder
from nnviz.network.chain import DenseChain
from nnviz.probes.base import Measurement, Probe, Stage
from nnviz.probes.evidence import RateAnswer, RateQuestion
from nnviz.record.readings import Reading
from nnviz.train import checkpoint as checkpoints
from nnviz.train import loop, optimizers
from nnviz.train.checkpoint import Checkpoint
from nnviz.train.random_state import RandomStream
from nnviz.train.recipe import with_recipe
from nnviz.train.training import Training
from nnviz.train.updates import Updates

#: Steps with each rate: enough for a loss to fall, and few enough for a moment between two others.
STEPS = 30
#: Batches, and examples, on which the loss before and after is compared.
_JUDGE_BATCHES, _JUDGE_EXAMPLES = 16, 256
#: A loss that has fallen to this share of what it was has fallen.
_FALLEN = 0.97
#: From a state that had learned already, not to be worse is enough: it must not rise above this share.
_KEPT = 1.05
#: Seconds that a piece may take at most before it is the training's turn again; one batch is always done.
_PIECE = 0.002
#: Seconds of this thread's work after which a trial is given up: a network on which it takes so long is not to be kept
#: waiting. What others do on the machine meanwhile, a lecture's recorder say, makes no network a slow one: of time that
#: passes it may be so many times as much.
_GIVEN_UP, _HELD_UP = 4.0, 5.0
#: Answers that are remembered.
_REMEMBERED = 16
#: Copies of the weights that a trial needs: themselves, gradients, and what the optimizer keeps and lays out.
_COPIES = 4


class RateTrials(Probe):
    """Tries learning rates for the findings; belongs to the thread that owns the training.

    Args:
        training: Is looked at and never changed.

    Attributes:
        kept: Gives the newest state that is kept and not behind a step; None where there is none.
    """

    name = "rate_trials"
    title = "Trials of learning rates"
    stage = Stage.REST
    part_seconds = 0.005

    def __init__(self, training: Training) -> None:
        self._training = training
        self._answers: dict[RateQuestion, RateAnswer] = {}
        self._question: RateQuestion | None = None
        self._trial: Iterator[None] | None = None
        self._took = self._passed = 0.0
        #: What did best of the rates that the trial under way has been through; None before the first.
        self._best: RateAnswer | None = None
        self.kept: Callable[[int], Checkpoint | None] = lambda step: None

    def ask(self, question: RateQuestion) -> RateAnswer | None:
        """The answer; None while it is being looked for, which begins here unless another trial is under way."""
        answer = self._answers.get(question)
        if answer is None and self._trial is None and question.rates and not self._training.replaying:
            if self._training.is_divided:
                return None  # there is no whole network to copy
            self._question, self._took, self._passed, self._best = question, 0.0, 0.0, None
            self._trial = self._try(question)
        return answer

    @property
    def busy(self) -> bool:
        """Whether a trial is under way."""
        return self._trial is not None

    def measure(self, measurement: Measurement) -> list[Reading]:
        """Another piece of the trial; what comes of it is the findings' to say."""
        began, worked = time.perf_counter(), time.thread_time()
        patience = max(_PIECE, measurement.patience if math.isfinite(measurement.patience) else _PIECE)
        while self._trial is not None:
            if next(self._trial, self) is self:
                self._trial = None
            took = time.perf_counter() - began
            work = max(self._took + time.thread_time() - worked, (self._passed + took) / _HELD_UP)
            if self._trial is not None and work > _GIVEN_UP:
                self._give_up()
            if took > patience:
                break
        self._took += time.thread_time() - worked
        self._passed += time.perf_counter() - began
        return []

    def reset(self) -> None:
        """The training went back in time: what is under way began with a state that may be gone."""
        self._trial = self._question = None

    def _give_up(self) -> None:
        """Nothing is said of rates that there was no time to try; one that was tried and did well is an answer."""
        assert self._question is not None
        self._remember(self._question, self._best or RateAnswer(None, self._training.step, 0))
        self._trial = None

    def _remember(self, question: RateQuestion, answer: RateAnswer) -> None:
        self._answers[question] = answer
        while len(self._answers) > _REMEMBERED:
            del self._answers[next(iter(self._answers))]

    # -- a trial ------------------------------------------------------------------------------------------------------

    def _try(self, question: RateQuestion) -> Iterator[None]:
        """All rates of a question, a batch at a time."""
        training = self._training
        nothing = RateAnswer(None, training.step, 0)
        start = training.capture() if question.not_after is None else self.kept(question.not_after)
        size = _COPIES * training.state_bytes
        if start is None or not start.is_finite or not training.room.allows(size, "Learning rates are not tried"):
            self._remember(question, nothing)
            return
        best = nothing
        before: float | None = None
        for value in question.rates:
            copied = CopiedTraining(training, start, value)
            yield
            try:
                before = (yield from copied.judge()) if before is None else before
                finite = yield from copied.train(STEPS)
                after = (yield from copied.judge()) if finite else math.inf
            finally:
                copied.random.release()
            fallen = after <= _FALLEN * before or (start.progress.step > 0 and after <= _KEPT * before)
            if math.isfinite(after) and fallen and (best.rate is None or after < best.after):
                best = self._best = RateAnswer(value, start.progress.step, STEPS, before, after)
        self._remember(question, best if best.rate is not None else RateAnswer(None, start.progress.step, STEPS))


class CopiedTraining:
    """A network that goes its own way from a state of the training.

    Args:
        training: Whose.
        start: The state.
        value: The learning rate that its schedule multiplies.
        feeder: Where its batches come from; None for one of its own, which moves each batch to the device.

    Attributes:
        network: The copy.
        random: What it draws from; to be released after use.
    """

    def __init__(self, training: Training, start: Checkpoint, value: float, feeder: Feeder | None = None) -> None:
        config = training.config
        self._training = training
        self._device = training.device
        self.random = RandomStream(training.device, config.seed)
        self.network = copy.deepcopy(training.network)
        self.network.train()
        optimizer = optimizers.build_optimizer(self.network.parameters(), config.optimizer)
        assert optimizer is not None
        checkpoints.restore(start, self.network, optimizer)
        # Whoever takes the cure goes on with all else as it is now.
        optimizers.set_settings(optimizer, config.optimizer, begun=start.progress.step > 0)
        self._optimizer = optimizer
        updates = with_recipe(Updates(optimizer), [*self.network.parameters()], config)
        self._updates = training.held_updates(updates, self.network)
        self._gradients = training.way_for(self.network) or DenseChain.of(self.network)
        self._value = value
        self._step = start.progress.step
        self._feeder = training.coming.again(resident=False) if feeder is None else feeder
        self._loss_of = training.coming.weighing_again(self._feeder)

    def train(self, steps: int, look_every: int = 1) -> Generator[None, None, bool]:
        """So many steps, a step at a time; whether every loss was finite, of those that are looked at.

        Args:
            steps: How many.
            look_every: The loss of every so many is looked at, which waits for the device.
        """
        batches = self._batches()
        for step in range(self._step, self._step + steps):
            optimizers.set_learning_rate(self._optimizer, self._training.rate_with(self._value, step))
            inputs, targets = next(batches)
            with self.random:
                loss = loop.train_step(
                    self.network, self._loss_of(step), self._updates, inputs, targets, gradients=self._gradients
                )
            self.random.release()
            if (step - self._step + 1) % look_every == 0 and not math.isfinite(loss.item()):
                return False
            yield
        return True

    def judge(self) -> Generator[None, None, float]:
        """Mean loss of some batches as training sees them, a batch at a time."""
        losses: list[float] = []
        count = 0
        epoch = self._feeder.plan.at(self._step).epoch + 1
        batches = enumerate(self._feeder.batches(epoch), self._feeder.plan.step_of(epoch))
        for step, (inputs, targets) in itertools.islice(batches, _JUDGE_BATCHES):
            with self.random, torch.no_grad():
                losses.append(float(self._loss_of(step)(self.network(inputs), targets)) * len(targets))
            self.random.release()
            count += len(targets)
            yield
            if count >= _JUDGE_EXAMPLES:
                break
        return sum(losses) / max(count, 1)

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches that came after the step, in their order."""
        epoch, offset = self._feeder.plan.at(self._step)
        for number in itertools.count(epoch):
            yield from self._feeder.batches(number, offset)
            offset = 0
