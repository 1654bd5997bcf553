"""The arithmetic behind the drawings, against slow and simple ways of computing it."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nnviz.gui.panels.numbers import (
    Average,
    SteadyRange,
    alone,
    breaks,
    decade_ticks,
    epochs_of,
    nice_ticks,
    smooth,
    spread,
    tick_text,
    tick_texts,
    value_at,
)


def slow_smooth(values: list[float], weight: float) -> list[float]:
    """TensorBoard's own loop."""
    last, count, result = 0.0, 0, []
    for value in values:
        if not math.isfinite(value):
            result.append(value)
            continue
        last = last * weight + (1 - weight) * value
        count += 1
        result.append(last / (1 - weight**count))
    return result


@given(st.lists(st.floats(-1e3, 1e3), max_size=200), st.sampled_from([0.0, 0.3, 0.6, 0.9, 0.99]))
def test_smoothing_is_tensorboards_average(values: list[float], weight: float) -> None:
    expected = slow_smooth(values, weight) if weight else values
    np.testing.assert_allclose(smooth(np.array(values), weight), expected, rtol=1e-9, atol=1e-9)


def test_smoothing_leaves_holes_where_they_are() -> None:
    values = np.array([1.0, math.nan, 3.0, math.inf, 5.0])
    result = smooth(values, 0.5)
    assert math.isnan(result[1]) and math.isinf(result[3])
    np.testing.assert_allclose(result[[0, 2, 4]], slow_smooth([1.0, 3.0, 5.0], 0.5))


def test_a_long_curve_is_smoothed_like_a_short_one() -> None:
    values = np.random.default_rng(0).normal(size=1000)
    np.testing.assert_allclose(smooth(values, 0.9), slow_smooth(list(values), 0.9))


def slow_log_smooth(values: list[float], weight: float) -> list[float]:
    """The same loop over logarithms, begun anew behind each value that has none."""
    result: list[float] = []
    piece: list[float] = []
    for value in values:
        if value > 0 and math.isfinite(value):
            piece.append(math.log10(value))
            result.append(10 ** slow_smooth(piece, weight)[-1])
        else:
            piece = []
            result.append(value)
    return result


@given(
    st.lists(st.one_of(st.floats(1e-12, 1e12), st.sampled_from([0.0, math.inf, math.nan])), max_size=60),
    st.sampled_from([0.3, 0.9]),
    st.integers(1, 60),
)
def test_on_a_logarithmic_axis_logarithms_are_averaged(values: list[float], weight: float, cut: int) -> None:
    expected = slow_log_smooth(values, weight)
    np.testing.assert_allclose(smooth(np.array(values), weight, logarithmic=True), expected, rtol=1e-7)
    average = Average(weight, logarithmic=True)
    parts = [average.extend(np.array(part)) for part in (values[:cut], values[cut:])]
    np.testing.assert_allclose(np.concatenate(parts), expected, rtol=1e-7)


def test_gradients_that_become_zero_do_not_leave_the_line_where_they_exploded() -> None:
    values = np.array([1e11] * 20 + [0.0] * 30 + [1e-3] * 5)
    result = smooth(values, 0.9, logarithmic=True)
    assert (result[20:50] == 0).all(), "no logarithm, so a gap"
    np.testing.assert_allclose(result[50:], 1e-3)


def test_no_line_through_time_that_was_not_measured() -> None:
    steps = np.concatenate([np.arange(0, 100, 2), np.arange(500, 600, 3), [601, 602]]).astype(float)
    assert breaks(steps).tolist() == [50]
    assert breaks(np.arange(1000.0)).tolist() == []
    assert breaks(np.array([0.0, 1e6])).tolist() == [], "two say nothing of what is usual"
    values = np.array([1.0, np.nan, 2.0, 3.0, np.nan, 4.0])
    assert alone(values).tolist() == [True, False, False, False, False, True]
    assert alone(np.array([7.0])).tolist() == [True]
    assert alone(np.empty(0)).tolist() == []


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 12))
@example(879609.9999999999, 1e-06, 5)
def test_ticks_are_round_few_and_inside(low: float, span: float, count: int) -> None:
    high = low + span
    ticks = nice_ticks(low, high, count)
    assert count // 3 <= len(ticks) <= count + 2
    assert all(low <= tick <= high for tick in ticks)
    gaps = [after - before for before, after in pairwise(ticks)]
    for gap in gaps:
        mantissa = gap / 10.0 ** math.floor(math.log10(gap) + 1e-3)
        assert min(abs(mantissa - factor) for factor in (1.0, 2.0, 2.5, 5.0)) < 0.01


@given(st.floats(), st.floats(), st.integers(1, 12))
@example(-1e308, 1e308, 4)
@example(0.0, 5e-324, 4)
@example(1.0, math.nextafter(1.0, 2.0), 4)
def test_ticks_of_any_range_ascend_inside_it(low: float, high: float, count: int) -> None:
    ticks = nice_ticks(low, high, count)
    assert len(ticks) <= count + 2
    assert all(low <= tick <= high for tick in ticks)
    assert all(before < after for before, after in pairwise(ticks))


