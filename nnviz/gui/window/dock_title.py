"""The bar over an instrument: the panel's own header, and the buttons of its dock."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QToolButton, QWidget

from nnviz.gui.look import icons
from nnviz.gui.look import theme as themes
from nnviz.gui.panels.base import Panel
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import refresh_fonts, set_icon_size

#: Pixels of one that is torn off by its button, at least, and the share of the window that it takes at most.
_ROOMY, _ROOMY_SHARE = QSize(860, 580), 0.8


class DockTitle(QWidget):
    """The panel's header with the two buttons of a dock behind it.

    Args:
        panel: Whose header it is.
        dock: In which the panel stands.
        menu: Where it is found again once it was closed.
    """

    def __init__(self, panel: Panel, dock: QDockWidget, menu: str) -> None:
        super().__init__(dock)
        self.setObjectName("DockTitle")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 6, 0)
        row.setSpacing(0)
        layout = panel.layout()
        if layout is not None:
            layout.removeWidget(panel.header)
        row.addWidget(panel.header, 1)
        buttons = (
            ("float", f"Float “{panel.title}” or put it back", partial(_tear_off, dock)),
            ("close", f"Close “{panel.title}” (it is in the menu {menu})", dock.close),
        )
        self._buttons: list[QToolButton] = []
        for icon, words, action in buttons:
            button = QToolButton(self)
            self._buttons.append(button)
            button.setProperty("role", "flat")
            set_icon_size(button, 12, 22)
            button.setToolTip(words)
            button.setAccessibleName(words)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            icons.bind(button, icon, "text_faint")
            button.clicked.connect(action)
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
        follow(themes.notifier.changed, self._restyle)

    def _restyle(self) -> None:
        for button in self._buttons:  # the panel sees to its header
            refresh_fonts(button)


def _tear_off(dock: QDockWidget) -> None:
    """Make it a window of its own, large enough to be worked with whatever room it had in the row; or put it back."""
    floating = not dock.isFloating()
    dock.setFloating(floating)
    window = dock.parentWidget()
    if floating and window is not None:
        most = window.size() * _ROOMY_SHARE
        dock.resize(dock.size().expandedTo(_ROOMY.boundedTo(most)))
        around = dock.rect()
        around.moveCenter(window.mapToGlobal(window.rect().center()))
        dock.move(around.topLeft())
