"""A run from a file stands in front of the user's document and takes nothing of it away."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from PIL import Image
from pointer import move_pointer
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot
from run_file_mutations import good_run
from window_kit import TIMEOUT, OpenWindow, is_ready, press_notice, state_is

from nnviz.gui.app import open_target
from nnviz.gui.inspector.tab import Tab
from nnviz.gui.runs.shown import empty_run
from nnviz.gui.window.replay import READ_ONLY
from nnviz.gui.window.window import MainWindow
from nnviz.project.document import Document
from nnviz.project.edits import Move, RemoveNodes, SetParam, SetProject
from nnviz.project.files import io
from nnviz.project.model import DataConfig, Project
from nnviz.project.samples import templates
from nnviz.record.readings import Scalar
from nnviz.record.run import Run, RunInfo
from nnviz.record.store import RunWriter

BACK, ON, OPEN = "Back to my project", "Continue training", "Open its project"


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    return good_run(tmp_path / "digits.nnvizrun", "digits-cnn")


@pytest.fixture
def plane(tmp_path: Path) -> Path:
    return good_run(tmp_path / "plane.nnvizrun", "spiral")


def show(window: MainWindow, path: Path, qtbot: QtBot, how: Callable[[Path], object] | None = None) -> None:
    (how or window.files.open)(path)
    qtbot.waitUntil(lambda: window.replay.path == path and window.training.state == "replay", timeout=TIMEOUT)


def state_of(window: MainWindow) -> tuple[object, ...]:
    """Everything of the user's work that must be as it was."""
    document, training, canvas = window.document, window.training, window.canvas
    return (
        *(document.project, document.path, document.is_modified, document.history, document.history.position),
        *(len(document.history), document.undo_title, document.diagnostics, document.facts, window.files.fingerprint),
        *(window.bridge.session, training.workbench.run, training.workbench.state, training.workbench.opened),
        *(canvas.selected, canvas.canvas_scene.selected_wires, canvas.canvas_scene.root, window.safety._noted),
        *(window.windowTitle(), window.isWindowModified(), window.recorder.path_of(training.workbench.run)),
    )


