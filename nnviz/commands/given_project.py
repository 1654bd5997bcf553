"""The project that a command is about: opened, with the data and the settings that were typed behind it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from nnviz import paths, streams
from nnviz.commands.data_bar import DataBar
from nnviz.data import datasets as data_sets
from nnviz.data.sources.source import SourceFacts
from nnviz.errors import DataError, ProjectError
from nnviz.project import settings
from nnviz.project.adapt import changes, choose_data
from nnviz.project.checks.diagnosis import Diagnostic
from nnviz.project.checks.validate import problems_that_stop, validate
from nnviz.project.files import io
from nnviz.project.files.own_folder import rooted
from nnviz.project.model import DataConfig, Project
from nnviz.project.samples import templates
from nnviz.project.value_text import unquoted


def open_project(target: str) -> Project:
    """The project of a path or of ``sample:NAME``.

    Raises:
        InputError: There is no such sample or file, or the file cannot be used.
    """
    if target.startswith("sample:"):
        return templates.sample(target.removeprefix("sample:"))
    return io.load(paths.given_path(target))


def with_choices(project: Project, data: str | None, given: Sequence[tuple[str, object]]) -> Project:
    """The project with other data and settings; what follows from them in the network is said in a line.

    Whatever order they were typed in, the data are chosen first, then come their settings, then the network follows
    them, and then the other settings are made: what is asked for in so many words has the last word.

    Raises:
        InputError: There is no such data set or setting, or its value is not allowed.
    """
    config = project.data if data is None else named_data(project.data, data)
    for path, value in given:
        if path == "data.dataset":
            config = data_sets.chosen(config, unquoted(str(value)))
    dataset_params = {kind: spec.params for kind, spec in data_sets.datasets().items()}
    before = project
    project = msgspec.structs.replace(project, data=config)
    for path, value in given:
        if path.startswith("data.") and path != "data.dataset":
            project = settings.with_setting(project, path, value, dataset_params)
    config = rooted(project.data, Path.cwd())  # what a file names is absolute by now
    project = msgspec.structs.replace(project, data=before.data)
    if config != before.data:
        with DataBar() as bar:
            known = data_sets.facts(config, bar)
        project = choose_data(project, config, known).apply(project)
        if followed := changes(before, project):
            streams.complain(f"the network follows the data: {', '.join(followed)}")
    for path, value in given:
        if not path.startswith("data."):
            project = settings.with_setting(project, path, value, dataset_params)
    return project


def named_data(config: DataConfig, named: str) -> DataConfig:
    """The data that ``--data`` names: a data set, else a file or a folder. ``./NAME`` is never a data set.

    Raises:
        DataError: There is no data set, no file and no folder of that name, or no source takes such a file.
    """
    if data_sets.known(named):
        return config if data_sets.dataset(named).kind == config.dataset else data_sets.chosen(config, named)
    place = paths.given_path(named, "--data", DataError)
    spec = data_sets.taking(place)
    if spec is None and place.is_file():
        raise DataError(
            f"This is a file, not a folder, and data come from files that end in {', '.join(_data_endings())}.",
            file=paths.shown(place),
            field="--data",
        )
    if not place.exists() and len(place.parts) == 1 and not named.startswith(".") and spec is None:
        raise DataError(
            f"There is no data set, no file and no folder '{paths.shown(named)}'. Data sets are: "
            f"{', '.join(data_sets.datasets())}; a folder of pictures has one subfolder a class; a file ends in "
            f"{', '.join(_data_endings())}.",
            field="--data",
        )
    if spec is None or place.is_dir():
        spec = data_sets.taking()
    assert spec is not None  # one source takes folders
    return rooted(data_sets.named(config, spec, place), Path.cwd())


def _data_endings() -> list[str]:
    return [ending for spec in data_sets.datasets().values() for ending in spec.endings]


def asked_settings(given: Sequence[tuple[str, str]], **own: object) -> list[tuple[str, object]]:
    """What ``--set`` gave, then settings of the training with an option of their own; None was not asked for."""
    return [*given, *((f"training.{name}", value) for name, value in own.items() if value is not None)]


def known_data(project: Project, target: str) -> SourceFacts:
    """What is known of the data of a project that can be trained.

    Raises:
        InputError: There are no such data, or the network is no network yet.
    """
    try:
        with DataBar() as bar:
            found = data_sets.source_facts(project.data, bar)
    except DataError as error:
        raise error.at(file="" if target.startswith("sample:") else paths.shown(target)) from None
    refuse(problems_that_stop(validate(project, found.data)), target)
    return found


def data_to_train(
    project: Project, target: str, *, skip_bad: bool, data_dir: Path | None, download: bool = False
) -> SourceFacts:
    """The same of what is going to be trained: examples that cannot be read are left out where that is asked for.

    Args:
        project: What is going to be trained.
        target: How it was named.
        skip_bad: Leave out examples that cannot be read.
        data_dir: Where published data sets are looked for first.
        download: One that is in none of those places is going to be fetched.

    Raises:
        InputError: As :func:`known_data`; or some examples cannot be read, or a published data set is not there.
    """
    found = known_data(project, target)
    if not download:
        _refuse_missing(project.data, data_dir)
    if found.unreadable and not skip_bad:
        place = "" if found.place is None else paths.shown(found.place)
        raise DataError(f"{found.unreadable_words} --skip-bad leaves them out.", file=place)
    return found


def fetch(project: Project, data_dir: Path | None) -> None:
    """Fetches the data set if it is in none of the places where it is looked for; the training finds it read.

    Raises:
        DataError: It could not be fetched; says how it can be put there by hand.
        StorageError: It could not be written.
    """
    from nnviz.data.tensors import load  # noqa: PLC0415 - brings torch, which takes seconds to import

    with DataBar() as bar:
        load(project.data, data_dir, bar, download=True)


def _refuse_missing(config: DataConfig, data_dir: Path | None) -> None:
    """Says what the command line can do about a published data set that is not there."""
    spec = data_sets.dataset(config.dataset)
    missing = data_sets.inspect(config, data_dir).missing if spec.downloads else ""
    if missing:
        size = max(1, round(spec.download_bytes / 1e6))
        cure = (
            f"Fetch it with --download ({size} MB), or name a folder that torchvision downloaded with --data-dir or "
            "NNVIZ_DATA."
        )
        raise DataError(missing.replace(data_sets.how_to_get(spec), cure), field="data.dataset")


def refuse(errors: Sequence[Diagnostic], target: str) -> None:
    """Raise the first of what stops a network from being trained, if there is any."""
    if errors:
        more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
        field = f"graph.nodes.{errors[0].node}" if errors[0].node else ""
        raise ProjectError(errors[0].text + more, file=paths.shown(target), field=field)
