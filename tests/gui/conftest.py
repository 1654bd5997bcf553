"""Windows for tests: with their own settings, closed and gone at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nnviz.gui.app import application
from nnviz.gui.look import theme
from nnviz.gui.look.mode import Mode
from nnviz.gui.parts.settings import Settings
from nnviz.gui.runs import session_bridge
from nnviz.gui.window.window import MainWindow
from nnviz.project.document import Document
from nnviz.project.model import Project
from nnviz.project.samples import templates

OpenWindow = Callable[..., MainWindow]


@pytest.fixture(scope="session")
def qapp() -> QApplication:
    """The styled application, as the program makes it."""
    styled = application("dark")
    styled.setKeyboardInputInterval(5_000)  # milliseconds: a word typed into a list is one word on a busy machine, too
    return styled


@pytest.fixture(autouse=True)
def trains_without_giving_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests run beside each other: a training that steps back for the windows of its neighbours would hardly go on."""
    monkeypatch.setattr(session_bridge, "give_way", lambda: None)


@pytest.fixture
def styled(qapp: QApplication) -> Iterator[QApplication]:
    """The application in the dark theme, put back afterwards."""
    _restyle(qapp)
    yield qapp
    theme.set_mode(Mode.DESK)
    theme.set_text_scale(1.0)
    _restyle(qapp)


def _restyle(application: QApplication) -> None:
    """The dark theme, where there is another look: styling an application takes a twentieth of a second."""
    if _look(application) != _dark.get(application):
        theme.set_theme("dark")
        _dark[application] = _look(application)


def _look(application: QApplication) -> tuple[object, ...]:
    return (
        theme.current(),
        application.styleSheet(),
        application.palette(),
        application.font(),
        application.font("QMenu"),
    )


#: What the application looks like in the dark theme.
_dark: dict[QApplication, tuple[object, ...]] = {}


@pytest.fixture
def open_window(qtbot: QtBot, styled: QApplication, tmp_path: Path) -> Iterator[OpenWindow]:
    """Opens windows: ``open_window(project or name of a sample, ready=True, …)``."""
    windows: list[MainWindow] = []

    def open_one(
        project: Project | str = "xnor-two-layer", *, ready: bool = True, run_path: Path | None = None, **more: object
    ) -> MainWindow:
        if isinstance(project, str):
            project = templates.sample(project)
        settings = Settings(tmp_path / f"settings{len(windows)}.ini")
        window = MainWindow(Document(project), run_path, settings=settings, **more)
        windows.append(window)
        window.resize(1280, 800)
        window.show()
        qtbot.waitUntil(lambda: window.docks is not None, timeout=30_000)
        if ready:
            qtbot.waitUntil(lambda: window.training.state == "ready", timeout=60_000)
        return window

    yield open_one
    for window in windows:
        window.finish()
        window.deleteLater()
    windows.clear()  # pytest holds this function a little longer than the test lasts
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
