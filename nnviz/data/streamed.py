"""Examples that stay on the disk: as a tensor of all of them wherever parts are asked for, and read part by part."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nnviz.data.stored_pictures import Rows, StoredPictures

#: Makes other pictures of some pictures, each by itself.
Work: TypeAlias = Callable[[Tensor], Tensor]

#: Batches that are read ahead of the one in use, and bytes that these take at most (one is always read ahead).
_AHEAD, _AHEAD_BYTES = 4, 128 << 20
#: Threads that read ahead, for all feeders together.
_READERS = 2
#: Numbers that are brought into memory at a time by who goes through all of them.
_CHUNK_BYTES = 16 << 20


class Streamed:
    """uint8[n, *shape] on the disk, by the names that a tensor has for what is asked of it. For any thread.

    Every part that is asked for is read and is a tensor of its own, on the CPU.

    Args:
        pictures: What lies on the disk.
        works: What is made of them on the way.
    """

    device = torch.device("cpu")
    dtype = torch.uint8

    def __init__(self, pictures: StoredPictures, works: Sequence[Work] = ()) -> None:
        self._pictures = pictures
        self._works = tuple(works)
        each: Sequence[int] = pictures.shape[1:]
        if self._works:
            each = self._made(torch.zeros((1, *each), dtype=torch.uint8)).shape[1:]
        self._each = tuple(each)

    def _made(self, pictures: Tensor) -> Tensor:
        for work in self._works:
            pictures = work(pictures)
        return pictures

    def __len__(self) -> int:
        return len(self._pictures)

    @property
    def shape(self) -> torch.Size:
        """Of all of them."""
        return torch.Size((len(self), *self._each))

    def dim(self) -> int:
        """Numbers of its shape."""
        return 1 + len(self._each)

    def numel(self) -> int:
        """How many numbers it holds."""
        return self.shape.numel()

    def element_size(self) -> int:
        """Bytes of a number."""
        return 1

    def is_floating_point(self) -> bool:
        """No: they are bytes."""
        return False

    def __getitem__(self, chosen: int | slice | Tensor) -> Tensor:
        if isinstance(chosen, Tensor):
            return self._made(torch.from_numpy(self._pictures[chosen.numpy()]))
        if isinstance(chosen, slice):
            return self._made(torch.from_numpy(self._pictures[chosen]))
        return self._made(torch.from_numpy(self._pictures[chosen])[None])[0]

    def index_select(self, dim: int, index: Tensor) -> Tensor:
        """The examples at some places; ``dim`` is 0."""
        assert dim == 0
        return self[index]

    def only(self, index: Tensor) -> Streamed:
        """Some of them, in that order; nothing is read."""
        return Streamed(self._pictures.only(index.numpy()), self._works)

    def then(self, work: Work) -> Streamed:
        """Other pictures of the same, made each time that they are read."""
        return Streamed(self._pictures, (*self._works, work))

    def numpy(self) -> StreamedArray:
        """The same for who knows no tensors."""
        return StreamedArray(self)


class StreamedArray:
    """As :class:`Streamed`, by the names that an array has."""

    dtype = np.dtype(np.uint8)

    def __init__(self, streamed: Streamed) -> None:
        self._streamed = streamed
        self.shape: tuple[int, ...] = tuple(streamed.shape)
        self.ndim = len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, chosen: Rows) -> NDArray[Any]:
        if isinstance(chosen, np.ndarray):
            return self._streamed[torch.from_numpy(chosen)].numpy()
        return self._streamed[chosen if isinstance(chosen, slice) else int(chosen)].numpy()


#: The inputs of a split: in memory, or on the disk.
Inputs: TypeAlias = Tensor | Streamed


def chosen_rows(inputs: Inputs, index: Tensor) -> Inputs:
    """Some examples: copied in memory; of what is streamed nothing is read yet."""
    return inputs.only(index) if isinstance(inputs, Streamed) else inputs.index_select(0, index)


def bytes_in_memory(inputs: Inputs) -> int:
    """Memory that they take for good."""
    return 0 if isinstance(inputs, Streamed) else inputs.numel() * inputs.element_size()


def chunks(inputs: Inputs) -> Iterator[Tensor]:
    """All of them in their order: at once where they are in memory, else some megabytes at a time."""
    if isinstance(inputs, Tensor):
        yield inputs
        return
    size = max(1, _CHUNK_BYTES // max(1, inputs[:1].numel()))
    for first in range(0, len(inputs), size):
        yield inputs[first : first + size]


def read_ahead(inputs: Streamed, parts: Iterator[slice | Tensor]) -> Iterator[Tensor]:
    """The parts in their order, each read by a worker while the ones before it are in use.

    Reading ahead begins with the second: who wants one batch costs one. Which thread reads changes nothing of what is
    read, and no random number is drawn. What a worker raises comes out in its place.
    """
    first = next(parts, None)
    if first is None:
        return
    batch = inputs[first]
    ahead = max(1, min(_AHEAD, _AHEAD_BYTES // max(1, batch.numel())))
    yield batch
    waiting: deque[Future[Tensor]] = deque()
    try:
        while True:
            while len(waiting) < ahead and (part := next(parts, None)) is not None:
                waiting.append(_readers().submit(inputs.__getitem__, part))
            if not waiting:
                return
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


@cache
def _readers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_READERS, "streaming")
