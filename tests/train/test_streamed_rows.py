"""Arrays and tables that do not fit into memory: brought to the disk once, broken off anywhere, trained on the same."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from training_helpers import MLP, advance, made_training, same, session_of, weights

from nnviz.data import (
    datasets,
    fingerprint,
    memory_budget,
    numpy_sets,
    preparation,
    row_blocks,
    row_store,
    stored_rows,
    table_reading,
    tensors,
)
from nnviz.data.described import histograms
from nnviz.data.streamed import Streamed
from nnviz.data.tensors import load
from nnviz.data.viewing import view
from nnviz.errors import Cancelled, DataError
from nnviz.project.model import Choice, DataConfig

sys.path.append(str(Path(__file__).parent.parent / "data"))
from test_streamed import Stop, same_data

ROWS, FEATURES = 400, 6


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Of everything that is large otherwise there are several, and the budget is smaller than any set here."""
    monkeypatch.setenv(memory_budget.VARIABLE, "0.001")
    monkeypatch.setattr(os, "fsync", lambda number: None)  # what a kill leaves does not hang on it, and it takes long
    monkeypatch.setattr(row_blocks, "_PIECE", 200)
    for module in ("streamed", "preparation", "missing"):
        monkeypatch.setattr(f"nnviz.data.{module}.NUMBERS_AT_ONCE", 500)
    monkeypatch.setattr("nnviz.data.table_columns._NUMBERS_AT_ONCE", 300)
    monkeypatch.setattr("nnviz.data.numpy_arrays._PIECE", 1000)
    yield
    forget()


def npy(folder: Path) -> DataConfig:
    """Numbers of three classes, with their answers beside them."""
    random = np.random.default_rng(0)
    labels = np.arange(ROWS) % 3
    np.save(folder / "x.npy", (random.normal(0, 3, (ROWS, FEATURES)) + labels[:, None]).astype(np.float64))
    np.save(folder / "y.npy", labels)
    return DataConfig("numpy_file", {"path": str(folder / "x.npy")}, preparation=(Choice("standardise"),))


def table(folder: Path) -> DataConfig:
    """Numbers, some of them missing, a category and a date: six numbers a row, and three classes."""
    random = np.random.default_rng(1)
    lines = ["a,b,kind,day,target"]
    for row in range(ROWS):
        a = "" if row % 17 == 3 else f"{random.normal(row % 3):.6f}"
        kind = ("red", "green", "")[random.integers(3)]
        lines.append(f"{a},{random.normal(5, 2):.5f},{kind},2024-{row % 12 + 1:02}-11,{'xyz'[row % 3]}")
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    return DataConfig("table_file", {"path": str(folder / "t.csv")}, preparation=(Choice("standardise"),))


MADE = pytest.mark.parametrize("made", [npy, table])


def held(config: DataConfig) -> DataConfig:
    return msgspec.structs.replace(config, params={**config.params, "memory": "memory"})


def forget() -> None:
    """As a new process would begin."""
    tensors.clear_cache()
    numpy_sets.forget()


@MADE
def test_a_training_from_the_disk_is_the_one_from_memory(made: Callable[[Path], DataConfig], tmp_path: Path) -> None:
    config = made(tmp_path)
    streamed, whole = load(config), load(held(config))
    assert isinstance(streamed.train.inputs, Streamed) and isinstance(whole.train.inputs, torch.Tensor)
    assert streamed.train.bytes < 4000 and streamed.facts.streamed and not whole.facts.streamed
    same_data(streamed, whole)
    trainings = [made_training(MLP, data) for data in (streamed, whole)]
    for training in trainings:
        advance(training, 40)
    assert same(*(weights(training.network) for training in trainings))
    told = datasets.inspect(config)
    assert any("Streamed" in note for note in told.notes) and told.data.examples == whole.facts.examples
    views = [view(one) for one in (config, held(config))]
    numbers = np.arange(len(views[0]))[::-7]
    assert np.array_equal(views[0].inputs_of(numbers), views[1].inputs_of(numbers), equal_nan=True)
    assert [views[0].mark_of(number) for number in (0, 50)] == [views[1].mark_of(number) for number in (0, 50)]
    for one, other in zip(histograms(views[0]), histograms(views[1]), strict=True):
        assert np.array_equal(one.counts, other.counts) and one.mean == other.mean


