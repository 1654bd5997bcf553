"""How much memory training a network takes, estimated in closed form before anything is built.

Everything that is held at once at the worst moment is counted: the numbers that are trained and what stands beside them
for each (gradients, optimizer, copies), what a batch takes on its way, the examples, and the checkpoint that waits to
be written while the next step runs. ``scripts/bench.py memory`` compares it with what is used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from nnviz.errors import ParamError
from nnviz.project import registry
from nnviz.project.checks import footprint
from nnviz.project.checks.footprint import BYTES_PER_NUMBER, Line, highest, worst
from nnviz.project.checks.shapes import Inference
from nnviz.project.declared.layers.common import count_text, shape_text
from nnviz.project.declared.optimizers import OptimizerSpec
from nnviz.project.model import Choice, DataFacts, Graph, Project

#: Batches for measuring are at least this large (see ``train/training.py``).
EVALUATION_BATCH = 256
#: Examples in the probe set, and memory that the outputs of one part of it may take (see ``probes/probe_set.py``).
PROBE_COUNT = 2000
_PROBE_BYTES = 64 * 2**20
_PROBE_FIRST = 8
#: What the allocator cannot fill again of the room that a batch's numbers leave, as a share and at most (glibc: it
#: gives nothing back while less than 64 MB are free at the end, and a hole of just the size wanted is passed over).
_SLACK_SHARE = 0.5
_SLACK_MOST = 96 * 2**20
#: What the running program takes beside all that: code that is loaded when it is first used, the file that is written.
_RUNNING = 16 * 10**6
#: A checkpoint is written in pieces of at most this, of which the database holds a copy.
_PIECE = 2**25
#: Batches that are tried when a smaller one is looked for.
_LARGEST_POWER = 20

BATCH, CHECKPOINT, COPIES = "the batch on its way", "the checkpoint being written", "copies for the instruments"
LOOKS = "what a look by the instruments leaves lying"


@dataclass(frozen=True)
class Examples:
    """How many examples each split has, for the estimate of memory.

    Attributes:
        training, validation, test: In each split.
        bytes_each: Memory of one, its answer included.
        loaded: They are in memory already, so that nothing more is needed for them.
    """

    training: int = 0
    validation: int = 0
    test: int = 0
    bytes_each: int = 0
    loaded: bool = False

    @classmethod
    def of(cls, facts: DataFacts | None) -> Examples:
        """As far as the data set's facts tell; images are bytes, tables are floats."""
        if facts is None:
            return cls()
        numbers = math.prod(facts.input_shape)
        training, validation, test = facts.examples or (0, 0, 0)
        if facts.streamed:  # only the answers are in memory
            return cls(training, validation, test, 8)
        return cls(training, validation, test, numbers * (1 if len(facts.input_shape) > 1 else BYTES_PER_NUMBER) + 8)

    @property
    def bytes(self) -> int:
        """Memory of all: as they were read, and divided into training and validation."""
        return 0 if self.loaded else self.bytes_each * (2 * (self.training + self.validation) + self.test)


@dataclass(frozen=True)
class Needs:
    """Bytes that a training holds, by what they are for; see :func:`estimate`.

    Attributes:
        parts: What is held all the time or at the worst moment, by name; together they are ``needed``.
        extras: What is held beside that where there is room, and left out where there is not.
        culprit: The layer whose numbers are most of it.
        by_parameters: Whether it is that layer's parameters, rather than what it puts out.
        slack: What of both is room that the allocator cannot fill again, rather than numbers.
    """

    parts: dict[str, int]
    extras: dict[str, int]
    culprit: str
    by_parameters: bool
    slack: int = 0

    @property
    def needed(self) -> int:
        """The least memory with which the network can be trained, in bytes."""
        return sum(self.parts.values())

    @property
    def everything(self) -> int:
        """With everything that is left out where there is no room; what a long run gathers comes on top."""
        return self.needed + sum(self.extras.values())

    def largest(self, count: int = 3) -> list[tuple[str, int]]:
        """The largest parts of what is needed, the largest first."""
        return sorted(((name, size) for name, size in self.parts.items() if size), key=lambda part: -part[1])[:count]


