"""Sweeps over settings and seeds: set up, watched, and what came of them as a table, parallel axes and points."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
)

from nnviz.data import datasets
from nnviz.errors import InputError
from nnviz.gui.look import theme as themes
from nnviz.gui.panels.base import Cell, Panel
from nnviz.gui.panels.small_button import small_button
from nnviz.gui.panels.sweep_axis import Axis
from nnviz.gui.panels.sweep_pictures import ParallelAxes, SweepScatter, words_about
from nnviz.gui.panels.sweep_setup import SweepSetup
from nnviz.gui.parts.chooser import ShorteningChooser
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import ElidedLabel, FittedText, Segments, line_height, set_font
from nnviz.gui.runs.kept_runs import MOST_COMPARED
from nnviz.gui.runs.shown import NOTHING_SHOWN
from nnviz.gui.runs.sweeps import paths_of
from nnviz.project.files import io
from nnviz.project.flat_settings import words_of
from nnviz.project.model import Project
from nnviz.project.settable import change_to
from nnviz.project.starts import as_varied
from nnviz.project.variations import varied
from nnviz.record.interest import NOTHING, Interest
from nnviz.record.run import RunView
from nnviz.train.sweep_record import EVERYTHING_TRIED, MOST_RUNS, SweepRecord, Trial
from nnviz.train.sweep_text import outcome, setting_text, with_spread

_VIEWS = (
    ("setup", "Set up", "What varies, and how much may be trained"),
    ("table", "Table", "Each trial with mean and spread over its seeds, the best first"),
    ("parallel", "Parallel", "Each trial as a line through an axis a setting; drag along an axis to filter"),
    ("scatter", "Scatter", "The figure over one setting, with mean and spread"),
)
_IN_TRAINING = "in training"
_NOTHING_YET = "No sweep yet. Choose settings under “Set up” and press Start: what comes of it is shown here."

_GO_ON = "Make the runs that are missing; where none is, as many once more"


class _Table(QTableWidget):
    """The trials, the best first; Enter opens, Space compares, S uses the settings."""

    def __init__(self, panel: SweepPanel) -> None:
        super().__init__()
        self._panel = panel
        self.setAccessibleName("Trials of the sweep, the best first")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        set_font(self.horizontalHeader(), 12)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.horizontalHeader().setStretchLastSection(True)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Its keys; the others are those of every table."""
        deeds = {
            Qt.Key.Key_Return: self._panel.open_run,
            Qt.Key.Key_Enter: self._panel.open_run,
            Qt.Key.Key_Space: self._panel.compare_runs,
            Qt.Key.Key_S: self._panel.use_settings,
        }
        deed = deeds.get(Qt.Key(event.key()))
        if deed is None or event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().keyPressEvent(event)
        else:
            deed()


