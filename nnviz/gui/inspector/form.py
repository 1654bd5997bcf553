"""A column of titled editors, made from declarations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QMouseEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from nnviz.gui.inspector.editors import Editor, make_editor, new_gesture
from nnviz.gui.inspector.values import same
from nnviz.gui.look import theme as themes
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import refresh_fonts, set_font
from nnviz.project.model import ParamValue
from nnviz.project.spec import ParamSpec
from nnviz.project.value_text import to_text

_PIXELS_A_STEP = 6
#: So many pixels above or below the title, a drag turns a number in other steps.
_FAR = 30
_FAR_STEPS = 10


class ParamTitle(QLabel):
    """The title of a parameter: its tooltip explains it, dragging along it turns the number, its menu resets it."""

    reset_requested = Signal()

    def __init__(self, spec: ParamSpec, editor: Editor, parent: QWidget | None = None) -> None:
        super().__init__(f"{spec.title} ({spec.unit})" if spec.unit else spec.title, parent)
        self._spec, self._editor = spec, editor
        self._start: QPointF | None = None
        self._x = 0.0
        self._turned = False
        self._gesture = ""
        set_font(self, 13)
        self.setBuddy(editor)
        self.setWordWrap(False)
        drag = " Drag sideways to turn it." if editor.can_step() else ""
        if editor.can_step() and (spec.logarithmic or spec.type == "int"):
            steps = "in small steps" if spec.logarithmic else f"by {_FAR_STEPS}"
            drag = f" Drag sideways to turn it, farther down {steps}; Ctrl with the wheel does the same."
        default = to_text(spec, spec.default) if not spec.choices else dict(spec.choices).get(str(spec.default), "")
        shown = ("on" if spec.default else "off") if spec.type == "bool" else default or "none"
        self.setToolTip(f"<p>{spec.help}</p><p>Allowed: {spec.allowed()}. Default: {shown}.{drag}</p>")
        if editor.can_step():
            self.setCursor(Qt.CursorShape.SizeHorCursor)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A drag begins: one gesture, one step of undo."""
        if event.button() == Qt.MouseButton.LeftButton and self._editor.can_step():
            # On the screen: what a step brings about may push the title up or down.
            self._start, self._x, self._turned = event.globalPosition(), event.globalPosition().x(), False
            self._gesture = new_gesture(self._spec)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Every few pixels are one step."""
        if self._start is None:
            return
        steps = int((event.globalPosition().x() - self._x) / _PIXELS_A_STEP)
        if steps:
            far = abs(event.globalPosition().y() - self._start.y()) > _FAR
            coarse = far and self._spec.type == "int" and not self._spec.logarithmic
            self._editor.step(steps * _FAR_STEPS if coarse else steps, self._gesture, fine=far)
            self._x += steps * _PIXELS_A_STEP
            self._turned = True

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The drag is over; a click without a drag puts the cursor into the editor."""
        if self._start is not None and not self._turned:
            self._editor.field.setFocus(Qt.FocusReason.MouseFocusReason)
        self._start = None

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Back to the default."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        action = menu.addAction("Reset to default")
        action.setEnabled(self._editor.mixed or self._editor.value != self._spec.default)
        action.triggered.connect(self.reset_requested)
        menu.popup(event.globalPos())


