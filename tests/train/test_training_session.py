"""A session from outside: states, requests between two batches, stepping both ways, failures, the end."""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

import msgspec
import pytest
import torch
from training_helpers import (
    CNN,
    CPU,
    MLP,
    advance,
    images,
    made_training,
    project_of,
    same,
    served,
    session_of,
    tables,
    weights,
)
from waiting import wait_for

from nnviz import interruption
from nnviz.errors import Cancelled, DataError, ParamError, ProjectError, StorageError, TrainingError
from nnviz.probes.base import Measurement, Probe, Stage
from nnviz.project.model import DataConfig
from nnviz.record.interest import Interest
from nnviz.record.readings import ArrayReading, Reading, Scalar
from nnviz.record.run import Run
from nnviz.train import kept_states, saving
from nnviz.train.checkpoint import from_blobs
from nnviz.train.rewind import MOST, Rewind
from nnviz.train.runner import Runner
from nnviz.train.session import EpochResult, SessionState, TrainingSession
from nnviz.train.session_work import SessionWork


class Shelf:
    """Keeps checkpoints as a run file would."""

    def __init__(self, fails: bool = False) -> None:
        self.kept: list[tuple[int, int, str]] = []
        self.blobs: Mapping[str, bytes] = {}
        self._fails = fails

    def save_checkpoint(self, step: int, epoch: int, blobs: Mapping[str, bytes], tag: str) -> None:
        if self._fails:
            raise StorageError("The disk is full.")
        self.kept.append((step, epoch, tag))
        self.blobs = blobs


def state_of(session: TrainingSession) -> dict[str, torch.Tensor]:
    return session.ask(lambda: weights(session.training.network)).result(20)


def resting(session: TrainingSession) -> int:
    """The step at which it rests, once all that was asked is done."""
    session.ask(lambda: None).result(20)
    wait_for(lambda: not session.ask(lambda: session.has_errand).result(20))
    return session.position.step


# -- headless ---------------------------------------------------------------------------------------------------------


def test_train_runs_all_epochs_and_tells_of_each() -> None:
    epochs: list[EpochResult] = []
    states: list[SessionState] = []
    run = Run()
    session = session_of(CNN, run=run, epochs=3, on_epoch=epochs.append, probes=None)
    session.state_changed.connect(states.append)
    outcome = session.train()
    assert states == [SessionState.PREPARING, SessionState.READY, SessionState.RUNNING, SessionState.DONE]
    assert [(result.epoch, result.step) for result in epochs] == [(1, 6), (2, 12), (3, 18)]
    assert (outcome.epochs, outcome.steps) == (3, 18)
    assert outcome.test_accuracy is not None
    assert run.finished
    assert run.state == "done"
    steps, losses = run.scalars("loss/train")
    assert steps.tolist() == list(range(1, 19))
    assert epochs[0].train_loss == pytest.approx(losses[:6].mean(), rel=1e-5)
    steps, losses = run.scalars("loss/validation")
    assert steps.tolist() == [6, 12, 18]
    assert losses.tolist() == [result.validation_loss for result in epochs]
    assert run.scalars("epoch")[1].tolist() == [1, 2, 3]
    assert run.scalars("loss/test")[0].tolist() == [18]
    assert run.scalars("learning_rate")[0].tolist() == [0]


def test_without_probes_no_step_is_recorded_but_the_epochs_are() -> None:
    run = Run()
    epochs: list[EpochResult] = []
    session_of(MLP, run=run, epochs=2, on_epoch=epochs.append).train()
    assert len(run.scalars("loss/train")[0]) == 0
    assert len(run.scalars("loss/validation")[0]) == 2
    assert math.isfinite(epochs[1].train_loss)


def test_the_same_seed_gives_the_same_run_and_serve_gives_what_train_gives() -> None:
    first = session_of(CNN, epochs=2)
    first.train()
    expected = weights(first.training.network)
    with served(session_of(CNN, epochs=2, probes=None)) as session:
        session.play()
        wait_for(lambda: session.state is SessionState.DONE)
        assert same(state_of(session), expected)


