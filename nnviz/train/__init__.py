"""Network, data and probes become a run: the loop, the session that owns a live network, and its checkpoints."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnviz.train.cores import CoreWatch

#: Of 19: a tenth of the processor is left to training when somebody else wants all of it.
_NICENESS = 10


def share_cores(watch: CoreWatch | None = None, *, watched: bool = False) -> None:
    """Chooses how torch's threads wait for each other, before torch is imported; what the user has set counts.

    A step of a small network is hundreds of such waits. Spinning, they are short: an epoch of mlp-512-dropout takes
    2.8 s on two idle cores, 4.4 to 5.1 s with threads that sleep, 4.2 s with one thread. But beside one busy program
    each wait then lasts a time slice, and the epoch 20 s, against 5.0 s sleeping and 4.4 s with one thread. So they
    spin where the cores are idle, and sleep where other programs compute. The number of threads is the same either
    way, and so is every sum.

    Args:
        watch: Has seen for a while what others use, and is asked only where it counts. Without one the threads sleep.
        watched: What is imported is a training, which looks again and again and chooses (``train/waits.py``) where that
            can be done: on Linux, with all the cores that are seen.
    """
    from nnviz.train.cores import SHARED, granted_cores, usable_cores  # noqa: PLC0415 - psutil is not needed to open the window

    if waiting_is_set() or (watched and sys.platform == "linux" and granted_cores() == usable_cores()):
        return
    if watch is None or watch.others() >= SHARED:
        os.environ["OMP_WAIT_POLICY"] = "passive"


def waiting_is_set() -> bool:
    """Whether it is fixed how torch's threads wait, by the user or by :func:`share_cores`."""
    return any(name in os.environ for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"))


def give_way() -> None:
    """Lets this thread, and those that torch starts from it, step back when the window wants to draw.

    On Linux alone, where a thread has a niceness of its own; elsewhere it would be the whole process. The window's
    worker calls it; training without a window has nobody to step back for.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
