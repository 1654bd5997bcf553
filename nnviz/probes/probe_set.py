"""One pass of the probe set through the network, shared by every instrument that needs it.

The pass runs on a copy of the network, taken at one step: so all its numbers belong to that step although training
goes on between two parts of it, and nothing of the live network is touched, neither its mode nor its statistics.
"""

from __future__ import annotations

import copy
import weakref
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import cast

import torch
from torch import Tensor

from nnviz.probes.base import Clock, MeasuredNetwork, Measurement, Probe, Stage, monotonic
from nnviz.probes.parts import PartSize
from nnviz.project.model import Graph
from nnviz.record.quantity import Quantity
from nnviz.record.readings import Reading

#: Seconds that one part of a pass should take: training waits for no longer than this, about.
_PART_SECONDS = 0.02
#: Memory that the outputs of one part may take, on the processor and on an accelerator.
_PART_BYTES = {"cpu": 64 * 2**20}
_PART_BYTES_ELSEWHERE = 512 * 2**20
_FIRST_PART = 8


class Collector(ABC):
    """An instrument that looks at the outputs of some nodes for every image of the probe set.

    Attributes:
        fills: The quantities whose series it writes.
        presses: Whether it looks on at fixed steps, and when something has moved; others wait for the budget.
    """

    fills: tuple[Quantity, ...] = ()
    presses: bool = False

    @abstractmethod
    def wanted(self, graph: Graph) -> Collection[str]:
        """Nodes whose outputs it needs."""

    def place(self, *, fixed: bool, weights_of: int) -> None:
        """Said before a pass begins: whether at a fixed step, and the weights of which step it sees."""
        return

    @abstractmethod
    def start(self, network: MeasuredNetwork) -> None:
        """A pass begins; ``network`` is the copy it runs on."""

    @abstractmethod
    def take(self, outputs: Mapping[str, Tensor]) -> None:
        """Outputs of one part: ``(n, channels, …)`` or ``(n, features)``, in evaluation mode, not to be changed."""

    @abstractmethod
    def finish(self, step: int, images: int) -> list[Reading]:
        """The pass is complete: what was measured, at the step at which it began."""

    def reset(self) -> None:
        """Forget what was learned from earlier passes."""
        return

    def go_back(self, step: int) -> None:
        """Training went back to this step: forget what was learned from passes behind it."""
        self.reset()


