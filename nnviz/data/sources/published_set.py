"""What the published sets share: they are read a file or a block at a time, into memory or onto the disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from nnviz.data.memory_budget import WHERE, is_streamed
from nnviz.data.sources.source import (
    Arrays,
    Request,
    Source,
    SourceFacts,
    missing_files,
    some,
    state_of,
    streamed_note,
)
from nnviz.project.spec import ParamSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    #: Some examples: uint8[n, channels, height, width] and int64[n].
    Part: TypeAlias = "tuple[NDArray[np.uint8], NDArray[np.int64]]"

#: More than this is never held in memory unless somebody says so.
_MOST = 4 << 30
#: The published sets are small by today's measure: hardly anybody has to think of it.
MEMORY: ParamSpec = replace(WHERE, advanced=True)


class PublishedSet(Source):
    """A set whose number of examples is known, in files that hold them one after the other."""

    def parts(self, request: Request, place: Path) -> Iterator[Part]:
        """All examples in their order, those of training first, some at a time: as few as the files allow.

        Raises:
            DataError: A file is missing or corrupt.
        """
        raise NotImplementedError

    def inspect(self, request: Request) -> SourceFacts:
        """See :meth:`Source.inspect`; says as well whether it is streamed."""
        found = super().inspect(request)
        if not _is_streamed(request):
            return found
        data = msgspec.structs.replace(found.data, streamed=True)
        return replace(found, data=data, notes=(*found.notes, streamed_note("pictures")))

    def read(self, request: Request, place: Path | None) -> Arrays:
        """See :meth:`Source.read`."""
        import numpy as np

        from nnviz.data.row_blocks import RowBlocks

        if place is None:
            raise missing_files(request)
        spec = request.spec
        assert spec.facts is not None and spec.count is not None
        training, test = spec.count(request.values)
        count = training + test
        known: list[NDArray[np.int64]] = []

        def inputs(first: int) -> Iterator[NDArray[Any]]:
            known.clear()
            for pictures, targets in self.parts(request, place):
                known.append(targets)
                yield pictures[first:]
                first = max(first - len(pictures), 0)

        def answers(first: int) -> Iterator[NDArray[Any]]:
            # The pictures have just been read, unless somebody took their targets away.
            whole = known if sum(map(len, known)) == count else [one for _, one in self.parts(request, place)]
            yield np.concatenate(whole)[first:]

        values = sorted((name, value) for name, value in request.values.items() if name != MEMORY.name)
        state = f"{spec.kind} 1 {values} {state_of(self.files(request, place))}"
        shape = spec.facts(request.values).input_shape
        rows = RowBlocks(state, (count, *shape), np.dtype(np.uint8), inputs, "pictures")
        labels = RowBlocks(f"targets of {state}", (count,), np.dtype(np.int64), answers, "labels")
        streamed = _is_streamed(request)
        read, targets = request.brought(rows, streamed=streamed), request.brought(labels, streamed=streamed)[:]
        trained, tested = slice(None, training), slice(training, None)
        return some(read, trained), targets[trained], some(read, tested), targets[tested]


def _is_streamed(request: Request) -> bool:
    spec = request.spec
    assert spec.facts is not None and spec.count is not None
    nbytes = sum(spec.count(request.values)) * prod(spec.facts(request.values).input_shape)
    return is_streamed(request.text(MEMORY.name), nbytes, _MOST)
