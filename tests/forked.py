"""Processes that begin with everything imported, where the system can do that: for tests that need many of them.

There is one server of them for each process of tests, whichever test starts it: so all its modules stand here. Nothing
that an application or a training makes is there yet, and each process may still choose its own environment.
"""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import BaseContext

#: What is to be imported once.
MODULES = (
    "nnviz.cli",
    "nnviz.project.safety.autosave",
    "nnviz.train.headless",
    "nnviz.gui.app",
    "nnviz.gui.inspector",
    "nnviz.gui.window.docks",
    "nnviz.gui.window.window",
)


def context() -> BaseContext:
    """Where such processes are started. What runs in them must stand in a module that can be imported by name."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload([*MODULES])
    return found
