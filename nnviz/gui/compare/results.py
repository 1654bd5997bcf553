"""What several runs reached and how they were made, as a table: a column a run, and only the settings that differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from nnviz.gui.look import theme as themes
from nnviz.gui.look.run_colours import run_line, run_pen
from nnviz.gui.panels.runs_columns import BY_KEY
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.plain_text import plain_tip
from nnviz.gui.parts.widgets import line_height, set_font
from nnviz.gui.runs.run_names import said
from nnviz.gui.runs.run_row import RunRow
from nnviz.project.flat_settings import setting, title_of, words_of
from nnviz.record.comparison import differing

#: The results, in order, by the keys of the columns of the list.
_RESULTS = ("loss", "accuracy", "best_epoch", "test_accuracy", "epochs", "steps", "seconds", "parameters")
_MOST_SETTINGS = 80
#: Pixels that the titles of the rows have at most.
_TITLES = 260
#: Pixels of a column whose name is long.
_WIDEST = 220
#: Pixels that a column has at least, and of the gaps beside a name and its line.
_NARROWEST, _BESIDE_NAME = 84, 17
#: Letters that a column has at most, where they are so large that its pixels would be few.
_LETTERS = 28
#: Of so many runs the names stand in two lines also where nothing but a space parts them.
_MANY = 5
#: The room that a line needs which stands for a run, and the width of one without gaps.
SWATCH, _SWATCH = QSize(26, 12), 18
_WORDS = {"loss": "Lowest validation loss", "accuracy": "Validation accuracy then", "test_accuracy": "Test accuracy"}


@dataclass(frozen=True)
class Line:
    """One row of the table.

    Attributes:
        title: What it says of each run; of a heading the heading.
        cells: A text a run; none of a heading.
        best: The runs that are best in it.
        help: What it means.
        tips: What the tip of each cell says, where that is more than the cell.
    """

    title: str
    cells: tuple[str, ...] = ()
    best: frozenset[int] = frozenset()
    help: str = ""
    tips: tuple[str, ...] = ()


def lines_of(rows: Sequence[RunRow]) -> list[Line]:
    """Results, then the settings in which these runs differ."""
    if not rows:
        return []
    lines = [Line("Results")]
    for key in _RESULTS:
        column = BY_KEY[key]
        texts = tuple(column.text(row) for row in rows)
        if all(text == "–" for text in texts):
            continue
        values = {at: value for at, row in enumerate(rows) if isinstance(value := column.value(row), int | float)}
        best: frozenset[int] = frozenset()
        if column.best and len(set(values.values())) > 1:
            goal = (min if column.best == "least" else max)(values.values())
            best = frozenset(at for at, value in values.items() if value == goal)
        lines.append(Line(_WORDS.get(key, column.title), texts, best, column.help))
    if len(rows) < 2:
        return lines
    lines.append(Line("Settings that differ"))
    known = [row.summary.settings for row in rows]
    paths = differing(known, setting)
    for path in paths[:_MOST_SETTINGS]:
        words = words_of(path)
        lines.append(Line(words[:1].upper() + words[1:], tuple(said(title_of(one, path)) for one in known), help=path))
    others = _beyond_settings(rows)
    if not paths and not others:
        lines.append(Line("None: they were made alike", tuple("" for _ in rows)))
    elif len(paths) > _MOST_SETTINGS:
        lines.append(Line(f"… and {len(paths) - _MOST_SETTINGS} more", tuple("" for _ in rows)))
    return [*lines, *others]


def _beyond_settings(rows: Sequence[RunRow]) -> list[Line]:
    """How these runs differ although their settings do not say it: with what they began, what a hand changed."""
    lines: list[Line] = []
    begun = tuple(row.summary.warm_from for row in rows)
    if len(set(begun)) > 1:
        words = "Whose trained weights it began with; a dash where they were drawn"
        lines.append(Line("Began with weights of", tuple(one or "–" for one in begun), help=words))
    by_hand = [row.summary.by_hand for row in rows]
    if any(by_hand):
        cells = tuple("; ".join(one) or "–" for one in by_hand)
        tips = tuple("\n".join(one) for one in by_hand)
        lines.append(Line("Changed by hand", cells, help="What was set while it trained", tips=tips))
    return lines


class ResultsTable(QTableWidget):
    """The table; it is filled anew only where something in it is another."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        #: The lines, the names of the runs and their places.
        self._shown: tuple[list[Line], list[str], tuple[int, ...]] | None = None
        self.setObjectName("RunsTable")
        self.setAccessibleName("Results and settings of the compared runs")
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        # What a row says stands before it also while the runs at the right are scrolled to.
        titles = self.verticalHeader()
        titles.setHighlightSections(False)
        titles.setSectionsClickable(False)
        titles.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        titles.setMaximumWidth(_TITLES)
        self.setCornerButtonEnabled(False)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.restyle()
        follow(themes.notifier.changed, self.restyle)

    @property
    def lines(self) -> list[Line]:
        """What is shown."""
        return [] if self._shown is None else self._shown[0]

    def show_runs(self, rows: Sequence[RunRow], names: Sequence[str], places: Sequence[int]) -> None:
        """Show these runs, a column each, with the colours of their places among those that are drawn."""
        lines, titles = lines_of(rows), list(names)
        if self._shown == (lines, titles, tuple(places)):
            return
        self._shown = lines, titles, tuple(places)
        self.setRowCount(len(lines))
        self.setColumnCount(len(rows))
        for at, (name, place) in enumerate(zip(names, places, strict=True)):
            head = QTableWidgetItem(swatch(place), "")
            head.setToolTip(plain_tip(name))
            head.setData(Qt.ItemDataRole.AccessibleTextRole, name)
            self.setHorizontalHeaderItem(at, head)
        for row, line in enumerate(lines):
            self._fill(row, line)
        self._fit()

    def _fill(self, row: int, line: Line) -> None:
        colours = themes.current()
        title = QTableWidgetItem(line.title)
        title.setToolTip(plain_tip(line.help))
        heading = not line.cells
        title.setFont(themes.font(13 if heading else 12, 600 if heading else 400))
        title.setForeground(colours.text if heading else colours.text_muted)
        self.setVerticalHeaderItem(row, title)
        for at in range(self.columnCount()):
            cell = QTableWidgetItem(line.cells[at] if line.cells else "")
            best = at in line.best
            cell.setFont(themes.font(13, 600 if best else 400))
            cell.setForeground(colours.good if best else colours.text)
            tip = f"{cell.text()} – the best of these runs" if best else cell.text()
            cell.setToolTip(plain_tip(line.tips[at] if line.tips else tip))
            self.setItem(row, at, cell)

    def _fit(self) -> None:
        """Each column has room for what stands in it, and as much of its name as all have room for."""
        if self._shown is None or not self._shown[2]:
            return
        header, (lines, names, places) = self.horizontalHeader(), self._shown
        metrics, cells = header.fontMetrics(), QFontMetrics(themes.font(13, 600))
        heads = [_head_lines(name, many=len(names) >= _MANY) for name in names]
        wanted: list[int] = []
        least: list[int] = []
        for at, place in enumerate(places):
            beside = _swatch_width(place) + _BESIDE_NAME
            filled = (self.model().index(row, at) for row, line in enumerate(lines) if line.cells)
            cell = max((self.sizeHintForIndex(index).width() for index in filled), default=0)
            want = max(_NARROWEST, max(map(metrics.horizontalAdvance, heads[at])) + beside, min(cell, _WIDEST))
            wanted.append(min(want, max(_WIDEST, cells.averageCharWidth() * _LETTERS)))
            least.append(min(wanted[-1], max(_NARROWEST, min(cell, _WIDEST))))
        for at, width in enumerate(shared(self.viewport().width(), wanted, least)):
            header.setSectionResizeMode(at, QHeaderView.ResizeMode.Interactive)
            header.resizeSection(at, width)
            room = width - _swatch_width(places[at]) - _BESIDE_NAME + 2  # else what just fits would be shortened
            head = self.horizontalHeaderItem(at)
            if head is not None:
                head.setText("\n".join(metrics.elidedText(one, Qt.TextElideMode.ElideRight, room) for one in heads[at]))

    def restyle(self) -> None:
        """Take the letters and colours of the theme."""
        set_font(self.horizontalHeader(), 12, 600)
        self.verticalHeader().setDefaultSectionSize(line_height(13) + 8)
        self._shown = None

    def resizeEvent(self, event: object) -> None:
        """The columns share the width."""
        super().resizeEvent(event)  # type: ignore[arg-type]  # Qt hands in the right one
        self._fit()


