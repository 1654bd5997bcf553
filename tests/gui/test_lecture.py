"""A lecture, and the way back from it: nothing is cut, nothing lies over something else, everything is as large."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QLineEdit, QSpinBox, QWidget
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow

from nnviz.gui.look import theme
from nnviz.gui.look.mode import Mode
from nnviz.gui.parts.widgets import FittedText, set_font
from nnviz.gui.welcome.page_scale import page_scale
from nnviz.gui.welcome.welcome import Welcome
from nnviz.gui.window.docks import Docks
from nnviz.gui.window.window import MainWindow


def docks_of(window: MainWindow) -> Docks:
    assert window.docks is not None
    return window.docks


def row(window: MainWindow) -> list[str]:
    """The panels in the row at the foot that are in sight, left to right."""
    docks = docks_of(window).docks
    seen = [key for key, dock in docks.items() if key != "outline" and dock.isVisible() and dock.x() >= 0]
    return sorted(seen, key=lambda key: docks[key].x())


def lies_side_by_side(window: MainWindow) -> bool:
    docks = docks_of(window).docks
    places = [docks[key].geometry() for key in row(window)]
    apart = all(left.right() < right.left() for left, right in pairwise(places))
    return apart and places[-1].right() < window.width()


def test_a_panel_opened_in_a_lecture_takes_the_place_of_the_last_one(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    window.resize(1280, 720)
    before = row(window)
    window.action("lecture").trigger()
    qtbot.waitUntil(lambda: row(window) == ["loss", "gradients", "dead_units"], timeout=TIMEOUT)
    window.action("problems").trigger()
    qtbot.waitUntil(lambda: row(window) == ["loss", "gradients", "problems"], timeout=TIMEOUT)
    docks_of(window).docks["history"].toggleViewAction().trigger()
    qtbot.waitUntil(lambda: row(window) == ["loss", "gradients", "history"], timeout=TIMEOUT)
    qtbot.waitUntil(lambda: lies_side_by_side(window), timeout=TIMEOUT)

    window.action("lecture").trigger()
    qtbot.waitUntil(lambda: {*before} - {"findings"} < {*row(window)} and lies_side_by_side(window), timeout=TIMEOUT)
    assert docks_of(window).docks["findings"].isVisibleTo(window)


def test_after_a_lecture_panels_are_as_narrow_as_before(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    window.resize(1280, 720)
    dock = docks_of(window).docks["gradients"]
    qtbot.waitUntil(dock.isVisible, timeout=TIMEOUT)
    least = dock.minimumSizeHint().width()
    window.action("lecture").trigger()
    qtbot.waitUntil(lambda: dock.minimumSizeHint().width() > least, timeout=TIMEOUT)
    window.action("lecture").trigger()
    qtbot.waitUntil(lambda: dock.minimumSizeHint().width() == least, timeout=TIMEOUT)


def test_the_outline_leaves_the_network_its_room_in_a_lecture(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    window.resize(1280, 720)
    window.action("outline").trigger()
    window.action("lecture").trigger()
    outline = docks_of(window).docks["outline"]
    qtbot.waitUntil(lambda: 380 <= outline.width() <= 520, timeout=TIMEOUT)
    window.action("lecture").trigger()
    qtbot.waitUntil(lambda: 300 <= outline.width() <= 360, timeout=TIMEOUT)


def test_what_an_empty_panel_says_is_never_cut(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    window.resize(1280, 720)
    window.action("lecture").trigger()
    qtbot.waitUntil(lambda: len(row(window)) == 3, timeout=TIMEOUT)
    for name in ("light", "dark"):
        theme.set_theme(name)  # restyles every widget
        for key in row(window):
            for said in docks_of(window).panels[key].findChildren(FittedText):
                if said.isVisible():
                    qtbot.waitUntil(partial(fits, said), timeout=TIMEOUT)
                    assert said.font().pixelSize() > 13


def fits(said: FittedText) -> bool:
    room = said.contentsRect()
    flags = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignCenter)
    return QFontMetrics(said.font()).boundingRect(room, flags, said.text()).height() <= room.height()


def test_a_long_sentence_gets_smaller_letters_than_a_short_one(qtbot: QtBot, open_window: OpenWindow) -> None:
    open_window("and", ready=False)
    theme.set_mode(Mode.LECTURE)
    sizes = []
    for text in ("Short.", "A sentence of many words that would not fit into this little room. " * 2):
        said = FittedText(text)
        qtbot.addWidget(said)
        said.resize(300, 120)
        said.show()
        qtbot.waitUntil(partial(fits, said), timeout=TIMEOUT)
        sizes.append(said.font().pixelSize())
    assert sizes[0] == theme.font(13).pixelSize() > sizes[1] >= theme.MINIMUM_PIXEL_SIZE


def test_fields_of_the_inspector_have_usual_letters_after_a_lecture(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and")
    window.canvas.select(["linear1"])
    window.action("lecture").trigger()
    window.action("lecture").trigger()
    assert window.inspector is not None

    def lines() -> set[int]:
        assert window.inspector is not None
        return {line.font().pixelSize() for line in window.inspector.layer.form.findChildren(QLineEdit)}

    qtbot.waitUntil(lambda: lines() == {theme.font(13).pixelSize()}, timeout=TIMEOUT)


def test_the_title_is_edited_in_letters_that_fit_the_card(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and")
    window.action("lecture").trigger()
    window.canvas.select(["linear1"])
    window.action("rename").trigger()
    qtbot.waitUntil(lambda: window.canvas.renaming.editor is not None, timeout=TIMEOUT)
    editor = window.canvas.renaming.editor
    assert editor is not None
    assert QFontMetrics(editor.font()).height() <= editor.height() - 4


def test_the_welcome_page_follows_a_lecture(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    window.resize(1280, 720)
    page = Welcome(window, at_start=True)
    page.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    page.show()
    card, side = page.cards[0], page.new_network
    before = (card.train.font().pixelSize(), side.font().pixelSize(), card.height())
    window.action("lecture").trigger()
    larger = page_scale()
    assert larger > 1.2
    expected = (round(12 * larger), round(13 * larger), round(before[2] * larger))
    qtbot.waitUntil(
        lambda: (card.train.font().pixelSize(), side.font().pixelSize(), card.height()) == expected, timeout=TIMEOUT
    )
    assert page.width() <= window.width() and len({card.x() for card in page.shelf.shown}) >= 2
    for shown in page.shelf.shown:
        assert shown.rect().contains(shown.train.geometry())
    window.action("lecture").trigger()
    qtbot.waitUntil(
        lambda: (card.train.font().pixelSize(), side.font().pixelSize(), card.height()) == before, timeout=TIMEOUT
    )
    page.close()


def test_a_font_reaches_the_line_within_a_field_with_arrows(qtbot: QtBot, open_window: OpenWindow) -> None:
    open_window("and", ready=False)
    holder = QWidget()
    qtbot.addWidget(holder)
    field = QSpinBox(holder)
    holder.show()
    set_font(field, 20)
    line = field.findChild(QLineEdit)
    assert line is not None and line.font().pixelSize() == theme.font(20).pixelSize()
