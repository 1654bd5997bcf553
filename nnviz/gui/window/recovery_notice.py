"""The notice that lists several projects which were not saved before a crash, each with its choices."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from nnviz.gui.window.notices import Button, Notice
from nnviz.project.safety.recovery import LeftWork

#: Rows shown at once; the others come up as those are decided on.
MOST_ROWS = 6


def description(left: LeftWork) -> str:
    """What was left and when: ``“spiral” (today 14:32, 12 layers)``."""
    when = time.localtime(left.time)
    today = time.localtime()[:3] == when[:3]
    moment = time.strftime("today %H:%M" if today else "%d %B %Y, %H:%M", when)
    layers = len(left.work.project.graph.nodes)
    return f"“{left.name}” ({moment}, {layers} {'layer' if layers == 1 else 'layers'})"


class RecoveryNotice(Notice):
    """A heading and a row a project, the newest first.

    Args:
        key: Of the notice.
        rows: What was left, in words, and what can be done with it.
        later: The button for all of them.
        parent: Where it is shown.
    """

    def __init__(
        self, key: str, rows: Sequence[tuple[str, Sequence[Button]]], later: Button, parent: QWidget | None = None
    ) -> None:
        more = len(rows) - MOST_ROWS
        rest = f" The newest {MOST_ROWS}:" if more > 0 else ""
        super().__init__(
            key, f"nnviz ended without saving {len(rows)} projects.{rest}", "warning", (later,), "", False, parent
        )
        self._rows = QFrame(self)
        grid = QGridLayout(self._rows)
        grid.setContentsMargins(27, 0, 0, 3)
        grid.setHorizontalSpacing(9)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(0, 1)
        self.row_buttons: list[list[QPushButton]] = []
        for at, (text, buttons) in enumerate(rows[:MOST_ROWS]):
            label = QLabel(text, self._rows)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            grid.addWidget(label, at, 0)
            made = []
            for column, button in enumerate(buttons, start=1):
                widget = QPushButton(button.title, self._rows)
                if button.primary and at == 0:
                    widget.setProperty("role", "primary")
                widget.setAutoDefault(False)
                widget.setAccessibleName(f"{button.title} {text}")
                widget.clicked.connect(lambda _checked=False, action=button.action: action())
                grid.addWidget(widget, at, column, Qt.AlignmentFlag.AlignVCenter)
                made.append(widget)
            self.row_buttons.append(made)
        layout = self.layout()
        assert isinstance(layout, QVBoxLayout)
        layout.addWidget(self._rows)
        # The keyboard comes by the rows first, and by what puts all of them off last.
        order = [*(button for row in self.row_buttons for button in row), *self.buttons]
        for before, after in pairwise(order):
            QWidget.setTabOrder(before, after)

    def first_button(self) -> QPushButton | None:
        """The first choice of the newest project."""
        return self.row_buttons[0][0] if self.row_buttons else super().first_button()

    def wanted_width(self) -> int:
        """How wide it is with every sentence on one line."""
        return max(super().wanted_width(), self._rows.sizeHint().width() + 40, 620)
