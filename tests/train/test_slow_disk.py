"""A disk that takes its time: training goes on, the newest state is what is kept, and only the very end waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from training_helpers import CNN, made_training, same, served, session_of, weights
from waiting import wait_for

from nnviz.gui.runs.recording import RunStore
from nnviz.probes.catalogue import default_probes
from nnviz.record.pending import Pending
from nnviz.record.run import Run
from nnviz.record.run_file import RunFile
from nnviz.record.store import RunWriter, open_run
from nnviz.train import saving
from nnviz.train.checkpoint import from_blobs
from nnviz.train.checkpoint_store import WritesBehind
from nnviz.train.instruments import Instruments
from nnviz.train.runner import Runner
from nnviz.train.session import SessionState, TrainingSession


class Disk:
    """Takes a checkpoint only while its gate is open; knows how many stood in memory at once."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.written: list[tuple[int, str]] = []


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    disk = Disk()
    write = RunFile.write

    def slow(file: RunFile, batch: Pending, state: bytes) -> None:
        if batch.checkpoints:
            disk.entered.set()
            assert disk.gate.wait(60)
        write(file, batch, state)
        disk.written += [(checkpoint.step, checkpoint.tag) for checkpoint in batch.checkpoints]

    monkeypatch.setattr(RunFile, "write", slow)
    monkeypatch.setattr(saving, "_LARGE", 0)
    yield disk
    disk.gate.set()


def paused_after(session: TrainingSession, steps: int) -> int:
    """The step at which it rests after some more; its checkpoint is in the queue then."""
    before = session.position.step
    session.play().result(20)
    wait_for(lambda: session.position.step >= before + steps)
    session.pause().result(20)
    return session.ask(lambda: session.training.step).result(20)


def test_training_goes_on_while_the_disk_takes_nothing_and_the_newest_state_is_kept(tmp_path: Path, disk: Disk) -> None:
    run = Run()
    writer = RunWriter(run, tmp_path / "run", interval=0.01)
    with served(session_of(CNN, run=run, epochs=100_000, store=writer)) as session:
        first = paused_after(session, 1)
        assert disk.entered.wait(20)
        waiting = []
        for _ in range(4):
            last = paused_after(session, 3)
            with writer._changed:
                waiting.append([checkpoint.step for checkpoint in writer._pending.checkpoints])
        assert waiting[-1] == [last] and all(len(steps) == 1 for steps in waiting)  # and one that is being written
        assert disk.written == []
        state = session.ask(lambda: weights(session.training.network)).result(20)
        disk.gate.set()
        wait_for(lambda: not writer.writing)
    assert writer.close()
    assert [step for step, _ in disk.written][-1] == last and last > first
    with open_run(tmp_path / "run") as stored:
        assert same(dict(from_blobs(stored.load_checkpoint()).weights), state)


def test_the_end_waits_until_the_last_state_is_on_the_disk(tmp_path: Path, disk: Disk) -> None:
    run = Run()
    writer = RunWriter(run, tmp_path / "run", interval=0.01)
    with served(session_of(CNN, run=run, epochs=8, keep_best=True, store=writer)) as session:
        paused_after(session, 1)
        assert disk.entered.wait(20)
        session.play()
        wait_for(lambda: session.state is SessionState.DONE)  # all of it without the disk
        best = session.ask(lambda: dict(session.training.best or {})).result(20)
    ended = threading.Event()

    def close() -> None:
        assert writer.close(None)
        ended.set()

    closing = threading.Thread(target=close)
    closing.start()
    assert not ended.wait(0.2)
    disk.gate.set()
    closing.join(20)
    assert ended.is_set()
    with open_run(tmp_path / "run") as stored:
        kept = from_blobs(stored.load_checkpoint())
    assert kept.progress.step == 48 and disk.written[-1] == (48, "done")
    assert kept.best is not None and same(dict(kept.best), best)  # the best weights so far are in every checkpoint


