"""Runs the benchmarks named on the command line, or all of them."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sys
from pathlib import Path

from rows import Settings

#: Cheap ones first. ``start`` measures a fresh process; ``editor``, ``window`` and ``examples`` open windows;
#: ``training``, ``as_used``, ``beside_another`` and ``peers`` take minutes, and ``memory`` some gigabytes.
BENCHMARKS = (
    "documents",
    "records",
    "feeding",
    "streaming",
    "every_example",
    "tables",
    "explaining",
    "start",
    "editor",
    "window",
    "examples",
    "neurons",
    "own_input",
    "typed_weights",
    "answering",
    "training",
    "as_used",
    "beside_another",
    "peers",
    "memory",
    "on_gpu",
)


def main() -> int:
    """Print a row a figure."""
    parser = argparse.ArgumentParser(prog="scripts/bench.py", description="Numbers to hold, measured.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; default: all")
    parser.add_argument("--data-dir", type=Path, help="folder with MNIST in torchvision's layout")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    options = parser.parse_args()
    unknown = set(options.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    settings = Settings(options.quick, options.data_dir or _data_beside_the_checkout())
    print(f"Python {platform.python_version()} on {platform.machine()}, {os.cpu_count()} cores; medians (min–max)")
    missed = 0
    for name in options.names or BENCHMARKS:
        print(f"── {name}", flush=True)
        for row in importlib.import_module(name).measure(settings):
            row.print()
            missed += row.holds is False
    print(f"{missed} limits missed" if missed else "every limit held")
    return 0


def _data_beside_the_checkout() -> Path | None:
    if os.environ.get("NNVIZ_DATA"):
        return Path(os.environ["NNVIZ_DATA"])
    folder = Path(__file__).resolve().parents[3] / "shared" / "data"
    return folder if (folder / "MNIST" / "raw").is_dir() else None


if __name__ == "__main__":
    sys.exit(main())
