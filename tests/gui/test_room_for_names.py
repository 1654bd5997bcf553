"""Names have the room that there is: choosers end them with dots, the list of runs has whole columns beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QFontMetrics
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow

from nnviz.gui.look import theme
from nnviz.gui.panels.evaluation import EvaluationPanel
from nnviz.gui.panels.example_tiles import ExampleTiles
from nnviz.gui.panels.figure_table import FigureTable
from nnviz.gui.panels.runs import RunsPanel
from nnviz.gui.panels.runs_table import name_width
from nnviz.gui.parts.chooser import Chooser, ShorteningChooser
from nnviz.gui.runs.run_row import RunRow
from nnviz.record.summary import Summary

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


def test_the_figures_of_an_evaluation_are_whole_or_left_out(
    qtbot: QtBot, open_window: OpenWindow, styled: object
) -> None:
    window = open_window("digits-cnn")
    panel = window.docks.show_panel("evaluation")
    assert isinstance(panel, EvaluationPanel)
    figures = [("accuracy", "83.6 %"), ("top-5", "99.3 %"), ("macro F1", "82.8 %"), ("calibration error", "30.2 %")]
    for scale in (1.0, 1.5):
        theme.set_text_scale(scale)
        bold, plain = QFontMetrics(theme.font(13, 700)), QFontMetrics(theme.font(13))
        for width in (250, 350, 480, 700, 1200):
            panel.body.resize(width, 300)
            shown = panel._fitting(figures)
            needed = sum(plain.horizontalAdvance(f"  {name} ") + bold.horizontalAdvance(one) for name, one in shown)
            assert shown and (needed <= width or len(shown) == 1), (scale, width, shown)
        assert panel._fitting(figures) == figures
    # In a calibration its error is what stays.
    panel._view = "spread"
    panel.body.resize(300, 300)
    assert [name for name, _ in panel._fitting(figures)][-1] == "ECE"


def test_a_table_of_figures_cuts_no_title_of_a_column(qtbot: QtBot, styled: object) -> None:
    table = FigureTable("Classes")
    qtbot.addWidget(table)
    head = [("class", ""), ("precision", ""), ("recall", ""), ("F1", ""), ("examples", "")]
    table.resize(282, 300)
    table.show()
    table.show_rows(head, [[(str(at), at), *[("100.0 %", 1.0)] * 3, ("28", 28.0)] for at in range(10)])
    for scale in (1.0, 1.5):
        theme.set_text_scale(scale)
        header = table.horizontalHeader()
        seen = [at for at in range(len(head)) if not table.isColumnHidden(at)]
        assert seen[:4] == [0, 1, 2, 3]
        for at in seen:
            assert header.sectionSize(at) >= QFontMetrics(header.font()).horizontalAdvance(head[at][0]), head[at]
        wide = sum(header.sectionSize(at) for at in seen)
        assert wide <= table.viewport().width() or len(seen) == 4, scale


def test_lines_about_numbers_end_with_dots_where_the_list_is_narrow(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("xnor-two-layer")
    tiles = ExampleTiles(window.workspace.network)
    qtbot.addWidget(tiles)
    tiles._pictures = False
    told = "1.96 → 31.8\noff by 29.8"
    for width in (170, 240, 500):
        tiles.resize(width, 300)
        tiles.show()
        tiles.show_examples("one", "validation", "Largest errors", [3, 4], lambda _place: told, "")
        tiles._known = {place: np.array([71.0, 2.0, 26.5, 105.0, 9.0], np.float32) for place in (3, 4)}
        tiles._show_items()
        metrics, room = QFontMetrics(theme.font(12)), tiles.list.viewport().width()
        lines = tiles.list.item(0).text().split("\n")
        assert all(metrics.horizontalAdvance(line) <= room for line in lines), (width, lines)
        assert lines[0].startswith("1.96") and "off by 29.8" in tiles.list.item(0).toolTip()
        assert not tiles.list.horizontalScrollBar().isVisible()
    assert lines[0] == "1.96 → 31.8, off by 29.8"


def test_the_size_below_the_list_is_that_of_the_runs_that_are_listed(
    qtbot: QtBot, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window("xnor-two-layer", ready=False)
    panel = window.docks.show_panel("runs")
    assert isinstance(panel, RunsPanel)
    rows = tuple(
        RunRow(Path(f"{name}.nnvizrun"), Summary(title=name, last_step=3), size=size)
        for name, size in (("digits", 1_000_000), ("spiral", 5_000_000))
    )
    kept = window.kept_runs
    monkeypatch.setattr(type(kept), "rows", rows)
    monkeypatch.setattr(kept, "complete", True)
    kept.changed.emit()
    whole, one = (f"2 runs, {theme.format_bytes(6_000_000)}", f"1 of 2 runs, {theme.format_bytes(1_000_000)}")
    qtbot.waitUntil(lambda: panel.words.text() == whole, timeout=TIMEOUT)
    panel.field.setText("digits")
    qtbot.waitUntil(lambda: panel.words.text() == one, timeout=TIMEOUT)
