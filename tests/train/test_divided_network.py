"""A network that is divided among processes (FSDP) is trained as that of one process, and its run is the same.

The test with a second process takes as long as starting torch does: 3 to 5 seconds.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from torch import nn
from torch.distributed.tensor import DTensor

from nnviz import cli
from nnviz.commands.given_project import open_project
from nnviz.project.checks.memory import Estimate, Examples
from nnviz.project.checks.shapes import infer
from nnviz.record.store import open_run
from nnviz.train import build
from nnviz.train.sharded import Shards
from tests.train.test_several_processes import assert_same

#: Clipping by the norm over all layers is what no process knows alone.
SETTINGS = (
    "sample:spiral",
    "--set",
    "training.clipping=norm",
    "--set",
    "training.clipping.limit=0.2",
    "--set",
    "training.batch_size=77",
)


def test_two_processes_with_a_half_each_train_what_one_process_trains_and_either_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = str(probe.getsockname()[1])
    places = {"WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": port}
    divided: list[nn.Module] = []
    whole_network = Shards.whole_network

    def remembered(shards: Shards, network: nn.Module) -> nn.Module:
        divided.append(network)
        return whole_network(shards, network)

    monkeypatch.setattr(Shards, "whole_network", remembered)
    # What the first process finds of its device holds for the other one, too.
    monkeypatch.setattr(build, "fits", lambda *asked: False)
    one, two = str(tmp_path / "one.nnvizrun"), str(tmp_path / "two.nnvizrun")
    command = ["train", *SETTINGS, "--epochs", "1", "--device", "cpu", "--run-file", two]
    second = {**os.environ, **places, "RANK": "1", "LOCAL_RANK": "1"}
    words = [sys.executable, "-m", "nnviz", *command]
    with (
        subprocess.Popen(words, env=second, stderr=subprocess.PIPE, text=True) as follower,
        monkeypatch.context() as first_process,
    ):
        for name, value in {**places, "RANK": "0", "LOCAL_RANK": "0"}.items():
            first_process.setenv(name, value)
        try:
            assert cli.main(command) == 0
            assert follower.wait(60) == 0, follower.communicate()[1]
        finally:
            follower.kill()
    assert "instruments that need whole weights or gradients are left out" in capsys.readouterr().err
    # Of 105 numbers each process holds the rows that are its own, and no memory of the others.
    (network,) = divided
    parts = [parameter.data for parameter in network.parameters()]
    assert all(isinstance(part, DTensor) for part in parts)
    held = [part.to_local() for part in parts if isinstance(part, DTensor)]
    assert sum(part.numel() for part in parts) == 105
    assert [part.shape[0] for part in held] == [-(-part.shape[0] // 2) for part in parts]
    assert sum(part.untyped_storage().nbytes() for part in held) == 4 * sum(part.numel() for part in held)

    alone = ["train", *SETTINGS, "--device", "cpu"]
    assert cli.main([*alone, "--epochs", "1", "--run-file", one]) == 0
    with open_run(one) as first, open_run(two) as second:
        assert_same(first, second)
        assert "gradient_norm/linear1" in first.names() and "gradient_norm/linear1" not in second.names()
    for path in (one, two):  # of the divided one an undivided one goes on
        assert cli.main([*alone, "--epochs", "2", "--resume", "--run-file", path]) == 0
    with open_run(one) as first, open_run(two) as second:
        assert_same(first, second)


def test_a_process_counts_its_share_and_the_layers_that_are_whole_for_a_moment() -> None:
    project = open_project("sample:spiral")
    inference = infer(project.graph)
    alone, shared = (
        Estimate(project, inference, Examples(), accelerator=True, processes=count).needs().parts for count in (1, 4)
    )
    numbers = inference.parameters
    largest = max(result.parameters for result in inference.results.values())
    assert alone["weights"] == 4 * numbers and shared["weights"] == numbers  # 105 numbers of 4 bytes
    assert shared["the state of adam"] == 2 * shared["weights"] < alone["the state of adam"]
    whole = "the layers that are whole while they compute"
    assert alone[whole] == 0 and shared[whole] == 3 * 4 * largest


def test_one_process_has_nobody_to_divide_with(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", "sample:spiral", "--shard"]) == 2
    assert "start them with torchrun" in capsys.readouterr().err
