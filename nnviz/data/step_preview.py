"""Some examples before and after the steps that make other pictures of them, to be looked at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from nnviz.data import picture_steps
from nnviz.data.augmentation import Augmentation
from nnviz.data.preparation import plan
from nnviz.data.tensors import load
from nnviz.errors import DataError
from nnviz.project.declared.preparations import PICTURES
from nnviz.project.model import DataConfig

#: How often each example is drawn.
DRAWS = 3


@dataclass(frozen=True, eq=False)
class StepPreview:
    """Pictures as bytes.

    Attributes:
        before: [channels, height, width] of each example, as it is read.
        after: For each example what it becomes: prepared, and augmented some times; numbers are not scaled.
        names: What each example is, in words.
    """

    before: tuple[NDArray[Any], ...]
    after: tuple[tuple[NDArray[Any], ...], ...]
    names: tuple[str, ...]


def preview_of_steps(config: DataConfig, data_dir: Path | None, count: int, choice: int = 0) -> StepPreview:
    """Takes some training examples through the steps; a worker's job, for the data set is loaded.

    Args:
        config: The data set and its steps.
        data_dir: Where it is looked for first.
        count: How many examples.
        choice: Another number gives other examples.

    Raises:
        DataError: The set is not there, its examples are no pictures, or a step cannot be taken.
    """
    data = load(msgspec.structs.replace(config, preparation=(), augmentation=()), data_dir)
    if len(data.facts.input_shape) != 3 or not len(data.train):
        raise DataError("There are no pictures to look at.", field="data")
    random = np.random.default_rng(choice)
    numbers = np.sort(random.permutation(len(data.train))[:count])
    chosen = data.train.take(torch.from_numpy(numbers))
    inputs = pictures = chosen.inputs[:]
    for step in plan(config.preparation):
        if problem := step.spec.unsuited(data.facts):
            raise DataError(problem, field=f"{step.field}.kind")
        if step.spec.stage == PICTURES:
            pictures = picture_steps.STEPS[step.spec.kind](pictures, step.values)
    facts = msgspec.structs.replace(data.facts, input_shape=tuple(pictures.shape[1:]))
    augmentation = Augmentation.of(config.augmentation, facts)
    drawn = []
    for number in range(DRAWS if augmentation is not None else 1):
        made = pictures
        if augmentation is not None:
            draw = augmentation.at(choice, 0, number)
            made, _ = draw.together(draw.each(pictures).to(torch.float32), chosen.targets)
        drawn.append(made.round().clamp(0, 255).to(torch.uint8).numpy() if made.is_floating_point() else made.numpy())
    return StepPreview(
        tuple(inputs.numpy()),
        tuple(zip(*drawn, strict=True)),
        tuple(data.describe(int(number), "train") for number in numbers),
    )
