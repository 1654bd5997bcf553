"""Training that is killed at any moment and gone on with ends bit for bit where it would have ended."""

from __future__ import annotations

import json
import logging
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

_log = logging.getLogger(__name__)
#: Kills in the suite; any number with ``--fuzz N``.
KILLS = 3
EPOCHS = 100
#: Epochs that a killed process makes at most.
MOST_EPOCHS = 40
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


def epochs_in(log: Path) -> int:
    """Epochs whose end was printed."""
    return log.read_bytes().count(b'"event": "epoch"') if log.exists() else 0


@pytest.mark.timeout(0)
def test_killed_trainings_end_where_an_undisturbed_one_ends(
    tmp_path: Path, pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    kills = pytestconfig.getoption("--fuzz") or KILLS
    reference = tmp_path / "reference.nnvizrun"
    assert cli.main([*ARGUMENTS, "--run", str(reference)]) == 0
    expected = facts(reference)
    context, chance = a_context(), random.Random(11)
    path = tmp_path / "killed.nnvizrun"
    finished = gone_on = 0
    for number in range(kills):
        log = tmp_path / f"log{number}"
        resume = path.exists()
        process = context.Process(target=trained, args=(str(path), str(log), resume), daemon=True)
        process.start()
        # Mostly in the middle of an epoch, now and then before the first.
        epochs = chance.choice((0, *range(1, MOST_EPOCHS)))
        while process.is_alive() and epochs_in(log) < epochs:
            time.sleep(0.002)
        process.join(chance.uniform(0, 0.05))
        process.kill()
        process.join()
        if process.exitcode == 0:  # it was done before
            assert facts(path) == expected
            finished += 1
            path.unlink()
        elif path.exists():
            with open_run(path) as stored:
                gone_on += bool(stored.checkpoints())
    if path.exists():
        capsys.readouterr()
        assert cli.main([*ARGUMENTS, "--run", str(path), "--resume"]) == 0
        last = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert last["run"] == str(path) and last["run_complete"] is True
        assert facts(path) == expected
        finished += 1
    _log.info("%d kills, %d of them behind a checkpoint; %d runs came to their end", kills, gone_on, finished)
    assert finished and gone_on
