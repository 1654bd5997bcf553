"""One of two runs at a step: what flows out of a layer for the pinned example, and what was measured of it then."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSlider, QToolButton, QVBoxLayout, QWidget

from nnviz.gui.compare.card_column import CardColumn
from nnviz.gui.compare.results import SWATCH, swatch
from nnviz.gui.look import icons
from nnviz.gui.look.theme import format_count
from nnviz.gui.panels.feature_maps import MapView
from nnviz.gui.parts.chooser import ShorteningChooser
from nnviz.gui.parts.widgets import ElidedLabel, FittedText, set_font
from nnviz.project.document import Document
from nnviz.record.age import moment_of
from nnviz.record.quantities import (
    ACCURACY,
    ACTIVATION_DEVIATION,
    ACTIVATION_MEAN,
    DEAD_FRACTION,
    GRADIENT_NORM,
    LOSS,
    OUTPUT,
    PINNED_INPUT,
    PLANE,
    SATURATION,
    UPDATE_RATIO,
)
from nnviz.record.readings import ArrayReading, Scalar, count_in
from nnviz.record.run import RunView

#: What is written of the layer, in order.
_OF_LAYER = (GRADIENT_NORM, UPDATE_RATIO, ACTIVATION_MEAN, ACTIVATION_DEVIATION, DEAD_FRACTION, SATURATION)
_OF_RUN = ((LOSS, "train", "batch loss"), (LOSS, "validation", "val. loss"), (ACCURACY, "validation", "val. accuracy"))
_OPENING, _NO_LAYER = "The run is being opened…", "This network has no layer of that name."
_CHOOSE = "Choose runs above, or train: then two runs stand side by side here."
_NOTHING = "Nothing was recorded of this layer up to this step."


class Side(QWidget):
    """A run, its step and a layer of it.

    Signals:
        chosen: Another run is to stand here: its file.
        held_changed: The step is held, or follows the timeline again.
    """

    chosen = Signal(object)
    held_changed = Signal()

    def __init__(self, parent: QWidget, name: str) -> None:
        super().__init__(parent)
        self.path: Path | None = None
        self.document: Document | None = None
        #: The step at which it stays whatever the timeline does; None follows it.
        self.held: int | None = None
        self._run: RunView | None = None
        self._step: int | None = None
        self._node = ""
        self._drawn: tuple[object, ...] = ()
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 4, 12, 8)
        column.setSpacing(4)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.box = ShorteningChooser(self)
        self.box.setAccessibleName(name)
        self.box.setToolTip("The run that stands here")
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.box.setMinimumContentsLength(14)
        self.box.setIconSize(SWATCH)
        set_font(self.box, 13, 600)
        self.box.activated.connect(lambda index: self.chosen.emit(self.box.itemData(index)))
        row.addWidget(self.box, 1)
        self.at = QLabel("", self)
        set_font(self.at, 13)
        row.addWidget(self.at)
        self.hold = QToolButton(self)
        icons.bind(self.hold, "pin")
        self.hold.setCheckable(True)
        self.hold.setProperty("role", "flat")
        self.hold.setAccessibleName(f"Hold the step of the {name.lower()}")
        self.hold.setToolTip("Stay at this step while the timeline moves the other run: two moments side by side")
        self.hold.toggled.connect(self._on_hold)
        row.addWidget(self.hold)
        column.addLayout(row)
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setAccessibleName(f"Step of the {name.lower()}")
        self.slider.setToolTip("Another step of this run alone; the pin lets go of it again")
        self.slider.valueChanged.connect(self._on_slid)
        column.addWidget(self.slider)
        self.figures = ElidedLabel("", self)
        self.figures.setProperty("role", "muted")
        set_font(self.figures, 12)
        column.addWidget(self.figures)
        self.of_layer = ElidedLabel("", self)
        self.of_layer.setProperty("role", "muted")
        set_font(self.of_layer, 12)
        column.addWidget(self.of_layer)
        self._column = column
        self.view: MapView | None = None
        #: Whether the cards of all layers are shown, in place of the maps of one.
        self.all_layers = False
        self.cards = CardColumn(self)
        self.cards.hide()
        column.addWidget(self.cards, 1)
        self.trouble = FittedText(_CHOOSE)
        column.addWidget(self.trouble, 1)

    # ---- what stands here ----------------------------------------------------------------------------------------

    def offer(self, runs: list[tuple[Path, str, int]]) -> None:
        """The runs that can stand here: file, name, and place among those that are drawn."""
        self.box.clear()
        for path, name, place in runs:
            self.box.addItem(swatch(place, wide=True), name, path)
        self._name_run()

    def stand(self, path: Path | None) -> None:
        """This run stands here from now on; None where there is none. A step that was held is one of the other run."""
        if path != self.path:
            self.held = None
            self.hold.blockSignals(True)
            self.hold.setChecked(False)
            self.hold.blockSignals(False)
        self.path = path
        self._name_run()
        self.set_document(None)

    def _name_run(self) -> None:
        """The box says what stands here. Qt finds a Path only where it is the very same object."""
        places = range(self.box.count())
        self.box.setCurrentIndex(next((at for at in places if self.box.itemData(at) == self.path), -1))

    def set_document(self, document: Document | None, trouble: str = "") -> None:
        """The network of the run, by which its maps are read; None while it is not known."""
        self.document = document
        self._drawn = ()
        self.cards.set_document(document)
        if self.view is not None:
            self._column.removeWidget(self.view)
            self.view.hide()
            self.view.deleteLater()
            self.view = None
        if document is not None:
            self.view = MapView(document, parent=self)
            self.view.set_shared(True)
            self._column.insertWidget(4, self.view, 1)
        self._say("" if document is not None else trouble or (_CHOOSE if self.path is None else _OPENING))

    def refresh(self, run: RunView | None, node: str, step: int | None) -> None:
        """Show a layer at a step; None is the newest. It costs nothing where nothing of it is new."""
        self._run, self._node = run, node
        step = self.held if self.held is not None else step
        self._step = step
        self.hold.setEnabled(run is not None)
        if run is None or self.document is None or self.view is None:
            self.at.setText("")
            self.figures.set_wordings("")
            self.of_layer.set_wordings("")
            self.slider.setEnabled(False)
            return
        reached = max(run.last_step, 0)
        at = reached if step is None else min(step, reached)
        # A run that ended before that step is shown as it was then.
        self.at.setText(f"step {format_count(at)}" + (", its last" if step is not None and step > reached else ""))
        self._set_slider(at, reached)
        if self.all_layers:
            self._drawn = ()
            self._say("")
            self.cards.refresh(run, step)
            self._tell(run, node, step)
            return
        maps = run.latest(PLANE.series(node), step) or run.latest(OUTPUT.series(node), step)
        drawn = (run, node, None if maps is None else maps.step, step)
        if drawn != self._drawn:
            self._drawn = drawn
            if node not in self.document.project.graph.nodes:
                self._say(_NO_LAYER)
            else:
                self._say("" if self.view.refresh(run, node, step) else _NOTHING)
        self._tell(run, node, step)

    def _say(self, trouble: str) -> None:
        if self.view is not None:
            self.view.setVisible(not trouble and not self.all_layers)
        self.cards.setVisible(not trouble and self.all_layers)
        self.trouble.setVisible(bool(trouble))
        if trouble:
            self.trouble.say(trouble)

    def _tell(self, run: RunView, node: str, step: int | None) -> None:
        """The figures of the run and of the layer at the step, each with its age where it is old."""
        moment = moment_of(run, step)
        self.view_moment(run, step)
        series = [(quantity, quantity.series(split), words) for quantity, split, words in _OF_RUN]
        layer = [(quantity, quantity.series(node), quantity.title.lower()) for quantity in _OF_LAYER]
        if self.all_layers:  # each layer's stand beside its card
            self.of_layer.set_wordings(example_words(run, step))
            self.of_layer.set_age(None)
            layer = []
        for label, wanted in ((self.figures, series), (self.of_layer, layer)):
            if not wanted:
                continue
            words, oldest = [], None
            for quantity, name, title in wanted:
                found = run.latest(name, step)
                if not isinstance(found, Scalar):
                    continue
                words.append(f"{title} {quantity.text(found.value)}")
                if moment.is_old(found.step, name):
                    oldest = found.step if oldest is None else min(oldest, found.step)
            label.set_wordings(
                " · ".join(words), *(" · ".join(words[:count]) for count in range(len(words) - 1, 0, -1))
            )
            words_of_age = "" if oldest is None else f"The oldest was {moment.words(oldest)}"
            label.set_age(partial(str, words_of_age) if words_of_age else None)

    def view_moment(self, run: RunView, step: int | None) -> None:
        """Mark maps that are old at this moment."""
        if self.view is not None and self.view.isVisible():
            self.view.set_moment(moment_of(run, step))

    def _set_slider(self, at: int, reached: int) -> None:
        self.slider.blockSignals(True)
        self.slider.setEnabled(reached > 0)
        self.slider.setRange(0, reached)
        self.slider.setPageStep(max(1, reached // 20))
        self.slider.setValue(at)
        self.slider.blockSignals(False)

    def _on_slid(self, step: int) -> None:
        """It was moved by hand: this run stays at that step."""
        self.held = step
        self.hold.blockSignals(True)
        self.hold.setChecked(True)
        self.hold.blockSignals(False)
        self.held_changed.emit()

    def _on_hold(self, on: bool) -> None:
        if on and self._run is not None:
            reached = max(self._run.last_step, 0)
            self.held = reached if self._step is None else min(self._step, reached)
        else:
            self.held = None
        self.held_changed.emit()


def example_words(run: RunView, step: int | None) -> str:
    """Which example the cards of a run show, in a few words; empty where it recorded none."""
    found = run.latest(PINNED_INPUT.series(), step)
    if not isinstance(found, ArrayReading):
        return ""
    label = str(found.meta.get("label", ""))[:40]
    split = str(found.meta.get("split", ""))[:20]
    words = f"pinned example {count_in(found.meta, 'sample', 0)}"
    return words + (f" of {split}" if split else "") + (f", “{label}”" if label else "")
