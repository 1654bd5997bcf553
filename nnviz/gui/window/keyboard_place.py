"""The keyboard never ends up in a text field that nobody chose: what vanishes hands it to the canvas."""

from __future__ import annotations

import shiboken6
from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget

from nnviz.gui.parts.following import follow
from nnviz.gui.parts.soon import soon


class KeyboardPlace(QObject):
    """Where the keyboard goes when what has it is hidden, taken away or disabled, as a cure is that was pressed.

    Qt gives it to the next widget of the window, wherever that is: after the last card of the findings that is the
    search of the palette, and Space types there instead of training. A neighbour of its kind, such as the next card of
    a list, keeps it; otherwise the canvas gets it.

    Args:
        window: Whose keyboard it is.
        home: The canvas.
    """

    def __init__(self, window: QMainWindow, home: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._home = home
        self._following = follow(QApplication.instance().focusChanged, self._on_focus)  # type: ignore[union-attr]  # there is one

    def stop(self) -> None:
        """The window ends."""
        self._following.end()

    def _on_focus(self, before: QWidget | None, now: QWidget | None) -> None:
        if before is None or now is self._home or not shiboken6.isValid(before) or before.window() is not self._window:
            return
        if before.isEnabled() and not self._hidden(before):
            return
        if now is not None and type(now) is type(before) and now.parentWidget() is before.parentWidget():
            return
        # Not at once: who took it away may know a better place.
        soon(self._send_home, now)

    def _send_home(self, chosen_by_qt: QWidget | None) -> None:
        if self._window.focusWidget() is chosen_by_qt and QApplication.activePopupWidget() is None:
            self._home.setFocus(Qt.FocusReason.OtherFocusReason)

    def _hidden(self, widget: QWidget) -> bool:
        """Whether it, or what it is part of, is hidden."""
        part: QWidget | None = widget
        while part is not None and part is not self._window:
            if part.isHidden():
                return True
            part = part.parentWidget()
        return False


__all__ = ["KeyboardPlace"]
