"""Small widgets that the panels and the inspector share: one line of text that never pushes, a legend, a switch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from PySide6.QtCore import QEvent, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QButtonGroup,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from nnviz.gui.look import theme as themes
from nnviz.gui.look.age_mark import age_room, paint_age_mark
from nnviz.gui.look.painting import answering, guarded
from nnviz.gui.look.run_colours import Pattern, patterned
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.plain_text import plain_tip

_FONT = "nnviz_font"
_ICON = "nnviz_icon_size"
#: Pixels of the sentences of the interface.
_READING_SIZE = 13
#: How much of its strength a text keeps whose numbers are old.
_OLD = 0.72
#: Pixels between a text and the mark that it is old.
_BESIDE_MARK = 5


def set_font(widget: QWidget, pixel_size: int, weight: int = 400) -> None:
    """Give a widget the interface font and remember its size, so that :func:`refresh_fonts` can set it anew."""
    widget.setProperty(_FONT, [pixel_size, weight])
    _use_font(widget, pixel_size, weight)


def set_icon_size(button: QAbstractButton, icon: int, width: int = 0, height: int = 0) -> None:
    """Give a button an icon that grows with the letters around it, as :func:`refresh_fonts` sets them anew.

    Args:
        button: It has the icon, or is given it later.
        icon: Pixels of its side with letters of the usual size.
        width: Of the whole button, likewise; 0 for what its style gives it.
        height: As ``width``; 0 for the same.
    """
    button.setProperty(_ICON, [icon, width, height or width])
    _use_icon_size(button, icon, width, height or width)


def _use_icon_size(button: QAbstractButton, icon: int, width: int, height: int) -> None:
    scale = themes.surrounding_scale()
    button.setIconSize(QSize(round(icon * scale), round(icon * scale)))
    if width:
        button.setFixedSize(round(width * scale), round(height * scale))


def refresh_fonts(root: QWidget) -> None:
    """Set the fonts and icons of everything below a widget again, after the text scale has changed."""
    for widget in (root, *root.findChildren(QWidget)):
        if isinstance(widget, QAbstractButton) and (sides := widget.property(_ICON)) is not None:
            _use_icon_size(widget, *(int(side) for side in sides))
        wanted = widget.property(_FONT)
        if wanted is not None:
            pixel_size, weight = wanted
            _use_font(widget, int(pixel_size), int(weight))


def _use_font(widget: QWidget, pixel_size: int, weight: int) -> None:
    font = themes.font(pixel_size, weight)
    widget.setFont(font)
    if isinstance(widget, QAbstractScrollArea):
        # What it is painted on, too, keeps the letters that the style sheet first gave it: the titles of a header.
        widget.viewport().setFont(font)
    if isinstance(widget, QAbstractSpinBox | QComboBox):
        # Its line takes another font from it only until the style sheet has given it one.
        for line in widget.findChildren(QLineEdit):
            line.setFont(font)


def line_height(pixel_size: float = 12) -> int:
    """Height of one line of text at the present text scale."""
    return QFontMetrics(themes.font(pixel_size)).height()


class ElidedLabel(QLabel):
    """One line of text that ends in an ellipsis where there is no room, instead of pushing its neighbours about.

    With shorter wordings given, the longest one that fits is shown, and nothing where none does: a word cut after three
    letters tells nobody anything.
    """

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._shorter: tuple[str, ...] = ()
        self._age: Callable[[], str] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setTextFormat(Qt.TextFormat.PlainText)

    def set_age(self, words: Callable[[], str] | None) -> None:
        """Mark the numbers in the text as old; ``words`` says on hover how old. None takes the mark away."""
        if (words is None) is not (self._age is None):
            self.update()
        self._age = words

    @property
    def old(self) -> bool:
        """Whether its numbers are marked as old."""
        return self._age is not None

    def set_wordings(self, text: str, *shorter: str) -> None:
        """The text, and what may stand instead where there is less room, longest first."""
        self._shorter = (*shorter, "")
        if text != self.text():
            self.setText(text)
        else:
            self.update()

    def set_whole(self, text: str) -> None:
        """The text, which ends in an ellipsis where there is less room."""
        self._shorter = ()
        self.setText(text)

    def minimumSizeHint(self) -> QSize:
        """Any width will do."""
        return QSize(0, super().minimumSizeHint().height())

    def shown_text(self) -> str:
        """What can be read at the present width."""
        metrics, room = QFontMetrics(self.font()), self.contentsRect().width()
        if self._age is not None:  # the mark stands beside the text, and not on it
            room -= math.ceil(age_room(metrics.ascent())) + _BESIDE_MARK
        if self._shorter:
            fitting = (text for text in (self.text(), *self._shorter) if metrics.horizontalAdvance(text) <= room)
            return next(fitting, "")
        return metrics.elidedText(self.text(), Qt.TextElideMode.ElideRight, room)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw as much of the text as fits; the whole of it is the tooltip then."""
        painter = QPainter(self)
        shown, area = self.shown_text(), self.contentsRect()
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.setFont(self.font())
        if self._age is not None and shown:
            painter.setOpacity(_OLD)
        painter.drawText(area, int(self.alignment() | Qt.AlignmentFlag.AlignVCenter), shown)
        if self._age is not None and shown:
            painter.setOpacity(1.0)
            metrics = self.fontMetrics()
            # In the empty room on the other side of the text, which does not move for it.
            width, room = metrics.horizontalAdvance(shown), age_room(metrics.ascent())
            right = bool(self.alignment() & Qt.AlignmentFlag.AlignRight)
            x = area.right() - width - room - 3 if right else area.left() + width + _BESIDE_MARK
            place = QPointF(min(max(x, area.left()), area.right() - room), area.center().y() + 1)
            paint_age_mark(painter, place, metrics.ascent(), self.palette().color(self.foregroundRole()))
        tip = self.text() if shown != self.text() else ""
        if self._age is None and plain_tip(tip) != self.toolTip():
            self.setToolTip(plain_tip(tip))

    def event(self, event: QEvent) -> bool:
        """The age in the tip is that of the moment at which it opens."""
        if event.type() == QEvent.Type.ToolTip and self._age is not None:
            self.setToolTip(plain_tip(f"{self.text()}\n{self._age()}".strip()))
        return super().event(event)


