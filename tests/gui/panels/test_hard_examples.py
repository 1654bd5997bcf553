"""The hardest examples are listed, and what is decided about them by clicks reaches document and training."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow, is_ready

from nnviz.gui.panels.hard_examples import HardExamplesPanel, hardest
from nnviz.project.edits import SetData
from nnviz.project.model import Choice
from nnviz.record.quantities import EXAMPLE_LOSS
from nnviz.record.readings import ArrayReading


def test_the_hardest_come_first() -> None:
    loss = np.array([0.5, np.nan, 3.0, np.inf, 0.1, 3.0], np.float16)
    arrays = {"loss": loss, "forgotten": np.array([0, 2, 2, 0, 5, 2]), "margin": np.array([1, 2, -3, 0, 9, -4.0])}
    assert hardest(arrays, "loss") == [3, 2, 5, 0, 4, 1]
    assert hardest(arrays, "forgotten") == [4, 2, 5, 1, 3, 0]
    assert hardest(arrays, "margin", 2) == [5, 2]


def test_examples_are_curated_by_clicks(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    panel = window.docks.show_panel("hard_examples")
    assert isinstance(panel, HardExamplesPanel) and panel.is_empty
    # Of mixed examples nothing is recorded: there is nothing to wait for.
    usual, data = panel.hint, window.document.project.data
    window.apply(SetData(replace(data, augmentation=(Choice("mix_up"),))))
    assert "mix-up" in panel.hint and "Press Play" in usual
    window.document.undo()
    assert panel.hint == usual
    qtbot.waitUntil(lambda: is_ready(window), timeout=TIMEOUT)
    session = window.bridge.session
    assert session is not None
    session.step(20)  # the first epoch has 18
    qtbot.waitUntil(lambda: len(panel._known) == panel.list.count() > 10, timeout=TIMEOUT)

    run = window.training.run
    assert run is not None
    found = run.latest(EXAMPLE_LOSS.series())
    assert isinstance(found, ArrayReading)
    place = int(found.array.astype(np.float32).argmax())
    first = panel.list.item(0)
    assert panel._place(first) == place and not panel.leave_out.isEnabled()
    truth = panel._known[place]

    QTest.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=panel.list.visualItemRect(first).center())
    other = next(name for name in panel._names if name != truth.label)
    panel.label.setCurrentText(other)
    QTest.mouseClick(panel.relabel, Qt.MouseButton.LeftButton)
    assert first.text().startswith(f"{truth.label} → {other}")
    (entry,) = window.document.project.curation
    assert (entry.example, entry.mark, entry.label, entry.weight) == (truth.number, truth.mark, other, 1.0)

    def targets() -> int:
        training = session.training
        raw = int(training.data.train.targets[place])
        assert training.data.class_names[raw] == truth.label  # the data stay as they are
        return int(training._batches.latest.targets[place])

    # The session takes it on without being begun anew, and gives it back.
    assert session.ask(targets).result(20) == panel._names.index(other)
    QTest.mouseClick(panel.leave_out, Qt.MouseButton.LeftButton)
    assert "left out" in first.text() and window.document.project.curation[0].weight == 0
    assert window.bridge.session is session and not window.training.differs
    for _ in range(2):
        window.actions_by_name["undo"].trigger()
    assert window.document.project.curation == () and first.text().startswith(f"{truth.label}\n")
    assert session.ask(targets).result(20) == panel._names.index(truth.label)
