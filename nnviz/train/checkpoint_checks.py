"""Whether a checkpoint out of a file can be gone on with: everything in it is looked at before any of it is used.

A file may be damaged, or made by hand. What does not fit the training to the last setting is refused: a training that
goes on from something else than where it stopped would be wrong without anybody noticing.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from nnviz.data.epoch_plan import EpochPlan
from nnviz.errors import NnvizError, ParamError, RunFileError
from nnviz.limits import MOST_EPOCHS
from nnviz.network.network import Network
from nnviz.project import registry
from nnviz.project.declared.optimizers import Kept
from nnviz.project.model import TrainConfig
from nnviz.train import optimizers, unit_switches
from nnviz.train.checkpoint import Checkpoint, Progress, Tensors, check_weights
from nnviz.train.finite import all_finite, is_finite
from nnviz.train.unit_switches import UnitSwitches

#: float32 counts no further: where an optimizer's own count of its steps stays.
_MOST_COUNTED = 2**24
#: A learning rate may be a whole number, but torch takes no more than 64 bits of one.
_MOST_WHOLE = 2**31


def check_checkpoint(
    checkpoint: Checkpoint,
    network: Network,
    optimizer: torch.optim.Optimizer | None,
    config: TrainConfig,
    device: torch.device,
    *,
    plan: EpochPlan,
    examples: int,
    has_average: bool,
) -> None:
    """Whether a training can go on from a checkpoint.

    Args:
        checkpoint: As read.
        network: The one that would go on.
        optimizer: Likewise; None where there is nothing to train.
        config: How it is trained.
        device: Where.
        plan: How the steps lie in the epochs of the checkpoint.
        examples: In a whole epoch.
        has_average: Whether there is an average of the weights at its step.

    Raises:
        RunFileError: It cannot.
    """
    progress = checkpoint.progress
    check_tensors(checkpoint, network, config.accumulation)
    check_switches(checkpoint.switches, network)
    check_progress(progress, plan=plan, examples=examples, has_best=checkpoint.best is not None)
    check_random(checkpoint.random, device)
    if bool(checkpoint.average) != has_average:
        raise damaged("the average of the weights is missing, or there is one that nobody asked for")
    parameters = [id(parameter) for parameter in network.parameters() if parameter.requires_grad]
    reached = {id(p) for node in network.trained_ids for p in network.module_of(node).parameters()}
    trained = [index for index, parameter in enumerate(parameters) if parameter in reached]
    kind = config.optimizer.kind
    check_optimizer(checkpoint, kind, optimizer, trained, left_out=bool(progress.loss_scale))
    if checkpoint.live is not None:
        problem = checkpoint.live.problem(kind, network.graph.nodes)
        if problem:
            raise damaged(f"of the settings that were changed, {problem}")


def check_progress(progress: Progress, *, plan: EpochPlan, examples: int, has_best: bool) -> None:
    """Whether a position can be one of this training.

    Args:
        progress: The position.
        plan: How the steps lie in the epochs.
        examples: In a whole epoch.
        has_best: Whether the checkpoint holds the best weights.

    Raises:
        RunFileError: It cannot.
    """
    epochs, rest = plan.at(progress.step)
    piece = plan.piece_at(progress.step)
    if epochs > MOST_EPOCHS or (epochs == MOST_EPOCHS and rest):
        raise damaged(f"step {progress.step} lies behind the last that a training can reach")
    due = progress.step > 0 and rest == 0 and progress.evaluated_epochs == epochs - 1
    if progress.evaluated_epochs != epochs and not due:
        raise damaged(
            f"{progress.evaluated_epochs} epochs are said to be over, but step {progress.step} ends {epochs} of "
            f"{piece.steps} steps"
        )
    expected = examples if due else piece.bounds[rest]
    if progress.epoch_count != expected:
        raise damaged(f"{progress.epoch_count} examples are said to be seen in this epoch, but it was {expected}")
    if progress.best_epoch > progress.evaluated_epochs or has_best != (progress.best_epoch > 0):
        raise damaged(f"epoch {progress.best_epoch} cannot have been the best")
    if math.isfinite(float.fromhex(progress.best_loss)) != has_best:
        raise damaged("the loss of the best epoch is missing, or there is one without its weights")
    if any(len(one) != progress.evaluated_epochs for one in progress.figures.values()):
        raise damaged(f"not every one of {progress.evaluated_epochs} epochs has its figures")
    if progress.went_on_after > progress.evaluated_epochs:
        raise damaged(f"it cannot have been gone on with after epoch {progress.went_on_after}")
    if progress.base_rate and not 0 <= float.fromhex(progress.base_rate) < math.inf:
        raise damaged("the learning rate that the schedule begins with is none")


def check_random(states: Tensors, device: torch.device) -> None:
    """Whether torch would take these states of its random numbers.

    Raises:
        RunFileError: It would not, or they are missing.
    """
    if "cpu" not in states:
        raise damaged("the state of the random numbers is missing")
    makers = {"cpu": torch.device("cpu")} | ({"device": device} if device.type != "cpu" else {})
    for name, where in makers.items():
        if name not in states:
            continue
        try:
            torch.Generator(where).set_state(states[name])
        except (RuntimeError, TypeError) as error:
            raise damaged("the state of the random numbers is none") from error


def check_tensors(checkpoint: Checkpoint, network: nn.Module, batches: int = 1) -> None:
    """Whether the weights are those of this network, and all numbers are finite.

    Args:
        checkpoint: As read.
        network: The one that would go on.
        batches: The most that a step takes.

    Raises:
        RunFileError: They are not.
    """
    for weights in (checkpoint.weights, checkpoint.best, checkpoint.average or None):
        if weights is not None:
            check_weights(weights, network)
    tensors = [*checkpoint.weights.values(), *checkpoint.optimizer.values(), *(checkpoint.best or {}).values()]
    tensors += checkpoint.average.values()
    if not all_finite(tensors):
        raise RunFileError(
            "The checkpoint holds numbers that are not finite: the training had broken there, and cannot go on from it."
        )
    for name, tensor in checkpoint.weights.items():
        if name.endswith("running_var") and bool((tensor < 0).any()):
            raise damaged(f"'{name}' is negative")
        if name.endswith("num_batches_tracked") and not 0 <= int(tensor) <= checkpoint.progress.step * batches:
            raise damaged(f"'{name}' counts {int(tensor)} batches")


def check_switches(switches: UnitSwitches, network: Network) -> None:
    """Whether the units that were switched off or frozen are there.

    Raises:
        RunFileError: One is not.
    """
    try:
        unit_switches.check(network, switches)
    except ParamError as error:
        raise damaged(
            f"of the units that it says were switched off or frozen one is not there. {error.message}"
        ) from error


def check_optimizer(
    checkpoint: Checkpoint,
    kind: str,
    optimizer: torch.optim.Optimizer | None,
    trained: Collection[int],
    *,
    left_out: bool = False,
) -> None:
    """Whether settings and state are those of this optimizer after as many steps as were made.

    Args:
        checkpoint: As read.
        kind: Key of the optimizer in the registry.
        optimizer: The one that would go on; None where there is nothing to train.
        trained: Numbers of its parameters that get a gradient at each step.
        left_out: Updates may have been left out, as those are whose gradients overflow in half floats.

    Raises:
        RunFileError: They are not.
    """
    if optimizer is None:
        if checkpoint.optimizer_groups or checkpoint.optimizer or checkpoint.optimizer_values:
            raise damaged("it holds an optimizer, but there is nothing to train")
        return
    own = optimizer.state_dict()["param_groups"]
    if len(own) != len(checkpoint.optimizer_groups):
        raise RunFileError("The saved state belongs to another optimizer.")
    settings = [_settings(saved, mine, kind) for saved, mine in zip(checkpoint.optimizer_groups, own, strict=True)]
    spec = registry.optimizer(kind)
    form = {kept.name: kept for kept in spec.state(spec.values(settings[0]))}
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    kept: dict[str, dict[str, Tensor]] = {str(number): {} for number in range(len(parameters))}
    for key, tensor in checkpoint.optimizer.items():
        index, _, name = key.partition("/")
        if index not in kept:
            raise RunFileError(f"The saved state belongs to another optimizer: it has no parameter '{index:.40}'.")
        kept[index][name] = tensor
    if any(value is not None for value in checkpoint.optimizer_values.values()):
        raise damaged("the optimizer keeps nothing but tensors")
    steps = checkpoint.progress.step
    for number, entries in enumerate(kept.values()):
        needed = spec.from_the_start or (steps > 0 and number in trained and not left_out)
        if not entries and not needed:
            continue
        if entries.keys() != form.keys():
            raise damaged(f"what the optimizer keeps of parameter {number} is not what it needs")
        made = steps if number in trained and not left_out else None
        for name, tensor in entries.items():
            _check_state(f"{number}/{name}", tensor, form[name], parameters[number], made, steps)


def _settings(saved: Mapping[str, Any], own: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The settings of a group under the names of the project, checked like those of a project."""
    if saved.keys() != own.keys() or _plain(saved["params"]) != list(own["params"]):
        raise RunFileError("The saved state belongs to another optimizer.")
    spec = registry.optimizer(kind)
    names = {param.name for param in spec.params}
    found: dict[str, Any] = {}
    for name, value in saved.items():
        if name in optimizers.IMPLEMENTATION:
            if value is not None and type(value) is not bool:
                raise damaged(f"the optimizer's '{name}' is {value!r:.40}")
        elif name == "betas":
            if not isinstance(value, tuple) or len(value) != 2:
                raise damaged(f"the optimizer's betas are {value!r:.40}")
            found["beta1"], found["beta2"] = value
        elif (setting := optimizers.SETTINGS.get(name, name)) in names:
            found[setting] = value
        elif name != "params" and (type(value) is not type(own[name]) or value != own[name]):
            raise damaged(f"the optimizer's '{name}' is {value!r:.40}, but must be {own[name]!r}")
    rate = found.pop("learning_rate", None)
    if type(rate) not in (int, float) or not 0 <= rate < (math.inf if type(rate) is float else _MOST_WHOLE):
        raise damaged(f"the learning rate is {rate!r:.40}")
    for name, value in found.items():
        try:
            allowed = spec.param(name).parse(value)
        except NnvizError as error:
            raise damaged(f"the optimizer's {error}") from error
        if type(allowed) is not type(value):
            raise damaged(f"the optimizer's {name} is {value!r:.40}")
    if found.get("nesterov") and not found.get("momentum"):
        raise damaged("the optimizer has Nesterov's momentum without a momentum")
    return found


