"""What there is to see in each of the five parts of a step; see ``TrainingSession.sub_step_on``.

The first four look at the network at rest: batch, losses and gradients are those of the step that comes next, bit for
bit on the CPU. Each part computes what it shows anew, so that none depends on what was shown before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from nnviz.explain.flow import Flow, flow_of
from nnviz.explain.updates import BeforeStep, before_step
from nnviz.explain.values import Numbers, values_of_next_batch
from nnviz.network.losses import is_mixed
from nnviz.train.sub_steps import SubStep
from nnviz.train.training import Training

#: So many examples of a batch are shown one by one.
MOST_EXAMPLES = 256
#: Larger networks than this, in bytes of weights and of what the optimizer keeps, have their updates not written out.
_MOST_STATE = 2**28


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """The examples of a batch.

    Attributes:
        step: Updates made before it.
        count: How many there are.
        of: How many the training split has.
        inputs: The first of them as the network sees them, float32[n, *shape].
        targets: What is right for each of these: labels, or the first of its numbers; 0 where nobody knows.
        right: The same in words.
        numbers: Which ones of the training split they are.
    """

    step: int
    count: int
    of: int
    inputs: Numbers
    targets: Numbers
    right: tuple[str, ...]
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What one part of a step shows.

    Attributes:
        part: Which one.
        step: Updates made before it.
        batch: The examples.
        flow: What flows for the first of them: values from the second part on, gradients in the fourth.
        losses: From the third part on: of each example by itself.
        loss: From the third part on: their mean, weighted where they weigh differently, which the step makes smaller.
        weighted: Whether they do.
        before: In the fifth: all that the updates are made of. Whoever is on no thread of torch only hands it on.
        unwritten: In the fifth: why the updates cannot be written out, as a sentence.
    """

    part: SubStep
    step: int
    batch: Batch
    flow: Flow | None = None
    losses: Numbers | None = None
    loss: float | None = None
    weighted: bool = False
    before: BeforeStep | None = None
    unwritten: str = ""


def look_at(training: Training, part: SubStep) -> Part:
    """What is to be seen in a part of the step that comes next; for UPDATE what it is made of, before it is made.

    The training does not notice. Call it on the thread that owns it, at rest between two steps.
    """
    batch = batch_of(training)
    if part is SubStep.BATCH:
        return Part(part, training.step, batch)
    if part is SubStep.UPDATE and training.optimizer is None:
        values = values_of_next_batch(training, wanted=(), backwards=False)
        return Part(part, training.step, batch, loss=values.loss, unwritten="No layer has weights: nothing is updated.")
    if part is SubStep.UPDATE:
        small = training.state_bytes <= _MOST_STATE
        before = before_step(training, None if small else ())
        unwritten = "" if small else "This network is too large to write every update out."
        values = before.values
        return Part(part, training.step, batch, loss=values.loss, before=before, unwritten=unwritten)
    judged = part is not SubStep.FORWARD
    values = values_of_next_batch(training, kept=1, backwards=part is SubStep.BACKWARD, each_loss=judged)
    flow = flow_of(values, training.network.graph, right=batch.right[0])
    loss = values.loss if judged else None
    return Part(part, training.step, batch, flow, values.losses, loss, values.shares is not None)


def batch_of(training: Training) -> Batch:
    """The batch that comes next."""
    inputs, targets = training.coming.peek()
    numbers = training.coming.peek_numbers()
    shown = numbers[:MOST_EXAMPLES]
    return Batch(
        training.step,
        len(numbers),
        len(training.data.train),
        _plain(inputs[:MOST_EXAMPLES].float().cpu().numpy()),
        _plain(_first_numbers(_labels(training, targets)[:MOST_EXAMPLES]).float().cpu().numpy()),
        _in_words(training, targets, shown),
        tuple(shown),
    )


def _in_words(training: Training, targets: Tensor, shown: Sequence[int]) -> tuple[str, ...]:
    """What is right for the examples that are shown; of mixed ones each class with its share."""
    names = training.data.class_names
    if not names or not is_mixed(targets):
        own = training.data.train.targets
        return tuple(
            # Of one that was decided about what was decided.
            training.data.describe(number, "train") if torch.equal(target, own[number]) else _word(target, names)
            for number, target in zip(shown, targets[: len(shown)].cpu(), strict=True)
        )
    words = []
    for row in targets[: len(shown)].tolist():
        shares = sorted(((share, name) for share, name in zip(row, names, strict=True) if share), reverse=True)
        words.append(" + ".join(name if share == 1 else f"{share:.2f} × {name}" for share, name in shares))
    return tuple(words)


def _word(target: Tensor, names: Sequence[str]) -> str:
    return names[int(target)] if names else ", ".join(f"{value:.4g}" for value in target.flatten().tolist())


def _labels(training: Training, targets: Tensor) -> Tensor:
    """The targets; where examples of classes are mixed, the class with the larger share."""
    classes = training.data.facts.task == "classes"
    return targets.argmax(1) if classes and is_mixed(targets) else targets


def _first_numbers(targets: Tensor) -> Tensor:
    """Of each example the label, or the first of the numbers that are right."""
    if not targets.numel():
        return targets.new_zeros(len(targets))
    return targets.reshape(len(targets), -1)[:, 0]


def parameters_of(training: Training) -> Mapping[str, Mapping[str, Numbers]]:
    """All parameters as they are now, by node and name; copied."""
    found = {
        node: MappingProxyType(
            {
                name: _plain(parameter.detach().float().cpu().numpy().copy())
                for name, parameter in training.network.module_of(node).named_parameters()
            }
        )
        for node in training.network.node_ids
    }
    return MappingProxyType({node: parameters for node, parameters in found.items() if parameters})


def changes(part: Part, after: Mapping[str, Mapping[str, Numbers]]) -> Mapping[str, Mapping[str, Numbers]]:
    """What the step has added to each parameter; exact but for the rounding of the difference itself."""
    if part.before is None:
        return MappingProxyType({})
    nodes = part.before.values.nodes
    return MappingProxyType(
        {
            node: MappingProxyType(
                {
                    name: _plain((values.astype(np.float64) - nodes[node].parameters[name]).astype(np.float32))
                    for name, values in parameters.items()
                }
            )
            for node, parameters in after.items()
            if node in nodes
        }
    )


def _plain(numbers: Numbers) -> Numbers:
    numbers.setflags(write=False)
    return numbers
