"""A second network that is asked the same as the one on the screen: that of a kept run, chosen from a list."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QComboBox, QWidget

from nnviz.gui.explain.kept_network import KeptNetwork
from nnviz.gui.explain.own_answer import OwnAnswerBars
from nnviz.gui.look.theme import format_count
from nnviz.gui.parts.chooser import Chooser
from nnviz.gui.parts.following import while_there
from nnviz.gui.parts.reasons import sentence_of
from nnviz.gui.parts.widgets import set_font
from nnviz.gui.runs.workspace import Workspace
from nnviz.record.places import runs_folder

if TYPE_CHECKING:
    from nnviz.explain.own_input import OwnAnswer

#: Runs that are offered, the newest first.
_MOST_RUNS = 30
_NONE = "Beside it: none"


class NetworkBeside(QObject):
    """The list of kept runs, the network of the one that is chosen, and what it answers.

    Questions are put one behind the other: what changed meanwhile is asked once.

    Args:
        workspace: Where runs are read and networks built, off the GUI thread.
        asked: What to ask about: numbers, and what is right of them; None while there is nothing.
        parent: Owner of the list and of the bars, whoever gives them a place.

    Attributes:
        chooser: The list.
        bars: The answers; hidden while no network is chosen.
        busy: A question waits for its answer.

    Signals:
        chosen: Another network, or none.
    """

    chosen = Signal()

    def __init__(
        self, workspace: Workspace, asked: Callable[[], tuple[NDArray[np.float32], str] | None], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._asked = asked
        self._kept: KeptNetwork | None = None
        self._name = ""
        self.busy = self._dirty = False
        self.chooser = Chooser(parent)
        self.chooser.setAccessibleName("Network beside it")
        self.chooser.setToolTip("The network of a kept run, asked the same")
        self.chooser.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.chooser.setMinimumContentsLength(9)
        set_font(self.chooser, 12)
        self.chooser.addItem(_NONE, "")
        self.chooser.activated.connect(self._on_chosen)
        self.bars = OwnAnswerBars(parent)
        self.bars.setVisible(False)

    @property
    def is_there(self) -> bool:
        """Whether a network is chosen."""
        return self._kept is not None

    def look_for_runs(self) -> None:
        """Find out which kept runs there are."""

        def work() -> list[tuple[Path, str]]:
            from nnviz.record.library import kept_runs, summary  # noqa: PLC0415 - not needed to start

            found = []
            for kept in kept_runs(runs_folder())[:_MOST_RUNS]:
                one = summary(kept.path)
                if not one.damage and not one.running:
                    found.append((kept.path, f"{one.title or kept.path.stem} · step {format_count(one.last_step)}"))
            return found

        def done(found: list[tuple[Path, str]]) -> None:
            chosen = self._kept.path if self._kept is not None else None
            known = dict(found)
            if chosen is not None and chosen not in known:
                known[chosen] = self._name
            self.chooser.clear()
            self.chooser.addItem(_NONE, "")
            for path, words in known.items():
                self.chooser.addItem(words, str(path))
            self.chooser.setCurrentIndex(max(0, self.chooser.findData("" if chosen is None else str(chosen))))

        self._workspace.background.start(work, while_there(self, done), lambda _error: None, "own picture")

    def choose(self, path: Path | None) -> None:
        """Ask the network of this run; None asks none."""
        index = self.chooser.findData("" if path is None else str(path))
        if index < 0 and path is not None:
            self.chooser.addItem(path.stem, str(path))
            index = self.chooser.count() - 1
        self.chooser.setCurrentIndex(max(0, index))
        self._on_chosen(self.chooser.currentIndex())

    def _on_chosen(self, index: int) -> None:
        path = self.chooser.itemData(index)
        if path:
            self._name = self.chooser.itemText(index).partition(" · ")[0]
            own = self._workspace
            self._kept = KeptNetwork(own.background, Path(path), own.training.data_dir, own.say)
            self.bars.show_hint(self._name, "The network is being built from the run…")
        else:
            self._kept = None
        self.bars.setVisible(self.is_there)
        self.chosen.emit()

    def mark_changed(self) -> None:
        """What is asked about is another: the next :meth:`ask` asks anew."""
        self._dirty = True

    def show_nothing(self) -> None:
        """There is nothing to ask about."""
        if self._kept is not None:
            self.bars.show_hint(self._name, "")

    def ask(self) -> None:
        """Ask, where something changed and no answer is waited for."""
        kept = self._kept
        if kept is None or self.busy or not self._dirty or (wanted := self._asked()) is None:
            return
        self.busy, self._dirty = True, False
        numbers, label = wanted

        def question(training: object) -> OwnAnswer:
            from nnviz.explain.own_input import answer_to  # noqa: PLC0415 - torch belongs to that thread

            return answer_to(training, numbers, nodes=(), label=label)  # type: ignore[arg-type]  # as it is handed

        def done(answer: OwnAnswer) -> None:
            self.busy = False
            if self._kept is kept:
                heading = (self._name, f"step {format_count(answer.step)}")
                one = answer.facts
                self.bars.show_answer(heading, answer.output, one.class_names, one.task, one.loss, label)
            self.ask()

        def failed(error: BaseException) -> None:
            self.busy = False
            if self._kept is kept:
                self.bars.show_hint(self._name, sentence_of(error))

        kept.ask(question, while_there(self, done), while_there(self, failed))
