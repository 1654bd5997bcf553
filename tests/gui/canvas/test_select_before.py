"""Selecting what the chosen layers get their values from."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from window_kit import OpenWindow

from nnviz.gui.canvas.actions import with_those_before
from nnviz.project.model import Edge, PortRef

_NODES = st.sampled_from("abcdefgh")


@given(st.lists(st.tuples(_NODES, _NODES)), st.lists(_NODES, unique=True))
def test_it_is_all_from_which_a_way_leads(pairs: list[tuple[str, str]], chosen: list[str]) -> None:
    wires = [Edge(PortRef(source, 0), PortRef(target, 0)) for source, target in pairs]
    reached = set(chosen)
    for _ in range(8):
        reached |= {source for source, target in pairs if target in reached}
    found = with_those_before(wires, chosen)
    assert set(found) == reached and len(found) == len(reached)
    assert found[: len(chosen)] == chosen


def test_it_waits_for_a_selection_and_then_selects(open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    action = window.action("select_before")
    assert not action.isEnabled() and action.property("reason") == "Select a layer first."
    window.canvas.select(["conv2"])
    assert action.isEnabled()
    action.trigger()
    assert {"conv2", "conv1"} <= set(window.canvas.selected)
    wires = window.document.project.graph.edges
    assert all(
        wire.source.node in window.canvas.selected for wire in wires if wire.target.node in window.canvas.selected
    )
