"""What a window reads, counted one by one; against what torch lets through; and the arithmetic, worked out again."""

from __future__ import annotations

import math
import re

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from layer_cases import CASES, Case

from nnviz.network.builders import BUILDERS
from nnviz.project import registry
from nnviz.project.spec import ShapeError, ShapeResult
from nnviz.project.sweep import Sweep

SWEEPS = st.builds(
    Sweep,
    size=st.integers(1, 30),
    kernel=st.integers(1, 7),
    stride=st.integers(1, 6),
    padding=st.integers(0, 6),
    dilation=st.integers(1, 4),
    ceil_mode=st.booleans(),
)
SLIDING = ("conv1d", "conv2d", "max_pool1d", "max_pool2d", "avg_pool2d")


def read_one_by_one(sweep: Sweep) -> set[int]:
    """Every pixel that every point of every window lands on."""
    found: set[int] = set()
    for place in range(sweep.count):
        for point in range(sweep.kernel):
            pixel = place * sweep.stride - sweep.padding + point * sweep.dilation
            if 0 <= pixel < sweep.size:
                found.add(pixel)
    return found


@settings(max_examples=400)
@given(SWEEPS)
def test_what_is_read_against_counting_one_by_one(sweep: Sweep) -> None:
    read = read_one_by_one(sweep)
    assert sweep.unread == sweep.size - len(read)
    assert sweep.unread_end == sweep.size - 1 - max(read, default=-1)
    assert [pixel for pixel in range(sweep.size) if sweep.reads(pixel)] == sorted(read)
    assert list(sweep.starts) == [place * sweep.stride - sweep.padding for place in range(sweep.count)]


@settings(max_examples=400)
@given(SWEEPS)
@example(Sweep(1, kernel=2, padding=1, dilation=2))
@example(Sweep(2, kernel=5, stride=2, padding=2, dilation=4))
def test_a_window_that_reads_nothing_against_counting_one_by_one(sweep: Sweep) -> None:
    if sweep.padding > sweep.kernel // 2:  # No pool takes it.
        return
    points = [[start + point * sweep.dilation for point in range(sweep.kernel)] for start in sweep.starts]
    assert sweep.blind == any(all(not 0 <= pixel < sweep.size for pixel in window) for window in points)


def test_a_milliard_pixels_are_counted_at_once() -> None:
    sweep = Sweep(10**9, kernel=4096, stride=3, dilation=5)
    assert sweep.unread_end == (10**9 - sweep.reach) % 3
    assert Sweep(10**9, kernel=1, stride=4).unread == 750_000_000


def result_of(kind: str, case: Case) -> ShapeResult | None:
    spec = registry.layer(kind)
    try:
        return spec.rule(spec.values(case[0]), case[1])
    except ShapeError:
        return None


@pytest.mark.parametrize("kind", SLIDING)
def test_pixels_never_read_are_those_without_gradient(kind: str) -> None:
    """An output depends on a pixel just where torch finds a gradient; the weights are positive, so none cancels."""

    @settings(max_examples=80)
    @given(CASES[kind])
    def one(case: Case) -> None:
        result = result_of(kind, case)
        if result is None:
            return
        params, shapes = case
        module = BUILDERS[kind](registry.layer(kind).values(params), shapes)
        for parameter in module.parameters():
            torch.nn.init.constant_(parameter, 1.0)
        touched = gradient_of(module, shapes[0], largest_wins=kind.startswith("max"))
        expected = torch.ones(())
        for sweep in result.sweeps:
            line = torch.zeros(sweep.size)
            line[sorted(read_one_by_one(sweep))] = 1.0
            expected = expected[..., None] * line
        assert torch.equal(touched, expected > 0)
        assert [sweep.unread for sweep in result.sweeps] == [
            sweep.size - len(read_one_by_one(sweep)) for sweep in result.sweeps
        ]

    one()


