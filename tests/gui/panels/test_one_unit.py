"""An axis and its legend speak of one thing in one unit."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nnviz.gui.panels.plot import CurvePlot


def ticks(plot: CurvePlot) -> list[str]:
    """What is written at the vertical axis."""
    return [text for level in plot._item.getAxis("left")._tickLevels for _, text in level]


def test_the_accuracy_axis_is_in_percent_as_its_legend_is(qtbot: QtBot) -> None:
    plot = CurvePlot()
    qtbot.addWidget(plot)
    plot.resize(400, 300)
    plot.set_share()
    plot.show()
    plot.set_curve("accuracy", "train", QColor("red"), np.array([0.0, 10.0]), np.array([0.1, 0.9]))
    plot.update_ranges(10.0)
    QApplication.processEvents()
    written = ticks(plot)
    assert written and all(text.endswith(" %") for text in written)
    assert {"0 %", "100 %"} <= set(written)
