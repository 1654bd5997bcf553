"""How strong a start is said to be without torch, against the modules that torch makes and fills."""

from __future__ import annotations

import pytest

from nnviz.network.initialise import inputs_per_unit
from nnviz.network.network import Network
from nnviz.project.model import Choice
from nnviz.project.samples.sketch import Layer, chain, conv, flatten, image, linear, output, plain
from nnviz.project.starts import starts_of

GAUSSIAN = Choice("gaussian", {"deviation": 1.0})


@pytest.mark.parametrize(
    ("layer", "node"),
    [
        (conv(6, 3, weight_initialisation=GAUSSIAN), "conv1"),
        (conv(6, 3, bias=False, groups=2, weight_initialisation=GAUSSIAN), "conv1"),
        (
            Layer(
                "conv_transpose2d",
                {"out_channels": 6, "kernel_size": (2, 2), "stride": (2, 2), "weight_initialisation": GAUSSIAN},
            ),
            "deconv1",
        ),
    ],
)
def test_the_strength_of_a_start_is_its_deviation_times_the_root_of_the_inputs(layer: Layer, node: str) -> None:
    graph = chain(image(4, 8, 8), layer, plain("tanh"), flatten(), linear(3, weight_initialisation=GAUSSIAN), output())
    network, found = Network(graph, seed=0), starts_of(graph, Choice("default"))
    assert node in found, found
    for name in (node, "linear1"):
        assert found[name].strength ** 2 == pytest.approx(inputs_per_unit(network.module_of(name)))
