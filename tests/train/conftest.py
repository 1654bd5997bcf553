"""Trainings that tests make by hand rest when the test is over, as those of a session do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import training_helpers


@pytest.fixture(autouse=True)
def trainings_at_rest(no_held_random_state: None) -> Iterator[None]:
    """Whoever drives a training gives torch's random state back in the end."""
    yield
    for training in training_helpers.MADE:
        training.random.release()
    training_helpers.MADE.clear()
