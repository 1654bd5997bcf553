"""The files of a race: one of each entrant among the kept runs, called by its name and tagged with the race."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nnviz.errors import StorageError
from nnviz.record.library import Label, Library
from nnviz.record.run import Run
from nnviz.record.store import RunWriter, write_among_kept

#: Seconds that the disk may take for the end of a run.
_PATIENCE = 30.0


class RaceFiles:
    """Makes, tags and ends the files of one race, on the thread of its owner.

    Args:
        tag: What all of them are tagged with.
        on_warning: Called with a sentence where a file cannot be written; on any thread.
    """

    def __init__(self, tag: str, on_warning: Callable[[str], None]) -> None:
        self._tag = tag
        self._on_warning = on_warning
        #: What was said of labels: it is the same for all of them.
        self._said: set[str] = set()

    def open(self, run: Run, name: str) -> RunWriter | None:
        """A file that has its tag from the beginning: also of what is killed it can be told where it belongs.

        Args:
            run: What is written.
            name: The entrant's.

        Returns:
            None where no file can be made, which is said.
        """
        try:
            writer = write_among_kept(run, on_error=lambda error: self._on_warning(str(error)))
        except StorageError as error:
            self._on_warning(f"The run of {name} is not kept: {error}")
            return None
        path = writer.path
        label = Label(title=name[:200], tags=(self._tag,))
        self._change_labels(lambda: Library(path.parent).label(path, label))
        return writer

    def close(self, writer: RunWriter, *, discard: bool) -> tuple[bool, Path | None]:
        """End a file.

        Args:
            writer: Its writer.
            discard: Nothing was measured: leave no file.

        Returns:
            Whether the file holds all that was measured, and which it is; None where there is none.
        """
        first = writer.path
        complete = writer.close(_PATIENCE, discard=discard)  # where not, the writer says why
        if not discard:
            return complete, writer.kept or writer.path
        self._change_labels(lambda: Library(first.parent).unlabel(first))
        return True, None

    def _change_labels(self, change: Callable[[], None]) -> None:
        try:
            change()
        except StorageError as error:
            if str(error) not in self._said:
                self._said.add(str(error))
                self._on_warning(str(error))
