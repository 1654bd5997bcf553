"""What the two pages of “Why” share: controls in a row, a layer and its unit, work that is seen and cancelled."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QSignalBlocker, QTimer, Signal
from PySide6.QtWidgets import QComboBox, QProgressBar, QPushButton, QSpinBox, QVBoxLayout, QWidget

from nnviz.gui.explain.control_row import ControlRow, beside
from nnviz.gui.explain.own_asking import Job
from nnviz.gui.parts.widgets import refresh_fonts, set_font
from nnviz.gui.runs.workspace import Workspace
from nnviz.record.age import Moment


class _Asking(Protocol):
    """Who works beside the training."""

    @property
    def busy(self) -> bool: ...

    def cancel(self) -> None: ...


class _Picture(Protocol):
    """What shows the answer."""

    def set_moment(self, moment: Moment) -> None: ...


class AskedView(QWidget):
    """Controls, and how far the work is. Asks only while it is in sight.

    A view fills in: ``_fill`` (offers what there is to choose), ``_arrange`` (shows the controls that count now),
    ``_chosen`` (something was chosen), ``_appear`` and ``_vanish`` (it came into sight, or went), and the two parts
    ``picture`` and ``_asking``.

    Args:
        workspace: What it asks.
        go: On the button that begins.
        bar: Width of the bar that says how far the work is.
        parent: Owner.
    """

    #: There is something else to see: an answer, or why there is none.
    changed = Signal()

    picture: _Picture
    _asking: _Asking

    def __init__(self, workspace: Workspace, go: str, bar: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._document = workspace.document
        self._moment = Moment()
        self._selected = ""
        self._on = False
        self.failure = ""
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(8)
        self.row = ControlRow(self)
        self.node_box = QComboBox(self)
        self.node_box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.unit_box = QSpinBox(self)
        self.unit_box.setAccessibleName("Unit")
        self.unit_box.setKeyboardTracking(False)
        self.go = QPushButton(go, self)
        self.go.setProperty("role", "primary")
        self.cancel = QPushButton("Cancel", self)
        self.progress = QProgressBar(self)
        self.progress.setTextVisible(False)
        self.progress.setFixedWidth(bar)
        self.bar = self._beside(self.progress)
        for control in (self.node_box, self.unit_box, self.go, self.cancel):
            set_font(control, 12, 500 if control is self.go else 400)
        self.go.clicked.connect(self._press)
        self.cancel.clicked.connect(self._give_up)
        self._later = QTimer(self)
        self._later.setSingleShot(True)

    def _beside(self, *widgets: QWidget) -> QWidget:
        """Things that belong together, as high as the boxes of the row."""
        return beside(self, self.node_box.sizeHint().height(), *widgets)

    # ---- for the panel

    def set_on(self, on: bool) -> None:
        """Whether it is in sight: else it asks nothing and stops what is under way."""
        if on is self._on:
            return
        self._on = on
        if on:
            self._fill()
            self.set_node(self._selected)
            self._arrange()
            self._appear()
        else:
            self._vanish()

    def set_node(self, node: str) -> None:
        """The layer that is selected: its units are offered."""
        self._selected = node
        if not self._on:
            return
        place = self.node_box.findData(node)
        if node and place >= 0 and place != self.node_box.currentIndex():
            self.node_box.setCurrentIndex(place)
            self._on_node()

    def set_moment(self, moment: Moment) -> None:
        """The step that is shown now."""
        self._moment = moment
        self.picture.set_moment(moment)

    @property
    def busy(self) -> bool:
        """Whether work is under way, or about to begin."""
        return self._asking.busy or self._later.isActive()

    def restyle(self) -> None:
        """Take the letters of the theme."""
        refresh_fonts(self)
        self.bar.setMinimumHeight(self.node_box.sizeHint().height())
        self.row.updateGeometry()

    # ---- for those that are made of it

    def _offer_units(self) -> tuple[int, ...]:
        """As many units as the chosen layer has; its shape."""
        shape = self._document.inference.shape(str(self.node_box.currentData() or "")) or (1,)
        with QSignalBlocker(self.unit_box):
            self.unit_box.setPrefix("channel " if len(shape) > 1 else "unit ")
            self.unit_box.setMaximum(max(shape[0] - 1, 0))
        return shape

    def _show_progress(self, job: Job) -> None:
        """How far the work is."""
        self.progress.setRange(0, job.total)
        self.progress.setValue(job.done)

    def _fill(self) -> None:
        raise NotImplementedError

    def _arrange(self) -> None:
        raise NotImplementedError

    def _on_node(self) -> None:
        """Another layer was selected on the canvas."""
        raise NotImplementedError

    def _appear(self) -> None:
        raise NotImplementedError

    def _vanish(self) -> None:
        raise NotImplementedError

    def _press(self) -> None:
        """The work is to begin."""
        raise NotImplementedError

    def _give_up(self) -> None:
        """It is to end."""
        raise NotImplementedError


def offer(box: QComboBox, entries: list[tuple[str, object]]) -> None:
    """Put these into a box; what was chosen stays chosen where it is still there."""
    if [(box.itemText(k), box.itemData(k)) for k in range(box.count())] == entries:
        return
    chosen = box.currentData()
    with QSignalBlocker(box):
        box.clear()
        for text, value in entries:
            box.addItem(text, value)
        box.setCurrentIndex(max(0, box.findData(chosen)))
    box.updateGeometry()