class FittedText(QLabel):
    """A few sentences in the middle of a panel: in large letters where there is room, else as large as is read whole.

    A word that would be cut is worse, from the back of a hall, than a word that is a little smaller.
    """

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", "muted")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        follow(themes.notifier.changed, self.fit)

    def minimumSizeHint(self) -> QSize:
        """Any size will do: a word of large letters must not push the neighbours away."""
        return QSize(0, 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another room may hold other letters."""
        super().resizeEvent(event)
        self.fit()

    def say(self, text: str) -> None:
        """Write this; the same as before costs nothing, however often it is said."""
        if text != self.text():
            self.setText(text)
            self.fit()

    def fit(self) -> None:
        """Choose the largest letters, up to those of the interface, with which nothing is cut."""
        room = self.contentsRect()
        largest = themes.font(_READING_SIZE).pixelSize()
        flags = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignCenter)
        words = self.text().split()
        for size in range(largest, themes.MINIMUM_PIXEL_SIZE - 1, -1):
            font = themes.scene_font(size)
            metrics = QFontMetrics(font)
            taken = metrics.boundingRect(QRect(0, 0, room.width(), 1 << 16), flags, self.text())
            widest = max((metrics.horizontalAdvance(word) for word in words), default=0)
            if size == themes.MINIMUM_PIXEL_SIZE or (taken.height() <= room.height() and widest <= room.width()):
                self.setFont(font)
                return


class AgeMark(QWidget):
    """The clock before a number that is old; its room is kept while the number is new."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.on = False
        set_font(self, 13)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def show_age(self, old: bool) -> None:
        """Draw the clock, or not."""
        if old is not self.on:
            self.on = old
            self.update()

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """As high as a line."""
        metrics = self.fontMetrics()
        return QSize(round(age_room(metrics.ascent())), metrics.height())

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the clock."""
        if self.on:
            painter = QPainter(self)
            ascent = self.fontMetrics().ascent()
            paint_age_mark(painter, QPointF(0, self.height() / 2), ascent, themes.current().text_muted)


#: Pixels between two entries of a legend.
_LEGEND_GAP = 10


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """One curve in a legend: its name, colour and present value as text; ``dot`` marks a point instead of a line.

    The value is muted and marked with a clock where it is ``old``; ``age`` says in words when it was measured.
    ``short`` is the name where there is little room.
    """

    title: str
    colour: QColor
    value: str = ""
    dot: bool = False
    old: bool = False
    age: str = field(default="", compare=False)
    short: str = ""
    #: Its lines and gaps.
    pattern: Pattern = ()
    #: What belongs together: where there are several lines, a new one begins with each group, if that is enough.
    group: str = ""


def _swatch(entry: LegendEntry) -> int:
    """Pixels of the line before a name: so many that its gaps can be seen."""
    return 26 if entry.pattern else 14


class Legend(QWidget):
    """Names, colours and present values in one right-aligned line; every value has a fixed width, so nothing moves.

    So has the mark of an old value, before it. Pointing at the line says when each was measured.

    Where the entries do not fit, names become short, those of points first; then points go, then there are more lines.
    A value never goes, nor does the name of a curve: one without it could be anything. How many lines there are follows
    from the names and the width only.
    """

    VALUE_SAMPLE = "0.00000"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entries: tuple[LegendEntry, ...] = ()
        self._lines = 1
        set_font(self, 12)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    @property
    def entries(self) -> tuple[LegendEntry, ...]:
        """What is shown now."""
        return self._entries

    def set_entries(self, entries: Sequence[LegendEntry]) -> None:
        """Show these, repainting only if something differs."""
        before, self._entries = self._entries, tuple(entries)
        if self._entries == before:
            return
        self.setAccessibleName(", ".join(f"{entry.title} {entry.value}".strip() for entry in entries))
        self._count_lines()
        self.update()

    def words(self) -> str:
        """All of it as text, with the age of each value: what the tooltip says."""
        lines = []
        for entry in self._entries:
            age = f", {entry.age}" if entry.age else ""
            lines.append(f"{entry.title} {entry.value}".strip() + age)
        return "\n".join(lines)

    def event(self, event: QEvent) -> bool:
        """The tooltip is made when it is asked for: ages grow with every step."""
        if event.type() == QEvent.Type.ToolTip:
            self.setToolTip(plain_tip(self.words()))
        return super().event(event)

    def minimumSizeHint(self) -> QSize:
        """Any width will do; as high as the lines that there are."""
        return QSize(0, max(self._lines, 1) * line_height() + 2)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width may take another number of lines."""
        super().resizeEvent(event)
        self._count_lines()

    def _count_lines(self) -> None:
        lines = len(self.lines(self.width()))
        if lines != self._lines:
            self._lines = lines
            self.updateGeometry()

    def lines(self, width: float) -> tuple[tuple[LegendEntry, ...], ...]:
        """What is shown in this width, from top to bottom."""
        curves = tuple(entry for entry in self._entries if not entry.dot)
        every = tuple(replace(entry, title=entry.short or entry.title) for entry in self._entries)
        points = tuple(brief if brief.dot else entry for entry, brief in zip(self._entries, every, strict=True))
        short = tuple(entry for entry in every if not entry.dot)
        for shown in (self._entries, points, every, curves, short):
            if self._width_of_line(shown) <= width:
                return (shown,)
        by_group: dict[str, tuple[LegendEntry, ...]] = {}
        for entry in short:
            by_group[entry.group] = (*by_group.get(entry.group, ()), entry)
        if len(by_group) > 1 and all(self._width_of_line(line) <= width for line in by_group.values()):
            return tuple(by_group.values())
        lines: list[list[LegendEntry]] = []
        for entry in short:
            if lines and self._width_of_line((*lines[-1], entry)) <= width:
                lines[-1].append(entry)
            else:
                lines.append([entry])
        return tuple(tuple(line) for line in lines)

    def _width_of_line(self, shown: Sequence[LegendEntry]) -> int:
        metrics = QFontMetrics(self.font())
        return sum(self._width_of(entry, metrics) for entry in shown) + _LEGEND_GAP * max(len(shown) - 1, 0)

    def _width_of(self, entry: LegendEntry, metrics: QFontMetrics) -> int:
        width = _swatch(entry) + 6 + metrics.horizontalAdvance(entry.title)
        if entry.value:
            width += 5 + round(age_room(metrics.ascent()))
            width += max(metrics.horizontalAdvance(self.VALUE_SAMPLE), metrics.horizontalAdvance(entry.value))
        return width

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the entries from the right end."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self.font())
        lines = self.lines(self.width())
        height = self.height() / max(len(lines), 1)
        for at, shown in enumerate(lines):
            self._paint_line(painter, shown, round((at + 0.5) * height))

    def _paint_line(self, painter: QPainter, shown: Sequence[LegendEntry], middle: int) -> None:
        metrics = QFontMetrics(self.font())
        high, beside = metrics.height() + 2, int(Qt.AlignmentFlag.AlignVCenter)
        top = middle - high // 2
        x = max(self.width() - self._width_of_line(shown), 0)
        for entry in shown:
            width = self._width_of(entry, metrics)
            if entry.dot:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(entry.colour)
                painter.drawEllipse(x + 4, middle - 4, 8, 8)
            else:
                painter.setPen(patterned(QPen(entry.colour, 2), entry.pattern))
                painter.drawLine(x, middle, x + _swatch(entry), middle)
            painter.setPen(QColor(themes.current().text_muted))
            left = x + _swatch(entry) + 6
            # A name that is wider than all there is gives way to its value.
            valued = width - metrics.horizontalAdvance(entry.title) - _swatch(entry) - 6
            room = max(self.width() - left - valued, 0)
            title = entry.title
            if metrics.horizontalAdvance(title) > room:
                title = metrics.elidedText(title, Qt.TextElideMode.ElideRight, room)
            painter.drawText(QRect(left, top, width, high), beside, title)
            if entry.value:
                left += metrics.horizontalAdvance(title) + 5
                if entry.old:
                    paint_age_mark(painter, QPointF(left, middle), metrics.ascent(), themes.current().text_muted)
                left += round(age_room(metrics.ascent()))
                painter.setPen(QColor(themes.current().text_muted if entry.old else themes.current().text))
                painter.drawText(QRect(left, top, x + width - left, high), beside, entry.value)
            x += width + _LEGEND_GAP


class SegmentButton(QToolButton):
    """As narrow as its text allows."""

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """The text and a little air; follows the text scale."""
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self.text()) + 16, metrics.height() + 8)


