"""Check everything that a change must hold: ``python3 scripts/check.py [--quick]``.

Ruff, its formatter, mypy strict, the import contracts, then the tests (left out with ``--quick``). All of them run,
also after one has failed; the exit status is that of the worst.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import environment


def main() -> int:
    """Run every check; return 0 when all hold."""
    interpreter = environment.ensure("develop")
    os.chdir(environment.ROOT)
    checks: dict[str, list[str | Path]] = {
        "ruff": [interpreter, "-m", "ruff", "check", "."],
        "format": [interpreter, "-m", "ruff", "format", "--check", "."],
        "mypy": [interpreter, "-m", "mypy"],
        "imports": [interpreter.with_name("lint-imports")],
        "tests": [sys.executable, "scripts/test.py"],
    }
    if "--quick" in sys.argv[1:]:
        del checks["tests"]
    failed = []
    for name, command in checks.items():
        print(f"── {name}", flush=True)
        if subprocess.call([str(part) for part in command]) != 0:
            failed.append(name)
    print(f"failed: {', '.join(failed)}" if failed else "everything holds", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
