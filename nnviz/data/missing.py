"""Missing numbers of tables: what becomes of them is known when the training split is."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TypeAlias

import torch
from torch import Tensor

from nnviz.data.examples import Split
from nnviz.data.streamed import NUMBERS_AT_ONCE, Inputs, Streamed, blocks_of_rows, tensor_once

#: Training, validation and test, and what stands in for missing numbers.
Filled: TypeAlias = tuple[Split, Split, Split, Tensor | None]


def without_missing(train: Split, validation: Split, test: Split, read: Inputs) -> Filled:
    """Missing numbers of tables (NaN) become the mean of their feature over the training split; 0 where it has none.

    Splits without any are handed back as they are, so that nothing is copied. ``read`` holds the inputs that the first
    two were taken from. Behind the splits stand the means; None where nothing was missing.
    """
    parts = (train, validation, test)
    if train.inputs.dtype == torch.uint8 or not any(_any_missing(part.inputs) for part in parts):
        return *parts, None
    means = known_means(train.inputs)

    def filled(part: Split, read: Inputs) -> Split:
        return replace(part, inputs=_filled(part.inputs, means), read=read if part.read is None else part.read)

    return filled(train, read), filled(validation, read), filled(test, test.inputs), means


def known_means(inputs: Inputs) -> Tensor:
    """The mean of the known numbers of each feature, float32 as the inputs; 0 where none is known."""
    return tensor_once([inputs], "known means 1", lambda: _known_means(inputs))


def _known_means(inputs: Inputs) -> Tensor:
    if inputs.numel() <= NUMBERS_AT_ONCE:
        return torch.nan_to_num(inputs[:].to(torch.float64).nanmean(0)).to(torch.float32)
    total, count = torch.zeros(2, *inputs.shape[1:], dtype=torch.float64)
    for part in blocks_of_rows(inputs):
        doubles = part.to(torch.float64)
        total += doubles.nansum(0)
        count += (~doubles.isnan()).sum(0)
    return torch.nan_to_num(total / count).to(torch.float32)


def _any_missing(inputs: Inputs) -> bool:
    def find() -> Tensor:
        return torch.tensor(any(bool(torch.isnan(part).any()) for part in blocks_of_rows(inputs)))

    return bool(tensor_once([inputs], "any missing 1", find))


def _filled(inputs: Inputs, means: Tensor) -> Inputs:
    if not isinstance(inputs, Streamed):
        return torch.where(torch.isnan(inputs), means, inputs)
    name = f"missing {hashlib.sha256(means.numpy().tobytes()).hexdigest()}"
    return inputs.then(name, lambda part: torch.where(torch.isnan(part), means, part))
