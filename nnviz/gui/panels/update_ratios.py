"""How much each step changes each layer."""

from __future__ import annotations

from nnviz.gui.panels.layer_curves import LayerCurvesPanel


class UpdateRatiosPanel(LayerCurvesPanel):
    """Size of the change of a step against the size of the parameters, of every layer."""

    key = "update_ratios"
    title = "Update ratio"
    quantity = "update_ratio"
    prefixes = ("update_ratio/", "epoch")
    y_title = "‖Δθ‖ / ‖θ‖"
    caption = "per layer, log · 10⁻³ is healthy"
    shorter_captions = ("10⁻³ is healthy", "log scale")
    bands = ((3e-4, 3e-3, "good"),)
    letter = "U"
    empty = "Press Play to train: how much each step changes every layer appears here."
    help = (
        "<p><b>What it shows.</b> For each layer the norm of the change of its parameters in one step, divided by the "
        "norm of the parameters. The axis is logarithmic.</p>"
        "<p><b>How to read it.</b> About one thousandth (the shaded band) is healthy. Far above: each step overwrites "
        "what was learned; lower the learning rate. Far below: the layer hardly learns; raise the learning rate, or "
        "look "
        "whether its gradient vanishes.</p>"
        "<p>Click a name to select its layer.</p>"
    )