def _plain(numbers: object) -> list[int] | None:
    """The list, if it is one of whole numbers."""
    return numbers if isinstance(numbers, list) and all(type(number) is int for number in numbers) else None


def _check_state(key: str, tensor: Tensor, kept: Kept, parameter: Tensor, made: int | None, steps: int) -> None:
    """One tensor that the optimizer keeps: a single number, or one for each weight."""
    shape = parameter.shape if kept.each_weight else torch.Size()
    dtype = parameter.dtype if kept.each_weight else torch.float32
    if tensor.shape != shape or tensor.dtype != dtype:
        raise damaged(f"the optimizer's '{key}' has another form")
    if not is_finite(tensor):
        raise damaged(f"the optimizer's '{key}' is not finite")
    if kept.counts_steps:
        count = float(tensor)
        allowed = count == min(made, _MOST_COUNTED) if made is not None else 0 <= count <= steps
        if not allowed or count != int(count):
            raise damaged(f"the optimizer has counted {count:g} steps, but {steps} were made")
    elif kept.of_squares and bool((tensor < 0).any()):
        raise damaged(f"the optimizer's '{key}' is negative")


def damaged(what: str) -> RunFileError:
    """The error for a checkpoint that cannot be right."""
    return RunFileError(f"The checkpoint is damaged: {what}.")
