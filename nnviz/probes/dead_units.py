"""Units of a ReLU that never fire."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nnviz.probes.base import MeasuredNetwork
from nnviz.probes.probe_set import Collector
from nnviz.project import registry
from nnviz.project.model import Graph
from nnviz.record.quantities import ALIVE_UNTIL, DEAD_FRACTION, DEAD_SINCE, DEAD_UNITS
from nnviz.record.readings import ArrayReading, Reading, Scalar

#: Fixed steps at which something changed that are remembered of a node, to go back to.
_CHAPTERS = 64


@dataclass(frozen=True, slots=True, eq=False)
class _Chapter:
    """What was known at a fixed step of each unit of a node: dead since when (-1: alive), and alive until when."""

    step: int
    since: NDArray[np.int64]
    until: NDArray[np.int64]


class DeadUnits(Collector):
    """Dead units of each node that cuts off at zero (ReLU).

    Definition: a unit is a channel, over all its positions, or a feature. It is dead when its output is ≤ 0 for every
    image of the probe set, in evaluation mode; one that is switched off never fires either, and counts among them, as
    among the silent ones of the training batches. ``dead_fraction/<node>`` is their share of all units of the node, not
    a number where an output is none; ``dead_units/<node>`` says which they are. ``images`` in the meta is the size of
    the probe set.

    Since when: ``dead_since/<node>`` is the first step at which each dead unit was found dead, ``alive_until/<node>``
    the last one before at which it was seen alive, so it died between these two: after the one, and not behind the
    other (-1 where it is alive; where it was dead at the very first look, until is -1). Both come from the looks at
    fixed steps alone: they depend on the project and the data, and not on the clock. What has died since the last of
    these looks is dead since the step at which it was found, until the next one puts it into the story. So the same
    project and seed tell the same story of every step that lies behind a fixed one.

    How to read it: a dead unit passes no gradient on, so it rarely comes back: it is lost. 10–20 % is common; more is
    a sign of a learning rate that is too high or of biases pushed far below zero. A unit that is 0 for many images but
    not for all is not dead: that is what makes a ReLU useful.
    """

    fills = (DEAD_FRACTION, DEAD_UNITS, DEAD_SINCE, ALIVE_UNTIL)
    presses = True

    def __init__(self) -> None:
        self._nodes: Collection[str] = ()
        self._fired: dict[str, Tensor] = {}  # of the pass under way, on the device
        self._strange: dict[str, Tensor] = {}  # likewise: whether an output was not a number
        self._fixed = True
        self._weights_of = 0
        self._looks: list[int] = []  # the fixed steps, ascending
        self._story: dict[str, list[_Chapter]] = {}

    def wanted(self, graph: Graph) -> Collection[str]:
        """The nodes of rectifiers, whose units can be dead."""
        return [node_id for node_id, node in graph.nodes.items() if registry.layer(node.kind).rectifier]

    def place(self, *, fixed: bool, weights_of: int) -> None:
        """Whether the pass belongs into the story, and which step's weights it sees."""
        self._fixed, self._weights_of = fixed, weights_of

    def start(self, network: MeasuredNetwork) -> None:
        """Begins a pass: no unit has fired yet."""
        self._fired, self._strange = {}, {}
        self._nodes = self.wanted(network.graph)

    def take(self, outputs: Mapping[str, Tensor]) -> None:
        """Note which units fired for one of these images. One that is not a number did not fail to fire."""
        for node_id in self._nodes:
            if node_id not in outputs:
                continue
            output = outputs[node_id].detach()
            per_unit = output.reshape(output.shape[0], output.shape[1], -1).amax(dim=(0, 2))
            fired, strange = ~(per_unit <= 0), per_unit.isnan()
            before = self._fired.get(node_id)
            self._fired[node_id] = fired if before is None else before | fired
            self._strange[node_id] = strange if before is None else self._strange[node_id] | strange

    def finish(self, step: int, images: int) -> list[Reading]:
        """Four readings a node, in one transfer."""
        if not self._fired:
            return []
        fetched, strange = (
            torch.stack([torch.cat(list(self._fired.values())), torch.cat(list(self._strange.values()))]).cpu().numpy()
        )
        if self._fixed:
            self.go_back(step)
        readings: list[Reading] = []
        start = 0
        for node_id, fired in self._fired.items():
            units = slice(start, start + len(fired))
            start += len(fired)
            dead = ~fetched[units]
            share = math.nan if strange[units].any() else float(dead.mean()) if len(dead) else 0.0
            since, until = self._since(node_id, dead, step)
            meta = {"images": images}
            readings.append(Scalar(DEAD_FRACTION.series(node_id), step, share))
            readings.append(ArrayReading(DEAD_UNITS.series(node_id), step, dead, meta))
            readings.append(ArrayReading(DEAD_SINCE.series(node_id), step, since, meta))
            readings.append(ArrayReading(ALIVE_UNTIL.series(node_id), step, until, meta))
        if self._fixed and self._looks[-1:] != [step]:
            self._looks.append(step)
        self._fired, self._strange = {}, {}
        return readings

    def reset(self) -> None:
        """Forget the story."""
        self._fired, self._strange = {}, {}
        self._looks, self._story = [], {}

    def go_back(self, step: int) -> None:
        """What is known up to this step stays; the pass under way as well."""
        self._looks = self._looks[: bisect_right(self._looks, step)]
        self._story = {
            node_id: [chapter for chapter in chapters if chapter.step <= step]
            for node_id, chapters in self._story.items()
        }

    def _since(self, node_id: str, dead: NDArray[np.bool_], step: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Since when the dead ones are dead, and until when they were alive; remembered if the step is fixed."""
        # The best weights, put back, have their past where they come from.
        past = min(self._weights_of, step)
        chapters = self._story.setdefault(node_id, [])
        chapter = next((one for one in reversed(chapters) if one.step <= past and len(one.since) == len(dead)), None)
        looks = bisect_right(self._looks, past)
        last_look = self._looks[looks - 1] if looks else -1
        since = np.where(dead, past, -1).astype(np.int64)
        until = np.where(dead, last_look, -1).astype(np.int64)
        if chapter is not None:
            known = dead & (chapter.since >= 0)
            since[known], until[known] = chapter.since[known], chapter.until[known]
        newest = chapters[-1] if chapters else None
        if self._fixed and (newest is None or not np.array_equal(newest.since, since)):
            if newest is not None and newest.step == step:
                chapters.pop()
            chapters.append(_Chapter(step, since, until))
            del chapters[1 : max(len(chapters) - _CHAPTERS, 1)]  # The beginning stays.
        return since, until
