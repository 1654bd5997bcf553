"""Silent units and saturated outputs of the training batches, as they pass."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from nnviz.probes.base import Clock, MeasuredNetwork, Measurement, Probe, Stage, monotonic
from nnviz.probes.saturation import ends_of
from nnviz.project import registry
from nnviz.record.quantities import DEAD_FRACTION, SATURATING, SATURATION, SILENT_FRACTION
from nnviz.record.quantity import Quantity
from nnviz.record.readings import Reading, Scalar

#: Batches that are looked back at, and the examples that they hold at least.
BATCHES = 8
EXAMPLES = 256
#: Seconds within which what is looked back at is renewed, whatever the budget says.
_FOLLOWS = 0.8
#: A share that moved by this much is read at once, and makes the exact one out of date.
_MOVED = 0.03
#: Seconds between two readings of what has not moved; on an accelerator also between two looks at whether it has.
_TELL_EVERY = 0.2
_FETCH_EVERY = 0.05
#: Share of the training time that looking takes at most, unless the window would get too old.
_COSTS = 0.01
#: An output of fewer numbers is looked at as a whole; of a larger one first this part of the examples.
_LARGE = 2**15
_FIRST = 8
#: Numbers of one output that are compared; they are those of the first examples, which are as good as any.
_MOST = 2**17


class LiveUnits(Probe):
    """What the units do with the training examples, from the outputs that training computes anyway.

    Definition: the batches looked at last are the window: 8 of them, or as many as hold 256 examples where batches are
    small. ``silent_fraction/<node>`` is the share of the units (channels over all positions, or features) of a ReLU
    whose output was ≤ 0 for every example of the window. ``saturating/<node>`` is the share of the outputs of a
    sigmoid or tanh whose derivative was under 5 % of its maximum, among all outputs of the window (of a layer with more
    than 131,072 outputs for a batch, of its first examples). Both are as training computed them: dropout is on, and
    each batch saw the weights of its own step. A unit that is switched off puts out 0: of a ReLU it is silent, of a
    sigmoid or tanh it is not saturated, as the exact shares have it. A reading stands at the newest step of its window,
    and there is none before the window is full. Every batch is looked at while that is cheap; else some are left out,
    but no more than that the window is renewed within a second, or within twice as many steps as it holds batches.

    How to read it: it follows within a second what the exact shares over the probe set say a while later. It is no
    less than the share of dead units, as long as the training examples are like those of the probe set: a unit that
    fires for one example in a thousand is often silent and not dead.
    """

    name = "live_units"
    title = SILENT_FRACTION.title
    stage = Stage.FORWARD
    fills = (SILENT_FRACTION, SATURATING)
    weight = 1.0
    at_most = _COSTS
    looks_at_outputs = True

    def __init__(self, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._network: MeasuredNetwork | None = None
        self._switched_off: Mapping[str, frozenset[int]] = {}
        self._watchers: dict[str, Callable[[Tensor], None]] = {}
        self.reset()

    def reset(self) -> None:
        """Look back at nothing: the next window begins."""
        self._window = BATCHES
        self._looks = 0
        self._looked = (0, -math.inf)  # step and time of the last look
        self._step_seconds = 0.0
        self._maxima: dict[str, Tensor] = {}  # of the batch that passes
        self._ends: dict[str, tuple[Tensor, Tensor, int]] = {}  # likewise: beyond the ends, in all, how many
        self._layout: tuple[tuple[str, int], ...] = ()  # the rectifiers and their units, as they stand in _fired_at
        self._fired_at = torch.empty(0, dtype=torch.int64)  # look at which each unit fired last
        self._owners = torch.empty(0, dtype=torch.int64)
        self._saturated: deque[tuple[Tensor, list[int]]] = deque()
        self._told: dict[str, float] = {}
        self._told_at = self._fetched_at = -math.inf
        self._known: dict[str, float] = {}  # when the exact ones were asked for last
        self._out_of_date: frozenset[Quantity] = frozenset()

    @property
    def promised_interval(self) -> float:
        """So often that the window is renewed within a second, or with every second step where they take long."""
        return max(_FOLLOWS / self._window, 1.5 * self._step_seconds)

    def watch(self, network: MeasuredNetwork) -> Mapping[str, Callable[[Tensor], None]]:
        """The rectifiers and what saturates."""
        self._switched_off = network.switched_off
        if network is not self._network:
            self._network = network
            self._watchers = {}
            for node_id, node in network.graph.nodes.items():
                spec = registry.layer(node.kind)
                if spec.rectifier:
                    self._watchers[node_id] = self._rectifier(node_id)
                elif spec.saturates:
                    self._watchers[node_id] = self._saturating(node_id, *ends_of(network.module_of(node_id)))
        return self._watchers

    def measure(self, measurement: Measurement) -> list[Reading]:
        """Adds the batch that has passed to the window; gives the shares when they moved, or when it is time."""
        if not self._maxima and not self._ends:
            return []
        self._window = max(BATCHES, math.ceil(EXAMPLES / max(measurement.count, 1)))
        now = self._clock()
        step, before = self._looked
        self._looked = (measurement.step, now)
        if measurement.step > step and math.isfinite(before):
            self._step_seconds = min((now - before) / (measurement.step - step), 10.0)
        missing = self._add_maxima()
        self._add_ends()
        self._looks += 1
        if self._looks < self._window:
            return []
        if self._fired_at.device.type != "cpu" and now - self._fetched_at < _FETCH_EVERY and not measurement.whole:
            return []
        self._fetched_at = now
        shares = self._shares(missing)
        moved = any(_differ(share, self._told.get(series)) for series, share in shares.items())
        if not moved and now - self._told_at < _TELL_EVERY and not measurement.whole:
            return []
        self._told, self._told_at = shares, now
        self._note_what_moved()
        return [Scalar(series, measurement.step, share) for series, share in shares.items()]

    def news(self) -> frozenset[Quantity]:
        """The exact shares, once they must have moved."""
        news, self._out_of_date = self._out_of_date, frozenset()
        return news

    # -- what passes --------------------------------------------------------------------------------------------------

    def _rectifier(self, node: str) -> Callable[[Tensor], None]:
        def look(output: Tensor) -> None:
            largest, before = unit_maxima(output), self._maxima.get(node)
            # A step of several batches shows each of them.
            self._maxima[node] = largest if before is None else torch.maximum(before, largest)

        return look

    def _saturating(self, node: str, low: float, high: float) -> Callable[[Tensor], None]:
        middle, half = (low + high) / 2, (high - low) / 2
        zero_is_flat = not low <= 0 <= high

        def look(output: Tensor) -> None:
            # In numbers of the same kind: comparing into truth values takes three times as long.
            distance = (_first_examples(output) - middle).abs_()
            # Narrow numbers count neither exactly nor far: brain floats to 256, and half floats end at 65,504.
            total = distance.sum(dtype=torch.float32)
            beyond, count = distance.gt_(half).sum(dtype=torch.float32), distance.numel()
            if zero_is_flat and (off := self._switched_off.get(node)):
                # They put out 0, each as often as any other unit, and are not saturated. What is 0 of itself is: the
                # sigmoid of -104 is exactly 0 in float32.
                beyond = beyond - len(off) * (count // output.shape[1])
            if (before := self._ends.get(node)) is not None:
                beyond, total, count = before[0] + beyond, before[1] + total, before[2] + count
            self._ends[node] = (beyond, total, count)

        return look

    def _add_maxima(self) -> Tensor | None:
        """Who fired; of each unit whether its largest output is not a number."""
        maxima, self._maxima = self._maxima, {}
        if not maxima:
            return None
        layout = tuple((node, len(largest)) for node, largest in maxima.items())
        largest = torch.cat(list(maxima.values()))
        if layout != self._layout:
            self._layout = layout
            self._fired_at = torch.full_like(largest, -1, dtype=torch.int64)
            sizes = torch.tensor([size for _, size in layout])
            self._owners = torch.arange(len(layout)).repeat_interleave(sizes).to(largest.device)
        self._fired_at.masked_fill_(~(largest <= 0), self._looks)
        return largest.isnan()

    def _add_ends(self) -> None:
        ends, self._ends = self._ends, {}
        if ends:
            beyond, total, sizes = zip(*ends.values(), strict=True)
            # A sum that is not a number is kept beside the count: comparing finds nothing in it.
            self._saturated.append((torch.stack([torch.stack(beyond).float(), torch.stack(total).float()]), [*sizes]))
            self._saturating_nodes = tuple(ends)
            while len(self._saturated) > self._window:
                self._saturated.popleft()

    def _shares(self, missing: Tensor | None) -> dict[str, float]:
        shares: dict[str, float] = {}
        if self._layout and missing is not None:
            silent = self._fired_at < self._looks - self._window
            flags = torch.stack([silent, missing]).float()
            counts, strange = (
                torch.zeros(2, len(self._layout), device=flags.device).index_add_(1, self._owners, flags).tolist()
            )
            for (node, size), count, nans in zip(self._layout, counts, strange, strict=True):
                shares[SILENT_FRACTION.series(node)] = math.nan if nans else count / max(size, 1)
        if self._saturated:
            counts, sums = torch.stack([both for both, _ in self._saturated]).sum(0).tolist()
            for index, node in enumerate(self._saturating_nodes):
                numbers = sum(sizes[index] for _, sizes in self._saturated)
                shares[SATURATING.series(node)] = math.nan if math.isnan(sums[index]) else counts[index] / numbers
        return shares

    def _note_what_moved(self) -> None:
        if not self._known:
            self._known = dict(self._told)
        moved = [series for series, share in self._told.items() if _differ(share, self._known.get(series))]
        if moved:
            self._known = dict(self._told)
            exact = {SILENT_FRACTION: DEAD_FRACTION, SATURATING: SATURATION}
            self._out_of_date |= {exact[one] for one in exact if any(one.owns(series) for series in moved)}


def unit_maxima(output: Tensor) -> Tensor:
    """The largest output of each unit, or for one that fired any output above zero: ``(n, units, …)`` -> ``(units,)``.

    Most units fire for one of the first few examples, so on the processor the others are looked at only for the units
    that did not.
    """
    flat = output if output.dim() == 2 else output.reshape(output.shape[0], output.shape[1], -1)
    count = len(flat) // _FIRST
    if flat.dim() == 2 or flat.numel() < _LARGE or not count or flat.device.type != "cpu":
        return _largest(flat)
    largest = _largest(flat[:count])
    quiet = (largest <= 0).nonzero().flatten()
    if len(quiet):
        rest = flat[count:]
        few = 2 * len(quiet) < flat.shape[1]
        others = _largest(rest.index_select(1, quiet) if few else rest)
        # Of those that did not fire only the sign matters, and whether it is a number.
        largest[quiet] = others if few else others[quiet]
    return largest


def _first_examples(output: Tensor) -> Tensor:
    return output if output.numel() <= _MOST else output[: max(_MOST * len(output) // output.numel(), 1)]


def _largest(flat: Tensor) -> Tensor:
    return flat.amax(0) if flat.dim() == 2 else flat.amax(2).amax(0)


def _differ(share: float, before: float | None) -> bool:
    if before is None or math.isnan(share) or math.isnan(before):
        return before is None or math.isnan(share) != math.isnan(before)
    return abs(share - before) > _MOVED
