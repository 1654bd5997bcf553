"""A weight is clicked twice, typed over and taken back, in the real window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow

from nnviz.gui.panels.enlarged import Enlarged
from nnviz.gui.panels.filters import FiltersPanel, FilterView
from nnviz.gui.window.window import MainWindow
from nnviz.project.edits import SetTraining
from nnviz.record.stored import open_run
from nnviz.train.weight_edits import WeightChange


def of_network(qtbot: QtBot, window: MainWindow, name: str) -> Any:
    """A tensor of the live network as it is now."""
    session = window.bridge.session
    assert session is not None
    return session.ask(lambda: session.training.network.state_dict()[name].clone().numpy()).result(20)


def enlarged(view: FilterView, tile: int) -> Enlarged:
    """One tile of a view, enlarged by a click on it."""
    QTest.mouseClick(view.grid, Qt.MouseButton.LeftButton, pos=view.grid.tile_rect(tile).center().toPoint())
    popup = view._enlarged
    assert popup is not None
    return popup


def type_into(popup: Enlarged, row: int, column: int, text: str) -> None:
    """Click a number of the picture twice, type another, and press Enter."""
    spot = popup.picture.cell_rect(row, column).center()
    QTest.mouseDClick(popup.picture, Qt.MouseButton.LeftButton, pos=spot)
    view = popup.parent()
    assert isinstance(view, FilterView)
    assert view.editing is not None
    field = view.editing.field
    assert field is not None
    assert field.line.selectedText() == field.line.text()
    QTest.keyClicks(field.line, text)
    QTest.keyClick(field.line, Qt.Key.Key_Return)


def test_a_weight_is_typed_over_and_everything_follows(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    window.training.step()
    qtbot.waitUntil(lambda: window.training.standing.step == 1, timeout=TIMEOUT)
    panel = window.docks.show_panel("filters")
    assert isinstance(panel, FiltersPanel)
    conv = next(key for key, one in window.document.project.graph.nodes.items() if one.kind == "conv2d")
    window.canvas.select([conv])
    qtbot.waitUntil(lambda: panel.node == conv and panel.view.grid.data is not None, timeout=TIMEOUT)
    before = of_network(qtbot, window, f"{conv}.weight")
    popup = enlarged(panel.view, 2)
    type_into(popup, 1, 0, "0,75")
    qtbot.waitUntil(lambda: of_network(qtbot, window, f"{conv}.weight")[2, 0, 1, 0] == 0.75, timeout=TIMEOUT)
    after = of_network(qtbot, window, f"{conv}.weight")
    assert (after != before).sum() == 1
    qtbot.waitUntil(lambda: panel.view.grid.data.values[2][1, 0] == 0.75, timeout=TIMEOUT)  # type: ignore[union-attr]
    run = window.feed.run
    (finding,) = [one for one in run.findings() if one.series == f"finding/edited/{conv}"]
    assert "to 0.75 at step 1" in finding.text
    # The timeline marks it as it marks a changed setting, for as long as it holds.
    track = window.timeline.track
    qtbot.waitUntil(lambda: [mark.step for mark in track.events] == [1], timeout=TIMEOUT)
    said = track.event_at(track.position_of(1)).splitlines()
    assert said[0] == "Changed after step 1" and said[1].startswith(f"weight of {conv}[2, 0, 1, 0] was set from ")
    assert len(said) == 2 and said[1].endswith(" to 0.75")
    # What is no number stays in the field with the reason, and nothing is set.
    type_into(popup, 0, 0, "1e99")
    assert panel.view.editing is not None and panel.view.editing.field is not None
    assert "too large" in panel.view.editing.field.note.text()
    QTest.keyClick(panel.view.editing.field.line, Qt.Key.Key_Escape)
    # Undo is that of the weights where the keyboard is; the document has nothing to do with it.
    project = window.document.project
    QTest.keySequence(popup, QKeySequence(QKeySequence.StandardKey.Undo))
    qtbot.waitUntil(lambda: bool((of_network(qtbot, window, f"{conv}.weight") == before).all()), timeout=TIMEOUT)
    qtbot.waitUntil(lambda: not track.events, timeout=TIMEOUT)
    # The menu offers what the finding names.
    qtbot.waitUntil(window.action("redo_weight_edit").isEnabled, timeout=TIMEOUT)
    assert not window.action("undo_weight_edit").isEnabled()
    popup.close()
    qtbot.waitUntil(lambda: window.bridge.position.redoable_edit != "", timeout=TIMEOUT)  # type: ignore[union-attr]
    panel.view.grid.setFocus()
    QTest.keySequence(panel.view.grid, QKeySequence(QKeySequence.StandardKey.Redo))
    qtbot.waitUntil(lambda: of_network(qtbot, window, f"{conv}.weight")[2, 0, 1, 0] == 0.75, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: [mark.step for mark in track.events] == [1], timeout=TIMEOUT)
    assert window.document.project is project


def test_biases_and_weights_of_dense_layers_are_typed_too(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("spiral")
    node = next(key for key, one in window.document.project.graph.nodes.items() if one.kind == "linear")
    window.canvas.select([node])
    assert window.inspector is not None
    view = window.inspector.layer.filters
    qtbot.waitUntil(lambda: view.grid.data is not None and view.isVisible(), timeout=TIMEOUT)
    type_into(enlarged(view, 0), 3, 1, "-2")
    qtbot.waitUntil(lambda: of_network(qtbot, window, f"{node}.weight")[3, 1] == -2, timeout=TIMEOUT)
    view._enlarged.close()  # type: ignore[union-attr]
    view.channel_box.setCurrentIndex(view.channel_box.findText("biases"))
    view.channel_box.activated.emit(view.channel_box.currentIndex())
    type_into(enlarged(view, 4), 0, 0, "1.5")
    qtbot.waitUntil(lambda: of_network(qtbot, window, f"{node}.bias")[4] == 1.5, timeout=TIMEOUT)
    view._enlarged.close()  # type: ignore[union-attr]
    # At an earlier step there is nothing to set.
    window.training.step()
    qtbot.waitUntil(lambda: window.training.standing.step == 1, timeout=TIMEOUT)
    window.feed.set_step(0)
    assert "earlier step" in window.training.hand.why_not()
    assert "earlier step" in window.training.hand.undo()


def test_a_run_whose_weights_were_set_before_its_first_step_is_replayed_with_them(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    from nnviz.explain.asked import of_run

    window = open_window("spiral")
    node = next(key for key, one in window.document.project.graph.nodes.items() if one.kind == "linear")
    assert window.training.hand.edit([WeightChange(node, "weight", (0, 0), 2.5)]) == ""
    qtbot.waitUntil(lambda: of_network(qtbot, window, f"{node}.weight")[0, 0] == 2.5, timeout=TIMEOUT)
    start = of_network(qtbot, window, f"{node}.weight")
    # What was set by hand is not thrown away without a word, as an untrained network is.
    before = window.document.project.training
    window.document.apply(SetTraining(msgspec.structs.replace(before, seed=7)))
    qtbot.waitUntil(lambda: window.training.differs, timeout=TIMEOUT)
    window.document.undo()
    qtbot.waitUntil(lambda: not window.training.differs, timeout=TIMEOUT)
    assert (of_network(qtbot, window, f"{node}.weight") == start).all()
    window.training.step()
    qtbot.waitUntil(lambda: window.training.standing.step == 1, timeout=TIMEOUT)
    assert window.training.run is not None
    recorder = window.recorder

    def kept() -> bool:
        path = recorder.path_of(window.training.run)  # type: ignore[arg-type]  # there is one
        if path is None:
            return False
        with open_run(path) as stored:
            return any(one.step == 0 for one in stored.checkpoints())

    qtbot.waitUntil(kept, timeout=TIMEOUT)
    path = recorder.path_of(window.training.run)
    assert path is not None
    _, restored, _ = of_run(path, 0)
    assert (restored.network.state_dict()[f"{node}.weight"].numpy() == start).all()


def test_the_numbers_of_a_recorded_run_stay(qtbot: QtBot, open_window: OpenWindow, tmp_path: Path) -> None:
    from nnviz.cli import main

    path = tmp_path / "kept.nnvizrun"
    assert main(["train", "sample:spiral", "--epochs", "1", "--run", str(path)]) == 0
    window = open_window("digits-cnn", ready=False, run_path=path)
    qtbot.waitUntil(lambda: window.training.state == "replay", timeout=TIMEOUT)
    assert "recorded run cannot be changed" in window.training.hand.edit([])
