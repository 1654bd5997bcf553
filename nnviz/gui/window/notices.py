"""How the window speaks: notice bars above the canvas, short messages over it, and the net that catches exceptions.

A notice never blocks: it says what happened, offers the cures as buttons, and stays until it is dismissed or no longer
holds. Nothing here opens a box.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from nnviz import user_folders
from nnviz.errors import NnvizError
from nnviz.gui.look import icons, theme
from nnviz.gui.parts.flow_row import FlowRow
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.reasons import sentence_of
from nnviz.gui.parts.words_button import WordsButton

_log = logging.getLogger("nnviz")
_MESSAGE_TIME = 4000
_MOST_NOTICES = 3
#: Pixels without which a sentence would be a column of single words.
_SENTENCE_WIDTH = 200
#: Pixels of the bar of something that makes progress, and of the narrowest and the widest notice.
_PROGRESS_WIDTH, _NARROWEST, _WIDEST = 160, 420, 940
#: Pixels between buttons, and a width that is none.
_GAP, _ANY_WIDTH = 9, 16_777_215
#: Room above the first notice.
_TOP = 8
#: Colour in the theme, by severity; the icons have the names of the severities.
_COLOURS = {"information": "information", "warning": "warning", "error": "danger"}


@dataclass(frozen=True)
class Button:
    """A cure or a choice on a notice; pressing it also dismisses the notice unless ``stays``."""

    title: str
    action: Callable[[], None]
    primary: bool = False
    stays: bool = False


class Notice(QFrame):
    """One bar: an icon, a sentence, buttons; details folded away."""

    dismissed = Signal(str)
    resized = Signal()

    def __init__(
        self,
        key: str,
        text: str,
        severity: str,
        buttons: Sequence[Button],
        details: str,
        closable: bool,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.key = key
        self.details = details
        self.closable = closable
        self._text = text
        self._widest = 0
        self._count = 1
        self.setObjectName("Notice")
        self.setProperty("severity", severity)
        self.setAccessibleName(f"{severity}: {text}")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 7, 7, 7)
        column.setSpacing(6)
        self._row = row = QHBoxLayout()
        row.setSpacing(9)
        column.addLayout(row)
        self._severity = severity if severity in _COLOURS else "information"
        self._picture = QLabel(self)
        self._draw_picture()
        row.addWidget(self._picture, 0, Qt.AlignmentFlag.AlignVCenter)
        self._label = QLabel(text, self)
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setWordWrap(True)
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        # The sentence, and behind it or below it what can be done.
        self._words = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._words.setSpacing(9)
        row.addLayout(self._words, 1)
        self._words.addWidget(self._label, 1)
        self.progress = QProgressBar(self)
        self.progress.setTextVisible(False)
        self.progress.hide()
        self._words.addWidget(self.progress)
        self._choices = FlowRow(self, gap=_GAP)
        self._words.addWidget(self._choices, 0, Qt.AlignmentFlag.AlignVCenter)
        self.buttons: list[QPushButton] = []
        for button in buttons:
            self._add_button(button)
        if details:
            self._details = QPlainTextEdit(details, self)
            self._details.setReadOnly(True)
            self._details.setFixedHeight(150)
            self._details.setAccessibleName("Details")
            self._details.hide()
            column.addWidget(self._details)
            self._add_button(Button("Details", self._toggle_details, stays=True))
            self._add_button(Button("Copy", self._copy, stays=True))
        if closable:
            close = QToolButton(self)
            close.setProperty("role", "flat")
            close.setToolTip("Dismiss")
            close.setAccessibleName("Dismiss")
            icons.bind(close, "close", "text_muted")
            close.clicked.connect(lambda: self.dismissed.emit(self.key))
            row.addWidget(close, 0, Qt.AlignmentFlag.AlignVCenter)

    @property
    def text(self) -> str:
        """The sentence."""
        return self._text

    def changeEvent(self, event: QEvent) -> None:
        """Another theme has other colours."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._draw_picture()

    def _draw_picture(self) -> None:
        colour = getattr(theme.current(), _COLOURS[self._severity])
        side = round(18 * theme.surrounding_scale())
        self._picture.setPixmap(icons.pixmap(self._severity, colour, side, self.devicePixelRatioF()))

    def refit(self) -> None:
        """Take the letters of the present text scale, and the room that they need."""
        for kind in (QLabel, QPushButton, QPlainTextEdit):
            for part in self.findChildren(kind):
                part.setFont(theme.surrounding_font(13))
        side = round(16 * theme.surrounding_scale())
        for close in self.findChildren(QToolButton):
            close.setIconSize(QSize(side, side))
        self.progress.setFixedWidth(round(_PROGRESS_WIDTH * theme.surrounding_scale()))
        self._draw_picture()

    def again(self) -> None:
        """The same thing has happened once more."""
        self._count += 1
        self._label.setText(f"{self._text}  (×{self._count})")

    def set_text(self, text: str) -> None:
        """Say it differently, as progress is made."""
        if text != self._text:
            self._text = text
            self._label.setText(text)
            if (wanted := self.wanted_width()) > self._widest:  # it never grows narrower, so that nothing jumps
                self._widest = wanted
                self.resized.emit()

    def _add_button(self, button: Button) -> None:
        widget = WordsButton(button.title, self)
        if button.primary:
            widget.setProperty("role", "primary")
        widget.setAutoDefault(False)

        def pressed() -> None:
            if not button.stays:
                self.dismissed.emit(self.key)
            button.action()

        widget.clicked.connect(pressed)
        self._choices.add(widget)
        self.buttons.append(widget)

    def first_button(self) -> QPushButton | None:
        """Where the keyboard goes first."""
        return next(iter(self.buttons), None)

    def wanted_width(self) -> int:
        """How wide it is with its sentence on one line."""
        return self._label.fontMetrics().horizontalAdvance(self._label.text()) + self._taken()

    def _taken(self) -> int:
        """The width that the sentence does not have where everything stands in one row."""
        buttons = sum(button.sizeHint().width() + _GAP for button in self.buttons)
        progress = _PROGRESS_WIDTH + 10 if self.progress.isVisibleTo(self) else 0
        return buttons + round((110 + progress) * theme.surrounding_scale())

    def height_for(self, width: int) -> int:
        """How high it is when it is that wide. Where little is left for the sentence, the buttons go below it."""
        sentence = round(_SENTENCE_WIDTH * theme.surrounding_scale())
        narrow = bool(self.buttons) and width < min(self._taken() + sentence, self.wanted_width())
        self._words.setDirection(QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight)
        row = sum(button.sizeHint().width() + _GAP for button in self.buttons)
        self._choices.setVisible(bool(self.buttons))
        self._choices.setMinimumWidth(1 if narrow else row)
        self._choices.setMaximumWidth(_ANY_WIDTH if narrow else row)
        self._words.setAlignment(self._choices, Qt.AlignmentFlag(0) if narrow else Qt.AlignmentFlag.AlignVCenter)
        layout = self.layout()
        assert layout is not None
        for inner in (self._words, self._row, layout):  # a layout inside another one keeps its height else
            inner.invalidate()
        return layout.totalHeightForWidth(width) if layout.hasHeightForWidth() else self.sizeHint().height()

    def _toggle_details(self) -> None:
        self._details.setVisible(not self._details.isVisible())
        self.resized.emit()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(f"{self._text}\n\n{self.details}")


