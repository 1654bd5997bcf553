"""Many runs in a folder."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from nnviz.errors import StorageError
from nnviz.project.edits import SetParam
from nnviz.project.files import io
from nnviz.project.samples import templates
from nnviz.record.library import INDEX, Label, Library, compare, copy_run, summary
from nnviz.record.readings import Scalar
from nnviz.record.run import Run, RunInfo
from nnviz.record.run_lock import RunFileBusy
from nnviz.record.store import RunWriter, open_run
from nnviz.record.summary import summary_of
from nnviz.record.tolerant import open_tolerantly

SPIRAL = templates.sample("spiral")


def planted(path: Path, project_json: bytes = b"{}", steps: int = 5) -> Path:
    run = Run(RunInfo(project_json=project_json, title="A", created=123.0))
    run.append([Scalar("loss/train", step, 1.0 / (step + 1)) for step in range(steps)])
    run.finished = True
    RunWriter(run, path).close()
    return path


def test_a_header_says_what_the_whole_file_says(tmp_path: Path) -> None:
    path = planted(tmp_path / "a.nnvizrun", steps=2000)
    found = summary(path)
    with open_run(path) as stored:
        assert (found.title, found.created, found.last_step) == ("A", 123.0, stored.last_step)
        assert found.losses == {"loss/train": stored.scalars("loss/train")[1][-1]}
    assert found.finished and not found.running and not found.damage


def test_what_is_damaged_has_a_reason_and_what_is_written_is_running(tmp_path: Path) -> None:
    broken = tmp_path / "broken.nnvizrun"
    broken.write_bytes(b"no run")
    assert "not a run" in summary(broken).damage
    run = Run(RunInfo())
    run.append([Scalar("loss/train", 0, 1.0)])
    path = tmp_path / "live.nnvizrun"
    with RunWriter(run, path) as writer:
        writer.flush()
        assert summary(path).running
        with open_run(path) as stored, closing(open_tolerantly(path)) as shown:
            assert run.growing and stored.growing and shown.growing
            assert summary_of(stored, {}).outcome == "running"
        with pytest.raises(RunFileBusy):
            Library(tmp_path).delete(path)
    assert not summary(path).running
    # Nobody has brought it to its end, and nobody writes it any more.
    with open_run(path) as stored, closing(open_tolerantly(path)) as shown:
        assert not (stored.finished or stored.growing or shown.growing)
        assert summary(path).outcome == summary_of(stored, {}).outcome == summary_of(shown, {}).outcome == "broken off"


def test_titles_tags_and_pins_are_kept_beside_the_runs(tmp_path: Path) -> None:
    path = planted(tmp_path / "a.nnvizrun")
    before = path.read_bytes()
    label = Label("with dropout", ("exercise 3",), True)
    Library(tmp_path).label(path, label)
    assert Library(tmp_path).labels() == {path.name: label} and path.read_bytes() == before
    assert sorted(other.name for other in tmp_path.iterdir()) == [path.name, INDEX]
    (tmp_path / INDEX).write_text("[", encoding="utf-8")
    assert Library(tmp_path).labels() == {}
    Library(tmp_path).label(path, label)  # the damaged index is put aside, not written over
    assert (tmp_path / f"damaged {INDEX}").read_text(encoding="utf-8") == "["
    assert Library(tmp_path).labels() == {path.name: label}


def test_a_deleted_run_only_moves_and_comes_back_beside_one_of_its_name(tmp_path: Path) -> None:
    library = Library(tmp_path)
    path = planted(tmp_path / "a.nnvizrun")
    library.label(path, Label("mine"))
    bytes_before = path.read_bytes()
    gone = library.delete(path)
    assert library.runs() == () and [run.path for run in library.trashed()] == [gone]
    planted(path, steps=2)
    back = library.restore(gone)
    assert back != path and back.read_bytes() == bytes_before
    assert library.trashed() == () and library.labels()[back.name] == Label("mine")


def test_two_runs_are_compared_setting_by_setting(tmp_path: Path) -> None:
    node = next(key for key, node in SPIRAL.graph.nodes.items() if node.kind == "linear")
    other = SetParam(node, "out_features", 5).apply(SPIRAL)
    first = planted(tmp_path / "a.nnvizrun", io.dumps(SPIRAL))
    second = planted(tmp_path / "b.nnvizrun", io.dumps(other))
    ((path, mine, theirs),) = compare(first, second)
    assert node in path and path.endswith("out_features")
    assert (mine, theirs) == (SPIRAL.graph.nodes[node].params["out_features"], 5)
    assert compare(first, first) == []


def test_a_copy_that_cannot_be_ended_is_none_and_a_damaged_one_is_kept_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk takes all of the copy, and not the one row more that says that it has ended there."""
    source, target = tmp_path / "growing.nnvizrun", tmp_path / "copy.nnvizrun"
    run = Run(RunInfo())
    run.append([Scalar("loss/train", 0, 1.0)])
    RunWriter(run, source).close()
    with closing(sqlite3.connect(source)) as connection, connection:
        state = b'{"state":"running","finished":false}'
        connection.execute("UPDATE facts SET value = ? WHERE name = 'state'", (state,))
    code = sqlite3.SQLITE_FULL

    class Refusing(sqlite3.Connection):
        def execute(self, statement: str, *given: object) -> sqlite3.Cursor:
            if statement.startswith("UPDATE"):
                error = sqlite3.OperationalError("database or disk is full")
                error.sqlite_errorcode = code
                raise error
            return super().execute(statement, *given)  # type: ignore[arg-type]  # as it was given

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **how: connect(*given, **how, factory=Refusing))
    with pytest.raises(StorageError, match=r"copy\.nnvizrun could not be saved: .*disk is full"):
        copy_run(source, target)
    assert not target.exists()
    code = sqlite3.SQLITE_CORRUPT
    copy_run(source, target)
    assert not summary(target).finished
