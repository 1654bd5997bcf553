"""Every panel is found by its file: nobody keeps a list of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nnviz.gui import panels
from nnviz.gui.panels.catalogue import PANELS, all_panels
from nnviz.record.quantities import QUANTITIES

PLANTED = '''
from nnviz.gui.panels.base import Panel
from nnviz.gui.panels.loss import LossPanel
from nnviz.record.quantities import SATURATION


class PlantedPanel(Panel):
    """A panel that nobody knows but its file."""

    key = "planted"
    title = "A planted panel"
    letter = "9"
    quantities = (SATURATION,)


class _Help(Panel):
    """No panel: it has no key."""
'''


def test_the_panels_stand_in_their_order() -> None:
    assert [panel.key for panel in PANELS] == [
        "loss", "gradients", "dead_units", "findings", "filters", "feature_maps", "activations", "update_ratios",
        "problems", "history", "outline", "activation_curves", "closed_channels", "evaluation", "explain",
        "hard_examples", "landscape", "own_input", "runs", "sweep", "why",
    ]  # fmt: skip
    letters = [panel.letter for panel in PANELS]
    assert all(letters) and len(set(letters)) == len(letters)
    declared = {one.curves.key for one in QUANTITIES if one.curves is not None}
    assert declared == {"gradients", "update_ratios", "closed_channels"}


def test_a_panel_costs_its_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "planted.py").write_text(PLANTED, encoding="utf-8")
    monkeypatch.setattr(panels, "__path__", [*panels.__path__, str(tmp_path)])
    found = all_panels()
    sys.modules.pop("nnviz.gui.panels.planted", None)
    assert {panel.key for panel in found} - {panel.key for panel in PANELS} == {"planted"}
    assert len(found) == len(PANELS) + 1
