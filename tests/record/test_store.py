"""A run's file: everything comes back, it can be followed, the program may die at any time, the disk may be full."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest
from waiting import wait_for

from nnviz.errors import RunFileError, StorageError
from nnviz.record import store, tables
from nnviz.record.pending import Pending, PendingCheckpoint
from nnviz.record.readings import ArrayReading, Cure, Finding, Histogram, Reading, Scalar
from nnviz.record.run import Run, RunInfo
from nnviz.record.store import RunWriter, open_run

INFO = RunInfo(project_json=b'{"nnviz": 1}', created=5.0, nnviz_version="0.1", seed=7, device="cpu", title="digits")


def some_samples(step: int) -> list[Reading]:
    rng = np.random.default_rng(step)
    return [
        Scalar("loss/train", step, float(rng.normal())),
        Scalar("odd", step, [float("nan"), float("inf"), -float("inf"), 0.1, 1e300][step % 5]),
        ArrayReading("output/a", step, rng.normal(size=(2, 3, 4)).astype(np.float32), {"sample": 4, "label": "7"}),
        ArrayReading("dead_units/a", step, rng.random(10) < 0.5),
        ArrayReading("dead_since/a", step, rng.integers(-1, 99, 10)),
        Histogram("activation_histogram/a", step, rng.integers(0, 99, 5), np.linspace(0, 1, 6)),
    ]


def assert_same(one: Reading | None, other: Reading | None) -> None:
    assert type(one) is type(other)
    if isinstance(one, Scalar) and isinstance(other, Scalar):
        assert (one.series, one.step) == (other.series, other.step)
        assert np.array_equal(one.value, other.value, equal_nan=True)
    elif isinstance(one, ArrayReading) and isinstance(other, ArrayReading):
        assert (one.series, one.step, one.array.dtype, dict(one.meta)) == (
            other.series,
            other.step,
            other.array.dtype,
            dict(other.meta),
        )
        assert np.array_equal(one.array, other.array)
    elif isinstance(one, Histogram) and isinstance(other, Histogram):
        assert one.step == other.step
        assert np.array_equal(one.counts, other.counts)
        assert np.array_equal(one.edges, other.edges)
    else:
        assert one == other


def test_everything_comes_back(tmp_path: Path):
    path = tmp_path / "a run.nnvizrun"
    run = Run(INFO)
    run.append(some_samples(0))  # before there was a file
    finding = Finding("finding/x", 3, "warning", "text", "evidence", "a", (Cure("Try", "set_learning_rate", "0.1"),))
    with RunWriter(run, path) as writer:
        for step in range(1, 50):
            run.append(some_samples(step))
        run.append([finding])
        run.state = "done"
        run.finished = True
        writer.save_checkpoint(10, 1, {"weights": b"w" * 1000, "optimizer": b""}, "best")
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == [path.name]  # a single file is left
    with open_run(path) as stored:
        assert stored.info == INFO
        assert (stored.state, stored.finished, stored.last_step) == ("done", True, 49)
        assert sorted(stored.names()) == sorted(run.names())
        for name in ("loss/train", "odd"):
            for mine, his in zip(stored.scalars(name), run.scalars(name), strict=True):
                assert np.array_equal(mine, his, equal_nan=True)
        for step in (0, 1, 25, 49, 1000):
            at = stored.at(step)
            assert set(at) == set(run.at(step))
            for series, reading in run.at(step).items():
                assert_same(at[series], reading)
        assert stored.findings() == (finding,)
        assert stored.findings(2) == ()
        assert stored.latest("finding/x") == finding
        assert stored.latest("unknown") is None
        (checkpoint,) = stored.checkpoints()
        assert (checkpoint.step, checkpoint.epoch, checkpoint.tag, checkpoint.size) == (10, 1, "best", 1000)
        assert stored.load_checkpoint("best") == {"weights": b"w" * 1000, "optimizer": b""}
        assert stored.load_checkpoint(checkpoint.id)["weights"] == b"w" * 1000
        with pytest.raises(RunFileError, match="no checkpoint 'last'"):
            stored.load_checkpoint("last")


def test_a_growing_file_is_followed(tmp_path: Path):
    path = tmp_path / "run"
    run = Run(INFO)
    writer = RunWriter(run, path)
    run.append(some_samples(0))
    assert writer.flush()
    stored = open_run(path)
    assert not stored.finished
    cursor = stored.read_since(0).cursor
    assert not stored.refresh()
    assert stored.read_since(cursor).series == frozenset()
    for step in range(1, 3000):  # far enough that small rows are joined into large ones
        run.append([Scalar("loss/train", step, step / 3)])
        if step % 100 == 0:
            assert writer.flush()
            assert stored.refresh()
            changes = stored.read_since(cursor)
            cursor = changes.cursor
            assert changes.series == {"loss/train"}
            steps, values = stored.scalars("loss/train")
            assert len(steps) == step + 1
            assert values[-1] == step / 3
            assert stored.last_step == step
    run.append([Scalar("new/series", 3000, 1.0)])
    writer.flush()
    stored.refresh()
    assert "new/series" in stored.read_since(cursor).series
    run.append([Scalar("loss/train", 3000, 1.0)])
    assert writer.close()  # while it is being read
    stored.refresh()
    assert stored.scalars("loss/train")[0].tolist() == list(range(3001))
    stored.close()
    with open_run(path) as again:
        assert len(again.scalars("loss/train")[0]) == 3001


def test_a_run_is_closed_when_nobody_reads_in_it_any_more(tmp_path: Path):
    path = tmp_path / "run.nnvizrun"
    run = Run(INFO)
    run.append(some_samples(0))
    with RunWriter(run, path):
        pass
    stored, order = open_run(path), []
    reading, go = threading.Event(), threading.Event()

    def hold() -> None:  # in the middle of a statement
        reading.set()
        go.wait(20)

    stored._connection.set_progress_handler(hold, 1)
    reader = threading.Thread(target=lambda: (stored.scalars("loss/train"), order.append("read")))
    closer = threading.Thread(target=lambda: (stored.close(), order.append("closed")))
    reader.start()
    assert reading.wait(20)
    closer.start()
    closer.join(0.1)
    assert closer.is_alive()
    go.set()
    reader.join(20)
    closer.join(20)
    assert order == ["read", "closed"]
    assert len(stored.scalars("loss/train")[0]) == 1  # is in memory
    for read in (stored.refresh, stored.checkpoints, lambda: stored.scalars("odd"), lambda: stored.latest("output/a")):
        with pytest.raises(RunFileError, match="was closed"):
            read()
    stored.close()


def test_going_back_in_time(tmp_path: Path):
    path = tmp_path / "run"
    run = Run(INFO)
    with RunWriter(run, path) as writer:
        run.append([s for step in range(2500) for s in (Scalar("loss/train", step, step),)])
        run.append([ArrayReading("output/a", step, np.array([step])) for step in range(0, 2500, 100)])
        run.append([Finding("finding/x", 2400, "error", "bad")])
        writer.save_checkpoint(2400, 2, {"w": b"later"}, "best")
        writer.save_checkpoint(100, 0, {"w": b"early"})
        writer.flush()
        with open_run(path) as stored:
            assert stored.last_step == 2499
            assert len(stored.scalars("loss/train")[0]) == 2500
            run.rewind(1500)
            run.append([Scalar("loss/train", step, -step) for step in range(1501, 1600)])
            writer.flush()
            stored.refresh()
            steps, values = stored.scalars("loss/train")
            assert steps.tolist() == list(range(1600))
            assert values.tolist() == [*range(1501), *range(-1501, -1600, -1)]
            assert stored.latest("output/a").step == 1500  # type: ignore[union-attr]  # it is there
            assert stored.findings() == ()
            assert [c.step for c in stored.checkpoints()] == [100]
        run.append([Scalar("loss/train", 1599, 5.0)])  # measured again at the same step
    with open_run(path) as stored:
        assert stored.latest("loss/train") == Scalar("loss/train", 1599, 5.0)
        assert len(stored.scalars("loss/train")[0]) == 1600


def test_a_run_is_gone_on_with(tmp_path: Path):
    path = tmp_path / "run"
    run = Run(INFO)
    with RunWriter(run, path):
        for step in range(1500):
            run.append(some_samples(step))
    with open_run(path) as stored:
        again = stored.to_run()
        kept = len(stored._snapshot_steps["output/a"])
    assert again.last_step == 1499
    assert np.array_equal(again.scalars("loss/train")[1], run.scalars("loss/train")[1])
    again.rewind(1200)
    with RunWriter(again, path, resume=True):
        for step in range(1201, 1300):
            again.append(some_samples(step))
    with open_run(path) as stored:
        assert stored.last_step == 1299
        assert stored.scalars("loss/train")[0].tolist() == list(range(1300))
        assert len(stored._snapshot_steps["output/a"]) <= kept + 100
        assert_same(stored.latest("output/a"), some_samples(1299)[2])


def test_an_existing_file_is_not_overwritten(tmp_path: Path):
    path = tmp_path / "run"
    path.write_text("precious")
    with pytest.raises(StorageError, match="exists already"):
        RunWriter(Run(INFO), path)
    with pytest.raises(RunFileError, match="not a run"):
        RunWriter(Run(INFO), path, resume=True)
    assert path.read_text() == "precious"
    blocked = tmp_path / "run" / "below"
    with pytest.raises(StorageError, match="cannot be written"):
        RunWriter(Run(INFO), blocked)


def test_many_points_are_compact_and_exact(tmp_path: Path):
    path = tmp_path / "run"
    run = Run(INFO)
    values = np.random.default_rng(0).normal(size=200_000).astype(np.float32)
    with RunWriter(run, path):
        for start in range(0, len(values), 20_000):
            part = values[start : start + 20_000].tolist()
            run.append([Scalar("loss/train", start + k, value) for k, value in enumerate(part)])
    assert path.stat().st_size < 1_000_000
    with open_run(path) as stored:
        steps, stored_values = stored.scalars("loss/train")
        assert len(steps) == 200_000
        assert np.array_equal(stored_values, values.astype(np.float64))
        assert stored.latest("loss/train", 177_777) == Scalar("loss/train", 177_777, float(values[177_777]))


def test_arrays_in_the_file_are_thinned_evenly_and_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tables, "FILE_BYTES", 300_000)
    path = tmp_path / "run"
    run = Run(INFO)
    with RunWriter(run, path) as writer:
        for step in range(3000):
            run.append([ArrayReading("weights/a", step, np.random.default_rng(step).normal(size=500))])
            run.append([ArrayReading("output/a", step, np.array([step]))])
            if step % 50 == 0:
                writer.flush()
    assert path.stat().st_size < 900_000
    with open_run(path) as stored:
        steps = [step for step, _ in stored._snapshot_steps["weights/a"]]
        small = [step for step, _ in stored._snapshot_steps["output/a"]]
        assert steps[0] == small[0] == 0
        assert steps[-1] == small[-1] == 2999
        assert 20 <= len(steps) <= 75
        assert 100 <= len(small) <= tables.FILE_SNAPSHOTS
        assert np.diff(steps).max() <= 6 * 3000 / len(steps)
        assert stored.at(1234)["output/a"].step <= 1234


def test_a_waiting_heap_thins_arrays_but_never_curves():
    pending = Pending()
    for step in range(1000):
        pending.add([Scalar("loss/train", step, step), ArrayReading("w", step, np.zeros(2**17))])
    assert pending.snapshot_bytes <= 64 * 2**20
    assert pending.point_count == 1000
    assert pending.snapshots["w"].steps[-1] == 999
    later = Pending()
    later.add([Scalar("loss/train", 1000, 1.0), Scalar("other", 1, 1.0)])
    pending.follow_with(later)
    assert pending.points["loss/train"].steps.tolist() == list(range(1001))
    went_back = Pending()
    went_back.rewind(500)
    went_back.add([Scalar("loss/train", 501, 9.0)])
    pending.follow_with(went_back)
    assert pending.points["loss/train"].steps.tolist() == [*range(501), 501]
    assert pending.rewound_to == 500
    assert pending.snapshots["w"].steps[-1] <= 500


def test_a_full_disk_is_told_once_and_what_waits_is_written_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store, "RETRY_INTERVAL", 0.05)
    path = tmp_path / "run"
    full = threading.Event()
    real_write = tables.Tables.write

    def write(self: tables.Tables, batch: Pending, state: bytes) -> None:
        if full.is_set():
            # a real transaction that really fails half-way
            monkeypatch.setattr(tables.Tables, "_write_finding", lambda *_: None)
            self._connection.execute("PRAGMA max_page_count = 1")
        real_write(self, batch, state)

    monkeypatch.setattr(tables.Tables, "write", write)
    errors: list[StorageError] = []
    run = Run(INFO)
    writer = RunWriter(run, path, on_error=errors.append, interval=0.02)
    run.append(some_samples(0))
    assert writer.flush()
    full.set()
    for step in range(1, 300):
        run.append(some_samples(step))
    assert not writer.flush()
    run.append(some_samples(300))
    assert not writer.flush()
    assert len(errors) == 1
    assert "the disk is full" in str(errors[0])
    with open_run(path) as stored:  # the file is whole meanwhile
        assert stored.last_step == 0
    full.clear()
    wait_for(writer.flush)
    writer.close()
    with open_run(path) as stored:
        assert stored.scalars("loss/train")[0].tolist() == list(range(301))
        assert_same(stored.latest("output/a"), some_samples(300)[2])
    assert len(errors) == 1


def test_a_removed_file_is_told_and_training_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store, "RETRY_INTERVAL", 0.05)
    errors: list[StorageError] = []
    run = Run(INFO)
    writer = RunWriter(run, tmp_path / "run", on_error=errors.append, interval=0.02)

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(tables.Tables, "write", fail)
    run.append(some_samples(0))
    wait_for(lambda: bool(errors))
    for step in range(1, 100):
        run.append(some_samples(step))
    assert not writer.close()
    assert run.last_step == 99
    assert "disk I/O error" in str(errors[0])


def test_what_memory_was_too_small_for_is_written_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """SQLite says so by a MemoryError: nothing of the transaction that was taken back may be taken for written."""
    monkeypatch.setattr(store, "RETRY_INTERVAL", 0.02)
    path = tmp_path / "run"
    real, short = tables.Tables._write_checkpoint, [True]

    def write_checkpoint(self: tables.Tables, checkpoint: PendingCheckpoint) -> None:
        real(self, checkpoint)
        if short:
            short.clear()
            raise MemoryError

    monkeypatch.setattr(tables.Tables, "_write_checkpoint", write_checkpoint)
    run = Run(INFO)
    writer = RunWriter(run, path, on_error=lambda error: None, interval=30.0)
    run.append([Scalar("loss/train", 1, 0.5)])
    writer.save_checkpoint(1, 0, {"preparation": b"how", "weights": b"1"})
    wait_for(lambda: not short)
    writer.withdraw_checkpoints()
    run.append([Scalar("accuracy/train", 1, 0.25)])
    writer.save_checkpoint(2, 0, {"preparation": b"how", "weights": b"2"})
    assert writer.close()
    with open_run(path) as stored:
        assert [stored.scalars(name)[1].tolist() for name in ("loss/train", "accuracy/train")] == [[0.5], [0.25]]
        assert dict(stored.load_checkpoint()) == {"preparation": b"how", "weights": b"2"}


@pytest.mark.parametrize("when", ["_end", "_write_behind", "_copy"])
def test_nobody_waits_for_a_thread_that_died(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str):
    monkeypatch.setattr(store, "_LOOK_EVERY", 0.02)
    monkeypatch.setattr(threading, "excepthook", lambda *_: None)

    def die(*_: object) -> None:
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr(RunWriter, when, die)
    if when == "_end":
        monkeypatch.setattr(tables.Tables, "write", lambda *_: 1 / 0)
        monkeypatch.setattr(RunWriter, "_copy", lambda *_: None)
    run = Run(INFO)
    writer = RunWriter(run, tmp_path / "run", on_error=lambda error: None, interval=30.0)
    run.append(some_samples(0))
    with pytest.raises(StorageError, match="not written any more"):
        writer.copy_to(tmp_path / "copy")
    writer._file.close()


def test_a_folder_that_cannot_be_asked_for_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run = Run(INFO)
    writer = RunWriter(run, tmp_path / "run", on_error=lambda error: None, interval=30.0)

    def stale(*_: object, **more: object) -> os.stat_result:
        raise OSError(errno.ESTALE, "Stale file handle")

    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", stale)
        patched.setattr(os, "lstat", stale)
        patched.setattr(Path, "stat", stale)
        assert writer._file.lost() == "is gone with its folder"
    assert writer.close()


def test_a_mistake_of_our_own_is_told_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    errors: list[StorageError] = []
    run = Run(INFO)
    writer = RunWriter(run, tmp_path / "run", on_error=errors.append, interval=0.02)
    monkeypatch.setattr(tables.Tables, "write", lambda *_: 1 / 0)
    run.append(some_samples(0))
    wait_for(lambda: bool(errors))
    wait_for(lambda: not writer._thread.is_alive())
    assert not writer.flush(timeout=1)
    run.append(some_samples(1))
    assert not writer.close()


def test_a_sample_that_cannot_be_kept_costs_nothing_else(tmp_path: Path):
    path = tmp_path / "run"
    run = Run(INFO)
    with RunWriter(run, path):
        run.append([ArrayReading("strange", 0, np.array(["text"])), *some_samples(0)])
    with open_run(path) as stored:
        assert_same(stored.latest("output/a"), some_samples(0)[2])
        assert stored.latest("strange") is None


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
@pytest.mark.parametrize("attempt", range(3))
def test_killed_at_any_time_the_file_opens(tmp_path: Path, attempt: int):
    path = tmp_path / "run"
    program = """
        import sys, time
        import numpy as np
        from nnviz.record.run import Run
        from nnviz.record.readings import ArrayReading, Scalar
        from nnviz.record.store import RunWriter
        run = Run()
        writer = RunWriter(run, sys.argv[1], interval=0.01)
        step = 0
        while True:
            run.append([Scalar("loss/train", step, step / 7)])
            if step % 10 == 0:
                run.append([ArrayReading("output/a", step, np.full(5000, step))])
                writer.save_checkpoint(step, 0, {"w": bytes(100_000)}, "last")
            if step == 1000:
                writer.flush()
            if step % 1000 == 0:
                print(step, flush=True)
            step += 1
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(store.__file__).parents[2])},
    )
    assert process.stdout is not None
    for _ in range(3 + 2 * attempt):
        process.stdout.readline()
    process.kill()
    process.communicate()
    with open_run(path) as stored:
        steps, values = stored.scalars("loss/train")
        assert np.array_equal(steps, np.arange(len(steps)))
        assert np.array_equal(values, steps / 7)
        assert len(steps) > 100
        newest = stored.latest("output/a")
        assert isinstance(newest, ArrayReading)
        assert (newest.array == newest.step).all()
        assert len(stored.load_checkpoint("last")["w"]) == 100_000
        assert not stored.finished
        again = stored.to_run()
    with RunWriter(again, path, resume=True):
        again.append([Scalar("loss/train", again.last_step + 1, 0.0)])
    with open_run(path) as stored:
        assert len(stored.scalars("loss/train")[0]) >= len(steps)


