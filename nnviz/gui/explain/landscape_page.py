"""Everything of the loss landscape in one widget: what it is of, the view itself, balls, and what is under the mouse.

A narrow place shows either the settings or the landscape; a wide one has them side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from nnviz.gui.explain.balls import STEPS, BallBar, BallLegend, BallList, kinds, proposed
from nnviz.gui.explain.chart import letters_for
from nnviz.gui.explain.landscape_view import Floats, LandscapeView
from nnviz.gui.explain.landscape_work import Catalogue, LandscapeWork, Place, Wanted
from nnviz.gui.explain.weight_chooser import WeightChooser
from nnviz.gui.look import theme as themes
from nnviz.gui.parts.chooser import Chooser
from nnviz.gui.parts.widgets import ElidedLabel, FittedText, Segments, set_font
from nnviz.record.number_text import percent

#: (key, words, tip) of the kinds of landscapes.
WHATS = (
    ("one", "One weight", "The loss along one weight, all others as they are: the valley"),
    ("two", "Two weights", "The loss over two weights, all others as they are"),
    ("random", "Random directions", "The loss in random directions around the present weights"),
    ("way", "Way of the run", "The loss over the plane in which the run has moved most, with its way"),
)
#: (points along an axis, words).
_POINTS = ((None, "automatic"), (17, "coarse"), (33, "medium"), (65, "fine"))
_REACHES = ((None, "automatic"), (0.25, "±0.25"), (0.5, "±0.5"), (1.0, "±1"), (2.0, "±2"), (5.0, "±5"), (10.0, "±10"))
_COUNTS = ((64, "64"), (256, "256"), (1024, "1 024"), (10**9, "all"))
_SPLITS = (("validation", "validation"), ("train", "training"))
#: From this width on the settings stand beside the landscape.
_BESIDE = 640
_COLUMN, _ANY_WIDTH = 312, 2**24 - 1
#: From this height on there is a line for what is under the mouse.
_HIGH = 200
#: How far from its edges the balls begin if nobody says where, as a share of an axis.
_EDGE = 0.1


def high_up(axes: Sequence[Floats], losses: Floats) -> tuple[float, ...]:
    """The place of the highest loss that is not at the edge: from there a ball has far to go."""
    inner = tuple(slice(round(_EDGE * len(axis)), len(axis) - round(_EDGE * len(axis))) for axis in reversed(axes))
    part = losses[inner]
    highest = np.unravel_index(int(np.where(np.isfinite(part), part, -np.inf).argmax()), part.shape)
    found = [edge.start + int(at) for edge, at in zip(inner, highest, strict=True)]
    return tuple(float(axis[at]) for axis, at in zip(axes, reversed(found), strict=True))


class LandscapePage(QWidget):
    """Settings, landscape and balls, on the work that measures them.

    Args:
        work: Measures.
        parent: Owner.
    """

    #: Another kind of landscape was chosen here: its key.
    what_chosen = Signal(str)
    #: A landscape of the present weights is asked for.
    asked = Signal()
    #: It has another size.
    resized = Signal()

    def __init__(self, work: LandscapeWork, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.work = work
        self.wanted = Wanted()
        self._start: tuple[float, ...] | None = None
        self._settings_wanted = False
        self._rolled: object = None
        # What is inside follows the room that there is; it never asks for more.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.setMinimumSize(200, 90)
        self._build()
        work.changed.connect(self._show)
        self._show_wanted()
        self._show()

    # ------------------------------------------------------------------ building

    def _build(self) -> None:
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(4)
        self.whats = Segments(WHATS, self)
        self.whats.chosen.connect(self._on_what)
        whole.addWidget(self.whats, 0, Qt.AlignmentFlag.AlignLeft)
        # The same where there is no room for four words side by side.
        self.what_box = QComboBox(self)
        for key, words, tip in WHATS:
            self.what_box.addItem(words, key)
            self.what_box.setItemData(self.what_box.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.what_box.setAccessibleName("What the landscape is of")
        set_font(self.what_box, 12)
        self.what_box.activated.connect(lambda index: self._on_what(self.what_box.itemData(index)))
        whole.addWidget(self.what_box)
        row = QHBoxLayout()
        row.setSpacing(10)
        whole.addLayout(row, 1)

        self.side = QWidget(self)
        column = QVBoxLayout(self.side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self.legend = BallLegend(self.side)
        column.addWidget(self.legend)
        self.view = LandscapeView(self.side)
        self.view.read.connect(self._on_read)
        self.view.picked.connect(self._on_picked)
        self.message = FittedText("", self.side)
        self.pages = QStackedWidget(self.side)
        self.pages.addWidget(self.message)
        self.pages.addWidget(self.view)
        column.addWidget(self.pages, 1)
        self.bar = BallBar(self.side)
        self.bar.moved.connect(self._on_ball_step)
        column.addWidget(self.bar)
        self.reading = ElidedLabel("", self.side)
        set_font(self.reading, 13)
        column.addWidget(self.reading)
        self.progress = QProgressBar(self.side)
        self.progress.setTextVisible(False)
        self.progress.setRange(0, 1000)
        self.cancel = QPushButton("Stop", self.side)
        self.cancel.setToolTip("Stop measuring; what is measured so far stays")
        set_font(self.cancel, 12)
        self.cancel.clicked.connect(self.work.cancel)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self.progress, 1)
        foot.addWidget(self.cancel)
        column.addLayout(foot)
        row.addWidget(self.side, 1)

        self.settings = QScrollArea(self)
        self.settings.setWidgetResizable(True)
        self.settings.setFrameShape(QFrame.Shape.NoFrame)
        self.settings.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.settings.setWidget(self._build_settings())
        row.addWidget(self.settings)

    def _build_settings(self) -> QWidget:
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 6, 4)
        column.setSpacing(8)
        self.again = QPushButton("Measure again", content)
        self.again.setProperty("role", "primary")
        self.again.setToolTip("Take the present weights and measure the landscape anew")
        set_font(self.again, 13, 500)
        self.again.clicked.connect(self._on_again)
        column.addWidget(self.again)
        self.choosers = [WeightChooser("Weight", content), WeightChooser("Second weight", content)]
        for number, chooser in enumerate(self.choosers):
            chooser.chosen.connect(lambda place, number=number: self._on_weight(number, place))
            column.addWidget(chooser)
        self.balls_title = QLabel("Balls", content)
        self.balls_title.setProperty("role", "caption")
        set_font(self.balls_title, 12, 600)
        column.addWidget(self.balls_title)
        self.balls = BallList(content)
        self.balls.set_choices([proposed(title) for title in list(kinds())[:2]])
        self.balls.changed.connect(lambda _choices: self._roll())
        column.addWidget(self.balls)
        form = QFormLayout()
        form.setHorizontalSpacing(10)
        form.setVerticalSpacing(5)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self.axes = self._box(form, "Axes", (("1", "one direction"), ("2", "two directions")))
        self.reach = self._box(form, "Range", _REACHES)
        self.points = self._box(form, "Resolution", _POINTS)
        self.split = self._box(form, "Examples of", _SPLITS)
        self.count = self._box(form, "How many", _COUNTS)
        column.addLayout(form)
        self._form = form
        self.small_ones = QCheckBox("Move biases, too", content)
        self.small_ones.setToolTip(
            "Biases and the parameters of normalisations move as well; in the paper (Li et al., 2018) they stay"
        )
        set_font(self.small_ones, 12)
        self.small_ones.clicked.connect(lambda on: self.measure(small_ones=on))
        column.addWidget(self.small_ones)
        self.others = QPushButton("Other directions", content)
        self.others.setToolTip("Draw other random directions")
        set_font(self.others, 12)
        self.others.clicked.connect(lambda: self.measure(seed=self.wanted.seed + 1))
        column.addWidget(self.others)
        column.addStretch(1)
        self._boxes: tuple[tuple[QComboBox, str, Callable[[str], object]], ...] = (
            (self.axes, "axes", int),
            (self.reach, "reach", lambda text: None if text == "None" else float(text)),
            (self.points, "points", lambda text: None if text == "None" else int(text)),
            (self.split, "split", str),
            (self.count, "count", int),
        )
        for box, name, read in self._boxes:
            box.activated.connect(
                lambda index, box=box, name=name, read=read: self.measure(**{name: read(box.itemData(index))})
            )
        return content

    def _box(self, form: QFormLayout, title: str, entries: tuple[tuple[object, str], ...]) -> QComboBox:
        box = Chooser(self)
        for key, words in entries:
            box.addItem(words, str(key))
        box.setAccessibleName(title)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(8)
        box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        set_font(box, 12)
        label = QLabel(title, self)
        label.setProperty("role", "muted")
        set_font(label, 12)
        form.addRow(label, box)
        return box

    # ------------------------------------------------------------------ what is wanted

    def measure(self, **changes: object) -> None:
        """Measure what is wanted, with these changes to it."""
        self.wanted = replace(self.wanted, **changes)  # type: ignore[arg-type]  # by name, as they are declared
        self._show_wanted()
        self._start, self._rolled = None, None
        self.bar.stop()
        self.asked.emit()
        self.work.measure(self.wanted)

    def _on_again(self) -> None:
        self.measure()

    def set_what(self, what: str) -> None:
        """Another kind of landscape; it is not measured before somebody looks."""
        self.wanted = replace(self.wanted, what=what, reach=None)
        self._show_wanted()

    def set_weights(self, weights: tuple[Place, ...]) -> None:
        """Go along these weights from now on; it is not measured before somebody looks."""
        self.wanted = replace(self.wanted, weights=weights, reach=None)

    @property
    def has_balls(self) -> bool:
        """Whether balls roll down such a landscape."""
        return self.wanted.what in {"one", "two"}

    def _on_what(self, what: str) -> None:
        self.set_what(what)
        self.what_chosen.emit(what)
        self.measure()

    def _on_weight(self, number: int, place: Place) -> None:
        chosen = [chooser.place for chooser in self.choosers]
        chosen[number] = place
        self.measure(weights=tuple(one for one in chosen if one is not None), reach=None)

    def _show_wanted(self) -> None:
        """The settings say what is wanted."""
        wanted = self.wanted
        self.whats.set_value(wanted.what)
        self.what_box.setCurrentIndex(self.what_box.findData(wanted.what))
        for box, name, _ in self._boxes:
            box.setCurrentIndex(box.findData(str(getattr(wanted, name))))
        self.small_ones.setChecked(wanted.small_ones)
        is_random = wanted.what == "random"
        self._form.setRowVisible(self.axes, is_random)
        self._form.setRowVisible(self.reach, wanted.what != "way")
        self.small_ones.setVisible(is_random)
        self.others.setVisible(is_random)
        self.choosers[0].setVisible(wanted.what in {"one", "two"})
        self.choosers[0].title.setText("Weight" if wanted.what == "one" else "First weight")
        self.choosers[1].setVisible(wanted.what == "two")
        for widget in (self.balls_title, self.balls, self.bar, self.legend):
            widget.setVisible(self.has_balls)

    # ------------------------------------------------------------------ what is shown

    def _show(self) -> None:
        work = self.work
        landscape = work.landscape
        catalogue = work.catalogue or Catalogue({}, {})
        of_this = landscape if landscape is not None and landscape.wanted.what == self.wanted.what else None
        if of_this is not None:
            self.view.show_landscape(of_this)
            weights = of_this.wanted.weights
            self.wanted = replace(self.wanted, weights=weights or self.wanted.weights)
            for chooser, place in zip(self.choosers, (*weights, None, None), strict=False):
                if place is not None:
                    chooser.show_place(catalogue, place)
        busy = work.progress is not None
        self.progress.setVisible(busy)
        self.cancel.setVisible(busy)
        self.progress.setValue(round(1000 * (work.progress or 0.0)))
        self.again.setEnabled(not busy)
        waiting = "Copying the weights …" if busy else "Press “Measure again” to see the landscape."
        self.message.say(work.problem or waiting)
        self.pages.setCurrentWidget(self.view if of_this is not None and not work.problem else self.message)
        if not self.view.chart.underMouse():
            self._say_rest()
        if of_this is not None and not busy and self.has_balls and self._rolled is not of_this:
            self._rolled = of_this
            self._roll()
        self._show_balls()

    def _roll(self) -> None:
        """The balls go from where they begin."""
        landscape = self.work.landscape
        if landscape is None or not self.has_balls:
            return
        if self._start is None or len(self._start) != len(landscape.picture.axes):
            self._start = high_up(landscape.picture.axes, landscape.picture.losses)
        self.bar.stop()
        self.bar.set_value(0)
        self.work.walk(self.balls.choices, self._start, STEPS)

    def _show_balls(self) -> None:
        balls = self.work.balls if self.has_balls else ()
        self.view.show_balls(balls, self.bar.value)
        self.legend.show_balls(balls, self.bar.value)
        self.balls.show_rates(balls)

    def _on_ball_step(self, _step: int) -> None:
        self._show_balls()

    def _on_picked(self, place: tuple[float, ...]) -> None:
        if self.has_balls:
            self._start = place
            self._roll()

    def _on_read(self, words: str) -> None:
        if words:
            self.reading.set_whole(words)
        else:
            self._say_rest()

    def _say_rest(self) -> None:
        """What stands at the foot while the mouse is elsewhere."""
        landscape = self.work.landscape
        words = ""
        if landscape is not None and landscape.wanted.what == self.wanted.what:
            if landscape.way is not None and landscape.way.shares:
                share = percent(min(sum(landscape.way.shares), 1.0))
                words = f"{share} of the way of the run lies in this plane, {len(landscape.way.steps)} states of it"
            elif landscape.no_way:
                words = f"The way of the run is left out. {landscape.no_way}"
            elif self.has_balls:
                words = "Click the landscape to put the balls there"
            else:
                words = "1 on an axis is as far as the weights of each filter are large"
        self.reading.set_whole(words)

    # ------------------------------------------------------------------ room

    def _set_letters(self, size: int) -> None:
        """What stands round the plot is as large as its own letters."""
        self.view.set_letters(size)
        self.legend.set_letters(size)
        set_font(self.reading, size)
        set_font(self.bar.label, size)

    def toggle_settings(self, on: bool) -> None:
        """In a narrow place: the settings, or the landscape."""
        self._settings_wanted = on
        self._lay()

    @property
    def is_narrow(self) -> bool:
        """Whether settings and landscape have no room beside each other."""
        return self.width() < _BESIDE * themes.text_scale()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A wide place has both."""
        super().resizeEvent(event)
        self._lay()
        self.resized.emit()

    def _lay(self) -> None:
        narrow = self.is_narrow
        self.whats.setVisible(not narrow)
        self.what_box.setVisible(narrow)
        self.reading.setVisible(self.height() >= _HIGH * themes.text_scale())
        self.settings.setVisible(not narrow or self._settings_wanted)
        self.side.setVisible(not narrow or not self._settings_wanted)
        column = round(_COLUMN * themes.text_scale())
        self._set_letters(letters_for(self.width() - (0 if narrow else column), self.height()))
        self.settings.setMinimumWidth(0 if narrow else column)
        self.settings.setMaximumWidth(_ANY_WIDTH if narrow else column)
