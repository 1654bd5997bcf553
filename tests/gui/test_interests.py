"""What the window looks at reaches the session: panels that can be seen, cards in sight, the layer that is selected."""

from __future__ import annotations

from pytestqt.qtbot import QtBot
from window_kit import OpenWindow, state_is

from nnviz.gui.runs.interests import Interests
from nnviz.record.interest import NOTHING, Interest
from nnviz.record.quantities import (
    ACTIVATION_HISTOGRAM,
    CLOSED_CHANNELS,
    DEAD_FRACTION,
    LOSS,
    OUTPUT,
    QUANTITIES,
    WEIGHTS,
)


def test_the_interests_of_all_are_one_and_told_when_it_changes() -> None:
    interests, told = Interests(), []
    interests.changed.connect(told.append)
    loss = Interest(frozenset({LOSS}), frozenset())
    interests.contribute("loss", loss)
    interests.contribute("another", loss)
    interests.contribute("cards", Interest(frozenset({OUTPUT}), frozenset({"a"})))
    interests.contribute("cards", Interest(frozenset({OUTPUT}), frozenset({"b"})))
    interests.contribute("loss", NOTHING)
    interests.contribute("another", NOTHING)
    assert [one.quantities for one in told] == [{LOSS}, {LOSS, OUTPUT}, {LOSS, OUTPUT}, {OUTPUT}]
    assert [one.nodes for one in told[1:3]] == [{"a"}, {"b"}]
    assert interests.merged == told[-1]


def test_panels_that_are_opened_and_closed(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    assert window.docks is not None
    assert window.interests.merged.wants(LOSS) and window.interests.merged.wants(DEAD_FRACTION)
    assert not window.interests.merged.wants(ACTIVATION_HISTOGRAM)
    window.docks.show_panel("activations")
    qtbot.waitUntil(lambda: window.interests.merged.wants(ACTIVATION_HISTOGRAM))
    window.docks.docks["activations"].hide()
    qtbot.waitUntil(lambda: not window.interests.merged.wants(ACTIVATION_HISTOGRAM))
    window.docks.show_panel("feature_maps")
    panel = window.docks.panels["feature_maps"]
    qtbot.waitUntil(lambda: bool(panel.node))  # type: ignore[attr-defined]  # the panel of feature maps
    assert panel.node in window.interests.merged.closely  # type: ignore[attr-defined]  # as above


def test_the_selected_layer_is_looked_at_closely(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    assert not window.interests.merged.wants(WEIGHTS)
    node = next(iter(window.document.project.graph.nodes))
    window.canvas.canvas_scene.select([node])
    qtbot.waitUntil(lambda: window.interests.merged.closely == {node})
    assert window.interests.merged.wants(WEIGHTS) and window.interests.merged.looks_at(node)
    window.canvas.canvas_scene.select([])
    qtbot.waitUntil(lambda: not window.interests.merged.closely)
    assert not window.interests.merged.wants(WEIGHTS)


def test_what_a_panel_misses_while_closed_is_there_when_it_is_opened_at_rest(
    qtbot: QtBot, open_window: OpenWindow
) -> None:
    window = open_window("digits-cnn")
    window.training.play()
    qtbot.waitUntil(lambda: window.feed.run.last_step > 5, timeout=30_000)
    window.training.pause()
    qtbot.waitUntil(state_is(window, "paused"), timeout=30_000)
    run = window.feed.run
    node = window.document.inference.order[1]
    series = ACTIVATION_HISTOGRAM.series(node)
    assert window.docks is not None
    window.docks.show_panel("activations")

    def filled() -> bool:
        found = run.latest(series)
        return found is not None and found.step == run.last_step

    qtbot.waitUntil(filled, timeout=30_000)


def test_every_panel_says_what_it_reads_and_badges_are_on_cards(open_window: OpenWindow) -> None:
    window = open_window("digits-cnn", ready=False)
    assert window.docks is not None
    shown = {quantity for panel in window.docks.panels.values() for quantity in panel.quantities}
    assert {one for one in QUANTITIES if one.curves is not None or one.badge is not None} <= shown
    assert window.interests.merged.wants(CLOSED_CHANNELS)
