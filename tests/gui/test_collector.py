"""The garbage collector is spared what stays until the end."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from nnviz.gui import app


@pytest.fixture(autouse=True)
def _collector_as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_what_was_made_is_passed_over_and_what_comes_is_still_collected() -> None:
    """Cycles made later go all the same."""
    before = gc.get_threshold()
    app.spare_the_collector()
    assert gc.get_freeze_count() > 0
    assert gc.get_threshold()[0] > before[0]
    assert gc.isenabled()
    circle: list[object] = []
    circle.append(circle)
    del circle
    assert gc.collect() > 0
