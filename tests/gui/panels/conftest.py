"""A document, a planted run, and a styled application."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication

sys.path.insert(0, str(Path(__file__).parent))

from planted_run import planted_run

from nnviz.data import datasets
from nnviz.gui.look import theme as themes
from nnviz.project.document import Document
from nnviz.project.samples import templates
from nnviz.record.run import Run


@pytest.fixture
def document() -> Document:
    made = Document(templates.sample("digits-cnn"))
    made.set_facts(datasets.facts(made.project.data))
    return made


@pytest.fixture
def run(document: Document) -> Run:
    return planted_run(document)


@pytest.fixture(scope="session")
def styled_once(qapp: QApplication) -> QApplication:
    """Styling an application is slow; once is enough."""
    themes.apply(qapp, themes.set_theme("dark"))
    return qapp


@pytest.fixture(autouse=True)
def styled(styled_once: QApplication) -> Iterator[None]:
    """The panels read the current theme; every test begins with the dark one and leaves no widget behind."""
    if themes.current().name != "dark":
        themes.set_theme("dark")
    themes.set_text_scale(1.0)
    yield
    for widget in styled_once.topLevelWidgets():
        widget.close()
        widget.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    themes.set_text_scale(1.0)
    if themes.current().name != "dark":
        themes.set_theme("dark")
