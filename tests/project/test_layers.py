"""The closed-form rule of every layer against torch itself, its arithmetic, and the sentences it refuses with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_cases import CASES, Case
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from nnviz.network.builders import BUILDERS
from nnviz.project import registry
from nnviz.project.checks.shapes import read_fix
from nnviz.project.model import Params, Shape
from nnviz.project.spec import ShapeError, ShapeResult

WINDOWS = ("conv1d", "conv2d", "conv_transpose2d", "max_pool1d", "max_pool2d", "avg_pool2d")
#: Where torch would take what the rule refuses on purpose: broadcasting in a sum is a mistake more often than a wish.
#: (An output without any numbers is refused everywhere.)
STRICTER = {"add", "subtract"}
BATCH = 2


def rule(kind: str, params: Params, *shapes: Shape) -> ShapeResult:
    spec = registry.layer(kind)
    return spec.rule(spec.values(params), list(shapes))


def in_torch(kind: str, params: Params, shapes: list[Shape]) -> tuple[torch.nn.Module, Tensor]:
    module = BUILDERS[kind](registry.layer(kind).values(params), shapes)
    return module, module(*(torch.zeros(BATCH, *shape) for shape in shapes))


# ------------------------------------------------------------------------------------------------ rules against torch


def check_against_torch(kind: str, case: Case) -> None:
    params, shapes = case
    try:
        expected: ShapeResult | None = rule(kind, params, *shapes)
        sentence = ""
    except ShapeError as error:
        expected, sentence = None, str(error)
    try:
        module, output = in_torch(kind, params, shapes)
    except (RuntimeError, ValueError, IndexError) as error:
        assert expected is None, f"torch refuses {params} on {shapes}: {error}"
        return
    if expected is None:
        nothing_read = kind.startswith("max_pool") and bool(output.isneginf().any())
        assert kind in STRICTER or output.numel() == 0 or nothing_read, (
            f"the rule refuses {params} on {shapes}, torch does not: {sentence}"
        )
        return
    assert not output.isneginf().any()
    assert expected.output == tuple(output.shape[1:])
    assert expected.parameters == sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("kind", sorted(set(CASES) - set(WINDOWS)))
def test_rule_agrees_with_torch(kind: str) -> None:
    many_cases(kind, 30, check_against_torch)


@pytest.mark.parametrize("kind", WINDOWS)
def test_window_rule_agrees_with_torch(kind: str) -> None:
    many_cases(kind, 150, check_against_torch)


def many_cases(kind: str, count: int, check: Callable[[str, Case], None]) -> None:
    @settings(max_examples=count)
    @given(CASES[kind])
    def one(case: Case) -> None:
        check(kind, case)

    one()


def test_every_layer_is_checked_and_can_be_built() -> None:
    assert set(CASES) | {"input"} == set(registry.layers()) == set(BUILDERS)


@pytest.mark.parametrize("kind", ["linear", "conv1d", "conv2d", "conv_transpose2d"])
def test_macs_agree_with_torchs_flop_counter(kind: str) -> None:
    many_cases(kind, 60, check_macs)


def check_macs(kind: str, case: Case) -> None:
    params, shapes = case
    try:
        expected = rule(kind, params, *shapes)
    except ShapeError:
        return
    module = BUILDERS[kind](registry.layer(kind).values(params), shapes)
    with FlopCounterMode(display=False) as counter:
        module(torch.zeros(BATCH, *shapes[0]))
    if params.get("groups", 1) == 1:
        assert 2 * expected.macs * BATCH == counter.get_total_flops()
    else:  # torch's counter is wrong about the groups of a transposed convolution
        assert expected.macs == macs_one_by_one(kind, module, shapes[0])


def macs_one_by_one(kind: str, module: torch.nn.Module, shape: Shape) -> int:
    """Ones through weights of ones: every output is then its own number of multiplications, without padding's zeros."""
    weight = module.weight
    assert isinstance(weight, Tensor)
    if kind == "conv_transpose2d":
        # each input number is multiplied with every weight of its channel
        return int(weight.shape[1:].numel()) * int(torch.Size(shape).numel())
    positions = module(torch.zeros(1, *shape)).shape[2:].numel()
    return int(weight.numel()) * int(positions)


# -------------------------------------------------------------------------------------------------------- arithmetic


