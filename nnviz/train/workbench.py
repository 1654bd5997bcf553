"""The Workbench: the machine of states between a document and a host of sessions.

No Qt and no torch: the window, and whatever else keeps a session beside a document, follows it. What a change of the
document means is decided in :mod:`nnviz.train.change`. The Workbench knows no clock: whoever owns one calls
:meth:`Workbench.settled` when the document has come to rest.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

import msgspec

from nnviz import __version__
from nnviz.errors import NnvizError
from nnviz.project.checks.validate import problems_that_stop
from nnviz.project.choices import with_param
from nnviz.project.files import io
from nnviz.project.model import Curated, DataConfig, DataFacts, Project, TrainConfig
from nnviz.record.quantities import EDITED, EPOCH
from nnviz.record.run import Run, RunInfo, RunView
from nnviz.train.change import Live, Restart, change, learning_rate_of
from nnviz.train.live_settings import LiveSettings
from nnviz.train.start import Continued, Start, WarmStart, refusal

if TYPE_CHECKING:
    from nnviz.project.document import Document


class State(enum.Enum):
    """What a Workbench is about."""

    #: No session, and none on the way: before the start, or after somebody else closed it.
    EMPTY = "empty"
    #: The session of what was there before is closed; it is being found out what the data look like.
    LEARNING = "learning"
    #: The host prepares a session.
    OPENING = "opening"
    #: A session is ready and nothing has been trained: every change of the document opens another without a word.
    BUILDING = "building"
    #: Something has been trained, with the network, data and settings of the document.
    TRAINED = "trained"
    #: Something has been trained; the document is another one now, and the user has not chosen yet. Nothing runs.
    DIFFERS = "differs"
    #: Likewise, and the user goes on with what was trained.
    KEPT_OLD = "kept old"
    #: The document cannot be trained as it is. The untrained session of a moment ago may still be there for the cards.
    BROKEN = "broken"
    #: The data could not be looked at, or the session could not be opened or has failed.
    FAILED = "failed"


class Asked(enum.Enum):
    """What the user asked for and what was not answered yet."""

    NOTHING = "nothing"
    #: To train, as soon as that is possible.
    RUN = "run"
    #: To rest.
    REST = "rest"


#: The states of a session that answer what was asked.
_ANSWERS: Mapping[Asked, tuple[str, ...]] = {
    Asked.RUN: ("running", "done", "failed"),
    Asked.REST: ("paused", "done", "failed"),
}


class _Pending(enum.Enum):
    """What of the document was not followed yet."""

    NOTHING = "nothing"
    #: A setting was changed.
    CHANGED = "changed"
    #: Another project stands there.
    REPLACED = "replaced"


class Host(Protocol):
    """Whoever keeps at most one session: asked on the Workbench's thread, never waiting."""

    @property
    def state(self) -> str:
        """State of the session as it is known here: a value of ``SessionState``; ``idle`` without one."""

    def open(self, project: Project, run: Run, start: Start | None = None) -> None:
        """Close the session that is there and prepare one, which begins with ``start`` where that is given."""

    def close_session(self) -> None:
        """Close the session."""

    def play(self) -> None:
        """Train until paused or done."""

    def pause(self) -> None:
        """Rest after this batch."""

    def step(self, count: int = 1) -> None:
        """Train so many batches, then rest."""

    def epoch(self) -> None:
        """Train to the end of the present epoch, then rest."""

    def step_back(self) -> None:
        """Take the last batch back."""

    def go_back(self, step: int) -> None:
        """Return to an earlier step."""

    def set_learning_rate(self, value: float) -> None:
        """From the next batch on."""

    def set_epochs(self, count: int) -> None:
        """How far to train."""

    def train_on(self, epochs: int) -> None:
        """How far to train, although the project says fewer."""

    def take_on(self, settings: LiveSettings) -> None:
        """Other settings of optimizer and layers, other layers frozen, from the next batch on."""

    def curate(self, entries: tuple[Curated, ...]) -> None:
        """Other labels and weights for single examples, from the next epoch on."""

    def evaluate_test(self) -> None:
        """Measure on the test split."""


