"""Training with all instruments, with none, and a bare PyTorch loop, on the same tensors, in turn."""

from __future__ import annotations

import dataclasses
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec
import torch
from hand_written import CASES
from rows import Row, Settings, in_turn, percentile, ratios, ratios_of
from torch import nn

from nnviz.data.tensors import LoadedData, load
from nnviz.probes.base import Probe
from nnviz.project.model import DataConfig, Project
from nnviz.project.samples import templates
from nnviz.record.run import Run, RunInfo
from nnviz.record.store import RunWriter
from nnviz.train.session import TrainingSession

VALIDATION = 2_000
SPIRAL_EPOCHS = 40


def bare_steps(
    build: Callable[[], nn.Module],
    optimizer_of: Callable[[nn.Module], torch.optim.Optimizer],
    data: LoadedData,
    batch_size: int,
    device: torch.device | None = None,
) -> Iterator[None]:
    """Trains for ever, a step at a time, and validates after each epoch, as a script without any instrument does it."""
    module = build().to(device)
    optimizer = optimizer_of(module)
    criterion = nn.CrossEntropyLoss()
    (inputs_of, targets_of), held = (
        (split.inputs[:].to(device), split.targets.to(device)) for split in (data.train, data.validation)
    )
    while True:
        module.train()
        order = torch.randperm(len(data.train), device=device)
        for first in range(0, len(order), batch_size):
            chosen = order[first : first + batch_size]
            inputs = inputs_of[chosen].float().div_(255)
            optimizer.zero_grad()
            loss = criterion(module(inputs), targets_of[chosen])
            loss.backward()
            optimizer.step()
            yield
        module.eval()
        right = 0
        with torch.no_grad():
            for first in range(0, len(data.validation), 256):
                outputs = module(held[0][first : first + 256].float().div_(255))
                right += int((outputs.argmax(1) == held[1][first : first + 256]).sum())


class Driven:
    """A session that writes its run's file, driven step by step on this thread: what ``train`` does, in pieces."""

    def __init__(self, project: Project, data: LoadedData, probes: tuple[Probe, ...] | None, path: Path) -> None:
        self.run = Run(RunInfo())
        self._writer = RunWriter(self.run, path)
        self._session = TrainingSession(project, self.run, data=data, probes=probes)
        self._session.begin()
        self._session.play()

    def steps(self) -> Iterator[None]:
        """Trains as far as the project says, validation and instruments included."""
        training = self._session.training
        before = training.step
        while self._session.take_turn(sys.maxsize):
            if training.step != before:
                before = training.step
                yield

    @property
    def cost(self) -> float:
        """Share that measuring took lately, as it is said in the window."""
        return float(self.run.scalars("cost/probes")[1][-1:].mean())

    def close(self) -> None:
        """Ends the session and its file."""
        self._session.end()
        self._writer.close()


def measure(settings: Settings) -> Iterator[Row]:
    """Rows of this file."""
    yield from spiral(settings)
    for name, build, optimizer_of, steps in CASES:
        project = templates.sample(name)
        project = msgspec.structs.replace(
            project, training=msgspec.structs.replace(project.training, epochs=1000, keep_best=False)
        )
        data = data_of(settings)
        with tempfile.TemporaryDirectory() as folder:
            off = Driven(project, data, (), Path(folder) / "off.nnvizrun")
            live = Driven(project, data, None, Path(folder) / "live.nnvizrun")
            ways = [bare_steps(build, optimizer_of, data, project.training.batch_size), off.steps(), live.steps()]
            # In turn, a second each: a machine that drifts meets all three alike.
            pieces = [partial(_go, way, steps) for way in ways]
            taken_bare, taken_off, taken_live = in_turn(pieces, settings.rounds(60))
            cost = live.cost
            off.close()
            live.close()
        rate = steps * project.training.batch_size / statistics.median(taken_bare)
        for what, ours, limit in (("all instruments live", taken_live, 1.10), ("instruments off", taken_off, 1.02)):
            taken = sorted(ratios_of(ours, taken_bare))
            low, middle, high = (percentile(taken, share) for share in (0.25, 0.5, 0.75))
            yield Row(
                f"{name}, {what}, against a bare loop",
                f"{middle:.3f} times its time (half of the pairs {low:.3f}–{high:.3f})",
                f"limit {limit:.2f} (bare loop {rate:,.0f} samples/s)",
                middle <= limit,
            )
        yield Row(f"{name}, what the instruments say they cost", f"{cost:.1%}", "budget 10 %")


def _go(way: Iterator[None], steps: int) -> None:
    for _ in range(steps):
        next(way)


def session_seconds(project: Project, data: LoadedData) -> float:
    """Seconds that a session with all instruments trains, its run's file being written."""
    with tempfile.TemporaryDirectory() as folder:
        run = Run(RunInfo())
        with RunWriter(run, Path(folder) / "bench.nnvizrun"):
            return TrainingSession(project, run, data=data).train().seconds


def spiral(settings: Settings) -> Iterator[Row]:
    """The smallest network, where a step is all bookkeeping."""
    project = templates.sample("spiral")
    project = msgspec.structs.replace(project, training=msgspec.structs.replace(project.training, epochs=SPIRAL_EPOCHS))
    data = load(project.data)
    bare: list[float] = []
    live: list[float] = []
    for index in range(settings.rounds(9) + 1):
        taken = spiral_loop(data, project.training.batch_size)
        seconds = session_seconds(project, data)
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
    inputs, targets = data.train.inputs[:].float(), data.train.targets.float().reshape(-1, 1)
    held_inputs, held_targets = data.validation.inputs[:].float(), data.validation.targets.float().reshape(-1, 1)
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


def data_of(settings: Settings) -> LoadedData:
    """MNIST with fewer examples for validation and test; noise of its size where it is not to be had."""
    if settings.data_dir is not None:
        data = load(DataConfig("mnist", validation_fraction=0.2), settings.data_dir)
    else:  # the same sizes, drawn at random: how long a step takes does not depend on what is in the pictures
        data = load(DataConfig("digits", validation_fraction=0.2))
        chosen = torch.randint(len(data.train), (48_000,))
        data = dataclasses.replace(data, train=data.train.take(chosen))
    return dataclasses.replace(
        data,
        validation=data.validation.take(torch.arange(min(VALIDATION, len(data.validation)))),
        test=data.test.take(torch.arange(min(100, len(data.test)))),
    )
