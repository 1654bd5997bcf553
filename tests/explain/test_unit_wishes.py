"""What a unit wants, beside a look at every example one by one, loops, and units whose wish is known."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor
from training_helpers import CNN, images, made_training, tables

from nnviz.errors import Cancelled
from nnviz.explain.score import Goal, OwnNetwork, own_network
from nnviz.explain.unit_wishes import Climb, Regularisers, TopExamples, blurred, maximise, regularised, top_examples
from nnviz.project.samples.sketch import chain, conv, features, flatten, image, linear, output, relu

NOTHING = Regularisers(0.0, 0.0)
PLANTED = torch.tensor([[1.0, -1.0, 0.5], [-0.5, 1.0, -1.0], [1.0, 0.25, -1.0]])


def small() -> OwnNetwork:
    return own_network(made_training(CNN))


def planted() -> OwnNetwork:
    """Channel 1 of the convolution wants one pattern, behind a ReLU."""
    graph = chain(image(1, 9, 9), conv(2, 3), relu(), flatten(), linear(3), output())
    own = own_network(made_training(graph, images(shape=(1, 9, 9))))
    convolution = own.at_rest.module_of("conv1")
    convolution.weight[1, 0], convolution.bias[1] = PLANTED, -20.0  # it is silent for any image
    return own


@pytest.mark.parametrize("goal", [Goal("conv1", 2), Goal("conv1", 1, "mean"), Goal("linear1", 0)])
def test_the_top_examples_are_those_that_a_look_at_each_finds(goal: Goal) -> None:
    own = small()
    split = own.data.validation
    one_by_one = []
    for index in range(len(split)):
        with torch.no_grad():
            values = own.run(own.prepared(split.inputs[index : index + 1]), {goal.node})[goal.node][0, goal.unit]
        one_by_one.append((float(values.mean() if goal.over == "mean" else values.max()), -index, values))
    best = sorted(one_by_one, key=lambda one: one[:2], reverse=True)[:4]
    found = top_examples(own, goal, "validation", 4)
    assert [one.index for one in found.examples] == [-one[1] for one in best]
    for example, (value, _, values) in zip(found.examples, best, strict=True):
        assert example.value == pytest.approx(value, abs=1e-6)
        assert example.label == own.data.describe(example.index)
        assert np.array_equal(example.example, own.prepared(split.inputs[example.index : example.index + 1])[0])
        if values.dim() == 2:
            assert float(values[example.at]) == float(values.max())
            assert example.field == tuple((place, place + 2) for place in example.at)
    assert (found.seen, found.total) == (25, 25)
    assert found.firing == sum(value > 0 for value, _, _ in one_by_one)


def test_examples_are_looked_at_in_batches_and_what_was_found_until_cancelled_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nnviz.explain.score._MOST_EXAMPLES", 7)
    own, told = small(), list[TopExamples]()
    whole = top_examples(own, Goal("conv1", 2), "validation", 4, told.append)
    assert [one.seen for one in told] == [7, 14, 21, 25]
    part = top_examples(own, Goal("conv1", 2), "validation", 4, cancelled=lambda: len(told) > 5, so_far=told.append)
    assert part.seen == 14 and [one.index for one in part.examples] == [one.index for one in told[1].examples]
    assert whole.examples[0].value >= part.examples[0].value


def test_a_planted_unit_gets_the_pattern_that_it_wants() -> None:
    """Of a linear unit under L2 decay the best input is a multiple of its weights; elsewhere nothing is drawn."""
    own = planted()
    climb = Climb(steps=120, regularisers=Regularisers(decay=0.3, blur_width=0.0))
    wish = maximise(own, Goal("relu1", 1), climb)
    assert wish.field == ((3, 5), (3, 5)) and (wish.value, wish.began_value) == (0.0, 0.0)
    drawn = torch.from_numpy(wish.image[0].copy()) - own.plain()[0, 0]
    inside = drawn[3:6, 3:6].flatten()
    likeness = float(inside @ PLANTED.flatten() / (inside.norm() * PLANTED.norm()))
    assert likeness > 0.99
    drawn[3:6, 3:6] = 0
    assert float(drawn.abs().max()) < 1e-4
    # Without regularisers: as far as the bytes of an image go, black or white by the sign.
    bold = maximise(own, Goal("conv1", 1), Climb(steps=200, regularisers=NOTHING))
    assert np.array_equal(bold.image[0, 3:6, 3:6] > 0.5, (PLANTED > 0).numpy())
    assert bold.value == pytest.approx(float(PLANTED.clamp(min=0).sum()) - 20, abs=1e-4)


def test_the_wish_of_a_class_excites_it_more_than_any_example_and_comes_twice_the_same() -> None:
    own, told = small(), []
    goal = own.class_goal(1)
    one = maximise(own, goal, Climb(steps=60), told.append)
    again = maximise(own, goal, Climb(steps=60))
    other = maximise(own, goal, Climb(steps=60, seed=1))
    from_mean = maximise(own, goal, Climb("mean", steps=60))
    assert np.array_equal(one.image, again.image) and not np.array_equal(one.image, other.image)
    assert [wish.steps for wish in told] == list(range(6, 61, 6))
    best = top_examples(own, goal, "train", 1).examples[0].value
    assert one.value > best and from_mean.value > best and from_mean.value > from_mean.began_value
    assert np.array_equal(from_mean.began, own.baseline("mean")[0])
    low, high = own.bounds()
    assert (one.image >= low[0].numpy()).all() and (one.image <= high[0].numpy()).all()
    with pytest.raises(Cancelled):
        maximise(own, goal, Climb(), cancelled=lambda: True)


def test_a_unit_over_features_stays_between_the_ends_of_the_data() -> None:
    own = own_network(made_training(chain(features(6), linear(3), output()), tables()))
    weight = own.at_rest.module_of("linear1").weight[2]
    weight.copy_(torch.tensor([1.0, -1, 2, -1, 1, 1]))
    wish = maximise(own, Goal("linear1", 2), Climb(steps=200, regularisers=NOTHING))
    low, high = own.bounds()
    np.testing.assert_allclose(wish.image, torch.where(weight > 0, high[0], low[0]).numpy(), atol=1e-5)


def test_the_regularisers_do_what_the_paper_says() -> None:
    generator = torch.Generator().manual_seed(0)
    image_, slope = (torch.randn(1, 2, 6, 5, generator=generator, dtype=torch.float64) for _ in range(2))
    assert torch.equal(regularised(image_, slope, Regularisers(0.25, 0.0), 0), 0.75 * image_)
    np.testing.assert_allclose(blurred(image_, 0.8).numpy(), slow_blur(image_, 0.8), atol=1e-12)
    by = Regularisers(0.0, 0.8, 4)
    assert torch.equal(regularised(image_, slope, by, 2), image_)
    assert torch.equal(regularised(image_, slope, by, 3), blurred(image_, 0.8))
    norms = {(i, j): math.hypot(*image_[0, :, i, j].tolist()) for i, j in itertools.product(range(6), range(5))}
    shares = {(i, j): abs(float(image_[0, :, i, j] @ slope[0, :, i, j])) for i, j in norms}
    for sizes, setting in ((norms, Regularisers(0, 0, least_norm=40)), (shares, Regularisers(0, 0, 4, 0.0, 40.0))):
        left = regularised(image_, slope, setting, 0)
        gone = sorted(sizes, key=lambda place: sizes[place])[:12]
        for place in sizes:
            expected = torch.zeros(2, dtype=torch.float64) if place in gone else image_[0, :, place[0], place[1]]
            assert torch.equal(left[0, :, place[0], place[1]], expected)


def slow_blur(images_: Tensor, width: float) -> np.ndarray:
    """Pixel by pixel, borders continued."""
    numbers, reach = images_.numpy(), math.ceil(3 * width)
    weights = {k: math.exp(-0.5 * (k / width) ** 2) for k in range(-reach, reach + 1)}
    total = sum(weights.values())
    found = np.zeros_like(numbers)
    height, across = numbers.shape[2:]
    for i, j in itertools.product(range(height), range(across)):
        for a, b in itertools.product(weights, weights):
            row, column = min(max(i + a, 0), height - 1), min(max(j + b, 0), across - 1)
            found[..., i, j] += weights[a] * weights[b] / total**2 * numbers[..., row, column]
    return found
