"""300 damaged inputs: each is read or gets one sentence that names it; nothing in them is run, memory is bounded."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import damaged_corpus
import picture_corpus
import pytest
from damaged_corpus import EITHER, READ, REFUSED, Damaged

from nnviz.data import datasets
from nnviz.data.sources.source import Request
from nnviz.data.tensors import load
from nnviz.errors import DataError
from nnviz.project.model import DataConfig

#: Memory in MiB that a kind of inputs may take beyond what was taken before.
_MEMORY = 700


def peak() -> float:
    """The most memory that this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


@pytest.fixture(autouse=True)
def nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working folder is an empty one, in which nothing may appear."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)


def check(one: Damaged, sentence: str | None) -> None:
    """Whether it was treated as it should be; the sentence of a refusal names the file."""
    outcome = READ if sentence is None else REFUSED
    assert one.expected in (outcome, EITHER), f"{one.name} ({one.title}): {sentence or 'was read'}"
    if sentence is not None:
        assert one.name in sentence and "\n" not in sentence and len(sentence) < 700, f"{one.name}: {sentence}"
        assert "Traceback" not in sentence and "Error(" not in sentence, sentence


def test_there_are_three_hundred_of_them() -> None:
    found = [*damaged_corpus.pictures(), *damaged_corpus.tables(), *damaged_corpus.arrays()]
    assert len(found) == 300 == len({(one.name, one.content) for one in found})


def test_damaged_pictures_are_left_out_and_named(tmp_path: Path) -> None:
    """In one folder with good ones: training goes on with what can be read, and each of the others has its reason."""
    inputs, before = damaged_corpus.pictures(), peak()
    damaged_corpus.written(tmp_path / "set" / "damaged", inputs)
    (tmp_path / "set" / "good").mkdir()
    for at in range(3):
        (tmp_path / "set" / "good" / f"{at}.png").write_bytes(picture_corpus.valid_files()["png"])
    config = DataConfig("image_folder", {"folder": str(tmp_path / "set"), "size": 8})
    spec, source = datasets.dataset("image_folder"), datasets.source_of("image_folder")
    reasons = {Path(one.file).name: one.reason for one in source.left_out(Request(spec, datasets.values(config)))}
    for one in inputs:
        reason = reasons.get(one.name)
        check(one, None if reason is None else f"{one.name}: {reason}")
    facts = datasets.inspect(config)
    assert facts.unreadable == len(reasons) and sum(facts.sizes) == len(inputs) + 3 - len(reasons)
    assert not list(Path.cwd().iterdir()) and peak() - before < _MEMORY


@pytest.mark.parametrize("kind", ["table_file", "numpy_file"])
def test_damaged_tables_and_arrays_get_a_sentence_each(tmp_path: Path, kind: str) -> None:
    inputs = damaged_corpus.tables() if kind == "table_file" else damaged_corpus.arrays()
    paths, before = damaged_corpus.written(tmp_path / "files", inputs), peak()
    for one, path in zip(inputs, paths, strict=True):
        sentence = None
        try:
            load(DataConfig(kind, {"path": str(path)}))
        except DataError as error:
            sentence = f"{error.file}: {error.message}"
        check(one, sentence)
    assert not list(Path.cwd().iterdir()) and peak() - before < _MEMORY
