"""The life of training as the window sees it: when a session is opened, what an edit means for it, what can be asked.

Three situations:

* *building*: nothing has been trained yet. Every change of network, data or training reopens the session silently, so
  that the cards stay live;
* *training*: something has been trained. A change makes the canvas differ from the network in training; that is said,
  and the user chooses. Learning rate, number of epochs and the pinned sample go to the running session at once;
* *replaying*: a run from a file is shown. There is no session until a training is started.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal

from nnviz import __version__
from nnviz.data import datasets
from nnviz.data.datasets import SourceFacts
from nnviz.errors import InputError
from nnviz.gui.parts.background import Background
from nnviz.gui.parts.following import follow
from nnviz.gui.parts.known_data import KnownData
from nnviz.gui.runs.run_feed import RunFeed
from nnviz.gui.runs.session_bridge import SessionBridge, details_of, sentence_of
from nnviz.gui.runs.standing import Standing, learning_rate_of, same_network, standing_of, standing_of_replay
from nnviz.project.checks.validate import problems_that_stop
from nnviz.project.document import Document
from nnviz.project.edits import SetTraining
from nnviz.project.files import io
from nnviz.project.model import Project
from nnviz.record.interest import EVERYTHING, Interest
from nnviz.record.quantities import LOSS
from nnviz.record.run import Run, RunInfo, RunView

if TYPE_CHECKING:
    from nnviz.train.session import CheckpointStore

_DEBOUNCE = 150
_POSITION_INTERVAL = 100


class Training(QObject):
    """Owns the current run and decides when the bridge opens a session."""

    #: State, blocking reason, difference or mode: whatever decides what can be pressed.
    changed = Signal()
    #: Ten times a second while there is something to tell: a Standing.
    moved = Signal(object)
    #: A session could not be opened or has failed: a sentence and details.
    failed = Signal(str, str)
    #: It went well again: earlier failures no longer hold.
    recovered = Signal()
    #: A session has trained for the first time: the Run, to be kept in a file.
    began = Signal(object)
    #: A run will not be continued: the Run.
    ended = Signal(object)
    #: Facts about the data are known: sizes of the three splits, or an empty tuple.
    data_known = Signal(object)

    def __init__(
        self,
        document: Document,
        bridge: SessionBridge,
        feed: RunFeed,
        background: Background,
        data_dir: Path | None = None,
        store: CheckpointStore | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.document = document
        self.bridge = bridge
        self.feed = feed
        #: What is known of data sets; for all views.
        self.known = KnownData(background, data_dir, self)
        self._store = store
        self._run: Run | None = None
        self._replay: RunView | None = None
        self._project: Project | None = None
        self._failure = ""
        self._differs = False
        self._kept_old = False
        self._hidden = False
        self._began = False
        self._play_when_ready = False
        # The project is another one, and the session that is still there belongs to the one before.
        self._reopens = False
        # What was asked and not answered yet, "run" or "rest": a second press means the opposite of the first, however
        # late the answer comes.
        self._asked = ""
        self._standing = Standing()
        self._sizes: tuple[int, ...] = ()
        self._debounce = QTimer(self)
        self._debounce.setSingleShot(True)
        self._debounce.setInterval(_DEBOUNCE)
        self._debounce.timeout.connect(self._on_settled)
        self._ticker = QTimer(self)
        self._ticker.setInterval(_POSITION_INTERVAL)
        self._ticker.timeout.connect(self._on_tick)
        self._interest = EVERYTHING
        self._followings = (
            follow(document.changed, self._on_document_changed),
            follow(document.diagnostics_changed, self._on_diagnostics_changed),
        )
        bridge.state_changed.connect(self._on_state)
        bridge.failed.connect(self._on_failed)
        bridge.memory_measured.connect(document.set_memory_limit)

    # ---- what is so ----------------------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """State of the session; ``replay`` while a run from a file is shown."""
        return "replay" if self._replay is not None else self.bridge.state

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
    def trained(self) -> bool:
        """Whether the run on the screen holds more than the untrained network."""
        run = self._replay or self._run
        return run is not None and run.last_step > 0

    @property
    def differs(self) -> bool:
        """Whether the network on the canvas is another than the one in training, and the user has not chosen yet."""
        return self._differs and not self._kept_old

    @property
    def run(self) -> Run | None:
        """The live run; None while one from a file is shown."""
        return None if self._replay is not None else self._run

    @property
    def standing(self) -> Standing:
        """Where training stands."""
        return self._standing

    @property
    def split_sizes(self) -> tuple[int, ...]:
        """Training, validation and test examples; empty while they are not known."""
        return self._sizes

    @property
    def failure(self) -> str:
        """Why there is no session, as a sentence."""
        return self._failure

    @property
    def test_uses(self) -> int:
        """How often the test split has been looked at in this run."""
        steps, _ = self.feed.run.scalars(LOSS.series("test"))
        return int(steps.size)

    def blocked(self) -> str:
        """Why it cannot be trained now; empty when it can."""
        if self._replay is not None:
            return "This is a recorded run. Start a new training to train its network."
        problems = problems_that_stop(self.document.diagnostics)
        if problems and (self._project is None or not self.trained or not self._kept_old):
            first = problems[0]
            node = self.document.project.graph.nodes.get(first.node)
            where = f"{node.name or node.id}: " if node is not None else ""
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            return f"{where}{first.text}{more}"
        if self._failure:
            return self._failure
        if self.differs:
            return "The network on the canvas differs from the one in training: choose one of them first."
        return ""

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
        if self.state in {"idle", "ready", "paused", "done"} and problems_that_stop(self.document.diagnostics):
            return "cannot train yet"
        if self.state == "idle" and self._failure:
            return "cannot train yet"
        return words.get(self.state, self.state)

    # ---- what can be asked ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the first session."""
        self._ticker.start()
        self._learn_facts()

    def start_idle(self) -> None:
        """Be ready to show a run from a file; open no session."""
        self._ticker.start()

    def play_when_ready(self) -> None:
        """Train as soon as the session that is being opened can."""
        self._play_when_ready = True

    def stop(self) -> None:
        """End all timers, before the window goes."""
        self._ticker.stop()
        self._debounce.stop()
        self.known.cancel()
        for following in self._followings:
            following.end()

    def play(self) -> None:
        """Train; after the last epoch, as many epochs again."""
        self._settle()
        if self.blocked():
            return
        if self._reopens:
            self._play_when_ready = True
            return
        self.feed.set_step(None)
        if self.state == "done":
            training = self.document.project.training
            first = self._project.training.epochs if self._project is not None else training.epochs
            done = max(training.epochs, self._standing.epoch)
            self.document.apply(SetTraining(msgspec.structs.replace(training, epochs=done + first)))
        self._asked = "run"
        self.bridge.play()

    def pause(self) -> None:
        """Stop after this batch."""
        self._play_when_ready = False
        self._asked = "rest"
        self.bridge.pause()

    def toggle(self) -> None:
        """Play or pause."""
        if self._asked == "run" or (self.running and not self._asked):
            self.pause()
        else:
            self.play()

    def step(self) -> None:
        """Train one batch."""
        self._settle()
        if not self.blocked():
            self.feed.set_step(None)
            self.bridge.step(1)

    def step_back(self) -> None:
        """Take the last batch back."""
        if self._replay is None:
            self.feed.set_step(None)
            self.bridge.step_back()

    def go_back(self, step: int) -> None:
        """Return to an earlier step."""
        if self._replay is None:
            self.feed.set_step(None)
            self.bridge.go_back(step)

    def reset(self, play: bool = False) -> None:
        """Begin again with the network on the canvas; what was trained stays among the recent runs."""
        self._replay = None
        self._play_when_ready = play
        self._learn_facts()

    def keep_old(self) -> None:
        """Go on with the network in training although the canvas shows another."""
        self._kept_old = True
        self.changed.emit()

    def evaluate_test(self) -> None:
        """Look at the test split."""
        if self._replay is None:
            self.bridge.evaluate_test()

    def look(self, interest: Interest) -> None:
        """What is looked at in the window: only that is measured."""
        if interest != self._interest:
            self._interest = interest
            self.bridge.look(interest)

    def show_replay(self, run: RunView) -> None:
        """Show a run from a file; the session is closed. The document must hold its project already."""
        self._debounce.stop()
        self._finish()
        self.bridge.close_session()
        self._replay = run
        self._project = self.document.project
        self._failure = ""
        self._differs = self._kept_old = False
        self.feed.set_run(run)
        self._standing = standing_of_replay(run, self._project, self._sizes)
        self.moved.emit(self._standing)
        self.changed.emit()

    # ---- how it follows ------------------------------------------------------------------------------------------

    def _on_document_changed(self, before: Project, after: Project, edit: object) -> None:
        if edit is None:
            self._replay = None
            self._reopens = True
            self._debounce.stop()
            QTimer.singleShot(0, self._learn_facts)
            return
        if self._replay is None:
            if learning_rate_of(after) != learning_rate_of(before):
                self.bridge.set_learning_rate(learning_rate_of(after))
            if after.training.epochs != before.training.epochs:
                self.bridge.set_epochs(after.training.epochs)
            if after.view.pinned_sample != before.view.pinned_sample:
                self.bridge.pin(after.view.pinned_sample)
        if after.data != before.data or not same_network(before, after):
            self._debounce.start()

    def _on_diagnostics_changed(self, _diagnostics: object) -> None:
        QTimer.singleShot(0, self.changed.emit)

    def _settle(self) -> None:
        """What was changed a moment ago is what is meant: it is not waited for whether more changes follow."""
        if self._debounce.isActive():
            self._debounce.stop()
            self._on_settled()

    def _on_settled(self) -> None:
        project = self.document.project
        if self._project is not None and project.data != self._project.data:
            self._learn_facts()
            return
        self._follow()

    def _learn_facts(self) -> None:
        """Find out what the data looks like (a folder has to be looked at for it), then open a session."""
        config = self.document.project.data
        self._reopens = True

        def done(found: SourceFacts) -> None:
            if self.document.project.data != config:
                return
            try:
                self._sizes = sizes = datasets.divided(config, found.sizes)
            except InputError as error:
                failed(error)
                return
            self._failure = ""
            self.document.set_facts(msgspec.structs.replace(found.data, examples=sizes))
            self.data_known.emit(sizes)
            self._follow(fresh=True)

        def failed(error: BaseException) -> None:
            if self.document.project.data != config:
                return
            self._sizes = ()
            self._reopens = False
            self.document.set_facts(None)
            self.data_known.emit(())
            self.bridge.close_session()
            self._on_failed(sentence_of(error), details_of(error))

        self.known.ask(config, done, failed, "training")

    def _follow(self, *, fresh: bool = False) -> None:
        """Bring the session in line with the document, or say that it differs. ``fresh``: begin again whatever is."""
        self._reopens = False
        if self._replay is not None:
            return
        self._show_or_hide()
        project = self.document.project
        if not fresh and self._project is not None and same_network(project, self._project):
            self._differs = self._kept_old = False
            self.changed.emit()
            return
        if not fresh and self.trained:
            self._differs, self._kept_old = True, False
            if self.running:
                self.bridge.pause()
            self.changed.emit()
            return
        if problems_that_stop(self.document.diagnostics):
            # What was measured of the parts that work stays on the cards; nothing can be trained until it is mended.
            if fresh:
                self._finish()
                self.bridge.close_session()
                self._run = self._project = None
                self.feed.set_run(None)
                self._standing = Standing()
                self.moved.emit(self._standing)
            self._differs = False
            self.changed.emit()
            return
        self._open(project)

    def _show_or_hide(self) -> None:
        """On an empty canvas nothing is true of what stood there before; undo brings it back, and the run with it."""
        empty = not self.document.project.graph.nodes
        if empty and self._run is not None and self.feed.run is self._run:
            self._hidden = True
            self.feed.set_run(None)
        elif self._hidden and not empty:
            self._hidden = False
            if self._run is not None:
                self.feed.set_run(self._run)

    def _open(self, project: Project) -> None:
        self._finish()
        self._hidden = False
        self._run = Run(
            RunInfo(
                project_json=io.dumps(project),
                nnviz_version=__version__,
                seed=project.training.seed,
                device=project.training.device,
                title=project.name,
            )
        )
        self._began = False
        self._project = project
        self._failure = ""
        self._differs = self._kept_old = False
        self.bridge.open(project, self._run, self.data_dir, self._store)
        self.bridge.look(self._interest)
        self.changed.emit()

    def _finish(self) -> None:
        """The run at hand will not be continued."""
        if self._run is not None and self._began:
            self.ended.emit(self._run)
        self._began = False

    def _on_state(self, state: str) -> None:
        if state in {"paused", "done", "failed"} or (state == "running" and self._asked == "run"):
            self._asked = ""
        if self._replay is None and state in {"ready", "failed"} and self._run is not None:
            if self.feed.run is not self._run:
                self.feed.set_run(self._run)
            if state == "ready":
                self.recovered.emit()
                self._catch_up()
                if self._play_when_ready and not self._reopens:
                    self._play_when_ready = False
                    self.play()
        if not self._began and self._run is not None and state in {"running", "paused"}:
            self._began = True
            self.began.emit(self._run)
        if state in {"ready", "running", "paused", "done", "failed"}:
            self._on_tick()
        self.changed.emit()

    def _catch_up(self) -> None:
        """What was set while the session was being prepared."""
        project, opened = self.document.project, self._project
        if opened is None:
            return
        if learning_rate_of(project) != learning_rate_of(opened):
            self.bridge.set_learning_rate(learning_rate_of(project))
        if project.training.epochs != opened.training.epochs:
            self.bridge.set_epochs(project.training.epochs)
        if project.view.pinned_sample != opened.view.pinned_sample:
            self.bridge.pin(project.view.pinned_sample)

    def _on_failed(self, sentence: str, details: str) -> None:
        self._failure = sentence
        self._play_when_ready = False
        self.failed.emit(sentence, details)
        self.changed.emit()

    def _on_tick(self) -> None:
        if self._replay is not None:
            standing = standing_of_replay(self._replay, self.document.project, self._sizes)
        else:
            standing = standing_of(self.bridge.position, self.document.project, self._sizes)
        if standing != self._standing:
            self._standing = standing
            self.moved.emit(standing)
