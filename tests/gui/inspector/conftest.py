"""A document with its facts, in a styled application."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication

from nnviz.data import datasets
from nnviz.gui.look import theme as themes
from nnviz.project.document import Document
from nnviz.project.samples import templates


@pytest.fixture
def document() -> Document:
    project = templates.sample("digits-cnn")
    # The tests count parameters that differ from their defaults; how the sample begins is its own business.
    nodes = {
        key: msgspec.structs.replace(
            node, params={name: value for name, value in node.params.items() if name != "weight_initialisation"}
        )
        for key, node in project.graph.nodes.items()
    }
    graph = msgspec.structs.replace(project.graph, nodes=nodes)
    made = Document(msgspec.structs.replace(project, graph=graph))
    made.set_facts(datasets.facts(made.project.data))
    return made


@pytest.fixture(scope="session")
def styled_once(qapp: QApplication) -> QApplication:
    """Styling an application is slow; once is enough."""
    themes.apply(qapp, themes.set_theme("dark"))
    return qapp


@pytest.fixture(autouse=True)
def styled(styled_once: QApplication) -> Iterator[None]:
    """No widget is left behind."""
    yield
    for widget in styled_once.topLevelWidgets():
        widget.close()
        widget.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