def drop(window: MainWindow, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    viewport = window.canvas.viewport()
    QApplication.sendEvent(viewport, QDragEnterEvent(QPoint(300, 200), copy, data, left, none))
    QApplication.sendEvent(viewport, QDropEvent(QPointF(300, 200), copy, data, left, none))


def drag_card(window: MainWindow, node: str) -> None:
    canvas = window.canvas
    start = canvas.mapFromScene(canvas.canvas_scene.cards[node].card_rect().center())
    QTest.mousePress(canvas.viewport(), Qt.MouseButton.LeftButton, pos=start)
    for way in (8, 30, 60):
        move_pointer(canvas.viewport(), start + QPoint(way, way), Qt.MouseButton.LeftButton)
    QTest.mouseRelease(canvas.viewport(), Qt.MouseButton.LeftButton, pos=start + QPoint(60, 60))


def test_after_a_replay_everything_is_as_it_was(qtbot: QtBot, open_window: OpenWindow, digits: Path) -> None:
    window = open_window("spiral")
    window.safety.start()
    window.bridge.step(12)
    live = window.training.run
    assert live is not None
    qtbot.waitUntil(lambda: live.last_step == 12 and window.training.state == "paused", timeout=TIMEOUT)
    qtbot.waitUntil(lambda: window.recorder.path_of(live) is not None, timeout=TIMEOUT)
    window.apply(SetProject(name="mine"))
    node = next(key for key, one in window.document.project.graph.nodes.items() if one.kind == "linear")
    window.apply(Move({node: (40.0, 300.0)}))
    window.canvas.select([node])
    window.canvas.camera.set_zoom(0.8)
    window.canvas.camera.pan_by(30.0, 20.0)
    window.feed.set_step(7)
    before, seen, shown = state_of(window), window.canvas.camera.visible_rect(), window.feed.shown
    kept = window.safety._noted
    assert kept is not None

    show(window, digits, qtbot)  # no question about the unsaved changes
    assert window.files.question is None
    notice = window.notices.notice("replay")
    assert notice is not None and not notice.closable
    assert notice.text == "Replay of digits, read-only. It was stopped after epoch 8 of 15."
    assert [button.text() for button in notice.buttons] == [BACK, ON, OPEN]
    theirs = templates.sample("digits-cnn")
    assert window.shown_document.project.graph == theirs.graph
    assert set(window.canvas.canvas_scene.cards) == set(theirs.graph.nodes)
    assert window.windowTitle().startswith("Replay of digits.nnvizrun – mine")
    window.feed.set_step(9)
    window.timeline.track._seek(5)
    assert window.feed.current_step == 5 and window.feed.shown.project is not None
    window.canvas.select(["conv1"])
    press_notice(window, "replay", BACK)

    assert state_of(window) == before
    assert window.safety._noted is kept
    after = window.canvas.camera.visible_rect()
    assert all(abs(a - b) < 3.0 for a, b in zip(seen.getRect(), after.getRect(), strict=True))
    assert window.feed.shown is shown and window.feed.run is live and window.feed.current_step == 7
    assert window.notices.notice("replay") is None and window.training.state == "paused"
    window.action("undo").trigger()
    window.action("undo").trigger()
    assert window.document.project.graph == templates.sample("spiral").graph and not window.document.is_modified
    window.action("redo").trigger()
    assert window.document.project.name == "mine"
    window.bridge.step(3)
    qtbot.waitUntil(lambda: live.last_step == 15, timeout=TIMEOUT)


def test_every_attempt_to_change_a_replay_is_refused_with_the_reason(
    qtbot: QtBot, open_window: OpenWindow, digits: Path
) -> None:
    window = open_window("and")
    window.apply(SetProject(name="mine"))
    show(window, digits, qtbot)
    before = window.shown_document.project
    canvas = window.canvas

    def refused(attempt: Callable[[], object]) -> None:
        window.message.say("")
        attempt()
        QApplication.processEvents()
        assert window.message.text() == READ_ONLY, attempt
        assert window.shown_document.project is before and window.document.project.name == "mine"
        assert canvas.overlay.gesture is None and canvas.renaming.editor is None and canvas.quick_add.popup is None

    place = canvas.canvas_scene.cards["conv1"].pos()
    canvas.setFocus()
    refused(lambda: drag_card(window, "conv1"))
    assert canvas.canvas_scene.cards["conv1"].pos() == place and canvas.selected == ("conv1",)
    refused(lambda: qtbot.keyClick(canvas, Qt.Key.Key_Backspace))
    refused(lambda: qtbot.keyClick(canvas, Qt.Key.Key_Right))
    refused(window.action("rename").trigger)
    refused(lambda: qtbot.keyClick(canvas, Qt.Key.Key_C))
    refused(lambda: canvas.quick_add.open(QPointF(0, 0)))
    refused(canvas.notes.add)
    refused(canvas.notes.arm)
    refused(canvas.editing.duplicate)
    refused(lambda: window.palette_panel.add_requested.emit("relu"))
    refused(lambda: window.apply(RemoveNodes(("conv1",))))
    assert window.inspector is not None
    for key, tab in window.inspector.tabs.items():
        if key in {"layer", "training", "data"}:
            window.inspector.show_tab(key)
            assert isinstance(tab, Tab)
            refused(lambda tab=tab: tab.change(SetParam("conv1", "out_channels", 3)))
    window.inspector.show_tab("training")
    refused(lambda: window.inspector.training._on_edited("epochs", 77, ""))
    refused(lambda: window.top_bar.settings._on_batch("64"))
    assert window.top_bar.settings.batch.currentText() == str(before.training.batch_size)
    # The epochs of a run that was gone on with are others than its project's: to leave them as they are is no change.
    bar, standing = window.top_bar.settings, window.training.standing
    bar.show_standing(replace(standing, seen=replace(standing.seen, epochs=77)))
    window.message.say("nothing")
    qtbot.keyClick(bar.epochs, Qt.Key.Key_Return)
    assert window.message.text() == "nothing" and window.shown_document.project is before
    refused(lambda: window.inspector.data.choose("wine"))
    refused(lambda: window.inspector.data.download_requested.emit("digits"))
    for name in ("undo", "redo", "delete", "paste", "duplicate", "rename", "group", "arrange", "note", "details"):
        action = window.action(name)
        assert not action.isEnabled() and action.property("reason") == READ_ONLY, name
    for name in ("play", "step", "step_back", "reset", "evaluate_test", "next_sample"):
        action = window.action(name)
        assert not action.isEnabled() and "recorded run" in action.property("reason"), name
    for name in ("copy", "select_all", "fit", "save", "save_run"):
        assert window.action(name).isEnabled(), name
    # What only looks goes on.
    window.feed.set_step(4)
    canvas.reveal("conv2")
    assert canvas.selected == ("conv2",)


def test_training_goes_on_behind_a_replay(qtbot: QtBot, open_window: OpenWindow, plane: Path) -> None:
    window = open_window("spiral")
    window.training.play()
    live = window.training.run
    assert live is not None
    qtbot.waitUntil(lambda: live.last_step > 20, timeout=TIMEOUT)
    qtbot.waitUntil(state_is(window, "running"), timeout=TIMEOUT)
    session, interest = window.bridge.session, window.training._host._interest
    show(window, plane, qtbot)
    reached = live.last_step
    window.training.toggle()  # what is meant for a session does not reach the one behind
    window.training.pause()
    window.training.step_back()
    window.training.go_back(2)
    window.training.evaluate_test()
    qtbot.waitUntil(lambda: live.last_step > reached + 20, timeout=TIMEOUT)
    assert window.bridge.state == "running" and window.training.state == "replay"
    assert window.training._host._interest == interest  # nothing else is measured because something else is looked at
    assert window.feed.run is not live
    window.replay.back()
    assert window.training.state == "running" and window.bridge.session is session
    assert window.feed.run is live and window.feed.live and window.training.run is live
    steps, _ = live.scalars("loss/train")
    assert list(steps[:20]) == list(range(1, 21)) or list(steps[:20]) == list(range(20))
    qtbot.waitUntil(lambda: window.timeline.track._last > reached + 20, timeout=TIMEOUT)
    window.training.pause()
    qtbot.waitUntil(state_is(window, "paused"), timeout=TIMEOUT)


def test_its_project_is_opened_as_a_new_document_after_the_question(
    qtbot: QtBot, open_window: OpenWindow, digits: Path
) -> None:
    window = open_window("and")
    window.apply(SetProject(name="mine"))
    show(window, digits, qtbot)
    press_notice(window, "replay", OPEN)
    question = window.files.question
    assert question is not None and "mine" in question.text()
    question.button(QMessageBox.StandardButton.Cancel).click()
    assert window.training.state == "replay" and window.document.project.name == "mine"
    press_notice(window, "replay", OPEN)
    question = window.files.question
    assert question is not None
    question.button(QMessageBox.StandardButton.Discard).click()
    qtbot.waitUntil(lambda: is_ready(window), timeout=TIMEOUT)
    assert window.document.project.graph == templates.sample("digits-cnn").graph
    assert window.document.path is None and not window.document.can_undo
    assert window.shown_document.shows_own and window.notices.notice("replay") is None and window.replay.path is None
    window.apply(SetProject(name="theirs"))
    assert window.document.project.name == "theirs" and window.document.can_undo


def test_saving_and_closing_are_about_the_own_project(
    qtbot: QtBot, open_window: OpenWindow, digits: Path, tmp_path: Path
) -> None:
    window = open_window("and")
    path = tmp_path / "mine.nnviz"
    window.files.load(io.save(window.document.project, path) or path)
    qtbot.waitUntil(lambda: window.document.path == path, timeout=TIMEOUT)
    window.apply(SetProject(note="first"))
    show(window, digits, qtbot)
    assert window.isWindowModified() and "your own" in window.action("save").toolTip()
    window.action("save").trigger()
    qtbot.waitUntil(lambda: not window.document.is_modified, timeout=TIMEOUT)
    saved = io.load(path)
    assert saved.note == "first" and saved.graph == templates.sample("and").graph
    assert window.training.state == "replay" and not window.isWindowModified()
    window.replay.back()
    window.apply(SetProject(note="second"))
    show(window, digits, qtbot)
    window.close()
    question = window.files.question
    assert question is not None and "mine.nnviz" in question.text() and window.isVisible()
    question.button(QMessageBox.StandardButton.Cancel).click()
    assert window.training.state == "replay"
    window.close()
    question = window.files.question
    assert question is not None
    question.button(QMessageBox.StandardButton.Save).click()
    qtbot.waitUntil(window.isHidden, timeout=TIMEOUT)
    assert io.load(path).note == "second"


def test_another_run_takes_the_place_of_the_replay_only_however_it_is_opened(
    qtbot: QtBot, open_window: OpenWindow, digits: Path, plane: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window("and")
    window.apply(SetProject(name="mine"))
    window.canvas.select([next(iter(window.document.project.graph.nodes))])
    before = state_of(window)
    show(window, digits, qtbot)
    show(window, plane, qtbot, lambda path: drop(window, path))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(digits), ""))
    show(window, digits, qtbot, lambda _path: window.action("open").trigger())
    assert window.settings.recent[0] == digits
    assert window.files.question is None
    notice = window.notices.notice("replay")
    assert notice is not None and "digits" in notice.text
    window.replay.back()
    assert state_of(window) == before
    # A project is opened in place of the document, so that is asked about; then no replay is left.
    show(window, plane, qtbot)
    window.files.open_sample("xor-one-neuron")
    assert window.files.question is not None and window.training.state == "replay"
    window.files.question.button(QMessageBox.StandardButton.Discard).click()
    qtbot.waitUntil(lambda: is_ready(window), timeout=TIMEOUT)
    assert window.shown_document.project == window.document.project == templates.sample("xor-one-neuron")


