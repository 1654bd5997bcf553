"""The gradients of a plain chain of dense layers, written out.

Autograd first records what a forward pass does and then goes back over the record. On a network of a hundred weights
that takes three times as long as the arithmetic. A chain needs no record: here its backward pass is the chain rule as a
textbook writes it, layer by layer, with the kernels that autograd calls, in its order, so that every bit is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from nnviz.network.losses import LossFunction
from nnviz.network.network import Network

_aten = torch.ops.aten

#: (gradient of the output, module, input, output) -> gradient of the input
_Slope: TypeAlias = Callable[[Tensor, Any, Tensor, Tensor], Tensor]

_SLOPES: Mapping[type[nn.Module], _Slope] = {
    nn.Identity: lambda gradient, module, x, y: gradient,
    nn.Flatten: lambda gradient, module, x, y: gradient.reshape(x.shape),
    nn.Sigmoid: lambda gradient, module, x, y: _aten.sigmoid_backward.default(gradient, y),
    nn.Tanh: lambda gradient, module, x, y: _aten.tanh_backward.default(gradient, y),
    nn.ReLU: lambda gradient, module, x, y: _aten.threshold_backward.default(gradient, y, 0),
    nn.LeakyReLU: lambda gradient, module, x, y: _aten.leaky_relu_backward.default(
        gradient, x, module.negative_slope, False
    ),
    nn.ELU: lambda gradient, module, x, y: _aten.elu_backward.default(gradient, module.alpha, 1, 1, False, x),
    nn.GELU: lambda gradient, module, x, y: _aten.gelu_backward.default(gradient, x, approximate=module.approximate),
    nn.SiLU: lambda gradient, module, x, y: _aten.silu_backward.default(gradient, x),
    nn.Softplus: lambda gradient, module, x, y: _aten.softplus_backward.default(
        gradient, x, module.beta, module.threshold
    ),
}


class _Dense:
    """y = x Wᵀ + b. The weights are looked up once: asking a module for them takes as long as a small product."""

    def __init__(self, module: nn.Linear, *, first: bool) -> None:
        self._weight, self._bias, self._first = module.weight, module.bias, first

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self._weight, self._bias)

    def backward(self, gradient: Tensor, x: Tensor, y: Tensor) -> Tensor:
        if self._bias is not None:
            self._bias.grad = gradient.sum(0)
        self._weight.grad = gradient.t().mm(x)
        return gradient if self._first else gradient.mm(self._weight)


class _Pointwise:
    """An activation, or a change of shape."""

    def __init__(self, module: nn.Module) -> None:
        self._module, self._slope = module, _SLOPES[type(module)]
        self.forward: Callable[[Tensor], Tensor] = module.forward

    def backward(self, gradient: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return self._slope(gradient, self._module, x, y)


class DenseChain:
    """Computes what ``loss(network(inputs), targets).backward()`` computes, bit for bit on the CPU.

    Make one with :meth:`of`. Hooks of the modules are not called; who watches the network is shown what passes.
    """

    def __init__(self, modules: Sequence[nn.Module], network: Network) -> None:
        self._network = network
        self._nodes = network.planned_ids
        self._first = next(index for index, module in enumerate(modules) if isinstance(module, nn.Linear))
        self._layers = [
            _Dense(module, first=index == self._first) if isinstance(module, nn.Linear) else _Pointwise(module)
            for index, module in enumerate(modules)
        ]

    @classmethod
    def of(cls, network: Network) -> DenseChain | None:
        """For a network on the CPU that is a chain of dense layers and activations; None for any other."""
        modules = network.chain
        if modules is None or not any(type(module) is nn.Linear for module in modules):
            return None
        if any(type(module) is not nn.Linear and type(module) not in _SLOPES for module in modules):
            return None
        plain = all(
            p.requires_grad and (p.device.type, p.dtype) == ("cpu", torch.float32) for p in network.parameters()
        )
        return cls(modules, network) if plain else None

    def __call__(self, loss_function: LossFunction, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Puts the gradients of the batch's mean loss into ``parameter.grad``.

        Args:
            loss_function: Mean loss of a batch.
            inputs: ``(n, *input shape)``.
            targets: What is right for it.

        Returns:
            The outputs and the loss.
        """
        with torch.no_grad():
            values = [inputs]
            for layer in self._layers:
                values.append(layer.forward(values[-1]))
            watchers = self._network.watchers
            if watchers is not None:
                for node, value in zip(self._nodes, values[1:], strict=True):
                    if node in watchers:
                        watchers[node](value)
            loss, gradient = loss_function.with_gradient(values[-1], targets)
            outputs = values[-1]
            for index in range(len(self._layers) - 1, self._first - 1, -1):
                gradient = self._layers[index].backward(gradient, values[index], values[index + 1])
                values.pop()  # Nobody in front of this layer needs what it put out.
        return outputs, loss
