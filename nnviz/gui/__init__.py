"""All of Qt: views of the document and of the run. No rule of the domain lives here."""

from importlib import import_module

# PySide6 reads the source of every module that is imported after it, to see whether that uses Qt. What the window needs
# of the rooms below does not: imported first, the window is there a tenth sooner.
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
