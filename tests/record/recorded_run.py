"""A run that is recorded while its file, or its disk, comes to grief."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nnviz.record.readings import ArrayReading, Finding, Scalar
from nnviz.record.run import Run, RunInfo
from nnviz.record.store import RunWriter, open_run

INFO = RunInfo(project_json=b"{}", created=5.0, title="digits")


class Recorded:
    """A run that holds fewer points in memory than in its file, and its writer."""

    def __init__(self, path: Path, *, scalar_limit: int = 32) -> None:
        self.path = path
        self.run = Run(INFO, scalar_limit=scalar_limit)
        self.told: list[str] = []
        self.writer = RunWriter(self.run, path, on_error=lambda error: self.told.append(str(error)), interval=0.02)
        self.steps = 0

    def train(self, steps: int = 100) -> None:
        for step in range(self.steps, self.steps + steps):
            self.run.append([Scalar("loss/train", step, step / 7), ArrayReading("output/a", step, np.full(3, step))])
        self.steps += steps
        self.run.append([Finding("finding/x", self.steps - 1, "warning", "text")])
        self.writer.save_checkpoint(self.steps, 1, {"weights": bytes([self.steps % 251]) * 100}, "epoch")

    def check(self, path: Path, *, whole: bool = True) -> None:
        """The file holds everything, or everything that memory still held."""
        with open_run(path) as stored:
            steps, values = stored.scalars("loss/train")
            expected = np.arange(self.steps) if whole else self.run.scalars("loss/train")[0]
            assert set(expected.tolist()) <= set(steps.tolist())
            assert np.array_equal(values, steps / 7)
            assert stored.last_step == self.steps - 1
            assert stored.latest("output/a").step == self.steps - 1  # type: ignore[union-attr]  # it is there
            assert stored.findings()[0].step == self.steps - 1
            assert stored.load_checkpoint()["weights"] == bytes([self.steps % 251]) * 100
        assert not list(path.parent.glob(f"{path.name}-*")) and not list(path.parent.glob(".*.lock"))