def test_a_window_that_began_with_a_run_goes_back_to_the_document_to_begin_with(
    qtbot: QtBot, open_window: OpenWindow, digits: Path
) -> None:
    document, run_path = open_target(str(digits))
    assert document.project == templates.sample(templates.DEFAULT) and run_path == digits
    window = open_window(document.project, ready=False, run_path=run_path)
    qtbot.waitUntil(state_is(window, "replay"), timeout=TIMEOUT)
    assert window.bridge.session is None and not window.training.started
    press_notice(window, "replay", BACK)
    assert window.shown_document.project == templates.sample(templates.DEFAULT)
    qtbot.waitUntil(lambda: is_ready(window), timeout=TIMEOUT)


def test_a_window_that_should_begin_with_what_is_no_run_begins_with_the_document(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path
) -> None:
    path = tmp_path / "text.nnvizrun"
    path.write_text("no run")
    window = open_window("and", ready=False, run_path=path)
    qtbot.waitUntil(lambda: window.notices.notice("file") is not None, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: is_ready(window), timeout=TIMEOUT)
    assert window.shown_document.shows_own and window.canvas.canvas_scene.cards


def test_a_file_that_cannot_be_opened_leaves_what_is_trained_in_a_window_that_began_with_a_run(
    qtbot: QtBot, open_window: OpenWindow, plane: Path, tmp_path: Path
) -> None:
    window = open_window("and", ready=False, run_path=plane)
    qtbot.waitUntil(state_is(window, "replay"), timeout=TIMEOUT)
    press_notice(window, "replay", OPEN)
    qtbot.waitUntil(lambda: is_ready(window), timeout=TIMEOUT)
    assert window.training.started
    window.bridge.step(3)
    live, session = window.training.run, window.bridge.session
    assert live is not None
    qtbot.waitUntil(lambda: live.last_step == 3 and window.training.state == "paused", timeout=TIMEOUT)
    window.files.open(tmp_path / "missing.nnviz")
    qtbot.waitUntil(lambda: window.notices.notice("file") is not None, timeout=TIMEOUT)
    assert window.training.run is live and window.bridge.session is session and window.training.trained


