"""Choosers of one of several: one leaves the wheel to the page that it lies on, one shortens what has no room."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter

from nnviz.gui.look.painting import guarded


class ShorteningChooser(QComboBox):
    """One of several whose names may be longer than the field: it ends them with dots, where Qt would cut a letter."""

    @property
    def shown_text(self) -> str:
        """What stands in the field; the whole name where it has room."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        return self._shortened(option)

    def _shortened(self, option: QStyleOptionComboBox) -> str:
        field = QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, field, self).width()
        if not option.currentIcon.isNull():
            room -= option.iconSize.width() + 4
        return option.fontMetrics.elidedText(self.currentText(), Qt.TextElideMode.ElideRight, room - 2)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """As the style does it, with the shortened name."""
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        option.currentText = self._shortened(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()


class Chooser(ShorteningChooser):
    """One of several, on a page that scrolls: the wheel turns it only while it has the focus, or else the page."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        """See the class."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()
