"""One thing in a run file is damaged: it is missing and named, everything else is there. Absurd facts are cut down."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnviz.errors import RunFileError
from nnviz.record.opening import checked_connection
from nnviz.record.readings import ArrayReading, Finding, Histogram, Scalar
from nnviz.record.run import Run, RunInfo
from nnviz.record.store import RunWriter, open_run
from nnviz.record.tolerant import TolerantRun, open_tolerantly


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.nnvizrun"
    run = Run(RunInfo(title="x", created=5.0))
    with RunWriter(run, path):
        for step in range(300):
            run.append([Scalar("loss/train", step, step / 3), Scalar("loss/validation", step, 1.0)])
        run.append([ArrayReading("output/a", 10, np.ones((3, 4))), ArrayReading("output/b", 10, np.ones((3, 4)))])
        run.append([Histogram("activation_histogram/a", 10, np.arange(4), np.arange(5.0))])
        run.append([Finding("finding/x", 3, "error", "bad"), Finding("finding/y", 4, "warning", "worse")])
    return path


def change(path: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(statement, values)
    connection.close()


OF = "series = (SELECT id FROM series WHERE name = '{}')"
DAMAGES = {
    "loss/train": "UPDATE scalars SET count = 0 WHERE " + OF.format("loss/train"),
    "loss/validation": "UPDATE scalars SET data = x'00' WHERE " + OF.format("loss/validation"),
    "output/a": "UPDATE arrays SET shape = '[7]' WHERE " + OF.format("output/a"),
    "output/b": "UPDATE arrays SET step = -5 WHERE " + OF.format("output/b"),
    "activation_histogram/a": "UPDATE arrays SET data = x'' WHERE " + OF.format("activation_histogram/a"),
    "finding/x": "UPDATE findings SET content = '{}' WHERE " + OF.format("finding/x"),
}


@pytest.mark.parametrize("damaged", DAMAGES)
def test_one_series_is_damaged_and_the_others_are_there(good: Path, damaged: str) -> None:
    with open_run(good) as before:
        whole = {name: before.latest(name) for name in before.names()}
    change(good, DAMAGES[damaged])
    run = open_tolerantly(good)
    for _ in range(2):
        found = {name: run.latest(name) for name in run.names()}
        assert found[damaged] is None
        assert {name: repr(one) for name, one in found.items() if name != damaged} == {
            name: repr(one) for name, one in whole.items() if name != damaged
        }
        assert set(run.at(299)) == whole.keys() - {damaged}
    assert set(run.damaged) == {damaged}
    assert "damaged" in run.damaged[damaged] and "\n" not in run.damaged[damaged]
    steps, values = run.scalars("loss/train")
    assert len(steps) == len(values) == (0 if damaged == "loss/train" else 300)
    assert [one.series for one in run.findings()] == [one for one in ("finding/x", "finding/y") if one != damaged]
    run.close()
    with open_run(good) as strict, pytest.raises(RunFileError, match="damaged"):
        strict.to_run()  # going on with it would lose the series for good


def test_a_curve_that_breaks_off_in_the_middle_is_no_curve(good: Path) -> None:
    change(good, "UPDATE scalars SET count = 7 WHERE id = (SELECT max(id) FROM scalars)")
    run = open_tolerantly(good)
    (name,) = [name for name in run.names("loss/") if not len(run.scalars(name)[0])]
    assert name in run.damaged
    assert not len(run.scalars(name)[0])
    run.close()


# ---- while it is followed -------------------------------------------------------------------------------------------


@pytest.fixture
def followed(tmp_path: Path) -> Any:
    path = tmp_path / "growing.nnvizrun"
    run = Run(RunInfo(title="x"))
    writer = RunWriter(run, path, interval=60.0)
    for step in range(200):
        run.append([Scalar("loss/train", step, 1.0), ArrayReading("output/a", step, np.full((40, 40), step))])
    writer.flush()
    reader = open_tolerantly(path)
    assert len(reader.scalars("loss/train")[0]) == 200
    yield run, writer, reader, path
    reader.close()
    writer.close()


def cut_off(path: Path) -> None:
    os.truncate(path, 3000)


def written_over(path: Path) -> None:
    with path.open("r+b") as stream:
        stream.write(b"nothing of a run" * 4000)


def another_run(path: Path) -> None:
    """Of the same names, copied over it."""
    other = path.with_name("another")
    run = Run(RunInfo(title="another", created=3.0))
    with RunWriter(run, other):
        run.append([Scalar("loss/train", step, 5.0) for step in range(9)])
    for beside in path.parent.glob(f"{path.name}-*"):
        beside.unlink()
    path.write_bytes(other.read_bytes())


def removed(path: Path) -> None:
    for beside in path.parent.glob(f"{path.name}*"):
        beside.unlink()


def replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"something else")
    other.replace(path)


@pytest.mark.skipif(sys.platform == "win32", reason="open files cannot be removed there")
@pytest.mark.parametrize("happen", [cut_off, written_over, another_run, removed, replaced])
def test_what_was_read_stays_whatever_becomes_of_the_file(followed: Any, happen: Callable[[Path], None]) -> None:
    _run, writer, reader, path = followed
    writer.close()
    happen(path)
    for _ in range(3):
        try:
            reader.refresh()
        except RunFileError as error:
            assert "\n" not in str(error) and path.name in str(error)
        assert len(reader.scalars("loss/train")[0]) == 200
        for step in (None, 3, 77):
            reader.latest("output/a", step)
            reader.latest("loss/train", step)
        reader.findings()
        dict(reader.at(5))
    if happen in (removed, replaced):
        with pytest.raises(RunFileError, match="removed or replaced"):
            reader.refresh()


def test_a_series_that_is_written_anew_is_no_longer_damaged(followed: Any) -> None:
    run, writer, reader, path = followed
    assert isinstance(reader, TolerantRun)
    change(path, "UPDATE arrays SET shape = '[3]'")
    reader.refresh()
    assert reader.latest("output/a") is None and set(reader.damaged) == {"output/a"}
    run.append([ArrayReading("output/a", 500, np.ones(3))])
    writer.flush()
    assert reader.refresh()
    assert reader.damaged == {}
    newest = reader.latest("output/a")
    assert isinstance(newest, ArrayReading) and newest.step == 500


# ---- what is no file ------------------------------------------------------------------------------------------------


def refused(path: Path) -> str:
    """The sentence; within a few seconds, whatever lies there."""
    sentences: list[str] = []

    def work() -> None:
        try:
            open_run(path).close()
        except RunFileError as error:
            sentences.append(str(error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(30)
    assert not thread.is_alive(), "it waits"
    assert len(sentences) == 1 and str(path) in sentences[0]
    return sentences[0]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
@pytest.mark.parametrize("ending", ["", "-wal", "-shm", "-journal"])
def test_a_pipe_is_not_waited_for(good: Path, ending: str) -> None:
    if not ending:
        good.unlink()
    os.mkfifo(good.with_name(good.name + ending))
    assert ("not a file" if not ending else f"{good.name}{ending}") in refused(good)


@pytest.mark.skipif(sys.platform == "win32", reason="devices are no paths there")
def test_devices_folders_and_loops_of_links_are_refused(tmp_path: Path) -> None:
    for device in ("/dev/zero", "/dev/null", "/dev/tty"):
        assert "cannot be read" in refused(Path(device))
    (tmp_path / "folder.nnvizrun").mkdir()
    assert "a folder" in refused(tmp_path / "folder.nnvizrun")
    (tmp_path / "one").symlink_to("other")
    (tmp_path / "other").symlink_to("one")
    refused(tmp_path / "one")


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_a_link_in_the_place_of_the_log_is_not_followed(good: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"")
    good.with_name(good.name + "-wal").symlink_to(elsewhere)
    assert "-wal" in refused(good)
    assert elsewhere.read_bytes() == b""
    link = tmp_path / "link.nnvizrun"  # a link to the run itself is fine, and its log is looked for beside the run
    good.with_name(good.name + "-wal").unlink()
    link.symlink_to(good)
    open_run(link).close()


def test_a_path_may_be_relative(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(good.parent)
    with checked_connection(Path(good.name)) as (connection, _file):
        assert connection.execute("SELECT count(*) FROM series").fetchone()[0] > 0
    with open_run(good.name) as run:
        assert run.path == good


# ---- absurd facts ---------------------------------------------------------------------------------------------------


def with_info(path: Path, **facts: object) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    (old,) = connection.execute("SELECT value FROM facts WHERE name = 'info'").fetchone()
    new = json.dumps({**json.loads(old), **facts}).encode()
    connection.execute("UPDATE facts SET value = ? WHERE name = 'info'", (new,))
    connection.close()


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"created": 1e300}, {"created": 0.0}),
        ({"created": -1.0}, {"created": 0.0}),
        ({"created": 1.7e9}, {"created": 1.7e9}),
        ({"title": "x" * 2**20}, {"title": "x" * 199 + "…"}),
        ({"title": "a\nb\x00c"}, {"title": "a b c"}),
        ({"device": "y" * 3000}, {"device": "y" * 39 + "…"}),
        ({"seed": 2**63}, {"seed": 2**63}),
    ],
)
def test_absurd_facts_are_cut_down(good: Path, facts: dict[str, object], expected: dict[str, object]) -> None:
    with_info(good, **facts)
    with open_run(good) as run:
        assert {name: getattr(run.info, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("info", {"seed": 10**400}),
        ("state", {"state": "x" * 10**6}),
        ("state", {"last_step": 2**60}),
        ("state", {"last_step": -7}),
        ("state", {"finished": "yes"}),
    ],
)
def test_impossible_facts_are_refused(good: Path, name: str, value: dict[str, object]) -> None:
    change(good, "UPDATE facts SET value = ? WHERE name = ?", json.dumps(value).encode(), name)
    with pytest.raises(RunFileError, match="damaged"):
        open_run(good)
