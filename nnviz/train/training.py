"""A network in training: weights, optimizer, batches and position. Deterministic; knows no threads, probes or runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import torch
from torch import Tensor

from nnviz.data.curation import Curation, curated
from nnviz.data.epoch_plan import EpochPlan, StepPlace
from nnviz.data.step_facts import one_hot_classes
from nnviz.data.tensors import Feeder, LoadedData, Split
from nnviz.errors import NotFiniteError, ParamError, ProjectError, TooLargeError, TrainingError
from nnviz.network.chain import DenseChain
from nnviz.network.losses import LossFunction, WeightedLoss, class_amounts, loss_function
from nnviz.network.memory import build_network, fits
from nnviz.network.network import Network
from nnviz.project import registry
from nnviz.project.checks.memory import EVALUATION_BATCH, Estimate, Examples
from nnviz.project.checks.shapes import infer
from nnviz.project.checks.validate import problems_that_stop, validate
from nnviz.project.graph.bypass import effective
from nnviz.project.model import Curated, Project
from nnviz.train import checkpoint as checkpoints
from nnviz.train import checkpoint_checks as checks
from nnviz.train import loop, optimizers, weight_edits
from nnviz.train.accumulation import accumulated
from nnviz.train.averaging import Average
from nnviz.train.checkpoint import Checkpoint, Progress, Tensors
from nnviz.train.example_record import ExampleRecord
from nnviz.train.finite import LossWatch, all_finite, refuse_unusable
from nnviz.train.live_settings import Changed, LiveSettings, among, changed_text, changes
from nnviz.train.precision import MixedPrecision, mixed_type, puts_channels_last
from nnviz.train.random_state import RandomStream
from nnviz.train.recipe import stops_after, with_recipe
from nnviz.train.room import Room
from nnviz.train.schedules import rate_after
from nnviz.train.unit_switches import Switchboard, UnitSwitches
from nnviz.train.unit_switches import check as check_switches
from nnviz.train.updates import Updates
from nnviz.train.validated import FIGURES, LOSS, Validated, better, worst
from nnviz.train.weight_edits import Kind, Place, WeightChange, WeightEdit, WeightEdits

if TYPE_CHECKING:
    from nnviz.train.distributed import Together


class _Plan(NamedTuple):
    """From ``first_step`` on: the rate that the schedule multiplies, how many epochs it is to go, and the rest."""

    first_step: int
    base: float
    epochs: int
    settings: LiveSettings


#: Where the plan begins that holds before anything is changed: a change before the first step comes behind it.
_BEFORE = -1


class _Curated(NamedTuple):
    """From ``first_epoch`` (from 0) on: what was decided about single examples."""

    first_epoch: int
    curation: Curation


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
        epoch_plan: How the steps lie in the epochs.
        random: The stream that dropout draws from.
        draws: Whether a step draws from it.
        best: Weights and buffers of the best epoch so far, copied, on the device; None before the first validation.
        best_epoch: Which epoch that was, from 1; 0 for none.
        best_loss: Its mean loss over the validation split; infinite for none.
        best_figure: The figure that it was chosen by; the worst that there is for none.
        average: The average of the weights that is validated and kept in their place; None where nobody asked for one.
        test_uses: How often the test split was measured, from the beginning of the run.
        goes_beyond: Whether somebody asked for more epochs than the project says.
        edits: What was set by hand since the start or the last restore.
        examples: How the network does on every training example; None where nobody asked for it.

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
        inference = infer(project.graph)
        problems = problems_that_stop(validate(project, data.facts, inference))
        if problems:
            raise ProjectError(problems[0].text, field=problems[0].node and f"graph.nodes.{problems[0].node}")
        if len(data.train) == 0:
            raise ProjectError("There are no training examples: hold back fewer for validation.", field="data")
        refuse_unusable(data)
        config = project.training
        #: How it is trained: as the project says, with the optimizer's settings of the step that comes next.
        self.config = config
        self.data = data
        self.device = device
        examples = Examples(len(data.train), len(data.validation), len(data.test), loaded=True)
        held = project if together is None else together.part_of(project)
        #: Divides the numbers of the network among the processes; None where this one holds all of them.
        self._shards = None if together is None else together.shards(lambda: fits(held, inference, examples, device))
        processes = together.ranks.size if together is not None and self._shards is not None else 1
        try:
            self.network = build_network(
                held,
                device,
                inference=inference,
                examples=examples,
                processes=processes,
                place=None if self._shards is None else self._shards.place,
            )
        except TooLargeError as error:
            if processes == 1:
                raise
            raise TooLargeError(f"{error} That is the share of one of {processes} processes.") from None
        estimate = Estimate(held, inference, examples, accelerator=device.type != "cpu", processes=processes)
        # Copies of what is divided are whole, and lie in the memory of the first process's computer.
        self.room = Room(device if self._shards is None else torch.device("cpu"), estimate.reserve)
        self.network.train()
        if self._shards is None and puts_channels_last(config, self.network, device):
            self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as torch says itself
        amounts = class_amounts(data.train.targets, data.train.weights, data.facts.targets)
        self.loss_function = loss_function(project.graph, data.facts, amounts)
        self.optimizer = optimizers.build_optimizer(self.network.parameters(), config.optimizer)
        #: Key of the optimizer in the registry: what checkpoints must be of.
        self._optimizer_kind = config.optimizer.kind
        #: The short way to the gradients of a dense chain, or past those of a network that has no weights; None for
        #: any other network.
        self._gradients: loop.Gradients | None = loop.without_gradients(self.network)
        #: Makes the updates, with clipping and regularisers.
        self._updates: loop.Updater = loop.NoUpdates()
        #: The optimizer's own updates; None where there is none.
        self._kernels: Updates | None = None
        if self.optimizer is not None:
            self._gradients = None if self.is_divided else DenseChain.of(self.network)
            self._kernels = None if self.is_divided else Updates(self.optimizer)
            self._updates = with_recipe(self._kernels or self.optimizer, [*self.network.parameters()], config)
        #: How steps are computed with narrow numbers; None for 32 bits.
        self._mixed: MixedPrecision | None = None
        #: The scale of the loss in the checkpoint that it goes on from, (0, 0) for none: that updates may have been
        #: left out stays true where steps are computed without a scale from here on.
        self._scale_before = (0.0, 0)
        narrow = None if self.optimizer is None else mixed_type(config, self.network, device)
        if narrow is not None:
            self._mixed = MixedPrecision(device, narrow, [p for p in self.network.parameters() if p.requires_grad])
            self._updates = self._mixed.updates(self._updates)
        several = _needs_several(self.network)
        #: The way that calls every module; None for that of one batch.
        self._long_way: loop.Gradients | None = None
        if self.optimizer is not None and (config.accumulation > 1 or self._mixed is not None):
            self._gradients = self._long_way = self._way_of_own()
        #: The other processes that have a part of each batch.
        self._together = together
        if together is not None:
            if config.accumulation > 1 or registry.AVERAGING(config.averaging.kind).averages:
                raise ProjectError(
                    "Accumulated batches and averaged weights are for one process: training in several takes neither.",
                    field="training",
                )
            if self._mixed is not None or puts_channels_last(config, self.network, device):
                raise ProjectError(
                    "Mixed precision and channels last are for one process: training in several takes neither.",
                    field="training",
                )
            together.attach(self.network, self._state_of_all)
            self._gradients = together.gradients
        #: The short way, and the updates, as long as no unit is switched off or frozen.
        self._short_way = self._gradients
        self._all_updates = self._updates
        #: Units that are switched off or frozen.
        self._switchboard = Switchboard(self.network)
        #: How the learning rate changes from step to step, and whether it does.
        self._schedule = config.schedule
        self._varies = registry.SCHEDULES(config.schedule.kind).varies
        self._follows_losses = registry.SCHEDULES(config.schedule.kind).follows_losses
        #: The learning rate of an epoch by a schedule that follows the losses, which takes long to find.
        self._rate_of_epoch: tuple[_Plan, int, float] | None = None
        # Dropout goes on where the initial weights ended, as under one torch.manual_seed in a hand-written script.
        self.random = RandomStream(device, config.seed, self.network.random_state)
        self.draws = self.network.draws_random_numbers
        if several and len(data.train) == 1:
            raise ProjectError(f"{several} needs batches of more than one example, but only 1 is there.", field="data")
        #: Whether a single last example joins the batch before it.
        self._join_single = bool(several)
        #: What was decided about single examples, by the first epoch it holds for, ascending, since the start or the
        #: last restore.
        self._curated = [_Curated(0, curated(data.train, data.facts, project.curation))]
        #: Which of these the batches are made by.
        self._curation = self._curated[0].curation
        self.epoch_plan = EpochPlan(len(data.train), config.step_size, join_single=self._join_single)
        #: Batches of the training split, in an order that (seed, epoch) fixes.
        self._feeder = self.batches_again()
        self.examples: ExampleRecord | None = None
        # What the network says of a mixture of two examples says nothing of either, whatever its label is.
        if record_examples and not (data.augmentation is not None and data.augmentation.mixes):
            outputs = inference.results[self.network.output_id].output
            macs = self.network.inference.macs * len(data.train)
            self.examples = ExampleRecord(self._feeder, self.loss_function, math.prod(outputs), macs)
        #: What the network put out for the batch that was trained last.
        self._outputs: Tensor | None = None
        #: Batches of a split in its own order, by the split's name, for measuring.
        self._measuring: dict[str, Feeder] = {}
        #: The rest of the present epoch's batches; None where they are to be begun anew at the present step.
        self._batches: Iterator[tuple[Tensor, Tensor]] | None = None
        averages = registry.AVERAGING(config.averaging.kind).averages and self.optimizer is not None
        self.average = Average(self.network, config.averaging, self.place_at) if averages else None
        #: What the ends of the epochs have shown, as far as the recipe goes by it.
        self._validated = Validated.of(config)
        #: Epochs after which it was gone on with although early stopping had ended it.
        self._went_on_after = 0
        #: After which epoch early stopping ends it; None as long as it does not.
        self._stops_after: int | None = None
        #: Updates made.
        self._step = 0
        #: Epochs whose validation is done.
        self._evaluated_epochs = 0
        #: Mean losses of the latest batches, which may still be on their way on the device, and examples in each.
        self._losses: list[Tensor] = []
        self._counts: list[int] = []
        #: For how many examples each of them stands in the mean of its epoch.
        self._shares: list[float] = []
        #: Finds the first loss that is not finite: at once on the CPU, some steps later on a GPU.
        self._watch = LossWatch(device)
        #: The step of that loss, where its update was made; None while all are finite as far as is known.
        self._spoilt_step: int | None = None
        #: The step whose weights were put in; None for those of the present step.
        self._weights_of: int | None = None
        #: Sum of the losses over the examples of this epoch that were added up, and how many those are.
        self._loss_sum = 0.0
        self._loss_count = 0
        #: Learning rate and goal as they were planned, by the first step they hold for, ascending, since the start or
        #: the last restore.
        own = among(LiveSettings.of(project), self.network.node_ids)
        if own.frozen and self.is_divided:
            raise _frozen_and_divided()
        self._plans = [_Plan(_BEFORE, optimizers.learning_rate(config), config.epochs, own)]
        #: The settings that network, optimizer and updates have; None where the optimizer's came with a checkpoint.
        self._settings_in_use: LiveSettings | None = replace(own, frozen=frozenset())
        #: Whether the optimizer keeps what it may have no use for.
        self._keeps_too_much = False
        #: The learning rate that the optimizer has; None where it came with a checkpoint.
        self._rate_in_use: float | None = None
        #: The step that going back leads to; while the present one is before it, known steps are made again.
        self._replay_until = 0
        self.best: Tensors | None = None
        self.best_epoch = 0
        self.best_loss = math.inf
        self.best_figure = worst(config.best_by)
        self.test_uses = 0
        self.goes_beyond = False
        self.edits = WeightEdits()
        #: How often units were switched: another count, and the same weights make something else of an example.
        self.times_switched = 0
        self._use_settings(own)

    # -- where it stands ----------------------------------------------------------------------------------------------

    @property
    def step(self) -> int:
        """Updates made."""
        return self._step

    @property
    def step_size(self) -> int:
        """Examples in a step of the present epoch; the last one may hold others."""
        return self.epoch_plan.piece_at(self._step).size

    @property
    def batch_size(self) -> int:
        """Examples in a batch of the present epoch, of which a step takes one or several."""
        return self.step_size // self.config.accumulation

    @property
    def is_divided(self) -> bool:
        """Whether this process holds a part of weights, gradients and optimizer alone: nobody may look at them then.

        What needs the whole takes all processes: steps, evaluations, :meth:`capture`, :meth:`restore`.
        """
        return self._shards is not None

    @property
    def work(self) -> int:
        """Multiply-accumulate operations of the forward pass of one batch; a step may take several."""
        return self.network.inference.macs * self.batch_size

    @property
    def steps_per_epoch(self) -> int:
        """Steps of the present epoch; the last one may be smaller, or one example larger."""
        return self.epoch_plan.piece_at(self._step).steps

    def place_at(self, step: int) -> StepPlace:
        """Where the step behind so many stands in its epoch."""
        return self.epoch_plan.at(step)

    @property
    def between_epochs(self) -> bool:
        """Whether no epoch has begun that has not ended."""
        return self.epoch_plan.at(self._step).batch == 0

    @property
    def epoch(self) -> int:
        """Finished epochs."""
        return self.epoch_plan.at(self._step).epoch

    @property
    def evaluated_epochs(self) -> int:
        """Epochs whose validation is done."""
        return self._evaluated_epochs

    @property
    def weights_of(self) -> int:
        """The step whose weights the network has: an earlier one where the best ones were put back."""
        return self._step if self._weights_of is None else self._weights_of

    @property
    def epoch_end_due(self) -> bool:
        """Whether an epoch is over and its validation is not done yet."""
        return self._evaluated_epochs < self.epoch

    @property
    def learning_rate(self) -> float:
        """Of the next step that is trained. Setting it sets the rate that the schedule multiplies, from there on."""
        return self._rate_at(max(self._step, self._replay_until))

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        if not (math.isfinite(value) and value >= 0):
            raise ParamError(
                f"The learning rate is {value!r}, but must be a number, at least 0.", field="learning_rate"
            )
        self._plan(base=float(value))

    @property
    def live_settings(self) -> LiveSettings:
        """What else can be changed while it trains, as it is for the next step that is trained."""
        return self._plans[-1].settings

    def take_on(self, settings: LiveSettings) -> None:
        """Other settings of optimizer and layers, other layers frozen, from the next step on.

        What concerns layers that the network does not have is left out.

        Raises:
            ParamError: One is not allowed; nothing was changed.
            TrainingError: Several processes train together.
        """
        settings = among(settings, self.network.node_ids)
        problem = settings.problem(self._optimizer_kind, self.network.graph.nodes)
        if settings.batch_size == 1 and (several := _needs_several(self.network)):
            problem = f"{several} needs batches of more than one example"
        if problem:
            raise ParamError(f"This cannot be changed while it trains: {problem}.", field="training")
        if settings != self.live_settings and self._together is not None:
            raise TrainingError("Several processes train together: settings are changed in a training of one.")
        self._plan(settings=settings)

    def changes_at(self, step: int) -> list[Changed]:
        """What was changed by hand to hold from the step behind this one on: learning rate, goal and settings."""
        index = next((index for index, plan in enumerate(self._plans) if plan.first_step == step), None)
        if not index:
            return []
        before, after = self._plans[index - 1], self._plans[index]
        found: list[Changed] = []
        if before.base != after.base:
            rate = registry.optimizer(self._optimizer_kind).param("learning_rate")
            text = changed_text(rate, before.base, after.base)
            found.append(Changed("training.optimizer.params.learning_rate", text))
        if before.epochs != after.epochs:
            found.append(Changed("training.epochs", f"Epochs: {before.epochs} → {after.epochs}"))
        nodes = self.network.graph.nodes
        return [*found, *changes(before.settings, after.settings, self._optimizer_kind, nodes)]

    @property
    def epochs(self) -> int:
        """How far it is to go: a schedule may depend on it. Set it to change the rest of the way."""
        return self._plans[-1].epochs

    @epochs.setter
    def epochs(self, value: int) -> None:
        self._plan(epochs=value)

    @property
    def last_epoch(self) -> int:
        """After which it is over: early stopping may end it before ``epochs``, which is known once it has."""
        return self.epochs if self._stops_after is None else min(self.epochs, self._stops_after)

    def go_on_after_stopping(self) -> None:
        """Early stopping has ended it, and somebody wants more: patience begins anew here."""
        if self._stops_after is not None and self._evaluated_epochs >= self._stops_after:
            self._went_on_after = self._evaluated_epochs
            self._stops_after = None

    def _plan(self, base: float | None = None, epochs: int | None = None, settings: LiveSettings | None = None) -> None:
        """Another learning rate, goal or settings, from the next step that is trained; None leaves them."""
        last = self._plans[-1]
        begins = max(self._step, self._replay_until)
        plan = _Plan(
            begins,
            last.base if base is None else base,
            last.epochs if epochs is None else epochs,
            last.settings if settings is None else settings,
        )
        if plan[1:] == last[1:]:
            return
        if last.first_step == begins:
            self._plans.pop()
        if plan[1:] != self._plans[-1][1:]:
            self._plans.append(plan)
        self._replan()
        if not self.replaying:
            self._use_rate(self.learning_rate)
            self._use_settings(self._plans[-1].settings)

    def _replan(self) -> None:
        """Batches of the size that is wanted now, from the next epoch on that begins; before the first step at once."""
        begins = self.epoch_plan.next_epoch(max(self._step, self._replay_until))
        plan = self.epoch_plan.with_size(self.live_settings.batch_size * self.config.accumulation, begins)
        if plan.sizes != self.epoch_plan.sizes:
            self._use_epoch_plan(plan)
            if not self.replaying and self.between_epochs:
                self._batches = None  # which would have begun with the old ones

    def _use_epoch_plan(self, plan: EpochPlan) -> None:
        self.epoch_plan = self._feeder.plan = plan
        if self.examples is not None:
            self.examples.resized()

    def _epoch_plan_of(self, checkpoint: Checkpoint) -> EpochPlan:
        """How the steps lay in the epochs up to a checkpoint."""
        if not checkpoint.sizes:
            return self.epoch_plan
        return EpochPlan.of(len(self.data.train), checkpoint.sizes, join_single=self._join_single)

    def _plan_at(self, step: int) -> _Plan:
        """What was planned for a step."""
        return next((plan for plan in reversed(self._plans) if plan.first_step <= step), self._plans[0])

    def _use_settings(self, settings: LiveSettings) -> None:
        """Network, optimizer and updates have these from here on."""
        before = self._settings_in_use
        if settings is before:
            return
        config = self.config
        if self.optimizer is not None and (before is None or before.optimizer != settings.optimizer):
            chosen = settings.with_rate(self._optimizer_kind, optimizers.learning_rate(config))
            optimizers.set_settings(self.optimizer, chosen, begun=self._step > 0)
            self.config = msgspec.structs.replace(config, optimizer=chosen)
            self._keeps_too_much = True
            if self._kernels is not None:
                self._kernels.look_anew()
        for one in settings.layers if before is None or before.layers != settings.layers else ():
            self.network.set_live(*one)
        self._settings_in_use = settings
        if self._switchboard.layers != settings.frozen:
            self._switchboard.layers = settings.frozen
            self._updates = self._switchboard.held(self._all_updates)

    def _rate_at(self, step: int) -> float:
        """The learning rate of a step, as it was planned then."""
        plan = self._plan_at(step)
        if not self._follows_losses:
            return rate_after(self._schedule, plan.base, self.epoch_plan.epochs_at(step), plan.epochs)
        epoch = self.epoch_plan.at(step).epoch
        if self._rate_of_epoch is None or self._rate_of_epoch[:2] != (plan, epoch):
            self._rate_of_epoch = (plan, epoch, self.rate_with(plan.base, step))
        return self._rate_of_epoch[2]

    def rate_with(self, base: float, step: int) -> float:
        """The learning rate that the schedule would make of another one, as far as is known by now."""
        return rate_after(self._schedule, base, self.epoch_plan.epochs_at(step), self.epochs, self._validated[LOSS])

    @property
    def replaying(self) -> bool:
        """Whether it is on the way from a checkpoint to the step that :meth:`go_back` was asked for."""
        return self._step < self._replay_until

    # -- units that are switched off or frozen ------------------------------------------------------------------------

    @property
    def switches(self) -> UnitSwitches:
        """Units that are switched off or frozen."""
        return self._switchboard.now

    def switch_units(self, switches: UnitSwitches) -> None:
        """Switch units off or freeze them, from the present step on; those that are not named are as usual.

        Raises:
            ParamError: There is no such unit.
        """
        check_switches(self.network, switches)
        self._switchboard.record(self._step, switches)
        self.times_switched += 1
        self._use_switches(switches)

    def _use_switches(self, switches: UnitSwitches) -> None:
        if switches == self._switchboard.now:
            return
        if self._together is not None:
            raise TrainingError("Units are switched off or frozen in this run: go on with it in one process.")
        self._switchboard.use(switches)
        # The short way calls no module, and so would pass by what silences one.
        self._gradients = self._long_way if switches.off else self._short_way
        self._updates = self._switchboard.held(self._all_updates)

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
        if self._spoilt_step is None:
            self._spoilt_step = self._watch.first_spoilt(self._step + 1)
        if self._spoilt_step is not None:
            raise _not_finite(self._spoilt_step)
        inputs, targets = self._next_batch()
        if self.examples is not None:
            after_backward = self._keeping_outputs(after_backward)
        if self._varies or self.replaying:
            self._use_rate(self._rate_at(self._step))
        if self._switchboard.history and self.replaying:
            self._use_switches(self._switchboard.at(self._step))
        if self.replaying:
            self._use_settings(self._plan_at(self._step).settings)
        if self._keeps_too_much:
            self._let_go()
        if self._together is not None:
            self._begin_together(self._together)
        with self.random if self.draws else nullcontext():
            loss = loop.train_step(
                self.network,
                self._loss_of_step(),
                self._updates,
                inputs,
                targets,
                after_backward,
                around_update,
                self._gradients,
                self._watch.is_spoilt if self._watch.at_once else None,
            )
        if self._watch.at_once:
            if not math.isfinite(loss.item()):
                self._batches = None  # It is the next batch still.
                raise _not_finite(self._step + 1)
        else:
            self._watch.send(self._step + 1, loss)
        count = inputs.shape[0]
        if self.examples is not None and self._outputs is not None:
            self.examples.add(self._step, self._outputs)
            self._outputs = None
        self._weights_of = None
        self._losses.append(loss)
        self._counts.append(count)
        self._shares.append(self._share_of_epoch(count))
        self._step += 1
        if self.average is not None:
            self.average.follow(self._step)
        if self._step <= self._replay_until:
            self._edit_again()
        if self._step == self._replay_until:
            self._use_rate(self.learning_rate)
            self._use_settings(self._plans[-1].settings)
            self._use_switches(self._switchboard.at(self._step))
        return count

    def _let_go(self) -> None:
        """A step is made with other settings: what the optimizer gathered for those before has no use any more."""
        self._keeps_too_much = False
        if self.optimizer is not None:
            optimizers.forget_unneeded(self.optimizer, self.config.optimizer)

    def held_updates(self, updates: loop.Updater, network: Network) -> loop.Updater:
        """The same for a copy of the network: what is frozen here is left as it is there."""
        return self._switchboard.held(updates, network)

    @property
    def frozen_layers(self) -> frozenset[str]:
        """The nodes whose parameters are left as they are."""
        return self._switchboard.layers

    def _begin_together(self, together: Together) -> None:
        """All processes are to make this step now."""
        assert self.optimizer is not None  # of what has no weights no part is made
        together.begin_step(self._step, float(self.optimizer.param_groups[0]["lr"]))
        if self.draws and not together.ranks.leads:
            # The first one goes on with its own numbers; what the others draw follows from the step, and needs no place
            # in a checkpoint.
            self.random.begin_anew(self.config.seed, together.ranks.rank, self._step)

    def follow(self, step: int, rate: float) -> None:
        """In a process that follows another one: the same step, with the same learning rate.

        Args:
            step: Updates made before it.
            rate: Of the optimizer.
        """
        self._forget_spoilt()  # what to do about that, the first process decides
        if step != self._step:
            self._step, self._batches = step, None
        self._varies = False
        self._plans = [self._plans[-1]._replace(first_step=_BEFORE, base=rate)]
        self._use_rate(rate)
        with suppress(NotFiniteError):
            self.advance()
        self._losses.clear()
        self._counts.clear()
        self._shares.clear()

    def take(self, checkpoint: Checkpoint) -> None:
        """In a process that follows another one: the state of that; the random numbers stay this one's own."""
        self._use_epoch_plan(self._epoch_plan_of(checkpoint))
        self._put_back(replace(checkpoint, random=self.random.capture()))
        # What was changed while it trained is not in the project, which is all that this process began with.
        if checkpoint.curation is not None:
            self._curated = self._curated_from(checkpoint)
        if checkpoint.live is not None:
            self._plans = [self._plans[-1]._replace(first_step=_BEFORE, settings=checkpoint.live)]
        self._use_settings(self._plans[-1].settings)

    def give(self, *, weights_alone: bool) -> None:
        """In a process that follows another one: its part of a checkpoint that the first one makes."""
        assert self._together is not None
        together = self._together

        def given(tensor: Tensor) -> Tensor:
            together.whole(tensor)  # which only the first one keeps
            return tensor

        optimizer = None if weights_alone else self.optimizer
        checkpoints.capture(self.network, optimizer, {}, Progress(), whole=given)

    def _whole_weights(self) -> Tensors:
        """Weights and buffers of which each process holds a part, on the CPU; takes all processes."""
        assert self._together is not None
        whole = self._together.gathering(weights_alone=True)
        return checkpoints.capture(self.network, None, {}, Progress(), whole=whole).weights

    def _state_of_all(self) -> dict[str, bytes]:
        """What decides the next step, for the other processes: not what only the first one keeps."""
        return checkpoints.to_blobs(replace(self.capture(copied=False), best=None, examples={}))

    def _keeping_outputs(self, after_backward: loop.AfterBackward | None) -> loop.AfterBackward:
        """The same, and what the network put out is kept until the step is done."""
        if after_backward is None:
            return self._keep_outputs
        told = after_backward

        def both(loss: Tensor, outputs: Tensor, targets: Tensor) -> None:
            self._outputs = outputs
            told(loss, outputs, targets)

        return both

    def _keep_outputs(self, loss: Tensor, outputs: Tensor, targets: Tensor) -> None:
        self._outputs = outputs

    def curate(self, entries: Sequence[Curated]) -> str:
        """Other decisions about single examples, from the next epoch on; before the first step at once.

        Returns:
            What could not be done, as a sentence; empty where all was.
        """
        found = curated(self.data.train, self.data.facts, entries)
        begins = self.epoch_plan.next_epoch(max(self._step, self._replay_until))
        self._curated = [one for one in self._curated if one.first_epoch < begins] + [_Curated(begins, found)]
        if begins == self.epoch and not self.replaying and self.between_epochs:
            self._batches = None  # which would have begun with the old ones
        return found.remark

    @property
    def curation_remark(self) -> str:
        """What could not be done of what was decided about single examples, as a sentence."""
        return self._curated[-1].curation.remark

    @property
    def curated_targets(self) -> Tensor:
        """What is right for the training examples after all that was decided about them. Never written to."""
        return self._curated[-1].curation.targets

    def _use_curation(self) -> None:
        """What holds for the epoch that the next step belongs to."""
        found = self._present_curation()
        if found is self._curation:
            return
        if self.examples is not None:
            self.examples.settle()  # with the labels that were learned
        self._curation = found
        self._feeder.label(self._curation.targets, self._curation.weights)

    def _present_curation(self) -> Curation:
        found = next((one for one in reversed(self._curated) if one.first_epoch <= self.epoch), self._curated[0])
        return found.curation

    def _curated_from(self, checkpoint: Checkpoint) -> list[_Curated]:
        """From a checkpoint on: what held there to the end of its epoch, then what is decided now."""
        newest = self._curated[-1].curation
        whole = self.between_epochs
        if checkpoint.curation is None or whole or checkpoint.curation == newest.entries:
            return [_Curated(0, newest)]
        then = curated(self.data.train, self.data.facts, checkpoint.curation)
        return [_Curated(0, then), _Curated(self.epoch + 1, newest)]

    def loss_of_next_batch(self) -> LossFunction:
        """What the step that comes next makes small: ``loss_function``, in which each example weighs what it is to."""
        self._use_curation()
        return self._loss_of_step()

    def weighing_again(self, feeder: Feeder) -> Callable[[int], LossFunction]:
        """What steps make small whose batches come from :meth:`batches_again`: (step) -> the loss of its batch."""
        weights = self._curation.weights
        return lambda step: self._weighted_loss(weights, feeder, step)

    def weights_of_batch(self) -> Tensor | None:
        """How much each example of the batch that comes next weighs, float[n] on the CPU; None where all weigh 1."""
        weights, feeder = self._curation.weights, self._feeder
        if weights is None:
            return None
        epoch, batch = divmod(self._step, len(feeder))
        part = slice(feeder.examples_before(batch), feeder.examples_before(batch + 1))
        return weights.index_select(0, feeder.order(epoch)[part])

    def _share_of_epoch(self, count: int) -> float:
        """For how many examples the batch stands in the mean loss of its epoch: by what its examples weigh."""
        weights, whole = self.weights_of_batch(), self._curation.whole_weight
        if weights is None:
            return count
        return float(weights.sum()) * self._feeder.count / whole if whole else 0.0

    def _loss_of_step(self) -> LossFunction:
        return self._weighted_loss(self._curation.weights, self._feeder, self._step)

    def _weighted_loss(self, weights: Tensor | None, feeder: Feeder, step: int) -> LossFunction:
        if weights is None:
            return self.loss_function
        epoch, batch = self.epoch_plan.at(step)
        part = slice(feeder.examples_before(batch, epoch), feeder.examples_before(batch + 1, epoch))
        chosen = weights.index_select(0, feeder.order(epoch)[part])
        return WeightedLoss.of(self.loss_function, chosen.to(self.device))

    def batches_again(self, *, resident: bool | None = None) -> Feeder:
        """Feeds the very batches of this training once more, to whoever goes another way from an earlier step.

        Args:
            resident: False does not move the examples to the device a second time, but each batch.
        """
        config = self.config
        split = self.data.train
        feeder = Feeder(
            Split(split.inputs, self._curation.targets, split.numbers),
            self.data.scaler,
            config.step_size,
            self.device,
            config.seed,
            join_single=self._join_single,
            resident=resident,
            augmentation=self.data.augmentation,
            weights=self._curation.weights,
            one_hot=one_hot_classes(self.data.facts, self.data.config.preparation),
        )
        feeder.plan = self.epoch_plan
        return feeder

    def _way_of_own(self) -> loop.Gradients:
        """The long way of the training itself, whose gradients bear no scale."""
        way = self._long(self.network)
        return way if self._mixed is None else self._mixed.unscaled(way)

    def _long(self, network: Network, *, scaled: bool = True) -> loop.Gradients:
        """The way by accumulated batches, or in mixed precision; by all at once where there is one batch."""
        forward = network if self._mixed is None else self._mixed.forward(network)
        backward = torch.autograd.backward if self._mixed is None or not scaled else self._mixed.backward
        several = bool(_needs_several(network))

        def gradients(loss_function: LossFunction, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
            # A batch may have another size in a later epoch.
            size = self.batch_size if self.config.accumulation > 1 else len(self.data.train)
            own = accumulated(forward, size, join_single=several, backward=backward)
            return own(loss_function, inputs, targets)

        return gradients

    def way_for(self, network: Network) -> loop.Gradients | None:
        """How the steps of a copy find their gradients; None for the usual way."""
        return None if self._long_way is None else self._long(network, scaled=False)

    def computing(self) -> AbstractContextManager[object]:
        """Inside, modules compute as in a step."""
        return nullcontext() if self._mixed is None else self._mixed.computing()

    @property
    def sees_batches_apart(self) -> bool:
        """Whether a step takes several batches of which each goes its own way: by dropout, or by a normalisation."""
        return self.config.accumulation > 1 and (self.draws or bool(_needs_several(self.network)))

    def peek(self) -> tuple[Tensor, Tensor]:
        """The batch that comes next."""
        self._use_curation()
        return next(self._feeder.batches(*self.epoch_plan.at(self._step)))

    def peek_numbers(self) -> list[int]:
        """Which examples of the training split are in it, in its order."""
        return self._feeder.numbers(*self.epoch_plan.at(self._step))

    def settle(self) -> bool:
        """Adds up the losses that wait on the device; waits for it once. True while all of them were finite."""
        if not self._losses:
            return self._spoilt_step is None
        losses = torch.stack(self._losses).tolist()
        self._loss_sum += sum(loss * share for loss, share in zip(losses, self._shares, strict=True))
        self._loss_count += sum(self._counts)
        if self._spoilt_step is None:
            first = self._step - len(losses) + 1
            self._spoilt_step = next((first + n for n, loss in enumerate(losses) if not math.isfinite(loss)), None)
        self._losses.clear()
        self._counts.clear()
        self._shares.clear()
        return self._spoilt_step is None

    @property
    def spoilt_step(self) -> int | None:
        """The first step whose loss was not finite although its update was made (on a GPU), as far as is known."""
        return self._spoilt_step

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
        return self._watch.at_once and not self.draws and next(self.network.buffers(), None) is None

    @property
    def epoch_loss(self) -> float:
        """Mean loss over the examples of the epoch so far, as each batch saw them; call ``settle`` first."""
        return self._loss_sum / self._loss_count if self._loss_count else math.nan

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
        network = self.shown_network if self._together is None else self._together.forward_of(split)
        feeder = self.feeder(split)
        if split == "train":
            feeder.label(self.curated_targets, None)
        return loop.Evaluation(network, self.loss_function, feeder.batches(), each)

    @property
    def shown_network(self) -> Network:
        """The network with the weights that are validated and kept: the average of them, if there is one."""
        return self.network if self.average is None or not self.average.begun(self._step) else self.average.network

    def finish_epoch(self, validation: loop.EvaluationResult | None) -> None:
        """The epoch is over and its validation is done: keeps the weights if they are the best, starts the next.

        What goes by the validation goes by the loss while training where there is none.
        """
        self.settle()
        self._evaluated_epochs = self.epoch
        self._validated.add(self.epoch, validation or loop.EvaluationResult(self.epoch_loss, None, self._loss_count))
        self._look_back()
        self._loss_sum, self._loss_count = 0.0, 0
        self._keep_if_best(validation)
        self._edit_again()

    def _look_back(self) -> None:
        """What the figures so far mean for the rest of the way."""
        self._rate_of_epoch = None
        self._stops_after = stops_after(self.config.early_stopping, self._validated, self._went_on_after)

    def _keep_if_best(self, validation: loop.EvaluationResult | None) -> None:
        if validation is None or not math.isfinite(validation.loss):
            return
        figure = FIGURES[self.config.best_by](validation)
        first = self.best_epoch == 0
        wins = first or better(self.config.best_by, figure, self.best_figure)
        # Equal ones, and those that have no such figure, are told apart by the loss.
        even = not wins and not better(self.config.best_by, self.best_figure, figure)
        network = self.shown_network
        if not (wins or (even and validation.loss < self.best_loss)):
            return
        whole = self._whole_weights() if self.is_divided else None
        if all_finite((network.state_dict() if whole is None else whole).values()):
            self.best_loss = validation.loss
            self.best_figure = worst(self.config.best_by) if math.isnan(figure) else figure
            self.best_epoch = self.epoch
            self.best = None  # so that its memory can be used again
            if self.room.allows(
                checkpoints.size_of(self.network.state_dict()), "The best weights are not kept from here on"
            ):
                self.best = checkpoints.copy_weights(network) if whole is None else whole

    def use_weights(self, weights: Tensors) -> None:
        """Puts other weights in; position and optimizer stay. Edits by hand cannot be undone any more."""
        if self._together is not None and self.is_divided:
            there = Checkpoint(Progress(step=self._step), weights, random=self.random.capture())
            weights = self._together.divide(there).weights
        checkpoints.load_weights(weights, self.network)
        self._tell_of_state()
        if self.average is not None:
            self.average.restart(weights)
        self.edits.clear()
        self._forget_spoilt()

    def use_best(self) -> None:
        """Puts the weights of the best epoch in, if there are any; position and optimizer stay."""
        if self.best is None:
            return
        self.use_weights(self.best)
        self._weights_of = self.epoch_plan.step_of(self.best_epoch)

    def use_average(self) -> None:
        """Puts the average of the weights in, if there is one; position and optimizer stay."""
        if self.average is not None and self.average.begun(self._step):
            self.use_weights(self.average.capture(copied=True))

    # -- setting numbers by hand --------------------------------------------------------------------------------------

    def edit_weights(self, changes: Sequence[WeightChange], *, more: bool = False) -> WeightEdit:
        """Writes numbers in the place of trained ones; optimizer, position and random numbers stay as they are.

        Where :meth:`go_back` makes the steps on its way once more, the edits among them are made again, each at its
        place, so that what follows is bit for bit what happened.

        Args:
            changes: What is to stand where.
            more: It goes on with the edit before it: both are undone together.

        Raises:
            ParamError: There is no such place or no such number; nothing was changed.
        """
        numbers = weight_edits.checked(self.network, changes)
        return self._edit(Kind.MORE if more else Kind.EDIT, numbers)

    def undo_edit(self) -> WeightEdit:
        """Puts back what stood in the places of the newest edit that holds.

        Training may have gone on since: then the old numbers stand in these places again, and all others stay what
        they have become. Stepping back is what returns to a whole earlier state.

        Raises:
            TrainingError: Nothing was edited.
        """
        edit = self.edits.undoable
        if edit is None:
            raise TrainingError("There is no edit of weights to undo.")
        return self._edit(Kind.UNDO, edit.before)

    def redo_edit(self) -> WeightEdit:
        """Writes once more what the last :meth:`undo_edit` took away.

        Raises:
            TrainingError: Nothing was undone, or something else was edited since.
        """
        edit = self.edits.redoable
        if edit is None:
            raise TrainingError("There is no edit of weights to redo.")
        return self._edit(Kind.REDO, edit.after)

    def _edit(self, kind: Kind, numbers: Mapping[Place, float]) -> WeightEdit:
        self._refuse_if_divided()
        before = weight_edits.read(self.network, [*numbers])
        weight_edits.write(self.network, numbers)
        self._tell_of_state()
        edit = WeightEdit(kind, self._step, self._evaluated_epochs, before, dict(numbers))
        self.edits.add(edit)
        return edit

    def _refuse_if_divided(self) -> None:
        if self.is_divided:
            raise TrainingError("The network is divided among several processes: its weights cannot be set by hand.")

    def _edit_again(self) -> None:
        """What was set by hand at this very moment the first time it was reached; elsewhere there is nothing."""
        if self.edits.made:
            for edit in self.edits.at(self._step, self._evaluated_epochs):
                weight_edits.write(self.network, edit.after)
                self._tell_of_state()

    # -- keeping and going back ---------------------------------------------------------------------------------------

    @property
    def state_bytes(self) -> int:
        """Memory that :meth:`capture` takes, the best weights left out: those are kept already."""
        own = 0 if self.examples is None else self.examples.nbytes
        own += checkpoints.size_of(self.network.state_dict()) if self.average is not None else 0
        return checkpoints.state_bytes(self.network, self.optimizer) + own

    def capture(self, *, copied: bool = True) -> Checkpoint:
        """A copy of everything that decides how it goes on.

        Args:
            copied: False gives the live tensors, for whoever writes them down before the next step.
        """
        self.settle()
        scale, scaled_steps = (0.0, 0) if self._mixed is None else self._mixed.scale
        if not scale:
            scale, scaled_steps = self._scale_before
        progress = Progress(
            step=self._step,
            evaluated_epochs=self._evaluated_epochs,
            epoch_loss=self._loss_sum.hex(),
            epoch_count=self._loss_count,
            best_epoch=self.best_epoch,
            best_loss=self.best_loss.hex(),
            test_uses=self.test_uses,
            base_rate=self._plans[-1].base.hex() if self._varies else "",
            best_figure=self.best_figure.hex() if self.best_epoch and self.config.best_by != LOSS else "",
            figures=self._validated.stored,
            went_on_after=self._went_on_after,
            more_until=self.epochs if self.goes_beyond else 0,
            loss_scale=scale.hex() if scale else "",
            loss_scale_steps=scaled_steps,
        )
        begun = self.average is not None and self.average.begun(self._step)
        captured = checkpoints.capture(
            self.network,
            self.optimizer,
            self.random.capture(),
            progress,
            self.best,
            self.data.fingerprint,
            self.switches,
            None if self.examples is None else self.examples.capture(copied=copied),
            self._present_curation().entries,
            self.average.capture(copied=copied) if self.average is not None and begun else None,
            self.live_settings,
            self.epoch_plan.sizes,
            copied=copied,
            whole=self._together.gathering() if self._together is not None and self.is_divided else None,
        )
        if not self._keeps_too_much:
            return captured
        spec = registry.optimizer(self._optimizer_kind)
        needed = {kept.name for kept in spec.state(spec.values(self.config.optimizer.params))}
        kept = {key: one for key, one in captured.optimizer.items() if key.partition("/")[2] in needed}
        return replace(captured, optimizer=kept)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Goes on from a checkpoint, with the learning rate that was used there and the units switched as they were.

        Raises:
            RunFileError: It belongs to another network or another optimizer, or cannot be right; nothing was changed.
            DataError: It was made on other data, likewise.
            ProjectError: Layers were frozen in it, and the network is divided now; likewise.
        """
        checkpoints.check_data(checkpoint, self.data.fingerprint)
        own = self.epoch_plan
        self._use_epoch_plan(self._epoch_plan_of(checkpoint))
        try:
            self._check(checkpoint)
        except BaseException:
            self._use_epoch_plan(own)
            raise
        self._put_back(checkpoint)
        self._switchboard.history = [(self._step, checkpoint.switches)]
        self._use_switches(checkpoint.switches)
        self.edits.clear()
        self._replay_until = 0
        self._curated = self._curated_from(checkpoint)
        plan = self._plans[-1]._replace(first_step=_BEFORE)
        if checkpoint.live is not None:
            plan = plan._replace(settings=checkpoint.live)
        base = float.fromhex(checkpoint.progress.base_rate) if checkpoint.progress.base_rate else None
        if base is None and self.optimizer is not None:  # without a schedule the one is the other
            base = float(self.optimizer.param_groups[0]["lr"])
        if checkpoint.progress.more_until > plan.epochs:
            self.goes_beyond = True
            plan = plan._replace(epochs=checkpoint.progress.more_until)
        if base is not None:
            self._plans = [plan._replace(base=base)]
        else:
            self._plans = [plan]
        self._use_settings(plan.settings)

    def go_back(self, checkpoint: Checkpoint, step: int) -> None:
        """Returns to an earlier step by way of a checkpoint before it, from where :meth:`advance` does the rest.

        The learning rates that were used on that way are used again; from ``step`` on it is the present one. Numbers
        that were set by hand on that way, ``step`` included, are set again; what was edited behind it is dropped.

        Args:
            checkpoint: One that :meth:`capture` made since the start or the last :meth:`restore`, not behind ``step``.
            step: Where to go.
        """
        present, decided, went_on = self._plans[-1], self._curated[-1], self._went_on_after
        self._put_back(checkpoint)
        if self.epoch_plan.step_of(went_on) <= step:
            self._went_on_after = went_on
            self._look_back()
        self.edits.forget_after(step)
        self._edit_again()  # a state that was kept before the edits of its own step
        self._plans = [plan for plan in self._plans if plan.first_step < step]
        if self._plans[-1][1:] != present[1:]:
            self._plans.append(present._replace(first_step=step))
        self._replay_until = step
        self._replan()
        begins = self.epoch_plan.next_epoch(step)
        self._curated = [one for one in self._curated if one.first_epoch < max(begins, 1)]
        if self._curated[-1].curation is not decided.curation:
            self._curated.append(_Curated(begins, decided.curation))
        self._switchboard.history = [entry for entry in self._switchboard.history if entry[0] <= step]
        self._use_switches(self._switchboard.at(self._step))
        self._use_settings(self._plan_at(self._step).settings)
        if not self.replaying:
            self._use_rate(self.learning_rate)

    def _check(self, checkpoint: Checkpoint) -> None:
        progress = checkpoint.progress
        checks.check_tensors(checkpoint, self.network, self.config.accumulation)
        checks.check_switches(checkpoint.switches, self.network)
        checks.check_progress(
            progress,
            plan=self.epoch_plan,
            examples=self._feeder.count,
            has_best=checkpoint.best is not None,
        )
        checks.check_random(checkpoint.random, self.device)
        if bool(checkpoint.average) != (self.average is not None and self.average.begun(progress.step)):
            raise checks.damaged("the average of the weights is missing, or there is one that nobody asked for")
        parameters = [id(parameter) for parameter in self.network.parameters() if parameter.requires_grad]
        reached = {id(p) for node in self.network.trained_ids for p in self.network.module_of(node).parameters()}
        trained = [index for index, parameter in enumerate(parameters) if parameter in reached]
        checks.check_optimizer(
            checkpoint, self._optimizer_kind, self.optimizer, trained, left_out=bool(progress.loss_scale)
        )
        if checkpoint.live is not None:
            problem = checkpoint.live.problem(self._optimizer_kind, self.network.graph.nodes)
            if problem:
                raise checks.damaged(f"of the settings that were changed, {problem}")
            if checkpoint.live.frozen and self.is_divided:
                raise _frozen_and_divided()

    def _put_back(self, checkpoint: Checkpoint) -> None:
        progress = checkpoint.progress
        if checkpoint.best is not None:
            checkpoints.check_weights(checkpoint.best, self.network)
        together = self._together
        dividing = together is not None and self.is_divided and together.ranks.leads
        divided = together.divide(checkpoint) if together is not None and dividing else checkpoint
        checkpoints.restore(divided, self.network, self.optimizer)
        self._tell_of_state()
        self.random.restore(dict(checkpoint.random))
        self._step = progress.step
        self._weights_of = None
        self._evaluated_epochs = progress.evaluated_epochs
        self._losses.clear()
        self._counts.clear()
        self._shares.clear()
        self._forget_spoilt()
        self._loss_sum = float.fromhex(progress.epoch_loss)
        self._loss_count = progress.epoch_count
        self.best = checkpoint.best
        self.best_epoch = progress.best_epoch
        self.best_loss = float.fromhex(progress.best_loss)
        self.best_figure = float.fromhex(progress.best_figure) if progress.best_figure else self.best_loss
        if self.average is not None and checkpoint.average:
            self.average.restart(checkpoint.average)
        self._validated.restore(progress.figures, progress.evaluated_epochs)
        self._went_on_after = progress.went_on_after
        self._look_back()
        self._scale_before = (0.0, 0)
        if progress.loss_scale:
            self._scale_before = float.fromhex(progress.loss_scale), progress.loss_scale_steps
            if self._mixed is not None:
                self._mixed.scale = self._scale_before
        self.test_uses = max(self.test_uses, progress.test_uses)  # What was seen cannot be unseen.
        self._batches = None
        if self.examples is not None:
            self.examples.restore(checkpoint.examples)
        self._rate_in_use = self._settings_in_use = None  # the optimizer's own came with the checkpoint

    def _tell_of_state(self) -> None:
        """The state is another than what the last step left."""
        if self._together is not None:
            self._together.state_changed()

    def _forget_spoilt(self) -> None:
        self._watch.forget()
        self._spoilt_step = None

    def _use_rate(self, value: float) -> None:
        if self.optimizer is not None and value != self._rate_in_use:
            optimizers.set_learning_rate(self.optimizer, value)
            self._rate_in_use = value

    def _next_batch(self) -> tuple[Tensor, Tensor]:
        if self._batches is None:
            self._use_curation()
            self._batches = self._feeder.batches(*self.epoch_plan.at(self._step))
        batch = next(self._batches, None)
        if batch is None:
            self._use_curation()
            self._batches = self._feeder.batches(self.epoch)
            batch = next(self._batches)
        return batch


def _not_finite(step: int) -> NotFiniteError:
    return NotFiniteError(f"The loss of step {step} is not a finite number.", step=step)


def _frozen_and_divided() -> ProjectError:
    return ProjectError("Frozen layers are for a network that each process holds as a whole.", field="graph")


def _needs_several(network: Network) -> str:
    """The first node that cannot be trained on a batch of one example; empty where there is none."""
    results, kinds = network.inference.results, network.kind_of
    return next(
        (node for node in network.node_ids if registry.layer(kinds(node)).needs_several(results[node].output)), ""
    )
