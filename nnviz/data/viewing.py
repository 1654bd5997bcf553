"""A loaded data set as somebody looks at it: plain arrays of all three splits under one numbering, without torch."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnviz.data import datasets
from nnviz.data.sources.source import CancelledCheck, LeftOutFile, Progress, Request
from nnviz.project.model import DataConfig, DataFacts

if TYPE_CHECKING:
    from nnviz.data.dataset_spec import DatasetSpec
    from nnviz.data.examples import Split
    from nnviz.data.streamed import StreamedArray

Array = NDArray[Any]
#: The splits in the order in which they are numbered.
SPLITS = ("train", "validation", "test")
#: What they are called on the screen.
SPLIT_TITLES = {"train": "training", "validation": "validation", "test": "test"}


@dataclass(frozen=True, eq=False)
class ViewedData:
    """All examples of a data set, numbered through: those of training, then of validation, then of test.

    A set whose splits are the same examples (a truth table) is numbered once.

    Attributes:
        config: What was loaded.
        title: Of the data set.
        facts: Shape, targets and classes.
        inputs: Of each split, unprepared: uint8[n, channels, height, width], or float32[n, features]. Never written to.
            Of a set that is streamed every part is read when it is asked for: not on the GUI thread.
        targets: Of each split: int64[n], or float32[n, k] where numbers are asked for.
        columns: Names of the numbers of a table; empty for images.
        files: Which file each example came from, in the numbering; empty where it came from none of its own.
        left_out: Files that hold no example, and why.
        numbers: Of each split, which of the examples as they were read these are; empty where that is their order.
        read: Of each split, all inputs as they were read, where those were made others; empty where none were.
        ends: Of a streamed table the smallest and the largest number of each column over the training examples.
    """

    config: DataConfig
    title: str
    facts: DataFacts
    inputs: tuple[Array | StreamedArray, ...]
    targets: tuple[Array, ...]
    columns: tuple[str, ...] = ()
    files: tuple[str, ...] = field(default=(), repr=False)
    left_out: tuple[LeftOutFile, ...] = field(default=(), repr=False)
    numbers: tuple[Array, ...] = field(default=(), repr=False)
    read: tuple[Array | StreamedArray | None, ...] = field(default=(), repr=False)
    ends: tuple[Array, Array] | None = field(default=None, repr=False)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The number of the first example of each split, and how many there are in all."""
        return (0, *(int(count) for count in np.cumsum([len(one) for one in self.inputs])))

    def __len__(self) -> int:
        return self.starts[-1]

    @property
    def is_images(self) -> bool:
        """Whether the examples are pictures."""
        return self.inputs[0].ndim == 4

    @property
    def is_streamed(self) -> bool:
        """Whether an example is read from the disk when it is asked for: on a worker, then."""
        return not isinstance(self.inputs[0], np.ndarray)

    @property
    def class_names(self) -> tuple[str, ...]:
        """One a class; empty where numbers are asked for."""
        return self.facts.class_names

    @cached_property
    def split_of(self) -> NDArray[np.uint8]:
        """The split of each example, by its place in :data:`SPLITS`."""
        return np.repeat(np.arange(len(self.inputs), dtype=np.uint8), np.diff(self.starts))

    @cached_property
    def label_of(self) -> NDArray[np.int64]:
        """The class of each example; −1 where numbers are asked for."""
        if not self.class_names:
            return np.full(len(self), -1, np.int64)
        # An empty split has no shape to be reckoned from its numbers.
        return np.concatenate([one.reshape(len(one), math.prod(one.shape[1:]))[:, 0] for one in self.targets]).astype(
            np.int64
        )

    def place(self, number: int) -> tuple[str, int]:
        """The split of an example, and its index there."""
        split = int(self.split_of[number])
        return SPLITS[split], number - self.starts[split]

    def number(self, split: str, index: int) -> int:
        """The number of an example of a split.

        Raises:
            IndexError: The split has no such example.
        """
        which = SPLITS.index(split)
        if which >= len(self.inputs) or not 0 <= index < len(self.inputs[which]):
            raise IndexError(f"The {split} split has no example {index}.")
        return self.starts[which] + index

    def inputs_in(self, split: str) -> Array | StreamedArray:
        """The raw numbers of a split."""
        return self.inputs[SPLITS.index(split)]

    def input_of(self, number: int) -> Array:
        """The raw numbers of one example."""
        split = int(self.split_of[number])
        example: Array = self.inputs[split][number - self.starts[split]]
        return example

    def inputs_of(self, numbers: NDArray[np.int64]) -> Array:
        """The raw numbers of several examples, in that order, copied."""
        found = np.empty((len(numbers), *self.inputs[0].shape[1:]), self.inputs[0].dtype)
        splits = self.split_of[numbers]
        for split, inputs in enumerate(self.inputs):
            own = splits == split
            found[own] = inputs[numbers[own] - self.starts[split]]
        return found

    def read_as(self, number: int) -> int:
        """Which of the examples as they were read one is: what is decided about it is kept under that number."""
        split = int(self.split_of[number])
        index = number - self.starts[split]
        return int(self.numbers[split][index]) if self.numbers else index

    def mark_of(self, number: int) -> str:
        """Tells one example from others by its numbers as they were read, as ``data.curation.mark_of`` does."""
        read = self.read[int(self.split_of[number])] if self.read else None
        raw = self.input_of(number) if read is None else read[self.read_as(number)]
        return hashlib.blake2b(np.ascontiguousarray(raw).tobytes(), digest_size=8).hexdigest()

    def label(self, number: int) -> str:
        """What the example really is: the name of its class, or the numbers that are asked for."""
        if self.class_names:
            return self.class_names[int(self.label_of[number])]
        split = int(self.split_of[number])
        targets = self.targets[split][number - self.starts[split]]
        return ", ".join(f"{value:.4g}" for value in np.asarray(targets).reshape(-1)[:8].tolist())


