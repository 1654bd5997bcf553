"""The page over the canvas on which all examples are seen, before the training, beside it and after."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import shiboken6
from PySide6.QtCore import QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QWidget,
)

from nnviz.data import datasets
from nnviz.data.viewing import SPLIT_TITLES, SPLITS, ViewedData, view
from nnviz.errors import Cancelled, InputError
from nnviz.gui.data.choosing import BY_ANSWERS, BY_RECORD, ORDERS, Answers, Chosen, Kept, Wish, choose
from nnviz.gui.data.example_panel import ExamplePanel
from nnviz.gui.data.map_panel import MapPanel
from nnviz.gui.data.spread_panel import SpreadPanel
from nnviz.gui.data.wall import Wall
from nnviz.gui.explain.own_asking import Job, KeptCopy, OwnAsking
from nnviz.gui.look import theme
from nnviz.gui.parts.action import literal
from nnviz.gui.parts.covering_page import CoveringPage
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.reasons import sentence_of
from nnviz.gui.parts.widgets import ElidedLabel, refresh_fonts, set_font
from nnviz.gui.runs.pinning import toggled
from nnviz.gui.runs.workspace import Workspace
from nnviz.project.curation import Curate, decided
from nnviz.project.edits import SetView
from nnviz.project.model import MOST_PINS, PIN_SPLITS, Curated, Pin, Project
from nnviz.record.quantities import EXAMPLE_FORGOTTEN, EXAMPLE_LOSS, EXAMPLE_MARGIN, Quantity
from nnviz.record.readings import ArrayReading

if TYPE_CHECKING:
    from nnviz.explain.example_answers import ExampleAnswers
    from nnviz.explain.score import OwnNetwork

_VIEWS = (
    ("examples", "Examples", "All examples, small"),
    ("spread", "Distribution", "Examples of each class, and how the numbers are spread"),
    ("map", "Map", "Examples as points: two axes, PCA, t-SNE"),
    ("left out", "Left out", "Files that are not used, and why"),
)
#: Milliseconds after the last key before it is searched.
_TYPING = 180
#: Seconds between two words on how far the loading is.
_BETWEEN = 0.1
_BY_RECORD_SERIES = frozenset({EXAMPLE_FORGOTTEN.series(), EXAMPLE_MARGIN.series()})
#: Classes among which another label is chosen.
_MOST_LABELS = 200
#: Narrower than this, the words on buttons are short.
_NARROW = 1180


class _Loading(QObject):
    """The loading under way: its thread tells how far it is and asks whether it is wanted."""

    progressed = Signal(str, int, int)

    def __init__(self) -> None:
        super().__init__()
        self.cancelled = False
        self._next = 0.0

    def tell(self, what: str, done: int, total: int) -> None:
        """How far it is, ten times a second at most."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _BETWEEN
            self.progressed.emit(what, done, total)


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
        #: What the network and the labels that were decided were when it was asked.
        self._answers_of: tuple[object, ...] = ()
        #: The run and the step whose record the wall is ordered by, and the newest there is.
        self._ordered_of = self._newest = (-1, -1)
        self._loading: _Loading | None = None
        self._trouble = ""
        self._enlarged = False
        self._kept = KeptCopy()
        self._asking: OwnAsking[tuple[tuple[object, ...], ExampleAnswers]] = OwnAsking(
            workspace, self._kept, "data answers", self._on_answers, self._on_no_answers, self
        )
        self._asking.moved.connect(self._show_asking)
        self._build()
        self._search_later = QTimer(self)
        self._search_later.setSingleShot(True)
        self._search_later.setInterval(_TYPING)
        self._search_later.timeout.connect(self._choose)
        follow(workspace.document.changed, self._on_document)
        follow(workspace.network.changed, self._on_network)
        follow(workspace.feed.ticked, self._on_ticked)
        follow(workspace.feed.shown_changed, self._on_shown)
        follow(theme.notifier.changed, self._on_theme)

    # ---- building ------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self._build_head()
        self.filters = self._build_filters()
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

    def _build_filters(self) -> QWidget:
        bar = QWidget(self)
        row = QHBoxLayout(bar)
        row.setContentsMargins(14, 0, 14, 8)
        row.setSpacing(8)
        self.search = QLineEdit(bar)
        self.search.setPlaceholderText("Search label, file or #number")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Search the examples")
        self.search.setMinimumWidth(150)
        self.search.setMaximumWidth(300)
        set_font(self.search, 13)
        self.search.textChanged.connect(lambda _text: self._search_later.start())
        row.addWidget(self.search, 2)
        self.split = self._chooser(bar, "Split", [("", "all splits")])
        self.label = self._chooser(bar, "Class", [("", "all classes")])
        answers = [("", "right or wrong"), ("right", "right"), ("wrong", "wrong"), ("decided", "decided about")]
        self.right = self._chooser(bar, "Answer", answers)
        self.order = self._chooser(bar, "Order", [*ORDERS])
        for box in (self.split, self.label, self.right, self.order):
            row.addWidget(box)
        self.ask = QPushButton("Ask the network", bar)
        self.ask.setToolTip("Find out which examples it gets right, and the loss of each (the test set is left alone)")
        set_font(self.ask, 12, 500)
        self.ask.clicked.connect(self._on_ask)
        row.addWidget(self.ask)
        self.progress = QProgressBar(bar)
        self.progress.setTextVisible(False)
        self.progress.setFixedSize(110, 6)
        self.progress.hide()
        row.addWidget(self.progress)
        self.state = ElidedLabel("", bar)
        self.state.setProperty("role", "muted")
        self.state.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        set_font(self.state, 12)
        row.addWidget(self.state, 3)
        return bar

    def _chooser(self, parent: QWidget, name: str, entries: list[tuple[str, str]]) -> QComboBox:
        box = QComboBox(parent)
        box.setAccessibleName(name)
        box.setToolTip(name)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        box.setMaxVisibleItems(24)
        set_font(box, 12)
        for key, title in entries:
            box.addItem(title, key)
        box.activated.connect(lambda _index: self._choose())
        return box

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
        loading = self._loading = _Loading()
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
            self.progress.setRange(0, max(total, 1))
            self.progress.setValue(done)
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
        self._refill(
            self.split, [("", "all splits"), *((one, SPLIT_TITLES[one]) for one in SPLITS[: len(data.inputs)])]
        )
        names = [(str(at), name) for at, name in enumerate(data.class_names[:2000])]
        self._refill(self.label, [("", "all classes"), *names])
        self.label.setVisible(bool(names))
        self._show_left_out(data)
        self._choose()
        self.show_view(self.views.value)
        pinned = self._pinned_number()
        self.select(pinned if pinned >= 0 else 0 if len(data) else -1)
        self.wall.verticalScrollBar().setValue(0)
        self._show_asking()

    @staticmethod
    def _refill(box: QComboBox, entries: list[tuple[str, str]]) -> None:
        box.clear()
        for key, title in entries:
            box.addItem(title if len(title) < 40 else f"{title[:38]}…", key)

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

    def _wish(self) -> Wish:
        label = self.label.currentData()
        return Wish(
            self.search.text(),
            self.split.currentData() or "",
            int(label) if label else -1,
            self.right.currentData() or "",
            self.order.currentData() or "class",
        )

    def _choose(self) -> None:
        """Show what is looked for."""
        kept, decided = self._allow_choices()
        self._ordered_of = self._newest
        left_out = frozenset(number for number, entry in decided.items() if entry.weight == 0)
        self.wall.set_decided(frozenset(decided), left_out)
        if self._data is None:
            self.wall.show_chosen(None, None, choose_nothing(), self._trouble)
            return
        chosen = choose(self._data, self._answers, self._wish(), kept, decided)
        self.wall.show_chosen(self._data, self._answers, chosen, "No example is like that. Search for less.")
        self._show_state()

    def _allow_choices(self) -> tuple[Kept, dict[int, Curated]]:
        """Which filters and orders can be chosen by now, and what they go by."""
        answered, kept = self._answers is not None, self._kept_of_examples()
        knows = bool((self._answers.right >= 0).any()) if self._answers is not None else False
        decided = self._decided()
        self.right.setEnabled(knows or bool(decided))
        self._allow(self.right, {"right": knows, "wrong": knows, "decided": bool(decided)})
        allowed = dict.fromkeys(BY_ANSWERS, answered)
        allowed |= {"forgotten": kept.forgotten is not None, "disagrees": kept.margins is not None}
        self._allow(self.order, allowed)
        self._newest = (id(self._workspace.feed.shown.run), kept.step)
        return kept, decided

    @staticmethod
    def _allow(box: QComboBox, allowed: dict[str, bool]) -> None:
        """What can be chosen; where what is chosen cannot, the first is."""
        model = box.model()
        for row in range(box.count()):
            possible = allowed.get(str(box.itemData(row)), True)
            model.setData(model.index(row, 0), None if possible else 0, Qt.ItemDataRole.UserRole - 1)
            if not possible and row == box.currentIndex():
                box.setCurrentIndex(0)

    def _show_state(self) -> None:
        """How many there are on the wall, and of which step the answers are."""
        if self._data is None:
            self.state.set_whole("")
            return
        words = f"{theme.format_count(self.wall.count)} of {theme.format_count(len(self._data))}"
        old_order = False
        if self.order.currentData() in BY_RECORD:
            old_order = self._ordered_of != self._newest
            words += f" · ordered as at step {theme.format_count(self._ordered_of[1])}{' (older)' * old_order}"
        if self._answers is not None:
            right = self._answers.right
            known = int((right >= 0).sum())
            share = f", {(right == 1).sum() / known:.1%} right" if known else ""
            words += f"{share}{self._age()}"
        reasons = [self._why_old()] * self._is_old() + ["Another step is recorded: choose the order again"] * old_order
        self.state.set_age((lambda: "\n".join(reasons)) if reasons else None)
        self.state.set_whole(words)

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
        data = self._data
        self.wall.set_pinned(self._pinned_numbers())
        self.wall.select(number)
        self.map.plane.select(number)
        pinned = self._is_kept(number)
        age = self._age() if self._answers is not None else ""
        decided = self._decided_words(number)
        self.example.show_example(data, number, self._answers, self._pin_not(number), pinned, age, decided)

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
            QTimer.singleShot(0, self, self.example.pixels.read)
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

        def found(quantity: Quantity) -> ArrayReading | None:
            reading = shown.run.latest(quantity.series(), shown.step)
            fits = isinstance(reading, ArrayReading) and reading.array.shape == (len(data.inputs[0]),)
            return reading if fits and isinstance(reading, ArrayReading) else None

        forgotten, margins, losses = found(EXAMPLE_FORGOTTEN), found(EXAMPLE_MARGIN), found(EXAMPLE_LOSS)
        return Kept(
            None if forgotten is None else np.asarray(forgotten.array),
            None if margins is None else np.asarray(margins.array),
            None if losses is None else np.asarray(losses.array),
            max((one.step for one in (forgotten, margins) if one is not None), default=-1),
        )

    def _decided(self) -> dict[int, Curated]:
        """What was decided about the training examples, by their numbers here."""
        data, entries = self._data, self._workspace.document.project.curation
        if data is None or not entries:
            return {}
        by_example = {entry.example: entry for entry in entries}
        numbers = data.numbers[0] if data.numbers else np.arange(len(data.inputs[0]))
        # Where the classes are balanced, an example may stand in several places.
        places = np.flatnonzero(np.isin(numbers, list(by_example)))
        return {int(place): by_example[int(numbers[place])] for place in places}

    def _decided_words(self, number: int) -> str:
        entry = self._decided().get(number)
        if entry is None:
            return ""
        words = [f"its label is “{entry.label}” from now on"] if entry.label else []
        words += ["left out of the training" if entry.weight == 0 else f"weighs {entry.weight:g}"] * (entry.weight != 1)
        return f"Decided: {', '.join(words)}"

    def _fill_decisions(self, menu: QMenu) -> None:
        """What can be decided about the example that is shown; each is an edit that Undo takes back."""
        menu.clear()
        data, number = self._data, self.example.number
        if data is None or number < 0 or data.place(number)[0] != "train":
            menu.addAction("Only about training examples is anything decided.").setEnabled(False)
            return
        entry = self._decided().get(number)
        weight = 1.0 if entry is None else entry.weight
        label = data.label(number) if entry is None or not entry.label else entry.label
        for words, heavy in (("Leave out of the training", 0.0), ("Weigh half", 0.5), ("Weigh twice", 2.0)):
            action = menu.addAction(words, partial(self.decide, weight=heavy))
            action.setEnabled(heavy != weight)
        if data.class_names:
            labels = menu.addMenu("Its label is")
            for name in data.class_names[:_MOST_LABELS]:
                action = labels.addAction(literal(name), partial(self.decide, label=name))
                action.setEnabled(name != label)
        menu.addSeparator()
        menu.addAction("As usual", lambda: self.decide(label="", weight=1.0)).setEnabled(entry is not None)

    def decide(self, *, label: str | None = None, weight: float | None = None) -> None:
        """Decide about the example that is shown: another label, another weight (0 leaves it out); None stays."""
        data, number = self._data, self.example.number
        if data is None or number < 0:
            return

        def apply(known: Curated) -> None:
            self._workspace.apply(Curate((decided(known, data.label(number), label=label, weight=weight),)))

        known = self._decided().get(number)
        if known is not None or not data.is_streamed:
            apply(known or Curated(data.read_as(number), data.mark_of(number)))
            return

        def marked(mark: str) -> None:  # read from the disk; something may have been decided about it meanwhile
            if data is self._data:
                apply(self._decided().get(number) or Curated(data.read_as(number), mark))

        def failed(error: BaseException) -> None:
            self._workspace.say(sentence_of(error))

        self._workspace.background.start(lambda: data.mark_of(number), marked, failed, "example")

    # ---- pinning -------------------------------------------------------------------------------------------------

    def _pin_split(self) -> str:
        """The split that the pinned example is counted in."""
        data = self._data
        return "validation" if data is not None and len(data.inputs) > 1 and len(data.inputs[1]) else "train"

    def _pinned_number(self) -> int:
        data = self._data
        if data is None or data.config != self._workspace.document.project.data:
            return -1
        return self._number_of(data, self._workspace.document.project.view.shown)

    def _number_of(self, data: ViewedData, pin: Pin) -> int:
        try:
            return data.number(pin.split or self._pin_split(), pin.index)
        except (IndexError, ValueError):
            return -1

    def _pinned_numbers(self) -> frozenset[int]:
        """All that are pinned, and the one that the cards show."""
        data, view = self._data, self._workspace.document.project.view
        if data is None or data.config != self._workspace.document.project.data:
            return frozenset()
        return frozenset(self._number_of(data, pin) for pin in (view.shown, *view.pins)) - {-1}

    def _is_kept(self, number: int) -> bool:
        if number < 0 or self._data is None or self._data.config != self._workspace.document.project.data:
            return False
        return self._pin_of(number) in self._workspace.document.project.view.pins

    def _pin_of(self, number: int) -> Pin:
        """An example as the document pins it."""
        assert self._data is not None
        split, index = self._data.place(number)
        return Pin(index, "" if split == self._pin_split() else split)

    def _pin_not(self, number: int) -> str:
        if self._data is None or number < 0:
            return "There is no example."
        if self._workspace.document.read_only:
            return self._workspace.document.read_only
        pin, view = self._pin_of(number), self._workspace.document.project.view
        if pin.split not in PIN_SPLITS:
            return "The test set is sealed: the cards show examples for training and validation."
        if len(view.pins) >= MOST_PINS and pin not in view.pins:
            return f"{MOST_PINS} examples are pinned, which is as many as can be: take one away first."
        return ""

    def pin(self, number: int) -> None:
        """Pin an example to the canvas, where the cards show what each layer makes of it; or take it away again."""
        reason = self._pin_not(number)
        if reason or self._data is None:
            self._workspace.say(reason)
            return
        self._workspace.apply(SetView(toggled(self._workspace.document.project.view, self._pin_of(number))))

    def _on_menu(self, number: int, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        kept = self._data is not None and self._pin_of(number) in self._workspace.document.project.view.pins
        words = "Unpin from the canvas" if kept else "Pin to the canvas"
        pin = menu.addAction(words, lambda: self.pin(number))
        pin.setEnabled(not self._pin_not(number))
        pin.setToolTip(self._pin_not(number))
        menu.addAction("Enlarge", lambda: self.enlarge(True))
        if self._data is not None and self._data.class_names:
            label = int(self._data.label_of[number])
            menu.addAction("Only this class", lambda: self.show_class(label))
        decide = menu.addMenu("Decide")
        decide.aboutToShow.connect(lambda: self._fill_decisions(decide))
        menu.popup(place)

    def show_class(self, label: int) -> None:
        """Show the examples of one class alone; −1 for all."""
        self.label.setCurrentIndex(max(0, self.label.findData(str(label) if label >= 0 else "")))
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
        self.state.set_whole(why)

    def _show_asking(self) -> None:
        job = self._asking.job
        busy = job is not None or self._loading is not None
        self.progress.setVisible(busy)
        if job is not None:
            self.progress.setRange(0, max(job.total, 1))
            self.progress.setValue(job.done)
        short = self.width() < _NARROW
        again = "Ask again" if self._answers is not None else "Ask network" if short else "Ask the network"
        self.ask.setText("Stop" if busy else again if self._data is not None else "Load again")
        self.ask.setVisible(True)

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
                age, pinned = self._age(), self._is_kept(number)
                decided = self._decided_words(number)
                self.example.show_example(
                    self._data, number, self._answers, self._pin_not(number), pinned, age, decided
                )

    def _on_ticked(self, changed: frozenset[str]) -> None:
        if self.isVisible() and not changed.isdisjoint(_BY_RECORD_SERIES):
            self._follow_record()

    def _on_shown(self, _shown: object) -> None:
        if self.isVisible():
            self._follow_record()

    def _follow_record(self) -> None:
        """The training, or another run or step, may allow other orders; nothing moves under the hand by itself."""
        if self._data is None:
            return
        order = self.order.currentData()
        self._allow_choices()
        if self.order.currentData() != order:
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
            elif self.search.text():
                self.search.clear()
            else:
                self.left.emit()
        elif event.key() == Qt.Key.Key_Slash:
            self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        event.accept()


def choose_nothing() -> Chosen:
    """No examples at all."""
    return Chosen(np.empty(0, np.int64), ())
