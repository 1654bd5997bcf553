"""MNIST and its relatives, in torchvision's own layout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nnviz.data.dataset_spec import DatasetSpec
from nnviz.data.sources.digits import DIGIT_NAMES
from nnviz.data.sources.published_set import MEMORY, PublishedSet
from nnviz.data.sources.source import Request, fixed, how_to_get, sized
from nnviz.project.model import DataFacts, Params
from nnviz.project.spec import ParamSpec

if TYPE_CHECKING:
    from nnviz.data.sources.published_set import Part

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
        (MEMORY,),
        facts=fixed(DataFacts((1, 28, 28), 10, "classes", names)),
        count=sized(60_000, 10_000),
        source=source,
        licence=licence,
        offline=False,
        download_bytes=download,
        folder=f"{folder}/raw",
        files=_IDX_FILES,
        fitting="mnist" if names is DIGIT_NAMES else "",
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


_QMNIST = DatasetSpec(
    "qmnist",
    "QMNIST",
    "MNIST made anew from its sources, with all 60,000 digits of its test split instead of 10,000.",
    "images",
    (MEMORY,),
    facts=fixed(DataFacts((1, 28, 28), 10, "classes", DIGIT_NAMES)),
    count=sized(60_000, 60_000),
    source="C. Yadav and L. Bottou: Cold Case: The Lost MNIST Digits, 2019.",
    licence="BSD",
    offline=False,
    download_bytes=20_436_162,
    folder="QMNIST/raw",
    files=tuple(
        f"qmnist-{split}-{what}" for split in ("train", "test") for what in ("images-idx3-ubyte", "labels-idx2-int")
    ),
    fitting="mnist",
)

_UPPER, _LOWER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
#: Of each split of EMNIST: its classes, and the number of examples for training and for test.
_EMNIST_SPLITS: Mapping[str, tuple[tuple[str, ...], int, int]] = {
    "balanced": ((*DIGIT_NAMES, *_UPPER, *"abdefghnqrt"), 112_800, 18_800),
    "letters": (tuple(_UPPER), 124_800, 20_800),
    "digits": (DIGIT_NAMES, 240_000, 40_000),
    "mnist": (DIGIT_NAMES, 60_000, 10_000),
    "bymerge": ((*DIGIT_NAMES, *_UPPER, *"abdefghnqrt"), 697_932, 116_323),
    "byclass": ((*DIGIT_NAMES, *_UPPER, *_LOWER), 697_932, 116_323),
}


def _emnist_facts(params: Params) -> DataFacts:
    names = _EMNIST_SPLITS[str(params["split"])][0]
    return DataFacts((1, 28, 28), len(names), "classes", names)


def _emnist_count(params: Params) -> tuple[int, int]:
    return _EMNIST_SPLITS[str(params["split"])][1:]


_EMNIST = DatasetSpec(
    "emnist",
    "EMNIST",
    "Handwritten letters and digits of 28×28 pixels, by more than 3,600 people, in MNIST's own format. Its files hold "
    "the pictures lying on their side; they are shown upright here.",
    "images",
    (
        ParamSpec(
            "split",
            "which",
            "Balanced: digits and letters, those whose large and small form look alike as one class, equally many of "
            "each. Letters: large and small as one class. By merge and by class: all there are, which takes 0.6 GB of "
            "memory.",
            "choice",
            "balanced",
            choices=(
                ("balanced", "balanced: 47 classes"),
                ("letters", "letters: 26"),
                ("digits", "digits: 10"),
                ("mnist", "as MNIST: 10"),
                ("bymerge", "by merge: 47"),
                ("byclass", "by class: 62"),
            ),
        ),
        MEMORY,
    ),
    facts=_emnist_facts,
    count=_emnist_count,
    source="G. Cohen, S. Afshar, J. Tapson and A. van Schaik: EMNIST, 2017, from NIST Special Database 19.",
    licence="none stated; free to use with citation",
    fitting="mnist",
    offline=False,
    download_bytes=561_753_746,
    folder="EMNIST/raw",
    files=tuple(
        f"emnist-{split}-{part}-{what}"
        for split in _EMNIST_SPLITS
        for part in ("train", "test")
        for what in ("images-idx3-ubyte", "labels-idx1-ubyte")
    ),
)


class IdxSets(PublishedSet):
    """Grey pictures of 28×28 pixels, most often 60,000 to train and 10,000 to test."""

    def declare(self) -> tuple[DatasetSpec, ...]:
        """Those that are alike but for their content."""
        return (_MNIST, _FASHION_MNIST, _KMNIST, _EMNIST, _QMNIST)

    def parts(self, request: Request, place: Path) -> Iterator[Part]:
        """See :meth:`PublishedSet.parts`."""
        from nnviz.data import idx

        spec = request.spec
        assert spec.facts is not None and spec.count is not None
        facts, cure = spec.facts(request.values), how_to_get(spec)
        training, test = spec.count(request.values)
        if spec.kind == "qmnist":
            yield from idx.qmnist_blocks(place, "train", training, cure)
            yield from idx.qmnist_blocks(place, "test", test, cure)
            return
        side, classes = facts.input_shape[-1], facts.targets
        emnist = f"emnist-{request.text('split')}" if spec.kind == "emnist" else ""
        lowest = 1 if emnist == "emnist-letters" else 0  # letters are counted from 1 there
        for part, count in (("train", training), ("test" if emnist else "t10k", test)):
            prefix = f"{emnist}-{part}" if emnist else part
            labels = idx.read_labels(place, prefix, count, classes, cure, lowest)
            done = 0
            for block in idx.idx_blocks(idx.image_file(place, prefix), (count, side, side), cure):
                pictures = block[:, None]
                yield idx.upright(pictures) if emnist else pictures, labels[done : done + len(block)]
                done += len(block)
