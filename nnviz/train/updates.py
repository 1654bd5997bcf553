"""The updates of an optimizer, with as little around them as can be.

torch looks after hooks, profilers, compilers, devices and types at each ``step()`` and ``zero_grad()``: on a network of
a hundred weights that takes three times as long as the update itself. Where all of that is known beforehand, as it is
for one group of weights on the CPU, :class:`Updates` calls the same kernels with the same tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor

from nnviz.train.uncompiled import step_alone

#: Gradients of the parameters that are trained, in their order -> the update.
_Kernel: TypeAlias = Callable[[list[Tensor]], None]
#: Of float32.
_SMALLEST_NORMAL = torch.finfo(torch.float32).tiny
#: The least epsilon to which the root of that adds nothing, with room to spare.
_SWALLOWS_ROOT = 1e-11


class Updates:
    """Does what ``optimizer.zero_grad()`` and ``optimizer.step()`` do, bit for bit. State and settings stay with it.

    Args:
        optimizer: Its settings may change at any time, and its state may be replaced (``load_state_dict``).
    """

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self._optimizer = optimizer
        self._parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        self._kernel: _Kernel | None = None
        self._state: Mapping[Any, Any] | None = None  # which the kernel works on
        self._count = 0

    def zero_grad(self) -> None:
        """Lets all gradients go."""
        for parameter in self._parameters:
            parameter.grad = None

    def step(self) -> None:
        """One update with the gradients that are there."""
        if self._kernel is not None and self._state is self._optimizer.state:
            gradients = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
            # What a layer that leads nowhere has is no gradient, now and always.
            if len(gradients) == self._count:
                with torch.no_grad():
                    self._kernel(gradients)
                return
        step_alone(self._optimizer)  # which makes the state where there is none
        self._bind()

    def look_anew(self) -> None:
        """The optimizer has other settings or keeps other things: what is looked up once is looked up again."""
        self._kernel = None

    def _bind(self) -> None:
        """Looks up once what torch would look up at each step."""
        optimizer = self._optimizer
        trained = [parameter for parameter in self._parameters if parameter.grad is not None]
        forms = {(parameter.device.type, parameter.dtype) for parameter in trained}
        simple = len(optimizer.param_groups) == 1 and forms == {("cpu", torch.float32)}
        bind = _BINDERS.get(type(optimizer))
        self._kernel = bind(optimizer, trained) if simple and bind is not None else None
        self._state, self._count = optimizer.state, len(trained)


def _bind_adam(optimizer: torch.optim.Optimizer, trained: list[Tensor]) -> _Kernel | None:
    """Adam and AdamW differ in the kernel alone."""
    group = optimizer.param_groups[0]
    if not group["fused"] or group["amsgrad"]:
        return None
    means, squares, steps = _of_each(optimizer, trained, "exp_avg", "exp_avg_sq", "step")
    kernel = torch._fused_adamw_ if group["decoupled_weight_decay"] else torch._fused_adam_

    def update(gradients: list[Tensor]) -> None:
        torch._foreach_add_(steps, 1)
        kernel(
            trained,
            gradients,
            means,
            squares,
            [],
            steps,
            lr=group["lr"],
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            amsgrad=False,
            maximize=group["maximize"],
        )

    return update


def _bind_sgd(optimizer: torch.optim.Optimizer, trained: list[Tensor]) -> _Kernel | None:
    group = optimizer.param_groups[0]
    if not group["fused"]:
        return None
    momenta = _of_each(optimizer, trained, "momentum_buffer")[0] if group["momentum"] else []

    def update(gradients: list[Tensor]) -> None:
        torch._fused_sgd_(
            trained,
            gradients,
            momenta,
            weight_decay=group["weight_decay"],
            momentum=group["momentum"],
            lr=group["lr"],
            dampening=group["dampening"],
            nesterov=group["nesterov"],
            maximize=group["maximize"],
            is_first_step=False,
        )

    return update


def _bind_rmsprop(optimizer: torch.optim.Optimizer, trained: list[Tensor]) -> _Kernel | None:
    """It has no kernel of its own on the CPU; what torch does tensor by tensor is done list by list."""
    group = optimizer.param_groups[0]
    if group["centered"] or group["maximize"] or group["differentiable"]:
        return None
    squares, steps = _of_each(optimizer, trained, "square_avg", "step")
    momenta = _of_each(optimizer, trained, "momentum_buffer")[0] if group["momentum"] > 0 else []

    def update(gradients: list[Tensor]) -> None:
        torch._foreach_add_(steps, 1)
        if group["weight_decay"] != 0:
            gradients = list(torch._foreach_add(gradients, trained, alpha=group["weight_decay"]))
        torch._foreach_mul_(squares, group["alpha"])
        torch._foreach_addcmul_(squares, gradients, gradients, value=1 - group["alpha"])
        sizes = _roots(squares, group["eps"])
        if momenta:
            torch._foreach_mul_(momenta, group["momentum"])
            torch._foreach_addcdiv_(momenta, gradients, sizes)
            torch._foreach_add_(trained, momenta, alpha=-group["lr"])
        else:
            torch._foreach_addcdiv_(trained, gradients, sizes, value=-group["lr"])

    return update


def _bind_nadam(optimizer: torch.optim.Optimizer, trained: list[Tensor]) -> _Kernel | None:
    """It has no kernel of its own on the CPU, as RMSprop."""
    group = optimizer.param_groups[0]
    if group["maximize"] or group["differentiable"] or group["capturable"] or group["decoupled_weight_decay"]:
        return None
    means, squares, products, steps = _of_each(optimizer, trained, "exp_avg", "exp_avg_sq", "mu_product", "step")
    if len({(float(step), float(product)) for step, product in zip(steps, products, strict=True)}) > 1:
        return None  # what had no gradient at first is at a step of its own

    def update(gradients: list[Tensor]) -> None:
        torch._foreach_add_(steps, 1)
        step = float(steps[0])
        first, second = group["betas"]
        if group["weight_decay"] != 0:
            gradients = list(torch._foreach_add(gradients, trained, alpha=group["weight_decay"]))
        now, then = (first * (1.0 - 0.5 * 0.96 ** (at * group["momentum_decay"])) for at in (step, step + 1))
        torch._foreach_mul_(products, now)
        product = float(products[0])
        torch._foreach_lerp_(means, gradients, 1 - first)
        torch._foreach_mul_(squares, second)
        torch._foreach_addcmul_(squares, gradients, gradients, value=1 - second)
        sizes = _roots(torch._foreach_div(squares, 1 - second**step), group["eps"])
        torch._foreach_addcdiv_(trained, gradients, sizes, value=-group["lr"] * (1.0 - now) / (1.0 - product))
        torch._foreach_addcdiv_(trained, means, sizes, value=-group["lr"] * then / (1.0 - product * then))

    return update


def _roots(squares: list[Tensor] | tuple[Tensor, ...], epsilon: float) -> list[Tensor]:
    """√squares + epsilon, bit for bit.

    Torch's square root takes 8 times as long for a 0 and 37 times for a subnormal number (torch 2.13 with MKL, an AMD
    EPYC; 670,000 numbers), of which there are many: a weight whose input is never anything but 0 has no gradient, and
    one whose input is hardly ever more has squares that fade for ever. So they are raised to the smallest normal number
    first. Its root is 1e-19, which is lost in an epsilon of ordinary size.
    """
    if epsilon < _SWALLOWS_ROOT:
        sizes = list(torch._foreach_sqrt(squares))
    else:
        sizes = list(torch._foreach_clamp_min(squares, _SMALLEST_NORMAL))
        torch._foreach_sqrt_(sizes)
    torch._foreach_add_(sizes, epsilon)
    return sizes


def _of_each(optimizer: torch.optim.Optimizer, trained: list[Tensor], *names: str) -> list[list[Tensor]]:
    """What the optimizer keeps under each name, for all parameters."""
    return [[optimizer.state[parameter][name] for parameter in trained] for name in names]


#: The optimizers whose kernel is called directly; the others, and these where they have none, go torch's own way.
_BINDERS: Mapping[type[torch.optim.Optimizer], Callable[[torch.optim.Optimizer, list[Tensor]], _Kernel | None]] = {
    torch.optim.Adam: _bind_adam,
    torch.optim.AdamW: _bind_adam,
    torch.optim.NAdam: _bind_nadam,
    torch.optim.SGD: _bind_sgd,
    torch.optim.RMSprop: _bind_rmsprop,
}
