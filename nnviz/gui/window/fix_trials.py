"""Cures are tried once the hand rests: what an edit breaks is seen at once, what mends it a moment later."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from nnviz.gui.parts.following import follow
from nnviz.project.document import Document

#: Milliseconds without a change. A held key and a turned wheel change faster.
_REST = 120


class FixTrials(QObject):
    """Has a document try the cures of its errors, on the GUI thread, some time after the last change."""

    def __init__(self, document: Document, parent: QObject) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REST)
        self._timer.timeout.connect(document.try_fixes)
        self._followings = (
            follow(document.changed, self._wait),
            follow(document.diagnostics_changed, self._wait),
        )
        self._wait()

    def stop(self) -> None:
        """Leave the document alone from now on."""
        self._timer.stop()
        for following in self._followings:
            following.end()

    def _wait(self, *_what: object) -> None:
        self._timer.start()
