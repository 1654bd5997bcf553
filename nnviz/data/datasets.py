"""The data sets one can choose and what is known of them; nothing here loads numpy, torch or scikit-learn.

What a graph must know of its data (shape, classes) is answered from the declaration alone by :func:`facts`, so that
opening a project, drawing its shapes and validating it cost microseconds. ``tensors.load`` reads the examples.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from nnviz.data.catalogue import DATASETS, SHAPE_NAMES, TRUTH
from nnviz.data.dataset_spec import TEST_SHARE, DatasetSpec, generated_sizes
from nnviz.data.folders import find, folder_classes, search_roots
from nnviz.errors import DataError, ParamError
from nnviz.paths import given_path
from nnviz.project.graph.wiring import shortened
from nnviz.project.model import DataConfig, DataFacts, ParamValue

__all__ = [
    "SHAPE_NAMES", "TEST_SHARE", "TRUTH", "DatasetSpec", "chosen", "counted", "dataset", "datasets", "facts",
    "generated_sizes", "how_to_get", "locate", "split_sizes", "validation_count", "values",
]  # fmt: skip

_DATASETS: Mapping[str, DatasetSpec] = {spec.kind: spec for spec in DATASETS}
_ALIASES: Mapping[str, str] = {alias: spec.kind for spec in DATASETS for alias in spec.aliases}
assert len(_DATASETS) == len(DATASETS), "two data sets share a kind"


def facts(config: DataConfig) -> DataFacts:
    """What a graph must know of the chosen data; cheap, loads nothing.

    Raises:
        DataError: The data set or one of its parameters is unknown or not allowed.
    """
    spec = dataset(config.dataset)
    return spec.facts(values(config))


def counted(facts: DataFacts, config: DataConfig) -> DataFacts:
    """The same facts with the number of examples, where that can be told; a folder is listed for it."""
    try:
        return msgspec.structs.replace(facts, examples=split_sizes(config))
    except DataError:
        return facts


def values(config: DataConfig) -> dict[str, ParamValue]:
    """All parameters of the chosen data set, checked.

    Raises:
        DataError: One is unknown or not allowed; ``field`` says which.
    """
    try:
        return dataset(config.dataset).values(config.params)
    except ParamError as error:
        raise DataError(error.message, field=f"data.params.{error.field}") from None


def chosen(config: DataConfig, kind: str) -> DataConfig:
    """The choice of another data set with its own defaults; the preparation goes along where it was the usual one.

    Raises:
        DataError: There is no such data set.
    """
    spec = dataset(kind)
    usual = config.preparation == dataset(config.dataset).preparation
    kept = config.preparation and spec.preparation and not usual
    preparation = config.preparation if kept else spec.preparation
    return msgspec.structs.replace(config, dataset=spec.kind, params={}, preparation=preparation)


def split_sizes(config: DataConfig) -> tuple[int, int, int]:
    """Number of (training, validation, test) examples, without loading any.

    Raises:
        DataError: The choice is not allowed.
    """
    spec = dataset(config.dataset)
    training, test = spec.count(values(config))
    held_back = validation_count(config, training)
    return (training, training, training) if spec.undivided else (training - held_back, held_back, test)


def validation_count(config: DataConfig, training: int) -> int:
    """How many of ``training`` examples are held back for validation; at least one stays for training.

    Raises:
        DataError: ``validation_fraction`` is not between 0 and 0.9.
    """
    fraction = config.validation_fraction
    if not 0.0 <= fraction <= 0.9:  # also refuses NaN
        raise DataError(
            f"The validation fraction is {fraction:g}, but must be from 0 to 0.9.", field="data.validation_fraction"
        )
    return min(round(fraction * training), max(training - 1, 0))


def locate(config: DataConfig, data_dir: Path | None = None) -> Path | None:
    """The folder that holds the chosen data set; None where it needs none.

    Looked for in ``data_dir``, then in NNVIZ_DATA, then in the user's data folder.

    Raises:
        DataError: It is in none of them; the message names the places and the way to get it.
    """
    spec = dataset(config.dataset)
    if spec.kind == "image_folder":
        chosen = str(values(config)["folder"])
        folder_classes(chosen)
        return given_path(chosen, "data.params.folder", DataError)
    if not spec.folder:
        return None
    roots = search_roots(data_dir)
    found = find(roots, spec.folder, spec.files)
    if found is None:
        looked = ", ".join(str(root / spec.folder) for root in roots)
        raise DataError(f"{spec.title} was not found. Looked for {looked}. {how_to_get(spec)}", field="data.dataset")
    return found


def how_to_get(spec: DatasetSpec) -> str:
    """The cure for a missing or damaged data set, as a sentence."""
    megabytes = max(1, round(spec.download_bytes / 1e6))
    return (
        f"Download it from the Data tab ({megabytes} MB), or name a folder that torchvision downloaded "
        "with --data-dir or NNVIZ_DATA."
    )


def dataset(kind: str) -> DatasetSpec:
    """The declaration of one data set.

    Raises:
        DataError: There is none of that name.
    """
    key = _ALIASES.get(kind, kind)
    if key not in _DATASETS:
        raise DataError(
            f"There is no data set '{shortened(kind)}'. There are: {', '.join(_DATASETS)}.", field="data.dataset"
        )
    return _DATASETS[key]


def datasets() -> Mapping[str, DatasetSpec]:
    """All data sets by kind, in the order to show them."""
    return dict(_DATASETS)
