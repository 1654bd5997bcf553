"""One way to wait for what another thread or process does, in tests."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something holds; fail when it takes far too long."""
    deadline = time.monotonic() + seconds
    for pause in itertools.chain((0.001,) * 50, itertools.repeat(0.01)):
        if condition():
            return
        assert time.monotonic() < deadline, f"it did not happen within {seconds:g} s"
        time.sleep(pause)
