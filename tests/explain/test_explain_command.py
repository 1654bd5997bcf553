"""``nnviz explain``: the same explanation as text and as JSON, and one clear sentence for what is not there."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from nnviz import cli
from nnviz.data.tensors import load
from nnviz.project.samples.templates import sample
from nnviz.record.store import open_run
from nnviz.train import checkpoint as checkpoints
from nnviz.train.training import Training


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """The JSON of an explanation, whose terms sum to its value."""
    capsys.readouterr()
    assert cli.main(["explain", *arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    values = [term["value"] for term in found["terms"]]
    size = math.fsum(map(abs, values)) + abs(found["value"])
    assert abs(math.fsum(values) - found["value"]) <= 2.0**-18 * size + 1e-30
    for term in found["terms"]:
        assert term["source"]
        if "stands_for" not in term:
            assert term["value"] == math.prod(factor["value"] for factor in term["factors"])
    return found


def text(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert cli.main(["explain", *arguments]) == 0
    return capsys.readouterr().out


def test_a_neuron(capsys: pytest.CaptureFixture[str]) -> None:
    found = asked(capsys, "sample:xnor-two-layer", "linear1", "--unit", "1", "--example", "3")
    assert (found["node"], found["unit"], found["position"], found["index"]) == ("linear1", 1, None, [1])
    assert found["value"] == 0.5 and found["step"] == 0
    assert found["example"] == {"split": "validation", "index": 3, "right": "1"}
    assert {term["source"]: term["value"] for term in found["terms"]} == {
        "bias": -1.5,
        "unit 0 of input": 1.0,
        "unit 1 of input": 1.0,
    }
    weight, taken = next(term for term in found["terms"] if term["source"] == "unit 0 of input")["factors"]
    assert weight == {"name": "weight[1, 0]", "value": 1.0, "node": "linear1", "part": "weight", "index": [1, 0]}
    assert taken == {"name": "input[0]", "value": 1.0, "node": "input", "part": "output", "index": [0]}


def test_a_neuron_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    lines = text(capsys, "sample:xnor-two-layer", "linear1", "--unit", "1", "--example", "3").splitlines()
    assert lines[0] == "xnor-two-layer, step 0, example 3 of the validation split (1)"
    assert lines[2] == "Unit 1 of linear1 = 0.5"
    table = [line.split(" = ")[0] for line in lines[-4:]]
    assert table == [
        "  bias             −1.50000",  # the largest first, point below point
        "  unit 0 of input   1.00000",
        "  unit 1 of input   1.00000",
        "  sum               0.50000",
    ]
    assert "y_k = b_k + Σ_j w_k,j · x_j" in "\n".join(lines)


def test_a_long_sum_shows_the_largest_terms_and_the_rest_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("sample:digits-cnn", "linear1", "--unit", "3")
    shown = text(capsys, *arguments)
    found = asked(capsys, *arguments)
    values = [term["value"] for term in found["terms"]]
    assert [abs(value) for value in values] == sorted(map(abs, values), reverse=True)
    rest = next(line for line in shown.splitlines() if "more" in line)
    assert f"and {len(values) - 12:,} more" in rest
    number = float(rest.split("more")[1].replace("−", "-"))
    assert number == pytest.approx(math.fsum(values[12:]), abs=1e-5)


def test_a_convolution_at_one_pixel_and_the_way_back(capsys: pytest.CaptureFixture[str]) -> None:
    found = asked(capsys, "sample:digits-cnn", "conv2", "--unit", "5", "--at", "3,4")
    assert (found["unit"], found["position"]) == (5, [3, 4])
    assert len(found["terms"]) == 16 * 9 + 1
    assert found["quantity"] == "value" and "Σ_c" in found["formula"]
    back = asked(capsys, "sample:digits-cnn", "pool1", "--unit", "5", "--at", "3,4", "--backward")
    assert back["quantity"] == "gradient" and len(back["terms"]) == 32 * 9
    assert all(term["factors"][-1]["part"] == "gradient" for term in back["terms"])


def test_the_loss_from_its_logits(capsys: pytest.CaptureFixture[str]) -> None:
    found = asked(capsys, "sample:digits-cnn", "loss", "--example", "2")
    training = Training(sample("digits-cnn"), load(sample("digits-cnn").data), torch.device("cpu"))
    training.network.eval()
    with torch.no_grad():
        feeder = training.feeder("validation")
        answers = training.network(feeder.prepare([2]))
        assert found["value"] == training.loss_function(answers, feeder.targets_of([2])).item()
    assert found["unit"] is None and found["terms"][0]["factors"][1]["made_of"]
    shown = text(capsys, "sample:digits-cnn", "loss", "--example", "2")
    assert "1 / Σ e^z" in shown and "ln p[" in shown


def test_what_the_next_step_makes_of_a_weight(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("sample:digits-cnn", "linear1", "--parameter", "weight", "--index", "0,3")
    found = asked(capsys, *arguments)
    assert (found["quantity"], found["parameter"], found["index"], found["example"]) == (
        "update",
        "weight",
        [0, 3],
        None,
    )
    training = Training(sample("digits-cnn"), load(sample("digits-cnn").data), torch.device("cpu"))
    training.advance()
    training.random.release()
    weight = training.network.module_of("linear1").weight
    assert isinstance(weight, torch.Tensor)
    assert found["value"] == pytest.approx(weight[0, 3].item(), rel=1e-6)
    gradient = asked(capsys, *arguments, "--backward")
    assert gradient["quantity"] == "gradient" and gradient["example"] is not None


def test_a_run_is_explained_with_the_weights_that_it_keeps(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    kept = tmp_path / "mine.nnvizrun"
    assert cli.main(["train", "sample:spiral", "--epochs", "3", "--json", "--run", str(kept)]) == 0
    with open_run(kept) as stored:
        steps = [one.step for one in stored.checkpoints()]
        newest = checkpoints.from_blobs(stored.load_checkpoint())
        first = checkpoints.from_blobs(stored.load_checkpoint(stored.checkpoints()[0].id))
    found = asked(capsys, str(kept), "linear1", "--unit", "2")
    assert found["step"] == steps[-1] == newest.progress.step
    for node, checkpoint in (
        (found, newest),
        (asked(capsys, str(kept), "linear1", "--unit", "2", "--step", str(steps[0])), first),
    ):
        own = {
            tuple(f["index"]): f["value"]
            for term in node["terms"]
            for f in term["factors"]
            if f.get("part") == "weight"
        }
        assert own == {(2, at): checkpoint.weights["linear1.weight"][2, at].item() for at in range(2)}
    shown = text(capsys, str(kept), "linear1", "--unit", "2", "--step", str(steps[-1] + 5))
    assert f"(step {steps[-1]} has the nearest weights that are kept and not after step {steps[-1] + 5})" in shown
    updated = asked(capsys, str(kept), "linear1", "--parameter", "weight", "--index", "2,1")
    assert any(
        factor.get("part") == "exp_avg" and factor["value"] for term in updated["terms"] for factor in term["factors"]
    )
    assert cli.main(["explain", str(kept), "linear1", "--step", "-1"]) == 2
    assert "--step: There is no step -1" in capsys.readouterr().err
    assert asked(capsys, str(kept), "linear1", "--step", str(steps[0] - 1)) == {
        **asked(capsys, "sample:spiral", "linear1"),
        "target": str(kept),
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sample:digits-cnn", "conv3"], "NODE: There is no layer 'conv3' in this network. Did you mean 'conv2'"),
        (["sample:digits-cnn", "zzz"], "NODE: There is no layer 'zzz' in this network. There are: input, conv1"),
        (["sample:digits-cnn", "conv1", "--unit", "99"], "--unit: conv1 has 16 channels, numbered from 0"),
        (["sample:digits-cnn", "linear1", "--unit", "-1"], "--unit: linear1 has 64 units"),
        (["sample:digits-cnn", "conv1", "--at", "26,0"], "--at: The maps of conv1 are 26 × 26"),
        (["sample:digits-cnn", "conv1", "--at", "3"], "--at: A position in conv1 is two numbers, Y,X."),
        (["sample:digits-cnn", "linear1", "--at", "3"], "--at: linear1 puts out 64 units and no maps"),
        (["sample:digits-cnn", "conv1", "--at", "x"], "--at"),
        (["sample:digits-cnn", "conv1", "--example", "287"], "--example: The validation split has 287 examples"),
        (["sample:digits-cnn", "conv1", "--step", "3"], "--step: Only a run has steps"),
        (["sample:digits-cnn", "conv1", "--parameter", "w"], "--parameter: conv1 has no parameter 'w' (it has weight"),
        (["sample:digits-cnn", "relu1", "--parameter", "weight"], "(it has none)"),
        (["sample:digits-cnn", "conv1", "--parameter", "weight"], "--index: The weight of conv1 is 16 × 1 × 3 × 3"),
        (["sample:digits-cnn", "conv1", "--parameter", "bias", "--index", "16"], "--index: The bias of conv1 is 16"),
        (["sample:digits-cnn", "conv1", "--index", "3"], "--index: An index belongs to a parameter"),
        (["sample:digits-cnn", "conv1", "--unit", "1", "--parameter", "bias", "--index", "1"], "--unit: A number of a"),
        (["sample:digits-cnn", "loss", "--unit", "1"], "--unit: The loss is one number"),
        (["sample:digits-cnn", "loss", "--backward"], "--backward: The loss is one number"),
        (["sample:nix", "loss"], "There is no sample 'nix'"),
        (["nowhere.nnvizrun", "loss"], "nowhere.nnvizrun"),
        (["sample:digits-cnn"], "NODE"),
    ],
)
def test_bad_input_is_one_sentence_that_names_the_field(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    try:
        status = cli.main(["explain", *arguments])
    except SystemExit as stopped:
        status = int(stopped.code or 0)
    lines = capsys.readouterr().err.splitlines()
    assert status == 2 and len(lines) == 1
    assert words in lines[0]
