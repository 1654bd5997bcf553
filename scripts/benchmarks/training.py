"""Training with all instruments, with none, and a bare PyTorch loop, on the same tensors, in turn."""

from __future__ import annotations

import dataclasses
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import torch
from rows import Row, Settings, ratios
from torch import nn

from nnviz.data.tensors import LoadedData, load
from nnviz.probes.base import Probe
from nnviz.project import templates
from nnviz.project.model import DataConfig, Project
from nnviz.record.run import Run, RunInfo
from nnviz.record.store import RunWriter
from nnviz.train.session import TrainingSession

VALIDATION = 2_000
SPIRAL_EPOCHS = 40


def mlp() -> nn.Module:
    """mlp-512-dropout, as one writes it by hand."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 512), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(512, 512), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(512, 10),
    )  # fmt: skip


def cnn() -> nn.Module:
    """cnn-32-64, as one writes it by hand."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), nn.ReLU(), nn.Conv2d(64, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(1024, 1024), nn.Sigmoid(), nn.Dropout(0.2),
        nn.Linear(1024, 1024), nn.Sigmoid(), nn.Dropout(0.2),
        nn.Linear(1024, 10),
    )  # fmt: skip


#: sample, its hand-written twin, optimizer as the sample's, examples a round
CASES: tuple[tuple[str, Callable[[], nn.Module], Callable[[nn.Module], torch.optim.Optimizer], int], ...] = (
    ("mlp-512-dropout", mlp, lambda module: torch.optim.RMSprop(module.parameters(), lr=0.001), 48_000),
    ("cnn-32-64", cnn, lambda module: torch.optim.Adam(module.parameters(), lr=0.001), 9_600),
)


def bare_loop(
    build: Callable[[], nn.Module],
    optimizer_of: Callable[[nn.Module], torch.optim.Optimizer],
    data: LoadedData,
    batch_size: int,
) -> float:
    """Seconds of one epoch and its validation, as a script without any instrument does it."""
    module = build()
    optimizer = optimizer_of(module)
    criterion = nn.CrossEntropyLoss()
    module.train()
    began = time.perf_counter()
    order = torch.randperm(len(data.train))
    for first in range(0, len(order), batch_size):
        chosen = order[first : first + batch_size]
        inputs = data.train.inputs[chosen].float().div_(255)
        optimizer.zero_grad()
        loss = criterion(module(inputs), data.train.targets[chosen])
        loss.backward()
        optimizer.step()
    module.eval()
    right = 0
    with torch.no_grad():
        for first in range(0, len(data.validation), 256):
            outputs = module(data.validation.inputs[first : first + 256].float().div_(255))
            right += int((outputs.argmax(1) == data.validation.targets[first : first + 256]).sum())
    return time.perf_counter() - began


def session(project: Project, data: LoadedData, probes: tuple[Probe, ...] | None) -> tuple[float, float]:
    """(seconds of one epoch and its validation, share that measuring took) of a session that writes its run's file."""
    with tempfile.TemporaryDirectory() as folder:
        run = Run(RunInfo())
        with RunWriter(run, Path(folder) / "bench.nnvizrun"):
            outcome = TrainingSession(project, run, data=data, probes=probes).train()
        cost = run.scalars("cost/probes")[1]
        return outcome.seconds, float(cost[-1]) if len(cost) else 0.0


def measure(settings: Settings) -> Iterator[Row]:
    """Rows of this file."""
    yield from spiral(settings)
    for name, build, optimizer_of, count in CASES:
        project = templates.sample(name)
        project = msgspec.structs.replace(
            project, training=msgspec.structs.replace(project.training, epochs=1, keep_best=False)
        )
        data = _data(settings, count)
        bare: list[float] = []
        off: list[float] = []
        live: list[float] = []
        costs: list[float] = []
        for index in range(settings.rounds(5) + 1):
            taken_bare = bare_loop(build, optimizer_of, data, project.training.batch_size)
            taken_off, _ = session(project, data, ())
            taken_live, cost = session(project, data, None)
            if index:  # the first round warms up
                bare.append(taken_bare)
                off.append(taken_off)
                live.append(taken_live)
                costs.append(cost)
        rate = len(data.train) / statistics.median(bare)
        for what, ours, limit in (("all instruments live", live, 1.10), ("instruments off", off, 1.02)):
            low, middle, high = ratios(ours, bare)
            yield Row(
                f"{name}, {what}, against a bare loop",
                f"{middle:.3f} times its time ({low:.3f}–{high:.3f})",
                f"limit {limit:.2f} (bare loop {rate:,.0f} samples/s)",
                middle <= limit,
            )
        yield Row(f"{name}, what the instruments say they cost", f"{statistics.median(costs):.1%}", "budget 10 %")


def spiral(settings: Settings) -> Iterator[Row]:
    """The smallest network, where a step is all bookkeeping."""
    project = templates.sample("spiral")
    project = msgspec.structs.replace(project, training=msgspec.structs.replace(project.training, epochs=SPIRAL_EPOCHS))
    data = load(project.data)
    bare: list[float] = []
    live: list[float] = []
    for index in range(settings.rounds(9) + 1):
        taken = spiral_loop(data, project.training.batch_size)
        seconds, _ = session(project, data, None)
        if index:
            bare.append(taken)
            live.append(seconds)
    low, middle, high = ratios(live, bare)
    ours, theirs = (SPIRAL_EPOCHS / statistics.median(taken) for taken in (live, bare))
    yield Row(
        "spiral 2-8-8-1, all instruments live, against a bare loop",
        f"{middle:.3f} times its time ({low:.3f}–{high:.3f})",
        f"{ours:.0f} epochs/s, bare loop {theirs:.0f}",
    )


def spiral_loop(data: LoadedData, batch_size: int) -> float:
    """Seconds of a bare loop over the spiral, validation included, as one writes it by hand."""
    module = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    criterion = nn.BCEWithLogitsLoss()
    inputs, targets = data.train.inputs.float(), data.train.targets.float().reshape(-1, 1)
    held_inputs, held_targets = data.validation.inputs.float(), data.validation.targets.float().reshape(-1, 1)
    began = time.perf_counter()
    for _ in range(SPIRAL_EPOCHS):
        order = torch.randperm(len(inputs))
        for first in range(0, len(order), batch_size):
            chosen = order[first : first + batch_size]
            optimizer.zero_grad()
            loss = criterion(module(inputs[chosen]), targets[chosen])
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            float(criterion(module(held_inputs), held_targets))
    return time.perf_counter() - began


def _data(settings: Settings, count: int) -> LoadedData:
    if settings.data_dir is not None:
        data = load(DataConfig("mnist", validation_fraction=0.2), settings.data_dir)
    else:  # the same sizes, drawn at random: how long a step takes does not depend on what is in the pictures
        data = load(DataConfig("digits", validation_fraction=0.2))
        chosen = torch.randint(len(data.train), (48_000,))
        data = dataclasses.replace(data, train=data.train.take(chosen))
    return dataclasses.replace(
        data,
        train=data.train.take(torch.arange(min(count, len(data.train)))),
        validation=data.validation.take(torch.arange(min(VALIDATION, len(data.validation)))),
        test=data.test.take(torch.arange(min(100, len(data.test)))),
    )