def test_without_validation_or_test_examples_it_trains_all_the_same() -> None:
    epochs: list[EpochResult] = []
    outcome = session_of(MLP, tables(validation=0, test=0), epochs=2, probes=None, on_epoch=epochs.append).train()
    assert outcome.test_loss is None
    assert outcome.best_epoch == 0
    assert [result.validation_loss for result in epochs] == [None, None]


def test_keep_best_ends_with_the_weights_of_the_best_epoch() -> None:
    """A learning rate far too high: the first epochs are better than the last."""
    shelf, run = Shelf(), Run()
    session = session_of(MLP, run=run, epochs=8, keep_best=True, learning_rate=0.9, store=shelf)
    outcome = session.train()
    _, losses = run.scalars("loss/validation")
    assert outcome.best_epoch == int(losses.argmin()) + 1
    assert outcome.best_epoch < 8, "choose another learning rate for this test"
    training = session.training
    evaluation = training.evaluation("validation")
    while evaluation.advance():
        pass
    assert evaluation.result().loss == losses.min()
    assert [finding.series for finding in run.findings()].count("finding/best_weights") == 1
    # The file keeps the last weights, from which training can go on.
    last = from_blobs(shelf.blobs)
    assert last.progress.step == 48
    assert not same(dict(last.weights), weights(training.network))


def test_after_keeping_the_best_training_goes_on_from_the_last() -> None:
    expected = made_training(MLP, learning_rate=0.9)
    advance(expected, 54)
    with served(session_of(MLP, epochs=8, keep_best=True, learning_rate=0.9)) as session:
        session.play()
        wait_for(lambda: session.state is SessionState.DONE)
        with pytest.raises(TrainingError, match="All 8 epochs are done"):
            session.play().result(20)
        session.set_epochs(9)
        session.step(6)
        assert resting(session) == 54
        assert same(state_of(session), weights(expected.network))


def test_ctrl_c_ends_between_two_batches_and_keeps_what_there_is() -> None:
    shelf, run = Shelf(), Run()

    def interrupt(result: EpochResult) -> None:
        if result.epoch == 2:
            signal.raise_signal(signal.SIGINT)

    session = session_of(MLP, run=run, epochs=50, on_epoch=interrupt, store=shelf, probes=None)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(Cancelled, match="Stopped at step 12"):
        session.train()
    assert signal.getsignal(signal.SIGINT) is before
    assert shelf.kept[-1][0] == 12
    assert run.finished
    assert len(run.scalars("loss/train")[0]) == 12


def test_an_echo_of_a_signal_is_no_second_wish() -> None:
    """As ``timeout`` and a terminal that is closed send it: to the process, to its group, and another one after it."""
    shelf = Shelf()

    def interrupt(result: EpochResult) -> None:
        if result.epoch == 2:
            for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
                signal.raise_signal(number)

    session = session_of(MLP, epochs=50, on_epoch=interrupt, store=shelf)
    with pytest.raises(Cancelled, match="Stopped at step 12"):
        session.train()
    assert shelf.kept[-1][0] == 12


def test_a_second_ctrl_c_breaks_off_at_once_and_keeps_no_torn_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruption, "ECHO", 0.0)
    shelf = Shelf()

    def interrupt_twice(result: EpochResult) -> None:
        if result.epoch == 2:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    session = session_of(MLP, epochs=50, on_epoch=interrupt_twice, store=shelf)
    with pytest.raises(Cancelled, match="Broken off"):
        session.train()
    assert "stop" not in [tag for _, _, tag in shelf.kept]
    assert session.run.finished


def test_a_second_run_resumes_where_the_first_was_interrupted() -> None:
    whole = session_of(CNN, epochs=5)
    expected = whole.train()
    shelf = Shelf()
    session_of(CNN, epochs=2, store=shelf).train()
    resumed = session_of(CNN, epochs=5, resume=from_blobs(shelf.blobs))
    outcome = resumed.train()
    assert same(weights(resumed.training.network), weights(whole.training.network))
    assert (outcome.test_loss, outcome.best_epoch) == (expected.test_loss, expected.best_epoch)


def test_a_finished_run_that_is_resumed_only_measures() -> None:
    shelf = Shelf()
    first = session_of(MLP, epochs=2, store=shelf).train()
    again = session_of(MLP, epochs=2, resume=from_blobs(shelf.blobs)).train()
    assert (again.steps, again.test_loss) == (first.steps, first.test_loss)


