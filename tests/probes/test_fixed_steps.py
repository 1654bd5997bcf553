"""The steps at which the exact shares are measured in any case, and the size of the parts of a pass."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnviz.probes.fixed_steps import FixedSteps
from nnviz.probes.parts import PartSize


@given(st.integers(1, 5000), st.integers(1, 4096), st.integers(0, 2000), st.integers(0, 10**9))
def test_steps_are_far_enough_apart_and_epochs_end_at_one(
    steps_per_epoch: int, batch: int, images: int, work: int
) -> None:
    fixed = FixedSteps.of(steps_per_epoch, batch, images, work)
    least = max(20.0, images / (3 * batch * 0.03), 0.004 / (0.03 * (1.5e-4 + 3 * work / 5e9)))
    steps = [0]
    while len(steps) < 40:
        steps.append(fixed.after(steps[-1]))
    assert all(one < other for one, other in pairwise(steps))
    late = [step for step in steps if step >= fixed.distance]
    assert fixed.distance >= least - 1e-9
    ends = range(steps_per_epoch, steps[-1] + 1, steps_per_epoch)
    if fixed.distance < steps_per_epoch:
        assert set(ends) <= set(steps)
        assert (late[-1] - late[0]) / (len(late) - 1) >= least / 2
    else:
        assert fixed.distance < least + 1 + steps_per_epoch
        assert all(step % steps_per_epoch == 0 for step in late)
    # Asked from anywhere, it is the same.
    for step, following in pairwise(steps):
        assert fixed.after((step + following) // 2) == following == fixed.after(following - 1)


@pytest.mark.parametrize("call", [0.0, 0.001, 0.05, 0.5])
@pytest.mark.parametrize("image", [1e-5, 1e-4, 2e-3])
def test_parts_are_as_large_as_their_calls_are_worth(call: float, image: float) -> None:
    part, left, spent, calls = PartSize(0.02, 8), 2000, 0.0, 0
    while left:
        images = min(part.images, left)
        seconds = call + image * images
        part.learn(images, seconds, most=10**6)
        left -= images
        spent += seconds
        calls += 1
        assert seconds <= max(0.0201, 2.2 * call + 8 * image)
    # No more than twice what all images at once would take, and the parts that it takes to learn.
    assert spent <= 2.3 * 2000 * image + 7 * call
    if call == 0.5:
        assert part.call_seconds == pytest.approx(0.5, rel=0.2)


def test_parts_fit_into_memory() -> None:
    part = PartSize(0.02, 8)
    for _ in range(5):
        part.learn(part.images, 1e-4, most=30)
        assert part.images <= 30
    part.learn(30, 1e-4, most=0)
    assert part.images == 1


def test_one_hiccup_does_not_make_the_parts_small() -> None:
    part = PartSize(0.02, 8)
    for _ in range(12):
        part.learn(part.images, 0.001 + 1e-4 * part.images, most=10**6)
    usual = part.images
    part.learn(usual, 0.2, most=10**6)
    for _ in range(12):
        part.learn(part.images, 0.001 + 1e-4 * part.images, most=10**6)
    assert part.images > 0.5 * usual
