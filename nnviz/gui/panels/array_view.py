"""A grid of pictures with everything that belongs to it: caption, choices, colour scale with its range, reading."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from nnviz.explain.place import Place
from nnviz.gui.look import theme as themes
from nnviz.gui.look.scales import Scale
from nnviz.gui.panels.enlarged import Enlarged
from nnviz.gui.panels.range_bar import RangeBar
from nnviz.gui.panels.tile_data import TileData
from nnviz.gui.panels.tiles import TileView
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import ElidedLabel, refresh_fonts, set_font
from nnviz.project.document import Document
from nnviz.record.age import Moment, ReadingShown
from nnviz.record.readings import ArrayReading


class ArrayView(QWidget):
    """Caption and choices in one line, the grid, and a line that says what is under the mouse, beside the scale.

    Args:
        document: Whose layers are shown.
        grows: The grid takes the height it needs, up to ``most_height`` (in the inspector); otherwise it fits into the
            height there is and scrolls (in a panel).
        most_height: See ``grows``.
        parent: Owner.
    """

    #: Whether a click on a number of an enlarged picture takes it apart; not where a second click types another.
    explains_enlarged = False
    #: A number that was clicked: a Place, to be taken apart.
    number_picked = Signal(object)

    def __init__(
        self,
        document: Document,
        *,
        grows: bool = False,
        most_height: int = 260,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._node = ""
        self._grows, self._most_height = grows, most_height
        self._enlarged: Enlarged | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        line = QWidget(self)
        self._line = QHBoxLayout(line)
        self._line.setContentsMargins(0, 0, 0, 0)
        self._line.setSpacing(6)
        self._caption = ElidedLabel("", line)
        self._caption.setProperty("role", "caption")
        set_font(self._caption, 12, 600 if grows else 400)
        self._line.addWidget(self._caption, 1)
        column.addWidget(line)
        self.grid = TileView(room=most_height if grows else 0)
        self._scroll = QScrollArea(self)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidgetResizable(True)
        # The keys walk over the tiles, which scroll along.
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        holder = QWidget()
        inner = QVBoxLayout(holder)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(0)
        inner.addWidget(self.grid)
        inner.addStretch(1)
        self._scroll.setWidget(holder)
        self._scroll.viewport().installEventFilter(self)
        column.addWidget(self._scroll, 1)
        self.reading = ElidedLabel("", self)
        self.reading.setProperty("role", "muted")
        set_font(self.reading, 12)
        foot = QHBoxLayout()
        foot.setContentsMargins(0, 0, 0, 0)
        foot.setSpacing(6)
        foot.addWidget(self.reading, 1)
        self.range_bar = RangeBar(self)
        foot.addWidget(self.range_bar)
        column.addLayout(foot)
        self.grid.readout.connect(self._on_readout)
        self.grid.enlarge_requested.connect(self.enlarge)
        self.grid.picked.connect(self._on_picked)
        self._idle_text = ""
        #: The reading that is shown, and the moment against which it is old or not.
        self._series, self._step = "", 0
        self._moment = Moment()
        self.setMinimumHeight(60)
        self.build()
        follow(themes.notifier.changed, self.restyle)

    # ------------------------------------------------------------------ for the subclasses

    def build(self) -> None:
        """Make what belongs to one kind of picture: its choices, and what it remembers."""

    def add_choice(self, widget: QWidget) -> None:
        """Put a control behind the caption."""
        self._line.addWidget(widget)

    def set_caption(self, text: str, *shorter: str) -> None:
        """What is shown, in a few words, and in fewer where there is less room."""
        shown = [words.upper() if self._grows else words for words in (text, *shorter)]
        if self._caption.text() != shown[0]:
            self.grid.setAccessibleName(text)
            if shorter:
                self._caption.set_wordings(*shown)
            else:
                self._caption.set_whole(shown[0])

    def set_measured(self, reading: ArrayReading, moment: Moment) -> None:
        """Which reading is shown, and at which moment."""
        self._series, self._step = reading.series, reading.step
        self.set_moment(moment)

    def set_moment(self, moment: Moment) -> None:
        """Training went on, or another step is shown: what is shown may have become old."""
        self._moment = moment
        old = moment.is_old(self._step, self._series)
        self._caption.set_age(self._age if old else None)
        self.range_bar.set_old(old)

    def readings_shown(self) -> tuple[ReadingShown, ...]:
        """The range that is written, with the step at which it was measured."""
        bar = self.range_bar
        if self.grid.data is None:
            return ()
        if not isinstance(bar.scale, Scale):
            # Pictures with a scale each have no number in their legend, but an age.
            return (ReadingShown(self._series, "", self._step, bar.old, "picture"),)
        words = {"colours low": bar.ends[0], "colours high": bar.ends[1], "missing": bar.missing}
        return tuple(
            ReadingShown(self._series, text, self._step, bar.old, which) for which, text in words.items() if text
        )

    def _age(self) -> str:
        return self._moment.words(self._step)

    def set_idle_text(self, text: str) -> None:
        """What the line at the bottom says while nothing is pointed at."""
        if text != self._idle_text:
            if self.reading.text() in {"", self._idle_text}:
                self.reading.setText(text)
            self._idle_text = text

    def show_tiles(self, data: TileData | None) -> None:
        """Puts these pictures into the grid, and into the enlarged one if it is open."""
        self.grid.show_tiles(data)
        self._show_scale()
        self._fit()
        if self._enlarged is not None:
            if data is None:
                self._enlarged.close()
            else:
                self._enlarged.show_data(data)

    def enlarged_title(self) -> str:
        """Heading of the enlarged picture."""
        return self._caption.text()

    def enlarged_hint(self) -> str:
        """What can be done with a number of the enlarged picture; nothing unless a view says so."""
        return ""

    def choose_number(self, index: int, row: int, column: int) -> None:
        """A number of the enlarged picture was clicked twice."""

    def on_key(self, event: QKeyEvent) -> None:
        """A key that the enlarged picture has no use for."""

    # ------------------------------------------------------------------ behaviour

    def enlarge(self, index: int) -> None:
        """Show one tile large, beside the grid, until a click elsewhere or Escape."""
        if self.grid.data is None:
            return
        popup = Enlarged(self.grid.data, index, self.enlarged_title(), self, self.enlarged_hint())
        popup.chosen.connect(self.choose_number)
        popup.key_pressed.connect(self.on_key)
        popup.destroyed.connect(self._on_enlarged_closed)
        if self.explains_enlarged:
            popup.picture.picked.connect(self._on_large_picked)
        self._enlarged = popup
        popup.show_beside(self)

    def place_of(self, tile: int, row: int, column: int) -> Place | None:
        """Which number of the network is drawn in a cell of a tile; None where it is of none."""
        return None

    def _on_picked(self, tile: int, row: int, column: int) -> None:
        place = self.place_of(tile, row, column)
        if place is not None:
            self.number_picked.emit(place)

    def _on_large_picked(self, row: int, column: int) -> None:
        if self._enlarged is not None:
            place = self.place_of(self._enlarged.index, row, column)
            if place is not None:
                self._enlarged.close()
                self.number_picked.emit(place)

    def restyle(self) -> None:
        """Take the letters of the theme; the subclass colours the tiles again."""
        refresh_fonts(self)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The grid follows."""
        super().resizeEvent(event)
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The room for the grid is that of the viewport."""
        if event.type() == QEvent.Type.Resize:
            self._fit()
        return super().eventFilter(watched, event)

    def _fit(self) -> None:
        if self._grows:
            width = max(self.width(), 60)
            needed = self.grid.heightForWidth(width)
            # Never left to Qt: a bar that comes makes the grid narrower and so lower, and then goes again, without end.
            bar = Qt.ScrollBarPolicy
            fits = needed <= self._most_height
            self._scroll.setVerticalScrollBarPolicy(bar.ScrollBarAlwaysOff if fits else bar.ScrollBarAlwaysOn)
            self._scroll.setFixedHeight(max(min(needed, self._most_height), 1))
        else:
            self.grid.set_room(max(self._scroll.viewport().height(), 20))

    def _on_readout(self, text: str) -> None:
        self.reading.setText(text or self._idle_text)
        self._show_scale()

    def _show_scale(self) -> None:
        """The scale of all pictures; where each has its own, that of the one which is pointed at."""
        data = self.grid.data
        self.range_bar.set_scale(None if data is None else data.legend(self.grid.pointed))

    def _on_enlarged_closed(self) -> None:
        self._enlarged = None
