"""What a panel, a tab of the inspector or an editor may know, instead of the window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from nnviz.explain.given_input import OwnInput
from nnviz.gui.parts.background import Background
from nnviz.gui.parts.known_data import KnownData
from nnviz.gui.parts.settings import Settings
from nnviz.gui.runs.kept_runs import KeptRuns
from nnviz.gui.runs.run_feed import RunFeed
from nnviz.gui.runs.shown_network import ShownNetwork
from nnviz.gui.runs.training import Training
from nnviz.project.document import Document
from nnviz.project.edits import Edit
from nnviz.project.model import Pinned, Project
from nnviz.record.quantities import PINNED_INPUT


class ProjectFiles(Protocol):
    """Opens projects in place of the document, after the question about unsaved changes, and runs in front of it."""

    def open(self, path: Path) -> object:
        """Open a project or a run."""

    def open_project(self, project: Project) -> object:
        """Take a project that stands in no file of its own for the document."""

    def open_sample(self, name: str) -> object:
        """Open a ready-made project."""


@dataclass(frozen=True)
class Workspace:
    """One document and what is done with it, for all that shows a part of it.

    Attributes:
        document: What is shown: what the user works on, or the project of a replayed run, which refuses every change.
        training: The session, and what the run stands at.
        feed: Hands the run on the screen to those who draw it.
        network: Answers questions about the network whose numbers are on the screen.
        files: Opens others.
        runs: Every training of the user, and which of them are compared.
        settings: What is remembered from start to start.
        background: Work that touches files goes there; the GUI thread does none.
        apply: Changes the document; a refusal is said, not raised.
        say: Shows a sentence at the foot of the window for a moment.
    """

    document: Document
    training: Training
    feed: RunFeed
    network: ShownNetwork
    files: ProjectFiles
    runs: KeptRuns
    settings: Settings
    background: Background
    apply: Callable[[Edit], object]
    say: Callable[[str], object]

    @property
    def pinned(self) -> Pinned:
        """The example that the cards show, as those take it who look into the network."""
        return self.feed.shown.example or self.document.project.view.pinned

    @property
    def own_input(self) -> OwnInput | None:
        """The input of one's own that stands on the cards in place of that example; None where none does."""
        reading = self.feed.shown.instead.get(PINNED_INPUT.series())
        return None if reading is None else OwnInput(reading.array, str(reading.meta.get("label", "")))

    @property
    def known(self) -> KnownData:
        """What is known of the data that the document names, or could name."""
        return self.training.known
