"""Everything that a picture of a small dense network shows, in one answer: weights, gradients, units, the decision."""

from __future__ import annotations

import copy
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nnviz.data import datasets
from nnviz.errors import TrainingError
from nnviz.explain.values import Example, values_of_next_batch
from nnviz.network.initialise import initialise
from nnviz.project import registry
from nnviz.project.graph.dense_layers import DenseLayers, UnitLayer, dense_layers
from nnviz.project.model import usual_split
from nnviz.train.input_plane import input_plane
from nnviz.train.training import Training
from nnviz.train.unit_switches import NO_SWITCHES, UnitSwitches

Numbers = NDArray[np.float32]
#: Cells in each direction of the picture of a unit.
MAP_SIDE = 50
#: Examples of a split that are drawn.
_MOST_POINTS = 1000
_SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class NeuronQuestion:
    """What is wanted.

    Attributes:
        side: Cells in each direction of the decision, a multiple of :data:`MAP_SIDE`.
        example: The example whose way through the network is shown; None for none.
        enlarged: (layer, unit) whose picture is wanted as fine as the decision; None for none.
        gradients: ``last``: as they stand since the last batch, which costs nothing; ``next``: of the batch that comes
            next, at the present weights.
        decision: False leaves out what the network puts out over the plane, and the picture of the enlarged unit.
    """

    side: int = 2 * MAP_SIDE
    example: Example | None = None
    enlarged: tuple[int, int] | None = None
    gradients: str = "next"
    decision: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class LayerNumbers:
    """One column of units. All arrays are copies.

    Attributes:
        layer: Which one.
        weights: ``[units, units of the column before]``; None for the input.
        biases: ``[units]``; None for the input, and where there are none.
        weight_gradients, bias_gradients: d loss / d each of them; None where they are not known.
        maps: ``[units, MAP_SIDE, MAP_SIDE]`` over the plane, the top row first; None where the input is no plane.
        sums: ``[units]`` of the example, before the activation; None without an example, and for the input.
        values: ``[units]`` of the example, behind it.
    """

    layer: UnitLayer
    weights: Numbers | None = None
    biases: Numbers | None = None
    weight_gradients: Numbers | None = None
    bias_gradients: Numbers | None = None
    maps: Numbers | None = None
    sums: Numbers | None = None
    values: Numbers | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SplitPoints:
    """Examples of a split on the plane.

    Attributes:
        points: ``[n, 3]``: x1, x2 as the network sees them, and the label (or the number that is right).
        indices: ``[n]``: their numbers in the split.
    """

    points: Numbers
    indices: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class NeuronNumbers:
    """A small dense network at one moment, as plain numbers.

    Attributes:
        step: Updates that the weights have seen.
        chain: Its layers; ``layers`` has their numbers.
        gradients_of: What the gradients are of, in words; empty where there are none.
        edges: (x1 low, x1 high, x2 low, x2 high) of the plane; None where the input is no plane.
        surface: ``[outputs, side, side]``, what the network puts out over the plane; None likewise, and where it was
            not asked for.
        enlarged: Which unit was enlarged; ``enlarged_map``: its picture, ``[side, side]``.
        points: The examples of each split that has any; always the same object for the same training.
        loss_kind, task, class_names: How an output is read; ``feature_names``: what comes in, where that has names.
        example: Whose values these are; None for none.
        right: What the example really is, in words; ``target``: as a number.
        loss: Of this example.
        output: ``[outputs]`` for it.
        switches: Units that are off or frozen.
        edits: How often numbers were set by hand.
        seconds: What the answer took.
    """

    step: int
    chain: DenseLayers
    layers: tuple[LayerNumbers, ...]
    gradients_of: str = ""
    edges: tuple[float, float, float, float] | None = None
    surface: Numbers | None = None
    enlarged: tuple[int, int] | None = None
    enlarged_map: Numbers | None = None
    points: Mapping[str, SplitPoints] = field(default_factory=dict)
    loss_kind: str = ""
    task: str = ""
    class_names: tuple[str, ...] = ()
    feature_names: tuple[str, ...] = ()
    example: Example | None = None
    right: str = ""
    target: float = 0.0
    loss: float | None = None
    output: Numbers | None = None
    switches: UnitSwitches = NO_SWITCHES
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Ground:
    """What stays the same for one training: its layers, the plane, the points."""

    training: weakref.ref[Training]
    chain: DenseLayers
    edges: tuple[float, float, float, float] | None
    points: Mapping[str, SplitPoints]
    grids: dict[int, Tensor]


