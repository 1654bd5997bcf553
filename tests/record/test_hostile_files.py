"""Whatever a run file holds: one clear sentence, nothing executed, no traceback, no memory eaten."""

from __future__ import annotations

import random
import sqlite3
import zlib
from pathlib import Path

import numpy as np
import pytest

from nnviz.errors import RunFileError
from nnviz.record.readings import ArrayReading, Finding, Histogram, Scalar
from nnviz.record.run import Run, RunInfo
from nnviz.record.store import RunWriter, open_run


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.nnvizrun"
    run = Run(RunInfo(title="x"))
    with RunWriter(run, path) as writer:
        for step in range(2000):
            run.append([Scalar("loss/train", step, step / 3)])
            if step % 100 == 0:
                run.append([ArrayReading("output/a", step, np.random.default_rng(step).normal(size=(3, 50)))])
                run.append([Histogram("activation_histogram/a", step, np.arange(4), np.arange(5.0))])
        run.append([Finding("finding/x", 3, "error", "bad")])
        writer.save_checkpoint(3, 0, {"w": b"123"}, "last")
    return path


def read_all(path: Path) -> None:
    with open_run(path) as run:
        for name in run.names():
            run.scalars(name)
            run.latest(name)
            run.latest(name, 5)
        dict(run.at(500))
        run.findings()
        for checkpoint in run.checkpoints():
            run.load_checkpoint(checkpoint.id)
        run.to_run()


def refused(path: Path) -> str:
    with pytest.raises(RunFileError) as caught:
        read_all(path)
    sentence = str(caught.value)
    assert str(path) in sentence
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    return sentence


def test_the_good_one_is_read(good: Path):
    read_all(good)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"hello, this is text" * 100, "not a run"),
        (b"SQLite format 3\0", "cut off"),
        (b"SQLite", "cut off"),
        (b"\x80\x04\x95 pickle", "not a run"),
    ],
)
def test_other_files(tmp_path: Path, content: bytes, words: str):
    path = tmp_path / "other"
    path.write_bytes(content)
    assert words in refused(path)


def test_missing_file_and_folder(tmp_path: Path):
    assert "no such run file" in refused(tmp_path / "missing")
    assert "cannot be read" in refused(tmp_path)


def test_a_database_of_somebody_else(tmp_path: Path):
    path = tmp_path / "theirs.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t(x)")
    connection.commit()
    connection.close()
    assert "not a run of nnviz" in refused(path)


def test_a_newer_version(good: Path):
    change(good, "PRAGMA user_version = 99")
    assert "newer nnviz (file version 99; this one reads up to 1)" in refused(good)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_file_that_is_cut_off(good: Path, share: float):
    content = good.read_bytes()
    good.write_bytes(content[: int(len(content) * share)])
    assert "cut off" in refused(good)


def change(path: Path, *statements: str, values: tuple[object, ...] = ()) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement, values)
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON series BEGIN DELETE FROM facts; END",
        "CREATE VIEW v AS SELECT load_extension('evil')",
        "CREATE TABLE more(x)",
        "DROP TABLE findings",
        "ALTER TABLE findings ADD COLUMN more TEXT",
        "CREATE VIRTUAL TABLE f USING fts5(x)",
        "CREATE INDEX i ON findings(step)",
    ],
)
def test_a_schema_that_is_not_ours(good: Path, statement: str):
    change(good, statement)
    assert "other tables" in refused(good)


