"""The summaries of many runs, each read from its file once and kept beside the runs as long as that is as it was.

The kept summaries are a convenience: whatever is wrong with their file, they are made anew from the runs. Nothing in it
is believed of a run whose file has another size or time. Every call reads or writes the disk: not for the GUI thread.
"""

from __future__ import annotations

import dataclasses
import os
import secrets
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from nnviz import __version__
from nnviz.record.library import KeptRun
from nnviz.record.run_lock import is_written
from nnviz.record.summary import Settings, Summary, cleaned, summary
from nnviz.regular_files import read_regular

#: The file of a folder's summaries.
KEPT = ".summaries"
#: Counts up when a summary of the same program says more: what was kept before is made anew.
_FORM = 3
#: Bytes of that file that are read, and runs of which summaries are kept.
_LARGEST = 2**26
_MOST_KEPT = 20_000

#: What SQLite puts behind the name of a file for the log beside it.
_LOG = "-wal"
#: Size and time of change of a run's file and of the log beside it, in which a run that is written grows first.
_Mark = tuple[int, int, int, int]


class _Kept(msgspec.Struct):
    mark: _Mark
    summary: Summary


class _File(msgspec.Struct):
    #: The program that made them: another one may sum up in another way.
    version: str = ""
    form: int = 1
    runs: dict[str, _Kept] = {}


class Summaries:
    """What is known of the runs of one folder.

    Args:
        folder: Need not exist yet.
        settings: Takes the project of a run apart into settings.
    """

    def __init__(self, folder: Path, settings: Settings | None = None) -> None:
        self.folder = folder
        self._settings = settings
        self._kept: dict[str, _Kept] | None = None
        self._changed = False

    def of(self, runs: Iterable[KeptRun], seconds: float = float("inf")) -> tuple[Mapping[Path, Summary], bool]:
        """The summaries of these runs of the folder, as far as that many seconds reach; the newest first.

        Args:
            runs: The runs.
            seconds: After that no further file is read; what is known already is always there.

        Returns:
            By path, and whether all are there: else ask again.
        """
        kept = self._known()
        deadline = time.monotonic() + seconds
        beside = _beside(self.folder)
        found: dict[Path, Summary] = {}
        complete = True
        for run in runs:
            mark = _mark(run, beside)
            known = kept.get(run.path.name)
            if known is None or known.mark != mark:
                if time.monotonic() > deadline:
                    complete = False
                    continue
                known = kept[run.path.name] = _Kept(mark, summary(run.path, self._settings))
                self._changed = True
            running = f".{run.path.name}.lock" in beside and is_written(run.path)
            told = known.summary
            found[run.path] = told if told.running is running else dataclasses.replace(told, running=running)
        return found, complete

    def keep(self, runs: Iterable[KeptRun]) -> None:
        """Write down what is known of these runs; what cannot be written is made anew at the next start."""
        if not self._changed or self._kept is None:
            return
        self._changed = False
        names = [run.path.name for run in runs][:_MOST_KEPT]
        self._kept = {name: self._kept[name] for name in names if name in self._kept}
        content = msgspec.msgpack.encode(_File(__version__, _FORM, self._kept))
        if len(content) > _LARGEST:
            return
        beside = self.folder / f"{KEPT}.{secrets.token_hex(8)}.tmp"
        try:
            with beside.open("xb") as file:
                file.write(content)
            beside.replace(self.folder / KEPT)
        except OSError:
            with suppress(OSError):
                beside.unlink(missing_ok=True)

    def _known(self) -> dict[str, _Kept]:
        if self._kept is None:
            self._kept = {}
            with suppress(OSError, ValueError, msgspec.MsgspecError, RecursionError):
                found = msgspec.msgpack.decode(read_regular(self.folder / KEPT, _LARGEST), type=_File)
                if (found.version, found.form) == (__version__, _FORM):
                    self._kept = {name: _Kept(one.mark, cleaned(one.summary)) for name, one in found.runs.items()}
        return self._kept


def _beside(folder: Path) -> Mapping[str, tuple[int, int]]:
    """The locks in a folder, and the logs with their sizes and times."""
    found: dict[str, tuple[int, int]] = {}
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".lock"):
                found[entry.name] = (0, 0)
            elif entry.name.endswith(_LOG):
                with suppress(OSError):
                    facts = entry.stat(follow_symlinks=False)
                    found[entry.name] = (facts.st_size, facts.st_mtime_ns)
    return found


def _mark(run: KeptRun, beside: Mapping[str, tuple[int, int]]) -> _Mark:
    return (run.size, round(run.modified * 1e9), *beside.get(f"{run.path.name}{_LOG}", (0, 0)))
