"""How a run lies in its file: an SQLite database with these tables, and nothing else in it.

Curves are kept in rows of many points each: ``codec`` says how (see :func:`pack_scalars`). Arrays are raw bytes with a
dtype from a closed list and a shape, compressed where that pays. Nothing in the file is ever executed: no pickle, no
views, no triggers, and a file whose schema is not exactly that of its version is refused before any of its tables is
read.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Mapping
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from nnviz.errors import DamagedRun
from nnviz.record.readings import ArrayReading, Cure, Finding, Histogram

_Kind = TypeVar("_Kind")

#: "nnvr": marks the file as a run in SQLite's own header.
APPLICATION_ID = 0x6E6E7672
#: The version that is written. The next one is a new entry in SCHEMAS and in RAISES: earlier files stay readable.
VERSION = 1

_FIRST = (
    "CREATE TABLE facts(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE series(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL) STRICT",
    "CREATE TABLE scalars(id INTEGER PRIMARY KEY, series INTEGER NOT NULL, first_step INTEGER NOT NULL, "
    "last_step INTEGER NOT NULL, count INTEGER NOT NULL, codec TEXT NOT NULL, data BLOB NOT NULL) STRICT",
    "CREATE INDEX scalars_by_step ON scalars(series, first_step)",
    "CREATE TABLE arrays(id INTEGER PRIMARY KEY, series INTEGER NOT NULL, step INTEGER NOT NULL, "
    "size INTEGER NOT NULL, codec TEXT NOT NULL, dtype TEXT NOT NULL, shape TEXT NOT NULL, meta TEXT NOT NULL, "
    "data BLOB NOT NULL) STRICT",
    "CREATE INDEX arrays_by_step ON arrays(series, step, size)",
    "CREATE TABLE findings(id INTEGER PRIMARY KEY, series INTEGER NOT NULL, step INTEGER NOT NULL, "
    "content TEXT NOT NULL) STRICT",
    "CREATE TABLE checkpoints(id INTEGER PRIMARY KEY, step INTEGER NOT NULL, epoch INTEGER NOT NULL, "
    "tag TEXT NOT NULL, created REAL NOT NULL) STRICT",
    "CREATE TABLE blobs(id INTEGER PRIMARY KEY, checkpoint INTEGER NOT NULL, name TEXT NOT NULL, "
    "part INTEGER NOT NULL, data BLOB NOT NULL) STRICT",
    "CREATE INDEX blobs_by_checkpoint ON blobs(checkpoint, name, part)",
)

#: Of every version that was ever written, the tables as SQLite itself writes them down; the reader compares word for
#: word with those of the file's own version. What is here never changes.
SCHEMAS: Mapping[int, tuple[str, ...]] = {1: _FIRST}
#: The statements that make a file of the version before into one of this, for each version after the first; None where
#: none can. What they lead to is word for word the version's schema. See :mod:`nnviz.record.versions` for the rule.
RAISES: Mapping[int, tuple[str, ...] | None] = {}

#: What a series holds.
SCALAR, SNAPSHOT, FINDING = "scalar", "snapshot", "finding"

#: The only kinds of numbers an array can hold, little-endian.
DTYPES: Mapping[str, np.dtype[np.generic]] = {
    name: np.dtype(code)
    for name, code in {
        "bool": "|b1",
        "uint8": "|u1",
        "int32": "<i4",
        "int64": "<i8",
        "float16": "<f2",
        "float32": "<f4",
        "float64": "<f8",
    }.items()
}
HISTOGRAM = "histogram"
_VALUE_CODES: Mapping[str, np.dtype[np.floating]] = {"f4": np.dtype("<f4"), "f8": np.dtype("<f8")}

# What a file may claim at most: a few kilobytes can claim gigabytes, so it is looked at before anything is unpacked.
#: Numbers of one array. The instruments write 2**20 at most (a map of 1,024 x 1,024), the pinned example as it is:
#: enough for an image of 1,182 x 1,182 in colour. A panel takes about thirty bytes a number to show it.
MOST_NUMBERS = 2**22
#: Bins of one histogram; the instruments write 64.
MOST_BINS = 2**12
#: Points in one row of a curve. How many of all curves are in memory is bounded where they are read.
MOST_POINTS = 2**16
MOST_TEXT = 2**16
#: Series of a run: the largest network has 10,000 nodes with about ten each.
MOST_SERIES = 2**17
#: Characters in the names of all series together.
MOST_NAMES = 2**23
#: Findings that are read; of one series the newest are enough.
MOST_FINDINGS = 2**15
MOST_PROJECT = 2**24
#: Steps beyond this are no steps: it would take the fastest computer a thousand years.
MOST_STEP = 2**53
PART_BYTES = 2**25
#: Parts of checkpoints that are the same in all of a run. They are kept once, under the number of a checkpoint that is
#: none, and belong to every checkpoint that has none of its own, as each has in older files. Bytes of one at most.
PREPARATION = "preparation"
KEPT_ONCE, OF_THE_RUN, MOST_KEPT_ONCE = (PREPARATION,), 0, PART_BYTES
MOST_CHECKPOINT = 2**34


def pack_scalars(steps: NDArray[np.int64], values: NDArray[np.float64]) -> tuple[str, bytes]:
    """Codec and bytes of points: length of the packed steps, the packed differences of the steps, the values.

    Values are kept as float32 where that loses nothing (they mostly come from there).
    """
    packed_steps = zlib.compress(np.diff(steps, prepend=0).astype("<i8").tobytes(), 1)
    with np.errstate(over="ignore"):
        narrow = values.astype("<f4")
    exact = np.array_equal(narrow.astype(np.float64), values, equal_nan=True)
    data = narrow if exact else values.astype("<f8")
    return "f4" if exact else "f8", struct.pack("<I", len(packed_steps)) + packed_steps + data.tobytes()


def unpack_scalars(codec: object, count: object, data: object) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The points of one row.

    Raises:
        RunFileError: The row contradicts itself.
    """
    if (
        not isinstance(count, int)
        or not isinstance(codec, str)
        or not isinstance(data, bytes)
        or not 0 < count <= MOST_POINTS
        or codec not in _VALUE_CODES
        or len(data) < 4
    ):
        raise damaged("a curve")
    (length,) = struct.unpack_from("<I", data)
    dtype = _VALUE_CODES[codec]
    if len(data) != 4 + length + count * dtype.itemsize:
        raise damaged("a curve")
    steps = np.cumsum(np.frombuffer(inflate(data[4 : 4 + length], count * 8, "a curve"), "<i8"), dtype=np.int64)
    if (np.diff(steps) <= 0).any() or steps[0] < 0 or steps[-1] > MOST_STEP:
        raise damaged("a curve")
    with np.errstate(invalid="ignore"):  # a signalling NaN is a NaN
        return steps, np.frombuffer(data, dtype, offset=4 + length).astype(np.float64)