@MADE
def test_an_import_of_rows_that_is_broken_off_anywhere_is_gone_on_with(
    made: Callable[[Path], DataConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = made(tmp_path)
    reference = load(held(config))
    stopped = 0
    for number, at in enumerate((3, 8, 1, 13, 18, 25)):
        shutil.rmtree(row_store.root(), ignore_errors=True)
        forget()
        with monkeypatch.context() as planted:
            Stop(planted, at, tmp_path / f"killed{number}")
            with pytest.raises(Cancelled):
                load(config)
        stopped += 1
        if number % 2:  # as a kill leaves it, rather than an orderly end
            shutil.rmtree(row_store.root())
            shutil.copytree(tmp_path / f"killed{number}", row_store.root())
        wholes = len([one for one in row_store.root().iterdir() if (one / "whole.json").exists()])
        assert wholes < (2 if made is table else 1)
        forget()
        same_data(load(config), reference)
    assert stopped == 6


@MADE
def test_what_was_found_is_kept_and_found_again_where_the_file_has_changed(
    made: Callable[[Path], DataConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = made(tmp_path)
    first = load(config)
    forget()
    with monkeypatch.context() as planted:
        for module, name in ((fingerprint, "content_hash"), (tensors, "content_hash"), (tensors, "leaks")):
            planted.setattr(module, name, lambda *more: pytest.fail("all rows were read again"))
        for name in ("_moments", "_moments_by_chunks"):
            planted.setattr(preparation, name, lambda *more, **named: pytest.fail("all rows were read again"))
        if made is table:
            planted.setattr(table_reading, "read_table", lambda *more: pytest.fail("the file was read again"))
        else:
            planted.setattr(numpy_sets, "_levels", lambda *more: pytest.fail("all numbers were read again"))
        same_data(load(config), first)
    file = tmp_path / ("x.npy" if made is npy else "t.csv")
    content = bytearray(file.read_bytes())
    place = len(content) - 8 if made is npy else content.index(b"2024-05")
    content[place : place + 4] = bytes(4) if made is npy else b"2023"
    times = file.stat()
    file.write_bytes(content)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns + 10**9))
    forget()
    second = load(config)
    assert first.fingerprint is not None and second.fingerprint is not None
    assert first.fingerprint.difference(second.fingerprint).startswith("other content")
    for damage in (b"", b"{}", b"\x80\x04cos\nsystem\n"):
        for known in row_store.root().rglob("*.json"):
            if known.name != "whole.json":
                known.write_bytes(damage)
        forget()
        same_data(load(config), second)


@pytest.mark.parametrize("at_once", [True, False], ids=["at its place", "one after the other"])
def test_a_file_that_is_cut_during_training_is_a_sentence_that_names_it(
    tmp_path: Path, at_once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if at_once and not stored_rows._AT_ONCE:
        pytest.skip("this system reads in one way only")
    monkeypatch.setattr(stored_rows, "_AT_ONCE", at_once)
    training = made_training(MLP, load(npy(tmp_path)))
    advance(training, 3)
    (rows,) = row_store.root().glob("*/rows")
    os.truncate(rows, rows.stat().st_size // 3)
    with pytest.raises(DataError, match="cannot be read from the disk any more: it was cut") as caught:
        advance(training, 60)
    assert caught.value.file == str(rows)
    with pytest.raises(DataError, match="it was cut"):  # so does the run of a session
        session_of(MLP, training.data, epochs=2).train()
    forget()
    same_data(load(npy(tmp_path)), load(held(npy(tmp_path))))


def test_a_table_that_is_too_large_to_be_looked_at_is_read_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Column by column from the disk, with the same numbers, classes and words; and what cannot be so is a sentence."""
    monkeypatch.setattr("nnviz.data.table_large._ROWS", 90)
    monkeypatch.setattr("nnviz.data.table_large._ROWS_OF_A_PIECE", 150)
    monkeypatch.setattr("nnviz.data.table_text_pieces._BYTES_OF_A_PIECE", 3000)
    config = table(tmp_path)
    file = tmp_path / "t.csv"
    read = table_reading._read_in_pieces
    asked: list[str] = []
    monkeypatch.setattr(table_reading, "_read_in_pieces", lambda *more: asked.append("") or read(*more))  # type: ignore[func-returns-value]
    # A text among the numbers, and one that comes late: what is understood does not hang on the pieces.
    lines = file.read_text().splitlines()
    lines[380] = lines[380].replace(lines[380].split(",")[1], "about five")
    file.write_text("\n".join(lines) + "\n")
    told, whole = (datasets.inspect(one) for one in (config, held(config)))
    assert asked == [""] and told.columns == whole.columns and set(whole.warnings) == set(told.warnings)
    same_data(load(config), load(held(config)))
    monkeypatch.setattr(table_reading, "MOST_BYTES", 1000)
    for content, words in (
        ("\n".join(lines).replace("red", "röt").encode("cp1252"), "plain text in UTF-8"),
        ("\n".join(lines).encode("utf-16"), "plain text in UTF-8"),
    ):
        file.write_bytes(content)
        with pytest.raises(DataError, match=words):
            load(config)
    import polars as pl

    forget()
    frame = pl.DataFrame({"a": np.arange(900.0), "b": ["u", "v", "w"] * 300, "target": ["x", "y", "y"] * 300})
    frame.write_parquet(tmp_path / "t.parquet")
    config = DataConfig("table_file", {"path": str(tmp_path / "t.parquet")}, preparation=(Choice("standardise"),))
    streamed = load(config)
    monkeypatch.setattr(table_reading, "MOST_BYTES", 1 << 30)
    same_data(streamed, load(held(config)))
    forget()
    assert not list((tmp_path / "xdg_cache_home").rglob("columns-*")), "the pieces go when nobody needs them"
