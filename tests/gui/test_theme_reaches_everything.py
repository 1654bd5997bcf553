"""Another theme or mode reaches all that there is: open dialogs, hidden panels, words in colours of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields

import pytest
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QGraphicsView, QLabel, QWidget
from pytestqt.qtbot import QtBot
from window_kit import TIMEOUT, OpenWindow

from nnviz.gui.look import theme
from nnviz.gui.look.mode import Mode
from nnviz.gui.panels.enlarged import Enlarged
from nnviz.gui.panels.help import HelpPopup
from nnviz.gui.window.window import MainWindow

_COLOUR = re.compile(r"#[0-9a-f]{6}\b")


def colours_of(one: theme.Theme) -> set[str]:
    """Every colour that a theme names."""
    found: set[str] = set()
    for field in fields(one):
        value = getattr(one, field.name)
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,)
        found |= {part.name() for part in parts if isinstance(part, QColor)}
    return found


def worn(widget: QWidget) -> Iterator[tuple[str, str]]:
    """Where a widget keeps colours, and each of them."""
    for colour in _COLOUR.findall(widget.styleSheet().lower()):
        yield "stylesheet", colour
    if isinstance(widget, QLabel):
        for colour in _COLOUR.findall(widget.text().lower()):
            yield "text", colour
    if isinstance(widget, QGraphicsView) and widget.backgroundBrush().color().alpha():
        yield "background", widget.backgroundBrush().color().name()
    for group in (QPalette.ColorGroup.Active, QPalette.ColorGroup.Disabled, QPalette.ColorGroup.Inactive):
        for role in QPalette.ColorRole:
            if role is not QPalette.ColorRole.NColorRoles:
                yield f"palette {role.name}", widget.palette().color(group, role).name()


def left_over(old: theme.Theme) -> list[str]:
    """Colours of the theme before, which the present one does not have, and the widgets that still wear them."""
    gone = colours_of(old) - colours_of(theme.current())
    assert len(gone) > 20
    return [
        f"{type(widget).__name__} {widget.objectName()}: {where} {colour}"
        for widget in QApplication.allWidgets()
        for where, colour in worn(widget)
        if colour in gone
    ]


def show_tabs(window: MainWindow) -> None:
    """What a tab that nobody sees has to say is written anew when it is shown."""
    assert window.inspector is not None
    for tab in ("training", "data", "explain", "layer"):
        window.inspector.show_tab(tab)


def open_everything(window: MainWindow, qtbot: QtBot) -> None:
    """A selection with its pictures, every instrument made, and each thing that opens over the window."""
    assert window.docks is not None and window.inspector is not None
    maps = window.inspector.layer.maps
    window.canvas.select(["conv1"])
    qtbot.waitUntil(lambda: maps.maps is not None, timeout=TIMEOUT)
    show_tabs(window)
    window.action("samples").trigger()
    window.action("shortcuts").trigger()
    window.action("command_palette").trigger()
    window.action("details").trigger()
    window.action("about").trigger()
    window.docks.panels["loss"].show_help()
    maps.enlarge(0)
    kinds = {type(widget) for widget in QApplication.allWidgets() if widget.isVisible()}
    assert {HelpPopup, Enlarged} <= kinds


@pytest.mark.parametrize(("before", "after"), [("dark", "light"), ("light", "dark")])
def test_nothing_wears_a_colour_of_the_theme_before(
    qtbot: QtBot, open_window: OpenWindow, before: str, after: str
) -> None:
    theme.set_theme(before)
    window = open_window("digits-cnn")
    open_everything(window, qtbot)
    old = theme.current()
    theme.set_theme(after)
    show_tabs(window)
    assert not left_over(old), "\n".join(left_over(old))


def test_a_colour_left_behind_is_found(qtbot: QtBot, open_window: OpenWindow) -> None:
    open_window("and", ready=False)
    label = QLabel("planted")
    qtbot.addWidget(label)
    old = theme.current()
    label.setStyleSheet(f"color: {old.panel.name()}")
    theme.set_theme("light")
    found = left_over(old)
    assert f"QLabel : stylesheet {old.panel.name()}" in found and all(one.startswith("QLabel : ") for one in found)


def test_a_mode_that_is_set_reaches_the_window_by_itself(open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    assert window.docks is not None
    panels = window.docks.panels
    theme.set_mode(Mode.LECTURE)
    assert window.lecture.page is not None and window.action("lecture").isChecked()
    theme.set_mode(Mode.DESK)
    assert window.lecture.page is None and not window.action("lecture").isChecked()
    assert window.docks.panels == panels and not window.palette_panel.isHidden() and not window.side.isHidden()


def test_a_window_that_has_ended_begins_no_lecture(open_window: OpenWindow) -> None:
    window = open_window("and", ready=False)
    theme.set_mode(Mode.LECTURE)
    window.finish()
    assert theme.mode() is Mode.DESK
    theme.set_mode(Mode.LECTURE)
    assert window.lecture.page is None
