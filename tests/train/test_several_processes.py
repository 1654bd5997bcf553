"""One training in several processes is the training of one process, and the command of the README starts it.

The test with processes of its own takes as long as starting torch three times does: 5 to 10 seconds.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from nnviz import cli
from nnviz.errors import InputError
from nnviz.record.store import StoredRun, open_run
from nnviz.train import shared_norm
from nnviz.train.distributed import device_of
from nnviz.train.ranks import Ranks, of_environment

README = Path(__file__).resolve().parents[2] / "README.md"


def test_every_row_of_a_batch_is_somebodys_and_of_a_small_one_everybodys() -> None:
    for size in (2, 3, 8):
        for count in range(1, 40):
            parts = [range(count)[Ranks(rank, size, 0).part(count)] for rank in range(size)]
            if count < size:
                assert parts == [range(count)] * size
            else:
                assert [row for part in parts for row in part] == [*range(count)]
                assert max(map(len, parts)) - min(map(len, parts)) <= 1 <= min(map(len, parts))


def test_only_torchrun_says_that_there_are_several() -> None:
    torchrun = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "0", "MASTER_ADDR": "a", "MASTER_PORT": "1"}
    assert of_environment(torchrun) == Ranks(1, 2, 0)
    assert of_environment({"RANK": "1", "WORLD_SIZE": "2"}) is None
    assert of_environment({**torchrun, "RANK": "0", "WORLD_SIZE": "1"}) is None
    for wrong in ({"RANK": "2"}, {"RANK": "x"}, {"LOCAL_RANK": "-1"}):
        with pytest.raises(InputError, match="cannot be"):
            of_environment({**torchrun, **wrong})


def test_each_process_has_a_device_of_its_own_or_the_processor() -> None:
    second = Ranks(1, 2, 1)
    assert device_of("cpu", second).type == "cpu"
    for name, words in (("mps", "not on mps"), ("cuda:1", "not on cuda:1")):
        with pytest.raises(InputError, match=words):
            device_of(name, second)
    if torch.cuda.device_count() < 2:
        with pytest.raises(InputError, match="too few for its processes"):
            device_of("cuda", second)


def assert_same(one: StoredRun, other: StoredRun) -> None:
    """Both runs have the same steps, and within float error the same losses and weights."""
    for series in ("loss/train", "loss/validation", "loss/test", "learning_rate", "epoch"):
        (steps, values), (others, other_values) = one.scalars(series), other.scalars(series)
        assert np.array_equal(steps, others) and len(steps)
        assert other_values == pytest.approx(values, rel=2e-6)
    weights, others = (safetensors.torch.load(run.load_checkpoint()["weights"]) for run in (one, other))
    for name in weights:
        assert np.asarray(others[name]) == pytest.approx(np.asarray(weights[name]), rel=1e-5, abs=1e-6), name


def test_the_command_of_the_readme_trains_in_two_processes_what_one_process_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (command,) = re.findall(
        r"^ +(torchrun --standalone --nproc_per_node 2 -m nnviz train .*)$", README.read_text(), re.M
    )
    words = shlex.split(command)
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", *words[1:], "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1]["event"] == "finished" and events[-1]["run_complete"]
    monkeypatch.chdir(tmp_path)
    at = words.index("--run-file") + 1
    assert cli.main([*words[words.index("train") : at], "one.nnvizrun"]) == 0
    with open_run("one.nnvizrun") as one, open_run(words[at]) as two:
        assert two.info.facts["processes"] == "2" and two.finished
        assert_same(one, two)
        assert {"gradient_norm/linear1", "output/tanh1", "example_loss"} <= {*one.names()} & {*two.names()}
    capsys.readouterr()


@pytest.mark.parametrize("count", [11, 2])
def test_batch_normalisation_sees_the_whole_batch(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three threads stand in for three processes: a part of 11 examples each, or all of 2, which are counted once."""
    size = 3
    together, sums = threading.Barrier(size), [torch.empty(0)] * size

    def all_reduce(tensor: torch.Tensor) -> None:
        rank = int(threading.current_thread().name)
        sums[rank] = tensor.clone()
        together.wait(60)
        total = torch.stack(sums).sum(0)
        together.wait(60)
        tensor.copy_(total)

    monkeypatch.setattr(shared_norm.dist, "all_reduce", all_reduce)
    random = torch.Generator().manual_seed(3)
    inputs = torch.randn(count, 4, 5, 5, generator=random) * 3 + 1
    weights = torch.randn(count, 4, 5, 5, generator=random)

    def network() -> torch.nn.Sequential:
        torch.manual_seed(5)
        found = torch.nn.Sequential(torch.nn.Conv2d(4, 4, 3, padding=1), torch.nn.BatchNorm2d(4), torch.nn.Tanh())
        torch.nn.init.normal_(found[1].weight)
        return found

    alone = network()
    (alone(inputs) * weights).sum().backward()
    networks = [network() for _ in range(size)]

    def work(rank: int) -> None:
        part = Ranks(rank, size, 0).part(count)
        (networks[rank](inputs[part]) * weights[part]).sum().backward()

    for one in networks:
        shared_norm.share(one)
    with shared_norm.over(count):
        threads = [threading.Thread(target=work, args=(rank,), name=str(rank)) for rank in range(size)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for name, parameter in alone.named_parameters():
        gradients = [one.get_parameter(name).grad for one in networks]
        summed = sum(gradients) / (1 if count >= size else size)
        assert torch.allclose(summed, parameter.grad, rtol=1e-4, atol=1e-4), name
    for one in networks:
        for name, buffer in alone.named_buffers():
            assert torch.allclose(one.get_buffer(name), buffer, rtol=1e-5, atol=1e-6), name
        one.train()
        again = network()
        again.load_state_dict(one.state_dict())
        assert torch.equal(one(inputs), again(inputs))  # outside of such a step it is as it always is
