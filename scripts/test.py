"""Set nnviz up, if need be, and run every check and every test: ``python3 scripts/test.py [what pytest takes]``.

With arguments only pytest runs. Without, ruff, mypy strict and the import contracts run beside the tests.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import check
import environment

#: Every test process gets one thread: torch's pools would only fight each other on a few cores.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
#: A wait for a window that ran out, as on a busy machine, is made once more, and its traceback is shown. Nothing else
#: is (a number that is wrong once is wrong), and no more than three.
SECOND_TRY = ("--reruns", "1", "--only-rerun", "TimeoutError", "--max-suite-reruns", "3", "--rerun-show-tracebacks")
#: Where Linux keeps files in memory, and how much of it has to be free. Tests make thousands of folders and wait until
#: run files are on the disk, which is most of what they wait for.
IN_MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a folder of its own there, for nobody else, and looks whose it is
ROOM = 8 << 30


def folder_in_memory() -> dict[str, str]:
    """The variable that has pytest make the folders of tests in memory, where there is room; else nothing."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        available = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
        if min(available, shutil.disk_usage(IN_MEMORY).free) < ROOM or not os.access(IN_MEMORY, os.W_OK | os.X_OK):
            return {}
    except (OSError, StopIteration, ValueError):
        return {}
    return {"PYTEST_DEBUG_TEMPROOT": str(IN_MEMORY)}


def main() -> int:
    """Set up, check, and run pytest beside that; return 0 when all hold."""
    arguments = sys.argv[1:]
    checks = not arguments
    interpreter = environment.ensure("develop" if checks else "test")
    if checks:
        arguments = list(SECOND_TRY)
    if not any(argument.startswith("-n") for argument in arguments):
        # Not --dist loadgroup: with it, xdist 3.8 waits forever once a worker has crashed.
        arguments = ["-n", str(min(4, os.cpu_count() or 1)), *arguments]
    os.chdir(environment.ROOT)
    command = [str(interpreter), "-m", "pytest", *arguments]
    # Some machines forbid Python to keep what it compiles: each of hundreds of processes would compile all of nnviz.
    variables = {**ONE_THREAD, "QT_QPA_PLATFORM": "offscreen", "PYTHONDONTWRITEBYTECODE": "", **folder_in_memory()}
    if not checks:
        environment.start(command, variables)
    # The checks keep one core busy, for most of a minute the first time, and what they say comes among the first tests.
    with ThreadPoolExecutor(1) as beside:
        checked = beside.submit(check.failed_checks, interpreter)
        status = subprocess.call(command, env={**os.environ, **variables})
        failed = [*checked.result(), *(["tests"] if status else [])]
    print(f"failed: {', '.join(failed)}" if failed else "everything holds", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
