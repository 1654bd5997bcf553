"""What the pictures of the panel "Why" have in common: they take the room there is, and follow the theme."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QSizePolicy, QWidget

from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import answering
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import line_height


class FoundPicture(QWidget):
    """Shows what was found; large where there is room.

    Args:
        name: Read aloud.
        parent: Holds it.
    """

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(name)
        follow(themes.notifier.changed, self.restyle)

    def restyle(self) -> None:
        """Paint in the colours and letters of the theme."""
        self.updateGeometry()
        self.update()

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """Pictures beside each other, and a few lines."""
        return QSize(420, 200)

    def minimumSizeHint(self) -> QSize:
        """Pictures in which something can be seen."""
        return QSize(280, 3 * line_height(13) + 102)
