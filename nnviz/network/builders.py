"""One builder a layer kind: parameter values and input shapes -> the torch module.

A builder receives *all* parameter values (``Spec.values`` filled the defaults in) and the shapes of the inputs without
the batch. It only constructs: weights are written afterwards by :mod:`nnviz.network.initialise`, so nothing here draws
random numbers that anybody depends on. A module of our own that keeps numbers has a ``reset_parameters``, as torch's
have, that writes them. No module works in place, so every intermediate output can be looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

import torch
from torch import Tensor, nn

from nnviz.errors import ProjectError
from nnviz.project.model import Params, ParamValue, Shape

Builder: TypeAlias = Callable[[Params, list[Shape]], nn.Module]


class _StepFunction(torch.autograd.Function):
    """1 where x > 0, else 0. Its derivative is 0 wherever it exists, and 0 is what flows back."""

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        """1 where x > 0, else 0, in x's own type."""
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        """Zero for every input."""
        return torch.zeros_like(gradients[0])


class Step(nn.Module):
    """Heaviside's step, strictly positive fires: 1 where x > 0, else 0. The gradient is zero, not missing."""

    def forward(self, x: Tensor) -> Tensor:
        """Any shape; the output has the same."""
        return cast(Tensor, _StepFunction.apply(x))  # type: ignore[no-untyped-call]  # torch leaves it unannotated


class Reshape(nn.Module):
    """Gives every example another shape of the same number of values; the batch stays."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        """``(n, *any)`` -> ``(n, *shape)``."""
        return x.reshape(x.shape[0], *self.shape)

    def extra_repr(self) -> str:
        """What stands between the brackets when it is printed."""
        return f"shape={self.shape}"


class Add(nn.Module):
    """Sum of all inputs, added in port order."""

    def forward(self, *inputs: Tensor) -> Tensor:
        """All of one shape."""
        total = inputs[0]
        for other in inputs[1:]:
            total = total + other
        return total


class Subtract(nn.Module):
    """The first input minus the second."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Both of one shape."""
        return first - second


class Select(nn.Module):
    """One of the numbers or channels that come in, counted from 0 without the batch."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index

    def forward(self, x: Tensor) -> Tensor:
        """``(n, k, *rest)`` -> ``(n, 1, *rest)``; a copy, so that nothing else is held."""
        return x.narrow(1, self.index, 1).clone()

    def extra_repr(self) -> str:
        """What stands between the brackets when it is printed."""
        return f"index={self.index}"


class Multiply(nn.Module):
    """Product of all inputs, element by element, in port order."""

    def forward(self, *inputs: Tensor) -> Tensor:
        """All of one shape."""
        product = inputs[0]
        for other in inputs[1:]:
            product = product * other
        return product


class Concatenate(nn.Module):
    """Joins the inputs in port order along one dimension, counted without the batch: 0 is channels or features."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.dimension = dimension

    def forward(self, *inputs: Tensor) -> Tensor:
        """Of one shape except along the dimension."""
        return torch.cat(inputs, dim=self.dimension + 1)

    def extra_repr(self) -> str:
        """What stands between the brackets when it is printed."""
        return f"dimension={self.dimension}"


def _int(value: ParamValue) -> int:
    return cast(int, value)


def _float(value: ParamValue) -> float:
    return cast(float, value)


def _bool(value: ParamValue) -> bool:
    return cast(bool, value)


def _pair(value: ParamValue) -> tuple[int, int]:
    if isinstance(value, tuple):
        return cast("tuple[int, int]", value if len(value) == 2 else (value[0], value[0]))
    return _int(value), _int(value)


def _optional_pair(value: ParamValue, otherwise: tuple[int, int]) -> tuple[int, int]:
    """A stride that is not given means "as large as the window"."""
    return otherwise if value is None else _pair(value)


def _shape(value: ParamValue) -> Shape:
    return cast(Shape, value)


def _linear(params: Params, shapes: list[Shape]) -> nn.Module:
    return nn.Linear(shapes[0][-1], _int(params["out_features"]), bias=_bool(params["bias"]))


