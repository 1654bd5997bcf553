"""Checkpoints as blobs: no pickle, and one clear sentence for whatever is wrong with them."""

from __future__ import annotations

import math

import msgspec
import pytest
import safetensors.torch
import torch
from training_helpers import CNN, MLP, advance, made_training, same, weights

from nnviz.errors import RunFileError
from nnviz.train.checkpoint import Progress, from_blobs, load_weights, to_blobs


def test_blobs_hold_everything_as_json_and_safetensors() -> None:
    training = made_training(CNN)
    advance(training, 8)
    checkpoint = training.capture()
    blobs = to_blobs(checkpoint)
    assert set(blobs) == {"header", "weights", "state", "best"}
    assert msgspec.json.decode(blobs["header"])["version"] == 1
    assert all(safetensors.torch.load(blobs[name]) for name in ("weights", "state", "best"))
    back = from_blobs(blobs)
    assert back.progress == checkpoint.progress
    assert same(dict(back.weights), dict(checkpoint.weights))
    assert same(dict(back.optimizer), dict(checkpoint.optimizer))
    assert same(dict(back.random), dict(checkpoint.random))
    assert back.optimizer_groups == checkpoint.optimizer_groups
    assert checkpoint.best is not None
    assert back.best is not None
    assert same(dict(back.best), dict(checkpoint.best))


def test_weights_alone_can_be_read_with_safetensors_under_the_ids_of_the_nodes() -> None:
    training = made_training(MLP)
    tensors = safetensors.torch.load(to_blobs(training.capture())["weights"])
    assert same(tensors, weights(training.network))
    assert "linear1.weight" in tensors


def test_losses_that_are_no_numbers_survive() -> None:
    training = made_training(MLP)
    checkpoint = training.capture()
    strange = msgspec.structs.replace(checkpoint.progress, epoch_loss=math.nan.hex(), best_loss=math.inf.hex())
    blobs = to_blobs(checkpoint)
    header = msgspec.json.decode(blobs["header"])
    header["progress"] = msgspec.to_builtins(strange)
    del header["digest"]
    blobs["header"] = msgspec.json.encode(header)
    training.restore(from_blobs(blobs))
    assert math.isnan(training._losses.total)
    assert training.best_loss == math.inf


def test_a_missing_part_is_named() -> None:
    blobs = to_blobs(made_training().capture())
    del blobs["state"]
    with pytest.raises(RunFileError, match="no part 'state'"):
        from_blobs(blobs)


@pytest.mark.parametrize("part", ["header", "weights", "state"])
@pytest.mark.parametrize("damage", [b"", b"{}", b"\x00" * 40, b"\xff" * 40])
def test_damage_is_one_sentence(part: str, damage: bytes) -> None:
    blobs = to_blobs(made_training().capture())
    blobs[part] = damage
    with pytest.raises(RunFileError) as caught:
        training = made_training()
        training.restore(from_blobs(blobs))
    assert "\n" not in str(caught.value)


def test_a_newer_version_is_refused() -> None:
    blobs = to_blobs(made_training().capture())
    header = msgspec.json.decode(blobs["header"])
    blobs["header"] = msgspec.json.encode(header | {"version": 99})
    with pytest.raises(RunFileError, match="newer"):
        from_blobs(blobs)


def test_another_network_is_refused_and_nothing_is_changed() -> None:
    training = made_training(CNN)
    before = weights(training.network)
    with pytest.raises(RunFileError, match="another network"):
        training.restore(made_training(MLP).capture())
    assert same(weights(training.network), before)


def test_weights_of_another_size_are_refused_with_both_sizes() -> None:
    training = made_training(MLP)
    changed = weights(training.network) | {"linear1.weight": torch.zeros(4, 6)}
    with pytest.raises(RunFileError, match=r"4×6 .* there and 16×6"):
        load_weights(changed, training.network)


def test_another_optimizer_is_refused_and_the_weights_stay() -> None:
    adam = made_training(MLP)
    advance(adam, 2)
    training = made_training(MLP, optimizer="sgd", learning_rate=0.1)
    before = weights(training.network)
    with pytest.raises(RunFileError, match="another optimizer"):
        training.restore(adam.capture())
    assert same(weights(training.network), before)


def test_a_fresh_training_stands_at_the_start() -> None:
    assert made_training().capture().progress == Progress()
