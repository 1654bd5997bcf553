"""A name that looks like HTML is shown as its letters: no text of a project makes Qt open a file."""

from __future__ import annotations

import html
from pathlib import Path

import msgspec
import pytest
import torch  # noqa: F401 - not left to windows that live for a moment only
from PIL import Image
from PySide6.QtCore import QAbstractItemModel, Qt
from PySide6.QtGui import QAction, QTextDocument
from PySide6.QtWidgets import QAbstractItemView, QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot
from window_kit import OpenWindow

from nnviz.data import datasets
from nnviz.gui.parts.plain_text import plain_tip
from nnviz.gui.window.window import MainWindow
from nnviz.project.adapt import choose_data
from nnviz.project.drawing.grouping import group_edit
from nnviz.project.model import DataConfig, Project
from nnviz.project.samples import templates


def hostile_project(folder: Path) -> tuple[Project, str]:
    """Every text of it names a picture; the tag that does."""
    tag = '<img src="bait.png">'
    for name in (f"a{tag}", "b"):
        (folder / name).mkdir(parents=True)
        for number in range(6):
            Image.new("RGB", (28, 28)).save(folder / name / f"{number}.png")
    config = DataConfig("image_folder", {"folder": str(folder), "size": 28, "channels": "1"})
    project = choose_data(templates.sample("digits-cnn"), config, datasets.facts(config)).apply(
        templates.sample("digits-cnn")
    )
    nodes = {key: msgspec.structs.replace(node, name=f"{key} {tag}") for key, node in project.graph.nodes.items()}
    graph = msgspec.structs.replace(project.graph, nodes=nodes)
    return msgspec.structs.replace(project, name=f"A {tag}", note=f"{tag} note", graph=graph), tag


def rich_texts(window: MainWindow) -> list[str]:
    """Every text in the window that Qt lays out as HTML, or looks through for HTML."""
    found = []
    for label in window.findChildren(QLabel):
        if label.textFormat() != Qt.TextFormat.PlainText:
            found.append(label.text())
    found += [widget.toolTip() for widget in [window, *window.findChildren(QWidget)]]
    found += [action.toolTip() for action in window.findChildren(QAction)]
    for view in window.findChildren(QAbstractItemView):
        model: QAbstractItemModel | None = view.model()  # None where a view has nothing to show
        if model is None:
            continue
        for row in range(model.rowCount()):
            index = model.index(row, 0)
            found.append(str(model.data(index, Qt.ItemDataRole.ToolTipRole) or ""))
    return found


def test_no_text_of_a_project_is_laid_out_as_html(open_window: OpenWindow, qtbot: QtBot, tmp_path: Path) -> None:
    project, tag = hostile_project(tmp_path / "pets")
    window = open_window(project)
    ids = list(project.graph.nodes)
    document = window.document
    seen: list[str] = []

    def look() -> None:
        QApplication.processEvents()
        seen.extend(rich_texts(window))

    look()
    document.apply(group_edit(document.project.graph, ids[1:3], f"Group {tag}"))
    group = next(iter(document.project.graph.groups))
    for chosen in ([], ids[:1], ids[3:5], [group], ids[-1:]):
        window.canvas.select(chosen)
        for number in range(1, 5):
            qtbot.keyClick(window, Qt.Key(Qt.Key.Key_0 + number), Qt.KeyboardModifier.AltModifier)
            look()
    seen_at_all = [text for text in seen if "bait" in text]
    assert seen_at_all  # names do stand in tooltips
    assert not [text for text in seen_at_all if tag in text or "<img" in text]
    shown = [label.text() for label in window.findChildren(QLabel)]
    assert any(tag in text for text in shown)  # as the letters it is


@pytest.mark.parametrize("text", ["plain", "two\nlines", '<img src="x">', "a & b", "&lt;img", "1 < 2 > 0", "<b>"])
def test_a_tip_shows_the_letters_that_were_written(text: str) -> None:
    shown = plain_tip(text)
    if shown == text:
        assert "<" not in text and "&" not in text
        return
    document = QTextDocument()
    document.setHtml(shown)
    assert document.toPlainText() == text and "<img" not in shown and html.escape(text) in shown
