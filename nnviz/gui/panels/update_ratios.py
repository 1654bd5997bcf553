"""How much each step changes each layer."""

from __future__ import annotations

from nnviz.gui.panels.layer_curves import LayerCurvesPanel
from nnviz.record.quantities import UPDATE_RATIO


class UpdateRatiosPanel(LayerCurvesPanel):
    """Size of the change of a step against the size of the parameters, of every layer."""

    quantity = UPDATE_RATIO
