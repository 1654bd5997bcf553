"""The main job with other networks and data, from files, and when something goes wrong."""

from __future__ import annotations

import json
import sys
from dataclasses import fields
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot
from window_hands import CONTROL, SHIFT, Person, pixels
from window_kit import OpenWindow, button, is_ready, press_notice, state_is

from nnviz import cli
from nnviz.gui.inspector.editors import ChoiceEditor
from nnviz.gui.panels.loss import LossPanel
from nnviz.gui.window.window import MainWindow
from nnviz.project.files import io
from nnviz.project.samples import templates
from nnviz.record.run import RunView


def is_equal(first: object, second: object) -> bool:
    """Whether two samples hold the same numbers."""
    if first is None or second is None or type(first) is not type(second):
        return False
    for name in (field.name for field in fields(first)):  # type: ignore[arg-type]  # all samples are dataclasses
        one, other = getattr(first, name), getattr(second, name)
        same = np.array_equal(one, other) if isinstance(one, np.ndarray) else one == other
        if not same:
            return False
    return True


def train_a_little(person: Person, *, plays: bool = False) -> RunView:
    """Play, unless it does by itself, until some batches are trained; pause; the run."""
    window = person.window
    if not plays:
        person.until(lambda: is_ready(window))
        person.click(button(window, "Play"))
    # By itself it begins with a session of its own: the one that is there may still be that of the project before.
    person.until(lambda: window.training.settled and window.training.trained)
    run = window.training.run
    assert run is not None
    person.until(lambda: run.last_step >= 3 and window.training.state in {"running", "done"})
    if window.training.running:
        person.click(button(window, "Pause"))
    person.until(lambda: window.training.state in {"paused", "done"})
    steps, losses = run.scalars("loss/train")
    assert steps.size >= 3 and np.isfinite(losses).all()
    return run


