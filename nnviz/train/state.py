"""The state of a training: all that decides how it goes on. A checkpoint keeps it, and it returns to earlier steps."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import torch

from nnviz.data.epoch_plan import EpochPlan, StepPlace
from nnviz.data.tensors import LoadedData
from nnviz.errors import ProjectError
from nnviz.network.losses import LossFunction
from nnviz.network.network import Network
from nnviz.project import registry
from nnviz.project.model import Curated, Project, TrainConfig
from nnviz.train import checkpoint as checkpoints
from nnviz.train import checkpoint_checks as checks
from nnviz.train import optimizers
from nnviz.train.averaging import Average
from nnviz.train.batches import Batches
from nnviz.train.best_weights import BestWeights
from nnviz.train.build import Built, refuse_for_divided
from nnviz.train.checkpoint import Checkpoint, Progress
from nnviz.train.early_end import EarlyEnd
from nnviz.train.epoch_losses import EpochLosses
from nnviz.train.example_record import ExampleRecord
from nnviz.train.live_settings import LiveSettings, among
from nnviz.train.long_way import needs_several
from nnviz.train.plans import Plans, Rates
from nnviz.train.random_state import RandomStream
from nnviz.train.settings_in_use import SettingsInUse
from nnviz.train.step_ways import StepWays
from nnviz.train.unit_switches import UnitSwitches
from nnviz.train.validated import LOSS, Validated
from nnviz.train.weight_editor import WeightEditor
from nnviz.train.weight_edits import Hand, OwnHand

if TYPE_CHECKING:
    from nnviz.train.distributed import Together


class TrainingState:
    """The parts of a training, each of which keeps its own history by step or epoch, and where it stands.

    Belongs to the thread that owns the network.

    Args:
        project: What to train.
        data: Its data set.
        device: Where.
        built: The network with its initial weights.
        loss_function: The one in which all examples weigh the same.
        together: The other processes that train with this one; None where it is alone.

    Attributes:
        network: The live network.
        optimizer: torch's; None where no layer has weights.
        together: The other processes; None for none.
        ways: How steps find their gradients and make their updates, and which units are switched off or frozen.
        random: The stream that dropout draws from.
        batches: Which examples each step has, and what they weigh.
        record: How the network does on every training example; None where nobody asked for it.
        average: The average of the weights; None where nobody asked for one.
        validated: What the ends of the epochs have shown, as far as the recipe goes by it.
        early_end: When they end it.
        losses: Of the steps of this epoch.
        plans: Learning rate, goal and settings, by step.
        rates: The learning rate of each step.
        in_use: What of the plans network and optimizer have just now.
        best: The weights of the best epoch so far.
        editor: Sets numbers by hand.
        step: Updates made.
        evaluated_epochs: Epochs whose validation is done.
        weights_of: The step whose weights were put in; None for those of the present step.
        replay_until: The step that going back leads to; while the present one is before it, known steps are made again.
        test_uses: How often the test split was measured, from the beginning of the run.
        goes_beyond: Whether somebody asked for more epochs than the project says.

    Raises:
        ProjectError: It cannot be trained like this.
    """

    def __init__(
        self,
        project: Project,
        data: LoadedData,
        device: torch.device,
        built: Built,
        loss_function: LossFunction,
        together: Together | None,
    ) -> None:
        config = project.training
        network = built.network
        self.network = network
        self.together = together
        self._divided = built.divided
        self._device = device
        self._data = data
        self.optimizer = optimizers.build_optimizer(network.parameters(), config.optimizer)
        self.ways = StepWays(
            network,
            self.optimizer,
            config,
            device,
            lambda: self.batch_size if config.accumulation > 1 else len(data.train),
            divided=self.is_divided,
            together=together,
        )
        if self.is_divided:
            refuse_for_divided(config)
        if together is not None:
            together.attach(network, self.for_the_others)
        # Dropout goes on where the initial weights ended, as under one torch.manual_seed in a hand-written script.
        self.random = RandomStream(device, config.seed, network.random_state)
        several = needs_several(network)
        if several and len(data.train) == 1:
            raise ProjectError(f"{several} needs batches of more than one example, but only 1 is there.", field="data")
        self.batches = Batches(data, project.curation, config, device, loss_function, join_single=bool(several))
        self.record: ExampleRecord | None = None
        averages = registry.AVERAGING(config.averaging.kind).averages and self.optimizer is not None
        self.average = Average(network, config.averaging, self.place_at, divided=self.is_divided) if averages else None
        self.ways.switchboard.average = None if self.average is None or self.is_divided else self.average.network
        self.validated = Validated.of(config)
        self.early_end = EarlyEnd(config.early_stopping, self.validated)
        self.losses = EpochLosses(device)
        own = among(LiveSettings.of(project), network.node_ids)
        self.plans = Plans(optimizers.learning_rate(config), config.epochs, own)
        self.rates = Rates(config.schedule, self.plans, self.validated)
        built_with = replace(own, frozen=frozenset())
        self.in_use = SettingsInUse(config, built_with, network, self.optimizer, self.ways.kernels)
        self.best = BestWeights(config.best_by, built.room)
        hand: Hand = OwnHand(network, None if self.average is None else self.average.network)
        if together is not None and self.is_divided:
            hand = together.hand(network, self.showing)
        self.editor = WeightEditor(network, hand)
        self.step = 0
        self.evaluated_epochs = 0
        self.weights_of: int | None = None
        self.replay_until = 0
        self.test_uses = 0
        self.goes_beyond = False
        self._use_settings(own)

    # -- where it stands ----------------------------------------------------------------------------------------------

    @property
    def config(self) -> TrainConfig:
        """How it is trained: as the project says, with the optimizer's settings of the step that comes next."""
        return self.in_use.config

    @property
    def epoch_plan(self) -> EpochPlan:
        """How the steps lie in the epochs."""
        return self.batches.plan

    def place_at(self, step: int) -> StepPlace:
        """Where the step behind so many stands in its epoch."""
        return self.epoch_plan.at(step)

    @property
    def batch_size(self) -> int:
        """Examples in a batch of the present epoch, of which a step takes one or several."""
        return self.batch_size_at(self.step)

    def batch_size_at(self, step: int) -> int:
        """Examples in a batch of the step behind so many."""
        return self.epoch_plan.piece_at(step).size // self.config.accumulation

    @property
    def is_divided(self) -> bool:
        """Whether this process holds a part of weights, gradients and optimizer alone."""
        return self._divided

    @property
    def replaying(self) -> bool:
        """Whether it is on the way from a checkpoint to the step that :meth:`go_back` was asked for."""
        return self.step < self.replay_until

    @property
    def next_new_step(self) -> int:
        """The next step that is not made once more: from there on holds what is asked for now."""
        return max(self.step, self.replay_until)

    @property
    def moment(self) -> tuple[int, int]:
        """When something is set by hand just now: steps made, and epochs evaluated."""
        return self.step, self.evaluated_epochs

    @property
    def shown_network(self) -> Network:
        """The network with the weights that are validated and kept: the average of them, if there is one."""
        return self.average.network if self.average is not None and self.shows_average else self.network

    @property
    def shows_average(self) -> bool:
        """Whether it is the average of the weights that is validated and kept."""
        return self.average is not None and self.average.begun(self.step)

    def showing(self) -> AbstractContextManager[None]:
        """Within it ``shown_network`` has the numbers that are validated, also where it is divided."""
        return self.average.in_place() if self.average is not None and self.shows_average else nullcontext()

    def tell_the_others(self) -> None:
        """The state is another than what the last step left."""
        if self.together is not None:
            self.together.state_changed()

    # -- taking on what is asked for, and what was planned for a step -------------------------------------------------

    def plan(self, base: float | None = None, epochs: int | None = None, settings: LiveSettings | None = None) -> None:
        """Another learning rate, goal or settings, from the next step that is trained; None leaves them."""
        if self.plans.change(self.next_new_step, base, epochs, settings):
            self._resize()
            if not self.replaying:
                self.use_latest()

    def curate(self, entries: Sequence[Curated]) -> None:
        """Other decisions about single examples, from the next epoch on; before the first step at once."""
        step = self.next_new_step
        self.batches.curate(entries, self.epoch_plan.next_epoch(step), step)
        self._begin_batches_anew()
        self.tell_the_others()

    def switch_units(self, switches: UnitSwitches) -> None:
        """Units are off or frozen like this from the present step on."""
        self.ways.switchboard.record(self.step, switches)
        self._use_switches(switches)

    def use_planned(self) -> None:
        """Before a step: it is made with what was planned for it."""
        replaying = self.replaying
        if self.rates.varies or replaying:
            self.in_use.use_rate(self.rates.at(self.step, self.epoch_plan))
        if replaying:
            if self.ways.switchboard.history:
                self._use_switches(self.ways.switchboard.at(self.step))
            self._use_settings(self.plans.at(self.step).settings)
        if self.in_use.keeps_too_much:
            self.in_use.let_go()

    def use_latest(self) -> None:
        """Learning rate and settings are those that are planned from now on."""
        self.in_use.use_rate(self.rates.at(self.next_new_step, self.epoch_plan))
        self._use_settings(self.plans.latest.settings)

    def step_made(self) -> None:
        """Behind a step: counts it, and takes on what was asked for at this place."""
        self.weights_of = None
        self.step += 1
        if self.average is not None:
            self.average.follow(self.step)
        if self.step <= self.replay_until:
            self.edit_again()
        if self.step == self.replay_until:
            self.use_latest()
            self._use_switches(self.ways.switchboard.at(self.step))

    def edit_again(self) -> None:
        """What was set by hand at this very moment the first time it was reached; elsewhere there is nothing."""
        if self.editor.make_again(self.moment, averaged=self.shows_average):
            self.tell_the_others()

    def look_back(self) -> None:
        """What the figures so far mean for the rest of the way."""
        self.rates.look_anew()
        self.early_end.look_back()

    def _resize(self) -> None:
        """Batches of the size that is wanted now, from the next epoch on that begins; before the first step at once."""
        size = self.plans.latest.settings.batch_size * self.config.accumulation
        plan = self.epoch_plan.with_size(size, self.epoch_plan.next_epoch(self.next_new_step))
        if plan.sizes != self.epoch_plan.sizes:
            self.batches.use_plan(plan)
            self._begin_batches_anew()

    def _begin_batches_anew(self) -> None:
        """Between two epochs: the next one would have begun as it was planned before."""
        if not self.replaying and self.epoch_plan.at(self.step).batch == 0:
            self.batches.begin_anew()

    def _use_settings(self, settings: LiveSettings) -> None:
        """Network, optimizer and updates have these from here on."""
        if not self.in_use.are(settings):
            self.in_use.use(settings, begun=self.step > 0)
            self.ways.freeze(settings.frozen)
            self.tell_the_others()

    def _use_switches(self, switches: UnitSwitches) -> None:
        if switches == self.ways.switchboard.now:
            return
        self.ways.use_switches(switches)
        self.tell_the_others()

    # -- keeping and going back ---------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """Bytes that :meth:`capture` takes, the best weights left out: those are kept already."""
        own = 0 if self.record is None else self.record.nbytes
        own += checkpoints.size_of(self.network.state_dict()) if self.average is not None else 0
        return checkpoints.state_bytes(self.network, self.optimizer) + own

    def capture(self, *, copied: bool) -> Checkpoint:
        """A copy of all of it.

        Args:
            copied: False gives the live tensors, for whoever writes them down before the next step.
        """
        self.losses.settle(self.step)
        average = self.average if self.average is not None and self.average.begun(self.step) else None
        captured = checkpoints.capture(
            self.network,
            self.optimizer,
            self.random.capture(),
            self._progress(),
            self.best.weights,
            self._data.fingerprint,
            self.ways.switchboard.now,
            None if self.record is None else self.record.capture(copied=copied),
            self.batches.curation_at(self.step).entries,
            None if average is None or self.is_divided else average.capture(copied=copied),
            self.plans.latest.settings,
            self.epoch_plan.sizes,
            self.batches.latest.entries,
            copied=copied,
            whole=self.together.gathering() if self.together is not None and self.is_divided else None,
        )
        if self.together is not None and average is not None and self.is_divided:  # behind what all give before it
            whole = self.together.whole
            captured = replace(captured, average={name: whole(part) for name, part in average.numbers.items()})
        if not self.in_use.keeps_too_much:
            return captured
        return replace(captured, optimizer=self.in_use.needed(captured.optimizer))

    def with_what_was_set(self, checkpoint: Checkpoint) -> Checkpoint:
        """A checkpoint of the present step, taken earlier, with all that was set by hand since then."""
        progress, rate = self._progress(), self.rates.at(self.next_new_step, self.epoch_plan)
        return replace(
            checkpoint,
            progress=msgspec.structs.replace(
                checkpoint.progress,
                base_rate=progress.base_rate,
                more_until=progress.more_until,
                test_uses=progress.test_uses,
            ),
            # Where there is no schedule the rate is the optimizer's own, and stands nowhere else.
            optimizer_groups=tuple({**group, "lr": rate} for group in checkpoint.optimizer_groups),
            switches=self.ways.switchboard.now,
            live=self.plans.latest.settings,
            sizes=self.epoch_plan.sizes,
            curation=self.batches.curation_at(self.step).entries,
            decided=self.batches.latest.entries,
        )

    def _progress(self) -> Progress:
        best = self.best
        scale, scaled_steps = self.ways.scale
        return Progress(
            step=self.step,
            evaluated_epochs=self.evaluated_epochs,
            epoch_loss=self.losses.total.hex(),
            epoch_count=self.losses.count,
            best_epoch=best.epoch,
            best_loss=best.loss.hex(),
            test_uses=self.test_uses,
            base_rate=self.plans.latest.base.hex() if self.rates.varies else "",
            best_figure=best.figure.hex() if best.epoch and self.config.best_by != LOSS else "",
            figures=self.validated.stored,
            went_on_after=self.early_end.went_on_after,
            more_until=self.plans.latest.epochs if self.goes_beyond else 0,
            loss_scale=scale.hex() if scale else "",
            loss_scale_steps=scaled_steps,
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        """Goes on from a checkpoint, with the learning rate that was used there and the units switched as they were.

        Raises:
            RunFileError: It belongs to another network or another optimizer, or cannot be right; nothing was changed.
            DataError: It was made on other data, likewise.
        """
        checkpoints.check_data(checkpoint, self._data.fingerprint)
        own = self.epoch_plan
        self.batches.use_plan(self.batches.plan_of(checkpoint.sizes))
        try:
            self._check(checkpoint)
        except BaseException:
            self.batches.use_plan(own)
            raise
        self._put_back(checkpoint)
        self.ways.switchboard.begin_from(self.step, checkpoint.switches)
        self._use_switches(checkpoint.switches)
        self.editor.edits.clear()
        self.replay_until = 0
        self.batches.begin_from(checkpoint.curation, checkpoint.decided, self.step)
        progress = checkpoint.progress
        base = float.fromhex(progress.base_rate) if progress.base_rate else None
        if base is None and self.optimizer is not None:  # without a schedule the one is the other
            base = float(self.optimizer.param_groups[0]["lr"])
        more = progress.more_until > self.plans.latest.epochs
        self.goes_beyond = self.goes_beyond or more
        self.plans.begin_anew(base, progress.more_until if more else None, checkpoint.live)
        self._use_settings(self.plans.latest.settings)

    def go_back(self, checkpoint: Checkpoint, step: int) -> None:
        """Returns to an earlier step by way of a checkpoint before it, from where the steps are made once more.

        Args:
            checkpoint: One that :meth:`capture` made since the start or the last :meth:`restore`, not behind ``step``.
            step: Where to go.
        """
        went_on = self.early_end.went_on_after
        self._put_back(checkpoint)
        if self.epoch_plan.step_of(went_on) <= step:
            self.early_end.went_on_after = went_on
            self.look_back()
        self.editor.edits.forget_after(step)
        self.edit_again()  # a state that was kept before the edits of its own step
        self.plans.go_back(step)
        self.replay_until = step
        self._resize()
        self.batches.go_back(step)
        self.ways.switchboard.go_back(step)
        self._use_switches(self.ways.switchboard.at(self.step))
        self._use_settings(self.plans.at(self.step).settings)
        if not self.replaying:
            self.in_use.use_rate(self.rates.at(self.step, self.epoch_plan))

    def for_the_others(self) -> dict[str, bytes]:
        """What decides the next step, for the other processes: not what only the first one keeps.

        Where the numbers of the network are divided, neither these nor those of the optimizer.
        """
        # Steps that are made again have the settings of then, not the latest ones.
        live = self.plans.at(self.step).settings if self.replaying else self.plans.latest.settings
        if not self.is_divided:
            return checkpoints.to_blobs(replace(self.capture(copied=False), best=None, examples={}, live=live))
        curation = self.batches.curation_at(self.step).entries
        bare = Checkpoint(
            self._progress(),
            {},
            random=self.random.capture(),  # which each keeps its own of; no checkpoint is without
            switches=self.ways.switchboard.now,
            curation=curation,
            live=live,
            sizes=self.epoch_plan.sizes,
            decided=self.batches.latest.entries,
        )
        return checkpoints.to_blobs(bare)

    def take(self, checkpoint: Checkpoint) -> None:
        """In a process that follows another one: the state of that; the random numbers stay this one's own."""
        self.batches.use_plan(self.batches.plan_of(checkpoint.sizes))
        self._put_back(replace(checkpoint, random=self.random.capture()))
        self._take_on(checkpoint)

    def take_settings(self, checkpoint: Checkpoint) -> None:
        """Likewise where the network is divided: all but the numbers of network and optimizer."""
        self.batches.use_plan(self.batches.plan_of(checkpoint.sizes))
        self.batches.begin_anew()
        self._take_on(checkpoint)

    def _take_on(self, checkpoint: Checkpoint) -> None:
        """What is decided by hand in the training that this process follows."""
        # What was changed while it trained is not in the project, which is all that this process began with.
        if checkpoint.curation is not None:
            self.batches.begin_from(checkpoint.curation, checkpoint.decided, self.step)
        if checkpoint.live is not None:
            self.plans.begin_anew(settings=checkpoint.live)
        self._use_settings(self.plans.latest.settings)
        self._use_switches(checkpoint.switches)

    def _check(self, checkpoint: Checkpoint) -> None:
        checks.check_checkpoint(
            checkpoint,
            self.network,
            self.optimizer,
            self.config,
            self._device,
            plan=self.epoch_plan,
            examples=self.batches.feeder.count,
            has_average=self.average is not None and self.average.begun(checkpoint.progress.step),
        )

    def _put_back(self, checkpoint: Checkpoint) -> None:
        progress = checkpoint.progress
        if checkpoint.best is not None:
            checkpoints.check_weights(checkpoint.best, self.network)
        together = self.together
        dividing = together is not None and self.is_divided and together.ranks.leads
        divided = together.divide(checkpoint) if together is not None and dividing else checkpoint
        checkpoints.restore(divided, self.network, self.optimizer)
        self.tell_the_others()
        self.random.restore(dict(checkpoint.random))
        self.step = progress.step
        self.weights_of = None
        self.evaluated_epochs = progress.evaluated_epochs
        self.losses.restore(float.fromhex(progress.epoch_loss), progress.epoch_count)
        self.best.restore(checkpoint.best, progress)
        if self.average is not None and divided.average:
            self.average.restart(divided.average)
        self.validated.restore(progress.figures, progress.evaluated_epochs)
        self.early_end.went_on_after = progress.went_on_after
        self.look_back()
        scale = float.fromhex(progress.loss_scale) if progress.loss_scale else 0.0
        self.ways.restore_scale(scale, progress.loss_scale_steps)
        self.test_uses = max(self.test_uses, progress.test_uses)  # What was seen cannot be unseen.
        self.batches.begin_anew()
        if self.record is not None:
            self.record.restore(checkpoint.examples)
        self.in_use.came_with_checkpoint()
