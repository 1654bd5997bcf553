"""A tap of the space bar on the canvas plays or pauses; held, it stays the hand that moves the view."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractScrollArea

_LONGEST_TAP = 0.4


class SpaceTap(QObject):
    """Watches a view: Space pressed and released shortly after, with no mouse button between, is a tap."""

    def __init__(
        self, view: QAbstractScrollArea, tapped: Callable[[], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(view)
        self._tapped = tapped
        self._clock = clock
        self._pressed: float | None = None
        view.installEventFilter(self)
        view.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Look at keys and mouse buttons, take nothing away."""
        kind = event.type()
        if kind in {QEvent.Type.KeyPress, QEvent.Type.KeyRelease} and isinstance(event, QKeyEvent):
            plain = event.key() == Qt.Key.Key_Space and event.modifiers() == Qt.KeyboardModifier.NoModifier
            if not plain:
                self._pressed = None
            elif not event.isAutoRepeat():
                pressed, self._pressed = self._pressed, None
                if kind == QEvent.Type.KeyPress:
                    self._pressed = self._clock()
                elif pressed is not None and self._clock() - pressed <= _LONGEST_TAP:
                    self._tapped()
        elif kind in {QEvent.Type.MouseButtonPress, QEvent.Type.FocusOut}:
            self._pressed = None
        return super().eventFilter(watched, event)
