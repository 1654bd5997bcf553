"""One training from a project to its figures, as a session makes it, but without a window, a run or instruments."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import torch
from torch import Tensor, nn

from nnviz.data.tensors import LoadedData, load
from nnviz.project.model import DataConfig, Project
from nnviz.project.samples.templates import sample as ready_made
from nnviz.project.settings import with_setting
from nnviz.train.training import Training


@dataclass(frozen=True)
class Trained:
    """What came out.

    Attributes:
        parameters: Numbers that were trained.
        untrained: Test accuracy before the first step.
        tests: Test accuracy after each epoch.
        validation_losses: After each epoch; of the test split where that stands in for one.
        kept: Test accuracy of the weights that are kept at the end: the best by validation loss, or the last.
        dead: Share of the ReLU units that are 0 for every training example at the end; None where there is none.
        seconds: Of an epoch, in the mean, with its measurements.
    """

    parameters: int
    untrained: float
    tests: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    kept: float = math.nan
    dead: float | None = None
    seconds: float = math.nan


def sample(
    name: str, settings: Mapping[str, str], *, seed: int = 0, epochs: int | None = None, data: DataConfig | None = None
) -> Project:
    """A sample project, with other settings (as ``--set`` takes them), another seed, goal or data set."""
    project = ready_made(name)
    config = msgspec.structs.replace(project.training, seed=seed, epochs=epochs or project.training.epochs)
    project = msgspec.structs.replace(project, training=config, data=data or project.data)
    for path, value in settings.items():
        project = with_setting(project, path, value)
    return project


def as_in_keras(project: Project) -> Project:
    """The same with the start of Keras (Glorot uniform, biases 0) and with pixels 0–255 as they are."""
    project = with_setting(project, "training.initialisation", "xavier_uniform")
    project = with_setting(project, "data.preparation", [])
    if project.training.optimizer.kind == "adam":
        # Keras adds 1e-7 where PyTorch adds 1e-8. With saturated sigmoids the gradients are small enough to tell.
        project = with_setting(project, "training.epsilon", 1e-7)
    return project


def loaded(project: Project, data_dir: Path | None, *, test_as_validation: bool = False) -> LoadedData:
    """The project's data; all training examples are trained on where the test set stands in for a validation set."""
    if not test_as_validation:
        return load(project.data, data_dir)
    whole = load(msgspec.structs.replace(project.data, validation_fraction=0.0), data_dir)
    return replace(whole, validation=whole.test)


def trained(project: Project, data: LoadedData) -> Iterator[Trained]:
    """Trains to the last epoch: yields what is known after each epoch, and last with the weights that are kept."""
    training = Training(project, data, torch.device("cpu"))
    parameters = sum(parameter.numel() for parameter in training.network.parameters())
    result = Trained(parameters, _test(training))
    began = time.perf_counter()
    for epoch in range(project.training.epochs):
        for _ in range(training.steps_per_epoch):
            training.advance()
        evaluation = training.evaluation("validation")
        while evaluation.advance():
            pass
        validation = evaluation.result()
        training.settle()
        training.finish_epoch(validation)
        result.tests.append(_test(training))
        result.validation_losses.append(validation.loss)
        result = replace(result, kept=result.tests[-1], seconds=(time.perf_counter() - began) / (epoch + 1))
        yield result
    if project.training.keep_best:
        training.weights.use_best()
    yield replace(result, kept=_test(training), dead=_dead(training))


def _test(training: Training) -> float:
    evaluation = training.evaluation("test")
    while evaluation.advance():
        pass
    return evaluation.result().accuracy or 0.0


def _dead(training: Training) -> float | None:
    """Of all ReLU units, the share that no training example makes fire: its largest output over all of them is 0."""
    largest: dict[nn.Module, Tensor] = {}

    def look(module: nn.Module, _inputs: object, output: Tensor) -> None:
        highest = output.detach().transpose(0, 1).flatten(1).amax(1)
        largest[module] = highest if module not in largest else torch.maximum(largest[module], highest)

    hooks = [module.register_forward_hook(look) for module in training.network.modules() if isinstance(module, nn.ReLU)]
    evaluation = training.evaluation("train")
    while evaluation.advance():
        pass
    for hook in hooks:
        hook.remove()
    units = sum(highest.numel() for highest in largest.values())
    return sum(int((highest <= 0).sum()) for highest in largest.values()) / units if units else None
