"""The bar above the wall of examples: what is searched, which are shown and in which order, and asking the network."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QProgressBar, QPushButton, QWidget

from nnviz.data.viewing import SPLIT_TITLES, SPLITS, ViewedData
from nnviz.gui.data.choosing import BY_ANSWERS, ORDERS, Kept, Wish
from nnviz.gui.parts.widgets import ElidedLabel, set_font

#: Milliseconds after the last key before it is searched.
_TYPING = 180
_Entries = list[tuple[str, str]]
_ALL_SPLITS, _ALL_CLASSES = ("", "all splits"), ("", "all classes")
_ANSWERS = (("", "right or wrong"), ("right", "right"), ("wrong", "wrong"), ("decided", "decided about"))


class FilterBar(QWidget):
    """Says what is wished for; what is found, and how far the asking is, is written at its right end.

    Signals:
        changed: Something else is wished for.
    """

    changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._search_later = QTimer(self)
        self._search_later.setSingleShot(True)
        self._search_later.setInterval(_TYPING)
        self._search_later.timeout.connect(self.changed)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 0, 14, 8)
        row.setSpacing(8)
        self.search = QLineEdit(self)
        self.search.setPlaceholderText("Search label, file or #number")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Search the examples")
        self.search.setMinimumWidth(150)
        self.search.setMaximumWidth(300)
        set_font(self.search, 13)
        self.search.textChanged.connect(lambda _text: self._search_later.start())
        row.addWidget(self.search, 2)
        self.split = self._chooser("Split", [_ALL_SPLITS])
        self.label = self._chooser("Class", [_ALL_CLASSES])
        self.right = self._chooser("Answer", [*_ANSWERS])
        self.order = self._chooser("Order", [*ORDERS])
        for box in (self.split, self.label, self.right, self.order):
            row.addWidget(box)
        self.ask = QPushButton("Ask the network", self)
        self.ask.setToolTip("Find out which examples it gets right, and the loss of each (the test set is left alone)")
        set_font(self.ask, 12, 500)
        row.addWidget(self.ask)
        self.progress = QProgressBar(self)
        self.progress.setTextVisible(False)
        self.progress.setFixedSize(110, 6)
        self.progress.hide()
        row.addWidget(self.progress)
        self.state = ElidedLabel("", self)
        self.state.setProperty("role", "muted")
        self.state.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        set_font(self.state, 12)
        row.addWidget(self.state, 3)

    def _chooser(self, name: str, entries: _Entries) -> QComboBox:
        box = QComboBox(self)
        box.setAccessibleName(name)
        box.setToolTip(name)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        box.setMaxVisibleItems(24)
        set_font(box, 12)
        for key, title in entries:
            box.addItem(title, key)
        box.activated.connect(lambda _index: self.changed.emit())
        return box

    def wish(self) -> Wish:
        """What is looked for."""
        label = self.label.currentData()
        return Wish(
            self.search.text(),
            self.split.currentData() or "",
            int(label) if label else -1,
            self.right.currentData() or "",
            self.order.currentData() or "class",
        )

    def show_data(self, data: ViewedData) -> None:
        """Offer the splits and the classes of other examples; all are chosen."""
        _refill(self.split, [_ALL_SPLITS, *((one, SPLIT_TITLES[one]) for one in SPLITS[: len(data.inputs)])])
        names = [(str(at), name) for at, name in enumerate(data.class_names[:2000])]
        _refill(self.label, [_ALL_CLASSES, *names])
        self.label.setVisible(bool(names))

    def choose_class(self, label: int) -> None:
        """One class alone; −1 for all."""
        self.label.setCurrentIndex(max(0, self.label.findData(str(label) if label >= 0 else "")))

    def allow(self, *, answered: bool, knows: bool, decided: bool, kept: Kept) -> None:
        """Which filters and orders can be chosen by now.

        Args:
            answered: Whether the network was asked.
            knows: Whether its answers are right or wrong.
            decided: Whether something was decided about examples.
            kept: What the training kept of each.
        """
        self.right.setEnabled(knows or decided)
        _allow(self.right, {"right": knows, "wrong": knows, "decided": decided})
        allowed = dict.fromkeys(BY_ANSWERS, answered)
        allowed |= {"forgotten": kept.forgotten is not None, "disagrees": kept.margins is not None}
        _allow(self.order, allowed)

    def show_progress(self, done: int, total: int) -> None:
        """How far the loading or the asking is."""
        self.progress.setRange(0, max(total, 1))
        self.progress.setValue(done)


def _refill(box: QComboBox, entries: _Entries) -> None:
    box.clear()
    for key, title in entries:
        box.addItem(title if len(title) < 40 else f"{title[:38]}…", key)


def _allow(box: QComboBox, allowed: dict[str, bool]) -> None:
    """What can be chosen; where what is chosen cannot, the first is."""
    model = box.model()
    for row in range(box.count()):
        possible = allowed.get(str(box.itemData(row)), True)
        model.setData(model.index(row, 0), None if possible else 0, Qt.ItemDataRole.UserRole - 1)
        if not possible and row == box.currentIndex():
            box.setCurrentIndex(0)
