"""What the tests of the window share."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QToolButton

from nnviz.gui.window.window import MainWindow

#: Milliseconds for what training brings about: next to busy neighbours a few batches can take that long.
TIMEOUT = 120_000
OpenWindow = Callable[..., MainWindow]


def state_is(window: MainWindow, state: str) -> Callable[[], bool]:
    return lambda: window.training.state == state


def is_ready(window: MainWindow) -> bool:
    """Whether the network on the canvas, as it is now, can be trained: no change of it still waits to be followed."""
    training = window.training
    return training.settled and training.state == "ready" and window.feed.run is training.run


def button(window: MainWindow, name: str) -> QToolButton:
    return next(found for found in window.top_bar.findChildren(QToolButton) if found.accessibleName() == name)


def press_notice(window: MainWindow, key: str, title: str) -> None:
    notice = window.notices.notice(key)
    assert notice is not None
    next(found for found in notice.buttons if found.text() == title).click()
