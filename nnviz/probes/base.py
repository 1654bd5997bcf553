"""What an instrument is: what it needs, when it runs, and what it must leave untouched.

How the owner of the network uses probes::

    for each step:
        loss = …                         FORWARD probes that are due: probe.watch(network) is shown what passes
        loss.backward()                  BACKWARD probes that are due: readings = probe.measure(m)
        UPDATE probes that are due:      probe.before_update(m)
        optimizer.step()                 the same UPDATE probes: readings = probe.measure(m)
        between two steps                the same FORWARD probes: readings = probe.measure(m)
                                         REST probes that are due: readings = probe.measure(m)

``budget.due(probe, now)`` decides which are due and ``budget.spent(probe, seconds)`` is charged what each took. A REST
probe that has much to do does a part of it at each call while ``Measurement.whole`` is false (it is ``busy`` then, and
its readings come with the last part, under the step at which it began); with ``whole`` true it finishes at once, as is
wanted at step 0, when paused, and after a single step. Most measurements come when the clock says so; a REST probe
with ``at_fixed_steps`` is also asked at steps that the project alone fixes (``Measurement.fixed``), so that what it
tells of them is the same in every training of that project. Before a pause, a stop or the end of an epoch,
``probe.flush()`` hands out what a probe still holds back. ``probe.go_back()`` forgets what lies behind a step to which
training went back, ``probe.reset()`` forgets everything: call it when the network is another one.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias

import torch
from torch import Tensor, nn

from nnviz.project.model import Graph
from nnviz.record.interest import EVERYTHING, Interest
from nnviz.record.quantity import Quantity
from nnviz.record.readings import Reading

#: Seconds from any fixed point, always forwards.
Clock: TypeAlias = Callable[[], float]
monotonic: Clock = time.perf_counter


class Stage(StrEnum):
    """The moments of a training step at which a probe may look.

    FORWARD: during the forward pass of the training batch: the outputs of the nodes are shown as they pass.
    BACKWARD: after ``loss.backward()``, before the update: the gradients stand in ``parameter.grad``.
    UPDATE: around ``optimizer.step()``: ``before_update`` before it, ``measure`` behind it.
    REST: between two steps; the probe runs its own forward passes in evaluation mode without gradients.
    """

    FORWARD = "forward"
    BACKWARD = "backward"
    UPDATE = "update"
    REST = "rest"


class MeasuredNetwork(Protocol):
    """What a probe has to know of a network: an ``nn.Module`` whose submodules carry the ids of the graph's nodes."""

    training: bool
    graph: Graph
    switched_off: Mapping[str, frozenset[int]]  # units that put out 0 because somebody switched them off, by node

    def module_of(self, node_id: str) -> nn.Module:
        """The submodule of one node."""

    def forward_all(self, x: Tensor, wanted: Collection[str] | None = None) -> dict[str, Tensor]:
        """Outputs by node id; only the wanted ones where a set is given."""

    def modules(self) -> Iterator[nn.Module]:
        """Itself and everything inside."""

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]:
        """Everything that is trained."""

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Everything that is kept but not trained, such as the running mean of a batch normalisation."""


@dataclass(frozen=True, slots=True, eq=False)
class InputPlane:
    """The plane of two input features, as the network sees them (after scaling).

    Attributes:
        x1, x2: From where to where it reaches in each direction.
        points: Some training examples, float32[n, 3]: x1, x2 and the label; on the network's device.
    """

    x1: tuple[float, float]
    x2: tuple[float, float]
    points: Tensor


def _always_room(nbytes: int, left_out: str) -> bool:
    return True


@dataclass(frozen=True, eq=False, slots=True)
class ExampleInput:
    """One example whose way through the network is looked at.

    Attributes:
        index: Its number in its split.
        name: What its series are told from the pinned example's by; the number alone where it is empty.
        input: As the network takes it, ``(1, *shape)``, on the device.
        meta: What is known of it: its index as ``sample``, its label, its split.
    """

    index: int
    input: Tensor
    meta: Mapping[str, str | int | float] = field(default_factory=dict)
    name: str = ""

    @property
    def suffix(self) -> str:
        """What the names of its series end with where another example is the pinned one."""
        return f"#{self.name or self.index}"


@dataclass(frozen=True, eq=False, slots=True)
class Answers:
    """What the network said to a batch, and what was right.

    Attributes:
        outputs: ``(n, k)``, on the device; nobody writes into it later.
        targets: ``(n, …)``, likewise.
        right: (outputs, targets) -> which are right, bool[n]; takes several batches, one behind the other, as well.
    """

    outputs: Tensor
    targets: Tensor
    right: Callable[[Tensor, Tensor], Tensor | None]


@dataclass(slots=True)
class Measurement:
    """What a probe may look at.

    Attributes:
        network: The live network.
        step: Number of finished updates; at FORWARD, BACKWARD and UPDATE the one that is just being made.
        epoch: Number of finished epochs.
        loss: Mean loss of the batch on the device, at FORWARD, BACKWARD and UPDATE.
        answers: What the network said to the batch and what was right; None where nothing can be right or wrong.
        count: Number of examples in the batch.
        probe_inputs: The probe set, prepared and on the device: by default 2,000 validation images fixed by the seed.
        examples: Those that are looked at; the first one is the pinned example, which the cards show.
        plane: Where the examples lie, if an example is two features; else None.
        interest: What is looked at just now, and what the findings need.
        whole: Finish at once. False lets a REST probe spread its work over several calls.
        patience: Seconds after which a REST probe may stop nevertheless and stay ``busy``.
        fixed: Whether the project alone says that something is measured at this step, and not the clock or the user.
        anew: Begin with the weights as they are now, whatever is under way.
        weights_of: The step whose weights these are, where the best ones were put back; None where it is ``step``.
        room: Asked before a probe copies what grows with the network: (bytes, what is left out otherwise).
    """

    network: MeasuredNetwork
    step: int
    epoch: int = 0
    loss: Tensor | None = None
    answers: Answers | None = None
    count: int = 0
    probe_inputs: Tensor | None = None
    examples: Sequence[ExampleInput] = ()
    plane: InputPlane | None = None
    interest: Interest = EVERYTHING
    whole: bool = True
    patience: float = math.inf
    fixed: bool = False
    anew: bool = False
    weights_of: int | None = None
    room: Callable[[int, str], bool] = _always_room


class Probe(ABC):
    """One instrument: what it measures, when in a step, how often, and at what cost.

    Attributes:
        name: Key in the costs and in settings.
        title: Its name on the screen.
        stage: When it looks.
        fills: The quantities whose series it writes.
        wanted_interval: Seconds between two measurements that it would like; 0 is every step.
        weight: Its share of the budget relative to the other probes.
        essential: Measured whenever it is wanted, whatever it costs (the loss).
        part_seconds: About how long one call takes of a probe that spreads its work over several; 0 for all others.
        at_most: Share of the training time beyond which it does not measure, however much the budget has left.
        at_fixed_steps: Whether it is also asked at the steps that the project fixes.
        looks_at_outputs: Whether it looks at nothing but what a step puts out: such a probe measures a network whose
            weights and gradients are divided among processes, too.

    A probe is used by one thread, the owner of the network. Measuring changes nothing: weights, gradients, training
    mode, statistics of normalisations, random state and hooks are afterwards what they were.
    """

    name: str
    title: str
    stage: Stage
    fills: tuple[Quantity, ...] = ()
    wanted_interval: float = 0.0
    weight: float = 1.0
    essential: bool = False
    part_seconds: float = 0.0
    at_fixed_steps: bool = False
    looks_at_outputs: bool = False
    at_most: float = math.inf

    @property
    def promised_interval(self) -> float:
        """Seconds after which it measures even if the budget has nothing left for it; infinite for most."""
        return math.inf

    @property
    def busy(self) -> bool:
        """Whether a measurement has begun and is not finished."""
        return False

    @property
    def progress(self) -> float:
        """How much of the measurement that has begun is done, 0 to 1; 1 where there is none."""
        return 1.0

    def watch(self, network: MeasuredNetwork) -> Mapping[str, Callable[[Tensor], None]]:
        """Who is to be shown the outputs of which nodes, while the batch passes. Only for FORWARD probes."""
        return {}

    def news(self) -> frozenset[Quantity]:
        """Quantities of other probes that are out of date by what was measured last; each is given once."""
        return frozenset()

    def before_update(self, measurement: Measurement) -> None:
        """Look at what the optimizer is about to change. Only for UPDATE probes."""
        return

    @abstractmethod
    def measure(self, measurement: Measurement) -> list[Reading]:
        """Measure; may give nothing yet, see ``busy`` and ``flush``."""

    def flush(self) -> list[Reading]:
        """What was measured and not handed out yet."""
        return []

    def reset(self) -> None:
        """Forget everything that was measured."""
        return

    def go_back(self, step: int) -> None:
        """Training went back to this step: forget what was measured behind it."""
        self.reset()

    def look_anew(self, step: int) -> None:
        """Weights were set by hand at this step, the present one: what was found at it is of those before."""
        self.go_back(step)


@contextmanager
def at_rest(network: MeasuredNetwork) -> Iterator[None]:
    """Evaluation mode without gradients inside; mode of every submodule and random state put back afterwards."""
    modes = [(module, module.training) for module in network.modules()]
    random_state = torch.get_rng_state()
    parameter = next(iter(network.parameters()), None)
    device = parameter.device if parameter is not None and parameter.is_cuda else None
    cuda_state = torch.cuda.get_rng_state(device) if device is not None else None
    try:
        for module, training in modes:
            if training:
                module.training = False
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training
        torch.set_rng_state(random_state)
        if cuda_state is not None and device is not None:
            torch.cuda.set_rng_state(cuda_state, device)


def node_parameters(network: MeasuredNetwork) -> dict[str, list[nn.Parameter]]:
    """The trainable parameters of each node that has any, in the order of the graph."""
    found: dict[str, list[nn.Parameter]] = {}
    for node_id, node in network.graph.nodes.items():
        if node.kind in ("input", "output"):
            continue
        parameters = [p for p in network.module_of(node_id).parameters() if p.requires_grad]
        if parameters:
            found[node_id] = parameters
    return found
