"""How long an epoch takes, roughly, before anything has been trained: so that nobody waits unprepared."""

from __future__ import annotations

import math

from nnviz.data import datasets
from nnviz.errors import InputError
from nnviz.project.checks.shapes import Inference
from nnviz.project.model import Project

#: Multiply-accumulates a second that a few cores of a laptop reach: 73 s for an epoch of ``cnn-32-64``, as published.
_MACS_PER_SECOND = 2e10
#: What a step costs however small the network is.
_SECONDS_PER_STEP = 1e-3
#: The way back costs about twice the way forward.
_PASSES = 3


def epoch_seconds(project: Project, inference: Inference) -> float | None:
    """Seconds that an epoch takes on a laptop without a GPU, good to a factor of about three.

    Args:
        project: Its data set and batch size count.
        inference: Of the project's graph; its multiply-accumulates count.

    Returns:
        None where the number of examples is not known, as for the user's own pictures.
    """
    try:
        known = datasets.declared(project.data)
        examples = 0 if known is None else datasets.divided(project.data, known.sizes, known.validation)[0]
    except InputError:
        return None
    if examples < 1:
        return None
    steps = math.ceil(examples / project.training.step_size)
    return steps * _SECONDS_PER_STEP + examples * inference.macs * _PASSES / _MACS_PER_SECOND


def epoch_words(seconds: float | None) -> str:
    """``seconds an epoch`` and the like: only the order of magnitude is known, and nobody minds if it was quicker."""
    if seconds is None:
        return "time depends on your data"
    for limit, words in ((0.3, "under a second an epoch"), (60.0, "seconds an epoch"), (3600.0, "minutes an epoch")):
        if seconds < limit:
            return words
    return "hours an epoch"
