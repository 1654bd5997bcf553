"""What the next session begins with besides its project, and what is waited for before it can begin.

What its data look like is found out by a look at the disk, and examples that cannot be read are asked about. A recorded
run that it is to go on with is read by another thread meanwhile. The weights of the network before are taken by the
session that has them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QObject, Signal

from nnviz.data import datasets
from nnviz.data.datasets import SourceFacts
from nnviz.errors import DataError, InputError
from nnviz.gui.parts.known_data import KnownData
from nnviz.gui.parts.late_signal import emit_late
from nnviz.gui.parts.reasons import sentence_of
from nnviz.gui.runs.session_bridge import SessionBridge, details_of
from nnviz.project.model import DataConfig
from nnviz.record.run import Run
from nnviz.train.start import WarmStart
from nnviz.train.workbench import Workbench

if TYPE_CHECKING:
    from nnviz.train.session import TrainingSession
    from nnviz.train.start import Start, Weights


class Beginning(QObject):
    """Answers a Workbench that wants to open a session, once all is there that the session begins with.

    Args:
        workbench: Opens the sessions.
        bridge: To the session before, which has its weights.
        known: What is known of data sets.
        path_of: The file of a live run, where somebody keeps it.
        parent: As of every QObject.

    Attributes:
        unread: What cannot be read of the data that were looked at last, while nobody has said that it may be left out.
    """

    #: It is being found out what the data look like.
    begun = Signal()
    #: What was asked for cannot be begun with: a sentence and details.
    failed = Signal(str, str)
    #: On its way from the session's thread: the future of the weights.
    _weights_taken = Signal(object)

    def __init__(
        self,
        workbench: Workbench,
        bridge: SessionBridge,
        known: KnownData,
        path_of: Callable[[Run], Path | None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._workbench = workbench
        self._bridge = bridge
        self._known = known
        self._path_of = path_of
        self.unread: SourceFacts | None = None
        #: What it was said of that it may be left out, as long as the window is open.
        self._skipped: set[Hashable] = set()
        #: Whether it is waited for what the next session begins with, and what to do once that is there.
        self._awaits_start = False
        self._behind_start: list[Callable[[], None]] = []
        self._weights_taken.connect(self._start_warm_with)

    # ---- what the data look like ---------------------------------------------------------------------------------

    def learn_facts(self, config: DataConfig) -> None:
        """Find out what the data look like (a folder has to be looked at for it), and tell the Workbench."""
        self.unread = None
        self.begun.emit()

        def known(found: SourceFacts) -> None:
            self._once_it_begins(lambda: done(found))

        def unknown(error: BaseException) -> None:
            self._once_it_begins(lambda: failed(error))

        def done(found: SourceFacts) -> None:
            try:
                sizes = datasets.divided(config, found.sizes, found.validation)
            except InputError as error:
                failed(error)
                return
            if found.unreadable and _unread(found) not in self._skipped:
                self.unread = found
                failed(DataError(found.unreadable_words))
                return
            self._workbench.facts_learnt(config, msgspec.structs.replace(found.data, examples=sizes), sizes)

        def failed(error: BaseException) -> None:
            self._workbench.facts_failed(config, sentence_of(error), details_of(error))

        self._known.ask(config, known, unknown, "training")

    def skip_unread(self) -> None:
        """Yes: what cannot be read is left out, and the session is opened."""
        if self.unread is not None:
            self._skipped.add(_unread(self.unread))
            self._workbench.reset()

    # ---- a recorded run ------------------------------------------------------------------------------------------

    def await_start(self) -> None:
        """The next session waits for :meth:`begin_with`."""
        self._awaits_start = True

    def begin_with(self, start: Start | None) -> None:
        """What the next session begins with, besides its project."""
        self._awaits_start = False
        self._workbench.begin_with(start)
        behind, self._behind_start = self._behind_start, []
        for go in behind:
            go()

    def _once_it_begins(self, go: Callable[[], None]) -> None:
        """Do it once it is known what the next session begins with."""
        if self._awaits_start:
            self._behind_start.append(go)
        else:
            go()

    # ---- trained weights -----------------------------------------------------------------------------------------

    def start_warm(self, path: Path | None = None) -> None:
        """Begin again with the network on the canvas: layers that fit take trained weights, the others start fresh.

        Args:
            path: The run that has these weights, as of its last checkpoint; None is the one in training, as it is.
        """
        if path is not None:
            self._workbench.reset(warm=WarmStart(path.name, path))
            return

        asked = self._bridge.ask(_weights_of)
        taken = self._weights_taken
        asked.add_done_callback(lambda done: emit_late(self, taken, done))

    def _start_warm_with(self, asked: Future[Weights]) -> None:
        run = self._workbench.run
        path = None if run is None else self._path_of(run)
        if not asked.cancelled() and asked.exception() is None:
            name = path.name if path is not None else "" if run is None else f"“{run.info.title}”"
            self._workbench.reset(warm=WarmStart(name or "the network before", path, asked.result()))
        elif path is not None:  # its session is gone; what it has left is in its file
            self._workbench.reset(warm=WarmStart(path.name, path))
        else:
            self.failed.emit("The weights are not there any more, so nothing can start warm.", "")


def _weights_of(session: TrainingSession) -> Weights:
    from nnviz.train.warm_start import weights_of  # noqa: PLC0415 - torch belongs to the session's thread

    return weights_of(session.training)


def _unread(found: SourceFacts) -> Hashable:
    """What a yes was said to: other examples that cannot be read are asked about anew."""
    return found.place, found.unreadable, found.first_unreadable
