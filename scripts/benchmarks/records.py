"""Runs: seeking on the timeline, and memory while training is fast."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
from rows import Row, Settings, milliseconds

from nnviz.record.readings import ArrayReading, Reading, Scalar
from nnviz.record.run import Run, RunInfo, RunView
from nnviz.record.store import RunWriter, open_run

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
    yield _memory(300_000 if settings.quick else 600_000)


def _seek(what: str, run: RunView, steps: list[int]) -> Row:
    taken = []
    for step in steps:
        began = time.perf_counter()
        for name in run.names():
            run.latest(name, step)
        taken.append(time.perf_counter() - began)
    return Row(what, milliseconds(taken), "limit 50 ms", statistics.median(taken) < 0.050)


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
