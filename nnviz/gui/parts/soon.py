"""One way to do something between two events: it holds nobody until then."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from types import MethodType
from typing import Any, cast

from PySide6.QtCore import QObject, QTimer


def soon(method: Callable[..., object], *values: Any, owner: QObject | None = None) -> None:
    """Call a bound method when the events that wait now have been handled, if its owner is still there.

    ``QTimer.singleShot(0, owner, function)`` keeps the function, and all that it holds, for ever where Qt deletes the
    owner before its turn has come: as a window is hidden a moment before it goes, each stayed in memory as a whole.

    Args:
        method: A bound method; held weakly.
        values: What it is called with.
        owner: Whose life it is; the object of the method where that is a QObject.
    """
    bound = cast(MethodType, method)
    weak = weakref.WeakMethod(bound)

    def call() -> None:
        alive = weak()
        if alive is not None:
            alive(*values)

    QTimer.singleShot(0, cast(QObject, bound.__self__) if owner is None else owner, call)


__all__ = ["soon"]
