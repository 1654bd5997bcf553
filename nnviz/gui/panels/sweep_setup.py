"""What a sweep is to do: the settings that vary with their values, seeds, search, budget, and how long it will take."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QCompleter,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from nnviz.errors import InputError
from nnviz.gui.look import theme as themes
from nnviz.gui.look.icons import bind
from nnviz.gui.parts.action import literal
from nnviz.gui.parts.flow_row import FlowRow
from nnviz.gui.parts.soon import soon
from nnviz.gui.parts.widgets import Segments, set_font
from nnviz.project import flat_settings, registry
from nnviz.project.files import io
from nnviz.project.model import Project
from nnviz.project.settable import Settable, settable
from nnviz.project.spec import ParamSpec
from nnviz.project.starts import one_start_note
from nnviz.project.value_text import number_text
from nnviz.train.sweep_record import MOST_RUNS, MOST_SEEDS, Plan
from nnviz.train.sweep_space import DatasetParams, Space, parse_dimension

_INTRODUCTION = (
    "A sweep trains your project again and again with other settings and compares what comes of it. "
    "Choose a setting below, then press Start."
)
_SEARCHES = (
    ("grid", "Grid", "Every value with every other, in order"),
    ("random", "Random", "Points drawn at random, until the budget is used"),
    ("tpe", "TPE", "Where the trials so far promise most (tree-structured Parzen estimator, by Optuna)"),
)
_VALUES_HINT = "values with commas, or a range: 0.001..0.1:log"
#: A range that is offered for a number: down to this part of what it is now, and up to so many times.
_DOWN, _UP = 0.1, 10.0


class _Row(QWidget):
    """A setting that varies and its values, as they are typed behind ``--vary``."""

    changed = Signal()
    removed = Signal()

    def __init__(self, setting: Settable, values: str, known: dict[str, Settable], parent: QWidget) -> None:
        super().__init__(parent)
        self.setting = setting
        self._known = known
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        name = QLabel(setting.title, self)
        name.setTextFormat(Qt.TextFormat.PlainText)
        name.setMinimumWidth(150)
        name.setToolTip(f"{setting.spec.help}\nAllowed: {setting.spec.allowed()}.")
        set_font(name, 13, 500)
        self.values = QLineEdit(values, self)
        self.values.setPlaceholderText(_VALUES_HINT)
        self.values.setAccessibleName(f"Values of {setting.title}")
        self.values.setToolTip(
            "Values with commas between them (sgd, adam), or a range: 0.001..0.1:log (steps are factors), "
            f"0..0.5:linear; :7 behind it gives a grid seven values.\n{setting.spec.title}: {setting.spec.allowed()}."
        )
        set_font(self.values, 13)
        self.values.textChanged.connect(lambda _text: self.changed.emit())
        row.addWidget(name)
        row.addWidget(self.values, 1)
        if keys := _keys(setting.spec):
            row.addWidget(self._chooser(keys))
        remove = QToolButton(self)
        bind(remove, "close", "text_muted")
        remove.setProperty("role", "flat")
        remove.setToolTip(f"Do not vary {setting.title}")
        remove.setAccessibleName(remove.toolTip())
        remove.clicked.connect(self.removed.emit)
        row.addWidget(remove)

    @property
    def text(self) -> str:
        """As ``--vary`` takes it."""
        return f"{self.setting.path}={self.values.text().strip()}"

    @property
    def problem(self) -> str:
        """Why it cannot be varied like this; empty where it can."""
        try:
            parse_dimension(self.text, self._known)
        except InputError as error:
            return error.message
        return ""

    def mark(self, wrong: bool) -> None:
        """A red border while its values are not allowed."""
        if bool(self.values.property("invalid")) != wrong:
            self.values.setProperty("invalid", wrong)
            self.values.style().unpolish(self.values)
            self.values.style().polish(self.values)

    def _chooser(self, keys: Sequence[tuple[str, str]]) -> QToolButton:
        button = QToolButton(self)
        button.setText("Choose")
        set_font(button, 12)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setAccessibleName(f"Choose values of {self.setting.title}")
        menu = QMenu(button)

        def fill() -> None:
            menu.clear()
            chosen = [part.strip() for part in self.values.text().split(",")]
            for key, title in keys:
                action = menu.addAction(literal(title))
                action.setCheckable(True)
                action.setChecked(key in chosen)
                action.triggered.connect(lambda on, key=key: self._take(key, on, keys))

        menu.aboutToShow.connect(fill)
        button.setMenu(menu)
        return button

    def _take(self, key: str, on: bool, keys: Sequence[tuple[str, str]]) -> None:
        chosen = {part.strip() for part in self.values.text().split(",")}
        chosen = chosen | {key} if on else chosen - {key}
        self.values.setText(", ".join(one for one, _ in keys if one in chosen))


class SweepSetup(QWidget):
    """The form.

    Attributes:
        problem: Why it cannot be started, as a sentence; empty where it can.
    """

    #: What would be started is another.
    changed = Signal()

    def __init__(self, dataset_params: DatasetParams, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._params = dataset_params
        self._project: Project | None = None
        self._known: dict[str, Settable] = {}
        self.rows: list[_Row] = []
        self.problem = ""
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 14, 4)
        column.setSpacing(6)
        self.introduction = QLabel(_INTRODUCTION, self)
        self.introduction.setWordWrap(True)
        self.introduction.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.introduction.setProperty("role", "muted")
        set_font(self.introduction, 13)
        column.addWidget(self.introduction)
        self._list = QVBoxLayout()
        self._list.setSpacing(4)
        column.addLayout(self._list)
        #: What the sweep does with layers that do not follow what is varied.
        self.note = QLabel(self)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.note.setWordWrap(True)
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.note.setProperty("role", "muted")
        set_font(self.note, 13)
        column.addWidget(self.note)
        self.add = QComboBox(self)
        # As wide as there is room, not as its longest setting.
        self.add.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.add.setMinimumContentsLength(12)
        self.add.setEditable(True)
        self.add.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.add.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.add.setAccessibleName("Vary another setting")
        line = self.add.lineEdit()
        assert line is not None
        line.setPlaceholderText("Vary a setting: type to search (learning rate, optimizer, kernel size …)")
        completer = QCompleter(self.add.model(), self.add)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        self.add.setCompleter(completer)
        set_font(self.add, 13)
        self.add.activated.connect(self._on_added)
        line.returnPressed.connect(self._on_typed)
        column.addWidget(self.add)
        column.addWidget(self._choices())
        column.addStretch(1)

    def _choices(self) -> FlowRow:
        self.search = Segments(_SEARCHES, self)
        self.search.chosen.connect(lambda _key: self._on_search())
        self.seeds = self._count(
            MOST_SEEDS, 1, "Runs of each combination with other seeds: mean and spread are over them"
        )
        self.runs = self._count(MOST_RUNS, 0, "It ends after so many runs; each seed of each combination is one")
        self.runs.setSpecialValueText("no limit")
        self.minutes = self._count(100_000, 0, "No run is begun that would end later than this")
        self.minutes.setSpecialValueText("no limit")
        self.objective = QComboBox(self)
        set_font(self.objective, 13)
        for kind, spec in registry.FIGURES.all.items():
            self.objective.addItem(f"validation {spec.title[:1].lower()}{spec.title[1:]}", kind)
            self.objective.setItemData(self.objective.count() - 1, spec.help, Qt.ItemDataRole.ToolTipRole)
        self.objective.currentIndexChanged.connect(lambda _index: self._check())
        self.prune = QCheckBox("End poor runs early", self)
        self.prune.setToolTip(
            "A run that is worse than the median of the others at its epoch is ended (median pruning)"
        )
        set_font(self.prune, 13)
        for box in (self.runs, self.minutes):
            box.setFixedWidth(QFontMetrics(themes.font(13)).horizontalAdvance("100 000") + 36)
        self.seeds.setFixedWidth(QFontMetrics(themes.font(13)).horizontalAdvance("100") + 36)
        choices = FlowRow(self, gap=10)
        for title, widget in (
            ("Search", self.search),
            ("Seeds", self.seeds),
            ("Runs at most", self.runs),
            ("Best by", self.objective),
            ("Minutes at most", self.minutes),
            ("", self.prune),
        ):
            held = QWidget(choices)
            row = QHBoxLayout(held)
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(6)
            if title:
                label = QLabel(title, held)
                label.setProperty("role", "muted")
                set_font(label, 12)
                row.addWidget(label)
                widget.setAccessibleName(title)
            row.addWidget(widget)
            choices.add(held)
        return choices

    def _count(self, most: int, least: int, help: str) -> QSpinBox:
        box = QSpinBox(self)
        box.setRange(least, most)
        box.setToolTip(help)
        box.setGroupSeparatorShown(False)
        set_font(box, 13)
        box.valueChanged.connect(lambda _value: self._check())
        return box

    # ---- what is asked for -----------------------------------------------------------------------------------------

    def follow(self, project: Project) -> None:
        """The document is another: its settings are offered; those that are no longer there are varied no more."""
        if project is self._project:
            return
        first = self._project is None
        self._project = project
        known = settable(project, self._params)
        another = known.keys() != self._known.keys()
        self._known.clear()
        self._known.update(known)
        if another:
            self.add.blockSignals(True)
            self.add.clear()
            for path, setting in known.items():
                self.add.addItem(f"{setting.title}   ({path})", path)
            self.add.setCurrentIndex(-1)
            self.add.clearEditText()
            self.add.blockSignals(False)
        for row in [row for row in self.rows if row.setting.path not in known]:
            self._remove(row)
        if first:
            self.objective.setCurrentIndex(max(0, self.objective.findData(project.training.best_by)))
        self._check()

    def vary(self, path: str, values: str = "") -> None:
        """Let a setting vary."""
        setting = self._known.get(path)
        if setting is None or any(row.setting.path == path for row in self.rows):
            return
        row = _Row(setting, values or self._usual(setting), self._known, self)
        row.changed.connect(self._check)
        row.removed.connect(lambda: self._remove(row))
        self.rows.append(row)
        self._list.addWidget(row)
        self._check()

    def plan(self) -> Plan | None:
        """What was asked for; None where that cannot be done."""
        project = self._project
        if project is None or self.problem:
            return None
        return Plan(
            project.name or "sweep",
            io.dumps(project).decode(),
            tuple(row.text for row in self.rows),
            self.search.value,
            self.seeds.value(),
            str(self.objective.currentData()),
            self.prune.isChecked(),
        )

    @property
    def most_runs(self) -> int | None:
        """The budget in runs."""
        return self.runs.value() or None

    @property
    def most_minutes(self) -> float | None:
        """The budget in minutes."""
        return self.minutes.value() or None

    def planned_runs(self) -> int | None:
        """So many runs at most; None where only time ends it, or nothing can be started."""
        if self.search.value != "grid" or self.problem or self._project is None:
            return self.most_runs
        points = 1
        for row in self.rows:
            points *= len(parse_dimension(row.text, self._known).on_grid())
        whole = points * self.seeds.value()
        return whole if self.most_runs is None else min(whole, self.most_runs)

    def _usual(self, setting: Settable) -> str:
        """The values that are offered first."""
        spec, project = setting.spec, self._project
        if keys := _keys(spec):
            return ", ".join(key for key, _ in keys[:6])
        if spec.type not in ("int", "float") or project is None:
            return ""
        value = _value_now(project, setting)
        low, high = max(value * _DOWN, spec.minimum), min(value * _UP, spec.maximum)
        if spec.type == "int":
            low, high = max(1, round(low)), max(2, round(high))
        if not (math.isfinite(low) and math.isfinite(high)) or low >= high or value == 0:
            ends = (spec.minimum, spec.maximum)
            low, high = ends if all(map(math.isfinite, ends)) else (0.0, 1.0)
        log = ":log" if spec.logarithmic and low > 0 else ""
        return f"{number_text(float(f'{low:.3g}'))}..{number_text(float(f'{high:.3g}'))}{log}".replace(".0..", "..")

    def _on_added(self, index: int) -> None:
        path = self.add.itemData(index)
        self.add.setCurrentIndex(-1)
        self.add.clearEditText()
        soon(self._empty_field)  # where a completer took it, the field is filled in after this
        if isinstance(path, str):
            self.vary(path)

    def _empty_field(self) -> None:
        self.add.clearEditText()

    def _on_typed(self) -> None:
        """Enter takes the first that fits what was typed."""
        completer, typed = self.add.completer(), self.add.currentText().strip()
        if completer is not None and typed:
            offered = completer.popup()
            if offered is not None and offered.isVisible() and offered.currentIndex().isValid():
                return  # the completer takes what is highlighted there, once this returns
            completer.setCompletionPrefix(typed)
            if completer.completionCount() and completer.setCurrentRow(0):
                self._on_added(self.add.findText(completer.currentCompletion()))

    def _on_search(self) -> None:
        if self.search.value != "grid" and self.most_runs is None and self.most_minutes is None:
            self.runs.setValue(20 * self.seeds.value())
        self._check()

    def _remove(self, row: _Row) -> None:
        if row in self.rows:
            self.rows.remove(row)
            self._list.removeWidget(row)
            row.hide()
            row.deleteLater()
            self._check()

    def _check(self) -> None:
        self.introduction.setVisible(not self.rows)
        paths = [row.setting.path for row in self.rows]
        self.note.setText("" if self._project is None else one_start_note(self._project, paths))
        self.note.setVisible(bool(self.note.text()))
        wrong = [(row, row.problem) for row in self.rows]
        for row, problem in wrong:
            row.mark(bool(problem))
        self.problem = next((f"{row.setting.title}: {problem}" for row, problem in wrong if problem), "")
        if not self.rows:
            self.problem = "Choose a setting to vary first."
        elif not self.problem and self._project is not None:
            try:
                space = Space.of([row.text for row in self.rows], self._project, self._params)
                if self.search.value == "grid":
                    next(space.grid(), None)
                elif self.most_runs is None and self.most_minutes is None:
                    self.problem = "Say how many runs or minutes it may take."
            except InputError as error:
                self.problem = error.message
                for row in self.rows:
                    row.mark(row.setting.path == error.field)
        self.changed.emit()


def _keys(spec: ParamSpec) -> Sequence[tuple[str, str]]:
    if spec.type == "bool":
        return (("off", "Off"), ("on", "On"))
    return spec.choices if spec.type in ("choice", "chosen") else ()


def _value_now(project: Project, setting: Settable) -> float:
    known = flat_settings.setting(flat_settings.flat_settings(project), setting.path)
    value = setting.spec.default if known is None else known
    return float(value) if isinstance(value, int | float) else 0.0
