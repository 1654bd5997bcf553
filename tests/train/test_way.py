"""What a run's file keeps of the ends of epochs: the newest, and some from all along the way."""

from __future__ import annotations

import numpy as np
import pytest

from nnviz.train.way import LIMIT, Way


@pytest.mark.parametrize("most", [2, 3, 8, 24])
def test_the_newest_and_an_even_spread_are_kept(most: int) -> None:
    way, file = Way(most), {}
    for state in range(500):
        file[way.tag(1000, state)] = state
        assert len(file) <= most and max(file.values()) == state
        gaps = np.diff(sorted(file.values()))
        assert min(file.values()) == 0
        if len(gaps) > 1:
            # What was given up and is not overwritten yet only makes it denser.
            assert gaps.max() <= 4 * state / max(most, 2) + 1
    assert most < 8 or len(file) >= most // 2


def test_of_a_large_network_only_the_newest_is_kept() -> None:
    way = Way()
    assert {way.tag(LIMIT, state) for state in range(9)} == {"epoch"}


def test_many_sittings_keep_as_many_as_one_from_all_along_the_way() -> None:
    random, file, step = np.random.default_rng(4), {"pause": 3}, 0
    for _sitting in range(60):
        way = Way(8, held=[(at, tag) for tag, at in file.items()])
        for _epoch in range(random.integers(1, 12)):
            step += 18
            file[way.tag(1000, step)] = step
        kept = sorted(at for tag, at in file.items() if tag != "pause")
        assert len(kept) <= 8 and kept[0] == 18 and kept[-1] == step
        assert len(kept) < 2 or np.diff(kept).max() <= step / 2 + 18
    assert file["pause"] == 3


def test_what_lies_behind_a_step_that_was_gone_back_to_makes_room_and_no_tag_in_use_is_taken() -> None:
    way = Way(held=[(10, "epoch"), (30, "epoch 3"), (40, "epoch 4"), (50, "epoch x")])
    assert [way.tag(1000, step) for step in (35, 45, 55)] == ["epoch 4", "epoch 2", "epoch 5"]
