"""Interests: merging takes nothing away, whatever the order, and the two ends are what they say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nnviz.record.interest import EVERYTHING, NOTHING, Interest, merged
from nnviz.record.quantities import QUANTITIES

NODES = st.sampled_from(["a", "b", "c", "d"])
INTERESTS = st.builds(
    Interest,
    st.none() | st.frozensets(st.sampled_from(QUANTITIES), max_size=4),
    st.none() | st.frozensets(NODES, max_size=3),
    st.frozensets(NODES, max_size=2),
    st.frozensets(st.tuples(NODES, st.integers(0, 200)), max_size=3),
    st.frozensets(st.integers(0, 9), max_size=3),
)


@given(INTERESTS, INTERESTS, INTERESTS)
def test_merging_is_a_union(one: Interest, other: Interest, third: Interest) -> None:
    assert one | other == other | one
    assert (one | other) | third == one | (other | third)
    assert one | one == one
    assert one | NOTHING == one
    assert hash(one | other) == hash(other | one)


@given(st.lists(INTERESTS, max_size=5))
def test_what_one_wants_all_together_want(interests: list[Interest]) -> None:
    together = merged(interests)
    for quantity in QUANTITIES:
        assert together.wants(quantity) is any(one.wants(quantity) for one in interests)
    for node in "abcd":
        assert together.looks_at(node) is any(one.looks_at(node) for one in interests)
        assert set(together.units_of(node)) == {unit for one in interests for unit in one.units_of(node)}
    assert together.examples == {example for one in interests for example in one.examples}
    for node in "abcd":
        assert (node in together.closely) is any(node in one.closely for one in interests)


@given(INTERESTS)
def test_everything_stays_everything(one: Interest) -> None:
    whole = one | EVERYTHING
    assert whole.quantities is None and whole.nodes is None
    assert all(whole.wants(quantity) for quantity in QUANTITIES) and whole.looks_at("anything")


def test_nothing_wants_nothing() -> None:
    assert merged([]) == NOTHING
    assert not any(NOTHING.wants(quantity) for quantity in QUANTITIES)
    assert not NOTHING.looks_at("a") and NOTHING.units_of("a") == ()


def test_whoever_looks_at_a_unit_looks_at_its_node() -> None:
    looking = Interest(frozenset(), frozenset(), units=frozenset({("a", 70), ("a", 9)}))
    assert looking.looks_at("a") and not looking.looks_at("b")
    assert looking.units_of("a") == (9, 70)
