"""One way to wait for what another thread or process does, in tests."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something holds.

    Raises:
        TimeoutError: It does not, after far too long. Where the whole suite runs, the test then gets a second try.
    """
    deadline = time.monotonic() + seconds
    for pause in itertools.chain((0.001,) * 50, itertools.repeat(0.01)):
        if condition():
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"it did not happen within {seconds:g} s")
        time.sleep(pause)
