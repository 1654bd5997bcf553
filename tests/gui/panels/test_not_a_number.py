"""Series of nothing but NaN, infinities or numbers at the end of the range: panels show them, and nobody is warned."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from workspace_kit import workspace_of

from nnviz.gui.look import painting
from nnviz.gui.look.scales import NOT_A_NUMBER
from nnviz.gui.panels.activations import ActivationsPanel
from nnviz.gui.panels.base import Panel
from nnviz.gui.panels.catalogue import PANELS
from nnviz.gui.panels.curves import CurvesPanel
from nnviz.gui.panels.dead_units import DeadUnitsPanel
from nnviz.gui.panels.loss import LossPanel
from nnviz.gui.runs.shown import Shown
from nnviz.project.document import Document
from nnviz.record.readings import ArrayReading, Histogram, Scalar
from nnviz.record.run import Run, RunInfo

VALUES = {
    "nan": [np.nan],
    "inf": [np.inf],
    "-inf": [-np.inf],
    "both": [np.inf, -np.inf],
    "mixed": [np.nan, np.inf, -np.inf, 0.5],
    "largest": [1e308, -1e308],
    "smallest": [5e-324],
    "zero": [0.0],
    "negative": [-1.0],
    "one nan": [0.5, 0.4, np.nan],
}


@pytest.fixture(autouse=True)
def warnings_are_errors() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.fixture
def unpainted(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """What went wrong in painting."""
    wrong: list[BaseException] = []
    monkeypatch.setattr(painting, "_tell", lambda method, error: wrong.append(error))
    return wrong


def with_values(planted: Run, values: list[float], points: int) -> Run:
    """The same series, with these numbers over and over."""
    run = Run(planted.info)
    numbers = np.resize(np.array(values), points)
    for name in planted.names():
        newest = planted.latest(name)
        if isinstance(newest, Scalar):
            run.append(Scalar(name, step, float(number)) for step, number in enumerate(numbers, 1))
        elif isinstance(newest, ArrayReading) and newest.array.dtype.kind == "f":
            array = np.resize(np.array(values), newest.array.shape).astype(np.float64)
            run.append([ArrayReading(name, points, array, newest.meta)])
        elif newest is not None:
            run.append([newest])
    return run


@pytest.mark.parametrize("points", [1, 40])
@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES.keys())
def test_every_panel_shows_it(
    qtbot: QtBot, styled_once: QApplication, document: Document, run: Run, unpainted: list[BaseException],
    capfd: pytest.CaptureFixture[str], values: list[float], points: int,
) -> None:  # fmt: skip
    odd = with_values(run, values, points)
    for kind in (kind for kind in PANELS if kind.prefixes):
        panel: Panel = kind(workspace_of(document))
        qtbot.addWidget(panel)
        panel.resize(420, 260)
        panel.show()
        for step in (None, 1, points):
            panel.refresh(Shown(odd, step=step), frozenset(odd.names()))
            panel.grab()
        odd.append([Scalar(name, points + 1, values[0]) for name in odd.names("loss/")])
        panel.refresh(Shown(odd), frozenset(odd.names()))
        if isinstance(panel, CurvesPanel):
            panel.set_axis("epoch")
            panel.set_smoothing(0.3)
            panel.grab()
        panel.to_svg()
        panel.to_csv()
        for child in panel.findChildren(QWidget):
            if child.isVisible() and child.hasMouseTracking():
                qtbot.mouseMove(child, QPoint(30, 20))
        panel.hide()
    assert unpainted == []
    # pyqtgraph writes what it catches itself.
    assert capfd.readouterr().err == ""


def test_a_share_that_is_no_number_is_hatched_and_one_that_was_not_measured_is_not(
    document: Document, qtbot: QtBot
) -> None:
    def shown(step: int | None, value: float) -> tuple[str, bool]:
        run = Run(RunInfo(title="planted"))
        run.append([Scalar("dead_fraction/relu1", 5, value)])
        panel = DeadUnitsPanel(workspace_of(document))
        qtbot.addWidget(panel)
        panel.resize(410, 200)
        panel.show()
        panel.refresh(Shown(run, step=step), frozenset(run.names()))
        image = panel.view.grab().toImage()
        pixels = {image.pixel(x, 8) for x in range(image.width())}
        return panel.view.rows[0].text, NOT_A_NUMBER in pixels

    assert shown(None, np.nan) == ("NaN", True)
    assert shown(2, np.nan) == ("–", False)
    assert shown(None, 0.0) == ("0 %", False)


def test_nothing_stands_in_the_legend_before_the_first_look_at_the_test_set(document: Document, qtbot: QtBot) -> None:
    run = Run(RunInfo(title="planted"))
    run.append([Scalar("loss/train", step, 1.0 / step) for step in range(1, 40)])
    run.append([Scalar("loss/test", 30, 0.25)])
    panel = LossPanel(workspace_of(document))
    qtbot.addWidget(panel)
    panel.resize(410, 200)
    panel.show()

    def legend(step: int | None) -> dict[str, str]:
        panel.refresh(Shown(run, step=step), frozenset(run.names()))
        return {entry.title: entry.value for entry in panel.legend.entries}

    assert legend(None)["test"] == "0.250"
    assert "test" not in legend(20) and legend(20)["train"] == "0.0500"
    assert legend(30)["test"] == "0.250"
    run.append([Scalar("loss/test", 39, np.nan)])
    assert legend(None)["test"] == "NaN"


def test_outputs_that_have_become_no_numbers_are_not_shown_as_the_distribution_of_before(
    document: Document, qtbot: QtBot
) -> None:
    run = Run(RunInfo(title="planted"))
    counts, edges = np.array([3, 5, 2]), np.array([-1.0, 0.0, 1.0, 2.0])
    run.append([Histogram("activation_histogram/conv1", 5, counts, edges)])
    run.append([Scalar("activation_mean/conv1", 5, 0.5), Scalar("activation_deviation/conv1", 5, 0.7)])
    run.append([Scalar("activation_mean/conv1", 9, np.nan), Scalar("activation_deviation/conv1", 9, np.nan)])
    panel = ActivationsPanel(workspace_of(document))
    qtbot.addWidget(panel)
    panel.resize(410, 200)
    panel.show()

    def hatched(step: int | None) -> bool:
        panel.refresh(Shown(run, step=step), frozenset(run.names()))
        image = panel.view.grab().toImage()
        return NOT_A_NUMBER in {image.pixel(x, y) for x in range(image.width()) for y in range(image.height())}

    assert not hatched(5) and int(panel.view.shown[0].histogram.counts.sum()) == 10
    assert hatched(None) and int(panel.view.shown[0].histogram.counts.sum()) == 0
    assert np.isnan(panel.view.shown[0].mean)
