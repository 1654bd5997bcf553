"""How runs that stand beside each other are drawn: the same in curves, legends, the list and the page.

Six colours that stay apart for all kinds of colour vision, each then again with another line: twelve runs in two kinds
of lines, eighteen in three.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen

from nnviz.gui.look import theme

#: Lines and gaps in widths of the pen, as Qt takes them; none of a line without gaps.
Pattern = tuple[float, ...]
#: The lines of the first six runs, of the next six, and so on; and of their validation where that is drawn beside.
_LINES: tuple[tuple[Pattern, Pattern], ...] = (
    ((), (4.0, 3.0)),
    ((7.0, 2.5), (6.0, 2.5, 1.0, 2.5)),
    ((1.5, 1.5), (1.0, 3.5)),
)
#: What is dashed for another reason than being a certain run.
DASHED: Pattern = _LINES[0][1]
#: How much of its colour the curve of another run keeps: it stands behind those of the run on the screen.
_BESIDE = 0.65


def run_colour(index: int) -> QColor:
    """The colour of the run at this place among those that are compared; of the run on the screen (-1) that of text."""
    colours = theme.current()
    return QColor(colours.text) if index < 0 else QColor(colours.runs[index % len(colours.runs)])


def faint_run_colour(index: int) -> QColor:
    """The same for its curves behind those of the run on the screen."""
    return theme.mixed(theme.current().panel, run_colour(index), _BESIDE)


def run_line(index: int, *, validation: bool = False) -> Pattern:
    """The line of the run at this place: which of those in its colour it is.

    Args:
        index: Its place; -1 is the run on the screen.
        validation: The line of its validation, where that of its batches is drawn as well.
    """
    lines = _LINES[max(index, 0) // len(theme.current().runs) % len(_LINES)]
    return lines[1] if validation else lines[0]


def patterned(pen: QPen, pattern: Pattern) -> QPen:
    """The pen with these lines and gaps."""
    if pattern:
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setDashPattern(list(pattern))
    return pen


def run_pen(index: int, width: float) -> QPen:
    """What draws the line that stands for a run in a list or a legend."""
    return patterned(QPen(run_colour(index), width), run_line(index))
