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


def test_a_mode_brings_its_letters_and_is_announced_once(qapp: object) -> None:
    told: list[object] = []
    theme.notifier.changed.connect(told.append)
    theme.set_mode(Mode.LECTURE)
    assert theme.mode() is Mode.LECTURE and theme.text_scale() == Mode.LECTURE.text_scale
    theme.set_mode(Mode.LECTURE)
    theme.set_mode(Mode.DESK)
    assert theme.text_scale() == 1.0 and len(told) == 2
    theme.notifier.changed.disconnect(told.append)


def test_large_letters_alone_are_no_lecture(qapp: object) -> None:
    theme.set_text_scale(1.5)
    assert theme.mode() is Mode.DESK
    theme.set_mode(Mode.LECTURE)
    theme.set_text_scale(1.0)
    assert theme.mode() is Mode.LECTURE


def test_the_action_says_what_the_mode_is(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    window.action("lecture").trigger()
    assert theme.mode() is Mode.LECTURE and window.action("lecture").isChecked()
    assert window.palette_panel.isHidden() and not window.action("show_palette").isChecked()
    window.update_actions()
    assert window.action("lecture").isChecked()
    window.action("lecture").trigger()
    assert theme.mode() is Mode.DESK and not window.action("lecture").isChecked()
    assert not window.palette_panel.isHidden() and window.action("show_palette").isChecked()
