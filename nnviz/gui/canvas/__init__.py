"""The canvas: the network as cards and wires, the palette beside it, one object per gesture."""

from nnviz.gui.canvas.palette import Palette
from nnviz.gui.canvas.view import CanvasView, Outlook

__all__ = ["CanvasView", "Outlook", "Palette"]