@pytest.mark.parametrize("name", ["spiral", "credit-learned", "xor-one-neuron"])
def test_another_sample_chosen_from_its_card_trains(name: str, qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    person = Person(window, qtbot)
    person.keys("N", CONTROL | SHIFT)
    welcome = window.overlays.welcome
    assert welcome is not None
    card = next(card for card in welcome.cards if card.info.name == name)
    qtbot.mouseClick(card.train, Qt.MouseButton.LeftButton)
    assert window.document.project == templates.sample(name)
    run = train_a_little(person, plays=True)
    assert run is window.feed.run
    graph = window.document.project.graph
    first = next(node for node in graph.nodes.values() if node.kind == "input")
    shown = run.latest(f"output/{first.id}")
    assert shown is not None and shown.array.shape == tuple(first.params["shape"])


def test_another_data_set_chosen_in_the_window_trains_and_its_samples_are_pinned(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    window = open_window("digits-cnn", ready=False)
    person = Person(window, qtbot)
    person.click(window.top_bar.pills.data)
    inspector = window.inspector
    assert inspector is not None and inspector.tab == "data"
    editor = person.editor(inspector.data.choice, "dataset")
    assert isinstance(editor, ChoiceEditor)
    editor.setFocus()
    person.write("Colour")
    assert window.document.project.data.dataset == "shapes"
    first = next(node for node in window.document.project.graph.nodes.values() if node.kind == "input")
    assert first.params["shape"] == (3, 32, 32)
    person.until(lambda: window.training.run.info.project_json == io.dumps(window.document.project))
    run = train_a_little(person)
    QApplication.processEvents()

    # At rest everything is measured once more, and the cards show it a moment later.
    person.until(person.at_rest)
    person.until(person.pictured)
    before = person.pictures()
    resting = 0
    while resting < 4:  # on a busy machine the measuring may take longer than one of these waits
        qtbot.wait(300)
        resting = 0 if person.changed(before) else resting + 1
        before = person.pictures()

    # Another example: every card shows something else, the weights are the same.
    weights = run.latest("weights/conv1")
    inspector.data.ensureWidgetVisible(inspector.data.next)
    person.click(inspector.data.next)
    assert window.document.project.view.pinned_sample == 1
    pinned = [node for node in before if node != "output"]
    person.until(lambda: person.changed(before) >= {node for node in pinned if node in window.canvas.visible_nodes()})
    assert is_equal(run.latest("weights/conv1"), weights)
    person.keys("Z", CONTROL)
    person.until(lambda: not person.changed(before))


def test_the_window_gives_the_same_losses_as_the_command_line(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = templates.sample("digits-cnn")
    training = msgspec.structs.replace(project.training, epochs=2, device="cpu")
    project = msgspec.structs.replace(project, training=training)
    window = open_window(project)
    person = Person(window, qtbot)
    run = window.training.run
    assert run is not None
    person.click(button(window, "Play"))
    person.until(state_is(window, "done"))

    path = tmp_path / "same.nnviz"
    io.save(project, path)
    assert cli.main(["train", str(path), "--json", "--run", str(tmp_path / "same.nnvizrun")]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    epochs = [event for event in events if event["event"] == "epoch"]
    assert len(epochs) == 2
    steps, losses = run.scalars("loss/validation")
    by_step = dict(zip(steps.tolist(), losses.tolist(), strict=True))
    assert [by_step[event["step"]] for event in epochs] == [event["validation_loss"] for event in epochs]
    _, accuracies = run.scalars("accuracy/validation")
    assert accuracies.tolist()[-2:] == [event["validation_accuracy"] for event in epochs]
    window.files.load(tmp_path / "same.nnvizrun")
    person.until(state_is(window, "replay"))
    told = window.feed.run
    assert [a.tolist() for a in told.scalars("loss/train")] == [a.tolist() for a in run.scalars("loss/train")]


# ---- errors --------------------------------------------------------------------------------------------------------


def train_on(person: Person) -> None:
    """The window still trains: from rest, one batch."""
    window = person.window
    at = window.training.standing.step
    person.until(lambda: window.action("step").isEnabled())
    person.click(button(window, "Step"))
    person.until(lambda: window.training.standing.step == at + 1)


@pytest.fixture
def caught(monkeypatch: pytest.MonkeyPatch, open_window: OpenWindow) -> MainWindow:
    """A window whose net is out, as in the program."""
    window = open_window("spiral")
    window.net.install()
    monkeypatch.setattr(sys, "excepthook", window.net.handle)
    return window


def test_an_exception_in_a_panel_becomes_a_notice(
    qtbot: QtBot, caught: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person(caught, qtbot)

    def explode(*_args: object, **_named: object) -> bool:
        raise RuntimeError("planted in a panel")

    with monkeypatch.context() as patch:
        patch.setattr(LossPanel, "draw", explode)
        caught.training.step()
        person.until(lambda: caught.notices.notice("exception") is not None)
    notice = caught.notices.notice("exception")
    assert notice is not None and "planted in a panel" in notice.text
    # The step that was asked for is made in spite of it.
    person.until(lambda: caught.training.standing.step == 1)
    assert caught.training.state == "paused"
    caught.net.remove()
    train_on(person)
    loss = person.panel("loss")
    person.until(lambda: not loss.is_empty)


def test_an_exception_in_a_slot_becomes_a_notice(qtbot: QtBot, caught: MainWindow) -> None:
    person = Person(caught, qtbot)

    def explode() -> None:
        raise RuntimeError("planted in a slot")

    caught.canvas.selection_changed.connect(explode)
    person.select(person.nodes[0])
    person.until(lambda: caught.notices.notice("exception") is not None)
    caught.canvas.selection_changed.disconnect(explode)
    caught.net.remove()
    train_on(person)


def test_an_exception_in_the_worker_becomes_a_notice_and_a_new_session_trains(
    qtbot: QtBot, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window("spiral")
    person = Person(window, qtbot)
    from nnviz.probes.filters import WeightProbe

    with monkeypatch.context() as patch:

        def explode(*_args: object) -> list[object]:
            raise RuntimeError("planted in a probe")

        patch.setattr(WeightProbe, "measure", explode)
        person.click(button(window, "Step"))
        person.until(lambda: window.notices.notice("failure") is not None)
    notice = window.notices.notice("failure")
    assert notice is not None and "planted in a probe" in notice.text + notice.details
    press_notice(window, "failure", "Try again")
    person.until(state_is(window, "ready"))
    train_on(person)


# ---- files and editing ---------------------------------------------------------------------------------------------


def test_a_replayed_run_shows_at_each_step_what_was_seen_live(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window("spiral")
    window.resize(1680, 1050)
    QApplication.processEvents()
    person = Person(window, qtbot)
    live = window.training.run
    assert live is not None
    for step in range(1, 5):
        person.until(lambda: window.action("step").isEnabled())
        person.click(button(window, "Step"))
        person.until(lambda step=step: window.training.standing.step == step)
    QApplication.processEvents()

    def seen(step: int) -> tuple[dict[str, object], str]:
        window.feed.set_step(step)
        # A tick of the feed has so many milliseconds: what was not brought up to date in it is so in the next one.
        gradients = person.panel("gradients")
        person.until(lambda: window.canvas._follower._shown is gradients.shown is window.feed.shown)
        assert window.feed.current_step == step
        QApplication.processEvents()
        return dict(person.pictures()), person.panel("gradients").to_csv()

    def look() -> None:  # the notice over a replay leaves less room: what is fitted into it lies between other pixels
        window.canvas.camera.zoom_reset()
        window.canvas.camera.look_at(window.canvas.camera.content_rect().center())
        QApplication.processEvents()

    look()
    live_pictures = {step: seen(step) for step in (0, 2, 4)}
    window.feed.set_step(None)
    target = tmp_path / "kept.nnvizrun"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(target), ""))
    person.until(lambda: window.action("save_run").isEnabled())
    person.keys("E", CONTROL | SHIFT)
    person.until(target.exists)
    window.files.open(target)
    person.until(state_is(window, "replay"))
    replayed = window.feed.run
    assert replayed is not live and set(replayed.names()) == set(live.names())
    for step in (0, 2, 4):
        then, now = live.at(step), replayed.at(step)
        assert set(then) == set(now)
        assert [name for name in then if not is_equal(then[name], now[name])] == []
    look()
    for step, (pictures, table) in live_pictures.items():
        again, again_table = seen(step)
        differ = [node for node in pictures if not np.array_equal(pictures[node], again[node])]
        assert differ == [], (
            step,
            window.canvas.camera.zoom,
            [np.shape(pictures[n]) == np.shape(again[n]) for n in differ],
        )
        assert again_table == table


def test_editing_while_trained_shows_the_difference_and_restart_works(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("spiral")
    person = Person(window, qtbot)
    old = train_a_little(person)
    linear = next(node for node in window.document.project.graph.nodes.values() if node.kind == "linear")
    person.select(linear.id)
    person.set_param("out_features", "5")
    person.until(lambda: window.notices.notice("differs") is not None)
    notice = window.notices.notice("differs")
    assert notice is not None and not window.action("play").isEnabled() and window.training.run is old
    restart = next(found for found in notice.buttons if found.text().startswith("Restart"))
    QApplication.processEvents()
    person.click(restart)
    person.until(lambda: window.training.state == "ready" and window.training.run is not old)
    assert window.notices.notice("differs") is None
    run = train_a_little(person)
    shown = run.latest(f"output/{linear.id}")
    assert shown is not None and shown.array.shape == (5,)
    assert pixels(person.panel("loss").grab().toImage()).size
