"""From a data set's declaration to its raw tensors: one reader a kind, undivided between training and validation."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from nnviz.data import cifar, digits, idx, images, shapes, torchvision_bridge, toys
from nnviz.data.datasets import DatasetSpec, how_to_get
from nnviz.data.division import stratified
from nnviz.data.examples import Split
from nnviz.data.folders import image_files
from nnviz.errors import Cancelled
from nnviz.project.model import DataFacts, Params

#: (what is being done, how much of it is done, of how much): called from the loading thread.
Progress: TypeAlias = Callable[[str, int, int], None]
#: Asked now and then by what takes long; True ends it with :class:`~nnviz.errors.Cancelled`.
CancelledCheck: TypeAlias = Callable[[], bool]


@dataclass(frozen=True, eq=False)
class RawData:
    """A data set as read: examples for training and validation together, and the test split."""

    facts: DataFacts
    training: Split
    test: Split

    @property
    def bytes(self) -> int:
        """Memory that it takes."""
        return self.training.bytes + (0 if self.test is self.training else self.test.bytes)


@dataclass(frozen=True)
class Request:
    """What a reader is asked for."""

    spec: DatasetSpec
    values: Params
    folder: Path | None
    progress: Progress | None
    cancelled: CancelledCheck | None

    def report(self, done: int, total: int) -> None:
        """Tells the listener how far it is, and stops here when that was asked for.

        Raises:
            Cancelled: The listener wants no more.
        """
        if self.cancelled is not None and self.cancelled():
            raise Cancelled(f"Loading {self.spec.title} was stopped.")
        if self.progress is not None:
            self.progress(f"Loading {self.spec.title}", done, total)

    def number(self, name: str) -> float:
        """A numeric parameter."""
        value = self.values[name]
        assert isinstance(value, (int, float))  # the ParamSpec parsed it
        return value


#: Arrays as a reader gives them: (training inputs, training targets, test inputs, test targets).
Arrays: TypeAlias = tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]


def read(
    spec: DatasetSpec,
    values: Params,
    folder: Path | None,
    progress: Progress | None = None,
    cancelled: CancelledCheck | None = None,
) -> RawData:
    """Reads or draws a data set.

    Raises:
        DataError: Its files are missing or corrupt.
        Cancelled: ``cancelled`` said so.
    """
    request = Request(spec, values, folder, progress, cancelled)
    inputs, targets, test_inputs, test_targets = _READERS[spec.kind](request)
    training = Split(torch.from_numpy(inputs), torch.from_numpy(targets))
    test = training if spec.undivided else Split(torch.from_numpy(test_inputs), torch.from_numpy(test_targets))
    return RawData(spec.facts(values), training, test)


def stamp(folder: Path | None, spec: DatasetSpec, values: Params) -> Hashable:
    """Changes when the files do, so that nothing outdated is kept: names, sizes and times of all of them."""
    if folder is None:
        return None
    if spec.kind == "image_folder":
        training, test = image_files(str(values["folder"]))
        files = [file for part in (training, test or ()) for group in part for file in group]
    else:
        files = [folder / f"{name}{packed}" for name in spec.files for packed in ("", ".gz")]
    marks = []
    for file in files:
        with contextlib.suppress(OSError):
            facts = file.stat()
            marks.append((str(file), facts.st_size, facts.st_mtime_ns))
    return str(folder), hash(tuple(marks)), len(marks)


def _hold_out_test(request: Request, inputs: NDArray[Any], targets: NDArray[Any]) -> Arrays:
    """Takes the test split out of an undivided set: always the same examples, every class with its share."""
    _, count = request.spec.count(request.values)
    chosen = stratified(targets, count, seed=0)
    rest = np.ones(len(inputs), bool)
    rest[chosen] = False
    return inputs[rest], targets[rest], inputs[chosen], targets[chosen]


def _read_digits(request: Request) -> Arrays:
    request.report(0, 1)
    return _hold_out_test(request, *digits.digits(int(str(request.values["size"]))))


def _read_toy(request: Request) -> Arrays:
    noise = request.number("noise") if "noise" in request.values else 0.0
    count, seed = int(request.number("count")), int(request.number("seed"))
    return _hold_out_test(request, *toys.draw(request.spec.kind, count, noise, seed))


def _read_shapes(request: Request) -> Arrays:
    request.report(0, 1)
    return _hold_out_test(request, *shapes.draw(int(request.number("count")), int(request.number("seed"))))


def _read_idx(request: Request) -> Arrays:
    spec, folder = request.spec, request.folder
    assert folder is not None  # located before
    facts, cure = spec.facts(request.values), how_to_get(spec)
    training, test = spec.count(request.values)
    request.report(0, training + test)
    inputs, targets = idx.read_split(folder, "train", training, facts.input_shape[-1], facts.targets, cure)
    request.report(training, training + test)
    return inputs, targets, *idx.read_split(folder, "t10k", test, facts.input_shape[-1], facts.targets, cure)


def _read_cifar10(request: Request) -> Arrays:
    spec, folder = request.spec, request.folder
    assert folder is not None  # located before
    training, test = spec.count(request.values)
    sums = torchvision_bridge.checksums(spec.kind)
    request.report(0, training + test)
    inputs, targets = cifar.read_cifar10(folder, spec.files[:-1], sums, how_to_get(spec))
    request.report(training, training + test)
    return inputs, targets, *cifar.read_cifar10(folder, spec.files[-1:], sums, how_to_get(spec))


def _read_image_folder(request: Request) -> Arrays:
    size, channels = int(request.number("size")), int(str(request.values["channels"]))
    training, test = image_files(str(request.values["folder"]))
    files = [file for group in (*training, *(test or ())) for file in group]
    pixels = images.read_images(files, size, channels, lambda done: request.report(done, len(files)))
    labels = np.concatenate([np.full(len(group), label) for label, group in enumerate(training)])
    if test is None:
        return _hold_out_test(request, pixels, labels)
    test_labels = np.concatenate([np.full(len(group), label) for label, group in enumerate(test)])
    return pixels[: len(labels)], labels, pixels[len(labels) :], test_labels


def _read_truth_table(request: Request) -> Arrays:
    inputs, targets = toys.truth_table(str(request.values["function"]))
    return inputs, targets, inputs, targets


_READERS: Mapping[str, Callable[[Request], Arrays]] = {
    "digits": _read_digits,
    **dict.fromkeys(toys.DRAWINGS, _read_toy),
    "truth_table": _read_truth_table,
    "shapes": _read_shapes,
    **dict.fromkeys(("mnist", "fashion_mnist", "kmnist"), _read_idx),
    "cifar10": _read_cifar10,
    "image_folder": _read_image_folder,
}
