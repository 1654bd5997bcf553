"""A workspace for a panel or a tab alone: a document and what is known of its data, with nothing that trains."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from nnviz.gui.parts.background import Background
from nnviz.gui.parts.known_data import KnownData
from nnviz.gui.parts.settings import Settings
from nnviz.gui.runs.run_feed import RunFeed
from nnviz.gui.runs.shown_network import ShownNetwork
from nnviz.gui.runs.training import Training
from nnviz.gui.runs.workspace import ProjectFiles, Workspace
from nnviz.project.document import Document


def workspace_of(document: Document, background: Background | None = None) -> Workspace:
    """What a panel is given; whoever asks for files or settings here is told by an error that there are none."""
    background = background or Background()
    return Workspace(
        document=document,
        training=cast(Training, SimpleNamespace(document=document, known=KnownData(background))),
        feed=RunFeed(None),
        network=cast(ShownNetwork, None),
        files=cast(ProjectFiles, None),
        settings=cast(Settings, None),
        background=background,
        apply=document.apply,
        say=lambda _sentence: None,
    )
