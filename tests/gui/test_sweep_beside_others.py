"""A sweep, a race and the training of the document in one window: each knows when another one trains."""

from __future__ import annotations

from pathlib import Path

import msgspec
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from window_hands import Person
from window_kit import OpenWindow

from nnviz.gui.look import theme
from nnviz.gui.panels.sweep import SweepPanel
from nnviz.project.edits import SetTraining
from nnviz.project.files import io
from nnviz.project.samples import templates
from nnviz.project.settings import with_setting
from nnviz.record.places import runs_folder
from nnviz.train.sweep import Budget, Sweep
from nnviz.train.sweep_record import Plan, SweepRecord


def made(runs: int) -> tuple[Path, SweepRecord]:
    """A sweep from before, at the end of its budget, and what came of it."""
    project = with_setting(templates.sample("xnor-two-layer"), "training.epochs", 2)
    text = io.dumps(project).decode()
    plan = Plan("before", text, ("training.learning_rate=0.01,0.02,0.03,0.04",))
    sweep = Sweep.begin(plan, Budget(runs=runs), probes=())
    sweep.run()
    return sweep.path, sweep.record


def test_after_another_theme_the_keys_are_for_the_row_that_is_highlighted(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    made(2)
    window = open_window("xnor-two-layer", ready=False)
    person = Person(window, qtbot)
    panel = window.docks.show_panel("sweep")
    assert isinstance(panel, SweepPanel)
    panel.show_view("table")
    person.until(lambda: panel.isVisible() and panel.table.rowCount() == 2)
    record = panel._sweeps.record
    assert record is not None
    first, second = (trial.number for trial in record.best_first())
    panel.choose(first)
    for change in (lambda: theme.set_theme("light"), lambda: theme.set_text_scale(1.5)):
        change()
        assert panel.table.currentRow() == 0
        panel.table.setFocus()
        qtbot.keyClick(panel.table, Qt.Key.Key_Down)
        assert panel.chosen is not None and panel.chosen.number == second
        qtbot.keyClick(panel.table, Qt.Key.Key_S)
        rate = window.document.project.training.optimizer.params["learning_rate"]
        assert rate == float(record.trials[second].settings["training.learning_rate"])
        window.document.undo()
        panel.choose(first)


def test_only_one_of_them_trains_at_a_time(qtbot: QtBot, open_window: OpenWindow) -> None:
    path, record = made(1)
    window = open_window("xnor-two-layer")
    document, training, races, sweeps = window.document, window.training, window.races, window.kept_runs.sweeps
    document.apply(SetTraining(msgspec.structs.replace(document.project.training, epochs=100_000)))
    person = Person(window, qtbot)
    panel = window.docks.show_panel("sweep")
    assert isinstance(panel, SweepPanel)
    person.until(lambda: sweeps.record is not None and sweeps.path == path)
    panel.show_view("table")

    # It goes on behind a run that is on the screen: the training behind that run rests.
    person.until(lambda: not training.blocked())
    training.play()
    person.until(lambda: training.bridge.state == "running")
    window.files.open(runs_folder() / record.trials[0].runs[0].run)
    person.until(lambda: training.state == "replay")
    assert training.bridge.state == "running"
    panel.setup.runs.setValue(1)  # which are made already: one more
    person.click(panel.more_button)
    races.choose(races.presets()[0])
    assert races.why_not_start() == "A sweep is under way: stop it first."
    person.until(lambda: not sweeps.running)
    assert training.bridge.state == "paused" and sweeps.record is not None and sweeps.record.runs == 2
    assert not races.why_not_start() and panel.more_button.isEnabled()

    # Whoever plays while it is still beginning is waited for, and told so.
    sweeps.go_on(3, None)
    training.workbench.play()
    person.until(lambda: panel.words.text().startswith("It rests"))
    assert training.bridge.state == "running" and sweeps.running
    training.workbench.pause()
    person.until(lambda: not sweeps.running)
    assert sweeps.record.runs == 3

    # And none goes on beside a race, which shares the random numbers with it.
    races.step()
    person.until(lambda: races.state == "paused")
    assert not panel.more_button.isEnabled() and "race" in panel.more_button.toolTip()
    with qtbot.waitSignal(sweeps.failed):
        sweeps.go_on(4, None)
    assert not sweeps.running
    races.stop()
    person.until(panel.more_button.isEnabled)
    assert races.state == "done"
