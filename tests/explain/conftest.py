"""Small projects and trainings are made by the helpers of the training's own tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "train"))
import training_helpers


@pytest.fixture(autouse=True)
def trainings_at_rest(no_held_random_state: None) -> Iterator[None]:
    """Whoever drives a training gives torch's random state back in the end."""
    yield
    for training in training_helpers.MADE:
        training.random.release()
    training_helpers.MADE.clear()
