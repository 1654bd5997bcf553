"""MNIST and its relatives, in torchvision's own layout."""

from __future__ import annotations

from pathlib import Path

from nnviz.data.dataset_spec import DatasetSpec
from nnviz.data.sources.digits import DIGIT_NAMES
from nnviz.data.sources.source import Arrays, Request, Source, fixed, how_to_get, missing_files, sized
from nnviz.project.model import DataFacts

_IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_FASHION_NAMES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
_KMNIST_NAMES = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")


def _idx_set(
    kind: str, title: str, help: str, folder: str, names: tuple[str, ...], download: int, source: str, licence: str
) -> DatasetSpec:
    return DatasetSpec(
        kind,
        title,
        help,
        "images",
        facts=fixed(DataFacts((1, 28, 28), 10, "classes", names)),
        count=sized(60_000, 10_000),
        source=source,
        licence=licence,
        offline=False,
        download_bytes=download,
        folder=f"{folder}/raw",
        files=_IDX_FILES,
    )


_MNIST = _idx_set(
    "mnist",
    "MNIST",
    "70,000 handwritten digits of 28×28 pixels: the data set on which nearly everybody has begun.",
    "MNIST",
    DIGIT_NAMES,
    11_594_722,
    "Y. LeCun, C. Cortes and C. Burges: The MNIST database of handwritten digits, 1998.",
    "CC BY-SA 3.0",
)
_FASHION_MNIST = _idx_set(
    "fashion_mnist",
    "Fashion-MNIST",
    "70,000 grey pictures of clothes in MNIST's own format: a drop-in that is clearly harder than digits.",
    "FashionMNIST",
    _FASHION_NAMES,
    30_878_645,
    "H. Xiao, K. Rasul and R. Vollgraf: Fashion-MNIST, Zalando Research, 2017.",
    "MIT",
)
_KMNIST = _idx_set(
    "kmnist",
    "KMNIST",
    "70,000 characters of old cursive Japanese in MNIST's own format; several forms belong to one class.",
    "KMNIST",
    _KMNIST_NAMES,
    21_240_888,
    "T. Clanuwat et al.: Deep Learning for Classical Japanese Literature (Kuzushiji-MNIST), CODH, 2018.",
    "CC BY-SA 4.0",
)


class IdxSets(Source):
    """60,000 grey pictures of 28×28 pixels to train and 10,000 to test."""

    def declare(self) -> tuple[DatasetSpec, ...]:
        """Those that are alike but for their content."""
        return (_MNIST, _FASHION_MNIST, _KMNIST)

    def read(self, request: Request, place: Path | None) -> Arrays:
        """See :meth:`Source.read`."""
        from nnviz.data import idx

        if place is None:
            raise missing_files(request)
        spec = request.spec
        assert spec.facts is not None and spec.count is not None
        facts, cure = spec.facts(request.values), how_to_get(spec)
        training, test = spec.count(request.values)
        request.report(0, training + test)
        inputs, targets = idx.read_split(place, "train", training, facts.input_shape[-1], facts.targets, cure)
        request.report(training, training + test)
        return inputs, targets, *idx.read_split(place, "t10k", test, facts.input_shape[-1], facts.targets, cure)
