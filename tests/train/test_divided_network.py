"""What two processes train is what one process trains, by every recipe, with whole networks and with divided ones.

One second process does all of it: starting torch takes 3 to 5 seconds.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from torch import nn
from torch.distributed.tensor import DTensor

from nnviz import cli
from nnviz.commands.given_project import open_project
from nnviz.commands.training_report import BarReport
from nnviz.project.checks.memory import Estimate, Examples
from nnviz.project.checks.shapes import infer
from nnviz.project.files import io
from nnviz.project.model import Choice, DataConfig, Project, TrainConfig
from nnviz.project.samples.sketch import chain, features, linear, output, plain
from nnviz.record.store import RunLock, RunWriter, StoredRun, open_run
from nnviz.train import build
from nnviz.train import checkpoint as checkpoints
from nnviz.train.headless import reopen
from nnviz.train.session import TrainingSession
from nnviz.train.sharded import Shards
from nnviz.train.unit_switches import Unit, UnitSwitches
from nnviz.train.weight_edits import WeightChange
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
    "--set",
    "training.averaging=ema",
)
_USUAL = TrainConfig(Choice("adam", {"learning_rate": 0.02}), batch_size=29, epochs=3, device="cpu")
#: Of its 320 examples one is left for the last batch, which the normalisation cannot take: it joins the one before it.
_PROJECT = Project(
    name="many",
    graph=chain(features(2), linear(9), plain("tanh"), plain("batch_norm1d"), linear(5), plain("tanh"), linear(1),
                output("bce_logits")),
    data=DataConfig("moons"),
    training=_USUAL,
)  # fmt: skip
#: Name -> how it is trained.
RECIPES = {
    "accumulated": replace(
        _USUAL, accumulation=3, clipping=Choice("norm", {"limit": 0.2}), averaging=Choice("ema", {"decay": 0.9})
    ),
    "decided once": replace(
        _USUAL,
        epochs=6,
        keep_best=True,
        best_by="accuracy",
        averaging=Choice("swa", {"from_epoch": 2}),
        schedule=Choice("plateau", {"patience": 1, "least_improvement": 0.2}),
        early_stopping=Choice("patience", {"patience": 3, "least_improvement": 0.2}),
    ),
    "mixed": replace(_USUAL, epochs=2, accumulation=2, precision="mixed", channels_last="auto"),
}


@dataclass
class Pair:
    """What two processes have trained.

    Attributes:
        folder: With the runs, and the projects.
        divided: The network of which each had a half, in the first process.
        said: What the first process said of that.
        refused: What it said of a recipe that a divided network does not take.
        warm: What it said of a divided network that began with weights of another run.
    """

    folder: Path
    divided: nn.Module
    said: str
    refused: str
    warm: str


def trained(folder: Path) -> Pair:
    """Has the second process train everything with this one."""
    for name, recipe in RECIPES.items():
        io.save(replace(_PROJECT, training=recipe), folder / f"{name}.nnviz")
    divided = ["train", *SETTINGS, "--epochs", "1", "--device", "cpu", "--run-file", str(folder / "two.nnvizrun")]
    again = ["train", *SETTINGS, "--epochs", "2", "--device", "cpu", "--resume", "--shard", "--run-file"]
    again.append(str(folder / "three.nnvizrun"))
    refused = [*divided[:-1], str(folder / "never.nnvizrun"), "--shard"]
    refused += ["--set", "training.channels_last=always"]
    whole = [["train", str(folder / f"{name}.nnviz"), "--run-file", str(folder / f"{name} 2.nnvizrun")]
             for name in RECIPES]  # fmt: skip
    whole.append(["train", str(folder / "mixed.nnviz"), "--run-file", str(folder / "mixed 3.nnvizrun"), "--shard"])
    # Units that were switched off in a run stay so in as many processes as go on with it, also with other settings.
    switched = ["train", *SETTINGS, "--device", "cpu", "--run-file"]
    assert cli.main([*switched, str(folder / "off.nnvizrun"), "--epochs", "1"]) == 0
    _switch_off(folder / "off.nnvizrun")
    for name in ("off 2", "off 3", "trained before"):
        shutil.copy(folder / "off.nnvizrun", folder / f"{name}.nnvizrun")
    going_on = ["--epochs", "3", "--resume", "--set", "training.optimizer.beta1=0.8", "--set", "linear1.frozen=true"]
    going_on += ["--set", "training.batch_size=50"]
    assert cli.main([*switched, str(folder / "off.nnvizrun"), *going_on]) == 0
    whole.append([*switched, str(folder / "off 2.nnvizrun"), *going_on])
    whole.append([*switched, str(folder / "off 3.nnvizrun"), *going_on, "--shard"])
    # One layer fits, the others begin as they are; the second one is frozen from the start.
    warm = [*divided[:-1], str(folder / "warm 1.nnvizrun"), "--warm-from", str(folder / "trained before.nnvizrun")]
    warm += ["--set", "linear2.out_features=5", "--set", "linear2.frozen=true"]
    assert cli.main(warm) == 0
    warm_divided = [str(folder / "warm 2.nnvizrun") if "warm 1" in word else word for word in warm] + ["--shard"]
    by_hand = [*divided[:-1], str(folder / "by hand 1.nnvizrun")]
    with _changing_weights():
        assert cli.main(by_hand) == 0
    by_hand_divided = [*divided[:-1], str(folder / "by hand 2.nnvizrun"), "--shard"]
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = str(probe.getsockname()[1])
    places = {"WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": port}
    found: list[nn.Module] = []
    whole_network = Shards.whole_network

    def remembered(shards: Shards, network: nn.Module) -> nn.Module:
        found.append(network)
        return whole_network(shards, network)

    program = "import json, sys; from nnviz import cli; print([cli.main(one) for one in json.loads(sys.argv[1])])"
    words = [
        sys.executable,
        "-c",
        program,
        json.dumps([divided, again, refused, warm_divided, by_hand_divided, *whole]),
    ]
    second = {**os.environ, **places, "RANK": "1", "LOCAL_RANK": "1"}
    said = []
    with (
        subprocess.Popen(words, env=second, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as follower,
        pytest.MonkeyPatch.context() as first_process,
    ):
        for name, value in {**places, "RANK": "0", "LOCAL_RANK": "0"}.items():
            first_process.setenv(name, value)
        try:
            with first_process.context() as patch:
                patch.setattr(Shards, "whole_network", remembered)
                # What the first process finds of its device holds for the other one, too.
                patch.setattr(build, "fits", lambda *asked: False)
                said.append(_said(divided, 0))
            shutil.copy(folder / "two.nnvizrun", folder / "three.nnvizrun")
            _said(again, 0)
            said.append(_said(refused, 2))
            said.append(_said(warm_divided, 0))
            with _changing_weights():
                _said(by_hand_divided, 0)
            for command in whole:
                _said(command, 0)
            printed, errors = follower.communicate(timeout=60)
        finally:
            follower.kill()
    assert printed.strip() == str([0] * (5 + len(whole))), errors
    return Pair(folder, found[0], *said)


@contextmanager
def _changing_weights() -> Iterator[None]:
    """Somebody sets numbers of a session before its first step, in either half of a layer, and takes some back."""
    begin = BarReport.begin

    def begun(report: BarReport, session: TrainingSession) -> None:
        begin(report, session)
        session.edit_weights(
            [WeightChange("linear1", "weight", (7, 1), 0.5), WeightChange("linear1", "bias", (0,), -2)]
        )
        session.edit_weights([WeightChange("linear2", "weight", (5, 3), 3.0)])
        session.undo_edit()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BarReport, "begin", begun)
        yield


def _switch_off(path: Path) -> None:
    """What was a run with all its units has one that is switched off and one that is frozen."""
    lock = RunLock.take(path)
    with open_run(path) as stored:
        project = io.loads(stored.info.project_json)
    run, checkpoint, _ = reopen(path, project)
    assert checkpoint is not None
    switches = UnitSwitches(frozenset({Unit("linear1", 1)}), frozenset({Unit("linear1", 2)}))
    with RunWriter(run, path, resume=True, lock=lock) as writer:
        progress = checkpoint.progress
        blobs = checkpoints.to_blobs(dataclasses.replace(checkpoint, switches=switches))
        writer.save_checkpoint(progress.step, progress.evaluated_epochs, blobs, "pause")


def _said(command: list[str], status: int) -> str:
    text = StringIO()
    with redirect_stderr(text), redirect_stdout(StringIO()):
        assert cli.main(command) == status, text.getvalue()
    return text.getvalue()


def weights_of(run: StoredRun) -> checkpoints.Checkpoint:
    return checkpoints.from_blobs(run.load_checkpoint())


def test_two_processes_train_what_one_process_trains_and_either_goes_on(tmp_path: Path) -> None:
    """All in one test, so that all share one second process, whoever runs the tests."""
    pair = trained(tmp_path)
    _look_at_halves(pair)
    for name in RECIPES:
        _look_at_recipe(pair, name)
    with open_run(tmp_path / "off.nnvizrun") as one, open_run(tmp_path / "off 2.nnvizrun") as two:
        assert_same(one, two)  # what was switched off stays so
        assert weights_of(two).switches == weights_of(one).switches != UnitSwitches()
        assert weights_of(two).live == weights_of(one).live
        with open_run(tmp_path / "off 3.nnvizrun") as divided:
            assert_same(one, divided)
            kept = weights_of(divided)
            assert (kept.switches, kept.live, kept.sizes) == (
                weights_of(one).switches, weights_of(one).live, weights_of(one).sizes)  # fmt: skip
            assert kept.sizes[-1][1] == 50 and kept.live is not None and kept.live.frozen == {"linear1"}
    for name in ("warm", "by hand"):
        with open_run(tmp_path / f"{name} 1.nnvizrun") as one, open_run(tmp_path / f"{name} 2.nnvizrun") as divided:
            assert_same(one, divided)
            assert_near(weights_of(divided).average, weights_of(one).average, 1e-5)
    with open_run(tmp_path / "by hand 1.nnvizrun") as one, open_run(tmp_path / "two.nnvizrun") as untouched:
        assert one.scalars("loss/train")[1][0] != pytest.approx(untouched.scalars("loss/train")[1][0], rel=1e-3)
    for words in ("linear1 begins with trained weights", "linear2 (5 × 8, not 8 × 8)"):
        assert words in pair.warm


def assert_near(found: checkpoints.Tensors, wanted: checkpoints.Tensors, within: float) -> None:
    assert found.keys() == wanted.keys() and wanted
    for name, tensor in wanted.items():
        assert np.asarray(found[name]) == pytest.approx(np.asarray(tensor), rel=within, abs=within), name


def _look_at_halves(pair: Pair) -> None:
    assert "instruments that need whole weights or gradients are left out" in pair.said
    assert "Channels last are for a network that each process holds as a whole" in pair.refused
    # Of 105 numbers each process holds the rows that are its own, and no memory of the others.
    parts = [parameter.data for parameter in pair.divided.parameters()]
    assert all(isinstance(part, DTensor) for part in parts)
    held = [part.to_local() for part in parts if isinstance(part, DTensor)]
    assert sum(part.numel() for part in parts) == 105
    assert [part.shape[0] for part in held] == [-(-part.shape[0] // 2) for part in parts]
    assert sum(part.untyped_storage().nbytes() for part in held) == 4 * sum(part.numel() for part in held)

    one, two = str(pair.folder / "one.nnvizrun"), str(pair.folder / "two.nnvizrun")
    alone = ["train", *SETTINGS, "--device", "cpu"]
    assert cli.main([*alone, "--epochs", "1", "--run-file", one]) == 0
    with open_run(one) as first, open_run(two) as second:
        assert_same(first, second)
        assert_near(weights_of(second).average, weights_of(first).average, 1e-5)
        assert "gradient_norm/linear1" in first.names() and "gradient_norm/linear1" not in second.names()
    for path in (one, two):  # of the divided one an undivided one goes on, and a divided one has gone on
        assert cli.main([*alone, "--epochs", "2", "--resume", "--run-file", path]) == 0
    for other in (two, str(pair.folder / "three.nnvizrun")):
        with open_run(one) as first, open_run(other) as second:
            assert_same(first, second)
            assert_near(weights_of(second).average, weights_of(first).average, 1e-5)


def _look_at_recipe(pair: Pair, name: str) -> None:
    path = pair.folder / f"{name} 1.nnvizrun"
    assert cli.main(["train", str(pair.folder / f"{name}.nnviz"), "--run-file", str(path)]) == 0
    _compare(pair, name, path, pair.folder / f"{name} 2.nnvizrun")
    if name == "mixed":
        _compare(pair, name, path, pair.folder / f"{name} 3.nnvizrun")  # the divided one


def _compare(pair: Pair, name: str, path: Path, other_path: Path) -> None:
    within = 0.03 if name == "mixed" else 1e-4  # a normalisation makes rounding grow
    with open_run(path) as one, open_run(other_path) as two:
        for series in ("loss/train", "loss/validation", "loss/test", "learning_rate", "epoch"):
            (steps, values), (others, other_values) = one.scalars(series), two.scalars(series)
            assert np.array_equal(steps, others) and len(steps)
            assert other_values == pytest.approx(values, rel=within), series
        kept, other = weights_of(one), weights_of(two)
        assert kept.average.keys() == other.average.keys() and bool(kept.average) == (name != "mixed")
        if name != "mixed":
            assert_near(other.weights, kept.weights, within)
            assert_near(other.average, kept.average, within)
        assert other.progress.best_epoch == kept.progress.best_epoch
        if name == "decided once":
            rates = one.scalars("learning_rate")[1]
            assert min(rates) < max(rates) and kept.progress.evaluated_epochs < RECIPES[name].epochs


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
