"""The gradients of one large batch, found a part of it at a time: as much memory as one part needs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise

import torch
from torch import Tensor

from nnviz.network.losses import LossFunction
from nnviz.train.loop import Gradients


def accumulated(
    network: Callable[[Tensor], Tensor],
    size: int,
    *,
    join_single: bool = False,
    backward: Callable[[Tensor], object] = torch.autograd.backward,
    within: Callable[[int, bool], AbstractContextManager[int]] = lambda count, last: nullcontext(1),
) -> Gradients:
    """Finds the gradients of the mean loss of all examples by adding up those of parts.

    The order of the sum is another one than for the whole batch at once, so the last bits may differ; so does what a
    layer makes of the examples together, as BatchNorm does: it sees one part at a time.

    Args:
        network: The forward pass, in training mode; its gradients are empty before.
        size: Examples in a part.
        join_single: A last part of one example joins the one before it.
        backward: The backward pass from a loss.
        within: (examples, whether it is the last) -> what is entered for a part, and by what its loss is multiplied in
            the backward pass.

    Returns:
        In the place of the forward and the backward pass of :func:`nnviz.train.loop.train_step`.
    """

    def gradients(loss_function: LossFunction, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        answers: list[Tensor] = []
        whole: Tensor | None = None
        count = inputs.shape[0]
        for first, last in pairwise(bounds_of(count, size, join_single)):
            part = slice(first, last)
            own, share = loss_function.of_part(part, count)
            with within(last - first, last == count) as times:
                outputs = network(inputs[part])
                loss = own(outputs, targets[part]) * share
                backward(loss if times == 1 else loss * times)
            answers.append(outputs.detach())
            whole = loss.detach() if whole is None else whole + loss.detach()
        assert whole is not None  # a batch has at least one example
        return torch.cat(answers), whole

    return gradients


def bounds_of(count: int, size: int, join_single: bool = False) -> list[int]:
    """Where the parts of so many examples begin, and where the last one ends."""
    bounds = [*range(0, count, size), count]
    if join_single and size > 1 and count > size and count % size == 1:
        del bounds[-2]
    return bounds