@pytest.mark.parametrize("seed", range(2))
def test_any_sequence_of_runs_returns_edits_and_undo(
    qtbot: QtBot, open_window: OpenWindow, digits: Path, plane: Path, seed: int
) -> None:
    """Against a model: a document that was given only what was done while it was shown."""
    dice = random.Random(seed)
    window = open_window("and")
    model = Document(window.document.project)
    nodes = list(model.project.graph.nodes)
    covered: Project | None = None
    selected: tuple[str, ...] = ()
    for number in range(40):
        move = dice.choice(("edit", "edit", "undo", "redo", "open", "back", "seek", "select", "jump"))
        if move == "open":
            show(window, dice.choice((digits, plane)), qtbot)
            covered = window.shown_document.project
        elif move == "back":
            window.replay.back()
            covered = None
        elif move == "seek":
            window.feed.set_step(dice.choice((None, 0, 3)))
        elif move == "select":
            window.canvas.select([dice.choice(nodes)])
            selected = window.canvas.selected if covered is None else selected
        elif move == "edit":
            edit = Move({dice.choice(nodes): (float(number), 10.0 * number)})
            window.apply(edit)
            if covered is None:
                model.apply(edit)
        elif move == "jump":
            to = dice.randrange(len(model.history) + 1)
            window.guarded(lambda to=to: window.shown_document.jump(min(to, len(window.shown_document.history))))
            if covered is None:
                model.jump(to)
        else:
            window.action(move).trigger()
            if covered is None:
                getattr(model, move)()
        assert window.document.project == model.project
        assert (len(window.document.history), window.document.history.position) == (
            len(model.history),
            model.history.position,
        )
        assert window.document.is_modified == model.is_modified
        if covered is None:
            assert window.shown_document.shows_own and window.canvas.selected == selected
            assert set(window.canvas.canvas_scene.cards) == set(nodes)
        else:
            assert window.shown_document.project is covered