def gradient_of(module: torch.nn.Module, shape: tuple[int, ...], *, largest_wins: bool) -> torch.Tensor:
    """Which places of the first channel have a gradient. Where only the largest counts, each place is it in turn."""
    places = shape[1:]
    if not largest_wins:
        x = torch.ones(1, *shape, requires_grad=True)
        (gradient,) = torch.autograd.grad(module(x).sum(), x)
        return gradient[0].abs().sum(0) > 0
    touched = torch.zeros(places, dtype=torch.bool)
    count = math.prod(places)
    batch = torch.zeros(count, *shape)
    batch.flatten(2)[torch.arange(count), 0, torch.arange(count)] = 1.0
    batch.requires_grad_()
    (gradient,) = torch.autograd.grad(module(batch).sum(), batch)
    own = gradient.flatten(2)[torch.arange(count), 0, torch.arange(count)]
    touched.view(-1)[:] = own > 0
    return touched


# ---------------------------------------------------------------------------------------- the arithmetic, worked out


def worked_out(formula: str) -> int:
    """The value of what stands left of the last equals sign."""
    text = re.sub(r" \(a window that starts in the padding is left out\)", "", formula)
    text = text.replace("\u202f", "").replace("−", "-").replace("·", "*")
    text = text.replace("⌊", "math.floor(").replace("⌋", ")").replace("⌈", "math.ceil(").replace("⌉", ")")
    value = eval(text, {"__builtins__": {}, "math": math})
    assert value == int(value), formula
    return int(value)


def sums_of(result: ShapeResult) -> list[tuple[str, int, int]]:
    """(line, what its left side comes to, what it says it comes to) for every line with a sum."""
    found = []
    for line in result.arithmetic.splitlines():
        left, sign, right = line.rpartition(" = ")
        if sign:
            left = re.sub(r"^(height|width|length): ", "", left).removeprefix("effective kernel ")
            said = int(re.match(r"[\d\u202f]+", right).group().replace("\u202f", ""))  # type: ignore[union-attr]
            found.append((line, worked_out(left), said))
    return found


@pytest.mark.parametrize("kind", [*SLIDING, "conv_transpose2d"])
def test_every_sum_is_right_and_ends_in_the_size(kind: str) -> None:
    @settings(max_examples=150)
    @given(CASES[kind])
    def one(case: Case) -> None:
        result = result_of(kind, case)
        if result is None:
            return
        sums = sums_of(result)
        for line, value, said in sums:
            assert value == said, line
        sizes = [said for line, _, said in sums if "parameter" not in line and "effective" not in line]
        spatial = list(result.output[1:])
        assert sizes == spatial or (len(set(spatial)) == 1 and sizes == spatial[:1])
        assert [said for line, _, said in sums if "parameter" in line] in ([], [result.parameters])
        for sweep in result.sweeps:
            assert sweep.count in spatial

    one()


@settings(max_examples=150)
@given(st.integers(1, 40), st.integers(1, 40))
def test_windows_of_adaptive_means_against_torchs_rule(size: int, count: int) -> None:
    spec = registry.layer("adaptive_avg_pool2d")
    text = spec.rule(spec.values({"output_size": count}), [(1, size, size)]).arithmetic
    starts = [i * size // count for i in range(count)]
    ends = [math.ceil((i + 1) * size / count) for i in range(count)]
    widths = sorted({end - start for start, end in zip(starts, ends, strict=True)})
    if size % count == 0:
        assert widths == [size // count]
        assert f"over {size} / {count} = {size // count} pixel" in text
    else:
        assert f"over {' or '.join(map(str, widths))} pixels each" in text


@settings(max_examples=150)
@given(st.sampled_from(SLIDING), st.data())
def test_sentences_about_what_is_never_read(kind: str, data: st.DataObject) -> None:
    result = result_of(kind, data.draw(CASES[kind]))
    if result is None:
        return
    lost = [sweep.unread_end for sweep in result.sweeps]
    edge = next((line for line in result.arithmetic.splitlines() if line.startswith("The last")), "")
    told = [int(number or 1) for number in re.findall(r"last( \d+)?", edge)]
    assert told == [count for count in lost if count]
    gaps = [sweep.unread for sweep in result.sweeps if sweep.unread > sweep.unread_end]
    line = next((line for line in result.arithmetic.splitlines() if "in all" in line), "")
    assert [int(number) for number in re.findall(r"(\d+) of \d+", line)] == gaps
