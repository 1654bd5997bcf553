"""The data page in a real window, by mouse and keys: the wall, one example, answers, filters, the map, pinning."""

from __future__ import annotations

import threading

import numpy as np
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton, QWidget
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow

from nnviz.data import tensors
from nnviz.data.curation import mark_of
from nnviz.data.viewing import ViewedData
from nnviz.gui.data.choosing import Chosen, Section
from nnviz.gui.data.example_panel import ExamplePanel
from nnviz.gui.data.page import DataPage
from nnviz.gui.data.wall import Wall
from nnviz.gui.look.theme import format_count
from nnviz.gui.parts.background import Background
from nnviz.gui.window.window import MainWindow
from nnviz.project.model import DataConfig, DataFacts, Project

LEFT = Qt.MouseButton.LeftButton


def opened(window: MainWindow, qtbot: QtBot) -> DataPage:
    """The page, opened by its key, with its examples."""
    QTest.keyClick(window, Qt.Key.Key_F4)
    page = window.data_room.page
    assert page is not None and window.data_room.shown
    qtbot.waitUntil(lambda: page.data is not None, timeout=TIMEOUT)
    for _ in range(3):
        QApplication.processEvents()
    return page


def press(parent: QWidget, title: str) -> None:
    button = next(one for one in parent.findChildren(QToolButton) if one.text() == title)
    QTest.mouseClick(button, LEFT)


def click(wall: Wall, number: int) -> None:
    QTest.mouseClick(wall.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, wall.rect_of_number(number).center())


