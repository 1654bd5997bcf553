"""Since when units are dead, in words."""

from __future__ import annotations

import pytest

from nnviz.record.since import since_words


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        ([], [], ""),
        ([-1, -1], [-1, -1], ""),
        ([560, 560], [541, 541], "between steps 541 and 560"),
        ([0, 0, 0], [-1, -1, -1], "from the start"),
        ([0, 20, 0, 20], [-1, 0, -1, 0], "2 from the start, 2 between steps 0 and 20"),
        ([5, 10, 15, 20], [0, 5, 10, 15], "between steps 0 and 20"),
        ([0, 10, 15, 20], [-1, 5, 10, 15], "since step 20 or before"),
        ([40], [-1], "since step 40 or before"),
        ([1500], [1200], "between steps 1\u202f200 and 1\u202f500"),
    ],
)
def test_words(since: list[int], until: list[int], words: str) -> None:
    assert since_words(since, until) == words


def test_what_an_older_file_knows() -> None:
    assert since_words([40, 40]) == "since step 40"
    assert since_words([40, 41], [1]) == "1 since step 40, 1 since step 41"