# -- served -----------------------------------------------------------------------------------------------------------


def test_prepared_means_measured_and_ready() -> None:
    run = Run()
    with served(session_of(CNN, run=run, probes=None)) as session:
        assert session.state is SessionState.READY
        assert session.position.step == 0
        for node_id in CNN.nodes:
            assert isinstance(run.latest(f"output/{node_id}"), ArrayReading)
        wait_for(lambda: isinstance(run.latest("dead_fraction/relu1"), Scalar))
        position = session.position
        assert (position.train_count, position.validation_count, position.test_count) == (60, 25, 20)
        assert (position.steps_per_epoch, position.epochs, position.batch_size) == (6, 3, 10)
        assert position.device == "cpu"


def test_pause_and_play_change_nothing_about_the_numbers() -> None:
    expected = session_of(CNN, epochs=6)
    expected.train()
    with served(session_of(CNN, epochs=6, probes=None)) as session:
        for _ in range(12):
            if session.state is SessionState.DONE:
                break
            session.play().exception(20)
            session.pause().result(20)
        if session.state is not SessionState.DONE:
            session.play()
        wait_for(lambda: session.state is SessionState.DONE)
        assert same(state_of(session), weights(expected.training.network))


def test_a_step_measures_everything_around_it() -> None:
    run = Run()
    with served(session_of(CNN, run=run, probes=None, budget=0.0)) as session:
        session.step()
        assert resting(session) == 1
        assert session.state is SessionState.PAUSED
        for series in (
            "loss/train",
            "gradient_norm/conv1",
            "update_ratio/conv1",
            "output/relu1",
            "dead_fraction/relu1",
        ):
            sample = run.latest(series)
            assert sample is not None, series
            assert sample.step == 1, series


class PatientProbe(Probe):
    """Writes down how long it may take at each call."""

    name = "patient"
    title = "Patient"
    stage = Stage.REST

    def __init__(self) -> None:
        self.asked: list[tuple[int, float]] = []

    def measure(self, measurement: Measurement) -> list[Reading]:
        self.asked.append((measurement.step, measurement.patience))
        return []


def test_a_step_waits_for_nothing_that_can_be_measured_at_rest() -> None:
    probe = PatientProbe()
    with served(session_of(CNN, probes=(probe,))) as session:
        probe.asked.clear()
        session.step(2)
        assert resting(session) == 2
    steps = [step for step, _ in probe.asked]
    assert steps.count(2) >= 1
    assert all(patience < 0.1 for step, patience in probe.asked if step == 2), "others must have their turn in between"


def test_many_steps_pause_at_the_last_and_end_an_epoch_on_the_way() -> None:
    run = Run()
    with served(session_of(MLP, run=run, epochs=4)) as session:
        session.step(12)
        assert resting(session) == 12
        assert run.scalars("loss/validation")[0].tolist() == [6, 12]
        with pytest.raises(ParamError, match="at least 1"):
            session.step(0).result(20)
        session.step(100)
        assert resting(session) == 24
        with pytest.raises(TrainingError, match="All 4 epochs are done"):
            session.step().result(20)


@pytest.mark.parametrize("probes", [(), None])
def test_stepping_back_and_forth_is_bit_for_bit(probes: tuple[()] | None) -> None:
    run = Run()
    with served(session_of(CNN, run=run, epochs=9, probes=probes)) as session:
        states = [state_of(session)]
        for count in range(1, 15):
            session.step()
            assert resting(session) == count
            states.append(state_of(session))
        for step in (13, 12, 11, 10, 9):
            session.step_back()
            assert resting(session) == step
            assert same(state_of(session), states[step])
            assert run.last_step <= step
            assert probes == () or run.last_step == step
        session.step_back()
        session.step_back()
        session.step_back()
        assert resting(session) == 6
        assert same(state_of(session), states[6])
        session.step(8)
        assert resting(session) == 14
        assert same(state_of(session), states[14])
        assert run.scalars("loss/validation")[0].tolist() == [6, 12]


