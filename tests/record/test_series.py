"""What a series keeps in memory: bounded, with its peaks, evenly spread, the newest always there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnviz.record.series import ScalarSeries, Snapshots, halved, thin_to


def test_points_come_back_as_they_were_put_in():
    series = ScalarSeries()
    for step in range(1000):
        series.append(3 * step, step / 7)
    steps, values = series.view()
    assert steps.tolist() == [3 * step for step in range(1000)]
    assert values.tolist() == [step / 7 for step in range(1000)]
    assert series.index_at(10) == 3
    assert series.index_at(-1) == -1
    assert series.index_at(None) == 999


def test_a_view_cannot_be_written_and_is_not_copied():
    series = ScalarSeries()
    series.append(1, 2.0)
    steps, values = series.view()
    with pytest.raises(ValueError, match="read-only"):
        values[0] = 3
    assert np.shares_memory(steps, series.view()[0])


def test_a_view_stays_as_it_was_while_the_series_grows_and_is_thinned():
    series = ScalarSeries(limit=64)
    rng = np.random.default_rng(0)
    taken = []
    for step in range(1000):
        series.append(step, rng.normal())
        steps, values = series.view()
        taken.append((steps, values, steps.copy(), values.copy()))
    for steps, values, steps_then, values_then in taken:
        assert np.array_equal(steps, steps_then)
        assert np.array_equal(values, values_then)


def test_memory_is_bounded_and_peaks_survive():
    series = ScalarSeries(limit=1024)
    for step in range(100_000):
        series.append(step, {40_000: 99.0, 70_001: -99.0}.get(step, np.sin(step)))
    steps, values = series.view()
    assert len(series) <= 1024
    assert series.nbytes <= 1024 * 16
    assert values.max() == 99
    assert values.min() == -99
    assert steps[0] == 0
    assert steps[-1] == 99_999
    assert (np.diff(steps) > 0).all()


def test_what_is_not_a_number_survives_thinning():
    series = ScalarSeries(limit=64)
    for step in range(5000):
        series.append(step, float("nan") if step == 17 else 1.0)
    assert np.isnan(series.view()[1]).any()


def test_the_same_step_again_replaces_and_an_earlier_one_cuts():
    series = ScalarSeries()
    for step in range(10):
        series.append(step, step)
    series.append(9, 90)
    assert series.point(9) == (9, 90)
    before = series.view()
    series.append(5, 50)
    assert series.view()[0].tolist() == [0, 1, 2, 3, 4, 5]
    assert before[1].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 90]


def test_extend_is_append_many_times():
    one, many = ScalarSeries(limit=256), ScalarSeries(limit=256)
    steps, values = np.arange(5000), np.random.default_rng(1).normal(size=5000)
    many.extend(steps, values)
    for step, value in zip(steps, values, strict=True):
        one.append(int(step), float(value))
    assert len(many) <= 256
    assert many.view()[1].max() == one.view()[1].max() == values.max()
    assert many.view()[1].min() == one.view()[1].min() == values.min()


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=8, max_size=200))
def test_halving_keeps_extremes_and_order(numbers: list[float]):
    values = np.array(numbers)
    steps, kept = halved(np.arange(len(values)), values)
    assert len(kept) < len(values)
    assert (np.diff(steps) > 0).all()
    assert np.array_equal(values[steps], kept, equal_nan=True)
    assert steps[0] == 0
    assert steps[-1] == len(values) - 1
    if not np.isnan(values).any():
        assert kept.max() == values.max()
        assert kept.min() == values.min()
    else:
        assert np.isnan(kept).any()


@given(st.integers(2, 70), st.lists(st.integers(1, 50), min_size=1, max_size=400))
def test_snapshots_are_bounded_even_and_keep_the_newest(limit: int, distances: list[int]):
    kept: Snapshots[int] = Snapshots(limit)
    alive: set[int] = set()
    for step in np.cumsum(distances).tolist():
        dropped = kept.add(step, step, 10)
        alive.add(step)
        assert alive >= set(dropped)
        alive -= set(dropped)
        assert alive == set(kept.items)
        assert kept.steps[-1] == step
        assert len(kept) <= limit
        assert kept.nbytes == 10 * len(kept)


def test_snapshots_lie_evenly_after_a_long_run():
    kept: Snapshots[int] = Snapshots(64)
    for step in range(0, 100_000, 10):
        kept.add(step, step, 1)
    gaps = np.diff(kept.steps)
    assert kept.steps[0] == 0
    assert kept.steps[-1] == 99_990
    assert len(kept) >= 32
    assert gaps[:-1].max() <= 2 * gaps[:-1].min()


def test_snapshots_at_a_step():
    kept: Snapshots[str] = Snapshots()
    for step in (0, 10, 20):
        kept.add(step, f"at {step}", 1)
    assert kept.at(-1) is None
    assert kept.at(0) == "at 0"
    assert kept.at(19) == "at 10"
    assert kept.at(None) == "at 20"
    assert kept.has(10)
    assert not kept.has(11)
    assert kept.cut(10) == ["at 20"]
    assert kept.add(10, "again", 1) == ["at 10"]
    assert kept.items == ("at 0", "again")


def test_thinning_takes_from_the_largest_first():
    small: Snapshots[int] = Snapshots()
    large: Snapshots[int] = Snapshots()
    for step in range(40):
        small.add(step, step, 10)
        large.add(step, step, 1000)
    thin_to(12_000, [small, large])
    assert small.nbytes + large.nbytes <= 12_000
    assert len(small) == 40
    assert large.steps[-1] == 39
    thin_to(0, [small, large])  # cannot be: the newest of each stays
    assert (len(small), len(large)) == (1, 1)
    assert (small.steps, large.steps) == ((39,), (39,))
