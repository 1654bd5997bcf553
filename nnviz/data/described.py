"""Data in numbers and in the plane: how many of each class, how the numbers are spread, maps of all examples."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnviz.data.neighbour_map import principal_components
from nnviz.data.viewing import Array, ViewedData
from nnviz.errors import Cancelled, DataError

if TYPE_CHECKING:
    from nnviz.data.streamed import StreamedArray

#: Examples of a map: by principal components, and by neighbours, which takes some seconds.
MOST_IN_PCA, MOST_IN_TSNE = 5000, 2000
#: Examples of a plane of two columns.
MOST_POINTS = 20_000
_SEED = 0
#: Bins of a column that holds more than so many different numbers.
_BINS = 40
#: Names of the channels of a picture by how many there are.
CHANNELS = {1: ("grey",), 3: ("red", "green", "blue")}
#: Numbers that a map is made of at most, 256 MiB of them; and as many as a map is made of in a moment.
_MOST_NUMBERS, _AT_ONCE = 1 << 26, 1 << 22
#: Rows of a streamed table that are read at a time.
_ROWS = 1 << 14
#: Seconds between two looks at whether a map is still wanted.
_LOOK_EVERY = 0.05
#: Seconds after which a map that is not there will not come.
_LONGEST = 300.0


def class_balance(data: ViewedData) -> NDArray[np.int64]:
    """How many examples each class has in each split, int64[classes, splits]."""
    counts = np.zeros((len(data.class_names), len(data.inputs)), np.int64)
    if len(counts):
        np.add.at(counts, (data.label_of, data.split_of.astype(np.int64)), 1)
    return counts


@dataclass(frozen=True, eq=False)
class Histogram:
    """How often the numbers of one column or channel occur in the training examples.

    Attributes:
        title: Of the column.
        counts: int64[bins].
        edges: float64[bins + 1], of the bins.
        mean, deviation: Of all finite numbers; the deviation is that of the population.
        missing: How many are no finite numbers.
    """

    title: str
    counts: NDArray[np.int64]
    edges: NDArray[np.float64]
    mean: float
    deviation: float
    missing: int


def histograms(data: ViewedData, cancelled: Callable[[], bool] = lambda: False) -> tuple[Histogram, ...]:
    """One a channel of pictures (a bin a byte) or a column of a table, over the training examples.

    Raises:
        Cancelled: ``cancelled`` said so.
    """
    inputs = data.inputs[0]
    found = []

    def go_on() -> None:
        if cancelled():
            raise Cancelled("Counting was stopped.")

    if not data.is_images:
        return tuple(
            _of_column(title, column) for title, column in zip(data.columns, _columns(inputs, go_on), strict=True)
        )
    for number in range(inputs.shape[1]):
        go_on()
        titles = CHANNELS.get(inputs.shape[1], ())
        title = titles[number] if titles else f"channel {number + 1}"
        found.append(_of_bytes(title, inputs, number))
    return tuple(found)


def _columns(inputs: Array | StreamedArray, go_on: Callable[[], None]) -> Iterator[NDArray[Any]]:
    """The columns of a table in their order; of a streamed one as many are read at once as memory is taken for."""
    for part in [inputs] if isinstance(inputs, np.ndarray) else _parts_of_columns(inputs, go_on):
        for column in part.T:
            go_on()
            yield column


def _parts_of_columns(inputs: StreamedArray, go_on: Callable[[], None]) -> Iterator[NDArray[Any]]:
    together = max(1, _MOST_NUMBERS // max(len(inputs), 1))
    for first in range(0, inputs.shape[1], together):
        part = np.empty((len(inputs), min(together, inputs.shape[1] - first)), inputs.dtype)
        for row in range(0, len(inputs), _ROWS):
            go_on()
            part[row : row + _ROWS] = inputs[row : row + _ROWS][:, first : first + together]
        yield part


def _of_bytes(title: str, pictures: Array | StreamedArray, channel: int) -> Histogram:
    counts = np.zeros(256, np.int64)
    for first in range(0, len(pictures), 1024):
        counts += np.bincount(pictures[first : first + 1024][:, channel].reshape(-1), minlength=256)
    levels, total = np.arange(256.0), max(int(counts.sum()), 1)
    mean = float((counts * levels).sum() / total)
    deviation = float(np.sqrt((counts * (levels - mean) ** 2).sum() / total))
    return Histogram(title, counts, np.arange(257.0) - 0.5, mean, deviation, 0)


def _of_column(title: str, column: NDArray[Any]) -> Histogram:
    finite = column[np.isfinite(column)].astype(np.float64)
    if not len(finite):
        return Histogram(title, np.zeros(1, np.int64), np.array([0.0, 1.0]), np.nan, np.nan, len(column))
    values = np.unique(finite)
    if len(values) <= _BINS and np.all(values == np.rint(values)) and values[-1] - values[0] < _BINS:
        edges = np.arange(values[0], values[-1] + 2) - 0.5  # whole numbers: a bin each
    else:
        edges = np.linspace(values[0], values[-1], _BINS + 1) if len(values) > 1 else values[0] + np.array([-0.5, 0.5])
    counts, edges = np.histogram(finite, edges)
    missing = len(column) - len(finite)
    return Histogram(title, counts, edges, float(finite.mean()), float(finite.std()), missing)


@dataclass(frozen=True, eq=False)
class PlaneMap:
    """Examples as points of a plane.

    Attributes:
        numbers: int64[n], which examples.
        points: float64[n, 2]; not finite where an example has no place.
        titles: Of the two axes.
        words: What was done, in a sentence.
    """

    numbers: NDArray[np.int64]
    points: NDArray[np.float64]
    titles: tuple[str, str]
    words: str


def axes(data: ViewedData) -> tuple[str, ...]:
    """What can be an axis: the columns of a table; of pictures the mean of each channel, and how much they vary."""
    if not data.is_images:
        return data.columns
    channels = data.inputs[0].shape[1]
    titles = CHANNELS.get(channels) or tuple(f"channel {number + 1}" for number in range(channels))
    means = tuple(f"mean of {title}" if channels > 1 else "mean brightness" for title in titles)
    return (*means, "contrast (deviation)", "centre, left to right")


def plane(data: ViewedData, across: int, up: int) -> PlaneMap:
    """Two of :func:`axes` against each other, for up to 20,000 examples that are taken at random by a fixed seed."""
    numbers = sample(data, MOST_POINTS)
    titles = axes(data)
    points = np.stack([_axis(data, numbers, which) for which in (across, up)], 1)
    return PlaneMap(numbers, points, (titles[across], titles[up]), _taken(len(numbers), len(data)))


def _axis(data: ViewedData, numbers: NDArray[np.int64], which: int) -> NDArray[np.float64]:
    found = np.empty(len(numbers))
    for first in range(0, len(numbers), 1024):  # a float copy of a part at a time
        part = slice(first, first + 1024)
        inputs = data.inputs_of(numbers[part])
        if not data.is_images:
            found[part] = inputs.reshape(len(inputs), -1)[:, which]
            continue
        channels = inputs.shape[1]
        if which < channels:
            found[part] = inputs[:, which].mean((1, 2))
        elif which == channels:
            found[part] = inputs.reshape(len(inputs), -1).std(1)
        else:
            columns = inputs.sum((1, 2), dtype=np.float64)
            weight = columns.sum(1)
            middle = (columns * np.arange(columns.shape[1])).sum(1)
            found[part] = np.divide(middle, weight, out=np.full(len(middle), np.nan), where=weight > 0)
    return found


def sample(data: ViewedData, most: int) -> NDArray[np.int64]:
    """All examples, or so many at random by a fixed seed; ascending."""
    count = len(data)
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(_SEED).choice(count, most, replace=False))


def _taken(count: int, of: int) -> str:
    return f"All {of:,} examples." if count == of else f"{count:,} of {of:,} examples, taken at random."


def _standardised(data: ViewedData, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
    """Examples as rows: pictures from 0 to 1; columns each by its own mean and deviation, what is no number as mean."""
    rows = data.inputs_of(numbers).reshape(len(numbers), -1).astype(np.float32)
    if data.is_images:
        return rows / np.float32(255)
    rows[~np.isfinite(rows)] = np.nan
    known = np.isfinite(rows)
    count = np.maximum(known.sum(0), 1)
    mean = np.where(known, rows, 0).sum(0, dtype=np.float64) / count
    centred = np.where(known, rows - mean, 0.0)
    deviation = np.sqrt((centred**2).sum(0) / count)
    found: NDArray[np.float32] = (centred / np.where(deviation > 0, deviation, 1.0)).astype(np.float32)
    return found


def pca_map(data: ViewedData, cancelled: Callable[[], bool] = lambda: False) -> PlaneMap:
    """The plane in which up to 5,000 examples vary most: their first two principal components.

    Of very large examples fewer are taken. What takes longer than a moment is computed by a process of its own, which
    holds up nobody and ends at once when the map is not wanted any more.

    Raises:
        Cancelled: ``cancelled`` said so.
        DataError: It could not be computed.
    """
    numbers = sample(data, _as_many_as_fit(data, MOST_IN_PCA))
    rows = _standardised(data, numbers)
    _stop_if(cancelled)
    points = np.zeros((len(numbers), 2))
    if rows.size <= _AT_ONCE:
        parts, shares = principal_components(rows, 2)
        points[:, : parts.shape[1]] = parts
    else:
        found = _apart("pca", rows, 2 * len(rows) + 2, cancelled)
        points[:] = found[:-2].reshape(-1, 2)
        shares = found[-2:].tolist()
    _stop_if(cancelled)
    titles = [f"component {place + 1} ({share:.0%} of the variance)" for place, share in enumerate(shares)]
    titles += ["–"] * (2 - len(titles))
    what = "Pixels as they are." if data.is_images else "Each column by its own mean and deviation."
    return PlaneMap(numbers, points, (titles[0], titles[1]), f"PCA. {what} {_taken(len(numbers), len(data))}")


def tsne_map(data: ViewedData, cancelled: Callable[[], bool] = lambda: False) -> PlaneMap:
    """A map of up to 2,000 examples on which neighbours lie side by side: t-SNE (van der Maaten and Hinton 2008).

    Computed by a process of its own: it holds up nobody, and ends at once when it is not wanted any more.

    Raises:
        Cancelled: ``cancelled`` said so.
        DataError: There are too few examples, or it could not be computed.
    """
    numbers = sample(data, _as_many_as_fit(data, MOST_IN_TSNE))
    if len(numbers) < 4:
        raise DataError("A map of neighbours needs at least four examples.")
    points = _neighbours(_standardised(data, numbers), cancelled)
    words = f"t-SNE: near means alike, distances between groups say little. {_taken(len(numbers), len(data))}"
    return PlaneMap(numbers, points, ("", ""), words)


def _as_many_as_fit(data: ViewedData, most: int) -> int:
    """So many examples, or as many as are no more numbers than a map is made of."""
    each = max(1, int(np.prod(data.inputs[0].shape[1:])))
    return max(4, min(most, _MOST_NUMBERS // each))


def _stop_if(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled("The map was stopped.")


def _neighbours(rows: NDArray[np.float32], cancelled: Callable[[], bool]) -> NDArray[np.float64]:
    return _apart("tsne", rows, 2 * len(rows), cancelled).reshape(len(rows), 2)


def _apart(kind: str, rows: NDArray[np.float32], numbers: int, cancelled: Callable[[], bool]) -> NDArray[np.float64]:
    """What a process of its own makes of some rows: so many numbers."""
    # -P: nothing is imported from the current folder, which anybody may have filled.
    program = Path(__file__).with_name("neighbour_map.py")
    command = [sys.executable, "-P", str(program), kind, *(str(size) for size in rows.shape)]
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as taken:
        given.write(np.ascontiguousarray(rows, np.float32).data)
        given.seek(0)
        process = subprocess.Popen(command, stdin=given, stdout=taken, stderr=subprocess.DEVNULL)  # noqa: S603 - this very program
        try:
            began = time.monotonic()
            while process.poll() is None:
                time.sleep(_LOOK_EVERY)
                _stop_if(lambda: cancelled() or time.monotonic() - began > _LONGEST)
        finally:
            process.kill()
            process.wait()
        taken.seek(0)
        answer = taken.read(numbers * 8 + 1)
    if process.returncode != 0 or len(answer) != numbers * 8:
        raise DataError("The map could not be computed.")
    return np.frombuffer(answer, np.float64).copy()