def pack_array(array: NDArray[np.generic]) -> tuple[str, bytes]:
    """Codec and bytes of an array; compressed where a taste of it says that this pays."""
    raw = np.ascontiguousarray(array).tobytes()
    if len(raw) >= 256:
        middle = len(raw) // 2
        taste = raw[middle : middle + 16384]
        if len(zlib.compress(taste, 1)) < 0.8 * len(taste):
            return "zlib", zlib.compress(raw, 1)
    return "raw", raw


def pack_reading(reading: ArrayReading | Histogram) -> tuple[str, str, str, str, bytes]:
    """Codec, dtype, shape, meta and bytes.

    Raises:
        ValueError: The array holds something that a run cannot hold.
    """
    if isinstance(reading, Histogram):
        both = np.concatenate([reading.counts.astype("<i8").view(np.uint8), reading.edges.astype("<f8").view(np.uint8)])
        return _with_texts(pack_array(both), HISTOGRAM, (len(reading.counts),), {})
    name = reading.array.dtype.name
    if name not in DTYPES or reading.array.size > MOST_NUMBERS or reading.array.ndim > 8:
        raise ValueError(f"{reading.series}: an array of {reading.array.size} {name} cannot be kept in a run")
    array = reading.array.astype(DTYPES[name], copy=False)
    return _with_texts(pack_array(array), name, array.shape, reading.meta)


