"""The division into splits and the memory for loaded sets."""

from __future__ import annotations

import threading

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nnviz.data.cache import Cache
from nnviz.data.division import stratified


@given(
    labels=st.lists(st.integers(0, 5), min_size=1, max_size=200),
    share=st.floats(0, 1),
    seed=st.integers(-(2**63), 2**63),
)
def test_stratified_is_exact_in_number_and_fair_to_every_class(labels: list[int], share: float, seed: int) -> None:
    targets = np.array(labels)
    count = round(share * len(labels))
    chosen = stratified(targets, count, seed)
    assert len(chosen) == count == len(set(chosen.tolist()))
    assert (np.diff(chosen) > 0).all()
    # A class that would be taken whole keeps one, and another class gives one more instead.
    spared = sum(labels.count(label) * (1 - share) < 2 for label in set(labels))
    for label in set(labels):
        due = count * (targets == label).sum() / len(labels)
        assert abs((targets[chosen] == label).sum() - due) <= 1.0 + 5 / 2 + spared
    assert np.array_equal(chosen, stratified(targets, count, seed))


def test_real_targets_are_divided_at_random() -> None:
    chosen = stratified(np.linspace(0, 1, 1000, dtype=np.float32), 200, 0)
    assert len(chosen) == 200 and 400 < chosen.mean() < 600


def test_the_longest_unused_goes_first() -> None:
    cache = Cache(limit=10)
    cache.put("a", "A", 4)
    cache.put("b", "B", 4)
    assert cache.get("a") == "A"
    cache.put("c", "C", 4)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == ("A", None, "C")
    assert cache.bytes == 8
    cache.put("a", "A2", 6)
    assert cache.get("a") == "A2" and cache.bytes == 10
    cache.put("huge", "H", 11)
    assert cache.get("huge") is None and len(cache) == 2
    cache.clear()
    assert len(cache) == 0 and cache.bytes == 0


def test_many_threads_at_once_keep_the_account_right() -> None:
    cache = Cache(limit=50)

    def work(seed: int) -> None:
        random = np.random.default_rng(seed)
        for _ in range(300):
            key = int(random.integers(20))
            if cache.get(key) is None:
                cache.put(key, key, key)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = [key for key in range(20) if cache.get(key) is not None]
    assert cache.bytes == sum(kept) <= 50
