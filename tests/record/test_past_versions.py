"""Run files of every past version of the format open for ever: fixtures were made by the program of their time."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from nnviz.errors import RunFileError
from nnviz.project.files import io
from nnviz.record import file_format as form
from nnviz.record.readings import ArrayReading, Scalar
from nnviz.record.store import RunWriter, open_run
from nnviz.record.versions import raise_to_resume

FIXTURES = Path(__file__).parent / "fixtures"
VERSIONS = sorted(FIXTURES.glob("version-*.nnvizrun"))


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
def test_a_run_of_a_past_version_is_read_to_the_last_digit(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    run = open_run(copy)
    try:
        assert (run.info.title, run.info.seed) == (expected["title"], expected["seed"])
        assert (run.last_step, run.finished) == (expected["last_step"], expected["finished"])
        assert set(run.names()) >= expected["scalars"].keys() | expected["arrays"].keys()
        for name, (count, step, value) in expected["scalars"].items():
            steps, values = run.scalars(name)
            assert (len(steps), int(steps[-1]), float(values[-1])) == (count, step, value), name
        for name, (step, dtype, shape, digest) in expected["arrays"].items():
            reading = run.latest(name)
            assert isinstance(reading, ArrayReading)
            assert (reading.step, str(reading.array.dtype), list(reading.array.shape)) == (step, dtype, shape), name
            assert hashlib.sha256(reading.array.tobytes()).hexdigest() == digest, name
        blobs = run.load_checkpoint()
        assert {name: hashlib.sha256(blob).hexdigest() for name, blob in blobs.items()} == expected["checkpoint"]
        project = io.loads(run.info.project_json, path.name)
        assert project.graph.nodes["linear1"].params["out_features"] == 10
    finally:
        run.close()


def test_there_is_a_fixture_of_every_version() -> None:
    assert [path.stem for path in VERSIONS] == [f"version-{number}" for number in sorted(form.SCHEMAS)]


def test_a_new_table_costs_a_version_and_an_entry_and_older_files_stay_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = "CREATE TABLE remarks(id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT"
    monkeypatch.setattr(form, "SCHEMAS", {**form.SCHEMAS, 2: (*form.SCHEMAS[1], new)})
    monkeypatch.setattr(form, "VERSION", 2)
    old = tmp_path / "old.nnvizrun"
    old.write_bytes((FIXTURES / "version-1.nnvizrun").read_bytes())
    with open_run(old) as stored:
        assert stored.last_step > 0 and stored.load_checkpoint()
        run = stored.to_run()
    path = tmp_path / "new.nnvizrun"
    RunWriter(run, path).close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        assert connection.execute("SELECT count(*) FROM remarks").fetchone() == (0,)
    with open_run(path) as stored:
        assert stored.last_step == run.last_step


def test_a_file_must_have_the_tables_of_its_own_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = "CREATE TABLE remarks(id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT"
    monkeypatch.setattr(form, "SCHEMAS", {**form.SCHEMAS, 2: (*form.SCHEMAS[1], new)})
    path = tmp_path / "mixed.nnvizrun"
    path.write_bytes((FIXTURES / "version-1.nnvizrun").read_bytes())
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(new)
    with pytest.raises(RunFileError, match="holds other tables"):
        open_run(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 3")
    with pytest.raises(RunFileError, match="newer nnviz"):
        open_run(path)


# ---- what can be done with an older file: nnviz/record/versions.py -------------------------------------------------

REMARKS = "CREATE TABLE remarks(id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT"


def next_version(monkeypatch: pytest.MonkeyPatch, *raises: tuple[str, ...] | None) -> None:
    """As if the program wrote a later version, each with one table more."""
    schemas = dict(form.SCHEMAS)
    for number, _ in enumerate(raises, form.VERSION + 1):
        schemas[number] = (*schemas[number - 1], REMARKS.replace("remarks", f"remarks{number}"))
    later = dict(enumerate(raises, form.VERSION + 1))
    monkeypatch.setattr(form, "SCHEMAS", schemas)
    monkeypatch.setattr(form, "RAISES", {**form.RAISES, **later})
    monkeypatch.setattr(form, "VERSION", form.VERSION + len(raises))


def table(number: int) -> tuple[str, ...]:
    return (REMARKS.replace("remarks", f"remarks{number}"),)


def oldest(tmp_path: Path) -> Path:
    path = tmp_path / "old.nnvizrun"
    path.write_bytes((FIXTURES / "version-1.nnvizrun").read_bytes())
    return path


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def go_on(path: Path) -> None:
    with open_run(path) as stored:
        run = stored.to_run()
    last = run.last_step
    with RunWriter(run, path, resume=True):
        run.append([Scalar("loss/train", last + 1, 0.25)])
    with open_run(path) as stored:
        assert stored.last_step == last + 1 and stored.scalars("loss/train")[1][-1] == 0.25


def test_every_version_after_the_first_says_how_it_is_reached_or_that_it_is_not() -> None:
    assert set(form.RAISES) == set(form.SCHEMAS) - {1} and max(form.SCHEMAS) == form.VERSION


def test_a_file_of_today_is_resumed_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "today.nnvizrun"
    path.write_bytes(VERSIONS[-1].read_bytes())
    with closing(sqlite3.connect(path)) as connection:
        before = connection.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
    go_on(path)
    assert version_of(path) == form.VERSION
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall() == before


def test_an_older_run_is_raised_through_all_versions_when_it_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = oldest(tmp_path)
    before = path.read_bytes()
    with open_run(path) as stored:
        names, values = stored.names(), {name: stored.scalars(name)[1].tolist() for name in stored.names()}
        blobs = stored.load_checkpoint()
    next_version(monkeypatch, table(2), table(3))
    with open_run(path):
        pass
    assert path.read_bytes() == before  # to look at it changes nothing
    go_on(path)
    assert version_of(path) == 3
    with open_run(path) as stored:  # its tables are, word for word, those of a new file of that version
        assert stored.names() == names and stored.load_checkpoint() == blobs
        for name in names:
            assert stored.scalars(name)[1].tolist()[: len(values[name])] == values[name]
    go_on(path)


def test_a_version_that_cannot_be_reached_is_replayed_and_not_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = oldest(tmp_path)
    before = path.read_bytes()
    next_version(monkeypatch, None, table(3))
    with open_run(path) as stored:
        run = stored.to_run()
        assert run.last_step > 0 and stored.load_checkpoint()
    with pytest.raises(RunFileError, match=r"old\.nnvizrun.*older nnviz \(file version 1\).*not gone on with"):
        RunWriter(run, path, resume=True)
    assert version_of(path) == 1
    with open_run(path) as stored:
        assert stored.last_step == run.last_step
    assert len(before) == path.stat().st_size
    RunWriter(run, tmp_path / "new.nnvizrun").close()  # the lock was given back, and a new run is a new run
    assert version_of(tmp_path / "new.nnvizrun") == 3


def test_raising_is_done_as_a_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = oldest(tmp_path)
    next_version(monkeypatch, (*table(2), "INSERT INTO nowhere VALUES (1)"))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        with pytest.raises(sqlite3.Error, match="nowhere"):
            raise_to_resume(connection, str(path))
        assert not connection.in_transaction
    assert version_of(path) == 1
    with open_run(path) as stored:
        assert stored.last_step > 0


def test_a_newer_file_is_neither_replayed_nor_resumed(tmp_path: Path) -> None:
    path = oldest(tmp_path)
    with open_run(path) as stored:
        run = stored.to_run()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {form.VERSION + 1}")
    for attempt in (lambda: open_run(path), lambda: RunWriter(run, path, resume=True)):
        with pytest.raises(RunFileError, match="newer nnviz"):
            attempt()
