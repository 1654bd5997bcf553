"""Reasons of an answer, beside slow computations: differences in double precision, loops, and closed forms."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from random import Random

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from training_helpers import CNN, advance, images, made_training, same, tables, weights

from nnviz.errors import Cancelled, InputError
from nnviz.explain import attribution
from nnviz.explain.methods import METHODS
from nnviz.explain.receptive import receptive_field
from nnviz.explain.score import Goal, OwnNetwork, own_network
from nnviz.explain.why import WhyQuestion, why
from nnviz.project.model import Graph
from nnviz.project.samples.sketch import chain, conv, features, flatten, image, linear, output, plain, pool, relu

Array = NDArray[np.float64]
COLOUR = chain(
    image(2, 7, 6), conv(3, 3), relu(), pool(), plain("tanh"), flatten(), linear(4), relu(), linear(3), output()
)
SMOOTH = chain(image(2, 7, 6), conv(3, 3), plain("tanh"), pool(), plain("sigmoid"), flatten(), linear(3), output())
LINEAR = chain(features(6), linear(3), output())
DEEP = chain(features(6), linear(5), relu(), linear(4), relu(), linear(3), output())


def doubled(graph: Graph, seed: int = 0) -> OwnNetwork:
    """A small network in double precision."""
    shape = graph.nodes["input"].params["shape"]
    data = images(shape=tuple(shape)) if len(shape) == 3 else tables()
    own = own_network(made_training(graph, data))
    generator = torch.Generator().manual_seed(seed)
    own.at_rest.module.double()
    for parameter in own.at_rest.module.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * 0.6)
    return own


def noise(own: OwnNetwork, seed: int = 1, count: int = 1) -> Tensor:
    shape = (count, *own.shapes[own.input_id])
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def slopes(function: Callable[[Tensor], Tensor], at: Tensor, by: float = 1e-6) -> Tensor:
    """Differences of a number, place by place."""
    found = torch.zeros_like(at)
    for place in itertools.product(*(range(size) for size in at.shape)):
        less, more = at.clone(), at.clone()
        less[place] -= by
        more[place] += by
        found[place] = (function(more) - function(less)) / (2 * by)
    return found


@pytest.mark.parametrize(
    "goal", [Goal("linear2", 1), Goal("conv1", 2), Goal("conv1", 0, "mean"), Goal("pool1", 1, "at", (1, 0)),
             Goal("linear2", 0, sign=-1.0)]
)  # fmt: skip
def test_the_gradient_is_the_difference_of_the_score(goal: Goal) -> None:
    own = doubled(COLOUR)
    goal = Goal({"pool1": own.order[3]}.get(goal.node, goal.node), goal.unit, goal.over, goal.at, goal.sign)
    inputs = noise(own)
    slow = slopes(lambda at: own.score(at, goal)[0], inputs)
    fast = attribution.gradient(own, inputs, goal)
    torch.testing.assert_close(fast, slow, atol=1e-8, rtol=1e-6)
    assert slow.abs().max() > 0.01
    torch.testing.assert_close(attribution.gradient_times_input(own, inputs, goal), slow * inputs, atol=1e-7, rtol=1e-6)


@pytest.mark.parametrize("rule", ["guided", "deconvolution"])
def test_the_rules_of_relu_are_those_of_the_papers(rule: str) -> None:
    """Layer by layer in plain numpy."""
    own = doubled(DEEP)
    inputs = noise(own, 3)
    matrices = [own.at_rest.module_of(f"linear{n}").weight.numpy() for n in (1, 2, 3)]
    shifts = [own.at_rest.module_of(f"linear{n}").bias.numpy() for n in (1, 2, 3)]
    before: list[Array] = []
    value = inputs[0].numpy()
    for matrix, shift in zip(matrices[:2], shifts[:2], strict=True):
        before.append(matrix @ value + shift)
        value = np.maximum(before[-1], 0)
    for unit in range(3):
        back = matrices[2][unit]
        for matrix, came in zip(matrices[1::-1], before[::-1], strict=True):
            passed = [max(b, 0.0) if rule == "deconvolution" or c > 0 else 0.0 for b, c in zip(back, came, strict=True)]
            back = matrix.T @ np.array(passed)
        method = attribution.guided_gradient if rule == "guided" else attribution.deconvolution
        np.testing.assert_allclose(method(own, inputs, Goal("linear3", unit))[0].numpy(), back, atol=1e-12)


def test_integrated_gradients_of_a_linear_network_are_known() -> None:
    own = doubled(LINEAR)
    inputs, baseline = noise(own, 2), own.baseline("mean").double()
    found = attribution.integrated_gradients(own, inputs, baseline, Goal("linear1", 2))
    weight = own.at_rest.module_of("linear1").weight[2]
    torch.testing.assert_close(found.numbers[0], weight * (inputs - baseline)[0])
    assert found.places == 32 and abs(found.missing) < 1e-12


@pytest.mark.parametrize("graph", [COLOUR, DEEP])
@pytest.mark.parametrize("kind", ["zero", "mean"])
def test_integrated_gradients_sum_to_the_difference_of_the_scores(graph: Graph, kind: str) -> None:
    own = doubled(graph)
    for seed in range(4):
        inputs, baseline = 2 * noise(own, seed), own.baseline(kind).double()  # type: ignore[arg-type]
        goal = own.class_goal(seed % 3)
        found = attribution.integrated_gradients(own, inputs, baseline, goal)
        difference = float(own.score(inputs, goal) - own.score(baseline, goal))
        assert abs(float(found.numbers.sum()) - difference) <= 0.0100001 * abs(difference) or found.places == 512
        # The integral as a sum of many thin slices.
        slices = torch.linspace(0, 1, 4001, dtype=torch.float64)[:-1] + 1 / 8000
        points = baseline + slices.reshape(-1, *(1 for _ in inputs.shape[1:])) * (inputs - baseline)
        slow = (inputs - baseline) * attribution.gradient(own, points, goal).mean(0, keepdim=True)
        torch.testing.assert_close(found.numbers, slow, atol=0.05 * float(slow.abs().max()), rtol=0)


def test_grad_cam_is_the_formula_of_the_paper() -> None:
    own = doubled(SMOOTH)
    inputs, goal = noise(own, 5), own.class_goal(1)
    assert own.map_layers(goal) == own.order[1:5] and own.last_convolution(goal) == own.order[2]
    for layer in own.map_layers(goal):
        maps = own.run(inputs, {layer})[layer]
        rest = own.order[own.order.index(layer) + 1 : own.order.index(goal.node) + 1]

        def score_from(value: Tensor, rest: tuple[str, ...] = rest) -> Tensor:
            for node in rest:
                value = own.at_rest.module_of(node)(value)
            return value[0, goal.unit]

        back, numbers = slopes(score_from, maps)[0].numpy(), maps[0].numpy()
        channels, height, width = numbers.shape
        slow = np.zeros((height, width))
        for k in range(channels):
            alpha = sum(back[k, i, j] for i in range(height) for j in range(width)) / (height * width)
            slow += alpha * numbers[k]
        slow = np.maximum(slow, 0)
        fast = attribution.grad_cam(own, inputs, goal, layer)
        np.testing.assert_allclose(fast[0].numpy(), slow, atol=1e-8)
        np.testing.assert_allclose(attribution.over_image(fast, 7, 6)[0].numpy(), enlarged(slow, 7, 6), atol=1e-8)
    with pytest.raises(InputError, match="has no maps"):
        attribution.grad_cam(own, inputs, goal, "linear1")


def enlarged(small: Array, height: int, width: int) -> Array:
    """Bilinear, by the middles of the pixels, pixel by pixel."""
    found = np.zeros((height, width))
    for i, j in itertools.product(range(height), range(width)):
        y = min(max((i + 0.5) * small.shape[0] / height - 0.5, 0), small.shape[0] - 1)
        x = min(max((j + 0.5) * small.shape[1] / width - 0.5, 0), small.shape[1] - 1)
        top, left = int(y), int(x)
        bottom, right = min(top + 1, small.shape[0] - 1), min(left + 1, small.shape[1] - 1)
        a, b = y - top, x - left
        upper = (1 - b) * small[top, left] + b * small[top, right]
        lower = (1 - b) * small[bottom, left] + b * small[bottom, right]
        found[i, j] = (1 - a) * upper + a * lower
    return found


@pytest.mark.parametrize(("patch", "stride"), [(1, 1), (2, 1), (3, 2), (4, 4), (9, 3)])
@pytest.mark.parametrize("graph", [COLOUR, DEEP])
def test_occlusion_is_what_loops_over_patches_find(graph: Graph, patch: int, stride: int) -> None:
    own = doubled(graph)
    inputs, goal, fill = noise(own, 6), own.class_goal(0), own.baseline("mean").double()
    fast = attribution.occlusion(own, inputs, goal, fill, patch, stride)
    sizes = inputs.shape[2:] if inputs.dim() == 4 else inputs.shape[1:]
    drops: dict[tuple[int, ...], list[float]] = {}
    whole = float(own.score(inputs, goal))
    starts = []
    for size in sizes:
        along, at = [], 0
        while True:
            along.append(at)
            if at + patch >= size:
                break
            at += min(stride, patch)
        starts.append(along)
    for corner in itertools.product(*starts):
        ranges = (range(at, min(at + patch, size)) for at, size in zip(corner, sizes, strict=True))
        places = list(itertools.product(*ranges))
        covered = inputs.clone()
        for place in places:
            covered[(0, slice(None), *place) if inputs.dim() == 4 else (0, *place)] = fill[
                (0, slice(None), *place) if inputs.dim() == 4 else (0, *place)
            ]
        drop = whole - float(own.score(covered, goal))
        for place in places:
            drops.setdefault(place, []).append(drop)
    assert len(drops) == int(np.prod(sizes))
    for place, found in drops.items():
        assert float(fast[(0, *place)]) == pytest.approx(sum(found) / len(found), abs=1e-10)


def test_long_work_tells_how_far_it_is_and_stops_when_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nnviz.explain.score._MOST_EXAMPLES", 10)
    own = doubled(COLOUR)
    told: list[tuple[int, int]] = []
    with pytest.raises(Cancelled):
        attribution.occlusion(
            own, noise(own), own.class_goal(0), own.baseline("zero").double(), 1, 1,
            lambda done, total: told.append((done, total)), lambda: len(told) == 2,
        )  # fmt: skip
    assert told == [(0, 42), (10, 42)]


def test_a_question_is_answered_and_the_training_goes_on_as_without_it() -> None:
    """Every method, of the answer given, of a class and of a unit."""
    alone, asked = made_training(CNN), made_training(CNN)
    advance(alone, 20)
    for step in range(20):
        own = own_network(asked)
        state = torch.get_rng_state()
        for method in METHODS:
            found = why(own, WhyQuestion(method.key, "validation", step))
            assert found.step == step and found.map.shape == (8, 8) and np.isfinite(found.map).all()
            assert found.target == found.answer == int(found.outputs.argmax())
            assert found.score == pytest.approx(float(found.outputs[found.answer]), abs=1e-5)
            assert method.signed or found.map.min() >= 0
            # The check: the tenth that did most is covered.
            assert found.covered.sum() <= 6 and (found.map[found.covered] > 0).all()
            hidden = torch.from_numpy(np.where(found.covered, own.baseline("zero")[0].numpy(), found.example))[None]
            assert found.covered_score == pytest.approx(float(own.score(hidden, found.goal)), abs=1e-5)
            if method.key == "integrated_gradients":
                difference = found.score - found.baseline_score
                assert found.total == pytest.approx(difference, abs=0.02 * abs(difference) + 1e-5)
        assert why(own, WhyQuestion("saliency", "train", 0, target=2)).goal == Goal(own.score_node, 2)
        assert why(own, WhyQuestion("gradient", "train", 0, node="conv1", unit=3)).goal == Goal("conv1", 3)
        assert torch.equal(torch.get_rng_state(), state)
        advance(asked, 1)
    assert same(weights(alone.network), weights(asked.network))
    with pytest.raises(InputError, match="no unit 4"):
        why(own, WhyQuestion("gradient", "train", 0, node="conv1", unit=4))
    with pytest.raises(InputError, match="no example 25"):
        why(own, WhyQuestion("gradient", "validation", 25))


def test_scores_are_read_before_softmax_and_a_yes_or_no_has_two_sides() -> None:
    own = own_network(made_training(chain(features(6), linear(3), plain("softmax"), output("mse"))))
    assert own.score_node == "linear1"
    from nnviz.data.tensors import load
    from nnviz.project.samples.templates import sample
    from nnviz.train.training import Training

    project = sample("spiral")
    two = own_network(Training(project, load(project.data), torch.device("cpu")))
    for index in range(6):
        found = why(two, WhyQuestion("integrated_gradients", "validation", index))
        assert found.goal.sign == (1 if found.answer else -1) and found.score > 0
        assert found.map.shape == (2,)


@pytest.mark.parametrize("seed", range(6))
def test_a_receptive_field_is_what_reaches_a_number(seed: int) -> None:
    """One pixel after the other is made huge: with weights above zero, whatever depends on it changes."""
    random = Random(seed)
    layers = [image(1, 13, 11)]
    for _ in range(2):
        kernel = (random.randint(1, 3), random.randint(1, 3))
        layers.append(
            plain("conv2d", out_channels=2, kernel_size=kernel, stride=(random.randint(1, 2), 1),
                       padding=(random.randint(0, 1), random.randint(0, 1)), dilation=(1, random.randint(1, 2)))
        )  # fmt: skip
        layers.append(
            plain(random.choice(("max_pool2d", "avg_pool2d")), kernel_size=(2, 2), stride=(random.randint(1, 2), 1))
        )
    own = doubled(chain(*layers, flatten(), linear(3), output()))
    for parameter in own.at_rest.module.parameters():
        parameter.abs_()
    maps = own.order[4]
    at = tuple(random.randrange(size) for size in own.shapes[maps][1:])
    for goal in (Goal(maps, 0, "at", at), Goal("linear1")):
        blank = float(own.score(torch.zeros(1, 1, 13, 11, dtype=torch.float64), goal))
        rows, columns = set(), set()
        for row, column in itertools.product(range(13), range(11)):
            inputs = torch.zeros(1, 1, 13, 11, dtype=torch.float64)
            inputs[0, 0, row, column] = 1e6
            if float(own.score(inputs, goal)) != blank:
                rows.add(row)
                columns.add(column)
        assert receptive_field(own, goal.node, goal.at) == ((min(rows), max(rows)), (min(columns), max(columns)))
