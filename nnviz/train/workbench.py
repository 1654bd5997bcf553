"""The Workbench: the machine of states between a document and a host of sessions.

No Qt and no torch: the window, and whatever else keeps a session beside a document, follows it. What a change of the
document means is decided in :mod:`nnviz.train.change`. The Workbench knows no clock: whoever owns one calls
:meth:`Workbench.settled` when the document has come to rest.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from nnviz import __version__
from nnviz.project.checks.validate import problems_that_stop
from nnviz.project.curation import Curate, entries_between
from nnviz.project.files import io
from nnviz.project.model import DataConfig, DataFacts, Project, TrainConfig
from nnviz.record.quantities import EDITED, EPOCH
from nnviz.record.run import Run, RunInfo, RunView
from nnviz.train.change import Restart, change
from nnviz.train.runs_to_see import RunsToSee
from nnviz.train.session_project import SessionProject
from nnviz.train.start import Continued, Start, WarmStart, refusal
from nnviz.train.workbench_sides import Host, Observer

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
        #: What that session trains.
        self._in_session = SessionProject(host)
        #: The run that the session opened last writes to.
        self._run: Run | None = None
        #: Whether the observer knows that this run began, and not yet that it ended.
        self._began = False
        #: What the next session begins with, besides its project.
        self._start: Start | None = None
        #: The recorded run that the present session goes on with.
        self._continued: Continued | None = None
        #: Whether that session is being prepared: it can still be refused.
        self._is_resuming = False
        #: Which runs are seen.
        self._seen = RunsToSee(observer)
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
        return self._seen.shown

    @property
    def compared(self) -> tuple[RunView, ...]:
        """Runs that are to be seen beside the current one; see :meth:`compare`."""
        return self._seen.compared

    @property
    def opened(self) -> Project | None:
        """What the session was opened with."""
        return self._in_session.opened

    @property
    def trained(self) -> bool:
        """Whether the run holds more than the untrained network: something was trained, or weights were set by hand."""
        return self._run is not None and (self._run.last_step > 0 or bool(self._run.names(EDITED)))

    @property
    def refused_run(self) -> Continued | None:
        """The recorded run that could not be gone on with although its project fits; None where that is not so."""
        return self._continued if self._is_resuming and self._state is State.FAILED else None

    @property
    def epochs(self) -> int:
        """How far is trained: to the project's epochs, or to as many more as somebody asked for."""
        return self._in_session.epochs(self._document.project)

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
        return self._in_session.config() if self._state in (State.DIFFERS, State.KEPT_OLD) else None

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
                self._in_session.train_on(self._document.project, done + (more or epochs))
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
        self._seen.compare(runs, self._run)
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
            self._seen.compared = ()
            # Nothing that was measured before is true of what stands there now, whether or not it can be trained.
            self._seen.measured, self._sizes = None, ()
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
            self._seen.measured = None
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
            self._in_session.begin_again()
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
        if self._in_session.opened is not None and _is_of_other_examples(
            self._in_session.opened, self._document.project
        ):
            self._seen.measured = None  # else it is seen until the next session has something to see
            self._show_or_hide()
        self._run = self._continued = None
        self._in_session.clear()
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
        needed = Restart("", "") if self._in_session.opened is None else change(self._in_session.opened, project)
        if self._is_about_trained:
            if isinstance(needed, Restart) and needed.computes:
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
            if self._in_session.opened is None:
                self._run = self._seen.measured = None
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
        if self._continued is not None:
            project = self._continued.gone_on_with(project)
        self._is_resuming = self._continued is not None
        self._run = self._new_run(project, start) if self._continued is None else self._continued.run
        self._seen.compare(self._seen.compared, self._run)
        self._in_session.open(project)
        self._failure = ""
        self._session = True
        self._enter(State.OPENING)
        if start is None:
            self._host.open(project, self._run)
            return
        self._host.open(project, self._run, start)
        if self._continued is not None:
            self._in_session.go_on_with(self._continued)
            self._take_in_run()  # all that it holds can be seen before there is a session
            decided = entries_between(self._document.project.curation, project.curation)
            if decided and not self._document.read_only:
                self._document.apply(Curate(decided))  # what is trained is what stands on the screen

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
        self._seen.measured = self._run
        self._show_or_hide()

    def _show_or_hide(self) -> None:
        self._seen.show(empty=not self._document.project.graph.nodes, written=self._run)

    def _pass_on(self) -> None:
        """What the session takes on live, as long as it is one of the document."""
        if self._session and self._state is not State.LEARNING:
            self._in_session.follow(self._document.project)

    def _epochs_done(self) -> int:
        """As the run has it: every epoch that ended is in it."""
        value = getattr(self._run.latest(EPOCH.series()), "value", 0.0) if self._run is not None else 0.0
        return int(value)


def _is_of_other_examples(before: Project, after: Project) -> bool:
    """Whether what was measured of one project was measured on data that the other has not."""
    return before.data != after.data
