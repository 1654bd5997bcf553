"""What a loaded data set is: splits of tensors, the numbers that prepare them, and the names of the classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from nnviz.data.as_read import AsRead
from nnviz.data.augmentation import Augmentation
from nnviz.data.fingerprint import Fingerprint
from nnviz.data.preparation import Line, Part, fitted
from nnviz.data.streamed import Inputs, bytes_in_memory, chosen_rows
from nnviz.project.model import Choice, DataConfig, DataFacts


@dataclass(frozen=True, eq=False)
class Split:
    """Examples that belong together: training, validation or test.

    Attributes:
        inputs: uint8[n, *shape] for images, float32[n, features] for tables; on the CPU, never written to. Of a set
            that does not fit into memory they stay on the disk, and every part that is asked for is read.
        targets: int64[n] class numbers (0 or 1 for a yes/no); float32[n, k] for regression.
        numbers: int64[n], which of the set these are as it was read; None where they are all of it, in its order.
        true_targets: The targets before some were made wrong on purpose; None where none were.
        weights: float32[n], how much each counts in the loss of a training; None where all count the same.
        read: The inputs of the set as it was read, before steps that make other pictures and before missing numbers
            were filled in; None where these are the same.
    """

    inputs: Inputs
    targets: Tensor
    numbers: Tensor | None = None
    true_targets: Tensor | None = None
    read: Inputs | None = None
    weights: Tensor | None = None

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.targets):
            raise ValueError(f"{len(self.inputs)} inputs but {len(self.targets)} targets")

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def bytes(self) -> int:
        """Memory that the tensors take."""
        return bytes_in_memory(self.inputs) + bytes_in_memory(self.targets)

    def take(self, indices: Tensor) -> Split:
        """The examples at ``indices``, copied; what is streamed stays where it is."""
        numbers = indices if self.numbers is None else self.numbers.index_select(0, indices)
        true = None if self.true_targets is None else self.true_targets.index_select(0, indices)
        inputs, targets = chosen_rows(self.inputs, indices), self.targets.index_select(0, indices)
        weights = None if self.weights is None else self.weights.index_select(0, indices)
        return Split(inputs, targets, numbers, true, self.read, weights)

    def number(self, index: int) -> int:
        """Which of the set as it was read the example at ``index`` is."""
        return index if self.numbers is None else int(self.numbers[index])

    def as_read(self, index: int) -> Tensor:
        """The inputs of the example at ``index`` as they were read."""
        return self.inputs[index] if self.read is None else self.read[self.number(index)]


@dataclass(frozen=True, eq=False)
class Scaler:
    """What is done to the raw numbers, computed on the device of the batch, from the training split alone.

    Attributes:
        preparation: The steps it stands for, as in ``DataConfig.preparation``.
        parts: The same as they are carried out: lines of float32 numbers, and curves between them.
        fitted_on: Number of training examples they were taken from.
        images: The inputs are images (bytes) rather than a table.
    """

    preparation: tuple[Choice, ...]
    parts: tuple[Part, ...]
    fitted_on: int
    images: bool

    @classmethod
    def fit(cls, train: Split, preparation: Sequence[Choice]) -> Scaler:
        """Takes what the steps need from the training split: per channel for images, per feature for tables.

        Raises:
            DataError: There is no such step, or one of its settings is not allowed.
        """
        parts = tuple(part.to(dtype=torch.float32) for part in fitted(train.inputs, preparation))
        return cls(tuple(preparation), parts, len(train), train.inputs.dtype == torch.uint8)

    @property
    def numbers(self) -> tuple[Tensor, ...]:
        """Everything that was found in the training split."""
        return tuple(number for part in self.parts for number in part.numbers)

    def to(self, device: torch.device) -> Scaler:
        """The same scaler with its numbers on ``device``."""
        return Scaler(self.preparation, tuple(part.to(device) for part in self.parts), self.fitted_on, self.images)

    def apply(self, inputs: Tensor) -> Tensor:
        """Raw examples [n, *shape] -> float32 as the network sees them; on the device they are on."""
        scaled = inputs.to(torch.float32, copy=True)
        for part in self.parts:
            scaled = part.apply(scaled)
        return scaled

    def describe(self) -> str:
        """What is done to the numbers, in a sentence with the real values."""
        if not self.parts:
            return "Values are taken as they are."
        what = "Pixels from 0–255" if self.images else "Values"
        done = [words for part in self.parts for words in self._words(part)]
        fitted = any(isinstance(part, Line) and part.offset is not None for part in self.parts)
        source = f", from {self.fitted_on:,} training examples" if fitted else ""
        verb = "" if done[0].startswith("minus") else "are "
        return f"{what} {verb}{', '.join(done)}{source}."

    def _words(self, part: Part) -> list[str]:
        """A part in words, one for each thing that is done."""
        if not isinstance(part, Line):
            return [part.words]
        each = f" of each {'feature' if not self.images else 'pixel' if part.is_of_pixels else 'channel'}"
        done = [] if part.offset is None else [f"minus the mean{each} ({_listed(part.offset)})"]
        if part.divisor is not None:
            by = _listed(part.divisor)
            standard = part is self.parts[-1] and self.preparation[-1].kind == "standardise"
            done.append(f"divided by {f'the standard deviation{each} ({by})' if standard else by}")
        return done


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
        warnings: What of the division somebody might not have wanted, in sentences.
        augmentation: What is done to training examples anew each time they are seen; None for nothing.
        as_read: How its examples were read, for others like them; None for what was made by hand.
    """

    spec_key: str
    config: DataConfig
    facts: DataFacts
    train: Split
    validation: Split
    test: Split
    scaler: Scaler = field(repr=False)
    fingerprint: Fingerprint | None = None
    warnings: tuple[str, ...] = ()
    augmentation: Augmentation | None = None
    as_read: AsRead | None = field(default=None, repr=False)

    @property
    def mark(self) -> str:
        """What it holds, in a line that is the same wherever the same data were loaded."""
        counts = f"{len(self.train)}/{len(self.validation)}/{len(self.test)}"
        return f"{self.spec_key} {counts} {'' if self.fingerprint is None else self.fingerprint.content}"

    @property
    def class_names(self) -> tuple[str, ...]:
        """One a class; empty for regression."""
        return self.facts.class_names

    def split(self, name: str) -> Split:
        """``train``, ``validation`` or ``test``."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[name]

    def describe(self, index: int, split: str = "validation") -> str:
        """What the example at ``index`` really is, in words: ``7``, ``Ankle boot``, ``1.5``; empty where nobody knows.

        Raises:
            IndexError: The split has no such example.
        """
        examples = self.split(split)
        targets = examples.targets
        if not 0 <= index < len(targets):
            raise IndexError(f"The {split} split has {len(targets)} examples, there is no number {index}.")
        if self.facts.class_names:
            name = self.facts.class_names[int(targets[index])]
            true = targets if examples.true_targets is None else examples.true_targets
            return (
                name if true[index] == targets[index] else f"{name} (truly {self.facts.class_names[int(true[index])]})"
            )
        return ", ".join(f"{value:.4g}" for value in targets[index].flatten().tolist())
