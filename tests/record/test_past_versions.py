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
from nnviz.record.readings import ArrayReading
from nnviz.record.store import RunWriter, open_run

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
