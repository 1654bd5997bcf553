"""A thread that trains beside a window steps back for it, and for it alone."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from nnviz.train import give_way


@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux has a thread a niceness of its own")
def test_only_the_thread_that_trains_steps_back() -> None:
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    seen: list[int] = []

    def work() -> None:
        give_way()
        seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    thread = threading.Thread(target=work, name="nnviz-gives-way")
    thread.start()
    thread.join()
    assert seen[0] > before or before >= 10
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before