def _head_lines(name: str, *, many: bool) -> tuple[str, ...]:
    """A name over its column: what tells it from others of its name stands below it."""
    between = " " if many and " · " not in name else " · "
    first, _, second = name.rpartition(between) if between == " " else name.partition(between)
    return (first, second) if first and second else (name,)


def shared(room: int, wanted: Sequence[int], least: Sequence[int]) -> list[int]:
    """Widths of columns: as wanted where there is room, with the rest in equal shares; else the widest give way first.

    Args:
        room: Pixels for all of them.
        wanted: What each wants.
        least: What none goes below: where that is too much, all have it, and one scrolls.
    """
    spare = room - sum(wanted)
    if spare >= 0 or not wanted:
        return [width + spare // len(wanted) for width in wanted]
    low, high = 0, max(wanted)
    while low < high:  # the largest bound under which all of them have room
        bound = (low + high + 1) // 2
        if sum(max(few, min(many, bound)) for many, few in zip(wanted, least, strict=True)) <= room:
            low = bound
        else:
            high = bound - 1
    return [max(few, min(many, low)) for many, few in zip(wanted, least, strict=True)]


def swatch(place: int, *, wide: bool = False) -> QPixmap:
    """The line that stands for the run at this place, as legends draw it; wide so that names stand in one column."""
    width = SWATCH.width() if wide else _swatch_width(place)
    picture = QPixmap(2 * width, 2 * SWATCH.height())
    picture.setDevicePixelRatio(2.0)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setPen(run_pen(place, 2.0 if run_line(place) else 3.0))
    painter.drawLine(0, 6, width - 1, 6)
    painter.end()
    return picture


def _swatch_width(place: int) -> int:
    """Pixels of the line that stands for a run: so many that its gaps can be seen."""
    return SWATCH.width() if run_line(place) else _SWATCH
