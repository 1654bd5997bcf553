"""The colours of trials: the better one stands out, whatever is behind it, and the table says which one is trained."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow

from nnviz.gui.look import theme
from nnviz.gui.panels.sweep import SweepPanel
from nnviz.gui.panels.sweep_pictures import ParallelAxes, SweepScatter
from nnviz.project.files import io
from nnviz.project.samples import templates
from nnviz.train.sweep_record import Plan, SweepRecord, SweptRun, Trial
from nnviz.train.sweep_space import Space


def record_of(objective: str, *values: float | None) -> SweepRecord:
    plan = Plan("made", io.dumps(templates.sample("xnor-two-layer")).decode(), ("seed=0..2",), objective=objective)
    trials = []
    for number, value in enumerate(values):
        runs = () if value is None else (SweptRun(0, "", "done", value),)
        trials.append(Trial(number, {"training.learning_rate": 0.1 * (number + 1)}, (), runs))
    return SweepRecord(plan, tuple(trials))


@pytest.mark.parametrize("name", ["dark", "light"])
@pytest.mark.parametrize(("objective", "best", "worst"), [("loss", 0, 2), ("accuracy", 2, 0)])
def test_the_better_a_trial_the_more_it_stands_out(
    qtbot: QtBot, styled: object, name: str, objective: str, best: int, worst: int
) -> None:
    theme.set_theme(name)
    record = record_of(objective, 0.4, 0.55, 0.67)
    for picture in (ParallelAxes(), SweepScatter()):
        qtbot.addWidget(picture)
        picture.show_sweep(record, ())
        behind = theme.current().panel.lightnessF()
        apart = [abs(picture.colour_of(trial).lightnessF() - behind) for trial in record.trials]
        assert apart[best] > apart[1] > apart[worst] > 0.1, apart
        picture.grab()


def test_none_stands_beside_the_axis_on_which_there_is_no_value(qtbot: QtBot, styled: object) -> None:
    picture = ParallelAxes()
    qtbot.addWidget(picture)
    picture.resize(600, 300)
    picture.show()
    rates = Space.of(("training.learning_rate=0.1..0.3",), templates.sample("xnor-two-layer"), {}).dimensions
    picture.show_sweep(record_of("loss", 0.5, 0.6), rates)
    assert not picture.none_areas()
    picture.show_sweep(record_of("loss", 0.5, None), rates)
    (area,) = picture.none_areas()
    assert area.left() > picture.x_of(1) > picture.x_of(0) + 100 and area.right() < picture.width()
    picture.grab()


def test_the_trial_that_is_being_trained_is_not_called_unfinished(
    qtbot: QtBot, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    window = open_window("xnor-two-layer", ready=False)
    panel = window.docks.show_panel("sweep")
    assert isinstance(panel, SweepPanel)
    qtbot.waitUntil(panel.isVisible, timeout=TIMEOUT)
    record = record_of("loss", 0.5, None)
    sweeps = panel._sweeps
    monkeypatch.setattr(type(sweeps), "record", record)
    monkeypatch.setattr(type(sweeps), "running", True)
    panel._follow()
    panel.show_view("table")

    def became() -> list[str]:
        last = panel.table.columnCount() - 1
        return [panel.table.item(row, last).text() for row in range(2)]

    assert became() == ["", "in training"]
    monkeypatch.setattr(type(sweeps), "running", False)
    panel._follow()
    assert became() == ["", "unfinished"]
