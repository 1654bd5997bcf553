"""Where a training broke: which number became infinite or NaN first. Looks; changes nothing.

Three ways of asking, for the three ways in which it comes to light: the batch that comes next, the update that was just
made, and an evaluation that found no finite loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from nnviz.errors import NotFiniteError
from nnviz.network.losses import LossFunction
from nnviz.train.finite import is_finite, what_is_wrong
from nnviz.train.loop import Evaluation, evaluation_mode
from nnviz.train.training import Training

#: What the quantities are called in a sentence, and whether that is many things.
_WORDS = {
    "input": ("the input of", False),
    "activation": ("the output of", False),
    "loss": ("the loss of", False),
    "gradient": ("the gradient of", False),
    "weights": ("the weights of", True),
    "running_statistics": ("the running statistics of", True),
    "optimizer_state": ("what the optimizer keeps for", False),
}


@dataclass(frozen=True, slots=True)
class Origin:
    """The number with which it began.

    Attributes:
        step: The update that could not be made, from 1, or the one that made it so.
        node: Id of the layer.
        quantity: See :class:`NotFiniteError`.
        kind: ``infinite`` or ``not a number``.
        split: What was measured when it came to light: ``train``, ``validation`` or ``test``.
    """

    step: int
    node: str
    quantity: str
    kind: str
    split: str = "train"

    def clause(self, name: str) -> str:
        """It as part of a sentence, under the name of the layer that the screen shows."""
        words, many = _WORDS[self.quantity]
        where = "" if self.split == "train" else f" for the {self.split} examples"
        return f"{words} {name} {'are' if many else 'is'} {self.kind}{where}"

    def error(self, name: str, rate: float, restored: int | None) -> NotFiniteError:
        """The error for whoever waits for the end of the training.

        Args:
            name: Of the layer.
            rate: The learning rate.
            restored: The step after which the network stands now; None where its numbers are spoilt.
        """
        kept = (
            "No state before it is kept" if restored is None else f"The network stands as it did after step {restored}"
        )
        behind = "at" if self.split == "train" else "after"
        return NotFiniteError(
            f"Training stopped {behind} step {self.step}: {self.clause(name)}; the learning rate is {rate:g}. {kept}.",
            step=self.step,
            node=self.node,
            quantity=self.quantity,
            restored=restored,
        )


def of_next_batch(training: Training) -> Origin:
    """Why the step that comes next can have no finite loss."""
    step = training.step + 1
    found = _in_state(training)
    if found is not None:
        return Origin(training.step, *found)
    inputs, targets = training.coming.peek()
    return _in_forward_pass(training, inputs, targets, step, "train", training.coming.loss_of_next())


def of_last_update(training: Training) -> Origin | None:
    """What the update that was just made has spoilt; None where everything is finite."""
    found = _in_state(training)
    if found is None:
        return None
    network = training.network
    for node in reversed(network.node_ids):  # The order in which gradients are computed.
        for parameter in network.module_of(node).parameters():
            if parameter.grad is not None and not is_finite(parameter.grad):
                return Origin(training.step, node, "gradient", what_is_wrong(parameter.grad))
    return Origin(training.step, *found)


def of_evaluation(training: Training, evaluation: Evaluation, split: str) -> Origin:
    """Why a split has no finite loss."""
    found = _in_state(training)
    if found is not None:
        return Origin(training.step, *found)
    batch = evaluation.first_not_finite()
    inputs, targets = next(training.feeder(split).batches(start=batch or 0))
    with evaluation_mode(training.network):
        return _in_forward_pass(training, inputs, targets, training.step, split, training.loss_function)


def _in_forward_pass(
    training: Training, inputs: Tensor, targets: Tensor, step: int, split: str, loss_function: LossFunction
) -> Origin:
    network = training.network
    buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}
    random = training.random.capture()
    try:
        computing = training.computing() if split == "train" else nullcontext()
        with training.random if training.draws else nullcontext(), computing, torch.no_grad():
            for node, output in network.forward_all(inputs, network.trained_ids).items():
                if not is_finite(output):
                    quantity = "input" if node == network.input_id else "activation"
                    return Origin(step, node, quantity, what_is_wrong(output), split)
                if node == network.output_id:
                    loss = loss_function(output.float(), targets)
                    if not is_finite(loss):
                        return Origin(step, node, "loss", what_is_wrong(loss), split)
    finally:
        with torch.no_grad():
            for name, buffer in network.named_buffers():
                buffer.copy_(buffers[name])
        training.random.restore(random)
    return Origin(step, network.output_id, "loss", "not finite", split)  # On a GPU it need not happen again.


def _in_state(training: Training) -> tuple[str, str, str] | None:
    """(node, quantity, kind) of the first thing that is kept from step to step and is not finite, in order."""
    network = training.network
    for node in network.node_ids:
        module = network.module_of(node)
        for quantity, tensors in (("weights", module.parameters()), ("running_statistics", module.buffers())):
            for tensor in tensors:
                if not is_finite(tensor):
                    return node, quantity, what_is_wrong(tensor)
    for node, tensor in _kept_by_the_optimizer(training):
        if not is_finite(tensor):
            return node, "optimizer_state", what_is_wrong(tensor)
    return None


def _kept_by_the_optimizer(training: Training) -> Iterator[tuple[str, Tensor]]:
    if training.optimizer is None:
        return
    network = training.network
    for node in network.node_ids:
        for parameter in network.module_of(node).parameters():
            for value in training.optimizer.state.get(parameter, {}).values():
                if isinstance(value, Tensor):
                    yield node, value