def _with_texts(
    packed: tuple[str, bytes], dtype: str, shape: tuple[int, ...], meta: Mapping[str, str | int | float]
) -> tuple[str, str, str, str, bytes]:
    codec, data = packed
    # JSON knows no NaN and no infinity: a fact that is not a finite number is left out.
    facts = {name: value for name, value in meta.items() if not isinstance(value, float) or math.isfinite(value)}
    return codec, dtype, msgspec.json.encode(shape).decode(), msgspec.json.encode(facts).decode(), data


def unpack_reading(
    series: str, step: int, codec: object, dtype: object, shape: object, meta: object, data: object
) -> ArrayReading | Histogram:
    """The reading of one row.

    Raises:
        RunFileError: The row contradicts itself: an unknown dtype, a shape that does not fit the bytes …
    """
    what = f"the series {series!r} at step {step}"
    if not (isinstance(codec, str) and isinstance(dtype, str) and isinstance(data, bytes)):
        raise damaged(what)
    sizes = _decoded(shape, tuple[int, ...], what)
    facts = _decoded(meta, dict[str, str | int | float], what)
    if len(sizes) > 8 or any(size < 0 for size in sizes) or math.prod(sizes) > MOST_NUMBERS:
        raise damaged(what)
    if dtype == HISTOGRAM:
        if len(sizes) != 1 or not 1 <= sizes[0] <= MOST_BINS:
            raise damaged(what)
        raw = _unpacked(codec, data, 8 * sizes[0] + 8 * (sizes[0] + 1), what)
        counts = np.frombuffer(raw, "<i8", sizes[0]).astype(np.int64)
        edges = np.frombuffer(raw, "<f8", offset=8 * sizes[0]).astype(np.float64)
        if (counts < 0).any() or not np.isfinite(edges).all() or (np.diff(edges) <= 0).any():
            raise damaged(what)
        return Histogram(series, step, counts, edges)
    if dtype not in DTYPES:
        raise damaged(what)
    kind = DTYPES[dtype]
    raw = _unpacked(codec, data, math.prod(sizes) * kind.itemsize, what)
    if dtype == "bool":
        array: NDArray[np.generic] = (np.frombuffer(raw, np.uint8) != 0).reshape(sizes)
    else:
        array = np.frombuffer(raw, kind).astype(kind.newbyteorder("=")).reshape(sizes)
    array.flags.writeable = False
    return ArrayReading(series, step, array, facts)


# What is empty is not written, so that programs from before there was a cause read what has none.
class _FindingContent(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    severity: str
    text: str
    evidence: str = ""
    node: str = ""
    cures: tuple[tuple[str, str, str], ...] = ()
    cause: str = ""


def pack_finding(finding: Finding) -> str:
    """A finding as text."""
    cures = tuple((cure.title, cure.action, cure.value) for cure in finding.cures)
    content = _FindingContent(finding.severity, finding.text, finding.evidence, finding.node, cures, finding.cause)
    return msgspec.json.encode(content).decode()


def unpack_finding(series: str, step: int, content: object) -> Finding:
    """The finding of one row.

    Raises:
        RunFileError: The row is not a finding.
    """
    found = _decoded(content, _FindingContent, f"the finding {series!r} at step {step}")
    cures = tuple(Cure(*cure) for cure in found.cures)
    return Finding(series, step, found.severity, found.text, found.evidence, found.node, cures, found.cause)


def inflate(data: bytes, size: int, what: str) -> bytes:
    """Decompress to exactly so many bytes; a bomb is not let off.

    Raises:
        RunFileError: It would be more, or less, or is no compressed data.
    """
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(data, size + 1)
    except zlib.error:
        raise damaged(what) from None
    if len(raw) != size or not inflater.eof:
        raise damaged(what)
    return raw


def damaged(what: str) -> DamagedRun:
    """The error for a part that cannot be read."""
    return DamagedRun(f"The run file is damaged: {what} cannot be read.")


def _unpacked(codec: str, data: bytes, size: int, what: str) -> bytes:
    if codec == "zlib":
        return inflate(data, size, what)
    if codec != "raw" or len(data) != size:
        raise damaged(what)
    return data


def _decoded(text: object, kind: type[_Kind], what: str) -> _Kind:
    if not isinstance(text, str) or len(text) > MOST_TEXT:
        raise damaged(what)
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, RecursionError):
        raise damaged(what) from None
