"""The inspector: everything about the selected layer, the training and the data; editors come from the declarations."""

from __future__ import annotations

from nnviz.gui.inspector.inspector import Inspector

__all__ = ["Inspector"]