def test_from_the_wall_to_one_example_in_numbers_and_onto_the_canvas(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    page = opened(window, qtbot)
    data, wall = page.data, page.wall
    assert data is not None and wall.count == len(data) and wall.hasFocus()
    # Wherever it is scrolled to, what is drawn at a place is what is clicked there, from the sheet with its picture.
    for share in (0.0, 0.37, 1.0):
        bar = wall.verticalScrollBar()
        bar.setValue(round(share * bar.maximum()))
        first, last = wall._in_sight()
        position = (first + last) // 2
        qtbot.waitUntil(lambda at=position: wall.thumbnails.picture(at) is not None, timeout=TIMEOUT)
        number = int(wall._numbers[position])
        click(wall, number)
        assert page.example.number == wall.current == number
        found = wall.thumbnails.picture(position)
        assert found is not None
        sheet, place = found
        raw, size = data.input_of(number)[0], wall.thumbnails.size
        for row, column in ((0, 3), (4, 4), (7, 2)):
            at = place.topLeft() + QPoint(column * size.factor + 1, row * size.factor + 1)
            assert sheet.pixelColor(at).red() == raw[row, column]
    # Of a class alone; one example of the validation split is pinned and enlarged.
    page.show_class(7)
    assert set(data.label_of[wall._numbers]) == {7}
    page.filters.split.setCurrentIndex(2)
    page._choose()
    number = int(wall._numbers[2])
    click(wall, number)
    pixels = page.example.pixels
    QTest.mouseDClick(pixels, LEFT, Qt.KeyboardModifier.NoModifier, pixels.cell(3, 14).center())
    assert pixels.numbers_shown
    words = f"row 3, column 14: {data.input_of(number)[0, 3, 14]}"
    assert pixels.words_at(QPointF(pixels.cell(3, 14).center())) == words
    QTest.mouseClick(page.example.pin, LEFT)
    assert window.document.project.view.pinned_sample == data.place(number)[1]
    assert page.example.pin.text() == "Unpin from the canvas"
    QTest.keyClick(wall, Qt.Key.Key_Return)
    assert page.stack.isHidden()
    QTest.keyClick(page, Qt.Key.Key_Escape)
    assert page.stack.isVisible()
    wall.setFocus()
    QTest.keyClick(wall, Qt.Key.Key_Escape)
    assert not window.data_room.shown and page.data is None and window.canvas.hasFocus()


def test_the_network_says_which_examples_it_gets_wrong(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    window.training.bridge.step(5)
    qtbot.waitUntil(lambda: window.training.standing.step == 5, timeout=TIMEOUT)
    page = opened(window, qtbot)
    data = page.data
    assert data is not None and not page.filters.right.isEnabled()
    QTest.mouseClick(page.filters.ask, LEFT)
    qtbot.waitUntil(lambda: page.answers is not None, timeout=TIMEOUT)
    answers = page.answers
    assert answers is not None and answers.step == 5 and "step 5" in page.filters.state.text()
    known = int((answers.right >= 0).sum())  # the test set is left alone
    assert f"% of {format_count(known)} right · the number below each: its loss" in page.filters.state.text()
    asked = data.split_of < 2
    assert np.isfinite(answers.losses[asked]).all() and np.isnan(answers.losses[~asked]).all()
    assert ((answers.answers == data.label_of) == (answers.right == 1))[asked].all()
    page.filters.right.setCurrentIndex(page.filters.right.findData("wrong"))
    page.filters.order.setCurrentIndex(page.filters.order.findData("worst"))
    page._choose()
    shown = page.wall._numbers
    assert len(shown) == (answers.right == 0).sum() and (np.diff(answers.losses[shown]) <= 0).all()
    window.training.bridge.step(1)
    qtbot.waitUntil(lambda: "older" in page.filters.state.text(), timeout=TIMEOUT)
    # What is decided about one is an edit of the document, in the number and with the mark that the training looks for.
    page.filters.split.setCurrentIndex(page.filters.split.findData("train"))
    page._choose()
    number = int(page.wall._numbers[0])
    click(page.wall, number)
    page._fill_decisions(page.example.decisions)
    next(one for one in page.example.decisions.actions() if one.text().startswith("Leave out")).trigger()
    (entry,) = window.document.project.curation
    split = tensors.load(data.config).train
    assert (entry.weight, entry.example) == (0.0, split.number(number))
    assert entry.mark == mark_of(split.inputs[number]) and "left out" in page.example.decided.text()
    page.decide(label="3", weight=1.0)
    (entry,) = window.document.project.curation
    assert (entry.label, entry.weight) == ("3", 1.0)
    window.document.undo()
    window.document.undo()
    assert not window.document.project.curation and not page.example.decided.text()


def test_points_and_rows_of_a_table_and_its_map(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("spiral")
    page = opened(window, qtbot)
    data = page.data
    assert data is not None and data.columns == ("x1", "x2")
    QTest.keyClicks(page.filters.search, "#5")
    qtbot.waitUntil(lambda: page.wall.count == 3, timeout=TIMEOUT)  # one of each split
    assert {data.place(int(number)) for number in page.wall._numbers} == {
        ("train", 5), ("validation", 5), ("test", 5),
    }  # fmt: skip
    press(page.views, "Map")
    qtbot.waitUntil(lambda: not page.map.busy, timeout=TIMEOUT)
    plane = page.map.plane
    number = data.number("test", 41)
    place = plane.place_of(number)
    assert place is not None
    QTest.mouseClick(plane, LEFT, Qt.KeyboardModifier.NoModifier, place.toPoint())
    chosen = page.example.number
    distance = np.linalg.norm(data.input_of(chosen) - data.input_of(number))
    assert distance < 0.1 and page.example.stack.currentWidget() is page.example.row_values
    press(page.views, "Distribution")
    qtbot.waitUntil(lambda: page.spread.which.count() == 2, timeout=TIMEOUT)
    press(page.views, "Left out")
    assert "Nothing was left out" in page.left_out.toPlainText()


def test_what_cannot_be_loaded_is_said(qtbot: QtBot, open_window: OpenWindow) -> None:
    project = Project(data=DataConfig("image_folder", {"folder": "/nowhere/at/all"}))
    window = open_window(project, ready=False)
    QTest.keyClick(window, Qt.Key.Key_F4)
    page = window.data_room.page
    assert page is not None
    qtbot.waitUntil(lambda: not page.loading, timeout=TIMEOUT)
    assert page.data is None and "/nowhere/at/all" in page._trouble


def test_rows_of_a_streamed_table_are_read_on_a_worker(qtbot: QtBot) -> None:
    here = threading.get_ident()
    numbers = np.arange(900, dtype=np.float32).reshape(300, 3)

    class OnDisk:
        shape, ndim, dtype = numbers.shape, 2, numbers.dtype

        def __len__(self) -> int:
            return len(numbers)

        def __getitem__(self, index: np.ndarray) -> np.ndarray:
            assert threading.get_ident() != here
            return numbers[index]

    facts = DataFacts((3,), 1, "regression")
    targets = np.zeros((300, 1), np.float32)
    data = ViewedData(DataConfig("iris"), "rows", facts, (OnDisk(),), (targets,), ("a", "b", "c"))  # type: ignore[arg-type]
    background = Background()
    wall = Wall(background)
    qtbot.addWidget(wall)
    wall.resize(800, 400)
    wall.show_chosen(data, None, Chosen(np.arange(300), (Section("", -1, 300),)), "")
    wall.show()
    qtbot.waitUntil(lambda: wall.thumbnails.row(5) is not None, timeout=TIMEOUT)
    split, index = data.place(5)
    words = [text for text, _, _ in wall._row_words(data, 5, split, index)]
    assert words[-3:] == ["15", "16", "17"]
    wall.verticalScrollBar().setValue(wall.verticalScrollBar().maximum())
    qtbot.waitUntil(lambda: wall.thumbnails.row(299) is not None, timeout=TIMEOUT)
    assert background.wait(10)


def test_an_example_of_a_streamed_set_is_read_on_a_worker(qtbot: QtBot) -> None:
    here = threading.get_ident()

    class OnDisk:
        shape, ndim, dtype = (4, 1, 6, 6), 4, np.dtype(np.uint8)

        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> np.ndarray:
            assert threading.get_ident() != here
            if index == 3:
                raise OSError("The disk is gone.")
            return np.full((1, 6, 6), 40 * index, np.uint8)

    facts = DataFacts((1, 6, 6), 2, "classes", ("cat", "dog"))
    data = ViewedData(DataConfig("digits"), "pets", facts, (OnDisk(),), (np.array([0, 1, 0, 1]),))  # type: ignore[arg-type]
    background = Background()
    panel = ExamplePanel(background)
    qtbot.addWidget(panel)
    panel.show_data(data)
    for number in (2, 0, 1):  # passed over quickly: the last one is shown
        panel.show_example(data, number, None, "", False)
        assert panel.title.text() == data.label(number) and panel.stack.currentWidget() is panel.waiting
    qtbot.waitUntil(lambda: panel.stack.currentWidget() is panel.pixels, timeout=TIMEOUT)
    assert panel.pixels._numbers is not None and (panel.pixels._numbers == 40).all()
    panel.show_example(data, 1, None, "", True)
    assert panel.stack.currentWidget() is panel.pixels  # the same one, pinned: it is not read again
    panel.show_example(data, 3, None, "", False)
    qtbot.waitUntil(lambda: bool(panel.waiting.text()), timeout=TIMEOUT)
    assert panel.stack.currentWidget() is panel.waiting
    assert background.wait(10)
