"""How a project's file names its run, and where that is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnviz.errors import InputError, ProjectError
from nnviz.project.files import io
from nnviz.project.model import Project
from nnviz.project.text import run_name_problem
from nnviz.record import named_run
from nnviz.record.places import runs_folder


def test_names_are_relative_and_found_again_where_both_were_moved(tmp_path: Path) -> None:
    file = tmp_path / "a" / "mine.nnviz"
    kept = runs_folder() / "today mine.nnvizrun"
    cases = {
        tmp_path / "a" / "mine.nnvizrun": "mine.nnvizrun",
        tmp_path / "a" / "runs" / "one.nnvizrun": "runs/one.nnvizrun",
        tmp_path / "b" / "one.nnvizrun": "../b/one.nnvizrun",
        kept: "kept:today mine.nnvizrun",
    }
    for run, name in cases.items():
        assert named_run.name_of(run, file) == name and not run_name_problem(name)
        assert named_run.place_of(name, file) == run
    other = tmp_path / "c" / "mine.nnviz"
    assert named_run.carried("runs/one.nnvizrun", file, other) == "../a/runs/one.nnvizrun"
    assert named_run.carried("kept:today mine.nnvizrun", file, other) == "kept:today mine.nnvizrun"
    # A kept run that somebody has laid beside the project, as for another computer.
    other.parent.mkdir()
    (other.parent / kept.name).touch()
    assert named_run.find(f"kept:{kept.name}", other) == other.parent / kept.name
    with pytest.raises(InputError, match=r"one\.nnvizrun, is neither beside it nor among the kept runs"):
        named_run.find("runs/one.nnvizrun", other)
    (runs_folder() / "trash").mkdir(parents=True)
    (runs_folder() / "trash" / "one.nnvizrun").touch()
    with pytest.raises(InputError, match=r"in the trash"):
        named_run.find("runs/one.nnvizrun", other)


def test_the_name_is_the_files_and_not_the_projects(tmp_path: Path) -> None:
    path, project = tmp_path / "mine.nnviz", Project(name="mine")
    io.save(project, path, "kept:one.nnvizrun")
    assert io.load(path) == project and io.load_run_name(path) == "kept:one.nnvizrun"
    assert b'"run"' not in io.dumps(project)
    for name in ("/home/me/one.nnvizrun", "C:\\one.nnvizrun", "one.txt", "a\nb.nnvizrun", "\\\\host\\one.nnvizrun"):
        io.save(project, path, name)
        assert io.load_run_name(path) == ""
        with pytest.raises(ProjectError) as refused:
            io.load(path)
        assert refused.value.field == "run"
