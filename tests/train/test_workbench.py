"""The machine between a document and its sessions: random edits, presses, answers of a made-up host, in any order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace as changed

from nnviz.data import datasets
from nnviz.project import choices
from nnviz.project.checks.validate import problems_that_stop, validate
from nnviz.project.document import Document
from nnviz.project.edits import RemoveNodes, Rename, SetData, SetParam, SetTraining, SetView
from nnviz.project.model import Choice, Curated, DataConfig, Project, TrainConfig, View
from nnviz.project.samples.sketch import chain, features, linear, output, relu
from nnviz.record.readings import Scalar
from nnviz.record.run import Run, RunInfo
from nnviz.train.change import Restart, change, learning_rate_of
from nnviz.train.live_settings import LiveSettings
from nnviz.train.start import Start
from nnviz.train.workbench import Asked, State, Workbench

SPIRAL = Project(
    graph=chain(features(2), linear(4), relu(), linear(1), output("bce_logits")),
    data=DataConfig("moons", preparation=(Choice("standardise"),)),
    training=TrainConfig(Choice("sgd", {"learning_rate": 0.1}), batch_size=16, epochs=3),
)
OTHER = changed(SPIRAL, graph=chain(features(2), linear(3), linear(1), output("bce_logits")), name="other")


@dataclass
class Session:
    """What a thread would do with one, one piece at a time."""

    number: int
    project: Project
    run: Run
    state: str = "idle"
    step: int = 0
    queue: deque[Callable[[Session], None]] = field(default_factory=deque)
    fails: bool = False

    def __post_init__(self) -> None:
        self.rate = learning_rate_of(self.project)
        self.epochs = self.project.training.epochs
        self.settings = LiveSettings.of(self.project)

    @property
    def alive(self) -> bool:
        return self.state not in ("closed", "failed")

    @property
    def steps(self) -> int:
        return 2 * self.epochs


class FakeHost:
    """A bridge without threads: a rule says when its session works and when its word arrives."""

    def __init__(self) -> None:
        self.state = "idle"
        self.session: Session | None = None
        self.news: deque[tuple[int, str]] = deque()
        self.number = 0
        self.problems: Callable[[Project], bool] = lambda project: False
        self.bench: Workbench | None = None
        #: Whether the user has given up what was trained.
        self.given_up = False
        self.fail_next = False
        #: Commands of the moment between two sessions get lost, as with threads.
        self.loses = False

    def _let_go(self) -> None:
        if self.session is not None:
            alive = self.session.alive
            assert not (alive and self.session.step > 0 and not self.given_up), "a training was taken away unasked"
            self.session.state = "closed"
        self.session = None
        self.given_up = False

    def open(self, project: Project, run: Run, start: Start | None = None) -> None:
        assert not self.problems(project), "a network with problems was opened"
        self._let_go()
        self.number += 1
        self.session = Session(self.number, project, run, fails=self.fail_next)
        self.fail_next = False
        self.state = "idle"

    def close_session(self) -> None:
        self._let_go()
        self.number += 1
        if self.state != "idle":
            self.state = "idle"
            assert self.bench is not None
            self.bench.session_state("idle")

    def _ask(self, command: Callable[[Session], None]) -> None:
        if self.session is not None and not (self.loses and self.session.state in ("idle", "preparing")):
            self.session.queue.append(command)

    def play(self) -> None:
        assert self.session is not None and not self.problems(self.session.project)

        def run(session: Session) -> None:
            if session.step < session.steps:
                self._enter(session, "running")

        self._ask(run)

    def pause(self) -> None:
        self._ask(lambda session: self._enter(session, "paused") if session.state == "running" else None)

    def step(self, count: int = 1) -> None:
        def step(session: Session) -> None:
            self._enter(session, "paused")
            self._batch(session)

        self._ask(step)

    def step_back(self) -> None:
        self._ask(lambda session: self._back(session, max(session.step - 1, 0)))

    def go_back(self, step: int) -> None:
        self._ask(lambda session: self._back(session, step))

    def set_learning_rate(self, value: float) -> None:
        self._ask(lambda session: setattr(session, "rate", value))

    def set_epochs(self, count: int) -> None:
        self._ask(lambda session: setattr(session, "epochs", count))

    def epoch(self) -> None:
        self.play()

    def take_on(self, settings: LiveSettings) -> None:
        self._ask(lambda session: setattr(session, "settings", settings))

    def train_on(self, epochs: int) -> None:
        self._ask(lambda session: setattr(session, "epochs", epochs))

    def curate(self, entries: tuple[Curated, ...]) -> None:
        self._ask(lambda session: setattr(session, "curation", entries))

    def evaluate_test(self) -> None:
        self._ask(lambda session: None)

    def _back(self, session: Session, step: int) -> None:
        session.step = min(step, session.step)
        session.run.rewind(session.step)
        self._enter(session, "paused")

    def _batch(self, session: Session) -> None:
        if session.step < session.steps:
            session.step += 1
            session.run.append([Scalar("loss/train", session.step, 1.0)])
            if session.step % 2 == 0:
                session.run.append([Scalar("epoch", session.step, float(session.step // 2))])

    def _enter(self, session: Session, state: str) -> None:
        if session.state != state:
            session.state = state
            self.news.append((session.number, state))

    def work(self, *, batches: bool = True) -> bool:
        """One piece of what the thread does; False when there is nothing to do."""
        session = self.session
        if session is None or not session.alive:
            return False
        if session.state == "idle":
            self._enter(session, "preparing")
        elif session.state == "preparing":
            session.run.append([Scalar("loss/validation", 0, 1.0)])
            self._enter(session, "failed" if session.fails else "ready")
        elif session.queue:
            session.queue.popleft()(session)
        elif session.state == "running" and batches:
            self._batch(session)
            if session.step >= session.steps:
                self._enter(session, "done")
        else:
            return False
        return True

    def deliver(self) -> bool:
        """One word of a session reaches the Workbench; False when there is none."""
        if not self.news:
            return False
        number, state = self.news.popleft()
        if number == self.number and self.bench is not None:
            self.state = state
            self.bench.session_state(state)
            if state == "failed":
                self.bench.session_failed("It failed.", "")
        return True


class FakeObserver:
    """Notes what it is told; answers about data when a rule says so."""

    def __init__(self) -> None:
        self.asked: deque[DataConfig] = deque()
        self.settles: bool = False
        self.began_runs: list[Run] = []
        self.ended_runs: list[Run] = []
        self.shown: Run | None = None
        self.failures: list[str] = []
        self.sizes: tuple[int, ...] = ()

    def settle_soon(self, at_once: bool) -> None:
        self.settles = True

    def learn(self, config: DataConfig) -> None:
        self.asked.append(config)

    def show(self, run: Run | None) -> None:
        self.shown = run

    def show_newest(self) -> None: ...

    def changed(self) -> None: ...

    def began(self, run: Run) -> None:
        assert run not in self.began_runs
        self.began_runs.append(run)

    def ended(self, run: Run) -> None:
        assert run in self.began_runs and run not in self.ended_runs
        self.ended_runs.append(run)

    def data_known(self, sizes: tuple[int, ...]) -> None:
        self.sizes = sizes

    def failed(self, sentence: str, details: str) -> None:
        self.failures.append(sentence)

    def recovered(self) -> None: ...


class Life(RuleBasedStateMachine):
    """A person at the window, a training thread, a look at the data and a clock, in any order."""

    loses = False

    @initialize()
    def begin(self) -> None:
        self.document = Document(SPIRAL)
        self.host, self.observer = FakeHost(), FakeObserver()
        self.host.problems, self.host.loses = self.has_problems, self.loses
        self.bench = self.host.bench = Workbench(self.document, self.host, self.observer)
        self.document.changed.connect(self.bench.document_changed)
        self.document.diagnostics_changed.connect(lambda _found: self.bench.diagnostics_changed())
        #: What the user wants of a session, as long as nothing came between: "run", "rest" or nothing known.
        self.wish = ""
        self.bench.start()

    def has_problems(self, project: Project) -> bool:
        facts = datasets.facts(project.data)
        return bool(problems_that_stop(validate(project, facts, memory_limit=self.document._memory_limit)))

    # -- the person

    def edit(self, edit: object) -> None:
        self.document.apply(edit)

    @rule(count=st.integers(1, 4), node=st.sampled_from(["linear1", "linear2"]))
    def set_features(self, count: int, node: str) -> None:
        if node in self.document.project.graph.nodes:
            self.wish = ""
            self.edit(SetParam(node, "out_features", count))

    @rule(what=st.sampled_from(["relu1", "relu1", "relu1", "linear1", "output", "everything"]), rejoin=st.booleans())
    def remove(self, what: str, rejoin: bool) -> None:
        nodes = self.document.project.graph.nodes
        gone = tuple(nodes) if what == "everything" else (what,)
        if gone and all(node in nodes for node in gone):
            self.wish = ""
            self.edit(RemoveNodes(gone, rejoin=rejoin))

    @rule(value=st.sampled_from([0.1, 0.2, 0.3]))
    def set_learning_rate(self, value: float) -> None:
        training = self.document.project.training
        optimizer = choices.with_param(training.optimizer, "learning_rate", value)
        self.edit(SetTraining(changed(training, optimizer=optimizer)))

    @rule(epochs=st.integers(1, 4))
    def set_epochs(self, epochs: int) -> None:
        self.wish = ""  # fewer than are done ends it
        self.edit(SetTraining(changed(self.document.project.training, epochs=epochs)))

    @rule(decay=st.sampled_from([0.0, 0.1]))
    def set_decay(self, decay: float) -> None:
        training = self.document.project.training
        self.edit(
            SetTraining(changed(training, optimizer=choices.with_param(training.optimizer, "weight_decay", decay)))
        )

    @rule(kind=st.sampled_from(["sgd", "adam"]), batch=st.sampled_from([8, 16]))
    def set_training(self, kind: str, batch: int) -> None:
        self.wish = ""
        self.edit(SetTraining(changed(self.document.project.training, optimizer=Choice(kind), batch_size=batch)))

    @rule(sample=st.integers(0, 3))
    def pin(self, sample: int) -> None:
        self.edit(SetView(View(sample)))

    @rule(noise=st.sampled_from([0.1, 0.2]))
    def set_noise(self, noise: float) -> None:
        if self.document.project.data.dataset == "moons":
            self.wish = ""
            self.edit(SetData(changed(self.document.project.data, params={"noise": noise})))

    @rule(name=st.sampled_from(["digits", "moons"]))
    def set_data(self, name: str) -> None:
        self.wish = ""
        self.edit(SetData(datasets.chosen(self.document.project.data, name)))

    @rule()
    def rename(self) -> None:
        if "linear1" in self.document.project.graph.nodes:
            self.edit(Rename("linear1", "some name"))

    @rule()
    def undo(self) -> None:
        self.wish = ""
        self.document.undo()

    @rule()
    def redo(self) -> None:
        self.wish = ""
        self.document.redo()

    def open_project(self, project: Project, play: bool) -> None:
        self.host.given_up = True
        self.document.replace(project)
        if play:
            self.bench.play_when_ready()

    @rule(earlier=st.integers(0, 3), newest=st.booleans())
    def compare(self, earlier: int, newest: bool) -> None:
        """With runs that began earlier, perhaps with the present one as well, which is not taken."""
        present = [run for run in (self.bench.run, self.bench.shown) if newest and run is not None]
        self.bench.compare([*self.observer.began_runs[:earlier], *present])

    @rule()
    def play(self) -> None:
        before = self.bench.blocked()
        self.bench.play()
        self.wish = "" if before or self.bench.blocked() else "run"

    @rule()
    def pause(self) -> None:
        self.bench.pause()
        self.wish = "rest"

    @precondition(lambda self: self.wish in {"run", "rest"} and not self.host.news)
    @rule()
    def toggle(self) -> None:
        """The opposite of what was asked last, as long as it was not answered otherwise since."""
        if self.host.state in ("done", "failed") or self.bench.state is State.EMPTY:
            return
        was = self.wish
        running = self.bench.asked is Asked.RUN or (self.host.state == "running" and self.bench.asked is Asked.NOTHING)
        if running is (was == "run"):
            self.bench.toggle()
            self.wish = "rest" if was == "run" else "" if self.bench.blocked() else "run"

    @rule()
    def step(self) -> None:
        self.bench.step()
        self.wish = ""

    @rule(step=st.integers(0, 3))
    def go_back(self, step: int) -> None:
        self.bench.go_back(step)
        self.wish = ""

    def reset(self, play: bool) -> None:
        self.host.given_up = True
        self.bench.reset(play)

    @rule()
    def keep_old(self) -> None:
        self.bench.keep_old()

    # -- what happens by itself

    @rule(
        what=st.sampled_from(
            [
                "data unknown",
                "session fails",
                "closed",
                "memory 10",
                "memory",
                "memory",
                "reset",
                "reset and play",
                "spiral",
                "other",
                "other and play",
            ]
        )
    )
    def something_rare(self, what: str) -> None:
        self.wish = ""
        if what == "data unknown" and self.observer.asked:
            self.answer(fails=True)
        elif what == "session fails":
            self.host.fail_next = True
        elif what == "closed":
            self.host.given_up = True
            self.host.close_session()
        elif what.startswith("memory"):
            self.document.set_memory_limit(10 if "10" in what else None)
        elif what.startswith("reset"):
            self.reset("play" in what)
        elif what in ("spiral", "other", "other and play"):
            self.open_project(SPIRAL if what == "spiral" else OTHER, "play" in what)

    @rule()
    def clock(self) -> None:
        self.observer.settles = False
        self.bench.settled()

    @rule()
    def data_are_known(self) -> None:
        if self.observer.asked:
            self.answer()

    @rule(pieces=st.integers(1, 60))
    def time_passes(self, pieces: int) -> None:
        """Everything goes on as it does while nobody presses anything."""
        for _ in range(pieces):
            if self.observer.settles:
                self.clock()
            elif self.observer.asked:
                self.answer()
            elif not self.host.deliver():
                self.host.work()

    def answer(self, *, fails: bool = False) -> None:
        config = self.observer.asked.popleft()
        if fails:
            self.wish = ""
            self.bench.facts_failed(config, "There is no folder.", "")
        else:
            self.bench.facts_learnt(config, datasets.facts(config), datasets.split_sizes(config))

    @rule(count=st.integers(1, 6))
    def the_thread_works(self, count: int) -> None:
        for _ in range(count):
            self.host.work()

    @rule(count=st.integers(1, 4))
    def words_arrive(self, count: int) -> None:
        for _ in range(count):
            self.host.deliver()

    @rule()
    def come_to_rest(self) -> None:
        """Everything that was asked is answered, and no batch is trained meanwhile: then this must hold."""
        for _ in range(200):
            if self.observer.settles:
                self.clock()
            elif self.observer.asked:
                self.answer()
            elif not (self.host.deliver() or self.host.work(batches=False)):
                break
        else:
            pytest.fail("It does not come to rest.")
        self.host.given_up = False
        bench, session, project = self.bench, self.host.session, self.document.project
        assert bench.at_rest
        alive = session is not None and session.alive
        if bench.state in (State.BUILDING, State.TRAINED):
            assert alive and session is not None
            needed = change(session.project, project)
            assert not isinstance(needed, Restart)
            assert bench.trained == (bench.state is State.TRAINED) or session.step == 0
        if alive and session is not None and not isinstance(change(session.project, project), Restart):
            assert bench.state in (State.BUILDING, State.TRAINED, State.BROKEN)
        if alive and session is not None:
            if session.project.training.optimizer.kind == project.training.optimizer.kind:
                assert session.rate == learning_rate_of(project)
            if session.project.training.optimizer.kind == project.training.optimizer.kind:
                assert session.settings.optimizer == LiveSettings.of(project).optimizer
            assert session.settings.batch_size == project.training.batch_size
            assert session.epochs == bench.epochs
            if session.state == "running":
                assert bench.state in (State.TRAINED, State.KEPT_OLD)
        if bench.state in (State.DIFFERS, State.KEPT_OLD):
            assert alive and session is not None
            needed = change(session.project, project)
            assert isinstance(needed, Restart) and bench.reason == needed.reason
        if bench.state is State.BROKEN:
            assert problems_that_stop(self.document.diagnostics)
        if bench.state is State.FAILED:
            assert bench.failure and not alive
        if bench.state is State.EMPTY:
            assert not alive
        if self.wish == "run" and alive and session is not None and not bench.blocked():
            assert session.state in ("running", "done")
        if self.wish == "rest" and session is not None:
            assert session.state != "running"
        # What is to be seen is what was measured of the document's own session, and nothing on an empty canvas.
        assert self.observer.shown is bench.shown
        if not project.graph.nodes:
            assert bench.shown is None
        elif alive and session is not None:
            assert bench.shown is session.run

    # -- at any time

    @invariant()
    def reasons_and_runs_are_whole(self) -> None:
        if not hasattr(self, "bench"):
            return
        assert bool(self.bench.reason) == (self.bench.state in (State.DIFFERS, State.KEPT_OLD))
        assert not {id(run) for run in self.bench.compared} & {id(self.bench.run), id(self.bench.shown)}
        going_on = [run for run in self.observer.began_runs if run not in self.observer.ended_runs]
        assert going_on in ([], [self.bench.run])
        if self.bench.state is State.DIFFERS:
            assert self.bench.blocked()


def test_data_that_are_wanted_again_after_their_answer_was_dropped_are_asked_about_again() -> None:
    life = Life()
    life.begin()
    life.set_noise(0.1)
    life.data_are_known()  # of the noise before
    life.undo()
    life.come_to_rest()
    assert life.bench.state is State.BUILDING


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=80, stateful_step_count=50)


class Threads(Life):
    """The same where what is asked of a session before it is ready may get lost."""

    loses = True


TestThreads = Threads.TestCase
TestThreads.settings = settings(max_examples=30, stateful_step_count=50)


# ---- what is compared ----------------------------------------------------------------------------------------------


def trained_life() -> Life:
    """A person whose session has trained two batches."""
    life = Life()
    life.begin()
    life.come_to_rest()
    for _ in range(2):
        life.bench.step()
        life.come_to_rest()
    assert life.bench.state is State.TRAINED
    return life


def test_the_current_run_is_never_compared_with_itself() -> None:
    bench = trained_life().bench
    current, other, third = bench.run, Run(), Run()
    assert current is not None
    view_of_its_file = Run(current.info)
    bench.compare([other, current, view_of_its_file, third, other])
    assert bench.compared == (other, third)
    bench.compare([])
    assert bench.compared == ()


def test_runs_of_which_nothing_is_known_are_different_runs() -> None:
    bench = trained_life().bench
    damaged = [Run(RunInfo(created=0.0)), Run(RunInfo(created=0.0))]
    bench.compare(damaged)
    assert bench.compared == tuple(damaged)


def test_a_new_training_is_compared_with_what_the_one_before_was() -> None:
    life = trained_life()
    first, other = life.bench.run, Run()
    life.bench.compare([other])
    life.host.given_up = True
    life.bench.reset()
    life.come_to_rest()
    assert life.bench.run is not first
    assert life.bench.compared == (other,)
    assert first is not None
    life.bench.compare([first, other])
    assert life.bench.compared == (first, other)


def test_the_comparison_ends_when_another_project_takes_the_place_of_this_one() -> None:
    life = trained_life()
    life.bench.compare([Run()])
    life.set_features(3, "linear1")
    assert len(life.bench.compared) == 1
    life.open_project(OTHER, play=False)
    assert life.bench.compared == ()


def test_who_shows_the_workbench_is_told_of_another_comparison() -> None:
    life = trained_life()
    seen: list[int] = []
    life.bench._observer.changed = lambda: seen.append(len(life.bench.compared))  # type: ignore[method-assign]
    life.bench.compare([Run(), Run()])
    assert seen == [2]


# ---- what is shown -------------------------------------------------------------------------------------------------


def test_nothing_of_a_project_is_seen_after_another_took_its_place_whether_it_can_be_trained_or_not() -> None:
    for fails in (False, True):
        life = trained_life()
        assert life.observer.shown is life.bench.run and life.bench.sizes
        life.open_project(OTHER, play=False)
        assert life.observer.shown is None and life.bench.sizes == ()  # at once, before anything is known
        life.clock()
        assert not life.bench.trained
        life.answer(fails=fails)
        assert life.observer.shown is None
        life.come_to_rest()
        assert (life.observer.shown is None) == fails
        assert life.bench.state is (State.FAILED if fails else State.BUILDING)


def test_a_training_that_is_begun_again_is_seen_until_the_next_one_has_something_to_see() -> None:
    life = trained_life()
    before = life.bench.run
    life.host.given_up = True
    life.bench.reset()
    assert life.observer.shown is before and not life.bench.trained
    life.answer()
    assert life.observer.shown is before
    life.come_to_rest()
    assert life.observer.shown is life.bench.run is not before


def test_a_training_on_other_data_takes_what_was_measured_of_the_former_away() -> None:
    life = trained_life()
    before = life.bench.run
    # A default that is written down, and taken away again, is no other data.
    for params in (datasets.values(life.document.project.data), {}):
        life.edit(SetData(changed(life.document.project.data, params=params)))
        life.come_to_rest()
        assert life.bench.state is State.TRAINED and life.bench.run is before
    life.set_noise(0.2)
    life.come_to_rest()
    assert life.bench.state is State.DIFFERS and life.observer.shown is before  # one can still go on with it
    life.host.given_up = True
    life.bench.reset()
    assert life.observer.shown is None
    life.answer(fails=True)
    life.come_to_rest()
    assert life.bench.state is State.FAILED and life.observer.shown is None
