"""A run in memory: what goes in comes out, from any thread, in bounded memory."""

from __future__ import annotations

import threading

import numpy as np

from nnviz.record.readings import ArrayReading, Finding, Histogram, Scalar
from nnviz.record.run import Run, RunInfo, RunView


def array(series: str, step: int, numbers: int = 4, value: float | None = None) -> ArrayReading:
    return ArrayReading(series, step, np.full(numbers, step if value is None else value, np.float32), {"sample": 3})


def test_a_run_is_what_panels_read():
    view: RunView = Run(RunInfo(title="x"))
    assert view.info.title == "x"
    assert view.last_step == -1
    assert view.names() == []
    assert view.latest("loss/train") is None
    steps, values = view.scalars("loss/train")
    assert len(steps) == len(values) == 0


def test_samples_come_back():
    run = Run()
    histogram = Histogram("activation_histogram/a", 2, np.array([1, 2]), np.array([0.0, 1.0, 2.0]))
    run.append([Scalar("loss/train", 1, 0.5), Scalar("loss/train", 2, 0.25), array("output/a", 1), histogram])
    run.append([array("output/a", 5)])
    assert run.scalars("loss/train")[1].tolist() == [0.5, 0.25]
    assert run.latest("loss/train") == Scalar("loss/train", 2, 0.25)
    assert run.latest("loss/train", 1) == Scalar("loss/train", 1, 0.5)
    assert run.latest("loss/train", 0) is None
    assert run.latest("activation_histogram/a", 3) is histogram
    found = run.latest("output/a", 4)
    assert isinstance(found, ArrayReading)
    assert found.step == 1
    assert run.last_step == 5
    assert run.names("loss/") == ["loss/train"]
    at = run.at(1)
    assert set(at) == {"loss/train", "output/a"}
    assert at["loss/train"] == Scalar("loss/train", 1, 0.5)


def test_read_since_names_what_changed_and_never_grows():
    run = Run()
    cursor = run.read_since(0).cursor
    assert run.read_since(cursor).series == frozenset()
    for step in range(1000):
        run.append([Scalar("loss/train", step, 1.0)])
    run.append([Scalar("gradient_norm/a", 999, 1.0)])
    changes = run.read_since(cursor)
    assert changes.series == {"loss/train", "gradient_norm/a"}
    run.append([Scalar("gradient_norm/a", 1000, 1.0)])
    assert run.read_since(changes.cursor).series == {"gradient_norm/a"}
    assert run.read_since(0).series == {"loss/train", "gradient_norm/a"}


def test_memory_stays_flat_however_long_it_runs():
    run = Run(scalar_limit=1024, memory_limit=2**20)
    sizes = []
    for step in range(20_000):  # twenty seconds at a thousand steps a second
        run.append([Scalar(f"{name}/{node}", step, step) for name in ("loss", "norm") for node in "abc"])
        if step % 20 == 0:
            run.append([array(f"output/{node}", step, numbers=2000) for node in "abc"])
        if step % 2000 == 1999:
            sizes.append(run.nbytes)
    assert max(sizes) <= 6 * 1024 * 16 + 2**20
    assert max(sizes[3:]) <= 1.5 * min(sizes[3:])
    for node in "abc":
        newest = run.latest(f"output/{node}")
        assert newest is not None
        assert newest.step == 19_980
        assert run.latest(f"norm/{node}") == Scalar(f"norm/{node}", 19_999, 19_999)


def test_at_most_64_snapshots_of_a_series():
    run = Run()
    for step in range(1000):
        run.append([array("weights/a", step)])
    kept = {run.latest("weights/a", step).step for step in range(1000)}  # type: ignore[union-attr]  # step 0 is always kept
    assert 32 <= len(kept) <= 64
    assert {0, 999} <= kept


def test_findings_hold_until_they_are_resolved():
    run = Run()
    dead = Finding("finding/dead/relu1", 10, "warning", "half are dead")
    nan = Finding("finding/nan", 20, "error", "not a number")
    run.append([dead, nan])
    assert run.findings() == (nan, dead)
    assert run.findings(15) == (dead,)
    assert run.findings(5) == ()
    run.append([Finding("finding/dead/relu1", 30, "resolved", "half were dead")])
    assert run.findings() == (nan,)
    assert run.findings(29) == (nan, dead)
    worse = Finding("finding/nan", 20, "error", "still not a number")
    run.append([worse])
    assert run.findings() == (worse,)
    assert run.latest("finding/nan") is worse


def test_rewinding_drops_what_came_later():
    run = Run()
    run.append([Scalar("loss/train", step, step) for step in range(10)])
    run.append([array("output/a", step) for step in range(10)])
    run.append([Finding("finding/nan", 8, "error", "not a number")])
    cursor = run.read_since(0).cursor
    run.rewind(5)
    assert run.last_step == 5
    assert run.scalars("loss/train")[0].tolist() == [0, 1, 2, 3, 4, 5]
    assert run.latest("output/a").step == 5  # type: ignore[union-attr]  # it is there
    assert run.findings() == ()
    assert run.read_since(cursor).series == {"loss/train", "output/a", "finding/nan"}


class Recorder:
    def __init__(self) -> None:
        self.got: list[object] = []

    def append(self, readings: object) -> None:
        self.got += list(readings)  # type: ignore[call-overload]  # an iterable of readings

    def rewind(self, step: int) -> None:
        self.got.append(step)


def test_a_sink_gets_the_past_and_all_that_comes():
    run = Run()
    run.append([Scalar("loss/train", 1, 0.5), array("output/a", 1)])
    sink, late = Recorder(), Recorder()
    run.attach(sink)
    run.attach(late, with_past=False)
    run.append([Scalar("loss/train", 2, 0.25)])
    run.rewind(1)
    run.detach(sink)
    run.append([Scalar("loss/train", 3, 0.25)])
    assert sink.got[0] == Scalar("loss/train", 1, 0.5)
    assert len(sink.got) == 4
    assert sink.got[2:] == [Scalar("loss/train", 2, 0.25), 1]
    assert late.got == [Scalar("loss/train", 2, 0.25), 1, Scalar("loss/train", 3, 0.25)]


def test_one_writes_while_others_read():
    run = Run(scalar_limit=4096)
    stop = threading.Event()
    problems: list[str] = []

    def read() -> None:
        cursor = 0
        while not stop.is_set():
            cursor = run.read_since(cursor).cursor
            steps, values = run.scalars("loss/train")
            if len(steps) != len(values) or (np.diff(steps) <= 0).any() or not np.array_equal(steps, values):
                problems.append("torn")
            for reading in run.at(run.last_step).values():
                if isinstance(reading, ArrayReading) and not (reading.array == reading.step).all():
                    problems.append("torn array")

    threads = [threading.Thread(target=read, name="nnviz-test-reader") for _ in range(3)]
    for thread in threads:
        thread.start()
    for step in range(20_000):
        run.append([Scalar("loss/train", step, step)])
        if step % 10 == 0:
            run.append([array("output/a", step)])
    stop.set()
    for thread in threads:
        thread.join()
    assert problems == []
