from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QToolButton
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow, button, press_notice, state_is

from nnviz.gui.look import theme
from nnviz.gui.parts.action import actions_by_menu
from nnviz.gui.window.window import MainWindow
from nnviz.project.edits import RemoveNodes, SetParam, SetTraining
from nnviz.project.model import Choice, DataConfig, Project, TrainConfig
from nnviz.project.samples import templates
from nnviz.project.samples.sketch import chain, flatten, image, linear, output
from nnviz.record.readings import Cure


def broken_project() -> Project:
    """A squared error with a learning rate of 10."""
    project = templates.sample("digits-cnn")
    graph = chain(image(1, 8, 8), flatten(), linear(10), output("mse"))
    training = TrainConfig(Choice("sgd", {"learning_rate": 10.0}), batch_size=8, epochs=1)
    return msgspec.structs.replace(project, graph=graph, training=training, data=DataConfig("digits", {"size": "8"}))


# ---- training ------------------------------------------------------------------------------------------------------


def test_a_network_is_trained_with_the_mouse(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("spiral")
    run = window.training.run
    assert run is not None and window.feed.run is run
    qtbot.mouseClick(button(window, "Play"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: run.last_step > 30, timeout=TIMEOUT)
    qtbot.waitUntil(state_is(window, "running"), timeout=TIMEOUT)  # The run grows before the window hears of it.
    assert button(window, "Pause").text() == "Pause"
    qtbot.mouseClick(button(window, "Pause"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(state_is(window, "paused"), timeout=TIMEOUT)
    before = window.training.standing.step
    qtbot.mouseClick(button(window, "Step"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.training.standing.step == before + 1, timeout=TIMEOUT)
    qtbot.mouseClick(button(window, "Step back"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.training.standing.step == before, timeout=TIMEOUT)
    qtbot.mouseClick(button(window, "Reset"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.training.state == "ready" and window.feed.run is not run, timeout=TIMEOUT)
    assert window.training.standing.step == 0


def test_a_network_is_trained_with_the_keyboard(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("spiral")
    window.canvas.setFocus()
    qtbot.keyClick(window.canvas, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: window.training.standing.step > 3, timeout=TIMEOUT)
    qtbot.keyClick(window, Qt.Key.Key_F5)
    qtbot.waitUntil(state_is(window, "paused"), timeout=TIMEOUT)
    before = window.training.standing.step
    qtbot.keyClick(window, Qt.Key.Key_F10)
    qtbot.waitUntil(lambda: window.training.standing.step == before + 1, timeout=TIMEOUT)


def test_a_second_press_pauses_even_before_the_first_is_answered(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("spiral")
    window.training.toggle()
    window.training.toggle()  # no event was handled in between: the window has not been told that it runs
    qtbot.waitUntil(state_is(window, "paused"), timeout=TIMEOUT)
    window.training.toggle()
    qtbot.waitUntil(state_is(window, "running"), timeout=TIMEOUT)


def test_what_is_to_play_is_the_project_on_the_canvas_not_the_one_before(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and")
    old = window.training.run
    window.files.open_sample("spiral", window.training.play_when_ready)
    window.training._on_state("ready")  # the last word of the session before, which is closed a moment later
    qtbot.waitUntil(lambda: window.training.run is not old and window.training.trained, timeout=TIMEOUT)
    second = window.training.run
    window.files.open_sample("xor-one-neuron")
    window.training.play()  # no event was handled in between: the session of the spiral is still there
    qtbot.waitUntil(lambda: window.training.run is not second and window.training.trained, timeout=TIMEOUT)
    assert b"xor" in window.training.run.info.project_json.lower()
    assert old.last_step == 0


def test_panels_and_cards_show_the_run(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("spiral")
    assert window.docks is not None
    loss = window.docks.panels["loss"]
    window.training.play()
    qtbot.waitUntil(lambda: not loss.is_empty and loss.run is window.feed.run, timeout=TIMEOUT)
    window.training.pause()
    qtbot.waitUntil(state_is(window, "paused"), timeout=TIMEOUT)
    node = next(key for key, node in window.document.project.graph.nodes.items() if node.kind == "linear")
    window.canvas.select([node])
    assert window.docks.panels["filters"].selection == node


def test_the_learning_rate_and_the_epochs_change_without_a_restart(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("spiral")
    run = window.training.run
    window.training.step()
    qtbot.waitUntil(lambda: window.training.standing.step == 1, timeout=TIMEOUT)
    field = window.top_bar.settings.rate.lineEdit()
    assert isinstance(field, QLineEdit)
    field.selectAll()
    qtbot.keyClicks(field, "0.0125")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert window.document.project.training.optimizer.params["learning_rate"] == 0.0125
    window.training.step()
    assert run is not None
    qtbot.waitUntil(lambda: 0.0125 in run.scalars("learning_rate")[1], timeout=TIMEOUT)
    field.selectAll()
    qtbot.keyClicks(field, "-3")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert field.text() == "0.0125"
    training = window.document.project.training
    window.apply(SetTraining(msgspec.structs.replace(training, epochs=77)))
    qtbot.waitUntil(lambda: window.training.standing.epochs == 77, timeout=TIMEOUT)
    assert window.training.run is run and not window.training.differs


def test_building_keeps_the_session_in_line_without_asking(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("spiral")
    first = window.training.run
    node = next(key for key, node in window.document.project.graph.nodes.items() if node.kind == "linear")
    window.apply(SetParam(node, "out_features", 5))
    qtbot.waitUntil(
        lambda: window.training.run is not first and window.feed.run is window.training.run, timeout=TIMEOUT
    )
    sample = window.feed.run.latest(f"output/{node}")
    assert sample is not None and sample.array.shape == (5,)
    assert window.notices.notice("differs") is None
    second = window.training.run
    window.document.undo()
    qtbot.waitUntil(
        lambda: window.training.run is not second and window.feed.run is window.training.run, timeout=TIMEOUT
    )


def test_after_training_the_user_chooses_between_the_networks(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("spiral")
    old = window.training.run
    window.training.step()
    qtbot.waitUntil(lambda: window.training.standing.step == 1, timeout=TIMEOUT)
    node = next(key for key, node in window.document.project.graph.nodes.items() if node.kind == "linear")
    window.apply(SetParam(node, "out_features", 5))
    qtbot.waitUntil(lambda: window.notices.notice("differs") is not None, timeout=TIMEOUT)
    assert not window.action("play").isEnabled() and "differs" in window.action("play").toolTip()
    notice = window.notices.notice("differs")
    assert notice is not None and f"of {node}: 5, not " in notice.toolTip()
    assert notice.toolTip() in window.action("play").toolTip()
    press_notice(window, "differs", "Keep training the old one")
    assert window.action("play").isEnabled()
    window.training.step()
    qtbot.waitUntil(lambda: window.training.standing.step == 2, timeout=TIMEOUT)
    assert window.training.run is old
    # Undone, the networks are the same again; changed once more, the question comes back.
    window.document.undo()
    qtbot.waitUntil(lambda: window.training.settled, timeout=TIMEOUT)
    window.apply(SetParam(node, "out_features", 6))
    qtbot.waitUntil(lambda: window.notices.notice("differs") is not None, timeout=TIMEOUT)
    press_notice(window, "differs", "Restart with the new network")
    qtbot.waitUntil(lambda: window.training.state == "ready" and window.training.run is not old, timeout=TIMEOUT)
    assert window.notices.notice("differs") is None


def test_a_broken_network_says_why_and_offers_the_cure(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    flatten = next(key for key, node in window.document.project.graph.nodes.items() if node.kind == "flatten")
    window.apply(RemoveNodes((flatten,), rejoin=True))
    qtbot.waitUntil(lambda: window.notices.notice("blocked") is not None, timeout=TIMEOUT)
    notice = window.notices.notice("blocked")
    assert notice is not None and "flat" in notice.text
    assert not window.action("play").isEnabled()
    assert notice.text.split(": ", 1)[1].split("  (and")[0] in window.action("play").toolTip()
    cure = notice.buttons[0]
    assert cure.text() not in {"Show", "Details"}
    cure.click()
    qtbot.waitUntil(lambda: window.notices.notice("blocked") is None, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: window.action("play").isEnabled(), timeout=TIMEOUT)


def test_missing_data_is_said_with_the_way_to_get_it(
    qtbot: QtBot, open_window: OpenWindow, tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = msgspec.structs.replace(templates.sample("mlp-50"), data=DataConfig("mnist"))
    window = open_window(project, ready=False, data_dir=tmp_path / "nowhere")
    qtbot.waitUntil(lambda: window.notices.notice("failure") is not None, timeout=TIMEOUT)
    notice = window.notices.notice("failure")
    assert notice is not None and "MNIST was not found" in notice.text
    assert [found.text().split(" (")[0] for found in notice.buttons] == ["Download", "Choose the folder…"]
    assert not window.action("play").isEnabled()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: str(shared_data))
    press_notice(window, "failure", "Choose the folder…")
    qtbot.waitUntil(state_is(window, "ready"), timeout=TIMEOUT)
    assert window.notices.notice("failure") is None


def test_the_test_set_is_locked_until_it_is_used_and_every_use_is_counted(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    window = open_window("spiral")
    pill = window.top_bar.pills.test
    assert "untouched" in pill.toolTip()
    qtbot.mouseClick(pill, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "×1" in pill.text(), timeout=TIMEOUT)
    assert "once" in pill.toolTip()
    window.training.step()
    qtbot.waitUntil(lambda: window.training.standing.step == 1, timeout=TIMEOUT)
    qtbot.mouseClick(pill, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "×2" in pill.text(), timeout=TIMEOUT)


def test_another_sample_is_pinned_by_keys(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("spiral")
    window.action("next_sample").trigger()
    assert window.document.project.view.pinned_sample == 1
    qtbot.waitUntil(lambda: window.feed.run.latest("input/pinned").meta["sample"] == 1, timeout=TIMEOUT)
    window.action("previous_sample").trigger()
    window.action("previous_sample").trigger()
    assert window.document.project.view.pinned_sample == window.training.standing.validation_count - 1


def test_after_the_last_epoch_play_trains_as_many_again(qtbot: QtBot, open_window: OpenWindow) -> None:
    project = templates.sample("xor-one-neuron")
    project = msgspec.structs.replace(project, training=msgspec.structs.replace(project.training, epochs=2))
    window = open_window(project)
    window.training.play()
    qtbot.waitUntil(state_is(window, "done"), timeout=TIMEOUT)
    window.training.toggle()  # the pause that came a moment too late
    qtbot.wait(50)
    assert window.training.state == "done" and window.training.standing.epoch == 2
    assert not button(window, "Train on").isEnabled()
    qtbot.waitUntil(button(window, "Train on").isEnabled, timeout=TIMEOUT)
    assert "train 2 more" in window.action("play").toolTip()
    qtbot.mouseClick(button(window, "Train on"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.training.standing.epoch == 4, timeout=TIMEOUT)
    assert window.document.project == project and not window.document.is_modified


def test_cures_of_findings_are_carried_out(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("spiral")
    window.cures.cure(Cure("Try 0.005", "set_learning_rate", "0.005"))
    assert window.document.project.training.optimizer.params["learning_rate"] == 0.005
    node = next(iter(window.document.project.graph.nodes))
    window.cures.cure(Cure("Show units", "show_units", node))
    assert window.canvas.selected == (node,)


def test_a_training_that_breaks_rests_and_its_cure_is_one_click(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window(broken_project())
    window.training.play()
    qtbot.waitUntil(lambda: bool(window.feed.run.findings()) and state_is(window, "paused")(), timeout=TIMEOUT)
    (finding,) = [one for one in window.feed.run.findings() if one.series == "finding/not_finite"]
    assert window.training.standing.step == finding.step - 1
    assert "infinite at step" in finding.text
    cure = next(cure for cure in finding.cures if cure.action == "go_back")
    step, rate = cure.value.split()
    window.cures.cure(cure)
    qtbot.waitUntil(lambda: window.training.standing.step == int(step), timeout=TIMEOUT)
    assert window.document.project.training.optimizer.params["learning_rate"] == float(rate)
    assert not [one for one in window.feed.run.findings() if one.severity == "error"]
    window.training.play()
    qtbot.waitUntil(state_is(window, "done"), timeout=TIMEOUT)
    values = window.feed.run.scalars("loss/train")[1]
    assert np.isfinite(values).all()


def test_a_cure_out_of_a_file_may_hold_anything(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("spiral")
    before = window.document.project
    for value in ("", "3,", "x 0.1", "3 x", "3 nan", "3 -1", "3 1e9", "-5 0.1", "9" * 5000 + " 0.1"):
        window.cures.cure(Cure("Go back", "go_back", value))
        window.cures.cure(Cure("Try", "set_learning_rate", value))
        window.cures.cure(Cure("Scale", "prepare", value))
        assert window.document.project == before, value[:20]


# ---- timeline ------------------------------------------------------------------------------------------------------


def test_the_timeline_is_dragged_and_returns_to_live(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("spiral")
    window.bridge.step(40)
    qtbot.waitUntil(lambda: window.feed.run.last_step == 40, timeout=TIMEOUT)
    qtbot.waitUntil(state_is(window, "paused"), timeout=TIMEOUT)
    track = window.timeline.track
    qtbot.waitUntil(lambda: track._last == 40, timeout=TIMEOUT)
    place = QPoint(round(track.position_of(25)), track.height() // 2)
    qtbot.mouseClick(track, Qt.MouseButton.LeftButton, pos=place)
    shown = window.feed.current_step
    pixel = track._planned / (track.width() - 16)
    assert shown is not None and abs(shown - 25) <= pixel
    assert window.timeline._live.isVisible()
    qtbot.keyClick(track, Qt.Key.Key_Left)
    assert window.feed.current_step == shown - 1
    qtbot.mouseDClick(track, Qt.MouseButton.LeftButton, pos=place)
    assert window.feed.live
    qtbot.keyClick(track, Qt.Key.Key_Home)
    assert window.feed.current_step == 0
    window.action("live").trigger()
    assert window.feed.live and track.step is None


# ---- looks and habits ----------------------------------------------------------------------------------------------


def test_every_action_has_words_a_shortcut_and_no_key_is_given_twice(open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    seen: dict[str, str] = {}
    for _title, entries in actions_by_menu(window.offered):
        for spec in entries:
            action = window.action(spec.name)
            assert action.shortcuts(), spec.name
            assert action.shortcut().toString() in action.toolTip() or not action.isEnabled(), spec.name
            assert action.statusTip()
            for sequence in action.shortcuts():
                key = sequence.toString()
                assert seen.setdefault(key, spec.name) == spec.name, key
    others = [action for action in window.findChildren(QAction) if action.shortcut().toString() in seen]
    assert {action.objectName() for action in others} <= {f"action-{name}" for name in seen.values()}


def test_everything_that_takes_the_focus_has_a_name(open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    for area in (window.top_bar, window.timeline):
        for widget in area.findChildren(QToolButton) + area.findChildren(QLineEdit):
            if widget.focusPolicy() != Qt.FocusPolicy.NoFocus:
                assert widget.accessibleName() or widget.text(), widget


def test_numbers_in_the_bars_move_nothing(qtbot: QtBot, open_window: OpenWindow) -> None:
    from nnviz.gui.runs.standing import Standing

    window = open_window("and", ready=False)
    places = []
    for step in (0, 7, 987_654):
        window.top_bar._show_standing(Standing(epoch=min(step, 9), epochs=10, step=step, steps=10**6, device="cpu"))
        window.timeline._on_moved(Standing(step=step, probe_cost=step / 10**7))
        QApplication.processEvents()
        parts = [*window.top_bar.findChildren(QToolButton), window.timeline.track, window.timeline._where]
        places.append([part.geometry() for part in parts])
    assert places[0] == places[1] == places[2]


@pytest.mark.parametrize("size", [(1680, 1050), (1280, 720)])
def test_nothing_in_the_bars_is_cut_off(size: tuple[int, int], qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    window.resize(*size)
    QApplication.processEvents()
    bar = window.top_bar
    right = 0
    for index in range(bar.layout().count()):
        widget = bar.layout().itemAt(index).widget()
        if widget is None or not widget.isVisible():
            continue
        place = widget.geometry()
        assert place.left() >= right and place.right() <= bar.width(), widget
        assert place.width() >= widget.minimumSizeHint().width() - 1, widget
        right = place.right()
    assert window.canvas.width() >= 600


def test_both_themes_and_lecture_mode(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and")
    assert window.docks is not None
    window.action("switch_theme").trigger()
    assert not theme.current().dark and window.settings.theme == "light"
    middle = window.grab().toImage().pixelColor(window.width() - 8, 90)
    assert middle.lightness() > 200
    window.action("lecture").trigger()
    assert window.lecture.page is not None and window.lecture.page.geometry() == window.rect()
    assert window.grab().toImage().pixelColor(4, 4).lightness() > 200
    assert not window.docks.docks["loss"].isHidden() and theme.font(13).pixelSize() == 13
    window.action("lecture").trigger()
    assert window.lecture.page is None and not window.palette_panel.isHidden()
    window.action("switch_theme").trigger()
    assert theme.current().dark


def test_panels_are_closed_added_and_remembered(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    assert window.docks is not None
    docks = window.docks.docks
    shown = {key for key, dock in docks.items() if not dock.isHidden()}
    assert shown == {"loss", "gradients", "dead_units", "findings"}
    docks["findings"].close()
    docks["filters"].toggleViewAction().trigger()
    window.resize(1400, 900)
    window.finish()
    other = MainWindow(window.document, settings=window.settings)
    try:
        other.show()
        qtbot.waitUntil(lambda: other.docks is not None, timeout=TIMEOUT)
        assert other.docks is not None
        again = {key for key, dock in other.docks.docks.items() if not dock.isHidden()}
        assert again == {"loss", "gradients", "dead_units", "filters"}
        other.action("reset_arrangement").trigger()
        assert {key for key, dock in other.docks.docks.items() if not dock.isHidden()} == shown
    finally:
        other.finish()
        other.deleteLater()


def test_samples_are_chosen_from_cards_and_train_at_once(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and")
    window.action("samples").trigger()
    welcome = window.overlays.welcome
    assert welcome is not None
    card = next(card for card in welcome.cards if card.info.name == "spiral")
    qtbot.mouseClick(card.train, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.training.state == "running", timeout=TIMEOUT)
    assert window.document.project == templates.sample("spiral")
