"""The columns of a large table belong to whoever holds them, and are read again where another program took them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from nnviz.data import memory_budget, room_for_rows, table_large, table_reading, table_text, table_text_pieces
from nnviz.data.table_large import LargeFrame, Pieces
from nnviz.data.tensors import load
from nnviz.errors import DataError, StorageError
from nnviz.project.model import DataConfig


def kept() -> LargeFrame:
    frame = LargeFrame(["a"], Pieces())
    frame.add(pl.DataFrame({"a": [1, 2]}))
    return frame


def test_only_what_nobody_holds_is_cleared_away(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = kept()
    os.utime(frame.pieces.folder, (0, 0))  # of a window that was left open for long
    killed = table_large._root() / "columns-killed"
    killed.mkdir()
    (killed / "1.arrow").write_bytes(b"1")
    delete = shutil.rmtree

    def together(path: Path, **more: bool) -> None:
        delete(path)  # another nnviz does the same at the same time
        delete(path, **more)

    with monkeypatch.context() as planted:
        planted.setattr(shutil, "rmtree", together)
        other = kept()
    assert not killed.exists()
    assert [one.to_list() for one in frame.iter_columns()] == [[1, 2]]
    folder = frame.pieces.folder
    del frame
    left = {one.name.removesuffix(".lock") for one in table_large._root().iterdir()}
    assert not folder.exists() and left == {other.pieces.folder.name}


def test_a_disk_is_not_filled_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = kept()
    monkeypatch.setattr(room_for_rows, "LEFT_FREE", 1 << 60)
    with pytest.raises(StorageError, match=r"could not be kept in .*: the disk is full"):
        frame.add(pl.DataFrame({"a": [1, 2]}))
    shutil.rmtree(frame.pieces.folder)
    with pytest.raises(DataError, match="were changed or deleted by another program"):
        list(frame.iter_columns())


def test_columns_that_are_gone_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(memory_budget.VARIABLE, "0")
    file = tmp_path / "t.csv"
    file.write_text("a,b,y\n" + "".join(f"{row % 7},{row},{'pq'[row % 2]}\n" for row in range(60)))
    read, times = table_reading.read_table, []
    monkeypatch.setattr(table_reading, "read_table", lambda *more: times.append(1) or read(*more))  # type: ignore[func-returns-value]
    load(DataConfig("table_file", {"path": str(file)}))
    for folder in table_large._root().glob("columns-*[!k]"):
        shutil.rmtree(folder)
    again = load(DataConfig("table_file", {"path": str(file), "kinds": ("a=category",)}))
    assert again.train.inputs.shape[1] == 8 and len(times) == 2


def test_polars_opens_no_file_that_it_would_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mapped file that another program cuts takes the program with it; Parquet it reads, if it knows the columns."""
    monkeypatch.setenv(memory_budget.VARIABLE, "0")
    given: list[tuple[str, object, bool]] = []

    def watched(name: str) -> Callable[..., object]:
        real = getattr(pl, name)

        def call(source: object, *more: object, **named: object) -> object:
            given.append((name, source, named.get("schema") is not None))
            return real(source, *more, **named)

        return call

    for name in ("read_csv", "scan_csv", "read_ipc", "scan_ipc", "read_parquet", "scan_parquet", "read_parquet_schema"):
        monkeypatch.setattr(pl, name, watched(name))
    frame = pl.DataFrame({"a": range(60), "b": ["u", 'v "w"', "x"] * 20, "y": ["p", "q"] * 30})
    frame.write_csv(tmp_path / "t.csv")
    frame.write_parquet(tmp_path / "t.parquet")
    for file in ("t.csv", "t.parquet"):
        assert load(DataConfig("table_file", {"path": str(tmp_path / file)})).facts.streamed
    opened = {(name, schema) for name, source, schema in given if isinstance(source, (str, Path))}
    assert opened == {("scan_parquet", True)}
    assert {name for name, _, _ in given} == {"read_csv", "read_ipc", "scan_parquet", "read_parquet_schema"}
    (tmp_path / "t.parquet").write_bytes((tmp_path / "t.parquet").read_bytes()[:-300])
    with pytest.raises(DataError, match="no whole Parquet file"):
        load(DataConfig("table_file", {"path": str(tmp_path / "t.parquet")}))


def test_a_row_without_end_is_not_brought_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(memory_budget.VARIABLE, "0")
    monkeypatch.setattr(table_text_pieces, "_BYTES_OF_A_PIECE", 100)
    monkeypatch.setattr(table_text_pieces, "_LONGEST_ROW", 5000)
    monkeypatch.setattr(table_text, "_LONGEST_LINE", 6000)
    (tmp_path / "t.csv").write_text("a,y\n" + "1,p\n2,q\n" * 20 + "3" * 10_000 + ",p\n")
    with pytest.raises(DataError, match="A line has more than 6,000 letters"):
        load(DataConfig("table_file", {"path": str(tmp_path / "t.csv")}))
