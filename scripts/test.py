"""Set nnviz up, if need be, and run every test: ``python3 scripts/test.py [what pytest takes]``."""

from __future__ import annotations

import os
import sys

import environment

#: Every test process gets one thread: torch's pools would only fight each other on a few cores.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def main() -> None:
    """Set up, then become pytest."""
    interpreter = environment.ensure("test")
    arguments = sys.argv[1:]
    if not any(argument.startswith("-n") for argument in arguments):
        # Not --dist loadgroup: with it, xdist 3.8 waits forever once a worker has crashed.
        arguments = ["-n", str(min(4, os.cpu_count() or 1)), *arguments]
    os.chdir(environment.ROOT)
    environment.start([interpreter, "-m", "pytest", *arguments], {**ONE_THREAD, "QT_QPA_PLATFORM": "offscreen"})


if __name__ == "__main__":
    main()
