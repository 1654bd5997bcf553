"""Whatever can be read in the window grows with large letters, and over the page of a lecture it is as large as it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QSplitter,
    QTabBar,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow

from nnviz.gui.canvas.palette import largest
from nnviz.gui.look import theme
from nnviz.gui.look.mode import Mode
from nnviz.gui.window.dock_row import _fit_letters
from nnviz.gui.window.looks import LARGE_LETTERS
from nnviz.gui.window.window import MainWindow
from nnviz.project import registry

#: Pixels that 12, the smallest of usual letters, have in large ones.
LEAST = round(12 * LARGE_LETTERS)
#: Pixels of the letters of a lecture.
OF_A_HALL = 24


@pytest.fixture(autouse=True)
def usual_letters_afterwards() -> Iterator[None]:
    yield
    theme.set_text_scale(1.0)
    theme.set_mode(Mode.DESK)


def words_of(widget: QWidget) -> str:
    """What can be read on it; empty for what shows no words, or writes its letters into its HTML."""
    if isinstance(widget, QLabel | QAbstractButton):
        text = widget.text()
    elif isinstance(widget, QLineEdit):
        text = widget.text() or widget.placeholderText()
    elif isinstance(widget, QComboBox):
        text = widget.currentText()
    elif isinstance(widget, QHeaderView):
        text = "a header"
    else:
        text = ""
    return "" if text.startswith("<") else text


def letters_of(widget: QWidget) -> int:
    """Pixels of the letters in which it writes."""
    painted_on = widget.viewport() if isinstance(widget, QHeaderView) else widget
    return painted_on.font().pixelSize()


def smaller_than(pixels: int, root: QWidget) -> set[str]:
    """What can be read below a widget in smaller letters."""
    return {
        f"{type(widget).__name__} in {type(widget.parentWidget()).__name__}: {words_of(widget)}"
        for widget in root.findChildren(QWidget)
        if widget.isVisible()
        and not widget.visibleRegion().isEmpty()
        and words_of(widget)
        and letters_of(widget) < pixels
    }


def grown(window: MainWindow, qtbot: QtBot, where: str) -> None:
    for _ in range(6):
        QApplication.processEvents()
    try:
        qtbot.waitUntil(lambda: not smaller_than(LEAST, window), timeout=5_000)
    except qtbot.TimeoutError:
        pytest.fail(f"{where}: {smaller_than(LEAST, window)}")


def test_everything_that_can_be_read_grows(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    window.resize(1366, 768)
    window.training.bridge.step(3)
    qtbot.waitUntil(lambda: window.training.standing.step == 3, timeout=TIMEOUT)
    window.canvas.select(["conv1"])
    inspector, docks = window.inspector, window.docks
    assert inspector is not None and docks is not None
    inspector.show_tab("values")
    docks.show_panel("sweep")
    theme.set_text_scale(LARGE_LETTERS)
    for tab in inspector.tabs:
        inspector.show_tab(tab)
        grown(window, qtbot, tab)
    for key in docks.docks:
        docks.show_panel(key)
        grown(window, qtbot, key)
    for name in ("race", "backward", "explain_large", "data_page", "details", "shortcuts", "command_palette"):
        window.action(name).trigger()
        grown(window, qtbot, name)
        window.action(name).trigger()


def test_small_buttons_grow_with_the_letters_beside_them(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    panel = window.docks.show_panel("loss")
    title = panel.header.parentWidget()
    assert title is not None
    buttons = [
        panel._help_button,
        panel._menu_button,
        *title.findChildren(QToolButton, "", Qt.FindChildOption.FindDirectChildrenOnly),
    ]
    usual = [(button.iconSize().width(), button.width()) for button in buttons]
    assert len(buttons) == 4
    theme.set_text_scale(1.5)
    qtbot.waitUntil(lambda: buttons[-1].width() > usual[-1][1])
    for button, (icon, width) in zip(buttons, usual, strict=True):
        assert button.iconSize().width() == round(1.5 * icon) and button.width() == round(1.5 * width)
    theme.set_text_scale(1.0)
    qtbot.waitUntil(lambda: [(button.iconSize().width(), button.width()) for button in buttons] == usual)


@pytest.mark.parametrize("name", ["shortcuts", "command_palette", "details"])
def test_what_lies_over_a_lecture_is_read_from_the_back_row_and_gives_the_keyboard_back(
    qtbot: QtBot, open_window: OpenWindow, name: str
) -> None:
    window = open_window("digits-cnn", ready=False)
    window.resize(1280, 720)
    overlays = window.overlays
    window.action(name).trigger()  # opened once at a desk: the letters of then are not those of now
    overlay = {"shortcuts": overlays.sheet, "command_palette": overlays.palette, "details": overlays.details}[name]
    usual = overlay.first_field().font().pixelSize()
    QTest.keyClick(overlay.first_field(), Qt.Key.Key_Escape)
    window.looks.set_lecture(True)
    page = window.lecture.page
    assert page is not None
    qtbot.waitUntil(page.hasFocus, timeout=TIMEOUT)
    window.action(name).trigger()
    qtbot.waitUntil(overlay.isVisible, timeout=TIMEOUT)
    assert not smaller_than(OF_A_HALL, overlay.card)
    assert window.rect().contains(overlay.card.geometry())
    QTest.keyClick(overlay.first_field(), Qt.Key.Key_Escape)
    assert overlay.isHidden()
    for _ in range(6):
        QApplication.processEvents()  # somebody else may take the keyboard a moment later
    assert page.hasFocus()
    window.looks.set_lecture(False)
    window.action(name).trigger()
    assert overlay.first_field().font().pixelSize() == usual


def test_titles_on_tabs_grow_as_far_as_all_have_room(styled: QApplication, qtbot: QtBot) -> None:
    theme.set_text_scale(LARGE_LETTERS)
    tabs = QTabBar()
    qtbot.addWidget(tabs)
    for title in ("Gradient magnitude", "Evaluation", "Dead ReLU units"):
        tabs.addTab(title)
    sizes = []
    for width in (900, 480, 200):
        tabs.resize(width, 34)
        _fit_letters(tabs)
        sizes.append(tabs.font().pixelSize())
        assert tabs.sizeHint().width() <= width or sizes[-1] == 13
    assert sizes[0] == theme.surrounding_font(13).pixelSize() > sizes[1] > sizes[2] == 13


def test_large_letters_leave_a_lecture_as_it_is(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    window.resize(1280, 720)
    window.looks.set_lecture(True)
    page = window.lecture.page
    assert page is not None and page.panel is not None
    usual, wide = page.glass.glass, page.panel.width()
    theme.set_text_scale(LARGE_LETTERS)
    assert page.glass.glass * LARGE_LETTERS == pytest.approx(usual)
    qtbot.waitUntil(lambda: abs(page.panel.width() - LARGE_LETTERS * wide) <= 2, timeout=TIMEOUT)  # type: ignore[union-attr]
    theme.set_text_scale(1.0)
    assert page.glass.glass == usual


def test_the_names_of_all_layers_are_whole_in_the_palette(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    window.resize(1280, 720)
    listed = window.palette_panel.list_widget
    before = window.palette_panel.width()
    window.action("large_letters").trigger()
    qtbot.waitUntil(lambda: window.palette_panel.width() > before, timeout=TIMEOUT)
    name, heading = listed.letters()  # type: ignore[attr-defined]
    assert name > 13 and heading > 12, "they grow"
    room = listed.viewport().width()
    names = QFontMetrics(theme.scene_font(name))
    assert max(names.horizontalAdvance(spec.title) for spec in registry.layers().values()) <= room - 33 - 4
    headings = QFontMetrics(theme.scene_font(heading, 600))
    assert max(headings.horizontalAdvance(title.upper()) for _key, title in registry.FAMILIES) <= room - 8 - 4
    window.action("large_letters").trigger()
    qtbot.waitUntil(lambda: window.palette_panel.width() == before, timeout=TIMEOUT)
    assert listed.letters() == (13, 12)  # type: ignore[attr-defined]


def test_letters_are_not_smaller_than_usual_however_narrow_the_column(styled: QApplication) -> None:
    theme.set_text_scale(LARGE_LETTERS)
    assert largest(["AdaptiveAvgPool2d"], 13, 400, 10) == 13
    assert largest(["A"], 13, 400, 1_000) == theme.font(13).pixelSize()


def test_a_number_that_is_taken_apart_stays_beside_the_inspector(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    window.resize(1366, 768)
    window.canvas.select(["conv1"])
    window.action("explain_large").trigger()
    page = window.findChild(QWidget, "ExplainPage")
    assert page is not None and window.inspector is not None
    inspector = window.inspector

    def ends() -> tuple[int, int]:
        return page.geometry().right() + 1, inspector.mapTo(window, QPoint(0, 0)).x()

    qtbot.waitUntil(lambda: abs(ends()[0] - ends()[1]) <= 4, timeout=TIMEOUT)
    before = ends()
    sides = next(one for one in window.findChildren(QSplitter) if one.isAncestorOf(inspector))
    left, middle, right = sides.sizes()
    sides.setSizes([left, middle - 90, right + 90])  # as in larger letters, or dragged
    qtbot.waitUntil(lambda: ends()[1] < before[1] and abs(ends()[0] - ends()[1]) <= 4, timeout=5_000)


def test_a_number_that_is_taken_apart_stays_behind_a_lecture(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    window.canvas.select(["conv1"])
    window.action("explain_large").trigger()
    apart = window.findChild(QWidget, "ExplainPage")
    assert apart is not None
    window.looks.set_lecture(True)
    page = window.lecture.page
    assert page is not None and apart.isVisible()
    apart.raise_()  # as happens where letters had another size before
    children = window.children()
    assert children.index(apart) > children.index(page)
    qtbot.waitUntil(lambda: window.children().index(apart) < window.children().index(page), timeout=5_000)
