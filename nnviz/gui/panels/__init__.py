"""The instruments: one file each; every one says what it shows and how to read it.

``PANELS`` holds them all, in order::

    panel = PANELS[0](document, theme, parent)
    feed.subscribe(panel.refresh, panel)
"""

from __future__ import annotations

from nnviz.gui.panels.base import Panel
from nnviz.gui.panels.catalogue import PANELS

__all__ = ["PANELS", "Panel"]
