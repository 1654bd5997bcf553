"""The ways to ask which parts of an example made a score, as they are called and what they mean. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: What is put in place of something: the raw number 0 (black, of images), or the mean of training examples.
Baseline = Literal["zero", "mean"]


@dataclass(frozen=True, slots=True)
class Method:
    """One way to ask.

    Attributes:
        key: Its name in the program.
        title: On the screen.
        formula: What each number of the map is.
        meaning: How to read the map, in one sentence.
        signed: Whether below zero means something.
        published: By whom, and when.
        images_only: Whether it needs an example with rows and columns.
        uses: Which of the settings it has: ``layer``, ``patch``, ``stride``, ``baseline``.
    """

    key: str
    title: str
    formula: str
    meaning: str
    signed: bool
    published: str
    images_only: bool = False
    uses: frozenset[str] = frozenset()


METHODS: tuple[Method, ...] = (
    Method(
        "saliency",
        "Saliency",
        "|∂score/∂x|",
        "Bright: changing this pixel a little changes the score much, whichever way.",
        False,
        "Simonyan et al. 2013",
    ),
    Method(
        "gradient",
        "Gradient, signed",
        "∂score/∂x",
        "Blue: a brighter pixel raises the score; orange: it lowers it.",
        True,
        "Simonyan et al. 2013",
    ),
    Method(
        "gradient_input",
        "Gradient × input",
        "x · ∂score/∂x",
        "Blue speaks for the score, orange against it; a pixel of value 0 says nothing.",
        True,
        "Shrikumar et al. 2016",
    ),
    Method(
        "integrated_gradients",
        "Integrated gradients",
        "(x − x₀) · ∫ ∂score/∂x along the way from x₀ to x",
        "Blue speaks for the score, orange against it; together they sum to the difference of the two scores.",
        True,
        "Sundararajan et al. 2017",
        uses=frozenset({"baseline"}),
    ),
    Method(
        "grad_cam",
        "Grad-CAM",
        "max(0, Σₖ αₖ Aₖ), αₖ = mean of ∂score/∂Aₖ over map k",
        "Bright: here the maps of the layer speak for the score. As coarse as these maps are.",
        False,
        "Selvaraju et al. 2017",
        images_only=True,
        uses=frozenset({"layer"}),
    ),
    Method(
        "occlusion",
        "Occlusion",
        "score − score with a patch covered, mean of the patches over a pixel",
        "Blue: covering this place costs score, so it spoke for it; orange: it spoke against it.",
        True,
        "Zeiler and Fergus 2014",
        uses=frozenset({"patch", "stride", "baseline"}),
    ),
    Method(
        "guided_gradient",
        "Guided gradient",
        "∂score/∂x; through a ReLU goes only what is positive where its input was positive",
        "The strokes that excite the score. Sharp, but it tells classes apart badly: compare two.",
        True,
        "Springenberg et al. 2015",
    ),
    Method(
        "deconvolution",
        "Deconvolution",
        "∂score/∂x; through a ReLU goes only what is positive",
        "The pattern that excites the score, drawn backwards through the network.",
        True,
        "Zeiler and Fergus 2014",
    ),
)

BY_KEY = {method.key: method for method in METHODS}
