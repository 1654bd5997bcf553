"""What was not measured again is drawn as old while training goes on: muted, with a clock, in its place."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint
from PySide6.QtGui import QHelpEvent, QImage
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from workspace_kit import workspace_of

from nnviz.gui.panels import base
from nnviz.gui.panels.activations import ActivationsPanel
from nnviz.gui.panels.base import Panel
from nnviz.gui.panels.dead_units import DeadUnitsPanel
from nnviz.gui.panels.feature_maps import FeatureMapsPanel
from nnviz.gui.panels.filters import FiltersPanel
from nnviz.gui.panels.loss import LossPanel
from nnviz.gui.parts.widgets import AgeMark, ElidedLabel
from nnviz.gui.runs.shown import Shown
from nnviz.project.document import Document
from nnviz.record.quantities import LOSS, STEPS_PER_SECOND
from nnviz.record.readings import Scalar
from nnviz.record.run import Run

KINDS = (ActivationsPanel, DeadUnitsPanel, FeatureMapsPanel, FiltersPanel, LossPanel)


@pytest.fixture(autouse=True)
def at_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_AGES_EVERY", 0.0)


def shown(kind: type[Panel], document: Document, qtbot: QtBot) -> Panel:
    panel = kind(workspace_of(document))
    qtbot.addWidget(panel)
    panel.resize(410, 200)
    panel.show()
    return panel


def pixels(image: QImage) -> NDArray[np.uint8]:
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1).copy()


def pointed_at(widget: QWidget) -> str:
    """What the widget says to a mouse that rests on it."""
    middle = widget.rect().center()
    QApplication.sendEvent(widget, QHelpEvent(QEvent.Type.ToolTip, middle, widget.mapToGlobal(QPoint(middle))))
    return widget.toolTip()


def places(panel: Panel) -> list[tuple[int, int, int, int]]:
    return [widget.geometry().getRect() for widget in panel.findChildren(QWidget)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_number_grows_old_and_new_again_in_its_place(
    kind: type[Panel], document: Document, run: Run, qtbot: QtBot
) -> None:
    panel = shown(kind, document, qtbot)
    panel.refresh(Shown(run), frozenset(run.names()))
    last = run.last_step
    fresh = {one for one in panel.readings_shown() if one.step == last}
    assert panel.readings_shown() and not any(one.old for one in fresh)
    image, stood = pixels(panel.grab().toImage()), places(panel)
    # Training goes on; nobody measures what this panel shows, and the feed brings only the speed.
    run.append([Scalar(STEPS_PER_SECOND.series(), last + 40, 40.0)])
    panel.refresh(Shown(run), frozenset({STEPS_PER_SECOND.series()}))
    assert {one.series for one in panel.readings_shown() if one.old}.isdisjoint(one.series for one in fresh)
    run.append([Scalar(STEPS_PER_SECOND.series(), last + 41, 40.0)])
    panel.refresh(Shown(run), frozenset({STEPS_PER_SECOND.series()}))
    assert all(one.old for one in panel.readings_shown())
    assert (pixels(panel.grab().toImage()) != image).any() and places(panel) == stood
    # Back where it was measured it is new.
    panel.refresh(Shown(run, step=last), frozenset())
    assert not any(one.old for one in panel.readings_shown() if one.step == last)
    assert places(panel) == stood


def test_the_legend_says_how_old_each_value_is(document: Document, qtbot: QtBot) -> None:
    run = Run()
    run.append([Scalar(LOSS.series("validation"), 120, 0.75)])
    run.append(Scalar(LOSS.series("train"), step, 0.5) for step in range(1, 461))
    panel = shown(LossPanel, document, qtbot)
    assert isinstance(panel, LossPanel)
    panel.refresh(Shown(run), frozenset(run.names()))
    assert [(entry.title, entry.old) for entry in panel.legend.entries][:2] == [("batch", False), ("validation", True)]
    assert "validation 0.750, measured at step 120, 340 steps ago" in pointed_at(panel.legend)
    panel.refresh(Shown(run, step=140), frozenset())
    assert not any(entry.old for entry in panel.legend.entries)


def test_a_line_of_text_keeps_its_letters_where_they_are(qtbot: QtBot) -> None:
    label = ElidedLabel("conv1: 0.0713")
    qtbot.addWidget(label)
    label.resize(220, 24)
    label.show()
    before = pixels(label.grab().toImage())
    label.set_age(lambda: "measured at step 3, 40 steps ago")
    assert label.old and (pixels(label.grab().toImage()) != before).any()
    assert "40 steps ago" in pointed_at(label) and label.text() == "conv1: 0.0713"
    label.set_age(None)
    assert (pixels(label.grab().toImage()) == before).all()
    # Where the text has just room the mark does not stand on it: there a shorter one is read.
    label.resize(label.fontMetrics().horizontalAdvance(label.text()) + 2, 24)
    label.set_wordings("conv1: 0.0713", "0.0713")
    assert label.shown_text() == "conv1: 0.0713"
    label.set_age(lambda: "measured at step 3, 40 steps ago")
    assert label.shown_text() == "0.0713"


def test_a_mark_keeps_its_room(qtbot: QtBot) -> None:
    mark = AgeMark()
    qtbot.addWidget(mark)
    size = mark.sizeHint()
    mark.show_age(True)
    assert mark.sizeHint() == size and mark.on
