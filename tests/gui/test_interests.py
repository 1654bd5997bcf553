"""What the window looks at reaches the session: panels that can be seen, cards in sight, the layer that is selected."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from window_kit import OpenWindow, state_is

from nnviz.gui.panels.feature_maps import FeatureMapsPanel
from nnviz.gui.runs.interests import Interests
from nnviz.probes import feature_maps
from nnviz.project.document import Document
from nnviz.project.edits import SetView
from nnviz.project.model import View
from nnviz.project.samples import templates
from nnviz.record.interest import NOTHING, Interest
from nnviz.record.quantities import (
    ACTIVATION_HISTOGRAM,
    CLOSED_CHANNELS,
    DEAD_FRACTION,
    LOSS,
    OUTPUT,
    PINNED_INPUT,
    QUANTITIES,
    WEIGHTS,
)
from nnviz.record.readings import ArrayReading, units_in


def test_the_interests_of_all_are_one_and_told_when_it_changes() -> None:
    document = Document(templates.sample("and"))
    interests, told = Interests(document), []
    interests.changed.connect(told.append)
    assert interests.merged == Interest(frozenset(), frozenset(), examples=frozenset({3}), first=3), (
        "what the sample pins"
    )
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


def test_the_pinned_example_is_looked_at_and_kept_in_the_project(qtbot: QtBot, open_window: OpenWindow) -> None:
    window = open_window("digits-cnn")
    run = window.feed.run

    def shown() -> object:
        found = run.latest(PINNED_INPUT.series())
        return found.meta["sample"] if isinstance(found, ArrayReading) else None

    assert window.interests.merged.examples == {window.document.project.view.pinned_sample} == {shown()}
    window.apply(SetView(View(5)))
    assert window.interests.merged.examples == {5}
    qtbot.waitUntil(lambda: shown() == 5)
    window.document.undo()
    qtbot.waitUntil(lambda: shown() == 0)


def test_a_channel_behind_the_first_ones_is_looked_at(
    qtbot: QtBot, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window("digits-cnn")
    assert window.docks is not None
    window.canvas.canvas_scene.select(["relu1"])
    window.docks.show_panel("feature_maps")
    panel = window.docks.panels["feature_maps"]
    assert isinstance(panel, FeatureMapsPanel)
    run = window.feed.run

    def units() -> tuple[int, ...]:
        found = run.latest(OUTPUT.series("relu1"))
        return units_in(found.meta, len(found.array)) if isinstance(found, ArrayReading) else ()

    qtbot.waitUntil(lambda: len(units()) == 16 and panel.view.units == units())
    whole = run.latest(OUTPUT.series("relu1"))
    assert panel.unit_box.isHidden(), "all of them are there"
    monkeypatch.setattr(feature_maps, "CLOSE_NUMBERS", 4 * 26 * 26)  # as if it had a thousand channels
    window.apply(SetView(View(1)))
    window.apply(SetView(View(0)))
    qtbot.waitUntil(lambda: panel.view.units == (0, 1, 2, 3) and panel.view.total == 16)
    qtbot.waitUntil(lambda: not panel.unit_box.isHidden())
    panel.unit_box.setValue(11)
    assert window.interests.merged.units == {("relu1", 11)}
    qtbot.waitUntil(lambda: panel.view.units == (0, 1, 2, 3, 11))
    found = run.latest(OUTPUT.series("relu1"))
    assert isinstance(found, ArrayReading) and isinstance(whole, ArrayReading)
    assert np.array_equal(found.array[-1], whole.array[11])
    assert panel.view.grid.data is not None and panel.view.grid.data.names[-1] == "channel 11"
    window.canvas.canvas_scene.select(["relu2"])
    qtbot.waitUntil(lambda: panel.node == "relu2" and not window.interests.merged.units)
