"""The top bar: nothing in it is cut or moves, whatever its width and what it shows; the rest is a click away."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QToolButton, QWidget
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow, press_notice

from nnviz.gui.runs.standing import Standing
from nnviz.gui.window.window import MainWindow
from nnviz.project.edits import Edit, SetProject, SetTraining

WIDTHS = (720, 960, 1024, 1280, 1366, 1680, 2560)


def resized(window: MainWindow, width: int) -> None:
    """The window that wide and 600 pixels high, laid out."""
    window.setMinimumSize(1, 1)
    window.resize(width, 600)
    for _ in range(3):
        QApplication.processEvents()


def shown(window: MainWindow) -> list[QWidget]:
    """What stands side by side in the bar, left to right."""
    row = window.top_bar.layout()
    assert row is not None
    items = (row.itemAt(index) for index in range(row.count()))
    return [part for item in items if item is not None and (part := item.widget()) is not None and part.isVisible()]


def places(window: MainWindow) -> list[QRect]:
    """Where every button, caption and value is, on the screen."""
    parts = window.top_bar.findChildren(QToolButton) + window.top_bar.findChildren(QLineEdit)
    return [QRect(part.mapTo(window, part.rect().topLeft()), part.size()) for part in parts if part.isVisible()]


def test_nothing_overlaps_and_nothing_is_cut(open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    window.top_bar.settings.rate.show_value("0.00025")
    for width in WIDTHS:
        resized(window, width)
        for field in (window.top_bar.settings.rate, window.top_bar.settings.batch):
            line = field.lineEdit()
            assert line is not None
            # Where its text is wider than the line, the line begins somewhere within it.
            assert not line.isVisible() or line.cursorPositionAt(QPoint(3, line.height() // 2)) == 0, line.text()
            assert QFontMetrics(line.font()).horizontalAdvance(line.text()) + 4 <= line.width(), line.text()
        parts = shown(window)
        assert all(left.geometry().right() < right.geometry().left() for left, right in pairwise(parts)), width
        assert all(window.top_bar.rect().contains(part.geometry()) for part in parts), width
        for label in window.top_bar.findChildren(QLabel):
            if label.isVisible():
                needed = QFontMetrics(label.font()).horizontalAdvance(label.text())
                assert needed <= label.width(), (width, label.text())
        for button in window.top_bar.findChildren(QToolButton):
            if button.isVisible() and button.toolButtonStyle() != Qt.ToolButtonStyle.ToolButtonIconOnly:
                assert "…" not in button.text(), (width, button.text())
                assert button.sizeHint().width() <= button.width() + 8, (width, button.text())


def test_no_name_is_cut_beside_an_empty_place(open_window: OpenWindow) -> None:
    window = open_window("neuron-sigmoid", ready=False)
    resized(window, 1280)
    assert window.top_bar._title._name == "neuron-sigmoid"
    for width in (800, 1024, 1440):  # what the name takes pushes nothing out
        resized(window, width)
        assert window.top_bar._lacking() <= 0, width


@pytest.mark.parametrize("width", [1024, 1366, 1680])
def test_no_button_moves_whatever_the_bar_shows(
    open_window: OpenWindow, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window("digits-cnn", ready=False)
    resized(window, width)
    bar = window.top_bar
    before = places(window)
    names = ["a", "", "A network with a name that is much too long for any bar of this world", "中文網絡" * 9]
    for name in names:
        window.apply(SetProject(name=name or "untitled"))
        QApplication.processEvents()
        assert places(window) == before, name
    for step in (0, 9, 10, 1234, 987_654, 123_456_789):
        standing = Standing(
            epoch=min(step, 12_345),
            epochs=99,
            step=step,
            steps=max(step, 1),
            samples_per_second=step * 3.7,
            eta_seconds=step / 3,
            device="cuda:1" if step > 100 else "cpu",
        )
        bar._show_standing(standing)
        QApplication.processEvents()
        assert places(window) == before, step
    for sizes in ((1, 1, 1), (48_000, 12_000, 10_000), (987_654, 123_456, 99_999)):
        monkeypatch.setattr(type(window.training), "split_sizes", property(lambda _training, sizes=sizes: sizes))
        for uses in (0, 1, 12):
            bar.pills.refresh()
            bar.pills.test.setText(f"{sizes[2]} test ×{uses}")
            QApplication.processEvents()
            assert places(window) == before, sizes
    for edit in edits(window):
        window.apply(edit)
        QApplication.processEvents()
        assert places(window) == before, edit


def edits(window: MainWindow) -> list[Edit]:
    """Other epochs, batches and a data set whose name is short."""
    training = window.document.project.training
    return [
        *(SetTraining(msgspec.structs.replace(training, epochs=epochs)) for epochs in (1, 10_000)),
        *(SetTraining(msgspec.structs.replace(training, batch_size=size)) for size in (1, 1000)),
    ]


def test_what_has_no_room_is_found_under_the_last_button(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    resized(window, 1680)
    assert not window.top_bar._more.isVisible()
    resized(window, 720)
    bar = window.top_bar
    assert bar._more.isVisible() and not bar.settings.fields["Batch"].isVisible()
    bar._fill_rest()
    words = [action.text() for action in bar._rest.actions()]
    assert any(text.startswith("Data: Handwritten digits") for text in words)
    batch = next(action.menu() for action in bar._rest.actions() if action.text().startswith("Batch"))
    next(action for action in batch.actions() if action.text() == "128").trigger()
    assert window.document.project.training.batch_size == 128


def test_enter_gives_the_keyboard_back_to_the_canvas(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    for field in (
        window.top_bar.settings.rate.lineEdit(),
        window.top_bar.settings.batch.lineEdit(),
        window.top_bar.settings.epochs,
    ):
        assert field is not None
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, "1")
        QTest.keyClick(field, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: window.focusWidget() is window.canvas, timeout=TIMEOUT)
    assert window.document.project.training.epochs == 1
    field = window.top_bar.settings.rate.lineEdit()
    assert field is not None
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert window.focusWidget() is window.canvas


def test_a_number_is_typed_over_while_it_trains(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("spiral")
    field = window.top_bar.settings.rate.lineEdit()
    assert field is not None
    window.action("play").trigger()
    qtbot.waitUntil(lambda: window.training.standing.step > 0, timeout=TIMEOUT)
    field.setFocus()
    # A double click takes the number, not what stands on one side of its point.
    QTest.mouseDClick(field, Qt.MouseButton.LeftButton, pos=field.rect().center())
    assert field.selectedText() == field.text() == "0.01"
    now = window.training.standing.step
    qtbot.waitUntil(lambda: window.training.standing.step > now, timeout=TIMEOUT)  # the bar is told of it
    assert field.selectedText() == "0.01"
    QTest.keyClicks(field, "0.5")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert window.document.project.training.optimizer.params["learning_rate"] == 0.5


def test_a_wrong_learning_rate_says_why_it_is_refused(open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    field = window.top_bar.settings.rate.lineEdit()
    assert field is not None
    before = field.text()
    for wrong in ("0", "-3", "quick", "1e9", "nan"):
        window.message.say("")
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, wrong)
        QTest.keyClick(field, Qt.Key.Key_Return)
        assert window.message.isVisible() and "Learning rate is" in window.message.text(), wrong
        assert "above 0 and at most 1000" in window.message.text(), wrong
        assert field.text() == before, wrong


def test_what_waits_for_a_restart_looks_so_and_names_what_is_in_use(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window("digits-cnn")
    bar = window.top_bar
    fields = {"rate": bar.settings.rate, "batch": bar.settings.batch, "optimizer": bar.settings.optimizer}

    def waiting() -> dict[str, str]:
        return {
            name: field.toolTip().removeprefix("Waits for a restart. The network in training has ")
            for name, field in fields.items()
            if field.property("waiting")
        }

    window.training.step()
    qtbot.waitUntil(lambda: window.training.trained and window.training.state == "paused", timeout=TIMEOUT)
    bar.settings.rate.chosen.emit("0.005")  # live: it holds from the next batch on
    bar.settings.batch.chosen.emit("32")  # and this from the next epoch on
    bar.settings.optimizer.chosen.emit("SGD")
    qtbot.waitUntil(lambda: waiting() == {"optimizer": "Adam.", "rate": "0.005."}, timeout=TIMEOUT)
    sizes = {name: field.size() for name, field in fields.items()}
    press_notice(window, "differs", "Keep training the old one")
    qtbot.waitUntil(lambda: not window.training.differs, timeout=TIMEOUT)
    assert waiting() == {"optimizer": "Adam.", "rate": "0.005."}  # it still has them
    window.training.reset()
    qtbot.waitUntil(lambda: window.training.state == "ready" and not waiting(), timeout=TIMEOUT)
    assert {name: field.size() for name, field in fields.items()} == sizes


def test_how_long_it_takes_is_said_before_play_and_not_while_it_trains(open_window: OpenWindow, qtbot: QtBot) -> None:
    window = open_window("spiral")
    expected, tab = window.training.expected, window.inspector.training
    window.inspector.show_tab("training")
    qtbot.waitUntil(tab.expected.isVisible, timeout=TIMEOUT)
    duration = expected.duration(window.training.split_sizes)
    assert duration is not None and duration.epochs == 300
    assert tab.expected.text() == f"A{duration.text[1:]}." and "steps of a copy" in tab.expected.toolTip()
    eta = window.top_bar._eta
    assert eta.text().startswith("ready, ~") and duration.why in eta.toolTip()
    assert QFontMetrics(eta.font()).horizontalAdvance("ready, ~12:03:09") <= window.top_bar._progress_box.width()
    before = duration.epoch
    window.apply(SetTraining(msgspec.structs.replace(window.document.project.training, epochs=20)))
    duration = expected.duration(window.training.split_sizes)
    assert duration is not None and (duration.epoch, duration.epochs) == (before, 20), "it is not timed again"
    assert window.training.standing.step == 0, "what was timed was a copy"
    window.training.play()
    qtbot.waitUntil(lambda: window.training.running and "ETA" in eta.text(), timeout=TIMEOUT)
    assert not window.training.pause()
