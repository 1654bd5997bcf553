"""The boxes and buttons above a picture."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from nnviz.gui.parts.flow_row import FlowRow


class ControlRow(FlowRow):
    """Keeps the height that all its lines need: what stands below it gives way, not they."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width may need other lines."""
        super().resizeEvent(event)
        self._keep()

    def show_one(self, widget: QWidget, shown: bool) -> None:
        """Show one of them or take it away; the others move up."""
        super().show_one(widget, shown)
        self._keep()

    def _keep(self) -> None:
        needed = self.heightForWidth(max(self.width(), 1))
        if needed != self.minimumHeight():
            self.setMinimumHeight(needed)


def beside(parent: QWidget, height: int, *widgets: QWidget) -> QWidget:
    """Things that belong together in a row of buttons, in the middle of its height."""
    box = QWidget(parent)
    line = QHBoxLayout(box)
    line.setContentsMargins(2, 0, 2, 0)
    line.setSpacing(6)
    for widget in widgets:
        line.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)
    box.setMinimumHeight(height)
    return box
