"""The text of a note: which of its marks count, and how it is laid out.

Notes come from files that anybody may have written. So no reader of Markdown or HTML ever sees them: a heading in the
first line, lists, bold and code are all there is, made here by hand, and everything else is the letters it is written
with. Nothing can be loaded by a text, and nothing in it can be clicked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextListFormat,
    QTextOption,
)

from nnviz.gui.look import theme
from nnviz.project.group_edits import LARGEST_NOTE
from nnviz.project.model import Note

#: Room between the edge of the paper and the text, in scene units.
PADDING = 11.0
TEXT_SIZE, HEADING_SIZE = 14, 18
#: The least height of a note's paper that the hand can make, and the least width.
LEAST_HEIGHT, LEAST_WIDTH = 40.0, 60.0

_HEADING, _ITEM = "# ", ("- ", "* ")
_MARKS = re.compile(r"\*\*(?P<bold>[^*\n]+)\*\*|`(?P<code>[^`\n]+)`")
_TITLE_LENGTH = 60


def spans(line: str) -> Iterator[tuple[str, str]]:
    """The parts of a line, each with its kind: ``bold``, ``code`` or empty."""
    end = 0
    for found in _MARKS.finditer(line):
        if found.start() > end:
            yield line[end : found.start()], ""
        yield found[found.lastgroup or 0], found.lastgroup or ""
        end = found.end()
    if end < len(line):
        yield line[end:], ""


def plain_text(text: str) -> str:
    """The words of a note without its marks."""
    lines = text.split("\n")
    lines[0] = lines[0].removeprefix(_HEADING)
    return "\n".join("".join(part for part, _ in spans(line)) for line in lines)


def note_title(text: str) -> str:
    """The first line that says something, short enough for a list; "Empty note" where there is none."""
    line = next((line.strip() for line in plain_text(text).split("\n") if line.strip()), "")
    for mark in _ITEM:
        line = line.removeprefix(mark)
    if len(line) > _TITLE_LENGTH:
        line = line[: _TITLE_LENGTH - 1].rstrip() + "…"
    return line or "Empty note"


def laid_out(text: str, width: float, ink: QColor, code_ground: QColor) -> QTextDocument:
    """A text as it stands on a note's paper.

    Args:
        text: With its marks.
        width: Of the paper, in scene units.
        ink: Colour of the letters.
        code_ground: Behind code.
    """
    document = QTextDocument()
    document.setUndoRedoEnabled(False)
    document.setDocumentMargin(0.0)
    document.setDefaultFont(theme.scene_font(TEXT_SIZE))
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    document.setDefaultTextOption(option)
    cursor = QTextCursor(document)
    cursor.beginEditBlock()
    for number, line in enumerate(text.split("\n")):
        if number:
            cursor.insertBlock(QTextBlockFormat(), QTextCharFormat())
        words = line
        heading = number == 0 and line.startswith(_HEADING)
        if heading:
            words = line.removeprefix(_HEADING)
            block = QTextBlockFormat()
            block.setBottomMargin(4.0)
            cursor.setBlockFormat(block)
        elif line.startswith(_ITEM):
            words = line[len(_ITEM[0]) :]
            bullets = QTextListFormat()
            bullets.setStyle(QTextListFormat.Style.ListDisc)
            cursor.createList(bullets)
        for part, kind in spans(words):
            cursor.insertText(part, _format(kind, heading, ink, code_ground))
    cursor.endEditBlock()
    document.setIndentWidth(16.0)
    document.setTextWidth(max(1.0, width - 2 * PADDING))
    return document


def _format(kind: str, heading: bool, ink: QColor, code_ground: QColor) -> QTextCharFormat:
    made = QTextCharFormat()
    weight = 600 if heading or kind == "bold" else 400
    font = theme.scene_font(HEADING_SIZE if heading else TEXT_SIZE, weight)
    if kind == "code":
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setPixelSize(HEADING_SIZE if heading else TEXT_SIZE)
        font.setStyleHint(QFont.StyleHint.Monospace)
        made.setBackground(code_ground)
    made.setFont(font)
    made.setForeground(ink)
    return made


def fitting_height(text: str, width: float) -> float:
    """The height of paper of this width that shows the whole text, as far as a note may grow."""
    document = laid_out(text, width, QColor(), QColor())
    return min(LARGEST_NOTE, max(LEAST_HEIGHT, math.ceil(document.size().height() + 2 * PADDING)))


def grown_height(note: Note, text: str) -> float:
    """The height of a note with another text: paper that was just as high as its text stays so, larger stays large."""
    fitting = fitting_height(text, note.width)
    just = note.height <= fitting_height(note.text, note.width) + 1.0
    return fitting if just else max(note.height, fitting)
