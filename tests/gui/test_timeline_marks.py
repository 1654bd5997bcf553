"""Marks of epochs on the timeline: all of them, or as many as can be told apart."""

from __future__ import annotations

from itertools import pairwise

import pytest
from pytestqt.qtbot import QtBot

from nnviz.gui.window.timeline import Track


@pytest.mark.parametrize(
    ("epochs", "planned", "stride"),
    [(10, 10, 1), (60, 60, 1), (60, 300, 5), (120, 120, 2), (200, 200, 2), (0, 10, 1)],
)
def test_marks_keep_their_distance(qtbot: QtBot, epochs: int, planned: int, stride: int) -> None:
    track = Track()
    qtbot.addWidget(track)
    track.resize(1000, 30)
    marks = tuple(32 * epoch for epoch in range(1, epochs + 1))
    track.set_range(32 * epochs, 32 * planned, marks)
    shown = track.shown_marks()
    assert shown == marks[stride - 1 :: stride]
    places = [track.position_of(mark) for mark in shown]
    assert all(later - earlier >= 8 for earlier, later in pairwise(places))


def test_the_step_to_compare_with_is_marked(qtbot: QtBot) -> None:
    track = Track()
    qtbot.addWidget(track)
    track.resize(400, 30)
    track.set_range(100, 100, ())
    plain = track.grab().toImage()
    track.set_against(50)
    marked = track.grab().toImage()
    x, y = round(track.position_of(50)), track.height() // 2
    assert marked != plain and marked.pixelColor(x, y + 6) != plain.pixelColor(x, y + 6)
    track.set_against(None)
    assert track.against is None and track.grab().toImage() == plain
