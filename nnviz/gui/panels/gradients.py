"""How strongly the loss pulls at each layer."""

from __future__ import annotations

from nnviz.gui.panels.layer_curves import LayerCurvesPanel


class GradientsPanel(LayerCurvesPanel):
    """Gradient magnitude of every layer with parameters."""

    key = "gradients"
    title = "Gradient magnitude"
    quantity = "gradient_norm"
    prefixes = ("gradient_norm/", "epoch")
    y_title = "‖∂L/∂θ‖"
    caption = "‖∂L/∂θ‖ per layer, log"
    shorter_captions = ("per layer, log", "log scale")
    letter = "G"
    empty = "Press Play to train: the gradient of every layer appears here."
    help = (
        "<p><b>What it shows.</b> For each layer the L2 norm of ∂L/∂θ over all its parameters, after the backward "
        "pass, before clipping and update. The axis is logarithmic; the thin line is each measurement, the strong "
        "one its "
        "moving average.</p>"
        "<p><b>How to read it.</b> Lines that lie close together and sink slowly: healthy. The first layers far below "
        "the last ones: the gradient vanishes on its way back, as with many sigmoid layers; try ReLU, another "
        "initialisation or normalisation. All rising steeply: it explodes; lower the learning rate. A gap in a "
        "line: the gradient was exactly zero, there is no logarithm of that.</p>"
        "<p>Click a name to select its layer.</p>"
    )
