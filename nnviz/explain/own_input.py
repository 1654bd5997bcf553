"""What a network makes of an input that somebody drew or typed: every layer's output, without a target and a trace."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from nnviz.data.streamed import extremes
from nnviz.errors import InputError
from nnviz.probes.base import ExampleInput, Measurement
from nnviz.probes.feature_maps import FeatureMapProbe
from nnviz.project.model import Choice, Pinned, Shape, usual_split
from nnviz.record.interest import Interest
from nnviz.record.quantities import OUTPUT
from nnviz.record.readings import ArrayReading
from nnviz.train.training import Training

Numbers = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class InputFacts:
    """What an input of a network is like, in the numbers of its data set, before they are prepared.

    Attributes:
        shape: Of one example.
        low, high: The ends of what each number is in training; of an image 0 and 255.
        whole: They are whole numbers: the bytes of an image.
        class_names: What can be answered.
        task: ``classes``, ``binary`` or ``regression``.
        loss: Key of the loss, which says how an answer is read.
    """

    shape: Shape
    low: Numbers
    high: Numbers
    whole: bool
    class_names: tuple[str, ...]
    task: str
    loss: str


@dataclass(frozen=True, slots=True, eq=False)
class TakenExample:
    """An example of the data set as it is before it is prepared, and what is right for it, in words."""

    numbers: Numbers
    label: str
    index: int


@dataclass(frozen=True, slots=True, eq=False)
class OwnAnswer:
    """What a network made of an input.

    Attributes:
        step: Updates that its weights had seen.
        output: What it put out, as it goes into the loss.
        readings: Of the input and of each node, as the pinned example's are; of very many channels the first.
        facts: What an input is like, and how the output is read.
    """

    step: int
    output: Numbers
    readings: tuple[ArrayReading, ...]
    facts: InputFacts


def facts_of(training: Training) -> InputFacts:
    """What an input of this network is like."""
    facts = training.data.facts
    inputs = training.data.train.inputs
    whole = inputs.dtype == torch.uint8
    if whole:
        low, high = np.zeros(1, np.float32), np.full(1, 255, np.float32)
    else:
        low, high = (ends.reshape(-1).numpy() for ends in extremes(inputs))
    network = training.network
    loss = Choice.of(network.graph.nodes[network.output_id].params.get("loss")).kind
    if not loss:
        from nnviz.project import registry  # noqa: PLC0415 - rarely needed

        loss = Choice.of(registry.layer(network.kind_of(network.output_id)).param("loss").default).kind
    return InputFacts(tuple(facts.input_shape), low, high, whole, facts.class_names, facts.shown_task, loss)


def _split(training: Training) -> str:
    """The one that is looked at: its batches are where they are needed already."""
    return usual_split(len(training.data.validation))


def example_of(training: Training, named: Pinned) -> TakenExample:
    """An example of the validation split, of training where that is empty; the nearest to a number that is none."""
    split, index = named if isinstance(named, tuple) else (_split(training), named)
    if not len(training.data.split(split)):
        split = _split(training)
    examples = training.data.split(split)
    index = min(max(index, 0), len(examples) - 1)
    numbers = examples.inputs[index].to(torch.float32).numpy()
    return TakenExample(numbers, training.data.describe(index, split), index)


def answer_to(
    training: Training,
    numbers: Numbers,
    *,
    nodes: Collection[str] | None = None,
    label: str = "",
    facts: InputFacts | None = None,
) -> OwnAnswer:
    """One forward pass in evaluation mode. Call it on the thread that owns the network; it leaves no trace there.

    Args:
        training: Of the network.
        numbers: The input in the data set's own numbers; prepared here as the examples are.
        nodes: Whose outputs are wanted beside the answer; None is all of them.
        label: What would be right, in words; empty where nobody knows.
        facts: What :func:`facts_of` said of this network, where that is known.

    Raises:
        InputError: It has not the shape of an input of this network, or holds what is no finite number.
    """
    facts = facts or facts_of(training)
    if tuple(numbers.shape) != facts.shape:
        expected, given = (" × ".join(map(str, shape)) for shape in (facts.shape, numbers.shape))
        raise InputError(f"This network takes {expected} numbers, not {given}.")
    if not np.isfinite(numbers).all():
        raise InputError("An input holds only finite numbers.")
    network = training.network
    raw = torch.from_numpy(np.array(numbers, np.float32))[None].to(training.device)
    prepared = training.feeder(_split(training)).scaler.apply(raw)
    wanted = frozenset(network.node_ids if nodes is None else {*nodes, network.output_id})
    example = ExampleInput(-1, prepared, {"sample": -1, "label": label, "split": "own"})
    measurement = Measurement(network, training.step, examples=(example,), interest=Interest(nodes=wanted))
    readings = tuple(one for one in FeatureMapProbe().measure(measurement) if isinstance(one, ArrayReading))
    series = OUTPUT.series(network.output_id)
    output = next(one.array for one in readings if one.series == series)
    return OwnAnswer(training.step, np.asarray(output, np.float32).reshape(-1), readings, facts)
