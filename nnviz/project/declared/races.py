"""Lists that are ready to be raced: which kinds stand side by side. Declarations only (``project/entrants.py``)."""

from __future__ import annotations

from typing import Final

from nnviz.project.model import Choice

#: Optimizers, from the plainest on; what has a name of its own is one of the others with a setting.
OPTIMIZERS: Final[tuple[tuple[str, Choice], ...]] = (
    ("", Choice("sgd")),
    ("SGD with momentum", Choice("sgd", {"momentum": 0.9})),
    ("", Choice("rmsprop")),
    ("", Choice("adagrad")),
    ("", Choice("adadelta")),
    ("", Choice("adam")),
)
#: Functions of the activations between layers.
FUNCTIONS: Final = ("sigmoid", "tanh", "relu")
#: How all weights start.
INITIALISERS: Final = ("default", "zeros", "gaussian", "xavier_uniform", "he_normal")
