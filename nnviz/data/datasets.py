"""The data sets one can choose and what is known of them; nothing here loads numpy, torch or scikit-learn.

What a graph must know of its data (shape, classes) is answered from the declaration alone by :func:`declared`, so that
opening a project, drawing its shapes and validating it cost microseconds. What only the disk can tell is found by
:func:`inspect`, on a worker. ``tensors.load`` reads the examples.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from nnviz.data import step_facts
from nnviz.data.dataset_spec import TEST_SHARE, DatasetSpec, generated_sizes
from nnviz.data.drawn import SHAPE_NAMES, TRUTH
from nnviz.data.sources import DECLARED
from nnviz.data.sources import source as sources
from nnviz.data.sources.source import CancelledCheck, Progress, Request, Source, SourceFacts, how_to_get
from nnviz.errors import DataError, ParamError
from nnviz.project import registry
from nnviz.project.graph.wiring import shortened
from nnviz.project.model import DataConfig, DataFacts, ParamValue

__all__ = [
    "SHAPE_NAMES", "TEST_SHARE", "TRUTH", "DatasetSpec", "SourceFacts", "chosen", "counted", "dataset", "datasets",
    "declared", "divided", "facts", "generated_sizes", "how_to_get", "inspect", "known", "listed", "locate", "look",
    "named", "place_for", "place_of", "source_facts", "source_of", "split_sizes", "taking",
    "validation_count", "values",
]  # fmt: skip

_ALIASES: Mapping[str, str] = {alias: spec.kind for spec, _ in DECLARED.values() for alias in spec.aliases}


def declared(config: DataConfig) -> SourceFacts | None:
    """What is known of the chosen data without asking the disk; None where only looking tells. For any thread.

    Raises:
        DataError: The data set or one of its parameters is unknown or not allowed.
    """
    known = sources.declared(dataset(config.dataset), values(config))
    return None if known is None else step_facts.prepared(known, config.preparation)


def inspect(
    config: DataConfig,
    data_dir: Path | None = None,
    progress: Progress | None = None,
    cancelled: CancelledCheck | None = None,
) -> SourceFacts:
    """What is known of the chosen data after a look at the disk: a worker's job, since a folder may have to be listed.

    Raises:
        DataError: The choice is not allowed, or not even shape and classes can be told.
        Cancelled: ``cancelled`` said so.
    """
    return step_facts.prepared(look(config, data_dir, progress, cancelled), config.preparation)


def look(
    config: DataConfig,
    data_dir: Path | None = None,
    progress: Progress | None = None,
    cancelled: CancelledCheck | None = None,
) -> SourceFacts:
    """What :func:`inspect` finds, before any preparation: the same for all preparations of one choice."""
    spec, source = _declared(config.dataset)
    return source.inspect(Request(spec, values(config), data_dir, progress, cancelled))


def facts(config: DataConfig, progress: Progress | None = None) -> DataFacts:
    """What a graph must know of the chosen data; cheap, but reads the user's own pictures.

    Raises:
        DataError: The data set or one of its parameters is unknown or not allowed.
    """
    return source_facts(config, progress).data


def counted(facts: DataFacts, config: DataConfig) -> DataFacts:
    """The same facts with the number of examples, where that can be told; a folder is listed for it."""
    try:
        return msgspec.structs.replace(facts, examples=split_sizes(config))
    except DataError:
        return facts


def source_facts(config: DataConfig, progress: Progress | None = None) -> SourceFacts:
    """What is declared, else what a look at the user's own folder tells, which reads its pictures.

    Raises:
        DataError: The choice is not allowed, or not even shape and classes can be told.
    """
    known = declared(config)
    return inspect(config, progress=progress) if known is None else known


def listed(config: DataConfig, progress: Progress | None = None) -> SourceFacts | None:
    """What is declared, else what the mere names of the user's files tell; None where only reading tells.

    Raises:
        DataError: The choice is not allowed, or the files cannot be listed.
    """
    spec, source = _declared(config.dataset)
    found = source.listed(Request(spec, values(config), None, progress))
    return None if found is None else step_facts.prepared(found, config.preparation)


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
    pictures = spec.family == "images"
    return msgspec.structs.replace(
        config,
        dataset=spec.kind,
        params={},
        preparation=step_facts.suiting(preparation, registry.PREPARATIONS, pictures=pictures),
        augmentation=step_facts.suiting(config.augmentation, registry.AUGMENTATIONS, pictures=pictures),
    )


def split_sizes(config: DataConfig) -> tuple[int, int, int]:
    """Number of (training, validation, test) examples, without loading any; lists the user's own folder.

    Raises:
        DataError: The choice is not allowed.
    """
    found = source_facts(config)
    return divided(config, found.sizes, found.validation)


def divided(config: DataConfig, sizes: tuple[int, int], validation: int | None = None) -> tuple[int, int, int]:
    """Number of (training, validation, test) examples among (training + validation, test) ones; asks no disk.

    Args:
        config: Says the validation share and the preparation.
        sizes: As in :class:`SourceFacts`.
        validation: Likewise.

    Raises:
        DataError: ``validation_fraction`` is not between 0 and 0.9.
    """
    training, test = sizes
    held_back = validation_count(config, training) if validation is None else validation
    if dataset(config.dataset).undivided:
        return step_facts.training_count(training, config.preparation), training, training
    return step_facts.training_count(training - held_back, config.preparation), held_back, test


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


def locate(
    config: DataConfig,
    data_dir: Path | None = None,
    progress: Progress | None = None,
    cancelled: CancelledCheck | None = None,
) -> Path | None:
    """The folder that holds the chosen data set; None where it needs none.

    Looked for in ``data_dir``, then in NNVIZ_DATA, then in the user's data folder.

    Raises:
        DataError: It is in none of them; the message names the places and the way to get it.
        Cancelled: ``cancelled`` said so.
    """
    return place_for(Request(dataset(config.dataset), values(config), data_dir, progress, cancelled))


def place_for(request: Request) -> Path | None:
    """As :func:`locate`, where there is a request already."""
    found = source_of(request.spec.kind).inspect(request)
    if found.missing:
        raise DataError(found.missing, field="data.dataset")
    return found.place


def taking(path: Path | None = None) -> DatasetSpec | None:
    """The data set for a file of the user's own, by its ending; for a folder where there is no path. Asks no disk."""
    wanted = None if path is None else path.suffix.lower()
    for spec, _ in DECLARED.values():
        if spec.needs_folder and (wanted in spec.endings if wanted is not None else not spec.takes_file):
            return spec
    return None


