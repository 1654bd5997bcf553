"""Which class is right for an input of one's own: unknown until somebody says it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QWidget

from nnviz.gui.parts.chooser import Chooser
from nnviz.gui.parts.widgets import set_font

#: What stands there while nobody has said it.
UNKNOWN = "?"
#: Letters that the box has room for, and rows of its list.
_LETTERS, _ROWS = 5, 12


class RightClass(QWidget):
    """“It is a”, and a box with the classes.

    Attributes:
        chosen: Signal: the name of the class that is right; empty where that is unknown.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        words = QLabel("It is a", self)
        set_font(words, 13, 500)
        self.box = Chooser(self)
        self.box.setAccessibleName("The class that is right")
        self.box.setToolTip(
            "The class that is right for this input. Once it is known, the input has a loss, and gradients flow back"
        )
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.box.setMinimumContentsLength(_LETTERS)
        self.box.setMaxVisibleItems(_ROWS)
        set_font(self.box, 13, 600)
        self.box.activated.connect(lambda _index: self.chosen.emit(self.label))
        words.setBuddy(self.box)
        row.addWidget(words)
        row.addWidget(self.box, 1)
        self._names: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The class that is right; empty where that is unknown."""
        return self._names[self.box.currentIndex() - 1] if self.box.currentIndex() > 0 else ""

    def offer(self, names: Sequence[str]) -> None:
        """Let one of these be chosen; without any there is nothing to choose, and it is hidden."""
        self._names = tuple(names)
        with QSignalBlocker(self.box):
            self.box.clear()
            self.box.addItems([UNKNOWN, *self._names])
        self.setVisible(bool(self._names))

    def show_label(self, label: str) -> None:
        """Show that this is right, without a signal; what is no class is unknown."""
        at = self._names.index(label) + 1 if label in self._names else 0
        with QSignalBlocker(self.box):
            self.box.setCurrentIndex(at)
