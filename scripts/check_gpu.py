"""Everything that needs an NVIDIA GPU, in under five minutes: ``python3 scripts/check_gpu.py [--data-dir DIR]``.

Runs the tests for CUDA (the same weights as on the processor within float error, channels last, mixed precision, memory
that runs out, a second device where there is one), then measures training on the device against a bare script. Exit
status 0 where all tests hold, 1 where one fails, 2 where this computer has no GPU that torch can use: then nothing was
checked.
"""

from __future__ import annotations

import os
import subprocess
import sys

import environment

_LOOK = """
import torch
if torch.cuda.is_available():
    print(", ".join(torch.cuda.get_device_properties(index).name for index in range(torch.cuda.device_count())))
else:
    why = "was installed without CUDA" if torch.version.cuda is None else "finds no NVIDIA GPU"
    raise SystemExit(f"There is no GPU to check: torch {torch.__version__} {why}. Nothing was checked.")
"""
#: Seconds that the tests and the measurements may take.
_LIMIT = 150


def main() -> int:
    """Set up, look for a GPU, then test and measure."""
    interpreter = str(environment.ensure("test"))
    os.chdir(environment.ROOT)
    found = subprocess.run([interpreter, "-c", _LOOK], capture_output=True, text=True, check=False)
    if found.returncode:
        print((found.stderr.strip() or "torch could not be asked").splitlines()[-1], file=sys.stderr)
        return 2
    print(f"── {found.stdout.strip()}", flush=True)
    variables = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    tests = [interpreter, "-m", "pytest", "tests/cuda", "-m", "cuda", "-n", "0", "-q", "-p", "no:cacheprovider"]
    rows = [interpreter, "scripts/benchmarks/main.py", "on_gpu", "--quick", *sys.argv[1:]]
    status = 0
    for command in (tests, rows):
        try:
            done = subprocess.run(command, env=variables, timeout=_LIMIT, check=False).returncode
        except subprocess.TimeoutExpired:
            print(f"Given up after {_LIMIT} seconds: {' '.join(command[1:4])}", file=sys.stderr)
            done = 1
        status = status or int(done != 0)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
