"""What the inspector says of groups and of bypassed layers."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QTextDocument
from pytestqt.qtbot import QtBot
from workspace_kit import workspace_of

from nnviz.gui.inspector import Inspector
from nnviz.gui.look import theme as themes
from nnviz.project.document import Document
from nnviz.project.group_edits import Bypass
from nnviz.project.samples import templates


@pytest.fixture
def grouped(qtbot: QtBot) -> Inspector:
    made = Inspector(workspace_of(Document(templates.sample("googlenet"))))
    qtbot.addWidget(made)
    made.resize(340, 700)
    made.show()
    made.set_selection(["head"])
    return made


def test_the_links_of_a_group_have_the_colour_of_the_theme(grouped: Inspector) -> None:
    members = grouped.layer.members
    assert themes.DARK.accent.name() in members.text()
    themes.set_theme("light")
    assert themes.LIGHT.accent.name() in members.text() and themes.DARK.accent.name() not in members.text()
    themes.set_theme("dark")


def test_every_cell_of_a_group_stands_on_one_line(grouped: Inspector) -> None:
    members = grouped.layer.members
    document = QTextDocument()
    document.setDefaultFont(members.font())
    document.setDocumentMargin(0.0)
    document.setHtml(members.text())
    document.setTextWidth(members.contentsRect().width())
    document.documentLayout().documentSize()
    block, cells = document.begin(), []
    while block.isValid():
        cells.append((block.text(), block.layout().lineCount()))
        block = block.next()
    assert "1.0\u00a0M" in {text for text, _ in cells}
    assert all(lines <= 1 for _, lines in cells), cells


def test_a_bypassed_layer_is_told_in_words_not_in_code(document: Document, qtbot: QtBot) -> None:
    inspector = Inspector(workspace_of(document))
    qtbot.addWidget(inspector)
    inspector.show()
    document.apply(Bypass({"relu2": True}))
    inspector.set_selection(["relu2"])
    arithmetic = inspector.layer.arithmetic
    assert arithmetic.isVisibleTo(inspector) and "32×11×11" in arithmetic.text()
    # As wide as the words are; the code of a space, read out, would make it wider.
    document_of_words = QTextDocument()
    document_of_words.setDefaultFont(arithmetic.font())
    document_of_words.setDocumentMargin(0.0)
    document_of_words.setHtml(arithmetic.text())
    arithmetic.setWordWrap(False)
    assert abs(arithmetic.sizeHint().width() - document_of_words.idealWidth()) <= 3