def _conv1d(params: Params, shapes: list[Shape]) -> nn.Module:
    return nn.Conv1d(
        shapes[0][0],
        _int(params["out_channels"]),
        _int(params["kernel_size"]),
        stride=_int(params["stride"]),
        padding=_int(params["padding"]),
        dilation=_int(params["dilation"]),
        groups=_int(params["groups"]),
        bias=_bool(params["bias"]),
    )


def _conv2d(params: Params, shapes: list[Shape]) -> nn.Module:
    return nn.Conv2d(
        shapes[0][0],
        _int(params["out_channels"]),
        _pair(params["kernel_size"]),
        stride=_pair(params["stride"]),
        padding=_pair(params["padding"]),
        dilation=_pair(params["dilation"]),
        groups=_int(params["groups"]),
        bias=_bool(params["bias"]),
    )


def _conv_transpose2d(params: Params, shapes: list[Shape]) -> nn.Module:
    return nn.ConvTranspose2d(
        shapes[0][0],
        _int(params["out_channels"]),
        _pair(params["kernel_size"]),
        stride=_pair(params["stride"]),
        padding=_pair(params["padding"]),
        output_padding=_pair(params["output_padding"]),
        dilation=_pair(params["dilation"]),
        groups=_int(params["groups"]),
        bias=_bool(params["bias"]),
    )


def _max_pool1d(params: Params, shapes: list[Shape]) -> nn.Module:
    kernel_size = _int(params["kernel_size"])
    stride = params["stride"]
    return nn.MaxPool1d(
        kernel_size,
        stride=kernel_size if stride is None else _int(stride),
        padding=_int(params["padding"]),
        dilation=_int(params["dilation"]),
        ceil_mode=_bool(params["ceil_mode"]),
    )


def _max_pool2d(params: Params, shapes: list[Shape]) -> nn.Module:
    kernel_size = _pair(params["kernel_size"])
    return nn.MaxPool2d(
        kernel_size,
        stride=_optional_pair(params["stride"], kernel_size),
        padding=_pair(params["padding"]),
        dilation=_pair(params["dilation"]),
        ceil_mode=_bool(params["ceil_mode"]),
    )


def _avg_pool2d(params: Params, shapes: list[Shape]) -> nn.Module:
    kernel_size = _pair(params["kernel_size"])
    return nn.AvgPool2d(
        kernel_size,
        stride=_optional_pair(params["stride"], kernel_size),
        padding=_pair(params["padding"]),
        ceil_mode=_bool(params["ceil_mode"]),
        count_include_pad=_bool(params["count_include_pad"]),
    )


def _zero_pad2d(params: Params, shapes: list[Shape]) -> nn.Module:
    left, right, top, bottom = _shape(params["padding"])
    return nn.ZeroPad2d((left, right, top, bottom))


def _upsample(params: Params, shapes: list[Shape]) -> nn.Module:
    mode = cast(str, params["mode"])
    factor = params["scale_factor"]
    return nn.Upsample(
        scale_factor=tuple(float(value) for value in _pair(factor)) if isinstance(factor, tuple) else _int(factor),
        mode=mode,
        align_corners=None if mode == "nearest" else False,
    )


def _prelu(params: Params, shapes: list[Shape]) -> nn.Module:
    return nn.PReLU(num_parameters=shapes[0][0] if _bool(params["per_channel"]) else 1)


def _batch_norm1d(params: Params, shapes: list[Shape]) -> nn.Module:
    return nn.BatchNorm1d(
        shapes[0][0],
        eps=_float(params["epsilon"]),
        momentum=_float(params["momentum"]),
        affine=_bool(params["affine"]),
    )


def _batch_norm2d(params: Params, shapes: list[Shape]) -> nn.Module:
    return nn.BatchNorm2d(
        shapes[0][0],
        eps=_float(params["epsilon"]),
        momentum=_float(params["momentum"]),
        affine=_bool(params["affine"]),
    )


def _layer_norm(params: Params, shapes: list[Shape]) -> nn.Module:
    return nn.LayerNorm(list(shapes[0]), eps=_float(params["epsilon"]), elementwise_affine=_bool(params["affine"]))


