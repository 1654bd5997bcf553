"""A plain window with a page of text, such as the one about the program."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from nnviz.gui.look import theme
from nnviz.gui.parts.screens import StayOnScreen


class TextPage(QDialog):
    """A window with a long text, such as the help of a panel; not modal, and Escape closes it."""

    def __init__(self, title: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setModal(False)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(520, 560)
        StayOnScreen(self)
        column = QVBoxLayout(self)
        self.browser = QTextBrowser(self)
        self.browser.setFont(theme.font(13))
        self.browser.setOpenExternalLinks(True)
        self.browser.setHtml(text)
        self.browser.setAccessibleName(title)
        column.addWidget(self.browser)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.close)
        column.addWidget(buttons)
