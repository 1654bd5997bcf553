"""A network in training: weights, optimizer, batches and position. Deterministic; knows no threads, probes or runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from nnviz.data.epoch_plan import EpochPlan
from nnviz.data.tensors import Feeder, LoadedData
from nnviz.errors import ParamError
from nnviz.network.losses import class_amounts, loss_function
from nnviz.network.network import Network
from nnviz.project.checks.memory import EVALUATION_BATCH
from nnviz.project.graph.bypass import effective
from nnviz.project.model import Project, TrainConfig
from nnviz.train import loop
from nnviz.train.build import build, checked
from nnviz.train.checkpoint import Checkpoint, Tensors
from nnviz.train.coming_batches import ComingBatches
from nnviz.train.epoch_losses import not_finite
from nnviz.train.example_record import ExampleRecord
from nnviz.train.finite import all_finite
from nnviz.train.following import Following
from nnviz.train.live_settings import Changed, LiveSettings, among
from nnviz.train.long_way import needs_several
from nnviz.train.state import TrainingState
from nnviz.train.unit_switches import UnitSwitches
from nnviz.train.unit_switches import check as check_switches
from nnviz.train.weights_by_hand import WeightsByHand
from nnviz.train.weights_in_use import WeightsInUse

if TYPE_CHECKING:
    from nnviz.train.distributed import Together


class Training:
    """Everything that decides what the weights become.

    The same project, data and device give the same weights at every step, bit for bit on the CPU, whatever is measured
    in between. Belongs to one thread, the owner of the network: every field, too, is read and written there alone.

    Args:
        project: What to train.
        data: Its data set, loaded.
        device: Where.
        record_examples: Keep how the network does on every single training example.
        together: The other processes that train with this one; None where it is alone.

    Attributes:
        data: The data set: its three splits, unprepared, on the CPU.
        device: Where weights, optimizer and batches live.
        network: The live network, in training mode between two steps.
        room: Says whether there is memory, in bytes, for a copy that training can do without.
        loss_function: Mean loss of a batch in which all examples weigh the same, and how many answers were right.
        optimizer: torch's, with what it keeps; None where no layer has weights.
        random: The stream that dropout draws from.
        draws: Whether a step draws from it.
        average: The average of the weights that is validated and kept in their place; None where nobody asked for one.
        examples: How the network does on every training example; None where nobody asked for it.
        coming: The batches that come, and what is decided about their examples.
        weights: Puts other weights in the place of the trained ones.
        by_hand: Sets single numbers.

    Raises:
        ProjectError: The project has errors; the message is the first of them.
        TooLargeError: It would not fit into memory; nothing was built.
        DataError: The data holds numbers that are not finite.
    """

    def __init__(
        self,
        project: Project,
        data: LoadedData,
        device: torch.device,
        *,
        record_examples: bool = False,
        together: Together | None = None,
    ) -> None:
        project = effective(project)
        inference = checked(project, data)
        self.data = data
        self.device = device
        built = build(project, inference, data, device, together)
        self.network, self.room = built.network, built.room
        amounts = class_amounts(data.train.targets, data.train.weights, data.facts.targets)
        self.loss_function = loss_function(project.graph, data.facts, amounts)
        state = TrainingState(project, data, device, built, self.loss_function, together)
        #: All that decides how it goes on, and where it stands.
        self._state = state
        # The parts of it that are spoken to again and again.
        self._batches, self._losses, self._ways, self._plans = state.batches, state.losses, state.ways, state.plans
        self.optimizer, self.random, self.average = state.optimizer, state.random, state.average
        self.coming, self.weights, self.by_hand = ComingBatches(state), WeightsInUse(state), WeightsByHand(state)
        self.draws = self.network.draws_random_numbers
        self.examples: ExampleRecord | None = None
        # What the network says of a mixture of two examples says nothing of either, whatever its label is.
        if record_examples and not (data.augmentation is not None and data.augmentation.mixes):
            outputs = inference.results[self.network.output_id].output
            macs = self.network.inference.macs * len(data.train)
            self.examples = ExampleRecord(self._batches.feeder, self.loss_function, math.prod(outputs), macs)
            state.record = self._batches.record = self.examples
        #: Batches of a split in its own order, by the split's name, for measuring.
        self._measuring: dict[str, Feeder] = {}
        #: How often units were switched: another count, and the same weights make something else of an example.
        self.times_switched = 0

    # -- where it stands ----------------------------------------------------------------------------------------------

    @property
    def config(self) -> TrainConfig:
        """How it is trained: as the project says, with the optimizer's settings of the step that comes next."""
        return self._state.config

    @property
    def step(self) -> int:
        """Updates made."""
        return self._state.step

    @property
    def step_size(self) -> int:
        """Examples in a step of the present epoch; the last one may hold others."""
        return self.epoch_plan.piece_at(self.step).size

    @property
    def batch_size(self) -> int:
        """Examples in a batch of the present epoch, of which a step takes one or several."""
        return self._state.batch_size

    def batch_size_at(self, step: int) -> int:
        """Examples in a batch of the step behind so many."""
        return self._state.batch_size_at(step)

    @property
    def is_divided(self) -> bool:
        """Whether this process holds a part of weights, gradients and optimizer alone: nobody may look at them then.

        What needs the whole takes all processes: steps, evaluations, :meth:`capture`, :meth:`restore`.
        """
        return self._state.is_divided

    @property
    def work(self) -> int:
        """Multiply-accumulate operations of the forward pass of one batch; a step may take several."""
        return self.network.inference.macs * self.batch_size

    @property
    def steps_per_epoch(self) -> int:
        """Steps of the present epoch; the last one may be smaller, or one example larger."""
        return self.epoch_plan.piece_at(self.step).steps

    @property
    def epoch_plan(self) -> EpochPlan:
        """How the steps lie in the epochs."""
        return self._batches.plan

    @property
    def between_epochs(self) -> bool:
        """Whether no epoch has begun that has not ended."""
        return self._batches.plan.at(self._state.step).batch == 0

    @property
    def epoch(self) -> int:
        """Finished epochs."""
        return self._batches.plan.at(self._state.step).epoch

    @property
    def evaluated_epochs(self) -> int:
        """Epochs whose validation is done."""
        return self._state.evaluated_epochs

    @property
    def weights_of(self) -> int:
        """The step whose weights the network has: an earlier one where the best ones were put back."""
        state = self._state
        return state.step if state.weights_of is None else state.weights_of

    @property
    def test_uses(self) -> int:
        """How often the test split was measured, from the beginning of the run."""
        return self._state.test_uses

    @test_uses.setter
    def test_uses(self, value: int) -> None:
        self._state.test_uses = value

    @property
    def goes_beyond(self) -> bool:
        """Whether somebody asked for more epochs than the project says."""
        return self._state.goes_beyond

    @goes_beyond.setter
    def goes_beyond(self, value: bool) -> None:
        self._state.goes_beyond = value

    @property
    def epoch_end_due(self) -> bool:
        """Whether an epoch is over and its validation is not done yet."""
        return self._state.evaluated_epochs < self.epoch

    # -- what is planned ----------------------------------------------------------------------------------------------

    @property
    def learning_rate(self) -> float:
        """Of the next step that is trained. Setting it sets the rate that the schedule multiplies, from there on."""
        return self._state.rates.at(self._state.next_new_step, self.epoch_plan)

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        if not (math.isfinite(value) and value >= 0):
            raise ParamError(
                f"The learning rate is {value!r}, but must be a number, at least 0.", field="learning_rate"
            )
        self._state.plan(base=float(value))

    @property
    def base_rate(self) -> float:
        """What the schedule multiplies, from the next step that is trained on."""
        return self._plans.latest.base

    @property
    def live_settings(self) -> LiveSettings:
        """What else can be changed while it trains, as it is for the next step that is trained."""
        return self._plans.latest.settings

    def take_on(self, settings: LiveSettings) -> None:
        """Other settings of optimizer and layers, other layers frozen, from the next step on.

        What concerns layers that the network does not have is left out.

        Raises:
            ParamError: One is not allowed; nothing was changed.
        """
        settings = among(settings, self.network.node_ids)
        problem = settings.problem(self.config.optimizer.kind, self.network.graph.nodes)
        if settings.batch_size == 1 and (several := needs_several(self.network)):
            problem = f"{several} needs batches of more than one example"
        if problem:
            raise ParamError(f"This cannot be changed while it trains: {problem}.", field="training")
        if settings == self.live_settings:
            return
        self._state.plan(settings=settings)
        self._state.tell_the_others()

    def changes_at(self, step: int) -> list[Changed]:
        """What was changed by hand behind this step: settings, what examples are to count, numbers, and units."""
        settings = self._plans.changes_at(step, self.config.optimizer.kind, self.network.graph.nodes)
        units = [
            Changed(one.series, one.text(self.network.name_of(one.unit.node)), one.unit.node)
            for one in self._ways.switchboard.changes_at(step)
        ]
        return [*settings, *self._batches.changes_at(step), *self.by_hand.changes_at(step), *units]

    @property
    def epochs(self) -> int:
        """How far it is to go: a schedule may depend on it. Set it to change the rest of the way."""
        return self._plans.latest.epochs

    @epochs.setter
    def epochs(self, value: int) -> None:
        self._state.plan(epochs=value)

    @property
    def last_epoch(self) -> int:
        """After which it is over: early stopping may end it before ``epochs``, which is known once it has."""
        return self._state.early_end.last_epoch(self.epochs)

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, their validation as well."""
        return self.between_epochs and not self.epoch_end_due and self.epoch >= self.last_epoch

    def go_on_after_stopping(self) -> None:
        """Early stopping has ended it, and somebody wants more: patience begins anew here."""
        self._state.early_end.go_on(self.evaluated_epochs)

    def rate_with(self, base: float, step: int) -> float:
        """The learning rate that the schedule would make of another one, as far as is known by now."""
        return self._state.rates.with_base(base, step, self.epoch_plan)

    @property
    def replaying(self) -> bool:
        """Whether it is on the way from a checkpoint to the step that :meth:`go_back` was asked for."""
        return self._state.replaying

    # -- units that are switched off or frozen ------------------------------------------------------------------------

    @property
    def switches(self) -> UnitSwitches:
        """Units that are switched off or frozen."""
        return self._ways.switchboard.now

    def switch_units(self, switches: UnitSwitches) -> None:
        """Switch units off or freeze them, from the present step on; those that are not named are as usual.

        Raises:
            ParamError: There is no such unit.
        """
        check_switches(self.network, switches)
        self.times_switched += 1
        self._state.switch_units(switches)

    # -- training -----------------------------------------------------------------------------------------------------

    def advance(
        self,
        after_backward: loop.AfterBackward | None = None,
        around_update: loop.AroundUpdate | None = None,
    ) -> int:
        """Trains on the next batch.

        Returns:
            Number of examples in it.

        Raises:
            NotFiniteError: The loss of this step is not finite, and the update was not made; on a GPU it may be the
                loss of an earlier step, whose update was made, see ``spoilt_step``.
        """
        state, batches, losses, ways = self._state, self._batches, self._losses, self._ways
        step = state.step
        losses.check(step + 1)
        inputs, targets = batches.next(step)
        examples = self.examples
        if examples is not None:
            after_backward = examples.hear if after_backward is None else examples.hearing(after_backward)
        state.use_planned()
        if state.together is not None:
            self._begin_together(state.together)
        watch = losses.watch
        with self.random if self.draws else nullcontext():
            loss = loop.train_step(
                self.network,
                batches.loss(step),
                ways.updates,
                inputs,
                targets,
                after_backward,
                around_update,
                ways.gradients,
                watch.is_spoilt if watch.at_once else None,
            )
        if watch.at_once:
            if not math.isfinite(loss.item()):
                batches.begin_anew()  # It is the next batch still.
                raise not_finite(step + 1)
        else:
            watch.send(step + 1, loss)
        count = inputs.shape[0]
        if examples is not None:
            examples.add_heard(step)
        losses.add(loss, count, batches.share_of_epoch(step, count))
        state.step_made()
        return count

    @property
    def following(self) -> Following:
        """What it does in a process that follows another one."""
        return Following(self._state, self.advance)

    def held_updates(self, updates: loop.Updater, network: Network) -> loop.Updater:
        """The same for a copy of the network: what is frozen here is left as it is there."""
        return self._ways.switchboard.held(updates, network)

    @property
    def frozen_layers(self) -> frozenset[str]:
        """The nodes whose parameters are left as they are."""
        return self._ways.switchboard.layers

    def _begin_together(self, together: Together) -> None:
        """All processes are to make this step now."""
        assert self.optimizer is not None  # of what has no weights no part is made
        together.begin_step(self.step, float(self.optimizer.param_groups[0]["lr"]))
        if self.draws and not together.ranks.leads:
            # The first one goes on with its own numbers; what the others draw follows from the step, and needs no place
            # in a checkpoint.
            self.random.begin_anew(self.config.seed, together.ranks.rank, self.step)

    def way_for(self, network: Network) -> loop.Gradients | None:
        """How the steps of a copy find their gradients; None for the usual way."""
        return self._ways.way_for(network)

    def computing(self) -> AbstractContextManager[object]:
        """Inside, modules compute as in a step."""
        return self._ways.computing()

    @property
    def sees_batches_apart(self) -> bool:
        """Whether a step takes several batches of which each goes its own way: by dropout, or by a normalisation."""
        return self.config.accumulation > 1 and (self.draws or bool(needs_several(self.network)))

    def settle(self) -> bool:
        """Adds up the losses that wait on the device; waits for it once. True while all of them were finite."""
        return self._losses.settle(self.step)

    @property
    def spoilt_step(self) -> int | None:
        """The first step whose loss was not finite although its update was made (on a GPU), as far as is known."""
        return self._losses.spoilt_step

    @property
    def is_finite(self) -> bool:
        """Whether all that decides how it goes on is finite: weights, statistics, optimizer; waits for the device."""
        if self.is_divided:
            return self.capture(copied=False).is_finite
        state = () if self.optimizer is None else self.optimizer.state.values()
        kept = (value for entries in state for value in entries.values() if isinstance(value, Tensor))
        return all_finite(self.network.state_dict().values()) and all_finite(kept)

    @property
    def a_forward_pass_leaves_no_trace(self) -> bool:
        """Whether a step whose update was left out has changed nothing: no random number, no running statistics."""
        return self._losses.watch.at_once and not self.draws and next(self.network.buffers(), None) is None

    @property
    def epoch_loss(self) -> float:
        """Mean loss over the examples of the epoch so far, as each batch saw them; call ``settle`` first."""
        return self._losses.mean

    # -- measuring ----------------------------------------------------------------------------------------------------

    def feeder(self, split: str) -> Feeder:
        """Batches of a split in its own order, for measuring."""
        if split not in self._measuring:
            # Without gradients a larger batch needs little memory and runs faster.
            size = max(self.config.batch_size, EVALUATION_BATCH)
            data = self.data.split(split)
            self._measuring[split] = Feeder(data, self.data.scaler, size, self.device, shuffle=False)
        return self._measuring[split]

    def evaluation(self, split: str, each: Callable[[Tensor, Tensor], None] | None = None) -> loop.Evaluation:
        """An evaluation of ``shown_network`` on a whole split, to be advanced batch by batch.

        Args:
            split: Which one; training examples are judged by the labels that were decided about.
            each: Called with what came out of each batch, in the order of the examples, and what is right.
        """
        together = self._state.together
        shown = self.shown_network
        network = shown if together is None else together.forward_of(split, shown, self._state.showing)
        feeder = self.feeder(split)
        if split == "train":
            feeder.label(self.coming.curated_targets, None)
        return loop.Evaluation(network, self.loss_function, feeder.batches(), each)

    @property
    def shown_network(self) -> Network:
        """The network with the weights that are validated and kept: the average of them, if there is one."""
        return self._state.shown_network

    def finish_epoch(self, validation: loop.EvaluationResult | None) -> None:
        """The epoch is over and its validation is done: keeps the weights if they are the best, starts the next.

        What goes by the validation goes by the loss while training where there is none.
        """
        state = self._state
        self.settle()
        state.evaluated_epochs = self.epoch
        state.validated.add(self.epoch, validation or loop.EvaluationResult(self.epoch_loss, None, self._losses.count))
        state.look_back()
        self._losses.begin_epoch()
        if validation is not None:
            gathered = self.weights.whole_shown if self.is_divided else None
            state.best.consider(validation, self.epoch, self.shown_network, gathered)
        state.edit_again()

    @property
    def best(self) -> Tensors | None:
        """Weights and buffers of the best epoch so far, copied, on the device; None before the first validation."""
        return self._state.best.weights

    @property
    def best_epoch(self) -> int:
        """Which epoch that was, from 1; 0 for none."""
        return self._state.best.epoch

    @property
    def best_loss(self) -> float:
        """Its mean loss over the validation split; infinite for none."""
        return self._state.best.loss

    @property
    def best_figure(self) -> float:
        """The figure that it was chosen by; the worst that there is for none."""
        return self._state.best.figure

    @property
    def shows_average(self) -> bool:
        """Whether it is the average of the weights that is validated and kept."""
        return self._state.shows_average

    def showing(self) -> AbstractContextManager[None]:
        """Within it ``shown_network`` has the numbers that are validated, also where it is divided."""
        return self._state.showing()

    # -- keeping and going back ---------------------------------------------------------------------------------------

    @property
    def state_bytes(self) -> int:
        """Memory that :meth:`capture` takes, the best weights left out: those are kept already."""
        return self._state.size

    def capture(self, *, copied: bool = True) -> Checkpoint:
        """A copy of everything that decides how it goes on.

        Args:
            copied: False gives the live tensors, for whoever writes them down before the next step.
        """
        return self._state.capture(copied=copied)

    def with_what_was_set(self, checkpoint: Checkpoint) -> Checkpoint:
        """A checkpoint of the present step, taken earlier, with all that was set by hand since then."""
        return self._state.with_what_was_set(checkpoint)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Goes on from a checkpoint, with the learning rate that was used there and the units switched as they were.

        Raises:
            RunFileError: It belongs to another network or another optimizer, or cannot be right; nothing was changed.
            DataError: It was made on other data, likewise.
        """
        self._state.restore(checkpoint)

    def go_back(self, checkpoint: Checkpoint, step: int) -> None:
        """Returns to an earlier step by way of a checkpoint before it, from where :meth:`advance` does the rest.

        The learning rates that were used on that way are used again; from ``step`` on it is the present one. Numbers
        that were set by hand on that way, ``step`` included, are set again; what was edited behind it is dropped.

        Args:
            checkpoint: One that :meth:`capture` made since the start or the last :meth:`restore`, not behind ``step``.
            step: Where to go.
        """
        self._state.go_back(checkpoint, step)