def _group_norm(params: Params, shapes: list[Shape]) -> nn.Module:
    return nn.GroupNorm(
        _int(params["groups"]), shapes[0][0], eps=_float(params["epsilon"]), affine=_bool(params["affine"])
    )


def _local_response_norm(params: Params, shapes: list[Shape]) -> nn.Module:
    return nn.LocalResponseNorm(
        _int(params["size"]), alpha=_float(params["alpha"]), beta=_float(params["beta"]), k=_float(params["k"])
    )


#: Every kind the registry knows has exactly one builder here (a test compares the two).
BUILDERS: Mapping[str, Builder] = {
    "input": lambda params, shapes: nn.Identity(),
    "output": lambda params, shapes: nn.Identity(),
    "linear": _linear,
    "conv1d": _conv1d,
    "conv2d": _conv2d,
    "conv_transpose2d": _conv_transpose2d,
    "max_pool1d": _max_pool1d,
    "max_pool2d": _max_pool2d,
    "avg_pool2d": _avg_pool2d,
    "adaptive_avg_pool2d": lambda params, shapes: nn.AdaptiveAvgPool2d(_pair(params["output_size"])),
    "flatten": lambda params, shapes: nn.Flatten(),
    "identity": lambda params, shapes: nn.Identity(),
    "reshape": lambda params, shapes: Reshape(_shape(params["shape"])),
    "select": lambda params, shapes: Select(_int(params["index"])),
    "zero_pad2d": _zero_pad2d,
    "upsample": _upsample,
    "step": lambda params, shapes: Step(),
    "relu": lambda params, shapes: nn.ReLU(),
    "leaky_relu": lambda params, shapes: nn.LeakyReLU(_float(params["negative_slope"])),
    "prelu": _prelu,
    "elu": lambda params, shapes: nn.ELU(_float(params["alpha"])),
    "gelu": lambda params, shapes: nn.GELU(approximate=cast(str, params["approximate"])),
    "silu": lambda params, shapes: nn.SiLU(),
    "hardswish": lambda params, shapes: nn.Hardswish(),
    "sigmoid": lambda params, shapes: nn.Sigmoid(),
    "tanh": lambda params, shapes: nn.Tanh(),
    "softplus": lambda params, shapes: nn.Softplus(),
    "softmax": lambda params, shapes: nn.Softmax(dim=1),
    "log_softmax": lambda params, shapes: nn.LogSoftmax(dim=1),
    "dropout": lambda params, shapes: nn.Dropout(_float(params["probability"])),
    "dropout2d": lambda params, shapes: nn.Dropout2d(_float(params["probability"])),
    "batch_norm1d": _batch_norm1d,
    "batch_norm2d": _batch_norm2d,
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "local_response_norm": _local_response_norm,
    "add": lambda params, shapes: Add(),
    "subtract": lambda params, shapes: Subtract(),
    "multiply": lambda params, shapes: Multiply(),
    "concatenate": lambda params, shapes: Concatenate(_int(params["dimension"])),
}


def _drop(module: nn.Module, value: ParamValue) -> None:
    cast(nn.Dropout, module).p = _float(value)


#: Every live setting that the registry knows has exactly one function here (a test compares): (module, value).
LIVE: Mapping[tuple[str, str], Callable[[nn.Module, ParamValue], None]] = {
    ("dropout", "probability"): _drop,
    ("dropout2d", "probability"): _drop,
}


def set_live(module: nn.Module, kind: str, name: str, value: ParamValue) -> None:
    """Gives a module that was built another value of a live setting."""
    LIVE[kind, name](module, value)


def build_layer(kind: str, params: Params, shapes: list[Shape]) -> nn.Module:
    """Makes the torch module of one node from its kind and parameters.

    Args:
        kind: Key of the registry.
        params: All parameter values, defaults filled in.
        shapes: Shapes of the inputs in port order, without the batch.

    Raises:
        ProjectError: There is no builder of that kind.
    """
    builder = BUILDERS.get(kind)
    if builder is None:
        raise ProjectError(f"There is no layer of the kind '{kind}'.", field="kind")
    return builder(params, shapes)
