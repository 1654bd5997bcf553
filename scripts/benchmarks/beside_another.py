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

from as_used import BARE, OURS, command
from rows import Row, Settings, ratios
from turns import Program, epochs_in_turn

_SAMPLE = "mlp-512-dropout"
#: Epochs, beside the first one.
_COUNTED = 6


def measure(settings: Settings) -> Iterator[Row]:
    """Rows of this file."""
    if settings.data_dir is None:
        yield Row("training beside another process", "not measured", "needs --data-dir with MNIST")
        return
    epochs = 1 + settings.rounds(_COUNTED)
    with tempfile.TemporaryDirectory() as folder, _busy_process():
        programs = {
            name: Program(command(name, _SAMPLE, epochs, settings.data_dir, Path(folder) / str(index)))
            for index, name in enumerate((BARE, OURS))
        }
        taken = epochs_in_turn(programs, epochs)
    low, middle, high = ratios(taken[OURS], taken[BARE])
    yield Row(
        f"{_SAMPLE}, {OURS}, beside a process that computes",
        f"{middle:.3f} times the bare script's time ({low:.3f}–{high:.3f})",
        f"limit 1.00 ({statistics.median(taken[OURS]):.2f} s an epoch, bare {statistics.median(taken[BARE]):.2f} s)",
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
