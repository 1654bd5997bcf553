"""A canvas on the screen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from canvas_hands import Hands
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nnviz.gui.canvas.view import CanvasView
from nnviz.project.document import Document


@pytest.fixture
def hands(qtbot: QtBot, styled: QApplication, request: pytest.FixtureRequest) -> Iterator[Hands]:
    """A canvas with a project: mark the test with ``@pytest.mark.parametrize("hands", [project], indirect=True)``."""
    project = getattr(request, "param", None)
    document = Document(project)
    view = CanvasView(document)
    qtbot.addWidget(view)
    view.resize(1200, 800)
    view.show()
    qtbot.waitExposed(view)
    view.activateWindow()
    qtbot.waitUntil(view.isActiveWindow)
    view.setFocus()
    view.camera.set_zoom(1.0)
    if project is not None and project.graph.nodes:
        view.centerOn(view.camera.content_rect().center())
    else:
        view.centerOn(0.0, 0.0)
    yield Hands(view, document)
    QGuiApplication.clipboard().clear()
