"""The checkpoints in memory: bounded, dense near the present, with the first one kept."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from nnviz.train.checkpoint import Checkpoint, Progress
from nnviz.train.rewind import Rewind


def at(step: int, nbytes: int = 400) -> Checkpoint:
    return Checkpoint(Progress(step=step), {"w": torch.zeros(nbytes // 4)})


def test_the_newest_that_is_not_behind_a_step_is_found() -> None:
    rewind = Rewind()
    for step in (0, 10, 20):
        rewind.add(at(step))
    found = {step: rewind.before(step) for step in (0, 9, 10, 19, 50)}
    assert {step: c.progress.step for step, c in found.items() if c is not None} == {0: 0, 9: 0, 10: 10, 19: 10, 50: 20}
    assert Rewind().before(5) is None


def test_the_same_step_is_kept_once_and_what_follows_can_be_forgotten() -> None:
    rewind = Rewind()
    for step in (0, 5, 5, 9, 3):
        rewind.add(at(step))
    assert rewind.steps == [0, 3, 5, 9]
    assert rewind.nbytes == 4 * 400
    rewind.forget_after(5)
    assert rewind.steps == [0, 3, 5]
    assert rewind.nbytes == 3 * 400
    rewind.clear()
    assert (rewind.steps, rewind.nbytes) == ([], 0)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=200), st.integers(2, 12))
def test_memory_is_bounded_and_first_and_last_are_kept(gaps: list[int], room: int) -> None:
    rewind = Rewind(limit=room * 400)
    rewind.add(at(0))
    step = 0
    for gap in gaps:
        step += gap
        rewind.add(at(step))
        assert rewind.nbytes <= room * 400
        assert rewind.nbytes == sum(c.nbytes for c in rewind._checkpoints)
        assert rewind.steps == sorted(set(rewind.steps))
        assert rewind.steps[-1] == step
        assert rewind.steps[0] == 0


def test_far_back_they_are_sparse_and_near_the_present_dense() -> None:
    rewind = Rewind(limit=10 * 400)
    for step in range(0, 2000, 10):
        rewind.add(at(step))
    gaps = [after - before for before, after in zip(rewind.steps, rewind.steps[1:], strict=False)]
    assert gaps[-1] <= 30
    assert gaps[0] > gaps[-1]


def test_there_are_never_very_many_however_small_they_are() -> None:
    """Each is a few dozen tensors: a day of a small network would be millions."""
    rewind = Rewind()
    for step in range(0, 32 * 1000, 32):
        rewind.add(at(step))
    assert len(rewind) == 256
    assert rewind.nbytes == 256 * 400
    assert rewind.steps[0] == 0
    assert rewind.steps[-3:] == [32 * 997, 32 * 998, 32 * 999]


def test_what_is_too_large_to_go_back_is_not_kept() -> None:
    rewind = Rewind(limit=1000)
    rewind.add(at(0, 800))
    assert len(rewind) == 0
    assert not rewind.fits(800)
    assert rewind.fits(400)
