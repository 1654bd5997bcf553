"""Losses and accuracies against sums written out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from nnviz.errors import ProjectError
from nnviz.network.losses import LossFunction, loss_function
from nnviz.project.model import Choice, DataFacts, Graph, Node
from nnviz.project.samples.sketch import chain, features, linear, output

CLASSES = DataFacts((4,), 3, "classes", ("a", "b", "c"))
BINARY = DataFacts((4,), 1, "binary", ("no", "yes"))
REGRESSION = DataFacts((4,), 2, "regression")


def graph_with(loss: str) -> Graph:
    return chain(features(4), linear(3), output(loss))


def made(loss: str, facts: DataFacts) -> LossFunction:
    return loss_function(graph_with(loss), facts)


def test_cross_entropy_is_the_mean_of_minus_log_softmax() -> None:
    outputs = [[1.0, 2.0, 3.0], [0.5, 0.0, -1.0]]
    targets = [2, 1]
    by_hand = 0.0
    for row, target in zip(outputs, targets, strict=True):
        by_hand -= math.log(math.exp(row[target]) / sum(math.exp(value) for value in row)) / 2
    loss = made("cross_entropy", CLASSES)(torch.tensor(outputs), torch.tensor(targets))
    assert loss.item() == pytest.approx(by_hand, rel=1e-6)


def test_cross_entropy_of_even_odds_is_the_figure_of_the_source() -> None:
    facts = DataFacts((4,), 2, "classes", ("a", "b"))
    assert made("cross_entropy", facts)(torch.zeros(1, 2), torch.tensor([0])).item() == pytest.approx(0.6931, abs=5e-5)


def test_mean_squared_error_of_classes_is_against_one_hot_labels() -> None:
    outputs = torch.tensor([[0.2, 0.7, 0.1]])
    by_hand = (0.2**2 + 0.3**2 + 0.1**2) / 3
    assert made("mse", CLASSES)(outputs, torch.tensor([1])).item() == pytest.approx(by_hand, rel=1e-6)


def test_mean_squared_error_of_numbers() -> None:
    outputs, targets = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 4.0]])
    assert made("mse", REGRESSION)(outputs, targets).item() == pytest.approx((1 + 4) / 2)


def test_mean_absolute_error_of_numbers_is_torchs_and_a_sum() -> None:
    rows, goals = [[1.0, 2.0], [-0.5, 3.25]], [[0.0, 4.0], [-0.5, 3.0]]
    by_hand = sum(abs(p - y) for row, goal in zip(rows, goals, strict=True) for p, y in zip(row, goal, strict=True)) / 4
    outputs, targets = torch.tensor(rows, requires_grad=True), torch.tensor(goals)
    loss = made("l1", REGRESSION)
    assert loss(outputs, targets).item() == pytest.approx(by_hand)
    assert torch.equal(loss(outputs, targets), torch.nn.L1Loss()(outputs, targets))
    _, gradient = loss.with_gradient(outputs.detach(), targets)
    assert (4 * gradient).tolist() == [[1.0, -1.0], [0.0, 1.0]]


@pytest.mark.parametrize("delta", [0.25, 1.0, 3.0])
def test_huber_with_its_setting_is_torchs_and_a_sum(delta: float) -> None:
    rows, goals = [[1.0, 2.0], [-0.5, 3.25]], [[0.0, 4.0], [-0.5, 3.0]]

    def one(distance: float) -> float:
        return distance**2 / 2 if distance <= delta else delta * (distance - delta / 2)

    pairs = [(p, y) for row, goal in zip(rows, goals, strict=True) for p, y in zip(row, goal, strict=True)]
    node = Node("output", "output", {"loss": Choice("huber", {"delta": delta})})
    loss = loss_function(Graph({"output": node}), REGRESSION)
    outputs, targets = torch.tensor(rows), torch.tensor(goals)
    assert loss(outputs, targets).item() == pytest.approx(sum(one(abs(p - y)) for p, y in pairs) / 4)
    assert torch.equal(loss(outputs, targets), torch.nn.HuberLoss(delta=delta)(outputs, targets))
    _, gradient = loss.with_gradient(outputs, targets)
    assert (4 * gradient).reshape(-1).tolist() == pytest.approx([max(-delta, min(delta, p - y)) for p, y in pairs])
    assert made("huber", REGRESSION)(outputs, targets).item() == torch.nn.HuberLoss()(outputs, targets).item()


@pytest.mark.parametrize("targets", [torch.tensor([1, 0]), torch.tensor([[1.0], [0.0]])])
def test_binary_losses_take_labels_and_columns(targets: torch.Tensor) -> None:
    probabilities = torch.tensor([[0.8], [0.3]])
    by_hand = -(math.log(0.8) + math.log(0.7)) / 2
    assert made("bce", BINARY)(probabilities, targets).item() == pytest.approx(by_hand, rel=1e-6)
    logits = torch.log(probabilities / (1 - probabilities))
    assert made("bce_logits", BINARY)(logits, targets).item() == pytest.approx(by_hand, rel=1e-5)


def test_perceptron_is_how_far_an_example_is_on_the_wrong_side() -> None:
    outputs, targets = torch.tensor([[3.0], [-2.0], [0.5], [-0.25]]), torch.tensor([1, 1, 0, 0])
    assert made("perceptron", BINARY)(outputs, targets).item() == pytest.approx((0 + 2.0 + 0.5 + 0) / 4)


def test_the_slope_of_the_perceptron_is_that_of_a_mistake_on_the_line_too() -> None:
    outputs = torch.tensor([[3.0], [-2.0], [0.0], [0.0]], requires_grad=True)
    torch.autograd.backward(made("perceptron", BINARY)(outputs, torch.tensor([1, 1, 1, 0])))
    assert outputs.grad is not None and (4 * outputs.grad).reshape(-1).tolist() == [0.0, -1.0, -1.0, 1.0]


def test_on_the_line_the_perceptron_is_wrong_for_the_rule_and_for_the_accuracy_alike() -> None:
    """What the rule would correct and what is counted as right are complements, whatever the numbers."""
    numbers = torch.tensor([0.0, -0.0, 1e-30, -1e-30, 2.0, -2.0, 0.0, math.nan])
    loss = made("perceptron", BINARY)
    for number in numbers.tolist():
        for target in (0, 1):
            outputs = torch.tensor([[number]], requires_grad=True)
            torch.autograd.backward(loss(outputs, torch.tensor([target])))
            assert outputs.grad is not None
            corrected = outputs.grad.item() != 0.0
            right = loss.correct(outputs.detach(), torch.tensor([target]))
            assert right is not None and int(right) == (not corrected), (number, target)


def test_the_perceptron_does_not_hide_what_is_no_number() -> None:
    assert math.isnan(made("perceptron", BINARY)(torch.tensor([[math.nan]]), torch.tensor([1])).item())


def test_cross_entropy_with_probabilities_flows_backwards_like_torchs_own() -> None:
    ours = torch.rand(6, 1, requires_grad=True)
    theirs = ours.detach().clone().requires_grad_()
    targets = torch.tensor([1, 0, 1, 1, 0, 0])
    torch.autograd.backward(made("bce", BINARY)(ours, targets))
    torch.autograd.backward(torch.nn.functional.binary_cross_entropy(theirs, targets.float().reshape(-1, 1)))
    assert ours.grad is not None
    assert theirs.grad is not None
    assert torch.allclose(ours.grad, theirs.grad)


@pytest.mark.parametrize("value", [1.5, -0.1, math.nan, math.inf])
def test_what_is_no_probability_gives_a_loss_that_is_no_number(value: float) -> None:
    loss = made("bce", BINARY)(torch.tensor([[0.5], [value]]), torch.tensor([1, 0]))
    assert math.isnan(loss.item())


def test_saturated_probabilities_have_torchs_bounded_loss() -> None:
    assert made("bce", BINARY)(torch.tensor([[1.0]]), torch.tensor([0])).item() == 100.0


def test_a_class_is_right_where_its_output_is_the_largest() -> None:
    outputs = torch.tensor([[0.1, 0.9, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    correct = made("cross_entropy", CLASSES).correct(outputs, torch.tensor([1, 1, 2]))
    assert correct is not None
    assert int(correct) == 2


@pytest.mark.parametrize(
    ("loss", "outputs", "right"),
    [
        ("bce", [0.51, 0.5, 0.2, 0.9], 3),  # 0.5 itself is a no
        ("mse", [1.0, 0.0, 0.0, 1.0], 3),
        ("bce_logits", [0.1, 0.0, -3.0, 5.0], 3),
        ("perceptron", [0.1, 0.0, -3.0, 5.0], 3),
    ],
)
def test_yes_and_no_are_parted_by_the_threshold(loss: str, outputs: list[float], right: int) -> None:
    correct = made(loss, BINARY).correct(torch.tensor(outputs).reshape(-1, 1), torch.tensor([1, 1, 0, 1]))
    assert correct is not None
    assert int(correct) == right


def test_a_number_is_neither_right_nor_wrong() -> None:
    loss = made("mse", REGRESSION)
    assert not loss.has_accuracy
    assert loss.correct(torch.zeros(2, 2), torch.zeros(2, 2)) is None


def test_numbers_cannot_be_trained_with_a_loss_for_classes() -> None:
    with pytest.raises(ProjectError, match="mean squared error"):
        made("cross_entropy", REGRESSION)
