"""What a session says of itself: the state that it is in, why it failed, and sentences for whoever listens."""

from __future__ import annotations

import logging

import psygnal

from nnviz.errors import NnvizError
from nnviz.record.run import Run
from nnviz.train.position import SessionState

_log = logging.getLogger(__name__)


class Announcements:
    """Written by the owner of a session, on its thread; ``state`` and ``error`` are for any thread.

    Args:
        run: Is told the state as well.

    Attributes:
        state_changed: Emitted with the new state, on the owner's thread.
        told: Emitted with a sentence about how it began, on the owner's thread.
        refused: Emitted with a sentence when something asked for cannot be done, on the owner's thread.
        state: What the session is doing; :meth:`enter` alone writes it.
        error: Why it FAILED; written once.
    """

    state_changed = psygnal.Signal(SessionState)
    told = psygnal.Signal(str)
    refused = psygnal.Signal(str)

    def __init__(self, run: Run) -> None:
        self._run = run
        self.state = SessionState.IDLE
        self.error: Exception | None = None

    def enter(self, state: SessionState) -> None:
        """It does something else from now on."""
        if state is self.state:
            return
        self.state = state
        self._run.state = state.value
        try:
            self.state_changed.emit(state)
        except psygnal.EmitLoopError:  # A fault of a listener is not one of the training.
            _log.exception("A listener to the session's state failed.")

    def tell(self, sentence: str) -> None:
        """How it began."""
        self.told.emit(sentence)

    def refuse(self, error: NnvizError) -> None:
        """Something that was asked for cannot be done."""
        try:
            self.refused.emit(str(error))
        except psygnal.EmitLoopError:
            _log.exception("A listener to the session's refusals failed.")
