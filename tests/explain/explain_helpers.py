"""Networks of one layer with random settings, and what flows through them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import torch

from nnviz.explain.at_rest import network_at_rest
from nnviz.explain.explanation import Explanation, Term
from nnviz.explain.values import Values, values_of
from nnviz.network.losses import LossFunction
from nnviz.network.network import Network
from nnviz.project.model import Edge, Graph, Node, PortRef

MSE = LossFunction("mse", "regression", 1, 0.0)


@dataclass(frozen=True)
class Case:
    """A layer, the shapes that come into it, and how its examples look."""

    kind: str
    params: Mapping[str, Any]
    shapes: Sequence[tuple[int, ...]]
    whole_numbers: bool = False


def network_of(case: Case, seed: int = 0) -> Network:
    """Input → (one way a port) → the layer → Output."""
    nodes = [Node("input", "input", {"shape": case.shapes[0]})]
    wires = []
    if len(case.shapes) == 1:
        wires.append(("input", "layer", 0))
    for port, shape in enumerate(case.shapes if len(case.shapes) > 1 else ()):
        if shape == case.shapes[0]:
            nodes.append(Node(f"way{port}", ("tanh", "sigmoid", "silu")[port % 3], {}))
        else:
            nodes.append(Node(f"way{port}", "adaptive_avg_pool2d", {"output_size": shape[1:]}))
        wires += [("input", f"way{port}", 0), (f"way{port}", "layer", port)]
    nodes += [Node("layer", case.kind, case.params), Node("output", "output", {"loss": "mse"})]
    wires.append(("layer", "output", 0))
    edges = tuple(Edge(PortRef(source), PortRef(target, port)) for source, target, port in wires)
    network = Network(Graph({node.id: node for node in nodes}, edges), seed=seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in network.parameters():
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.7)
        for name, tensor in network.named_buffers():
            if name.endswith("running_mean"):
                tensor.copy_(torch.randn(tensor.shape, generator=generator))
            elif name.endswith("running_var"):
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.3)
    return network


def flowing(case: Case, *, training: bool, seed: int = 0, count: int = 3) -> tuple[Network, Values]:
    """What flows through it for a batch of random numbers, and back from random targets."""
    network = network_of(case, seed)
    generator = torch.Generator().manual_seed(seed + 1)
    inputs = torch.randn(count, *case.shapes[0], generator=generator) * 1.5
    if case.whole_numbers:
        inputs = inputs.round()
    shape = network.inference.results["output"].output
    targets = torch.randn(count, *shape, generator=generator)
    state = torch.get_rng_state()
    torch.manual_seed(seed)
    try:
        return network, values_of(network, network_at_rest(network, training=training), inputs, MSE, targets)
    finally:
        torch.set_rng_state(state)


def size_of(terms: Sequence[Term]) -> float:
    return math.fsum(abs(term.value) for term in terms)


def assert_sums(found: Explanation, slack: float = 0.0) -> None:
    """The terms sum to the value within the error of a computation in single precision."""
    size = size_of(found.terms) + abs(found.value) + slack
    limit = (16 + 2 * math.sqrt(len(found.terms))) * 2.0**-24 * size + 1e-30
    assert abs(found.total - found.value) <= limit, (found.total, found.value, found)


def any_index(random: Random, shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(random.randrange(size) for size in shape)


def _image(random: Random, channels: int | None = None, least: int = 1) -> tuple[int, int, int]:
    return (channels or random.randint(1, 4), random.randint(least, 7), random.randint(least, 7))


def _convolution(random: Random, axes: int) -> Case:
    groups = random.choice((1, 1, 2, 3))
    channels, outputs = groups * random.randint(1, 2), groups * random.randint(1, 2)
    kernel = [random.randint(1, 3) for _ in range(axes)]
    dilation = [random.randint(1, 2) for _ in range(axes)]
    params: dict[str, Any] = {
        "out_channels": outputs,
        "kernel_size": kernel,
        "stride": [random.randint(1, 3) for _ in range(axes)],
        "padding": [random.randint(0, 2) for _ in range(axes)],
        "dilation": dilation,
    }
    if axes == 1:
        params = {name: value[0] if isinstance(value, list) else value for name, value in params.items()}
    else:
        params = {name: tuple(value) if isinstance(value, list) else value for name, value in params.items()}
    params |= {"groups": groups, "bias": random.random() < 0.7}
    sizes = tuple(random.randint(5, 7) for _ in range(axes))
    return Case(f"conv{axes}d", params, [(channels, *sizes)])


def _transposed(random: Random) -> Case:
    case = _convolution(random, 2)
    stride, dilation = case.params["stride"], case.params["dilation"]
    padding = tuple(random.randint(0, 1) for _ in range(2))
    extra = tuple(random.randrange(max(one, other)) for one, other in zip(stride, dilation, strict=True))
    shape = (case.shapes[0][0], random.randint(2, 4), random.randint(2, 4))
    kernel = tuple(random.randint(2, 3) for _ in range(2))
    params = {**case.params, "padding": padding, "output_padding": extra, "kernel_size": kernel}
    return Case("conv_transpose2d", params, [shape])


def _pool(random: Random, kind: str, axes: int) -> Case:
    kernel = tuple(random.randint(1, 3) for _ in range(axes))
    params: dict[str, Any] = {
        "kernel_size": kernel,
        "stride": tuple(random.randint(1, 3) for _ in range(axes)),
        "padding": tuple(random.randint(0, size // 2) for size in kernel),
        "ceil_mode": random.random() < 0.5,
    }
    if kind == "avg_pool2d":
        params["count_include_pad"] = random.random() < 0.5
    else:
        params["dilation"] = tuple(random.randint(1, 2) for _ in range(axes))
    if axes == 1:
        params = {name: value[0] if isinstance(value, tuple) else value for name, value in params.items()}
    sizes = tuple(random.randint(5, 8) for _ in range(axes))
    # Whole numbers are often equal: the first of them is the largest.
    return Case(kind, params, [(random.randint(1, 3), *sizes)], whole_numbers=random.random() < 0.5)


def _any_shape(random: Random) -> tuple[int, ...]:
    return tuple(random.randint(1, 5) for _ in range(random.randint(1, 3)))


def _bent(kind: str, **params: Any) -> Callable[[Random], Case]:
    # Whole numbers lie on the corners: 0, and the −3 and 3 of Hardswish.
    return lambda random: Case(kind, params, [_any_shape(random)], whole_numbers=random.random() < 0.5)


def _norm(random: Random, kind: str, shape: tuple[int, ...], **params: Any) -> Case:
    return Case(kind, {"epsilon": random.choice((1e-5, 1e-2)), "affine": random.random() < 0.7, **params}, [shape])


def _joined(random: Random, kind: str) -> Case:
    shape = _image(random)
    ways = [shape] * (2 if kind == "subtract" else random.randint(2, 3))
    if kind == "multiply" and random.random() < 0.5:
        ways[1] = (shape[0], 1, 1)
    params = {"dimension": random.randint(0, 2)} if kind == "concatenate" else {}
    return Case(kind, params, ways)


def _group_norm(random: Random) -> Case:
    groups = random.randint(1, 3)
    shape = random.choice([(groups * random.randint(2, 3),), (groups * 2, 4), (groups * 2, 3, 2)])
    return _norm(random, "group_norm", shape, groups=groups)


#: How a layer of each kind is made up; a test compares the keys with the registry.
CASES: Mapping[str, Callable[[Random], Case]] = {
    "linear": lambda random: Case(
        "linear", {"out_features": random.randint(1, 5), "bias": random.random() < 0.7}, [(random.randint(1, 8),)]
    ),
    "conv1d": lambda random: _convolution(random, 1),
    "conv2d": lambda random: _convolution(random, 2),
    "conv_transpose2d": _transposed,
    "max_pool1d": lambda random: _pool(random, "max_pool1d", 1),
    "max_pool2d": lambda random: _pool(random, "max_pool2d", 2),
    "avg_pool2d": lambda random: _pool(random, "avg_pool2d", 2),
    "adaptive_avg_pool2d": lambda random: Case(
        "adaptive_avg_pool2d", {"output_size": (random.randint(1, 9), random.randint(1, 9))}, [_image(random)]
    ),
    "flatten": lambda random: Case("flatten", {}, [_any_shape(random)]),
    "reshape": lambda random: Case("reshape", {"shape": (2, 3, -1)}, [(random.randint(1, 3), 6, 2)]),
    "identity": _bent("identity"),
    "zero_pad2d": lambda random: Case(
        "zero_pad2d", {"padding": tuple(random.randint(0, 2) for _ in range(4))}, [_image(random)]
    ),
    "upsample": lambda random: Case(
        "upsample",
        {"scale_factor": random.randint(1, 4), "mode": random.choice(("nearest", "bilinear"))},
        [_image(random)],
    ),
    "relu": _bent("relu"),
    "leaky_relu": _bent("leaky_relu", negative_slope=0.2),
    "prelu": lambda random: Case("prelu", {"per_channel": random.random() < 0.5}, [_any_shape(random)]),
    "sigmoid": _bent("sigmoid"),
    "tanh": _bent("tanh"),
    "softmax": _bent("softmax"),
    "log_softmax": _bent("log_softmax"),
    "elu": _bent("elu", alpha=1.4),
    "gelu": lambda random: Case("gelu", {"approximate": random.choice(("none", "tanh"))}, [_any_shape(random)]),
    "silu": _bent("silu"),
    "hardswish": _bent("hardswish"),
    "softplus": _bent("softplus"),
    "step": _bent("step"),
    "dropout": lambda random: Case("dropout", {"probability": random.choice((0.0, 0.4, 1.0))}, [_any_shape(random)]),
    "dropout2d": lambda random: Case("dropout2d", {"probability": 0.4}, [_image(random, 4)]),
    "batch_norm1d": lambda random: _norm(random, "batch_norm1d", random.choice([(3,), (2, 4)])),
    "batch_norm2d": lambda random: _norm(random, "batch_norm2d", _image(random)),
    "layer_norm": lambda random: _norm(random, "layer_norm", random.choice([(4,), (2, 3), (2, 3, 2)])),
    "group_norm": _group_norm,
    "local_response_norm": lambda random: Case(
        "local_response_norm",
        {"size": random.randint(1, 5), "alpha": 0.8, "beta": 0.75, "k": random.choice((1.0, 2.0))},
        [_image(random, 6)],
    ),
    "add": lambda random: _joined(random, "add"),
    "subtract": lambda random: _joined(random, "subtract"),
    "select": lambda random: Case("select", {"index": random.randint(0, 2)}, [(3, *_any_shape(random)[1:])]),
    "multiply": lambda random: _joined(random, "multiply"),
    "concatenate": lambda random: _joined(random, "concatenate"),
}
