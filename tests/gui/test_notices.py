"""Notices over the canvas: wide and narrow, and in the colours of the theme."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT

from nnviz.gui.look import theme
from nnviz.gui.window.notices import Button, Notice, NoticeArea

CURES = tuple(Button(title, lambda: None) for title in ("Set kernel size to 13×13", "Set padding to 4×4", "Show"))
TEXT = "conv2: The kernel of Conv2d is 21×21, but the input is only 13×13."


@pytest.fixture
def canvas(qtbot: QtBot, styled: QApplication) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(1100, 500)
    made.show()
    return made


@pytest.fixture
def area(canvas: QWidget) -> NoticeArea:
    return NoticeArea(canvas)


def place(notice: Notice, widget: QWidget) -> QRect:
    return QRect(widget.mapTo(notice, QPoint()), widget.size())


def sentence(notice: Notice) -> QRect:
    return place(notice, next(found for found in notice.findChildren(QLabel) if found.text() == TEXT))


@pytest.mark.parametrize("width", [1100, 760, 520, 440])
def test_words_and_buttons_are_whole_however_narrow_it_is(
    width: int, canvas: QWidget, area: NoticeArea, qtbot: QtBot
) -> None:
    notice = area.show_notice("one", TEXT, "warning", CURES)
    canvas.resize(width, 500)

    def whole() -> bool:
        buttons = [place(notice, button) for button in notice.buttons]
        return (
            notice.width() <= width
            and all(
                notice.rect().contains(place) and place.width() >= button.sizeHint().width()
                for place, button in zip(buttons, notice.buttons, strict=True)
            )
            and not any(place.intersects(sentence(notice)) for place in buttons)
            and sentence(notice).width() >= 200
            and area.rect().contains(notice.geometry())
        )

    qtbot.waitUntil(whole, timeout=TIMEOUT)
    below = place(notice, notice.buttons[0]).top() > sentence(notice).bottom()
    assert below == (width < 600)


def test_two_notices_stand_one_below_the_other_without_a_hole(canvas: QWidget, area: NoticeArea, qtbot: QtBot) -> None:
    first = area.show_notice("one", TEXT, "warning", CURES)
    second = area.show_notice("two", "It could not be written.", "error", details="why")
    canvas.resize(460, 500)
    qtbot.waitUntil(lambda: second.y() - first.geometry().bottom() < 12 and first.y() == 0, timeout=TIMEOUT)


def test_the_icon_has_the_colour_of_the_theme(area: NoticeArea) -> None:
    notice = area.show_notice("one", TEXT, "error")
    picture = next(found for found in notice.findChildren(QLabel) if not found.pixmap().isNull())

    def colours() -> set[str]:
        image = picture.pixmap().toImage()
        points = [(x, y) for x in range(image.width()) for y in range(image.height())]
        return {image.pixelColor(x, y).name() for x, y in points if image.pixelColor(x, y).alpha() == 255}

    assert theme.current().danger.name() in colours()
    theme.set_theme("light")
    assert theme.LIGHT.danger.name() in colours() and theme.DARK.danger.name() not in colours()


def test_what_waits_for_a_decision_is_not_crowded_out(area: NoticeArea) -> None:
    area.show_notice("decide", TEXT, "warning", CURES, closable=False)
    for key in ("one", "two", "three", "four"):
        area.show_notice(key, key, "warning")
    assert [notice.key for notice in area.notices] == ["decide", "three", "four"]
