"""What the rules of the findings look at: the layers of the network, and what a run has done so far."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from nnviz.probes.evidence import DataEvidence
from nnviz.project import registry
from nnviz.project.checks.shapes import infer, inputs_of
from nnviz.project.model import Graph, Shape
from nnviz.record.quantities import ABOVE_CHANCE, ACCURACY, EPOCH, FINDING, LEARNING_RATE, LOSS, LOSS_LEFT
from nnviz.record.readings import Scalar
from nnviz.record.run import RunView

#: Steps over which the accuracy is averaged before it is called stuck.
STUCK_STEPS = 100
#: Steps over which the loss is averaged before and after a change of the learning rate, and at the start.
SPAN = 20
#: Batches over which the training loss is averaged beside a validation.
MEAN_STEPS = 100
#: Fewer examples than this say nothing about guessing.
FEW_EXAMPLES = 32
#: The name under which it stands in the run that a number is no longer finite.
NOT_FINITE = FINDING.series("not_finite")
#: Measurements over which gradients and updates are averaged (their median is taken).
_RECENT = 10
#: The first gradients and updates are those of the first two steps: before the training has changed much.
_FIRST_STEP = 2
#: A learning rate that grows by less than this factor is no event.
_EVENT = 1.5


class Layers:
    """The layers of a network as far as the rules tell them apart.

    Attributes:
        graph: The network.
        shapes: What each node puts out.
        order: Nodes from the input on.
        weighted: Those with weights.
        rectifiers: Those whose units can die.
        saturating: Those whose slope nearly vanishes far out; not the last: it is right to be sure of itself.
        last: Those that the output reads.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        inference = infer(graph)
        self.shapes: dict[str, Shape] = {node: result.output for node, result in inference.results.items()}
        self.order = [node for node in inference.order if node in self.shapes]
        self.kinds = {node: registry.layer(graph.nodes[node].kind) for node in self.order}
        self.weighted = [node for node in self.order if self.kinds[node].weight_view]
        self.rectifiers = [node for node in self.order if self.kinds[node].rectifier]
        self.last = {
            source for node in self.order if graph.nodes[node].kind == "output" for source in inputs_of(graph, node)
        }
        self.saturating = [node for node in self.order if self.kinds[node].saturates and node not in self.last]

    def name(self, node: str) -> str:
        """What the user calls it."""
        return self.graph.nodes[node].name or node


class Course:
    """What the loss, the accuracy and the learning rate of a run have done so far, read once an examination.

    Args:
        run: What was measured.
        classes: Number of classes the target has; 0 where nothing can be right or wrong.
        data: What is known of the data; None where nothing is.
    """

    def __init__(self, run: RunView, classes: int, data: DataEvidence | None) -> None:
        self.run = run
        self.data = data
        self.steps, losses = run.scalars(LOSS.series("train"))
        self.losses: NDArray[np.float64] = np.where(np.isfinite(losses), losses, np.inf)
        self.broken = any(finding.series == NOT_FINITE for finding in run.findings())
        self.classes = classes
        self.shares = data.shares if data is not None else ()
        self.examples = data.examples if data is not None else None
        _, self.accuracies = run.scalars(ACCURACY.series("train"))
        self.rate_steps, self.rates = run.scalars(LEARNING_RATE.series())

    @property
    def chance(self) -> float:
        """What always naming the most frequent class would get right."""
        return max((1 / self.classes, *self.shares)) if self.classes else 0.0

    @property
    def first(self) -> float:
        """Loss at the start: the least of the first batches, of which a rate that is too high spoils all but one."""
        return float(np.min(self.losses[:3])) or float(np.mean(self.losses[:3])) if len(self.losses) else math.nan

    @property
    def now(self) -> float:
        """Mean loss of the last steps."""
        return float(np.mean(self.losses[-SPAN:])) if len(self.losses) else math.nan

    def accuracy(self, count: int, least: int | None = None) -> float | None:
        """Mean over the last steps; None before there are so many (or ``least``)."""
        values = self.accuracies[-count:]
        return float(values.mean()) if len(values) >= (count if least is None else least) else None

    def guesses(self, count: int = STUCK_STEPS, *, holds: bool = False, least: int | None = None) -> bool | None:
        """Whether the accuracy is no better than guessing; None where that is not known."""
        accuracy = self.accuracy(count, least)
        if self.classes < 2 or accuracy is None:
            return None
        spread = self.chance * (1 - self.chance)
        return ABOVE_CHANCE.low.undercut((accuracy - self.chance) / spread, holds) if spread > 0 else False

    def learns(self, holds: bool = False) -> bool | None:
        """Whether it has learned something: it does better than guessing, and than at the start. None if not known.

        Args:
            holds: That it does not is what was found.
        """
        if len(self.losses) < SPAN:
            guesses = self.guesses(SPAN)
            return None if guesses is None else not guesses
        guesses = self.guesses(holds=holds, least=SPAN)
        return not self.stands(holds) and not guesses

    def stands(self, holds: bool = False) -> bool:
        """Whether the loss is what it was at the start."""
        return self.first > 0 and LOSS_LEFT.warning.passed(self.now / self.first, holds)

    def raised_at(self) -> int | None:
        """Index of the last learning rate that is much higher than the one before; None where it never rose."""
        if len(self.rates) < 2:
            return None
        grown = np.flatnonzero(self.rates[1:] > _EVENT * self.rates[:-1])
        return int(grown[-1]) + 1 if len(grown) else None


def epochs_between(run: RunView, start: int, end: int, otherwise: int) -> int:
    """Epochs that ended behind one step and up to another; where epochs were not recorded, ``otherwise``."""
    steps, _ = run.scalars(EPOCH.series())
    return int(((steps > start) & (steps <= end)).sum()) if len(steps) else otherwise


def recent(run: RunView, series: str) -> float | None:
    """The median of the last measurements; NaN if any of them is; None before there are enough."""
    _, values = run.scalars(series)
    return float(np.median(values[-_RECENT:])) if len(values) >= _RECENT else None


def first(run: RunView, series: str) -> float | None:
    """The first measurement, if it was made before the training had changed much."""
    steps, values = run.scalars(series)
    return float(values[0]) if len(values) and steps[0] <= _FIRST_STEP else None


def mean_around(run: RunView, step: int) -> float | None:
    """Mean of the training loss of the batches up to this step, a hundred at most; None where one is not finite."""
    steps, values = run.scalars(LOSS.series("train"))
    end = int(np.searchsorted(steps, step, side="right"))
    window: NDArray[np.float64] = values[max(end - MEAN_STEPS, 0) : end]
    return float(window.mean()) if len(window) and np.isfinite(window).all() else None


def learning_rate(run: RunView) -> float | None:
    """The one in use; None where there is none, or it is 0."""
    found = run.latest(LEARNING_RATE.series())
    return found.value if isinstance(found, Scalar) and found.value > 0 else None


def or_infinity(number: float) -> float:
    """NaN is as far beyond every mark as a number can be."""
    return math.inf if math.isnan(number) else number
