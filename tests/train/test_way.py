"""What a run's file keeps of the ends of epochs: the newest, and some from all along the way."""

from __future__ import annotations

import numpy as np
import pytest

from nnviz.train.way import LIMIT, Way


@pytest.mark.parametrize("most", [2, 3, 8, 24])
def test_the_newest_and_an_even_spread_are_kept(most: int) -> None:
    way, file = Way(most), {}
    for state in range(500):
        file[way.tag(1000)] = state
        assert len(file) <= most and max(file.values()) == state
        gaps = np.diff(sorted(file.values()))
        assert min(file.values()) == 0
        if len(gaps) > 1:
            # What was given up and is not overwritten yet only makes it denser.
            assert gaps.max() <= 4 * state / max(most, 2) + 1
    assert most < 8 or len(file) >= most // 2


def test_of_a_large_network_only_the_newest_is_kept() -> None:
    way = Way()
    assert {way.tag(LIMIT) for _ in range(9)} == {"epoch"}
