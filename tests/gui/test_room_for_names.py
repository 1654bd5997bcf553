"""Names have the room that there is: choosers end them with dots, the list of runs has whole columns beside them."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QFontMetrics
from pytestqt.qtbot import QtBot

from nnviz.gui.look import theme
from nnviz.gui.panels.runs_table import name_width
from nnviz.gui.parts.chooser import Chooser, ShorteningChooser

LONG = "SGD with a learning rate that is far too high for this network, second try of Monday"


@pytest.mark.parametrize("kind", [ShorteningChooser, Chooser])
def test_a_chooser_ends_a_long_name_with_dots_and_leaves_a_short_one(
    qtbot: QtBot, styled: object, kind: type[ShorteningChooser]
) -> None:
    box = kind(None)
    qtbot.addWidget(box)
    box.addItems(["conv1", LONG])
    box.resize(220, 30)
    box.show()
    assert box.shown_text == "conv1"
    box.setCurrentIndex(1)
    assert box.shown_text.endswith("…") and LONG.startswith(box.shown_text[:-1]) and len(box.shown_text) > 12
    assert QFontMetrics(box.font()).horizontalAdvance(box.shown_text) <= 220 - 22
    assert box.currentText() == LONG
    box.resize(900, 30)
    assert box.shown_text == LONG
    box.grab()


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_the_names_of_runs_have_whole_columns_beside_them(styled: object, scale: float) -> None:
    theme.set_text_scale(scale)
    others = [round(width * scale) for width in (78, 82, 86, 120, 140, 84)]
    for room in (400, 560, 700, 1000):
        for wanted in (120, 260, 900):
            width = name_width(room, wanted, others)
            edges = [width + sum(others[:at]) for at in range(len(others) + 1)]
            assert width >= min(wanted, 190 * scale), "what the name needs comes first"
            # Some column ends where the list ends, so that none is seen in part.
            assert room in edges or width + others[0] > room, (room, wanted, edges)
    # A long name has more of the room with large letters than 320 pixels.
    assert name_width(900, 2000, others) >= 320 * scale
