"""How each kind is taken apart: a file a family, and one table of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from nnviz.explain.kinds import (
    activation,
    convolution,
    dense,
    input_output,
    join,
    losses,
    optimizers,
    pooling,
    recipe,
    regularise,
    shape,
)
from nnviz.explain.kinds.losses import LossWay
from nnviz.explain.kinds.optimizers import UpdateWay
from nnviz.explain.kinds.way import Way

#: Every kind the registry knows has exactly one way here (a test compares the two).
LAYERS: Mapping[str, Way] = MappingProxyType(
    {
        kind: way
        for family in (input_output, convolution, pooling, dense, activation, regularise, shape, join)
        for kind, way in family.WAYS.items()
    }
)

#: And every loss.
LOSSES: Mapping[str, LossWay] = losses.LOSSES

#: And every optimizer, clipping and regulariser.
OPTIMIZERS: Mapping[str, UpdateWay] = optimizers.OPTIMIZERS
PENALTIES, CLIPPINGS, CONSTRAINTS = recipe.PENALTIES, recipe.CLIPPINGS, recipe.CONSTRAINTS
