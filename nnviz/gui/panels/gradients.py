"""How strongly the loss pulls at each layer."""

from __future__ import annotations

from nnviz.gui.panels.layer_curves import LayerCurvesPanel
from nnviz.record.quantities import GRADIENT_NORM


class GradientsPanel(LayerCurvesPanel):
    """Gradient magnitude of every layer with parameters."""

    quantity = GRADIENT_NORM
