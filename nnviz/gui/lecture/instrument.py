"""The one instrument of a lecture, in letters for a hall, and what stands in its place for a while."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QToolButton, QWidget

from nnviz.gui.explain.written_update import WrittenUpdate
from nnviz.gui.lecture.magnifier import Magnifier
from nnviz.gui.lecture.measure import Measure
from nnviz.gui.look import icons, theme
from nnviz.gui.look.painting import guarded
from nnviz.gui.panels.base import Panel
from nnviz.gui.panels.catalogue import PANELS
from nnviz.gui.panels.plot import CurvePlot
from nnviz.gui.runs.shown import Shown
from nnviz.gui.runs.workspace import Workspace
from nnviz.record.interest import Interest

if TYPE_CHECKING:
    from nnviz.explain.explanation import Explanation

#: The instruments that can be chosen: those that measure something.
INSTRUMENTS: tuple[type[Panel], ...] = tuple(kind for kind in PANELS if kind.quantities)
#: On the page: letters of the title, the row in which it stands, and a button in that row.
_LETTERS, _TITLE, _CHEVRON, _ICON = 28, 54, 44, 26
#: Room around an update that is written out, and how much larger than on the canvas it is, where that has room.
_ROOM, _WRITTEN = 16, (1.7, 1.55, 1.4, 1.3, 1.2, 1.1, 1.0)
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class InstrumentPlace(QWidget):
    """A plate with the instrument's title and the instrument under a glass, or an update that is written out.

    Args:
        workspace: What an instrument may know.
        parent: Owner.

    Attributes:
        panel: The instrument; None for none.
        glass: Enlarges it.
        written: The update of one weight.

    Signals:
        node_requested: A layer was clicked in the instrument.
        cure_requested: A cure of a finding was pressed.
        said: A sentence about what the instrument did.
        looked: The instrument looks at something else.
        stepped: The instrument so many places on is wanted.
    """

    node_requested = Signal(str)
    cure_requested = Signal(object)
    said = Signal(str)
    looked = Signal()
    stepped = Signal(int)

    def __init__(self, workspace: Workspace, parent: QWidget) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._measure = Measure()
        self._obstacle = ""
        self.panel: Panel | None = None
        self.glass = Magnifier(self)
        self.written = WrittenUpdate(self)
        self.written.hide()
        self._before = self._chevron("chevron-left", "The instrument before", -1)
        self._behind = self._chevron("chevron-right", "The next instrument", 1)
        self._show_what_there_is()

    def _chevron(self, icon: str, words: str, by: int) -> QToolButton:
        button = QToolButton(self)
        button.setProperty("role", "flat")
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setToolTip(words)
        button.setAccessibleName(words)
        icons.bind(button, icon, "text_muted")
        button.clicked.connect(lambda: self.stepped.emit(by))
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
        if kind is not None:
            self.panel = panel = kind(self._workspace)
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

    def end_panel(self) -> None:
        """The instrument goes at once, and asks for nothing any more."""
        panel, self.panel = self.panel, None
        self.glass.show_widget(None)
        if panel is not None:
            panel.deleteLater()

    def show_update(self, update: tuple[Explanation, float] | None) -> None:
        """Write the update of one weight out in the place of the instrument; None shows that again."""
        if update is not None:
            self.written.show_update(*update)
        self.written.setVisible(update is not None)
        self._show_what_there_is()

    def _show_what_there_is(self) -> None:
        for widget in (self.glass, self._before, self._behind):
            widget.setVisible(self.panel is not None and not self.is_written)
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
        """Let the instrument show the next of what it can show."""
        panel = self.panel
        if panel is None or not panel.choices:
            return
        choice = panel.choices[0]
        keys = [option.key for option in choice.options]
        value = panel.option(choice.key)
        panel.set_option(choice.key, keys[(keys.index(value) + 1) % len(keys) if value in keys else 0])
        self.update()

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
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fill the room."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        measure = self._measure
        title = measure.px(_TITLE)
        self.glass.setGeometry(self.rect().adjusted(measure.px(4), title, -measure.px(8), -measure.px(8)))
        if self.is_written:
            inset = measure.px(_ROOM)
            room = self.rect().adjusted(inset, inset, -inset, -inset)
            self.written.setGeometry(room)
            for larger in _WRITTEN:
                self.written.set_fonts(partial(measure.font_of, larger))
                if self.written.fits(room.size()):
                    break
        side = measure.px(_CHEVRON)
        for index, chevron in enumerate((self._behind, self._before)):
            chevron.setFixedSize(side, side)
            chevron.setIconSize(QSize(measure.px(_ICON), measure.px(_ICON)))
            chevron.move(self.width() - measure.px(8) - (index + 1) * side, (title - side) // 2)
        self.update()

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
        if not self.is_written:
            painter.setPen(colours.text)
            painter.setFont(measure.font(_LETTERS, 600))
            row = QRectF(measure.px(22), 0, self.width() - measure.px(130), measure.px(58))
            painter.drawText(row, _LEFT, self.title)
        painter.end()
