"""Checkpoints damaged at random: refused in a sentence, or gone on with as they were written. Never anything else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE.parent.parent), str(HERE)))}


def fuzzed(folder: Path, count: int, seed: int) -> dict[str, int]:
    """In a process of its own: what it is forbidden stays forbidden."""
    done = subprocess.run(
        [sys.executable, str(HERE / "fuzz_checkpoints.py"), str(folder), str(count), str(seed)],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    outcomes: dict[str, int] = json.loads(done.stdout)
    return outcomes


def test_damaged_checkpoints_are_refused_or_right(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    count = request.config.getoption("--fuzz") or 100
    outcomes = fuzzed(tmp_path, count, seed=7)
    assert sum(outcomes.values()) == count
    assert outcomes["refused"] > count / 2
    assert list(tmp_path.iterdir()) == []


def test_the_hook_does_refuse(tmp_path: Path) -> None:
    """A guard that lets everything through would find nothing."""
    folder = tmp_path / "own"
    folder.mkdir()
    tries = {
        "process": "__import__('subprocess').run(['true'])",
        "system": "__import__('os').system('true')",
        "network": "__import__('socket').create_connection(('127.0.0.1', 9))",
        "write": f"open({str(tmp_path / 'outside')!r}, 'w')",
        "delete": f"__import__('os').remove({str(tmp_path / 'outside')!r})",
        "rename": f"__import__('os').rename({str(tmp_path / 'outside')!r}, {str(folder / 'in')!r})",
        "inside": f"open({str(folder / 'inside')!r}, 'w')",
    }
    script = (
        f"import pathlib, fuzz_checkpoints as fuzz\nfuzz.watch(pathlib.Path({str(folder)!r}))\n"
        f"for name, code in {tries!r}.items():\n"
        "    try:\n        eval(code)\n    except fuzz.Escape:\n        print(name)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert done.stdout.split() == [name for name in tries if name != "inside"], done.stderr
