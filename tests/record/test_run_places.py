"""What a user may name for a run: one sentence where nothing can be kept, and nothing that is there is touched."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

import pytest

from nnviz.errors import InputError
from nnviz.record.places import free_paths, new_run_paths, run_place, runs_folder


def test_a_name_without_the_suffix_gets_it(tmp_path: Path) -> None:
    assert run_place(tmp_path / "mine.nnvizrun") == tmp_path / "mine.nnvizrun"
    assert run_place(tmp_path / "mine.NNVIZRUN") == tmp_path / "mine.NNVIZRUN"
    assert run_place(tmp_path / "mine") == tmp_path / "mine.nnvizrun"
    assert run_place(tmp_path / "results.v2") == tmp_path / "results.v2.nnvizrun"
    (tmp_path / "notes").write_text("precious")
    assert run_place(tmp_path / "notes") == tmp_path / "notes.nnvizrun"


def test_a_run_of_any_name_can_be_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"x")
    (tmp_path / "mine.nnvizrun").write_bytes(b"x")
    assert run_place(tmp_path / "old", resume=True) == tmp_path / "old"
    assert run_place(tmp_path / "mine", resume=True) == tmp_path / "mine.nnvizrun"


def refusal(path: Path | str, *, resume: bool = False) -> str:
    with pytest.raises(InputError) as refused:
        run_place(path, resume=resume)
    text = str(refused.value)
    assert "\n" not in text and text.endswith(".")
    return text


def test_what_is_no_place_for_a_run(tmp_path: Path) -> None:
    (tmp_path / "taken.nnvizrun").write_bytes(b"x")
    (tmp_path / "folder.nnvizrun").mkdir()
    (tmp_path / "text").write_text("no folder")
    assert "exists already" in refusal(tmp_path / "taken.nnvizrun")
    assert "exists already" in refusal(tmp_path / "taken")
    assert "is a folder" in refusal(tmp_path / "folder.nnvizrun")
    assert "is a folder" in refusal(tmp_path)
    assert "is a folder" in refusal("")
    assert "no folder" in refusal(tmp_path / "nowhere" / "mine.nnvizrun")
    assert "not a folder" in refusal(tmp_path / "text" / "mine.nnvizrun")
    assert "no such run" in refusal(tmp_path / "nothing.nnvizrun", resume=True)
    assert "is a folder" in refusal(tmp_path / "folder.nnvizrun", resume=True)
    assert "No run can be kept here" in refusal(tmp_path / "a\0b")
    assert "No run can be kept here" in refusal(tmp_path / ("x" * 300))
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith("xdg")) == [
        "folder.nnvizrun",
        "taken.nnvizrun",
        "text",
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no FIFOs")
@pytest.mark.parametrize("resume", [False, True])
def test_pipes_devices_and_links_to_nothing(tmp_path: Path, resume: bool) -> None:
    os.mkfifo(tmp_path / "pipe.nnvizrun")
    os.mkfifo(tmp_path / "pipe")
    assert "device or a pipe" in refusal(tmp_path / "pipe.nnvizrun", resume=resume)
    assert "device or a pipe" in refusal(tmp_path / "pipe", resume=resume)
    assert "device or a pipe" in refusal("/dev/null", resume=resume)
    for name in ("link", "link.nnvizrun"):
        (tmp_path / name).symlink_to(tmp_path / "nothing")
        assert "link to a file that does not exist" in refusal(tmp_path / name, resume=resume)
    (tmp_path / "circle.nnvizrun").symlink_to(tmp_path / "circle.nnvizrun")
    refusal(tmp_path / "circle.nnvizrun", resume=resume)
    assert (tmp_path / "link").is_symlink() and not (tmp_path / "nothing").exists()


def test_a_folder_or_a_file_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "old.nnvizrun").write_bytes(b"x")
    closed = {tmp_path}
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) not in closed)
    assert "Nothing may be written into the folder" in refusal(tmp_path / "mine.nnvizrun")
    closed.add(tmp_path / "old.nnvizrun")
    assert "may not be written" in refusal(tmp_path / "old.nnvizrun", resume=True)


def test_names_are_counted_on(tmp_path: Path) -> None:
    path = tmp_path / "mine.nnvizrun"
    assert [other.name for other in islice(free_paths(path), 2)] == ["mine.nnvizrun", "mine (2).nnvizrun"]
    path.write_bytes(b"x")
    (tmp_path / "mine (3).nnvizrun").write_bytes(b"x")
    assert [other.name for other in islice(free_paths(path), 2)] == ["mine (2).nnvizrun", "mine (4).nnvizrun"]
    first, second = islice(new_run_paths("A / b: c?"), 2)
    assert first.parent == second.parent == runs_folder()
    assert first.name.endswith(" A-b-c.nnvizrun") and second.name == f"{first.stem} (2).nnvizrun"
