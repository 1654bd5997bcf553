"""A workspace for a panel or a tab alone: a document and what is known of its data, with nothing that trains."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from PySide6.QtCore import QObject, Signal

from nnviz.errors import TrainingError
from nnviz.gui.parts.background import Background
from nnviz.gui.parts.known_data import KnownData
from nnviz.gui.parts.settings import Settings
from nnviz.gui.runs.kept_runs import KeptRuns
from nnviz.gui.runs.run_feed import RunFeed
from nnviz.gui.runs.shown_network import Asked, ShownNetwork
from nnviz.gui.runs.training import Training
from nnviz.gui.runs.workspace import ProjectFiles, Workspace
from nnviz.project.document import Document


class NoNetwork(QObject):
    """In place of a network to ask: there is none, and that is said at once."""

    changed = Signal()
    key = ("none",)
    is_live = True
    kept_file = None

    def ask(
        self, question: object, done: object, failed: Callable[[BaseException], None], _owner: object = None
    ) -> Asked:
        failed(TrainingError("There is no network yet: it is being prepared."))
        return Asked()


class NoWorkbench:
    """In place of the machine of states: there is no run."""

    run = opened = None


class NothingExpected(QObject):
    """Nobody knows how long it takes."""

    changed = Signal()

    def duration(self, sizes: object) -> None:
        """What it takes."""


class NoTraining(QObject):
    """In place of what trains: nothing does, and nothing changes."""

    changed = Signal()
    state = "idle"
    replay = None
    running = False
    differs = False
    test_uses = 0
    split_sizes = ()

    def __init__(self, document: Document, background: Background) -> None:
        super().__init__()
        self.document = document
        self.known = KnownData(background)
        self.workbench = NoWorkbench()
        self.expected = NothingExpected()

    def blocked(self) -> str:
        """Why nothing can be trained."""
        return "There is no training here."


def workspace_of(document: Document, background: Background | None = None) -> Workspace:
    """What a panel is given; whoever asks for files or settings here is told by an error that there are none."""
    background = background or Background()
    training = cast(Training, NoTraining(document, background))
    return Workspace(
        document=document,
        training=training,
        feed=RunFeed(None),
        network=cast(ShownNetwork, NoNetwork()),
        files=cast(ProjectFiles, None),
        runs=KeptRuns(training, background, lambda _run: None),
        settings=cast(Settings, None),
        background=background,
        apply=document.apply,
        say=lambda _sentence: None,
    )
