"""Who keeps sets that are perhaps not asked for again, and lets go of them where their room on the disk is needed.

Loaded at the start of the window, so it is small.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

_forgetting: list[Callable[[], None]] = []


def remembers(forget: Callable[[], None]) -> None:
    """Somebody keeps sets; that alone is no use which keeps them on the disk.

    Args:
        forget: Lets go of them; called by whoever needs the room, on any thread.
    """
    if forget not in _forgetting:
        _forgetting.append(forget)


def forget_all() -> None:
    """Everybody lets go; from then on only what is really used is held."""
    for forget in _forgetting:
        forget()
    if gc.isenabled():  # where it is not, somebody who remembers sees to that
        gc.collect()
