"""Runs: seeking on the timeline, and memory while training is fast."""

from __future__ import annotations

import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
from rows import Row, Settings, milliseconds

from nnviz.project.files import io
from nnviz.project.flat_settings import settings_in
from nnviz.project.samples import templates
from nnviz.record.library import kept_runs
from nnviz.record.readings import ArrayReading, Reading, Scalar
from nnviz.record.run import Run, RunInfo, RunView
from nnviz.record.store import RunWriter, open_run
from nnviz.record.summaries import Summaries

LAYERS = 8
STEPS = 10_000


def step_samples(step: int) -> list[Reading]:
    """What one step of an eight-layer network leaves behind; pictures every 50 steps."""
    samples: list[Reading] = [Scalar("loss/train", step, 1 / (1 + step)), Scalar("accuracy/train", step, 0.5)]
    for layer in range(LAYERS):
        samples += [Scalar(f"gradient_norm/layer{layer}", step, 0.1), Scalar(f"update_ratio/layer{layer}", step, 1e-3)]
        if step % 50 == 0:
            samples.append(ArrayReading(f"output/layer{layer}", step, np.full((32, 12, 12), step, np.float32)))
    return samples


def measure(settings: Settings) -> Iterator[Row]:
    """Rows of this file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.nnvizrun"
        run = Run(RunInfo())
        writer = RunWriter(run, path)
        for step in range(STEPS):
            run.append(step_samples(step))
        writer.close()
        steps = random.Random(0).sample(range(STEPS), 60)  # noqa: S311 - where to seek, no secret
        yield _seek("seek in a 10,000-step run, live", run, steps)
        stored = open_run(path)
        yield _seek("seek in a 10,000-step run, from its file", stored, steps)
        stored.close()
    yield from _list_of_runs(500)
    yield _memory(300_000 if settings.quick else 600_000)


def _seek(what: str, run: RunView, steps: list[int]) -> Row:
    taken = []
    for step in steps:
        began = time.perf_counter()
        for name in run.names():
            run.latest(name, step)
        taken.append(time.perf_counter() - began)
    return Row(what, milliseconds(taken), "limit 50 ms", statistics.median(taken) < 0.050)


def _list_of_runs(count: int) -> Iterator[Row]:
    """Listing many runs with settings and results: when none was read before, and at the next start of the program."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = Run(RunInfo(io.dumps(templates.sample("digits-cnn")), title="run"))
        for step in range(600):
            run.append(step_samples(step))
            if step % 60 == 59:
                run.append([Scalar("epoch", step, (step + 1) / 60), Scalar("loss/validation", step, 1 / (1 + step))])
        RunWriter(run, folder / "run 0.nnvizrun").close()
        for at in range(1, count):
            shutil.copy(folder / "run 0.nnvizrun", folder / f"run {at}.nnvizrun")
        taken: list[float] = []
        for _ in range(2):
            began = time.perf_counter()
            runs = kept_runs(folder)
            known = Summaries(folder, settings_in)
            found, _complete = known.of(runs)
            rows = [found[one.path] for one in runs]
            sorted(rows, key=lambda row: row.best_loss)
            taken.append(time.perf_counter() - began)
            known.keep(runs)
        yield Row(
            f"list of {count} runs, none read before", milliseconds(taken[:1]), "in slices, beside the window", True
        )
        yield Row(f"opening a list of {count} runs", milliseconds(taken[1:]), "limit 300 ms", taken[1] < 0.3)


def _memory(steps: int) -> Row:
    """Resident memory after the same run has gone on for a long time: one training step is 18 scalars.

    A curve is kept whole for 131,072 steps; from then on nothing may grow.
    """
    process = psutil.Process()
    with tempfile.TemporaryDirectory() as folder:
        run = Run(RunInfo())
        writer = RunWriter(run, Path(folder) / "memory.nnvizrun")
        measured = []
        began = time.perf_counter()
        for step in range(steps):
            run.append(step_samples(step))
            if step in (steps // 2, steps - 1):
                measured.append(process.memory_info().rss / 2**20)
        rate = steps / (time.perf_counter() - began)
        writer.close()
    growth = measured[1] - measured[0]
    return Row(
        f"memory between step {steps // 2:,} and {steps:,}, at {rate:,.0f} steps/s",
        f"{growth:+.1f} MiB ({measured[0]:.0f} → {measured[1]:.0f})",
        "limit: flat (under 32 MiB)",
        growth < 32,
    )
