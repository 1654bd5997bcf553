"""All layers, each declared once, a file a family.

A new layer costs a declaration in its family's file and a builder in ``network/builders.py``.
"""

from __future__ import annotations

from nnviz.project.declared.layers import activation, convolution, dense, input_output, join, pooling, regularise, shape
from nnviz.project.spec import LayerSpec

#: (family key, title), in the order of the palette.
FAMILIES: tuple[tuple[str, str], ...] = (
    ("input_output", "Input and output"),
    ("convolution", "Convolution"),
    ("pooling", "Pooling"),
    ("dense", "Dense"),
    ("activation", "Activation"),
    ("regularise", "Regularise"),
    ("shape", "Shape"),
    ("join", "Join"),
)

#: Every layer, in the order of the palette.
LAYERS: tuple[LayerSpec, ...] = (
    *input_output.LAYERS,
    *convolution.LAYERS,
    *pooling.LAYERS,
    *dense.LAYERS,
    *activation.LAYERS,
    *regularise.LAYERS,
    *shape.LAYERS,
    *join.LAYERS,
)
