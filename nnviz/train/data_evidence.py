"""What a data set offers to learn, seen without any network: for the findings, which tell the one from the other."""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

from nnviz.data.examples import LoadedData, Split
from nnviz.probes.evidence import (
    MOST_ASKED,
    MOST_KNOWN,
    DataEvidence,
    Neighbours,
    ask_neighbours,
    class_shares,
)
from nnviz.project.cures import SCALE, STANDARDISE

#: Numbers of all examples that are compared; of large images fewer examples are taken.
_MOST_NUMBERS = 4_000_000
#: Fixes which ones.
_SEED = 0


def evidence(data: LoadedData, classes: int) -> DataEvidence:
    """What is known of the data beside what the network makes of it.

    Args:
        data: Loaded.
        classes: 2 for yes or no, 0 where an answer is not right or wrong.
    """
    counts = len(data.train), len(data.validation)
    own = not any(one is data.validation for one in (data.train,))
    some = _some(data.train, MOST_KNOWN, data)
    constant = counts[0] > 1 and bool((some == some[:1]).all())

    @cache
    def neighbours() -> Neighbours | None:
        if not classes or not own or not counts[1]:
            return None
        known, asked = _chosen(data.train, MOST_KNOWN), _chosen(data.validation, MOST_ASKED)
        return ask_neighbours(
            _prepared(data, data.train, known),
            data.train.targets[known],
            _prepared(data, data.validation, asked),
            data.validation.targets[asked],
        )

    return DataEvidence(
        shares=class_shares(data.train.targets, classes) if classes else (),
        validation_shares=class_shares(data.validation.targets, classes) if classes and counts[1] else (),
        examples=counts,
        class_names=data.facts.class_names,
        constant=constant,
        size=float(some.double().square().mean().sqrt()) if some.numel() else math.nan,
        scaling=_scaling(data),
        neighbours=neighbours,
    )


def _scaling(data: LoadedData) -> str:
    """What would bring large inputs to a usual size: bytes become shares, and other numbers get mean 0, variance 1."""
    taken = {step.kind for step in data.config.preparation}
    usual = SCALE if data.train.inputs.dtype == torch.uint8 and SCALE not in taken else STANDARDISE
    return "" if usual in taken else usual


def _chosen(split: Split, most: int) -> Tensor:
    """Some examples, always the same, without torch's own random numbers."""
    size = max(split.inputs[:1].numel(), 1)
    count = min(len(split), most, max(_MOST_NUMBERS // size, 2))
    generator = torch.Generator().manual_seed(_SEED)
    return torch.randperm(len(split), generator=generator)[:count]


def _prepared(data: LoadedData, split: Split, chosen: Tensor) -> Tensor:
    return data.scaler.apply(split.inputs.index_select(0, chosen))


def _some(split: Split, most: int, data: LoadedData) -> Tensor:
    return _prepared(data, split, _chosen(split, most))
