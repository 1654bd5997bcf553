"""Opens the window on screens that Qt makes up, and says where everything is.

Called by ``test_screens.py`` in a process of its own: the screens of a process cannot be changed.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from PySide6.QtCore import QEvent, QRect
from PySide6.QtWidgets import QApplication, QWidget

from nnviz.gui.app import application
from nnviz.gui.parts import screens
from nnviz.gui.parts.pages import TextPage
from nnviz.gui.parts.settings import Settings
from nnviz.gui.runs.session_bridge import SessionBridge
from nnviz.gui.window import arrangement
from nnviz.gui.window.window import MainWindow
from nnviz.project.document import Document
from nnviz.project.samples import templates


def numbers(rect: QRect) -> list[int]:
    """A place as it is printed."""
    return [rect.x(), rect.y(), rect.width(), rect.height()]


def place(widget: QWidget) -> list[int]:
    """Where a window is, without its frame."""
    return numbers(widget.geometry())


def spin(seconds: float) -> None:
    """Let the window do its work."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.002)
    QApplication.processEvents()


def main(platform: str, settings: Path, moved: list[int] | None, out: Path) -> None:
    """Open the window and what it opens, and say where they are.

    Args:
        platform: Of Qt, with its screens.
        settings: Where the window remembers.
        moved: Where a person puts the window afterwards.
        out: Where it is said, as JSON.
    """
    os.environ["QT_QPA_PLATFORM"] = platform
    # A desktop takes its time with frames; here all is where it stays at once, and nobody has to wait for it.
    screens.SETTLING = arrangement.SETTLING = (0, 20, 100)
    application("dark")
    SessionBridge._warm_up = lambda _self: None  # type: ignore[method-assign] - where windows are needs no torch
    window = MainWindow(Document(templates.sample("and")), settings=Settings(settings))
    window.show()
    while window.docks is None:
        spin(0.01)
    spin(0.2)
    found: dict[str, list[int]] = {"window": place(window)}
    found["smallest"] = [window.minimumWidth(), window.minimumHeight()]
    found["splitter"] = window.frame.splitter.sizes()
    window.overlays.show_welcome(at_start=False)
    welcome = window.overlays.welcome
    assert welcome is not None
    welcome.move(99_999, -500)
    page = TextPage("About", "text", window)
    page.setGeometry(QRect(-900, 99_999, 520, 5600))
    page.show()
    dock = window.docks.docks["loss"]
    dock.setFloating(True)
    dock.setGeometry(QRect(-3000, -3000, 5000, 4000))
    spin(0.1)
    welcome.hide()
    welcome.show()
    dock.hide()
    dock.show()
    spin(0.2)
    windows = {"window": window, "welcome": welcome, "page": page, "floating": dock}
    found.update({f"{name} with its frame": numbers(one.frameGeometry()) for name, one in windows.items()})
    dock.setFloating(False)
    if moved:
        window.setGeometry(QRect(*moved))
        window.frame.splitter.setSizes([250, 400, 350])
        spin(0.2)
    out.write_text(json.dumps(found))
    window.finish()
    window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
