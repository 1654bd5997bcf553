"""A split is evaluated by a click, a cell shows the examples behind it, and one of them is pinned to the canvas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QBoxLayout
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow
from workspace_kit import workspace_of

from nnviz.gui.look.scales import legible_on
from nnviz.gui.panels.confusion_view import ConfusionView
from nnviz.gui.panels.evaluation import EvaluationPanel
from nnviz.gui.panels.evaluation_plots import PairsPlot
from nnviz.gui.panels.figure_table import FigureTable
from nnviz.gui.runs.shown import Shown
from nnviz.project.document import Document
from nnviz.project.edits import SetView
from nnviz.project.model import Pin, View
from nnviz.record.evaluated import EvaluatedClasses, EvaluatedNumbers, to_reading
from nnviz.record.quantities import EVALUATION
from nnviz.record.run import Run
from nnviz.train.figures import ClassFigures, NumberFigures
from nnviz.train.weight_edits import WeightChange

LEFT = Qt.MouseButton.LeftButton


def click(widget: object, place: QPoint) -> None:
    QTest.mouseClick(widget, LEFT, pos=place)  # type: ignore[call-overload]  # of whatever widget


def test_a_low_place_is_not_left_for_that_of_the_tabs(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    panel = window.docks.show_panel("evaluation")
    assert isinstance(panel, EvaluationPanel)
    dock = window.docks._docks["evaluation"]
    dock.setFloating(True)
    for size in (
        (410, 700),
        (743, 700),
        (743, 250),
    ):  # with the examples below, beside, and as under a projector's canvas
        dock.resize(*size)
        for _ in range(5):
            QApplication.processEvents()
    assert (dock.width(), dock.height()) == (743, 250)
    panel.resize(400, 240)  # narrow as well: they stay beside each other, or the matrix would not be seen
    assert panel._main.direction() is QBoxLayout.Direction.LeftToRight


def test_evaluating_by_clicks(qtbot: QtBot, open_window: OpenWindow, tmp_path: Path) -> None:
    window = open_window("digits-cnn")
    panel = window.docks.show_panel("evaluation")
    assert isinstance(panel, EvaluationPanel) and panel.is_empty and panel.begin.isVisible()
    session = window.bridge.session
    assert session is not None
    session.step(12)
    qtbot.waitUntil(lambda: window.training.standing.step == 12, timeout=TIMEOUT)
    QTest.mouseClick(panel.begin, LEFT)
    assert not panel.begin.isEnabled()
    qtbot.waitUntil(lambda: panel._figures is not None and panel.examples.list.count() > 0, timeout=TIMEOUT)
    found, figures = panel._evaluated, panel._figures
    assert isinstance(found, EvaluatedClasses) and isinstance(figures, ClassFigures) and not panel.is_empty
    assert found.step == 12 and "12" in panel._subtitle.text() and not panel.is_old
    assert window.training.test_uses == 0

    # The cell that holds most mistakes: the examples behind it, the surest first, each with its picture.
    wrong = figures.confusion.copy()
    np.fill_diagonal(wrong, 0)
    right, taken = (int(one) for one in np.unravel_index(wrong.argmax(), wrong.shape))
    click(panel.stack.confusion, panel.stack.confusion.area_of(right, taken).center().toPoint())
    behind = np.flatnonzero((found.target == right) & (found.predicted == taken))
    items = [panel.examples.list.item(row) for row in range(panel.examples.list.count())]
    places = [int(item.data(Qt.ItemDataRole.UserRole)) for item in items]
    assert sorted(places) == sorted(behind[:60].tolist()) and len(behind) == wrong.max()
    assert (np.diff(found.probability[places]) <= 0).all()
    assert all(item.text().startswith(f"{found.names[right]} → {found.names[taken]}\n") for item in items)
    qtbot.waitUntil(lambda: not items[0].icon().isNull(), timeout=TIMEOUT)
    view = panel.examples.list
    click(view.viewport(), view.visualItemRect(items[0]).center())
    assert window.document.project.view.pinned_sample == places[0]
    truth = session.ask(lambda: int(session.training.data.validation.targets[places[0]])).result(20)
    assert found.names[right] == session.ask(lambda: session.training.data.class_names[truth]).result(20)

    # A number of the network is set by hand: what was found is of the network before that, until it is asked again.
    first = next(node for node, one in window.document.project.graph.nodes.items() if one.kind == "linear")
    assert window.training.hand.edit([WeightChange(first, "bias", (0,), 9.0)]) == ""
    qtbot.waitUntil(lambda: panel.is_old, timeout=TIMEOUT)
    assert "step 12, changed since" in panel._subtitle.text() and panel._subtitle.old
    # What one looks at stays: the figures, the cell and its examples.
    assert panel._figures is figures and panel.stack.confusion._chosen == (right, taken)
    assert [view.item(row) for row in range(view.count())] == items
    QTest.mouseClick(panel.again, LEFT)
    qtbot.waitUntil(lambda: not panel.is_old and panel._figures is not None, timeout=TIMEOUT)
    assert panel._evaluated is not None and not panel._subtitle.old and "changed" not in panel._subtitle.text()
    found, figures = panel._evaluated, panel._figures

    # A table, sorted by a click on a heading, and saved.
    QTest.mouseClick(panel.views._buttons["table"], LEFT)
    header = panel.stack.classes.horizontalHeader()
    click(header.viewport(), QPoint(header.sectionViewportPosition(3) + 8, header.height() // 2))
    scores = [float(figures.f1[place]) for place in panel.stack.classes.places()]
    assert scores == sorted(scores) and [*panel.rows()][1][3] == figures.f1[0]
    QTest.mouseClick(panel.views._buttons["spread"], LEFT)
    assert panel.stack.currentWidget() is panel.stack.reliability and len([*panel.rows()]) == 11

    # The sealed examples only when they are asked for, and then it is counted.
    QTest.keyClick(panel.splits, Qt.Key.Key_End)
    assert panel.is_empty and "counted" in panel.begin.text()
    QTest.mouseClick(panel.again, LEFT)
    qtbot.waitUntil(lambda: panel._figures is not None, timeout=TIMEOUT)
    assert window.training.test_uses == 1 and panel._evaluated is not None and panel._evaluated.split == "test"
    qtbot.waitUntil(lambda: panel.examples.list.count() > 0, timeout=TIMEOUT)
    pinned = window.document.project.view.pinned_sample
    panel.pin(pinned + 1)  # the test examples are sealed
    assert window.document.project.view.pinned_sample == pinned
    assert window.feed.run.latest(EVALUATION.series("test")) is not None


def test_a_regression_and_an_evaluation_of_a_recorded_step(qtbot: QtBot, document: Document) -> None:
    panel = EvaluationPanel(workspace_of(document))
    qtbot.addWidget(panel)
    panel.resize(640, 400)
    panel.show()
    target = np.linspace(-2, 2, 9)[:, None]
    predicted = target + np.array([0.1, 0, -0.2, 0, 3, 0, np.nan, 0, 0])[:, None]
    run = Run()
    for step, answers in ((10, predicted), (20, target)):
        reading = to_reading(EvaluatedNumbers("validation", step, step, 0.5, ("target",), answers, target))
        assert reading is not None
        run.append([reading])
    panel.refresh(Shown(run), frozenset(run.names()))
    qtbot.waitUntil(lambda: panel._figures is not None, timeout=TIMEOUT)
    assert panel._evaluated is not None and panel._evaluated.step == 20 and not panel.begin.isEnabled()
    panel.refresh(Shown(run, step=15), frozenset())
    assert panel._evaluated.step == 10 and panel._figures is None
    qtbot.waitUntil(lambda: isinstance(panel._figures, NumberFigures), timeout=TIMEOUT)
    assert isinstance(panel._figures, NumberFigures) and panel._figures.largest == 3.0
    panel.set_option("view", "table")
    assert panel.stack.places[:4] == [6, 4, 2, 0]
    assert panel.stack.largest.item(1, 3).text() == "3.00"  # type: ignore[union-attr]
    panel.set_option("view", "pairs")
    assert isinstance(panel.stack.currentWidget(), PairsPlot)
    assert panel.stack.pairs.nearest(0.0, 3.0) >= 0 and panel.stack.pairs.nearest(-2.0, 2.9) == -1
    panel.set_option("view", "spread")
    panel.show_bin(len(panel._figures.counts) - 1)
    places = [int(panel.examples.list.item(row).data(Qt.ItemDataRole.UserRole)) for row in range(1)]
    assert places == [4] and len([*panel.rows()]) == 10


def test_what_is_pinned_is_of_the_split_that_was_evaluated(qtbot: QtBot, document: Document) -> None:
    document.apply(SetView(View(3, "train", (Pin(3, "train"),))))
    panel = EvaluationPanel(workspace_of(document))
    qtbot.addWidget(panel)
    answers, run = np.linspace(-2, 2, 9)[:, None], Run()
    for split in ("validation", "train"):
        reading = to_reading(EvaluatedNumbers(split, 10, 1, 0.5, ("target",), answers, answers))
        assert reading is not None
        run.append([reading])
    for split, pin in (("validation", Pin(7)), ("train", Pin(7, "train"))):
        panel.set_option("split", split)
        panel.draw(run, frozenset(), None, fresh=True)
        panel.pin(7)
        assert document.project.view == View(pin.index, pin.split, (Pin(3, "train"),))


def test_the_matrix_by_mouse_and_keys(qtbot: QtBot) -> None:
    for count in (2, 10, 100):
        view = ConfusionView()
        qtbot.addWidget(view)
        view.resize(420, 300)
        counts = np.diag(np.full(count, 50)).astype(np.int64)
        counts[0, 1] = 7
        view.show_counts([f"class {number}" for number in range(count)], counts, "errors")
        picked: list[tuple[int, int]] = []
        view.picked.connect(lambda right, taken, found=picked: found.append((right, taken)))
        view.show()
        area, wide, high, _ = view.layout_of()
        assert area.right() <= 420 and area.bottom() <= 300 and min(wide, high) >= 1
        click(view, view.area_of(0, 1).center().toPoint())
        assert picked == [(0, 1)]
        assert view.sentence(0, 1) == "7 of 57 examples of class 0 (12.3 %) were taken for class 1. Click to see them."
        QTest.keyClick(view, Qt.Key.Key_Down)
        QTest.keyClick(view, Qt.Key.Key_Return)
        assert picked[-1] == (1, 1) and view.text_of(1, 1) == "" and view.text_of(0, 1) == "7"
        scale = view.scale
        assert scale is not None and (scale.low, scale.high) == (0, 7)
        assert legible_on(scale.colour(6.9)).lightness() == 0 and legible_on(scale.colour(0.0)).lightness() == 255


def test_a_table_sorts_by_numbers_and_keeps_its_order(qtbot: QtBot) -> None:
    table = FigureTable("made")
    qtbot.addWidget(table)
    head = (("class", ""), ("share", ""))
    values = [9.0, 100.0, float("nan"), 20.0]
    table.show_rows(head, [((str(place), float(place)), (f"{value} %", value)) for place, value in enumerate(values)])
    assert table.places() == [0, 1, 2, 3]
    table.sortByColumn(1, Qt.SortOrder.DescendingOrder)
    assert table.places() == [1, 3, 0, 2]
    table.show_rows(head, [((str(place), float(place)), ("", -value)) for place, value in enumerate(values)])
    assert table.places() == [0, 3, 1, 2]
