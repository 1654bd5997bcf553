"""Training that is killed at any moment and gone on with ends bit for bit where it would have ended."""

from __future__ import annotations

from pathlib import Path

import pytest
from killed_trainings import kill

#: Kills of each recipe in the suite; any number with ``--fuzz N``, and forty by ``scripts/check_kills.py``.
KILLS = 3


@pytest.mark.timeout(0)
@pytest.mark.parametrize("recipe", ["chain", "recipe"])
def test_killed_trainings_end_where_an_undisturbed_one_ends(
    recipe: str, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    found = kill(tmp_path, recipe, pytestconfig.getoption("--fuzz") or KILLS, seed=11)
    assert not found.problems
    assert found.finished and found.kills
