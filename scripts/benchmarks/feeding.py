"""Feeding batches: our tensors against a DataLoader over PIL images."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from PIL import Image
from rows import Row, Settings, in_turn, ratios
from torch.utils.data import DataLoader, Dataset

from nnviz.data.tensors import Feeder, load
from nnviz.data.torchvision_bridge import import_torchvision
from nnviz.project.model import DataConfig

EXAMPLES = 12_000


class PilImages(Dataset[tuple[torch.Tensor, int]]):
    """What a torchvision data set does for one example: bytes to a PIL image, the image to a tensor of floats."""

    def __init__(self, images: torch.Tensor, targets: torch.Tensor) -> None:
        self._images = images.squeeze(1).numpy()
        self._targets = targets.tolist()
        self._transform: Callable[[Image.Image], torch.Tensor] = import_torchvision("torchvision.transforms").ToTensor()

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
    peer = PilImages(split.inputs[:], split.targets)
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


def consume(batches: object) -> float:
    """Take every batch, as training would."""
    total = 0.0
    for inputs, _ in batches:  # type: ignore[attr-defined]  # a loader or an iterator of batches
        total += float(inputs[0, 0, 0, 0])
    return total
