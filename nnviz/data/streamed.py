"""Examples that stay on the disk: as a tensor of all of them wherever parts are asked for, and read part by part."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nnviz.data.findings import Findings
from nnviz.data.stored_rows import Rows, StoredRows

#: Makes other inputs of some, each by itself.
Work: TypeAlias = Callable[[Tensor], Tensor]

#: Batches that are read ahead of the one in use, and bytes that these take at most (one is always read ahead).
_AHEAD, _AHEAD_BYTES = 4, 128 << 20
#: Small ones that a worker reads at a time, and their bytes: to wait for it takes as long as to read one.
_TOGETHER, _TOGETHER_BYTES = 64, 2 << 20
#: Threads that read ahead, for all feeders together.
_READERS = 2
#: Bytes that are brought into memory at a time by who goes through all of them.
_CHUNK_BYTES = 16 << 20
#: Numbers that are brought to doubles at a time: sums of floats are the same wherever they lie, if these parts are.
NUMBERS_AT_ONCE = 1 << 21


class Streamed:
    """uint8 or float32 [n, *shape] on the disk, by the names that a tensor has for what is asked of it. For any thread.

    Every part that is asked for is read and is a tensor of its own, on the CPU.

    Args:
        rows: What lies on the disk.
        works: What is made of them on the way, each with a name that says what it does.
    """

    device = torch.device("cpu")

    def __init__(self, rows: StoredRows, works: Sequence[tuple[str, Work]] = ()) -> None:
        self._rows = rows
        self._works = tuple(works)
        nothing = torch.from_numpy(np.zeros((1, *rows.shape[1:]), rows.dtype))
        self.dtype = nothing.dtype
        self._each = tuple((self._made(nothing) if self._works else nothing).shape[1:])

    def _made(self, rows: Tensor) -> Tensor:
        for _, work in self._works:
            rows = work(rows)
        return rows

    @property
    def findings(self) -> Findings | None:
        """What is known of the rows from other times; None of those that nobody imported."""
        return self._rows.findings

    @property
    def identity(self) -> str:
        """Says which rows these are and what is made of them: for the same text the same numbers."""
        names = "; ".join(name for name, _ in self._works)
        return f"{self._rows.identity} {tuple(self.shape)} {names}"

    def __len__(self) -> int:
        return len(self._rows)

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
        return self._rows.dtype.itemsize

    def is_floating_point(self) -> bool:
        """Whether they are numbers of a table, and no bytes."""
        return self.dtype.is_floating_point

    def __getitem__(self, chosen: int | slice | Tensor) -> Tensor:
        if isinstance(chosen, Tensor):
            return self._made(torch.from_numpy(self._rows[chosen.numpy()]))
        if isinstance(chosen, slice):
            return self._made(torch.from_numpy(self._rows[chosen]))
        return self._made(torch.from_numpy(self._rows[chosen][None]))[0]

    def parts(self, chosen: Sequence[slice | Tensor]) -> list[Tensor]:
        """Several parts, those that are chosen by their numbers read at once."""
        if len(chosen) < 2 or not all(isinstance(one, Tensor) for one in chosen):
            return [self[one] for one in chosen]
        numbers = [one for one in chosen if isinstance(one, Tensor)]
        rows = torch.from_numpy(self._rows[torch.cat(numbers).numpy()])
        return [self._made(part) for part in torch.split(rows, [len(one) for one in numbers])]

    def index_select(self, dim: int, index: Tensor) -> Tensor:
        """The examples at some places; ``dim`` is 0."""
        assert dim == 0
        return self[index]

    def only(self, index: Tensor) -> Streamed:
        """Some of them, in that order; nothing is read."""
        return Streamed(self._rows.only(index.numpy()), self._works)

    def then(self, name: str, work: Work) -> Streamed:
        """Other inputs of the same examples, made each time that they are read; ``name`` says what is made of them."""
        return Streamed(self._rows, (*self._works, (name, work)))

    def numpy(self) -> StreamedArray:
        """The same for who knows no tensors."""
        return StreamedArray(self)


class StreamedArray:
    """As :class:`Streamed`, by the names that an array has."""

    def __init__(self, streamed: Streamed) -> None:
        self._streamed = streamed
        self.shape: tuple[int, ...] = tuple(streamed.shape)
        self.ndim = len(self.shape)
        self.dtype: np.dtype[Any] = np.dtype(np.float32 if streamed.is_floating_point() else np.uint8)

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
    size = max(1, _CHUNK_BYTES // max(1, inputs[:1].numel() * inputs.element_size()))
    for first in range(0, len(inputs), size):
        yield inputs[first : first + size]


def blocks_of_rows(inputs: Inputs) -> Iterator[Tensor]:
    """All of them in their order, so many numbers at a time: the same parts wherever they lie, for sums of floats."""
    size = max(1, NUMBERS_AT_ONCE // max(1, inputs.shape[1:].numel()))
    for first in range(0, len(inputs), size):
        yield inputs[first : first + size]


def extremes(inputs: Inputs) -> Tensor:
    """The smallest and the largest number at each place of an example, [2, *shape]; NaN where one is NaN.

    There must be an example.
    """
    if isinstance(inputs, Tensor):
        return torch.stack((inputs.amin(0), inputs.amax(0)))

    def find() -> Tensor:
        found: Tensor | None = None
        for part in chunks(inputs):
            ends = torch.stack((part.amin(0), part.amax(0)))
            found = ends if found is None else torch.stack((found.minimum(ends)[0], found.maximum(ends)[1]))
        assert found is not None
        return found

    return tensor_once([inputs], "extremes 1", find)


def found_once(inputs: Sequence[Inputs], what: str, find: Callable[[], bytes]) -> bytes:
    """What reading all of some inputs tells. Where they lie on the disk it is kept there, and found once.

    Args:
        inputs: All that the answer depends on, with ``what``; from memory they are read to tell which they are.
        what: What is found, and all that it depends on beside the inputs; another way to find it has another name.
        find: Finds it.
    """
    kept = next((one.findings for one in inputs if isinstance(one, Streamed) and one.findings is not None), None)
    if kept is None:
        return find()
    names = [one.identity if isinstance(one, Streamed) else _content(one) for one in inputs]
    key = " | ".join([what, *names])
    found = kept.get(key)
    if found is None:
        found = find()
        kept.put(key, found)
    return found


def tensor_once(inputs: Sequence[Inputs], what: str, find: Callable[[], Tensor]) -> Tensor:
    """As :func:`found_once`, for a tensor on the CPU."""
    made: list[Tensor] = []

    def content() -> bytes:
        made.append(find())
        file = io.BytesIO()
        np.save(file, made[0].numpy(), allow_pickle=False)
        return file.getvalue()

    found = found_once(inputs, what, content)
    if made:
        return made[0]
    try:
        return torch.from_numpy(np.load(io.BytesIO(found), allow_pickle=False))
    except (ValueError, OSError, EOFError, TypeError):  # it is not what was kept
        return find()


def _content(tensor: Tensor) -> str:
    return hashlib.sha256(tensor.contiguous().numpy().reshape(-1).view("uint8").data).hexdigest()


def read_ahead(inputs: Streamed, parts: Iterator[slice | Tensor]) -> Iterator[Tensor]:
    """The parts in their order, each read by a worker while the ones before it are in use.

    Reading ahead begins with the second: who wants one batch costs one. Which thread reads changes nothing of what is
    read, and no random number is drawn. What a worker raises comes out in its place.
    """
    first = next(parts, None)
    if first is None:
        return
    batch = inputs[first]
    size = max(1, batch.numel() * batch.element_size())
    ahead = max(1, min(_AHEAD, _AHEAD_BYTES // size))
    together = max(1, min(_TOGETHER, _TOGETHER_BYTES // size))
    yield batch
    waiting: deque[Future[list[Tensor | Exception]]] = deque()
    count = 1
    try:
        while True:
            while len(waiting) < ahead and (some := list(islice(parts, count))):
                waiting.append(_readers().submit(_read, inputs, some))
            if not waiting:
                return
            for one in waiting.popleft().result():
                if isinstance(one, Exception):
                    raise one
                yield one
            count = min(2 * count, together)
    finally:
        for future in waiting:
            future.cancel()


def _read(inputs: Streamed, parts: Sequence[slice | Tensor]) -> list[Tensor | Exception]:
    """Some parts, up to the one that cannot be read."""
    with contextlib.suppress(Exception):
        return list(inputs.parts(parts))
    found: list[Tensor | Exception] = []  # one by one: it is told which it is
    for part in parts:
        try:
            found.append(inputs[part])
        except Exception as error:  # noqa: BLE001 - it is raised where the part is wanted
            found.append(error)
            break
    return found


@cache
def _readers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_READERS, "streaming")
