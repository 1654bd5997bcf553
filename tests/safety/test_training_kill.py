"""Training that is killed at any moment and gone on with ends bit for bit where it would have ended."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import time
from multiprocessing.context import BaseContext
from pathlib import Path

import numpy as np
import pytest

from nnviz import cli
from nnviz.record.store import open_run

#: Kills in the suite; any number with ``--fuzz N``.
KILLS = 3
EPOCHS = 60
ARGUMENTS = ["train", "sample:spiral", "--epochs", str(EPOCHS), "--seed", "7", "--json"]


def a_context() -> BaseContext:
    """Processes that begin with torch imported, where the system can do that."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["nnviz.train.headless", "nnviz.cli"])
    return context


def trained(path: str, log: str, resume: bool) -> None:
    """The command line in a process of its own."""
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 1)
    os.dup2(1, 2)
    os._exit(cli.main([*ARGUMENTS, "--run", path, *(["--resume"] if resume else [])]))


def facts(path: Path) -> tuple[dict[str, bytes], dict[str, tuple[bytes, bytes]]]:
    """Everything of a run that its project and seed decide: last checkpoint and curves."""
    with open_run(path) as stored:
        assert stored.finished and stored.state == "done"
        curves = {}
        for name in ("loss/train", "loss/validation", "accuracy/train", "accuracy/validation", "epoch", "loss/test"):
            steps, values = stored.scalars(name)
            curves[name] = (steps.tobytes(), np.asarray(values).tobytes())
        return dict(stored.load_checkpoint()), curves


@pytest.mark.timeout(0)
def test_killed_trainings_end_where_an_undisturbed_one_ends(
    tmp_path: Path, pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    kills = pytestconfig.getoption("--fuzz") or KILLS
    reference = tmp_path / "reference.nnvizrun"
    began = time.monotonic()
    assert cli.main([*ARGUMENTS, "--run", str(reference)]) == 0
    longest = time.monotonic() - began
    expected = facts(reference)
    context, chance = a_context(), random.Random(11)
    path, log = tmp_path / "killed.nnvizrun", tmp_path / "log"
    done = finished = 0
    while done < kills:
        process = context.Process(target=trained, args=(str(path), str(log), path.exists()), daemon=True)
        process.start()
        while not path.exists() and process.is_alive():
            time.sleep(0.002)
        process.join(chance.uniform(0, longest * chance.choice((0.1, 1.0))))
        if process.is_alive():
            process.kill()
            process.join()
            done += 1
        elif process.exitcode == 0:  # it was done before: once more from the start
            assert facts(path) == expected
            finished += 1
            path.unlink()
        else:
            pytest.fail(log.read_text())
    if path.exists():
        capsys.readouterr()
        assert cli.main([*ARGUMENTS, "--run", str(path), "--resume"]) == 0
        last = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert last["run"] == str(path) and last["run_complete"] is True
        assert facts(path) == expected
        finished += 1
    assert finished
