"""The run that the screen shows: the live one, or one from a file in front of it; and what is compared with it.

As a :class:`~nnviz.project.shown_document.ShownDocument` stands for one of two documents, so this for one of two runs.
The live run goes on as it was while another is in front of it: what becomes of it meanwhile is set aside, and is on the
screen when the other is put away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec

from nnviz.data.datasets import SourceFacts
from nnviz.gui.parts.known_data import KnownData
from nnviz.gui.runs.run_feed import RunFeed
from nnviz.gui.runs.shown import Shown, empty_run
from nnviz.project.model import DataConfig, Project
from nnviz.project.shown_document import ShownDocument
from nnviz.record.run import Run, RunView

#: Who asks about the data of a replay.
_OF_REPLAY = "replay"

#: What can be done where something cannot be done to a replay.
GO_BACK = "Go back to your project, or open the run's."


class ShownRun:
    """Hands the feed the live run, or a run from a file, which brings its own project in front of the document.

    Args:
        feed: Shows the run.
        shown_document: What the screen shows of projects.
        known: What is known of data sets.
    """

    def __init__(self, feed: RunFeed, shown_document: ShownDocument, known: KnownData) -> None:
        self._feed = feed
        self._shown_document = shown_document
        self._known = known
        #: The run from a file that is shown; None while the live one is.
        self._replay: Shown | None = None
        #: What was shown of the live run when the replay came before it.
        self._aside = feed.shown
        #: What is to be compared with whatever run is on the screen.
        self._beside: tuple[RunView, ...] = ()

    @property
    def replay(self) -> Shown | None:
        """The run from a file that is shown, with its project; None while the live one is."""
        return self._replay

    # ---- the live run --------------------------------------------------------------------------------------------

    def set_live(self, run: Run | None) -> None:
        """This is the live run from now on; None where there is none."""
        if self._replay is None:
            self._feed.set_run(run)
        else:
            self._aside = Shown(empty_run() if run is None else run, self._aside.others)

    def show_newest(self) -> None:
        """The newest values of the live run are to be seen, not those of an earlier step."""
        if self._replay is None:
            self._feed.set_step(None)
        else:
            self._aside = self._aside.at(None)

    # ---- one from a file -----------------------------------------------------------------------------------------

    def show_replay(self, run: RunView, project: Project, read_only: str) -> None:
        """Show a run from a file with its own project, in front of the document and of the live run.

        Args:
            run: What is shown.
            project: What it was made with.
            read_only: Why it cannot be changed, as a sentence.
        """
        if self._replay is None:
            self._aside = self._feed.shown
        self._replay = Shown(run, self._beside_replay(run), project=project, gap=self._gap(run))
        self._shown_document.show(project, read_only)
        self._feed.show(self._replay)
        self._learn_facts(project.data)  # the cards name the classes

    def end_replay(self, arrange: Callable[[], object]) -> None:
        """Show the document and the live run again, at the step that was shown.

        Args:
            arrange: Called when the document is shown, and the live run not yet.
        """
        self._known.forget(_OF_REPLAY)
        self._shown_document.show_own()
        arrange()
        self._replay = None
        self._feed.show(self._aside)

    def _learn_facts(self, config: DataConfig) -> None:
        """Find out what the data of the replay look like, as far as it can be known."""
        project = None if self._replay is None else self._replay.project

        def done(found: SourceFacts) -> None:
            sizes = self._known.split_sizes(config)
            # The same replay is another value once other runs are laid beside it.
            if self._replay is not None and self._replay.project is project and sizes is not None:
                self._shown_document.set_facts(msgspec.structs.replace(found.data, examples=sizes))

        self._known.ask(config, done, lambda _error: None, _OF_REPLAY)

    # ---- what stands beside it -----------------------------------------------------------------------------------

    def compare(self, runs: Sequence[RunView]) -> None:
        """These are to be compared with whatever run is on the screen; :meth:`show_compared` draws them."""
        self._beside = tuple(runs)

    def show_compared(self, others: tuple[RunView, ...]) -> None:
        """What is compared stands beside the live run, and beside a run from a file that is before it.

        Args:
            others: What the Workbench lets stand beside the live run.
        """
        if self._replay is None:
            self._feed.set_others(others)
            return
        aside = replace(self._aside, others=others)
        if not aside.same_runs(self._aside):
            self._aside = aside
        run = self._replay.run
        before, self._replay = self._replay, replace(self._replay, others=self._beside_replay(run), gap=self._gap(run))
        if not self._replay.same_runs(before) or self._replay.gap != before.gap:
            self._feed.show(replace(self._feed.shown, others=self._replay.others, gap=self._replay.gap))

    def _beside_replay(self, run: RunView) -> tuple[RunView, ...]:
        """What is compared, without the file that is replayed itself; the live run may be among it."""
        return tuple(one for one in self._beside if one is not run and one.info != run.info)

    def _gap(self, run: RunView) -> int | None:
        """Where the run on the screen stands among those that are compared."""
        return next((at for at, one in enumerate(self._beside) if one is run or one.info == run.info), None)
