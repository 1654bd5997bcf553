"""Why an answer, and what a unit wants: the reasons of the network on the screen, over the pinned example."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtGui import QHideEvent

from nnviz.explain.methods import METHODS
from nnviz.gui.panels.base import Cell, Panel
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.widgets import Segments
from nnviz.gui.runs.shown import Shown
from nnviz.record.age import ReadingShown
from nnviz.record.quantities import PINNED_INPUT
from nnviz.record.run import RunView

if TYPE_CHECKING:
    from nnviz.gui.explain.why_pages import WhyPages


class WhyPanel(Panel):
    """Two views: which parts of the example made the answer, and what excites a unit."""

    key = "why"
    title = "Why"
    letter = "W"
    least_width = 548
    least_height = 300
    leaves_cards = True
    empty = "Build a network that can run: which parts of the pinned example make its answer appears here."
    help = (
        "<p><b>This answer.</b> Of the pinned example, or of an own input while one stands on the cards. "
        "The score is the number behind the answer: that of a class before softmax, or of a "
        "unit. The map says which places of the pinned example made it; the legend is painted by the same scale. The "
        "third picture is the check: the tenth that did most, as the map has it, is covered by the baseline. "
        "A map that tells the truth makes the score fall.</p><p>"
        + "</p><p>".join(f"<b>{one.title}</b> ({one.published}). {one.formula}. {one.meaning}" for one in METHODS)
        + "</p><p><b>What a unit wants.</b> The validation examples for which it is largest, each with the frame of "
        "what it depends on there, and an input made to excite it: gradient ascent that begins with noise or with the "
        "mean example, with the L2 decay and blur of Yosinski et al. 2015, inside the range of real examples.</p>"
        "<p>All of it is computed on a copy of the network beside the training. It says its step; what has become old "
        "is marked.</p>"
    )

    def build(self) -> None:
        """A switch in the header; the rest is made when it is first looked at, so that the start does not wait."""
        self._views: WhyPages | None = None
        self._run_of_views: RunView | None = None
        self.switch = Segments(
            (
                ("answer", "this answer", "Which parts of the pinned example made the answer"),
                ("unit", "what a unit wants", "The examples that excite a unit most, and an input made to excite it"),
            ),
            self.header,
        )
        self.add_to_header(self.switch, instead_of_subtitle=True)
        self._header_row.insertStretch(self._header_row.indexOf(self.switch) + 1, 1)
        self.switch.chosen.connect(self._turn)
        follow(self.workspace.training.changed, self._on_training)

    @property
    def views(self) -> WhyPages:
        """The two pages."""
        if self._views is None:
            from nnviz.gui.explain.why_pages import WhyPages  # noqa: PLC0415 - see build

            self._views = WhyPages(self.workspace, self.body)
            self._views.set_node(self.selection)
            self.body_layout.addWidget(self._views, 1)
            self._views.turn(self.switch.value, False)
            self._views.moved.connect(self.redraw)
            self._on_training()
        return self._views

    def _on_training(self) -> None:
        """The network that answers may be another one than that on the canvas, as while a wire is missing there."""
        if self._views is not None:
            self._views.why.picture.set_of_other(self.workspace.training.differs)

    def turn(self, key: str) -> None:
        """Show ``answer`` or ``unit``."""
        self.switch.set_value(key)
        self._turn(key)

    def _turn(self, key: str) -> None:
        self.views.turn(key, self.isVisible())
        self.redraw()

    def refresh(self, shown: Shown, changed: frozenset[str]) -> None:
        """An own input takes the place of the pinned example here, too, and so does another example of a replay."""
        super().refresh(shown, changed)
        self.views.why.set_example(shown.example)
        self.views.why.set_own(shown.instead.get(PINNED_INPUT.series()))

    def draw(self, run: RunView, changed: frozenset[str], step: int | None, *, fresh: bool) -> bool:
        """The views follow the network by themselves; here they learn which step is shown."""
        views, why = self.views, self.views.why
        if run is not self._run_of_views:
            self._run_of_views = run
            views.clear()
        views.set_moment(self.moment)
        views.set_seen(self.isVisible())
        if views.of_unit:
            return bool(views.unit.node)
        self._say(why.failure or self.empty)
        return why.answer is not None or (why.waiting and not why.failure)

    def _say(self, sentence: str) -> None:
        self._empty.say(sentence)

    def readings_shown(self) -> tuple[ReadingShown, ...]:
        """Scores, and the numbers of the unit."""
        return () if self._views is None else self._views.readings_shown()

    def show_ages(self) -> None:
        """Mark what is old."""
        if self._views is not None:
            self._views.set_moment(self.moment)

    def on_selection(self) -> None:
        """The selected layer's units are offered."""
        if self._views is not None:
            self._views.set_node(self.selection)

    def restyle(self) -> None:
        """Take the letters of the theme."""
        super().restyle()
        if self._views is not None:
            self._views.restyle()

    def hideEvent(self, event: QHideEvent) -> None:
        """What nobody sees is neither computed nor kept in memory."""
        super().hideEvent(event)
        if self._views is not None:
            self._views.set_seen(False)

    def rows(self) -> Iterator[Sequence[Cell]]:
        """What was asked, the scores, and every number of the map; or the examples of the unit."""
        yield ("what", "row", "column", "value")
        if self.views.of_unit:
            yield from self._unit_rows()
            return
        yield ("method", "", "", self.views.why.method)
        answer = self.views.why.answer
        if answer is None:
            return
        yield ("step", "", "", answer.step)
        yield ("score", "", "", answer.score)
        yield ("score with the tenth covered", "", "", answer.covered_score)
        for place, value in np.ndenumerate(answer.map):
            row, column = place if len(place) == 2 else (0, place[0])
            yield ("map", int(row), int(column), float(value))

    def _unit_rows(self) -> Iterator[Sequence[Cell]]:
        picture = self.views.unit.picture
        yield ("unit", "", "", picture.unit_words)
        if picture.top is not None:
            for place, one in enumerate(picture.top.examples):
                yield (f"example {one.index}", place, "", one.value)
        if picture.wish is not None:
            for index, number in np.ndenumerate(picture.wish.image):
                row, column = index[-2:] if len(index) > 1 else (0, index[0])
                yield ("made", int(row), int(column), float(number))
