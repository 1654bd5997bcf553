"""One way to do something between two events: it holds nobody until then."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from types import MethodType
from typing import Any, cast

from PySide6.QtCore import QObject, QTimer

_numbers = itertools.count()
#: Under this name whoever is called keeps what it is called with.
_WAITING = "_waiting_values"


def soon(method: Callable[..., object], *values: Any, owner: QObject | None = None) -> None:
    """Call a bound method when the events that wait now have been handled, if its owner is still there.

    ``QTimer.singleShot(0, owner, function)`` keeps the function, and all that it holds, for ever where Qt deletes the
    owner before its turn has come: as a window is hidden a moment before it goes, each stayed in memory as a whole.

    Args:
        method: A bound method; held weakly.
        values: What it is called with; held by the object of the method, so that they go with it.
        owner: Whose life it is; the object of the method where that is a QObject.
    """
    bound = cast(MethodType, method)
    weak, number = weakref.WeakMethod(bound), next(_numbers)
    waiting: dict[int, tuple[Any, ...]] = vars(bound.__self__).setdefault(_WAITING, {})
    waiting[number] = values
    del values  # which the function below would hold

    def call() -> None:
        alive = weak()
        if alive is not None:
            alive(*vars(alive.__self__)[_WAITING].pop(number))

    QTimer.singleShot(0, cast(QObject, bound.__self__) if owner is None else owner, call)


__all__ = ["soon"]
