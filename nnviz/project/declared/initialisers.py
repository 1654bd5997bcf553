"""How the weights of a layer start. Declarations only; ``network/initialise.py`` draws the numbers.

Biases start at 0 with every choice but ``default`` (torch's own) and ``given``.
"""

from __future__ import annotations

from dataclasses import dataclass

from nnviz.project.spec import ParamSpec, Spec


@dataclass(frozen=True)
class InitialiserSpec(Spec):
    """How weights start: a Spec with where the numbers come from.

    Attributes:
        written: They are written down in the layer's own parameters, for networks made by hand.
    """

    written: bool = False


INITIALISERS: tuple[InitialiserSpec, ...] = (
    InitialiserSpec(
        "default",
        "PyTorch default",
        "Uniform between ±1/√n for n inputs, weights and biases alike (Kaiming uniform with a = √5): what a layer of "
        "PyTorch starts with when nothing is said. Of a ConvTranspose2d, PyTorch takes the outputs in place of the "
        "inputs: n is its output channels in one group times the window.",
    ),
    InitialiserSpec(
        "he_normal",
        "He normal",
        "Normal with deviation √(2/n) for n inputs. Keeps the strength of the signal through layers with ReLU, which "
        "halves it each time.",
    ),
    InitialiserSpec(
        "xavier_normal",
        "Xavier normal",
        "Normal with deviation √(1/n) for n inputs. Keeps the strength of the signal through layers with tanh.",
    ),
    InitialiserSpec(
        "xavier_uniform",
        "Xavier uniform (Glorot)",
        "Uniform between ±√(6/(n + m)) for n inputs and m outputs: a balance between the way forward and the way back. "
        "Of a convolution, n is the input channels in one group times the window, and m the output channels of all "
        "groups times the window, as PyTorch counts them; of a ConvTranspose2d the other way round.",
    ),
    InitialiserSpec(
        "gaussian",
        "Normal",
        "Normal with a deviation of your choice, to see what too small and too large a start do to deep networks.",
        params=(
            ParamSpec(
                "deviation",
                "deviation",
                "Standard deviation of the normal distribution that the first weights are drawn from.",
                "float",
                0.01,
                minimum=0,
                maximum=100,
                exclusive_minimum=True,
                logarithmic=True,
            ),
        ),
    ),
    InitialiserSpec(
        "zeros",
        "Zeros",
        "All weights 0. All units of a layer then compute the same and learn the same: a lesson, not a choice.",
    ),
    InitialiserSpec(
        "given",
        "Given numbers",
        "Exactly the weights and biases written down below, for networks made by hand.",
        written=True,
    ),
)
