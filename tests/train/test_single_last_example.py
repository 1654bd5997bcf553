"""BatchNorm over flat features cannot take a batch of one example: one that is left over joins the batch before."""

from __future__ import annotations

import pytest
import torch
from training_helpers import CNN, advance, images, made_training, same, tables, weights

from nnviz.errors import ProjectError
from nnviz.project.samples import sketch
from nnviz.project.samples.sketch import chain, dropout, linear, output, plain, relu
from nnviz.train.checkpoint import from_blobs, to_blobs

#: 41 examples in batches of 10: four batches, and one example over.
DATA = tables(train=41)
NORMED = chain(sketch.features(6), linear(8), plain("batch_norm1d"), relu(), dropout(0.2), linear(3), output())


def test_every_example_of_an_epoch_is_trained_on() -> None:
    training = made_training(NORMED, DATA)
    assert training.steps_per_epoch == 4
    assert [training.advance() for _ in range(8)] == [10, 10, 10, 11] * 2
    assert training.epoch == 2
    assert all(torch.isfinite(value).all() for value in weights(training.network).values())
    training.random.release()


@pytest.mark.parametrize("stop", [3, 4, 5, 7])
def test_it_goes_on_bit_for_bit_from_any_step(stop: int) -> None:
    whole = made_training(NORMED, DATA)
    advance(whole, 9)
    first = made_training(NORMED, DATA)
    advance(first, stop)
    kept = to_blobs(first.capture())
    first.random.release()
    second = made_training(NORMED, DATA)
    second.restore(from_blobs(kept))
    advance(second, 9 - stop)
    assert same(weights(whole.network), weights(second.network))
    whole.random.release()
    second.random.release()


def test_other_networks_keep_their_batches() -> None:
    for graph, data in ((CNN, images(train=41)), (None, DATA)):
        training = made_training(data=data) if graph is None else made_training(graph, data)
        assert training.steps_per_epoch == 5
        assert [training.advance() for _ in range(5)][-1] == 1
        training.random.release()


def test_one_example_altogether_is_refused_with_a_sentence() -> None:
    with pytest.raises(ProjectError, match="needs batches of more than one example"):
        made_training(NORMED, tables(train=1))