class ProbeSetPass(Probe):
    """Runs the probe set (by default 2,000 validation images fixed by the seed) through the network in evaluation mode.

    It takes parts of about 20 milliseconds, learned from the parts before (see :class:`~nnviz.probes.parts.PartSize`);
    without ``Measurement.whole`` each call does one part. What the collectors see is independent of how the pass is cut
    into parts. Collectors whose quantities nobody looks at when a pass begins are left out of it.

    A pass that began at a fixed step is always brought to its end, whatever is asked for meanwhile.

    Args:
        collectors: The instruments that look on.
        clock: For tests.
    """

    name = "probe_set"
    title = "Activations, dead units, saturation"
    stage = Stage.REST
    wanted_interval = 1.0
    weight = 6.0
    part_seconds = _PART_SECONDS
    at_fixed_steps = True

    def __init__(self, collectors: Sequence[Collector], clock: Clock = monotonic) -> None:
        self._collectors = tuple(collectors)
        self.fills = tuple(quantity for collector in self._collectors for quantity in collector.fills)
        self._clock = clock
        self._copy: MeasuredNetwork | None = None
        self._copied_from: weakref.ref[object] | None = None
        self._looking: tuple[Collector, ...] = ()  # those that look on at the pass under way, or at the last one
        self._wanted: frozenset[str] = frozenset()
        self._inputs: Tensor | None = None  # of the pass under way
        self._done = 0
        self._step = self._weights_of = -1
        self._fixed = False
        self._part = PartSize(_PART_SECONDS, _FIRST_PART)

    @property
    def busy(self) -> bool:
        """Whether a pass is under way."""
        return self._inputs is not None

    @property
    def progress(self) -> float:
        """Share of the images that have passed."""
        return 1.0 if self._inputs is None else self._done / len(self._inputs)

    def measure(self, measurement: Measurement) -> list[Reading]:
        """One part of the pass, or the whole; readings come with the last part."""
        if measurement.probe_inputs is None or not len(measurement.probe_inputs):
            return []
        looking = tuple(one for one in self._collectors if _has_to_look(one, measurement))
        if not measurement.whole and (measurement.fixed or measurement.anew):
            looking = tuple(one for one in looking if one.presses)
        started = self._clock()
        readings: list[Reading] = []
        if not self._is_copy_of(measurement.network):
            self._give_up()
        if self.busy and self._fixed and measurement.fixed and measurement.step != self._step:
            readings += self._take_rest()  # The next fixed step is here already.
        elif not self._fixed and (measurement.anew or (measurement.whole and not self._serves(measurement, looking))):
            self._inputs = None
        if not self.busy and looking:
            self._begin(measurement, looking)
        while self.busy:
            finished = self._take_part()
            if finished is not None:
                readings += finished
                if measurement.whole and not self._serves(measurement, looking):
                    self._begin(measurement, looking)  # What had to be finished first was another step's.
            if not measurement.whole or self._clock() - started > measurement.patience:
                break
        return readings

    def reset(self) -> None:
        """Give up the pass under way and what earlier ones found."""
        self._give_up()
        for collector in self._collectors:
            collector.reset()

    def go_back(self, step: int) -> None:
        """A pass under way at a fixed step that stays is brought to its end: it looks at its own copy."""
        if not (self._fixed and self._step <= step):
            self._give_up()
        for collector in self._collectors:
            collector.go_back(step)

    def look_anew(self, step: int) -> None:
        """A pass at this very step begins again; one that began before is brought to its end."""
        if self._step == step:
            self._give_up()
        self.go_back(step)

    def _give_up(self) -> None:
        self._inputs = self._copy = self._copied_from = None
        self._looking, self._wanted = (), frozenset()
        self._step = self._weights_of = -1
        self._fixed = False

    def _serves(self, measurement: Measurement, looking: tuple[Collector, ...]) -> bool:
        """Whether the pass under way, or the last one, is what is asked for."""
        weights_of = measurement.step if measurement.weights_of is None else measurement.weights_of
        same = (self._step, self._weights_of) == (measurement.step, weights_of)
        return same and set(looking) <= set(self._looking)

    def _is_copy_of(self, network: MeasuredNetwork) -> bool:
        return self._copied_from is not None and self._copied_from() is network

    def _begin(self, measurement: Measurement, looking: tuple[Collector, ...]) -> None:
        network = measurement.network
        other_units = self._copy is not None and self._copy.switched_off != network.switched_off
        if self._copy is None or other_units or not self._is_copy_of(network):
            self._inputs = self._copy = self._copied_from = None
            size = sum(tensor.numel() * tensor.element_size() for tensor in network.parameters())
            if not measurement.room(size, "Activations, dead units and saturation are not measured"):
                return
            self._looking = ()
            self._copy = _copy_of(network)
            self._copied_from = weakref.ref(network)
        else:
            _copy_state(network, self._copy)
        self._inputs = measurement.probe_inputs
        self._done = 0
        self._step, self._fixed = measurement.step, measurement.fixed
        self._weights_of = measurement.step if measurement.weights_of is None else measurement.weights_of
        if self._looking != looking or not self._wanted:
            self._looking = looking
            self._wanted = frozenset(node for collector in looking for node in collector.wanted(network.graph))
        for collector in looking:
            collector.place(fixed=self._fixed, weights_of=self._weights_of)
            collector.start(self._copy)

    def _take_rest(self) -> list[Reading]:
        readings: list[Reading] = []
        while self.busy:
            readings += self._take_part() or ()
        return readings

    def _take_part(self) -> list[Reading] | None:
        """The next part; what was measured once it was the last one."""
        assert self._inputs is not None and self._copy is not None
        started = self._clock()
        part = self._inputs[self._done : self._done + self._part.images]
        with torch.no_grad():
            outputs = self._copy.forward_all(part, self._wanted)
        for collector in self._looking:
            collector.take(outputs)
        self._done += len(part)
        # Outputs that share memory (flatten, dropout at rest) count once.
        memory = {output.data_ptr(): output.numel() * output.element_size() for output in outputs.values()}
        bytes_allowed = _PART_BYTES.get(part.device.type, _PART_BYTES_ELSEWHERE)
        fitting = int(len(part) * bytes_allowed / max(sum(memory.values()), 1))
        self._part.learn(len(part), self._clock() - started, fitting)
        if self._done < len(self._inputs):
            return None
        images, self._inputs = len(self._inputs), None
        return [reading for collector in self._looking for reading in collector.finish(self._step, images)]


def _has_to_look(collector: Collector, measurement: Measurement) -> bool:
    """Whether somebody wants what it fills, and there is a node that has it."""
    return measurement.interest.wants(*collector.fills) and bool(collector.wanted(measurement.network.graph))


def _copy_of(network: MeasuredNetwork) -> MeasuredNetwork:
    copied = copy.deepcopy(network)
    for module in copied.modules():
        module.training = False
    for parameter in copied.parameters():
        parameter.requires_grad_(False)
        parameter.grad = None
    return copied


def _copy_state(source: MeasuredNetwork, target: MeasuredNetwork) -> None:
    for of_source, of_target in (
        (list(source.parameters()), list(target.parameters())),
        (list(source.buffers()), list(target.buffers())),
    ):
        if of_source:
            with torch.no_grad():
                torch._foreach_copy_(cast(list[Tensor], of_target), [tensor.detach() for tensor in of_source])