@pytest.mark.parametrize(
    ("kind", "params", "shape", "text"),
    [
        ("conv2d", {"out_channels": 32}, (1, 28, 28), "(28 − 3 + 2·0) / 1 + 1 = 26\n3·3·1·32 + 32 = 320 parameters"),
        (
            "conv2d",
            {"out_channels": 64, "bias": False},
            (32, 13, 13),
            "(13 − 3 + 2·0) / 1 + 1 = 11\n3·3·32·64 = 18\u202f432 parameters",
        ),
        (
            "max_pool2d",
            {},
            (1, 13, 13),
            "⌊(13 − 2 + 2·0) / 2⌋ + 1 = 6\nThe last row and the last column of 13×13 are never read.",
        ),
        ("max_pool2d", {"ceil_mode": True}, (1, 13, 13), "⌈(13 − 2 + 2·0) / 2⌉ + 1 = 7"),
        (
            "max_pool2d",
            {"kernel_size": 2, "stride": 4, "padding": 1, "ceil_mode": True},
            (1, 7, 7),
            "⌈(7 − 2 + 2·1) / 4⌉ + 1 − 1 (a window that starts in the padding is left out) = 2\n"
            "The last 2 rows and the last 2 columns of 7×7 are never read.\n"
            "4 of 7 rows and 4 of 7 columns are never read in all: the window steps over them.",
        ),
        ("max_pool2d", {}, (1, 4, 6), "height: (4 − 2 + 2·0) / 2 + 1 = 2\nwidth: (6 − 2 + 2·0) / 2 + 1 = 3"),
        (
            "max_pool1d",
            {"dilation": 2, "stride": 1},
            (1, 9),
            "effective kernel 2·(2 − 1) + 1 = 3\n(9 − 3 + 2·0) / 1 + 1 = 7",
        ),
        (
            "conv1d",
            {"stride": 2},
            (1, 8),
            "⌊(8 − 3 + 2·0) / 2⌋ + 1 = 3\nThe last of 8 positions is never read.\n3·1·16 + 16 = 64 parameters",
        ),
        (
            "conv2d",
            {"out_channels": 64, "groups": 4},
            (8, 3, 3),
            "(3 − 3 + 2·0) / 1 + 1 = 1\n3·3·(8/4)·64 + 64 = 1\u202f216 parameters",
        ),
        (
            "conv_transpose2d",
            {"dilation": 3},
            (3, 4, 4),
            "effective kernel 3·(2 − 1) + 1 = 4\n(4 − 1)·2 − 2·0 + 4 = 10\n2·2·3·16 + 16 = 208 parameters",
        ),
        (
            "adaptive_avg_pool2d",
            {"output_size": (7, 1)},
            (3, 28, 28),
            "height: 7 means over 28 / 7 = 4 pixels each\nwidth: 1 mean over 28 / 1 = 28 pixels each",
        ),
        (
            "adaptive_avg_pool2d",
            {"output_size": 5},
            (3, 28, 28),
            "5 means over 6 or 7 pixels each; 28 / 5 leaves 3, so they overlap",
        ),
        ("linear", {"out_features": 50}, (784,), "784·50 + 50 = 39\u202f250 parameters"),
        ("flatten", {}, (64, 5, 5), "64·5·5 = 1600"),
        ("conv_transpose2d", {}, (3, 4, 4), "(4 − 1)·2 − 2·0 + 2 = 8\n2·2·3·16 + 16 = 208 parameters"),
        ("concatenate", {}, (64, 8, 8), "64 + 64 = 128"),
        ("reshape", {"shape": (2, -1)}, (6, 2), "6·2 = 2·6 = 12"),
        ("upsample", {}, (3, 4, 5), "2·4 = 8, 2·5 = 10"),
        ("batch_norm2d", {}, (32, 4, 4), "2·32 = a scale and a shift for each channel"),
    ],
)
def test_arithmetic_has_the_real_numbers(kind: str, params: Params, shape: Shape, text: str) -> None:
    shapes = [shape] * max(1, registry.layer(kind).min_inputs)
    assert rule(kind, params, *shapes).arithmetic == text


def test_pixels_in_the_padding_are_not_called_unused() -> None:
    # AlexNet's figure with 224 in place of 227: (224 - 11) / 4 does not divide; with padding 2 only padding is left
    assert "never read" in rule("conv2d", {"kernel_size": 11, "stride": 4}, (3, 224, 224)).arithmetic
    assert "never read" not in rule("conv2d", {"kernel_size": 11, "stride": 4, "padding": 2}, (3, 224, 224)).arithmetic


# ------------------------------------------------------------------------------------------------ sentences and cures


