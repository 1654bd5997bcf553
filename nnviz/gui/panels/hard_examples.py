"""The training examples that the network finds hardest: by loss, by how often they were forgotten, by margin.

What is decided about one here (another label, another weight, leaving it out) is an edit of the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QHideEvent, QIcon, QImage, QPixmap, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QWidget,
)

from nnviz.gui.look import theme as themes
from nnviz.gui.look.pictures import sample_picture
from nnviz.gui.panels.base import Cell, Panel
from nnviz.gui.panels.panel_actions import PanelChoice, PanelOption
from nnviz.gui.panels.small_button import small_button
from nnviz.gui.parts.chooser import ShorteningChooser
from nnviz.gui.parts.flow_row import FlowRow
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import line_height, set_font
from nnviz.gui.runs.shown_network import Asked
from nnviz.project import registry
from nnviz.project.curation import HEAVIEST, Curate, decided
from nnviz.project.declared.augmentations import TOGETHER
from nnviz.project.model import Choice, Curated, Project
from nnviz.record.hardest import hardest_first
from nnviz.record.interest import NOTHING, Interest
from nnviz.record.number_text import format_number, format_times
from nnviz.record.quantities import EXAMPLE_FORGOTTEN, EXAMPLE_LOSS, EXAMPLE_MARGIN
from nnviz.record.quantity import Quantity
from nnviz.record.readings import ArrayReading
from nnviz.record.run import RunView

if TYPE_CHECKING:
    from nnviz import train

#: Examples that are listed.
_MOST = 60
#: Side of a picture, in pixels at the letters of a desk.
_SIDE = 72
#: Numbers of a row that are written under it.
_MOST_NUMBERS = 4
_ORDERS: dict[str, Quantity] = {
    "loss": EXAMPLE_LOSS,
    "forgotten": EXAMPLE_FORGOTTEN,
    "margin": EXAMPLE_MARGIN,
}
_MIXED = (
    "The augmentation mixes examples with each other (mix-up): what the network says of a mixture says nothing of "
    "either, so that no losses of single examples are recorded. The data page can ask the network about them."
)
_AS_IS = "as in the data"


@dataclass(frozen=True, eq=False)
class Known:
    """One training example as it stands in the data.

    Attributes:
        number: Among those for training and validation, as the data set gives them.
        mark: Tells it from others.
        label: What is right, in words.
        numbers: The raw ones: float32[channels, height, width] of a picture from 0 to 1, else as they are.
    """

    number: int
    mark: str
    label: str
    numbers: NDArray[np.float32]


@dataclass(frozen=True)
class Answer:
    """What the network's owner says of some examples.

    Attributes:
        known: By their places in the training split.
        names: The classes that an example can have; empty where it cannot have another.
    """

    known: dict[int, Known]
    names: tuple[str, ...]


def examples_of(training: train.training.Training, places: Sequence[int]) -> Answer:
    """Some examples of the training split; on the thread that owns the network."""
    from nnviz.data.curation import mark_of  # noqa: PLC0415 - torch belongs to that thread

    data = training.data
    split, facts = data.train, data.facts
    known: dict[int, Known] = {}
    for place in places:
        if not 0 <= place < len(split):
            continue
        raw = split.inputs[place]
        scale = 1.0 if raw.is_floating_point() else 1 / 255
        numbers = np.asarray(raw.float().numpy() * scale, np.float32)
        known[place] = Known(split.number(place), mark_of(split.as_read(place)), data.describe(place, "train"), numbers)
    names = facts.class_names
    if not names and training.loss_function.has_accuracy:
        names = tuple(str(number) for number in range(max(2, facts.targets)))
    return Answer(known, names if training.loss_function.has_accuracy else ())


class HardExamplesPanel(Panel):
    """A list of the hardest examples with their pictures, and what can be decided about those that are selected."""

    key = "hard_examples"
    title = "Hard examples"
    letter = "E"
    least_width = 420
    least_height = 320
    empty = "Press Play to train: after the first epoch the examples with the largest losses are listed here."
    needs_training = True
    quantities = (EXAMPLE_LOSS, EXAMPLE_FORGOTTEN, EXAMPLE_MARGIN)
    choices = (
        PanelChoice(
            "order",
            "loss",
            (
                PanelOption("loss", "By &loss", "The largest loss in the last recorded epoch first", "L"),
                PanelOption("forgotten", "By times &forgotten", "Right in one epoch, wrong in the next", "F"),
                PanelOption("margin", "By &margin", "Those whose label the network disagrees with most", "M"),
            ),
        ),
    )
    help = (
        "<p><b>What it shows.</b> The training examples that the network finds hardest, as the steps saw them: before "
        "their update, with dropout. <i>Loss</i>: in the last epoch that was recorded. <i>Forgotten</i>: how often an "
        "example was right in one epoch and wrong in the next (Toneva et al., 2019). <i>Margin</i>: the mean over the "
        "epochs of the output of its label less the largest other output (Pleiss et al., 2020); below zero the network "
        "disagrees with the label.</p>"
        "<p><b>How to read it.</b> Wrong labels come first: a large loss that stays, a margin far below zero. What is "
        "forgotten again and again is hard or rare; what is never forgotten could be left out.</p>"
        "<p><b>Left out.</b> It weighs nothing: it counts in no loss and no accuracy of the training and changes no "
        "weight. It keeps its place in its batch, so that batches and steps stay those that they were, and batch "
        "normalisation sees it.</p>"
        "<p><b>What to do.</b> Select one or several and give them another label, leave them out, or make them count "
        "more or less. The training goes on from where it is, with that from the next epoch on. It stands in the "
        "project and can be undone; your data are never changed.</p>"
    )

    def set_obstacle(self, text: str) -> None:
        """Where examples are mixed with each other there is nothing to wait for."""
        self._obstacle = text
        mixed = any(registry.AUGMENTATIONS(one.kind).stage == TOGETHER for one in self._steps())
        super().set_obstacle(_MIXED if mixed and not text else text)

    def _steps(self) -> tuple[Choice, ...]:
        known = registry.AUGMENTATIONS
        return tuple(one for one in self.document.project.data.augmentation if one.kind in known)

    def build(self) -> None:
        """The list, and the row of what can be decided."""
        self._order = "loss"
        #: What has to be done before the network can be trained.
        self._obstacle = ""
        self._known: dict[int, Known] = {}
        self._names: tuple[str, ...] = ()
        self._of: object = None
        self._asked: Asked | None = None
        self._arrays: dict[str, NDArray[Any]] = {}
        self._step_of = -1
        self._was_old = False
        self.list = QListWidget(self.body)
        self.list.setAccessibleName("Hard examples, the hardest first")
        self.list.setViewMode(QListWidget.ViewMode.IconMode)
        self.list.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.list.setMovement(QListWidget.Movement.Static)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setUniformItemSizes(True)
        self.list.setWordWrap(True)
        self.list.itemSelectionChanged.connect(self._show_controls)
        self.body_layout.addWidget(self.list, 1)
        self.controls = FlowRow(self.body)
        self.label = ShorteningChooser(self.controls)
        self.label.setAccessibleName("Label to give")
        self.label.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.label.setMinimumContentsLength(6)
        self.relabel = small_button("Relabel", "Give the selected examples this label", self._on_relabel, self.controls)
        self.leave_out = small_button(
            "Leave out", "Train on without the selected examples", self._on_leave_out, self.controls
        )
        self.weight = QDoubleSpinBox(self.controls)
        self.weight.setAccessibleName("Weight to give")
        self.weight.setRange(0.0, HEAVIEST)
        self.weight.setSingleStep(0.5)
        self.weight.setValue(2.0)
        self.weight.setPrefix("× ")
        self.set_weight = small_button(
            "Weight", "Let the selected examples count so much", self._on_weight, self.controls
        )
        self.as_usual = small_button(
            "As usual", "Take back what was decided about these examples", self._on_usual, self.controls
        )
        for widgets in ((self.label, self.relabel, self.leave_out), (self.weight, self.set_weight, self.as_usual)):
            together = QWidget(self.controls)
            row = QHBoxLayout(together)
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(6)
            for widget in widgets:
                set_font(widget, 12)
                row.addWidget(widget)
            self.controls.add(together)
        self.body_layout.addWidget(self.controls)
        self.words = QLabel("", self.body)
        self.words.setProperty("role", "muted")
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        set_font(self.words, 12)
        self.body_layout.addWidget(self.words)
        follow(self.document.changed, self._on_document)
        self._show_controls()

    # ------------------------------------------------------------------ what is shown

    def option(self, key: str) -> str:
        """By what they are ordered."""
        return self._order

    def set_option(self, key: str, value: str) -> None:
        """Order them by something else."""
        if value != self._order:
            self._order = value
            self.redraw()
            self.option_changed.emit(key, value)

    def looks_at(self) -> Interest:
        """Nothing is measured for it: the steps leave it behind."""
        return NOTHING

    def draw(self, run: RunView, changed: frozenset[str], step: int | None, *, fresh: bool) -> bool:
        """The hardest of the last epoch that was recorded."""
        found = {key: run.latest(quantity.series(), step) for key, quantity in _ORDERS.items()}
        arrays = {key: one.array for key, one in found.items() if isinstance(one, ArrayReading) and one.array.ndim == 1}
        loss = found["loss"]
        if "loss" not in arrays or not isinstance(loss, ArrayReading):
            self._empty_list()
            self.set_obstacle(self._obstacle)
            return False
        self._arrays = {key: one for key, one in arrays.items() if one.shape == arrays["loss"].shape}
        self._step_of = loss.step
        if run is not self._of:
            self._of = run
            self._known = {}
            self._forget_question()
        order = self.order
        at = f"step {themes.format_count(self._step_of)}"
        self.set_subtitle(f"{_ORDERS[order].title.lower()}, {at}", at)
        places = hardest(self._arrays, order)
        self._fill(places)
        self._ask_missing()
        self.show_ages()
        return True

    def _ask_missing(self) -> None:
        """Ask what stands behind those that are listed and not known yet; one question at a time."""
        missing = [place for place in map(self._place, self._items()) if place not in self._known]
        if missing and self._asked is None:
            self._asked = self.workspace.network.ask(
                lambda training: examples_of(training, missing), self._on_known, self._on_unknown
            )

    def _empty_list(self) -> None:
        """Nothing of another run stays behind."""
        self._arrays, self._known, self._of, self._step_of = {}, {}, None, -1
        self._forget_question()
        self.list.clear()
        self._show_controls()

    @property
    def order(self) -> str:
        """By what they are ordered now: a number has no margin, so that its loss must do."""
        return self._order if self._order in self._arrays else "loss"

    def _fill(self, places: Sequence[int]) -> None:
        if [self._place(item) for item in self._items()] != list(places):
            chosen = {self._place(item) for item in self.list.selectedItems()}
            self.list.clear()
            for place in places:
                item = QListWidgetItem()
                item.setData(Qt.ItemDataRole.UserRole, int(place))
                item.setTextAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
                self.list.addItem(item)
                item.setSelected(place in chosen)
        self._show_items()

    def _items(self) -> list[QListWidgetItem]:
        return [self.list.item(row) for row in range(self.list.count())]

    @staticmethod
    def _place(item: QListWidgetItem) -> int:
        return int(item.data(Qt.ItemDataRole.UserRole))

    def _show_items(self) -> None:
        """Texts and pictures of what is listed."""
        scale = themes.text_scale()
        side = round(_SIDE * scale)
        self.list.setIconSize(QSize(side, side))
        cell = QSize(round(side * 1.75), side + 2 * line_height() + 14)
        self.list.setGridSize(cell)
        self.list.setFont(themes.font(12))
        decided = {entry.example: entry for entry in self.document.project.curation}
        for item in self._items():
            place = self._place(item)
            known = self._known.get(place)
            entry = None if known is None else decided.get(known.number)
            text = f"{self._label_text(known, entry)}\n{self._value_text(place)}"
            item.setSizeHint(cell)
            if item.text() != text:
                item.setText(text)
                item.setToolTip(self._tip(place, known))
            if known is not None and item.icon().isNull():
                item.setIcon(QIcon(_picture(known.numbers, side)))

    @staticmethod
    def _label_text(known: Known | None, entry: Curated | None) -> str:
        if known is None:
            return "…"
        if entry is None:
            return known.label
        label = f"{known.label} → {entry.label}" if entry.label else known.label
        if entry.weight == 1.0:
            return label
        return f"{label}, left out" if entry.weight == 0 else f"{label}, × {format_number(entry.weight)}"

    def _value_text(self, place: int) -> str:
        value = float(self._arrays[self.order][place])
        if self.order == "forgotten":
            return format_times(int(value)) if value else "never"
        return f"{self.order} {format_number(value)}"

    def _tip(self, place: int, known: Known | None) -> str:
        lines = [f"Training example {themes.format_count(place)}"]
        if known is not None:
            lines.append(f"Label in the data: {known.label}")
            if known.numbers.ndim == 1:
                some = ", ".join(format_number(float(number)) for number in known.numbers[:_MOST_NUMBERS])
                lines.append(some + (", …" if len(known.numbers) > _MOST_NUMBERS else ""))
        lines += [f"{_ORDERS[key].title}: {format_number(float(array[place]))}" for key, array in self._arrays.items()]
        return "\n".join(lines)

    def _on_known(self, answer: Answer) -> None:
        self._asked = None
        self._known.update(answer.known)
        if answer.names != self._names:
            self._names = answer.names
            self.label.clear()
            self.label.addItems([*self._names, _AS_IS])
        self._show_items()
        self._show_controls()
        if answer.known:
            self._ask_missing()  # others may have been listed meanwhile

    def _on_unknown(self, error: BaseException) -> None:
        self._asked = None
        self.words.setText(str(error))

    def _forget_question(self) -> None:
        if self._asked is not None:
            self._asked.cancel()
            self._asked = None

    def _on_document(self, before: Project, after: Project, edit: object) -> None:
        if before.data.augmentation != after.data.augmentation:
            self.set_obstacle(self._obstacle)
        if before.curation != after.curation:
            self._show_items()
            self._show_controls()

    # ------------------------------------------------------------------ what is decided

    @property
    def selected(self) -> list[Known]:
        """The examples that are selected and known."""
        places = [self._place(item) for item in self.list.selectedItems()]
        return [self._known[place] for place in places if place in self._known]

    def _show_controls(self) -> None:
        some = self.selected
        can = bool(some) and not self.document.read_only
        always: tuple[QWidget, ...] = (self.leave_out, self.weight, self.set_weight)
        for widget in always:
            widget.setEnabled(can)
        labels: tuple[QWidget, ...] = (self.label, self.relabel)
        for widget in labels:
            widget.setVisible(bool(self._names))
            widget.setEnabled(can)
        decided = {entry.example for entry in self.document.project.curation}
        self.as_usual.setEnabled(can and any(one.number in decided for one in some))
        count = len(self.document.project.curation)
        words = self.document.read_only if some else "Select examples to decide about them."
        if can:
            words = f"{len(some)} selected. It holds from the next epoch on, and Undo takes it back."
        if count:
            words += f" Decided about {themes.format_count(count)} so far."
        self.words.setText(words)
        self.words.setToolTip(words)

    def _decide(self, *, label: str | None = None, weight: float | None = None) -> None:
        before = {entry.example: entry for entry in self.document.project.curation}
        entries = tuple(
            decided(before.get(one.number, Curated(one.number)), one.label, label=label, weight=weight, mark=one.mark)
            for one in self.selected
        )
        if entries:
            self.workspace.apply(Curate(entries))

    def _on_relabel(self) -> None:
        label = self.label.currentText()
        self._decide(label="" if self.label.currentIndex() == len(self._names) else label)

    def _on_leave_out(self) -> None:
        self._decide(weight=0.0)

    def _on_weight(self) -> None:
        self._decide(weight=self.weight.value())

    def _on_usual(self) -> None:
        self._decide(label="", weight=1.0)

    # ------------------------------------------------------------------ age, sight, export

    @property
    def is_old(self) -> bool:
        """Whether training has gone on since the last epoch that was recorded."""
        return self._step_of >= 0 and self.moment.is_old(self._step_of)

    def has_aged(self) -> bool:
        """Whether it has become old, or is new again, since that was said."""
        return self.is_old is not self._was_old

    def show_ages(self) -> None:
        """Say that it is of an earlier epoch."""
        self._was_old = self.is_old
        self._subtitle.set_age((lambda: self.moment.words(self._step_of)) if self._was_old else None)

    def showEvent(self, event: QShowEvent) -> None:
        """Letters may have another size than when it was seen last."""
        super().showEvent(event)
        self._show_items()
        self._ask_missing()  # what was asked is forgotten when it is hidden

    def hideEvent(self, event: QHideEvent) -> None:
        """What nobody sees is not asked for."""
        super().hideEvent(event)
        self._forget_question()

    def rows(self) -> Iterator[Sequence[Cell]]:
        """One row an example that was recorded."""
        keys = list(self._arrays)
        yield ("example", *(_ORDERS[key].title.lower() for key in keys))
        for place in range(len(self._arrays.get("loss", ()))):
            yield (place, *(float(self._arrays[key][place]) for key in keys))


def hardest(arrays: dict[str, NDArray[Any]], order: str, most: int = _MOST) -> list[int]:
    """The places of the hardest examples, the hardest first."""
    found = hardest_first(arrays[order], arrays["loss"], small=order == "margin")
    return [int(place) for place in found[:most]]


def _picture(numbers: NDArray[np.float32], side: int) -> QPixmap:
    """A small picture with its pixels as squares."""
    image: QImage = sample_picture(numbers)
    ratio = Qt.AspectRatioMode.KeepAspectRatio
    return QPixmap.fromImage(image.scaled(side, side, ratio, Qt.TransformationMode.FastTransformation))
