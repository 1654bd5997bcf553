"""Editors of Choices: which kind, what it does, and its settings; one of them, or a list to which more are added."""

from __future__ import annotations

import html
import re

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from nnviz.gui.inspector.form import ParamForm
from nnviz.gui.parts.widgets import set_font
from nnviz.project import choices
from nnviz.project.choices import Slot
from nnviz.project.model import Choice, ParamValue


class ChoiceForm(QWidget):
    """Edits one Choice of a slot.

    Attributes:
        kind: The form that chooses the kind.
        params: The form of the settings of that kind.
        edited: Signal: (the new Choice, the gesture it belongs to or an empty text).
    """

    edited = Signal(object, str)

    def __init__(self, slot: Slot, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._slot = slot
        self._choice: Choice | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        self.kind = ParamForm(self)
        self.kind.set_specs((choices.kinds(slot),))
        self.kind.edited.connect(self._on_kind)
        self.kind.reset.connect(lambda _name: self._on_kind(slot.name, choices.kinds(slot).default, ""))
        column.addWidget(self.kind)
        self.explanation = QLabel(self)
        self.explanation.setWordWrap(True)
        self.explanation.setTextFormat(Qt.TextFormat.RichText)
        self.explanation.setProperty("role", "muted")
        set_font(self.explanation, 12)
        column.addWidget(self.explanation)
        self.params = ParamForm(self)
        self.params.edited.connect(self._on_param)
        self.params.reset.connect(self._on_reset)
        column.addWidget(self.params)

    def show_choice(self, choice: Choice) -> None:
        """Show a Choice of the document; nothing is emitted."""
        self._choice = choice
        if choice.kind not in self._slot.known:  # a file from elsewhere; the problem is said with its cure
            self.explanation.setText("")
            self.params.set_specs(())
            return
        spec = self._slot.spec(choice)
        self.kind.set_values({self._slot.name: (spec.kind,)})
        formula = str(getattr(spec, "formula", ""))
        text = f"<p>{html.escape(spec.help)}</p>"
        if formula:
            # An equation a line.
            lines = re.sub(r", (?=\S+ = )", "<br>", html.escape(formula))
            text += f"<p style='font-style: italic'>{lines}</p>"
        self.explanation.setText(text)
        self.params.set_specs(spec.params)
        self.params.set_values({param.name: (choice.params.get(param.name, param.default),) for param in spec.params})
        self.params.setVisible(bool(spec.params))

    def _on_kind(self, _name: str, kind: ParamValue, gesture: str) -> None:
        if self._choice is None or kind != self._choice.kind:
            # Its own defaults apply: a good learning rate for one optimizer is a bad one for the next.
            self.edited.emit(Choice(str(kind)), gesture)

    def _on_param(self, name: str, value: ParamValue, gesture: str) -> None:
        if self._choice is not None:
            self.edited.emit(choices.with_param(self._choice, name, value), gesture)

    def _on_reset(self, name: str) -> None:
        if self._choice is not None:
            self.edited.emit(choices.without_param(self._choice, name), "")


class ChoiceListForm(QWidget):
    """Edits the tuple of Choices of a slot: each can be changed, moved up and removed, and others added.

    Attributes:
        edited: Signal: (the new tuple of Choices, the gesture it belongs to or an empty text).
    """

    edited = Signal(object, str)

    def __init__(self, slot: Slot, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._slot = slot
        self._chosen: tuple[Choice, ...] = ()
        self.forms: list[ChoiceForm] = []
        self.up_buttons: list[QPushButton] = []
        self._rows: list[QWidget] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self.add_button = QPushButton(f"Add {'an' if slot.known.noun[0] in 'aeiou' else 'a'} {slot.known.noun} …", self)
        self.add_button.setProperty("role", "link")
        self.add_button.setToolTip(slot.help)
        set_font(self.add_button, 12)
        self.menu = QMenu(self.add_button)
        self.menu.setToolTipsVisible(True)
        for kind, spec in slot.known.all.items():
            action = self.menu.addAction(spec.title)
            action.setToolTip(spec.help)
            action.triggered.connect(lambda _checked=False, kind=kind: self._add(kind))
        self.add_button.setMenu(self.menu)
        self._column.addWidget(self.add_button, 0, Qt.AlignmentFlag.AlignLeft)

    def show_choices(self, chosen: tuple[Choice, ...]) -> None:
        """Show the Choices of the document; nothing is emitted."""
        self._chosen = chosen
        while len(self.forms) > len(chosen):
            self.forms.pop()
            self.up_buttons.pop()
            row = self._rows.pop()
            row.hide()
            row.deleteLater()
        while len(self.forms) < len(chosen):
            self._make_row(len(self.forms))
        for index, (form, choice) in enumerate(zip(self.forms, chosen, strict=True)):
            form.show_choice(choice)
            # Steps of one stage may change places, those of another stay before or behind them.
            moved = self._moved_up(index)
            self.up_buttons[index].setVisible(moved != chosen and self._slot.ordered(moved) == moved)

    def _make_row(self, index: int) -> None:
        row = QWidget(self)
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        form = ChoiceForm(self._slot, row)
        form.edited.connect(lambda choice, gesture, index=index: self._replace(index, choice, gesture))
        layout.addWidget(form, 1)
        remove = QPushButton("Remove", row)
        remove.setProperty("role", "link")
        remove.setAccessibleName(f"Remove {self._slot.known.noun} {index + 1}")
        remove.setToolTip(f"Take this {self._slot.known.noun} away")
        set_font(remove, 12)
        remove.clicked.connect(lambda _checked=False, index=index: self._remove(index))
        up = QPushButton("Up", row)
        up.setProperty("role", "link")
        up.setAccessibleName(f"Move {self._slot.known.noun} {index + 1} up")
        up.setToolTip(f"Do this {self._slot.known.noun} before the one above it")
        set_font(up, 12)
        up.clicked.connect(lambda _checked=False, index=index: self.edited.emit(self._moved_up(index), ""))
        buttons = QVBoxLayout()
        buttons.setSpacing(2)
        buttons.addWidget(remove, 0, Qt.AlignmentFlag.AlignLeft)
        buttons.addWidget(up, 0, Qt.AlignmentFlag.AlignLeft)
        buttons.addStretch(1)
        layout.addLayout(buttons)
        self.up_buttons.append(up)
        self._column.insertWidget(index, row)
        row.show()
        self.forms.append(form)
        self._rows.append(row)

    def _add(self, kind: str) -> None:
        self.edited.emit(self._slot.ordered((*self._chosen, Choice(kind))), "")

    def _replace(self, index: int, choice: Choice, gesture: str) -> None:
        self.edited.emit(self._slot.ordered((*self._chosen[:index], choice, *self._chosen[index + 1 :])), gesture)

    def _moved_up(self, index: int) -> tuple[Choice, ...]:
        """The same Choices, one of them in the place of the one before it."""
        if not index:
            return self._chosen
        before, moved = self._chosen[index - 1 : index + 1]
        return (*self._chosen[: index - 1], moved, before, *self._chosen[index + 1 :])

    def _remove(self, index: int) -> None:
        self.edited.emit((*self._chosen[:index], *self._chosen[index + 1 :]), "")
