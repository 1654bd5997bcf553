"""The sources of data: what they declare, what a look at the disk adds, and how it is broken off."""

from __future__ import annotations

import builtins
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from nnviz.data import datasets, tensors
from nnviz.data.sources import DECLARED, SOURCES
from nnviz.data.sources.source import SourceFacts
from nnviz.errors import Cancelled, DataError
from nnviz.project.model import DataConfig, DataFacts


def pets(root: Path, parts: tuple[str, ...] = ("",)) -> DataConfig:
    for part in parts:
        for name in ("cat", "dog", "elk"):
            (root / part / name).mkdir(parents=True)
            for number in range(5):
                Image.new("RGB", (8, 8)).save(root / part / name / f"{number}.png")
    return DataConfig("image_folder", {"folder": str(root), "size": 8})


def test_each_data_set_stands_in_the_list_once_with_its_source() -> None:
    declared = [spec for source in SOURCES for spec in source.declare()]
    assert [spec.kind for spec in declared] == list(DECLARED) == list(datasets.datasets())
    for kind, (spec, source) in DECLARED.items():
        assert datasets.dataset(kind) is spec and datasets.source_of(kind) is source


def test_declaring_asks_no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **more: Any) -> Any:
        raise AssertionError(f"asked the disk: {args}")

    places = [(os, "scandir"), (os, "stat"), (os, "listdir"), (builtins, "open"), (Path, "stat")]
    with monkeypatch.context() as patched:
        for place, name in places:
            patched.setattr(place, name, refuse)
        found = {
            kind: datasets.declared(DataConfig(kind, {spec.folder_param: "/somewhere"} if spec.needs_folder else {}))
            for kind, spec in datasets.datasets().items()
        }
        sizes = {kind: facts and datasets.divided(DataConfig(kind), facts.sizes) for kind, facts in found.items()}
    for kind, spec in datasets.datasets().items():
        assert (found[kind] is None) == spec.needs_folder
        if not spec.needs_folder:
            assert sizes[kind] == datasets.split_sizes(DataConfig(kind))


@pytest.mark.parametrize("kind", [kind for kind, spec in datasets.datasets().items() if not spec.needs_folder])
def test_a_look_agrees_with_the_declaration(kind: str, tmp_path: Path) -> None:
    known, found = datasets.declared(DataConfig(kind)), datasets.inspect(DataConfig(kind), tmp_path)
    assert known is not None and (found.data, found.sizes) == (known.data, known.sizes)
    assert found.looked and known.looked == (not datasets.dataset(kind).folder)
    assert bool(found.missing) == datasets.dataset(kind).downloads and found.place is None


@pytest.mark.parametrize("parts", [("",), ("train", "test")], ids=["undivided", "divided"])
def test_a_look_at_a_folder_counts_and_says_how_far_it_is(tmp_path: Path, parts: tuple[str, ...]) -> None:
    config = pets(tmp_path / "pets", parts)
    told: list[tuple[str, int, int]] = []
    found = datasets.inspect(config, progress=lambda *step: told.append(step))
    sizes = (12, 3) if parts == ("",) else (15, 15)
    notes = () if parts == ("",) else ("'train' is the training split, 'test' the test split.",)
    data = DataFacts((3, 8, 8), 3, "classes", ("cat", "dog", "elk"))
    assert found == SourceFacts(data, sizes, tmp_path / "pets", notes=notes)
    total = 3 * len(parts)
    assert told[:total] == [("Looking through Image folder", done, total) for done in range(total)]
    assert told[total:] == [("Loading Image folder", done, sum(sizes)) for done in (0, sum(sizes))]
    loaded = tensors.load(config)
    assert (len(loaded.train) + len(loaded.validation), len(loaded.test)) == sizes and loaded.facts == found.data


def test_a_look_is_broken_off_where_it_stands(tmp_path: Path) -> None:
    config = pets(tmp_path / "pets")
    told: list[int] = []
    with pytest.raises(Cancelled, match="Looking through Image folder was stopped"):
        datasets.inspect(config, progress=lambda _what, done, _of: told.append(done), cancelled=lambda: len(told) > 1)
    assert told == [0, 1]


def test_what_is_missing_is_refused_by_who_reads(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="MNIST was not found") as caught:
        tensors.load(DataConfig("mnist"), tmp_path)
    assert caught.value.field == "data.dataset"


def test_which_need_a_folder_is_declared() -> None:
    folders = {kind: spec.folder_param for kind, spec in datasets.datasets().items() if spec.needs_folder}
    assert folders == {"image_folder": "folder", "numpy_file": "path", "table_file": "path"}
    spec = datasets.dataset("image_folder")
    assert spec.without_folder({}) and spec.without_folder({"folder": ""}) and not spec.without_folder({"folder": "x"})
    assert spec.sizes == (0, 0) and not spec.downloads
