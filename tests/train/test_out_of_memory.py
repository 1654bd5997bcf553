"""Memory that runs out anywhere ends in a sentence that says for what, and what was measured until then is kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nnviz import cli
from nnviz.commands import listings
from nnviz.errors import is_out_of_memory

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="RLIMIT_AS does not hold elsewhere")
def test_memory_that_runs_out_anywhere_ends_in_a_sentence() -> None:
    """Twenty-two trainings, each with another limit that begins at another place of its life."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "train" / "starved.py", "7", "2"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == 22
    for result in results:
        said = result["said"]
        assert result["status"] in (0, 1), result
        assert not [line for line in said if "Traceback" in line or "panicked" in line], result
        if result["status"] == 1:
            assert said[-1].startswith("nnviz: "), result
            assert "memory" in said[-1], result
        if result["place"] not in ("loading", "building"):
            assert result["kept to step"] >= 0, result
    assert sum(result["status"] == 1 for result in results) >= 16, "the limits were too wide to show anything"


class Panic(BaseException):
    """As native code raises it."""


Panic.__name__ = "PanicException"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        Panic("PyObject pointer is null"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:126] err == 0. DefaultCPUAllocator: can't allocate memory: you …"),
        RuntimeError("std::bad_alloc"),
        RuntimeError("could not create a primitive"),
        RuntimeError("can't start new thread"),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
        OSError(12, "Cannot allocate memory"),
    ],
    ids=lambda error: type(error).__name__ + str(error)[:20],
)
def test_the_command_line_says_it_in_one_line(
    error: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def samples() -> int:
        raise error

    assert is_out_of_memory(error)
    monkeypatch.setattr(listings, "samples", samples)
    assert cli.main(["samples"]) == 1
    assert capsys.readouterr().err == "nnviz: The memory was not enough: close other programs.\n"


@pytest.mark.parametrize("error", [RuntimeError("shapes do not fit"), OSError(28, "No space left"), KeyError("memory")])
def test_what_is_no_lack_of_memory_is_not_called_so(error: BaseException) -> None:
    assert not is_out_of_memory(error)
