"""Mutated pictures of every format: each is read or refused with a sentence; ``--fuzz 500`` for a long run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
#: Pictures a run of the suite tries, and the seed they are drawn from.
_SHORT, _SEED = 60, 7
#: The most memory in MiB, libraries included.
_MEMORY = 3000


@pytest.mark.timeout(0)
def test_mutated_pictures_are_read_or_named(
    tmp_path: Path, pytestconfig: pytest.Config, record_property: Callable[[str, object], None]
) -> None:
    count = pytestconfig.getoption("--fuzz") or _SHORT
    environment = dict(
        os.environ, PYTHONPATH=str(HERE.parents[1]), OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", PYTHONHASHSEED="0"
    )
    command = [sys.executable, "-X", "faulthandler", HERE / "fuzz_pictures.py", tmp_path, count, _SEED, _MEMORY]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["faults"] == [] and report["refused"] == []
    tally = report["tally"]
    record_property("tally", tally)
    assert tally["pictures"] == count and tally["read"] + tally["refused"] == count
    assert tally["read"] > count // 10 and tally["refused"] > count // 10
    assert tally["folders"] == count // 10 and tally["folders read"] >= count // 60
