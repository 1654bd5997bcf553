"""Which runs a Workbench lets be seen: that of the last session that was ready, and those compared with it."""

from __future__ import annotations

from collections.abc import Iterable

from nnviz.record.run import Run, RunView
from nnviz.train.workbench_sides import Observer


class RunsToSee:
    """Belongs to the document's thread.

    Args:
        observer: Shows them.

    Attributes:
        measured: The run of the last session that was ready: what the screen shows, except on an empty canvas.
        shown: What the observer shows.
        compared: Runs that are shown beside it, in the order in which they were asked for.
    """

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self.measured: Run | None = None
        self.shown: Run | None = None
        self.compared: tuple[RunView, ...] = ()

    def show(self, *, empty: bool, written: Run | None) -> None:
        """On an empty canvas nothing is true of what stood there before; undo brings it back, and the run with it.

        Args:
            empty: Whether the canvas is empty.
            written: The run that the session writes to.
        """
        run = None if empty else self.measured
        if run is not self.shown:
            self.shown = run
            self.compare(self.compared, written)
            self._observer.show(run)

    def compare(self, runs: Iterable[RunView], written: Run | None) -> None:
        """Each run once, and none that is the current one, by another object neither."""
        current = [run for run in (self.shown, written) if run is not None]

        def is_current(run: RunView) -> bool:
            """A view of its file tells the same of it; of a damaged file nothing is known, not even its time."""
            return any(run is one or (run.info.created > 0 and run.info == one.info) for one in current)

        once = {id(run): run for run in runs}.values()
        self.compared = tuple(run for run in once if not is_current(run))
