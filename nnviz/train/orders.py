"""What the first process of a training orders the others to do."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import NamedTuple

import torch
from torch import Tensor

#: The splits, as an order names them.
SPLITS = ("train", "validation", "test")


class What(IntEnum):
    """What all are to do now.

    MEET: everybody says whether it is ready. STATE: take the weights and all else from the first one. STEP: train on
    the batch of the step. EVALUATE: a batch of a split. GATHER: where each holds a part of the numbers, give it for a
    checkpoint. SETTINGS: there, take all else but the numbers. REACH: there, read or set single numbers. END: nothing
    more comes.
    """

    MEET = 0
    STATE = 1
    STEP = 2
    EVALUATE = 3
    END = 4
    GATHER = 5
    SETTINGS = 6
    REACH = 7


class Order(NamedTuple):
    """What the first process sends to the others.

    Attributes:
        what: To do.
        number: The step (its updates before it), or the number of a batch; of GATHER whether the weights alone are
            wanted, those that are validated.
        other: The number of a split, or of bytes.
        value: The learning rate.
    """

    what: What
    number: int = 0
    other: int = 0
    value: float = 0.0


def packed(order: Order) -> Tensor:
    """An order as it travels: int64[4]."""
    (bits,) = struct.unpack("<q", struct.pack("<d", order.value))
    return torch.tensor([order.what, order.number, order.other, bits], dtype=torch.int64)


def unpacked(travelled: Tensor) -> Order:
    """The order that has travelled."""
    what, number, other, bits = travelled.tolist()
    (value,) = struct.unpack("<d", struct.pack("<q", bits))
    return Order(What(what), number, other, value)
