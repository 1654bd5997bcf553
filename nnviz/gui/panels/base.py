"""What every instrument has in common: a header, help, an empty state, and ways to take what it shows elsewhere."""

from __future__ import annotations

import csv
import io
import time
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import shiboken6
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QPoint, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QClipboard,
    QColor,
    QContextMenuEvent,
    QGuiApplication,
    QHideEvent,
    QImage,
    QKeyEvent,
    QPainter,
    QShowEvent,
)
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from nnviz.errors import StorageError
from nnviz.gui.look import theme as themes
from nnviz.gui.look.icons import bind
from nnviz.gui.panels.panel_actions import PanelActions, PanelChoice
from nnviz.gui.parts.damage import damage_words
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import ElidedLabel, FittedText, line_height, refresh_fonts, set_font, set_icon_size
from nnviz.gui.runs.shown import Shown
from nnviz.gui.runs.workspace import Workspace
from nnviz.project.files.atomic import write_atomically
from nnviz.project.model import Project
from nnviz.record.age import Moment, ReadingShown, moment_of
from nnviz.record.interest import NOTHING, Interest
from nnviz.record.places import free_paths
from nnviz.record.quantities import prefixes_of
from nnviz.record.quantity import Quantity
from nnviz.record.run import RunView

if TYPE_CHECKING:
    from nnviz.gui.canvas import CanvasView

#: One cell of an exported table.
Cell = str | int | float


#: What a picture or table of a panel can be: the ending of the file's name says it.
_ENDINGS = (".png", ".svg", ".csv")
#: Seconds between two looks at whether its numbers have become old.
_AGES_EVERY = 0.1
#: Seconds; a panel that draws faster is drawn at every call.
_DEAR, _DEAR_ON_FULL_CORES = 0.008, 0.003
#: How many times as long as it took to draw a panel it is left alone; where something in front draws moment after
#: moment, twice that, though not more than so many seconds for it: what is a second behind is marked as old.
_TIMES_ITS_COST, _LONGER = 20, 0.8
#: Where the training computes on all cores it waits for every drawing: the same, and no more than so many seconds.
_TIMES_ON_FULL_CORES, _LONGEST_ON_FULL_CORES = 80, 0.7


