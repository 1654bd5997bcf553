"""Writes the initial weights of a network: same graph and seed, same weights, bit for bit, whatever the device.

All random numbers come from one ``torch.Generator`` on the CPU, drawn in topological order of the graph, weight before
bias. For a plain chain with torch's own initialisation that is the very order in which a hand-written ``nn.Sequential``
under ``torch.manual_seed(seed)`` draws them, so both start from the same numbers (a test compares them).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias, cast

import torch
from torch import Tensor, nn

from nnviz.errors import ProjectError
from nnviz.project import registry
from nnviz.project.model import Choice, Params

#: The layers whose ``weight_initialisation`` can be chosen.
Weighted: TypeAlias = "nn.Linear | nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d"
#: (layer, its parameters and those of the initialiser, source of random numbers, id of the node): writes the numbers.
_Writer: TypeAlias = "Callable[[Weighted, Params, torch.Generator, str], None]"
_WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d)
#: PyTorch's own, where nothing is said.
USUAL = Choice("default")


def inputs_per_unit(module: Weighted) -> int:
    """How many numbers one output number is a sum over: the n of sqrt(1/n) and sqrt(2/n).

    For a transposed convolution it is the average over positions: each input is spread over the window, and
    ``stride`` outputs share it in each direction.
    """
    if isinstance(module, nn.Linear):
        return module.in_features
    window = math.prod(module.kernel_size)
    channels = module.in_channels // module.groups
    if isinstance(module, nn.ConvTranspose2d):
        return max(1, channels * window // math.prod(module.stride))
    return channels * window


def initialise(
    module: nn.Module,
    params: Params,
    generator: torch.Generator,
    *,
    where: str = "",
    usual: Choice = USUAL,
) -> None:
    """Writes the parameters and buffers of one layer, and of the modules inside it in their order.

    Args:
        module: A layer made by a builder, on the CPU; what its memory holds is overwritten.
        params: All parameter values of the layer.
        generator: The source of every random number.
        where: The node's id, for messages.
        usual: What the whole network is set to: how a layer starts that says nothing.

    Raises:
        ProjectError: The given weights do not have the layer's size.
        TypeError: A module keeps numbers but has no ``reset_parameters`` that writes them.
    """
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, _WEIGHTED):
                _initialise_weighted(part, params if part is module else {}, generator, where, usual)
            else:
                _reset(part, generator)


def _reset(module: nn.Module, generator: torch.Generator) -> None:
    """Lets a module write its own numbers; what it draws goes on where the generator is."""
    reset = getattr(module, "reset_parameters", None)
    if reset is not None:
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(generator.get_state())
            reset()
            generator.set_state(torch.get_rng_state())
    elif [*module.parameters(recurse=False), *module.buffers(recurse=False)]:
        raise TypeError(f"{type(module).__name__} keeps numbers of its own and needs a reset_parameters for them.")


def _initialise_weighted(
    module: Weighted, params: Params, generator: torch.Generator, where: str, usual: Choice
) -> None:
    way = Choice.of(params.get("weight_initialisation", USUAL.kind))
    if way.kind in registry.initialisers() and registry.initialiser(way.kind).follows:
        way = usual
    write = INITIALISERS.get(way.kind)
    if write is None:
        raise ProjectError(
            f"There is no weight initialisation called '{way.kind}'.", field=f"{where}.weight_initialisation"
        )
    write(module, {**params, **registry.initialiser(way.kind).values(way.params)}, generator, where)


def _default(module: Weighted, params: Params, generator: torch.Generator, where: str) -> None:
    # As in torch: https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html (Kaiming uniform, a = sqrt 5)
    weight, bias = module.weight, module.bias
    nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)
    if bias is not None:
        fan_in, _ = nn.init._calculate_fan_in_and_fan_out(weight)
        bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0.0
        nn.init.uniform_(bias, -bound, bound, generator=generator)


def _given(module: Weighted, params: Params, generator: torch.Generator, where: str) -> None:
    if module.bias is not None:
        module.bias.zero_()
    _write_given(module.weight, params.get("weight_values"), f"{where}.weight_values")
    if module.bias is not None and params.get("bias_values") is not None:
        _write_given(module.bias, params.get("bias_values"), f"{where}.bias_values")


def _drawn(draw: Callable[[Tensor, Weighted, Params, torch.Generator], object]) -> _Writer:
    """Biases 0, and the weights as drawn."""

    def write(module: Weighted, params: Params, generator: torch.Generator, where: str) -> None:
        if module.bias is not None:
            module.bias.zero_()
        draw(module.weight, module, params, generator)

    return write


def _write_given(target: Tensor, values: object, field: str) -> None:
    """Copies numbers out of the project into a parameter, after comparing the sizes.

    Weights stand in rows, in torch's order: a row is all that belongs to an output, or a part of it, as a row of a
    window.
    """
    sizes = list(target.shape)
    wanted = "×".join(map(str, [sizes[0], math.prod(sizes[1:])][: len(sizes)]))
    if values is None:
        raise ProjectError(
            f"The weights are to be given, but there are none: {wanted} numbers are needed.", field=field
        )
    given = torch.tensor(values, dtype=torch.float64)
    rows = {math.prod(sizes[at:]) for at in range(1, len(sizes))} or {sizes[0]}
    if given.numel() != target.numel() or given.dim() != min(target.dim(), 2) or given.shape[-1] not in rows:
        shown = "×".join(str(size) for size in given.shape)
        raise ProjectError(f"{shown} numbers are given, but the layer has {wanted}.", field=field)
    target.copy_(given.reshape(target.shape))


def _truncated(weight: Tensor, deviation: float, generator: torch.Generator) -> None:
    nn.init.trunc_normal_(weight, 0.0, deviation, -2 * deviation, 2 * deviation, generator=generator)


#: Every initialiser that the registry knows has exactly one writer here (a test compares the two).
INITIALISERS: Mapping[str, _Writer] = {
    "default": _default,
    "pytorch": _default,
    "he_normal": _drawn(
        lambda weight, module, params, generator: weight.normal_(
            0.0, math.sqrt(2 / inputs_per_unit(module)), generator=generator
        )
    ),
    "he_uniform": _drawn(
        lambda weight, module, params, generator: weight.uniform_(
            -math.sqrt(6 / inputs_per_unit(module)), math.sqrt(6 / inputs_per_unit(module)), generator=generator
        )
    ),
    "glorot_normal": _drawn(
        lambda weight, module, params, generator: nn.init.xavier_normal_(weight, generator=generator)
    ),
    "xavier_normal": _drawn(
        lambda weight, module, params, generator: weight.normal_(
            0.0, math.sqrt(1 / inputs_per_unit(module)), generator=generator
        )
    ),
    "xavier_uniform": _drawn(
        lambda weight, module, params, generator: nn.init.xavier_uniform_(weight, generator=generator)
    ),
    "gaussian": _drawn(
        lambda weight, module, params, generator: weight.normal_(
            0.0, cast(float, params["deviation"]), generator=generator
        )
    ),
    "truncated_gaussian": _drawn(
        lambda weight, module, params, generator: _truncated(weight, cast(float, params["deviation"]), generator)
    ),
    "uniform": _drawn(
        lambda weight, module, params, generator: weight.uniform_(
            -cast(float, params["limit"]), cast(float, params["limit"]), generator=generator
        )
    ),
    "orthogonal": _drawn(
        lambda weight, module, params, generator: nn.init.orthogonal_(
            weight, cast(float, params["gain"]), generator=generator
        )
    ),
    "constant": _drawn(lambda weight, module, params, generator: weight.fill_(cast(float, params["value"]))),
    "zeros": _drawn(lambda weight, module, params, generator: weight.zero_()),
    "given": _given,
}
