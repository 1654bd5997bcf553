"""The data sets, each declared once. Adding one costs a declaration here and a reader in ``readers.py``."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nnviz.data.dataset_spec import DatasetSpec, generated_sizes
from nnviz.data.folders import folder_classes, folder_sizes
from nnviz.project.model import DataFacts, Params
from nnviz.project.spec import ParamSpec

# --- parameters that several sets share -----------------------------------------------------------------------------


def _count(default: int, most: int, help: str) -> ParamSpec:
    return ParamSpec(
        "count",
        "examples",
        f"{help} A fifth of them is the test split.",
        "int",
        default,
        minimum=20,
        maximum=most,
        logarithmic=True,
    )


_SEED = ParamSpec(
    "seed", "seed", "The same seed gives the same examples again.", "int", 0, minimum=0, maximum=2**32 - 1
)
_NOISE = ParamSpec(
    "noise",
    "noise",
    "How far the points are scattered: 0 leaves the classes cleanly apart, 0.5 mixes them.",
    "float",
    0.0,
    minimum=0.0,
    maximum=0.5,
)


def _counted(params: Params) -> tuple[int, int]:
    count = params["count"]
    assert isinstance(count, int)  # the ParamSpec parsed it
    return generated_sizes(count)


def _fixed(value: DataFacts) -> Callable[[Params], DataFacts]:
    return lambda params: value


def _sized(training: int, test: int) -> Callable[[Params], tuple[int, int]]:
    return lambda params: (training, test)


# --- images ---------------------------------------------------------------------------------------------------------

_DIGIT_NAMES = tuple("0123456789")
SHAPE_NAMES = ("circle", "square", "triangle", "star", "cross", "ring", "crescent", "heart", "arrow", "frame")


def _digits_facts(params: Params) -> DataFacts:
    side = int(str(params["size"]))
    return DataFacts((1, side, side), 10, "classes", _DIGIT_NAMES)


_DIGITS = DatasetSpec(
    "digits",
    "Handwritten digits",
    "1,797 real handwritten digits by 43 people, scanned in Turkey in the 1990s. Small enough to train on in seconds.",
    "images",
    (
        ParamSpec(
            "size",
            "size",
            "The scans have 8×8 pixels; enlarged to 28×28 they fit the networks made for MNIST.",
            "choice",
            "28",
            choices=(("8", "8×8, as scanned"), ("28", "28×28, enlarged")),
        ),
    ),
    facts=_digits_facts,
    count=_sized(1437, 360),
    source="E. Alpaydin and C. Kaynak: Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, "
    "1998; the part that scikit-learn carries.",
    licence="CC BY 4.0",
)

_SHAPES = DatasetSpec(
    "shapes",
    "Colour shapes",
    "Generated 32×32 colour images of ten shapes, each of random colour, place, size, tilt, background and noise. "
    "What a network must learn here is form alone.",
    "images",
    (_count(6000, 100_000, "How many images are drawn."), _SEED),
    facts=_fixed(DataFacts((3, 32, 32), 10, "classes", SHAPE_NAMES)),
    count=_counted,
    source="Drawn by nnviz.",
    licence="free of rights",
)

_IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_FASHION_NAMES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
_CIFAR_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_KMNIST_NAMES = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")


def _idx_set(
    kind: str, title: str, help: str, folder: str, names: tuple[str, ...], download: int, source: str, licence: str
) -> DatasetSpec:
    return DatasetSpec(
        kind,
        title,
        help,
        "images",
        facts=_fixed(DataFacts((1, 28, 28), 10, "classes", names)),
        count=_sized(60_000, 10_000),
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
    _DIGIT_NAMES,
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
_CIFAR10 = DatasetSpec(
    "cifar10",
    "CIFAR-10",
    "60,000 colour photographs of 32×32 pixels in ten classes, from airplane to truck.",
    "images",
    facts=_fixed(DataFacts((3, 32, 32), 10, "classes", _CIFAR_NAMES)),
    count=_sized(50_000, 10_000),
    source="A. Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009.",
    licence="none stated; free to use with citation",
    offline=False,
    download_bytes=170_498_071,
    folder="cifar-10-batches-py",
    files=("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"),
)


def _folder_facts(params: Params) -> DataFacts:
    names = folder_classes(str(params["folder"]))
    side, channels = params["size"], int(str(params["channels"]))
    assert isinstance(side, int)  # the ParamSpec parsed it
    return DataFacts((channels, side, side), len(names), "classes", names)


def _folder_count(params: Params) -> tuple[int, int]:
    if not params["folder"]:
        return 0, 0
    training, test = folder_sizes(str(params["folder"]))
    return generated_sizes(training) if test is None else (training, test)


_IMAGE_FOLDER = DatasetSpec(
    "image_folder",
    "Image folder",
    "Your own pictures: one subfolder a class, of any sizes; each is resized and cut to one square. Subfolders 'train' "
    "and 'test' are taken as the splits, otherwise a fifth of every class is the test split.",
    "images",
    (
        ParamSpec("folder", "folder", "The folder whose subfolders are the classes.", "text", ""),
        ParamSpec("size", "size", "Width and height that all pictures are resized to.", "int", 32, 8, 512, unit="px"),
        ParamSpec(
            "channels",
            "colours",
            "Grey pictures need a third of the memory.",
            "choice",
            "3",
            choices=(("3", "red, green, blue"), ("1", "grey")),
        ),
    ),
    facts=_folder_facts,
    count=_folder_count,
    source="Your own folder.",
    licence="yours",
    offline=False,
)


# --- points in the plane --------------------------------------------------------------------------------------------


def _plane(
    kind: str,
    title: str,
    help: str,
    *,
    noisy: bool = True,
    features: tuple[str, str] = ("x1", "x2"),
    names: tuple[str, str] = ("orange", "blue"),
    source: str = "Drawn by nnviz after TensorFlow Playground.",
) -> DatasetSpec:
    count = _count(500, 100_000, "How many points are drawn, half of them of each class.")
    return DatasetSpec(
        kind,
        title,
        help,
        "plane",
        (count, _NOISE, _SEED) if noisy else (count, _SEED),
        facts=_fixed(DataFacts((2,), 1, "binary", names)),
        count=_counted,
        source=source,
        licence="free of rights",
        feature_names=features,
        preparation=(),
    )


_PLANES = (
    _plane("circle", "Circle", "One class in the middle, the other in a ring around it. No straight line parts them."),
    _plane("xor", "Exclusive or", "Four squares, the two opposite ones alike. A single neuron cannot solve it."),
    _plane("gauss", "Two clouds", "Two round clouds that one straight line parts, unless the noise is high."),
    _plane("spiral", "Spiral", "Two interleaved spirals: the hardest of the plane, it needs hidden layers."),
    _plane(
        "moons",
        "Two moons",
        "Two half moons that reach into one another.",
        source="Drawn by nnviz after scikit-learn's make_moons.",
    ),
    _plane(
        "credit",
        "Credit",
        "Credit score and income of people who repaid a loan or did not. A person repays where "
        "2·credit_score + income − 10 > 0: a line that one neuron can find.",
        noisy=False,
        features=("credit_score", "income"),
        names=("does not repay", "repays"),
        source="Drawn by nnviz.",
    ),
    _plane(
        "marbles",
        "Marbles",
        "Red and blue marbles on a table, far enough apart that a straight line always parts them.",
        noisy=False,
        names=("red", "blue"),
        source="Drawn by nnviz.",
    ),
)

# --- logic ----------------------------------------------------------------------------------------------------------

#: For each logic function the outputs for the rows 00, 01, 10, 11 (for ``not``: 0, 1).
TRUTH: Mapping[str, tuple[int, ...]] = {
    "and": (0, 0, 0, 1),
    "or": (0, 1, 1, 1),
    "not": (1, 0),
    "xor": (0, 1, 1, 0),
    "xnor": (1, 0, 0, 1),
    "nand": (1, 1, 1, 0),
    "nor": (1, 0, 0, 0),
}


def _truth_facts(params: Params) -> DataFacts:
    return DataFacts((1 if params["function"] == "not" else 2,), 1, "binary", ("0", "1"))


def _truth_count(params: Params) -> tuple[int, int]:
    rows = len(TRUTH[str(params["function"])])
    return rows, rows


_TRUTH_TABLE = DatasetSpec(
    "truth_table",
    "Truth table",
    "All rows of a logic function. There is nothing to hold back: training, validation and test split are these rows.",
    "logic",
    (
        ParamSpec(
            "function",
            "function",
            "The logic function; all but NOT have two inputs.",
            "choice",
            "and",
            choices=tuple((key, key.upper()) for key in TRUTH),
        ),
    ),
    facts=_truth_facts,
    count=_truth_count,
    source="Boolean algebra.",
    licence="free of rights",
    feature_names=("x1", "x2"),
    preparation=(),
)

#: In the order to show them.
DATASETS = (_DIGITS, _SHAPES, *_PLANES, _TRUTH_TABLE, _MNIST, _FASHION_MNIST, _KMNIST, _CIFAR10, _IMAGE_FOLDER)
