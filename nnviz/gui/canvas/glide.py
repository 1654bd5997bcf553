"""A movement that begins fast and comes to rest gently, and can be ended at any moment."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEasingCurve, QObject, QVariantAnimation


class Glide(QObject):
    """Calls back for every frame with the share of the way that lies behind, eased, from 0 to exactly 1."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._frame: Callable[[float], object] | None = None
        self._done: Callable[[], object] | None = None
        self._animation = QVariantAnimation(self)
        self._animation.setStartValue(0.0)
        self._animation.setEndValue(1.0)
        self._animation.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._animation.valueChanged.connect(self._on_value)
        self._animation.finished.connect(self.finish)

    @property
    def active(self) -> bool:
        """Whether a movement goes on."""
        return self._frame is not None

    def start(
        self, milliseconds: int, frame: Callable[[float], object], done: Callable[[], object] | None = None
    ) -> None:
        """Begin a movement; one that is on its way is left where it is.

        Args:
            milliseconds: How long it takes.
            frame: Called with the share of the way; the last time with 1.0.
            done: Called once the end is reached, and not after :meth:`cancel`.
        """
        self.cancel()
        self._frame, self._done = frame, done
        self._animation.setDuration(milliseconds)
        self._animation.start()

    def cancel(self) -> None:
        """End the movement where it is."""
        self._frame = self._done = None
        self._animation.stop()

    def finish(self) -> None:
        """End the movement at its goal, at once."""
        frame, done = self._frame, self._done
        self.cancel()
        if frame is not None:
            frame(1.0)
        if done is not None:
            done()

    def _on_value(self, share: float) -> None:
        if self._frame is not None:
            self._frame(share)