class Behind:
    """A store whose disk is as fast as a test says."""

    def __init__(self) -> None:
        self.busy = False
        self.waiting: list[int] = []
        self.flushed = 0

    def save_checkpoint(self, step: int, epoch: int, blobs: Mapping[str, bytes], tag: str) -> None:
        self.waiting.append(step)
        assert len(self.waiting) + self.busy <= 2, "more than two snapshots are in memory"

    @property
    def writing(self) -> bool:
        return self.busy or bool(self.waiting)

    def withdraw_checkpoints(self) -> bool:
        waited = bool(self.waiting)
        self.waiting.clear()
        return waited

    def flush(self, timeout: float = 30.0) -> bool:
        self.flushed += 1
        self.busy = False
        self.waiting.clear()
        return True


def runner_with(store: Behind, *, room: bool) -> Runner:
    training = made_training(CNN)
    runner = Runner(training, Instruments(training, Run(), (), 0.1), Run(), epochs=10, store=store)
    runner.begin()
    training.room.allows = lambda nbytes, left_out: room  # type: ignore[method-assign]
    return runner


def test_two_snapshots_and_never_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "_LARGE", 0)
    store = Behind()
    runner = runner_with(store, room=True)
    store.busy = True
    for step in range(1, 6):
        runner.training.advance()
        runner.save("pause")
        assert store.waiting == [step] and not runner.has_checkpoint_to_save
    assert store.flushed == 0


def test_without_room_for_two_a_newer_one_is_put_off_and_only_the_last_one_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(saving, "_LARGE", 0)
    store = Behind()
    runner = runner_with(store, room=False)
    store.busy = True
    runner.training.advance()
    runner.save("pause")
    assert store.waiting == [] and runner.has_checkpoint_to_save
    runner.save_what_was_put_off()
    assert store.waiting == []
    store.busy = False  # the disk is done
    runner.save_what_was_put_off()
    assert store.waiting == [1] and not runner.has_checkpoint_to_save
    store.busy, store.waiting = True, []
    runner.training.advance()
    runner.save("done")
    assert store.waiting == [] and store.flushed == 0
    runner.save("stop", last=True)
    assert store.flushed == 1 and store.waiting == [2] and not runner.has_checkpoint_to_save


def test_a_resting_session_keeps_what_was_put_off_once_the_disk_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "_LARGE", 0)
    store = Behind()
    with served(session_of(CNN, epochs=100, store=store, probes=default_probes((1, 8, 8)))) as session:
        session.ask(lambda: setattr(session.training.room, "allows", lambda nbytes, left_out: False)).result(20)
        store.busy = True
        session.step(2).result(20)
        wait_for(lambda: session.position.step == 2)
        session.play().result(20)
        session.pause().result(20)
        assert store.waiting == []
        store.busy = False
        wait_for(lambda: bool(store.waiting))
        assert store.waiting == [session.position.step]


def test_small_states_wait_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """They cost nothing, and each is the newest of its kind in the file."""
    store = Behind()
    runner = runner_with(store, room=True)
    for tag in ("epoch", "pause"):
        runner.training.advance()
        runner.save(tag)
    assert store.waiting == [1, 2]


def test_the_stores_of_window_and_command_line_write_behind(tmp_path: Path) -> None:
    """The window's hands on to the writer of the run, once there is one."""
    store = RunStore()
    assert isinstance(store, WritesBehind)
    assert not store.writing and not store.withdraw_checkpoints() and store.flush()
    with RunWriter(Run(), tmp_path / "run") as writer:
        assert isinstance(writer, WritesBehind)
        store.use(writer)
        with writer._changed:
            store.save_checkpoint(1, 0, {"w": b"x"}, "pause")
            assert store.writing and store.withdraw_checkpoints() and not store.withdraw_checkpoints()
        assert store.flush() and not store.writing
    with open_run(tmp_path / "run") as stored:
        assert stored.checkpoints() == ()
