"""The sheet on which one number is taken apart: trail, title, the view that fits, and hands for mouse and keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QApplication, QSizePolicy, QToolTip, QWidget

from nnviz.gui.explain.ink import Ink, Spot
from nnviz.gui.explain.sheet_writer import SheetWriter
from nnviz.gui.explain.sliding import Sliding
from nnviz.gui.explain.spot_cursor import MAP, SpotCursor
from nnviz.gui.explain.terms_view import number
from nnviz.gui.explain.walk import Walk, title_of
from nnviz.gui.explain.weight_editing import WeightEditing
from nnviz.gui.look import theme as themes
from nnviz.gui.look.painting import guarded
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.plain_text import plain_tip
from nnviz.record.age import Moment
from nnviz.train.weight_edits import Place as WeightPlace

if TYPE_CHECKING:
    from nnviz.explain.explanation import Index

_ARROWS = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}
#: The keyboard brought the focus.
_BY_KEYS = frozenset({Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason})

#: Its name where nothing is taken apart.
_NOTHING = "A number taken apart"


class Sheet(QWidget):
    """Shows where a walk stands. What is painted can be clicked; Tab, arrows, Enter and Backspace do the same.

    Args:
        walk: The walk that is shown; several sheets may show one.
        moment: The moment that is shown, against which the answer is old or not.
        parent: Owner.
    """

    def __init__(self, walk: Walk, moment: Callable[[], Moment], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._walk = walk
        self._letters = 0.0
        #: Moves the window over the map.
        self.sliding = Sliding(walk, self)
        self._writer = SheetWriter(walk, moment, self.sliding, self.update)
        self._cursor = SpotCursor(lambda: self.spots)
        #: What was painted last; None where that is of another number or another size.
        self._written: tuple[tuple[str, ...], tuple[Spot, ...]] | None = None
        #: What is written, as pixels, and of which size and looks.
        self._kept: tuple[tuple[object, ...], QPixmap] | None = None
        self._hovered: QPointF | None = None
        self._pressed: Spot | None = None
        #: Lets the numbers of weights be typed; None where they cannot.
        self.editing: WeightEditing | None = None
        #: A weight that was clicked: a second click edits it, else it is walked to.
        self._clicked: Spot | None = None
        self._second_click = QTimer(self)
        self._second_click.setSingleShot(True)
        self._second_click.timeout.connect(self._walk_to_clicked)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(_NOTHING)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(80, 40)
        follow(walk.changed, self._on_changed)
        follow(themes.notifier.changed, self._on_changed)

    # ---- what is shown -------------------------------------------------------------------------------------------

    @property
    def walk(self) -> Walk:
        """The walk that is shown."""
        return self._walk

    @property
    def letters(self) -> float:
        """Size of a usual line, in pixels."""
        if self._letters:
            return self._letters
        return max(12.0, 12.0 * themes.text_scale())

    def set_letters(self, pixels: float) -> None:
        """Take letters of this size; 0 takes those of the interface."""
        self._letters = pixels
        self.update()

    @property
    def texts(self) -> tuple[str, ...]:
        """What is written on it, in order."""
        return self._painted()[0]

    @property
    def spots(self) -> tuple[Spot, ...]:
        """What can be pointed at."""
        return self._painted()[1]

    @property
    def is_painted(self) -> bool:
        """Whether what the walk has found was painted."""
        return self._written is not None

    @property
    def channel(self) -> int:
        """Which of the channels that come in is shown."""
        return self._writer.channel

    @property
    def shows_old(self) -> bool:
        """Whether the step is marked as old."""
        return self._writer.shows_old

    def place_at(self, point: QPointF) -> tuple[str, str, Index] | None:
        """The number of a parameter that is drawn at a point: its layer, the parameter, and where in it."""
        found = (spot.number for spot in reversed(self.spots) if spot.number is not None and spot.rect.contains(point))
        return next(found, None)

    def rect_of(self, node: str, parameter: str, index: Index) -> QRectF | None:
        """Where a number of a parameter is drawn; None where it is not."""
        wanted = (node, parameter, index)
        return next((spot.rect for spot in self.spots if spot.number == wanted), None)

    def _on_changed(self) -> None:
        taken = self._walk.taken
        if taken is None:
            self.setAccessibleName(_NOTHING)
            self.setAccessibleDescription("")
        else:
            value = number(taken.explanation.value)
            self.setAccessibleName(f"{title_of(taken)} = {value}. {taken.explanation.words}")
            self._writer.attend(taken)
        if self.sliding.active and not self.sliding.possible:
            self.sliding.let(False)
        self._written = None
        self.update()

    # ---- painting ------------------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """A panel."""
        return QSize(420, 240)

    def _painted(self) -> tuple[tuple[str, ...], tuple[Spot, ...]]:
        """What is painted, where it was not since it changed after painting it."""
        if self._written is None:
            self.grab()
        return self._written or ((), ())

    def update(self, *place: Any) -> None:
        """What is asked for by name is painted anew; where Qt asks, as something in front has gone, it is the same."""
        self._kept = None
        super().update(*place)

    def _light_up(self) -> None:
        """Something else is pointed at; what is written stays."""
        super().update()

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Everything; where only what is pointed at differs, with the picture that is kept."""
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        ratio = self.devicePixelRatioF()
        if painter.deviceTransform().m11() == ratio:
            painter.drawPixmap(0, 0, self._picture(ratio))
        else:  # rendered larger, by whoever wants it sharp
            self._paint_written(painter)
        self._paint_pointed(Ink(painter, self.letters))
        painter.end()

    def _picture(self, ratio: float) -> QPixmap:
        """What is written, as pixels."""
        key = (self.size(), ratio, themes.current().name, themes.text_scale(), self.letters)
        if self._kept is None or self._kept[0] != key or self._written is None:
            pixmap = QPixmap(self.size() * ratio)
            pixmap.setDevicePixelRatio(ratio)
            pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixmap)
            painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
            try:
                self._paint_written(painter)
            finally:
                painter.end()
            self._kept = (key, pixmap)
        return self._kept[1]

    def _paint_written(self, painter: QPainter) -> None:
        ink = Ink(painter, self.letters)
        self._writer.write(ink, QRectF(self.rect()))
        self._written = tuple(ink.texts), tuple(ink.spots)

    # ---- pointing ------------------------------------------------------------------------------------------------

    def spot_at(self, point: QPointF) -> Spot | None:
        """What is pointed at: the innermost of what leads somewhere, else of what says something."""
        found = [spot for spot in self.spots if spot.rect.contains(point)]
        leading = [spot for spot in found if spot.leads]
        return leading[-1] if leading else found[-1] if found else None

    def _paint_pointed(self, ink: Ink) -> None:
        """Light up what is under the mouse, and with the keyboard what is under its cursor."""
        painter = ink.painter
        painter.setBrush(Qt.BrushStyle.NoBrush)
        under = self.spot_at(self._hovered) if self._hovered is not None else None
        if under is not None and under.leads and under.zone not in {MAP, "input"}:
            painter.setPen(QPen(ink.theme.accent, 1.5))
            painter.drawRoundedRect(under.rect.adjusted(-1, -1, 1, 1), 3, 3)
        if self.hasFocus() and self._cursor.shown:
            self._cursor.settle()
            spot = self._cursor.spot
            if spot is not None:
                pen = QPen(ink.theme.accent, 2.5)
                painter.setPen(pen)
                painter.drawRoundedRect(spot.rect.adjusted(-2, -2, 2, 2), 4, 4)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what is under the mouse; drag the window."""
        self._hovered = event.position()
        if self._pressed is not None and self._pressed.drags and self._pressed.press is not None:
            self._pressed.press(event.position())
            return
        spot = self.spot_at(event.position())
        leads = spot is not None and spot.leads
        self.setCursor(Qt.CursorShape.PointingHandCursor if leads else Qt.CursorShape.ArrowCursor)
        self._light_up()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the window, or walk to what is clicked."""
        self._cursor.shown = False
        if event.button() is Qt.MouseButton.BackButton:
            self._walk.back()
            return
        if event.button() is not Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)
            return
        spot = self.spot_at(event.position())
        if spot is None:
            return
        self._pressed = spot
        self.sliding.let(False)
        if spot.leads:
            self._cursor.take(spot)
        editing = self.editing if spot.number is not None and spot.target is not None else None
        if editing is not None and not editing.why_not():
            self._clicked = spot
            self._second_click.start(QApplication.doubleClickInterval())
            return
        self._follow(spot, event.position())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Type another number in the place of a weight."""
        spot = self._clicked if self._second_click.isActive() else self.spot_at(event.position())
        self._second_click.stop()
        if event.button() is Qt.MouseButton.LeftButton and spot is not None and self._can_be_typed(spot):
            self._type_in(spot)
        else:
            self.mousePressEvent(event)

    def _can_be_typed(self, spot: Spot) -> bool:
        return self.editing is not None and spot.number is not None

    def _type_in(self, spot: Spot) -> None:
        assert self.editing is not None and spot.number is not None
        self._clicked = None
        self.editing.open(self, spot.rect.toRect(), WeightPlace(*spot.number), spot.value)

    def _walk_to_clicked(self) -> None:
        spot, self._clicked = self._clicked, None
        if spot is not None and spot.target is not None:
            self._walk.go(spot.target)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self._pressed = None

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the mouse any more."""
        self._hovered = None
        self._light_up()

    def event(self, event: QEvent) -> bool:
        """The tooltip says in words what is under the mouse; undo is that of the numbers that were typed here."""
        is_asked = event.type() == QEvent.Type.ShortcutOverride
        if is_asked and isinstance(event, QKeyEvent) and self.editing is not None and self.editing.wants(event):
            event.accept()
            return True
        if event.type() is QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            spot = self.spot_at(QPointF(event.pos()))
            if spot is not None:
                words = spot.words
                if self._can_be_typed(spot):
                    words = f"{words}\nDouble-click, or F2: type a number"
                QToolTip.showText(event.globalPos(), plain_tip(words), self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def _follow(self, spot: Spot, point: QPointF) -> None:
        if spot.press is not None:
            spot.press(point)
        elif spot.target is not None:
            self._walk.go(spot.target)

    # ---- keyboard ------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows slide on a map and walk elsewhere, Enter follows, F2 types, Backspace goes back, Space slides."""
        key = Qt.Key(event.key())
        if self.editing is not None and self.editing.take(event):
            return
        self._cursor.shown = True
        if key in _ARROWS:
            self._arrow(*_ARROWS[key])
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            spot = self._cursor.spot
            if spot is not None and spot.zone != MAP:
                self._follow(spot, spot.rect.center())
        elif key == Qt.Key.Key_F2:
            spot = self._cursor.spot
            if spot is not None and self._can_be_typed(spot):
                self._type_in(spot)
        elif key == Qt.Key.Key_Backspace:
            self._walk.back()
        elif key in {Qt.Key.Key_PageUp, Qt.Key.Key_PageDown}:
            by = 1 if key == Qt.Key.Key_PageDown else -1
            taken = self._walk.taken
            if taken is not None and taken.output is not None and taken.output.ndim == 3:
                self._walk.slide(by, 0, 0)
        elif key == Qt.Key.Key_Space and self.sliding.possible:
            self.sliding.let(not self.sliding.active)
        else:
            super().keyPressEvent(event)

    def take_key_from_outside(self, event: QKeyEvent) -> None:
        """Take a key where another has the keyboard and no cursor is shown: there arrows slide, and go nowhere else."""
        self._cursor.go_to_map()
        self.keyPressEvent(event)

    def _arrow(self, down: int, across: int) -> None:
        self.sliding.let(False)
        if self._cursor.on_map:
            taken = self._walk.taken
            if taken is not None and taken.output is not None:
                if taken.output.ndim == 1:
                    self._walk.slide(down or across)
                else:
                    self._walk.slide(down, across)
            return
        if self._cursor.go(down, across):
            self._say()

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes from zone to zone, and at the end out of the sheet."""
        if not self.hasFocus() or not self._cursor.go_to_next_zone(forward):
            return super().focusNextPrevChild(forward)
        self._say()
        return True

    def _say(self) -> None:
        """Say what is under the cursor to those who listen."""
        spot = self._cursor.spot
        if spot is not None:
            self.setAccessibleDescription(spot.words)
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))
        self._light_up()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the cursor."""
        super().focusInEvent(event)
        self._cursor.shown = event.reason() in _BY_KEYS
        self._say()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide it."""
        super().focusOutEvent(event)
        self._light_up()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """All is laid out anew."""
        super().resizeEvent(event)
        self._written = None
