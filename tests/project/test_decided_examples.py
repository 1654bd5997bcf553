"""What is decided about an example, wherever it is decided: one rule for the label, one order of the hardest."""

from __future__ import annotations

import numpy as np

from nnviz.project.curation import decided
from nnviz.project.model import Curated
from nnviz.record.hardest import hardest_first


def test_its_own_label_is_no_other_one() -> None:
    relabelled = decided(Curated(3, "ab"), "7", label="1")
    assert relabelled == Curated(3, "ab", "1")
    heavy = decided(relabelled, "7", weight=2.0)
    assert heavy == Curated(3, "ab", "1", 2.0)
    assert decided(heavy, "7", label="7") == Curated(3, "ab", "", 2.0)
    assert decided(heavy, "7", label="", weight=1.0, mark="cd") == Curated(3, "cd")


def test_equal_ones_go_by_their_loss_and_what_nobody_knows_comes_last() -> None:
    values = np.array([1, np.nan, 2, 1, 2], np.float32)
    losses = np.array([0.1, 9, 0.2, 0.3, 0.2], np.float32)
    assert hardest_first(values, losses).tolist() == [2, 4, 3, 0, 1]
    assert hardest_first(values).tolist() == [2, 4, 0, 3, 1]
    assert hardest_first(values, losses, small=True).tolist() == [3, 0, 2, 4, 1]
