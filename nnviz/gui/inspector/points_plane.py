"""The plane into which points are drawn: a click puts one, a drag many, the right button takes away."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QButtonGroup, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from nnviz.data.drawn_points import SIDE, DrawnPoints
from nnviz.errors import ParamError
from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import answering, guarded
from nnviz.gui.look.scales import class_colour
from nnviz.gui.parts.flow_row import FlowRow
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import refresh_fonts, set_font

#: Distances in the plane: between the points of a drag, around the pointer that takes away, of a step by key.
_BETWEEN, _AROUND, _STEP = 0.45, 0.35, 0.5
_DOT = 4.5
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, 1),
    Qt.Key.Key_Down: (0, -1),
}


class _Plane(QWidget):
    """The square itself. While a button is held the points are its own; they are handed on when it is let go.

    Attributes:
        drawn: Signal: the points as they shall be, one step of undo.
        refused: Signal: why no more can be drawn; empty once something was.
    """

    drawn = Signal(object)
    refused = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.points = DrawnPoints((), ("", ""))
        self.label = 0
        self.erases = False
        self._before: DrawnPoints | None = None
        self._last = (0.0, 0.0)
        self._taking = False
        #: Where the keys are; shown while this has the focus.
        self._here = (0.0, 0.0)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setMinimumSize(160, 160)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName("Plane to draw points into")

    @answering(lambda: 200)
    def heightForWidth(self, width: int) -> int:
        """A square that is seen whole in a small window."""
        return min(width, 340, max(self.window().height() // 3, 200))

    @answering(lambda: QSize(300, 300))
    def sizeHint(self) -> QSize:
        """See :meth:`heightForWidth`."""
        return QSize(300, 300)

    def show_points(self, points: DrawnPoints) -> None:
        """Show the points of the document; what a hand is just drawing goes on upon them."""
        if self._before is None and points != self.points:
            self.points = points
            self.update()

    # ------------------------------------------------------------------ places

    def area(self) -> QRectF:
        """Where the plane lies: a square in the middle."""
        side = min(self.width(), self.height()) - 2.0
        return QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)

    def pixel_of(self, x: float, y: float) -> QPointF:
        """Where a place of the plane is painted."""
        area = self.area()
        return QPointF(
            area.left() + (x + SIDE) / (2 * SIDE) * area.width(), area.top() + (SIDE - y) / (2 * SIDE) * area.height()
        )

    def place_of(self, pixel: QPointF) -> tuple[float, float]:
        """The place of the plane under a pixel."""
        area = self.area()
        x = (pixel.x() - area.left()) / area.width() * 2 * SIDE - SIDE
        y = SIDE - (pixel.y() - area.top()) / area.height() * 2 * SIDE
        return x, y

    # ------------------------------------------------------------------ hands

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A point, or away with those under the pointer."""
        if event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton):
            super().mousePressEvent(event)
            return
        if self._before is None:
            self._before = self.points
            self._taking = self.erases or event.button() == Qt.MouseButton.RightButton
            self._at(self.place_of(event.position()))
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """More of them, as far apart as can be told from one another."""
        if self._before is None:
            return
        x, y = self.place_of(event.position())
        if self._taking or max(abs(x - self._last[0]), abs(y - self._last[1])) >= _BETWEEN:
            self._at((x, y))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """What was drawn or taken away is handed on."""
        before, self._before = self._before, None
        if before is not None and self.points != before:
            self.drawn.emit(self.points)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move a mark, Space puts a point there, Delete takes away."""
        key = event.key()
        if key in _ARROWS and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            x, y = _ARROWS[Qt.Key(key)]
            self._here = tuple(  # type: ignore[assignment]
                min(max(at + _STEP * step, -SIDE), SIDE) for at, step in zip(self._here, (x, y), strict=True)
            )
            self.update()
        elif key in (Qt.Key.Key_Space, Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            before, self._taking = self.points, key != Qt.Key.Key_Space
            self._at(self._here)
            if self.points != before:
                self.drawn.emit(self.points)
        else:
            super().keyPressEvent(event)

    def _at(self, place: tuple[float, float]) -> None:
        try:
            if self._taking:
                self.points = self.points.without_near(*place, _AROUND)
            else:
                self.points = self.points.with_points([place], self.label)
        except ParamError as error:
            self.refused.emit(error.message)
            return
        self._last = place
        self.refused.emit("")
        self.update()

    # ------------------------------------------------------------------ painting

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """A grid, the axes, the points."""
        theme = themes.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self.area()
        painter.setPen(QPen(theme.accent if self.hasFocus() else theme.border, 2 if self.hasFocus() else 1))
        painter.setBrush(theme.plot_background)
        painter.drawRoundedRect(area, 4, 4)
        faint = QColor(theme.text_faint)
        for at in range(-4, 5, 2):
            faint.setAlphaF(0.55 if at == 0 else 0.2)
            painter.setPen(QPen(faint, 1))
            painter.drawLine(self.pixel_of(at, -SIDE), self.pixel_of(at, SIDE))
            painter.drawLine(self.pixel_of(-SIDE, at), self.pixel_of(SIDE, at))
        painter.setFont(themes.font(11))
        painter.setPen(QColor(theme.text_muted))
        for at in (-4, 4):
            text = f"{at}".replace("-", "−")
            painter.drawText(self.pixel_of(at, 0) + QPointF(3, 13), text)
            painter.drawText(self.pixel_of(0, at) + QPointF(4, -3), text)
        if not self.points.points:
            painter.setFont(themes.font(13))
            room = QRectF(area.left(), area.top(), area.width() / 2, area.height() / 2)  # no axis runs through it
            painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap), "Draw here.")
        for x, y, label in self.points.points:
            painter.setPen(QPen(theme.plot_background, 1.2))
            painter.setBrush(class_colour(int(label), theme))
            painter.drawEllipse(self.pixel_of(x, y), _DOT, _DOT)
        if self.hasFocus():
            painter.setPen(QPen(theme.accent, 1.5))
            middle = self.pixel_of(*self._here)
            painter.drawLine(middle - QPointF(6, 0), middle + QPointF(6, 0))
            painter.drawLine(middle - QPointF(0, 6), middle + QPointF(0, 6))


class PointsPlane(QWidget):
    """The plane, a button for each class, one that takes away, and a sentence on how to.

    Attributes:
        edited: Signal: the points as they shall be, one step of undo.
    """

    edited = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self._row, tools = FlowRow(self), FlowRow(self)
        self._group = QButtonGroup(self)
        self.buttons: dict[str, QPushButton] = {}
        self._names: tuple[str, ...] = ()
        self._classes: list[QPushButton] = []
        self.erase = self._button(
            tools, "Take away", "Then a click or a drag takes points away, as the right button always does"
        )
        self.erase.setCheckable(True)
        self._group.addButton(self.erase)
        self.erase.clicked.connect(lambda: self._choose(-1))
        self.clear = self._button(tools, "Clear", "Takes all points away; Undo brings them back")
        column.addWidget(self._row)
        self.plane = _Plane(self)
        column.addWidget(self.plane)
        column.addWidget(tools)
        self.clear.clicked.connect(lambda: self.edited.emit(self.plane.points.cleared()))
        self.said = QLabel(self)
        self.said.setWordWrap(True)
        self.said.setTextFormat(Qt.TextFormat.PlainText)
        self.said.setProperty("role", "muted")
        set_font(self.said, 12)
        column.addWidget(self.said)
        self.plane.drawn.connect(self.edited)
        self.plane.refused.connect(self._say)
        follow(themes.notifier.changed, self.restyle)

    def show_points(self, points: DrawnPoints) -> None:
        """Show the points of the document."""
        self.plane.show_points(points)
        if points.classes != self._names:
            self._name(points.classes)
        self._say("")

    def restyle(self) -> None:
        """Letters and colours of the theme."""
        refresh_fonts(self)
        for label, button in enumerate(self._classes):
            button.setIcon(_dot(label))
        self.plane.update()

    def _name(self, names: tuple[str, ...]) -> None:
        """A button for each class, before the others."""
        self._names = names
        while len(self._classes) < len(names):
            label = len(self._classes)
            button = self._button(self._row, "", "")
            button.setCheckable(True)
            self._group.addButton(button)
            button.clicked.connect(self._chooser(label))
            self._classes.append(button)
        for label, button in enumerate(self._classes):
            self._row.show_one(button, label < len(names))
            if label < len(names):
                button.setText(names[label])
                button.setToolTip(f"Draw points of the class “{names[label]}”")
                button.setIcon(_dot(label))
        if self._group.checkedButton() is None or self.plane.label >= len(names):
            self._choose(0)

    def _chooser(self, label: int) -> Callable[[], None]:
        return lambda: self._choose(label)

    def _choose(self, label: int) -> None:
        """What the left button does: points of a class, or -1: take away."""
        self.plane.erases = label < 0
        if label >= 0:
            self.plane.label = label
            self._classes[label].setChecked(True)

    def _say(self, sentence: str) -> None:
        problem = sentence or self.plane.points.problem()
        count = themes.format_count(len(self.plane.points.points))
        self.said.setText(
            problem
            or f"{count} points. Click or drag to draw; the right button takes away. Keys: arrows, Space, Delete."
        )

    def _button(self, row: FlowRow, text: str, tip: str) -> QPushButton:
        button = QPushButton(text, row)
        button.setToolTip(tip)
        set_font(button, 12, 500)
        row.add(button)
        if text:
            self.buttons[text] = button
        return button


def _dot(label: int) -> QIcon:
    """The colour of a class."""
    theme = themes.current()
    pixmap = QPixmap(24, 24)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(class_colour(label, theme))
    painter.drawEllipse(QRectF(4, 4, 16, 16))
    painter.end()
    return QIcon(pixmap)
