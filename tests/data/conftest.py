"""What the tests of the data room share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nnviz.data import folders, tensors


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """No data set and no folder listing of another test is still in memory."""
    tensors.clear_cache()
    folders._listed.cache_clear()
    yield
    tensors.clear_cache()
    folders._listed.cache_clear()