class NoticeArea(QWidget):
    """The stack of notices over the upper edge of the canvas. A network that is fitted makes room; nothing else moves.

    Args:
        parent: The canvas, or what holds it.

    Signals:
        covered: How many pixels of the upper edge it covers; 0 without notices.
        told: What a new notice says.
    """

    covered = Signal(int)
    told = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._area = parent
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self._notices: dict[str, Notice] = {}
        parent.installEventFilter(self)
        follow(theme.notifier.changed, self._on_theme)
        self.hide()

    def _on_theme(self) -> None:
        for notice in self._notices.values():
            notice.refit()
        self._place()

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What is shown, oldest first."""
        return tuple(self._notices.values())

    def notice(self, key: str) -> Notice | None:
        """The notice with that key."""
        return self._notices.get(key)

    def focus_first(self) -> bool:
        """Put the keyboard on the oldest notice that has buttons; False when there is none."""
        for notice in self._notices.values():
            button = notice.first_button()
            if button is not None:
                button.setFocus(Qt.FocusReason.ShortcutFocusReason)
                return True
        return False

    def show_notice(
        self,
        key: str,
        text: str,
        severity: str = "information",
        buttons: Sequence[Button] = (),
        details: str = "",
        closable: bool = True,
    ) -> Notice:
        """Show a notice; one with the same key is replaced, or counted when it says the same."""
        old = self._notices.get(key)
        if old is not None and old.text == text and old.property("severity") == severity and not buttons:
            old.again()
            return old
        if old is not None:
            self.dismiss(key)
        self._make_room()
        return self._add(Notice(key, text, severity, buttons, details, closable, self))

    def show_own(self, notice: Notice) -> None:
        """Show a notice of another kind in place of the one with its key."""
        self.dismiss(notice.key)
        self._make_room()
        self._add(notice)

    def _make_room(self) -> None:
        """The oldest goes, but none that waits for a decision."""
        passing = [key for key, notice in self._notices.items() if notice.closable]
        for key in passing[: max(0, len(self._notices) - _MOST_NOTICES + 1)]:
            self.dismiss(key)

    def _add(self, notice: Notice) -> Notice:
        notice.refit()
        notice.dismissed.connect(self.dismiss)
        self._notices[notice.key] = notice
        self._column.addWidget(notice)
        notice.resized.connect(self._place)
        self.show()
        self.raise_()
        self._place()
        self.told.emit(notice.text)
        return notice

    def dismiss(self, key: str) -> None:
        """Take a notice away, if it is there."""
        notice = self._notices.pop(key, None)
        if notice is not None:
            self._column.removeWidget(notice)
            notice.hide()
            notice.deleteLater()
        self.setVisible(bool(self._notices))
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay in place when the canvas is resized."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        wanted = max((notice.wanted_width() for notice in self._notices.values()), default=0)
        scale = theme.surrounding_scale()
        width = min(self._area.width() - 20, max(round(_NARROWEST * scale), wanted), round(_WIDEST * scale))
        height = sum(notice.height_for(width) for notice in self._notices.values())
        height += self._column.spacing() * max(0, len(self._notices) - 1)
        self.setGeometry((self._area.width() - width) // 2, _TOP, width, height)
        self.covered.emit(_TOP + height if self._notices else 0)


class Message(QLabel):
    """A sentence over the lower edge of the canvas that goes by itself.

    Signals:
        said: The sentence.
    """

    said = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._area = parent
        self.setObjectName("Message")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_MESSAGE_TIME)
        self._timer.timeout.connect(self.hide)
        parent.installEventFilter(self)
        self.hide()

    def say(self, text: str) -> None:
        """Show a sentence for a few seconds."""
        if not text:
            self.hide()
            return
        self.said.emit(text)
        self.setFont(theme.surrounding_font(13))
        self.setText(text)
        self.setWordWrap(False)
        self.adjustSize()
        limit = max(120, self._area.width() - 40)
        if self.width() > limit:
            self.setWordWrap(True)
            self.setFixedWidth(limit)
            self.adjustSize()
        else:
            self.setMinimumWidth(0)
            self.setMaximumWidth(16_777_215)
        self._place()
        self.show()
        self.raise_()
        self._timer.start()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay in place when the canvas is resized."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        area = self._area.rect()
        self.move((area.width() - self.width()) // 2, area.height() - self.height() - 18)


class ExceptionNet(QObject):
    """Catches what nobody caught, on every thread: logs it and hands it to the GUI thread.

    Signals:
        caught: A sentence and the traceback.
    """

    caught = Signal(str, str)
    interrupted = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._before = (sys.excepthook, threading.excepthook)
        self._installed = False

    def install(self) -> None:
        """From now on nothing is lost."""
        self._before = (sys.excepthook, threading.excepthook)
        sys.excepthook = self.handle
        threading.excepthook = self._handle_thread
        self._installed = True

    def remove(self) -> None:
        """Put the hooks back that were there before."""
        if self._installed:
            sys.excepthook, threading.excepthook = self._before
            self._installed = False

    def handle(
        self, kind: type[BaseException], error: BaseException | None, trace: TracebackType | None = None
    ) -> None:
        """Take one exception: called by Python, or by who caught it and cannot cure it."""
        if issubclass(kind, KeyboardInterrupt):
            self.interrupted.emit()
            return
        details = "".join(traceback.format_exception(kind, error, trace))
        _log.error("An exception that nobody caught:\n%s", details)
        sentence = (
            sentence_of(error) if isinstance(error, NnvizError) else f"Something went wrong: {kind.__name__}: {error}"
        )
        self.caught.emit(sentence, details)

    def _handle_thread(self, arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_type is not SystemExit:
            self.handle(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)


def log_file() -> Path:
    """Where the program writes what went wrong."""
    return user_folders.state_folder() / "nnviz.log"


def start_logging() -> Path | None:
    """Write warnings and errors to :func:`log_file` (1 MB, three older ones kept); None where that is not possible."""
    path = log_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(path, maxBytes=1_000_000, backupCount=3, encoding="utf-8", delay=True)
    except OSError:
        return None
    handler.setLevel(logging.WARNING)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(threadName)s: %(message)s"))
    for old in [one for one in _log.handlers if isinstance(one, RotatingFileHandler)]:
        _log.removeHandler(old)
        old.close()
    _log.addHandler(handler)
    return path
