"""How the weights of a layer start. Declarations only; ``network/initialise.py`` draws the numbers.

Biases start at 0 with every choice but torch's own (``default``, ``pytorch``) and ``given``. A layer with ``default``
follows the training's setting *initialisation*, which is PyTorch's own where nothing is said there either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nnviz.project.spec import ParamSpec, Spec


@dataclass(frozen=True)
class InitialiserSpec(Spec):
    """How weights start: a Spec with where the numbers come from.

    Attributes:
        written: They are written down in the layer's own parameters, for networks made by hand.
        follows: It is what the whole network is set to.
        of_a_layer: It is for single layers: the whole network is not set to it.
        alike: All units of a layer start with the same weights.
        spread: Deviation of the weights as a multiple of the number that is chosen; 0 where it follows from the layer.
        usual_before: What it is the usual start before: an activation that lets large numbers ``pass``, or any
            ``other``; empty where another is.
    """

    written: bool = False
    follows: bool = False
    of_a_layer: bool = False
    alike: bool = False
    spread: float = 0.0
    usual_before: Literal["", "pass", "other"] = ""


def _positive(name: str, title: str, help: str, default: float) -> ParamSpec:
    return ParamSpec(
        name, title, help, "float", default, minimum=0, maximum=100, exclusive_minimum=True, logarithmic=True
    )


INITIALISERS: tuple[InitialiserSpec, ...] = (
    InitialiserSpec(
        "default",
        "PyTorch default",
        "Uniform between ±1/√n for n inputs, weights and biases alike (Kaiming uniform with a = √5): what a layer of "
        "PyTorch starts with when nothing is said. Of a ConvTranspose2d, PyTorch takes the outputs in place of the "
        "inputs: n is its output channels in one group times the window. A layer with this choice follows what the "
        "training is set to for all layers, where something else is chosen there.",
        follows=True,
    ),
    InitialiserSpec(
        "pytorch",
        "PyTorch, here",
        "PyTorch's default for this layer, whatever is chosen for all layers: uniform between ±1/√n for n inputs, "
        "weights and biases alike.",
        of_a_layer=True,
    ),
    InitialiserSpec(
        "he_normal",
        "He normal",
        "Normal with deviation √(2/n) for n inputs. Keeps the strength of the signal through layers with ReLU, which "
        "halves it each time.",
        usual_before="pass",
    ),
    InitialiserSpec(
        "he_uniform",
        "He uniform",
        "Uniform between ±√(6/n) for n inputs: as strong as He normal, without its rare large weights.",
    ),
    InitialiserSpec(
        "xavier_normal",
        "Xavier normal",
        "Normal with deviation √(1/n) for n inputs. Keeps the strength of the signal through layers with tanh.",
    ),
    InitialiserSpec(
        "glorot_normal",
        "Xavier normal (Glorot)",
        "Normal with deviation √(2/(n + m)) for n inputs and m outputs, counted as in Xavier uniform: as strong as it.",
    ),
    InitialiserSpec(
        "xavier_uniform",
        "Xavier uniform (Glorot)",
        "Uniform between ±√(6/(n + m)) for n inputs and m outputs: a balance between the way forward and the way back. "
        "Of a convolution, n is the input channels in one group times the window, and m the output channels of all "
        "groups times the window, as PyTorch counts them; of a ConvTranspose2d the other way round. With biases of 0 "
        "it is what a layer of Keras starts with when nothing is said.",
        usual_before="other",
    ),
    InitialiserSpec(
        "gaussian",
        "Normal",
        "Normal with a deviation of your choice, to see what too small and too large a start do to deep networks.",
        params=(
            _positive(
                "deviation",
                "deviation",
                "Standard deviation of the normal distribution that the first weights are drawn from.",
                0.01,
            ),
        ),
        spread=1.0,
    ),
    InitialiserSpec(
        "truncated_gaussian",
        "Truncated normal",
        "Normal with a deviation of your choice, but nothing beyond twice of it: no weight is large by chance. What is "
        "cut off makes the spread of the weights 0.88 of the deviation.",
        params=(
            _positive("deviation", "deviation", "Standard deviation of the normal distribution before the cut.", 0.05),
        ),
        spread=0.88,
    ),
    InitialiserSpec(
        "uniform",
        "Uniform",
        "Uniform between ± a limit of your choice, all sizes as likely.",
        params=(_positive("limit", "limit", "The largest size of a weight.", 0.05),),
        spread=3**-0.5,
    ),
    InitialiserSpec(
        "orthogonal",
        "Orthogonal",
        "The weights that lead into the units stand at right angles to each other, each of the length of the gain: a "
        "signal keeps its length through many layers. Where there are more units than inputs, the columns do.",
        params=(_positive("gain", "gain", "Length of each row of weights; √2 suits ReLU.", 1.0),),
    ),
    InitialiserSpec(
        "constant",
        "Constant",
        "All weights the same number. All units of a layer then compute the same and learn the same: a lesson, not a "
        "choice.",
        params=(ParamSpec("value", "value", "What each weight starts with.", "float", 0.1, -100, 100),),
        alike=True,
    ),
    InitialiserSpec(
        "zeros",
        "Zeros",
        "All weights 0. All units of a layer then compute the same and learn the same: a lesson, not a choice.",
        alike=True,
    ),
    InitialiserSpec(
        "given",
        "Given numbers",
        "Exactly the weights and biases written down below, for networks made by hand.",
        written=True,
        of_a_layer=True,
    ),
)
