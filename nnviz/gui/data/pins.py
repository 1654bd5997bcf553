"""Which of the examples on the page of all examples are pinned to the canvas."""

from __future__ import annotations

from collections.abc import Callable

from nnviz.data.viewing import ViewedData
from nnviz.gui.runs.pinning import toggled
from nnviz.gui.runs.workspace import Workspace
from nnviz.project.edits import SetView
from nnviz.project.model import MOST_PINS, PIN_SPLITS, Pin, usual_split


class Pins:
    """Reads and changes what the document pins, by the numbers that the examples have on the page.

    Args:
        workspace: Whose document it is.
        data: Gives the examples that the page shows; None while there are none.
    """

    def __init__(self, workspace: Workspace, data: Callable[[], ViewedData | None]) -> None:
        self._workspace = workspace
        self._data = data

    @property
    def shown(self) -> int:
        """The example that the cards show; −1 where it is none of these."""
        data = self._documents_own()
        return -1 if data is None else self._number_of(data, self._workspace.document.project.view.shown)

    def numbers(self) -> frozenset[int]:
        """All that are pinned, and the one that the cards show."""
        data, view = self._documents_own(), self._workspace.document.project.view
        if data is None:
            return frozenset()
        return frozenset(self._number_of(data, pin) for pin in (view.shown, *view.pins)) - {-1}

    def keeps(self, number: int) -> bool:
        """Whether an example is pinned."""
        data = self._documents_own()
        return number >= 0 and data is not None and self._is_pinned(data, number)

    def why_not(self, number: int) -> str:
        """Why an example cannot be pinned, nor taken away again; empty if it can."""
        data = self._data()
        if data is None or number < 0:
            return "There is no example."
        if self._workspace.document.read_only:
            return self._workspace.document.read_only
        pin, view = self._pin_of(data, number), self._workspace.document.project.view
        if pin.split not in PIN_SPLITS:
            return "The test set is sealed: the cards show examples for training and validation."
        if len(view.pins) >= MOST_PINS and pin not in view.pins:
            return f"{MOST_PINS} examples are pinned, which is as many as can be: take one away first."
        return ""

    def toggle(self, number: int) -> None:
        """Pin an example to the canvas, where the cards show what each layer makes of it; or take it away again."""
        reason, data = self.why_not(number), self._data()
        if reason or data is None:
            self._workspace.say(reason)
            return
        self._workspace.apply(SetView(toggled(self._workspace.document.project.view, self._pin_of(data, number))))

    def words(self, number: int) -> str:
        """What would be done with an example, for a menu."""
        data = self._data()
        kept = data is not None and self._is_pinned(data, number)
        return "Unpin from the canvas" if kept else "Pin to the canvas"

    def _documents_own(self) -> ViewedData | None:
        """The examples, where they are those of the document as it is now."""
        data = self._data()
        return data if data is not None and data.config == self._workspace.document.project.data else None

    def _is_pinned(self, data: ViewedData, number: int) -> bool:
        return self._pin_of(data, number) in self._workspace.document.project.view.pins

    @staticmethod
    def _number_of(data: ViewedData, pin: Pin) -> int:
        try:
            return data.number(pin.split or _pin_split(data), pin.index)
        except (IndexError, ValueError):
            return -1

    @staticmethod
    def _pin_of(data: ViewedData, number: int) -> Pin:
        """An example as the document pins it."""
        split, index = data.place(number)
        return Pin(index, "" if split == _pin_split(data) else split)


def _pin_split(data: ViewedData) -> str:
    """The split that the pinned example is counted in."""
    return usual_split(len(data.inputs[1]) if len(data.inputs) > 1 else 0)