class ParamForm(QWidget):
    """Titles at the left, editors at the right, and under an editor the reason why what was typed is not allowed.

    Attributes:
        edited: Signal: (name, value, gesture).
        reset: Signal: name of a parameter that shall have its default again.
    """

    edited = Signal(str, object, str)
    reset = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._specs: tuple[ParamSpec, ...] = ()
        self.editors: dict[str, Editor] = {}
        self.problems: dict[str, QLabel] = {}
        self._titles: dict[str, ParamTitle] = {}
        self._all_shown = False
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self._grid_holder = QWidget(self)
        column.addWidget(self._grid_holder)
        self._more = QPushButton(self)
        self._more.setProperty("role", "link")
        set_font(self._more, 12)
        self._more.clicked.connect(self._on_more)
        column.addWidget(self._more, 0, Qt.AlignmentFlag.AlignLeft)
        self._more.hide()
        self._values: Mapping[str, Sequence[ParamValue]] = {}
        follow(themes.notifier.changed, self.restyle)

    @property
    def specs(self) -> tuple[ParamSpec, ...]:
        """The declarations of the parameters that the form edits."""
        return self._specs

    def set_specs(self, specs: tuple[ParamSpec, ...]) -> None:
        """Make editors for these; the same ones are kept."""
        if specs == self._specs:
            return
        self._specs = specs
        layout = self.layout()
        assert isinstance(layout, QVBoxLayout)  # made in the constructor
        old = self._grid_holder
        for editor in self.editors.values():
            editor.blockSignals(True)
        self._grid_holder = QWidget(self)
        grid = QGridLayout(self._grid_holder)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(0, 1)
        self.editors, self.problems, self._titles = {}, {}, {}
        for index, spec in enumerate(specs):
            editor = make_editor(spec, self._grid_holder)
            title = ParamTitle(spec, editor, self._grid_holder)
            editor.field.setToolTip(title.toolTip())
            problem = QLabel(self._grid_holder)
            problem.setTextFormat(Qt.TextFormat.PlainText)
            problem.setProperty("role", "danger")
            set_font(problem, 12)
            problem.setWordWrap(True)
            problem.hide()
            row = 3 * index
            if spec.type in {"matrix", "vector", "texts"}:
                grid.addWidget(title, row, 0, 1, 2)
                grid.addWidget(editor, row + 1, 0, 1, 2)
            else:
                grid.addWidget(title, row, 0)
                grid.addWidget(editor, row, 1, Qt.AlignmentFlag.AlignRight)
            grid.addWidget(problem, row + 2, 0, 1, 2)
            editor.edited.connect(lambda value, gesture, name=spec.name: self.edited.emit(name, value, gesture))
            editor.problem.connect(lambda text, name=spec.name: self._on_problem(name, text))
            title.reset_requested.connect(lambda name=spec.name: self.reset.emit(name))
            editor.set_value(spec.default)
            self.editors[spec.name], self.problems[spec.name], self._titles[spec.name] = editor, problem, title
        layout.replaceWidget(old, self._grid_holder)
        old.hide()
        old.deleteLater()
        self._show_rows()

    def set_values(self, values: Mapping[str, Sequence[ParamValue]]) -> None:
        """Show values of the document: one for each thing that is edited together; nothing is emitted."""
        self._values = values
        for name, editor in self.editors.items():
            given = values.get(name, (editor.spec.default,))
            mixed = not same(given)
            # What is being typed is left alone, unless the value under it has changed.
            if editor.value != given[0] or editor.mixed != mixed:
                editor.set_value(given[0], mixed=mixed)
        self._show_rows()

    def restyle(self) -> None:
        """Take the letters of the theme, and fields of the size that they need."""
        refresh_fonts(self)
        for editor in self.editors.values():
            editor.size_field()

    def shown(self) -> list[str]:
        """Names of the parameters in sight."""
        return [name for name, editor in self.editors.items() if editor.isVisibleTo(self)]

    def _show_rows(self) -> None:
        hidden = 0
        for spec in self._specs:
            wanted = self._applies(spec)
            changed = any(value != spec.default for value in self._values.get(spec.name, ()))
            folded = spec.advanced and not self._all_shown and not changed
            hidden += wanted and spec.advanced and not changed
            visible = wanted and not folded
            self.editors[spec.name].setVisible(visible)
            self._titles[spec.name].setVisible(visible)
            if not visible:
                self.problems[spec.name].hide()
        self._more.setVisible(bool(hidden))
        self._more.setText("Fewer settings" if self._all_shown else f"{hidden} more setting{'s' * (hidden != 1)} …")

    def _applies(self, spec: ParamSpec) -> bool:
        if spec.shown_when is None:
            return True
        name, allowed = spec.shown_when
        other = next((one for one in self._specs if one.name == name), None)
        if other is not None and not self._applies(other):
            return False  # what it depends on is not there either
        default = None if other is None else other.default
        return any(value in allowed for value in self._values.get(name, (default,)))

    def _on_more(self) -> None:
        self._all_shown = not self._all_shown
        self._show_rows()

    def _on_problem(self, name: str, sentence: str) -> None:
        label = self.problems.get(name)
        if label is None:
            return
        if label.text() != sentence:
            label.setText(sentence)
        label.setVisible(bool(sentence))
