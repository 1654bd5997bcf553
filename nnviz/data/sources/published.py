"""USPS, SVHN and STL10, in torchvision's own layout."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from nnviz.data.dataset_spec import DatasetSpec
from nnviz.data.sources.digits import DIGIT_NAMES
from nnviz.data.sources.published_set import MEMORY, PublishedSet
from nnviz.data.sources.source import Request, fixed, how_to_get, sized
from nnviz.project.model import DataFacts

if TYPE_CHECKING:
    from nnviz.data.sources.published_set import Part

_USPS = DatasetSpec(
    "usps",
    "USPS",
    "9,298 handwritten digits of 16×16 pixels, cut from the envelopes of the United States' mail in the 1980s.",
    "images",
    (MEMORY,),
    facts=fixed(DataFacts((1, 16, 16), 10, "classes", DIGIT_NAMES)),
    count=sized(7_291, 2_007),
    source="J. J. Hull: A Database for Handwritten Text Recognition Research, 1994.",
    licence="none stated; free to use with citation",
    offline=False,
    download_bytes=8_411_109,
    folder="USPS",
    files=("usps.bz2", "usps.t.bz2"),
    flat=True,
)
_SVHN = DatasetSpec(
    "svhn",
    "SVHN",
    "99,289 house numbers from street photographs, 32×32 pixels in colour: digits as MNIST's, in the wild.",
    "images",
    (MEMORY,),
    facts=fixed(DataFacts((3, 32, 32), 10, "classes", DIGIT_NAMES)),
    count=sized(73_257, 26_032),
    source="Y. Netzer et al.: Reading Digits in Natural Images with Unsupervised Feature Learning, 2011.",
    licence="for non-commercial use",
    offline=False,
    download_bytes=246_316_178,
    folder="SVHN",
    files=("train_32x32.mat", "test_32x32.mat"),
    flat=True,
)
_STL10 = DatasetSpec(
    "stl10",
    "STL10",
    "13,000 colour photographs of 96×96 pixels in ten classes, few to train on: 500 of each. The 100,000 unlabelled "
    "ones that belong to it are downloaded with them, and left packed.",
    "images",
    (MEMORY,),
    facts=fixed(
        DataFacts(
            (3, 96, 96),
            10,
            "classes",
            ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck"),
        )
    ),
    count=sized(5_000, 8_000),
    source="A. Coates, H. Lee and A. Y. Ng: An Analysis of Single-Layer Networks in Unsupervised Feature Learning, "
    "2011.",
    licence="none stated; free to use with citation",
    offline=False,
    download_bytes=2_640_397_119,
    folder="stl10_binary",
    files=("train_X.bin", "train_y.bin", "test_X.bin", "test_y.bin"),
    beside=("class_names.txt",),
)


class Published(PublishedSet):
    """Sets each of which has a format of its own."""

    def declare(self) -> tuple[DatasetSpec, ...]:
        """What is known of them without looking at the disk."""
        return (_USPS, _SVHN, _STL10)

    def parts(self, request: Request, place: Path) -> Iterator[Part]:
        """See :meth:`PublishedSet.parts`."""
        from nnviz.data import published, torchvision_bridge

        spec, cure = request.spec, how_to_get(request.spec)
        assert spec.count is not None
        training, test = spec.count(request.values)
        if spec.kind == "stl10":
            yield from published.stl10_blocks(place, "train", training, cure)
            yield from published.stl10_blocks(place, "test", test, cure)
            return
        sums = torchvision_bridge.checksums(spec.kind)
        read = published.read_usps if spec.kind == "usps" else published.read_svhn
        for name, count in zip(spec.files, (training, test), strict=True):
            yield read(place / name, sums[name], count, cure)
