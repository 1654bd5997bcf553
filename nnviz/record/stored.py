"""A run read from its file: a finished one, or one that is still growing.

A run file may come from anybody. It is opened read-only, with SQLite told to trust nothing in it; marks, version and
schema are checked before any table is read, and every row is checked before it is used. Whatever is wrong ends in a
:class:`RunFileError` of one sentence.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from nnviz.errors import RunFileError
from nnviz.record import file_format as form
from nnviz.record.opening import BROKEN, checked_connection, damaged_file
from nnviz.record.quantities import CHANGE
from nnviz.record.readings import ArrayReading, Finding, Histogram, Reading, Scalar
from nnviz.record.run import FINDINGS_LIMIT, MEMORY_LIMIT, Changes, Run, RunInfo, sorted_events, sorted_findings
from nnviz.record.run_lock import is_written
from nnviz.record.series import ScalarSeries, size_of
from nnviz.regular_files import identity

#: Points of one curve that are held in memory; beyond, least and greatest of neighbours.
POINTS_IN_MEMORY = 2**20
#: The same of all curves together, at 16 bytes each: of many curves each has fewer, but never under the least.
POINTS_OF_ALL = 2**24
LEAST_POINTS = 2**11
#: Bytes of arrays that were read and are kept, in case they are wanted again.
CACHE_BYTES = 64 * 2**20
#: Rows of curves that are kept unpacked, for the exact values at a step; one takes a megabyte at most.
BLOCKS_KEPT = 64
#: A title and a device that are longer than this are cut: they are shown on one line.
LONGEST_TITLE, LONGEST_DEVICE = 200, 40
#: 1 January of the year 9999: what was made later was not made.
LATEST = 253_370_764_800.0


class CheckpointInfo(msgspec.Struct, frozen=True):
    """A checkpoint that a run file holds. ``size`` is in bytes."""

    id: int
    step: int
    epoch: int
    tag: str
    created: float
    size: int


def open_run(path: Path | str) -> StoredRun:
    """Open a run file for reading; close it when done.

    Raises:
        RunFileError: It is missing, is not a run, is damaged, or comes from a newer nnviz.
    """
    return StoredRun(Path(path))


class StoredRun:
    """The reading half of a run, from its file. May be used by any thread, one at a time.

    Curves are loaded when they are first asked for, arrays one by one. :meth:`refresh` takes in what was added since.

    What is read late may turn out to be damaged: every method may raise a :class:`RunFileError`. Views, which must not
    care, read through a :class:`nnviz.record.tolerant.TolerantRun`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock = Lock()
        self._context = checked_connection(self.path)
        self._connection, self._file = self._context.__enter__()
        self._counter = 0
        self._told = b""
        self._changed: dict[str, int] = {}
        self._flawed: dict[str, RunFileError] = {}
        self._cache: OrderedDict[int, ArrayReading | Histogram] = OrderedDict()
        self._cache_bytes = 0
        self._data_version = -1
        self._identity = identity(self.path)
        try:
            with self._reading():
                self._info = self._read_info()
                self._forget()
                self._take_in()
        except BaseException:
            self.close()
            raise

    # -- the reading half of a run ------------------------------------------------------------------------------------

    @property
    def info(self) -> RunInfo:
        """What it is a run of."""
        return self._info

    @property
    def state(self) -> str:
        """State of the session behind it when it last wrote."""
        return self._state

    @property
    def finished(self) -> bool:
        """Whether the run was brought to its end."""
        return self._finished

    @property
    def growing(self) -> bool:
        """Whether somebody writes it now: asked of the disk each time."""
        return not self.finished and is_written(self.path)

    @property
    def last_step(self) -> int:
        """The highest step of any reading; -1 before the first."""
        return self._last_step

    def read_since(self, cursor: int) -> Changes:
        """Which series changed since the cursor, as far as :meth:`refresh` took it in."""
        with self._lock:
            return Changes(self._counter, frozenset(name for name, at in self._changed.items() if at > cursor))

    def names(self, prefix: str = "") -> list[str]:
        """Names of the series that begin so, in the order in which they appeared."""
        with self._lock:
            return [name for name in self._changed if name.startswith(prefix)]

    def scalars(self, series: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Steps and values of a curve; over a million points they are thinned, keeping least and greatest."""
        with self._reading():
            number = self._curves.get(series)
            if number is None:
                return np.empty(0, np.int64), np.empty(0, np.float64)
            self._refuse_flawed(series)
            return self._loaded_curve(number).view()

    def latest(self, series: str, step: int | None = None) -> Reading | None:
        """The newest reading of a series, or the newest that is not behind the step."""
        with self._reading():
            return self._latest(series, step)

    def at(self, step: int) -> Mapping[str, Reading]:
        """What every series showed at a step. Arrays are read from the file as they are asked for."""
        with self._reading():
            present: dict[str, Reading | None] = {}
            for name in self._changed:
                if name in self._snapshot_steps:
                    self._refuse_flawed(name)
                    if self._row_at(name, step) is not None:
                        present[name] = None
                elif (reading := self._latest(name, step)) is not None:
                    present[name] = reading
        return _Lazy(self, step, present)

    def findings(self, step: int | None = None) -> tuple[Finding, ...]:
        """What holds (or held at that step), the worst first; what was resolved is left out."""
        with self._reading():
            for name in self._findings:
                self._refuse_flawed(name)
            newest = (_newest(findings, step) for findings in self._findings.values())
            return sorted_findings(finding for finding in newest if finding is not None)

    def events(self) -> tuple[Finding, ...]:
        """What was changed by hand while it trained, all of it, the earliest first: each at the step before it held."""
        with self._reading():
            names = [name for name in self._findings if CHANGE.owns(name)]
            for name in names:
                self._refuse_flawed(name)
            return sorted_events([self._findings[name] for name in names])

    def finding_names(self) -> list[str]:
        """Names of the series of findings."""
        with self._lock:
            return list(self._findings)

    @property
    def damaged(self) -> Mapping[str, str]:
        """Series that are known to be damaged, and why."""
        with self._lock:
            return {name: error.message for name, error in self._flawed.items()}

    # -- what only a file has -----------------------------------------------------------------------------------------

    def refresh(self) -> bool:
        """Take in what was written since; true if anything was.

        Raises:
            RunFileError: It cannot be read now, or the file was removed or replaced; what was read before is kept.
        """
        with self._reading():
            try:
                grown = self._take_in()
            except BaseException:
                self._data_version = -1  # the next one tries again
                raise
            if identity(self.path) != self._identity:
                raise RunFileError("The run file was removed or replaced since it was opened.", file=str(self.path))
            self._file.check_whole()
        return grown

    def checkpoints(self) -> tuple[CheckpointInfo, ...]:
        """What checkpoints there are, in the order in which they were made."""
        with self._reading():
            rows = self._rows(
                "SELECT c.id, c.step, c.epoch, c.tag, c.created, coalesce(sum(length(b.data)), 0) "
                "FROM checkpoints c LEFT JOIN blobs b ON b.checkpoint = c.id GROUP BY c.id ORDER BY c.id",
                (int, int, int, str, float, int),
            )
            return tuple(CheckpointInfo(*row) for row in rows)

    def load_checkpoint(self, checkpoint: int | str | None = None) -> Mapping[str, bytes]:
        """The blobs of a checkpoint, by name.

        Args:
            checkpoint: Its id, or a tag: the newest that bears it. None is the newest of all; nothing where there is
                none.

        Raises:
            RunFileError: There is none, or it is damaged.
        """
        known = self.checkpoints()
        found = [c for c in known if checkpoint in (None, c.id, c.tag)]
        if checkpoint is None and not known:
            return {}
        if not found:
            raise RunFileError(f"The run has no checkpoint {checkpoint!r}.", file=str(self.path))
        if found[-1].size > form.MOST_CHECKPOINT:
            raise self._located(form.damaged("a checkpoint"))
        with self._reading():
            parts: dict[str, list[bytes]] = {}
            rows = self._rows(
                "SELECT name, part, data FROM blobs WHERE checkpoint = ? ORDER BY name, part",
                (str, int, bytes),
                (found[-1].id,),
            )
            for name, part, data in rows:
                if part != len(parts.setdefault(name, [])):
                    raise form.damaged("a checkpoint")
                parts[name].append(data)
            blobs = {name: b"".join(pieces) for name, pieces in parts.items()}
            return self._kept_once() | blobs

    def _kept_once(self) -> dict[str, bytes]:
        """The parts that belong to every checkpoint that has none of its own; see :data:`file_format.KEPT_ONCE`."""
        kept: dict[str, bytes] = {}
        for name in form.KEPT_ONCE:
            rows = self._rows(
                "SELECT data FROM blobs WHERE checkpoint = ? AND name = ? AND length(data) <= ? LIMIT 2",
                (bytes,),
                (form.OF_THE_RUN, name, form.MOST_KEPT_ONCE),
            )
            found = [data for (data,) in rows]
            if len(found) == 1:
                kept[name] = found[0]
        return kept

    def to_run(self, step: int | None = None) -> Run:
        """The same run in memory, to go on with; up to a step where one is given.

        Where the newest arrays alone would take more than a run keeps in memory, those of the last series are left out.

        Raises:
            RunFileError: Something in it is damaged: going on would lose it for good.
        """
        with self._reading():
            for name in self._flawed:
                self._refuse_flawed(name)
        run = Run(self._info)
        held = 0  # bytes of the newest arrays, which a run in memory never gives up
        for name in self.names():
            if name in self._curves:
                steps, values = self.scalars(name)
                run.append(Scalar(name, int(at), float(value)) for at, value in zip(steps, values, strict=True))
            elif name in self._findings:
                run.append(self._findings[name])
            else:
                if held > MEMORY_LIMIT:
                    continue  # it stays in the file
                reading = None
                for at, _ in self._snapshot_steps[name][:]:
                    reading = self.latest(name, at)
                    if reading is not None:
                        run.append([reading])
                held += 0 if reading is None else size_of(reading)
        run.state = self._state
        if step is not None:
            run.rewind(step)
            run.states_held = tuple((one.step, one.tag) for one in self.checkpoints() if one.step <= step)
        return run

    def close(self) -> None:
        """Let go of the file, once nobody reads in it; what is not in memory is a :class:`RunFileError` from then on.

        May be called twice, and by any thread that may wait.
        """
        with self._lock:  # SQLite ends the process where a connection is closed while another thread reads through it
            self._context.__exit__(None, None, None)

    def __enter__(self) -> StoredRun:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # -- inside, with the lock held -----------------------------------------------------------------------------------

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """The lock; and every way in which a file can be broken becomes one sentence."""
        with self._lock:
            try:
                yield
            except sqlite3.ProgrammingError:
                raise RunFileError("The run file was closed.", file=str(self.path)) from None
            except MemoryError:
                raise RunFileError("The run file needs more memory than there is.", file=str(self.path)) from None
            except (*BROKEN, OverflowError) as error:
                raise damaged_file(self.path, error) from error
            except RunFileError as error:
                raise self._located(error) from None

    def _located(self, error: RunFileError) -> RunFileError:
        return type(error)(error.message, field=error.field, file=str(self.path))

    def _rows(
        self, statement: str, types: Sequence[type], values: Sequence[int | str] = (), most: int = 10**8
    ) -> Iterator[tuple[Any, ...]]:
        """Rows whose columns are what they must be; a file can claim anything."""
        for count, row in enumerate(self._connection.execute(statement, values)):
            if count >= most or not all(isinstance(value, kind) for value, kind in zip(row, types, strict=True)):
                raise form.damaged("a table")
            yield row

    def _refuse_flawed(self, name: str) -> None:
        flaw = self._flawed.get(name)
        if flaw is not None:
            raise flaw

    def _fact(self, name: str) -> bytes:
        rows = self._rows(
            "SELECT CASE WHEN length(value) <= ? THEN value ELSE NULL END FROM facts WHERE name = ? LIMIT 1",
            (bytes,),
            (form.MOST_PROJECT, name),
        )
        value: bytes = next(rows, (b"",))[0]
        return value

    def _read_info(self) -> RunInfo:
        self._told = self._fact("info")
        try:
            info = msgspec.json.decode(self._told, type=RunInfo)
        except (msgspec.MsgspecError, RecursionError):
            raise form.damaged("what it says of itself") from None
        if abs(info.seed) > 2**63 or len(info.facts) > form.MOST_TEXT:
            raise form.damaged("what it says of itself")
        return msgspec.structs.replace(
            info,
            project_json=self._fact("project"),
            created=info.created if 0.0 <= info.created < LATEST else 0.0,
            title=_line(info.title, LONGEST_TITLE),
            device=_line(info.device, LONGEST_DEVICE),
            nnviz_version=_line(info.nnviz_version, LONGEST_DEVICE),
        )

    def _forget(self) -> None:
        """Know nothing of the series."""
        self._curves: dict[str, int] = {}
        self._loaded: dict[int, ScalarSeries] = {}
        self._blocks: OrderedDict[int, tuple[NDArray[np.int64], NDArray[np.float64]]] = OrderedDict()
        self._snapshot_steps: dict[str, list[tuple[int, int]]] = {}  # (step, row), ascending
        self._findings: dict[str, list[Finding]] = {}
        self._finding_count = 0
        self._flawed.clear()
        self._names: dict[int, tuple[str, str]] = {}
        self._last_rows = {"scalars": 0, "arrays": 0, "findings": 0}
        self._rewinds = b""
        self._state, self._finished, self._last_step = "", False, -1
        self._cache.clear()
        self._cache_bytes = 0

    def _take_in(self) -> bool:
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version == self._data_version:
            return False
        execute = self._connection.execute
        execute("BEGIN")  # one view of the file for all that follows
        try:
            self._counter += 1
            rewinds = self._fact("rewinds")
            if not rewinds or self._fact("info") != self._told:
                raise form.damaged("what it says of itself")  # cut off, or another run was written over it
            if rewinds != self._rewinds:
                self._forget()
                self._rewinds = rewinds
                self._changed = dict.fromkeys(self._changed, self._counter)
            self._take_in_state()
            self._take_in_series()
            self._take_in_curves()
            self._take_in_snapshots()
            self._take_in_findings()
        finally:
            execute("COMMIT")
        self._data_version = version
        return True

    def _take_in_state(self) -> None:
        try:
            state = msgspec.json.decode(self._fact("state"), type=_State)
        except (msgspec.MsgspecError, RecursionError):
            raise form.damaged("its state") from None
        if len(state.state) > LONGEST_DEVICE or not -1 <= state.last_step <= form.MOST_STEP:
            raise form.damaged("its state")
        self._state, self._finished, self._last_step = state.state, state.finished, state.last_step

    def _take_in_series(self) -> None:
        known = max(self._names, default=0)
        rows = self._rows("SELECT id, name, kind FROM series WHERE id > ? ORDER BY id", (int, str, str), (known,))
        written = sum(len(name) for name, _ in self._names.values()) if known else 0
        for number, name, kind in rows:
            written += len(name)
            if len(name) > 512 or len(self._names) >= form.MOST_SERIES or written > form.MOST_NAMES:
                raise form.damaged("the list of series")
            self._names[number] = (name, kind)
            if kind == form.SCALAR:
                self._curves[name] = number
            elif kind == form.SNAPSHOT:
                self._snapshot_steps[name] = []
            elif kind == form.FINDING:
                self._findings[name] = []
            else:
                raise form.damaged("the list of series")
            self._changed.setdefault(name, self._counter)

    def _new_rows(self, table: str, columns: str, types: Sequence[type]) -> Iterator[tuple[Any, ...]]:
        """Rows of a table that were not there the last time, each with its number first and its series second."""
        last = self._last_rows[table]
        statement = f"SELECT id, series, {columns} FROM {table} WHERE id > ? ORDER BY id"  # noqa: S608  # own names only
        for row in self._rows(statement, (int, int, *types), (last,)):
            self._last_rows[table] = row[0]
            yield row

    def _name(self, number: int, kind: str) -> str:
        name, its_kind = self._names.get(number, ("", ""))
        if its_kind != kind:
            raise form.damaged("the list of series")
        self._changed[name] = self._counter
        return name

    def _is_step(self, name: str, step: int) -> bool:
        """Whether this can be a step; a series with another one is flawed."""
        if 0 <= step <= form.MOST_STEP:
            return True
        self._flawed[name] = form.damaged(f"the series {name!r}")
        return False

    def _take_in_curves(self) -> None:
        for _, number, last_step in self._new_rows("scalars", "last_step", (int,)):
            name = self._name(number, form.SCALAR)
            self._blocks.pop(number, None)
            if self._is_step(name, last_step):
                self._last_step = max(self._last_step, last_step)
        for number in self._loaded:
            name = self._names[number][0]
            if self._changed[name] == self._counter and name not in self._flawed:
                try:
                    self._extend_curve(number)
                except RunFileError as error:
                    self._flawed[name] = error

    def _take_in_snapshots(self) -> None:
        changed = set()
        for _, number, step in self._new_rows("arrays", "step", (int,)):
            changed.add(number)
            if self._is_step(self._name(number, form.SNAPSHOT), step):
                self._last_step = max(self._last_step, step)
        for number in changed:  # older ones may have been thinned out meanwhile: read the whole list
            name = self._name(number, form.SNAPSHOT)
            rows = self._rows("SELECT step, id FROM arrays WHERE series = ? ORDER BY step, id", (int, int), (number,))
            self._snapshot_steps[name] = list(rows)

    def _take_in_findings(self) -> None:
        for _, number, step, content in self._new_rows("findings", "step, content", (int, str)):
            name = self._name(number, form.FINDING)
            if not self._is_step(name, step):
                continue
            findings = self._findings[name]
            before = len(findings)
            while findings and findings[-1].step >= step:
                findings.pop()
            try:
                findings.append(form.unpack_finding(name, step, content))
            except RunFileError as error:
                self._flawed[name] = error
            del findings[: max(len(findings) - FINDINGS_LIMIT, 0)]
            self._finding_count += len(findings) - before
            if self._finding_count > form.MOST_FINDINGS:
                raise form.damaged("the list of findings")

    # -- curves -------------------------------------------------------------------------------------------------------

    def _loaded_curve(self, number: int) -> ScalarSeries:
        curve = self._loaded.get(number)
        if curve is None:
            share = POINTS_OF_ALL // max(len(self._curves), 1)
            curve = self._loaded[number] = ScalarSeries(max(LEAST_POINTS, min(share, POINTS_IN_MEMORY)))
            try:
                self._extend_curve(number)
            except BaseException:
                del self._loaded[number]  # half a curve is none
                raise
        return curve

    def _extend_curve(self, number: int) -> None:
        curve = self._loaded[number]
        rows = self._rows(
            "SELECT codec, count, data FROM scalars WHERE series = ? AND last_step > ? ORDER BY first_step, id",
            (str, int, bytes),
            (number, curve.last_step if len(curve) else -(2**62)),
        )
        for codec, count, data in rows:
            steps, values = form.unpack_scalars(codec, count, data)
            new = int(np.searchsorted(steps, curve.last_step, side="right")) if len(curve) else 0
            curve.extend(steps[new:], values[new:])

    def _point(self, name: str, step: int | None) -> Scalar | None:
        """One point, exactly as it was measured, also where the curve in memory is thinned."""
        number = self._curves[name]
        sought = 2**62 if step is None else step
        block = self._blocks.get(number)
        if block is not None and block[0][0] <= sought <= block[0][-1]:
            self._blocks.move_to_end(number)
        else:
            rows = self._rows(
                "SELECT codec, count, data FROM scalars WHERE series = ? AND first_step <= ? "
                "ORDER BY first_step DESC, id DESC LIMIT 1",
                (str, int, bytes),
                (number, sought),
            )
            row = next(rows, None)
            if row is None:
                return None
            block = self._blocks[number] = form.unpack_scalars(*row)
            self._blocks.move_to_end(number)
            while len(self._blocks) > BLOCKS_KEPT:
                self._blocks.popitem(last=False)
        index = int(np.searchsorted(block[0], sought, side="right")) - 1
        return Scalar(name, int(block[0][index]), float(block[1][index])) if index >= 0 else None

    # -- arrays -------------------------------------------------------------------------------------------------------

    def _latest(self, name: str, step: int | None) -> Reading | None:
        self._refuse_flawed(name)
        if name in self._curves:
            return self._point(name, step)
        if name in self._findings:
            return _newest(self._findings[name], step)
        if name not in self._snapshot_steps:
            return None
        while (row := self._row_at(name, step)) is not None:
            reading = self._snapshot(name, row)
            if reading is not None:
                return reading
            self._snapshot_steps[name].remove(row)  # thinned out by the writer since the last refresh
        return None

    def _row_at(self, name: str, step: int | None) -> tuple[int, int] | None:
        rows = self._snapshot_steps[name]
        index = len(rows) if step is None else bisect_right(rows, (step, 2**63))
        return rows[index - 1] if index else None

    def _snapshot(self, name: str, row: tuple[int, int]) -> ArrayReading | Histogram | None:
        step, number = row
        cached = self._cache.get(number)
        if cached is not None:
            self._cache.move_to_end(number)
            return cached
        rows = self._rows(
            "SELECT codec, dtype, shape, meta, data FROM arrays WHERE id = ? AND length(data) <= ?",
            (str, str, str, str, bytes),
            (number, form.MOST_NUMBERS * 8 + 64),
        )
        found = next(rows, None)
        if found is None:
            return None
        reading = form.unpack_reading(name, step, *found)
        self._cache[number] = reading
        self._cache_bytes += size_of(reading)
        while self._cache_bytes > CACHE_BYTES and len(self._cache) > 1:
            _, oldest = self._cache.popitem(last=False)
            self._cache_bytes -= size_of(oldest)
        return reading


class _Lazy(Mapping[str, Reading]):
    """What every series showed at a step; arrays are read when they are looked at."""

    def __init__(self, run: StoredRun, step: int, present: Mapping[str, Reading | None]) -> None:
        self._run = run
        self._step = step
        self._present = present

    def __getitem__(self, series: str) -> Reading:
        reading = self._present[series]
        if reading is None:
            reading = self._run.latest(series, self._step)
        if reading is None:
            raise KeyError(series)
        return reading

    def __iter__(self) -> Iterator[str]:
        return iter(self._present)

    def __len__(self) -> int:
        return len(self._present)


class _State(msgspec.Struct):
    state: str = ""
    finished: bool = False
    last_step: int = -1


def _line(text: str, longest: int) -> str:
    """A text from anybody, as it can be shown: on one line, and not too long."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text[: longest + 1])
    return shown if len(text) <= longest else f"{shown[: longest - 1]}…"


def _newest(findings: Sequence[Finding], step: int | None) -> Finding | None:
    index = len(findings) if step is None else bisect_right(findings, step, key=lambda finding: finding.step)
    return findings[index - 1] if index else None
