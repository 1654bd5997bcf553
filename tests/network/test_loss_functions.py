"""Losses and accuracies against sums written out by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from nnviz.errors import ProjectError
from nnviz.network.losses import LossFunction, class_amounts, loss_function
from nnviz.project.model import Choice, DataFacts, Graph, Node, ParamValue
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


# -- classes: smoothing, weights, hinge and negative log-likelihood, in numpy -----------------------------------------

FIVE = DataFacts((4,), 5, "classes", tuple("abcde"))
RANDOM = np.random.default_rng(11)
SCORES, LABELS = RANDOM.normal(size=(9, 5)) * 3, np.array([0, 1, 1, 2, 4, 4, 4, 1, 0])
CLASS_WEIGHTS = (0.5, 2.0, 1.0, 3.0, 0.0)


def chosen(kind: str, **settings: ParamValue) -> LossFunction:
    node = Node("output", "output", {"loss": Choice(kind, settings)})
    return loss_function(Graph({"output": node}), FIVE, class_amounts(torch.from_numpy(LABELS), None, 5))


def surprises(smoothing: float, weights: Sequence[float]) -> list[float]:
    found = []
    for row, label in zip(SCORES, LABELS, strict=True):
        logarithms = row - np.log(np.exp(row).sum())
        target = np.full(5, smoothing / 5) + (1 - smoothing) * np.eye(5)[label]
        found.append(-weights[label] * float(target @ logarithms))
    return found


def hinges(margin: float) -> list[float]:
    return [
        sum(max(0.0, float(row[k] - row[label]) + margin) for k in range(5) if k != label)
        for row, label in zip(SCORES, LABELS, strict=True)
    ]


BALANCED = tuple(9 / (4 * count) if count else 1.0 for count in np.bincount(LABELS, minlength=5))
OF_CLASSES = [
    ("cross_entropy", {"label_smoothing": 0.1}, surprises(0.1, (1.0,) * 5)),
    ("cross_entropy", {"class_weights": "typed", "weights": CLASS_WEIGHTS}, surprises(0.0, CLASS_WEIGHTS)),
    ("cross_entropy", {"class_weights": "balanced"}, surprises(0.0, BALANCED)),
    (
        "cross_entropy",
        {"class_weights": "typed", "weights": CLASS_WEIGHTS, "label_smoothing": 0.3},
        surprises(0.3, CLASS_WEIGHTS),
    ),
    ("hinge", {}, hinges(1.0)),
    ("hinge", {"margin": 2.5}, hinges(2.5)),
    ("nll", {}, [-float(row[label]) for row, label in zip(SCORES, LABELS, strict=True)]),
]


@pytest.mark.parametrize(("kind", "settings", "wanted"), OF_CLASSES)
def test_a_loss_of_classes_is_the_sum_written_out(
    kind: str, settings: dict[str, ParamValue], wanted: list[float]
) -> None:
    """Its mean, its value for each example, its gradient; mixed with nothing it is the same."""
    loss, labels = chosen(kind, **settings), torch.from_numpy(LABELS)
    outputs = torch.from_numpy(SCORES).requires_grad_()
    assert loss.each(outputs.detach(), labels).tolist() == pytest.approx(wanted, rel=1e-9)
    mean = loss(outputs, labels)
    assert mean.item() == pytest.approx(sum(wanted) / 9, rel=1e-9)
    (slope,) = torch.autograd.grad(mean, outputs)
    value, gradient = loss.with_gradient(outputs.detach(), labels)
    assert value.item() == pytest.approx(mean.item(), rel=1e-12) and torch.allclose(gradient, slope, atol=1e-12)
    for place in ((0, 0), (3, 2), (8, 4)):  # a small step up and down
        moved = [torch.from_numpy(SCORES + sign * 1e-6 * at(place)) for sign in (1, -1)]
        up, down = (loss(one, labels).item() for one in moved)
        assert slope[place].item() == pytest.approx((up - down) / 2e-6, abs=1e-5)
    one_hot = torch.eye(5, dtype=torch.float64)[labels]
    assert loss(outputs, one_hot).item() == pytest.approx(mean.item(), rel=1e-9)
    correct = loss.correct(outputs, labels)
    assert correct is not None and int(correct) == int((SCORES.argmax(1) == LABELS).sum())


def at(place: tuple[int, int]) -> np.ndarray:
    found = np.zeros((9, 5))
    found[place] = 1.0
    return found


def test_smoothing_and_hinge_are_torchs_own() -> None:
    outputs, labels = torch.from_numpy(SCORES), torch.from_numpy(LABELS)
    smoothed = torch.nn.functional.cross_entropy(outputs, labels, label_smoothing=0.1)
    assert chosen("cross_entropy", label_smoothing=0.1)(outputs, labels).item() == pytest.approx(smoothed.item())
    hinge = torch.nn.functional.multi_margin_loss(outputs, labels, margin=0.7)
    assert chosen("hinge", margin=0.7)(outputs, labels).item() == pytest.approx(5 * hinge.item())


def test_classes_that_weigh_alike_already_are_balanced() -> None:
    """As behind the step of the data that balances by weights."""
    weights = torch.tensor([9 / (4 * np.bincount(LABELS)[label]) for label in LABELS])
    amounts = class_amounts(torch.from_numpy(LABELS), weights, 5)
    node = Node("output", "output", {"loss": Choice("cross_entropy", {"class_weights": "balanced"})})
    assert loss_function(Graph({"output": node}), FIVE, amounts).values["weights"] == pytest.approx((1.0,) * 5)


def test_weights_for_another_number_of_classes_are_refused() -> None:
    with pytest.raises(ProjectError, match="one weight for each of the 5 classes, and 2 are typed") as caught:
        chosen("cross_entropy", class_weights="typed", weights=(1.0, 2.0))
    assert caught.value.field == "graph.nodes.output.params.loss"


def test_plain_cross_entropy_takes_the_way_it_took() -> None:
    """Settings that do nothing change no bit."""
    outputs, labels = torch.from_numpy(SCORES).float(), torch.from_numpy(LABELS)
    named = chosen("cross_entropy", label_smoothing=0.0, class_weights="none", weights=CLASS_WEIGHTS)
    plain, gradient = chosen("cross_entropy").with_gradient(outputs, labels)
    assert torch.equal(named(outputs, labels), plain) and torch.equal(named.with_gradient(outputs, labels)[1], gradient)
