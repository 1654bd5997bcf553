"""How soon a training answers: a pause, and going on from a run's file."""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from rows import Row, Settings
from training import data_of

from nnviz.data.tensors import LoadedData
from nnviz.project.files import io
from nnviz.project.model import Project
from nnviz.project.samples import templates
from nnviz.record.quantities import LOSS
from nnviz.record.run import Run, RunInfo
from nnviz.record.store import RunWriter
from nnviz.train.headless import reopen
from nnviz.train.session import SessionState, TrainingSession

SAMPLES = ("mlp-512-dropout", "cnn-32-64")


def measure(settings: Settings) -> Iterator[Row]:
    """Rows of this file."""
    data = data_of(settings)
    for name in SAMPLES:
        project = templates.sample(name)
        project = msgspec.structs.replace(project, training=msgspec.structs.replace(project.training, epochs=1000))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bench.nnvizrun"
            yield _pauses(name, project, data, path, settings.rounds(9))
            yield _resume(name, project, data, path)


def _pauses(name: str, project: Project, data: LoadedData, path: Path, rounds: int) -> Row:
    """Pauses a session of its own thread that trains; its run keeps a checkpoint each time."""
    run = Run(RunInfo(project_json=io.dumps(project)))
    late: list[float] = []
    more: list[int] = []
    with RunWriter(run, path) as writer:
        session = TrainingSession(project, run, data=data, store=writer)
        thread = threading.Thread(target=session.serve)
        thread.start()
        while session.state in (SessionState.IDLE, SessionState.PREPARING):
            time.sleep(0.01)
        for _ in range(rounds):
            session.play().result()
            time.sleep(0.7)
            began, step = time.perf_counter(), session.ask(lambda: session.training.step).result()
            session.pause().result()
            late.append(time.perf_counter() - began)
            more.append(session.training.step - step)
        session.close()
        thread.join()
    steps = max(1, session.run.last_step)
    assert run.latest(LOSS.series("train")) is not None
    return Row(
        f"{name}, pause",
        f"{1e3 * statistics.median(late):.0f} ms until it rests, measured anew",
        f"at most {max(more)} batch{'es' * (max(more) != 1)} later (limit 1), {steps} steps",
        max(more) <= 1,
    )


def _resume(name: str, project: Project, data: LoadedData, path: Path) -> Row:
    """From the file to a session that is ready, the data being loaded."""
    began, computing = time.perf_counter(), time.thread_time()
    run, checkpoint, _ = reopen(path, project)
    session = TrainingSession(project, run, data=data, resume=checkpoint)
    session.begin()
    taken, computed = time.perf_counter() - began, time.thread_time() - computing
    session.end()
    size = path.stat().st_size / 1e6
    return Row(
        f"{name}, resume",
        f"{taken:.2f} s until it can train, {computed:.2f} s of a core",
        f"limit 1 s (file of {size:.0f} MB)",
        taken < 1.0,
    )
