"""The top bar: what is open, the player's buttons, where training stands, and its settings, editable in place."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import msgspec
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QFontMetrics, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QProgressBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from nnviz.data import datasets
from nnviz.errors import InputError, ParamError
from nnviz.gui.look import icons, theme
from nnviz.gui.look.painting import answering
from nnviz.gui.look.theme import format_count, format_duration
from nnviz.gui.parts.field_undo import undo_document_from
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.in_place import Field, InPlace, text_width, value_font, value_height
from nnviz.gui.parts.widgets import ElidedLabel
from nnviz.gui.runs.pace import PACES, pace_of
from nnviz.gui.runs.standing import Standing, with_learning_rate
from nnviz.gui.runs.training import Training
from nnviz.gui.window.project_title import ProjectTitle
from nnviz.project import registry, settings
from nnviz.project.document import Document
from nnviz.project.edits import Edit, SetTraining
from nnviz.project.model import Project
from nnviz.project.spec import ParamSpec
from nnviz.train.change import learning_rate_of

_RATES = ("1", "0.3", "0.1", "0.03", "0.01", "0.003", "0.001", "0.0003", "0.0001", "0.00001")
_RATE_TIP = "Length of a step. Can be changed while training: it holds from the next batch on."
_BATCH_TIP = "Examples in one step. Can be changed while training: it holds from the next epoch on."
_OPTIMIZER_TIP = "The rule by which gradients change the weights. Needs a restart."
_BATCHES = ("1", "4", "8", "16", "32", "64", "128", "256", "512", "1024")


@dataclass(frozen=True)
class _Form:
    """How the bar fits into a width. Nothing in it depends on what is shown: names and counts move no button.

    Attributes:
        compact: Buttons show their icon only.
        brand: The program's name stands at the left.
        title: Pixels of the project's name, at the text scale of a desk.
        data: The text that the pill of the data set has room for.
        short: Captions are their short ones.
        hidden: What is found under the last button instead.
    """

    compact: bool = False
    brand: bool = False
    title: int = 180
    data: str = "Handwritten digits · 1 150 train / 287 val"
    short: bool = False
    hidden: tuple[str, ...] = ()


_PAIR, _NAME = "Handwritten digits · 1 437 / 360", "Handwritten digits"
#: What gives way to the rest where there is no room, what weighs least first.
_LESSER = ("device", "test", "progress", "pace", "data", "optimizer", "batch", "step")


def _forms() -> tuple[_Form, ...]:
    """From the roomiest to the narrowest."""
    small = partial(_Form, compact=True, title=116, data=_NAME)
    hiding = [small(short=True, hidden=_LESSER[: count + 1]) for count in range(len(_LESSER))]
    return (
        _Form(brand=True),
        _Form(title=140, data=_PAIR),
        small(data=_PAIR),
        small(),
        small(short=True),
        *hiding,
        small(title=60, short=True, hidden=_LESSER),
    )


_FORMS = _forms()
#: Characters that no count in the bar goes beyond: ``60k test ×12``.
_WIDEST_TEST = "9 999 test ×9"


def short_count(count: int) -> str:
    """``48k``, ``1 437``: for pills, where the exact figure stands in the tooltip."""
    return f"{count // 1000}k" if count >= 10_000 and count % 1000 == 0 else format_count(count)


def _short_step(step: int) -> str:
    """A step in the room that there is for it, whose exact figure stands in the tooltip: ``987 654``, ``12.35M``."""
    return format_count(step) if step < 1_000_000 else f"{step / 1e6:.2f}M"


def _short_epoch(epoch: int) -> str:
    return str(epoch) if epoch < 10_000 else f"{epoch / 1000:.0f}k"


def _waiting(used: str) -> str:
    return f"Waits for a restart. The network in training has {used}."


def _made(setting: str, step: int, wanted: str) -> str:
    return f"The {setting} that step {format_count(step)} was made with; the project says {wanted}."


def _sentence(error: ParamError) -> str:
    """Why a value is refused, as a sentence."""
    return error.message[:1].upper() + error.message[1:]


class TopBar(QWidget):
    """Shows the document and where training stands; every change goes through the document or the actions.

    Args:
        document: What is open.
        training: What is asked and shown.
        actions: Those of ``actions.py``, by name.
        apply: Applies an edit and tells of a refusal.
        parent: The window.
    """

    #: The pill of the data set was pressed.
    data_requested = Signal()
    #: The keyboard goes back to the canvas.
    left = Signal()
    #: Why a value is refused: a sentence.
    message = Signal(str)

    def __init__(
        self,
        document: Document,
        training: Training,
        actions: Mapping[str, QAction],
        apply: Callable[[Edit], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._training = training
        self._apply = apply
        self._actions = actions
        self._fields: dict[str, Field] = {}
        self._form = _FORMS[0]
        self.setObjectName("TopBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName("Training")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 0)
        row.setSpacing(8)
        self._row = row
        self._build_document(row)
        row.addSpacing(6)
        self._build_player(row)
        row.addSpacing(6)
        self._build_fields(row)
        row.addStretch(1)
        self._build_progress(row)
        follow(document.changed, self._on_document_changed)
        follow(document.saved, self._on_saved)
        training.changed.connect(self._update_state)
        training.moved.connect(self._show_standing)
        training.expected.changed.connect(lambda: self._show_standing(training.standing))
        training.data_known.connect(lambda _sizes: self._update_data())
        training.known.changed.connect(self._update_data)
        follow(theme.notifier.changed, self._on_theme)
        self._refit()
        self.refresh()

    def refresh(self) -> None:
        """Show everything as it is now."""
        self._update_document()
        self._update_data()
        self._update_fields()
        self._update_state()
        self._show_standing(self._training.standing)

    # ---- building ------------------------------------------------------------------------------------------------

    def _build_document(self, row: QHBoxLayout) -> None:
        self._brand = QLabel("nnviz", self)
        row.addWidget(self._brand)
        self._title = ProjectTitle(self._document, self)
        self._title.clicked.connect(self._actions["details"].trigger)
        row.addWidget(self._title)
        self._data = QToolButton(self)
        self._data.setProperty("role", "pill")
        self._data.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self._data.clicked.connect(self.data_requested)
        row.addWidget(self._data)
        self._test = QToolButton(self)
        self._test.setProperty("role", "pill")
        evaluate = self._actions["evaluate_test"]
        self._test.clicked.connect(evaluate.trigger)
        # Whoever brings the actions up to date may come after this bar has looked at them.
        evaluate.changed.connect(lambda: self._test.setEnabled(evaluate.isEnabled()))
        row.addWidget(self._test)

    def _build_player(self, row: QHBoxLayout) -> None:
        self._player: dict[str, QToolButton] = {}
        for name, icon, text in (
            ("reset", "reset", ""),
            ("step_back", "step-back", "step"),
            ("play", "play", "Play"),
            ("step", "step", "step"),
            ("epoch", "epoch", ""),
        ):
            button = QToolButton(self)
            action = self._actions[name]
            button.setText(text)
            button.setAccessibleName(action.text().replace("&", ""))
            button.setToolTip(action.toolTip())
            button.setEnabled(action.isEnabled())
            button.clicked.connect(action.trigger)
            icons.bind(button, icon, "accent_text" if name == "play" else "text")
            if name == "play":
                button.setProperty("role", "primary")
            self._player[name] = button
            action.changed.connect(lambda name=name: self._follow_action(name))
            row.addWidget(button)

    def _field(self, caption: str, value: QWidget, short: str = "") -> Field:
        field = self._fields[caption] = Field(caption, value, self, short)
        return field

    def _build_fields(self, row: QHBoxLayout) -> None:
        self._epoch_pair = epoch = QWidget(self)
        pair = QHBoxLayout(epoch)
        pair.setContentsMargins(4, 0, 0, 0)
        pair.setSpacing(0)
        self._epoch = QLabel("0", epoch)
        self._epoch.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._epochs = QLineEdit(epoch)
        self._epochs.setObjectName("InPlace")
        self._epochs.setAccessibleName("Epochs")
        self._epochs.setToolTip("How often every training example is seen. Can be changed while training.")
        self._epochs.setTextMargins(0, 0, 0, 0)
        self._epochs.editingFinished.connect(self._on_epochs)
        self._epochs.returnPressed.connect(self._leave_epochs)
        undo_document_from(self._epochs)
        pair.addWidget(self._epoch)
        pair.addWidget(self._epochs)
        pair.addStretch(1)
        row.addWidget(self._field("Epoch", epoch))
        self._step = QLabel("0", self)
        self._step.setIndent(4)
        row.addWidget(self._field("Step", self._step))
        self._rate = InPlace(_RATES, "0.00001", "Learning rate", self)
        self._rate.chosen.connect(self._on_rate)
        self._rate.left.connect(self.left)
        row.addWidget(self._field("Learning rate", self._rate, "Rate"))
        self._batch = InPlace(_BATCHES, "65536", "Batch size", self)
        self._batch.chosen.connect(self._on_batch)
        self._batch.left.connect(self.left)
        row.addWidget(self._field("Batch", self._batch))
        names = [spec.title for spec in registry.optimizers().values()]
        self._optimizer = InPlace(names, max(names, key=text_width), "Optimizer", self, editable=False)
        self._optimizer.chosen.connect(self._on_optimizer)
        self._optimizer.left.connect(self.left)
        row.addWidget(self._field("Optimizer", self._optimizer))

        self._pace = InPlace([pace.title for pace in PACES], "20/s", "Speed", self, editable=False)
        self._pace.chosen.connect(self._on_pace)
        self._pace.left.connect(self.left)
        row.addWidget(self._field("Speed", self._pace))

    def _build_progress(self, row: QHBoxLayout) -> None:
        self._progress_box = QWidget(self)
        column = QVBoxLayout(self._progress_box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        figures = QHBoxLayout()
        figures.setSpacing(10)
        self._speed = ElidedLabel("", self._progress_box)
        self._eta = QLabel("", self._progress_box)
        for label in (self._speed, self._eta):
            label.setProperty("role", "muted")
        self._eta.setAlignment(Qt.AlignmentFlag.AlignRight)
        figures.addWidget(self._speed, 1)
        figures.addWidget(self._eta)
        column.addStretch(1)
        column.addLayout(figures)
        self._progress = QProgressBar(self._progress_box)
        self._progress.setTextVisible(False)
        self._progress.setRange(0, 1000)
        self._progress.setAccessibleName("Progress")
        column.addWidget(self._progress)
        column.addStretch(1)
        row.addWidget(self._progress_box)
        self._device = QLabel(self)
        self._device.setObjectName("Device")
        self._device.setAlignment(Qt.AlignmentFlag.AlignCenter)
        row.addWidget(self._device)
        self._more = QToolButton(self)
        self._more.setToolTip("What the bar has no room for")
        self._more.setAccessibleName("More of training")
        self._more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        icons.bind(self._more, "more")
        self._rest = QMenu(self._more)
        self._rest.aboutToShow.connect(self._fill_rest)
        self._more.setMenu(self._rest)
        row.addWidget(self._more)
        self._lecture = QToolButton(self)
        self._lecture.setText("Lecture")
        self._lecture.setCheckable(True)
        icons.bind(self._lecture, "lecture")
        action = self._actions["lecture"]
        self._lecture.setToolTip(action.toolTip())
        self._lecture.setAccessibleName("Lecture mode")
        self._lecture.clicked.connect(action.trigger)
        action.toggled.connect(self._lecture.setChecked)
        row.addWidget(self._lecture)

    # ---- sizes ---------------------------------------------------------------------------------------------------

    def _refit(self) -> None:
        """Take the letters of the present text scale everywhere, and the room that they need."""
        scale = theme.surrounding_scale()
        pill, button_height = round(28 * scale), round(32 * scale)
        self.setFixedHeight(max(52, round(15 * scale) + value_height() + 12))
        self._brand.setFont(theme.surrounding_font(15, 700))
        for part, weight in ((self._data, 400), (self._test, 400), (self._device, 500)):
            part.setFont(theme.surrounding_font(12, weight))
            part.setFixedHeight(pill)
        self._test.setIconSize(QSize(round(14 * scale), round(14 * scale)))
        self._device.setFixedWidth(text_width("cuda:0", theme.surrounding_font(12, 500)) + 26)
        self._test.setFixedWidth(text_width(_WIDEST_TEST, self._test.font()) + round(46 * scale))
        for button in (*self._player.values(), self._more, self._lecture):
            button.setFont(theme.surrounding_font(13, 600 if button is self._player["play"] else 400))
            button.setIconSize(QSize(round(16 * scale), round(16 * scale)))
            button.setFixedHeight(button_height)
        for field in self._fields.values():
            field.refit()
        for choice in (self._rate, self._batch, self._optimizer, self._pace):
            choice.refit()
        for value in (self._epoch, self._epochs, self._step):
            value.setFont(value_font())
        self._epoch_pair.setFixedHeight(value_height())
        self._epoch.setFixedWidth(text_width("0000 /") + 1)
        self._epochs.setFixedSize(text_width("0000") + 10, value_height())
        self._step.setFixedSize(text_width("000 000") + 4, value_height())
        for label in (self._speed, self._eta):
            label.setFont(theme.surrounding_font(12, 500))
        self._fitted = theme.text_scale()
        self._fit_width()

    def _fit_width(self) -> None:
        """The roomiest form that fits; in large letters without words on the buttons, which need the room."""
        for form in _FORMS[2:] if theme.text_scale() > 1.0 else _FORMS:
            self._take(form)
            if self._lacking() <= 0:
                break
        self._update_document()
        self._update_data()

    @property
    def _lesser(self) -> dict[str, QWidget]:
        return {
            "device": self._device,
            "test": self._test,
            "progress": self._progress_box,
            "pace": self._fields["Speed"],
            "data": self._data,
            "optimizer": self._fields["Optimizer"],
            "batch": self._fields["Batch"],
            "step": self._fields["Step"],
        }

    # ---- showing -------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A narrow window shows icons and the essential figures."""
        super().resizeEvent(event)
        self._fit_width()

    def _take(self, form: _Form) -> None:
        self._form, compact = form, form.compact
        self._brand.setVisible(form.brand)
        scale = theme.surrounding_scale()
        beside, only = Qt.ToolButtonStyle.ToolButtonTextBesideIcon, Qt.ToolButtonStyle.ToolButtonIconOnly
        for name, button in self._player.items():
            wordless = name in ("reset", "epoch") or (compact and name != "play")
            button.setToolButtonStyle(only if wordless else beside)
            if wordless:
                button.setFixedWidth(round(34 * scale))
            else:
                widest = "Train on" if name == "play" else "step"
                button.setFixedWidth(text_width(widest, button.font()) + round((54 if name == "play" else 46) * scale))
        self._lecture.setToolButtonStyle(only if compact else beside)
        self._lecture.setFixedWidth(round(34 * scale) if compact else text_width("Lecture", self._lecture.font()) + 50)
        self._more.setFixedWidth(round(34 * scale))
        self._progress_box.setFixedWidth(round((142 if compact else 190) * scale))
        self._data.setFixedWidth(text_width(form.data, self._data.font()) + round(34 * scale))
        self._row.setSpacing(6 if compact else 8)
        for field in self._fields.values():
            field.shorten(form.short)
        for name, part in self._lesser.items():
            part.setVisible(name not in form.hidden)
        self._more.setVisible(bool(form.hidden))
        self._title.setFixedWidth(self._title_room())

    def _title_room(self) -> int:
        return round(self._form.title * theme.text_scale())

    def _fill_rest(self) -> None:
        """What the bar has no room for, as it is at this moment; what could be changed there can be changed here."""
        menu = self._rest
        menu.clear()
        hidden = self._form.hidden
        if "data" in hidden:
            menu.addAction(f"Data: {self._data_title()}…", self.data_requested.emit)
        if "test" in hidden:
            menu.addAction(self._actions["evaluate_test"])
        if "pace" in hidden:
            pace = pace_of(self._training.pace)
            self._add_choices(f"Speed: {pace.title}", [one.title for one in PACES], pace.title, self._on_pace)
        if "optimizer" in hidden:
            shown = self._optimizer.currentText()
            names = [spec.title for spec in registry.optimizers().values()]
            self._add_choices(f"Optimizer: {shown}", names, shown, self._on_optimizer)
        if "batch" in hidden:
            size = self._batch.currentText()
            self._add_choices(f"Batch: {size}", list(dict.fromkeys((*_BATCHES, size))), size, self._on_batch)
        facts = {
            "step": f"Step {self._step.text()}",
            "progress": " · ".join(part for part in (self._speed.text(), self._eta.text()) if part),
            "device": f"Trains on {self._device.text()}",
        }
        menu.addSeparator()
        for name, words in facts.items():
            if name in hidden and words:
                menu.addAction(words).setEnabled(False)

    def _add_choices(self, words: str, values: list[str], chosen: str, then: Callable[[str], object]) -> None:
        choices = self._rest.addMenu(words)
        for value in values:
            entry = choices.addAction(value, partial(then, value))
            entry.setCheckable(True)
            entry.setChecked(value == chosen)

    def _follow_action(self, name: str) -> None:
        action, button = self._actions[name], self._player[name]
        button.setEnabled(action.isEnabled())
        button.setToolTip(action.toolTip())
        if name == "play":
            race = self._training.race
            running = self._training.running if race is None else race.running
            words = "Pause" if running else "Train on" if self._training.state == "done" else "Play"
            button.setText(words)
            button.setAccessibleName(words)
            colour = "accent_text" if action.isEnabled() else "text_faint"
            icons.bind(button, "pause" if running else "play", colour)

    def _update_state(self) -> None:
        for name in self._player:
            self._follow_action(name)
        uses = self._training.test_uses
        icons.bind(self._test, "lock-open" if uses else "lock", "warning" if uses else "text_muted")
        self._test.setEnabled(self._actions["evaluate_test"].isEnabled())
        self._update_data()
        pace = pace_of(self._training.pace)
        self._pace.show_value(pace.title)
        self._pace.setToolTip(f"How fast it may train, so that each step can be looked at: {pace.words}.")
        self._show_standing(self._training.standing)

    def _on_document_changed(self, before: Project, after: Project, edit: object) -> None:
        self._update_document()
        if before.training != after.training or edit is None:
            self._update_fields()
        if before.data != after.data or edit is None:
            self._update_data()

    def _on_saved(self, _path: object) -> None:
        self._update_document()

    def _on_theme(self) -> None:
        if theme.text_scale() != self._fitted:
            self._refit()
        self._update_state()

    def _update_document(self) -> None:
        self._title.refresh(self._title_room())

    def _data_title(self) -> str:
        kind = self._document.project.data.dataset
        try:
            return datasets.dataset(kind).title
        except InputError:
            return kind

    def _update_data(self) -> None:
        project = self._document.project
        sizes = self._training.split_sizes
        title = self._data_title()
        if not sizes:
            looking = self._training.known.looking(project.data)
            self._say_data(f"{title} · looking…" if looking else title, title)
            self._data.setToolTip("Looking for it…" if looking else "The sizes of this data set are not known.")
            self._data.setAccessibleName(f"Data set {title}")
            self._test.setText("test")
            self._test.setToolTip("The test set is not known yet.")
            self._test.setAccessibleName("Evaluate on the test set")
            return
        train, validation, test = sizes
        exact = (
            f"{title}: {format_count(train)} examples to train, {format_count(validation)} to validate, "
            f"{format_count(test)} to test. Click to choose the data."
        )
        pair = f"{short_count(train)} / {short_count(validation)}"
        # A name says more than the sizes, which also stand in the tooltip.
        words = f"{title} · {short_count(train)} train / {short_count(validation)} val"
        self._say_data(words, f"{title} · {pair}", title)
        self._data.setToolTip(exact)
        self._data.setAccessibleName(f"Data set {exact}")
        uses = self._training.test_uses
        self._test.setText(f"{short_count(test)} test" + (f" ×{uses}" if uses else ""))
        times = "once" if uses == 1 else f"{uses} times"
        seen = f"The test set has been used {times} in this run." if uses else "The test set is untouched in this run."
        self._test.setToolTip(f"{seen} Click to measure loss and accuracy on it; each use is counted.")
        self._test.setAccessibleName(f"Evaluate on the test set. {seen}")
        self._test.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)

    def _say_data(self, *words: str) -> None:
        """The first of these that fits into the pill, whose width stays; the last one cut, if it must be."""
        room = self._data.width() - round(22 * theme.surrounding_scale())
        metrics = QFontMetrics(self._data.font())
        fitting = (text for text in words if metrics.horizontalAdvance(text) <= room)
        text = next(fitting, None) or metrics.elidedText(words[-1], Qt.TextElideMode.ElideRight, room)
        self._data.setText(text)

    def _lacking(self) -> int:
        """How many pixels the bar is too narrow for what stands in it."""
        # What stands within a field tells the bar of its new size only when the event loop comes round.
        for part in (self._epoch_pair, *self._fields.values(), self._progress_box):
            layout = part.layout()
            if layout is not None:
                layout.activate()
        self._row.invalidate()
        return self._row.minimumSize().width() - self.width()

    def _update_fields(self) -> None:
        self._show_seen(self._training.standing)

    def _show_settings(self, standing: Standing) -> None:
        """Live what the project says; what the network in training does not have yet looks so, and says it.

        At an earlier step, and in a recorded run, what that step was made with.
        """
        wanted, used, seen = self._document.project.training, self._training.in_use, standing.seen
        earlier = self._training.feed.current_step is not None
        size = seen.batch_size or wanted.batch_size
        self._batch.show_value(str(size))
        waits = not seen.batch_size and used is not None and used.batch_size != wanted.batch_size
        tip = _waiting(str(used.batch_size)) if used is not None and waits else _BATCH_TIP
        if seen.batch_size:
            tip = _made("batch size", seen.step, str(wanted.batch_size))
        self._batch.wait(waits, tip)
        asked = registry.optimizer(wanted.optimizer.kind).title
        # One rule is kept for the whole of a run; which settings wait is known only once the hand rests.
        opened = None if self._training.replay is not None else self._training.workbench.opened
        has = asked if opened is None else registry.optimizer(opened.training.optimizer.kind).title
        self._optimizer.show_value(has if earlier else asked)
        waits = not earlier and used is not None and has != asked
        tip = _made("optimizer", seen.step, asked) if earlier and has != asked else _OPTIMIZER_TIP
        self._optimizer.wait(waits, _waiting(has) if waits else tip)

    def _show_seen(self, standing: Standing) -> None:
        """Of the settings those that may have been others at the step that is shown."""
        seen, project = standing.seen, self._document.project
        if not (self._epochs.hasFocus() and self._epochs.isModified()):
            planned = seen.epochs if self._training.replay is not None else self._training.workbench.epochs
            self._epochs.setText(str(max(planned, seen.epoch)))
        earlier = not math.isnan(seen.learning_rate)
        wanted, used = learning_rate_of(project), self._training.in_use
        has = wanted if used is None else learning_rate_of(msgspec.structs.replace(project, training=used))
        self._rate.show_value(f"{seen.learning_rate if earlier else wanted:.6g}")
        waits = not earlier and has != wanted
        if earlier:
            tip = _made("learning rate", seen.step, f"{wanted:.6g}")
        else:
            tip = _waiting(f"{has:.6g}") if waits else _RATE_TIP
        self._rate.wait(waits, tip)
        self._show_settings(standing)

    def _show_standing(self, standing: Standing) -> None:
        self._show_seen(standing)
        self._epoch.setText(f"{_short_epoch(standing.seen.epoch)} /")
        self._step.setText(_short_step(standing.seen.step))
        self._step.setToolTip(f"{format_count(standing.seen.step)} steps")
        speed = standing.samples_per_second
        running = self._training.running
        number = format_count(round(speed)) if running and speed > 0 else ""
        self._speed.set_wordings(f"{number} samples/s" if number else "", f"{number} /s" if number else "")
        self._eta.setText(f"ETA {format_duration(standing.eta_seconds)}" if running else self._idle_text())
        self._progress.setValue(round(1000 * standing.step / standing.steps) if standing.steps else 0)
        waiting = not standing.device
        self._device.setText(standing.device or "…")
        self._device.setToolTip("Where the network is trained" if standing.device else "PyTorch is being loaded")
        if self._device.property("waiting") != waiting:
            self._device.setProperty("waiting", waiting)
            self._device.style().unpolish(self._device)
            self._device.style().polish(self._device)

    def _idle_text(self) -> str:
        """The state; before the first step with how long all of it is going to take, whose reason is in the tip."""
        expected = None
        if self._training.state == "ready":
            expected = self._training.expected.duration(self._training.split_sizes)
        self._eta.setToolTip(
            "" if expected is None else f"{expected.text[:1].upper()}{expected.text[1:]}. {expected.why}"
        )
        return self._training.status() if expected is None else f"ready, ~{format_duration(expected.whole)}"

    # ---- editing -------------------------------------------------------------------------------------------------

    def _value(self, spec: ParamSpec | None, text: str, whole: bool) -> int | float:
        """The text as a number that the declaration allows.

        Raises:
            ParamError: It is not.
        """
        assert spec is not None
        try:
            number: object = int(text.replace("\u202f", "")) if whole else float(text.replace(",", "."))
        except ValueError:
            raise spec.refuse(text) from None
        parsed = spec.parse(number)
        assert isinstance(parsed, int | float)
        return parsed

    def _on_rate(self, text: str) -> None:
        spec = registry.optimizer(self._document.project.training.optimizer.kind).param("learning_rate")
        try:
            value = self._value(spec, text, whole=False)
        except ParamError as error:
            self._rate.refuse()
            self.message.emit(_sentence(error))
            return
        self._apply(with_learning_rate(self._document.project, float(value)))
        self._see_the_newest()

    def _see_the_newest(self) -> None:
        """What was chosen holds from now on, and is to be seen."""
        if self._training.replay is None:
            self._training.feed.set_step(None)
        self._update_fields()

    def _on_batch(self, text: str) -> None:
        try:
            value = self._value(settings.find(settings.TRAINING, "batch_size"), text, whole=True)
        except ParamError as error:
            self._batch.refuse()
            self.message.emit(_sentence(error))
            return
        training = self._document.project.training
        self._apply(SetTraining(msgspec.structs.replace(training, batch_size=int(value))))
        self._see_the_newest()

    def _on_epochs(self) -> None:
        self._epochs.setModified(False)
        training = self._document.project.training
        try:
            value = self._value(settings.find(settings.TRAINING, "epochs"), self._epochs.text().strip(), whole=True)
        except ParamError as error:
            self.message.emit(_sentence(error))
            self._update_fields()
            return
        if value not in (training.epochs, self._training.workbench.epochs):  # as many as were asked for already
            self._apply(SetTraining(msgspec.structs.replace(training, epochs=int(value))))
        self._update_fields()

    def _leave_epochs(self) -> None:
        self._on_epochs()
        self.left.emit()

    def _on_optimizer(self, title: str) -> None:
        project = self._document.project
        kind = next((key for key, spec in registry.optimizers().items() if spec.title == title), None)
        if kind is None:
            return
        if kind != project.training.optimizer.kind:
            after = settings.with_setting(project, "training.optimizer", kind)
            self._apply(SetTraining(after.training))
        self._see_the_newest()

    def _on_pace(self, title: str) -> None:
        self._training.set_pace(next(pace.steps_per_second for pace in PACES if pace.title == title))

    @answering(QSize)
    def sizeHint(self) -> QSize:
        """As wide as the window."""
        return QSize(1280, self.height())

    def minimumSizeHint(self) -> QSize:
        """Parts go under the last button before the window cannot get narrower."""
        return QSize(480, self.height())


__all__ = ["TopBar", "short_count"]
