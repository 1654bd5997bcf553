"""CIFAR-10 and CIFAR-100, in torchvision's own layout."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from nnviz.data.dataset_spec import DatasetSpec
from nnviz.data.sources.published_set import MEMORY, PublishedSet
from nnviz.data.sources.source import Request, fixed, how_to_get, sized
from nnviz.project.model import DataFacts

if TYPE_CHECKING:
    from nnviz.data.sources.published_set import Part

_CIFAR_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_CIFAR10 = DatasetSpec(
    "cifar10",
    "CIFAR-10",
    "60,000 colour photographs of 32×32 pixels in ten classes, from airplane to truck.",
    "images",
    (MEMORY,),
    facts=fixed(DataFacts((3, 32, 32), 10, "classes", _CIFAR_NAMES)),
    count=sized(50_000, 10_000),
    source="A. Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009.",
    licence="none stated; free to use with citation",
    offline=False,
    download_bytes=170_498_071,
    folder="cifar-10-batches-py",
    files=("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"),
    beside=("batches.meta",),
)
_CIFAR100_NAMES = tuple(
    name.replace("_", " ")
    for name in [
        "apple",
        "aquarium_fish",
        "baby",
        "bear",
        "beaver",
        "bed",
        "bee",
        "beetle",
        "bicycle",
        "bottle",
        "bowl",
        "boy",
        "bridge",
        "bus",
        "butterfly",
        "camel",
        "can",
        "castle",
        "caterpillar",
        "cattle",
        "chair",
        "chimpanzee",
        "clock",
        "cloud",
        "cockroach",
        "couch",
        "crab",
        "crocodile",
        "cup",
        "dinosaur",
        "dolphin",
        "elephant",
        "flatfish",
        "forest",
        "fox",
        "girl",
        "hamster",
        "house",
        "kangaroo",
        "keyboard",
        "lamp",
        "lawn_mower",
        "leopard",
        "lion",
        "lizard",
        "lobster",
        "man",
        "maple_tree",
        "motorcycle",
        "mountain",
        "mouse",
        "mushroom",
        "oak_tree",
        "orange",
        "orchid",
        "otter",
        "palm_tree",
        "pear",
        "pickup_truck",
        "pine_tree",
        "plain",
        "plate",
        "poppy",
        "porcupine",
        "possum",
        "rabbit",
        "raccoon",
        "ray",
        "road",
        "rocket",
        "rose",
        "sea",
        "seal",
        "shark",
        "shrew",
        "skunk",
        "skyscraper",
        "snail",
        "snake",
        "spider",
        "squirrel",
        "streetcar",
        "sunflower",
        "sweet_pepper",
        "table",
        "tank",
        "telephone",
        "television",
        "tiger",
        "tractor",
        "train",
        "trout",
        "tulip",
        "turtle",
        "wardrobe",
        "whale",
        "willow_tree",
        "wolf",
        "woman",
        "worm",
    ]
)
_CIFAR100 = DatasetSpec(
    "cifar100",
    "CIFAR-100",
    "60,000 colour photographs of 32×32 pixels in a hundred classes, from apple to worm: 500 of each to train.",
    "images",
    (MEMORY,),
    facts=fixed(DataFacts((3, 32, 32), 100, "classes", _CIFAR100_NAMES)),
    count=sized(50_000, 10_000),
    source="A. Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009.",
    licence="none stated; free to use with citation",
    offline=False,
    download_bytes=169_001_437,
    folder="cifar-100-python",
    files=("train", "test"),
    beside=("meta",),
)


class Cifar10(PublishedSet):
    """50,000 colour photographs of 32×32 pixels to train and 10,000 to test."""

    def declare(self) -> tuple[DatasetSpec, ...]:
        """What is known of them without looking at the disk."""
        return (_CIFAR10, _CIFAR100)

    def parts(self, request: Request, place: Path) -> Iterator[Part]:
        """See :meth:`PublishedSet.parts`."""
        from nnviz.data import cifar, torchvision_bridge

        spec = request.spec
        sums = torchvision_bridge.checksums(spec.kind)
        batch = cifar.HUNDRED if spec.kind == "cifar100" else cifar.TEN
        for name in spec.files:
            yield cifar.read_batch(place / name, sums[name], how_to_get(spec), batch)
