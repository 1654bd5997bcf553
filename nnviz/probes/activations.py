"""Mean, standard deviation and distribution of every node's output."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nnviz.probes.base import MeasuredNetwork
from nnviz.probes.probe_set import Collector
from nnviz.project import registry
from nnviz.project.model import Graph
from nnviz.record.quantities import ACTIVATION_DEVIATION, ACTIVATION_HISTOGRAM, ACTIVATION_MEAN
from nnviz.record.readings import Histogram, Reading, Scalar

#: The most bins of a histogram.
BINS = 64
#: float32 counts and sums of this many numbers are still exact enough.
_PIECE = 2**22


@dataclass(slots=True)
class _Bins:
    """A histogram that widens as larger numbers come.

    Bins are ``[k·w, (k + 1)·w)`` with w a power of two, the finest with which at most ``BINS`` bins hold all numbers.
    When a number falls outside, neighbours are joined in pairs until it fits: the result is the same as if the range
    had been known from the start. As long as all numbers are equal they are only counted.
    """

    exponent: int | None = None  # w = 2 ** exponent; None as long as all numbers are equal
    first: int = 0  # k of the first bin
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    constant: float | None = None  # the one number seen so far, and how often
    constant_count: int = 0

    def add(self, numbers: Tensor, least: float, greatest: float) -> None:
        """Count float32 numbers, all finite, that lie between these two."""
        if self.exponent is None:
            if least == greatest and self.constant in (None, least):
                self.constant = least
                self.constant_count += numbers.numel()
                return
            self._begin(least, greatest)
        self._make_room(least, greatest)
        for piece in torch.split(numbers, _PIECE):
            self.counts += self._count(piece)

    def result(self) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
        """Counts and edges; None where there was no number."""
        if self.exponent is not None:
            edges = np.arange(self.first, self.first + len(self.counts) + 1, dtype=np.float64)
            return self.counts.copy(), np.ldexp(edges, self.exponent)
        if self.constant is None:
            return None
        # All are equal: one bin, an eighth of the number wide.
        width = 2.0 ** (math.frexp(self.constant)[1] - 4) if self.constant else 0.125
        left = math.floor(self.constant / width) * width
        return np.array([self.constant_count], np.int64), np.array([left, left + width])

    def _begin(self, least: float, greatest: float) -> None:
        if self.constant is not None:
            least, greatest = min(least, self.constant), max(greatest, self.constant)
        # Finer than it will be in the end: making room joins bins until they are few enough.
        self.exponent = math.frexp((greatest - least) / BINS)[1] - 2
        self.first = self._bin_of(least)
        self._make_room(least, greatest)
        if self.constant is not None:
            self.counts[self._bin_of(self.constant) - self.first] += self.constant_count

    def _bin_of(self, number: float) -> int:
        assert self.exponent is not None
        return math.floor(math.ldexp(number, -self.exponent))

    def _make_room(self, least: float, greatest: float) -> None:
        while True:
            low, high = self._bin_of(least), self._bin_of(greatest)
            if len(self.counts):
                low, high = min(low, self.first), max(high, self.first + len(self.counts) - 1)
            if high - low < BINS:
                break
            self._join_pairs()
        grown = np.zeros(high - low + 1, np.int64)
        grown[self.first - low : self.first - low + len(self.counts)] = self.counts
        self.first, self.counts = low, grown

    def _join_pairs(self) -> None:
        assert self.exponent is not None
        before = self.first % 2
        after = (before + len(self.counts)) % 2
        self.counts = np.pad(self.counts, (before, after)).reshape(-1, 2).sum(axis=1)
        self.first = (self.first - before) // 2
        self.exponent += 1

    def _count(self, numbers: Tensor) -> NDArray[np.int64]:
        assert self.exponent is not None
        if abs(self.exponent) > 30:  # scaled, small numbers could leave the range of float32
            numbers = numbers.cpu().double()
        # Exact: scaling by a power of two, rounding down and the difference of near numbers all are.
        indices = (numbers * 2.0**-self.exponent).floor_().sub_(float(self.first))
        if numbers.device.type != "cpu":
            counted = torch.bincount(indices.to(torch.int64), minlength=len(self.counts)).cpu().numpy()
            return counted[: len(self.counts)].astype(np.int64)
        # Several times faster than torch.histc: two bin numbers of one byte are counted as one of two bytes.
        small = indices.to(torch.uint8).numpy()
        even = len(small) // 2 * 2
        pairs = np.bincount(small[:even].view(np.uint16), minlength=2**16).reshape(256, 256)
        counts: NDArray[np.int64] = pairs.sum(axis=0) + pairs.sum(axis=1)
        counts[small[even:]] += 1
        return counts[: len(self.counts)]


@dataclass(slots=True)
class _Statistics:
    """Of all numbers of one node seen so far; those that are not finite make the moments so and are in no bin."""

    count: int = 0
    mean: float = 0.0
    deviations: float = 0.0  # sum of (x - mean)^2
    bins: _Bins = field(default_factory=_Bins)

    def merge(self, count: int, mean: float, deviations: float) -> None:
        """Join the moments of another part (Chan, Golub, LeVeque 1979)."""
        total = self.count + count
        delta = mean - self.mean
        self.deviations += deviations + delta * delta * self.count * count / total
        self.mean += delta * count / total
        self.count = total


class ActivationStatistics(Collector):
    """Mean, standard deviation and distribution of every node's output.

    Definition: over all numbers of the node's output (every image of the probe set, every channel, every position), in
    evaluation mode: ``activation_mean/<node>``, ``activation_deviation/<node>`` (the root of the mean squared distance
    from the mean) and ``activation_histogram/<node>`` (at most 64 bins of equal width; 0 is always an edge; a bin holds
    its left edge and not its right one; numbers that are not finite are in none).

    How to read it: from layer to layer mean and deviation should stay of the same order. A deviation that shrinks with
    depth means that signals die out and gradients with them, one that grows that they blow up: both come from the
    initialisation. A ReLU's tall first bin is its zeros.
    """

    fills = (ACTIVATION_MEAN, ACTIVATION_DEVIATION, ACTIVATION_HISTOGRAM)

    def __init__(self) -> None:
        self._statistics: dict[str, _Statistics] = {}

    def wanted(self, graph: Graph) -> Collection[str]:
        """Every node but those without an output, since all are measured."""
        return [node_id for node_id, node in graph.nodes.items() if registry.layer(node.kind).outputs > 0]

    def start(self, network: MeasuredNetwork) -> None:
        """Empties the sums and histograms for a new pass."""
        self._statistics = {node_id: _Statistics() for node_id in self.wanted(network.graph)}

    def take(self, outputs: Mapping[str, Tensor]) -> None:
        """Add one part; all moments and ranges of it come in one transfer."""
        nodes = [node_id for node_id in outputs if node_id in self._statistics and outputs[node_id].numel()]
        # Flatten and a resting dropout put out the very memory of their input: it is looked at once.
        by_memory: dict[tuple[int, int], list[str]] = {}
        for node_id in nodes:
            by_memory.setdefault((outputs[node_id].data_ptr(), outputs[node_id].numel()), []).append(node_id)
        groups = list(by_memory.values())
        values = [outputs[group[0]].detach().flatten(1).float() for group in groups]
        moments = _moments(values)
        for group, value, (mean, deviations, least, greatest) in zip(groups, values, moments, strict=True):
            numbers = value.reshape(-1)
            for node_id in group:
                self._statistics[node_id].merge(numbers.numel(), mean, deviations)
            bins = self._statistics[group[0]].bins
            if math.isfinite(least) and math.isfinite(greatest):
                bins.add(numbers, least, greatest)
            elif (finite := numbers[torch.isfinite(numbers)]).numel():
                bins.add(finite, *torch.stack(torch.aminmax(finite)).cpu().tolist())
            for node_id in group[1:]:  # the same group in every part, so the same bins
                self._statistics[node_id].bins = bins

    def finish(self, step: int, images: int) -> list[Reading]:
        """Mean, deviation and histogram of each node, from the sums of the pass."""
        readings: list[Reading] = []
        for node_id, found in self._statistics.items():
            if not found.count:
                continue
            deviation = math.sqrt(max(found.deviations, 0.0) / found.count)
            readings.append(Scalar(ACTIVATION_MEAN.series(node_id), step, found.mean))
            readings.append(Scalar(ACTIVATION_DEVIATION.series(node_id), step, deviation))
            if (result := found.bins.result()) is not None:
                readings.append(Histogram(ACTIVATION_HISTOGRAM.series(node_id), step, *result))
        self._statistics = {}
        return readings


def _moments(values: list[Tensor]) -> list[tuple[float, float, float, float]]:
    """Of each ``[images, numbers]``: mean, sum of squared distances from it, least, greatest; in one transfer."""
    if not values:
        return []
    # Sums of one image are short enough for float32; those of all images are made in float64, on the processor.
    rows = [
        torch.cat([value.sum(1), torch.linalg.vector_norm(value, dim=1), torch.stack(torch.aminmax(value))])
        for value in values
    ]
    fetched = torch.split(torch.cat(rows).cpu().double(), [len(row) for row in rows])
    moments = []
    for value, row in zip(values, fetched, strict=True):
        sums, norms, ends = torch.split(row, [len(value), len(value), 2])
        total, squares = float(sums.sum()), float(norms.square().sum())
        least, greatest = ends.tolist()
        mean = total / value.numel()
        deviations = squares - total * mean
        # Far from zero the difference of two large sums has lost its digits: compute it the careful way.
        if deviations < 1e-3 * squares:
            deviations = float((value.cpu().double() - mean).square().sum())
        moments.append((mean, deviations, least, greatest))
    return moments