class SweepPanel(Panel):
    """It follows the sweep, not the run on the screen."""

    key = "sweep"
    title = "Sweep"
    letter = "T"
    least_width = 600
    least_height = 330
    fills_page = True
    page_hint = "← → trials · V view · Esc back"
    empty = _NOTHING_YET
    help = (
        "<p><b>What it does.</b> Trains your project again and again: every combination of the values that you list "
        "(<i>grid</i>), points drawn at <i>random</i> from them, or points where the trials so far promise most "
        "(<i>TPE</i>, tree-structured Parzen estimator, by Optuna). Each combination is trained with several "
        "<i>seeds</i>; the table says the mean and, behind ±, the sample standard deviation over them. What counts of "
        "a run is its best epoch by the figure that you choose; the test split is not looked at.</p>"
        "<p><b>How to read it.</b> <i>Parallel</i>: a line is a trial; the better its "
        "figure, the more it stands out: where such lines run together, that value is good. Drag along an axis to keep "
        "the lines that pass there. <i>Scatter</i>: the figure over one setting; bars are the "
        "spread. Two means that lie less than their spreads apart are not different.</p>"
        "<p><b>What to do.</b> Click a row, a line or a point to choose a trial: <b>Open</b> (Enter) shows its best "
        "run, <b>Compare</b> (Space) draws the curves of its seeds, <b>Use settings</b> (S) takes its settings into "
        "your project, one step of undo. Every run is among the kept runs, tagged with the name of the sweep. A run "
        "that fails is a result. A sweep that was stopped goes on where it was.</p>"
    )

    def build(self) -> None:
        """The views, what can be done, and how it goes."""
        self._sweeps = self.workspace.runs.sweeps
        self._chosen = -1
        self._told: SweepRecord | None = None
        self._told_running = False
        self._tried: Path | None = None
        #: It stands on a page of a lecture, where the room of the foot is for words.
        self._on_page = False
        self.views = Segments(_VIEWS, self.header)
        self.views.chosen.connect(self.show_view)
        self.names = ShorteningChooser(self.header)
        self.names.setAccessibleName("Which sweep is shown")
        self.names.setToolTip("Sweeps from before")
        self.names.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.names.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.names.setMinimumContentsLength(9)
        set_font(self.names, 12)
        self.names.activated.connect(lambda place: self._sweeps.show(self.names.itemData(place)))
        self.add_to_header(self.names)
        self.names.hide()  # as long as there is no sweep
        self.add_to_header(self.views)
        self._stack = QStackedWidget(self.body)
        params = {kind: spec.params for kind, spec in datasets.datasets().items()}
        self.setup = SweepSetup(params)
        self.setup.changed.connect(self._show_foot)
        self.table = _Table(self)
        self.table.itemSelectionChanged.connect(self._on_row)
        self.table.itemDoubleClicked.connect(lambda _item: self.open_run())
        self.parallel = ParallelAxes()
        self.scatter = SweepScatter()
        for picture in (self.parallel, self.scatter):
            picture.picked.connect(self.choose)
            picture.opened.connect(self._open_trial)
        self.parallel.brushed.connect(self._show_foot)
        self.setting = QComboBox()
        self.setting.setAccessibleName("Setting along the horizontal axis")
        set_font(self.setting, 12)
        self.setting.activated.connect(self._show_setting)
        over = QVBoxLayout(self.scatter)  # at the right of the line on which the figure is named
        over.setContentsMargins(0, 0, 0, 0)
        over.addWidget(self.setting, 0, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        over.addStretch(1)
        self._nothing = FittedText(_NOTHING_YET)
        scrolling = self.add_scrolling(self.setup)
        self.body_layout.removeWidget(scrolling)
        self._pages_of = {"setup": scrolling, "table": self.table, "parallel": self.parallel, "scatter": self.scatter}
        for page in (*self._pages_of.values(), self._nothing):
            self._stack.addWidget(page)
        self.body_layout.addWidget(self._stack, 1)
        foot = QHBoxLayout()
        foot.setSpacing(6)
        self.words = ElidedLabel("", self.body)
        self.words.setProperty("role", "muted")
        set_font(self.words, 12)
        foot.addWidget(self.words, 1)
        self.open_button = small_button(
            "Open", "Show its best run in front of your project (Enter)", self.open_run, self.body
        )
        self.compare_button = small_button(
            "Compare", "Draw the curves of its seeds beside those on the screen (Space)", self.compare_runs, self.body
        )
        self.use_button = small_button(
            "Use settings", "Take its settings into your project; one step of undo (S)", self.use_settings, self.body
        )
        self.more_button = small_button("Go on", _GO_ON, self._go_on, self.body)
        self.start_button = small_button("Start", "", self._start_or_stop, self.body)
        self.start_button.setProperty("role", "primary")
        for button in (self.open_button, self.compare_button, self.use_button, self.more_button, self.start_button):
            foot.addWidget(button)
            button.setVisible(button is self.start_button)  # Together they would ask for a wider panel than there is.
        self.body_layout.addLayout(foot)
        follow(self._sweeps.changed, self._on_changed)
        follow(self.workspace.training.changed, self._show_foot)
        follow(self.document.changed, self._on_document)

    # ---- what is shown -------------------------------------------------------------------------------------------

    def looks_at(self) -> Interest:
        """Nothing is measured for it."""
        return NOTHING

    def focus_first(self) -> None:
        """Put the keyboard into the trials, or into the search for a setting."""
        (self.table if self.views.value == "table" else self.setup.add).setFocus(Qt.FocusReason.ShortcutFocusReason)

    def draw(self, run: RunView, changed: frozenset[str], step: int | None, *, fresh: bool) -> bool:
        """The run on the screen has no part in it."""
        if fresh:
            self._follow()
        return True

    def redraw(self) -> None:
        """Draw everything again; there need not be a run for it."""
        super().redraw()
        if self.run is None and self.isVisible():
            self.refresh(NOTHING_SHOWN, frozenset())

    def restyle(self) -> None:
        """Take colours and letters of the theme."""
        self._told = None  # what is drawn again now fills the table anew
        self.table.verticalHeader().setDefaultSectionSize(line_height(13) + 10)
        super().restyle()
        for picture in (self.parallel, self.scatter):
            picture.update()

    def rows(self) -> Iterator[Sequence[Cell]]:
        """One row a run, with the settings of its trial."""
        record = self._sweeps.record
        if record is None:
            yield ["trial", "seed", "state", "run"]
            return
        paths = [one.path for one in self._sweeps.dimensions]
        yield ["trial", *paths, "seed", record.plan.objective, "state", "run"]
        for trial in record.best_first():
            settings = ["" if path in trial.left_out else trial.settings.get(path, "") for path in paths]
            for run in trial.runs:
                value = "" if run.value is None else run.value
                yield [trial.number + 1, *settings, run.seed, value, run.state, run.run]

    def showEvent(self, event: QShowEvent) -> None:
        """Look what there is."""
        self._sweeps.look()
        super().showEvent(event)

    def leave_desk(self) -> None:
        """In a lecture nothing is set up: what came of it is shown, and how it goes."""
        super().leave_desk()
        self._on_page = True
        self.views.set_offered("setup", False)
        self.show_view("table")

    def next_view(self) -> None:
        """Table, parallel axes, points over a setting, each setting in turn."""
        views = [key for key, _, _ in _VIEWS if key != "setup" or self.views.value == "setup"]
        more = self.setting.currentIndex() + 1
        if self.views.value == "scatter" and more < self.setting.count():
            self._show_setting(more)
            return
        self._show_setting(0)
        self.show_view(views[(views.index(self.views.value) + 1) % len(views)])

    def take_key(self, event: QKeyEvent) -> bool:
        """Walk from trial to trial, the best first; Enter shows the best run of the chosen one."""
        listed = [trial.number for trial in self._listed]
        at = listed.index(self._chosen) if self._chosen in listed else -1
        places = {
            Qt.Key.Key_Left: max(at - 1, 0),
            Qt.Key.Key_PageUp: max(at - 1, 0),
            Qt.Key.Key_Right: at + 1,
            Qt.Key.Key_PageDown: at + 1,
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: len(listed) - 1,
        }
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.open_run()
        elif key not in places:
            return False
        elif listed:
            self.choose(listed[min(places[key], len(listed) - 1)])
        return True

    def show_view(self, view: str) -> None:
        """Show one of the views."""
        self.views.set_value(view)
        self._turn()
        self._show_foot()

    def _show_setting(self, place: int) -> None:
        """Put the setting at this place of the list below the points."""
        if place < self.setting.count():
            self.setting.setCurrentIndex(place)
            self.scatter.show_setting(str(self.setting.itemData(place)))

    def choose(self, number: int) -> None:
        """Mark a trial in all views; -1 for none."""
        self._chosen = number
        for picture in (self.parallel, self.scatter):
            picture.choose(number)
        self.table.blockSignals(True)
        row = next((at for at, trial in enumerate(self._listed) if trial.number == number), -1)
        if row >= 0:
            self.table.selectRow(row)
        else:
            self.table.clearSelection()
        self.table.blockSignals(False)
        self._show_foot()

    @property
    def chosen(self) -> Trial | None:
        """The trial that is marked."""
        record = self._sweeps.record
        return record.trials[self._chosen] if record is not None and 0 <= self._chosen < len(record.trials) else None

    @property
    def _listed(self) -> list[Trial]:
        return [] if self._told is None else self._told.best_first()

    def _turn(self) -> None:
        view = self.views.value
        empty = view != "setup" and self._sweeps.record is None
        self._stack.setCurrentWidget(self._nothing if empty else self._pages_of[view])

    def _on_document(self, *_change: object) -> None:
        if self.isVisible():
            self.setup.follow(self.document.project)

    def _on_changed(self) -> None:
        if self.isVisible():
            self._follow()

    def _follow(self) -> None:
        self.setup.follow(self.document.project)
        self._show_names()
        record = self._sweeps.record
        newest = next(iter(self._sweeps.known), None)
        if record is None and newest not in (None, self._tried) and not self._sweeps.running:
            self._tried = newest  # once: one that is damaged is told of once
            self._sweeps.show(newest)
        running = self._sweeps.running
        if record is not self._told or running is not self._told_running:
            self._told_running = running
            another = self._told is None or record is None or record.plan.name != self._told.plan.name
            self._told = record
            if another and (record is None or self._chosen >= len(record.trials)):
                self._chosen = -1
            self._fill(record)
        self._turn()
        self._show_foot()

    def _show_names(self) -> None:
        known = list(self._sweeps.known)
        path = self._sweeps.path
        if path is not None and path not in known:
            known.insert(0, path)
        self.names.setVisible(bool(known))
        self.names.setEnabled(not self._sweeps.running)
        if [self.names.itemData(at) for at in range(self.names.count())] != known:
            self.names.clear()
            for one in known:
                self.names.addItem(one.stem, one)
        if path is not None:
            self.names.setCurrentIndex(known.index(path))

    def _fill(self, record: SweepRecord | None) -> None:
        dimensions = self._sweeps.dimensions
        for picture in (self.parallel, self.scatter):
            picture.show_sweep(record, dimensions)
        paths = [one.path for one in dimensions]
        if [self.setting.itemData(at) for at in range(self.setting.count())] != paths:
            self.setting.clear()
            for path in paths:
                self.setting.addItem(words_of(path) if "." in path else path, path)
            self.scatter.show_setting(paths[0] if paths else "")
        self.table.blockSignals(True)
        self.table.clear()
        if record is None:
            self.table.setRowCount(0)
        else:
            self._fill_table(record, paths)
        self.table.blockSignals(False)
        self.choose(self._chosen)

    def _fill_table(self, record: SweepRecord, paths: Sequence[str]) -> None:
        figure = Axis.of_figure(record).title
        head = [
            "trial",
            *(words_of(path) if "." in path else path for path in paths),
            figure,
            "runs",
            "what became of it",
        ]
        trials = record.best_first()
        # What goes on is not yet unfinished.
        open_ones = (trial for trial in record.trials if not trial.ended(record.plan.seeds))
        trained = next(open_ones, None) if self._sweeps.running else None
        if not any(outcome(trial, record.plan.seeds) for trial in record.trials):
            head.pop()
        self.table.setColumnCount(len(head))
        self.table.setRowCount(len(trials))
        self.table.setHorizontalHeaderLabels(head)
        reached = {trial.mean for trial in trials if not math.isnan(trial.mean)}
        for row, trial in enumerate(trials):
            # Where all came to the same, none is the best; where two share the first place, both are.
            best = len(reached) > 1 and trial.mean == trials[0].mean
            cells = [
                str(trial.number + 1),
                *(setting_text(trial, path) for path in paths),
                with_spread(record.plan.objective, trial),
                f"{len(trial.values)} of {record.plan.seeds}",
                _IN_TRAINING if trial is trained else outcome(trial, record.plan.seeds),
            ]
            for column, text in enumerate(cells[: len(head)]):
                item = QTableWidgetItem(text)
                item.setFont(themes.font(13, 600 if best and column == len(paths) + 1 else 400))
                item.setToolTip(text)
                if best and column == len(paths) + 1:
                    item.setForeground(themes.current().good)
                self.table.setItem(row, column, item)

    def _on_row(self) -> None:
        row = self.table.currentRow()
        if self.table.selectedItems() and 0 <= row < len(self._listed):
            self.choose(self._listed[row].number)

    # ---- how it goes ---------------------------------------------------------------------------------------------

    def _show_foot(self) -> None:
        sweeps, setting_up = self._sweeps, self.views.value == "setup"
        trial = self.chosen
        for button in (self.open_button, self.compare_button, self.use_button):
            button.setVisible(not setting_up and sweeps.record is not None and not self._on_page)
            button.setEnabled(trial is not None and any(run.run for run in trial.runs))
        self.use_button.setEnabled(trial is not None and not self.document.read_only)
        self.more_button.setEnabled(not sweeps.why_not_go())
        self.more_button.setToolTip(sweeps.why_not_go() or _GO_ON)
        self.more_button.setVisible(not sweeps.running and not setting_up and self._can_go_on)
        self.start_button.setVisible(setting_up or sweeps.running)
        self.start_button.setText("Stopping…" if sweeps.stopping else "Stop" if sweeps.running else "Start")
        blocked = self._blocked
        self.start_button.setEnabled(not sweeps.stopping if sweeps.running else not blocked)
        self.start_button.setToolTip(
            "End it after the batch that is under way; it can be gone on with" if sweeps.running else blocked
        )
        self.words.set_wordings(*self._words(setting_up))

    @property
    def _can_go_on(self) -> bool:
        record = self._sweeps.record
        if record is None:
            return False
        if record.plan.search != "grid" or any(not trial.ended(record.plan.seeds) for trial in record.trials):
            return record.runs < MOST_RUNS
        # Points that mean the same are made once: going on says so where only such are left.
        made = len(record.trials) >= math.prod(len(one.on_grid()) for one in self._sweeps.dimensions)
        return not made and self._sweeps.ended != EVERYTHING_TRIED

    @property
    def _blocked(self) -> str:
        """Why none can be started now; empty where one can."""
        training = self.workspace.training
        if training.replay is not None:
            return training.blocked()
        return self.setup.problem or training.blocked() or self._sweeps.why_not_go()

    def _words(self, setting_up: bool) -> tuple[str, ...]:
        """What the foot says, and shorter where there is less room."""
        sweeps = self._sweeps
        if sweeps.running:
            return (self._progress_words(),)
        if setting_up:
            return (self._blocked or self._estimate(),)
        record, trial = sweeps.record, self.chosen
        if record is None:
            return (sweeps.ended,)
        if trial is not None:
            return (words_about(record, trial),)
        passing = sum(self.parallel.passes(one) for one in record.trials)
        if self.views.value == "parallel" and passing < len(record.trials):
            return (f"{passing} of {len(record.trials)} trials pass",)
        trials = len(record.trials)
        count = f"{trials} trial{'s' * (trials != 1)}, {record.runs} run{'s' * (record.runs != 1)}"
        said = (f"{count}. Click one to see its settings.", count)
        return (f"{sweeps.ended} {said[0]}", sweeps.ended, count) if sweeps.ended else said

    def _progress_words(self) -> str:
        progress = self._sweeps.progress
        if progress is None:
            return "Beginning…"
        if progress.resting:
            return "It rests while you train; pause your training to let it go on."
        planned = "" if progress.planned is None else f" of {progress.planned}"
        words = f"Run {progress.runs + 1}{planned}"
        if progress.epochs:
            words += f", epoch {progress.epoch} of {progress.epochs}"
        if math.isfinite(progress.left_seconds):
            words += f", about {themes.format_duration(progress.left_seconds)} left"
        return words

    def _as_swept(self, project: Project) -> Project:
        """The project in which all layers start as the training says, where they did so in the sweep."""
        record = self._sweeps.record
        if record is None:
            return project
        try:
            swept = io.loads(record.plan.project.encode(), record.plan.name)
        except InputError:
            return project
        return as_varied(project, swept, record.plan.paths)

    def _estimate(self) -> str:
        """How many runs, and how long they will take: as fast as it trains now, or as such trainings went before."""
        runs = self.setup.planned_runs()
        count = "Runs until the time is over" if runs is None else f"{runs} run{'s' * (runs != 1)}"
        training, epochs = self.workspace.training, self.document.project.training.epochs
        sizes, position = training.split_sizes, training.bridge.position
        expected = training.expected.duration(sizes)
        seconds = math.nan if expected is None else expected.whole
        if sizes and position is not None and position.samples_per_second:
            seconds = epochs * sizes[0] / position.samples_per_second
        if runs is None or not math.isfinite(seconds):
            return f"{count}. Train for a moment to see how long that takes."
        return f"{count} of {epochs} epochs: about {themes.format_duration(runs * seconds)}"

    # ---- what is done --------------------------------------------------------------------------------------------

    def _start_or_stop(self) -> None:
        if self._sweeps.running:
            self._sweeps.stop()
            return
        plan = self.setup.plan()
        if plan is None or self._blocked:
            return
        self._say_that_training_rests()
        self._chosen = -1
        self._sweeps.start(plan, self.setup.most_runs, self.setup.most_minutes)
        self.show_view("table")

    def _go_on(self) -> None:
        record = self._sweeps.record
        if record is None:
            return
        runs, minutes = self.setup.most_runs, self.setup.most_minutes
        if record.plan.search != "grid" and runs is None and minutes is None:
            runs = record.runs + 10
        elif runs is not None and runs <= record.runs:  # it counts those from before: as many once more
            runs += record.runs
        runs = None if runs is None else min(runs, MOST_RUNS)
        self._say_that_training_rests()
        self._sweeps.go_on(runs, minutes)

    def _say_that_training_rests(self) -> None:
        if self.workspace.training.bridge.state == "running":
            self.message.emit("Your training rests while the sweep goes on.")

    def _files(self) -> list[Path]:
        record, trial = self._sweeps.record, self.chosen
        return [] if record is None or trial is None else paths_of(record, trial.number)

    def open_run(self) -> None:
        """Show the best run of the chosen trial in front of the project."""
        record, trial = self._sweeps.record, self.chosen
        files = self._files()
        if record is None or trial is None or not files:
            return
        sign = -1 if record.plan.higher_is_better else 1
        known = [run for run in trial.runs if run.state == "done" and run.value is not None]
        best = min(known, key=lambda run: sign * (run.value or 0.0), default=None)
        self.workspace.files.open(files[0] if best is None else files[0].with_name(best.run))

    def _open_trial(self, number: int) -> None:
        self.choose(number)
        self.open_run()

    def compare_runs(self) -> None:
        """Draw the curves of the chosen trial's runs beside those on the screen, or no longer."""
        files = self._files()[:MOST_COMPARED]
        if files:
            compared = self.workspace.runs.compared
            self.workspace.runs.compare(() if set(files) <= set(compared) else files)

    def use_settings(self) -> None:
        """Take the settings of the chosen trial into the project."""
        trial = self.chosen
        if trial is None:
            return
        before = self.document.project
        chosen = [(path, value) for path, value in trial.settings.items() if path not in trial.left_out]
        chosen.sort(key=lambda one: one[0] != "training.optimizer")
        params = {kind: spec.params for kind, spec in datasets.datasets().items()}
        try:
            after = varied(self._as_swept(before), chosen, params)
        except InputError as error:
            self.message.emit(f"Your project has no such settings any more: {error}")
            return
        if after == before:
            self.message.emit("Your project has these settings already.")
            return
        self.workspace.apply(change_to(before, after, f"Use the settings of trial {trial.number + 1}"))
        self.message.emit(f"Settings of trial {trial.number + 1} taken; undo takes them back.")
