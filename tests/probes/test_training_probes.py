"""Loss, gradients and updates against slow computations in plain Python and float64."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from probe_networks import chain, cnn, images, scalars
from torch import nn

from nnviz.network.network import Network
from nnviz.probes.base import Answers, Measurement, node_parameters
from nnviz.probes.gradients import GradientProbe
from nnviz.probes.loss import LossProbe
from nnviz.probes.updates import UpdateProbe, ratio

TARGETS = torch.arange(40) % 5


def backward(network: Network) -> torch.Tensor:
    loss = nn.functional.cross_entropy(network(images()), TARGETS)
    loss.backward()
    return loss


# -- loss --------------------------------------------------------------------------------------------------------------


def test_losses_wait_on_the_device_and_come_together():
    now = 0.0
    probe = LossProbe(clock=lambda: now)
    got = []
    for step in range(1, 101):
        now = step * 0.001
        right = torch.arange(10) < step % 11
        answers = Answers(
            right.float().reshape(-1, 1), torch.ones(10), lambda outputs, targets: outputs[:, 0] == targets
        )
        measurement = Measurement(cnn(), step, loss=torch.tensor(1 / step), answers=answers, count=10, whole=False)
        got.append(probe.measure(measurement))
    assert [step for step, readings in enumerate(got, start=1) if readings] == [50, 100]
    together = [reading for readings in got for reading in readings]
    values = {(reading.series, reading.step): reading.value for reading in together}  # type: ignore[union-attr]  # all are scalars
    assert len(values) == 200
    for step in range(1, 101):
        assert values["loss/train", step] == pytest.approx(1 / step)
        assert values["accuracy/train", step] == pytest.approx((step % 11) / 10)
    assert probe.flush() == []


@pytest.mark.parametrize("width", [1, 10, 40_000])
def test_right_answers_are_counted_batch_by_batch_whatever_their_sizes(width):
    """The last batch of an epoch is smaller, and outputs may be so wide that only two batches are kept."""
    probe = LossProbe(clock=lambda: 0.0)
    torch.manual_seed(0)
    expected = {}
    for step, count in enumerate((8, 8, 3, 8, 1, 8), start=1):
        outputs, targets = torch.randn(count, width), torch.randint(width, (count,))
        outputs[: step % 3, 0] = 9.0
        targets[: step % 3] = 0
        answers = Answers(outputs, targets, lambda outputs, targets: outputs.argmax(1) == targets)
        expected[step] = (
            sum(int(row.argmax()) == int(target) for row, target in zip(outputs, targets, strict=True)) / count
        )
        loss = torch.tensor(float(step))
        assert probe.measure(Measurement(cnn(), step, loss=loss, answers=answers, count=count, whole=False)) == []
    readings = probe.flush()
    assert {one.step: one.value for one in readings if one.series == "accuracy/train"} == pytest.approx(expected)
    assert {one.step: one.value for one in readings if one.series == "loss/train"} == {n: float(n) for n in range(1, 7)}


def test_what_waits_is_flushed_and_forgotten():
    probe = LossProbe(clock=lambda: 0.0)
    measurement = Measurement(cnn(), 1, loss=torch.tensor(2.0), count=10, whole=False)
    assert probe.measure(measurement) == []
    assert scalars(probe.flush()) == {"loss/train": 2.0}  # no accuracy where nothing can be right
    probe.measure(measurement)
    probe.reset()
    assert probe.flush() == []
    measurement.whole = True
    assert scalars(probe.measure(measurement)) == {"loss/train": 2.0}


def test_a_loss_that_is_no_number_is_told_as_it_is():
    readings = LossProbe().measure(Measurement(cnn(), 1, loss=torch.tensor(math.nan), count=1))
    assert math.isnan(scalars(readings)["loss/train"])


# -- gradients ---------------------------------------------------------------------------------------------------------


def test_gradient_norms_are_those_of_a_loop_over_all_numbers():
    network = cnn()
    backward(network)
    found = scalars(GradientProbe().measure(Measurement(network, 1)))
    with_parameters = ["conv1", "norm1", "linear1", "linear2", "linear3", "linear4"]
    assert sorted(found) == sorted(f"gradient_{kind}/{node}" for kind in ("norm", "mean") for node in with_parameters)
    for node in with_parameters:
        numbers = [
            float(number)
            for p in network.module_of(node).parameters()
            for number in p.grad.flatten().tolist()  # type: ignore[union-attr]  # after backward
        ]
        assert found[f"gradient_norm/{node}"] == pytest.approx(math.sqrt(sum(x * x for x in numbers)), rel=1e-5)
        assert found[f"gradient_mean/{node}"] == pytest.approx(sum(map(abs, numbers)) / len(numbers), rel=1e-5)


def test_gradient_norm_agrees_with_finite_differences():
    network = Network(chain(("i", "input", {"shape": (3,)}), ("l", "linear", {"out_features": 4}), ("o", "output", {})))
    inputs = torch.randn(7, 3, generator=torch.Generator().manual_seed(0))
    targets = torch.arange(7) % 4
    nn.functional.cross_entropy(network(inputs), targets).backward()
    double = copy.deepcopy(network).double()

    def loss() -> float:
        with torch.no_grad():
            return float(nn.functional.cross_entropy(double(inputs.double()), targets))

    slopes = []
    for parameter in double.parameters():
        flat = parameter.data.view(-1)
        for index in range(len(flat)):
            flat[index] += 1e-6
            above = loss()
            flat[index] -= 2e-6
            slopes.append((above - loss()) / 2e-6)
            flat[index] += 1e-6
    found = scalars(GradientProbe().measure(Measurement(network, 1)))
    assert found["gradient_norm/l"] == pytest.approx(float(np.linalg.norm(slopes)), rel=1e-4)


def test_gradients_that_are_missing_zero_or_not_finite():
    network = cnn()
    assert GradientProbe().measure(Measurement(network, 1)) == []
    backward(network)
    network.module_of("linear2").weight.grad = None  # type: ignore[assignment]  # a tensor on the module
    network.module_of("linear3").weight.grad.fill_(math.inf)  # type: ignore[union-attr, operator]  # as above
    for parameter in network.module_of("conv1").parameters():
        parameter.grad = None
    network.module_of("linear4").requires_grad_(False)
    found = scalars(GradientProbe().measure(Measurement(network, 1)))
    assert "gradient_norm/conv1" not in found
    assert "gradient_norm/linear4" not in found
    bias = network.module_of("linear2").bias.grad  # type: ignore[union-attr]  # as above
    assert found["gradient_norm/linear2"] == pytest.approx(float(bias.norm()))  # type: ignore[operator, union-attr]  # as above
    assert found["gradient_norm/linear3"] == math.inf


# -- updates -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.01),
        lambda p: torch.optim.Adam(p, 1e-3),
    ],
)
def test_update_ratio_is_what_really_changed(make):  # type: ignore[no-untyped-def]  # an optimizer from parameters
    network = cnn()
    optimizer = make(list(network.parameters()))
    probe = UpdateProbe()
    for step in range(1, 4):
        optimizer.zero_grad()
        backward(network)
        before = {node: [p.detach().double() for p in own] for node, own in node_parameters(network).items()}
        before = {node: [p.clone() for p in own] for node, own in before.items()}
        probe.before_update(Measurement(network, step))
        optimizer.step()
        found = scalars(probe.measure(Measurement(network, step)))
        assert sorted(found) == sorted(f"update_ratio/{node}" for node in before)
        for node, own in node_parameters(network).items():
            change = sum(
                float((p.detach().double() - b).square().sum()) for p, b in zip(own, before[node], strict=True)
            )
            size = sum(float(b.square().sum()) for b in before[node])
            assert found[f"update_ratio/{node}"] == pytest.approx(math.sqrt(change / size), rel=1e-3)


def test_a_layer_that_began_at_zero():
    graph = chain(
        ("i", "input", {"shape": (3,)}),
        ("l", "linear", {"out_features": 4, "weight_initialisation": "zeros"}),
        ("o", "output", {}),
    )
    network = Network(graph)
    probe = UpdateProbe()
    probe.before_update(Measurement(network, 1))
    assert scalars(probe.measure(Measurement(network, 1))) == {"update_ratio/l": 0.0}
    probe.before_update(Measurement(network, 2))
    with torch.no_grad():
        network.module_of("l").weight.add_(1.0)  # type: ignore[operator, union-attr]  # a tensor on the module
    assert scalars(probe.measure(Measurement(network, 2))) == {"update_ratio/l": math.inf}
    assert math.isnan(ratio(math.nan, 0.0))


def test_without_a_copy_there_is_nothing_to_compare():
    probe = UpdateProbe()
    assert probe.measure(Measurement(cnn(), 1)) == []
    probe.before_update(Measurement(cnn(), 1))
    probe.reset()
    assert probe.measure(Measurement(cnn(), 1)) == []
