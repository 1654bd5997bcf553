"""In large letters bars, menus, notices and texts are whole and beside each other; and as before afterwards."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QSpinBox,
    QToolButton,
    QToolTip,
    QWidget,
)
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow

from nnviz.gui.look import theme
from nnviz.gui.parts.widgets import FittedText, set_font
from nnviz.gui.welcome.page_scale import page_scale
from nnviz.gui.welcome.welcome import Welcome
from nnviz.gui.window.notices import Button
from nnviz.gui.window.window import MainWindow

#: Pixels of 24 pt at 96 dots an inch, and the scale of letters that makes them of the usual 13.
LARGE = 32
SCALE = LARGE / 13


def parts_of_the_bar(window: MainWindow) -> list[QWidget]:
    parts = [
        part for part in window.top_bar.children() if isinstance(part, QWidget) and part.isVisible() and part.width()
    ]
    return sorted(parts, key=lambda part: part.x())


def cut(root: QWidget) -> list[str]:
    """Labels on one line that have less room than their words need."""
    return [
        label.text()
        for label in root.findChildren(QLabel)
        if label.isVisible()
        and not label.wordWrap()
        and QFontMetrics(label.font()).horizontalAdvance(label.text()) > label.width() + 1
    ]


def stand_apart(window: MainWindow) -> bool:
    places = [part.geometry() for part in parts_of_the_bar(window)]
    apart = all(left.right() < right.left() for left, right in pairwise(places))
    return apart and window.top_bar.rect().contains(places[-1])


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)])
def test_the_bars_are_large_and_nothing_in_them_is_cut(
    qtbot: QtBot, open_window: OpenWindow, size: tuple[int, int]
) -> None:
    window = open_window("digits-cnn", ready=False)
    window.resize(*size)
    qtbot.waitUntil(lambda: stand_apart(window), timeout=TIMEOUT)
    before = set(parts_of_the_bar(window))
    bars, menu = (window.top_bar.height(), window.timeline.height()), window.menu_bar.height()
    theme.set_text_scale(SCALE)
    qtbot.waitUntil(lambda: window.top_bar.height() > bars[0] and window.timeline.height() > bars[1], timeout=TIMEOUT)
    qtbot.waitUntil(lambda: stand_apart(window) and not cut(window.top_bar) and not cut(window.timeline))
    assert window.menu_bar.height() > menu
    assert window.menu_bar.actionGeometry(window.menu_bar.actions()[-1]).right() < window.width()
    for value in (
        window.top_bar.settings.epoch,
        window.top_bar.settings.step,
        window.top_bar.settings.rate,
        window.top_bar.settings.rate.lineEdit(),
    ):
        assert value is not None and value.font().pixelSize() == LARGE
        assert QFontMetrics(value.font()).height() <= value.height()
    theme.set_text_scale(1.0)
    qtbot.waitUntil(lambda: (window.top_bar.height(), window.timeline.height()) == bars, timeout=TIMEOUT)
    qtbot.waitUntil(lambda: set(parts_of_the_bar(window)) == before and stand_apart(window), timeout=TIMEOUT)
    editor = window.top_bar.settings.rate.lineEdit()
    assert editor is not None and (editor.font().pixelSize(), int(editor.font().weight())) == (13, 600)


def test_what_stands_beside_the_canvas_has_room_for_large_letters(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    window.resize(1280, 720)
    docks, inspector = window.docks, window.inspector
    assert docks is not None and inspector is not None
    docks.show_panel("evaluation")
    tabs = [one for one in inspector.findChildren(QToolButton) if one.accessibleName().endswith(" tab")]

    def is_whole() -> bool:
        row = [docks.docks[key] for key in docks.row.keys()]  # noqa: SIM118 - a method of the row
        apart = all(left.geometry().right() < right.x() for left, right in pairwise(row))
        wide = all(dock.width() >= dock.minimumSizeHint().width() for dock in row)
        words = all(one.fontMetrics().horizontalAdvance(one.text()) < one.width() for one in tabs)
        return len(tabs) == 5 and apart and wide and words and not cut(inspector)

    qtbot.waitUntil(is_whole, timeout=TIMEOUT)
    before = window.side.width()
    window.action("large_letters").trigger()
    qtbot.waitUntil(lambda: window.side.width() > before, timeout=TIMEOUT)
    qtbot.waitUntil(is_whole, timeout=TIMEOUT)
    window.action("large_letters").trigger()
    qtbot.waitUntil(lambda: window.side.width() == before and is_whole(), timeout=TIMEOUT)


def test_every_menu_grows_and_still_fits_the_screen_of_a_projector(open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    menus = [menu for menu in window.menu_bar.findChildren(QMenu) if menu.parent() is window.menu_bar]
    before = [menu.sizeHint().height() for menu in menus]
    theme.set_text_scale(SCALE)
    after = [menu.sizeHint().height() for menu in menus]
    assert all(large > small for small, large in zip(before, after, strict=True))
    assert max(after) <= 720
    later = QMenu(window)
    later.addAction("Made in the lecture")
    later.ensurePolished()
    assert later.font().pixelSize() == QToolTip.font().pixelSize() == theme.surrounding_font(13).pixelSize() > 20
    theme.set_text_scale(1.0)
    assert {menu.font().pixelSize() for menu in menus} == {13}
    assert menus[0].sizeHint().height() == before[0]


def test_another_theme_leaves_the_letters_as_large_as_they_are(open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    bars = (window.top_bar, window.timeline, window.menu_bar)

    def letters() -> list[int]:
        parts = [part for bar in bars for part in (bar, *bar.findChildren(QWidget))]
        return [part.font().pixelSize() for part in parts if isinstance(part, QLabel | QLineEdit | QMenu | QPushButton)]

    usual = letters()
    theme.set_text_scale(1.5)
    large = letters()
    assert large != usual
    theme.set_theme("light")
    assert letters() == large and window.menu_bar.font().pixelSize() == theme.surrounding_font(13).pixelSize()
    theme.set_text_scale(1.0)
    theme.set_theme("dark")
    assert letters() == usual and window.menu_bar.font().pixelSize() == 13


def test_notices_grow_also_those_that_were_there_before(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    window.resize(1280, 720)
    for side in (window.palette_panel, window.side):
        side.hide()
    qtbot.waitUntil(lambda: window.canvas.width() > 1200, timeout=TIMEOUT)
    sentence = "xor.nnviz has been changed by another window or program. Reloading loses the changes made here."
    choices = (Button("Reload", lambda: None), Button("Keep mine", lambda: None, primary=True))
    notice = window.notices.show_notice("one", sentence, "warning", choices)
    height = notice.height()
    theme.set_text_scale(SCALE)
    qtbot.waitUntil(lambda: notice.height() > height, timeout=TIMEOUT)
    late = window.notices.show_notice("two", sentence, "warning", choices)
    for shown in (notice, late):
        for part in (*shown.findChildren(QLabel), *shown.findChildren(QPushButton)):
            assert part.font().pixelSize() == theme.surrounding_font(13).pixelSize()
        qtbot.waitUntil(lambda shown=shown: all(room_for(button) for button in shown.buttons), timeout=TIMEOUT)
    assert window.centralWidget().rect().contains(window.notices.geometry())
    theme.set_text_scale(1.0)
    window.notices.dismiss("two")
    qtbot.waitUntil(lambda: notice.height() == height, timeout=TIMEOUT)


def room_for(button: QPushButton) -> bool:
    return button.width() >= button.sizeHint().width()


class Restyled(QObject):
    """Counts how often widgets are polished anew."""

    count = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() in {QEvent.Type.StyleChange, QEvent.Type.PaletteChange}
        return False


def test_a_notice_is_as_high_as_its_buttons_in_two_rows_need(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    window.resize(1280, 720)
    titles = ("All who race", "Back to my project", "Open its project")
    sentence = "digits-cnn, SGD: its network while it races, read-only. Play, pause and step are those of the race."
    buttons = [Button(title, lambda: None) for title in titles]
    window.notices.show_notice("race", sentence, "information", buttons)
    notice = window.notices.notice("race")
    assert notice is not None
    qtbot.waitUntil(lambda: notice.height() == notice.height_for(notice.width()), timeout=TIMEOUT)
    window.action("large_letters").trigger()
    qtbot.waitUntil(lambda: notice.buttons[2].y() > notice.buttons[0].y(), timeout=TIMEOUT)  # below the others
    for part in (*notice.buttons, notice._label):
        qtbot.waitUntil(lambda part=part: part.visibleRegion().boundingRect() == part.rect(), timeout=3_000)  # type: ignore[misc]
    assert notice._label.height() >= notice._label.heightForWidth(notice._label.width())


def test_larger_letters_do_not_polish_the_whole_window_anew(qtbot: QtBot, styled: QApplication) -> None:
    button = QPushButton("Play")
    qtbot.addWidget(button)
    button.show()
    seen = Restyled()
    button.installEventFilter(seen)
    theme.set_text_scale(SCALE)
    theme.set_text_scale(1.0)
    assert seen.count == 0
    theme.set_theme("light")
    assert seen.count > 0


def fits(said: FittedText) -> bool:
    room = said.contentsRect()
    flags = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignCenter)
    return QFontMetrics(said.font()).boundingRect(room, flags, said.text()).height() <= room.height()


def test_a_long_sentence_gets_smaller_letters_than_a_short_one(qtbot: QtBot, open_window: OpenWindow) -> None:
    open_window("and", ready=False)
    theme.set_text_scale(SCALE)
    sizes = []
    for text in ("Short.", "A sentence of many words that would not fit into this little room. " * 2):
        said = FittedText(text)
        qtbot.addWidget(said)
        said.resize(300, 120)
        said.show()
        qtbot.waitUntil(partial(fits, said), timeout=TIMEOUT)
        sizes.append(said.font().pixelSize())
    assert sizes[0] == theme.font(13).pixelSize() > sizes[1] >= theme.MINIMUM_PIXEL_SIZE


def test_fields_of_the_inspector_have_usual_letters_after_large_ones(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and")
    window.canvas.select(["linear1"])
    theme.set_text_scale(SCALE)
    theme.set_text_scale(1.0)
    assert window.inspector is not None

    def lines() -> set[int]:
        assert window.inspector is not None
        return {line.font().pixelSize() for line in window.inspector.layer.form.findChildren(QLineEdit)}

    qtbot.waitUntil(lambda: lines() == {theme.font(13).pixelSize()}, timeout=TIMEOUT)


def test_the_title_is_edited_in_letters_that_fit_the_card(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and")
    theme.set_text_scale(SCALE)
    window.canvas.select(["linear1"])
    window.action("rename").trigger()
    qtbot.waitUntil(lambda: window.canvas.renaming.editor is not None, timeout=TIMEOUT)
    editor = window.canvas.renaming.editor
    assert editor is not None
    assert QFontMetrics(editor.font()).height() <= editor.height() - 4


def test_the_welcome_page_has_larger_letters(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    window.resize(1280, 720)
    page = Welcome(window, at_start=True)
    page.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    page.show()
    card, side = page.cards[0], page.new_network
    before = (card.train.font().pixelSize(), side.font().pixelSize(), card.height())
    theme.set_text_scale(SCALE)
    larger = page_scale()
    assert larger > 1.2
    expected = (round(12 * larger), round(13 * larger), round(before[2] * larger))
    qtbot.waitUntil(
        lambda: (card.train.font().pixelSize(), side.font().pixelSize(), card.height()) == expected, timeout=TIMEOUT
    )
    assert page.width() <= window.width() and len({card.x() for card in page.shelf.shown}) >= 2
    for shown in page.shelf.shown:
        assert shown.rect().contains(shown.train.geometry())
    theme.set_text_scale(1.0)
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