def view(
    config: DataConfig,
    data_dir: Path | None = None,
    progress: Progress | None = None,
    cancelled: CancelledCheck | None = None,
) -> ViewedData:
    """Loads a data set to be looked at; what the training has loaded is not loaded again. A worker's job.

    Raises:
        DataError: It is missing or corrupt; names the file or the field.
        Cancelled: ``cancelled`` said so.
    """
    from nnviz.data import streamed, tensors  # noqa: PLC0415 - loads torch

    spec = datasets.dataset(config.dataset)
    request = Request(spec, datasets.values(config), data_dir, progress, cancelled)
    loaded = tensors.load_asked(config, request)
    splits = [loaded.train] if spec.undivided else [loaded.train, loaded.validation, loaded.test]
    source = datasets.source_of(config.dataset)
    names = source.example_files(request)
    shape = loaded.facts.input_shape
    trained, ends = loaded.train.inputs, None
    if isinstance(trained, streamed.Streamed) and len(shape) == 1 and len(trained):
        low, high = streamed.extremes(trained).numpy()
        ends = low, high
    return ViewedData(
        config,
        spec.title,
        loaded.facts,
        tuple(one.inputs.numpy() for one in splits),
        tuple(one.targets.numpy() for one in splits),
        () if len(shape) == 3 else _columns(spec, loaded.facts),
        () if names is None else _in_splits(names, [_numbers(one) for one in splits]),
        source.left_out(request),
        tuple(_numbers(one) for one in splits),
        tuple(None if one.read is None else one.read.numpy() for one in splits),
        ends,
    )


def _in_splits(names: tuple[Sequence[str], Sequence[str]], indices: Sequence[Array]) -> tuple[str, ...]:
    """The names that a source gave, in the order of the numbering."""
    training, test = names
    parts = (training, training, test)[: len(indices)]
    return tuple(part[index] for part, chosen in zip(parts, indices, strict=True) for index in chosen.tolist())


def _numbers(split: Split) -> Array:
    """Which of the examples as they were read those of a split are."""
    numbers: Array = np.arange(len(split)) if split.numbers is None else split.numbers.numpy()
    return numbers


def _columns(spec: DatasetSpec, facts: DataFacts) -> tuple[str, ...]:
    count = int(np.prod(facts.input_shape))
    named = (known for known in (facts.feature_names, spec.feature_names) if len(known) == count)
    return next(named, tuple(f"x{number + 1}" for number in range(count)))
