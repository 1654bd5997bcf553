"""The colours of runs that stand beside each other: the same in curves, legends, the list and the page."""

from __future__ import annotations

from PySide6.QtGui import QColor

from nnviz.gui.look import theme

#: Of the eight colours for curves the first three tell the splits of the run on the screen apart.
_FIRST = 3
#: How much of its colour the curve of another run keeps: it stands behind those of the run on the screen.
_BESIDE = 0.65


def run_colour(index: int) -> QColor:
    """The colour of the run at this place among those that are compared; of the run on the screen (-1) that of text."""
    colours = theme.current()
    return QColor(colours.text) if index < 0 else QColor(colours.series[(_FIRST + index) % len(colours.series)])


def faint_run_colour(index: int) -> QColor:
    """The same for its curves behind those of the run on the screen."""
    return theme.mixed(theme.current().panel, run_colour(index), _BESIDE)
