"""Training as the user gets it: whole programs, the sample's own settings, every file written, beside a bare script.

Four programs, each a process of its own with its own settings of threads: a PyTorch script as one writes it by hand
(full validation each epoch, the best weights kept, a checkpoint and a log written), ``nnviz train``, the same with no
instrument, and the window, visible, with the play button pressed. They train in turn, an epoch each; the first epoch,
in which all warms up, is not counted.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rows import Row, Settings, ratios
from turns import Program, epochs_in_turn

_FOLDER = Path(__file__).resolve().parent
BARE, OURS, SILENT, WINDOW = "bare script", "nnviz train", "nnviz train, instruments off", "the visible window"


@dataclass(frozen=True)
class Case:
    """A sample and for how many epochs it is trained here, the first one and, measured quickly, of those that count."""

    sample: str
    counted: int
    quickly: int

    def epochs(self, quick: bool) -> int:
        """All of them."""
        return 1 + (self.quickly if quick else self.counted)


#: An epoch takes about 3 to 4 s and about 50 to 75 s on two cores.
CASES = (Case("mlp-512-dropout", 10, 5), Case("cnn-32-64", 3, 1))
#: The window draws on a core that, where there are few, the training waits for.
_WINDOW_LIMIT = 1.15 if (os.cpu_count() or 1) >= 4 else 1.5
#: program -> limit of its time as a multiple of the bare script's
LIMITS = {OURS: 1.08, SILENT: 1.02, WINDOW: _WINDOW_LIMIT}


def measure(settings: Settings) -> Iterator[Row]:
    """Rows of this file."""
    if settings.data_dir is None:
        yield Row("training as the user gets it", "not measured", "needs --data-dir with MNIST")
        return
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            epochs = case.epochs(settings.quick)
            programs = {
                name: Program(command(name, case.sample, epochs, settings.data_dir, Path(folder) / str(index)))
                for index, name in enumerate((BARE, *LIMITS))
            }
            taken = epochs_in_turn(programs, epochs)
        bare = taken.pop(BARE)
        yield Row(
            f"{case.sample}, {BARE}, whole epochs",
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


def command(name: str, sample: str, epochs: int, data_dir: Path, folder: Path) -> Sequence[str]:
    """What Python is to run, of the programs that are compared here.

    Args:
        name: Of the program.
        sample: What it trains.
        epochs: For how long.
        data_dir: Where MNIST is.
        folder: Where it writes; it is made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if name == OURS:
        words = ["-m", "nnviz", "train", f"sample:{sample}", "--data-dir", str(data_dir), "--json"]
        return [*words, "--epochs", str(epochs), "--run", str(folder / "bench.nnvizrun")]
    script = {BARE: "bare", SILENT: "silent", WINDOW: "visible"}[name]
    return [str(_FOLDER / "programs" / f"{script}.py"), sample, str(epochs), str(data_dir), str(folder)]
