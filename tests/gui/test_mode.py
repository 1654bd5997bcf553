"""A lecture is a mode that somebody chose, whatever the size of the letters."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot
from window_kit import OpenWindow

from nnviz.gui.look import theme
from nnviz.gui.look.mode import Mode


@pytest.fixture(autouse=True)
def desk() -> Iterator[None]:
    yield
    theme.set_mode(Mode.DESK)


def test_a_mode_is_announced_once_and_changes_no_letters(qapp: object) -> None:
    told: list[object] = []

    def restyled(_theme: object) -> None:
        told.append("restyled")

    def moved() -> None:
        told.append(theme.mode())

    theme.notifier.changed.connect(restyled)
    theme.notifier.mode_changed.connect(moved)
    theme.set_mode(Mode.LECTURE)
    theme.set_mode(Mode.LECTURE)
    assert theme.mode() is Mode.LECTURE and theme.text_scale() == 1.0
    theme.set_mode(Mode.DESK)
    assert told == [Mode.LECTURE, Mode.DESK]
    theme.notifier.changed.disconnect(restyled)
    theme.notifier.mode_changed.disconnect(moved)


def test_large_letters_alone_are_no_lecture(qapp: object) -> None:
    theme.set_text_scale(1.5)
    assert theme.mode() is Mode.DESK
    theme.set_mode(Mode.LECTURE)
    assert theme.text_scale() == 1.5
    theme.set_text_scale(1.0)
    assert theme.mode() is Mode.LECTURE


def test_the_action_says_what_the_mode_is(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    window.action("lecture").trigger()
    assert theme.mode() is Mode.LECTURE and window.action("lecture").isChecked()
    assert window.lecture.page is not None and window.action("show_palette").isChecked()
    window.update_actions()
    assert window.action("lecture").isChecked()
    window.action("lecture").trigger()
    assert theme.mode() is Mode.DESK and not window.action("lecture").isChecked()
    assert not window.palette_panel.isHidden() and window.action("show_palette").isChecked()
