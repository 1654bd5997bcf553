"""Hostile project files: read, checked, summed up, saved, edited and undone; nothing but a sentence may come out.

``--fuzz N`` tries N of them, each time others; without it the same few.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
_USUAL = 80


@pytest.mark.timeout(0)
def test_whatever_is_in_a_file_a_sentence_comes_out(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    asked = request.config.getoption("--fuzz")
    count = asked or _USUAL
    seed = int(time.time()) if asked else 1
    script = Path(__file__).with_name("fuzz_projects.py")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(script), str(seed), str(count), str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120 + 2 * count,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(done.stdout)
    sys.stdout.write(f"seed {seed}: {result}")
    assert result["breaches"] == []
    assert result["failures"] == [], f"seed {seed}"
    assert result["files"] == count
    assert result["opened"] > count // 20, "most were refused at once: the fuzzer hardly tries anything"
    assert [path.name for path in tmp_path.iterdir()] == ["fuzzed.nnviz"], "something else was written"
