"""Training on a machine that is not idle: ``nnviz train`` and a bare script, each beside a process that computes.

PyTorch's threads wait for each other at every operation, so that a script with as many of them as there are cores is
held up by whoever takes one of the cores. Nothing but that process is different from ``as_used``.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from as_used import Case, command, epoch_seconds
from rows import Row, Settings, ratios

_CASE = Case("mlp-512-dropout", 3, 3)
_BARE, _OURS = "bare script", "nnviz train"


def measure(settings: Settings) -> Iterator[Row]:
    """Rows of this file."""
    if settings.data_dir is None:
        yield Row("training beside another process", "not measured", "needs --data-dir with MNIST")
        return
    taken: dict[str, list[float]] = {_BARE: [], _OURS: []}
    with _busy_process():
        for index in range(1 if settings.quick else _CASE.rounds):
            for name in taken if index % 2 == 0 else reversed(taken):
                with tempfile.TemporaryDirectory() as folder:
                    words = command(name, _CASE, settings.data_dir, Path(folder))
                    taken[name].append(epoch_seconds(words, _CASE.epochs))
    low, middle, high = ratios(taken[_OURS], taken[_BARE])
    yield Row(
        f"{_CASE.sample}, {_OURS}, beside a process that computes",
        f"{middle:.3f} times the bare script's time ({low:.3f}–{high:.3f})",
        f"limit 1.00 ({statistics.median(taken[_OURS]):.2f} s an epoch, bare {statistics.median(taken[_BARE]):.2f} s)",
        middle < 1.0,
    )


@contextmanager
def _busy_process() -> Iterator[None]:
    """One that does nothing else, on one core."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        try:
            yield
        finally:
            process.kill()
