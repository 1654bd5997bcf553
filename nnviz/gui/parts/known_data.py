"""What is known of data sets: found by a worker, read by views, which never ask the disk themselves."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from PySide6.QtCore import QObject, Signal

from nnviz.data import datasets
from nnviz.data.datasets import SourceFacts
from nnviz.data.step_facts import prepared
from nnviz.errors import Cancelled, InputError
from nnviz.gui.parts.background import Background
from nnviz.gui.parts.reasons import sentence_of
from nnviz.project.model import DataConfig

#: Choices that are remembered; a folder of a thousand classes takes some kilobytes.
_MOST = 64
#: Seconds between two words on how far a look is.
_BETWEEN = 0.1

_Done: TypeAlias = Callable[[SourceFacts], None]
_Failed: TypeAlias = Callable[[BaseException], None]


@dataclass
class _Look:
    """A look at the disk that is under way or waits for its turn."""

    waiting: dict[str, tuple[_Done, _Failed]] = field(default_factory=dict)
    cancelled: bool = False
    stopped: bool = False


class _Paced:
    """Passes on how far a look is, ten times a second at most: a queue of signals would starve the window."""

    def __init__(self, tell: Callable[[str, int, int], None]) -> None:
        self._tell = tell
        self._next = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _BETWEEN
            self._tell(what, done, total)


class KnownData(QObject):
    """Facts of data sets by what was chosen (kind and parameters; how they are divided changes none of them).

    All methods are for the GUI thread and return at once. Looks are taken one after the other, in the lane "data".

    Args:
        background: Runs the looks.
        data_dir: Where data sets are looked for first.
        parent: As of every QObject.
    """

    #: Something is known that was not, or is looked for.
    changed = Signal()
    #: (what is being done, how much of it is done, of how much): of the look under way; sent by its thread.
    progressed = Signal(str, int, int)

    def __init__(self, background: Background, data_dir: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._data_dir = data_dir
        self._found: OrderedDict[Hashable, SourceFacts | BaseException] = OrderedDict()
        self._looks: dict[Hashable, _Look] = {}
        #: The look that a worker takes; set by that worker.
        self._under_way: _Look | None = None
        self._ended = False

    @property
    def data_dir(self) -> Path | None:
        """Where data sets are looked for first; another place forgets what was found."""
        return self._data_dir

    @data_dir.setter
    def data_dir(self, folder: Path | None) -> None:
        self._data_dir = folder
        self._found.clear()

    # ---- what is known -------------------------------------------------------------------------------------------

    def facts(self, config: DataConfig) -> SourceFacts | None:
        """What was found, else what is declared; None where nothing is known (yet)."""
        found = self._found.get(_key(config))
        if isinstance(found, SourceFacts):
            return prepared(found, config.preparation)
        try:
            return datasets.declared(config)
        except InputError:
            return None

    def problem(self, config: DataConfig) -> str:
        """Why nothing can be known, as a sentence; empty where there is no reason."""
        try:
            datasets.values(config)
        except InputError as error:
            return sentence_of(error)
        found = self._found.get(_key(config))
        return sentence_of(found) if isinstance(found, BaseException) else ""

    def looking(self, config: DataConfig) -> bool:
        """Whether a look at the disk is under way for it."""
        return _key(config) in self._looks

    @property
    def busy(self) -> bool:
        """Whether any look at the disk is under way."""
        return bool(self._looks)

    def split_sizes(self, config: DataConfig) -> tuple[int, int, int] | None:
        """Number of (training, validation, test) examples; None where they are not known (yet)."""
        facts = self.facts(config)
        try:
            return None if facts is None else datasets.divided(config, facts.sizes, facts.validation)
        except InputError:
            return None

    # ---- finding out ---------------------------------------------------------------------------------------------

    def want(self, config: DataConfig) -> None:
        """Look at the disk for what is not known yet, for a view that shows it."""
        key = _key(config)
        if key in self._found or key in self._looks or self.problem(config):
            return
        facts = self.facts(config)
        if facts is None or not facts.looked:
            self._look(config)

    def ask(self, config: DataConfig, done: _Done, failed: _Failed, owner: str) -> None:
        """Tell what the declaration says, at once; where it says too little, look at the disk, and then tell.

        An owner who asks for something else gets no answer any more to what it asked before; a look for which nobody
        waits any longer is broken off.
        """
        self.forget(owner, _key(config))
        try:
            known = datasets.declared(config)
        except InputError as error:
            failed(error)
            return
        stopped = self._found.get(_key(config))
        if isinstance(stopped, Cancelled):
            failed(stopped)
            return
        if known is None:
            self._look(config, owner, lambda found: done(prepared(found, config.preparation)), failed)
            return
        if not known.looked:
            self._look(config)
        done(known)

    def forget(self, owner: str, but: Hashable = None) -> None:
        """The owner no longer waits for anything, ``but`` for what it may ask again."""
        for key, look in self._looks.items():
            if key != but and look.waiting.pop(owner, None) is not None and not look.waiting:
                look.cancelled = True

    def stop(self) -> None:
        """Somebody wants the look under way to end: who waits is told so, and until :meth:`go_on` none begins."""
        look = self._under_way
        if look is not None:
            look.cancelled = look.stopped = True

    def was_stopped(self, config: DataConfig) -> bool:
        """Whether nothing is known because somebody stopped the look."""
        return isinstance(self._found.get(_key(config)), Cancelled)

    def go_on(self, config: DataConfig) -> None:
        """A look that was stopped may begin again, as soon as somebody asks."""
        if self.was_stopped(config):
            del self._found[_key(config)]

    def cancel(self) -> None:
        """Break off all looks and begin no other, before the window goes."""
        self._ended = True
        for look in self._looks.values():
            look.waiting.clear()
            look.cancelled = True

    def _look(
        self, config: DataConfig, owner: str = "", done: _Done | None = None, failed: _Failed | None = None
    ) -> None:
        if self._ended:
            return
        key, folder = _key(config), self._data_dir
        look = self._looks.get(key)
        begins = look is None or look.cancelled
        if look is None or begins:
            look = self._looks[key] = _Look()
        if done is not None and failed is not None:
            look.waiting[owner] = done, failed
        if not begins:
            return
        under_way = look

        def work() -> SourceFacts:
            self._under_way = under_way
            try:
                return datasets.look(config, folder, _Paced(self.progressed.emit), lambda: under_way.cancelled)
            finally:
                self._under_way = None

        def answer(found: SourceFacts | BaseException) -> None:
            if self._looks.get(key) is not under_way:
                return
            del self._looks[key]
            waiting = list(under_way.waiting.values())
            if isinstance(found, Cancelled) and not under_way.stopped:
                self.changed.emit()
                return
            if folder == self._data_dir:
                self._found[key] = found
                self._found.move_to_end(key)
                while len(self._found) > _MOST:
                    self._found.popitem(last=False)
            for tell, refuse in waiting:
                if isinstance(found, SourceFacts):
                    tell(found)
                else:
                    refuse(found)
            self.changed.emit()

        self._background.start(work, answer, answer, lane="data")
        self.changed.emit()


def _key(config: DataConfig) -> Hashable:
    return config.dataset, tuple(sorted(config.params.items()))