def test_a_replay_with_others_beside_it_still_names_the_classes_of_its_folder(
    qtbot: QtBot, open_window: OpenWindow, digits: Path, tmp_path: Path
) -> None:
    for name in ("ant", "bee", "cat", "dog", "elk", "fox", "gnu", "hen", "ibis", "jay"):
        (tmp_path / "zoo" / name).mkdir(parents=True)
        for number in range(5):
            Image.new("L", (28, 28), 20 * number).save(tmp_path / "zoo" / name / f"{number}.png")
    window = open_window("and", ready=False)
    show(window, digits, qtbot)
    replay = window.training.replay
    assert replay is not None and replay.project is not None
    config = DataConfig("image_folder", {"folder": str(tmp_path / "zoo"), "size": 28, "channels": "1"})
    window.training.show_replay(replay.run, msgspec.structs.replace(replay.project, data=config), READ_ONLY)
    window.training.compare([empty_run()])  # as a race lays its other runs beside the one that is shown

    def named() -> bool:
        return window.canvas.canvas_scene.cards["output"].facts.class_names[:2] == ("ant", "bee")

    qtbot.waitUntil(named, timeout=20_000)


def test_a_replay_says_whether_its_run_still_grows(qtbot: QtBot, open_window: OpenWindow, tmp_path: Path) -> None:
    project = templates.sample("and")
    project = msgspec.structs.replace(project, training=msgspec.structs.replace(project.training, epochs=3))
    window = open_window("xnor-two-layer", ready=False)

    def told() -> str:
        notice = window.notices.notice("replay")
        return "" if notice is None else notice.text

    for name, end in (("stopped", "It was stopped after epoch 1 of 3."), ("killed", "It was broken off after")):
        run = Run(RunInfo(project_json=io.dumps(project)))
        run.append([Scalar("loss/train", 4, 0.5), Scalar("epoch", 4, 1.0)])
        with RunWriter(run, tmp_path / f"{name}.nnvizrun", interval=0.02) as writer:
            assert writer.flush()
            show(window, writer.path, qtbot)
            assert told() == f"Replay of {name}, read-only. It is still growing and is followed."
            run.finished = name == "stopped"
        qtbot.waitUntil(lambda name=name, end=end: told().startswith(f"Replay of {name}, read-only. {end}"))
        window.replay.back()
        show(window, tmp_path / f"{name}.nnvizrun", qtbot)
        assert end in told()
