"""Imports what the window needs of the rooms below, before Qt is imported.

PySide6 reads the source of every module that is imported after it, to see whether that uses Qt. What stands here does
not. Imported first, it saves some 35 ms of processor time: 0.48 s up to the window's classes and not 0.52 (medians of
eight starts each, in turn).
"""

from __future__ import annotations

import gc
from importlib import import_module

# Imports make hundreds of thousands of objects that stay: each round of the garbage collector through them is in vain,
# and all together take some 25 ms. The application's own collector (gui/parts/collector.py) does the rounds later.
_collecting = gc.isenabled()
gc.disable()

for _room in (
    "nnviz.data.datasets",
    "nnviz.project.drawing.group_layout",
    "nnviz.project.files.io",
    "nnviz.project.safety.autosave",
    "nnviz.project.samples.templates",
    "nnviz.project.shown_document",
    "nnviz.record.library",
    "nnviz.record.tolerant",
    "nnviz.train.workbench",
):
    import_module(_room)


def give_back() -> None:
    """Let Python collect garbage as before; when the module that imports all others has been imported.

    What there is by now is spared: the first round would go through all of it, and take what was saved.
    """
    gc.freeze()
    if _collecting:
        gc.enable()