@pytest.mark.parametrize(
    ("kind", "params", "shapes", "sentence", "fixes"),
    [
        (
            "linear",
            {},
            [(64, 5, 5)],
            "Linear expects a flat input and gets 64×5×5.",
            ["insert_flatten"],
        ),
        (
            "conv2d",
            {"kernel_size": 5},
            [(8, 3, 4)],
            "The kernel of Conv2d is 5×5, but the input is only 3×4.",
            ["set:kernel_size:[3, 4]", "set:padding:[1, 1]", "set:padding:[2, 2]", "insert_zero_pad2d:[0, 1, 1, 1]"],
        ),
        (
            "conv2d",
            {"kernel_size": 3, "dilation": 3, "padding": 1},
            [(8, 4, 4)],
            "The kernel of Conv2d is 3×3 and with its dilation reaches over 7×7, but the input is only 4×4 (6×6 with "
            "its padding).",
            ["set:kernel_size:[2, 2]", "set:padding:[2, 2]", "set:padding:[3, 3]", "insert_zero_pad2d:[0, 1, 0, 1]"],
        ),
        (
            "max_pool1d",
            {"kernel_size": 4},
            [(8, 3)],
            "The kernel of MaxPool1d is 4, but the input is only 3.",
            ["set:kernel_size:3", "set:padding:1"],
        ),
        (
            "conv2d",
            {},
            [(784,)],
            "Conv2d expects an image (channels×height×width) and gets 784 flat features.",
            ["insert_reshape:[1, 28, 28]"],
        ),
        (
            "conv2d",
            {},
            [(3072,)],
            "Conv2d expects an image (channels×height×width) and gets 3\u202f072 flat features.",
            ["insert_reshape:[3, 32, 32]"],
        ),
        (
            "conv2d",
            {"groups": 4, "out_channels": 6},
            [(8, 9, 9)],
            "Conv2d has 4 groups, but 8 input channels and 6 output channels cannot both be divided by 4.",
            ["set:out_channels:8", "set:groups:2"],
        ),
        (
            "max_pool2d",
            {"kernel_size": 3, "padding": 2},
            [(8, 9, 9)],
            "The padding of MaxPool2d is 2×2, but may be at most half of its kernel 3×3, which is 1×1: a window must "
            "not lie in the padding alone.",
            ["set:padding:[1, 1]"],
        ),
        (
            "max_pool2d",
            {"kernel_size": 2, "stride": 1, "padding": 1, "dilation": 2},
            [(1, 1, 7)],
            "The dilation of MaxPool2d is 2×2, but the input is only 1×7: a window that begins in the padding would "
            "step over all of it.",
            ["set:dilation:[1, 2]"],
        ),
        (
            "max_pool1d",
            {"kernel_size": 2, "padding": 1, "dilation": 2},
            [(4, 1)],
            "The dilation of MaxPool1d is 2, but the input is only 1: a window that begins in the padding would step "
            "over all of it.",
            ["set:dilation:1"],
        ),
        (
            "conv_transpose2d",
            {"output_padding": 2},
            [(8, 9, 9)],
            "The output padding of ConvTranspose2d is 2×2, but must be smaller than its stride 2×2 or its dilation "
            "1×1.",
            ["set:output_padding:[1, 1]"],
        ),
        (
            "add",
            {},
            [(64, 8, 8), (32, 8, 8)],
            "Add needs inputs of one shape and gets 64×8×8 and 32×8×8.",
            [],
        ),
        (
            "concatenate",
            {},
            [(64, 8, 8), (32, 4, 4)],
            "Concatenate joins along dimension 0, so all other sizes must agree, but the inputs are 64×8×8 and 32×4×4.",
            [],
        ),
        (
            "concatenate",
            {"dimension": 1},
            [(64,), (32,)],
            "Concatenate is to join along dimension 1, but 64 and 32 has only dimension 0.",
            ["set:dimension:0"],
        ),
        (
            "reshape",
            {"shape": (3, 5)},
            [(4, 4)],
            "Reshape to 3×5 needs 15 numbers and gets 4·4 = 16.",
            ["set:shape:[-1]"],
        ),
        (
            "group_norm",
            {"groups": 4},
            [(6, 2, 2)],
            "GroupNorm has 4 groups, but 6 channels cannot be divided by 4.",
            ["set:groups:2"],
        ),
        (
            "batch_norm1d",
            {},
            [(6, 2, 2)],
            "BatchNorm1d expects features or channels×length and gets 6×2×2: take BatchNorm2d.",
            ["replace:batch_norm2d"],
        ),
        (
            "linear",
            {"out_features": 1, "weight_initialisation": "given", "weight_values": [[1, 2, 3]]},
            [(2,)],
            "The given weights of Linear are 1×3, but 1 output and 2 inputs need 1×2.",
            ['set:weight_initialisation:"default"'],
        ),
        (
            "conv2d",
            {"out_channels": 1, "weight_initialisation": "given", "weight_values": [[0] * 9] * 2},
            [(1, 6, 6)],
            "The given weights of Conv2d are 2×9, but 1 filter of 1×3×3 need 1×9, or 3×3 with a line for each row of a "
            "window.",
            ["set:out_channels:2", 'set:weight_initialisation:"default"'],
        ),
        (
            "conv_transpose2d",
            {"out_channels": 2, "weight_initialisation": "given", "weight_values": [[0] * 8] * 2},
            [(3, 4, 4)],
            "The given weights of ConvTranspose2d are 2×8, but 3 channels with patches of 2×2×2 need 3×8, or 12×2 "
            "with a line for each row of a window.",
            ['set:weight_initialisation:"default"'],
        ),
        (
            "linear",
            {"out_features": 2, "weight_initialisation": "given"},
            [(3,)],
            "The weights of Linear are to be given, but there are none: 2 rows of 3 numbers are needed.",
            ['set:weight_initialisation:"default"'],
        ),
        (
            "input",
            {"shape": (1, 2, 3, 4)},
            [],
            "Input has 4 sizes (1×2×3×4), but an example has at most three: channels×height×width.",
            ["set:shape:[2, 3, 4]"],
        ),
        (
            "zero_pad2d",
            {"padding": 2},
            [(1, 4, 4)],
            "ZeroPad2d needs four numbers (left, right, top, bottom) and has 1.",
            ["set:padding:[2, 2, 2, 2]"],
        ),
    ],
)
def test_refusals_are_sentences_with_cures(
    kind: str, params: Params, shapes: list[Shape], sentence: str, fixes: list[str]
) -> None:
    with pytest.raises(ShapeError) as caught:
        rule(kind, params, *shapes)
    assert str(caught.value) == sentence
    assert list(caught.value.fixes) == fixes


