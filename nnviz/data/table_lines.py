"""Which lines of a text its rows stand in, as its quotation marks tell; and whether those stand where they should.

A mark opens a cell behind a separator or at the beginning of a line, closes it before a separator or the end of a line,
or is one of two within. Only then is it beyond doubt what a row is: polars guesses where a piece of a file begins by
counting the marks, and a stray one leads it astray.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right

import numpy as np

_MARK, _LINE_END, _RETURN = b'"\n\r'


class Lines:
    """Is given a text a block at a time.

    Args:
        separator: What stands between the values.
        skipped: So many lines are before the first row.

    Attributes:
        sound: Each mark stands where it should.
        rows: How many there are below what is skipped, empty ones among them.
    """

    def __init__(self, separator: str, skipped: int) -> None:
        self._separator, self._skipped = ord(separator), skipped
        self._lines, self._open, self._last = 0, False, -1
        #: A byte that was looked at, and one that waits for what stands behind it.
        self._held = b"\n"
        # Where the distance between a row and its line changes: of most tables a few places.
        self._rows, self._steps = array("q"), array("q")
        self.sound, self.rows = True, 0

    def add(self, block: bytes) -> None:
        """Some more of the text."""
        content = self._held + block
        self._held = content[-2:]
        within = content[1:-1]
        marks = np.zeros(0, np.int64)
        if b'"' in within:
            text = np.frombuffer(content, np.uint8)
            marks = np.flatnonzero(text[1:-1] == _MARK) + 1
            opening = (np.arange(len(marks)) + self._open) % 2 == 0
            before = np.isin(text[marks - 1], (self._separator, _LINE_END, _MARK))
            behind = np.isin(text[marks + 1], (self._separator, _LINE_END, _RETURN, _MARK))
            self.sound &= bool(np.where(opening, before, behind).all())
        count = within.count(b"\n")
        lines = self._lines + 1 + np.arange(count)  # that end here, and below those where a row does
        if len(marks) or self._open:
            ends = np.flatnonzero(np.frombuffer(within, np.uint8) == _LINE_END) + 1
            lines = lines[(np.searchsorted(marks, ends) + self._open) % 2 == 0]
        self._add_rows(lines[lines > self._skipped])
        self._lines += count
        self._open ^= len(marks) % 2 == 1

    def _add_rows(self, lines: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
        steps = lines - self.rows - np.arange(len(lines))
        changed = np.flatnonzero(np.diff(steps, prepend=self._last))
        self._rows.extend((self.rows + changed).tolist())
        self._steps.extend(steps[changed].tolist())
        self._last = self._steps[-1] if self._steps else -1
        self.rows += len(lines)

    def end(self) -> None:
        """That was all; its last line has no end."""
        self.add(b"\n\n")
        self.sound &= not self._open

    def line(self, row: int) -> int:
        """Where a row ends."""
        return row + self._steps[bisect_right(self._rows, row) - 1]
