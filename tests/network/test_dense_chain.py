"""The chain rule written out gives what autograd gives, bit for bit."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from nnviz.network.chain import DenseChain
from nnviz.network.losses import LossFunction
from nnviz.network.network import Network
from nnviz.project.model import Graph
from nnviz.project.samples.sketch import chain, conv, dropout, features, flatten, image, linear, output, plain

ACTIVATIONS = ("identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus")
LOSSES = {
    "cross_entropy": ("classes", 3),
    "mse": ("regression", 2),
    "bce_logits": ("binary", 1),
    "bce": ("binary", 1),
    "perceptron": ("binary", 1),
}


def example(task: str, outputs: int, count: int, inputs: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(count)
    x = torch.randn(count, *inputs, generator=generator)
    if task == "classes":
        return x, torch.randint(0, outputs, (count,), generator=generator)
    if task == "binary":
        return x, torch.randint(0, 2, (count,), generator=generator)
    return x, torch.randn(count, outputs, generator=generator)


def agree(graph: Graph, loss_function: LossFunction, inputs: Tensor, targets: Tensor) -> None:
    ours = Network(graph, seed=5)
    theirs = copy.deepcopy(ours)
    gradients = DenseChain.of(ours)
    assert gradients is not None
    outputs, loss = gradients(loss_function, inputs, targets)
    expected = theirs(inputs)
    expected_loss = loss_function(expected, targets)
    torch.autograd.backward(expected_loss)
    assert not outputs.requires_grad and not loss.requires_grad
    assert torch.equal(outputs, expected)
    assert torch.equal(loss, expected_loss) or (loss.isnan() and expected_loss.isnan())
    for (name, one), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert one.grad is not None and other.grad is not None
        assert one.grad.is_contiguous() and one.grad.shape == one.shape, name
        assert torch.equal(one.grad, other.grad), name
        assert len(inputs) == 1 or bool(one.grad.count_nonzero()), f"{name}: nothing to compare"


@pytest.mark.parametrize("count", [1, 2, 10, 129])
@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_are_those_of_autograd(activation: str, kind: str, count: int) -> None:
    task, outputs = LOSSES[kind]
    last = (plain("sigmoid"),) if kind == "bce" else ()
    graph = chain(
        features(2), linear(8), plain(activation), linear(33), plain(activation), linear(outputs), *last,
        output(kind),
    )  # fmt: skip
    agree(graph, LossFunction(kind, task, outputs, 0.0), *example(task, outputs, count, (2,)))


@pytest.mark.parametrize("sizes", [(1, 1), (1, 5), (300, 1), (64, 257)])
def test_layers_of_any_size(sizes: tuple[int, int]) -> None:
    graph = chain(features(sizes[0]), linear(sizes[1]), plain("tanh"), linear(2), output("mse"))
    agree(graph, LossFunction("mse", "regression", 2, 0.0), *example("regression", 2, 16, (sizes[0],)))


def test_an_image_is_flattened_first() -> None:
    graph = chain(image(1, 6, 5), flatten(), linear(16), plain("relu"), linear(3), output("cross_entropy"))
    agree(graph, LossFunction("cross_entropy", "classes", 3, 0.0), *example("classes", 3, 12, (1, 6, 5)))


def test_classes_may_be_learned_as_numbers() -> None:
    """Each class an output of its own, 0 or 1."""
    graph = chain(features(2), linear(4), plain("tanh"), linear(3), output("mse"))
    agree(graph, LossFunction("mse", "classes", 3, 0.0), *example("classes", 3, 12, (2,)))


def test_a_layer_without_bias_has_no_gradient_of_one() -> None:
    graph = chain(features(2), linear(4, bias=False), plain("tanh"), linear(1), output("bce_logits"))
    agree(graph, LossFunction("bce_logits", "binary", 1, 0.0), *example("binary", 1, 10, (2,)))


@pytest.mark.parametrize(
    "graph",
    [
        chain(features(2), linear(4), dropout(0.5), linear(1), output("bce_logits")),
        chain(features(2), linear(4), plain("batch_norm1d"), linear(1), output("bce_logits")),
        chain(features(2), linear(4), plain("prelu"), linear(1), output("bce_logits")),
        chain(image(1, 8, 8), conv(2, 3), plain("relu"), flatten(), linear(3), output("cross_entropy")),
        chain(features(2), plain("tanh"), output("mse")),
    ],
)
def test_what_is_no_plain_chain_of_dense_layers_is_left_to_autograd(graph: Graph) -> None:
    assert DenseChain.of(Network(graph)) is None


def test_what_is_not_to_be_trained_is_left_to_autograd() -> None:
    network = Network(chain(features(2), linear(4), plain("tanh"), linear(1), output("bce_logits")))
    assert DenseChain.of(network) is not None
    next(network.parameters()).requires_grad_(False)
    assert DenseChain.of(network) is None
    assert DenseChain.of(network.double()) is None
