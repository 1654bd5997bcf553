"""A plot that was drawn at another size: room behind its newest point, its title in the middle of its axis."""

from __future__ import annotations

from functools import partial

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nnviz.gui.panels.plot import CurvePlot


def test_a_plot_drawn_before_it_has_a_size_keeps_its_margin(qtbot: QtBot) -> None:
    plot = CurvePlot()
    qtbot.addWidget(plot)
    steps = np.arange(1.0, 19.0)
    plot.set_curve("loss", "loss", QColor("red"), steps, steps, None)
    plot.update_ranges(18.0)
    box = plot._item.getViewBox()

    def fits(width: int) -> bool:
        return width - 80 < box.width() < width

    for width in (400, 900, 300):
        plot.resize(width, 200)
        plot.show()
        qtbot.waitUntil(partial(fits, width))
        assert box.viewRange()[0] == pytest.approx([0.0, 18.0 * (1.0 + 7.0 / box.width())])


def test_a_title_for_which_there_is_room_only_now_stands_in_the_middle_of_its_axis(qtbot: QtBot) -> None:
    plot = CurvePlot()
    qtbot.addWidget(plot)
    plot.set_axis("step", "binary cross-entropy")
    axis = plot._item.getAxis("left")
    for height, shown in ((90, False), (300, True), (90, False), (240, True)):
        plot.resize(400, height)
        plot.show()
        qtbot.waitUntil(lambda height=height: plot.height() == height)  # type: ignore[misc]  # a lambda of its own each
        assert bool(axis.labelText) is shown
        if shown:
            place = axis.label.mapRectToParent(axis.label.boundingRect())
            assert place.top() >= 0 and place.bottom() <= axis.size().height() + 1
            assert abs(place.center().y() - axis.size().height() / 2) <= 2


def test_a_share_of_everything_is_drawn_below_the_edge(qtbot: QtBot) -> None:
    for whole in (True, False):
        plot = CurvePlot(from_zero=False)
        qtbot.addWidget(plot)
        plot.set_share(whole=whole)
        plot.resize(400, 120)
        plot.show()
        plot.set_curve("top5", "", QColor("red"), np.arange(3.0), np.array([0.97, 1.0, 1.0]), markers=True)
        plot.update_ranges(3.0)
        box = plot._item.getViewBox()
        low, high = box.viewRange()[1]
        assert (high - 1.0) / (high - low) * box.height() >= 3.0


def test_new_data_and_a_new_range_are_painted_once(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    plot = CurvePlot()
    qtbot.addWidget(plot)
    plot.resize(400, 200)
    painted: list[int] = []
    paint = pg.GraphicsView.paintEvent
    monkeypatch.setattr(pg.GraphicsView, "paintEvent", lambda view, event: (painted.append(1), paint(view, event))[1])

    def grow(count: int) -> None:
        x = np.arange(float(count))
        plot.set_curve("loss", "training", QColor("red"), x, np.cos(x), np.cos(x) / 2)
        plot.update_ranges(float(count))
        for _ in range(10):
            QApplication.processEvents()

    with qtbot.waitExposed(plot):
        plot.show()
    grow(50)
    painted.clear()
    grow(80)
    grow(130)
    assert len(painted) == 2
