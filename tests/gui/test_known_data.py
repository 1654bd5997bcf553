"""What is known of data sets is found beside the GUI thread; no view asks the disk."""

from __future__ import annotations

import builtins
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch  # noqa: F401 - not left to windows that live for a moment only
from PIL import Image
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot
from window_kit import OpenWindow, is_ready

from nnviz.data import datasets, folders
from nnviz.data.sources import source
from nnviz.data.sources.source import SourceFacts
from nnviz.errors import DataError
from nnviz.gui.inspector import data_tab
from nnviz.gui.parts.background import Background
from nnviz.gui.parts.known_data import KnownData
from nnviz.gui.parts.reasons import sentence_of
from nnviz.gui.window.window import MainWindow
from nnviz.project.edits import SetData
from nnviz.project.model import DataConfig, DataFacts, Shape
from nnviz.project.samples import templates

WAIT = 60_000


def planted(root: Path, classes: tuple[str, ...] = ("cat", "dog"), count: int = 6) -> DataConfig:
    """A folder of small pictures, chosen."""
    for name in classes:
        (root / name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (28, 28), (number * 20, 0, 0)).save(root / name / f"{number}.png")
    return DataConfig("image_folder", {"folder": str(root), "size": 28, "channels": "1"})


class Gate:
    """Holds every look at a folder until it is opened."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.looks: list[str] = []
        self._classes = folders.folder_classes

    def __call__(self, folder: str, labels: str = "") -> tuple[str, ...]:
        self.looks.append(folder)
        assert threading.current_thread() is not threading.main_thread()
        self.open.wait(30)
        return self._classes(folder, labels)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    made = Gate()
    monkeypatch.setattr("nnviz.data.folders.folder_classes", made)
    yield made
    made.open.set()


# --- on its own ------------------------------------------------------------------------------------------------------


def test_what_is_declared_is_told_at_once(qtbot: QtBot) -> None:
    known = KnownData(Background())
    told: list[SourceFacts] = []
    known.ask(DataConfig("spiral"), told.append, pytest.fail, "test")
    assert [facts.sizes for facts in told] == [(400, 100)]
    assert known.facts(DataConfig("spiral")) == told[0] and not known.looking(DataConfig("spiral"))


def test_a_folder_is_known_after_a_look(qtbot: QtBot, tmp_path: Path, gate: Gate) -> None:
    config = planted(tmp_path / "pets")
    known = KnownData(Background())
    changes: list[bool] = []
    known.changed.connect(lambda: changes.append(known.looking(config)))
    told: list[SourceFacts] = []
    known.ask(config, told.append, pytest.fail, "test")
    assert known.looking(config) and known.facts(config) is None and known.split_sizes(config) is None
    gate.open.set()
    qtbot.waitUntil(lambda: bool(told))
    data = DataFacts((1, 28, 28), 2, "classes", ("cat", "dog"))
    assert told[0] == known.facts(config) == SourceFacts(data, (10, 2), tmp_path / "pets")
    assert known.split_sizes(config) == (8, 2, 2)
    assert known.split_sizes(msgspec.structs.replace(config, validation_fraction=0.0)) == (10, 0, 2)
    assert changes == [True, False]
    known.want(config)
    assert not known.looking(config), "what is known is not looked for again"


def test_what_is_wrong_with_a_folder_is_told(qtbot: QtBot, tmp_path: Path) -> None:
    config = DataConfig("image_folder", {"folder": str(tmp_path / "none")})
    known = KnownData(Background())
    told: list[BaseException] = []
    known.ask(config, pytest.fail, told.append, "test")
    qtbot.waitUntil(lambda: bool(told))
    assert isinstance(told[0], DataError) and known.problem(config) == sentence_of(told[0])
    assert "data.params" not in known.problem(config)
    assert known.facts(config) is None and known.split_sizes(config) is None


def test_one_look_serves_all_who_ask(qtbot: QtBot, tmp_path: Path, gate: Gate) -> None:
    config = planted(tmp_path / "pets")
    known = KnownData(Background())
    told: list[str] = []
    known.want(config)
    for owner in ("one", "two"):
        known.ask(config, lambda _facts, owner=owner: told.append(owner), pytest.fail, owner)
    gate.open.set()
    qtbot.waitUntil(lambda: len(told) == 2)
    assert told == ["one", "two"] and len(gate.looks) == 1


def test_a_look_that_nobody_waits_for_is_broken_off(qtbot: QtBot, tmp_path: Path, gate: Gate) -> None:
    first, second = planted(tmp_path / "first"), planted(tmp_path / "second")
    known = KnownData(Background())
    told: list[SourceFacts] = []
    known.ask(first, pytest.fail, pytest.fail, "test")
    known.ask(second, told.append, pytest.fail, "test")
    gate.open.set()
    qtbot.waitUntil(lambda: bool(told))
    assert told[0].place == tmp_path / "second"
    assert known.facts(first) is None and not known.looking(first)


def test_how_far_a_look_is_can_be_seen(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nnviz.gui.parts.known_data._BETWEEN", 0.0)
    opened = threading.Event()
    pictures = folders._pictures
    monkeypatch.setattr(
        folders, "_pictures", lambda folder: (folder.name == "cow" and opened.wait(30), pictures(folder))[1]
    )
    config = planted(tmp_path / "pets", ("ant", "bee", "cow"))
    window = open_window("digits-cnn")
    assert window.inspector is not None
    window.inspector.show_tab("data")
    tab = window.inspector.data
    tab.choose("image_folder")
    tab._on_own("folder", config.params["folder"], "")
    qtbot.waitUntil(lambda: tab.classes.text() == "looking… 2 of 3 folders", timeout=WAIT)
    opened.set()
    qtbot.waitUntil(lambda: tab.classes.text() == "ant, bee, cow", timeout=WAIT)


def test_what_was_left_out_of_a_folder_stands_in_the_tab(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = planted(tmp_path / "pets", ("ant", "bee"))
    (tmp_path / "pets" / "ant" / "<b>.png").write_bytes(b"no picture")
    (tmp_path / "pets" / "bee" / "._0.png").write_bytes(b"no picture either")
    window = open_window("digits-cnn")
    assert window.inspector is not None
    window.inspector.show_tab("data")
    tab = window.inspector.data
    said: list[str] = []
    tab.message.connect(said.append)
    monkeypatch.chdir(tmp_path)
    tab.choose("image_folder")
    tab._on_own("folder", "pets", "")
    qtbot.waitUntil(lambda: "Left out" in tab.facts.text(), timeout=WAIT)
    assert "ant/&lt;b&gt;.png" in tab.facts.text().replace("\\", "/")
    assert "1 file of the system left out" in tab.facts.text()
    assert len(said) == 1 and said[0].startswith("Left out: ")
    assert window.document.project.data.params["folder"] == config.params["folder"], "it is absolute at once"


def test_nothing_begins_after_the_end(qtbot: QtBot, tmp_path: Path) -> None:
    config = planted(tmp_path / "pets")
    known = KnownData(Background())
    known.cancel()
    known.want(config)
    assert not known.looking(config)


def test_missing_files_are_said_with_the_way_to_get_them(qtbot: QtBot, tmp_path: Path) -> None:
    config = DataConfig("mnist")
    known = KnownData(Background(), tmp_path)
    known.want(config)
    qtbot.waitUntil(lambda: not known.looking(config))
    facts = known.facts(config)
    assert facts is not None and facts.place is None and "Download it from the Data tab (12 MB)" in facts.missing
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte").write_bytes(b"")
    known.data_dir = tmp_path / "MNIST"
    known.want(config)
    qtbot.waitUntil(lambda: not known.looking(config))
    facts = known.facts(config)
    assert facts is not None and facts.place == raw and not facts.missing


# --- in the window ---------------------------------------------------------------------------------------------------


def input_shape(window: MainWindow) -> Shape | None:
    return window.document.inference.shape("input")


class DiskWatch:
    """Counts what ``nnviz.data`` asks of the disk on the GUI thread."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.elsewhere = 0

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **more: Any) -> Any:
            frame, files = sys._getframe(1), []
            while frame is not None and len(files) < 60:
                files.append(frame.f_code.co_filename)
                frame = frame.f_back
            asks = next((at for at, file in enumerate(files) if "/nnviz/data/" in file), None)
            # A module that is imported on first use is read by the import system, not by the room.
            if asks is not None and not any("importlib" in file for file in files[:asks]):
                if threading.current_thread() is threading.main_thread():
                    self.seen.append(f"{name}{args[:1]} in {files[asks]}")
                else:
                    self.elsewhere += 1
            return function(*args, **more)

        return watched


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> DiskWatch:
    watch = DiskWatch()
    places = [(os, name) for name in ("scandir", "listdir", "stat", "lstat", "open", "access")]
    for place, name in [*places, (builtins, "open"), (Path, "stat"), (Path, "resolve"), (Path, "iterdir")]:
        monkeypatch.setattr(place, name, watch.wrap(name, getattr(place, name)))
    return watch


