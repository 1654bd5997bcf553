"""Check what needs no test to be run: ``python3 scripts/check.py``. Ruff, its formatter, mypy strict, import contracts.

All of them run, also after one has failed; the exit status is that of the worst. ``scripts/test.py`` does it too.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import environment


def failed_checks(interpreter: Path) -> list[str]:
    """Run every check from the root of the checkout; return the names of those that do not hold.

    Args:
        interpreter: Of an environment that has the extra ``develop``.
    """
    os.chdir(environment.ROOT)
    checks: dict[str, list[str | Path]] = {
        "ruff": [interpreter, "-m", "ruff", "check", "."],
        "format": [interpreter, "-m", "ruff", "format", "--check", "."],
        "mypy": [interpreter, "-m", "mypy"],
        "imports": [interpreter.with_name("lint-imports")],
    }
    # Beside each other: one of them takes longer than the others together, and each takes one core.
    with tempfile.TemporaryDirectory() as folder:
        running = {}
        for name, command in checks.items():
            with Path(folder, name).open("wb") as said:
                running[name] = subprocess.Popen([str(part) for part in command], stdout=said, stderr=subprocess.STDOUT)
        failed = []
        for name, process in running.items():
            if process.wait() != 0:
                failed.append(name)
            words = Path(folder, name).read_text(encoding="utf-8", errors="replace")
            print(f"\n── {name}\n{words}", end="", flush=True)
    return failed


def main() -> int:
    """Run every check; return 0 when all hold."""
    failed = failed_checks(environment.ensure("develop"))
    print(f"failed: {', '.join(failed)}" if failed else "everything holds", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
