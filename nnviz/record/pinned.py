"""Which examples a run followed, and what it measured of any of them.

One of them is the example that the cards showed: its series are ``input/pinned`` and ``output/<node>``. Those of the
others end with ``#`` and what tells them apart. Which one was shown may change while a run goes on, so that what was
measured of an example may stand under either name; the newer of the two is the one that holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, TypeAlias

from nnviz.record.quantities import OUTPUT, PINNED_INPUT
from nnviz.record.readings import ArrayReading, Reading

#: A split and the number in it.
Followed: TypeAlias = tuple[str, int]

#: More than these are no examples that somebody pinned, whatever a file says.
_MOST = 16


class _Readings(Protocol):
    def latest(self, series: str, step: int | None = None) -> Reading | None:
        """The newest reading of a series that is not after ``step``."""


class _Run(_Readings, Protocol):
    def names(self, prefix: str = "") -> list[str]:
        """Names of the series that begin so."""


def example_of(reading: Reading | None) -> Followed | None:
    """Of which example something was measured; None where that is not known."""
    meta = reading.meta if isinstance(reading, ArrayReading) else {}
    split, index = meta.get("split"), meta.get("sample")
    return (split, index) if isinstance(split, str) and isinstance(index, int) and index >= 0 else None


def followed(run: _Run, step: int | None) -> dict[Followed, ArrayReading]:
    """The examples that a run followed until a step, each as the network sees it, in the order they were recorded."""
    found: dict[Followed, ArrayReading] = {}
    for series in run.names(PINNED_INPUT.name)[:_MOST]:
        reading = run.latest(series, step)
        example = example_of(reading)
        if example is not None and isinstance(reading, ArrayReading) and example not in found:
            found[example] = reading
    return dict(sorted(found.items()))


def latest_of(run: _Readings, series: str, step: int | None, example: Followed | None) -> Reading | None:
    """The newest reading of a series that is not after ``step``, of one example where it is one of an example's.

    Args:
        run: With the series.
        series: By the name it has for the example that the cards showed.
        step: None for the newest.
        example: None for the one that was shown at that step.
    """
    shown = run.latest(series, step)
    if example is None or not (OUTPUT.owns(series) or PINNED_INPUT.owns(series)):
        return shown
    found = [_beside(run, series, step, example), shown if example_of(shown) == example else None]
    return max((one for one in found if one is not None), key=lambda one: one.step, default=None)


def _names_of(example: Followed) -> Iterator[str]:
    split, index = example
    yield f"#{split}:{index}"
    yield f"#{index}"


def _beside(run: _Readings, series: str, step: int | None, example: Followed) -> Reading | None:
    """What was measured of it while another one was shown."""
    found = (run.latest(series + name, step) for name in _names_of(example))
    return next((one for one in found if example_of(one) == example), None)
