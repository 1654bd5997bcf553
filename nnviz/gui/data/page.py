"""The page over the canvas on which all examples are seen, before the training, beside it and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shiboken6
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QMenu,
    QPlainTextEdit,
    QSplitter,
    QStackedWidget,
    QWidget,
)

from nnviz.data import datasets
from nnviz.data.viewing import SPLIT_TITLES, SPLITS, ViewedData, view
from nnviz.errors import Cancelled, InputError
from nnviz.gui.data.choosing import BY_RECORD, Answers, Chosen, Kept, choose
from nnviz.gui.data.decisions import Decisions
from nnviz.gui.data.example_panel import ExamplePanel
from nnviz.gui.data.filter_bar import FilterBar
from nnviz.gui.data.loading import Loading
from nnviz.gui.data.map_panel import MapPanel
from nnviz.gui.data.pins import Pins
from nnviz.gui.data.recorded import BY_RECORD_SERIES, kept_of_examples
from nnviz.gui.data.spread_panel import SpreadPanel
from nnviz.gui.data.wall import Wall
from nnviz.gui.explain.own_asking import Job, KeptCopy, OwnAsking
from nnviz.gui.look import theme
from nnviz.gui.parts.covering_page import CoveringPage
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.owners import Owners
from nnviz.gui.parts.reasons import sentence_of
from nnviz.gui.parts.soon import soon
from nnviz.gui.parts.widgets import refresh_fonts, set_font
from nnviz.gui.runs.workspace import Workspace
from nnviz.project.model import Curated, Project

if TYPE_CHECKING:
    from nnviz.explain.example_answers import ExampleAnswers
    from nnviz.explain.score import OwnNetwork

_VIEWS = (
    ("examples", "Examples", "All examples, small"),
    ("spread", "Distribution", "Examples of each class, and how the numbers are spread"),
    ("map", "Map", "Examples as points: two axes, PCA, t-SNE"),
    ("left out", "Left out", "Files that are not used, and why"),
)
#: Narrower than this, the words on buttons are short.
_NARROW = 1180


class DataPage(CoveringPage):
    """Everything about the examples of the document's data set. It changes nothing but which example is pinned.

    Args:
        window: What it covers a part of.
        workspace: The document, what is known of its data, the network that is asked.
    """

    def __init__(self, window: QWidget, workspace: Workspace) -> None:
        super().__init__(window, "Data")
        self._workspace = workspace
        self._data: ViewedData | None = None
        self._answers: Answers | None = None
        self.decisions = Decisions(workspace, lambda: self._data)
        self.pins = Pins(workspace, lambda: self._data)
        self._runs = Owners()
        #: What the network and the labels that were decided were when it was asked.
        self._answers_of: tuple[object, ...] = ()
        #: The run, by number, and the step whose record the wall is ordered by, and the newest there is.
        self._ordered_of = self._newest = (-1, -1)
        self._loading: Loading | None = None
        self._trouble = ""
        self._enlarged = False
        self._kept = KeptCopy()
        self._asking: OwnAsking[tuple[tuple[object, ...], ExampleAnswers]] = OwnAsking(
            workspace, self._kept, "data answers", self._on_answers, self._on_no_answers, self
        )
        self._asking.moved.connect(self._show_asking)
        self._build()
        follow(workspace.document.changed, self._on_document)
        follow(workspace.network.changed, self._on_network)
        follow(workspace.feed.ticked, self._on_ticked)
        follow(workspace.feed.shown_changed, self._on_shown)
        follow(theme.notifier.changed, self._on_theme)

    # ---- building ------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self._build_head()
        self.filters = FilterBar(self)
        self.filters.changed.connect(self._choose)
        self.filters.ask.clicked.connect(self._on_ask)
        self.column.addWidget(self.filters)
        self.splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self.splitter.setHandleWidth(1)
        self.splitter.setChildrenCollapsible(False)
        self.stack = QStackedWidget(self.splitter)
        self.wall = Wall(self._workspace.background, self.stack)
        self.wall.selected.connect(self.select)
        self.wall.opened.connect(lambda _number: self.enlarge(True))
        self.wall.menu_requested.connect(self._on_menu)
        self.spread = SpreadPanel(self._workspace.background, self.stack)
        self.map = MapPanel(self._workspace.background, self.stack)
        self.map.selected.connect(self.select)
        self.left_out = QPlainTextEdit(self.stack)
        self.left_out.setReadOnly(True)
        self.left_out.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        self.left_out.setAccessibleName("Files that are not used, and why")
        set_font(self.left_out, 13)
        self._pages: dict[str, QWidget] = {
            "examples": self.wall,
            "spread": self.spread,
            "map": self.map,
            "left out": self.left_out,
        }
        for page in self._pages.values():
            self.stack.addWidget(page)
        self.example = ExamplePanel(self._workspace.background, self.splitter)
        self.example.pin_requested.connect(self.pin)
        self.example.enlarge_requested.connect(lambda: self.enlarge(not self._enlarged))
        self.example.decisions.aboutToShow.connect(lambda: self._fill_decisions(self.example.decisions))
        self.splitter.addWidget(self.stack)
        self.splitter.addWidget(self.example)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setStretchFactor(1, 0)
        self.column.addWidget(self.splitter, 1)

    def _build_head(self) -> None:
        self.title = self.add_title("")
        self.sizes = self.add_line()
        self.views = self.add_views(_VIEWS, self.show_view)
        self.close_button = self.add_close("Close the data page")

    # ---- loading -------------------------------------------------------------------------------------------------

    @property
    def data(self) -> ViewedData | None:
        """What is shown; None while it is loaded, or cannot be."""
        return self._data

    @property
    def answers(self) -> Answers | None:
        """What the network made of the examples, once it was asked."""
        return self._answers

    @property
    def loading(self) -> bool:
        """Whether the examples are being loaded."""
        return self._loading is not None

    def load(self) -> None:
        """Load the examples of the document, on a worker; those of the training are there already."""
        self.cancel_loading()
        self._forget()
        self.show_view(self.views.value)  # whatever was in front, or filled the page: how far it is has to be seen
        config = self._workspace.document.project.data
        known, folder = self._workspace.known, self._workspace.known.data_dir
        try:
            self.title.setText(datasets.dataset(config.dataset).title)
        except InputError as error:
            self._show_trouble(sentence_of(error))
            return
        facts = known.facts(config)
        if facts is not None and facts.missing:
            self._show_trouble(facts.missing)
            return
        loading = self._loading = Loading()
        loading.progressed.connect(self._on_progress, Qt.ConnectionType.QueuedConnection)

        def done(found: ViewedData) -> None:
            if shiboken6.isValid(self) and self._loading is loading:
                self._loading = None
                self._show_data(found)

        def failed(error: BaseException) -> None:
            if shiboken6.isValid(self) and self._loading is loading:
                self._loading = None
                self._show_trouble("The loading was stopped." if isinstance(error, Cancelled) else sentence_of(error))

        self._workspace.background.start(
            lambda: view(config, folder, loading.tell, lambda: loading.cancelled), done, failed, "data page"
        )
        self._trouble = "Loading the examples…"
        self._choose()
        self._show_asking()

    def cancel_loading(self) -> None:
        """The examples are not wanted any more."""
        if self._loading is not None:
            self._loading.cancelled = True
            self._loading = None

    def stop(self) -> None:
        """The page goes: nothing is loaded, asked or made any more, and the memory is given back."""
        self.cancel_loading()
        self._forget()

    def _forget(self) -> None:
        self._asking.cancel()
        self._kept.forget()
        self._data, self._answers = None, None
        self.map.show_data(None)
        self.spread.show_data(None)
        self.example.show_data(None)
        self.example.show_example(None, -1, None, "", False)
        self.sizes.set_whole("")
        self.left_out.setPlainText("")
        self.wall.show_chosen(None, None, choose_nothing(), "")

    def _on_progress(self, what: str, done: int, total: int) -> None:
        if self._loading is not None:
            self._trouble = f"{what}: {theme.format_count(done)} of {theme.format_count(total)}" if total else what
            self.filters.show_progress(done, total)
            self._choose()
            self._show_asking()

    def _show_trouble(self, text: str) -> None:
        self._trouble = text
        self._choose()
        self._show_asking()

    def _show_data(self, data: ViewedData) -> None:
        self._data, self._trouble = data, ""
        self.map.show_data(data)
        self.spread.show_data(data)
        self.example.show_data(data)
        parts = [
            f"{theme.format_count(len(inputs))} {SPLIT_TITLES[name]}"
            for name, inputs in zip(SPLITS, data.inputs, strict=False)
        ]
        shape = " × ".join(str(side) for side in (*data.inputs[0].shape[2:], data.inputs[0].shape[1]))
        what = f"{shape} pixels" if data.is_images else f"{len(data.columns)} columns"
        self.sizes.set_whole(f"{' · '.join(parts)} · {what}")
        self.filters.show_data(data)
        self._show_left_out(data)
        self._choose()
        self.show_view(self.views.value)
        pinned = self.pins.shown
        self.select(pinned if pinned >= 0 else 0 if len(data) else -1)
        self.wall.verticalScrollBar().setValue(0)
        self._show_asking()

    def _show_left_out(self, data: ViewedData) -> None:
        facts = self._workspace.known.facts(data.config)
        lines: list[str] = []
        if data.left_out:
            lines += [f"{len(data.left_out):,} files are not used:", ""]
            lines += [f"{one.file}\n    {one.reason}" for one in data.left_out[:5000]]
        elif facts is not None and facts.warnings:
            lines += [*facts.warnings]
        else:
            lines.append("Nothing was left out: every example can be used.")
        if facts is not None and facts.notes:
            lines += ["", *facts.notes]
        self.left_out.setPlainText("\n".join(lines))

    # ---- what is shown -------------------------------------------------------------------------------------------

    def show_view(self, key: str) -> None:
        """Bring one of the views to the front: ``examples``, ``spread``, ``map`` or ``left out``."""
        self.views.set_value(key)
        self.stack.setCurrentWidget(self._pages[key])
        if self._enlarged:
            self.enlarge(False)
        self.filters.setVisible(key == "examples" or self._data is None)
        if self._data is None:
            self.stack.setCurrentWidget(self.wall)
            return
        if key == "spread":
            self.spread.count()
        elif key == "map":
            self.map.make()
            self.map.plane.select(self.example.number)

    def _choose(self) -> None:
        """Show what is looked for."""
        kept, decided = self._allow_choices()
        self._ordered_of = self._newest
        left_out = frozenset(number for number, entry in decided.items() if entry.weight == 0)
        self.wall.set_decided(frozenset(decided), left_out)
        if self._data is None:
            self.wall.show_chosen(None, None, choose_nothing(), self._trouble)
            return
        chosen = choose(self._data, self._answers, self.filters.wish(), kept, decided)
        self.wall.show_chosen(self._data, self._answers, chosen, "No example is like that. Search for less.")
        self._show_state()

    def _allow_choices(self) -> tuple[Kept, dict[int, Curated]]:
        """Which filters and orders can be chosen by now, and what they go by."""
        kept, decided = self._kept_of_examples(), self.decisions.known()
        knows = bool((self._answers.right >= 0).any()) if self._answers is not None else False
        self.filters.allow(answered=self._answers is not None, knows=knows, decided=bool(decided), kept=kept)
        self._newest = (self._runs.number(self._workspace.feed.shown.run), kept.step)
        return kept, decided

    def _show_state(self) -> None:
        """How many there are on the wall, and of which step the answers are."""
        if self._data is None:
            self.filters.state.set_whole("")
            return
        words = f"{theme.format_count(self.wall.count)} of {theme.format_count(len(self._data))}"
        old_order = False
        shorter: tuple[str, ...] = ()
        if self.filters.order.currentData() in BY_RECORD:
            old_order = self._ordered_of != self._newest
            words += f" · ordered as at step {theme.format_count(self._ordered_of[1])}{' (older)' * old_order}"
        if self._answers is not None:
            right = self._answers.right
            known = int((right >= 0).sum())
            # Not of all: the test set is left alone.
            share = f", {(right == 1).sum() / known:.1%} of {theme.format_count(known)} right" if known else ""
            age = self._age()
            shorter = (
                f"{words}{share} · below each: its loss{age}",
                f"{share[2:] or words} · below each: its loss{age}",
                f"{share[2:] or words} · below: loss{age.replace('asked at ', '')}",
                f"{share[2:] or words}{age}",
            )
            words += f"{share} · the number below each: its loss{age}"
        reasons = [self._why_old()] * self._is_old() + ["Another step is recorded: choose the order again"] * old_order
        self.filters.state.set_age((lambda: "\n".join(reasons)) if reasons else None)
        if shorter:
            self.filters.state.set_wordings(words, *shorter)
        else:
            self.filters.state.set_whole(words)

    def _is_old(self) -> bool:
        return self._answers is not None and self._answers_of != self._asked_of()

    def _asked_of(self) -> tuple[object, ...]:
        """What answers depend on: the weights, and the labels that were decided."""
        entries = self._workspace.document.project.curation
        return (self._workspace.network.key, tuple((one.example, one.mark, one.label) for one in entries if one.label))

    def _why_old(self) -> str:
        other = self._answers_of[:1] != self._asked_of()[:1]
        return f"{'The weights' if other else 'Labels'} have changed since: ask again"

    def _age(self) -> str:
        assert self._answers is not None
        return f" · asked at step {theme.format_count(self._answers.step)}" + (" (older)" if self._is_old() else "")

    def select(self, number: int) -> None:
        """Show an example beside the wall, and mark it there and on the map."""
        self.wall.set_pinned(self.pins.numbers())
        self.wall.select(number)
        self.map.plane.select(number)
        self._show_example(number)

    def _show_example(self, number: int) -> None:
        age = self._age() if self._answers is not None else ""
        why_no_pin, pinned, decided = self.pins.why_not(number), self.pins.keeps(number), self.decisions.words(number)
        self.example.show_example(self._data, number, self._answers, why_no_pin, pinned, age, decided)

    def enlarge(self, on: bool) -> None:
        """The example fills the page, near enough to read its numbers; or stands beside the wall again."""
        if on and self.example.number < 0:
            return
        self._enlarged = on
        self.stack.setVisible(not on)
        self.filters.setVisible(not on and self.views.value == "examples")
        self.example.set_enlarged(on)
        if on:
            self.example.setMaximumWidth(16_777_215)
            soon(self.example.pixels.read)
        else:
            self._share_out()
            self._pages[self.views.value].setFocus(Qt.FocusReason.OtherFocusReason)

    def _share_out(self) -> None:
        """The wall has the larger part, and the example as much as its numbers need where there is room for that."""
        wide = self.width()
        wanted = round(min(742 * theme.text_scale(), wide * 0.45))
        self.splitter.setSizes([wide - wanted, wanted])

    # ---- what the training kept of each example, and what is decided about it -----------------------------------

    def _kept_of_examples(self) -> Kept:
        """What the run on the screen kept of every training example, where it is one of these data."""
        data, shown = self._data, self._workspace.feed.shown
        if data is None or shown.run is None or data.config != self._workspace.document.project.data:
            return Kept()
        return kept_of_examples(shown.run, shown.step, len(data.inputs[0]))

    def _fill_decisions(self, menu: QMenu) -> None:
        self.decisions.fill(menu, self.example.number)

    def decide(self, *, label: str | None = None, weight: float | None = None) -> None:
        """Decide about the example that is shown: another label, another weight (0 leaves it out); None stays."""
        self.decisions.decide(self.example.number, label=label, weight=weight)

    # ---- pinning -------------------------------------------------------------------------------------------------

    def pin(self, number: int) -> None:
        """Pin an example to the canvas, where the cards show what each layer makes of it; or take it away again."""
        self.pins.toggle(number)

    def _on_menu(self, number: int, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        pin = menu.addAction(self.pins.words(number), lambda: self.pin(number))
        pin.setEnabled(not self.pins.why_not(number))
        pin.setToolTip(self.pins.why_not(number))
        menu.addAction("Enlarge", lambda: self.enlarge(True))
        if self._data is not None and self._data.class_names:
            label = int(self._data.label_of[number])
            menu.addAction("Only this class", lambda: self.show_class(label))
        decide = menu.addMenu("Change")
        decide.aboutToShow.connect(lambda: self._fill_decisions(decide))
        menu.popup(place)

    def show_class(self, label: int) -> None:
        """Show the examples of one class alone; −1 for all."""
        self.filters.choose_class(label)
        self._choose()

    # ---- asking the network --------------------------------------------------------------------------------------

    def _on_ask(self) -> None:
        if self._loading is not None:
            self.cancel_loading()
            self._show_trouble("The loading was stopped.")
        elif self._asking.busy:
            self._asking.cancel()
        elif self._data is None:
            self.load()
        else:
            self.ask_network()

    def ask_network(self) -> None:
        """Find out what the network makes of every training and validation example, on a copy of it."""
        data = self._data
        if data is None:
            return
        splits = [name for name, inputs in zip(SPLITS[:2], data.inputs, strict=False) if len(inputs)]
        key = self._asked_of()
        self._kept.forget()  # a copy that was taken before a decision judges by the old labels

        def work(own: OwnNetwork, job: Job) -> tuple[tuple[object, ...], ExampleAnswers]:
            from nnviz.explain.example_answers import example_answers  # noqa: PLC0415 - torch is not for the GUI thread

            if own.data.config != data.config:
                raise InputError("The network on the screen was trained on other data.")
            return key, example_answers(own, splits, job.tell, job.is_cancelled)

        self._asking.ask(work)

    def _on_answers(self, found: tuple[tuple[object, ...], ExampleAnswers], _seconds: float) -> None:
        if self._data is None:
            return
        self._answers_of, answers = found
        self._answers = Answers.of(len(self._data), answers)
        self._kept.forget()
        self._choose()
        self.select(self.example.number)

    def _on_no_answers(self, why: str) -> None:
        self._workspace.say(why)
        self.filters.state.set_whole(why)

    def _show_asking(self) -> None:
        job = self._asking.job
        busy = job is not None or self._loading is not None
        self.filters.progress.setVisible(busy)
        if job is not None:
            self.filters.show_progress(job.done, job.total)
        short = self.width() < _NARROW
        again = "Ask again" if self._answers is not None else "Ask network" if short else "Ask the network"
        self.filters.ask.setText("Stop" if busy else again if self._data is not None else "Load again")
        self.filters.ask.setVisible(True)

    # ---- following -----------------------------------------------------------------------------------------------

    def _on_document(self, before: Project, after: Project, _edit: object) -> None:
        if not self.isVisible():
            return
        if before.data != after.data:
            self.load()
        elif before.curation != after.curation:
            self._choose()
            self.select(self.example.number)
        elif before.view != after.view:
            self.select(self.example.number)

    def _on_network(self) -> None:
        if self.isVisible() and self._answers is not None:
            self._show_state()
            number = self.example.number
            if number >= 0 and self._data is not None:
                self._show_example(number)

    def _on_ticked(self, changed: frozenset[str]) -> None:
        if self.isVisible() and not changed.isdisjoint(BY_RECORD_SERIES):
            self._follow_record()

    def _on_shown(self, _shown: object) -> None:
        if self.isVisible():
            self._follow_record()

    def _follow_record(self) -> None:
        """The training, or another run or step, may allow other orders; nothing moves under the hand by itself."""
        if self._data is None:
            return
        order = self.filters.order.currentData()
        self._allow_choices()
        if self.filters.order.currentData() != order:
            self._choose()  # what it was ordered by is not there any more
        else:
            self._show_state()

    def _on_theme(self) -> None:
        refresh_fonts(self)
        self.update()

    # ---- events --------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """It has come to the front: load, and take the keyboard."""
        self._share_out()
        if self._data is None or self._data.config != self._workspace.document.project.data:
            self.load()
        self.wall.setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape goes back: from the enlarged example to the wall, from the page to the canvas."""
        if event.key() == Qt.Key.Key_Escape:
            if self._enlarged:
                self.enlarge(False)
            elif self.filters.search.text():
                self.filters.search.clear()
            else:
                self.left.emit()
        elif event.key() == Qt.Key.Key_Slash:
            self.filters.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        event.accept()


def choose_nothing() -> Chosen:
    """No examples at all."""
    return Chosen(np.empty(0, np.int64), ())
