"""What a loaded data set is: splits of tensors, the numbers that prepare them, and the names of the classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from nnviz.data.fingerprint import Fingerprint
from nnviz.data.preparation import fitted
from nnviz.project.model import Choice, DataConfig, DataFacts


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
        preparation: The steps it stands for, as in ``DataConfig.preparation``.
        offset, divisor: float32 tensors that broadcast over one example; None where nothing is subtracted or divided.
        fitted_on: Number of training examples they were taken from.
        images: The inputs are images (bytes) rather than a table.
    """

    preparation: tuple[Choice, ...]
    offset: Tensor | None
    divisor: Tensor | None
    fitted_on: int
    images: bool

    @classmethod
    def fit(cls, train: Split, preparation: Sequence[Choice]) -> Scaler:
        """Takes what the steps need from the training split: per channel for images, per feature for tables.

        Raises:
            DataError: There is no such step, or one of its settings is not allowed.
        """
        line = fitted(train.inputs, preparation)
        offset, divisor = (None if value is None else value.float() for value in (line.offset, line.divisor))
        return cls(tuple(preparation), offset, divisor, len(train), train.inputs.dtype == torch.uint8)

    def to(self, device: torch.device) -> Scaler:
        """The same scaler with its numbers on ``device``."""
        moved = [None if value is None else value.to(device) for value in (self.offset, self.divisor)]
        return Scaler(self.preparation, moved[0], moved[1], self.fitted_on, self.images)

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
        if self.offset is None and self.divisor is None:
            return "Values are taken as they are."
        done = []
        each = " of each channel" if self.images else " of each feature"
        if self.offset is not None:
            done.append(f"minus the mean{each} ({_listed(self.offset)})")
        if self.divisor is not None:
            by = _listed(self.divisor)
            standard = f"the standard deviation{each} ({by})"
            done.append(f"divided by {standard if self.preparation[-1].kind == 'standardise' else by}")
        what = "Pixels from 0–255" if self.images else "Values"
        if self.offset is None:
            return f"{what} are {done[0]}."
        return f"{what} {', '.join(done)}, from {self.fitted_on:,} training examples."


def _listed(tensor: Tensor, most: int = 4) -> str:
    numbers = [f"{number:.4g}" for number in tensor.flatten()[:most].tolist()]
    return ", ".join(numbers) + (", …" if tensor.numel() > most else "")


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
