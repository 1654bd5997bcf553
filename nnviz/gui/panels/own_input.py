"""An input of one's own in place of the pinned example: drawn, loaded or typed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QScrollArea

from nnviz.gui.look import theme as themes
from nnviz.gui.panels.base import Cell, Panel
from nnviz.record.interest import NOTHING, Interest
from nnviz.record.run import RunView

if TYPE_CHECKING:
    from nnviz.gui.explain.own_input_view import OwnInputView


#: Pixels, at the usual size of letters, in which its controls are not cut.
_LEAST_WIDTH = 316
#: Milliseconds.
_SETTLED = 60


class OwnInputPanel(Panel):
    """Draw a digit, or type a row: the cards and the answer follow."""

    key = "own_input"
    title = "Own input"
    letter = "I"
    least_width = 340
    least_height = 236
    leaves_cards = True
    empty = "Once there is a network, draw an input for it here: every card and the answer follow."
    help = (
        "<p><b>What it shows.</b> What the network makes of an input of your own. Draw on the canvas with the left "
        "button, rub out with the right one; drop or paste a picture, open a file, or begin with the pinned example. "
        "Beside the canvas stands each pixel as the network sees it: click one to type its value, drag to black out a "
        "patch. While this panel is open, the cards show your input in place of the pinned example, and <i>Explain</i> "
        "and <i>Why</i> are about it; the training goes on untouched.</p>"
        "<p><b>How to read it.</b> The bars are the network's answer. Say beside “It is a” which class is right: "
        "then it has a loss, and gradients flow back. An example that you begin with brings its class along; a green "
        "mark shows it. <b>Centre like MNIST</b> fits the ink into 20 × 20 of 28 × 28 pixels and puts its "
        "centre of mass in the middle, as MNIST's makers did; <b>Like the scans</b> makes it as coarse as the "
        "handwritten digits are: a network knows only what its examples look like. Switch it off, and shift the digit "
        "with the arrow keys: a dense network soon fails, a convolutional one later. Choose a kept run to see two "
        "networks side by side.</p>"
    )

    def build(self) -> None:
        """Nothing until it is looked at: the start does not wait for it."""
        self.view: OwnInputView | None = None
        #: A number is taken apart over the whole window, this panel included.
        self._covered = False
        #: Whether its input stays on the cards is decided once all that comes and goes with it has come and gone.
        self._settling = QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.setInterval(_SETTLED)
        self._settling.timeout.connect(self._stay_or_leave)

    def looks_at(self) -> Interest:
        """Nothing is measured for it: it asks the network itself."""
        return NOTHING

    def draw(self, run: RunView, changed: frozenset[str], step: int | None, *, fresh: bool) -> bool:
        """Something can be asked once something was measured."""
        if not run.names():
            return False
        if self.view is None:
            from nnviz.gui.explain.own_input_view import OwnInputView  # noqa: PLC0415 - see above

            self.view = OwnInputView(self.workspace, self.body)
            area = QScrollArea(self.body)
            area.setWidgetResizable(True)
            area.setFrameShape(QFrame.Shape.NoFrame)
            area.setMinimumWidth(round(_LEAST_WIDTH * themes.text_scale()))
            area.setWidget(self.view)
            self.body_layout.addWidget(area, 1)
        self.view.set_active(self.isVisible())
        return True

    def showEvent(self, event: QShowEvent) -> None:
        """Its input comes onto the cards."""
        super().showEvent(event)
        if self.view is not None:
            self.view.set_active(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """And leaves them, unless a number of it is taken apart large in its place."""
        super().hideEvent(event)
        self._settling.start()

    def set_covered(self, covered: bool) -> None:
        """A number is taken apart large where the panel was, or not any more: it is one of the own input."""
        self._covered = covered
        self._settling.start()

    def _stay_or_leave(self) -> None:
        if self.view is not None and not self.isVisible():
            self.view.set_active(self._covered and self.view.is_active)

    def rows(self) -> Iterator[Sequence[Cell]]:
        """The answer, the input number by number, and how likely each class is."""
        yield ("what", "index", "value")
        view = self.view
        if view is None:
            return
        yield ("answer", "", view.bars.answer or view.bars.hint)
        if view.picture is None and view.rows is None:
            return
        for place, value in np.ndenumerate(view.numbers()):
            yield ("input", " ".join(map(str, place)), float(value))
        for index, share in enumerate(view.bars.shares):
            yield ("probability", str(index), share)
