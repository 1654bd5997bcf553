"""The feature maps of a network of two features: units over their plane."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from nnviz.data import datasets
from nnviz.gui.look.scales import Scale
from nnviz.gui.panels.feature_maps import MapView
from nnviz.project.document import Document
from nnviz.project.samples import templates
from nnviz.record.readings import ArrayReading
from nnviz.record.run import Run, RunInfo

EDGES = {"x1_low": -5.0, "x1_high": 5.0, "x2_low": -4.0, "x2_high": 4.0}


@pytest.fixture
def spiral() -> Document:
    made = Document(templates.sample("spiral"))
    made.set_facts(datasets.facts(made.project.data))
    return made


def test_units_have_their_planes_with_the_axes_printed(spiral: Document, qtbot: QtBot) -> None:
    run = Run(RunInfo(title="planted"))
    maps = np.random.default_rng(0).normal(size=(8, 32, 32)).astype(np.float32)
    run.append([ArrayReading("output/linear1", 3, maps[:, 0, 0]), ArrayReading("plane/linear1", 3, maps, EDGES)])
    view = MapView(spiral)
    qtbot.addWidget(view)
    assert view.refresh(run, "linear1", None)
    data = view.grid.data
    assert data is not None and len(data) == 8
    np.testing.assert_array_equal(data.values, maps)
    np.testing.assert_array_equal(data.colours[3], Scale.signs(maps[3]).paint(maps[3]))
    assert view._caption.text() == "x1 −5.0 … 5.0, x2 −4.0 … 4.0"
    view.set_shared(True)
    data = view.grid.data
    assert data is not None
    np.testing.assert_array_equal(data.colours, Scale.signs(maps).paint(maps))
    later = -maps
    run.append([ArrayReading("plane/linear1", 4, later, EDGES)])
    assert view.refresh(run, "linear1", None) and view.grid.data is not None
    np.testing.assert_array_equal(view.grid.data.values, later)


def test_the_output_shows_how_likely_the_second_class_is(spiral: Document, qtbot: QtBot) -> None:
    run = Run(RunInfo(title="planted"))
    logits = np.linspace(-8, 8, 1024, dtype=np.float32).reshape(1, 32, 32)
    run.append([ArrayReading("plane/output", 3, logits, EDGES)])
    view = MapView(spiral)
    qtbot.addWidget(view)
    assert view.refresh(run, "output", None)
    data = view.grid.data
    assert data is not None and data.names == ("violet",)
    np.testing.assert_allclose(data.values, 1 / (1 + np.exp(-logits.astype(float))), rtol=1e-5)
    assert view.range_bar.ends == ("0", "1.0")
    for shared in (True, False):  # colours again without another measurement: still the same probabilities
        view.set_shared(shared)
        assert view.grid.data is not None
        np.testing.assert_array_equal(view.grid.data.values, data.values)
