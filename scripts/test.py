"""Set nnviz up, if need be, and run every check and every test: ``python3 scripts/test.py [what pytest takes]``.

With arguments only pytest runs. Without, ruff, mypy strict and the import contracts come first.
"""

from __future__ import annotations

import os
import subprocess
import sys

import check
import environment

#: Every test process gets one thread: torch's pools would only fight each other on a few cores.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
#: A wait for a window that ran out, as on a busy machine, is made once more, and its traceback is shown. Nothing else
#: is (a number that is wrong once is wrong), and no more than three.
SECOND_TRY = ("--reruns", "1", "--only-rerun", "TimeoutError", "--max-suite-reruns", "3", "--rerun-show-tracebacks")


def main() -> int:
    """Set up, check, then run pytest; return 0 when all hold."""
    arguments = sys.argv[1:]
    interpreter = environment.ensure("test" if arguments else "develop")
    failed = []
    if not arguments:
        failed = check.failed_checks(interpreter)
        arguments = list(SECOND_TRY)
    if not any(argument.startswith("-n") for argument in arguments):
        # Not --dist loadgroup: with it, xdist 3.8 waits forever once a worker has crashed.
        arguments = ["-n", str(min(4, os.cpu_count() or 1)), *arguments]
    os.chdir(environment.ROOT)
    command = [str(interpreter), "-m", "pytest", *arguments]
    # Some machines forbid Python to keep what it compiles: each of hundreds of processes would compile all of nnviz.
    variables = {**ONE_THREAD, "QT_QPA_PLATFORM": "offscreen", "PYTHONDONTWRITEBYTECODE": ""}
    if not failed:
        environment.start(command, variables)
    print("── tests", flush=True)
    status = subprocess.call(command, env={**os.environ, **variables})
    print(f"failed: {', '.join([*failed, *(['tests'] if status else [])])}", flush=True)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