class Panel(QWidget):
    """An instrument: shows series of a run, live or replayed alike, and says how to read it.

    The feed calls :meth:`refresh` of visible panels only, about 30 times a second at most, on the GUI thread. A panel
    that was hidden catches up with one full refresh when it is shown again.

    Attributes:
        key: Stable name, used for the saved arrangement of the window.
        title: What the header and the menus say.
        help: What it shows and how to read it, in simple HTML.
        empty: What to do next, shown while there is nothing to draw.
        quantities: What it reads; changes of other series cost it nothing.
        prefixes: Beginnings of the series of these quantities.
        letter: Its key in the shortcuts of all its actions.
        choices: Its options.
        workspace: The document, and what is done with it; ``document`` is the same for short.
        needs_training: Only a training fills it, so that ``empty`` is true only where one can begin.
        least_width: Pixels that it needs beside others, where that is more than its header.
        least_height: Pixels that it is given when it is shown, header and all, where the row is lower.
        leaves_cards: It is used while the cards are looked at: it is given less where they would lose their pictures.
        fills_page: In a lecture it takes the page for itself, with its own header.
        page_hint: What keys do there.
    """

    key: ClassVar[str] = ""
    title: ClassVar[str] = ""
    help: ClassVar[str] = ""
    empty: ClassVar[str] = "Press Play to train: this fills while the network learns."
    quantities: ClassVar[tuple[Quantity, ...]] = ()
    prefixes: ClassVar[tuple[str, ...]] = ()
    letter: ClassVar[str] = ""
    choices: ClassVar[tuple[PanelChoice, ...]] = ()
    needs_training: ClassVar[bool] = False
    least_width: ClassVar[int] = 0
    least_height: ClassVar[int] = 0
    leaves_cards: ClassVar[bool] = False
    fills_page: ClassVar[bool] = False
    page_hint: ClassVar[str] = ""

    cure_requested = Signal(object)
    node_requested = Signal(str)
    message = Signal(str)
    #: The panel's key and what it looks at from now on: an :class:`Interest`.
    interest_changed = Signal(str, object)
    #: A file could not be written: a sentence.
    failed = Signal(str)
    #: It has something to show and wants to be seen.
    wanted = Signal()
    #: A number that it shows was clicked: a Place, to be taken apart.
    number_requested = Signal(object)
    #: What it shows has another name: of other units, in another network.
    titled = Signal(str)
    #: Which choice, and its new value.
    option_changed = Signal(str, str)

    def __init_subclass__(cls) -> None:
        """What it reads follows from its quantities."""
        super().__init_subclass__()
        cls.prefixes = prefixes_of(cls.quantities)

    def __init__(
        self,
        workspace: Workspace,
        parent: QWidget | None = None,
        actions: PanelActions | None = None,
    ) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self.document = workspace.document
        self.selection = ""
        self._shown: Shown | None = None
        self._stale = True
        self._waiting: set[str] = set()
        self._cost = self._drawn_at = self._aged_at = 0.0
        self._moment = Moment()
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._catch_up)
        self.setObjectName(f"panel-{self.key}")
        self.setAccessibleName(self.title)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

        self.header = QWidget(self)
        self.header.setObjectName("panel-header")
        self._header_row = QHBoxLayout(self.header)
        self._header_row.setContentsMargins(12, 4, 2, 2)
        self._header_row.setSpacing(4)
        self._title = QLabel(self.title, self.header)
        set_font(self._title, 13, 600)
        self._header_row.addWidget(self._title)
        self._subtitle = ElidedLabel("", self.header)
        self._subtitle.setProperty("role", "muted")
        set_font(self._subtitle, 12)
        self._subtitle.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._header_row.addWidget(self._subtitle, 1)
        self._help_button = self._header_button("help", f"How to read “{self.title}”")
        self._help_button.clicked.connect(self.show_help)
        self._menu_button = self._header_button("more", "Options; copy or save what is shown")
        self._menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self)
        self._menu_button.setMenu(self.menu)
        self._header_row.addWidget(self._help_button)
        self._header_row.addWidget(self._menu_button)

        self._pages = QStackedWidget(self)
        self._empty = FittedText(self.empty)
        self._empty.setContentsMargins(24, 0, 24, 16)
        self.body = QWidget()
        self.body_layout = QVBoxLayout(self.body)
        self.body_layout.setContentsMargins(12, 0, 12, 8)
        self.body_layout.setSpacing(4)
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self.body)

        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(self._pages, 1)
        # What of a run's file could not be read; there is no such line where all of it could.
        self._damage = ElidedLabel("", self)
        self._damage.setProperty("role", "danger")
        self._damage.setContentsMargins(12, 0, 12, 4)
        set_font(self._damage, 12)
        self._damage.hide()
        column.addWidget(self._damage)

        self.build()
        self.panel_actions = actions or PanelActions(type(self), self, lambda command: command(self))
        self.panel_actions.fill(self.menu, self.add_options)
        self.panel_actions.follow(self)
        self.restyle()
        follow(themes.notifier.changed, self.restyle)

    # ------------------------------------------------------------------ for the panels themselves

    def build(self) -> None:
        """Make the widgets of the body and of the header. Called once, before the first refresh."""

    def attach(self, canvas: CanvasView) -> None:
        """Get hold of the canvas: for panels with which the network is edited. Called once, after :meth:`build`."""

    def set_picking(self, on: bool) -> None:
        """Whether a click on a number takes it apart, because that can be seen; else it does what it does."""

    def add_options(self, menu: QMenu) -> None:
        """Put what is no choice, such as a slider, behind the choices of the panel's own menu."""

    def option(self, key: str) -> str:
        """The value of one of the choices."""
        raise NotImplementedError

    def set_option(self, key: str, value: str) -> None:
        """Make one of the choices; ``option_changed`` says so."""
        raise NotImplementedError

    def leave_desk(self) -> None:
        """Stand on a page of a lecture: nothing leads to what is covered there. Called once, before it is shown."""
        self._help_button.hide()
        self._menu_button.hide()

    def next_view(self) -> None:
        """Show the next of what it can show; nothing happens where that is one thing."""
        if self.choices:
            choice = self.choices[0]
            keys = [option.key for option in choice.options]
            value = self.option(choice.key)
            self.set_option(choice.key, keys[(keys.index(value) + 1) % len(keys) if value in keys else 0])

    def take_key(self, event: QKeyEvent) -> bool:
        """On a page of a lecture: do what a key means for it; whether it means anything."""
        return False

    def draw(self, run: RunView, changed: frozenset[str], step: int | None, *, fresh: bool) -> bool:
        """Bring the body up to date.

        Args:
            run: What to read. What stands beside it is in :attr:`shown`.
            changed: The series that have new samples (all of them when ``fresh``), of any run that is shown.
            step: The step to show; None is the newest.
            fresh: Another run, or the panel was hidden: nothing drawn before counts.

        Returns:
            Whether there is anything to see; the empty state is shown otherwise.
        """
        raise NotImplementedError

    def shows(self, series: str) -> bool:
        """Whether a series is one of those that are drawn now; asked where its file is damaged."""
        return series.startswith(self.prefixes)

    def rows(self) -> Iterator[Sequence[Cell]]:
        """What is shown as a table, the first row being its header."""
        raise NotImplementedError

    def set_subtitle(self, text: str, *shorter: str) -> None:
        """The quiet text at the right of the header, and what stands there instead where there is less room."""
        self._subtitle.set_wordings(text, *shorter)

    def add_to_header(self, widget: QWidget, *, stretch: int = 0, instead_of_subtitle: bool = False) -> None:
        """Put a widget before the two buttons of the header."""
        if instead_of_subtitle:
            self._subtitle.hide()
        self._header_row.insertWidget(self._header_row.count() - 2, widget, stretch)

    def add_scrolling(self, content: QWidget) -> QScrollArea:
        """Fill the body with something that may be higher than it, and scrolls then; never sideways."""
        area = QScrollArea(self.body)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(content)
        self.body_layout.addWidget(area, 1)
        return area

    def follow_layers(self) -> None:
        """Draw again whenever layers come or go: for panels that speak of single layers."""
        follow(self.document.changed, self._on_layers)

    def _on_layers(self, before: Project, after: Project, edit: object) -> None:
        if before.graph.nodes.keys() != after.graph.nodes.keys():
            self.redraw()

    def redraw(self) -> None:
        """Draw everything again from the run at hand, after an option or the selection has changed."""
        self._stale = True
        if self._shown is not None and self.isVisible():
            self.refresh(self._shown, frozenset())

    # ------------------------------------------------------------------ for the window

    @property
    def run(self) -> RunView | None:
        """The run that was drawn last."""
        return None if self._shown is None else self._shown.run

    @property
    def step(self) -> int | None:
        """The step that is shown; None is live."""
        return None if self._shown is None else self._shown.step

    @property
    def shown(self) -> Shown | None:
        """What was drawn last: the run with its step, and what stands beside it."""
        return self._shown

    @property
    def interest(self) -> Interest:
        """What has to be measured for it: nothing while it cannot be seen."""
        return self.looks_at() if self.isVisible() else NOTHING

    def looks_at(self) -> Interest:
        """What it reads while it can be seen; panels about single nodes say of which."""
        return Interest(frozenset(self.quantities), frozenset())

    def tell_interest(self) -> None:
        """Say what it looks at now."""
        self.interest_changed.emit(self.key, self.interest)

    @property
    def is_empty(self) -> bool:
        """Whether the empty state is shown."""
        return self._pages.currentWidget() is self._empty

    @property
    def moment(self) -> Moment:
        """The step that is shown, against which its numbers are old or not."""
        return self._moment

    def readings_shown(self) -> tuple[ReadingShown, ...]:
        """The measured numbers that are written on it now, each with the step it claims; painting takes them here."""
        return ()

    def show_ages(self) -> None:
        """Some of its numbers have become old, or new again, without being measured anew: paint those marks."""

    def refresh(self, shown: Shown, changed: frozenset[str]) -> None:
        """Bring what is shown up to date, knowing which series of its runs have changed since the last call."""
        self._moment = moment_of(shown.run, shown.step)
        self._refresh(shown, changed)
        self._follow_ages()

    def _follow_ages(self) -> None:
        """What was not measured again grows old while training goes on."""
        now = time.perf_counter()
        if now - self._aged_at < _AGES_EVERY or self.is_empty:
            return
        self._aged_at = now
        if self.has_aged():
            self.show_ages()

    def has_aged(self) -> bool:
        """Whether any of its numbers has become old, or is new again, since it was drawn."""
        return any(self._moment.is_old(one.step, one.series) is not one.old for one in self.readings_shown())

    def _refresh(self, shown: Shown, changed: frozenset[str]) -> None:
        before, run, step = self._shown, shown.run, shown.step
        fresh = self._stale or not shown.same_runs(before)
        moved = before is None or shown.steps != before.steps
        self._shown, self._stale = shown, False
        if fresh:
            names = (run.names(prefix) for run in shown.runs for prefix in self.prefixes)
            changed = frozenset(name for found in names for name in found)
        else:
            self._waiting |= {name for name in changed if name.startswith(self.prefixes)}
            if not moved and not self._waiting:
                return
            # Long curves are dear to draw: what streams in may take a twentieth of the time. Painting them, which is
            # not in the cost, takes nearly as long again, and there are several panels.
            wait = self._drawn_at + self._pause_after(self._cost) - time.perf_counter()
            dear = _DEAR_ON_FULL_CORES if self.workspace.feed.holds_up_training else _DEAR
            if not moved and self._cost > dear and wait > 0:
                if not self._later.isActive():
                    self._later.start(round(1000 * wait) + 1)
                return
            changed = frozenset(self._waiting)
        self._waiting.clear()
        began = time.perf_counter()
        self._draw(run, changed, step, fresh=fresh)
        self._drawn_at = time.perf_counter()
        self._cost = 0.0 if fresh else self._drawn_at - began

    def _pause_after(self, cost: float) -> float:
        """Seconds from a drawing that took so long to the next one; longer where all of them stand back."""
        feed = self.workspace.feed
        longer = min(2 * _TIMES_ITS_COST * cost, _LONGER) if feed.calm else 0.0
        if feed.holds_up_training:
            longer = max(longer, min(_TIMES_ON_FULL_CORES * cost, _LONGEST_ON_FULL_CORES))
        return max(_TIMES_ITS_COST * cost, longer)

    def _draw(self, run: RunView, changed: frozenset[str], step: int | None, *, fresh: bool) -> None:
        page = self.body if self.draw(run, changed, step, fresh=fresh) else self._empty
        if page is self._empty:
            # Where nothing is shown there is nothing to say about it.
            self.set_subtitle("")
        if self._pages.currentWidget() is not page:
            self._pages.setCurrentWidget(page)
        self._tell_damage([series for series in run.damaged if self.prefixes and self.shows(series)])

    @property
    def damage(self) -> str:
        """What could not be read, in a sentence; empty where everything could."""
        return self._damage.text()

    def _tell_damage(self, series: Sequence[str]) -> None:
        text = damage_words(series)
        if text != self._damage.text():
            count = f"{len(series)} series" if len(series) > 1 else "a series"
            self._damage.set_wordings(text, f"{count} damaged in the file", f"{count} damaged")
            self._damage.setVisible(bool(text))

    def _catch_up(self) -> None:
        """Draw what had to wait."""
        if self._shown is not None and self._waiting and self.isVisible():
            self.refresh(self._shown, frozenset())

    @property
    def hint(self) -> str:
        """What to do next, as the empty state says it now."""
        return self._empty.text()

    def set_obstacle(self, text: str) -> None:
        """What has to be done before the network can be trained; empty where nothing has to."""
        self._empty.say(text if text and self.needs_training else self.empty)

    def set_selection(self, node_id: str) -> None:
        """Follow the canvas: the node that is selected, or an empty string."""
        if node_id != self.selection:
            self.selection = node_id
            self.on_selection()

    def on_selection(self) -> None:
        """Called after the selection has changed; panels that do not follow it do nothing."""

    def restyle(self) -> None:
        """Take the colours and letters of the theme; its parts, which follow the theme by themselves, have theirs."""
        refresh_fonts(self)
        # A dock may have taken the header for its title bar; then it is no longer below the panel, and where a window
        # ends it goes with the bar, before the panel.
        if shiboken6.isValid(self.header):
            refresh_fonts(self.header)
            self.header.setFixedHeight(max(34, line_height(13) + 14))
        self.redraw()

    def focus_first(self) -> None:
        """Put the keyboard into the first thing that takes it; panels whose rows take it say which that is."""
        self.setFocus()

    def show_help(self) -> None:
        """Open the text that says how to read this instrument, under the help button."""
        from nnviz.gui.panels.help import HelpPopup  # noqa: PLC0415 - opened by hand, not needed to start

        popup = HelpPopup(self.title, self.help, self)
        popup.show_below(self._help_button)

    # ------------------------------------------------------------------ taking it elsewhere

    def do(self, command: str) -> None:
        """Runs one of the commands that its menu and the command palette offer, by its key."""
        if command == "help":
            self.show_help()
        elif command == "copy":
            self.copy_image()
        else:
            self._save_as(command)

    def to_image(self, scale: float = 2.0) -> QImage:
        """The panel as a picture, header buttons left out, at ``scale`` pixels for each pixel on the screen."""
        size = self._picture_size()
        image = QImage(size * scale, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(scale)
        image.fill(QColor(themes.current().panel))
        painter = QPainter(image)
        self._paint_picture(painter)
        painter.end()
        return image

    def to_png(self) -> bytes:
        """The picture of :meth:`to_image` as a PNG file."""
        data = QByteArray()
        buffer = QBuffer(data)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        # PySide's stubs want bytes for the format; the call takes text.
        self.to_image().save(buffer, "PNG")  # type: ignore[call-overload]
        return bytes(data.data())

    def to_svg(self) -> bytes:
        """The panel as vector graphics (pictures of arrays stay pictures)."""
        data = QByteArray()
        buffer = QBuffer(data)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        generator = QSvgGenerator()
        generator.setOutputDevice(buffer)
        size = self._picture_size()
        generator.setSize(size)
        generator.setViewBox(QRect(QPoint(0, 0), size))
        generator.setTitle(self.title)
        painter = QPainter(generator)
        painter.fillRect(QRect(QPoint(0, 0), size), QColor(themes.current().panel))
        self._paint_picture(painter)
        painter.end()
        return bytes(data.data())

    def to_csv(self) -> str:
        """The numbers behind the picture; floats are written so that reading them gives the very same value."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        for row in self.rows():
            writer.writerow([repr(float(cell)) if isinstance(cell, float) else cell for cell in row])
        return text.getvalue()

    def save(self, path: Path) -> None:
        """Write what is shown now; the ending of the name chooses the format (``.png``, ``.svg`` or ``.csv``).

        It is drawn here and written by another thread, in one step as seen by everybody else. How that went is said in
        :attr:`message`, or in :attr:`failed`.
        """
        suffix = path.suffix.lower()
        if suffix == ".svg":
            content = self.to_svg()
        elif suffix == ".csv":
            content = self.to_csv().encode()
        else:
            content = self.to_png()
        # The panel may be made anew before the file is written; signals of a deleted object are not emitted.
        said, failed = weakref.ref(self), f"{self.title} could not be saved."

        def done(_result: object) -> None:
            panel = said()
            if panel is not None and shiboken6.isValid(panel):
                panel.message.emit(f"Saved {path.name}.")

        def refused(error: BaseException) -> None:
            panel = said()
            if panel is not None and shiboken6.isValid(panel):
                panel.failed.emit(str(error) if isinstance(error, StorageError) else failed)

        # The window's own, so that it waits for what is written at its end.
        self.workspace.background.start(lambda: write_atomically(content, path), done, refused, lane="exports")

    def copy_image(self) -> None:
        """Put the picture on the clipboard."""
        clipboard: QClipboard = QGuiApplication.clipboard()
        clipboard.setImage(self.to_image())
        self.message.emit(f"Copied the picture of “{self.title}”.")

    def _picture_size(self) -> QSize:
        return QSize(max(self.width(), 80), self.header.height() + max(self._pages.height(), 40))

    def _paint_picture(self, painter: QPainter) -> None:
        buttons = (self._help_button, self._menu_button)
        for button in buttons:
            button.setVisible(False)
        try:
            flags = QWidget.RenderFlag.DrawChildren
            self.header.render(painter, QPoint(0, 0), renderFlags=flags)
            self._pages.render(painter, QPoint(0, self.header.height()), renderFlags=flags)
        finally:
            for button in buttons:
                button.setVisible(True)

    def _save_as(self, suffix: str) -> None:
        chosen, _ = QFileDialog.getSaveFileName(
            self, f"Save {self.title}", f"{self.key}.{suffix}", f"{suffix.upper()} (*.{suffix})"
        )
        if not chosen:
            return
        path = Path(chosen)
        if path.suffix.lower() not in _ENDINGS:
            # It was not asked whether what has the longer name may be replaced.
            path = next(free_paths(path.with_name(f"{path.name}.{suffix}")))
        self.save(path)

    # ------------------------------------------------------------------ events

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """The same menu as the button's, under the mouse."""
        self.menu.popup(event.globalPos())

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened while the panel was hidden."""
        super().showEvent(event)
        self.tell_interest()
        self.redraw()

    def hideEvent(self, event: QHideEvent) -> None:
        """Changes are missed from here on, so the next refresh is a full one."""
        super().hideEvent(event)
        self._stale = True
        self.tell_interest()

    def _header_button(self, icon: str, tip: str) -> QToolButton:
        button = QToolButton(self.header)
        bind(button, icon, "text_muted")
        button.setProperty("role", "flat")
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        set_icon_size(button, 16, 24)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button
