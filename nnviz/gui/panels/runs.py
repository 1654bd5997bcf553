"""Every training as a row: named, tagged, pinned, found, ordered, compared, and put into the trash."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, QTimer, QUrl
from PySide6.QtGui import QAction, QDesktopServices, QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QInputDialog, QLineEdit, QMenu, QWidget

from nnviz.gui.look import theme as themes
from nnviz.gui.panels.base import Cell, Panel
from nnviz.gui.panels.runs_columns import (
    BY_KEY,
    FIXED,
    NAME,
    Column,
    columns_of,
    in_order,
    setting_column,
    setting_of,
    settings_that_differ,
)
from nnviz.gui.panels.runs_model import RunsModel
from nnviz.gui.panels.runs_table import RunsTable
from nnviz.gui.panels.small_button import small_button
from nnviz.gui.parts.action import Action, literal
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.screens import StayOnScreen
from nnviz.gui.parts.widgets import ElidedLabel, Segments, set_font
from nnviz.gui.runs.run_row import RunRow
from nnviz.gui.runs.shown import NOTHING_SHOWN
from nnviz.project.edit import Several
from nnviz.project.edits import SetTraining
from nnviz.project.model import Project
from nnviz.record.interest import NOTHING, Interest
from nnviz.record.run import RunView
from nnviz.record.run_filter import RunFilter, parse_filter

#: Milliseconds between two looks at the live run, and after the last key before it is searched.
_LIVE, _TYPING = 500, 120
#: So many looks at the live run go by between two at those that others write.
_OTHERS = 10
#: Settings that the menu of the columns offers.
_MOST_OFFERED = 40
_NOTHING_FITS = "No run fits what is searched."
_HINT = "Search: a word, optimizer=adam, accuracy>0.9, tag:x"


class RunsPanel(Panel):
    """The list of all runs; it follows the folder and the training, not the run on the screen."""

    key = "runs"
    title = "Runs"
    letter = "J"
    least_width = 560
    least_height = 300
    empty = (
        "Nothing has been trained yet. Press Play: every training is kept by itself and listed here, "
        "to be compared with others."
    )
    help = (
        "<p><b>What it shows.</b> Every training, the newest first, with what it reached and the settings in which the "
        "listed runs differ. The live one is among them. Results: the lowest validation loss, and what was right at "
        "that epoch; the best of each column is green.</p>"
        "<p><b>Compare.</b> Tick runs (<b>Space</b>): their curves are drawn beside those on the screen, each in its "
        "colour. <b>Compare</b> lays their results, settings and feature maps side by side.</p>"
        "<p><b>Find and order.</b> Type words, or settings and results: <i>mnist optimizer=adam accuracy&gt;0.9 "
        "-failed</i>. A click on a header orders by it; its menu chooses the columns. Pinned runs stay at the top.</p>"
        "<p><b>What to do with one.</b> <b>Enter</b> opens it in front of your project, <b>C</b> "
        "continues its training, <b>W</b> begins your network with its weights, <b>F2</b> renames, <b>T</b> "
        "tags, <b>P</b> pins, <b>S</b> takes its training settings into your project, <b>O</b> opens its project, "
        "<b>Del</b> moves it to the trash, from which it comes back.</p>"
    )

    def build(self) -> None:
        """The field to search in, the list, and what can be done."""
        self._runs = self.workspace.runs
        self._of_trash = False
        self._sort = ("created", True)
        #: Keys of the columns that were chosen; None while that was not looked up.
        self._chosen: tuple[str, ...] | None = None
        self._dialog: QInputDialog | None = None
        self.field = QLineEdit(self.header)
        self.field.setPlaceholderText(_HINT)
        self.field.setAccessibleName("Search runs")
        self.field.setToolTip(
            "Words of names, tags and settings; or settings and results: optimizer=adam lr<0.01 accuracy>90% -failed"
        )
        self.field.setClearButtonEnabled(True)
        set_font(self.field, 12)
        self.add_to_header(self.field, stretch=1, instead_of_subtitle=True)
        self.views = Segments(
            (("runs", "Runs", "The runs that are kept"), ("trash", "Trash", "Runs that were deleted")), self.header
        )
        self.views.chosen.connect(self.show_view)
        self.add_to_header(self.views)
        self._model = RunsModel(self)
        self.table = RunsTable(self._model)
        self.table.deeds = self._deeds()
        self.body_layout.setContentsMargins(8, 0, 8, 6)
        self.body_layout.addWidget(self.table, 1)
        self.foot = QWidget(self.body)
        row = QHBoxLayout(self.foot)
        row.setContentsMargins(4, 2, 0, 0)
        row.setSpacing(6)
        self.words = ElidedLabel("", self.foot)
        self.words.setProperty("role", "muted")
        set_font(self.words, 12)
        row.addWidget(self.words, 1)
        self.none = small_button(
            "Compare none", "Draw no other run beside the one on the screen", self._compare_none, self.foot
        )
        self.compare_button = small_button(
            "Compare…",
            "Results, settings and feature maps of the ticked runs side by side (F12)",
            self._compare_page,
            self.foot,
        )
        self.restore_button = small_button(
            "Bring back", "Bring the selected runs back (Enter)", self._restore, self.foot
        )
        for button in (self.none, self.compare_button, self.restore_button):
            row.addWidget(button)
        self.body_layout.addWidget(self.foot)

        self._model.ticked.connect(self._on_ticked)
        self._model.renamed.connect(self._runs.rename)
        self.table.opened.connect(lambda _path: self._open())
        self.table.sorted_by.connect(self._on_sorted)
        self.table.columns_requested.connect(self._choose_columns)
        self.table.left.connect(self.field.setFocus)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._show_foot())
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING)
        self._typing.timeout.connect(self._follow)
        self.field.textChanged.connect(lambda _text: self._typing.start())
        self.field.returnPressed.connect(self.focus_first)
        self._live = QTimer(self)
        self._live.setInterval(_LIVE)
        self._live.timeout.connect(self._on_live)
        self._live_step, self._ticks = -2, 0
        follow(self._runs.changed, self._on_runs)
        follow(self._runs.compared_changed, self._on_compared)

    def _deeds(self) -> tuple[tuple[Action, ...], ...]:
        """What can be done with the chosen runs; none of it is in the menu bar, whose keys would be the canvas'."""

        def deed(name: str, text: str, help: str, do: object, keys: tuple[str, ...], why_not: object = None) -> Action:
            return Action(
                name=f"run_{name}",
                text=text,
                help=help,
                do=do,  # type: ignore[arg-type]  # a method without arguments
                menu="&Instruments",
                section=1,
                keys=keys,
                why_not=why_not or self._why_not,  # type: ignore[arg-type]  # as above
            )

        kept = self._why_not_kept
        return (
            (
                deed(
                    "open",
                    "Open in front of my project",
                    "Look at it, step by step",
                    self._open,
                    ("Return", "Enter"),
                    kept,
                ),
                deed(
                    "tick",
                    "Compare, or no longer",
                    "Draw its curves beside those on the screen",
                    self._tick,
                    ("Space",),
                    kept,
                ),
            ),
            (
                deed(
                    "continue",
                    "Continue training",
                    "Go on where it stopped, as the training of your project",
                    self._continue,
                    ("C",),
                    self._why_no_continuing,
                ),
                deed(
                    "warm",
                    "Start warm from it",
                    "Begin again with the weights of its layers that fit your network",
                    self._start_warm,
                    ("W",),
                    self._why_no_warm_start,
                ),
            ),
            (
                deed("rename", "Rename", "Call it something else", self.table_rename, ("F2",), kept),
                deed("tags", "Tags…", "Words by which it is found", self._ask_tags, ("T",), kept),
                deed("pin", "Pin, or no longer", "Keep it at the top of the list", self._pin, ("P",), kept),
            ),
            (
                deed(
                    "settings",
                    "Use its training settings",
                    "Take optimizer, schedule, batch size, epochs and seed into your project; one step of undo",
                    self._use_settings,
                    ("S",),
                    self._why_no_settings,
                ),
                deed(
                    "project",
                    "Open its project",
                    "Take the project of the run in place of yours",
                    self._open_project,
                    ("O",),
                    kept,
                ),
                deed("reveal", "Show in its folder", "Open the folder of its file", self._reveal, ("R",)),
            ),
            (
                deed(
                    "delete",
                    "Move to the trash",
                    "It can be brought back",
                    self._delete,
                    ("Del", "Backspace"),
                    self._why_no_delete,
                ),
                deed(
                    "restore",
                    "Bring back",
                    "Move it out of the trash",
                    self._restore,
                    ("Return", "Enter"),
                    self._why_not_trashed,
                ),
            ),
        )

    # ---- what is shown -------------------------------------------------------------------------------------------

    @property
    def model(self) -> RunsModel:
        """The item model behind the list."""
        return self._model

    def looks_at(self) -> Interest:
        """Nothing is measured for it."""
        return NOTHING

    def focus_first(self) -> None:
        """Put the keyboard into the rows."""
        if not self.table.currentIndex().isValid() and self._model.rows:
            self.table.selectRow(0)
        self.table.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def draw(self, run: RunView, changed: frozenset[str], step: int | None, *, fresh: bool) -> bool:
        """The run on the screen is one of many: what is listed is seen by itself."""
        if fresh:
            self._follow()
        return self._has_rows

    def redraw(self) -> None:
        """Draw everything again; there need not be a run for it."""
        super().redraw()
        if self.run is None and self.isVisible():
            self.refresh(NOTHING_SHOWN, frozenset())

    def restyle(self) -> None:
        """Take the letters of the theme: rows of another height."""
        super().restyle()
        self.table.restyle()

    def rows(self) -> Iterator[Sequence[Cell]]:
        """One row a run, as they stand."""
        yield [*(column.title for column in self._model.columns), "tags", "file"]
        for row in self._model.rows:
            cells: list[Cell] = []
            for column in self._model.columns:
                value = column.value(row) if column.key != NAME else row.name
                cells.append("" if value is None else value)
            yield [*cells, " ".join(row.label.tags), row.path.name]

    def showEvent(self, event: QShowEvent) -> None:
        """Look what there is."""
        self._runs.look()
        self._live.start()
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        """What nobody sees needs no following."""
        self._live.stop()
        super().hideEvent(event)

    def show_view(self, view: str) -> None:
        """Show ``runs`` or ``trash``."""
        self._of_trash = view == "trash"
        self.views.set_value(view)
        self.table.clearSelection()
        self._follow()
        self._turn()

    @property
    def _has_rows(self) -> bool:
        """The trash can be looked into although nothing is kept, and back."""
        return bool(self._runs.rows or self._runs.trashed or self._of_trash)

    def _on_runs(self) -> None:
        if self.isVisible():
            if self._runs.stale:
                self._runs.look()
            self._follow()
            self._turn()

    def _turn(self) -> None:
        self._pages.setCurrentWidget(self.body if self._has_rows else self._empty)

    def _on_compared(self) -> None:
        if self.isVisible():
            self._follow()

    def _on_live(self) -> None:
        """The row of the live run, twice a second while it moves; runs of others every few seconds."""
        run = self.workspace.training.workbench.run
        step = -1 if run is None else run.last_step
        if step != self._live_step:
            self._live_step = step
            row = self._runs.live_row()
            if row is not None and not self._of_trash:
                self._model.replace_row(row)
        self._ticks += 1
        if self._ticks % _OTHERS == 0 and any(row.summary.running and not row.live for row in self._model.rows):
            self._runs.look()

    def _follow(self) -> None:
        """Bring the list up to date; what is selected stays so."""
        if self._chosen is None:
            self._chosen = self.workspace.settings.run_columns if self._has_rows else None
        every = self._runs.trashed if self._of_trash else self._runs.rows
        found = parse_filter(self.field.text(), [row.filterable for row in every])
        fitting = [row for row in every if found.holds(row.filterable)]
        columns = columns_of(fitting, self._chosen or ())
        key, descending = self._sort
        by = next((column for column in columns if column.key == key), BY_KEY["created"])
        selected, current = [row.path for row in self.table.chosen], self.table.current_path
        places = self._runs.places
        if (shown := self._runs.shown_path) is not None:
            places[shown] = self._runs.shown_place
        if self._model.show(in_order(fitting, by, descending=descending), columns, places, shown):
            self.table.choose(selected, current)
            self.table.fit_columns()
        self.table.set_sort(by.key, descending)
        self.views.set_value("trash" if self._of_trash else "runs")
        self._tell(len(fitting), every, found)
        self._show_foot()

    def _tell(self, count: int, every: Sequence[RunRow], typed: RunFilter) -> None:
        noun = "run" if len(every) == 1 else "runs"
        total = f"{themes.format_count(len(every))} {noun}"
        if typed.unknown:
            words = f"No run has a setting “{typed.unknown[0]}”."
        elif self._of_trash and not every:
            words = "The trash is empty."
        elif every and not count:
            words = next(iter(typed.no_numbers), _NOTHING_FITS)
        else:
            words = f"{themes.format_count(count)} of {total}" if count != len(every) else total
            words += f", {themes.format_bytes(sum(row.size for row in self._model.rows))}"
        compared = len(self._runs.compared)
        more = f"{words} · {compared} compared" if compared and not self._of_trash else words
        if not self._runs.complete:
            more = f"{words} · reading…"
        self.words.set_wordings(more, words, total)

    def _show_foot(self) -> None:
        chosen = bool(self.table.chosen)
        self.none.setVisible(not self._of_trash and bool(self._runs.compared))
        self.compare_button.setVisible(not self._of_trash)
        self.compare_button.setEnabled(bool(self._runs.compared) or len(self.table.chosen) > 1)
        self.restore_button.setVisible(self._of_trash)
        self.restore_button.setEnabled(chosen)

    # ---- columns and order ---------------------------------------------------------------------------------------

    def _on_sorted(self, key: str, descending: bool) -> None:
        self._sort = (key, descending)
        self._follow()

    def add_options(self, menu: QMenu) -> None:
        """The columns, and what can be done with the chosen runs."""
        columns = QMenu("Col&umns", menu)  # its own: PySide may take what Qt has made for deleted while it is not
        menu.addMenu(columns)
        columns.aboutToShow.connect(lambda: self._fill_columns(columns))
        deeds = QMenu("With the &selected runs", menu)
        menu.addMenu(deeds)

        def fill() -> None:
            deeds.clear()
            self.table.fill(deeds)

        deeds.aboutToShow.connect(fill)

    def _choose_columns(self, place: QPoint) -> None:
        menu = QMenu(self)
        self._fill_columns(menu)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(place)

    def _fill_columns(self, menu: QMenu) -> None:
        menu.clear()
        menu.setToolTipsVisible(True)
        shown = {column.key for column in self._model.columns}

        def offer(into: QMenu, column: Column) -> None:
            action: QAction = into.addAction(literal(column.title))
            action.setToolTip(column.help)
            action.setCheckable(True)
            action.setChecked(column.key in shown)
            action.triggered.connect(lambda on, key=column.key: self.show_column(key, on))

        for column in FIXED:
            if column.key != NAME:
                offer(menu, column)
        menu.addSeparator()
        differing = settings_that_differ(self._runs.trashed if self._of_trash else self._runs.rows)
        also = [setting_of(key) for key in shown if setting_of(key) and setting_of(key) not in differing]
        settings = menu.addMenu("&Settings that differ")
        settings.setToolTipsVisible(True)
        for path in [*differing[:_MOST_OFFERED], *also]:
            offer(settings, setting_column(path))
        settings.setEnabled(bool(differing or also))
        menu.addSeparator()
        usual = menu.addAction("The &usual ones")
        usual.setEnabled(bool(self._chosen))
        usual.triggered.connect(lambda: self._keep_columns(()))

    def show_column(self, key: str, shown: bool) -> None:
        """Show a column, or no longer."""
        keys = [column.key for column in self._model.columns]
        if shown and key not in keys:
            keys.append(key)
        elif not shown and key in keys and key != NAME:
            keys.remove(key)
        self._keep_columns(tuple(keys))

    def _keep_columns(self, keys: tuple[str, ...]) -> None:
        self._chosen = self.workspace.settings.run_columns = keys
        self._follow()

    # ---- what is done --------------------------------------------------------------------------------------------

    def _why_not(self) -> str:
        return "" if self.table.chosen else "Select a run first."

    def _why_not_kept(self) -> str:
        return "It is in the trash: bring it back first." if self._of_trash else self._why_not()

    def _why_not_trashed(self) -> str:
        return self._why_not() if self._of_trash else "It is not in the trash."

    def _why_no_settings(self) -> str:
        return self._why_not_kept() or self.document.read_only

    def _why_no_delete(self) -> str:
        if any(row.live or row.summary.running for row in self.table.chosen):
            return "It is being written: end its training first."
        return self._why_not_kept()

    def _open(self) -> None:
        for row in self.table.chosen[:1]:
            if self._of_trash:
                self._restore()
            elif row.summary.damage:
                self.message.emit(row.summary.damage)
            elif row.live:
                self.message.emit("This is the run that is trained here: it is on the screen already.")
            else:
                self.workspace.files.open(row.path)

    def _why_no_continuing(self) -> str:
        if any(row.live for row in self.table.chosen):
            return "This is the run that is trained here."
        if any(row.summary.running for row in self.table.chosen):
            return "It is being written by another nnviz."
        return self._why_not_kept()

    def _why_no_warm_start(self) -> str:
        return self._why_not_kept() or self.document.read_only

    def _continue(self) -> None:
        self._runs.continue_training(self.table.chosen[0].path)

    def _start_warm(self) -> None:
        self._runs.start_warm(self.table.chosen[0].path)

    def _tick(self) -> None:
        """Tick all that are chosen, or none of them where all are."""
        chosen = [row.path for row in self.table.chosen if row.path != self._runs.shown_path and not row.summary.damage]
        compared = list(self._runs.compared)
        if all(path in compared for path in chosen):
            self._runs.compare([path for path in compared if path not in chosen])
        else:
            self._runs.compare([*compared, *chosen])

    def _on_ticked(self, path: Path, on: bool) -> None:
        others = [one for one in self._runs.compared if one != path]
        self._runs.compare([*others, path] if on else others)

    def _compare_none(self) -> None:
        self._runs.compare(())

    def _compare_page(self) -> None:
        """Lay those that are ticked side by side; where none is, those that are selected."""
        if not self._runs.compared:
            self._tick()
        self._runs.page_requested.emit()

    def table_rename(self) -> None:
        """Type another name in the place of the current one."""
        self.table.rename_current()

    def _ask_tags(self) -> None:
        chosen = self.table.chosen
        paths = [row.path for row in chosen]
        dialog = self._dialog = QInputDialog(self)
        StayOnScreen(dialog)
        dialog.setWindowTitle("Tags")
        dialog.setLabelText("Tags of the selected run, with commas between them:")
        if len(paths) > 1:
            dialog.setLabelText(f"Tags of the {len(paths)} selected runs, with commas between them:")
        dialog.setTextValue(", ".join(chosen[0].label.tags))
        dialog.textValueSelected.connect(lambda text: self._runs.tag(paths, text.split(",")))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _pin(self) -> None:
        chosen = self.table.chosen
        self._runs.pin([row.path for row in chosen], not all(row.label.pinned for row in chosen))

    def _use_settings(self) -> None:
        row = self.table.chosen[0]

        def done(project: Project) -> None:
            edit = Several((SetTraining(project.training),), f"Use the training settings of {row.name}")
            if project.training == self.document.project.training:
                self.message.emit("Your project has these training settings already.")
                return
            self.workspace.apply(edit)
            self.message.emit(f"Training settings of “{row.name}” taken; undo takes them back.")

        self._runs.project_of(row.path, done)

    def _open_project(self) -> None:
        def done(project: Project) -> None:
            self.workspace.files.open_project(project)

        self._runs.project_of(self.table.chosen[0].path, done)

    def _reveal(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.table.chosen[0].path.parent)))

    def _delete(self) -> None:
        self._runs.delete([row.path for row in self.table.chosen])

    def _restore(self) -> None:
        self._runs.restore([row.path for row in self.table.chosen])
