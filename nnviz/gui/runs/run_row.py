"""One run of the user's list, as one frozen value for all that show it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nnviz.record.library import Label
from nnviz.record.run_filter import Filterable
from nnviz.record.summary import Summary

_NO_LABEL = Label()


@dataclass(frozen=True)
class RunRow:
    """One run of the list.

    Attributes:
        path: Its file.
        summary: What its file says, or the live run of itself.
        label: What the user says about it.
        size: Bytes of its file.
        modified: Seconds since 1970.
        live: It is the run that the window trains.
        trashed: It lies in the trash.
    """

    path: Path
    summary: Summary
    label: Label = _NO_LABEL
    size: int = 0
    modified: float = 0.0
    live: bool = False
    trashed: bool = False

    @property
    def name(self) -> str:
        """What it is called: by the user, or by its project, or by its file."""
        return self.label.title or self.summary.title or self.path.stem

    @property
    def created(self) -> float:
        """When it began; when its file was written last, where it does not say."""
        return self.summary.created if self.summary.created > 0 else self.modified

    @property
    def filterable(self) -> Filterable:
        """What a filter may know of it."""
        return Filterable(self.name, self.label.tags, self.summary)
