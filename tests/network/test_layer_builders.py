"""Every kind of the registry has one builder, and what it builds does what the declaration says."""

from __future__ import annotations

import random

import pytest
import torch

from nnviz.errors import ProjectError
from nnviz.network.builders import BUILDERS, Add, Concatenate, Multiply, Reshape, Step, build_layer
from nnviz.project import registry
from nnviz.project.model import ParamValue, Shape

#: A legal configuration of each kind: (parameters that differ from the defaults, shapes of the inputs).
CONFIGURATIONS: dict[str, tuple[dict[str, ParamValue], list[Shape]]] = {
    "input": ({"shape": (3, 9, 9)}, []),
    "output": ({}, [(10,)]),
    "linear": ({"out_features": 7, "bias": False}, [(5,)]),
    "conv1d": ({"out_channels": 6, "kernel_size": 3, "stride": 2, "padding": 1, "groups": 2}, [(4, 11)]),
    "conv2d": ({"out_channels": 6, "kernel_size": (3, 2), "stride": (2, 1), "dilation": (1, 2)}, [(3, 9, 8)]),
    "conv_transpose2d": (
        {"out_channels": 4, "kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1},
        [(3, 5, 6)],
    ),
    "max_pool1d": ({"kernel_size": 2, "stride": 2}, [(3, 9)]),
    "max_pool2d": ({"kernel_size": 3, "stride": 2, "ceil_mode": True}, [(3, 8, 7)]),
    "avg_pool2d": ({"kernel_size": (2, 3), "stride": 2, "padding": 1, "count_include_pad": False}, [(3, 8, 7)]),
    "adaptive_avg_pool2d": ({"output_size": (2, 3)}, [(3, 8, 7)]),
    "flatten": ({}, [(3, 4, 5)]),
    "reshape": ({"shape": (3, -1)}, [(12,)]),
    "zero_pad2d": ({"padding": (1, 2, 3, 4)}, [(2, 5, 6)]),
    "upsample": ({"scale_factor": 3, "mode": "bilinear"}, [(2, 4, 5)]),
    "prelu": ({"per_channel": True}, [(4, 3, 3)]),
    "dropout2d": ({}, [(4, 3, 3)]),
    "batch_norm1d": ({}, [(5,)]),
    "batch_norm2d": ({"affine": False}, [(5, 3, 3)]),
    "layer_norm": ({}, [(5, 3, 3)]),
    "group_norm": ({"groups": 2}, [(4, 3, 3)]),
    "local_response_norm": ({"size": 3}, [(4, 3, 3)]),
    "add": ({}, [(4,), (4,), (4,)]),
    "subtract": ({}, [(4, 2), (4, 2)]),
    "select": ({"index": 2}, [(4, 2, 3)]),
    "multiply": ({}, [(4, 2, 2), (4, 2, 2)]),
    "concatenate": ({"dimension": 0}, [(4, 2, 2), (3, 2, 2)]),
}


def test_registry_and_builders_name_the_same_kinds() -> None:
    assert set(BUILDERS) == set(registry.layers())


@pytest.mark.parametrize("kind", sorted(BUILDERS))
def test_output_shape_and_parameter_count_are_the_declared_ones(kind: str) -> None:
    params, shapes = CONFIGURATIONS.get(kind, ({}, [(6,)]))
    spec = registry.layer(kind)
    values = spec.values(params)
    result = spec.rule(values, shapes)
    module = build_layer(kind, values, shapes)
    inputs = [torch.rand(2, *shape) for shape in shapes or [result.output]]
    kept = [x.clone() for x in inputs]
    output = module(*inputs)
    assert tuple(output.shape[1:]) == result.output
    assert sum(parameter.numel() for parameter in module.parameters()) == result.parameters
    for before, after in zip(kept, inputs, strict=True):
        assert torch.equal(before, after), "a layer wrote into its input"


@pytest.mark.parametrize("kind", sorted(kind for kind, spec in registry.layers().items() if spec.function is not None))
def test_the_declared_function_of_one_number_is_what_torch_computes(kind: str) -> None:
    spec = registry.layer(kind)
    variants: list[dict[str, ParamValue]] = [{}]
    variants += [{param.name: choice} for param in spec.params for choice, _ in param.choices]
    variants += [{param.name: 0.3} for param in spec.params if param.type == "float"]
    numbers = [-800.0, -30.0, -3.0, -1.0, -1e-3, 0.0, 1e-3, 0.5, 1.0, 4.0, 30.0, 800.0]
    assert spec.function is not None
    for params in variants:
        values = spec.values(params)
        with torch.no_grad():
            wanted = build_layer(kind, values, [(len(numbers),)])(torch.tensor([numbers], dtype=torch.float64))[0]
        found = [spec.function(values, number) for number in numbers]
        torch.testing.assert_close(torch.tensor(found, dtype=torch.float64), wanted, rtol=1e-9, atol=1e-9)


def test_unknown_kind_is_refused_in_a_sentence() -> None:
    with pytest.raises(ProjectError, match="no layer of the kind 'conv9d'"):
        build_layer("conv9d", {}, [])


def test_step_fires_strictly_above_zero() -> None:
    x = torch.tensor([-1.0, -0.0, 0.0, 1e-30, 2.0])
    assert Step()(x).tolist() == [0.0, 0.0, 0.0, 1.0, 1.0]


def test_step_lets_no_gradient_through_but_keeps_the_graph_alive() -> None:
    x = torch.randn(3, 4, requires_grad=True)
    Step()(x).sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, torch.zeros(3, 4))


def test_joins_work_on_any_number_of_inputs() -> None:
    generator = random.Random(3)
    inputs = [torch.full((2, 3), float(generator.randint(-4, 4))) for _ in range(5)]
    total, product = torch.zeros(2, 3), torch.ones(2, 3)
    for x in inputs:
        total, product = total + x, product * x
    assert torch.equal(Add()(*inputs), total)
    assert torch.equal(Multiply()(*inputs), product)
    assert torch.equal(Concatenate(0)(*inputs), torch.cat(inputs, 1))


def test_reshape_keeps_the_batch() -> None:
    assert Reshape((2, -1))(torch.zeros(5, 6)).shape == (5, 2, 3)
