"""Products in narrow numbers that keep no copy of their weights: for layers whose weights are whole for a moment alone.

In mixed precision autograd keeps the 16-bit copy of a layer's weights that it computed with until the way back, so half
of the network would lie whole in each process that has a part of it. Here that copy is made once more on the way back,
where the layer's weights are whole again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

#: (inputs, weights) -> what comes out.
_Product: TypeAlias = Callable[[Tensor, Tensor], Tensor]


def keep_no_copies(layer: nn.Module) -> None:
    """Has the products of a layer keep no copy of its weights; those of 32 bits stay as they are."""
    for module in layer.modules():
        lean = _LEAN.get(type(module))
        if lean is not None:
            module.__class__ = lean


def _computed(module: nn.Module, inputs: Tensor, product: _Product) -> Tensor:
    """The product in the numbers of autocast, where that holds."""
    weight = module.weight
    assert isinstance(weight, Tensor)
    kind = inputs.device.type
    if not (torch.is_autocast_enabled(kind) and torch.is_grad_enabled()):
        return product(inputs, weight)
    dtype = torch.get_autocast_dtype(kind)
    narrow = weight.to(dtype)
    place = narrow.untyped_storage().data_ptr()

    def keep(tensor: Tensor) -> Tensor | tuple[list[int], list[int], int]:
        if tensor.untyped_storage().data_ptr() != place:
            return tensor
        return [*tensor.shape], [*tensor.stride()], int(tensor.storage_offset())

    def give_back(kept: Tensor | tuple[list[int], list[int], int]) -> Tensor:
        if isinstance(kept, Tensor):
            return kept
        whole = module.weight  # another object in each pass
        assert isinstance(whole, Tensor)
        return whole.detach().to(dtype).as_strided(*kept)

    with torch.autograd.graph.saved_tensors_hooks(keep, give_back):
        return product(inputs, narrow)


class _Linear(nn.Linear):
    """A layer that :func:`keep_no_copies` has met."""

    def forward(self, input: Tensor) -> Tensor:
        """As torch's."""
        return _computed(self, input, lambda inputs, weight: functional.linear(inputs, weight, self.bias))


class _Conv1d(nn.Conv1d):
    """A layer that :func:`keep_no_copies` has met."""

    def forward(self, input: Tensor) -> Tensor:
        """As torch's."""
        return _computed(self, input, lambda inputs, weight: self._conv_forward(inputs, weight, self.bias))


class _Conv2d(nn.Conv2d):
    """A layer that :func:`keep_no_copies` has met."""

    def forward(self, input: Tensor) -> Tensor:
        """As torch's."""
        return _computed(self, input, lambda inputs, weight: self._conv_forward(inputs, weight, self.bias))


_LEAN: Mapping[type[nn.Module], type[nn.Module]] = {nn.Linear: _Linear, nn.Conv1d: _Conv1d, nn.Conv2d: _Conv2d}
