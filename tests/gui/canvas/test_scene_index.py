"""The scene finds items by the bounds that they told it: one that grows in silence stays there when it is gone."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtWidgets import QApplication

from nnviz.gui.canvas.items.arrow_item import ArrowItem
from nnviz.gui.canvas.items.note_item import NoteItem
from nnviz.project.model import Arrow, Note


class _ToldNote(NoteItem):
    """A note that writes down the bounds under which the scene looks for it."""

    def prepareGeometryChange(self) -> None:  # noqa: N802 - Qt's own name
        self.told = self.boundingRect()
        super().prepareGeometryChange()


class _ToldArrow(ArrowItem):
    """An arrow that does."""

    def prepareGeometryChange(self) -> None:  # noqa: N802 - Qt's own name
        self.told = self.boundingRect()
        super().prepareGeometryChange()


def test_a_note_tells_before_its_handles_come_and_go(qapp: QApplication) -> None:
    note = _ToldNote(Note("note1", text="A note"))
    before = note.boundingRect()
    note.set_look(selected=True)
    with_handles = note.boundingRect()
    assert note.told == before != with_handles
    note.set_look(selected=False)
    assert note.told == with_handles
    note.set_look(hovered=True)
    note.set_rect(QRectF(0.0, 0.0, 400.0, 300.0))
    assert note.told == before


def test_an_arrow_tells_before_it_lies_elsewhere(qapp: QApplication) -> None:
    arrow = _ToldArrow(Arrow("arrow1", across=100.0, down=50.0))
    before = arrow.boundingRect()
    arrow.set_ends(QPointF(0.0, 0.0), QPointF(300.0, -80.0))
    assert arrow.told == before != arrow.boundingRect()
