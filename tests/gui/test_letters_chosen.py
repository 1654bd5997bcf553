"""Large letters are chosen in the menu View, reach the whole window, and are remembered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from window_kit import OpenWindow

from nnviz.gui.look import theme
from nnviz.gui.parts.settings import Settings
from nnviz.gui.window.looks import LARGE_LETTERS


@pytest.fixture(autouse=True)
def usual_letters_afterwards() -> Iterator[None]:
    yield
    theme.set_text_scale(1.0)


def test_all_letters_grow_and_become_as_they_were(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    action = window.action("large_letters")
    before = window.top_bar.height()
    assert not action.isChecked() and not window.settings.large_letters
    action.trigger()
    assert action.isChecked() and window.settings.large_letters and theme.text_scale() == LARGE_LETTERS
    qtbot.waitUntil(lambda: window.top_bar.height() > before)
    action.trigger()
    assert not action.isChecked() and not window.settings.large_letters and theme.text_scale() == 1.0
    qtbot.waitUntil(lambda: window.top_bar.height() == before)


def test_they_are_remembered(open_window: OpenWindow, tmp_path: Path) -> None:
    window = open_window("and", ready=False)
    window.action("large_letters").trigger()
    theme.set_text_scale(1.0)  # as at the start of a program
    again = Settings(window.settings.path)
    window.settings.sync()
    assert again.large_letters


def test_what_is_no_yes_in_the_file_is_no(tmp_path: Path) -> None:
    path = tmp_path / "nnviz.ini"
    path.write_text("[General]\nlarge_letters=many\n", encoding="utf-8")
    assert not Settings(path).large_letters
