"""Imports what the window needs of the rooms below, before Qt is imported.

PySide6 reads the source of every module that is imported after it, to see whether that uses Qt. What stands here does
not; imported first, it makes the window come up a tenth sooner.
"""

from __future__ import annotations

from importlib import import_module

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