class NeuronAnswers:
    """Answers :class:`NeuronQuestion`; keeps what is the same for all of them. Belongs to the thread that answers."""

    def __init__(self) -> None:
        self._ground: _Ground | None = None

    def __call__(self, training: Training, question: NeuronQuestion) -> NeuronNumbers:
        """One forward pass of the plane and of the example; nothing of the training is changed.

        Raises:
            TrainingError: The network is no small chain of dense layers; says why.
        """
        began = time.perf_counter()
        ground = self._ground_of(training)
        chain, network = ground.chain, training.network
        example, given, target = _example(training, question.example)
        side = question.side if question.decision else MAP_SIDE
        grid = None if ground.edges is None else _grid(ground, side, training.device)
        batch = torch.cat([part for part in (grid, given) if part is not None]) if given is not None else grid
        outputs: dict[str, Tensor] = {}
        if batch is not None:
            wanted = {node for layer in chain.layers for node in (layer.node, layer.output)}
            outputs = _outputs(training, batch, wanted)
        weights_by, biases_by, of_what = _gradients(training, question, chain)
        cells = 0 if grid is None else len(grid)
        layers = []
        for index, layer in enumerate(chain.layers):
            module = None if index == 0 else network.module_of(layer.node)
            values = None if given is None else _numbers(outputs[layer.output][cells])
            sums = None if given is None or index == 0 else _numbers(outputs[layer.node][cells])
            layers.append(
                LayerNumbers(
                    layer,
                    None if module is None else _numbers(_parameter(module, "weight")),
                    None if module is None else _numbers(_parameter(module, "bias")),
                    weights_by.get(layer.node),
                    biases_by.get(layer.node),
                    None if grid is None else _maps(outputs[layer.output][:cells], side),
                    sums,
                    values,
                )
            )
        last = chain.layers[-1].output
        loss = None
        if given is not None and target is not None:
            with torch.no_grad():
                loss = float(training.loss_function(outputs[last][cells:], target))
        surface = None
        if grid is not None and question.decision:
            surface = _numbers(outputs[last][:cells].T.reshape(-1, side, side))
        enlarged = question.enlarged if surface is not None and _is_there(question.enlarged, chain) else None
        enlarged_map = None
        if enlarged is not None:
            column = outputs[chain.layers[enlarged[0]].output][:cells, enlarged[1]]
            enlarged_map = _numbers(column.reshape(side, side))
        facts = training.data.facts
        return NeuronNumbers(
            step=training.step,
            chain=chain,
            layers=tuple(layers),
            gradients_of=of_what,
            edges=ground.edges,
            surface=surface,
            enlarged=enlarged,
            enlarged_map=enlarged_map,
            points=ground.points,
            loss_kind=training.loss_function.kind,
            task=facts.shown_task,
            class_names=tuple(facts.class_names),
            feature_names=tuple(
                training.data.facts.feature_names or datasets.dataset(training.data.config.dataset).feature_names
            ),
            example=example,
            right="" if example is None else training.data.describe(example.index, example.split),
            target=0.0 if target is None or not target.numel() else float(target.reshape(-1)[0]),
            loss=loss,
            output=None if given is None else _numbers(outputs[last][cells]),
            switches=training.switches,
            seconds=time.perf_counter() - began,
        )

    def _ground_of(self, training: Training) -> _Ground:
        if self._ground is None or self._ground.training() is not training:
            network = training.network
            shapes = {node: tuple(result.output) for node, result in network.inference.results.items()}
            chain = dense_layers(network.graph, shapes)
            if isinstance(chain, str):
                raise TrainingError(chain)
            plane = input_plane(training, points=1) if chain.is_plane else None
            edges = None if plane is None else (*plane.x1, *plane.x2)
            points = {split: found for split in _SPLITS if (found := _points(training, split)) is not None}
            given = MappingProxyType(points if edges is not None else {})
            self._ground = _Ground(weakref.ref(training), chain, edges, given, {})
        return self._ground


def _grid(ground: _Ground, side: int, device: torch.device) -> Tensor:
    """The middles of all cells, row by row from the top, float32[side², 2]."""
    if side not in ground.grids:
        assert ground.edges is not None
        x1_low, x1_high, x2_low, x2_high = ground.edges
        middles = (torch.arange(side, dtype=torch.float64) + 0.5) / side
        across = x1_low + middles * (x1_high - x1_low)
        down = x2_high - middles * (x2_high - x2_low)
        cells = torch.stack([across.repeat(side), down.repeat_interleave(side)], dim=1)
        ground.grids[side] = cells.float().to(device)
    return ground.grids[side]


