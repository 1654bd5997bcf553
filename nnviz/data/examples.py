"""What a loaded data set is: splits of tensors, the numbers that scale them, and the names of the classes."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from nnviz.data.fingerprint import Fingerprint
from nnviz.errors import DataError
from nnviz.project.model import DataConfig, DataFacts


@dataclass(frozen=True, eq=False)
class Split:
    """Examples that belong together: training, validation or test.

    Attributes:
        inputs: uint8[n, *shape] for images, float32[n, features] for tables; on the CPU, never written to.
        targets: int64[n] class numbers (0 or 1 for a yes/no); float32[n, k] for regression.
    """

    inputs: Tensor
    targets: Tensor

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.targets):
            raise ValueError(f"{len(self.inputs)} inputs but {len(self.targets)} targets")

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def bytes(self) -> int:
        """Memory that the tensors take."""
        return sum(tensor.numel() * tensor.element_size() for tensor in (self.inputs, self.targets))

    def take(self, indices: Tensor) -> Split:
        """The examples at ``indices``, copied."""
        return Split(self.inputs.index_select(0, indices), self.targets.index_select(0, indices))


@dataclass(frozen=True, eq=False)
class Scaler:
    """``(x - offset) / divisor``, computed on the device of the batch, from numbers of the training split alone.

    Attributes:
        scaling: ``unit``, ``centre``, ``standardise`` or ``none``, as in ``DataConfig.scaling``.
        offset, divisor: float32 tensors that broadcast over one example; None where nothing is subtracted or divided.
        fitted_on: Number of training examples they were taken from.
        images: The inputs are images (bytes) rather than a table.
    """

    scaling: str
    offset: Tensor | None
    divisor: Tensor | None
    fitted_on: int
    images: bool

    @classmethod
    def fit(cls, train: Split, scaling: str) -> Scaler:
        """Takes what ``scaling`` needs from the training split: per channel for images, per feature for tables.

        ``unit`` brings bytes from 0–255 to 0–1 and leaves tables as they are; ``centre`` does the same and then
        subtracts the mean; ``standardise`` subtracts the mean and divides by the (population) standard deviation. A
        channel that never changes is divided by 1.

        Raises:
            DataError: There is no such scaling.
        """
        if scaling not in ("unit", "centre", "standardise", "none"):
            raise DataError(
                f"There is no scaling '{scaling}'. There are: unit, centre, standardise, none.", field="data.scaling"
            )
        images = train.inputs.dtype == torch.uint8
        full = torch.tensor(255.0) if images else None
        if scaling == "none":
            return cls(scaling, None, None, len(train), images)
        if scaling == "unit":
            return cls(scaling, None, full, len(train), images)
        mean, deviation = moments(train.inputs)
        if scaling == "centre":
            return cls(scaling, mean.float(), full, len(train), images)
        deviation = torch.where(deviation > 0, deviation, torch.ones_like(deviation))
        return cls(scaling, mean.float(), deviation.float(), len(train), images)

    def to(self, device: torch.device) -> Scaler:
        """The same scaler with its numbers on ``device``."""
        moved = [None if value is None else value.to(device) for value in (self.offset, self.divisor)]
        return Scaler(self.scaling, moved[0], moved[1], self.fitted_on, self.images)

    def apply(self, inputs: Tensor) -> Tensor:
        """Raw examples [n, *shape] -> float32 as the network sees them; on the device they are on."""
        scaled = inputs.to(torch.float32, copy=True)
        if self.offset is not None:
            scaled.sub_(self.offset.to(scaled.device))
        if self.divisor is not None:
            scaled.div_(self.divisor.to(scaled.device))
        return scaled

    def invert(self, scaled: Tensor) -> Tensor:
        """What :meth:`apply` made back to raw values, float32: images to 0–255."""
        raw = scaled.to(torch.float32, copy=True)
        if self.divisor is not None:
            raw.mul_(self.divisor.to(raw.device))
        if self.offset is not None:
            raw.add_(self.offset.to(raw.device))
        return raw

    def describe(self) -> str:
        """What is done to the numbers, in a sentence with the real values."""
        where = "channel" if self.images else "feature"
        source = f", from {self.fitted_on:,} training examples"
        if self.scaling == "none" or (self.scaling == "unit" and not self.images):
            return "Values are taken as they are."
        if self.scaling == "unit":
            return "Pixels from 0–255 are divided by 255."
        assert self.offset is not None
        if self.scaling == "centre":
            if self.images:
                return f"Pixels minus the mean of each channel ({_listed(self.offset)}), divided by 255{source}."
            return f"Values minus the mean of each feature ({_listed(self.offset)}){source}."
        assert self.divisor is not None
        return (
            f"Minus the mean ({_listed(self.offset)}), divided by the standard deviation "
            f"({_listed(self.divisor)}) of each {where}{source}."
        )


def _listed(tensor: Tensor, most: int = 4) -> str:
    numbers = [f"{number:.4g}" for number in tensor.flatten()[:most].tolist()]
    return ", ".join(numbers) + (", …" if tensor.numel() > most else "")


def moments(inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and population standard deviation, float64: per channel of images [c, 1, 1], per feature of tables [k].

    Images are counted value by value (256 bins a channel): exact, and without a float copy of the whole set.
    """
    if len(inputs) == 0:
        shape = (inputs.shape[1], *(1 for _ in inputs.shape[2:]))
        return torch.zeros(shape, dtype=torch.float64), torch.ones(shape, dtype=torch.float64)
    if inputs.dtype != torch.uint8:
        table = inputs.to(torch.float64)
        return table.mean(0), table.std(0, correction=0)
    levels = torch.arange(256, dtype=torch.float64)
    means, deviations = [], []
    for channel in range(inputs.shape[1]):
        counts = torch.zeros(256, dtype=torch.float64)
        for first in range(0, len(inputs), 4096):  # bincount takes one dimension: a copy, but a small one
            counts += torch.bincount(inputs[first : first + 4096, channel].flatten(), minlength=256)
        share = counts / counts.sum()
        mean = (share * levels).sum()
        means.append(mean)
        deviations.append((share * (levels - mean) ** 2).sum().sqrt())
    shape = (inputs.shape[1], *(1 for _ in inputs.shape[2:]))
    return torch.stack(means).reshape(shape), torch.stack(deviations).reshape(shape)


