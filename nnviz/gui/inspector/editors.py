"""One editor for every type of parameter, made from its declaration.

An editor never hands out a value that its ParamSpec does not allow: what is typed wrongly stays in the editor, with a
red border and a sentence, until it is mended or Escape takes it back. Edits of one movement of the hand (a key held
down, a turn of the wheel, a drag along the title) carry the same gesture, so that they are one step of undo.
"""

from __future__ import annotations

from itertools import count

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QValidator,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QSizePolicy,
    QWidget,
)

from nnviz.errors import ParamError
from nnviz.gui.inspector.values import part_at, stepped
from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import answering, guarded
from nnviz.gui.parts.chooser import Chooser
from nnviz.gui.parts.field_undo import undo_document_from
from nnviz.gui.parts.widgets import line_height, set_font
from nnviz.project.model import ParamValue
from nnviz.project.spec import ParamSpec
from nnviz.project.value_text import parse_text, to_text

_gestures = count(1)
#: Milliseconds after which the next step of the wheel or of a key is another gesture.
_PAUSE = 700
#: Types of parameters that can be turned.
_STEPPED = frozenset({"int", "float", "pair", "shape"})


def new_gesture(spec: ParamSpec) -> str:
    """A fresh name by which all edits of one drag or one turn of the wheel merge into one undo."""
    return f"{spec.name}-{next(_gestures)}"


class Editor(QWidget):
    """Shows and changes one value.

    Attributes:
        edited: Signal: (the new value, the gesture it belongs to or an empty text).
        problem: Signal: why what stands in the editor is not allowed; empty once it is.
    """

    edited = Signal(object, str)
    problem = Signal(str)

    def __init__(self, spec: ParamSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self._value: ParamValue = spec.default
        self._mixed = False
        self._gesture = ""
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE)
        self._pause.timeout.connect(self.end_gesture)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)
        self.field: QWidget = self.make_field()
        set_font(self.field, 13)
        self.size_field()
        self.field.setAccessibleName(spec.title)
        self.field.setAccessibleDescription(f"{spec.help} Allowed: {spec.allowed()}.")
        self._row.addWidget(self.field)
        self.setFocusProxy(self.field)

    @property
    def value(self) -> ParamValue:
        """The value that the document has and the field shows."""
        return self._value

    @property
    def mixed(self) -> bool:
        """Whether several layers with different values are edited together."""
        return self._mixed

    def make_field(self) -> QWidget:
        """Makes the widget in which the value is typed or chosen."""
        raise NotImplementedError

    def size_field(self) -> None:
        """Low and all alike, so that many of them fit; follows the text scale."""
        self.field.setFixedHeight(line_height(13) + 11)
        self.setFixedWidth(self.wanted_width())

    def wanted_width(self) -> int:
        """Room for the longest number that is likely."""
        return QFontMetrics(themes.font(13)).horizontalAdvance("0.00000001") + 40

    def show_value(self) -> None:
        """Bring the widget up to date with the value, without any signal."""
        raise NotImplementedError

    def set_value(self, value: ParamValue, *, mixed: bool = False) -> None:
        """Show a value of the document; nothing is emitted."""
        self._value, self._mixed = value, mixed
        self.set_problem("")
        self.show_value()

    def step(self, steps: int, gesture: str = "", *, fine: bool = False) -> None:
        """Some steps up or down, small ones where ``fine``; does nothing for values that have no order."""

    def can_step(self) -> bool:
        """Whether the arrow keys and the wheel change the value."""
        return False

    def set_problem(self, sentence: str) -> None:
        """Show or take away the red border and say why."""
        if bool(self.field.property("invalid")) != bool(sentence):
            self.field.setProperty("invalid", bool(sentence))
            self.field.style().unpolish(self.field)
            self.field.style().polish(self.field)
        self.problem.emit(sentence)

    def begin_gesture(self) -> str:
        """The gesture that runs, or a new one; it ends after a pause."""
        self._gesture = self._gesture or new_gesture(self.spec)
        self._pause.start()
        return self._gesture

    def end_gesture(self) -> None:
        """What comes next is another step of undo."""
        self._gesture = ""
        self._pause.stop()

    def hand_out(self, value: ParamValue, gesture: str = "") -> None:
        """Give a new, allowed value to whoever listens."""
        if value != self._value or self._mixed:
            self.edited.emit(value, gesture)


