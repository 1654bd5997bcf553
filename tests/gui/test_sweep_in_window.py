"""A sweep in a real window: set up, started, looked at in every view, its settings taken, by mouse and keys."""

from __future__ import annotations

import math

import msgspec
import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from window_hands import Person
from window_kit import OpenWindow

from nnviz.gui.panels.sweep import SweepPanel
from nnviz.project.edits import SetTraining
from nnviz.project.starts import with_own_start
from nnviz.record.library import Library
from nnviz.record.places import runs_folder
from nnviz.train import sweep_record
from nnviz.train.sweep import Budget, Sweep
from nnviz.train.sweep_record import SweepRecord, SweptRun, Trial

Key = Qt.Key


def view(person: Person, panel: SweepPanel, key: str) -> None:
    person.click(panel.views._buttons[key])
    QApplication.processEvents()


def test_a_sweep_is_set_up_made_read_and_used(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("xnor-two-layer")
    document = window.document
    document.apply(SetTraining(msgspec.structs.replace(document.project.training, epochs=2)))
    person = Person(window, qtbot)
    panel = window.docks.show_panel("sweep")
    assert isinstance(panel, SweepPanel)
    person.until(panel.isVisible)
    # The docks make room for it first.
    person.until(lambda: panel.setup.add.visibleRegion().boundingRect().height() > 20 and panel.height() > 200)

    # Nothing varies yet, and it says what to do; a setting is found by a few letters.
    assert not panel.start_button.isEnabled() and "Choose a setting" in panel.words.text()
    panel.setup.add.setFocus()
    person.until(panel.setup.add.hasFocus)
    # Taken from the list that drops down while one types, it is one setting, and not the next of the list as well.
    person.write("learning ra")
    completer = panel.setup.add.completer()
    assert completer is not None
    person.until(completer.popup().isVisible)
    QTest.keyClick(completer.popup(), Key.Key_Down)
    QTest.keyClick(completer.popup(), Key.Key_Return)
    person.until(lambda: not panel.setup.add.currentText())
    assert [row.setting.path for row in panel.setup.rows] == ["training.learning_rate"]
    panel.setup._remove(panel.setup.rows[0])
    panel.setup.add.setFocus()
    person.write("learning ra")
    person.keys(Key.Key_Return)
    assert [row.setting.path for row in panel.setup.rows] == ["training.learning_rate"]
    row = panel.setup.rows[0]
    row.values.setText("0.1, -1")
    assert "learning rate is -1" in panel.words.text() and row.values.property("invalid")
    row.values.setText("0.01..0.1:log:2")
    panel.setup.seeds.setValue(2)
    assert panel.words.text().startswith("4 runs")

    person.until(lambda: not window.training.blocked())
    person.click(panel.start_button)
    person.until(lambda: panel._sweeps.record is not None and not panel._sweeps.running)
    assert "Every combination was tried." in panel.words.text()
    assert len(Library(runs_folder()).runs()) == 4
    (path,) = sweep_record.listed()
    record = sweep_record.load(path)
    best = record.best_first()[0]
    assert math.isclose(best.mean, np.mean(best.values)) and len(best.values) == 2

    # The same trial is marked wherever it is clicked.
    other = record.best_first()[1].number
    person.click(panel.table.viewport(), panel.table.visualItemRect(panel.table.item(1, 0)).center())
    assert panel.chosen is not None and panel.chosen.number == other
    view(person, panel, "scatter")
    person.click(panel.scatter, panel.scatter.point_of(best.number).toPoint())
    assert panel.chosen.number == best.number == panel.parallel.chosen
    view(person, panel, "parallel")
    line = panel.parallel.line_of(record.trials[other])
    person.click(panel.parallel, ((line[0] * 3 + line[1]) / 4).toPoint())
    assert panel.chosen.number == other
    assert panel.table.currentRow() == 1

    # A brush around its learning rate leaves the best trial.
    end = panel.parallel.line_of(best)[0].toPoint()
    person.drag(panel.parallel, end + QPoint(0, -12), end + QPoint(0, 12))
    assert [trial.number for trial in record.trials if panel.parallel.passes(trial)] == [best.number]

    # Its settings come into the project and go again in one step.
    panel.choose(best.number)
    before = document.project
    rate = best.settings["training.learning_rate"]
    person.click(panel.use_button)
    if before.training.optimizer.params.get("learning_rate") != rate:
        assert document.project.training.optimizer.params["learning_rate"] == rate
        document.undo()
    assert document.project.training == before.training
    person.click(panel.compare_button)
    person.until(lambda: len(window.feed.shown.others) == 2)
    view(person, panel, "table")
    panel.table.setFocus()
    person.keys(Key.Key_Return)
    person.until(lambda: window.training.state == "replay")


def test_a_sweep_over_the_start_says_that_all_layers_follow_and_its_settings_bring_that(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    window = open_window("digits-cnn")
    document = window.document
    person = Person(window, qtbot)
    panel = window.docks.show_panel("sweep")
    assert isinstance(panel, SweepPanel)
    person.until(panel.isVisible)
    panel.setup.vary("training.learning_rate")
    assert not panel.setup.note.isVisibleTo(panel.setup)
    panel.setup.vary("training.initialisation", "zeros, he_normal")
    own = with_own_start(document.project.graph)
    assert panel.setup.note.isVisibleTo(panel.setup) and all(node.id in panel.setup.note.text() for node in own)
    plan = panel.setup.plan()
    assert plan is not None and own
    sweep = Sweep.begin(plan, Budget(runs=1), probes=())
    settings: dict[str, str | int | float] = {"training.learning_rate": 0.01, "training.initialisation": "he_normal"}
    record = SweepRecord(sweep.record.plan, (Trial(0, settings, (), (SweptRun(0, "", "done", 0.5),)),))
    sweep_record.save(record, sweep.path)
    panel._sweeps.show(sweep.path)
    person.until(lambda: panel._sweeps.record == record)
    panel.show_view("table")
    panel.choose(0)
    before = document.project
    QApplication.processEvents()
    person.click(panel.use_button)
    assert document.project.training.initialisation.kind == "he_normal"
    assert not with_own_start(document.project.graph)
    document.undo()
    assert document.project == before
