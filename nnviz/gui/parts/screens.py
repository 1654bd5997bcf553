"""Windows stay on the screen: wholly, with their frame, whatever geometry was kept."""

from __future__ import annotations

import shiboken6
from PySide6.QtCore import QEvent, QMargins, QObject, QPoint, QRect, QSize, QTimer
from PySide6.QtGui import QGuiApplication, QScreen
from PySide6.QtWidgets import QApplication, QWidget

#: What a window manager puts around a window, as long as it has not said so: a title bar and thin edges.
LIKELY_FRAME = QMargins(4, 36, 4, 6)
#: Milliseconds after which the desktop has put a frame on, on a quick machine, and on one that is busy with the start.
SETTLING = (0, 120, 600, 2000, 5000)


def fitted(wanted: QRect, available: QRect, frame: QMargins) -> QRect:
    """Where a window goes so that it and its frame are on the screen: as it is wanted, where that fits.

    It is made smaller only where the screen is too small for it, and moved no further than it must be.

    Args:
        wanted: The window without its frame.
        available: The part of the screen that no task bar takes; it has room for the frame and something in it.
        frame: What stands around the window.
    """
    room = available.marginsRemoved(frame)
    width, height = min(wanted.width(), room.width()), min(wanted.height(), room.height())
    x = max(room.left(), min(wanted.left(), room.left() + room.width() - width))
    y = max(room.top(), min(wanted.top(), room.top() + room.height() - height))
    return QRect(x, y, width, height)


def beside(size: QSize, places: list[QPoint], available: QRect, gap: int = 8) -> QRect:
    """Where a card opens: at the first place where it fits as it is, else at the first one, moved onto the screen.

    Args:
        size: Of the card.
        places: Where its upper left corner may be, the best first.
        available: The part of the screen that no task bar takes.
        gap: Pixels that it keeps from the edges.
    """
    margins = QMargins(gap, gap, gap, gap)
    tries = [fitted(QRect(place, size), available, margins) for place in places]
    return next((found for found, place in zip(tries, places, strict=True) if found.topLeft() == place), tries[0])


def screen_for(rect: QRect) -> QScreen:
    """The screen that most of a place is on; the first one where it is on none, as after one was unplugged."""

    def shared(screen: QScreen) -> int:
        common = screen.availableGeometry().intersected(rect)
        return common.width() * common.height() if not common.isEmpty() else 0

    return max((QGuiApplication.primaryScreen(), *QGuiApplication.screens()), key=shared)


def frame_of(window: QWidget) -> QMargins:
    """What stands around a window: as the desktop has it, or what is likely as long as it has not said so."""
    handle = window.windowHandle()
    known = handle.frameMargins() if handle is not None and window.isVisible() else QMargins()
    return LIKELY_FRAME if known.isNull() else known


def bring_in(window: QWidget) -> None:
    """Put a window wholly onto its screen; nothing is done where it is there already, maximized, or full screen."""
    if not window.isWindow() or window.isMaximized() or window.isFullScreen() or window.isMinimized():
        return
    available = screen_for(window.frameGeometry()).availableGeometry()
    parent = window.parentWidget()
    if parent is not None and QGuiApplication.platformName() == "offscreen":
        # A picture of a window may be larger than the screen that Qt makes up where there is none.
        available = available.united(parent.window().geometry())
    wanted = window.geometry()
    place = fitted(wanted, available, frame_of(window))
    if place != wanted:
        window.setMinimumSize(window.minimumSize().boundedTo(place.size()))
        window.setGeometry(place)


class StayOnScreen(QObject):
    """Brings a window in whenever it is shown, when the desktop has put its frame on, and when a screen has gone.

    Args:
        window: A window, or a panel that can be torn off; what is part of another window is left alone.
        when_shown: Not only when a screen has gone.
    """

    def __init__(self, window: QWidget, when_shown: bool = True) -> None:
        super().__init__(window)
        self._window = window
        if when_shown:
            window.installEventFilter(self)
        application = QApplication.instance()
        if isinstance(application, QGuiApplication):
            application.screenRemoved.connect(self.look_later)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """At once, so that it never stands elsewhere; again when the frame is known."""
        if event.type() is QEvent.Type.Show and watched is self._window:
            bring_in(self._window)
            self.look_later()
        return False

    def look_later(self, _screen: object = None) -> None:
        """Bring it in when what is under way is done."""
        for wait in SETTLING:
            QTimer.singleShot(wait, self, self._bring_in)

    def _bring_in(self) -> None:
        if shiboken6.isValid(self._window) and self._window.isVisible() and not QApplication.mouseButtons():
            bring_in(self._window)


__all__ = ["LIKELY_FRAME", "SETTLING", "StayOnScreen", "beside", "bring_in", "fitted", "frame_of", "screen_for"]
