"""The settings in the top bar: epoch, step, learning rate, batch size, optimizer and speed, editable in place."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import msgspec
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QMenu, QWidget

from nnviz.errors import ParamError
from nnviz.gui.look.theme import format_count
from nnviz.gui.parts.field_undo import undo_document_from
from nnviz.gui.parts.in_place import Field, InPlace, text_width, value_font, value_height
from nnviz.gui.runs.pace import PACES, pace_of
from nnviz.gui.runs.standing import Standing, with_learning_rate
from nnviz.gui.runs.training import Training
from nnviz.project import registry, settings
from nnviz.project.document import Document
from nnviz.project.edits import Edit, SetTraining
from nnviz.project.spec import ParamSpec
from nnviz.train.settings_seen import SettingSeen, batch_size_seen, learning_rate_seen, optimizer_seen

_RATES = ("1", "0.3", "0.1", "0.03", "0.01", "0.003", "0.001", "0.0003", "0.0001", "0.00001")
_RATE_TIP = "Length of a step. Can be changed while training: it holds from the next batch on."
_BATCH_TIP = "Examples in one step. Can be changed while training: it holds from the next epoch on."
_OPTIMIZER_TIP = "The rule by which gradients change the weights. Needs a restart."
_BATCHES = ("1", "4", "8", "16", "32", "64", "128", "256", "512", "1024")

_Value = TypeVar("_Value")


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


class BarSettings(QObject):
    """Shows with what the step that is shown was made; what is chosen there changes the document, or the speed.

    Args:
        document: What is open.
        training: What is asked and shown.
        apply: Applies an edit and tells of a refusal.
        bar: In which the fields stand, once they are put into its row.

    Attributes:
        fields: Each value under its caption, by the caption, in the order in which they stand.
    """

    #: The keyboard goes back to the canvas.
    left = Signal()
    #: Why a value is refused: a sentence.
    message = Signal(str)

    def __init__(self, document: Document, training: Training, apply: Callable[[Edit], None], bar: QWidget) -> None:
        super().__init__(bar)
        self._document = document
        self._training = training
        self._apply = apply
        self.fields: dict[str, Field] = {}
        #: The epochs that are shown, unless others are being typed.
        self._epochs_shown = ""
        self._build(bar)

    @property
    def parts(self) -> tuple[QWidget, ...]:
        """All that lays something out: what stands in a field before the field."""
        return self._epoch_pair, *self.fields.values()

    def refresh(self) -> None:
        """Show the settings of the step that is shown."""
        self._show_seen(self._training.standing)

    # ---- building ------------------------------------------------------------------------------------------------

    def _field(self, caption: str, value: QWidget, bar: QWidget, short: str = "") -> None:
        self.fields[caption] = Field(caption, value, bar, short)

    def _build(self, bar: QWidget) -> None:
        self._epoch_pair = epoch = QWidget(bar)
        pair = QHBoxLayout(epoch)
        pair.setContentsMargins(4, 0, 0, 0)
        pair.setSpacing(0)
        self.epoch = QLabel("0", epoch)
        self.epoch.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.epochs = QLineEdit(epoch)
        self.epochs.setObjectName("InPlace")
        self.epochs.setAccessibleName("Epochs")
        self.epochs.setToolTip("How often every training example is seen. Can be changed while training.")
        self.epochs.setTextMargins(0, 0, 0, 0)
        self.epochs.editingFinished.connect(self._on_epochs)
        self.epochs.returnPressed.connect(self._leave_epochs)
        undo_document_from(self.epochs)
        pair.addWidget(self.epoch)
        pair.addWidget(self.epochs)
        pair.addStretch(1)
        self._field("Epoch", epoch, bar)
        self.step = QLabel("0", bar)
        self.step.setIndent(4)
        self._field("Step", self.step, bar)
        self.rate = InPlace(_RATES, "0.00001", "Learning rate", bar)
        self.rate.chosen.connect(self._on_rate)
        self.rate.left.connect(self.left)
        self._field("Learning rate", self.rate, bar, "Rate")
        self.batch = InPlace(_BATCHES, "65536", "Batch size", bar)
        self.batch.chosen.connect(self._on_batch)
        self.batch.left.connect(self.left)
        self._field("Batch", self.batch, bar)
        names = [spec.title for spec in registry.optimizers().values()]
        self.optimizer = InPlace(names, max(names, key=text_width), "Optimizer", bar, editable=False)
        self.optimizer.chosen.connect(self._on_optimizer)
        self.optimizer.left.connect(self.left)
        self._field("Optimizer", self.optimizer, bar)

        self.pace = InPlace([pace.title for pace in PACES], "20/s", "Speed", bar, editable=False)
        self.pace.chosen.connect(self._on_pace)
        self.pace.left.connect(self.left)
        self._field("Speed", self.pace, bar)

    def refit(self) -> None:
        """Take the letters of the present text scale everywhere, and the room that they need."""
        for field in self.fields.values():
            field.refit()
        for choice in (self.rate, self.batch, self.optimizer, self.pace):
            choice.refit()
        for value in (self.epoch, self.epochs, self.step):
            value.setFont(value_font())
        self._epoch_pair.setFixedHeight(value_height())
        self.epoch.setFixedWidth(text_width("0000 /") + 1)
        self.epochs.setFixedSize(text_width("0000") + 10, value_height())
        self.step.setFixedSize(text_width("000 000") + 4, value_height())

    # ---- showing -------------------------------------------------------------------------------------------------

    def show_standing(self, standing: Standing) -> None:
        """Show where training stands, and with what the step that is shown was made."""
        self._show_seen(standing)
        self.epoch.setText(f"{_short_epoch(standing.seen.epoch)} /")
        self.step.setText(_short_step(standing.seen.step))
        self.step.setToolTip(f"{format_count(standing.seen.step)} steps")

    def show_pace(self) -> None:
        """Show how fast it may train."""
        pace = pace_of(self._training.pace)
        self.pace.show_value(pace.title)
        self.pace.setToolTip(f"How fast it may train, so that each step can be looked at: {pace.words}.")

    def _show_seen(self, standing: Standing) -> None:
        """Of the settings those that may have been others at the step that is shown.

        Live what the project says; what the network in training does not have yet looks so, and says it. At an earlier
        step, and in a recorded run, what that step was made with.
        """
        training, project, seen = self._training, self._document.project, standing.seen
        planned = seen.epochs if training.replay is not None else training.workbench.epochs
        self._epochs_shown = str(max(planned, seen.epoch))
        if not (self.epochs.hasFocus() and self.epochs.isModified()):
            self.epochs.setText(self._epochs_shown)
        used, opened = training.in_use, None if training.replay is not None else training.workbench.opened
        rate, size = learning_rate_seen(project, used, seen), batch_size_seen(project, used, seen)
        kind = optimizer_seen(project, used, opened, earlier=training.feed.current_step is not None)

        def show(
            field: InPlace, name: str, setting: SettingSeen[_Value], text: Callable[[_Value], str], tip: str
        ) -> None:
            field.show_value(text(setting.value))
            if setting.made:
                tip = _made(name, seen.step, text(setting.wanted))
            elif setting.in_use is not None:
                tip = _waiting(text(setting.in_use))
            field.wait(setting.in_use is not None, tip)

        show(self.rate, "learning rate", rate, lambda value: f"{value:.6g}", _RATE_TIP)
        show(self.batch, "batch size", size, str, _BATCH_TIP)
        show(self.optimizer, "optimizer", kind, lambda value: registry.optimizer(value).title, _OPTIMIZER_TIP)

    def offer(self, menu: QMenu, hidden: tuple[str, ...]) -> None:
        """Offer in a menu what can be chosen and has no room in the bar.

        Args:
            menu: Gets an entry each.
            hidden: What has no room, by the names of :class:`~nnviz.gui.window.bar_form.BarForm`.
        """
        if "pace" in hidden:
            pace = pace_of(self._training.pace)
            _add_choices(menu, f"Speed: {pace.title}", [one.title for one in PACES], pace.title, self._on_pace)
        if "optimizer" in hidden:
            shown = self.optimizer.currentText()
            names = [spec.title for spec in registry.optimizers().values()]
            _add_choices(menu, f"Optimizer: {shown}", names, shown, self._on_optimizer)
        if "batch" in hidden:
            size = self.batch.currentText()
            _add_choices(menu, f"Batch: {size}", list(dict.fromkeys((*_BATCHES, size))), size, self._on_batch)

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
            self.rate.refuse()
            self.message.emit(_sentence(error))
            return
        self._apply(with_learning_rate(self._document.project, float(value)))
        self._see_the_newest()

    def _see_the_newest(self) -> None:
        """What was chosen holds from now on, and is to be seen."""
        if self._training.replay is None:
            self._training.feed.set_step(None)
        self.refresh()

    def _on_batch(self, text: str) -> None:
        try:
            value = self._value(settings.find(settings.TRAINING, "batch_size"), text, whole=True)
        except ParamError as error:
            self.batch.refuse()
            self.message.emit(_sentence(error))
            return
        training = self._document.project.training
        self._apply(SetTraining(msgspec.structs.replace(training, batch_size=int(value))))
        self._see_the_newest()

    def _on_epochs(self) -> None:
        self.epochs.setModified(False)
        if self.epochs.text().strip() == self._epochs_shown:  # they may be those of a recorded run
            return
        training = self._document.project.training
        try:
            value = self._value(settings.find(settings.TRAINING, "epochs"), self.epochs.text().strip(), whole=True)
        except ParamError as error:
            self.message.emit(_sentence(error))
            self.refresh()
            return
        if value not in (training.epochs, self._training.workbench.epochs):  # as many as were asked for already
            self._apply(SetTraining(msgspec.structs.replace(training, epochs=int(value))))
        self.refresh()

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


def _add_choices(menu: QMenu, words: str, values: list[str], chosen: str, then: Callable[[str], object]) -> None:
    choices = menu.addMenu(words)
    for value in values:
        entry = choices.addAction(value, partial(then, value))
        entry.setCheckable(True)
        entry.setChecked(value == chosen)