def test_cures_can_be_read() -> None:
    assert read_fix("insert_flatten") == ("insert", "flatten", None)
    assert read_fix("insert_reshape:[1, 28, 28]") == ("insert", "reshape", (1, 28, 28))
    assert read_fix("set:kernel_size:[5, 5]") == ("set", "kernel_size", (5, 5))
    assert read_fix('set:weight_initialisation:"default"') == ("set", "weight_initialisation", "default")
    assert read_fix("replace:batch_norm2d") == ("replace", "batch_norm2d", None)


@settings(max_examples=300)
@given(st.sampled_from([*WINDOWS, "group_norm", "reshape", "batch_norm1d", "batch_norm2d"]), st.data())
def test_every_cure_cures_or_leads_to_another_sentence(kind: str, data: st.DataObject) -> None:
    """Following the first cure again and again ends at a layer that works: no cure leads in a circle."""
    params, shapes = data.draw(CASES[kind])
    for _ in range(6):
        try:
            rule(kind, params, *shapes)
        except ShapeError as error:
            assert error.fixes, str(error)
            action, name, value = read_fix(error.fixes[0])
            if action == "set":
                params = {**params, name: registry.layer(kind).param(name).parse(value)}
            elif action == "insert":
                shapes = [rule(name, {"shape": value} if value else {}, *shapes).output]
            else:
                kind, params = name, {}
        else:
            return
    pytest.fail(f"no cure in sight for {kind} with {params} on {shapes}")


# ------------------------------------------------------------------------------------------------------ giant numbers


def test_giant_numbers_are_answered_in_closed_form() -> None:
    milliard = 10**9
    wide = rule("linear", {"out_features": milliard}, (milliard,))
    assert wide.parameters == milliard**2 + milliard
    assert rule("conv2d", {"out_channels": milliard, "padding": 1}, (milliard, milliard, milliard)).macs == (
        9 * milliard**4
    )
    assert rule("flatten", {}, (milliard,) * 3).output == (milliard**3,)
    with pytest.raises(ShapeError) as caught:
        rule("conv2d", {}, (milliard - 1,))
    assert len(str(caught.value)) < 200


def test_results_do_not_change_under_ones_hands() -> None:
    found = rule("relu", {}, (3,))
    with pytest.raises(AttributeError):
        found.output = (4,)  # type: ignore[misc]  # that is the point
    assert replace(found, output=(4,)).output == (4,)
