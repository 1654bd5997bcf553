"""The top bar: what is open, the player's buttons, where training stands, and its settings, editable in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QToolButton,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from nnviz.data import datasets
from nnviz.errors import InputError, ParamError
from nnviz.gui import icons, theme
from nnviz.gui.field_undo import undo_document_from
from nnviz.gui.in_place import Field, InPlace, text_width
from nnviz.gui.project_title import ProjectTitle
from nnviz.gui.standing import Standing, learning_rate_of, with_learning_rate
from nnviz.gui.theme import format_count, format_duration
from nnviz.gui.training import Training
from nnviz.project import registry, settings
from nnviz.project.document import Document
from nnviz.project.edits import Edit, SetTraining
from nnviz.project.model import Project
from nnviz.project.spec import ParamSpec

_COMPACT_BELOW = 1500
_RATES = ("1", "0.3", "0.1", "0.03", "0.01", "0.003", "0.001", "0.0003", "0.0001", "0.00001")
_BATCHES = ("1", "4", "8", "16", "32", "64", "128", "256", "512", "1024")


def short_count(count: int) -> str:
    """``48k``, ``1 437``: for pills, where the exact figure stands in the tooltip."""
    return f"{count // 1000}k" if count >= 10_000 and count % 1000 == 0 else format_count(count)


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
        self.setObjectName("TopBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(52)
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
        document.changed.connect(self._on_document_changed)
        document.saved.connect(self._on_saved)
        training.changed.connect(self._update_state)
        training.moved.connect(self._show_standing)
        training.data_known.connect(lambda _sizes: self._update_data())
        theme.notifier.changed.connect(self._on_theme)
        self.refresh()

    def refresh(self) -> None:
        """Show everything as it is now."""
        self._update_document()
        self._update_data()
        self._update_fields()
        self._update_state()
        self._show_standing(self._training.standing)

    def release(self) -> None:
        """Let go of the document, before the window goes."""
        self._document.changed.disconnect(self._on_document_changed)
        self._document.saved.disconnect(self._on_saved)

    # ---- building ------------------------------------------------------------------------------------------------

    def _build_document(self, row: QHBoxLayout) -> None:
        self._brand = QLabel("nnviz", self)
        self._brand.setFont(theme.scene_font(15, 700))
        row.addWidget(self._brand)
        self._title = ProjectTitle(self._document, self)
        self._title.clicked.connect(self._actions["details"].trigger)
        row.addWidget(self._title)
        self._data = QToolButton(self)
        self._data.setProperty("role", "pill")
        self._data.setFont(theme.scene_font(12))
        self._data.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self._data.setFixedHeight(28)
        self._data.clicked.connect(self.data_requested)
        row.addWidget(self._data)
        self._test = QToolButton(self)
        self._test.setProperty("role", "pill")
        self._test.setFont(theme.scene_font(12))
        self._test.setIconSize(QSize(14, 14))
        self._test.setFixedHeight(28)
        self._test.clicked.connect(self._actions["evaluate_test"].trigger)
        row.addWidget(self._test)

    def _build_player(self, row: QHBoxLayout) -> None:
        self._player: dict[str, QToolButton] = {}
        for name, icon, text in (
            ("reset", "reset", ""),
            ("step_back", "step-back", "step"),
            ("play", "play", "Play"),
            ("step", "step", "step"),
        ):
            button = QToolButton(self)
            action = self._actions[name]
            button.setFont(theme.scene_font(13, 600 if name == "play" else 400))
            button.setText(text)
            button.setIconSize(QSize(16, 16))
            button.setFixedHeight(32)
            button.setAccessibleName(action.text().replace("&", ""))
            button.setToolTip(action.toolTip())
            button.setEnabled(action.isEnabled())
            button.clicked.connect(action.trigger)
            icons.bind(button, icon, "accent_text" if name == "play" else "text")
            if name == "play":
                button.setProperty("role", "primary")
                button.setFixedWidth(text_width("Pause") + 54)
            self._player[name] = button
            action.changed.connect(lambda name=name: self._follow_action(name))
            row.addWidget(button)

    def _build_fields(self, row: QHBoxLayout) -> None:
        epoch = QWidget(self)
        pair = QHBoxLayout(epoch)
        pair.setContentsMargins(4, 0, 0, 0)
        pair.setSpacing(0)
        epoch.setFixedHeight(22)
        self._epoch = QLabel("0", epoch)
        self._epoch.setFont(theme.scene_font(13, 600))
        self._epoch.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._epochs = QLineEdit(epoch)
        self._epochs.setObjectName("InPlace")
        self._epochs.setFont(theme.scene_font(13, 600))
        self._epochs.setAccessibleName("Epochs")
        self._epochs.setToolTip("How often every training example is seen. Can be changed while training.")
        self._epochs.setTextMargins(0, 0, 0, 0)
        self._epochs.setFixedSize(text_width("0000") + 10, 22)
        self._epochs.editingFinished.connect(self._on_epochs)
        undo_document_from(self._epochs)
        pair.addWidget(self._epoch)
        pair.addWidget(self._epochs)
        pair.addStretch(1)
        row.addWidget(Field("Epoch", epoch, self))
        self._step = QLabel("0", self)
        self._step.setFont(theme.scene_font(13, 600))
        self._step.setFixedSize(text_width("000 000") + 4, 22)
        self._step.setIndent(4)
        row.addWidget(Field("Step", self._step, self))
        self._rate = InPlace(_RATES, "0.00001", "Learning rate", self)
        self._rate.setToolTip("Length of a step. Can be changed while training: it holds from the next batch on.")
        self._rate.chosen.connect(self._on_rate)
        row.addWidget(Field("Learning rate", self._rate, self))
        self._batch = InPlace(_BATCHES, "65536", "Batch size", self)
        self._batch.setToolTip("Examples in one step. Needs a restart.")
        self._batch.chosen.connect(self._on_batch)
        row.addWidget(Field("Batch", self._batch, self))
        names = [spec.title for spec in registry.optimizers().values()]
        self._optimizer = InPlace(names, max(names, key=text_width), "Optimizer", self, editable=False)
        self._optimizer.setToolTip("The rule by which gradients change the weights. Needs a restart.")
        self._optimizer.chosen.connect(self._on_optimizer)
        row.addWidget(Field("Optimizer", self._optimizer, self))

    def _build_progress(self, row: QHBoxLayout) -> None:
        self._progress_box = QWidget(self)
        column = QVBoxLayout(self._progress_box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        figures = QHBoxLayout()
        figures.setSpacing(10)
        self._speed = QLabel("", self._progress_box)
        self._eta = QLabel("", self._progress_box)
        for label in (self._speed, self._eta):
            label.setFont(theme.scene_font(12, 500))
            label.setProperty("role", "muted")
        self._eta.setAlignment(Qt.AlignmentFlag.AlignRight)
        figures.addWidget(self._speed)
        figures.addWidget(self._eta, 1)
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
        self._device.setFont(theme.scene_font(12, 500))
        self._device.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._device.setFixedHeight(28)
        self._device.setMinimumWidth(text_width("cuda:0", 12, 500) + 26)
        row.addWidget(self._device)
        self._lecture = QToolButton(self)
        self._lecture.setText("Lecture")
        self._lecture.setFont(theme.scene_font(13))
        self._lecture.setCheckable(True)
        self._lecture.setIconSize(QSize(16, 16))
        self._lecture.setFixedHeight(32)
        icons.bind(self._lecture, "lecture")
        action = self._actions["lecture"]
        self._lecture.setToolTip(action.toolTip())
        self._lecture.setAccessibleName("Lecture mode")
        self._lecture.clicked.connect(action.trigger)
        action.toggled.connect(self._lecture.setChecked)
        row.addWidget(self._lecture)
        self._set_compact(False)

    # ---- showing -------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A narrow window shows icons and the essential figures."""
        super().resizeEvent(event)
        self._set_compact(self.width() < _COMPACT_BELOW)
        self._update_document()
        self._update_data()

    def _set_compact(self, compact: bool) -> None:
        self._compact = compact
        self._brand.setVisible(not compact)
        beside, only = Qt.ToolButtonStyle.ToolButtonTextBesideIcon, Qt.ToolButtonStyle.ToolButtonIconOnly
        for name, button in self._player.items():
            wordless = name == "reset" or (compact and name != "play")
            button.setToolButtonStyle(only if wordless else beside)
            if wordless:
                button.setFixedWidth(34)
            elif name != "play":
                button.setFixedWidth(text_width("step", 13, 400) + 46)
        self._lecture.setToolButtonStyle(only if compact else beside)
        self._lecture.setFixedWidth(34 if compact else text_width("Lecture", 13, 400) + 50)
        self._progress_box.setFixedWidth(142 if compact else 190)
        self._row.setSpacing(6 if compact else 8)

    def _follow_action(self, name: str) -> None:
        action, button = self._actions[name], self._player[name]
        button.setEnabled(action.isEnabled())
        button.setToolTip(action.toolTip())
        if name == "play":
            running = self._training.running
            button.setText("Pause" if running else "Play")
            button.setAccessibleName("Pause" if running else "Play")
            colour = "accent_text" if action.isEnabled() else "text_faint"
            icons.bind(button, "pause" if running else "play", colour)

    def _update_state(self) -> None:
        for name in self._player:
            self._follow_action(name)
        uses = self._training.test_uses
        icons.bind(self._test, "lock-open" if uses else "lock", "warning" if uses else "text_muted")
        self._test.setEnabled(self._actions["evaluate_test"].isEnabled())
        self._update_data()
        self._show_standing(self._training.standing)

    def _on_document_changed(self, before: Project, after: Project, edit: object) -> None:
        self._update_document()
        if before.training != after.training or edit is None:
            self._update_fields()
        if before.data != after.data or edit is None:
            self._update_data()

    def _on_saved(self, _path: object) -> None:
        self._update_document()

    def _on_theme(self, _theme: object) -> None:
        self._update_state()

    def _update_document(self) -> None:
        self._title.refresh(116 if self._compact else 180)

    def _update_data(self) -> None:
        project = self._document.project
        sizes = self._training.split_sizes
        try:
            title = datasets.dataset(project.data.dataset).title
        except InputError:
            title = project.data.dataset
        if not sizes:
            self._data.setText(title)
            self._data.setToolTip("The sizes of this data set are not known.")
            self._test.setText("test")
            return
        train, validation, test = sizes
        exact = (
            f"{title}: {format_count(train)} examples to train, {format_count(validation)} to validate, "
            f"{format_count(test)} to test. Click to choose the data."
        )
        counts = f"{short_count(train)} train / {short_count(validation)} val"
        self._data.setText(f"{title} · {counts}")
        self._data.setToolTip(exact)
        self._data.setAccessibleName(f"Data set {exact}")
        uses = self._training.test_uses
        self._test.setText(f"{short_count(test)} test" + (f" ×{uses}" if uses else ""))
        times = "once" if uses == 1 else f"{uses} times"
        seen = f"The test set has been used {times} in this run." if uses else "The test set is untouched in this run."
        self._test.setToolTip(f"{seen} Click to measure loss and accuracy on it; each use is counted.")
        self._test.setAccessibleName(f"Evaluate on the test set. {seen}")
        self._test.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        # As much as there is room for; a name says more than the sizes, which also stand in the tooltip.
        if self._lacking() > 0:
            self._data.setText(f"{title} · {short_count(train)} / {short_count(validation)}")
        if self._lacking() > 0:
            self._data.setText(title)

    def _lacking(self) -> int:
        """How many pixels the bar is too narrow for what stands in it."""
        self._row.invalidate()
        return self._row.minimumSize().width() - self.width()

    def _update_fields(self) -> None:
        training = self._document.project.training
        if not (self._epochs.hasFocus() and self._epochs.isModified()):
            self._epochs.setText(str(training.epochs))
        self._rate.show_value(f"{learning_rate_of(self._document.project):.6g}")
        self._batch.show_value(str(training.batch_size))
        self._optimizer.show_value(registry.optimizer(training.optimizer).title)

    def _show_standing(self, standing: Standing) -> None:
        self._epoch.setText(f"{standing.epoch} /")
        planned = max(standing.epochs, standing.epoch, self._document.project.training.epochs, 10)
        self._epoch.setFixedWidth(text_width("0" * len(str(planned)) + " /") + 1)
        self._step.setText(format_count(standing.step))
        speed = standing.samples_per_second
        running = self._training.running
        self._speed.setText(f"{format_count(round(speed))} samples/s" if running and speed > 0 else "")
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
        return self._training.status()

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
        spec = registry.optimizer(self._document.project.training.optimizer).param("learning_rate")
        try:
            value = self._value(spec, text, whole=False)
        except ParamError as error:
            self._rate.refuse(error.message)
            return
        self._apply(with_learning_rate(self._document.project, float(value)))
        self._update_fields()

    def _on_batch(self, text: str) -> None:
        try:
            value = self._value(settings.find(settings.TRAINING, "batch_size"), text, whole=True)
        except ParamError as error:
            self._batch.refuse(error.message)
            return
        training = self._document.project.training
        self._apply(SetTraining(msgspec.structs.replace(training, batch_size=int(value))))
        self._update_fields()

    def _on_epochs(self) -> None:
        self._epochs.setModified(False)
        training = self._document.project.training
        try:
            value = self._value(settings.find(settings.TRAINING, "epochs"), self._epochs.text().strip(), whole=True)
        except ParamError as error:
            QToolTip.showText(self._epochs.mapToGlobal(self._epochs.rect().bottomLeft()), error.message, self._epochs)
            self._update_fields()
            return
        if value != training.epochs:
            self._apply(SetTraining(msgspec.structs.replace(training, epochs=int(value))))
        self._update_fields()

    def _on_optimizer(self, title: str) -> None:
        project = self._document.project
        kind = next((key for key, spec in registry.optimizers().items() if spec.title == title), None)
        if kind is None or kind == project.training.optimizer:
            return
        after = settings.with_setting(project, "training.optimizer", kind)
        self._apply(SetTraining(after.training))
        self._update_fields()

    def sizeHint(self) -> QSize:
        """As wide as the window."""
        return QSize(1280, 52)

    def minimumSizeHint(self) -> QSize:
        """Parts are elided before the window cannot get narrower."""
        return QSize(960, 52)


__all__ = ["TopBar", "short_count"]
