"""Everything that needs an NVIDIA GPU, in under five minutes: ``python3 scripts/check_gpu.py [--data-dir DIR]``.

Runs the tests for CUDA (the same weights as on the processor within float error, channels last, mixed precision, memory
that runs out, a second device where there is one), then measures training on the device against a bare script. Exit
status 0 where all tests hold, 1 where one fails, 2 where this computer has no GPU that torch can use: then nothing was
checked. The first start on a computer sets ``.venv`` up, which is not in the five minutes: torch for CUDA is some
gigabytes.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

import environment

_LOOK = """
import torch
if torch.cuda.is_available():
    print(", ".join(torch.cuda.get_device_properties(index).name for index in range(torch.cuda.device_count())))
else:
    why = "was installed without CUDA" if torch.version.cuda is None else "finds no NVIDIA GPU"
    raise SystemExit(f"There is no GPU to check: torch {torch.__version__} {why}. Nothing was checked.")
"""
#: Seconds that tests and measurements may take together; and what is kept of them for the measurements.
_LIMIT, _MEASURING = 280, 100
_CURE = (
    "This computer has an NVIDIA driver: remove .venv, see that pip is not set up to take PyTorch's CPU build, and "
    "start this again."
)


def main() -> int:
    """Set up, look for a GPU, then test and measure."""
    interpreter = str(environment.ensure("test"))
    os.chdir(environment.ROOT)
    found = subprocess.run([interpreter, "-c", _LOOK], capture_output=True, text=True, check=False)
    if found.returncode:
        print((found.stderr.strip() or "torch could not be asked").splitlines()[-1], file=sys.stderr)
        if "without CUDA" in found.stderr and shutil.which("nvidia-smi"):
            print(_CURE, file=sys.stderr)
        return 2
    print(f"── {found.stdout.strip()}", flush=True)
    variables = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    tests = [interpreter, "-m", "pytest", "tests/cuda", "-m", "cuda", "-n", "0", "-q", "-p", "no:cacheprovider"]
    rows = [interpreter, "scripts/benchmarks/main.py", "on_gpu", "--quick", *sys.argv[1:]]
    end = time.monotonic() + _LIMIT
    status = 0
    for command, kept in ((tests, _MEASURING), (rows, 0)):
        status = status or int(_run(command, variables, end - kept) != 0)
    return status


def _run(command: Sequence[str], variables: Mapping[str, str], end: float) -> int:
    """Runs a command; at the end of its time it is ended, with all that it has started: training in two processes."""
    began = time.monotonic()
    with subprocess.Popen(command, env=variables, start_new_session=not environment.WINDOWS) as process:
        try:
            return process.wait(max(end - began, 1))
        except subprocess.TimeoutExpired:
            print(f"Given up after {time.monotonic() - began:.0f} seconds: {' '.join(command[1:4])}", file=sys.stderr)
            return 1
        finally:
            if process.poll() is None:
                if environment.WINDOWS:
                    process.kill()
                else:
                    os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    raise SystemExit(main())