class Estimate:
    """What is known of a project's need for memory; asked for any batch size.

    Args:
        project: Its graph without what is bypassed, and its training.
        inference: Of that graph. Nodes whose shapes are unknown count nothing.
        examples: How many there are; by default none, so that only the network counts.
        instruments: Whether the network is watched while it trains.
        accelerator: Trained elsewhere than on the processor: what waits to be written is not in that memory.
        processes: Among which weights, gradients and optimizer are divided; what is written is whole, and in the memory
            of the first one's computer.
    """

    def __init__(
        self,
        project: Project,
        inference: Inference,
        examples: Examples | None = None,
        *,
        instruments: bool = True,
        accelerator: bool = False,
        processes: int = 1,
    ) -> None:
        self._project = project
        self._inference = inference
        self._examples = examples or Examples()
        self._instruments = instruments
        self._accelerator = accelerator
        self._way = _Way.of(project.graph, inference)
        self.weights = BYTES_PER_NUMBER * inference.parameters
        self._processes = processes
        #: Bytes of the weights that this process holds.
        self._held = -(-self.weights // processes)

    def needs(self, batch_size: int | None = None, optimizer: str | None = None) -> Needs:
        """For a batch size, and an optimizer; by default the project's.

        Args:
            batch_size: Examples a batch.
            optimizer: Another one, with its usual settings.
        """
        config = self._project.training
        batch = config.batch_size if batch_size is None else batch_size
        weights = self.weights
        choice = config.optimizer if optimizer is None else Choice(optimizer)
        kind = choice.kind
        state = weights * _numbers(choice)
        divided = self._processes > 1
        best = weights if self._examples.validation and config.keep_best else 0
        averaging = registry.AVERAGING.all.get(config.averaging.kind)
        average = weights if averaging is not None and averaging.averages else 0
        moment = self._moment(batch, kind)
        gradients = min(self._held, moment.fixed)
        if divided and self._accelerator:
            best = average = 0
        parts = {
            "weights": self._held,
            "gradients": gradients,
            f"the state of {kind}": self._held * _numbers(choice),
            BATCH: moment.at(batch) - gradients,
            CHECKPOINT: 0 if self._accelerator else self._checkpoint(weights + state + best + average),
            "the best weights": best,
            "the average of the weights": average,
            "the layers that are whole while they compute": self._whole_layers,
            "the data": self._examples.bytes,
            "the running program": 0 if self._accelerator else _RUNNING,
        }
        # Best weights that nobody asked to keep are there all the same, for "restore the best".
        elsewhere = divided and self._accelerator
        extra = weights if self._examples.validation and not best and not elsewhere else 0
        extras = {"best weights": extra, "best weights in the checkpoint": 0 if self._accelerator else extra}
        if self._instruments:
            parts["examples for the instruments"] = self._probe_inputs
            # A look is that large only where there is time for it: training does not hang on what it leaves.
            extras[LOOKS] = max(0, self._held + self._look + _slack(self._look) - moment.at(batch))
        if self._instruments and not divided:
            extras[COPIES] = 2 * weights
        node = moment.node
        by_parameters = bool(self._way.largest_layer) and parts[BATCH] < 2 * weights
        culprit = self._way.largest_layer if by_parameters else self._way.largest_output or node
        return Needs(parts, extras, culprit, by_parameters, moment.slack + extras.get(LOOKS, 0))

    def largest_batch(self, limit: int) -> int:
        """The largest power of two with which it would fit into so much memory; 0 where none does."""
        sizes = (1 << power for power in range(_LARGEST_POWER, -1, -1))
        return next((size for size in sizes if self.needs(size).needed <= limit), 0)

    @property
    def reserve(self) -> int:
        """What has to stay free while it trains: for the largest step, or evaluation, and for a checkpoint."""
        parts = self.needs().parts
        return parts["gradients"] + parts[BATCH] + parts[CHECKPOINT]

    def _moment(self, batch: int, optimizer: str) -> Line:
        """The worst moment: of a step, of an update, of an evaluation, of a look by the instruments."""
        weights = self._held
        way = self._way.training
        if self._processes > 1:  # what stands there for all examples are gradients
            way = tuple(Line(line.node, -(-line.fixed // self._processes), line.each, line.slack) for line in way)
        training = _with_slack(highest(way, batch), batch)
        for_all, for_largest = _optimizer(optimizer).while_updating
        updating = Line("", weights * (1 + for_all) + for_largest * BYTES_PER_NUMBER * self._way.most_parameters, 0)
        measured = max(batch, EVALUATION_BATCH)
        if self._examples.validation or self._examples.test:
            measured = min(measured, max(self._examples.validation, self._examples.test))
        line = _with_slack(highest(self._way.evaluating, measured), measured)
        # The gradients of the last step are still there.
        evaluating = Line(line.node, weights + line.fixed + line.each * measured, 0, line.slack)
        looking = Line("", weights + self._look, 0)
        return highest((training, updating, evaluating, looking), batch)

    @property
    def _whole_layers(self) -> int:
        """Of a network that is divided: the layer that computes, its gradient, and the next one on its way."""
        return 3 * BYTES_PER_NUMBER * self._way.most_parameters if self._processes > 1 else 0

    @property
    def _probe_inputs(self) -> int:
        """The probe set as the network sees it."""
        count = min(PROBE_COUNT, self._examples.validation or self._examples.training)
        given = next((node for node in self._inference.order if node in self._inference.results), "")
        return count * BYTES_PER_NUMBER * math.prod(self._inference.results[given].output) if given else 0

    @property
    def _look(self) -> int:
        """What one part of the probe set puts out."""
        if not self._instruments:
            return 0
        each = self._way.outputs_bytes
        count = min(PROBE_COUNT, self._examples.validation or self._examples.training or PROBE_COUNT)
        return max(min(count * each, _PROBE_BYTES), _PROBE_FIRST * each)

    def _checkpoint(self, size: int) -> int:
        return size + min(size, _PIECE)


@dataclass(frozen=True)
class _Way:
    """What an estimate takes from layers, shapes and wires alone, whatever is set beside them.

    Attributes:
        training: The places of a step that are the worst for some size of a batch.
        evaluating: Likewise without the way back.
        outputs_bytes: Of all layers together, for one example.
        most_parameters: Of one layer.
        largest_layer: Which has so many; empty where there is none.
        largest_output: Which layer puts out most.
    """

    training: tuple[Line, ...]
    evaluating: tuple[Line, ...]
    outputs_bytes: int
    most_parameters: int
    largest_layer: str
    largest_output: str

    @classmethod
    def of(cls, graph: Graph, inference: Inference) -> _Way:
        """Walks the network once; an edit that leaves layers and wires as they were does not walk it again."""
        found = inference.found.get("way")
        if isinstance(found, _Way):
            return found
        results = inference.results
        largest = max(results, key=lambda node: results[node].parameters, default="")
        training, evaluating = footprint.ways(graph, inference)
        way = cls(
            worst(training),
            worst(evaluating),
            footprint.outputs_bytes(inference),
            results[largest].parameters if largest else 0,
            largest,
            max(results, key=lambda node: math.prod(results[node].output), default=""),
        )
        inference.found["way"] = way
        return way


def estimate(
    project: Project, inference: Inference, batch_size: int | None = None, examples: Examples | None = None
) -> Needs:
    """What training a project takes; see :class:`Estimate`."""
    return Estimate(project, inference, examples).needs(batch_size)


def surely_fits(project: Project, inference: Inference, examples: Examples, limit: int) -> bool:
    """A quick answer for the usual case: even a crude bound, far above the estimate, is below the limit."""
    outputs = BYTES_PER_NUMBER * sum(math.prod(result.output) for result in inference.results.values())
    batch = max(project.training.batch_size, EVALUATION_BATCH)
    bound = 32 * BYTES_PER_NUMBER * inference.parameters + 24 * batch * outputs + examples.bytes
    return bound + _RUNNING + _SLACK_MOST + _PROBE_BYTES <= limit // 2


def shares_text(needs: Needs) -> str:
    """The largest parts of what is needed: ``weights 1.2 GB, gradients 1.2 GB, the batch on its way 0.9 GB``."""
    return ", ".join(f"{name} {bytes_text(size)}" for name, size in needs.largest())


def cure_text(project: Project, inference: Inference, estimate: Estimate, limit: int) -> str:
    """Which setting would help, with the numbers, as a sentence.

    Args:
        project: What was asked for.
        inference: Of its graph.
        estimate: Of its need.
        limit: Bytes that there are.
    """
    batch, needs = project.training.batch_size, estimate.needs()
    smaller = estimate.largest_batch(limit)
    if 0 < smaller < batch:
        return f"A batch of {smaller} instead of {batch} needs {bytes_text(estimate.needs(smaller).needed)}."
    leanest = _leanest()
    lean = estimate.needs(1, leanest.kind).needed
    if lean <= limit and project.training.optimizer.kind != leanest.kind:
        kind = project.training.optimizer.kind
        return f"A batch of 1 with {leanest.title} instead of {kind} needs {bytes_text(lean)}."
    if not needs.culprit:
        return "Make the largest layer or the batch smaller."
    result = inference.results[needs.culprit]
    if needs.by_parameters:
        largest = f"layer is {needs.culprit}, with {count_text(result.parameters)} parameters"
    else:
        largest = f"output is that of {needs.culprit}, {shape_text(result.output)}"
    return f"The largest {largest}: make it smaller."


def _optimizer(kind: str) -> OptimizerSpec:
    """Its declaration; of a kind that there is not, which is said elsewhere, one that keeps what most keep."""
    return registry.OPTIMIZERS.all.get(kind) or OptimizerSpec(kind, kind, "")


def _numbers(choice: Choice) -> int:
    """Numbers that an optimizer keeps for each parameter; where a setting is not allowed, as many as with the usual."""
    spec = _optimizer(choice.kind)
    try:
        return spec.numbers(spec.values(choice.params))
    except ParamError:
        return spec.numbers(spec.values({}))


def _leanest() -> OptimizerSpec:
    """The optimizer that keeps least with its usual settings."""
    return min(registry.optimizers().values(), key=lambda spec: spec.numbers(spec.values({})))


def _with_slack(line: Line, batch: int) -> Line:
    return Line(line.node, line.fixed, line.each, _slack(line.each * batch))


def _slack(size: int) -> int:
    """What the allocator leaves lying where so many bytes are taken and given back in turn."""
    return min(_SLACK_MOST, int(_SLACK_SHARE * size))


def estimate_bytes(project: Project, inference: Inference, batch_size: int | None = None) -> int:
    """Bytes without which a network cannot be trained with batches of this size, data left out."""
    return estimate(project, inference, batch_size).needed


def bytes_text(count: int) -> str:
    """``1.9 GB``: two or three digits, in steps of a thousand."""
    if count < 1000:
        return f"{count} bytes"
    units = ("kB", "MB", "GB", "TB", "PB", "EB")
    power = 1
    while count >= 1000 ** (power + 1) and power < len(units):
        power += 1
    tenths = count // (1000**power // 10)
    return f"{tenths / 10:.1f} {units[power - 1]}" if tenths < 1000 else f"{tenths // 10} {units[power - 1]}"
