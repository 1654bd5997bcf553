"""The Values tab: what the run has of the selected layer, when it was measured, and whether it is healthy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from run_file_mutations import good_run
from window_kit import TIMEOUT, OpenWindow, state_is
from workspace_kit import workspace_of

from nnviz.gui.inspector.values_tab import PER_LAYER, ValuesTab, more_text, value_text
from nnviz.gui.look import theme as themes
from nnviz.gui.runs.shown import Shown
from nnviz.gui.window.window import MainWindow
from nnviz.project.document import Document
from nnviz.project.samples import templates
from nnviz.record.interest import NOTHING
from nnviz.record.quantities import (
    ACTIVATION_HISTOGRAM,
    ACTIVATION_MEAN,
    ALIVE_UNTIL,
    DEAD_FRACTION,
    DEAD_SINCE,
    DEAD_UNITS,
    GRADIENT_MEAN,
    GRADIENT_NORM,
    OUTPUT,
    UPDATE_RATIO,
)
from nnviz.record.readings import ArrayReading, Histogram, Scalar
from nnviz.record.run import Run


def test_since_when_units_are_dead_is_told_in_steps() -> None:
    """Not how many units there are; those that are alive have no step."""
    for quantity in (DEAD_SINCE, ALIVE_UNTIL):
        said = {
            text: value_text(quantity, ArrayReading(quantity.series("relu"), 700, np.array(steps)))
            for text, steps in {"–": [-1, -1], "step 658": [-1, 658, 658], "steps 0 to 658": [0, -1, 658]}.items()
        }
        assert [*said] == [*said.values()]
        assert more_text(quantity, ArrayReading(quantity.series("relu"), 700, np.array([-1, 658]))) == ""


def tab_of(window: MainWindow) -> ValuesTab:
    assert window.inspector is not None
    tab = window.inspector.tabs["values"]
    assert isinstance(tab, ValuesTab)
    return tab


def shown(tab: ValuesTab) -> set[str]:
    return {quantity.name for quantity, row in tab.rows.items() if not row.isHidden()}


def expected(run: Run, node: str, step: int | None = None) -> set[str]:
    return {one.name for one in PER_LAYER if run.latest(one.series(node), step) is not None}


@pytest.fixture
def planted(qtbot: QtBot) -> tuple[ValuesTab, Run]:
    tab = ValuesTab(workspace_of(Document(templates.sample("digits-cnn"))))
    qtbot.addWidget(tab)
    tab.show()
    tab.set_selection(("relu1",))
    return tab, Run()


@pytest.mark.parametrize(
    ("value", "text", "note", "level"),
    [
        (0.004, "0.4 %", "step 1\u202f200 · healthy: at most 20 % · inside", None),
        (0.2, "20 %", "step 1\u202f200 · healthy: at most 20 % · inside", None),
        (0.3, "30 %", "step 1\u202f200 · healthy: at most 20 % · outside", "warning"),
        (0.75, "75 %", "step 1\u202f200 · healthy: at most 20 % · outside", "error"),
    ],
)
def test_a_value_its_step_and_its_band(
    planted: tuple[ValuesTab, Run], value: float, text: str, note: str, level: str | None
) -> None:
    tab, run = planted
    run.append([Scalar(DEAD_FRACTION.series("relu1"), 1200, value), Scalar(DEAD_FRACTION.series("relu2"), 1, 0.9)])
    tab.refresh(Shown(run), frozenset(run.names()))
    row = tab.rows[DEAD_FRACTION]
    assert shown(tab) == {"dead_fraction"}
    assert (row.value.text(), row.note.text()) == (text, note)
    colours = {None: themes.current().text, "warning": themes.current().warning, "error": themes.current().danger}
    assert colours[level].name() in row.value.styleSheet()
    assert text in row.accessibleName() and row.toolTip() == DEAD_FRACTION.meaning


def test_many_numbers_say_how_many_and_from_where_to_where(planted: tuple[ValuesTab, Run]) -> None:
    tab, run = planted
    run.append(
        [
            ArrayReading(OUTPUT.series("relu1"), 3, np.linspace(-1, 2, 10816, dtype=np.float32).reshape(16, 26, 26)),
            ArrayReading(DEAD_UNITS.series("relu1"), 3, np.array([True, False, True])),
            Histogram(ACTIVATION_HISTOGRAM.series("relu1"), 3, np.array([4, 6]), np.array([0.0, 1.0, 2.5])),
            Scalar(UPDATE_RATIO.series("relu1"), 3, 2e-3),
        ]
    )
    tab.refresh(Shown(run), frozenset(run.names()))
    texts = {quantity.name: (row.value.text(), row.note.text()) for quantity, row in tab.rows.items()}
    assert texts["output"] == ("16×26×26", "step 3 · −1.00 to 2.00")
    assert texts["dead_units"] == ("2 of 3", "step 3")
    assert texts["activation_histogram"] == ("0 to 2.50", "step 3 · 10 outputs")
    assert texts["update_ratio"] == ("0.00200", "step 3 · healthy: 0.0003 to 0.003 · inside")


def test_what_is_selected_and_what_is_there_to_show(planted: tuple[ValuesTab, Run]) -> None:
    tab, run = planted
    tab.refresh(Shown(run), frozenset())
    assert "Press Play" in tab.hint.text() and not tab.hint.isHidden()
    run.append([Scalar(ACTIVATION_MEAN.series("relu1"), 5, 0.5), Scalar(ACTIVATION_MEAN.series("relu1"), 9, 0.7)])
    tab.refresh(Shown(run), frozenset({ACTIVATION_MEAN.series("relu1")}))
    assert tab.hint.isHidden() and tab.rows[ACTIVATION_MEAN].value.text() == "0.700"
    tab.refresh(Shown(run, step=6), frozenset())
    assert tab.rows[ACTIVATION_MEAN].value.text() == "0.500" and tab.rows[ACTIVATION_MEAN].note.text() == "step 5"
    tab.set_selection(("relu1", "relu2"))
    assert "Select one layer" in tab.hint.text() and shown(tab) == set() and tab.looks_at() == NOTHING
    tab.set_selection(())
    assert "Select one layer" in tab.hint.text() and tab.heading.isHidden()


def test_it_is_live_in_the_window_and_goes_back_with_the_timeline(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    assert window.inspector is not None
    tab = tab_of(window)
    window.canvas.canvas_scene.select(["conv1"])
    assert not window.interests.merged.wants(GRADIENT_MEAN)
    window.inspector.enter("values")
    assert window.interests.merged.wants(GRADIENT_MEAN) and window.interests.merged.looks_at("conv1")
    window.training.play()
    row = tab.rows[GRADIENT_NORM]
    qtbot.waitUntil(lambda: "step" in row.note.text(), timeout=TIMEOUT)
    first = row.note.text()
    qtbot.waitUntil(lambda: row.note.text() != first, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: window.feed.run.last_step > 20, timeout=TIMEOUT)
    window.training.pause()
    qtbot.waitUntil(state_is(window, "paused"), timeout=TIMEOUT)
    run = window.feed.run
    qtbot.waitUntil(lambda: shown(tab) == expected(run, "conv1") >= {"gradient_norm", "activation_mean"})

    def agrees(step: int | None) -> bool:
        window.feed.poll(10.0)
        found = run.latest(GRADIENT_NORM.series("conv1"), step)
        assert isinstance(found, Scalar)
        note = f"step {themes.format_count(found.step)} "
        return row.value.text() == GRADIENT_NORM.text(found.value) and row.note.text().startswith(note)

    qtbot.waitUntil(lambda: agrees(None))
    window.feed.set_step(8)
    qtbot.waitUntil(lambda: agrees(8))
    assert shown(tab) == expected(run, "conv1", 8)
    window.feed.set_step(None)
    window.canvas.canvas_scene.select(["relu1"])
    qtbot.waitUntil(lambda: shown(tab) == expected(run, "relu1") >= {"dead_fraction"})
    window.inspector.show_tab("layer")
    assert not window.interests.merged.wants(GRADIENT_MEAN)


def test_a_replayed_run_is_read_from_its_file(qtbot: QtBot, open_window: OpenWindow, tmp_path: Path) -> None:
    window = open_window("and", ready=False, run_path=good_run(tmp_path / "good.nnvizrun", "digits-cnn"))
    qtbot.waitUntil(state_is(window, "replay"), timeout=TIMEOUT)
    assert window.inspector is not None
    tab = tab_of(window)
    window.inspector.show_tab("values")
    for node in window.document.project.graph.nodes:
        window.canvas.select([node])
        for step in (0, 5, None):
            window.feed.set_step(step)
            window.feed.poll(10.0)
            assert shown(tab) == expected(window.feed.run, node, step)
    assert any(expected(window.feed.run, node) for node in window.document.project.graph.nodes)
