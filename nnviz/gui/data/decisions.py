"""What is decided about training examples on the page of all examples: another label, another weight."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from PySide6.QtWidgets import QMenu

from nnviz.data.viewing import ViewedData
from nnviz.gui.parts.action import literal
from nnviz.gui.parts.reasons import sentence_of
from nnviz.gui.runs.workspace import Workspace
from nnviz.project.curation import Curate, decided
from nnviz.project.model import Curated

#: Classes among which another label is chosen.
_MOST_LABELS = 200


class Decisions:
    """Reads and makes the decisions of the document, by the numbers that the examples have on the page.

    Args:
        workspace: Whose document it is; each decision is an edit that Undo takes back.
        data: Gives the examples that the page shows; None while there are none.
    """

    def __init__(self, workspace: Workspace, data: Callable[[], ViewedData | None]) -> None:
        self._workspace = workspace
        self._data = data

    def known(self) -> dict[int, Curated]:
        """What was decided about the training examples, by their numbers here."""
        data, entries = self._data(), self._workspace.document.project.curation
        if data is None or not entries:
            return {}
        by_example = {entry.example: entry for entry in entries}
        numbers = data.numbers[0] if data.numbers else np.arange(len(data.inputs[0]))
        # Where the classes are balanced, an example may stand in several places.
        places = np.flatnonzero(np.isin(numbers, list(by_example)))
        return {int(place): by_example[int(numbers[place])] for place in places}

    def about(self, number: int) -> Curated | None:
        """What was decided about one training example; None for nothing."""
        data, entries = self._data(), self._workspace.document.project.curation
        if data is None or not entries or not 0 <= number < len(data.inputs[0]):
            return None
        example = int(data.numbers[0][number]) if data.numbers else number
        return next((entry for entry in entries if entry.example == example), None)

    def words(self, number: int) -> str:
        """What was decided about an example, in a sentence; empty for nothing."""
        entry = self.about(number)
        if entry is None:
            return ""
        words = [f"its label is “{entry.label}” from now on"] if entry.label else []
        words += ["left out of the training" if entry.weight == 0 else f"weighs {entry.weight:g}"] * (entry.weight != 1)
        return f"Decided: {', '.join(words)}"

    def fill(self, menu: QMenu, number: int) -> None:
        """What can be decided about an example."""
        menu.clear()
        data = self._data()
        if data is None or number < 0 or data.place(number)[0] != "train":
            menu.addAction("Only about training examples is anything decided.").setEnabled(False)
            return
        entry = self.about(number)
        weight = 1.0 if entry is None else entry.weight
        label = data.label(number) if entry is None or not entry.label else entry.label
        for words, heavy in (("Leave out of the training", 0.0), ("Weigh half", 0.5), ("Weigh twice", 2.0)):
            action = menu.addAction(words, partial(self.decide, number, weight=heavy))
            action.setEnabled(heavy != weight)
        if data.class_names:
            labels = menu.addMenu("Its label is")
            for name in data.class_names[:_MOST_LABELS]:
                action = labels.addAction(literal(name), partial(self.decide, number, label=name))
                action.setEnabled(name != label)
        menu.addSeparator()
        menu.addAction("As usual", partial(self.decide, number, label="", weight=1.0)).setEnabled(entry is not None)

    def decide(self, number: int, *, label: str | None = None, weight: float | None = None) -> None:
        """Decide about an example: another label, another weight (0 leaves it out); None stays."""
        data = self._data()
        if data is None or number < 0:
            return

        def apply(known: Curated) -> None:
            self._workspace.apply(Curate((decided(known, data.label(number), label=label, weight=weight),)))

        known = self.about(number)
        if known is not None or not data.is_streamed:
            apply(known or Curated(data.read_as(number), data.mark_of(number)))
            return

        def marked(mark: str) -> None:  # read from the disk; something may have been decided about it meanwhile
            if data is self._data():
                apply(self.about(number) or Curated(data.read_as(number), mark))

        def failed(error: BaseException) -> None:
            self._workspace.say(sentence_of(error))

        self._workspace.background.start(lambda: data.mark_of(number), marked, failed, "example")
