"""A network of one's own, and the number in it whose reasons are asked for.

The copy is taken between two batches and belongs to whoever asked for it from then on: what is computed with it,
however long it takes and on whichever thread, holds up no training and reaches no live weight.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from nnviz.data.examples import LoadedData
from nnviz.data.streamed import extremes
from nnviz.errors import InputError, TrainingError
from nnviz.explain.at_rest import NODE, NetworkAtRest, network_at_rest
from nnviz.explain.methods import Baseline
from nnviz.explain.values import Example, Numbers
from nnviz.network.losses import LossFunction
from nnviz.project import registry
from nnviz.project.checks.shapes import inputs_of
from nnviz.project.model import Shape
from nnviz.train.training import Training

#: What turns scores into shares of 1: reasons are asked of the score before it, which does not saturate.
_SHARES = (nn.Softmax, nn.LogSoftmax, nn.Sigmoid)
#: In one batch: examples, numbers between the layers, multiplications. The last two bound memory, and the time after
#: which progress is told.
_MOST_EXAMPLES, _MOST_NUMBERS, _MOST_MACS = 256, 2**24, 2 * 10**9
#: Examples of the training split that a mean is taken over.
_MEAN_OF = 1000
_BYTES = 255

#: Told how far it is: done, of how many.
Progress = Callable[[int, int], None]
#: Asked now and then; True ends the work.
CancelledCheck = Callable[[], bool]
#: In place of a ReLU's module.
ReluRule = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Goal:
    """One number of a network for one example: the score.

    Attributes:
        node: The layer.
        unit: The unit of a vector, else the channel.
        over: Of a channel: its largest number (``max``), the mean of all (``mean``), or the one at ``at``.
        at: Where in the channel, for ``over="at"``.
        sign: −1 asks for the opposite: the score of the first of two classes that one number decides between.
    """

    node: str
    unit: int = 0
    over: Literal["max", "mean", "at"] = "max"
    at: tuple[int, ...] = ()
    sign: float = 1.0


class OwnNetwork:
    """A copy of a network in evaluation mode with what is needed to ask it.

    Several threads may ask it at a time: no question changes it.

    Args:
        at_rest: The copy.
        kinds: Node id -> its kind, as in the registry.
        sources: Node id -> the nodes that feed it, in port order.
        shapes: Node id -> shape of what it puts out.
        macs: Multiply-accumulate operations for one example.
        input_id, output_id: Its two ends.
        loss: What it is trained for; says how an answer is read.
        data: Its examples, which are never written to.
        step: Updates that the weights had seen.
        device: Where it computes.
        train_targets: What is right for the training examples, with the labels that were decided about; those of the
            data where it is not given.

    Attributes:
        at_rest, kinds, sources, shapes, input_id, output_id, loss, data, step, device: As given.
        order: Node ids in the order of computation.
    """

    def __init__(
        self,
        at_rest: NetworkAtRest,
        kinds: Mapping[str, str],
        sources: Mapping[str, tuple[str, ...]],
        shapes: Mapping[str, Shape],
        macs: int,
        input_id: str,
        output_id: str,
        loss: LossFunction,
        data: LoadedData,
        step: int,
        device: torch.device,
        train_targets: Tensor | None = None,
    ) -> None:
        self.at_rest = at_rest
        self.kinds = kinds
        self.sources = sources
        self.shapes = shapes
        self._macs = macs
        self.input_id = input_id
        self.output_id = output_id
        self.loss = loss
        self.data = data
        self.step = step
        self.device = device
        self._train_targets = data.train.targets if train_targets is None else train_targets
        self._scaler = data.scaler.to(device)
        self._baselines: dict[str, Tensor] = {}
        self.order = tuple(node.meta[NODE] for node in at_rest.module.graph.nodes if node.op == "call_module")
        at_rest.module.requires_grad_(False)

    def targets_of(self, split: str) -> Tensor:
        """What is right for each example of a split; of the training split with what was decided about labels."""
        return self._train_targets if split == "train" else self.data.split(split).targets

    # -- computing ----------------------------------------------------------------------------------------------------

    def ancestors(self, node: str) -> frozenset[str]:
        """The node and all that its value depends on."""
        found: set[str] = set()
        waiting = [node]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting.extend(self.sources[one])
        return frozenset(found)

    def run(
        self, inputs: Tensor, wanted: Collection[str], *, relu: ReluRule | None = None, free: str = ""
    ) -> dict[str, Tensor]:
        """What nodes put out, ``(n, *shape)``; nothing is computed that they do not depend on.

        Args:
            inputs: ``(n, *input shape)``, as the network sees them.
            wanted: Which nodes.
            relu: Computes what a ReLU would.
            free: A node from whose value on gradients flow; it is among the wanted ones.
        """
        needed = frozenset().union(*(self.ancestors(node) for node in wanted))
        order = [node for node in self.order if node in needed]
        last = {source: node for node in order for source in self.sources[node]}
        values: dict[str, Tensor] = {}
        for node in order:
            module = self.at_rest.module_of(node)
            sources = self.sources[node]
            taken = [values[source] for source in sources] or [inputs]
            rule = relu is not None and isinstance(module, nn.ReLU)
            values[node] = relu(taken[0]) if rule and relu is not None else module(*taken)
            if node == free:
                values[node] = values[node].detach().requires_grad_()
            for source in set(sources):
                if last[source] == node and source not in wanted:
                    del values[source]
        return {node: values[node] for node in wanted}

    def score(self, inputs: Tensor, goal: Goal, *, relu: ReluRule | None = None) -> Tensor:
        """The score of each example, ``(n,)``."""
        return self.read(self.run(inputs, {goal.node}, relu=relu)[goal.node], goal)

    @staticmethod
    def read(values: Tensor, goal: Goal) -> Tensor:
        """The score in what the node of a goal put out, ``(n, units, …)`` -> ``(n,)``."""
        channel = values[:, goal.unit]
        if channel.dim() == 1:
            return goal.sign * channel
        if goal.over == "at":
            place: tuple[slice | int, ...] = (slice(None), *goal.at)
            return goal.sign * channel[place]
        flat = channel.flatten(1)
        # One of equal ones, not a share of each: a gradient goes back to one place.
        return goal.sign * (flat.mean(1) if goal.over == "mean" else flat.max(1).values)

    def scores(self, inputs: Tensor, goal: Goal) -> Tensor:
        """The scores of any number of examples, without gradients, batch by batch."""
        with torch.no_grad():
            return torch.cat([self.score(part, goal) for part in torch.split(inputs, self.batch_size(goal.node))])

    def batch_size(self, node: str) -> int:
        """How many examples go together through the network up to a node."""
        numbers = sum(int(np.prod(self.shapes[one])) for one in self.ancestors(node))
        return max(1, min(_MOST_EXAMPLES, _MOST_NUMBERS // max(numbers, 1), _MOST_MACS // max(self._macs, 1)))

    # -- goals --------------------------------------------------------------------------------------------------------

    @property
    def score_node(self) -> str:
        """The node whose numbers are the scores of the classes: before softmax or sigmoid, where there is one."""
        node = self.sources[self.output_id][0]
        while isinstance(self.at_rest.module_of(node), _SHARES):
            node = self.sources[node][0]
        return node

    def class_goal(self, index: int) -> Goal:
        """The score of a class, or of a number that is asked for, by its place in the answer.

        Raises:
            InputError: There is no such class.
        """
        units = self.shapes[self.score_node][0]
        yes_or_no = self.loss.task == "binary" and units == 1
        if not 0 <= index < (2 if yes_or_no else units):
            raise InputError(f"There is no class {index}: the network tells {2 if yes_or_no else units} apart.")
        if yes_or_no:
            return Goal(self.score_node, 0, sign=1.0 if index else -1.0)
        return Goal(self.score_node, index)

    def answer(self, outputs: Tensor) -> int:
        """Which class an example is taken for, ``(1, *output shape)`` -> its index; 0 where numbers are asked for."""
        numbers = outputs.reshape(-1)
        if self.loss.task == "binary" and len(numbers) == 1:
            return int(float(numbers[0]) > self.loss.threshold)
        return int(numbers.argmax()) if self.loss.has_accuracy else 0

    def unit_goal(self, node: str, unit: int, over: Literal["max", "mean"] = "max") -> Goal:
        """The number of a unit.

        Raises:
            InputError: There is none such.
        """
        if node not in self.shapes:
            raise InputError(f"There is no layer '{node[:80]}' in this network.")
        count = self.shapes[node][0]
        if not 0 <= unit < count:
            raise InputError(f"{node} has {count} units, numbered from 0: there is no unit {unit}.")
        return Goal(node, unit, over)

    # -- examples -----------------------------------------------------------------------------------------------------

    def prepared(self, raw: Tensor) -> Tensor:
        """Raw examples ``(n, *shape)`` as the network sees them."""
        return self._scaler.apply(raw.to(self.device))

    def example(self, example: Example) -> Tensor:
        """One example as the network sees it, ``(1, *input shape)``.

        Raises:
            InputError: There is no such example.
        """
        inputs = self.data.split(example.split).inputs
        if not 0 <= example.index < len(inputs):
            raise InputError(
                f"There is no example {example.index}: the {example.split} split has {len(inputs):,}, numbered from 0."
            )
        return self.prepared(inputs[example.index : example.index + 1])

    def baseline(self, kind: Baseline) -> Tensor:
        """An example that says nothing, ``(1, *input shape)``, as the network sees it.

        Args:
            kind: ``zero``: all raw numbers are 0, of images black. ``mean``: the mean of up to 1,000 training examples,
                evenly taken.
        """
        if kind not in self._baselines:
            raw = self._sample()
            raw = torch.zeros_like(raw[:1]) if kind == "zero" else raw.mean(0, keepdim=True)
            self._baselines[kind] = self.prepared(raw)
        return self._baselines[kind]

    def plain(self) -> Tensor:
        """The mean of each channel everywhere (of each feature), ``(1, *input shape)``, as the network sees it."""
        raw = self._sample().mean(0, keepdim=True)
        if raw.dim() > 2:
            raw = raw.mean(tuple(range(2, raw.dim())), keepdim=True).expand_as(raw)
        return self.prepared(raw)

    def bounds(self) -> tuple[Tensor, Tensor]:
        """Between what numbers all examples lie: the smallest and the largest for each place, as the network sees them.

        Of images those of the bytes 0 and 255; of a table the ends of each feature in the training split.
        """
        inputs = self.data.train.inputs
        if inputs.dtype == torch.uint8:
            low, high = (torch.full_like(inputs[:1], end) for end in (0, _BYTES))
        else:
            low, high = extremes(inputs).unsqueeze(1)
        ends = torch.cat([self.prepared(low), self.prepared(high)])
        return ends.amin(0, keepdim=True), ends.amax(0, keepdim=True)

    def _sample(self) -> Tensor:
        inputs = self.data.train.inputs
        return inputs[:: max(1, -(-len(inputs) // _MEAN_OF))].float()

    # -- layers -------------------------------------------------------------------------------------------------------

    def map_layers(self, goal: Goal) -> tuple[str, ...]:
        """The layers before a goal whose maps lie over an image: those that Grad-CAM can look at."""
        if len(self.shapes[self.input_id]) != 3:
            return ()
        behind = self.ancestors(goal.node) - {goal.node}
        behind -= {self.input_id}
        return tuple(node for node in self.order if node in behind and len(self.shapes[node]) == 3)

    def last_convolution(self, goal: Goal) -> str:
        """Where Grad-CAM looks unless somebody says otherwise; an empty text where there are no maps.

        The last convolution, and what follows it in a row with maps of the same shape (normalisation, ReLU).
        """
        layers = self.map_layers(goal)
        convolutions = [node for node in layers if registry.layer(self.kinds[node]).family == "convolution"]
        if not convolutions:
            return layers[-1] if layers else ""
        found = convolutions[-1]
        for node in layers[layers.index(found) + 1 :]:
            if self.sources[node] != (found,) or self.shapes[node] != self.shapes[found]:
                break
            found = node
        return found


def own_network(training: Training) -> OwnNetwork:
    """Takes a copy. Call it on the thread that owns the training; what comes back may be used on any other.

    Raises:
        TrainingError: There is no memory for a copy.
    """
    network = training.network
    size = sum(one.numel() * one.element_size() for one in network.parameters())
    if not training.room.allows(size, "This question cannot be answered"):
        raise TrainingError("There is no room in memory for a copy of the network, on which this would be computed.")
    nodes = network.node_ids
    return OwnNetwork(
        network_at_rest(network),
        {node: network.kind_of(node) for node in nodes},
        {node: tuple(inputs_of(network.graph, node)) for node in nodes},
        {node: network.inference.results[node].output for node in nodes},
        network.inference.macs,
        network.input_id,
        network.output_id,
        training.loss_function,
        training.data,
        training.weights_of,
        training.device,
        training.coming.curated_targets,
    )


def frozen(tensor: Tensor) -> Numbers:
    """Numbers that nobody can change, on the CPU."""
    numbers: Numbers = tensor.detach().float().cpu().numpy().copy()
    numbers.setflags(write=False)
    return numbers
