"""Feeding batches: our tensors against a DataLoader over PIL images, and against slicing tensors by hand."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from functools import partial

import torch
from PIL import Image
from rows import Row, Settings, in_turn, ratios, ratios_of
from torch.utils.data import DataLoader, Dataset

from nnviz.data.augmentation import Augmentation
from nnviz.data.tensors import Feeder, load
from nnviz.data.torchvision_bridge import import_torchvision
from nnviz.project.model import Choice, DataConfig

EXAMPLES = 12_000


class PilImages(Dataset[tuple[torch.Tensor, int]]):
    """What a torchvision data set does for one example: bytes to a PIL image, the image to a tensor of floats."""

    def __init__(self, images: torch.Tensor, targets: torch.Tensor, *, augmented: bool = False) -> None:
        self._images = images.squeeze(1).numpy()
        self._targets = targets.tolist()
        plain: Callable[[Image.Image], torch.Tensor] = import_torchvision("torchvision.transforms").ToTensor()
        self._transform = plain
        if augmented:
            moved = import_torchvision("torchvision.transforms.v2").RandomAffine(10, (0.1, 0.1))
            self._transform = lambda image: plain(moved(image))

    def __len__(self) -> int:
        return len(self._targets)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self._transform(Image.fromarray(self._images[index])), self._targets[index]


def measure(settings: Settings) -> Iterator[Row]:
    """Rows of this file."""
    if settings.data_dir is None:
        data = load(DataConfig("digits", validation_fraction=0.0))
        name = "digits"
    else:
        data = load(DataConfig("mnist", validation_fraction=0.0), settings.data_dir)
        name = "MNIST"
    split = data.train.take(torch.arange(min(EXAMPLES, len(data.train))))
    feeder = Feeder(split, data.scaler, 128)
    images = split.inputs[:]
    peer = PilImages(images, split.targets)
    loaders = [DataLoader(peer, 128, shuffle=True), DataLoader(peer, 128, shuffle=True, num_workers=2)]
    works = [lambda loader=loader: consume(loader) for loader in loaders]
    ours, alone, workers = in_turn([lambda: consume(feeder.batches(0)), *works], settings.rounds(7))
    for peer_name, taken in (("DataLoader over PIL images", alone), ("the same with 2 worker processes", workers)):
        low, middle, high = ratios(taken, ours)
        yield Row(
            f"feeding {len(split):,} examples of {name}, batch 128",
            f"{middle:.1f} times faster ({low:.1f}–{high:.1f})",
            f"limit 1.4 times {peer_name}",
            middle >= 1.4,
        )

    slices = partial(by_hand, images, split.targets)
    # The same order for both; which example comes when is not what is measured.
    hand, fed = in_turn([lambda: consume(slices()), lambda: consume(feeder.batches(0))], settings.rounds(15))
    found = sorted(ratios_of(fed, hand))
    low, middle, high = found[len(found) // 4], statistics.median(found), found[-1 - len(found) // 4]
    yield Row(
        "the same against slicing tensors by hand",
        f"{middle:.2f} times its time ({low:.2f}–{high:.2f}, the middle half)",
        "limit 1.05",
        middle <= 1.05,
    )
    steps = (Choice("shift"), Choice("rotate"))
    moving = Feeder(split, data.scaler, 128, augmentation=Augmentation.of(steps, data.facts))
    loader = DataLoader(PilImages(images, split.targets, augmented=True), 128, shuffle=True)
    ours, alone = in_turn([lambda: consume(moving.batches(0)), lambda: consume(loader)], settings.rounds(5))
    low, middle, high = ratios(alone, ours)
    yield Row(
        "the same, shifted and rotated anew each time",
        f"{middle:.1f} times faster ({low:.1f}–{high:.1f})",
        "limit 1.4 times RandomAffine over PIL images",
        middle >= 1.4,
    )


def by_hand(inputs: torch.Tensor, targets: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batches of 128 in an order drawn by torch, as one writes it without any loader."""
    order = torch.randperm(len(inputs))
    for first in range(0, len(order), 128):
        chosen = order[first : first + 128]
        yield inputs[chosen].float().div_(255), targets[chosen]


def consume(batches: object) -> float:
    """Take every batch, as training would."""
    total = 0.0
    for inputs, _ in batches:  # type: ignore[attr-defined]  # a loader or an iterator of batches
        total += float(inputs[0, 0, 0, 0])
    return total