@dataclass(frozen=True, eq=False)
class LoadedData:
    """A data set in memory, divided and ready to be fed.

    Attributes:
        spec_key: Key of its declaration.
        config: What it was loaded for.
        facts: Shape, targets and classes.
        train, validation, test: The splits. Truth tables have the same rows in all three.
        scaler: Fitted on ``train``.
        fingerprint: Of all examples, as they were read; None for what was made by hand.
    """

    spec_key: str
    config: DataConfig
    facts: DataFacts
    train: Split
    validation: Split
    test: Split
    scaler: Scaler = field(repr=False)
    fingerprint: Fingerprint | None = None

    @property
    def class_names(self) -> tuple[str, ...]:
        """One a class; empty for regression."""
        return self.facts.class_names

    def split(self, name: str) -> Split:
        """``train``, ``validation`` or ``test``."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[name]

    def describe(self, index: int, split: str = "validation") -> str:
        """What the example at ``index`` really is, in words: ``7``, ``Ankle boot``, ``1.5``.

        Raises:
            IndexError: The split has no such example.
        """
        targets = self.split(split).targets
        if not 0 <= index < len(targets):
            raise IndexError(f"The {split} split has {len(targets)} examples, there is no number {index}.")
        if self.facts.class_names:
            return self.facts.class_names[int(targets[index])]
        return ", ".join(f"{value:.4g}" for value in targets[index].flatten().tolist())
