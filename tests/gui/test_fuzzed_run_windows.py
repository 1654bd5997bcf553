"""Mutated run files in the real window: nothing ends it, and nothing is raised outside a notice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("fuzzed_run_windows.py")
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.timeout(0)
def test_the_window_lives_with_mutated_run_files(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    count = pytestconfig.getoption("--fuzz") or 12
    ended = subprocess.run(
        [sys.executable, "-W", "error", str(PROGRAM), str(tmp_path), "100", str(count)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, f"ended with {ended.returncode}: {ended.stdout[-6000:]}{ended.stderr[-3000:]}"
    assert ended.stdout.endswith(f"0 of {count} went wrong\n")