def place_of(config: DataConfig) -> str:
    """The folder or file of the user's own that is chosen, as it was typed; empty where there is none."""
    spec = dataset(config.dataset)
    return str(config.params.get(spec.folder_param, "")) if spec.needs_folder else ""


def named(config: DataConfig, spec: DatasetSpec, place: Path) -> DataConfig:
    """The choice of a folder or a file of the user's own; what was set for another one of its kind is forgotten.

    Args:
        config: The choice before.
        spec: As :func:`taking` found it.
        place: The folder or the file.
    """
    kept = config if config.dataset == spec.kind else chosen(config, spec.kind)
    before = kept.params if not spec.takes_file or kept.params.get(spec.folder_param) == str(place) else {}
    return msgspec.structs.replace(kept, params={**before, spec.folder_param: str(place)})


def known(kind: str) -> bool:
    """Whether there is a data set of that name."""
    return _ALIASES.get(kind, kind) in DECLARED


def dataset(kind: str) -> DatasetSpec:
    """The declaration of one data set.

    Raises:
        DataError: There is none of that name.
    """
    return _declared(kind)[0]


def source_of(kind: str) -> Source:
    """The source that declares a data set and reads it.

    Raises:
        DataError: There is none of that name.
    """
    return _declared(kind)[1]


def _declared(kind: str) -> tuple[DatasetSpec, Source]:
    key = _ALIASES.get(kind, kind)
    if key not in DECLARED:
        raise DataError(
            f"There is no data set '{shortened(kind)}'. There are: {', '.join(DECLARED)}.", field="data.dataset"
        )
    return DECLARED[key]


def datasets() -> Mapping[str, DatasetSpec]:
    """All data sets by kind, in the order to show them."""
    return {kind: spec for kind, (spec, _) in DECLARED.items()}