def test_a_view_in_place_of_a_table(good: Path):
    change(
        good,
        "DROP TABLE findings",
        "CREATE VIEW findings AS SELECT 1 AS id, 1 AS series, 1 AS step, hex(randomblob(1000000000)) AS content",
    )
    assert "other tables" in refused(good)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE arrays SET shape = '[1000000000,1000000000]'",
        "UPDATE arrays SET shape = '[-3,-50]'",
        "UPDATE arrays SET shape = '[3,51]'",
        "UPDATE arrays SET shape = 'nonsense'",
        "UPDATE arrays SET shape = '[1,1,1,1,1,1,1,1,150]'",
        "UPDATE arrays SET shape = '[3.5]'",
        "UPDATE arrays SET dtype = 'object'",
        "UPDATE arrays SET dtype = 'O8'",
        "UPDATE arrays SET dtype = 'float32'",
        "UPDATE arrays SET dtype = 'histogram'",
        "UPDATE arrays SET codec = 'pickle'",
        "UPDATE arrays SET codec = 'zlib'",
        "UPDATE arrays SET meta = '{\"a\": [1, 2]}'",
        "UPDATE arrays SET meta = '" + "[" * 50_000 + "'",
        "UPDATE arrays SET data = x''",
        "UPDATE arrays SET step = 7, series = 999",
        "UPDATE scalars SET count = 1000000000000",
        "UPDATE scalars SET count = -1",
        "UPDATE scalars SET codec = 'f16'",
        "UPDATE scalars SET data = x'ffffffff'",
        "UPDATE scalars SET data = x''",
        "UPDATE scalars SET series = 2",
        "UPDATE series SET kind = 'code' WHERE id = 1",
        "UPDATE series SET kind = 'snapshot' WHERE kind = 'scalar'",
        "UPDATE series SET name = printf('%.*c', 100000, 'x') WHERE id = 1",
        "UPDATE findings SET content = '{}'",
        "UPDATE findings SET content = '[]'",
        "UPDATE findings SET content = 'null'",
        'UPDATE findings SET content = \'{"severity": 3, "text": "x"}\'',
        "UPDATE facts SET value = x'00' WHERE name = 'info'",
        "UPDATE facts SET value = x'5b5b5b' WHERE name = 'state'",
        "DELETE FROM facts",
        "UPDATE blobs SET part = 1",
        "UPDATE series SET name = CAST(x'fffe' AS TEXT) WHERE id = 1",
    ],
)
def test_rows_that_lie(good: Path, statement: str):
    change(good, statement)
    refused(good)


def test_histograms_that_lie(good: Path):
    for edges in ([0.0, 1, 2, 2, 3], [0.0, 1, 2, np.nan, 3], [4.0, 3, 2, 1, 0]):
        data = np.arange(4).astype("<i8").tobytes() + np.array(edges).astype("<f8").tobytes()
        change(good, "UPDATE arrays SET codec = 'raw', data = ? WHERE dtype = 'histogram'", values=(data,))
        refused(good)
    data = np.array([1, -2, 3, 4]).astype("<i8").tobytes() + np.arange(5.0).tobytes()
    change(good, "UPDATE arrays SET codec = 'raw', data = ? WHERE dtype = 'histogram'", values=(data,))
    refused(good)


def test_a_bomb_is_not_let_off(good: Path):
    bomb = zlib.compress(bytes(60 * 2**20), 9)
    change(good, "UPDATE arrays SET codec = 'zlib', data = ? WHERE dtype = 'float64'", values=(bomb,))
    assert "damaged" in refused(good)


def test_a_giant_blob_is_not_read(good: Path):
    change(good, "UPDATE arrays SET data = zeroblob(200000000) WHERE dtype = 'float64' AND step = 0")
    with open_run(good) as run:  # it counts as missing, like one that was thinned out
        assert run.latest("output/a", 0) is None
        assert run.latest("output/a", 100) is not None


@pytest.mark.parametrize("seed", range(40))
def test_any_bytes_may_be_wrong(good: Path, seed: int):
    """Noise in the file is either without effect or refused in a sentence; nothing else escapes."""
    generator = random.Random(seed)
    content = bytearray(good.read_bytes())
    for _ in range(generator.choice([1, 10, 1000])):
        position = generator.randrange(len(content))
        content[position : position + 1] = generator.randbytes(1)
    good.write_bytes(content)
    try:
        read_all(good)
    except RunFileError as error:
        assert "\n" not in str(error)  # both outcomes are right


def test_reading_changes_nothing(good: Path):
    before = good.read_bytes()
    read_all(good)
    assert good.read_bytes() == before
    assert [path.name for path in good.parent.iterdir() if path.is_file()] == [good.name]


def test_a_closed_run_says_so(good: Path):
    run = open_run(good)
    run.close()
    with pytest.raises(RunFileError, match="closed"):
        run.scalars("loss/train")


def test_a_name_with_odd_characters(good: Path):
    odd = good.with_name("a b?mode=rwc#%41;ü.nnvizrun")
    good.rename(odd)
    read_all(odd)
