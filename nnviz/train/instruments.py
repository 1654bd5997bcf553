"""The probes of a session: asks the budget which are due, lets them measure, and puts what they saw into the run."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from nnviz.probes.base import Answers, ExampleInput, Measurement, Probe, Stage
from nnviz.probes.budget import Budget
from nnviz.probes.findings import FindingRules
from nnviz.probes.fixed_steps import FixedSteps
from nnviz.project import registry
from nnviz.project.model import MOST_PINS, Pinned, Project, usual_split
from nnviz.record.interest import EVERYTHING, Interest
from nnviz.record.quantities import BIASES, OUTPUT, PLANE, SATURATING, SILENT_FRACTION, WEIGHTS
from nnviz.record.quantity import Quantity
from nnviz.record.run import Run
from nnviz.train import data_evidence, devices, loop
from nnviz.train.input_plane import input_plane
from nnviz.train.rate_trials import RateTrials
from nnviz.train.training import Training

#: Examples in the probe set.
PROBE_COUNT = 2000
#: Part of the budget that is given out. Half as much again is lost around it: what is measured between two steps pushes
#: the training's numbers out of the processor's caches, and what was measured is packed and written by a thread that
#: takes its time from the same cores (mlp-512-dropout on two cores, in turn with a bare loop).
_SPENDABLE = 0.5
#: Seconds of training whose share is given out beforehand.
_ADVANCE = 1.0
#: Seconds between two looks at which probes are due: a step may take less than asking each of them.
_LOOK_EVERY = 0.003
#: Seconds between two examinations of the run, which may take one part in this many of the time.
_EXAMINE_EVERY = 1.0
_EXAMINE_SHARE = 200
#: Seconds after which a measurement while resting lets others have their turn.
_PATIENCE = 0.03
#: Fixes which ones.
_PROBE_SEED = 0
#: Examples that are followed at once.
_EXAMPLES = MOST_PINS + 2
#: What changes when another example or another node is looked at.
_FOLLOW_THE_EYE = frozenset({OUTPUT, PLANE})
#: What changes when a weight does, as far as it is measured at once.
_FOLLOW_THE_WEIGHTS = _FOLLOW_THE_EYE | {WEIGHTS, BIASES}
#: Of so many steps one is looked at with the clock of the thread, which takes longer to read than others. No epoch has
#: a multiple of it by habit, so that not always the same steps of an epoch are meant.
_CLOCKED = 7
#: After so many steps with a look, one after the other, every step has one: they are long.
_ALL_LOOKS = 3 * _CLOCKED
#: What the findings need, and what calls for it at once, of which node they find it in: it follows the eye, and is not
#: asked for more nodes.
_NEEDS = Interest(FindingRules.needs | {SILENT_FRACTION, SATURATING}, frozenset())
#: Seconds between two measurements at rest of what only the findings need: they look no more often.
_FOR_FINDINGS = _EXAMINE_EVERY
#: Part of the budget that a measurement that must not wait may take of the time since it began, while training goes
#: on: with what is given out to all, no more than the whole; and of the time after it, what measurements that the news
#: call for may take, with so many seconds between two of them at the least.
_PRESSING = 1.0 - _SPENDABLE
_NEWS_SHARE = 0.03
_NEWS_EVERY = 1.0


class Instruments:
    """Drives probes through the stages of a step. Belongs to the thread that owns the network.

    What a measurement takes is charged to the budget; a forced one (step 0, paused, single step) is not charged.

    Args:
        training: What is measured.
        run: Where it goes.
        probes: May be empty; then nothing here does anything.
        share: Seconds of measuring for a second of training.
        pinned: The example to show as long as nobody looks at another one; as an interest's ``examples``.
        pins: Those that are measured beside it then.
    """

    def __init__(
        self,
        training: Training,
        run: Run,
        probes: Sequence[Probe],
        share: float,
        pinned: Pinned = 0,
        pins: Iterable[Pinned] = (),
    ) -> None:
        self._training = training
        self._run = run
        if training.is_divided:
            probes = [probe for probe in probes if probe.looks_at_outputs]
        self._probes = tuple(probes)
        self._at = {stage: tuple(probe for probe in probes if probe.stage is stage) for stage in Stage}
        self._always = [probe for probe in self._at[Stage.BACKWARD] if probe.essential and not probe.wanted_interval]
        self._next_look = 0.0
        self._trained = 0.0  # seconds that the budget does not know of yet
        self._uncharged = 0.0  # and those of measuring by who sees every step
        self._pressing_share = _PRESSING * share
        self._budget = Budget(_SPENDABLE * share, advance=_ADVANCE)
        self._probe_inputs = self._choose_probe_set() if self._probes else None
        self._plane = input_plane(training) if self._probes else None
        self._pinned = (pinned, *pins)
        self._examples: tuple[ExampleInput, ...] = ()
        #: Tries learning rates for the findings.
        self.trials = RateTrials(training)
        self._rules = self._make_rules() if self._probes else None
        self._examined = 0.0
        self._examine_every = _EXAMINE_EVERY
        self._interest = self._wanted = EVERYTHING
        self._each = Measurement(training.network, training.step, whole=False)
        self._asked = self._probes  # those that measure what is wanted
        self._for_findings: dict[str, float] = {}  # when what only the findings need was measured, by the probe's name
        self._measuring = 0.0
        self._looks_in_a_row = 0
        self._at_fixed_steps = tuple(probe for probe in self._at[Stage.REST] if probe.at_fixed_steps)
        images = 0 if self._probe_inputs is None else len(self._probe_inputs)
        self._probed = images
        self._last_fixed = training.step
        self._next_fixed = self._fixed_after(training.step)
        self._news: frozenset[Quantity] = frozenset()
        #: probe -> when it began, seconds that it took since, whether at a fixed step
        self._pressing: dict[str, tuple[float, float, bool]] = {}
        self._calm_until = 0.0
        self._watched = {probe.name: 0.0 for probe in self._at[Stage.FORWARD]}  # seconds of looking at this batch
        #: Seconds that the last step took without what was measured in it. On a GPU only its beginning is waited for.
        self.bare_seconds = 0.0
        #: How long the training's thread was computing in the last step; NaN where nobody looked.
        self.computed_seconds = math.nan
        self._take_examples()

    @property
    def cost(self) -> float:
        """Seconds of measuring for a second of training, lately."""
        return self._budget.cost

    @property
    def cost_seconds(self) -> float:
        """Seconds of training over which that is reckoned: of few, it is what the first measurements took."""
        return self._budget.seconds

    # -- a step -------------------------------------------------------------------------------------------------------

    def advance(self, *, forced: bool = False) -> int:
        """One step of training with everything that is due measured around it.

        Args:
            forced: Measure all that belongs to the step itself, whatever it costs. What can be measured at rest is left
                to :meth:`measure_all`, which does it piece by piece.

        Returns:
            Number of examples in the batch.
        """
        training = self._training
        began = time.perf_counter()
        clocked = training.step % _CLOCKED == 0
        computed = time.thread_time() if clocked else math.nan
        self.computed_seconds = math.nan
        if not self._probes:
            count = training.advance()
            self.bare_seconds = time.perf_counter() - began
            if clocked:
                self.computed_seconds = time.thread_time() - computed
            return count
        self._measuring = 0.0
        fixed_step = training.step + 1 >= self._next_fixed
        if not forced and began < self._next_look and not fixed_step:
            # Too soon for anybody but those who see every step.
            count = training.advance(self._look_at_each if self._always else None)
            self.bare_seconds = max(0.0, time.perf_counter() - began - self._measuring)
            if clocked:
                self.computed_seconds = max(0.0, time.thread_time() - computed - self._measuring)
            self._trained += self.bare_seconds
            self._looks_in_a_row = 0
            return count
        # What a look takes beside measuring (choosing, watching, modules that are called one by one) would count as the
        # step's own: of small networks a fifth. So a step with a look tells only where there are no others.
        self._looks_in_a_row += 1
        clocked = clocked and self._looks_in_a_row > _ALL_LOOKS
        self._next_look = began + _LOOK_EVERY
        if self._uncharged:
            self._charge_each()
        backward = self._due(Stage.BACKWARD, began, forced)
        update = self._due(Stage.UPDATE, began, forced)
        watching = self._due(Stage.FORWARD, began, forced)
        after_backward = self._after_backward(backward, forced) if backward else None
        around_update = self._around_update(update, forced) if update else None
        with self._watch(watching):
            computed, measured = time.thread_time() if clocked else math.nan, self._measuring
            count = training.advance(after_backward, around_update)
            if clocked:
                beside = self._measuring - measured + sum(self._watched[probe.name] for probe in watching)
                self.computed_seconds = max(0.0, time.thread_time() - computed - beside)
        if watching:
            measurement = self._measurement(forced)
            measurement.count = count
            self._measure(watching, measurement, forced, self._watched)
            for probe in watching:
                self._news |= probe.news()
        ended = time.perf_counter()
        self.bare_seconds = max(0.0, ended - began - self._measuring)
        self._budget.trained(self._trained + self.bare_seconds)
        self._trained = 0.0
        if fixed_step:
            self._measure_fixed()
        if not forced:
            self._measure_news(ended)
            resting = [*self._due(Stage.REST, ended, False), *self._due_pressing(ended)]
            if self.trials.busy and self._budget.due(self.trials, ended):
                resting.append(self.trials)
            if resting:
                self._measure(dict.fromkeys(resting), self._measurement(False), False)
        return count

    def measure_all(self, *, fixed: bool = False) -> None:
        """Begins to measure everything that can be measured while the training rests; see ``busy``.

        Args:
            fixed: This step is one that the project fixes: the first.
        """
        self._measure_resting([probe for probe in self._asked if probe.stage is Stage.REST], fixed=fixed)
        self.flush()

    def look_from_here(self) -> None:
        """Other weights were put in at this step, and training goes on with them: what comes is compared with these."""
        self.go_back(self._training.step)
        self._measure_fixed()

    def look_anew(self) -> None:
        """Numbers of the weights were set by hand at this step: what was measured at it is measured again."""
        for probe in (*self._probes, self.trials):
            probe.look_anew(self._training.step)
        self._news = frozenset()
        self._measure_fixed()

    def show_weights(self) -> None:
        """Only what a change of the weights makes out of date on cards and pictures, at once, also while training."""
        resting = [probe for probe in self._asked if probe.stage is Stage.REST]
        self._measure_resting([probe for probe in resting if not _FOLLOW_THE_WEIGHTS.isdisjoint(probe.fills)])

    @property
    def busy(self) -> bool:
        """Whether something that was begun is not finished; :meth:`continue_measuring` does another piece of it."""
        return self.trials.busy or any(probe.busy for probe in self._probes)

    def continue_measuring(self) -> None:
        """Another piece, a fraction of a second, of what is not finished."""
        self._measure_resting([probe for probe in (*self._at[Stage.REST], self.trials) if probe.busy])

    @property
    def interest(self) -> Interest:
        """What is looked at; everything until somebody says otherwise."""
        return self._interest

    def look(self, interest: Interest) -> None:
        """From now on measure what is looked at here, and what the findings need; :meth:`measure_news` is at once."""
        self._interest, self._wanted = interest, interest | _NEEDS
        self._asked = tuple(probe for probe in self._probes if probe.essential or self._wanted.wants(*probe.fills))
        self._take_examples()

    def measure_news(self, before: Interest | None = None) -> None:
        """Only what depends on the examples and the nodes that are looked at, for when nothing else would measure it.

        Args:
            before: What was looked at until now; what was looked at already and follows no eye is left alone.
        """
        resting = [probe for probe in self._asked if probe.stage is Stage.REST]
        if before is not None:
            known = before | _NEEDS
            news = {one for probe in resting for one in probe.fills if self._wanted.wants(one) and not known.wants(one)}
        else:
            news = set()
        news |= _FOLLOW_THE_EYE
        self._measure_resting([probe for probe in resting if not news.isdisjoint(probe.fills)])

    def _measure_resting(self, probes: Sequence[Probe], *, fixed: bool = False) -> None:
        if probes:
            measurement = self._measurement(True)
            measurement.fixed = fixed
            measurement.patience = _PATIENCE
            self._measure(probes, measurement, True)

    def flush(self) -> None:
        """Puts into the run what the probes still hold back."""
        for probe in self._probes:
            self._run.append(probe.flush())

    def go_back(self, step: int) -> None:
        """The training went back to this step, or its weights were replaced at it."""
        for probe in (*self._probes, self.trials):
            probe.go_back(step)
        self._last_fixed, self._next_fixed = step, self._fixed_after(step)
        self._news = frozenset()

    def examine(self) -> None:
        """Puts into the run what its series give reason to say, and takes back what no longer holds."""
        if self._rules is None:
            return
        began = time.perf_counter()
        self._run.append(self._rules.examine(self._run, self.trials.ask))
        self._examined = time.perf_counter()
        self._examine_every = max(_EXAMINE_EVERY, _EXAMINE_SHARE * (self._examined - began))

    def examine_if_due(self) -> None:
        """The same while training, often enough to be noticed and seldom enough not to be felt."""
        if time.perf_counter() - self._examined >= self._examine_every:
            self.examine()

    # -- inside -------------------------------------------------------------------------------------------------------

    def _due(self, stage: Stage, now: float, forced: bool) -> list[Probe]:
        asked = [probe for probe in self._asked if probe.stage is stage]
        if forced:
            return asked
        return [probe for probe in asked if self._is_in_time(probe, now) and self._budget.due(probe, now)]

    def _fixed_after(self, step: int) -> int:
        """The first step behind this one that the project fixes, by the size that its batches have there."""
        piece = self._training.epoch_plan.piece_at(step)
        work = self._training.network.inference.macs * piece.size
        fixed = FixedSteps.of(piece.steps, piece.size, self._probed, work)
        return piece.first_step + fixed.after(step - piece.first_step)

    def _measure_fixed(self) -> None:
        """Begins what is measured at the steps that the project fixes; it goes on while training does."""
        self._last_fixed, self._next_fixed = self._training.step, self._fixed_after(self._training.step)
        probes = [probe for probe in self._at_fixed_steps if probe in self._asked]
        if probes and self._budget.share > 0:
            measurement = self._measurement(False)
            measurement.fixed = True
            self._press(probes, measurement)

    def _measure_news(self, now: float) -> None:
        """Begins at once what has become out of date, unless that was just now."""
        if not self._news or now < self._calm_until:
            return
        probes = [probe for probe in self._at[Stage.REST] if not self._news.isdisjoint(probe.fills)]
        if any(probe.name in self._pressing for probe in probes):
            return
        self._news = frozenset()
        probes = [probe for probe in probes if probe in self._asked]
        if probes and self._budget.share > 0:
            measurement = self._measurement(False)
            measurement.anew = True
            self._press(probes, measurement)

    def _press(self, probes: Sequence[Probe], measurement: Measurement) -> None:
        now = time.perf_counter()
        for probe in probes:
            self._pressing[probe.name] = (now, 0.0, measurement.fixed)
        self._measure(probes, measurement, False)

    def _due_pressing(self, now: float) -> list[Probe]:
        """Those that have begun and must not wait, as far as they do not hold the training up."""
        due = []
        for probe in self._at[Stage.REST]:
            if probe.name not in self._pressing:
                continue
            began, took, fixed = self._pressing[probe.name]
            # What began at a fixed step is to be done before the next one, and not all at once then. What the news
            # called for has no such time: in a network whose pass takes long it would take far more than the budget.
            passed = (self._training.step - self._last_fixed) / max(self._next_fixed - self._last_fixed, 1)
            if took <= self._pressing_share * (now - began) or (fixed and probe.progress < passed):
                due.append(probe)
        return due

    def _watch(self, probes: Sequence[Probe]) -> AbstractContextManager[None]:
        """Shows the nodes' outputs of one batch to these probes, with a clock beside them."""
        network = self._training.network
        watchers: dict[str, Callable[[Tensor], None]] = {}
        for probe in probes:
            self._watched[probe.name] = 0.0
            for node, look in probe.watch(network).items():
                watchers[node] = self._timed(probe.name, look, watchers.get(node))
        return network.watched(watchers) if watchers else nullcontext()

    def _timed(
        self, name: str, look: Callable[[Tensor], None], other: Callable[[Tensor], None] | None
    ) -> Callable[[Tensor], None]:
        def watcher(output: Tensor) -> None:
            if other is not None:
                other(output)
            began = time.perf_counter()
            look(output)
            took = time.perf_counter() - began
            self._watched[name] += took

        return watcher

    def _is_in_time(self, probe: Probe, now: float) -> bool:
        """Whether enough time has passed for a measurement at rest that only the findings need."""
        if probe.stage is not Stage.REST or probe.busy or self._interest.wants(*probe.fills):
            return True
        if now - self._for_findings.get(probe.name, -_FOR_FINDINGS) < _FOR_FINDINGS:
            return False
        self._for_findings[probe.name] = now
        return True

    def _measurement(self, whole: bool) -> Measurement:
        return Measurement(
            network=self._training.network,
            step=self._training.step,
            epoch=self._training.epoch,
            probe_inputs=self._probe_inputs,
            examples=self._examples,
            plane=self._plane,
            interest=self._wanted,
            whole=whole,
            weights_of=self._training.weights_of,
            room=self._training.room.allows,
        )

    def _measurement_of_batch(self, loss: Tensor, answers: Answers | None, count: int, whole: bool) -> Measurement:
        measurement = self._measurement(whole)
        measurement.step += 1  # The update that is just being made.
        measurement.loss, measurement.answers, measurement.count = loss, answers, count
        return measurement

    def _answers(self, outputs: Tensor, targets: Tensor) -> Answers | None:
        function = self._training.loss_function
        if not function.has_accuracy:
            return None
        weights = self._training.coming.weights_of_next()
        if weights is not None and not bool(weights.all()):
            # Who is left out is neither right nor wrong.
            counted = weights.nonzero()[:, 0].to(outputs.device)
            outputs, targets = outputs.index_select(0, counted), targets.index_select(0, counted)
            if not len(outputs):
                return None
        return Answers(outputs, targets, function.right)

    def _look_at_each(self, loss: Tensor, outputs: Tensor, targets: Tensor) -> None:
        """Shows a batch to those who see every step, between two looks at the clock: as little as can be beside it."""
        began = time.perf_counter()
        measurement = self._each
        measurement.step, measurement.epoch = self._training.step + 1, self._training.epoch
        measurement.loss, measurement.count = loss, len(targets)
        measurement.answers = self._answers(outputs, targets)
        for probe in self._always:
            readings = probe.measure(measurement)
            if readings:
                self._run.append(readings)
        took = time.perf_counter() - began
        self._measuring += took
        self._uncharged += took

    def _charge_each(self) -> None:
        """Charges the budget with what seeing every step has taken."""
        for probe in self._always:
            self._budget.spent(probe, self._uncharged / len(self._always))
        self._uncharged = 0.0

    def _after_backward(self, probes: list[Probe], forced: bool) -> loop.AfterBackward:
        def look(loss: Tensor, outputs: Tensor, targets: Tensor) -> None:
            answers = self._answers(outputs, targets)
            self._measure(probes, self._measurement_of_batch(loss, answers, len(targets), forced), forced)

        return look

    def _around_update(self, probes: list[Probe], forced: bool) -> loop.AroundUpdate:
        def look(loss: Tensor, outputs: Tensor, targets: Tensor, update: Callable[[], object]) -> None:
            measurement = self._measurement_of_batch(loss, None, len(targets), forced)
            before = {}
            for probe in probes:
                began = self._start_clock(probe)
                probe.before_update(measurement)
                before[probe.name] = self._read_clock(probe, began)
            update()
            self._measure(probes, measurement, forced, before)

        return look

    def _measure(
        self, probes: Iterable[Probe], measurement: Measurement, forced: bool, before: Mapping[str, float] | None = None
    ) -> None:
        """Lets probes measure, and tells the budget how long it took, with what they took before."""
        for probe in probes:
            began = self._start_clock(probe)
            readings = probe.measure(measurement)
            if readings:
                self._run.append(readings)
            took = self._read_clock(probe, began) + (before or {}).get(probe.name, 0.0)
            self._budget.spent(probe, took, forced)
            self._measuring += took
            self._note_pressing(probe, took)

    def _note_pressing(self, probe: Probe, took: float) -> None:
        found = self._pressing.get(probe.name)
        if found is None:
            return
        began, before, fixed = found
        if probe.busy:
            self._pressing[probe.name] = (began, before + took, fixed)
            return
        del self._pressing[probe.name]
        self._calm_until = time.perf_counter() + max(_NEWS_EVERY, (before + took) / _NEWS_SHARE)

    def _start_clock(self, probe: Probe) -> float:
        """The time now; on a GPU after the training before it is done, which is not the probe's to pay for.

        Who looks at every batch would make training wait at every batch, so there only the time on this side counts.
        """
        if not probe.essential and probe.stage is not Stage.FORWARD:
            devices.synchronise(self._training.device)
        return time.perf_counter()

    def _read_clock(self, probe: Probe, began: float) -> float:
        if not probe.essential and probe.stage is not Stage.FORWARD:
            devices.synchronise(self._training.device)
        return time.perf_counter() - began

    @property
    def _split(self) -> str:
        """Where the examples come from that are looked at: the validation split, or training where that is empty."""
        return usual_split(len(self._training.data.validation))

    def _take_examples(self) -> None:
        """Prepares what is looked at, the nearest one for a number that does not exist.

        The example that the cards show stays the first as long as somebody looks at it; then what came new takes its
        place: so it follows the pinned one, whoever compares it with others.
        """
        if not self._probes:
            return
        interest = self._interest
        wanted = {self._place(one) for one in interest.examples or self._pinned}
        known = {(str(one.meta["split"]), one.index): one for one in self._examples}
        first = next(iter(known), ("", -1))
        named = self._pinned[0] if not interest.examples else interest.first
        if named is not None and self._place(named) in wanted:
            first = self._place(named)
        if first not in wanted:
            first = min(wanted - known.keys() or wanted)
        order = [first, *sorted(wanted - {first})][:_EXAMPLES]
        self._examples = tuple(known.get(place) or self._example(*place) for place in order)

    def _place(self, named: int | tuple[str, int]) -> tuple[str, int]:
        """Split and number of an example that is named; the test set is sealed."""
        split, index = named if isinstance(named, tuple) else (self._split, named)
        if split not in ("train", "validation") or not len(self._training.data.split(split)):
            split = self._split
        return split, min(max(index, 0), len(self._training.data.split(split)) - 1)

    def _example(self, split: str, index: int) -> ExampleInput:
        meta: dict[str, str | int | float] = {
            "sample": index,
            "label": self._training.data.describe(index, split),
            "split": split,
        }
        name = "" if split == self._split else f"{split}:{index}"
        return ExampleInput(index, self._training.feeder(split).prepare([index]), meta, name)

    def _make_rules(self) -> FindingRules:
        """The rules of the findings, with what they may know of the data."""
        training = self._training
        facts = training.data.facts
        classes = {"classes": facts.targets, "binary": 2}.get(facts.task, 0)
        optimizer = registry.optimizer(training.config.optimizer.kind)
        graph, known = training.network.graph, data_evidence.evidence(training.data, classes)
        project = Project(graph=graph, data=training.data.config, training=training.config)
        return FindingRules(graph, classes, known, optimizer, project)

    def _choose_probe_set(self) -> Tensor:
        """2,000 validation examples, always the same; all where there are fewer, of training where there are none."""
        data, split = self._training.data, self._split
        count = len(data.split(split))
        feeder = self._training.feeder(split)
        if count <= PROBE_COUNT:
            return feeder.prepare(torch.arange(count))
        generator = torch.Generator().manual_seed(_PROBE_SEED)
        return feeder.prepare(torch.randperm(count, generator=generator)[:PROBE_COUNT].sort().values)