class Segments(QWidget):
    """A row of small buttons of which one is down: a switch whose choices are all in sight."""

    chosen = Signal(str)

    def __init__(self, choices: Sequence[tuple[str, str, str]], parent: QWidget | None = None) -> None:
        """Make the row.

        Args:
            choices: (key, title, tooltip) from left to right; the first is down at the start.
            parent: Owner.
        """
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self._buttons: dict[str, QToolButton] = {}
        for key, title, tip in choices:
            button = SegmentButton(self)
            button.setText(title)
            button.setToolTip(tip)
            button.setAccessibleName(tip or title)
            button.setCheckable(True)
            button.setProperty("role", "flat")
            set_font(button, 12, 500)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda _checked=False, key=key: self.chosen.emit(key))
            self._group.addButton(button)
            self._buttons[key] = button
            row.addWidget(button)
        next(iter(self._buttons.values())).setChecked(True)

    @property
    def value(self) -> str:
        """Key of the button that is down; empty when none is."""
        return next((key for key, button in self._buttons.items() if button.isChecked()), "")

    def set_value(self, key: str) -> None:
        """Put one button down without a signal; an unknown key lets all of them up."""
        if key in self._buttons:
            self._buttons[key].setChecked(True)
            return
        self._group.setExclusive(False)
        for button in self._buttons.values():
            button.setChecked(False)
        self._group.setExclusive(True)

    def set_title(self, key: str, title: str) -> None:
        """Call one choice something else."""
        button = self._buttons[key]
        if button.text() != title:
            button.setText(title)
            button.setAccessibleName(button.toolTip() or title)
            button.updateGeometry()

    def set_offered(self, key: str, offered: bool) -> None:
        """Show one choice, or leave it out where it would never have anything to show."""
        if self._buttons[key].isHidden() == offered:
            self._buttons[key].setVisible(offered)

    def set_enabled(self, key: str, enabled: bool) -> None:
        """Allow or forbid one choice."""
        self._buttons[key].setEnabled(enabled)
