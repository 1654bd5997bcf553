"""From a data set's source to its raw tensors, undivided between training and validation."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from nnviz.data.datasets import source_of
from nnviz.data.examples import Split
from nnviz.data.room_for_rows import together
from nnviz.data.sources.source import Request, declared
from nnviz.data.stored_rows import StoredRows
from nnviz.data.streamed import Inputs, Streamed
from nnviz.project.model import DataFacts


@dataclass(frozen=True, eq=False)
class RawData:
    """A data set as read: examples for training and validation together, and the test split.

    Attributes:
        validation: How many of the training examples, the last ones, are the validation split; None where the
            validation share says it.
    """

    facts: DataFacts
    training: Split
    test: Split
    validation: int | None = None

    @property
    def bytes(self) -> int:
        """Memory that the arrays of all splits take."""
        return self.training.bytes + (0 if self.test is self.training else self.test.bytes)


def read(request: Request, place: Path | None) -> RawData:
    """Reads or draws a data set.

    Args:
        request: Which one.
        place: Where its files lie, as ``datasets.locate`` found it.

    Raises:
        DataError: Its files are missing or corrupt.
        Cancelled: ``request.cancelled`` said so.
    """
    spec = request.spec
    source = source_of(spec.kind)
    with together():
        inputs, targets, test_inputs, test_targets = source.read(request, place)
    training = Split(_inputs(inputs), torch.from_numpy(targets))
    test = training if spec.undivided else Split(_inputs(test_inputs), torch.from_numpy(test_targets))
    known = declared(spec, request.values) or source.inspect(request)
    facts = msgspec.structs.replace(known.data, streamed=isinstance(training.inputs, Streamed))
    return RawData(facts, training, test, known.validation)


def _inputs(read: NDArray[Any] | StoredRows) -> Inputs:
    return torch.from_numpy(read) if isinstance(read, np.ndarray) else Streamed(read)


def stamp(request: Request, place: Path | None) -> Hashable:
    """Says where the files lie and in which state they are; None where there are none."""
    return None if place is None else (str(place), source_of(request.spec.kind).state(request, place))
