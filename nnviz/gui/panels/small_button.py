"""A button in the small letters of a panel, which Enter elsewhere does not press."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QPushButton, QWidget

from nnviz.gui.parts.widgets import set_font


def small_button(text: str, help: str, do: Callable[[], object], parent: QWidget) -> QPushButton:
    """A button with its help and what it does."""
    button = QPushButton(text, parent)
    button.setToolTip(help)
    button.setAutoDefault(False)
    set_font(button, 12)
    button.clicked.connect(do)
    return button
