"""An edit that breaks the network shows its cures at once, and those that were tried once the hand rests."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from nnviz.gui.window.fix_trials import FixTrials
from nnviz.project.document import Document
from nnviz.project.edits import RemoveNodes, Rename
from nnviz.project.samples import templates


@pytest.fixture
def document() -> Document:
    """A network with a hole in it."""
    return Document(RemoveNodes(("flatten1",)).apply(templates.sample("digits-cnn")))


def first_cure(document: Document) -> str:
    (error,) = [one for one in document.diagnostics if one.node == "linear1"]
    return error.fixes[0].title


def test_cures_are_tried_when_nothing_changes_any_more(qtbot: QtBot, document: Document) -> None:
    owner = QObject()
    trials = FixTrials(document, owner)
    for name in ("One", "Two", "Three"):
        qtbot.wait(20)
        document.apply(Rename("linear1", name))
        assert first_cure(document) == "Connect pool2 to linear1"
    qtbot.waitUntil(lambda: first_cure(document) == "Connect pool2 to linear1 and insert Flatten 32×5×5→800")
    trials.stop()


def test_a_window_that_has_ended_leaves_the_document_alone(qtbot: QtBot, document: Document) -> None:
    owner = QObject()
    trials = FixTrials(document, owner)
    document.apply(Rename("linear1", "One"))
    trials.stop()
    qtbot.wait(250)
    assert first_cure(document) == "Connect pool2 to linear1"
    document.apply(Rename("linear1", "Two"))
    qtbot.wait(250)
    assert first_cure(document) == "Connect pool2 to linear1"
