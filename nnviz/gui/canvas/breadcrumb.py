"""The way from the whole network down to the group that is looked into; a click leads back up."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLayout, QSizePolicy, QToolButton, QWidget

from nnviz.gui.look import theme
from nnviz.gui.parts.action import literal
from nnviz.gui.parts.plain_text import plain_tip

#: Names in the middle give way to an ellipsis when the way is longer.
_MOST_STEPS = 5
_LONGEST_NAME = 28


class Breadcrumb(QFrame):
    """Names of the groups around what is shown, the whole network first. Hidden at the top.

    Signals:
        chosen: The id of a group on the way; empty for the whole network.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("breadcrumb")
        self.setAccessibleName("Way to the group that is shown")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(6, 3, 10, 3)
        self._row.setSpacing(2)
        self._row.setSizeConstraint(QLayout.SizeConstraint.SetFixedSize)
        self._way: tuple[tuple[str, str], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Maximum)
        self.restyle()
        self.hide()

    @property
    def way(self) -> tuple[tuple[str, str], ...]:
        """Ids and names, the whole network first."""
        return self._way

    def show_way(self, whole: str, groups: Sequence[tuple[str, str]]) -> None:
        """Show the way to a group.

        Args:
            whole: Name of the project.
            groups: Id and name of each group on the way, the outermost first; none for the whole network.
        """
        way = (("", whole), *groups) if groups else ()
        if way == self._way:
            return
        self._way = way
        while (taken := self._row.takeAt(0)) is not None:
            widget = taken.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        shown: list[tuple[str, str] | None] = list(way)
        if len(way) > _MOST_STEPS:
            shown = [way[0], None, *way[-(_MOST_STEPS - 2) :]]
        for index, step in enumerate(shown):
            if index:
                self._add(QLabel("›", self))
            self._add(self._step(step, last=index == len(shown) - 1))
        self.setVisible(bool(way))
        self._row.activate()
        self.raise_()

    def _add(self, widget: QWidget) -> None:
        self._row.addWidget(widget)
        # At once: what is not shown yet takes no room.
        widget.show()

    def _step(self, step: tuple[str, str] | None, *, last: bool) -> QWidget:
        if step is None:
            return QLabel("…", self)
        group, name = step
        text = name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
        if last:
            label = QLabel(text, self)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setObjectName("breadcrumbHere")
            return label
        button = QToolButton(self)
        button.setText(literal(text))
        button.setAutoRaise(True)
        words = f"Show {name}" if group else "Show the whole network"
        button.setToolTip(plain_tip(words))
        button.setAccessibleName(words)
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        # The canvas keeps the focus, so that the keys go on working there.
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda: self.chosen.emit(group))
        return button

    def restyle(self) -> None:
        """Take the colours from the theme."""
        colours = theme.current()
        self.setStyleSheet(
            f"#breadcrumb {{ background: {colours.panel.name()}; border: 1px solid {colours.border.name()};"
            " border-radius: 7px; }"
            f"#breadcrumb QLabel {{ color: {colours.text_muted.name()}; padding: 2px 3px; }}"
            f"#breadcrumb #breadcrumbHere {{ color: {colours.text.name()}; font-weight: 600; }}"
            f"#breadcrumb QToolButton {{ color: {colours.accent.name()}; padding: 2px 5px; border: none; }}"
        )