def test_the_watch_sees_the_gui_thread(disk: DiskWatch, tmp_path: Path) -> None:
    datasets.inspect(planted(tmp_path / "pets"))
    assert disk.seen and all("/nnviz/data/" in one for one in disk.seen)


def test_no_view_asks_the_disk(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path, disk: DiskWatch) -> None:
    config = planted(tmp_path / "pets")
    other = planted(tmp_path / "more", ("ant", "bee", "cow"))
    window = open_window("digits-cnn", data_dir=tmp_path)
    assert window.inspector is not None
    tab = window.inspector.data
    for name in ("training", "data"):
        window.inspector.show_tab(name)
        kinds = list(datasets.datasets())
        for kind in kinds if name == "data" else kinds[::5]:
            tab.choose(kind)
            window.top_bar.refresh()
            qtbot.waitUntil(lambda: not window.training.known.looking(window.document.project.data), timeout=WAIT)
    tab.choose("image_folder")
    tab._on_own("folder", config.params["folder"], "")
    qtbot.waitUntil(lambda: window.document.project.data.params.get("folder") == config.params["folder"], timeout=WAIT)
    tab._on_own("folder", other.params["folder"], "")
    qtbot.waitUntil(lambda: "bee" in tab.classes.text(), timeout=WAIT)
    window.document.undo()
    qtbot.waitUntil(lambda: "dog" in tab.classes.text(), timeout=WAIT)
    window.document.replace(templates.sample("and"))
    qtbot.waitUntil(lambda: is_ready(window), timeout=WAIT)
    assert disk.seen == []
    assert disk.elsewhere > 0


