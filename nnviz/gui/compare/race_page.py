"""The page on which variations of the network race: who takes part at the left, the curves of all at the right."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QCompleter,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from nnviz.errors import InputError
from nnviz.gui.compare.overlay import Overlay
from nnviz.gui.compare.race_list import RaceList, RaceRow, number_texts, with_head
from nnviz.gui.look import theme
from nnviz.gui.parts.action import literal
from nnviz.gui.parts.covering_page import CoveringPage
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.in_place import InPlace
from nnviz.gui.parts.owners import Owners
from nnviz.gui.parts.widgets import FittedText, refresh_fonts, set_font
from nnviz.gui.runs.pace import PACES, beside, pace_of
from nnviz.gui.runs.races import Races, changes_of, text_of
from nnviz.gui.runs.training import Training
from nnviz.project.entrants import Entrant, Preset
from nnviz.project.flat_settings import flat_settings
from nnviz.project.variations import ACTIVATIONS, DROPOUT
from nnviz.train.race import Standing, memory_of

_LIST_WIDTH = 500
#: Below this width (in a lecture the page has half as many pixels) things move closer together.
_NARROW = 900
_FORM = "setting=value"
_EXAMPLE = f"{_FORM}, such as training.optimizer=sgd"


class RacePage(CoveringPage):
    """Who races, and how it goes. It decides nothing: what is pressed is asked of the :class:`Races`.

    Args:
        parent: What it covers a part of.
        races: The race.
        training: Of what is varied.
    """

    def __init__(self, parent: QWidget, races: Races, training: Training) -> None:
        super().__init__(parent, "Race")
        self._races = races
        self._document = training.document
        #: The entrant that is being changed; -1 for a new one.
        self._edited = -1
        #: The runs that are drawn, by number.
        self._drawn: tuple[int, ...] = ()
        self._owners = Owners()
        #: How much of each of them was drawn.
        self._cursors: list[int] = []
        self._build()
        follow(races.changed, self.refresh, self)
        follow(training.changed, self.refresh, self)
        follow(races.moved, self._on_moved, self)
        follow(races.failed, self._say, self)
        follow(theme.notifier.changed, self._on_theme, self)

    # ---- building ------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self._build_head()
        self.split = QSplitter(Qt.Orientation.Horizontal, self)
        self.split.setHandleWidth(1)
        self.split.setChildrenCollapsible(False)
        self.side = QWidget(self.split)
        inner = QVBoxLayout(self.side)
        inner.setContentsMargins(10, 0, 8, 8)
        inner.setSpacing(6)
        self.list = RaceList(self.side)
        self.list.itemClicked.connect(lambda item: self._choose(self.list.row(item)))
        self.list.itemActivated.connect(lambda item: self._choose(self.list.row(item)))
        self.list.installEventFilter(self)
        inner.addWidget(with_head(self.list, self.side), 1)
        self.hint = FittedText("")
        self.hint.setFixedHeight(58)
        inner.addWidget(self.hint)
        self.editing = QWidget(self.side)
        row = QHBoxLayout(self.editing)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        self.field = QLineEdit(self.editing)
        self.field.setPlaceholderText(_EXAMPLE)
        self.field.setAccessibleName("Settings of an entrant")
        self.field.setToolTip("Any setting and its value, as --set takes it; several with ; between them")
        self.field.returnPressed.connect(self._take_field)
        set_font(self.field, 13)
        row.addWidget(self.field, 1)
        self.add_button = QPushButton("Add", self.editing)
        set_font(self.add_button, 13)
        self.add_button.setToolTip("Another entrant with these settings")
        self.add_button.clicked.connect(self._take_field)
        row.addWidget(self.add_button)
        self.remove_button = QPushButton("Remove", self.editing)
        set_font(self.remove_button, 13)
        self.remove_button.setToolTip("The chosen entrant does not take part (Del)")
        self.remove_button.clicked.connect(self._remove)
        row.addWidget(self.remove_button)
        inner.addWidget(self.editing)
        self.overlay = Overlay(self.split)
        self.overlay.has_legend = False  # the list says it
        self.overlay.none_yet = "Start the race: the curves of all move here together."
        self.overlay.smoothing = memory_of(0)
        self.overlay.show_view("train")
        self.overlay.show_axis("step")
        self.split.addWidget(self.side)
        self.split.addWidget(self.overlay)
        self.split.setStretchFactor(0, 0)
        self.split.setStretchFactor(1, 1)
        self.column.addWidget(self.split, 1)

    def _build_head(self) -> None:
        self.head_row.setSpacing(8)
        self.add_title("Race")
        self.choose_button = QPushButton("Entrants", self.head)
        set_font(self.choose_button, 13)
        self.choose_button.setToolTip("Lists of entrants that are ready for this network")
        self.menu = QMenu(self.choose_button)
        self.menu.setToolTipsVisible(True)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.choose_button.setMenu(self.menu)
        self.head_row.addWidget(self.choose_button)
        self.play_button = QPushButton("Start", self.head)
        self.play_button.setProperty("role", "primary")
        set_font(self.play_button, 13)
        self.play_button.clicked.connect(self._races.toggle)
        self.head_row.addWidget(self.play_button)
        self.step_button = self._tool("step", "One step of everyone", self._races.step)
        self.stop_button = self._tool("stop", "End the race here; the runs are kept", self._races.stop)
        self.pace = InPlace([pace.title for pace in PACES], "20/s", "Speed of the race", self.head, editable=False)
        self.pace.chosen.connect(self._on_pace)
        self.pace.left.connect(lambda: self.setFocus(Qt.FocusReason.OtherFocusReason))
        self.pace_caption = QLabel("Speed", self.head)
        self.pace_caption.setProperty("role", "muted")
        set_font(self.pace_caption, 13)
        self.head_row.addWidget(self.pace_caption)
        self.head_row.addWidget(self.pace)
        self.state = self.add_line()
        self.cards_button = QPushButton("See the cards", self.head)
        set_font(self.cards_button, 13)
        self.cards_button.setToolTip("The network of the chosen entrant on the canvas, while it races")
        self.cards_button.clicked.connect(self.left)
        self.head_row.addWidget(self.cards_button)
        words = "Back to the canvas (Esc); the race goes on"
        self.close_button = self.add_close(words, words)

    def _tool(self, icon: str, words: str, do: Callable[[], object]) -> QToolButton:
        return self.add_tool(icon, words, words, do)

    # ---- what is shown -------------------------------------------------------------------------------------------

    def open(self) -> None:
        """It was brought over the canvas: with the list of optimizers where nobody has chosen yet."""
        if not self._races.entrants and not self._races.alive:
            self._races.choose(self._races.presets()[0])
        paths = [path for path in flat_settings(self._document.project) if "." in path]
        completer = QCompleter([f"{path}=" for path in (*paths, ACTIVATIONS, DROPOUT)], self.field)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.field.setCompleter(completer)
        self.refresh()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def refresh(self) -> None:
        """Everything anew, where it can be seen: who takes part, what can be pressed."""
        if not self.isVisible():
            return
        races = self._races
        alive, state = races.alive, races.state
        self.play_button.setText({"running": "Pause", "ready": "Go on", "paused": "Go on"}.get(state, "Start"))
        reason = "" if alive else races.why_not_start()
        self.play_button.setEnabled(not reason)
        self.play_button.setToolTip(reason or "Everyone trains, step by step in turn (Space)")
        self.step_button.setEnabled(not reason and state != "running")
        self.stop_button.setEnabled(alive)
        self.choose_button.setEnabled(not alive)
        pace = pace_of(races.pace)
        self.pace.show_value(pace.title)
        self.pace.setToolTip(f"How fast everyone may train, so that each step can be looked at: {pace.words} (+ and −)")
        self.cards_button.setEnabled(races.shown >= 0)
        self.editing.setVisible(not alive)
        self._show_rows()
        self._draw_runs()

    def _on_moved(self) -> None:
        if self.isVisible():
            self._show_rows()
            runs = self._races.runs
            longest = max((run.last_step for run in runs), default=0)
            self.overlay.smoothing = memory_of(longest)
            if tuple(map(self._owners.number, runs)) != self._drawn:
                self._draw_runs()
            else:
                changes = [run.read_since(at) for run, at in zip(runs, self._cursors, strict=True)]
                self._cursors = [one.cursor for one in changes]
                names = frozenset[str]().union(*(one.series for one in changes))
                if names:  # at rest nothing is drawn again
                    self.overlay.refresh(names)

    def _show_rows(self) -> None:
        races, shown = self._races, self._races.shown
        standings = races.standings
        begun = bool(standings) and max(one.step for one in standings) > 0
        rates = tuple("" if math.isnan(rate) else f"{rate:g}" for rate in races.learning_rates)
        rows = [RaceRow(entrant.name, rate=rate) for entrant, rate in zip(races.entrants, rates, strict=True)]
        if standings:
            rows = [
                RaceRow(
                    one.name,
                    one.rank if begun else 0,
                    number_texts(one.batch_loss, one.start if not begun else one.loss, one.accuracy),
                    at == shown,
                    one.failure,
                    rates[at] if at < len(rates) else "",
                )
                for at, one in enumerate(standings)
            ]
        self.list.show_rows(rows)
        words = races.words()
        shorter, between, _ = words.partition(" · ")
        if between:
            self.state.set_wordings(words, shorter)
        else:  # a sentence, of which as much as there is room for says more than nothing
            self.state.set_whole(words)
        failed = next((f"{one.name}: {one.failure}" for one in standings if one.failure), "")
        self.hint.say(failed or ("" if races.alive else unfinished(standings)) or self._hint(begun))

    def _hint(self, begun: bool) -> str:
        if not self._races.entrants:
            return "Choose a list of entrants above, or add settings below: each entrant is this network with them."
        if not self._races.standings:
            return "All start from the same weights and see the same batches, as far as their seed is the same."
        starts = {f"{one.start:.9g}" for one in self._races.standings if one.start == one.start}
        if not begun and len(starts) == 1:
            return f"Before the first step all have the same validation loss: {float(next(iter(starts))):.6g}."
        raced, whose = self._races.project, ""
        if raced is not None and raced.name != self._document.project.name:
            whose = f"This is a race of {raced.name}, not of the project that is open. "
        return f"{whose}Click an entrant to see its run: cards, panels and timeline follow it."

    def _draw_runs(self) -> None:
        runs = self._races.runs
        self._drawn = tuple(map(self._owners.number, runs))
        self._cursors = [run.read_since(0).cursor for run in runs]
        names = [entrant.name for entrant in self._races.entrants]
        self.overlay.show_runs([(run, names[at], at) for at, run in enumerate(runs) if at < len(names)])

    def _say(self, text: str) -> None:
        if self.isVisible():
            self.hint.say(text)

    # ---- what is pressed -----------------------------------------------------------------------------------------

    def _fill_menu(self) -> None:
        self.menu.clear()
        for preset in self._races.presets():
            action = self.menu.addAction(literal(preset.title))
            action.setEnabled(not preset.why_not)
            action.setToolTip(preset.why_not or ", ".join(one.name for one in preset.entrants))
            action.triggered.connect(lambda _on=False, preset=preset: self._take_preset(preset))

    def _on_pace(self, title: str) -> None:
        self._races.set_pace(next(pace.steps_per_second for pace in PACES if pace.title == title))

    def _change_pace(self, by: int) -> None:
        pace = beside(self._races.pace, by)
        if pace is not None:
            self._races.set_pace(pace.steps_per_second)

    def _take_preset(self, preset: Preset) -> None:
        self._leave_field()  # who was being changed there is not among these
        self._races.choose(preset)

    def _choose(self, at: int) -> None:
        """Before the race, its settings are there to be changed; then its run comes on the screen."""
        races = self._races
        if races.runs:
            races.show(at)
            return
        if at == self._edited:  # clicked again: let go of it
            self._leave_field()
            return
        self._edited = at
        self.field.setText(text_of(races.entrants[at].changes))
        self.add_button.setText("Change")

    def _take_field(self) -> None:
        try:
            changes = changes_of(self.field.text())
            if not changes:
                raise InputError(f"Write a {_EXAMPLE}.")
        except InputError as error:
            self._say(error.message)
            return
        entrant = Entrant.of(*changes)
        editing = 0 <= self._edited < len(self._races.entrants)
        reason = self._races.replace(self._edited, entrant) if editing else self._races.add(entrant)
        if reason:
            self._say(reason)
            return
        self._leave_field()

    def _leave_field(self) -> None:
        self._edited = -1
        self.field.clear()
        self.add_button.setText("Add")

    def _remove(self) -> None:
        at = self.list.currentRow()
        if 0 <= at < len(self._races.entrants):
            self._leave_field()
            self._races.remove(at)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Del in the list takes an entrant away; space, plus and minus belong to the race."""
        if watched is self.list and isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and not self._races.alive:
                self._remove()
                return True
            if self._take_key(event):
                return True
        return super().eventFilter(watched, event)

    def _take_key(self, event: QKeyEvent) -> bool:
        """Keys that belong to the race, wherever on the page they are pressed; whether this is one."""
        if event.key() == Qt.Key.Key_Space:
            self._races.toggle()
        elif event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Minus):
            self._change_pace(1 if event.key() == Qt.Key.Key_Plus else -1)
        else:
            return False
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space plays and pauses, plus and minus change the speed, Esc leads back to the canvas."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        elif not self._take_key(event):
            super().keyPressEvent(event)
            return
        event.accept()

    # ---- looks ---------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow room the list has what it needs, and the curves the rest."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        # In larger letters the names and numbers are wider, the curves not.
        larger = max(1.0, 0.8 * theme.text_scale())
        narrow = self.width() < _NARROW * larger
        self.cards_button.setVisible(not narrow)
        self.pace_caption.setVisible(not narrow)
        self.field.setPlaceholderText(_FORM if narrow else _EXAMPLE)
        self.hint.setFixedHeight(round((36 if narrow else 58) * max(1.0, theme.surrounding_scale())))
        self.overlay.axes.setVisible(not narrow)
        wanted = min(round(_LIST_WIDTH * larger), round(self.width() * (0.545 if narrow else 0.36 * larger)))
        self.split.setSizes([wanted, self.width() - wanted])

    def _on_theme(self) -> None:
        refresh_fonts(self)
        self.pace.refit()
        self.overlay.restyle()
        self.list.scheduleDelayedItemsLayout()
        self._fit()


def unfinished(standings: Sequence[Standing]) -> str:
    """Who of a race that was stopped has no validation loss, as their epoch had not ended; empty where all have one."""
    without = [one.name for one in standings if math.isnan(one.loss) and not one.failure]
    if not without or len(without) == len(standings):
        return ""
    epoch = "its epoch was not finished" if len(without) == 1 else "their epochs were not finished"
    return f"{', '.join(without)}: no validation loss, as {epoch} when the race was stopped."
