"""Network, data and probes become a run: the loop, the session that owns a live network, and its checkpoints."""

from __future__ import annotations

import os
import sys
import threading

#: Of 19: a tenth of the processor is left to training when somebody else wants all of it.
_NICENESS = 10


def share_cores() -> None:
    """Lets torch's threads sleep while they wait for each other, rather than spin; call it before torch is imported.

    A step of a small network is hundreds of such waits. With spinning threads, one busy neighbour (the window that
    draws, a browser) makes each wait last a time slice: on two cores a step of 20 ms became 130 to 400 ms. Sleeping
    threads cost up to half as much again on a machine that does nothing else, and stay there when it does. What the
    user has set counts.
    """
    if not any(name in os.environ for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")):
        os.environ["OMP_WAIT_POLICY"] = "passive"


def give_way() -> None:
    """Lets this thread, and those that torch starts from it, step back when the window wants to draw.

    On Linux alone, where a thread has a niceness of its own; elsewhere it would be the whole process. The window's
    worker calls it; training without a window has nobody to step back for.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