class _Box(QAbstractSpinBox):
    """A line with two arrows whose text may be anything: the editor decides.

    Attributes:
        stepped: Signal: (steps, whether they are small ones).
        by_factors: The usual steps are factors. Ctrl, which makes ten steps of one elsewhere, makes small ones then.
    """

    stepped = Signal(int, bool)
    by_factors = False

    def stepBy(self, steps: int) -> None:
        """The arrows, the keys and the wheel."""
        fine = self.by_factors and bool(QGuiApplication.keyboardModifiers() & Qt.KeyboardModifier.ControlModifier)
        self.stepped.emit(int(steps / 10) or steps if fine else steps, fine)

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:
        """Always both: at the end of the range a step changes nothing."""
        return QAbstractSpinBox.StepEnabledFlag.StepUpEnabled | QAbstractSpinBox.StepEnabledFlag.StepDownEnabled

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Every text may be typed."""
        return QValidator.State.Acceptable, text, position

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The wheel turns the value only in the editor that has the focus, so that scrolling changes nothing."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """As high as a line edit."""
        return QSize(112, super().sizeHint().height())


class TextEditor(Editor):
    """Everything that is typed in one line: numbers, ``3 × 3``, shapes, vectors, text."""

    def make_field(self) -> QWidget:
        """A box with arrows where there is an order, else a line."""
        if self.spec.type in _STEPPED:
            box = _Box(self)
            box.by_factors = self.spec.logarithmic
            box.stepped.connect(self._on_stepped)
            box.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.UpDownArrows)
            # A line of our own: Python never hears of the end of one that Qt made, and takes the next one that happens
            # to lie at its address for it.
            line = QLineEdit(box)
            box.setLineEdit(line)
            field: QLineEdit | _Box = box
        else:
            line = QLineEdit(self)
            field = line
        self._line = line
        line.setAlignment(Qt.AlignmentFlag.AlignRight)
        line.textEdited.connect(self._on_typed)
        line.installEventFilter(self)
        undo_document_from(field)
        field.installEventFilter(self)
        return field

    @property
    def line(self) -> QLineEdit:
        """The line edit in which the value is typed."""
        return self._line

    @property
    def dirty(self) -> bool:
        """Whether something was typed that is not in the document."""
        return self._line.text() != self._shown

    _shown = ""

    def show_value(self) -> None:
        """The value as text; nothing where several differ."""
        self._shown = "" if self._mixed else to_text(self.spec, self._value)
        self._line.setPlaceholderText("various" if self._mixed else "not given" if self._value is None else "")
        if self._line.text() != self._shown:
            position = self._line.cursorPosition()
            self._line.setText(self._shown)
            self._line.setCursorPosition(min(position, len(self._shown)))
        self._line.setModified(False)

    def can_step(self) -> bool:
        """Whether the value is a number, a pair or a shape, which arrow keys can change."""
        return self.spec.type in _STEPPED

    def step(self, steps: int, gesture: str = "", *, fine: bool = False) -> None:
        """Up or down from what stands there, or from the document's value if that is not allowed."""
        if not self.can_step():
            return
        try:
            start = self._typed(self._line.text())
        except ParamError:
            start = self._value
        part = None
        if isinstance(start, tuple) and (len(set(start)) > 1 or self.spec.type == "shape"):
            part = part_at(self._line.text(), self._line.cursorPosition())
        value = stepped(self.spec, start, steps, part, fine=fine)
        self.set_problem("")
        self.hand_out(value, gesture or self.begin_gesture())
        if self.dirty:
            self.show_value()

    def commit(self) -> bool:
        """Hand out what was typed; False, with a red border and a sentence, where it is not allowed."""
        if not self.dirty:
            return True
        try:
            value = self._typed(self._line.text())
        except ParamError as error:
            self.set_problem(str(error.message))
            return False
        self.set_problem("")
        self.end_gesture()
        self.hand_out(value)
        self.show_value()
        return True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Enter hands out, Escape takes back, leaving does what is allowed of the two."""
        kind = event.type()
        if kind == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
                if self.commit():
                    self._line.selectAll()
                return True
            if event.key() == Qt.Key.Key_Escape and self.dirty:
                self.set_problem("")
                self.show_value()
                return True
        elif kind == QEvent.Type.FocusOut and isinstance(event, QFocusEvent) and watched is self.field:
            self._leave(event)
        return super().eventFilter(watched, event)

    def _leave(self, event: QFocusEvent) -> None:
        self.end_gesture()
        if event.reason() == Qt.FocusReason.PopupFocusReason:
            return
        if not self.commit():
            # The wrong text is not kept where nobody looks at it; the value of the document stands there again.
            self.set_problem("")
            self.show_value()

    def _on_typed(self, text: str) -> None:
        try:
            self._typed(text)
        except ParamError as error:
            self.set_problem(str(error.message))
        else:
            self.set_problem("")

    def _typed(self, text: str) -> ParamValue:
        """What was typed, without the spaces around it that nobody sees."""
        return parse_text(self.spec, text.strip())

    def _on_stepped(self, steps: int, fine: bool) -> None:
        self.step(steps, fine=fine)


class ChoiceEditor(Editor):
    """One of several named values."""

    def make_field(self) -> QWidget:
        """Makes the drop-down list of the named values."""
        self._combo = Chooser(self)
        for key, title in self.spec.choices:
            self._combo.addItem(title, key)
        self._combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._combo.setMinimumContentsLength(4)
        self._combo.setMaxVisibleItems(20)
        self._combo.activated.connect(self._on_activated)
        return self._combo

    def size_field(self) -> None:
        """Wide enough for its choices where there is room, narrower otherwise."""
        self.field.setFixedHeight(line_height(13) + 11)
        self.setMinimumWidth(104)
        self.setMaximumWidth(self.wanted_width())

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """See :meth:`wanted_width`."""
        return QSize(self.wanted_width(), self.field.height())

    def wanted_width(self) -> int:
        """Room for the longest choice, within reason."""
        metrics = QFontMetrics(themes.font(13))
        longest = max((metrics.horizontalAdvance(title) for _, title in self.spec.choices), default=0)
        return min(max(longest + 56, super().wanted_width()), 196)

    def show_value(self) -> None:
        """The title of the value."""
        self._combo.setCurrentIndex(-1 if self._mixed else self._combo.findData(self._value))
        self._combo.setPlaceholderText("various" if self._mixed else "")

    def _on_activated(self, index: int) -> None:
        # Walking through the choices by key is one movement of the hand.
        self.hand_out(self._combo.itemData(index), self.begin_gesture())


class Switch(QCheckBox):
    """A check box drawn as a switch."""

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """A switch has no text."""
        return QSize(38, 24)

    def hitButton(self, position: object) -> bool:  # noqa: N802 - Qt's own name
        """All of it can be clicked."""
        return True

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """A track and a knob."""
        theme = themes.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        track = QRectF(self.width() - 35, (self.height() - 18) / 2, 34, 18)
        partly = self.checkState() == Qt.CheckState.PartiallyChecked
        on = QColor(theme.accent) if self.isChecked() and not partly else QColor(theme.border)
        if self.hasFocus():
            # With a gap between ring and track: a ring in the colour of a switch that is on could not be seen.
            painter.setPen(QPen(QColor(theme.text), 1.5))
            painter.drawRoundedRect(track, 9, 9)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(on)
            painter.drawRoundedRect(track.adjusted(2.5, 2.5, -2.5, -2.5), 6.5, 6.5)
        else:
            painter.setPen(QPen(on, 1.2))
            painter.setBrush(on)
            painter.drawRoundedRect(track, 9, 9)
        x = track.center().x() - 6 if partly else track.right() - 15 if self.isChecked() else track.left() + 3
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.accent_text if self.isChecked() and not partly else theme.text))
        painter.drawEllipse(QRectF(x, track.top() + 3, 12, 12))


class SwitchEditor(Editor):
    """Edits a yes-or-no value with a switch."""

    def make_field(self) -> QWidget:
        """A switch at the right."""
        self._switch = Switch(self)
        self._switch.clicked.connect(self._on_clicked)
        self._switch.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        return self._switch

    def show_value(self) -> None:
        """On, off, or in between where several differ."""
        state = Qt.CheckState.Checked if self._value else Qt.CheckState.Unchecked
        self._switch.setTristate(self._mixed)
        self._switch.setCheckState(Qt.CheckState.PartiallyChecked if self._mixed else state)

    def _on_clicked(self) -> None:
        # A click on a mixed switch switches all on.
        self.hand_out(True if self._mixed else not self._value)
        self.show_value()


class MatrixEditor(Editor):
    """Rows of numbers; Ctrl+Enter or leaving hands them out."""

    #: What stands there while nothing is given.
    hint = "not given: rows of numbers, one a line"

    def make_field(self) -> QWidget:
        """Makes the text field of several lines in which the rows are typed."""
        self._text = QPlainTextEdit(self)
        self._text.setObjectName("Lines")
        self._text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._text.setTabChangesFocus(True)
        self._text.textChanged.connect(self._on_typed)
        self._text.installEventFilter(self)
        self._shown = ""
        return self._text

    def size_field(self) -> None:
        """Some rows, the whole width."""
        self._text.setFixedHeight(4 * line_height(13) + 16)

    def show_value(self) -> None:
        """The rows."""
        self._shown = "" if self._mixed else to_text(self.spec, self._value)
        self._text.setPlaceholderText("various" if self._mixed else self.hint)
        if self._text.toPlainText() != self._shown:
            self._text.blockSignals(True)
            self._text.setPlainText(self._shown)
            self._text.blockSignals(False)

    def commit(self) -> bool:
        """Hand out what was typed; False where it is not allowed."""
        text = self._text.toPlainText()
        if text == self._shown:
            return True
        try:
            value = parse_text(self.spec, text)
        except ParamError as error:
            self.set_problem(str(error.message))
            return False
        self.set_problem("")
        self.hand_out(value)
        self.show_value()
        return True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Ctrl+Enter hands out, Escape takes back."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and control:
                self.commit()
                return True
            if event.key() == Qt.Key.Key_Escape and self._text.toPlainText() != self._shown:
                self.set_problem("")
                self.show_value()
                return True
        elif event.type() == QEvent.Type.FocusOut and isinstance(event, QFocusEvent):
            popup = event.reason() == Qt.FocusReason.PopupFocusReason
            if not popup and not self.commit():
                self.set_problem("")
                self.show_value()
        return super().eventFilter(watched, event)

    def _on_typed(self) -> None:
        try:
            parse_text(self.spec, self._text.toPlainText())
        except ParamError as error:
            self.set_problem(str(error.message))
        else:
            self.set_problem("")


class TextsEditor(MatrixEditor):
    """A list of texts, one a line; Ctrl+Enter or leaving hands them out."""

    hint = "none: one text a line"


def make_editor(spec: ParamSpec, parent: QWidget | None = None) -> Editor:
    """The editor for a declaration."""
    kinds: dict[str, type[Editor]] = {
        "choice": ChoiceEditor,
        "chosen": ChoiceEditor,
        "bool": SwitchEditor,
        "matrix": MatrixEditor,
        "texts": TextsEditor,
    }
    return kinds.get(spec.type, TextEditor)(spec, parent)
