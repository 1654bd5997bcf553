"""Batch normalisation over the whole of a batch of which several processes have a part each.

torch's own SyncBatchNorm does this on CUDA alone; here the same two sums are added up over the processes with whatever
connects them. Outside of a step that is taken together a layer is as it always is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

#: Examples in the batch that all processes have parts of just now; 0 outside of such a step.
_examples = 0


@contextmanager
def over(examples: int) -> Iterator[None]:
    """Within it the processes compute the parts of one batch, of so many examples altogether."""
    global _examples  # noqa: PLW0603 - torch has one group of processes a program, too
    _examples = examples
    try:
        yield
    finally:
        _examples = 0


def share(network: nn.Module) -> None:
    """Have the layers for batch normalisation of a network look at the whole batch in such a step."""
    for module in network.modules():
        shared = _SHARED.get(type(module))
        if shared is not None:
            module.__class__ = shared


class _Sum(torch.autograd.Function):
    """The sum of a tensor over all processes, of which every one's gradient is the sum of theirs."""

    @staticmethod
    def forward(context: Any, own: Tensor) -> Tensor:
        """The sum."""
        total = own.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        """Its gradient."""
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)
        return total


def _normalised(module: nn.modules.batchnorm._BatchNorm, inputs: Tensor) -> Tensor:
    """(x − E[x]) / √(Var[x] + ε) · γ + β over all examples of all processes, which moves the running statistics.

    Of narrow numbers (mixed precision) the sums are taken in 32 bits, as torch's own layer does.
    """
    narrow, inputs = inputs.dtype, inputs.float()
    own = inputs.numel() / inputs.shape[1]
    dims = [dim for dim in range(inputs.dim()) if dim != 1]
    shape = [-1 if dim == 1 else 1 for dim in range(inputs.dim())]
    counted = torch.tensor([own], dtype=inputs.dtype, device=inputs.device)
    sums = _Sum.apply(torch.cat((inputs.sum(dims), counted)))  # type: ignore[no-untyped-call]  # torch leaves it without annotations
    count = sums[-1].detach()
    mean = sums[:-1] / count
    apart = inputs - mean.view(shape)
    variance = _Sum.apply((apart * apart).sum(dims)) / count  # type: ignore[no-untyped-call]  # as above
    if module.track_running_stats and module.running_mean is not None and module.running_var is not None:
        # A batch of fewer examples than processes is everybody's: it is counted once.
        number = _examples * own / inputs.shape[0]
        with torch.no_grad():
            if module.num_batches_tracked is not None:
                module.num_batches_tracked.add_(1)
            weight = module.momentum
            if weight is None:
                weight = 1.0 / float(module.num_batches_tracked or 1)
            module.running_mean.lerp_(mean.detach(), weight)
            module.running_var.lerp_(variance.detach() * (number / max(number - 1, 1)), weight)
    found: Tensor = apart * torch.rsqrt(variance + module.eps).view(shape)
    if module.affine:
        found = found * module.weight.view(shape) + module.bias.view(shape)
    return found.to(narrow)


class _Shared1d(nn.BatchNorm1d):
    """A layer that :func:`share` has met."""

    def forward(self, input: Tensor) -> Tensor:
        """As torch's, over the whole batch in a step that is taken together."""
        return _normalised(self, input) if _examples and self.training else super().forward(input)


class _Shared2d(nn.BatchNorm2d):
    """A layer that :func:`share` has met."""

    def forward(self, input: Tensor) -> Tensor:
        """As torch's, over the whole batch in a step that is taken together."""
        return _normalised(self, input) if _examples and self.training else super().forward(input)


_SHARED: dict[type[nn.Module], type[nn.Module]] = {nn.BatchNorm1d: _Shared1d, nn.BatchNorm2d: _Shared2d}
