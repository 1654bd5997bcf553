"""A signal that another thread emits when it has its answer, of an object that may have gone with its window."""

from __future__ import annotations

import shiboken6
from PySide6.QtCore import QObject, SignalInstance


def emit_late(sender: QObject, signal: SignalInstance, *values: object) -> bool:
    """Emit a signal if its object is still there.

    Args:
        sender: Whose signal it is.
        signal: What is emitted.
        values: What it carries.

    Returns:
        False where the object has gone, and so nobody waits for it.
    """
    if not shiboken6.isValid(sender):
        return False
    try:
        signal.emit(*values)
    except RuntimeError:  # it went between the two
        return False
    return True
