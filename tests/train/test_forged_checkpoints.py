"""A checkpoint made by hand, one lie at a time: each is called damaged, none is gone on with."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import safetensors.torch
import torch
from torch import Tensor
from training_helpers import CNN, MLP, advance, made_training, same, weights

from nnviz.cli import main
from nnviz.errors import RunFileError
from nnviz.project import registry
from nnviz.project.files import io
from nnviz.project.samples import templates
from nnviz.record.run import Run, RunInfo
from nnviz.record.store import RunWriter, open_run
from nnviz.train.checkpoint import from_blobs, to_blobs
from nnviz.train.checkpoint_digest import NO_DIGEST, digest_of, entry

Blobs = dict[str, bytes]
Tensors = dict[str, Tensor]


def blobs_of(steps: int = 8, **more: Any) -> Blobs:
    training = made_training(CNN, **more)
    advance(training, steps)
    return to_blobs(training.capture())


def with_header(blobs: Blobs, change: Callable[[dict[str, Any]], object]) -> Blobs:
    """With another header, as somebody would write it who knows the format."""
    header = msgspec.json.decode(blobs["header"])
    header.pop("digest")
    change(header)
    return blobs | {"header": msgspec.json.encode(header)}


def with_tensors(blobs: Blobs, part: str, change: Callable[[Tensors], object]) -> Blobs:
    tensors = safetensors.torch.load(blobs[part])
    change(tensors)
    return with_header(blobs, lambda header: None) | {part: safetensors.torch.save(tensors)}


def refused(blobs: Blobs, **more: Any) -> str:
    """The sentence with which it is refused, while nothing of the training has changed."""
    training = made_training(CNN, **more)
    before = weights(training.network)
    with pytest.raises(RunFileError) as caught:
        training.restore(from_blobs(blobs))
    assert same(weights(training.network), before)
    assert training.step == 0
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("kind", sorted(registry.optimizers()))
@pytest.mark.parametrize("steps", [0, 1, 6, 8, 13])
def test_what_was_written_is_taken(kind: str, steps: int) -> None:
    for more in ({}, {"momentum": 0.9}) if kind in ("sgd", "rmsprop") else ({},):
        settings: dict[str, Any] = {"optimizer": kind, "learning_rate": 0.01, **more}
        blobs = blobs_of(steps, **settings)
        training = made_training(CNN, **settings)
        training.restore(from_blobs(blobs))
        expected = made_training(CNN, **settings)
        advance(expected, steps + 3)
        advance(training, 3)
        assert same(weights(training.network), weights(expected.network))
        # And by a file from before there was a digest.
        made_training(CNN, **settings).restore(from_blobs(with_header(blobs, lambda header: None)))


PROGRESS: list[tuple[str, object]] = [
    ("step", -5),
    ("step", 10**12),
    ("step", 2**70),
    ("step", 7),
    ("step", 14),
    ("step", None),
    ("step", "8"),
    ("step", 8.5),
    ("evaluated_epochs", -1),
    ("evaluated_epochs", 0),
    ("evaluated_epochs", 2),
    ("epoch_loss", "elephant"),
    ("epoch_loss", "0x1p99999999"),
    ("epoch_loss", None),
    ("epoch_count", -1),
    ("epoch_count", 0),
    ("epoch_count", 10**9),
    ("best_epoch", 5),
    ("best_epoch", 0),
    ("best_epoch", -1),
    ("best_loss", "nan"),
    ("best_loss", "inf"),
    ("best_loss", 3),
    ("test_uses", -1),
    ("test_uses", 2**80),
]


@pytest.mark.parametrize(("name", "value"), PROGRESS)
def test_a_place_where_this_training_cannot_have_been(name: str, value: object) -> None:
    refused(with_header(blobs_of(), lambda header: header["progress"].update({name: value})))


GROUPS: list[tuple[str, object]] = [
    ("lr", None),
    ("lr", -1),
    ("lr", "fast"),
    ("lr", True),
    ("lr", 10**400),
    ("lr", 2**64),
    ("weight_decay", 1),
    ("lr", [0.1]),
    ("betas", None),
    ("betas", [None, None]),
    ("betas", [0.9]),
    ("betas", [0.9, 0.999, 0.9]),
    ("betas", [0.9, 1.5]),
    ("betas", [-0.1, 0.9]),
    ("betas", ["nan", 0.9]),
    ("eps", 0),
    ("eps", -1e-8),
    ("eps", None),
    ("weight_decay", -1),
    ("weight_decay", 1e300),
    ("amsgrad", True),
    ("amsgrad", 0),
    ("maximize", True),
    ("capturable", True),
    ("decoupled_weight_decay", True),
    ("fused", "yes"),
    ("foreach", 1),
    ("params", []),
    ("params", [0, 0, 0, 0, 0, 0]),
    ("params", None),
    ("params", "012345"),
    ("new", 1),
]


@pytest.mark.parametrize(("name", "value"), GROUPS)
def test_settings_that_no_optimizer_of_this_kind_has(name: str, value: object) -> None:
    refused(with_header(blobs_of(), lambda header: header["optimizer_groups"][0].update({name: value})))


@pytest.mark.parametrize("name", ["lr", "betas", "params", "fused"])
def test_a_setting_that_is_missing(name: str) -> None:
    refused(with_header(blobs_of(), lambda header: header["optimizer_groups"][0].pop(name)))


def test_no_group_two_groups_and_values_of_no_tensor() -> None:
    refused(with_header(blobs_of(), lambda header: header["optimizer_groups"].clear()))
    refused(with_header(blobs_of(), lambda header: header["optimizer_groups"].extend(header["optimizer_groups"])))
    refused(with_header(blobs_of(), lambda header: header["optimizer_values"].update({"0/step": 8})))


def drop(prefix: str) -> Callable[[Tensors], object]:
    return lambda tensors: [tensors.pop(name) for name in list(tensors) if name.startswith(prefix)]


def put(name: str, value: Callable[[Tensor], Tensor]) -> Callable[[Tensors], object]:
    return lambda tensors: tensors.update({name: value(tensors[name])})


STATES: list[Callable[[Tensors], object]] = [
    drop("random/"),
    drop("optimizer/"),
    drop("optimizer/0/exp_avg_sq"),
    drop("optimizer/3/"),
    drop("optimizer/0/step"),
    lambda tensors: tensors.update({"elephant": torch.zeros(3)}),
    lambda tensors: tensors.update({"random/elephant": torch.zeros(3, dtype=torch.uint8)}),
    lambda tensors: tensors.update({"optimizer/99/step": torch.tensor(8.0)}),
    lambda tensors: tensors.update({"optimizer/00/step": torch.tensor(8.0)}),
    lambda tensors: tensors.update({"optimizer/-1/step": torch.tensor(8.0)}),
    lambda tensors: tensors.update({"optimizer/" + "9" * 5000 + "/step": torch.tensor(8.0)}),
    lambda tensors: tensors.update({"optimizer/0/elephant": torch.tensor(8.0)}),
    put("random/cpu", lambda state: state[:-1].clone()),
    put("random/cpu", lambda state: state.float()),
    put("random/cpu", torch.zeros_like),
    put("random/cpu", lambda state: torch.full_like(state, 255)),
    put("random/cpu", lambda state: state.reshape(2, -1)),
    put("optimizer/0/step", lambda step: torch.tensor(-1.0)),
    put("optimizer/0/step", lambda step: torch.tensor(math.nan)),
    put("optimizer/0/step", lambda step: torch.tensor(7.0)),
    put("optimizer/0/step", lambda step: torch.tensor(8)),
    put("optimizer/0/step", lambda step: torch.tensor([8.0])),
    put("optimizer/0/exp_avg", lambda mean: mean.double()),
    put("optimizer/0/exp_avg", lambda mean: mean.flatten()),
    put("optimizer/0/exp_avg", lambda mean: mean * math.nan),
    put("optimizer/0/exp_avg_sq", lambda square: -square - 1),
    put("optimizer/0/exp_avg_sq", lambda square: square + math.inf),
]


@pytest.mark.parametrize("change", STATES)
def test_a_state_that_no_training_of_this_project_had(change: Callable[[Tensors], object]) -> None:
    refused(with_tensors(blobs_of(), "state", change))


@pytest.mark.parametrize("part", ["weights", "best"])
@pytest.mark.parametrize(
    "change",
    [
        put("linear1.weight", lambda weight: weight * math.nan),
        put("linear1.weight", lambda weight: weight.double()),
        put("linear1.weight", lambda weight: weight[:-1].clone()),
        drop("linear1.weight"),
        lambda tensors: tensors.update({"linear9.weight": torch.zeros(3)}),
        lambda tensors: tensors.clear(),
    ],
)
def test_weights_of_something_else(part: str, change: Callable[[Tensors], object]) -> None:
    refused(with_tensors(blobs_of(), part, change))


def test_statistics_that_cannot_be() -> None:
    (name,) = (name for name in safetensors.torch.load(blobs_of()["weights"]) if name.endswith("running_var"))
    refused(with_tensors(blobs_of(), "weights", put(name, lambda values: -values)))
    count = name.replace("running_var", "num_batches_tracked")
    refused(with_tensors(blobs_of(), "weights", put(count, lambda values: values * 0 - 3)))


def test_the_best_weights_are_there_or_not_as_the_header_says() -> None:
    blobs = blobs_of()
    without = copy.copy(blobs)
    del without["best"]
    refused(without)
    refused(with_header(blobs, lambda header: header.update(has_best=False)))


def test_a_header_that_promises_more_than_there_is() -> None:
    """safetensors: eight bytes for the length of a JSON that says where the tensors lie."""
    for text in (
        b'{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}',
        b'{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}',
        b'{"a":{"dtype":"F32","shape":[0,18446744073709551615],"data_offsets":[0,0]}}',
        b'{"a":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}}',
        b'{"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}',
        b'{"a":' * 100_000,
    ):
        for length in (len(text), 2**62):
            blobs = with_header(blobs_of(), lambda header: None)
            blobs["weights"] = length.to_bytes(8, "little") + text + b"\x07"
            refused(blobs)


def test_nested_deeply_and_long_numbers_in_the_header() -> None:
    blobs = blobs_of()
    header = blobs["header"].replace(b'"optimizer_values":{}', b'"optimizer_values":{"a":' + b"[" * 200_000)
    refused(blobs | {"header": header})
    refused(with_header(blobs, lambda header: header.update(version=0)))
    refused(with_header(blobs, lambda header: header.update(version=-1)))


def test_a_single_bit_anywhere_is_noticed() -> None:
    blobs = blobs_of()
    for name, blob in blobs.items():
        for place in range(0, len(blob), max(1, len(blob) // 40)):
            changed = bytearray(blob)
            changed[place] ^= 1 << place % 8
            if name == "header" and b'"digest":"' not in changed:
                continue  # its name was hit, and a file from before there was one has none
            refused(blobs | {name: bytes(changed)})


def test_a_later_version_may_put_more_into_the_header() -> None:
    """What this one does not know is part of the digest all the same."""
    blobs = blobs_of()
    bare = msgspec.json.encode(msgspec.json.decode(blobs["header"]) | {"digest": "", "colour": "red"})
    parts = {name: blob for name, blob in blobs.items() if name != "header"}
    header = bare.replace(NO_DIGEST, entry(digest_of(bare, parts)))
    made_training(CNN).restore(from_blobs(blobs | {"header": header}))
    assert "written together" in refused(blobs | {"header": header.replace(b"red", b"rad")})


def test_parts_of_two_checkpoints_do_not_go_together() -> None:
    one, other = blobs_of(8), blobs_of(9)
    for part in ("weights", "state"):
        assert "written together" in refused(one | {part: other[part]})


# -- at the command line ----------------------------------------------------------------------------------------------


def test_resuming_from_a_forged_checkpoint_names_the_file_and_ends_in_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, first = tmp_path / "p.nnviz", tmp_path / "first.nnvizrun"
    project = templates.sample("or")
    io.save(project, path)
    assert main(["train", str(path), "--run", str(first), "--epochs", "2", "--json"]) == 0
    stored = open_run(first)
    true = dict(stored.load_checkpoint())
    stored.close()
    for number, forged in enumerate(
        (
            with_header(true, lambda header: header["optimizer_groups"][0].update(lr=None)),
            with_header(true, lambda header: header["progress"].update(step=-5)),
            with_header(true, lambda header: header["progress"].update(step=10**12)),
            with_tensors(true, "state", drop("random/")),
        )
    ):
        run_path = tmp_path / f"{number}.nnvizrun"
        with RunWriter(Run(RunInfo(project_json=io.dumps(project))), run_path) as writer:
            writer.save_checkpoint(0, 0, forged, "stop")
        capsys.readouterr()
        assert main(["train", str(path), "--run", str(run_path), "--resume"]) == 2
        error = capsys.readouterr().err.splitlines()[-1]
        assert str(run_path) in error
        assert "damaged" in error


def test_mlp_and_cnn_are_not_taken_for_each_other() -> None:
    training = made_training(MLP)
    advance(training, 3)
    refused(to_blobs(training.capture()))
