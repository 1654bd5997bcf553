"""The curves of a run as event files, which TensorBoard shows.

One event file a call: every scalar series under its own name, each value at its step, and the settings of the project
as a text. tensorboardX is imported when the first one is written: it takes seconds to import.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nnviz.errors import NnvizError, StorageError
from nnviz.record.quantities import TRAINING_SECONDS, quantity_of
from nnviz.record.run import RunView

#: The texts under which TensorBoard shows what the run is a run of.
SETTINGS, ORIGIN = "settings", "run"
#: Seconds between two looks at a run that grows.
_LOOK_EVERY = 2.0


class EventFiles:
    """Writes what is new in a run to an event file. Belongs to one thread.

    Args:
        folder: Made where it is missing; each writer puts a file of its own there.
        run: Live, or from a file.
        settings: What it was made with: values by their paths.
        anew: A run is gone on with, whose beginning may stand in event files of that folder: this one holds all of it,
            and says that what was written before no longer counts.

    Raises:
        StorageError: Nothing can be written there.
    """

    def __init__(self, folder: Path, run: RunView, settings: Mapping[str, object], *, anew: bool = False) -> None:
        from tensorboardX.event_file_writer import EventsWriter  # noqa: PLC0415 - as the module says

        self._folder, self._run, self._settings = folder, run, settings
        self._cursor = 0
        #: The last step of each series that was written.
        self._written: dict[str, int] = {}
        #: How many values were written.
        self.count = 0
        self._writer: Any = self._guarded(lambda: EventsWriter(self._prefix(), ""))
        if anew:
            self._guarded(self._write_restart)
        self._guarded(self._write_texts)

    def write_new(self, *, live: bool = True) -> None:
        """Write every value that was recorded since the last call.

        Args:
            live: The values are said to be of now; else of when they were recorded, as far as the run tells.

        Raises:
            StorageError: They could not be written.
            RunFileError: The run comes from a file, and a curve in it is damaged.
        """
        changes = self._run.read_since(self._cursor)
        self._cursor = changes.cursor
        for series in sorted(changes.series):
            if is_curve(series):
                steps, values = self._run.scalars(series)
                new = steps > self._written.get(series, -1)
                if new.any():
                    self._guarded(lambda: self._write(series, steps[new], values[new], live))  # noqa: B023 - called at once
                    self._written[series] = int(steps[-1])
        self._guarded(self._writer.flush)

    def close(self) -> None:
        """Let go of the file.

        Raises:
            StorageError: The end of it could not be written.
        """
        self._guarded(self._writer.close)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _prefix(self) -> str:
        self._folder.mkdir(parents=True, exist_ok=True)
        # Two writers of the same second would write into the same file.
        number = sum(1 for _ in self._folder.glob("events*.out.tfevents.*"))
        return str(self._folder / (f"events{number}" if number else "events"))

    def _write_texts(self) -> None:
        from tensorboardX.summary import text  # noqa: PLC0415 - as the module says

        info = self._run.info
        origin = [("title", info.title), ("nnviz", info.nnviz_version), ("seed", info.seed), ("device", info.device)]
        for tag, rows in ((ORIGIN, origin), (SETTINGS, sorted(self._settings.items()))):
            lines = [f"| {_cell(name)} | {_cell(value)} |" for name, value in rows]
            self._add(text(tag, "\n".join(["| | |", "|---|---|", *lines])), 0, info.created)

    def _write_restart(self) -> None:
        """TensorBoard drops all that it has read until here; without it each step would have two values."""
        from tensorboardX.proto.event_pb2 import Event, SessionLog  # noqa: PLC0415 - as the module says

        self._writer.write_event(Event(session_log=SessionLog(status=SessionLog.START), step=0, wall_time=time.time()))

    def _write(self, series: str, steps: Any, values: Any, live: bool) -> None:
        from tensorboardX.summary import scalar  # noqa: PLC0415 - as the module says

        times = np.full(len(steps), math.nan) if live else self._times(steps)
        for step, value, at in zip(steps.tolist(), values.tolist(), times.tolist(), strict=True):
            self._add(scalar(series, value), step, at)
        self.count += len(steps)

    def _times(self, steps: Any) -> Any:
        """When (seconds since 1970) each step was made, by the training time at the ends of the epochs."""
        known, seconds = self._run.scalars(TRAINING_SECONDS.series())
        if not len(known):
            return np.full(len(steps), self._run.info.created)
        return self._run.info.created + np.interp(steps, np.append(0, known), np.append(0.0, seconds))

    def _add(self, summary: Any, step: int, wall_time: float) -> None:
        from tensorboardX.proto.event_pb2 import Event  # noqa: PLC0415 - as the module says

        at = wall_time if math.isfinite(wall_time) else time.time()
        self._writer.write_event(Event(summary=summary, step=step, wall_time=at))

    def _guarded(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise StorageError(f"The event files in {self._folder} could not be written: {reason}.") from error


class EventFollower:
    """Writes event files of a run while it grows, on a thread of its own: the training never waits for that disk.

    Args:
        folder: As of :class:`EventFiles`.
        settings: As there.
        on_error: Told once, on that thread, that nothing more is written; the training goes on.

    Attributes:
        complete: After the end: whether the event files hold all that the run was given.
    """

    def __init__(self, folder: Path, settings: Mapping[str, object], on_error: Callable[[str], None]) -> None:
        self._folder, self._settings, self._on_error = folder, settings, on_error
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self.complete = True

    def begin(self, run: RunView) -> None:
        """From now on; what the run holds already is written first."""
        anew = run.last_step >= 0
        self.complete = False  # whatever ends the thread
        self._thread = threading.Thread(target=self._follow, args=(run, anew), name="nnviz-event-files", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Nothing more comes: writes what is left and closes the file."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _follow(self, run: RunView, anew: bool) -> None:
        try:
            files = EventFiles(self._folder, run, self._settings, anew=anew)
            try:
                while not self._over.wait(_LOOK_EVERY):
                    files.write_new()
                files.write_new()
            finally:
                files.close()
            self.complete = True
        except NnvizError as error:
            self._on_error(f"{error} No more event files are written; training goes on.")


def is_curve(series: str) -> bool:
    """Whether a series is one of numbers; one that nobody declared is asked for, and is empty where it is not."""
    found = quantity_of(series)
    return found is None or found[0].kind == "scalar"


def _cell(value: object) -> str:
    """A value for a cell of a table in Markdown: on one line, with nothing that ends the cell."""
    return "".join(letter if letter.isprintable() else " " for letter in str(value)).replace("|", "\\|")
