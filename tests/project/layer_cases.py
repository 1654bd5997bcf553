"""Random legal and illegal configurations of every layer, small enough to be run through torch."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from nnviz.project.model import ParamValue, Shape

Case = tuple[dict[str, ParamValue], list[Shape]]

_sizes = st.integers(1, 9)
_channels = st.integers(1, 8)
IMAGES = st.tuples(_channels, _sizes, _sizes)
SEQUENCES = st.tuples(_channels, st.integers(1, 14))
FLAT = st.tuples(st.integers(1, 20))
ANY_SHAPE = st.one_of(FLAT, SEQUENCES, IMAGES)


def _numbers(low: int, high: int) -> st.SearchStrategy[ParamValue]:
    return st.integers(low, high)


def _pairs(low: int, high: int) -> st.SearchStrategy[ParamValue]:
    return st.one_of(st.integers(low, high), st.tuples(st.integers(low, high), st.integers(low, high)))


@st.composite
def _convolutions(draw: DrawFn, axes: int, transposed: bool = False) -> Case:
    window = _numbers if axes == 1 else _pairs
    groups = draw(st.sampled_from([1, 1, 1, 2, 3, 4]))
    # Mostly channel counts that the groups divide, so that both sides of the rule are met.
    channels = draw(st.one_of(st.integers(1, 3).map(lambda n: n * groups), _channels))
    outputs = draw(st.one_of(st.integers(1, 3).map(lambda n: n * groups), _channels))
    params: dict[str, ParamValue] = {
        "out_channels": outputs,
        "kernel_size": draw(window(1, 5)),
        "stride": draw(window(1, 4)),
        "padding": draw(window(0, 4)),
        "dilation": draw(window(1, 3)),
        "groups": groups,
        "bias": draw(st.booleans()),
    }
    if transposed:
        params["output_padding"] = draw(window(0, 3))
    shape = draw(SEQUENCES if axes == 1 else IMAGES)
    return params, [(channels, *shape[1:])]


@st.composite
def _pools(draw: DrawFn, axes: int, average: bool = False) -> Case:
    window = _numbers if axes == 1 else _pairs
    params: dict[str, ParamValue] = {
        "kernel_size": draw(window(1, 5)),
        "stride": draw(window(1, 4)),
        "padding": draw(window(0, 3)),
        "ceil_mode": draw(st.booleans()),
    }
    params |= {"count_include_pad": draw(st.booleans())} if average else {"dilation": draw(window(1, 3))}
    return params, [draw(SEQUENCES if axes == 1 else IMAGES)]


@st.composite
def _one(draw: DrawFn, shapes: st.SearchStrategy[Shape], **params: st.SearchStrategy[ParamValue]) -> Case:
    return {name: draw(values) for name, values in params.items()}, [draw(shapes)]


@st.composite
def _reshapes(draw: DrawFn) -> Case:
    wanted = draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    size = 1
    for item in wanted:
        size *= item
    shape = draw(st.sampled_from([(size,), (1, size), (size, 1, 1), (7,), (2, 3, 4)]))
    if draw(st.booleans()):
        wanted[draw(st.integers(0, len(wanted) - 1))] = -1
    return {"shape": tuple(wanted)}, [shape]


@st.composite
def _joins(draw: DrawFn, dimensions: bool = False, most: int = 5) -> Case:
    first = draw(ANY_SHAPE)
    count = draw(st.integers(2, most))
    dimension = draw(st.integers(0, len(first) - 1)) if dimensions else -1
    shapes: list[Shape] = []
    for _ in range(count):
        shape = list(first)
        if dimensions:
            shape[dimension] = draw(st.integers(1, 6))
        if draw(st.sampled_from([False] * 9 + [True])):
            shape[draw(st.integers(0, len(first) - 1))] = draw(st.integers(1, 6))
        shapes.append(tuple(shape))
    return ({"dimension": dimension} if dimensions else {}), shapes


_SMALL = st.floats(1e-4, 0.9)
_AFFINE = st.booleans()

CASES: dict[str, st.SearchStrategy[Case]] = {
    "output": _one(ANY_SHAPE),
    "linear": _one(FLAT, out_features=st.integers(1, 30), bias=st.booleans()),
    "conv1d": _convolutions(1),
    "conv2d": _convolutions(2),
    "conv_transpose2d": _convolutions(2, transposed=True),
    "max_pool1d": _pools(1),
    "max_pool2d": _pools(2),
    "avg_pool2d": _pools(2, average=True),
    "adaptive_avg_pool2d": _one(IMAGES, output_size=_pairs(1, 12)),
    "flatten": _one(ANY_SHAPE),
    "identity": _one(ANY_SHAPE),
    "reshape": _reshapes(),
    "zero_pad2d": _one(IMAGES, padding=st.tuples(*[st.integers(0, 4)] * 4)),
    "upsample": _one(IMAGES, scale_factor=st.integers(1, 4), mode=st.sampled_from(["nearest", "bilinear"])),
    **{kind: _one(ANY_SHAPE) for kind in ("step", "relu", "silu", "hardswish", "sigmoid", "tanh", "softplus")},
    **{kind: _one(ANY_SHAPE) for kind in ("softmax", "log_softmax")},
    "leaky_relu": _one(ANY_SHAPE, negative_slope=_SMALL),
    "prelu": _one(ANY_SHAPE, per_channel=st.booleans()),
    "elu": _one(ANY_SHAPE, alpha=_SMALL),
    "gelu": _one(ANY_SHAPE, approximate=st.sampled_from(["none", "tanh"])),
    "dropout": _one(ANY_SHAPE, probability=_SMALL),
    "dropout2d": _one(IMAGES, probability=_SMALL),
    "batch_norm1d": _one(ANY_SHAPE, affine=_AFFINE, momentum=_SMALL, epsilon=_SMALL),
    "batch_norm2d": _one(ANY_SHAPE, affine=_AFFINE, momentum=_SMALL, epsilon=_SMALL),
    "layer_norm": _one(ANY_SHAPE, affine=_AFFINE, epsilon=_SMALL),
    "group_norm": _one(ANY_SHAPE, groups=st.integers(1, 4), affine=_AFFINE, epsilon=_SMALL),
    "local_response_norm": _one(ANY_SHAPE, size=st.integers(1, 7), alpha=_SMALL, beta=_SMALL, k=_SMALL),
    "add": _joins(),
    "subtract": _joins(most=2),
    "select": _one(ANY_SHAPE, index=st.integers(0, 9)),
    "multiply": _joins(),
    "concatenate": _joins(dimensions=True),
}
