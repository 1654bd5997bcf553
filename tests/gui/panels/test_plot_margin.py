"""Behind the newest point of a plot there are a few pixels, whatever the size of the plot when it was drawn."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from PySide6.QtGui import QColor
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
