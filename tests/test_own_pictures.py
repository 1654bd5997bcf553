"""A folder of one's own pictures on the command line, in a project and in its run."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from nnviz import cli
from nnviz.commands.given_project import with_choices
from nnviz.data import datasets, images
from nnviz.data.picture_memory import MEMORY
from nnviz.errors import StorageError
from nnviz.project.files import io, own_folder
from nnviz.project.model import DataConfig, Project
from nnviz.project.safety import disk_state
from nnviz.project.samples import templates
from nnviz.record.store import open_run


def pictures(root: Path, classes: tuple[str, ...] = ("cat", "dog", "elk"), count: int = 10) -> Path:
    for which, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (16, 16), (60 + 60 * which, 9 * number, 40)).save(root / name / f"{number}.png")
    return root


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert cli.main(words) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0]


SETTINGS = ("--set", "data.size=16"), ("--set", "training.epochs=1"), ("--set", "conv1.out_channels=4")


@pytest.mark.parametrize("data", [("--data", "{}"), ("--data", "image_folder", "--set", "data.folder={}")])
@pytest.mark.parametrize("first", [True, False], ids=["data first", "data last"])
def test_a_sample_is_trained_on_a_folder_in_any_order(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    data: tuple[str, ...],
    first: bool,
) -> None:
    pictures(tmp_path / "pics")
    monkeypatch.chdir(tmp_path)
    named = [word.format("pics") for word in data]
    others = [word for pair in SETTINGS for word in pair]
    words = [*named, *others] if first else [*others, *reversed_pairs(named)]
    kept = tmp_path / "mine.nnvizrun"
    assert cli.main(["train", "sample:digits-cnn", *words, "--run", str(kept), "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out.splitlines()[-1])["event"] == "finished"
    followed = [line for line in shown.err.splitlines() if "the network follows the data" in line]
    assert len(followed) == 1
    assert "input.shape 1 × 28 × 28 → 3 × 16 × 16" in followed[0] and "out_features 10 → 3" in followed[0]
    with open_run(kept) as stored:
        project = io.loads(stored.info.project_json)
    assert project.data.params == {"folder": str(tmp_path / "pics"), "size": 16}, "found from anywhere"
    assert project.graph.nodes["conv1"].params["out_channels"] == 4


def reversed_pairs(words: list[str]) -> list[str]:
    pairs = [words[at : at + 2] for at in range(0, len(words), 2)]
    return [word for pair in reversed(pairs) for word in pair]


def test_a_name_wins_and_a_dot_means_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pictures(tmp_path / "shapes")
    monkeypatch.chdir(tmp_path)
    named = with_choices(templates.sample("mlp-50"), "shapes", [])
    assert named.data.dataset == "shapes"
    folder = with_choices(templates.sample("mlp-50"), "./shapes", [])
    assert folder.data.dataset == "image_folder" and folder.data.params["folder"] == str(tmp_path / "shapes")
    assert datasets.facts(folder.data).class_names == ("cat", "dog", "elk")


def test_settings_of_generated_data_take_the_network_along(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["summary", "sample:mlp-50", "--set", "data.size=8", "--data", "digits", "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["layers"][0]["output_shape"] == [1, 8, 8]
    assert "input.shape 1 × 28 × 28 → 1 × 8 × 8" in shown.err


def test_a_summary_of_a_network_on_a_folder(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pictures(tmp_path / "pics")
    assert cli.main(["summary", "sample:digits-cnn", "--data", str(tmp_path / "pics"), "--json"]) == 0
    layers = json.loads(capsys.readouterr().out)["layers"]
    assert layers[0]["output_shape"] == [3, 32, 32] and layers[-1]["output_shape"] == [3]


def test_a_summary_counts_the_pictures_and_reads_none(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "mine.nnviz"
    given = str(pictures(tmp_path / "pics"))
    project.write_bytes(io.dumps(with_choices(templates.sample("digits-cnn"), given, [])))

    def told() -> dict[str, int]:
        assert cli.main(["summary", str(project), "--json"]) == 0
        parts: dict[str, int] = json.loads(capsys.readouterr().out)["memory"]["parts"]
        return parts

    def refuse(*_: object, **__: object) -> None:
        raise StorageError("No room is left.")

    for name in ("read_pictures", "store_pictures"):
        monkeypatch.setattr(images, name, refuse)
    MEMORY.clear()
    each = 3 * 32 * 32 + 8
    assert told()["the data"] == each * (2 * 24 + 6)
    for one in (tmp_path / "pics").iterdir():
        one.rename(tmp_path / one.name)
    assert "the data" not in told()
    assert cli.main(["summary", str(project)]) == 0
    assert "The data come on top" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["train", "summary"])
def test_what_is_wrong_with_a_folder_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str) -> None:
    line = refused(capsys, command, "sample:digits-cnn", "--data", str(tmp_path / "none"))
    assert "There is no such folder" in line and str(tmp_path / "none") in line
    assert "no data set, no file and no folder 'penguins'" in refused(
        capsys, command, "sample:and", "--data", "penguins"
    )
    (tmp_path / "empty").mkdir()
    line = refused(capsys, command, "sample:digits-cnn", "--data", str(tmp_path / "empty"))
    assert "0 subfolders and 0 pictures in it" in line
    flat = pictures(tmp_path / "one", ("cat",))
    line = refused(capsys, command, "sample:digits-cnn", "--data", str(flat))
    assert "There is only the class 'cat'" in line
    line = refused(capsys, command, "sample:digits-cnn", "--data", str(flat / "cat"))
    assert "the pictures lie in the folder itself" in line
    (tmp_path / "file").write_text("")
    line = refused(capsys, command, "sample:digits-cnn", "--data", str(tmp_path / "file"))
    assert "a file, not a folder" in line


def beside(tmp_path: Path, folder: str) -> Path:
    """A project whose folder of pictures is named as ``folder``."""
    project = with_choices(templates.sample("digits-cnn"), str(tmp_path / "home" / "pics"), [])
    project = msgspec.structs.replace(project, data=DataConfig("image_folder", {"folder": folder}))
    path = tmp_path / "home" / "mine.nnviz"
    path.write_bytes(io.dumps(project))
    return path


def test_a_relative_folder_is_relative_to_the_project(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pictures(tmp_path / "home" / "pics")
    path = beside(tmp_path, "pics")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert cli.main(["train", str(path), "--epochs", "1", "--run", "mine.nnvizrun", "--json"]) == 0
    monkeypatch.chdir(tmp_path)
    assert cli.main(["train", "home/mine.nnviz", "--epochs", "1", "--run", "elsewhere/mine.nnvizrun", "--resume"]) == 0


def test_a_project_and_its_pictures_can_be_moved_together(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "pics").mkdir(parents=True)
    data = DataConfig("image_folder", {"folder": str(home / "pics")})
    project = Project(data=data)
    saved = disk_state.save_unless_changed(project, home / "mine.nnviz", None)
    assert b'"folder": "pics"' in (home / "mine.nnviz").read_bytes()
    assert saved == disk_state.fingerprint(home / "mine.nnviz")
    assert disk_state.fingerprint_if_still(home / "mine.nnviz", project) == saved
    home.rename(tmp_path / "moved")
    moved = tmp_path / "moved"
    assert io.load(moved / "mine.nnviz").data.params["folder"] == str(moved / "pics")
    # A folder elsewhere stays what it is, and so does one that can be none.
    for folder in (str(tmp_path / "far"), "~/pics", "a\0b", ""):
        project = Project(data=DataConfig("image_folder", {"folder": folder}))
        assert own_folder.for_file(project, moved / "mine.nnviz") == project
    rooted = own_folder.rooted(DataConfig("image_folder", {"folder": "~/pics"}), tmp_path)
    assert rooted.params["folder"] == "~/pics", "the home folder of whoever opens it"


def test_every_folder_of_the_user_is_declared_under_the_name_that_files_know() -> None:
    named = {spec.folder_param for spec in datasets.datasets().values() if spec.needs_folder}
    assert named <= set(own_folder.PARAMS)
