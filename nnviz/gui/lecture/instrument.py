"""The one instrument of a lecture, in letters for a hall, and what stands in its place for a while."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QToolButton, QWidget

from nnviz.gui.explain.written_update import WrittenUpdate
from nnviz.gui.lecture.magnifier import Magnifier
from nnviz.gui.lecture.measure import LETTERS, Measure
from nnviz.gui.look import icons, theme
from nnviz.gui.look.painting import guarded
from nnviz.gui.panels.base import Panel
from nnviz.gui.panels.catalogue import PANELS
from nnviz.gui.panels.plot import CurvePlot
from nnviz.gui.panels.sweep import SweepPanel
from nnviz.gui.parts.widgets import set_icon_size
from nnviz.gui.runs.shown import Shown
from nnviz.gui.runs.workspace import Workspace
from nnviz.record.interest import Interest

if TYPE_CHECKING:
    from nnviz.explain.explanation import Explanation

#: The instruments that are walked through: those that measure something.
INSTRUMENTS: tuple[type[Panel], ...] = tuple(kind for kind in PANELS if kind.quantities)
#: Those that take the page for themselves.
FILLING: tuple[type[Panel], ...] = tuple(kind for kind in PANELS if kind.fills_page)
#: On the page: letters of the title, the row in which it stands, and a button in that row.
_LETTERS, _TITLE, _CHEVRON, _ICON = 28, 54, 44, 26
#: Room around an update that is written out; how much larger than on the canvas it is, where that has room.
_ROOM, _WRITTEN = 16, (2.4, 2.2, 2.0, 1.8, 1.0)
#: The button under an update that is longer than its room.
_MORE = 44
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


def kind_of(key: str) -> type[Panel] | None:
    """The instrument of this key; None where a lecture has none."""
    return next((kind for kind in (*INSTRUMENTS, *FILLING) if kind.key == key), None)


class InstrumentPlace(QWidget):
    """A plate with the instrument's title and the instrument under a glass, or an update that is written out.

    Args:
        workspace: What an instrument may know.
        narrow: Key of the instrument that comes back when one that fills the page goes.
        parent: Owner.

    Attributes:
        panel: The instrument; None for none.
        glass: Enlarges it.
        written: The update of one weight.
        more: Turns the pages of an update that is longer than its room; there where it is.

    Signals:
        node_requested: A layer was clicked in the instrument.
        cure_requested: A cure of a finding was pressed.
        said: A sentence about what the instrument did.
        looked: The instrument looks at something else.
        stepped: The instrument so many places on is wanted.
        closed: An instrument that fills the page is to go.
    """

    node_requested = Signal(str)
    cure_requested = Signal(object)
    said = Signal(str)
    looked = Signal()
    stepped = Signal(int)
    closed = Signal()

    def __init__(self, workspace: Workspace, narrow: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.narrow = narrow
        self._workspace = workspace
        self._measure = Measure()
        self._obstacle = ""
        self.panel: Panel | None = None
        self.glass = Magnifier(self)
        self.written = WrittenUpdate(self)
        self.written.hide()
        self.more = QToolButton(self)
        self.more.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.more.clicked.connect(self.next_view)
        self.more.hide()
        bar = self.written.rest.verticalScrollBar()
        bar.valueChanged.connect(self._tell_more)
        bar.rangeChanged.connect(self._tell_more)
        self._before = self._chevron("chevron-left", "The instrument before", -1)
        self._behind = self._chevron("chevron-right", "The next instrument", 1)
        self._show_what_there_is()

    def _chevron(self, icon: str, words: str, by: int) -> QToolButton:
        button = self._button(icon, words)
        button.clicked.connect(lambda: self.stepped.emit(by))
        return button

    def _button(self, icon: str, words: str) -> QToolButton:
        button = QToolButton(self)
        button.setProperty("role", "flat")
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setToolTip(words)
        button.setAccessibleName(words)
        icons.bind(button, icon, "text_muted")
        return button

    # ---- what is shown -------------------------------------------------------------------------------------------

    @property
    def key(self) -> str:
        """The instrument's key; empty for none."""
        return self.panel.key if self.panel is not None else ""

    @property
    def is_written(self) -> bool:
        """Whether an update stands in the place of the instrument."""
        return not self.written.isHidden()

    @property
    def is_filling(self) -> bool:
        """Whether the instrument takes the page for itself; not while an update stands in its place."""
        return self.panel is not None and self.panel.fills_page and not self.is_written

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show, so that its place is free for others."""
        return self.panel is None and not self.is_written

    def looks_at(self) -> Interest | None:
        """What has to be measured for the instrument; None where there is none."""
        return self.panel.looks_at() if self.panel is not None else None

    def show_kind(self, kind: type[Panel] | None, selection: str) -> None:
        """Show another instrument.

        Args:
            kind: Which one; None for none.
            selection: The layer of which it speaks.
        """
        self.end_panel()
        if kind is None or not kind.fills_page:
            self.narrow = kind.key if kind is not None else ""
        if kind is not None:
            self.panel = panel = kind(self._workspace)
            if kind.fills_page:
                panel.leave_desk()
                close = self._button("close", "Back (Esc)")
                set_icon_size(close, 16, 24)
                close.clicked.connect(self.closed, Qt.ConnectionType.QueuedConnection)  # it goes itself
                panel.add_to_header(close)
            else:
                panel.header.hide()
            panel.body_layout.setContentsMargins(6, 0, 6, 2)
            panel.set_obstacle(self._obstacle)
            panel.set_selection(selection)
            panel.node_requested.connect(self.node_requested)
            panel.cure_requested.connect(self.cure_requested)
            panel.message.connect(self.said)
            panel.failed.connect(self.said)
            panel.interest_changed.connect(lambda _key, _interest: self.looked.emit())
            self.glass.show_widget(panel)
            self._weigh()
        self._show_what_there_is()

    @property
    def has_sweep(self) -> bool:
        """Whether there is a sweep that could be shown."""
        sweeps = self._workspace.runs.sweeps
        return sweeps.running or sweeps.record is not None or bool(sweeps.known)

    def neighbour(self, by: int) -> str:
        """Key of the instrument so many places on; behind the last one comes the first. A sweep is the last of them."""
        keys = [kind.key for kind in INSTRUMENTS]
        if self.has_sweep:
            keys.append(SweepPanel.key)
        key = self.key if self.key in keys else self.narrow
        at = keys.index(key) if key in keys else -1 if by > 0 else 0
        return keys[(at + by) % len(keys)]

    def end_panel(self) -> None:
        """The instrument goes at once, and asks for nothing any more."""
        self.panel = None
        self.glass.end_widget()

    def show_update(self, update: tuple[Explanation, float] | None) -> None:
        """Write the update of one weight out in the place of the instrument; None shows that again."""
        if update is not None:
            self.written.show_update(*update)
            self.written.rest.verticalScrollBar().setValue(0)
        self.written.setVisible(update is not None)
        self._show_what_there_is()

    def _show_what_there_is(self) -> None:
        seen = self.panel is not None and not self.is_written
        self.glass.setVisible(seen)
        for chevron in (self._before, self._behind):
            chevron.setVisible(seen and not self.is_filling)
        self.setVisible(not self.is_empty)
        self._arrange()

    def set_obstacle(self, text: str) -> None:
        """What has to be done before the network can be trained; empty where nothing has to."""
        self._obstacle = text
        if self.panel is not None:
            self.panel.set_obstacle(text)

    def set_selection(self, node: str) -> None:
        """The instrument speaks of another layer."""
        if self.panel is not None:
            self.panel.set_selection(node)

    def refresh(self, shown: Shown, changed: frozenset[str]) -> None:
        """What the feed brings."""
        if self.panel is not None:
            self.panel.refresh(shown, changed)

    def next_view(self) -> None:
        """Let the instrument show the next of what it can show; an update turns its page."""
        if self.is_written:
            bar = self.written.rest.verticalScrollBar()
            bar.setValue(bar.value() + bar.pageStep() if bar.value() < bar.maximum() else 0)
        elif self.panel is not None:
            self.panel.next_view()
            self.update()

    def take_key(self, event: QKeyEvent) -> bool:
        """Hand a key to an instrument that fills the page; whether it means anything there."""
        return self.is_filling and self.panel is not None and self.panel.take_key(event)

    @property
    def title(self) -> str:
        """The instrument's name, or what it shows where that is not said by it."""
        panel = self.panel
        if panel is None:
            return ""
        if panel.choices and panel.choices[0].key == "view":
            value = panel.option("view")
            titles = {"loss": "Loss", "accuracy": "Accuracy", "both": "Loss and accuracy"}
            titles |= {"top5": "Top-5 accuracy", "f1": "Macro F1"}
            return titles.get(value, panel.title)
        return panel.title

    # ---- looks ---------------------------------------------------------------------------------------------------

    def set_measure(self, measure: Measure) -> None:
        """Have another size."""
        self._measure = measure
        self.glass.set_glass(measure.glass)
        self._weigh()
        self._arrange()

    def _weigh(self) -> None:
        """Lines are as much wider as letters are larger."""
        for plot in self.panel.findChildren(CurvePlot) if self.panel is not None else ():
            plot.set_weight(self._measure.glass)

    def restyle(self) -> None:
        """Take the colours of the theme."""
        self.glass.setBackgroundBrush(theme.current().panel)
        self._arrange()  # a stylesheet that is taken away takes fonts with it

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fill the room."""
        super().resizeEvent(event)
        self._arrange()

    def fits_written(self, size: QSize) -> bool:
        """Choose the largest letters with which the update that is written out can be read whole in so much room.

        Where there are none they are the smallest of a lecture: the rest stands on further pages.
        """
        inset = 2 * self._measure.px(_ROOM)
        room = size - QSize(inset, inset)
        for larger in _WRITTEN:
            self.written.set_fonts(partial(self._font, larger))
            if self.written.fits(room):
                return True
        return False

    def _font(self, larger: float, pixels: int, weight: int) -> QFont:
        return self._measure.font(max(larger * pixels, LETTERS), weight)

    def _arrange(self) -> None:
        measure = self._measure
        title = measure.px(_TITLE)
        edge = measure.px(4 if self.is_filling else 8)
        self.glass.setGeometry(self.rect().adjusted(measure.px(4), edge if self.is_filling else title, -edge, -edge))
        inset = measure.px(_ROOM)
        room = self.rect().adjusted(inset, inset, -inset, -inset)
        paged = self.is_written and not self.fits_written(self.size())
        self.more.setVisible(paged)
        if paged:
            self.more.setFont(measure.font(LETTERS, 500))
            self.more.setGeometry(room.left(), room.bottom() - measure.px(_MORE) + 1, room.width(), measure.px(_MORE))
            room.setBottom(self.more.y() - measure.px(6))
        self.written.setGeometry(room)
        self._tell_more()
        side = measure.px(_CHEVRON)
        for index, chevron in enumerate((self._behind, self._before)):
            chevron.setFixedSize(side, side)
            chevron.setIconSize(QSize(measure.px(_ICON), measure.px(_ICON)))
            chevron.move(self.width() - measure.px(8) - (index + 1) * side, (title - side) // 2)
        self.update()

    def _tell_more(self, *_: int) -> None:
        """Say where more stands."""
        bar = self.written.rest.verticalScrollBar()
        self.more.setText("▾ more below (V)" if bar.value() < bar.maximum() else "▴ back to the top (V)")

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        """The plate, and the title on it."""
        if self.is_empty:
            return
        colours, measure = theme.current(), self._measure
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.panel)
        painter.drawRoundedRect(QRectF(self.rect()), measure.px(10), measure.px(10))
        if not self.is_written and not self.is_filling:
            painter.setPen(colours.text)
            painter.setFont(measure.font(_LETTERS, 600))
            row = QRectF(measure.px(22), 0, self.width() - measure.px(130), measure.px(58))
            painter.drawText(row, _LEFT, self.title)
        painter.end()