def test_a_large_checkpoint_comes_back_in_one_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("nnviz.record.file_format.PART_BYTES", 1000)
    blob = np.random.default_rng(0).bytes(12_345)
    run = Run(INFO)
    with RunWriter(run, tmp_path / "run") as writer:
        writer.save_checkpoint(1, 0, {"a": b"old"}, "last")
        writer.flush()
        writer.save_checkpoint(2, 0, {"a": blob, "b": blob[::-1]}, "last")
    with open_run(tmp_path / "run") as stored:
        assert len(stored.checkpoints()) == 1
        assert stored.load_checkpoint("last") == {"a": blob, "b": blob[::-1]}


def test_seeking_a_long_run_reads_one_row_a_series(tmp_path: Path):
    path = tmp_path / "run"
    run = Run(INFO)
    nodes = [f"layer{k}" for k in range(20)]
    with RunWriter(run, path):
        for step in range(10_000):
            run.append([Scalar(f"gradient_norm/{node}", step, step) for node in nodes])
            if step % 50 == 0:
                run.append([ArrayReading(f"output/{node}", step, np.full(100, step)) for node in nodes])
    with open_run(path) as stored:
        statements: list[str] = []
        stored._connection.set_trace_callback(statements.append)
        at = stored.at(5_678)
        assert len(statements) <= len(nodes)  # one row a curve, found by its index; arrays only when looked at
        assert len(at) == 2 * len(nodes)
        assert at["output/layer3"].step <= 5_678
        assert at["gradient_norm/layer3"] == Scalar("gradient_norm/layer3", 5_678, 5_678)
        statements.clear()
        stored.at(5_690)  # the same rows again: they are remembered
        assert len(statements) == 0
        plan = stored._connection.execute(
            "EXPLAIN QUERY PLAN SELECT data FROM scalars WHERE series = 1 AND first_step <= 5 "
            "ORDER BY first_step DESC, id DESC LIMIT 1"
        ).fetchall()
        assert "USING INDEX scalars_by_step" in str(plan)


def test_a_disk_that_takes_little_gets_the_newest_of_everything_first() -> None:
    pending = Pending()
    for step in range(20):
        pending.add(
            [ArrayReading("large", step, np.zeros(1000, np.float64)), ArrayReading("small", step, np.zeros(10))]
        )
    taken = pending.take_snapshots(3 * 8256)
    assert len(taken["small"]) == 20
    assert taken["large"].steps[-1] == 19
    assert sum(one.nbytes for one in taken.values()) <= 3 * 8256
    assert not pending.snapshots
    pending.add([ArrayReading("large", 20, np.zeros(1000, np.float64)), ArrayReading("huge", 20, np.zeros(9000))])
    assert set(pending.take_snapshots(100)) == {"large"}, "at least one, however little is allowed"
    assert set(pending.snapshots) == {"huge"}
