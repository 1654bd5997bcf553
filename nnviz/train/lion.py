"""Lion, an optimizer that torch does not have.

Chen et al.: Symbolic Discovery of Optimization Algorithms (2023), https://arxiv.org/abs/2302.06675, algorithm 2:

    c = β₁·m + (1 − β₁)·g,  w ← w − η·(sign(c) + λ·w),  m ← β₂·m + (1 − β₂)·g
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, overload

import torch
from torch import nn


class Lion(torch.optim.Optimizer):
    """Evolved sign momentum; it keeps ``exp_avg`` (m) of every parameter, from its first update on.

    Args:
        params: What it trains.
        lr: The learning rate η.
        betas: β₁ and β₂.
        weight_decay: λ, which acts on the weights themselves.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One update of all parameters that have a gradient."""
        loss: float | None = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, parameter.grad, group)
        return loss

    def _update(self, weights: nn.Parameter, gradient: torch.Tensor, group: dict[str, Any]) -> None:
        state = self.state[weights]
        if not state:
            state["exp_avg"] = torch.zeros_like(weights, memory_format=torch.preserve_format)
        mean: torch.Tensor = state["exp_avg"]
        first, second = group["betas"]
        direction = mean.mul(first).add_(gradient, alpha=1 - first).sign_()
        if group["weight_decay"] != 0:
            weights.mul_(1 - group["lr"] * group["weight_decay"])
        weights.add_(direction, alpha=-group["lr"])
        mean.mul_(second).add_(gradient, alpha=1 - second)
