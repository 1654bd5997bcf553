"""Optimizer kind and parameters -> ``torch.optim``, whose whole update is one kernel where there is such a kernel.

On the CPU torch has one kernel each for SGD, Adagrad, Adam and AdamW. They compute the textbook's formulas like the
others, only in one pass over the memory, so the last bits may differ from an optimizer made without ``fused``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias, cast

import torch
from torch import nn

from nnviz.errors import ProjectError
from nnviz.project import registry
from nnviz.project.model import Choice, ParamValue, TrainConfig
from nnviz.train.lion import Lion
from nnviz.train.uncompiled import spare_the_compiler

_Maker: TypeAlias = Callable[[list[nn.Parameter], Mapping[str, float]], torch.optim.Optimizer]


#: Settings of torch's optimizers that change how they compute, not what.
IMPLEMENTATION = ("foreach", "fused")
#: What the settings of torch's optimizers are called in a project, where that is not the same; ``betas`` are two.
SETTINGS: Mapping[str, str] = {"lr": "learning_rate", "eps": "epsilon"}


def _sgd(parameters: list[nn.Parameter], values: Mapping[str, float]) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        parameters,
        lr=values["learning_rate"],
        momentum=values["momentum"],
        nesterov=bool(values["nesterov"]) and values["momentum"] > 0,
        weight_decay=values["weight_decay"],
        fused=_on_the_cpu(parameters),
    )


def _rmsprop(parameters: list[nn.Parameter], values: Mapping[str, float]) -> torch.optim.Optimizer:
    return torch.optim.RMSprop(
        parameters,
        lr=values["learning_rate"],
        alpha=values["alpha"],
        momentum=values["momentum"],
        eps=values["epsilon"],
        weight_decay=values["weight_decay"],
    )


def _adagrad(parameters: list[nn.Parameter], values: Mapping[str, float]) -> torch.optim.Optimizer:
    return torch.optim.Adagrad(
        parameters,
        lr=values["learning_rate"],
        eps=values["epsilon"],
        weight_decay=values["weight_decay"],
        fused=_on_the_cpu(parameters),
    )


def _adadelta(parameters: list[nn.Parameter], values: Mapping[str, float]) -> torch.optim.Optimizer:
    return torch.optim.Adadelta(
        parameters,
        lr=values["learning_rate"],
        rho=values["rho"],
        eps=values["epsilon"],
        weight_decay=values["weight_decay"],
    )


def _adam(parameters: list[nn.Parameter], values: Mapping[str, float]) -> torch.optim.Optimizer:
    return torch.optim.Adam(
        parameters,
        lr=values["learning_rate"],
        betas=(values["beta1"], values["beta2"]),
        eps=values["epsilon"],
        weight_decay=values["weight_decay"],
        fused=_on_the_cpu(parameters),
    )


def _adamw(parameters: list[nn.Parameter], values: Mapping[str, float]) -> torch.optim.Optimizer:
    return torch.optim.AdamW(
        parameters,
        lr=values["learning_rate"],
        betas=(values["beta1"], values["beta2"]),
        eps=values["epsilon"],
        weight_decay=values["weight_decay"],
        fused=_on_the_cpu(parameters),
    )


def _nadam(parameters: list[nn.Parameter], values: Mapping[str, float]) -> torch.optim.Optimizer:
    return torch.optim.NAdam(
        parameters,
        lr=values["learning_rate"],
        betas=(values["beta1"], values["beta2"]),
        eps=values["epsilon"],
        weight_decay=values["weight_decay"],
        momentum_decay=values["momentum_decay"],
    )


def _lion(parameters: list[nn.Parameter], values: Mapping[str, float]) -> torch.optim.Optimizer:
    return Lion(
        parameters,
        lr=values["learning_rate"],
        betas=(values["beta1"], values["beta2"]),
        weight_decay=values["weight_decay"],
    )


def _on_the_cpu(parameters: list[nn.Parameter]) -> bool | None:
    """Whether the one kernel is asked for; None leaves the choice to torch, which knows what an accelerator has.

    Not all of the kernels take parameters that are divided among processes, which are of a type of their own.
    """
    plain = all(parameter.device.type == "cpu" and type(parameter) is nn.Parameter for parameter in parameters)
    return True if plain else None


#: Every optimizer the registry knows has exactly one maker here (a test compares the two).
OPTIMIZERS: Mapping[str, _Maker] = {
    "sgd": _sgd,
    "rmsprop": _rmsprop,
    "adagrad": _adagrad,
    "adadelta": _adadelta,
    "adam": _adam,
    "adamw": _adamw,
    "nadam": _nadam,
    "lion": _lion,
}


def build_optimizer(parameters: Iterable[nn.Parameter], choice: Choice) -> torch.optim.Optimizer | None:
    """The optimizer of a project.

    Args:
        parameters: What it is to train.
        choice: Its kind and the values that differ from the defaults.

    Returns:
        None where there is nothing to train.

    Raises:
        ProjectError: There is no such optimizer.
        ParamError: A value is not allowed.
    """
    spare_the_compiler()
    maker = OPTIMIZERS.get(choice.kind)
    if maker is None:
        raise ProjectError(f"There is no optimizer called '{choice.kind}'.", field="training.optimizer")
    values: Mapping[str, ParamValue] = registry.optimizer(choice.kind).values(choice.params)
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    return maker(trained, cast("Mapping[str, float]", values)) if trained else None


def learning_rate(config: TrainConfig) -> float:
    """The learning rate that a project starts with."""
    return cast(float, registry.optimizer(config.optimizer.kind).values(config.optimizer.params)["learning_rate"])


def set_settings(optimizer: torch.optim.Optimizer, choice: Choice, *, begun: bool) -> None:
    """Gives an optimizer other settings of its kind, but for the learning rate; what it has gathered stays.

    What it has to keep from now on and did not keep before begins at 0, as momentum does at a first step. What it need
    not keep any more stays until :func:`forget_unneeded`, so that a setting that is put back at once has done nothing.

    Args:
        optimizer: Made from a choice of the same kind.
        choice: With the settings from here on.
        begun: Whether it has made updates.
    """
    values = registry.optimizer(choice.kind).values(choice.params)
    made = OPTIMIZERS[choice.kind]([nn.Parameter(torch.zeros(1))], cast("Mapping[str, float]", values))
    for group in optimizer.param_groups:
        for name, value in made.param_groups[0].items():
            if name not in ("params", "lr", *IMPLEMENTATION):
                group[name] = value
    if not begun:
        return
    form = registry.optimizer(choice.kind).state(values)
    counts = any(kept.counts_steps for kept in form)
    for parameter in (parameter for group in optimizer.param_groups for parameter in group["params"]):
        if counts and parameter not in optimizer.state:
            continue  # it was never updated: frozen, or each update was left out; a first one makes all of it
        for kept in form:
            if kept.each_weight and kept.name not in optimizer.state[parameter]:
                optimizer.state[parameter][kept.name] = torch.zeros_like(parameter)


def forget_unneeded(optimizer: torch.optim.Optimizer, choice: Choice) -> None:
    """Drops what an optimizer gathered and has no use for with these settings: a momentum that was switched off."""
    spec = registry.optimizer(choice.kind)
    needed = {kept.name for kept in spec.state(spec.values(choice.params))}
    for entries in optimizer.state.values():
        for name in [name for name in entries if name not in needed]:
            del entries[name]


def set_learning_rate(optimizer: torch.optim.Optimizer, value: float) -> None:
    """Changes the learning rate from the next step on; what the optimizer has gathered stays."""
    for group in optimizer.param_groups:
        group["lr"] = value