def test_a_folder_is_taken_up_with_its_shape_in_one_step(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path, gate: Gate
) -> None:
    config = planted(tmp_path / "pets", ("ant", "bee", "cow"))
    window = open_window("digits-cnn")
    assert window.inspector is not None
    window.inspector.show_tab("data")
    tab = window.inspector.data
    tab.choose("image_folder")
    before = window.document.project
    tab._on_own("size", 20, "")
    tab._on_own("channels", "1", "")
    assert window.document.project.data.params == {"size": 20, "channels": "1"}, "without a folder nothing is looked at"
    start = window.document.project
    tab._on_own("folder", config.params["folder"], "")
    assert window.document.project == start, "nothing is taken up before it is known"
    assert tab.facts.text().count(data_tab._LOOKING) == 3 and tab.classes.text() == data_tab._LOOKING
    assert tab.own.editors["folder"].value == config.params["folder"], "what was chosen stays in its field"
    gate.open.set()
    qtbot.waitUntil(lambda: bool(window.document.project.data.params.get("folder")), timeout=WAIT)
    assert input_shape(window) == (1, 20, 20)
    assert tab.classes.text() == "ant, bee, cow"
    window.document.undo()
    assert window.document.project == start
    window.document.undo()
    window.document.undo()
    assert window.document.project == before
    window.inspector.show_tab("training")
    assert window.inspector.training.summary.text() == ""


def test_an_edit_while_a_folder_is_looked_at_keeps_the_folder(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path, gate: Gate
) -> None:
    config = planted(tmp_path / "pets")
    window = open_window("digits-cnn")
    assert window.inspector is not None
    window.inspector.show_tab("data")
    tab = window.inspector.data
    tab.choose("image_folder")
    tab._on_own("folder", config.params["folder"], "")
    tab._on_own("size", 16, "")
    gate.open.set()
    wanted = {"folder": config.params["folder"], "size": 16}
    qtbot.waitUntil(lambda: window.document.project.data.params == wanted, timeout=WAIT)
    assert input_shape(window) == (3, 16, 16)


def at_rest(qtbot: QtBot, widget: QWidget) -> int:
    """The height at which a widget stands once that is the same at several looks."""
    looks: list[int] = []

    def same() -> bool:
        looks.append(widget.y())
        return len(looks) > 10 and len(set(looks[-10:])) == 1

    qtbot.waitUntil(same, timeout=WAIT)
    return looks[-1]


def test_the_room_of_the_download_button_is_kept(
    open_window: OpenWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = threading.Event()
    found = source.find
    monkeypatch.setattr(source, "find", lambda *places: (opened.wait(30), found(*places))[1])
    window = open_window("digits-cnn", data_dir=tmp_path)
    assert window.inspector is not None
    window.inspector.show_tab("data")
    tab = window.inspector.data
    tab.choose("mnist")
    assert data_tab._LOOKING in tab.facts.text()
    before = at_rest(qtbot, tab.split)
    assert not tab.download.isVisible()
    opened.set()
    qtbot.waitUntil(tab.download.isVisible, timeout=WAIT)
    assert at_rest(qtbot, tab.split) == before and "not on this computer yet" in tab.facts.text()


def test_what_was_lacking_is_not_asked_for_once_it_is_there(
    tmp_path: Path, qtbot: QtBot, open_window: OpenWindow
) -> None:
    """A folder was to be chosen, and is; whether the network fits what is in it is another question."""
    window = open_window(templates.sample("resnet18"), ready=False)
    qtbot.waitUntil(lambda: window.notices.notice("failure") is not None, timeout=WAIT)
    window.apply(SetData(planted(tmp_path)))
    qtbot.waitUntil(lambda: window.notices.notice("failure") is None, timeout=WAIT)
    qtbot.waitUntil(lambda: window.notices.notice("blocked") is not None, timeout=WAIT)
