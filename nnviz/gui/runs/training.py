"""The life of training as the window sees it: a Workbench with Qt's signals, timers and threads around it.

What an edit means, when a session is opened and what can be asked is decided in :mod:`nnviz.train.workbench`. Here is
what the window asks of it and is told, with the clocks: changes are followed once the hand rests, and the bars follow
several times a second. Its parts have files of their own: what is waited for before a session begins is
:mod:`~nnviz.gui.runs.beginning`, the run from a file that may be shown instead of the live one
:mod:`~nnviz.gui.runs.shown_run`, and the bridge as the Workbench asks it :mod:`~nnviz.gui.runs.session_host`; what a
hand does to the live network is :mod:`~nnviz.gui.runs.hand_on_network`. While a run from a file is shown, nobody asks
the session anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from nnviz.data.datasets import SourceFacts
from nnviz.gui.parts.background import Background
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.known_data import KnownData
from nnviz.gui.parts.soon import soon
from nnviz.gui.runs.beginning import Beginning
from nnviz.gui.runs.expected_time import ExpectedTime
from nnviz.gui.runs.hand_on_network import HandOnNetwork
from nnviz.gui.runs.run_feed import CALM_INTERVAL, RunFeed
from nnviz.gui.runs.session_bridge import SessionBridge
from nnviz.gui.runs.session_host import SessionHost
from nnviz.gui.runs.shown import Shown
from nnviz.gui.runs.shown_run import GO_BACK, ShownRun
from nnviz.gui.runs.standing import Racing, Standing, standing_of, standing_of_replay
from nnviz.project import registry
from nnviz.project.checks.validate import problems_that_stop
from nnviz.project.model import DataConfig, Project, TrainConfig
from nnviz.project.shown_document import ShownDocument
from nnviz.record.interest import EVERYTHING, Interest
from nnviz.record.run import Run, RunView
from nnviz.record.test_uses import uses_of
from nnviz.train.sub_steps import SubStep
from nnviz.train.workbench import State, Workbench

if TYPE_CHECKING:
    from nnviz import train
    from nnviz.train.session import CheckpointStore
    from nnviz.train.start import Start

_Result = TypeVar("_Result")

#: Milliseconds without a change after which the document is taken for settled.
_REST = 150
#: Milliseconds between two looks at where the training stands; the longer one while it computes on all cores.
_POSITION_INTERVAL, _POSITION_INTERVAL_ON_FULL_CORES = 100, 250
#: Milliseconds after the end in which a press still means the pause that its button offered a moment before.
_JUST_ENDED = 1000

_RECORDED = f"This is a recorded run. {GO_BACK}"


class Training(QObject):
    """The current run for the window: a Workbench, and a run from a file that may be shown instead.

    Args:
        shown_document: What the screen shows; the user's own document is behind it.

    Attributes:
        shown_document: What the screen shows.
        document: What the user works on, which is what is trained.
        bridge: Keeps the sessions.
        feed: Shows the run.
        known: What is known of data sets; for all views.
        expected: How long the training that has not begun is going to take.
        workbench: Decides.
    """

    #: State, blocking reason, difference or mode: whatever decides what can be pressed.
    changed = Signal()
    #: Ten times a second while there is something to tell, a few times while the feed is calm: a Standing.
    moved = Signal(object)
    #: A session could not be opened or has failed: a sentence and details.
    failed = Signal(str, str)
    #: It went well again: earlier failures no longer hold.
    recovered = Signal()
    #: A session has trained for the first time: the Run, to be kept in a file.
    began = Signal(object)
    #: A run will not be continued: the Run.
    ended = Signal(object)
    #: It is being found out what the data look like; where the session that was there is over, the next one begins
    #: with what :meth:`begin_with` says meanwhile.
    beginning = Signal()
    #: All epochs are done, and it is to be asked how many more.
    more_requested = Signal()
    #: Facts about the data are known: sizes of the three splits, or an empty tuple.
    data_known = Signal(object)

    def __init__(
        self,
        shown_document: ShownDocument,
        bridge: SessionBridge,
        feed: RunFeed,
        background: Background,
        data_dir: Path | None = None,
        store: CheckpointStore | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.shown_document = shown_document
        self.document = document = shown_document.own
        self.bridge = bridge
        self.feed = feed
        #: The file of a live run, where somebody keeps it.
        self.path_of: Callable[[Run], Path | None] = lambda _run: None
        self.known = KnownData(background, data_dir, self)
        self.expected = ExpectedTime(document, bridge, self)
        self._host = SessionHost(bridge, self.known, store)
        self._shown_run = ShownRun(feed, shown_document, self.known)
        self.workbench = Workbench(document, self._host, _Observer(self))
        self._beginning = Beginning(self.workbench, bridge, self.known, self._file_of, self)
        #: What a hand does to the network in training.
        self.hand = HandOnNetwork(bridge, feed, lambda: self.replay is not None, lambda: self.failure or self.blocked())
        #: The race of the window, whose runs may be shown as replays are.
        self.races: Racing | None = None
        #: What is looked at; the session does not follow what is looked at in a replay.
        self._interest: Interest = EVERYTHING
        #: Whether sessions are opened: a replay that the window began with needs none.
        self._started = False
        #: What the bars show.
        self._standing = Standing()
        #: What an undo and a redo of weights set by hand would write, as they were told last.
        self._edits = ("", "")
        #: Runs out when the document has settled.
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.timeout.connect(self.workbench.settled)
        #: Runs for a moment once the training has come to its end by itself.
        self._end = QTimer(self)
        self._end.setSingleShot(True)
        self._end.setInterval(_JUST_ENDED)
        self._end.timeout.connect(self.changed)
        self._was_running = False
        #: Looks where training stands.
        self._ticker = QTimer(self)
        self._ticker.setInterval(_POSITION_INTERVAL)
        self._ticker.timeout.connect(self._on_timer)
        self._beginning.begun.connect(self.beginning)
        self._beginning.failed.connect(self.failed)
        self._followings = (
            follow(document.changed, self._on_document_changed),
            follow(document.diagnostics_changed, self._on_diagnostics_changed),
        )
        feed.step_changed.connect(lambda _step: self._on_tick())
        bridge.state_changed.connect(self._on_state)
        bridge.failed.connect(self.workbench.session_failed)
        bridge.memory_measured.connect(document.set_memory_limit)

    # ---- what is so ----------------------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """State of the session; ``replay`` while a run from a file is shown."""
        return "replay" if self.replay is not None else self.bridge.state

    @property
    def started(self) -> bool:
        """Whether sessions are opened: not where the window began with a run from a file that is still shown."""
        return self._started

    @property
    def replay(self) -> Shown | None:
        """The run from a file that is shown, with its project; None while the live one is."""
        return self._shown_run.replay

    @property
    def unread(self) -> SourceFacts | None:
        """What cannot be read of the data that were looked at last, while nobody has said that it may be left out."""
        return self._beginning.unread

    @property
    def race(self) -> Racing | None:
        """The race that is under way, while one of its runs is on the screen: play, pause and speed are its then."""
        races, replay = self.races, self.replay
        return None if races is None or replay is None or races.steps_of(replay.run) is None else races

    @property
    def data_dir(self) -> Path | None:
        """Where data sets are looked for first."""
        return self.known.data_dir

    @data_dir.setter
    def data_dir(self, folder: Path | None) -> None:
        self.known.data_dir = folder

    @property
    def running(self) -> bool:
        """Whether batches are being trained."""
        return self.state == "running"

    @property
    def settled(self) -> bool:
        """Whether no change of the document waits to be followed."""
        return self.workbench.at_rest

    @property
    def trained(self) -> bool:
        """Whether the run on the screen holds more than the untrained network."""
        run: RunView | None = self.replay.run if self.replay is not None else self.workbench.run
        return run is not None and run.last_step > 0

    @property
    def differs(self) -> bool:
        """Whether the network on the canvas is another than the one in training, and the user has not chosen yet."""
        return self.replay is None and self.workbench.differs

    @property
    def reason(self) -> str:
        """In what the document differs from the network that was trained, in words."""
        return self.workbench.reason

    @property
    def in_use(self) -> TrainConfig | None:
        """The settings of the network in training, where those of the document wait for a restart; otherwise None."""
        return None if self.replay is not None else self.workbench.in_use

    @property
    def run(self) -> Run | None:
        """The live run; None while one from a file is shown."""
        return None if self.replay is not None else self.workbench.run

    @property
    def standing(self) -> Standing:
        """Where training stands: step, epoch, speed, device, sizes of the splits."""
        return self._standing

    @property
    def split_sizes(self) -> tuple[int, ...]:
        """Training, validation and test examples of what is shown; empty while they are not known."""
        if self.replay is not None:
            return self.known.split_sizes(self.shown_document.project.data) or ()
        return self.workbench.sizes

    @property
    def failure(self) -> str:
        """Why there is no session, as a sentence."""
        return "" if self.replay is not None else self.workbench.failure

    @property
    def test_uses(self) -> int:
        """How often the test split has been looked at in this run."""
        return uses_of(self.feed.run)

    def blocked(self) -> str:
        """Why it cannot be trained now; empty when it can."""
        if self.replay is not None:
            return f"This run races, and is not the project's own. {GO_BACK}" if self.race is not None else _RECORDED
        return self.workbench.blocked()

    def status(self) -> str:
        """The state in a few words, for the foot of the window."""
        words = {
            "idle": "opening",
            "preparing": "preparing",
            "ready": "ready",
            "running": "training",
            "paused": "paused",
            "stopping": "stopping",
            "done": "done",
            "failed": "failed",
            "replay": "recorded run",
        }
        if (race := self.race) is not None:
            return "race" if race.running else "race paused"
        if self.state == "ready" and self.trained:  # a recorded run that is gone on with
            return "paused"
        if self.state in {"idle", "ready", "paused", "done"} and problems_that_stop(self.document.diagnostics):
            return "cannot train yet"
        if self.state == "idle" and self.failure:
            return "cannot train yet"
        return words.get(self.state, self.state)

    # ---- what can be asked ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the first session."""
        self._started = True
        if self.replay is None:
            self.shown_document.show_own()
        self._ticker.start()
        self.workbench.start()

    def start_idle(self) -> None:
        """Be ready to show a run from a file, and nothing until then; a session is opened when it is put away."""
        self.shown_document.show(Project(), "The run is being opened.")
        self._ticker.start()

    def play_when_ready(self) -> None:
        """Train as soon as the session that is being opened can."""
        self.workbench.play_when_ready()

    def stop(self) -> None:
        """End all timers, before the window goes."""
        self._ticker.stop()
        self._rest.stop()
        self._end.stop()
        self.known.cancel()
        self.expected.stop()
        for following in self._followings:
            following.end()

    def play(self, more: int = 0) -> None:
        """Train; after the last epoch so many more, or as many as the project says."""
        if self.replay is None:
            self.workbench.play(more)

    def pause(self) -> None:
        """Stop after this batch."""
        if self.replay is None:
            self.workbench.pause()

    @property
    def just_ended(self) -> bool:
        """Whether the last epoch ended a moment ago: a press that comes now was meant to pause, not to train on."""
        return self._end.isActive() and self.state == "done"

    def toggle(self) -> None:
        """Play or pause; the race, where one of its runs is on the screen."""
        if self.replay is None:
            if not self.just_ended:
                self.workbench.toggle()
        elif (race := self.race) is not None:
            race.toggle()

    def step(self) -> None:
        """Train one batch; everyone does, where a run of a race is on the screen."""
        if self.replay is None:
            self.workbench.step()
        elif (race := self.race) is not None:
            race.step()

    def epoch(self) -> None:
        """Train to the end of the present epoch."""
        if self.replay is None:
            self.workbench.epoch()

    def sub_step_on(
        self, look: Callable[[train.training.Training, SubStep], _Result]
    ) -> Future[tuple[SubStep, _Result]]:
        """Do the next part of a step, of which ``look`` takes what it shows; cancelled where nothing can be trained."""
        self.workbench.settled()
        if self.blocked():
            nothing: Future[tuple[SubStep, _Result]] = Future()
            nothing.cancel()
            return nothing
        self._shown_run.show_newest()
        return self.bridge.sub_step_on(look)

    def step_back(self) -> None:
        """Take the last batch back."""
        if self.replay is None:
            self.workbench.step_back()

    def go_back(self, step: int) -> None:
        """Return to an earlier step."""
        if self.replay is None:
            self.workbench.go_back(step)

    def reset(self, play: bool = False) -> None:
        """Begin again with the network on the canvas; what was trained stays among the recent runs."""
        self.workbench.reset(play)

    def await_start(self) -> None:
        """The next session waits for :meth:`begin_with`."""
        self._beginning.await_start()

    def begin_with(self, start: Start | None) -> None:
        """What the next session begins with, besides its project."""
        self._beginning.begin_with(start)

    def why_no_warm_start(self) -> str:
        """Why there are no trained weights to begin with, as a sentence; empty where there are."""
        if self.replay is not None:
            return self.blocked()
        if problems_that_stop(self.document.diagnostics):
            return "The network has a problem that stops training."
        return "" if self.workbench.trained else "Nothing has been trained yet."

    def start_warm(self, path: Path | None = None) -> None:
        """Begin again with the network on the canvas: layers that fit take trained weights, the others start fresh.

        Args:
            path: The run that has these weights, as of its last checkpoint; None is the one in training, as it is.
        """
        self._beginning.start_warm(path)

    def skip_unread(self) -> None:
        """Yes: what cannot be read is left out, and the session is opened."""
        self._beginning.skip_unread()

    def keep_old(self) -> None:
        """Go on with the network in training although the canvas shows another."""
        self.workbench.keep_old()

    def evaluate_test(self) -> None:
        """Measures on the test split, which is counted and recorded."""
        if self.replay is None:
            self.workbench.evaluate_test()

    def restore_best(self) -> None:
        """Put the weights of the best epoch back."""
        if self.replay is None:
            self.bridge.restore_best()

    @property
    def pace(self) -> float | None:
        """Steps a second at the most; None for full speed. Of the race, where one of its runs is on the screen."""
        race = self.race
        return self._host.pace if race is None else race.pace

    def set_pace(self, steps_per_second: float | None) -> None:
        """Train at most so many steps a second, this network and the next; None for full speed. Or so the race."""
        race = self.race
        if race is None:
            self._host.set_pace(steps_per_second)
        else:
            race.set_pace(steps_per_second)
        self.changed.emit()

    def look(self, interest: Interest) -> None:
        """What is looked at in the window: only that is measured, and nothing else than before during a replay."""
        self._interest = interest
        if self.replay is None:
            self._host.look(interest)

    def compare(self, runs: Sequence[RunView]) -> None:
        """Draw these runs beside the one on the screen, in place of those before; see ``Workbench.compare``."""
        self._shown_run.compare(runs)
        self.workbench.compare(runs)

    def show_replay(self, run: RunView, project: Project, read_only: str) -> None:
        """Show a run from a file with its own project, in front of the document and of the live run.

        Args:
            run: What is shown.
            project: What it was made with.
            read_only: Why it cannot be changed, as a sentence.
        """
        self._shown_run.show_replay(run, project, read_only)
        self._on_tick()
        self.changed.emit()

    def end_replay(self, arrange: Callable[[], object] = lambda: None) -> None:
        """Show the document and the live run again, at the step that was shown.

        Args:
            arrange: Called when the document is shown, before the session follows what is looked at.
        """
        replaced = self.workbench.state is not State.EMPTY
        if replaced:  # also in a window that began with a run: another document opens its session itself
            self._started = True
        if self.replay is None:
            if replaced:  # while the run with which the window was to begin is still being read
                self.shown_document.show_own()
            return
        self._shown_run.end_replay(arrange)
        self._host.look(self._interest)
        if self.workbench.state is State.EMPTY and not self._started:
            self.start()
        self._on_tick()
        self.changed.emit()

    # ---- how it follows ------------------------------------------------------------------------------------------

    def _on_document_changed(self, before: Project, after: Project, edit: object) -> None:
        self.workbench.document_changed(before, after, edit)

    def _on_bench(self) -> None:
        self._shown_run.show_compared(self.workbench.compared)
        self.changed.emit()

    def _on_diagnostics_changed(self, _diagnostics: object) -> None:
        self.workbench.diagnostics_changed()
        soon(self._tell)

    def _tell(self) -> None:
        self.changed.emit()

    def _on_state(self, state: str) -> None:
        if state == "done" and self._was_running:
            self._end.start()
        elif state != "done":
            self._end.stop()
        self._was_running = state == "running"
        self.workbench.session_state(state)
        if state in {"ready", "running", "paused", "done", "failed"}:
            self._on_timer()
            self.feed.soon()

    def _settle_soon(self, at_once: bool) -> None:
        self._rest.start(0 if at_once else _REST)

    def _file_of(self, run: Run) -> Path | None:
        return self.path_of(run)

    def _learn_facts(self, config: DataConfig) -> None:
        self._beginning.learn_facts(config)

    def _show(self, run: Run | None) -> None:
        self._shown_run.set_live(run)
        if self.replay is None:
            self._on_tick()

    def _on_timer(self) -> None:
        """The bars follow as often as the panels."""
        interval = _POSITION_INTERVAL
        if self.feed.holds_up_training:
            interval = _POSITION_INTERVAL_ON_FULL_CORES
        if self.running and self.feed.calm:
            interval = CALM_INTERVAL
        if self._ticker.interval() != interval:
            self._ticker.setInterval(interval)
        self._on_tick()

    def _on_tick(self) -> None:
        position = self.bridge.position
        self.feed.cores_are_full = position is not None and position.fills_cores
        sizes = self.workbench.sizes
        if self.replay is not None:
            shown, sizes = self.feed.shown, self.split_sizes
            project, run = self.shown_document.project, self.replay.run
            planned = 0 if self.races is None else self.races.steps_of(run) or 0
            standing = standing_of_replay(run, project, sizes, shown.step, planned)
        elif self.workbench.run is None and self.workbench.state is State.BROKEN:
            standing = Standing()
        else:
            shown = self.feed.shown
            standing = standing_of(position, self.document.project, sizes, shown.run, shown.step)
        if standing != self._standing:
            self._standing = standing
            self.moved.emit(standing)
        edits = ("", "") if position is None else (position.undoable_edit, position.redoable_edit)
        if edits != self._edits:  # at one and the same step there can be many
            self._edits = edits
            self.changed.emit()


def more_epochs_meaning(project: Project) -> str:
    """What more epochs mean for the schedule, as a sentence; empty where the learning rate does not change."""
    spec = registry.SCHEDULES(project.training.schedule.kind)
    if not spec.varies:
        return ""
    if not spec.spans_all:
        return f"The schedule ({spec.title}) goes on where it is."
    return f"The schedule ({spec.title}) then spans all epochs, those that are done among them."


class _Observer:
    """What the Workbench tells, as signals of a Training."""

    def __init__(self, training: Training) -> None:
        self._training = training
        self.settle_soon = training._settle_soon
        self.learn = training._learn_facts
        self.show = training._show
        self.show_newest = training._shown_run.show_newest
        self.changed = training._on_bench
        self.began = training.began.emit
        self.ended = training.ended.emit
        self.data_known = training.data_known.emit
        self.failed = training.failed.emit
        self.recovered = training.recovered.emit
