"""How the window calls its project: in the top bar, where a press edits name and note, and in its own title."""

from __future__ import annotations

from html import escape
from pathlib import Path

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QToolButton, QWidget

from nnviz.gui.look import theme
from nnviz.gui.look.painting import answering, guarded
from nnviz.project.document import Document

_MARK = " •"
_PAD = 5
#: Characters of the note in the tooltip.
_MOST_NOTE = 600


def _fonts() -> tuple[QFont, QFont]:
    """Those of the name and of the file."""
    return theme.font(13, 600), theme.surrounding_font(12)


def _lines() -> tuple[int, int]:
    """How high the line of the name and that of the file are."""
    return round(18 * theme.text_scale()), round(16 * theme.surrounding_scale())


def window_title(document: Document, replayed: Path | None) -> str:
    """Name and file for the title of the window, where Qt takes ``[*]`` for its mark; before it a run that is shown."""
    name = document.project.name or "untitled"
    path = document.path
    text = name if path is None else path.name if path.stem == name else f"{name} – {path.name}"
    title = _literal(text)
    if replayed is not None:
        title = f"Replay of {_literal(replayed.name)} – {title}"
    return f"{title}[*] – nnviz"


def _literal(text: str) -> str:
    """A text for the title of the window, with its own ``[*]``."""
    return text.replace("[*]", "[*][*]")


class ProjectTitle(QToolButton):
    """The project's name with the unsaved mark, and below it the file; both cut to the room there is."""

    def __init__(self, document: Document, parent: QWidget) -> None:
        super().__init__(parent)
        self._document = document
        self._name = self._below = ""
        self.setProperty("role", "flat")

    def refresh(self, room: int) -> None:
        """Show both as they are now.

        Args:
            room: The pixels that it is wide, whatever it says.
        """
        project, path, modified = self._document.project, self._document.path, self._document.is_modified
        read_only = self._document.read_only
        name, below = project.name or "untitled", path.name if path is not None else "not saved yet"
        below = "read-only" if read_only else below
        large, small = (QFontMetricsF(font) for font in _fonts())
        mark = _MARK if modified else ""
        inner = room - 2 * _PAD
        middle = Qt.TextElideMode.ElideMiddle
        self._name = large.elidedText(name, middle, inner - large.horizontalAdvance(_MARK)) + mark
        self._below = small.elidedText(below, middle, inner)
        self.setFixedSize(room, sum(_lines()) + 4)
        saved = "Changes are not saved yet." if modified or path is None else "Everything is saved."
        saved = read_only or saved
        note = project.note if len(project.note) <= _MOST_NOTE else f"{project.note[:_MOST_NOTE]}…"
        lines = [name, *([str(path)] if path is not None else []), saved, *([note] if note else [])]
        # As rich text, so that long lines are broken.
        invitation = () if read_only else ("Click to edit name and note.",)
        words = "<br>".join(escape(line).replace("\n", "<br>") for line in (*lines, *invitation))
        self.setToolTip(f"<p>{words}</p>")
        self.setAccessibleName(f"Project {name}, {below}. {saved}")
        self.update()

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """As wide as it was told to be."""
        return QSize(self.maximumWidth(), sum(_lines()) + 4)

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """The frame of a button under the mouse or with the keyboard, and two lines."""
        super().paintEvent(event)
        colours = theme.current()
        painter = QPainter(self)
        (large, small), (high, low) = _fonts(), _lines()
        upper = QRect(_PAD, 2, self.width() - 2 * _PAD, high)
        lower = QRect(_PAD, high + 1, self.width() - 2 * _PAD, low)
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.setFont(large)
        painter.setPen(colours.text)
        painter.drawText(upper, left, self._name)
        painter.setFont(small)
        painter.setPen(colours.text_muted)
        painter.drawText(lower, left, self._below)