def _outputs(training: Training, batch: Tensor, wanted: set[str]) -> dict[str, Tensor]:
    """What the nodes put out; there is nothing in a chain of these layers that depends on the mode."""
    network = training.network
    with torch.no_grad():
        if network.chain is None:
            return network.forward_all(batch, wanted)
        found = {network.input_id: batch}
        for node, module in zip(network.planned_ids, network.chain, strict=True):
            batch = module(batch)
            if node in wanted:
                found[node] = batch
    return found


def _maps(outputs: Tensor, side: int) -> Numbers:
    every = side // MAP_SIDE
    cells = outputs.reshape(side, side, -1)[every // 2 :: every, every // 2 :: every]
    return np.array(cells.permute(2, 0, 1).cpu().numpy(), dtype=np.float32, order="C")


def _numbers(tensor: Tensor | None) -> Any:
    """A copy of its own."""
    return None if tensor is None else np.array(tensor.detach().cpu().numpy(), dtype=np.float32, order="C")


def _parameter(module: nn.Module, name: str) -> Tensor | None:
    found = getattr(module, name, None)
    return found if isinstance(found, Tensor) else None


def _gradients(
    training: Training, question: NeuronQuestion, chain: DenseLayers
) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Of the weights and of the biases of each layer, and what they are of."""
    nodes = [layer.node for layer in chain.layers[1:]]
    if question.gradients == "last":
        modules = {node: training.network.module_of(node) for node in nodes}
        weights = {node: _parameter(module, "weight") for node, module in modules.items()}
        if all(weight is not None and weight.grad is not None for weight in weights.values()):
            biases = {node: _parameter(module, "bias") for node, module in modules.items()}
            return (
                {node: _numbers(weight.grad) for node, weight in weights.items() if weight is not None},
                {node: _numbers(bias.grad) for node, bias in biases.items() if bias is not None},
                "the last batch",
            )
        return {}, {}, ""
    found = values_of_next_batch(training, wanted=nodes).nodes
    gradients = {node: found[node].parameter_gradients for node in nodes if node in found}
    return (
        {node: of["weight"] for node, of in gradients.items() if "weight" in of},
        {node: of["bias"] for node, of in gradients.items() if "bias" in of},
        "the next batch",
    )


def _example(training: Training, example: Example | None) -> tuple[Example | None, Tensor | None, Tensor | None]:
    """The example that there is, as the network takes it, and what is right for it."""
    if example is None:
        return None, None, None
    if example.index >= len(training.data.split(example.split)):
        example = Example(usual_split(len(training.data.validation)), 0)
        if example.index >= len(training.data.split(example.split)):
            return None, None, None
    feeder = training.feeder(example.split)
    return example, feeder.prepare([example.index]), feeder.targets_of([example.index])


def _points(training: Training, split: str) -> SplitPoints | None:
    """The examples of a split; the same ones every time. None where there are none, or they are those of another."""
    data = training.data
    count = len(data.split(split))
    if not count or (split != "train" and data.split(split) is data.train):
        return None
    chosen = torch.arange(count)
    if count > _MOST_POINTS:
        chosen = torch.randperm(count, generator=torch.Generator().manual_seed(0))[:_MOST_POINTS].sort().values
    feeder = training.feeder(split)
    inputs = feeder.prepare(chosen)
    if inputs.dim() != 2 or inputs.shape[1] != 2:
        return None
    targets = feeder.targets_of(chosen)
    labels = targets.reshape(len(chosen), -1)[:, :1].float() if targets.numel() else torch.zeros(len(chosen), 1)
    return SplitPoints(_numbers(torch.cat([inputs, labels], dim=1)), chosen.numpy().astype(np.int64))


def _is_there(place: tuple[int, int] | None, chain: DenseLayers) -> bool:
    return place is not None and place[0] < len(chain.layers) and place[1] < chain.layers[place[0]].units


def fresh_numbers(training: Training, node: str, unit: int, seed: int) -> tuple[list[float], float | None]:
    """Untrained numbers for one unit, drawn as those of its layer were; nothing is changed.

    Args:
        training: Of the network; call it on the thread that owns it.
        node: Its dense layer.
        unit: Which unit of it.
        seed: Fixes the numbers.

    Returns:
        Its weights, and its bias; None where there is none.
    """
    module = copy.deepcopy(training.network.module_of(node)).cpu()
    declared = training.network.graph.nodes[node]
    params = registry.layer(declared.kind).values(declared.params)
    generator, usual = torch.Generator().manual_seed(seed), training.config.initialisation
    initialise(module, params, generator, where=f"graph.nodes.{node}.params", usual=usual)
    weight, bias = _parameter(module, "weight"), _parameter(module, "bias")
    assert weight is not None
    return weight.detach()[unit].tolist(), None if bias is None else float(bias.detach()[unit])
