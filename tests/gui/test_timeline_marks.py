"""Marks of epochs on the timeline: all of them, or as many as can be told apart."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from pytestqt.qtbot import QtBot

from nnviz.gui.lecture.run_line import RunLine
from nnviz.gui.panels.dead_units import Row, SharesView
from nnviz.gui.runs.run_events import EventMark
from nnviz.gui.runs.run_feed import RunFeed
from nnviz.gui.window.timeline import Track
from nnviz.record.age import Moment
from nnviz.record.quantities import DEAD_FRACTION


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


def test_small_courses_bear_the_marks_of_what_was_changed_too(qtbot: QtBot) -> None:
    steps = np.arange(0, 101, 10)
    rows = [Row("relu1", DEAD_FRACTION, 0.5, steps, np.linspace(0, 0.5, len(steps)))]
    mark = EventMark(50, "Changed after step 50\nEpochs: 3 → 5")
    view = SharesView()
    qtbot.addWidget(view)
    view.resize(400, 60)
    view.show_rows(rows, "", None, 100, Moment())
    plain = view.grab().toImage()
    view.show_rows(rows, "", None, 100, Moment(), (mark,))
    marked = view.grab().toImage()
    changed = {x for x in range(400) for y in range(60) if plain.pixel(x, y) != marked.pixel(x, y)}
    place = sum(changed) / len(changed)
    assert len(changed) < 10 and view.event_at(QPointF(place, view._row_height() - 4)) == mark.text
    assert not view.event_at(QPointF(place, 2)) and not view.event_at(QPointF(place + 30, view._row_height() - 4))
    line = RunLine(RunFeed(), view)
    line.resize(400, 30)
    line.set_range(100, 100)
    before = line.grab().toImage()
    line.set_events((mark,))
    assert line.grab().toImage() != before and "Epochs: 3 → 5" in line.accessibleDescription()
