"""The batches of a training: how its steps lie in the epochs, which examples a step has, and what each weighs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from nnviz.data.curation import Curation, curated
from nnviz.data.epoch_plan import EpochPlan
from nnviz.data.step_facts import one_hot_classes
from nnviz.data.tensors import Feeder, LoadedData, Split
from nnviz.network.losses import LossFunction, WeightedLoss
from nnviz.project.curation import difference_words
from nnviz.project.model import Curated, TrainConfig
from nnviz.train.example_record import ExampleRecord
from nnviz.train.live_settings import Changed


class _Decided(NamedTuple):
    """From ``first_epoch`` (from 0) on: what was decided about single examples."""

    first_epoch: int
    curation: Curation


class _Told(NamedTuple):
    """Behind ``step`` (-1: before the first) this was decided about single examples."""

    step: int
    entries: tuple[Curated, ...]


_BEFORE = -1


class Batches:
    """Hands out the batch of each step; what is planned for a later epoch holds from there on.

    Sizes and curation are looked up by epoch, so that steps that are made once more after going back have the batches
    that they had. Belongs to the thread that owns the network.

    Args:
        data: The data set.
        entries: What the project decided about single examples.
        config: How it is trained: the size of a step, and the seed of the order.
        device: Where the batches are to lie.
        loss_function: The one in which all examples weigh the same.
        join_single: Whether a single last example joins the batch before it.

    Attributes:
        plan: How the steps lie in the epochs.
        feeder: Batches of the training split, in an order that (seed, epoch) fixes.
        curation: What the batches are made by just now.
        record: How the network does on each example, which is to know of other labels and sizes; None where nobody
            asked for it.
    """

    def __init__(
        self,
        data: LoadedData,
        entries: Sequence[Curated],
        config: TrainConfig,
        device: torch.device,
        loss_function: LossFunction,
        *,
        join_single: bool,
    ) -> None:
        self._data = data
        self._device = device
        self._loss_function = loss_function
        self._step_size, self._seed = config.step_size, config.seed
        self._join_single = join_single
        #: By the first epoch they hold for, ascending, since the start or the last restore; never empty.
        self._decided = [_Decided(0, curated(data.train, data.facts, entries))]
        self.curation = self._decided[0].curation
        #: What was decided behind which step, ascending, since the start or the last restore; never empty.
        self._told = [_Told(_BEFORE, self.curation.entries)]
        self.plan = EpochPlan(len(data.train), config.step_size, join_single=join_single)
        self.feeder = self.again()
        self.record: ExampleRecord | None = None
        #: The rest of the present epoch's batches; None where they are to be begun anew at the present step.
        self._rest: Iterator[tuple[Tensor, Tensor]] | None = None

    # -- handing them out ---------------------------------------------------------------------------------------------

    def next(self, step: int) -> tuple[Tensor, Tensor]:
        """The batch of the step behind so many, which is the one behind the last that was handed out.

        Unless :meth:`begin_anew` was called: then any.
        """
        if self._rest is None:
            self.use_curation(step)
            self._rest = self.feeder.batches(*self.plan.at(step))
        batch = next(self._rest, None)
        if batch is None:
            self.use_curation(step)
            self._rest = self.feeder.batches(self.plan.at(step).epoch)
            batch = next(self._rest)
        return batch

    def begin_anew(self) -> None:
        """The next batch is not the one behind the last."""
        self._rest = None

    def peek(self, step: int) -> tuple[Tensor, Tensor]:
        """The batch of the step behind so many, which is handed out once more when it is made."""
        self.use_curation(step)
        return next(self.feeder.batches(*self.plan.at(step)))

    def again(self, *, resident: bool | None = None) -> Feeder:
        """Feeds the very same batches once more, to whoever goes another way from an earlier step.

        Args:
            resident: False does not move the examples to the device a second time, but each batch.
        """
        data, split = self._data, self._data.train
        feeder = Feeder(
            Split(split.inputs, self.curation.targets, split.numbers),
            data.scaler,
            self._step_size,
            self._device,
            self._seed,
            join_single=self._join_single,
            resident=resident,
            augmentation=data.augmentation,
            weights=self.curation.weights,
            one_hot=one_hot_classes(data.facts, data.config.preparation),
        )
        feeder.plan = self.plan
        return feeder

    # -- their sizes --------------------------------------------------------------------------------------------------

    def use_plan(self, plan: EpochPlan) -> None:
        """The steps lie so in the epochs from here on."""
        self.plan = self.feeder.plan = plan
        if self.record is not None:
            self.record.resized()

    def plan_of(self, sizes: Sequence[tuple[int, int]]) -> EpochPlan:
        """How the steps lay in the epochs up to a checkpoint that says which sizes they had; as now where it does not.

        Args:
            sizes: From which epoch on a step takes how many examples.
        """
        if not sizes:
            return self.plan
        return EpochPlan.of(len(self._data.train), sizes, join_single=self._join_single)

    # -- what was decided about single examples -----------------------------------------------------------------------

    @property
    def latest(self) -> Curation:
        """What is decided from now on."""
        return self._decided[-1].curation

    def curation_at(self, step: int) -> Curation:
        """What holds for the epoch that the step behind so many belongs to."""
        epoch = self.plan.at(step).epoch
        return next((one for one in reversed(self._decided) if one.first_epoch <= epoch), self._decided[0]).curation

    def curate(self, entries: Sequence[Curated], first_epoch: int, step: int) -> None:
        """Other decisions, from an epoch on.

        Args:
            entries: All that is decided.
            first_epoch: From which on it holds.
            step: Behind which it was decided.
        """
        self._tell(step, tuple(entries))
        found = curated(self._data.train, self._data.facts, entries)
        self._decided = [one for one in self._decided if one.first_epoch < first_epoch] + [_Decided(first_epoch, found)]

    def begin_from(self, entries: Sequence[Curated] | None, decided: Sequence[Curated] | None, step: int) -> None:
        """From a checkpoint on: what held there to the end of its epoch, then what was decided by then.

        Args:
            entries: What held there; None where it does not say.
            decided: What was decided by then; where it does not say either, what held, or else what is decided now.
            step: That of the checkpoint.
        """
        decided = entries if decided is None else decided
        newest, place = self.latest, self.plan.at(step)
        if decided is not None and tuple(decided) != newest.entries:
            newest = curated(self._data.train, self._data.facts, decided)
        if entries is None or place.batch == 0 or entries == newest.entries:
            self._decided, self._told = [_Decided(0, newest)], [_Told(_BEFORE, newest.entries)]
            return
        then = curated(self._data.train, self._data.facts, entries)
        self._decided = [_Decided(0, then), _Decided(place.epoch + 1, newest)]
        self._told = [_Told(_BEFORE, newest.entries)]

    def go_back(self, step: int) -> None:
        """Up to a step all is made again as it was decided; from the next epoch on the latest decisions hold."""
        newest, begins = self.latest, self.plan.next_epoch(step)
        self._decided = [one for one in self._decided if one.first_epoch < max(begins, 1)]
        if self.latest is not newest:
            self._decided.append(_Decided(begins, newest))
        present = self._told[-1]
        self._told = [one for one in self._told if one.step < step]
        self._tell(step, present.entries)

    def _tell(self, step: int, entries: tuple[Curated, ...]) -> None:
        """Behind a step this is decided: what was decided at the same step before is as if it had not been."""
        if self._told[-1].step == step:
            self._told.pop()
        if self._told[-1].entries != entries:
            self._told.append(_Told(step, entries))

    def changes_at(self, step: int) -> list[Changed]:
        """What was decided anew behind a step."""
        index = next((index for index, one in enumerate(self._told) if one.step == step), 0)
        words = difference_words(self._told[index - 1].entries, self._told[index].entries) if index else ""
        if not words:
            return []
        place = self.plan.at(step)
        return [Changed("curation", words if place.batch == 0 else f"{words}, from the next epoch on")]

    def use_curation(self, step: int) -> None:
        """What holds for the epoch of a step is what the batches are made by."""
        found = self.curation_at(step)
        if found is self.curation:
            return
        if self.record is not None:
            self.record.settle()  # with the labels that were learned
        self.curation = found
        self.feeder.label(found.targets, found.weights)

    # -- what their examples weigh ------------------------------------------------------------------------------------

    def weights(self, step: int) -> Tensor | None:
        """How much each example of a step's batch weighs, float[n] on the CPU; None where all weigh 1."""
        weights = self.curation.weights
        return None if weights is None else self._of_batch(weights, self.feeder, step)

    def share_of_epoch(self, step: int, count: int) -> float:
        """For how many examples a batch of so many stands in the mean loss of its epoch: by what its examples weigh."""
        weights, whole = self.weights(step), self.curation.whole_weight
        if weights is None:
            return count
        return float(weights.sum()) * self.feeder.count / whole if whole else 0.0

    def loss(self, step: int) -> LossFunction:
        """What a step makes small: the loss function, in which each example weighs what it is to."""
        return self._weighted(self.curation.weights, self.feeder, step)

    def weighing_again(self, feeder: Feeder) -> Callable[[int], LossFunction]:
        """What steps make small whose batches come from :meth:`again`: (step) -> the loss of its batch."""
        weights = self.curation.weights
        return lambda step: self._weighted(weights, feeder, step)

    def _weighted(self, weights: Tensor | None, feeder: Feeder, step: int) -> LossFunction:
        if weights is None:
            return self._loss_function
        return WeightedLoss.of(self._loss_function, self._of_batch(weights, feeder, step).to(self._device))

    def _of_batch(self, weights: Tensor, feeder: Feeder, step: int) -> Tensor:
        epoch, batch = self.plan.at(step)
        part = slice(feeder.examples_before(batch, epoch), feeder.examples_before(batch + 1, epoch))
        return weights.index_select(0, feeder.order(epoch)[part])