def test_stepping_back_after_running_replays_from_the_last_kept_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_states, "_KEEP_EVERY", 1e9)  # Only the start and the ends of epochs are kept.
    expected = made_training(CNN)
    states = []
    for _ in range(40):
        states.append(weights(expected.network))
        advance(expected, 1)
    with served(session_of(CNN, epochs=1000)) as session:
        session.play()
        wait_for(lambda: session.position.step > 8)
        session.pause().result(20)
        paused = session.position.step
        session.step_back()
        assert resting(session) == paused - 1
        if paused - 1 < 40:
            assert same(state_of(session), states[paused - 1])


def test_a_question_on_the_way_back_is_answered_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the weights in between nobody asks: they are of a step that is shown nowhere."""
    monkeypatch.setattr(kept_states, "_KEEP_EVERY", 1e9)  # far to go: only the start and the ends of epochs are kept
    expected = made_training(CNN)
    advance(expected, 4)
    with served(session_of(CNN, epochs=1000)) as session:
        session.step(5)
        assert resting(session) == 5

        def found() -> tuple[int, dict[str, torch.Tensor]]:
            return session.training.step, weights(session.training.network)

        asked: list[Future[tuple[int, dict[str, torch.Tensor]]]] = []
        captured = []
        go_back_a_batch = Runner._go_back_a_batch

        def asked_meanwhile(runner: Runner) -> None:
            asked.append(session.ask(found))
            captured.append(session.capture())
            taken_back[0].cancel()
            go_back_a_batch(runner)

        monkeypatch.setattr(Runner, "_go_back_a_batch", asked_meanwhile)
        # The question comes in one turn with the wish to go back, too.
        blocked = threading.Event()
        waits = session.ask(lambda: blocked.wait(20))
        session.go_back(4)
        asked.append(session.ask(found))
        taken_back = [session.ask(lambda: pytest.fail("nobody wants to know any more"))]
        blocked.set()
        assert waits.result(20)
        assert resting(session) == 4
        assert len(asked) > 4 and taken_back[0].cancelled()
        for one in asked:
            step, kept = one.result(20)
            assert step == 4 and same(kept, weights(expected.network))
        assert {one.result(20).progress.step for one in captured} == {4}


def test_there_is_nothing_before_the_first_step() -> None:
    refused: list[str] = []
    session = session_of()
    session.refused.connect(refused.append)
    with served(session):
        with pytest.raises(TrainingError, match="nothing before it"):
            session.step_back().result(20)
        assert session.state is SessionState.READY
        assert refused == ["This is the first step: there is nothing before it."]


def test_a_network_too_large_to_go_back_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rewind.__init__, "__defaults__", (1000, MOST))
    with served(session_of()) as session:
        session.step().result(20)
        with pytest.raises(TrainingError, match="too large to go back"):
            session.step_back().result(20)
        session.step()
        assert resting(session) == 2


def test_the_learning_rate_can_be_changed_while_it_runs() -> None:
    run = Run()
    with served(session_of(run=run, epochs=100_000)) as session:
        session.play()
        wait_for(lambda: session.position.step > 0)
        session.set_learning_rate(0.123).result(20)
        rate = session.ask(lambda: session.training.optimizer.param_groups[0]["lr"])  # type: ignore[union-attr]  # there is one
        assert rate.result(20) == 0.123
        session.pause().result(20)
        assert session.position.learning_rate == 0.123
        assert run.scalars("learning_rate")[1].tolist() == [0.01, 0.123]
        with pytest.raises(ParamError, match="learning rate"):
            session.set_learning_rate(-1).result(20)


def test_epochs_can_be_changed_while_it_runs() -> None:
    with served(session_of(epochs=100_000)) as session:
        session.play()
        wait_for(lambda: session.position.epoch >= 2)
        session.set_epochs(1)
        wait_for(lambda: session.state is SessionState.DONE)
        assert session.position.step % 6 == 0


def test_another_sample_is_shown_at_once_also_while_paused() -> None:
    run, data = Run(), images()
    with served(session_of(CNN, data, run=run, probes=None)) as session:
        session.look(Interest(examples=frozenset({7}))).result(20)
        shown = run.latest("input/pinned")
        assert isinstance(shown, ArrayReading)
        assert shown.meta["sample"] == 7
        assert shown.meta["label"] == data.describe(7)
        assert torch.equal(torch.from_numpy(shown.array), data.scaler.apply(data.validation.inputs[7:8])[0])
        session.look(Interest(examples=frozenset({25}))).result(20)
        nearest = run.latest("input/pinned")
        assert isinstance(nearest, ArrayReading) and nearest.meta["sample"] == 24, "the nearest, as at the start"


def test_only_watched_nodes_are_measured_while_it_runs() -> None:
    run = Run()
    with served(session_of(CNN, run=run, probes=None, epochs=100_000, budget=5.0)) as session:
        session.look(Interest(nodes=frozenset({"relu1"}))).result(20)
        session.play()
        wait_for(lambda: (run.latest("output/relu1") or Scalar("", 0, 0)).step > 5)
        session.ask(lambda: None).result(20)
        behind = run.latest("output/conv1")
        assert behind is not None
        assert behind.step == 0
        session.pause().result(20)


def test_the_test_set_is_used_only_when_asked_and_counted() -> None:
    run = Run()
    with served(session_of(run=run)) as session:
        assert run.names("loss/test") == []
        first = session.evaluate_test().result(20)
        second = session.evaluate_test().result(20)
        assert first == second
        assert session.position.test_uses == 2
        (finding,) = [finding for finding in run.findings() if finding.series == "finding/test_used"]
        assert "2 times" in finding.text
        assert session.state is SessionState.READY


def test_the_test_set_can_be_asked_for_while_it_runs() -> None:
    with served(session_of(epochs=100_000)) as session:
        session.play()
        assert session.evaluate_test().result(20).count == 20
        assert session.state is SessionState.RUNNING


def test_no_test_examples_are_said_in_words() -> None:
    with served(session_of(data=tables(test=0))) as session, pytest.raises(DataError, match="no test examples"):
        session.evaluate_test().result(20)


def test_pausing_is_answered_in_the_middle_of_a_validation() -> None:
    """The evaluation is held back after its first batch; the pause must come through, and the rest be done later."""
    data = tables(validation=2000)
    run, reached, release = Run(), threading.Event(), threading.Event()
    with served(session_of(data=data, run=run, epochs=2)) as session:

        def hold(*_: object) -> None:
            if not session.training.network.training and not reached.is_set():
                reached.set()
                release.wait(20)

        session.ask(lambda: session.training.network.register_forward_hook(hold)).result(20)
        session.play()
        assert reached.wait(20)
        paused = session.pause()
        release.set()
        paused.result(20)
        assert session.state is SessionState.PAUSED
        assert session.position.step == 6
        assert len(run.scalars("loss/validation")[0]) == 0
        session.play()
        wait_for(lambda: session.state is SessionState.DONE)
        assert run.scalars("loss/validation")[0].tolist() == [6, 12]


def test_questions_are_answered_between_batches_and_their_faults_disturb_nobody() -> None:
    with served(session_of(epochs=100_000)) as session:
        session.play()
        fault: Future[Any] = session.ask(lambda: 1 // 0)
        assert isinstance(fault.exception(20), ZeroDivisionError)
        assert session.ask(lambda: threading.current_thread().name).result(20) == "nnviz-test-session"
        assert session.state is SessionState.RUNNING


def test_best_weights_can_be_put_back() -> None:
    run = Run()
    with served(session_of(run=run, epochs=3)) as session:
        with pytest.raises(TrainingError, match="no best weights yet"):
            session.restore_best().result(20)
        session.step(8)
        resting(session)
        best = session.ask(lambda: dict(session.training.best or {})).result(20)
        session.restore_best().result(20)
        assert same(state_of(session), best)


def test_stopping_ends_it_and_playing_goes_on() -> None:
    shelf = Shelf()
    with served(session_of(epochs=100_000, store=shelf)) as session:
        session.play()
        wait_for(lambda: session.position.step > 3)
        session.stop().result(20)
        assert session.state is SessionState.DONE
        assert shelf.kept[-1] == (session.position.step, session.position.epoch, shelf.kept[-1][2])
        session.play().result(20)
        wait_for(lambda: session.state is SessionState.RUNNING)


@pytest.mark.parametrize(
    ("share", "kept"),
    [
        (0, [(6, 1, "epoch"), (12, 2, "epoch 2"), (18, 3, "epoch 3")]),
        # Epochs of milliseconds: the first, and the last whatever it takes.
        (10**9, [(6, 1, "epoch"), (18, 3, "done")]),
    ],
)
def test_checkpoints_are_kept_at_the_end_of_epochs_as_far_as_writing_them_is_not_felt(
    monkeypatch: pytest.MonkeyPatch, share: int, kept: list[tuple[int, int, str]]
) -> None:
    monkeypatch.setattr(saving, "_SAVE_SHARE", share)
    shelf = Shelf()
    with served(session_of(epochs=3, store=shelf)) as session:
        session.play()
        wait_for(lambda: session.state is SessionState.DONE)
    assert shelf.kept == kept


def test_a_full_disk_is_said_and_training_goes_on() -> None:
    refused: list[str] = []
    session = session_of(epochs=2, store=Shelf(fails=True))
    session.refused.connect(refused.append)
    assert session.train().steps == 12
    assert refused == ["The disk is full."] * 2


# -- failures ---------------------------------------------------------------------------------------------------------


def test_a_failure_is_a_state_with_a_sentence_and_the_thread_lives_on() -> None:
    with served(session_of(epochs=100_000)) as session:
        session.play()

        def sabotage() -> None:
            session.training.network.register_forward_hook(lambda *_: 1 // 0)

        session.ask(sabotage)
        wait_for(lambda: session.state is SessionState.FAILED)
        assert isinstance(session.error, TrainingError)
        assert "ZeroDivisionError" in str(session.error)
        with pytest.raises(TrainingError, match="failed"):
            session.play().result(20)
        assert session.evaluate_test().exception(20) is not None
        assert session.run.state == "failed"


def test_a_bad_project_fails_with_its_sentence() -> None:
    broken = project_of(CNN)
    session = TrainingSession(broken, Run(), data=tables(), device="cpu")
    with served(session):
        assert session.state is SessionState.FAILED
        assert isinstance(session.error, ProjectError)
    with pytest.raises(ProjectError):
        TrainingSession(broken, Run(), data=tables(), device="cpu").train()


def test_missing_data_fails_with_the_way_to_get_it() -> None:
    project = msgspec.structs.replace(project_of(), data=DataConfig(dataset="mnist"))
    with pytest.raises(DataError):
        TrainingSession(project, Run()).train()


def test_an_unknown_device_fails_at_once() -> None:
    with pytest.raises(ParamError, match="no device"):
        TrainingSession(project_of(), Run(), data=tables(), device="abacus").train()


def test_a_faulty_listener_harms_neither_the_training_nor_the_thread() -> None:
    session = session_of(epochs=2)
    session.state_changed.connect(lambda state: 1 // 0)
    assert session.train().steps == 12


def test_closing_answers_everyone_who_waits() -> None:
    session = session_of(epochs=100_000)
    with served(session):
        session.play()
    assert session.run.finished
    with pytest.raises(Cancelled):
        session.ask(lambda: 1).result(20)
    with pytest.raises(Cancelled):
        session.evaluate_test().result(20)


def test_closing_before_it_began_ends_at_once() -> None:
    session = session_of()
    session.close()
    session.serve()
    assert session.state is SessionState.DONE


def test_requests_made_before_it_is_prepared_are_answered_afterwards() -> None:
    session = session_of()
    waiting = session.step(3)
    with served(session):
        waiting.result(20)
        assert resting(session) == 3


def test_a_resting_session_sleeps_until_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[int] = []
    turn = SessionWork._turn

    def counted(self: SessionWork) -> None:
        turns.append(1)
        turn(self)

    monkeypatch.setattr(SessionWork, "_turn", counted)
    with served(session_of(probes=None)) as session:
        session.ask(lambda: None).result(20)
        threading.Event().wait(0.2)
        assert len(turns) <= 4


def test_the_device_is_the_projects_unless_told_otherwise() -> None:
    project = project_of()
    project = msgspec.structs.replace(project, training=msgspec.structs.replace(project.training, device="cpu"))
    session = TrainingSession(project, Run(), data=tables(), probes=())
    session.train()
    assert session.training.device == CPU
