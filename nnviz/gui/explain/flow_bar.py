"""What floats over the canvas about what flows: a switch in its corner, and a band that says what is shown."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QSpacerItem, QToolButton, QVBoxLayout, QWidget

from nnviz.gui.look import theme
from nnviz.gui.look.painting import guarded
from nnviz.gui.look.scales import OwnScales
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.plain_text import plain_tip
from nnviz.gui.parts.widgets import SegmentButton, refresh_fonts, set_font
from nnviz.train.sub_steps import SubStep

#: Below this width of the canvas the buttons show arrows only.
_NARROW = 700
#: From this width of the band on there is room for all words.
_ROOMY = 860
_LEGEND = QSize(108, 10)


class FlowBar(QFrame):
    """Two buttons of which one is down, forward or backward, and one that takes a step apart.

    Signals:
        backward_chosen: Whether backward is to be shown.
        sub_step_wanted: The next part of a step.
    """

    backward_chosen = Signal(bool)
    sub_step_wanted = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("flowBar")
        self.setAccessibleName("Forward or backward")
        row = QHBoxLayout(self)
        row.setContentsMargins(3, 3, 3, 3)
        row.setSpacing(2)
        self.forward = self._button("→ Forward", "→", "Show what flows forwards", checkable=True)
        self.backward = self._button("← Backward", "←", "Show the gradients that flow back", checkable=True)
        self.sub_step = self._button("Sub-step ▸", "▸", "Take the next part of a step", checkable=False)
        for button in (self.forward, self.backward, self.sub_step):
            row.addWidget(button)
        self.forward.setChecked(True)
        self.forward.clicked.connect(lambda: self.backward_chosen.emit(False))
        self.backward.clicked.connect(lambda: self.backward_chosen.emit(True))
        self.sub_step.clicked.connect(self.sub_step_wanted)
        self._restyle()
        follow(theme.notifier.changed, self._restyle)

    def _button(self, text: str, short: str, name: str, *, checkable: bool) -> QToolButton:
        button = SegmentButton(self)
        button.setText(text)
        button.setProperty("long", text)
        button.setProperty("short", short)
        button.setAccessibleName(name)
        button.setToolTip(name)
        button.setCheckable(checkable)
        button.setProperty("role", "flat")
        # Each has a key of its own; Tab walks over the cards.
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        set_font(button, 12, 600)
        return button

    def _restyle(self) -> None:
        colours = theme.current()
        self.setStyleSheet(
            f"#flowBar {{ background: {colours.panel.name()}; border: 1px solid {colours.border.name()};"
            " border-radius: 7px; }"
        )
        refresh_fonts(self)
        self.adjustSize()

    def bind(self, actions: Mapping[str, QAction]) -> None:
        """Have the buttons say and forbid what the actions do."""
        for button, name in ((self.backward, "backward"), (self.sub_step, "sub_step")):
            action = actions[name]

            def follow_action(button: QToolButton = button, action: QAction = action) -> None:
                button.setEnabled(action.isEnabled())
                button.setToolTip(str(action.property("reason") or "") or action.toolTip())

            action.changed.connect(follow_action)
            follow_action()

    def show_state(self, backward: bool) -> None:
        """Which of the two is down."""
        self.forward.setChecked(not backward)
        self.backward.setChecked(backward)

    def fit(self, width: int) -> None:
        """Be as short as a canvas of this width asks for."""
        key = "short" if width < _NARROW * theme.text_scale() else "long"
        for button in (self.forward, self.backward, self.sub_step):
            button.setText(str(button.property(key)))
        self.adjustSize()


class _Scale(QWidget):
    """The bar of the scale of signs: each card has its own ends."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFixedSize(_LEGEND)
        self.setAccessibleName("Colours: orange is negative, blue is positive")

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint it as the cards are painted."""
        ratio = self.devicePixelRatioF()
        bar = OwnScales("diverging").bar(round(self.width() * ratio), round(self.height() * ratio))
        pixmap = QPixmap.fromImage(bar)
        pixmap.setDevicePixelRatio(ratio)
        painter = QPainter(self)
        painter.drawPixmap(0, 0, pixmap)
        painter.end()


class FlowBand(QFrame):
    """Says over the upper edge of the canvas what is shown in the place of what flows forwards.

    Signals:
        left: Show what flows forwards again.
        part_wanted: A part of a step was clicked: the SubStep.

    Attributes:
        parts: The button of each part of a step.
    """

    left = Signal()
    part_wanted = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("flowBand")
        self.setAccessibleName("What the canvas shows")
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 5, 8, 7)
        column.setSpacing(2)
        self._row = QHBoxLayout()
        self._row.setSpacing(7)
        column.addLayout(self._row)
        self._title = QLabel(self)
        set_font(self._title, 16, 700)
        self._row.addWidget(self._title)
        self._parts = QWidget(self)
        self._parts.setAccessibleName("The parts of a step")
        in_order = QHBoxLayout(self._parts)
        in_order.setContentsMargins(0, 0, 0, 0)
        in_order.setSpacing(1)
        self.parts = {part: self._button_of(part) for part in SubStep}
        for button in self.parts.values():
            in_order.addWidget(button)
        self._row.addWidget(self._parts)
        self._low, self._scale, self._high = QLabel("−", self), _Scale(self), QLabel("+", self)
        self._each = QLabel("each card its own scale", self)
        for label in (self._low, self._high, self._each):
            set_font(label, 12, 500)
        for widget in (self._low, self._scale, self._high, self._each):
            self._row.addWidget(widget)
        self._row.addStretch(1)
        self._high_enough = QSpacerItem(0, 0)
        self._row.addItem(self._high_enough)
        self._close = SegmentButton(self)
        self._close.setText("×")
        self._close.setProperty("role", "flat")
        self._close.setAccessibleName("Show what flows forwards again")
        self._close.setToolTip("Show what flows forwards again")
        self._close.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        set_font(self._close, 14, 600)
        self._close.clicked.connect(self.left)
        self._words = QLabel(self)
        self._words.setWordWrap(True)
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        set_font(self._words, 13)
        self._second = second = QHBoxLayout()
        second.setSpacing(6)
        second.addWidget(self._words, 1)
        second.addWidget(self._close, 0, Qt.AlignmentFlag.AlignBottom)
        column.addLayout(second)
        self._present: SubStep | None = None
        self._signs = self._wide = False
        #: Pixels of the first row for what it says.
        self._free = 0
        self.hide()
        self._restyle()
        follow(theme.notifier.changed, self._restyle)

    @property
    def words(self) -> str:
        """The sentence below the title."""
        return self._words.text()

    @property
    def title(self) -> str:
        """What is shown, in the fewest words; of a step that is taken apart the part."""
        return self._present.value if self._present is not None else self._title.text()

    def say(self, title: str, words: str, part: SubStep | None = None, *, signs: bool = False) -> None:
        """Say what is shown.

        Args:
            title: In large letters.
            words: A sentence below it.
            part: Of a step that is taken apart the present part.
            signs: Whether the colours are those of signs.
        """
        self._present = part
        self._title.setText(title)
        self._words.setText(words)
        self.setAccessibleDescription(f"{title} {part.value if part is not None else ''} {words}")
        self._parts.setVisible(part is not None)
        self._signs = signs
        self._fit()
        self._mark()

    def set_low(self, low: bool) -> None:
        """Be one row, with the sentence as a tip, where cards need the room that a second one takes."""
        self._words.setVisible(not low)
        self._close.setVisible(not low)  # the switch beside it does the same
        self._second.invalidate()  # a layout inside another one keeps its height else
        self.setToolTip(plain_tip(self.words) if low else "")

    def _button_of(self, part: SubStep) -> QToolButton:
        """Takes the step to this part: those before it are done on the way."""
        button = SegmentButton(self._parts)
        button.setText(part.value)
        button.setProperty("role", "flat")
        button.setCheckable(True)
        words = f"To the part “{part.value}”: those before it are done on the way"
        button.setAccessibleName(words)
        button.setToolTip(words)
        # As the buttons beside it.
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        set_font(button, 14, 600)
        button.clicked.connect(lambda: self._want(part))
        return button

    def _want(self, part: SubStep) -> None:
        self._mark()  # it is down once it is shown
        self.part_wanted.emit(part)

    def _mark(self) -> None:
        for part, button in self.parts.items():
            button.setChecked(part is self._present)

    def bind(self, action: QAction) -> None:
        """Have the parts of a step say and forbid what the action that takes them does."""

        def follow_action() -> None:
            reason = str(action.property("reason") or "")
            for button in self.parts.values():
                button.setEnabled(action.isEnabled())
                button.setToolTip(reason or button.accessibleName())

        action.changed.connect(follow_action)
        follow_action()

    def _fit(self) -> None:
        """Show what there is room for: the parts and the scale before other words."""
        for widget in (self._low, self._scale, self._high):
            widget.setVisible(self._signs)
        self._each.setVisible(self._signs and self._present is None and self._wide)
        # Beside the parts it stands always or never: whoever clicks from one to the next finds it where it was.
        self._title.setVisible(self._present is None or self._wide)
        if self._signs and self._present is None and self._taken() > self._free:
            # What the title says of the colours is worth more than their bar.
            for widget in (self._low, self._scale, self._high):
                widget.hide()

    def _taken(self) -> int:
        """Pixels of the first row without the words that are left out first."""
        shown = (self._title, self._low, self._scale, self._high)
        return (
            sum(widget.sizeHint().expandedTo(widget.minimumSize()).width() for widget in shown)
            + len(shown) * self._row.spacing()
        )

    def set_free(self, room: QSize, width: int) -> None:
        """Leave so much of the first row to something else, at its end, of a band so wide."""
        self._wide = width >= _ROOMY * theme.text_scale()
        margins = self.contentsMargins()
        column = self.layout()
        if column is not None:
            margins += column.contentsMargins()
        self._free = width - room.width() - margins.left() - margins.right()
        self._fit()
        margins = self._row.contentsMargins()
        if margins.right() != room.width():
            self._row.setContentsMargins(0, 0, room.width(), 0)
        self._high_enough.changeSize(0, room.height() - 3)
        self._row.invalidate()

    def _restyle(self) -> None:
        colours = theme.current()
        line = theme.mixed(colours.accent, colours.panel, 0.35).name()
        self.setStyleSheet(
            f"#flowBand {{ background: {colours.panel.name()}; border: 1px solid {line}; border-radius: 7px; }}"
            f"#flowBand QLabel {{ color: {colours.text.name()}; background: transparent; }}"
            f"#flowBand QToolButton:checked {{ color: {colours.accent_text.name()};"
            f" background: {colours.accent.name()}; }}"
        )
        refresh_fonts(self)
        self._mark()


def height_of(widget: QWidget, width: int) -> int:
    """How high a widget with words that wrap is at this width."""
    layout = widget.layout()
    if layout is None:
        return widget.height()
    # The line around it takes a pixel at each side.
    wraps = layout.hasHeightForWidth()
    return (layout.totalHeightForWidth(width - 4) if wraps else layout.totalSizeHint().height()) + 2
