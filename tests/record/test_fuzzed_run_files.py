"""Mutated run files, read where nothing may be started, connected or written: one sentence, or a run; never more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("fuzzed_run_files.py")
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.timeout(0)
def test_mutated_run_files_are_read_or_refused(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    count = pytestconfig.getoption("--fuzz") or 60
    ended = subprocess.run(
        [sys.executable, "-W", "error", str(PROGRAM), str(tmp_path), "0", str(count)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stdout[-6000:] + ended.stderr[-3000:]
