"""Training as the user gets it: whole programs, the sample's own settings, every file written, beside a bare script.

Four programs are run in turn, each in a process of its own with its own settings of threads: a PyTorch script as one
writes it by hand (full validation each epoch, the best weights kept, a checkpoint and a log written), ``nnviz train``,
the same with no instrument, and the window, visible, with the play button pressed. What is compared is the time from
the end of the first epoch (the first step warms everything up) to the end of the last one.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rows import Row, Settings, ratios

_FOLDER = Path(__file__).resolve().parent
_PATIENCE = 3600


@dataclass(frozen=True)
class Case:
    """A sample and for how many epochs it is trained here, of those that its own settings say."""

    sample: str
    epochs: int
    rounds: int


#: An epoch takes about 2 to 3 s and about 50 to 75 s on two cores.
CASES = (Case("mlp-512-dropout", 5, 5), Case("cnn-32-64", 2, 1))
#: The window draws on a core that, where there are few, the training waits for.
_WINDOW_LIMIT = 1.15 if (os.cpu_count() or 1) >= 4 else 1.5
#: program -> limit of its time as a multiple of the bare script's
LIMITS = {"nnviz train": 1.08, "nnviz train, instruments off": 1.02, "the visible window": _WINDOW_LIMIT}


def measure(settings: Settings) -> Iterator[Row]:
    """Rows of this file."""
    if settings.data_dir is None:
        yield Row("training as the user gets it", "not measured", "needs --data-dir with MNIST")
        return
    for case in CASES:
        rounds = 1 if settings.quick else case.rounds
        taken: dict[str, list[float]] = {"bare script": [], **{name: [] for name in LIMITS}}
        for index in range(rounds):
            names = list(taken)
            for name in names if index % 2 == 0 else reversed(names):
                taken[name].append(_epoch_seconds(name, case, settings.data_dir))
        bare = taken.pop("bare script")
        yield Row(
            f"{case.sample}, bare script, whole epochs",
            f"{statistics.median(bare):.2f} s an epoch ({min(bare):.2f}–{max(bare):.2f})",
            "the peer of the next rows",
        )
        for name, ours in taken.items():
            low, middle, high = ratios(ours, bare)
            yield Row(
                f"{case.sample}, {name}, whole epochs",
                f"{middle:.3f} times its time ({low:.3f}–{high:.3f})",
                f"limit {LIMITS[name]:.2f} ({statistics.median(ours):.2f} s an epoch)",
                middle <= LIMITS[name],
            )


def _epoch_seconds(name: str, case: Case, data_dir: Path) -> float:
    """Seconds an epoch after the first one: ends of epochs as this process sees the lines that tell of them."""
    with tempfile.TemporaryDirectory() as folder:
        return epoch_seconds(command(name, case, data_dir, Path(folder)), case.epochs)


def command(name: str, case: Case, data_dir: Path, folder: Path) -> Sequence[str]:
    """What Python is to run, of the programs that are compared here.

    Args:
        name: Of the program.
        case: What it trains.
        data_dir: Where MNIST is.
        folder: Where it writes.
    """
    if name == "nnviz train":
        words = ["-m", "nnviz", "train", f"sample:{case.sample}", "--data-dir", str(data_dir), "--json"]
        return [*words, "--epochs", str(case.epochs), "--run", str(folder / "bench.nnvizrun")]
    script = {"bare script": "bare", "nnviz train, instruments off": "silent", "the visible window": "visible"}[name]
    return [str(_FOLDER / "programs" / f"{script}.py"), case.sample, str(case.epochs), str(data_dir), str(folder)]


def epoch_seconds(
    arguments: Sequence[str], epochs: int, interpreter: str = sys.executable, more: Mapping[str, str] | None = None
) -> float:
    """Seconds an epoch after the first one, as this process sees the lines that tell of the ends of epochs.

    Args:
        arguments: What Python is to run.
        epochs: How many it trains, at least 2.
        interpreter: Which Python.
        more: Environment variables of the program, besides those of this one.

    Raises:
        RuntimeError: The program failed, or told of fewer epochs.
    """
    ends = _line_times(arguments, epochs, interpreter, more or {})
    return (ends[-1] - ends[0]) / (epochs - 1)


def _line_times(arguments: Sequence[str], epochs: int, interpreter: str, more: Mapping[str, str]) -> list[float]:
    """When each epoch was said to have ended."""
    variables = {**os.environ, "PYTHONUNBUFFERED": "1", **more}
    ends: list[float] = []
    began = time.monotonic()
    with subprocess.Popen(
        [interpreter, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables
    ) as process:
        for line in process.stdout or ():
            if line.startswith("{") and json.loads(line).get("event") == "epoch":
                ends.append(time.perf_counter())
            if time.monotonic() - began > _PATIENCE:
                process.kill()
        errors = process.stderr.read() if process.stderr is not None else ""
    if process.returncode != 0 or len(ends) != epochs:
        raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode}: {errors[-2000:]}")
    return ends
