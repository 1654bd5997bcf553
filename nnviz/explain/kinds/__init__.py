"""How each kind is taken apart: a file a family, one table of all of them, and a general way for whoever is in none."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from nnviz.explain.kinds import (
    activation,
    convolution,
    dense,
    general,
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

#: The kinds that have a way of their own.
LAYERS: Mapping[str, Way] = MappingProxyType(
    {
        kind: way
        for family in (input_output, convolution, pooling, dense, activation, regularise, shape, join)
        for kind, way in family.WAYS.items()
    }
)

#: And the losses.
LOSSES: Mapping[str, LossWay] = losses.LOSSES

#: And the optimizers; every clipping and every regulariser.
OPTIMIZERS: Mapping[str, UpdateWay] = optimizers.OPTIMIZERS
PENALTIES, CLIPPINGS, CONSTRAINTS = recipe.PENALTIES, recipe.CLIPPINGS, recipe.CONSTRAINTS


def way_of(kind: str) -> Way:
    """How a kind of layer is taken apart: its own way, or the general one."""
    return LAYERS.get(kind, general.LAYER)


def loss_way_of(kind: str) -> LossWay:
    """How a loss is taken apart: its own way, or the general one."""
    return LOSSES.get(kind, general.LOSS)


def update_way_of(kind: str) -> UpdateWay:
    """How the update of an optimizer is taken apart: its own way, or the general one."""
    return OPTIMIZERS.get(kind) or general.update_way(kind)
