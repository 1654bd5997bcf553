"""In what numbers a step is computed, and in what order the numbers of pictures lie in memory.

In mixed precision the products of dense layers and convolutions take numbers of 16 bits; weights, gradients, losses and
what the optimizer keeps stay numbers of 32 bits. Only steps are computed so: whoever measures, evaluates or explains
calls the network itself, which computes in 32 bits with the weights as they are.

Brain floats (bfloat16) reach as far as 32-bit numbers do. Where a GPU has none, half floats (float16) take their place:
they end at 65,504 and at 6e-8, so that the loss is multiplied by a scale before the backward pass, which is halved
when a gradient overflows (that update is left out) and doubled after 2,000 updates without. P. Micikevicius et al.,
"Mixed Precision Training", 2018, https://arxiv.org/abs/1710.03740

Channels last: the numbers of one pixel beside each other, rather than those of one channel. The same numbers, but sums
in another order, so that the last bits may differ.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn

from nnviz.errors import ProjectError
from nnviz.network.losses import LossFunction
from nnviz.project.model import TrainConfig
from nnviz.train.loop import Gradients, Updater

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def has_convolutions(network: nn.Module) -> bool:
    """Whether a network convolves anything."""
    return any(isinstance(module, _CONVOLUTIONS) for module in network.modules())


def mixed_type(config: TrainConfig, network: nn.Module, device: torch.device) -> torch.dtype | None:
    """The narrow numbers that a training takes; None where all of it is computed in 32 bits.

    ``auto`` takes them only where it was measured that they pay: for convolutions on a processor with instructions for
    brain floats (``scripts/bench.py training``).

    Raises:
        ProjectError: They are asked for where they are not to be had.
    """
    if config.precision == "auto":
        pays = device.type == "cpu" and multiplies_brain_floats() and has_convolutions(network)
        return torch.bfloat16 if pays else None
    if config.precision == "single":
        return None
    if device.type == "cpu":
        return torch.bfloat16
    if device.type == "cuda":
        return torch.bfloat16 if _has_brain_floats(device) else torch.float16
    raise ProjectError(
        f"Mixed precision is for the processor and for CUDA, and was never tried on {device.type}: choose single "
        "precision, or another device.",
        field="training.precision",
    )


def _has_brain_floats(device: torch.device) -> bool:
    """Whether this GPU computes with brain floats; torch's own question is about whichever is the current one."""
    return torch.version.hip is not None or torch.cuda.get_device_capability(device)[0] >= 8


def multiplies_brain_floats() -> bool:
    """Whether this processor has instructions for products of brain floats; without them they are slower."""
    known = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(ask is not None and ask() for ask in known)


def puts_channels_last(config: TrainConfig, network: nn.Module, device: torch.device) -> bool:
    """Whether the weights of convolutions are to lie so; what comes out of them then does, too.

    ``auto`` does so where it was measured to pay, as :func:`mixed_type` does.
    """
    if config.channels_last == "auto":
        return device.type == "cpu" and any(isinstance(module, nn.Conv2d) for module in network.modules())
    return config.channels_last == "always"


class MixedPrecision:
    """How the steps of one training are computed with narrow numbers.

    Args:
        device: Where.
        dtype: ``bfloat16``, or ``float16``, which needs a scale.
        parameters: All that are trained.
    """

    def __init__(self, device: torch.device, dtype: torch.dtype, parameters: list[nn.Parameter]) -> None:
        self._device, self._dtype = device, dtype
        self._scaler = torch.amp.GradScaler(device.type) if dtype is torch.float16 else None
        self._held = _Held(parameters)
        #: Whether there are gradients without a scale whose update was not made yet.
        self._unscaled = False

    def computing(self) -> AbstractContextManager[object]:
        """Inside, modules compute as a step does."""
        return torch.autocast(self._device.type, self._dtype)

    def forward(self, network: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        """The forward pass of a step: its outputs, and so the loss, are numbers of 32 bits."""

        def pass_forward(inputs: Tensor) -> Tensor:
            with self.computing():
                outputs = network(inputs)
            return outputs.float()

        return pass_forward

    def backward(self, loss: Tensor) -> None:
        """The backward pass from a loss; the gradients are multiplied by the scale, if there is one."""
        scaled = loss if self._scaler is None else self._scaler.scale(loss)
        scaled.backward()  # type: ignore[no-untyped-call]  # torch leaves it without annotations

    def unscaled(self, gradients: Gradients) -> Gradients:
        """The same, with gradients as they are without a scale: what looks at them is shown nothing else."""
        if self._scaler is None:
            return gradients

        def found(loss_function: LossFunction, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
            if self._unscaled:  # an update was left out, which torch's scaler does not know of
                self.scale = self.scale
            answer = gradients(loss_function, inputs, targets)
            assert self._scaler is not None
            self._scaler.unscale_(self._held)  # type: ignore[arg-type]  # of an optimizer it takes the groups alone
            self._unscaled = True
            return answer

        return found

    def updates(self, updater: Updater) -> Updater:
        """The same updates, of which those are left out whose gradients have overflowed."""
        if self._scaler is None:
            return updater
        self._held.step = updater.step
        return _ScaledUpdates(updater, self._update)

    def _update(self) -> None:
        assert self._scaler is not None
        if any(parameter.grad is not None for parameter in self._held.param_groups[0]["params"]):  # all may be frozen
            self._scaler.step(self._held)  # type: ignore[arg-type]
            self._scaler.update()
        self._unscaled = False

    @property
    def scale(self) -> tuple[float, int]:
        """By what the loss is multiplied, and for how many updates it was; (0, 0) where it is not. Waits for a GPU."""
        if self._scaler is None:
            return 0.0, 0
        state = self._scaler.state_dict()
        return float(state["scale"]), int(state["_growth_tracker"])

    @scale.setter
    def scale(self, value: tuple[float, int]) -> None:
        if self._scaler is not None and value[0] > 0:
            state = {**self._scaler.state_dict(), "scale": value[0], "_growth_tracker": value[1]}
            self._scaler = torch.amp.GradScaler(self._device.type)
            self._scaler.load_state_dict(state)
            self._unscaled = False


class _Held:
    """What torch's scaler asks of an optimizer: whose gradients there are, and the update."""

    def __init__(self, parameters: list[nn.Parameter]) -> None:
        self.param_groups = [{"params": parameters}]
        self.step: Callable[[], object] = lambda: None


class _ScaledUpdates:
    """An updater behind a scaler."""

    def __init__(self, updater: Updater, update: Callable[[], None]) -> None:
        self.zero_grad = updater.zero_grad
        self.step = update