@pytest.mark.parametrize(
    ("value", "step", "text"),
    [(0.0, 0.5, "0"), (0.5, 0.5, "0.5"), (2.0, 1.0, "2"), (0.25, 0.25, "0.25"), (2000.0, 500.0, "2\u202f000")],
)
def test_tick_texts_have_the_decimals_of_the_step(value: float, step: float, text: str) -> None:
    assert tick_text(value, step) == text


def test_ticks_without_room_are_all_written_by_their_power() -> None:
    """Half a million stood across the title of the axis when a loss left its ground."""
    assert tick_texts([0.0, 500_000.0, 1e6], 500_000.0, lambda text: len(text) <= 6) == ["0", "5e5", "1e6"]
    assert tick_texts([0.0, 0.00025], 0.00025, lambda text: len(text) <= 6) == ["0", "2.5e−4"]
    # No tick is written as another number than where it stands: of 2.5 and 7.5 nothing is cut off.
    assert tick_texts([0.0, 2.5, 5.0, 7.5], 2.5, lambda _text: True) == ["0", "2.5", "5.0", "7.5"]
    for high in np.geomspace(1e-4, 1e6, 101):
        ticks = nice_ticks(0.0, high, 8)
        texts = [tick_text(tick, ticks[1] - ticks[0]) for tick in ticks]
        np.testing.assert_allclose([float(text.replace("\u202f", "").replace("−", "-")) for text in texts], ticks, 1e-6)
    assert tick_texts([0.0, 2000.0], 2000.0, lambda text: len(text) <= 6) == ["0", "2\u202f000"]


def test_decades_are_thinned_evenly() -> None:
    assert decade_ticks(-4.0, 0.0, 9) == [-4, -3, -2, -1, 0]
    assert decade_ticks(-9.0, 0.0, 5) == [-8, -6, -4, -2, 0]


def test_a_range_grows_at_once_and_does_not_twitch() -> None:
    steady = SteadyRange()
    first = steady.linear(0.1, 2.2, from_zero=True)
    assert first[0] == 0.0 and first[1] >= 2.2
    assert steady.linear(0.1, 2.1, from_zero=True) == first
    assert steady.linear(0.1, 9.0, from_zero=True)[1] >= 9.0
    assert steady.linear(0.1, 0.5, from_zero=True)[1] < 1.0


def test_a_range_survives_what_is_no_number() -> None:
    assert SteadyRange().linear(math.inf, -math.inf, from_zero=True) == (0.0, 1.0)
    assert SteadyRange().decades(math.inf, -math.inf) == (-4.0, 0.0)
    low, high = SteadyRange().linear(3.0, 3.0, from_zero=False)
    assert low < 3.0 < high


def test_value_at_a_step_is_the_newest_not_behind_it() -> None:
    steps, values = np.array([2, 5, 9]), np.array([20.0, 50.0, 90.0])
    assert [value_at(steps, values, step) for step in (2, 4, 5, 100, None)] == [20.0, 20.0, 50.0, 90.0, 90.0]
    assert math.isnan(value_at(steps, values, 1))
    assert math.isnan(value_at(np.empty(0, np.int64), np.empty(0), None))


def test_epochs_run_evenly_between_their_ends_and_on_at_the_last_pace() -> None:
    ends, epochs = np.array([10, 30]), np.array([1.0, 2.0])
    result = epochs_of(np.array([0.0, 5.0, 10.0, 20.0, 30.0, 40.0]), ends, epochs, 7.0)
    np.testing.assert_allclose(result, [0, 0.5, 1, 1.5, 2, 2.5])
    np.testing.assert_allclose(epochs_of(np.array([14.0]), np.empty(0, np.int64), np.empty(0), 7.0), [2.0])


@given(st.lists(st.floats(0, 100), min_size=1, max_size=8))
def test_labels_do_not_cover_each_other_and_keep_their_order(wanted: list[float]) -> None:
    placed = spread(wanted, 10.0, 0.0, 100.0)
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    heights = [placed[index] for index in order]
    assert all(below - above >= 10.0 - 1e-6 for above, below in pairwise(heights))
    assert heights[0] >= 5.0 - 1e-6 and heights[-1] <= 95.0 + 1e-6


def test_labels_with_room_stay_where_they_want_to_be() -> None:
    assert spread([20.0, 50.0, 80.0], 10.0, 0.0, 100.0) == [20.0, 50.0, 80.0]


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=200), st.data())
def test_an_average_goes_on_where_it_stopped(values: list[float], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(values)))
    average = Average(0.9)
    pieces = [average.extend(np.array(values[:cut])), average.extend(np.array(values[cut:]))]
    np.testing.assert_allclose(np.concatenate(pieces), smooth(np.array(values), 0.9), rtol=1e-9, atol=1e-9)
