"""Where the examples lie on the plane of two input features."""

from __future__ import annotations

import torch

from nnviz.probes.base import InputPlane
from nnviz.train.training import Training

#: Training examples that are drawn, and the room around all of them as a share of their range.
POINTS = 400
_MARGIN = 0.08
#: Fixes which ones.
_SEED = 0


def input_plane(training: Training, points: int = POINTS) -> InputPlane | None:
    """Where the training examples lie, if an example is two features; the same examples every time, else None.

    Args:
        training: Of the network; call it on the thread that owns it.
        points: At most so many of them.
    """
    data = training.data
    count = len(data.train)
    if not data.facts.on_a_plane or not count:
        return None
    feeder = training.feeder("train")
    inputs = feeder.prepare(torch.arange(count))
    if not bool(torch.isfinite(inputs).all()):
        return None
    sides = []
    for low, high in zip(inputs.amin(0).tolist(), inputs.amax(0).tolist(), strict=True):
        room = _MARGIN * (high - low) or 1.0
        sides.append((low - room, high + room))
    chosen = torch.arange(count)
    if count > points:
        chosen = torch.randperm(count, generator=torch.Generator().manual_seed(_SEED))[:points]
    labels = feeder.targets_of(chosen).reshape(len(chosen), -1)[:, :1].float()
    return InputPlane(sides[0], sides[1], torch.cat([feeder.prepare(chosen), labels], dim=1))