class Observer(Protocol):
    """Whoever shows a Workbench. Called on its thread."""

    def settle_soon(self, at_once: bool) -> None:
        """Call :meth:`Workbench.settled` later: when no more changes follow, or ``at_once`` after this event.

        Never from inside: the document is telling its listeners of a change.
        """

    def learn(self, config: DataConfig) -> None:
        """Find out what the data look like; answer with ``facts_learnt`` or ``facts_failed``, at once or later."""

    def show(self, run: Run | None) -> None:
        """This run is to be seen from now on."""

    def show_newest(self) -> None:
        """The newest values are to be seen, not those of an earlier step."""

    def changed(self) -> None:
        """Something that decides what can be asked for is another one."""

    def began(self, run: Run) -> None:
        """The run has left its start: it is worth keeping."""

    def ended(self, run: Run) -> None:
        """A run that began, or that was to be gone on with, will not be continued."""

    def data_known(self, sizes: tuple[int, ...]) -> None:
        """How many examples there are for training, validation and test; empty where that is not known."""

    def failed(self, sentence: str, details: str) -> None:
        """Something could not be done."""

    def recovered(self) -> None:
        """Earlier failures no longer hold."""


class Workbench:
    """Keeps one session in line with a document, or says that they differ.

    It belongs to the document's thread, and so does every field. Every method returns at once. While the document tells
    of a change the Workbench passes on what a session takes on live, and does all else when it learns that the
    document has settled.

    Args:
        document: What the user works on.
        host: Keeps the session.
        observer: Shows what becomes of it.
    """

    def __init__(self, document: Document, host: Host, observer: Observer) -> None:
        #: What the user works on.
        self._document = document
        #: Keeps the session, which lives on another thread.
        self._host = host
        #: Called with what becomes of it.
        self._observer = observer
        #: Where it stands.
        self._state = State.EMPTY
        #: What of the document was not followed yet.
        self._pending = _Pending.NOTHING
        #: What the user asked for and the session has not confirmed.
        self._asked = Asked.NOTHING
        #: Whether the host has a session of ours that has not failed: preparing, ready, running …
        self._session = False
        #: The project of the session that was opened last; None before the first and while none is to come.
        self._opened: Project | None = None
        #: Of that, the settings that can be changed live; None where one of them is not allowed.
        self._opened_settings: LiveSettings | None = None
        #: Live settings that were passed on to that session since; None where it has those of its project.
        self._passed_on = Live()
        #: The run that the session opened last writes to.
        self._run: Run | None = None
        #: Whether the observer knows that this run began, and not yet that it ended.
        self._began = False
        #: The run of the last session that was ready: what the screen shows, except on an empty canvas.
        self._measured: Run | None = None
        #: What the next session begins with, besides its project.
        self._start: Start | None = None
        #: The recorded run that the present session goes on with.
        self._continued: Continued | None = None
        #: Whether that session is being prepared: it can still be refused.
        self._is_resuming = False
        #: Epochs of the project, and to how many it is trained instead because somebody asked for more of them.
        self._more: tuple[int, int] | None = None
        #: What the observer shows.
        self._shown: Run | None = None
        #: Runs that are shown beside the one on the screen, in the order in which they were asked for; see ``compare``.
        self._compared: tuple[RunView, ...] = ()
        #: The data that were asked about last and whose answer was, or will be, taken in.
        self._learning: DataConfig | None = None
        #: Their numbers of examples, when they are known.
        self._sizes: tuple[int, ...] = ()
        #: Why there is no session.
        self._failure = ""
        #: Why the session would have to be another one.
        self._reason = ""

    # ---- what is so ----------------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """Where it stands."""
        return self._state

    @property
    def asked(self) -> Asked:
        """What the user asked for and the session has not confirmed."""
        return self._asked

    @property
    def at_rest(self) -> bool:
        """Whether the session is the document's, or it is said why not: no change waits to be followed."""
        return self._pending is _Pending.NOTHING and self._state is not State.LEARNING

    @property
    def run(self) -> Run | None:
        """The live run."""
        return self._run

    @property
    def shown(self) -> Run | None:
        """The live run that is to be seen; None on an empty canvas.

        Until a session is ready it is the one before, unless that is of another project or of other data.
        """
        return self._shown

    @property
    def compared(self) -> tuple[RunView, ...]:
        """Runs that are to be seen beside the current one; see :meth:`compare`."""
        return self._compared

    @property
    def opened(self) -> Project | None:
        """What the session was opened with."""
        return self._opened

    @property
    def trained(self) -> bool:
        """Whether the run holds more than the untrained network: something was trained, or weights were set by hand."""
        return self._run is not None and (self._run.last_step > 0 or bool(self._run.names(EDITED)))

    @property
    def refused_run(self) -> Continued | None:
        """The recorded run that could not be gone on with although its project fits; None where that is not so."""
        return self._continued if self._is_resuming and self._state is State.FAILED else None

    @property
    def continued(self) -> Continued | None:
        """The recorded run that the session goes on with."""
        return self._continued

    @property
    def epochs(self) -> int:
        """How far is trained: to the project's epochs, or to as many more as somebody asked for."""
        epochs = self._document.project.training.epochs
        return self._more[1] if self._more is not None and self._more[0] == epochs else epochs

    @property
    def differs(self) -> bool:
        """Whether the user has to choose between the document and what was trained."""
        return self._state is State.DIFFERS

    @property
    def reason(self) -> str:
        """Why the session would have to be another one, in words; empty where it would not."""
        return self._reason

    @property
    def in_use(self) -> TrainConfig | None:
        """The settings that the network in training has, where the document's wait for a restart; otherwise None."""
        if self._opened is None or self._state not in (State.DIFFERS, State.KEPT_OLD):
            return None
        config, live = self._opened.training, self._passed_on
        if live.epochs is not None:
            config = msgspec.structs.replace(config, epochs=live.epochs)
        if live.settings is not None:
            rate = learning_rate_of(self._opened)
            config = msgspec.structs.replace(
                config,
                optimizer=live.settings.with_rate(config.optimizer.kind, rate),
                batch_size=live.settings.batch_size,
            )
        if live.learning_rate is not None:
            config = msgspec.structs.replace(
                config, optimizer=with_param(config.optimizer, "learning_rate", live.learning_rate)
            )
        return config

    @property
    def sizes(self) -> tuple[int, ...]:
        """Training, validation and test examples; empty while they are not known."""
        return self._sizes

    @property
    def failure(self) -> str:
        """Why there is no session, as a sentence."""
        return self._failure

    def blocked(self) -> str:
        """Why it cannot be trained now, as a sentence; empty when it can."""
        problems = problems_that_stop(self._document.diagnostics)
        if problems and self._state is not State.KEPT_OLD:
            first = problems[0]
            node = self._document.project.graph.nodes.get(first.node)
            where = f"{node.name or node.id}: " if node is not None else ""
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            return f"{where}{first.text}{more}"
        if self._failure:
            return self._failure
        if self.differs:
            return f"The project differs from what is in training ({self._reason}): choose one of them first."
        return ""

    # ---- what the user asks --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the first session."""
        self._begin()

    def close(self) -> None:
        """End the run and the session, and open no other before something is asked or the document changes."""
        self._end_session()
        self._pending = _Pending.NOTHING
        self._enter(State.EMPTY)
        self._observer.changed()

    def play(self, more: int = 0) -> None:
        """Train; after the last epoch, as many epochs again as the project says.

        The project stays as it is: how far this network is trained is said to the session, which keeps it in its
        checkpoints. Whoever changes the project's epochs takes that back.

        Args:
            more: After the last epoch, so many epochs instead.
        """
        self.settled()
        if self.blocked():
            return
        if self._state is State.EMPTY:
            self._begin()
        if self._state in (State.LEARNING, State.OPENING):
            self._asked = Asked.RUN
            return
        if not self._session or self.blocked():
            return
        self._observer.show_newest()
        if self._host.state == "done":
            epochs, done = self._document.project.training.epochs, self._epochs_done()
            if more or done >= self.epochs:  # else early stopping ended it, and there are epochs left
                self._more = (epochs, done + (more or epochs))
                self._host.train_on(done + (more or epochs))
        if self._host.state != "running" or self._asked is Asked.REST:
            self._asked = Asked.RUN
        self._host.play()

    def play_when_ready(self) -> None:
        """Train as soon as the session that is about to be opened can."""
        self._asked = Asked.RUN

    def pause(self) -> None:
        """Rest after this batch."""
        if self._state in (State.LEARNING, State.OPENING, State.EMPTY):
            self._asked = Asked.NOTHING
            return
        self._asked = Asked.REST
        self._host.pause()

    def toggle(self) -> None:
        """Play or pause: a second press means the opposite of the first, however late the answer comes."""
        if self._asked is Asked.RUN or (self._host.state == "running" and self._asked is Asked.NOTHING):
            self.pause()
        else:
            self.play()

    def step(self) -> None:
        """Train one batch, then rest."""
        self.settled()
        if not self.blocked() and self._session:
            self._asked = Asked.REST if self._host.state == "running" or self._asked is Asked.RUN else Asked.NOTHING
            self._observer.show_newest()
            self._host.step(1)

    def epoch(self) -> None:
        """Train to the end of the present epoch, then rest."""
        self.settled()
        if not self.blocked() and self._session:
            self._asked = Asked.RUN
            self._observer.show_newest()
            self._host.epoch()

    def step_back(self) -> None:
        """Take the last batch back."""
        self._observer.show_newest()
        self._host.step_back()

    def go_back(self, step: int) -> None:
        """Return to an earlier step."""
        self._observer.show_newest()
        self._host.go_back(step)

    def evaluate_test(self) -> None:
        """Measure on the test split."""
        self._host.evaluate_test()

    def reset(self, play: bool = False, warm: WarmStart | None = None) -> None:
        """Begin again with the document as it is; the run so far is over.

        Args:
            play: Train at once.
            warm: Layers that fit begin with these weights.
        """
        self._asked = Asked.RUN if play else Asked.NOTHING
        self.begin_with(warm)
        self._begin()

    def begin_with(self, start: Start | None) -> None:
        """What the next session begins with, where it is one of the document as it is now."""
        before, self._start = self._start, start
        if isinstance(before, Continued):
            self._observer.ended(before.run)

    def compare(self, runs: Iterable[RunView]) -> None:
        """Show these runs beside the current one, in place of those compared until now; none ends the comparison.

        The current run is never compared with itself: neither the one that is seen nor the one that the session writes
        to is taken, nor a view of their files, and one that becomes the current run is compared no longer. The
        comparison outlasts edits and new trainings of the document; it ends when another project takes its place.
        """
        self._keep_compared(runs)
        self._observer.changed()

    def keep_old(self) -> None:
        """Go on with what was trained although the document is another one."""
        if self._state is State.DIFFERS:
            self._enter(State.KEPT_OLD)
            self._observer.changed()

    # ---- what happens --------------------------------------------------------------------------------------------

    def document_changed(self, before: Project, after: Project, edit: object) -> None:
        """The document tells of a change. ``edit`` is None when another project took its place."""
        if edit is None:
            self._pending = _Pending.REPLACED
            self.begin_with(None)
            self._asked = Asked.NOTHING
            self._compared = ()
            # Nothing that was measured before is true of what stands there now, whether or not it can be trained.
            self._measured, self._sizes = None, ()
            self._show_or_hide()
            self._enter(State.LEARNING)
            self._observer.settle_soon(at_once=True)
            return
        self._pass_on()
        if isinstance(change(before, after), Restart):
            self._wait_for_rest()

    def diagnostics_changed(self) -> None:
        """The document is right or wrong in another way, perhaps without a change: the data or the memory are known."""
        stopped = bool(problems_that_stop(self._document.diagnostics))
        if (self._state is State.BROKEN and not stopped) or (
            self._state in (State.OPENING, State.BUILDING) and stopped
        ):
            self._wait_for_rest()

    def settled(self) -> None:
        """No more changes of the document follow for now: bring the session in line with it, or say that it differs."""
        pending, self._pending = self._pending, _Pending.NOTHING
        if pending is _Pending.NOTHING:
            return
        config = self._document.project.data
        if pending is _Pending.REPLACED or self._state is State.EMPTY:
            self._begin()
        elif self._is_about_trained or (self._state is State.FAILED and self.trained):
            if config != self._learning:
                self._learn()
            self._follow()
        elif config != self._learning:
            self._begin()
        elif self._state is not State.LEARNING:
            self._follow()

    def facts_learnt(self, config: DataConfig, facts: DataFacts, sizes: tuple[int, ...]) -> None:
        """What the data look like."""
        if self._refuses(config):
            return
        self._sizes = sizes
        learning = self._state is State.LEARNING
        if learning:
            self._failure = ""
        self._document.set_facts(facts)
        self._observer.data_known(sizes)
        if learning:
            self._follow()
        else:
            self._observer.recovered()
            self._observer.changed()

    def facts_failed(self, config: DataConfig, sentence: str, details: str) -> None:
        """What the data look like cannot be found out."""
        if self._refuses(config):
            return
        self._sizes = ()
        if self._state is State.LEARNING:
            self._measured = None
            self._show_or_hide()
            self._failure = sentence
            self._asked = Asked.NOTHING
            self._enter(State.FAILED)
        self._document.set_facts(None)
        self._observer.data_known(())
        self._observer.failed(sentence, details)
        self._observer.changed()

    def session_state(self, state: str) -> None:
        """The session of :meth:`Host.open` tells its state; ``idle`` when it was closed. Not of an earlier one."""
        if not self._session or self._pending is _Pending.REPLACED:  # of a project that is gone
            self._observer.changed()
            return
        if state in _ANSWERS.get(self._asked, ()):
            self._asked = Asked.NOTHING
        if state == "idle":
            self._session = False
            self._end_run()
            if self._state is not State.BROKEN:
                self._enter(State.EMPTY)
        elif state == "failed":
            self._session = False
            self._asked = Asked.NOTHING
            self._take_in_run()
            if self._state is not State.BROKEN:
                self._enter(State.FAILED)
        elif state == "ready":
            self._is_resuming = False
            self._take_in_run()
            self._observer.recovered()
            self._passed_on = Live()
            self._pass_on()
            if self._state is State.OPENING:
                self._enter(State.BUILDING if self._continued is None else State.TRAINED)
                if self._asked is Asked.RUN:
                    self._asked = Asked.NOTHING
                    self.play()
        elif state in ("running", "paused", "done"):
            self._note_beginning(state)
        self._observer.changed()

    def session_failed(self, sentence: str, details: str) -> None:
        """Something went wrong on the host's side; the session's own failure comes with the state ``failed``."""
        self._asked = Asked.NOTHING
        if self._state is not State.LEARNING:
            self._failure = sentence
        self._observer.failed(sentence, details)
        self._observer.changed()

    # ---- inside --------------------------------------------------------------------------------------------------

    @property
    def _is_about_trained(self) -> bool:
        """Whether something was trained that can be gone on with: a change of the document must not take it away."""
        return self.trained and self._session and self._state is not State.LEARNING

    def _refuses(self, config: DataConfig) -> bool:
        """Whether an answer is about data that are not wanted any more; they are asked about anew if they are again."""
        outdated = self._pending is _Pending.REPLACED or config != self._document.project.data
        if outdated and config == self._learning:
            self._learning = None
        return outdated

    def _enter(self, state: State) -> None:
        self._state = state
        if state not in (State.DIFFERS, State.KEPT_OLD):
            self._reason = ""

    def _wait_for_rest(self) -> None:
        if self._pending is _Pending.NOTHING:
            self._pending = _Pending.CHANGED
        self._observer.settle_soon(at_once=self._pending is _Pending.REPLACED)

    def _begin(self) -> None:
        """Whatever is there is over; a session of the document is opened once it is known what its data look like."""
        self._end_session()
        self._pending = _Pending.NOTHING
        if self._opened is not None and _is_of_other_examples(self._opened, self._document.project):
            self._measured = None  # else it is seen until the next session has something to see
            self._show_or_hide()
        self._run = self._opened = self._continued = self._more = None
        self._enter(State.LEARNING)
        self._learn()
        self._observer.changed()

    def _learn(self) -> None:
        if self._learning != self._document.project.data:
            self._sizes = ()
        self._learning = self._document.project.data
        self._observer.learn(self._learning)

    def _follow(self) -> None:
        """Bring the session in line with the document, or say that it differs."""
        project = self._document.project
        self._show_or_hide()
        needed = Restart("", "") if self._opened is None else change(self._opened, project)
        if self._is_about_trained:
            if isinstance(needed, Restart):
                if self._host.state == "running" or self._asked is Asked.RUN:
                    self._host.pause()
                self._asked = Asked.NOTHING
                self._enter(State.DIFFERS)
                self._reason = needed.reason
            else:
                self._enter(State.TRAINED)
        elif self._state is State.FAILED and (self.trained or not self._sizes or not isinstance(needed, Restart)):
            pass  # until it is begun again: what was trained can be looked at, and what else failed would fail again
        elif problems_that_stop(self._document.diagnostics):
            # What was measured of the parts that work stays on the cards; nothing can be trained until it is mended.
            if self._opened is None:
                self._run = self._measured = None
                self._show_or_hide()
            if self._session and (self._host.state == "running" or self._asked is Asked.RUN):
                self._host.pause()
            self._asked = Asked.NOTHING
            self._enter(State.BROKEN)
        elif self._session and not isinstance(needed, Restart):
            ready = self._host.state not in ("idle", "preparing")
            self._enter((State.TRAINED if self._began else State.BUILDING) if ready else State.OPENING)
        else:
            if self._session and self._host.state == "running":
                self._asked = Asked.RUN  # it was just asked to
            self._open(project)
        self._observer.changed()

    def _open(self, project: Project) -> None:
        self._end_run()
        start, self._start = self._start, None
        refused = refusal(start.project, project, start.path) if isinstance(start, Continued) else None
        if isinstance(start, Continued) and refused is not None:  # it was changed meanwhile
            self._observer.ended(start.run)
            self._observer.failed(str(refused), "")
            start = None
        self._continued = start if isinstance(start, Continued) else None
        self._is_resuming = self._continued is not None
        self._more = None
        self._run = self._new_run(project, start) if self._continued is None else self._continued.run
        self._keep_compared(self._compared)
        self._opened = project
        self._opened_settings = _settings_of(project)
        self._passed_on = Live()
        self._failure = ""
        self._session = True
        self._enter(State.OPENING)
        if start is None:
            self._host.open(project, self._run)
            return
        self._host.open(project, self._run, start)
        if self._continued is not None:
            # What stands on the screen holds, also where it was changed after the last checkpoint.
            self._host.set_learning_rate(learning_rate_of(project))
            if self._opened_settings is not None:
                self._host.take_on(self._opened_settings)
            if self._continued.more_until > project.training.epochs:
                self._more = (project.training.epochs, self._continued.more_until)
            self._take_in_run()  # all that it holds can be seen before there is a session

    def _new_run(self, project: Project, start: Start | None) -> Run:
        facts = {"parameters": str(self._document.inference.parameters)}
        return Run(
            RunInfo(
                project_json=io.dumps(project),
                nnviz_version=__version__,
                seed=project.training.seed,
                device=project.training.device,
                title=project.name,
                facts=facts | start.facts if isinstance(start, WarmStart) else facts,
            )
        )

    def _end_session(self) -> None:
        self._end_run()
        if self._session:
            self._session = False
            self._host.close_session()

    def _end_run(self) -> None:
        """The run at hand will not be continued."""
        if self._run is not None and (self._began or self._continued is not None):
            self._began = False
            self._continued = None
            self._observer.ended(self._run)

    def _note_beginning(self, state: str) -> None:
        if not self._began and self._run is not None and state in ("running", "paused"):
            self._began = True
            self._observer.began(self._run)
        if self._state in (State.OPENING, State.BUILDING):
            self._enter(State.TRAINED)
        elif self._state is State.BROKEN:  # it was asked for before that, and is not to be taken away
            self._wait_for_rest()

    def _take_in_run(self) -> None:
        """The session has measured what there is to see before training, or will measure nothing."""
        self._measured = self._run
        self._show_or_hide()

    def _keep_compared(self, runs: Iterable[RunView]) -> None:
        """Each run once, and none that is the current one, by another object neither."""
        current = [run for run in (self._shown, self._run) if run is not None]

        def is_current(run: RunView) -> bool:
            """A view of its file tells the same of it; of a damaged file nothing is known, not even its time."""
            return any(run is one or (run.info.created > 0 and run.info == one.info) for one in current)

        once = {id(run): run for run in runs}.values()
        self._compared = tuple(run for run in once if not is_current(run))

    def _show_or_hide(self) -> None:
        """On an empty canvas nothing is true of what stood there before; undo brings it back, and the run with it."""
        run = self._measured if self._document.project.graph.nodes else None
        if run is not self._shown:
            self._shown = run
            self._keep_compared(self._compared)
            self._observer.show(run)

    def _pass_on(self) -> None:
        """Pass on what the session takes on live: the document's values where they are others than it has."""
        if not self._session or self._opened is None or self._state is State.LEARNING:
            return
        project, passed_on = self._document.project, self._passed_on
        opened = self._opened
        if project.training.optimizer.kind == opened.training.optimizer.kind:
            has = learning_rate_of(opened) if passed_on.learning_rate is None else passed_on.learning_rate
            if (rate := learning_rate_of(project)) != has:
                passed_on = dataclasses.replace(passed_on, learning_rate=rate)
                self._host.set_learning_rate(rate)
        has_epochs = opened.training.epochs if passed_on.epochs is None else passed_on.epochs
        more = self._more
        if more is not None and more[0] != project.training.epochs:
            self._more, has_epochs = None, more[1]
        if project.training.epochs != has_epochs:
            passed_on = dataclasses.replace(passed_on, epochs=project.training.epochs)
            self._host.set_epochs(project.training.epochs)
        has_curation = opened.curation if passed_on.curation is None else passed_on.curation
        if project.curation != has_curation:
            passed_on = dataclasses.replace(passed_on, curation=project.curation)
            self._host.curate(project.curation)
        has_settings = self._opened_settings if passed_on.settings is None else passed_on.settings
        if has_settings is not None and (settings := has_settings.following(opened, project)) != has_settings:
            passed_on = dataclasses.replace(passed_on, settings=settings)
            self._host.take_on(settings)
        self._passed_on = passed_on

    def _epochs_done(self) -> int:
        """As the run has it: every epoch that ended is in it."""
        value = getattr(self._run.latest(EPOCH.series()), "value", 0.0) if self._run is not None else 0.0
        return int(value)


def _settings_of(project: Project) -> LiveSettings | None:
    try:
        return LiveSettings.of(project)
    except NnvizError:
        return None


def _is_of_other_examples(before: Project, after: Project) -> bool:
    """Whether what was measured of one project was measured on data that the other has not."""
    return before.data != after.data
