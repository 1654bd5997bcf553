"""A run that broke, or whose file was damaged: what is no number is a gap in every panel, and no warning is heard."""

from __future__ import annotations

import dataclasses
import math
import warnings

import numpy as np
import pytest
from PySide6.QtCore import QRect
from pytestqt.qtbot import QtBot
from workspace_kit import workspace_of

from nnviz.gui.panels.base import Panel
from nnviz.gui.panels.catalogue import PANELS
from nnviz.gui.panels.loss import LossPanel
from nnviz.gui.runs.shown import Shown
from nnviz.project.document import Document
from nnviz.record.readings import ArrayReading, Histogram, Reading, Scalar
from nnviz.record.run import Run, RunInfo

#: What stands where: (place in the series, of how many) -> the value, or None for what was measured.
POISONS = {
    "all_nan": lambda index, count: math.nan,
    "all_infinite": lambda index, count: math.inf,
    "all_negative_infinite": lambda index, count: -math.inf,
    "the_last": lambda index, count: math.nan if index == count - 1 else None,
    "the_first": lambda index, count: math.inf if index == 0 else None,
    "all_but_one": lambda index, count: None if index == count // 2 else math.nan,
    "in_turn": lambda index, count: (math.nan, math.inf, -math.inf, None)[index % 4],
    "huge": lambda index, count: 1.7e308 * (-1) ** index,
    "tiny": lambda index, count: 5e-324,
}


def poisoned(run: Run, name: str) -> Run:
    """The same run with other numbers in every curve and every array of floats."""
    poison = POISONS[name]
    changed = Run(RunInfo(title="poisoned"))
    for series in run.names():
        steps, values = run.scalars(series)
        samples: list[Reading] = []
        for index, (step, value) in enumerate(zip(steps, values, strict=True)):
            other = poison(index, len(steps))
            samples.append(Scalar(series, int(step), float(value if other is None or series == "epoch" else other)))
        latest = run.latest(series)
        if isinstance(latest, ArrayReading) and latest.array.dtype.kind == "f":
            array = latest.array.copy()
            for place in range(array.size):
                other = poison(place, array.size)
                if other is not None:
                    array.flat[place] = np.clip(other, -3e38, 3e38) if math.isfinite(other) else other
            samples.append(dataclasses.replace(latest, array=array))
        elif isinstance(latest, (ArrayReading, Histogram)):
            samples.append(latest)
        changed.append(samples)
    return changed


@pytest.mark.parametrize("name", POISONS)
@pytest.mark.parametrize("kind", [kind for kind in PANELS if kind.prefixes])
def test_a_panel_draws_what_is_no_number_without_a_warning(
    kind: type[Panel], name: str, document: Document, run: Run, qtbot: QtBot
) -> None:
    broken = poisoned(run, name)
    with warnings.catch_warnings(record=True) as heard:  # an error inside of Qt's painting would end the process
        warnings.simplefilter("always")
        panel = kind(workspace_of(document))
        qtbot.addWidget(panel)
        panel.resize(410, 200)
        panel.show()
        for step in (None, 20, 0):
            panel.refresh(Shown(broken, step=step), frozenset(broken.names()))
            panel.grab(QRect(0, 0, 410, 200))
        for option in ("both", "accuracy"):
            if isinstance(panel, LossPanel):
                panel.view = option
                panel.refresh(Shown(broken), frozenset(broken.names()))
                panel.grab()
        assert panel.to_csv()
        assert not panel.to_image().isNull()
    assert [f"{one.filename}:{one.lineno}: {one.message}" for one in heard] == []
